/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of shared memory: each form allows what it should and refuses the rest, and
 * nothing is left behind.
 */
#include "mem/shared_mem.h"

#include "kit/fail.h"
#include "mem/faults.h"
#include "mem/read_only_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static const enum shared_mem_backing backings[] = { SHARED_MEM_PRIVATE, SHARED_MEM_FILE };

static struct shared_mem *make(uint64_t size, enum shared_mem_backing backing)
{
	struct shared_mem *mem;
	assert_int_equal(shared_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), size, backing, NULL),
			 MOTE_OK);
	return mem;
}

static struct shared_mem *make_shared(uint64_t size)
{
	struct shared_mem *mem = make(size, SHARED_MEM_PRIVATE);
	assert_int_equal(shared_mem_share(mem, NULL), MOTE_OK);
	return mem;
}

static struct shared_mem *make_read_only(void)
{
	static uint8_t contents[2 * PAGE];
	struct shared_mem *mem;
	memset(contents, 0x5a, sizeof contents);
	assert_int_equal(read_only_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), contents,
					   sizeof contents, PAGE, SHARED_MEM_FILE, NULL),
			 MOTE_OK);
	return mem;
}

static void drop(struct shared_mem *mem)
{
	shared_mem_unref(mem);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s", leak);
}

static void sizes_that_make_no_block_are_refused(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {
		0, 1, PAGE - 1, PAGE + 1, UINT64_MAX, UINT64_C(1) << 63, UINT64_MAX - PAGE + 1,
	};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct shared_mem *mem = (void *)state;
		mote_error err = { .code = MOTE_OK };
		assert_int_equal(shared_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), sizes[i],
						SHARED_MEM_PRIVATE, &err),
				 MOTE_E_INVALID);
		assert_null(mem);
		assert_non_null(strstr(err.message, "4096"));
		assert_null(fail_leak());
	}
	/* No system has that much; in which words they say so is for the tests of mappings. */
	struct shared_mem *mem;
	mote_status status =
		shared_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), (uint64_t)PTRDIFF_MAX + 1 - PAGE,
			       SHARED_MEM_PRIVATE, NULL);
	assert_int_equal(mote_status_class(status), mote_status_class(MOTE_E_NOMEM));
	assert_null(fail_leak());
}

static void a_block_lives_as_long_as_its_references(void **state)
{
	(void)state;
	struct shared_mem *mem = make(PAGE, SHARED_MEM_FILE);
	assert_ptr_equal(shared_mem_ref(mem), mem);
	shared_mem_unref(mem);
	assert_non_null(fail_leak());
	assert_int_equal(shared_mem_bytes(mem)[PAGE - 1], 0);
	drop(mem);
	shared_mem_unref(NULL);
}

/* What can be asked of a block. Each undoes what it did. */
static mote_status do_read(struct shared_mem *mem, mote_error *err)
{
	uint64_t value;
	return shared_mem_read_u64(mem, 8, &value, err);
}
static mote_status do_write(struct shared_mem *mem, mote_error *err)
{
	return shared_mem_write(mem, 0, "x", 1, err);
}
static mote_status do_write_number(struct shared_mem *mem, mote_error *err)
{
	return shared_mem_write_u16(mem, 0, 1, err);
}
static mote_status do_fill(struct shared_mem *mem, mote_error *err)
{
	return shared_mem_fill(mem, 0, 1, 1, err);
}
static mote_status do_zero(struct shared_mem *mem, mote_error *err)
{
	return shared_mem_zero(mem, 0, 1, err);
}
static mote_status do_run(struct shared_mem *mem, mote_error *err)
{
	mote_status status = shared_mem_run_begin(mem, err);
	if (!status)
		shared_mem_run_end(mem);
	return status;
}
static mote_status do_lock(struct shared_mem *mem, mote_error *err)
{
	uint8_t *bytes = NULL;
	mote_status status = shared_mem_lock(mem, &bytes, err);
	assert_ptr_equal(bytes, status ? NULL : shared_mem_base(mem));
	if (!status)
		shared_mem_unlock(mem);
	return status;
}
static mote_status do_bytes(struct shared_mem *mem, mote_error *err)
{
	return shared_mem_bytes(mem) ? MOTE_OK : error_set(err, MOTE_E_STATE, "none");
}
static mote_status do_contents(struct shared_mem *mem, mote_error *err)
{
	return shared_mem_contents(mem) ? MOTE_OK : error_set(err, MOTE_E_STATE, "none");
}

enum condition { IS_EXCLUSIVE, IS_SHARED, IS_RUNNING, IS_LOCKED, IS_READ_ONLY, CONDITIONS };

static struct shared_mem *make_in(enum condition condition)
{
	uint8_t *bytes;
	if (condition == IS_EXCLUSIVE)
		return make(2 * PAGE, SHARED_MEM_PRIVATE);
	if (condition == IS_READ_ONLY)
		return make_read_only();
	struct shared_mem *mem = make_shared(2 * PAGE);
	if (condition == IS_RUNNING)
		assert_int_equal(shared_mem_run_begin(mem, NULL), MOTE_OK);
	if (condition == IS_LOCKED)
		assert_int_equal(shared_mem_lock(mem, &bytes, NULL), MOTE_OK);
	return mem;
}

static const struct {
	const char *what;
	mote_status (*action)(struct shared_mem *mem, mote_error *err);
	bool works[CONDITIONS]; /* exclusive, shared, running, locked, read-only */
} form_rows[] = {
	{ "read", do_read, { 1, 1, 1, 0, 1 } },
	{ "write", do_write, { 1, 1, 1, 0, 0 } },
	{ "write a number", do_write_number, { 1, 1, 1, 0, 0 } },
	{ "fill", do_fill, { 1, 1, 1, 0, 0 } },
	{ "zero", do_zero, { 1, 1, 1, 0, 0 } },
	{ "run a guest", do_run, { 0, 1, 1, 0, 1 } },
	{ "lock", do_lock, { 0, 1, 0, 0, 0 } },
	{ "share", shared_mem_share, { 1, 0, 0, 0, 0 } },
	{ "plain bytes", do_bytes, { 1, 0, 0, 0, 0 } },
	{ "constant bytes", do_contents, { 0, 0, 0, 0, 1 } },
};

static void each_form_allows_what_is_safe_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof form_rows / sizeof form_rows[0]; i++) {
		for (enum condition in = 0; in < CONDITIONS; in++) {
			struct shared_mem *mem = make_in(in);
			mote_error err = { .code = MOTE_OK };
			mote_status want = form_rows[i].works[in] ? MOTE_OK : MOTE_E_STATE;
			mote_status got = form_rows[i].action(mem, &err);
			if (got != want || err.code != want)
				fail_msg("%s in condition %d: got %s (%s), want %s",
					 form_rows[i].what, (int)in, mote_status_name(got),
					 err.message, mote_status_name(want));
			/* a refusal leaves no trace: the same again gives the same */
			if (want != MOTE_OK)
				assert_int_equal(form_rows[i].action(mem, NULL), want);
			drop(mem);
		}
	}
}

static void a_lock_opens_when_the_last_guest_stops_and_closes_again(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE);
	uint8_t *bytes;
	mote_error err;

	assert_int_equal(shared_mem_run_begin(mem, NULL), MOTE_OK);
	assert_int_equal(shared_mem_run_begin(mem, NULL), MOTE_OK);
	shared_mem_run_end(mem);
	assert_int_equal(shared_mem_lock(mem, &bytes, &err), MOTE_E_STATE);
	assert_non_null(strstr(err.message, "in use"));
	shared_mem_run_end(mem);
	assert_int_equal(shared_mem_lock(mem, &bytes, NULL), MOTE_OK);
	bytes[3] = 9;
	assert_int_equal(shared_mem_run_begin(mem, &err), MOTE_E_STATE);
	assert_non_null(strstr(err.message, "locked"));
	shared_mem_unlock(mem);

	uint8_t value;
	assert_int_equal(shared_mem_read_u8(mem, 3, &value, NULL), MOTE_OK);
	assert_int_equal(value, 9);
	drop(mem);
}

static void a_read_only_block_shows_guests_a_prefix(void **state)
{
	(void)state;
	struct shared_mem *mem = make_read_only();
	uint8_t last;

	assert_int_equal(shared_mem_size(mem), 2 * PAGE);
	assert_int_equal(shared_mem_guest_size(mem), PAGE);
	assert_int_equal(shared_mem_read_u8(mem, 2 * PAGE - 1, &last, NULL), MOTE_OK);
	assert_int_equal(last, 0x5a);
	assert_int_equal(shared_mem_contents(mem)[0], 0x5a);
	assert_true(faults(shared_mem_base(mem), ACCESS_WRITE));
	drop(mem);

	mem = make(PAGE, SHARED_MEM_PRIVATE);
	assert_int_equal(shared_mem_guest_size(mem), PAGE);
	drop(mem);

	static const uint64_t bad[] = { 1, PAGE - 1, 2 * PAGE, UINT64_MAX };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(read_only_mem_new(&mem, fail_host(0, FAIL_ONCE, 0),
						   (uint8_t[PAGE]){ 0 }, PAGE, bad[i],
						   SHARED_MEM_PRIVATE, NULL),
				 MOTE_E_INVALID);
}

static void a_block_becomes_read_only_as_it_is(void **state)
{
	(void)state;
	struct shared_mem *mem = make(2 * PAGE, SHARED_MEM_PRIVATE);

	shared_mem_bytes(mem)[PAGE + 7] = 9;
	assert_int_equal(shared_mem_make_read_only(mem, 3 * PAGE, NULL), MOTE_E_INVALID);
	assert_int_equal(shared_mem_make_read_only(mem, 1, NULL), MOTE_E_INVALID);
	assert_int_equal(shared_mem_make_read_only(mem, PAGE, NULL), MOTE_OK);
	assert_int_equal(shared_mem_guest_size(mem), PAGE);
	assert_int_equal(shared_mem_contents(mem)[PAGE + 7], 9);
	assert_null(shared_mem_bytes(mem));
	assert_true(faults(shared_mem_base(mem), ACCESS_WRITE));
	assert_int_equal(shared_mem_make_read_only(mem, PAGE, NULL), MOTE_E_STATE);
	drop(mem);

	mem = make(PAGE, SHARED_MEM_PRIVATE);
	assert_int_equal(shared_mem_share(mem, NULL), MOTE_OK);
	assert_int_equal(shared_mem_make_read_only(mem, PAGE, NULL), MOTE_E_STATE);
	drop(mem);
}

static void populating_changes_no_byte_and_stays_in_the_block(void **state)
{
	(void)state;
	struct shared_mem *mem = make(4 * PAGE, SHARED_MEM_PRIVATE);
	shared_mem_bytes(mem)[PAGE] = 7;
	shared_mem_populate(mem, PAGE, 2 * PAGE);
	assert_int_equal(shared_mem_bytes(mem)[PAGE], 7);
	assert_int_equal(shared_mem_bytes(mem)[2 * PAGE], 0);

	/* what is not in the block is not asked for */
	unsigned before = fail_operations();
	shared_mem_populate(mem, 3 * PAGE, 2 * PAGE);
	shared_mem_populate(mem, UINT64_MAX - PAGE + 1, 2 * PAGE);
	assert_int_equal(fail_operations(), before);
	assert_int_equal(shared_mem_share(mem, NULL), MOTE_OK);
	shared_mem_populate(mem, 0, 4 * PAGE);
	uint8_t byte;
	assert_int_equal(shared_mem_read(mem, PAGE, &byte, 1, NULL), MOTE_OK);
	assert_int_equal(byte, 7);
	drop(mem);

	/* nor what nobody can write to */
	static const uint8_t contents[PAGE];
	assert_int_equal(read_only_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), contents, PAGE, PAGE,
					   SHARED_MEM_PRIVATE, NULL),
			 MOTE_OK);
	before = fail_operations();
	shared_mem_populate(mem, 0, PAGE);
	assert_int_equal(fail_operations(), before);
	drop(mem);
}

static mote_status make_all_kinds(const struct host *host, void *backing, mote_error *err)
{
	static uint8_t contents[PAGE];
	enum shared_mem_backing with = *(enum shared_mem_backing *)backing;
	struct shared_mem *mem, *copy;
	mote_status status = shared_mem_new(&mem, host, PAGE, with, err);
	if (status) {
		assert_null(mem);
		return status;
	}
	status = read_only_mem_new(&copy, host, contents, PAGE, PAGE, with, err);
	if (status)
		assert_null(copy);
	shared_mem_unref(copy);
	shared_mem_unref(mem);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		enum shared_mem_backing backing = backings[i];
		fail_each_operation(make_all_kinds, &backing, NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_that_make_no_block_are_refused),
		cmocka_unit_test(a_block_lives_as_long_as_its_references),
		cmocka_unit_test(each_form_allows_what_is_safe_and_nothing_else),
		cmocka_unit_test(a_lock_opens_when_the_last_guest_stops_and_closes_again),
		cmocka_unit_test(a_read_only_block_shows_guests_a_prefix),
		cmocka_unit_test(a_block_becomes_read_only_as_it_is),
		cmocka_unit_test(populating_changes_no_byte_and_stays_in_the_block),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings: aligned, guarded on both sides, zero when fresh and after a discard, and gone
 * without a trace when a step of making them fails.
 */
#define _GNU_SOURCE
#include "mem/mapping.h"

#include "kit/fail.h"
#include "mem/faults.h"
#include "mem/shared_mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = 4096, HUGE = 2 << 20 };

static const size_t sizes[] = { PAGE, 3 * PAGE, HUGE - PAGE, HUGE, HUGE + PAGE, 5 * HUGE };

typedef void check_fn(struct mapping *mapping, const struct host *host);

/* Runs CHECK on a mapping of every size, with and without a descriptor. */
static void for_each_mapping(check_fn *check)
{
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int with_fd = 0; with_fd < 2; with_fd++) {
			const struct host *host = fail_host(0, FAIL_ONCE, 0);
			struct mapping mapping;
			assert_int_equal(mapping_init(&mapping, host, sizes[i], with_fd, NULL),
					 MOTE_OK);
			assert_int_equal(mapping.size, sizes[i]);
			assert_int_equal(mapping.fd >= 0, with_fd);
			check(&mapping, host);
			mapping_fini(&mapping, host);
			assert_null(fail_leak());
			mapping_fini(&mapping, host);
		}
	}
}

static void check_shape(struct mapping *mapping, const struct host *host)
{
	(void)host;
	uint8_t *base = mapping->base;
	size_t size = mapping->size;

	assert_int_equal((uintptr_t)base % (size < HUGE ? PAGE : HUGE), 0);
	uint8_t *reserved = mapping->reserved;
	assert_true(reserved <= base - PAGE); /* guards of our own, not by luck */
	assert_true(reserved + mapping->reserved_size >= base + size + PAGE);
	assert_true(faults(base - 1, ACCESS_READ));
	assert_true(faults(base - PAGE, ACCESS_WRITE));
	assert_true(faults(base + size, ACCESS_WRITE));
	assert_true(faults(base + size + PAGE - 1, ACCESS_READ));
	assert_false(faults(base, ACCESS_WRITE));
	assert_false(faults(base + size - 1, ACCESS_WRITE));
}

static void mappings_are_aligned_and_guarded(void **state)
{
	(void)state;
	for_each_mapping(check_shape);
}

static void check_discard(struct mapping *mapping, const struct host *host)
{
	uint8_t *last = mapping->base + mapping->size - PAGE;

	assert_int_equal(mapping->base[0], 0);
	mapping->base[0] = 1;
	mapping->base[mapping->size - 1] = 2;
	assert_true(mapping_discard(mapping, host, mapping->size - PAGE, PAGE));
	assert_int_equal(last[PAGE - 1], 0);
	assert_int_equal(mapping->base[0], mapping->size > PAGE ? 1 : 0);
}

static void discarded_pages_read_as_zero_and_others_stay(void **state)
{
	(void)state;
	for_each_mapping(check_discard);
}

static void check_seal(struct mapping *mapping, const struct host *host)
{
	mapping->base[7] = 42;
	assert_int_equal(mapping_seal(mapping, host, NULL), MOTE_OK);
	assert_int_equal(mapping->base[7], 42);
	assert_true(faults(mapping->base, ACCESS_WRITE));
	assert_true(faults(mapping->base + mapping->size - 1, ACCESS_WRITE));
}

static void sealed_mappings_refuse_writes(void **state)
{
	(void)state;
	for_each_mapping(check_seal);
}

static void the_descriptor_leads_to_the_same_bytes(void **state)
{
	(void)state;
	struct host host;
	struct mapping mapping;
	char found[6] = "";

	host_init(&host);
	assert_int_equal(mapping_init(&mapping, &host, 2 * PAGE, true, NULL), MOTE_OK);
	memcpy(mapping.base + PAGE, "hello", 6);
	assert_int_equal(pread(mapping.fd, found, 6, PAGE), 6);
	assert_string_equal(found, "hello");
	struct stat stat;
	assert_int_equal(fstat(mapping.fd, &stat), 0);
	assert_int_equal(stat.st_size, 2 * PAGE);
	mapping_fini(&mapping, &host);
}

static void a_block_has_a_descriptor_when_it_has_a_file(void **state)
{
	(void)state;
	struct host host;
	struct shared_mem *mem;

	host_init(&host);
	for (int with_fd = 0; with_fd < 2; with_fd++) {
		enum shared_mem_backing backing = with_fd ? SHARED_MEM_FILE : SHARED_MEM_PRIVATE;
		assert_int_equal(shared_mem_new(&mem, &host, PAGE, backing, NULL), MOTE_OK);
		assert_int_equal(shared_mem_fd(mem) >= 0, with_fd);
		shared_mem_unref(mem);
	}
}

static void a_size_that_wraps_is_refused(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mapping mapping;
	mote_error err;

	assert_int_equal(mapping_init(&mapping, host, SIZE_MAX - 2 * PAGE + 1, false, &err),
			 MOTE_E_NOMEM);
	assert_int_equal(mapping_init(&mapping, host, SIZE_MAX / 4 + 1, true, &err), MOTE_E_NOMEM);
	assert_null(fail_leak());
}

static mote_status make_and_seal(const struct host *host, void *with_fd, mote_error *err)
{
	struct mapping mapping;
	mote_status status = mapping_init(&mapping, host, HUGE, with_fd != NULL, err);
	if (status) {
		assert_null(mapping.reserved);
		assert_int_equal(mapping.fd, -1);
		return status;
	}
	status = mapping_seal(&mapping, host, err);
	mapping_fini(&mapping, host);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_operation(make_and_seal, NULL, NULL);
	fail_each_operation(make_and_seal, "", NULL);
}

static void what_shows_no_file_can_be_discarded(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mapping mapping, source;

	assert_int_equal(mapping_init(&mapping, host, 16 * PAGE, false, NULL), MOTE_OK);
	assert_int_equal(mapping_init(&source, host, 8 * PAGE, true, NULL), MOTE_OK);
	memset(source.base, 5, source.size);
	memset(mapping.base, 1, mapping.size);
	for (size_t at = 4; at <= 8; at += 4)
		assert_int_equal(mapping_show_file(&mapping, host, at * PAGE, 2 * PAGE, source.fd,
						   PAGE, true, NULL),
				 MOTE_OK);
	assert_false(mapping_discard(&mapping, host, 0, 5 * PAGE));
	assert_false(mapping_discard(&mapping, host, 9 * PAGE, PAGE));
	assert_false(mapping_discard(&mapping, host, 6 * PAGE, PAGE)); /* between two */
	assert_int_equal(mapping.base[3 * PAGE], 1);
	assert_int_equal(mapping.base[4 * PAGE], 5);
	assert_true(mapping_discard(&mapping, host, 0, 4 * PAGE));
	assert_true(mapping_discard(&mapping, host, 10 * PAGE, 6 * PAGE));
	assert_int_equal(mapping.base[3 * PAGE], 0);
	assert_int_equal(mapping.base[10 * PAGE], 0);
	assert_int_equal(mapping.base[9 * PAGE], 5);
	/* part of them are still there; and then none */
	assert_int_equal(mapping_show_zeroes(&mapping, host, 5 * PAGE, 8 * PAGE, NULL), MOTE_OK);
	assert_false(mapping_discard(&mapping, host, 4 * PAGE, PAGE));
	assert_int_equal(mapping_show_zeroes(&mapping, host, 4 * PAGE, 6 * PAGE, NULL), MOTE_OK);
	assert_true(mapping_discard(&mapping, host, 0, 16 * PAGE));
	mapping_fini(&source, host);
	mapping_fini(&mapping, host);
}

/* 64 MiB at once, and a 64th of all, are mapped anew; less is the caller's to clear. */
static void much_that_shows_files_is_mapped_anew(void **state)
{
	(void)state;
	static const struct {
		size_t size, discarded;
		bool want;
	} rows[] = {
		{ (size_t)128 << 20, (size_t)64 << 20, true },
		{ (size_t)128 << 20, ((size_t)64 << 20) - PAGE, false },
		{ (size_t)8 << 30, (size_t)128 << 20, true },
		{ (size_t)8 << 30, (size_t)64 << 20, false },
	};
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mapping mapping, source;

	assert_int_equal(mapping_init(&source, host, PAGE, true, NULL), MOTE_OK);
	memset(source.base, 5, PAGE);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(mapping_init(&mapping, host, rows[i].size, false, NULL), MOTE_OK);
		for (size_t at = 0; at < 2; at++)
			assert_int_equal(mapping_show_file(&mapping, host, at * 3 * PAGE, PAGE,
							   source.fd, 0, true, NULL),
					 MOTE_OK);
		assert_int_equal(mapping_discard(&mapping, host, PAGE, rows[i].discarded),
				 rows[i].want);
		assert_int_equal(mapping.base[0], 5);
		assert_int_equal(mapping.base[3 * PAGE], rows[i].want ? 0 : 5);
		mapping_fini(&mapping, host);
	}
	mapping_fini(&source, host);
	assert_null(fail_leak());
}

/* A kernel that answers ioctls with this errno. */
static int refusal;

static int refuse(int fd, unsigned long request, void *argument)
{
	(void)fd, (void)request, (void)argument;
	errno = refusal;
	return -1;
}

/* Every third page, and more in a row than are told at once. */
static bool is_touched(size_t page)
{
	return page % 3 == 0 || (page > 1000 && page < 1700);
}

static void check_touched(const struct sys *sys, mote_status want)
{
	enum { PAGES = 2048, SHOWN = 300 };
	uint64_t bits[PAGES / 64] = { 0 };
	const struct host host = { .sys = sys };
	struct mapping mapping;

	assert_int_equal(mapping_init(&mapping, &host, PAGES * PAGE, false, NULL), MOTE_OK);
	madvise(mapping.base, mapping.size, MADV_NOHUGEPAGE);
	int fd = memfd_create("shown", 0);
	assert_int_equal(ftruncate(fd, SHOWN * PAGE), 0);
	assert_int_equal(
		mapping_show_file(&mapping, &host, 500 * PAGE, SHOWN * PAGE, fd, 0, true, NULL),
		MOTE_OK);
	/* what is read there is the file's still */
	for (size_t i = 500; i < 500 + SHOWN; i++)
		assert_int_equal(((volatile uint8_t *)mapping.base)[i * PAGE], 0);
	for (size_t i = 0; i < PAGES; i++)
		if (is_touched(i))
			mapping.base[i * PAGE] = 1;
	assert_int_equal(mapping_touched(&mapping, &host, bits, NULL), want);
	for (size_t i = 0; !want && i < PAGES; i++)
		assert_int_equal(bits[i / 64] >> i % 64 & 1, is_touched(i));
	mapping_fini(&mapping, &host);
	close(fd);
}

static void what_was_touched_is_known_with_new_kernels_and_old(void **state)
{
	(void)state;
	static const int missing[] = { ENOTTY, EINVAL, ENOSYS, EPERM, EACCES };
	struct sys sys = *sys_native;

	check_touched(&sys, MOTE_OK);
	sys.ioctl = refuse;
	for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
		refusal = missing[i];
		check_touched(&sys, MOTE_OK);
	}
	refusal = EIO;
	check_touched(&sys, MOTE_E_OS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mappings_are_aligned_and_guarded),
		cmocka_unit_test(discarded_pages_read_as_zero_and_others_stay),
		cmocka_unit_test(sealed_mappings_refuse_writes),
		cmocka_unit_test(the_descriptor_leads_to_the_same_bytes),
		cmocka_unit_test(a_block_has_a_descriptor_when_it_has_a_file),
		cmocka_unit_test(a_size_that_wraps_is_refused),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
		cmocka_unit_test(what_shows_no_file_can_be_discarded),
		cmocka_unit_test(much_that_shows_files_is_mapped_anew),
		cmocka_unit_test(what_was_touched_is_known_with_new_kernels_and_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

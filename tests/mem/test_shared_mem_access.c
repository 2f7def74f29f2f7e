/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies out of and into shared memory: none leaves the block, a guest that writes meanwhile
 * disturbs none, and zeroing leaves zeroes whichever way it goes.
 */
#include "mem/shared_mem.h"

#include "kit/fail.h"
#include "kit/guest_side.h"
#include "mem/mapping.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096, BIG = 64 * PAGE };

static const enum shared_mem_backing backings[] = { SHARED_MEM_PRIVATE, SHARED_MEM_FILE };

static struct shared_mem *make_shared(uint64_t size, enum shared_mem_backing backing)
{
	struct shared_mem *mem;
	assert_int_equal(shared_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), size, backing, NULL),
			 MOTE_OK);
	assert_int_equal(shared_mem_share(mem, NULL), MOTE_OK);
	return mem;
}

static void drop(struct shared_mem *mem)
{
	shared_mem_unref(mem);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s", leak);
}

static const struct {
	const char *what;
	uint64_t offset;
	uint64_t size;
	bool fits;
} bounds_rows[] = {
	{ "nothing, at the start", 0, 0, true },
	{ "nothing, at the end", PAGE, 0, true },
	{ "nothing, past the end", PAGE + 1, 0, false },
	{ "all of it", 0, PAGE, true },
	{ "one byte too many", 0, PAGE + 1, false },
	{ "one byte too many from the middle", 100, PAGE - 99, false },
	{ "up to the last byte", 100, PAGE - 100, true },
	{ "the first byte behind", PAGE, 1, false },
	{ "offset + size wraps to 0", 1, UINT64_MAX, false },
	{ "offset + size wraps to the middle", UINT64_MAX - 9, 20, false },
	{ "the highest offset", UINT64_MAX, 1, false },
};

static void no_access_leaves_the_block(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE, SHARED_MEM_PRIVATE);
	static uint8_t buffer[PAGE + 1];

	for (size_t i = 0; i < sizeof bounds_rows / sizeof bounds_rows[0]; i++) {
		uint64_t offset = bounds_rows[i].offset;
		uint64_t size = bounds_rows[i].size;
		mote_status want = bounds_rows[i].fits ? MOTE_OK : MOTE_E_INVALID;
		mote_error err = { .code = MOTE_OK };
		if (shared_mem_read(mem, offset, buffer, size, &err) != want ||
		    shared_mem_write(mem, offset, buffer, size, &err) != want ||
		    shared_mem_fill(mem, offset, 1, size, &err) != want ||
		    shared_mem_zero(mem, offset, size, &err) != want || err.code != want)
			fail_msg("%s: want %s", bounds_rows[i].what, mote_status_name(want));
	}
	drop(mem);
}

#define CHECK_TYPED(name, type, value)                                                             \
	do {                                                                                       \
		const type wanted = (type)(value);                                                 \
		type got;                                                                          \
		for (uint64_t at = 0; at < 20; at++) {                                             \
			uint8_t raw[sizeof(type)];                                                 \
			assert_int_equal(shared_mem_write_##name(mem, at, wanted, NULL), MOTE_OK); \
			assert_int_equal(shared_mem_read(mem, at, raw, sizeof raw, NULL),          \
					 MOTE_OK);                                                 \
			assert_memory_equal(raw, &wanted, sizeof raw);                             \
			assert_int_equal(shared_mem_read_##name(mem, at, &got, NULL), MOTE_OK);    \
			assert_true(got == wanted);                                                \
		}                                                                                  \
		uint64_t end = PAGE - sizeof(type);                                                \
		assert_int_equal(shared_mem_write_##name(mem, end, wanted, NULL), MOTE_OK);        \
		assert_int_equal(shared_mem_write_##name(mem, end + 1, 0, NULL), MOTE_E_INVALID);  \
		assert_int_equal(shared_mem_read_##name(mem, end, &got, NULL), MOTE_OK);           \
		assert_true(got == wanted);                                                        \
		assert_int_equal(shared_mem_read_##name(mem, end + 1, &got, NULL),                 \
				 MOTE_E_INVALID);                                                  \
		assert_true(got == 0);                                                             \
		assert_int_equal(shared_mem_read_##name(mem, UINT64_MAX, &got, NULL),              \
				 MOTE_E_INVALID);                                                  \
	} while (0)

static void numbers_keep_their_value_at_every_alignment(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE, SHARED_MEM_PRIVATE);
	const uint64_t value = UINT64_C(0xf1e2d3c4b5a69788);
	CHECK_TYPED(u8, uint8_t, value);
	CHECK_TYPED(u16, uint16_t, value);
	CHECK_TYPED(u32, uint32_t, value);
	CHECK_TYPED(u64, uint64_t, value);
	drop(mem);
}

static void check_zeroed(struct shared_mem *mem, uint64_t offset, uint64_t size)
{
	static uint8_t copy[BIG];
	assert_int_equal(shared_mem_fill(mem, 0, 0xee, BIG, NULL), MOTE_OK);
	assert_int_equal(shared_mem_zero(mem, offset, size, NULL), MOTE_OK);
	assert_int_equal(shared_mem_read(mem, 0, copy, BIG, NULL), MOTE_OK);
	for (uint64_t i = 0; i < BIG; i++) {
		bool inside = i >= offset && i - offset < size;
		if (copy[i] != (inside ? 0 : 0xee))
			fail_msg("zeroing %u bytes at %u: byte %u is 0x%x", (unsigned)size,
				 (unsigned)offset, (unsigned)i, copy[i]);
	}
}

/* Around one page and around the size from which pages are given back. */
static const uint64_t zero_sizes[] = {
	0,
	1,
	15,
	PAGE - 1,
	PAGE,
	PAGE + 1,
	16 * PAGE - 1,
	16 * PAGE,
	16 * PAGE + 1,
	17 * PAGE - 1,
	17 * PAGE,
	17 * PAGE + 1,
	40 * PAGE + 5,
};
static const uint64_t zero_offsets[] = { 0, 1, 16, PAGE - 1, PAGE, PAGE + 1, 7 * PAGE + 100 };

static void zero_exactly(struct shared_mem *mem)
{
	for (size_t i = 0; i < sizeof zero_offsets / sizeof zero_offsets[0]; i++)
		for (size_t k = 0; k < sizeof zero_sizes / sizeof zero_sizes[0]; k++)
			check_zeroed(mem, zero_offsets[i], zero_sizes[k]);
	check_zeroed(mem, 0, BIG);
	check_zeroed(mem, BIG - 20 * PAGE, 20 * PAGE);
}

static void zeroing_is_exact_for_both_backings(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct shared_mem *mem = make_shared(BIG, backings[i]);
		zero_exactly(mem);
		drop(mem);
	}
}

/* Windows takes no page back, and is not even asked. */
static void skip_unless_pages_are_taken_back(void)
{
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mapping mapping;
	assert_int_equal(mapping_init(&mapping, host, PAGE, false, NULL), MOTE_OK);
	bool takes = mapping_discard(&mapping, host, 0, PAGE);
	mapping_fini(&mapping, host);
	if (!takes) {
		print_message("SKIP giving pages back: this system takes none\n");
		skip();
	}
}

static void large_ranges_are_given_back_and_small_ones_cleared(void **state)
{
	(void)state;
	skip_unless_pages_are_taken_back();
	for (size_t i = 0; i < 2; i++) {
		struct shared_mem *mem = make_shared(BIG, backings[i]);
		unsigned before = fail_operations();
		assert_int_equal(shared_mem_zero(mem, 1, 15 * PAGE, NULL), MOTE_OK);
		assert_int_equal(fail_operations(), before);
		assert_int_equal(shared_mem_zero(mem, 0, 16 * PAGE, NULL), MOTE_OK);
		assert_int_equal(fail_operations(), before + 1);
		drop(mem);
	}
}

static void zeroing_works_when_the_system_takes_nothing_back(void **state)
{
	(void)state;
	skip_unless_pages_are_taken_back();
	struct shared_mem *mem = make_shared(BIG, SHARED_MEM_PRIVATE);
	fail_from_here(1, FAIL_ONWARDS, 22);
	zero_exactly(mem);
	assert_string_equal(fail_name(), "madvise");
	drop(mem);
}

static atomic_bool guest_runs;

/* Few words, so that a reader meets a word that is being changed often enough. */
enum { SCRIBBLED = 64 };

GUEST_SIDE static void *run_guest(void *argument)
{
	struct shared_mem *mem = argument;
	volatile uint64_t *at = shared_mem_base(mem);
	for (uint64_t n = 0; atomic_load_explicit(&guest_runs, memory_order_relaxed); n++)
		for (size_t i = 0; i < SCRIBBLED / 8; i++)
			at[i] = n & 1 ? UINT64_C(0x1111111111111111) : UINT64_C(0x7777777777777777);
	return NULL;
}

static void read_while_the_guest_writes(struct shared_mem *mem)
{
	for (uint64_t round = 0; round < 300000; round++) {
		uint8_t copy[40];
		uint64_t offset = round % (SCRIBBLED - sizeof copy);
		uint64_t number;
		mote_status status = shared_mem_read(mem, offset, copy, sizeof copy, NULL);
		for (size_t i = 0; i < sizeof copy; i++)
			status |= copy[i] != 0x11 && copy[i] != 0x77;

		/* an aligned number is read in one piece */
		status |= shared_mem_read_u64(mem, round % 8 * 8, &number, NULL);
		if (status || (number != UINT64_C(0x1111111111111111) &&
			       number != UINT64_C(0x7777777777777777)))
			fail_msg("round %u: the number 0x%llx, or bytes that nobody wrote",
				 (unsigned)round, (unsigned long long)number);
	}
}

static void a_guest_that_scribbles_disturbs_no_copy(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE, SHARED_MEM_PRIVATE);
	pthread_t thread;
	atomic_store(&guest_runs, true);
	assert_int_equal(shared_mem_fill(mem, 0, 0x11, PAGE, NULL), MOTE_OK);
	assert_int_equal(pthread_create(&thread, NULL, run_guest, mem), 0);
	read_while_the_guest_writes(mem);
	atomic_store(&guest_runs, false);
	pthread_join(thread, NULL);
	drop(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_access_leaves_the_block),
		cmocka_unit_test(numbers_keep_their_value_at_every_alignment),
		cmocka_unit_test(zeroing_is_exact_for_both_backings),
		cmocka_unit_test(large_ranges_are_given_back_and_small_ones_cleared),
		cmocka_unit_test(zeroing_works_when_the_system_takes_nothing_back),
		cmocka_unit_test(a_guest_that_scribbles_disturbs_no_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

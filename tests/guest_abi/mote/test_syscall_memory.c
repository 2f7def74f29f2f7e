/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory calls: what of them the personality decides itself, and that any numbers at all are
 * answered. The book-keeping behind them has tests of its own (mem/test_arena.c).
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

static struct personality_box pb;
static uint64_t heap, heap_end;

static int setup(void **state)
{
	(void)state;
	personality_box_init(&pb, NULL);
	const struct region *region = layout_get(guest_memory_layout(pb.box.memory), REGION_HEAP);
	heap = region->va;
	heap_end = heap + region->size;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

static int64_t map(uint64_t address, uint64_t size, uint64_t flags)
{
	return CALL(&pb, SYS_mmap, address, size, PROT_READ | PROT_WRITE, flags, UINT64_MAX, 0);
}

static void the_break_moves_within_the_heap(void **state)
{
	(void)state;
	assert_int_equal(CALL(&pb, SYS_brk, 0), heap);
	assert_int_equal(CALL(&pb, SYS_brk, heap + 12345), heap + 12345);
	assert_int_equal(CALL(&pb, SYS_brk, UINT64_MAX), heap + 12345);
	assert_int_equal(CALL(&pb, SYS_brk, heap - 1), heap + 12345);
	assert_int_equal(CALL(&pb, SYS_brk, heap_end + 1), heap + 12345);
	assert_int_equal(CALL(&pb, SYS_brk, heap), heap);
}

static void mappings_are_anonymous_and_never_executable(void **state)
{
	(void)state;
	static const struct {
		uint64_t rights, flags;
		int64_t want; /* 0: an address */
	} rows[] = {
		{ PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0 },
		{ PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, 0 },
		{ PROT_READ, MAP_SHARED | MAP_ANONYMOUS, 0 },
		{ PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, 0 },
		{ PROT_READ, MAP_PRIVATE, -ENODEV },
		{ PROT_READ, 0, -ENODEV },
		{ PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -EACCES },
		{ PROT_EXEC, MAP_PRIVATE, -EACCES },
		{ UINT64_MAX, UINT64_MAX, -EACCES },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t result = CALL(&pb, SYS_mmap, 0, 4096, rows[i].rights, rows[i].flags);
		if (rows[i].want)
			assert_int_equal(result, rows[i].want);
		else
			assert_in_range(result, heap, heap_end - 4096);
	}
}

static void fixed_mappings_go_where_they_are_told(void **state)
{
	(void)state;
	assert_int_equal(map(heap + 0x8000, 4096, ANONYMOUS | MAP_FIXED), heap + 0x8000);
	/* over itself, unless that is not wanted */
	assert_int_equal(map(heap + 0x8000, 4096, ANONYMOUS | MAP_FIXED), heap + 0x8000);
	assert_int_equal(map(heap + 0x8000, 4096, ANONYMOUS | MAP_FIXED_NOREPLACE), -EEXIST);
	assert_int_equal(map(heap + 0x9000, 4096, ANONYMOUS | MAP_FIXED_NOREPLACE), heap + 0x9000);
	/* a hint is only a hint */
	assert_in_range(map(heap + 0x8000, 4096, ANONYMOUS), heap + 0xa000, heap_end - 4096);
	assert_int_equal(map(heap + 0x20000, 4096, ANONYMOUS), heap + 0x20000);
}

static void nothing_outside_the_heap_can_be_mapped(void **state)
{
	(void)state;
	static const uint64_t places[] = { 0,
					   0x1000,
					   BOX_CODE,
					   BOX_DATA,
					   MOTE_HYPERCALL_PAGE,
					   SUPERVISOR_BLOCK,
					   SUPERVISOR_STACK,
					   MOTE_ADDRESS_END - 4096,
					   UINT64_C(0xffff800000000000),
					   -UINT64_C(4096) };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		assert_int_equal(map(places[i], 4096, ANONYMOUS | MAP_FIXED), -ENOMEM);
		assert_int_equal(CALL(&pb, SYS_munmap, places[i], 4096), -EINVAL);
		assert_int_equal(CALL(&pb, SYS_madvise, places[i], 4096, MADV_DONTNEED), -ENOMEM);
	}
}

static void sizes_of_any_kind_are_answered(void **state)
{
	(void)state;
	static const uint64_t sizes[] = { UINT64_MAX, UINT64_MAX - 4095, UINT64_C(1) << 63,
					  UINT64_C(1) << 47, 0x200001 };

	assert_int_equal(map(0, 0, ANONYMOUS), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_munmap, heap, 0), -EINVAL);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_int_equal(map(0, sizes[i], ANONYMOUS), -ENOMEM);
		assert_int_equal(map(heap, sizes[i], ANONYMOUS | MAP_FIXED), -ENOMEM);
		assert_int_equal(CALL(&pb, SYS_munmap, heap, sizes[i]), -EINVAL);
		assert_int_equal(CALL(&pb, SYS_mremap, heap, sizes[i], 4096, 0), -EFAULT);
		assert_true(CALL(&pb, SYS_mprotect, heap, sizes[i], PROT_READ) < 0);
		assert_true(CALL(&pb, SYS_madvise, heap, sizes[i], MADV_DONTNEED) < 0);
	}
	assert_int_equal(map(0, 0x200000, ANONYMOUS), heap);
}

static void what_is_unmapped_is_zero_when_it_comes_back(void **state)
{
	(void)state;
	const uint64_t a = (uint64_t)map(0, 0x3000, ANONYMOUS);
	memset(at(&pb, a), 0x55, 0x3000);
	assert_int_equal(CALL(&pb, SYS_munmap, a + 0x1000, 0x1000), 0);
	assert_int_equal(map(a + 0x1000, 0x1000, ANONYMOUS | MAP_FIXED_NOREPLACE), a + 0x1000);
	const uint8_t *bytes = at(&pb, a);
	assert_int_equal(bytes[0xfff], 0x55);
	assert_int_equal(bytes[0x1000], 0);
	assert_int_equal(bytes[0x1fff], 0);
	assert_int_equal(bytes[0x2000], 0x55);
}

/* The heap's only 2 MiB are to be a huge page. */
static bool is_huge(void)
{
	const bool is = pb.arena.huge[0] & 1;

	pb.arena.huge[0] = 0;
	return is;
}

static void huge_pages_are_for_those_who_ask_or_fill_their_memory(void **state)
{
	(void)state;
	struct shared_mem *file = pb.arena.ram, *own;

	assert_int_equal(heap_end - heap, LAYOUT_LARGE_PAGE);
	assert_int_equal(
		shared_mem_new(&own, &pb.box.host, shared_mem_size(file), SHARED_MEM_PRIVATE, NULL),
		MOTE_OK);
	if (!shared_mem_prefer_huge(own, pb.arena.ram_offset, LAYOUT_LARGE_PAGE)) {
		shared_mem_unref(own);
		printf("SKIP huge pages: %s\n", strerror(errno));
		skip();
	}
	pb.arena.ram = own;
	assert_int_equal(CALL(&pb, SYS_madvise, heap, 4096, MADV_HUGEPAGE), -ENOMEM);
	assert_int_equal(CALL(&pb, SYS_madvise, heap, UINT64_MAX, MADV_HUGEPAGE), -EINVAL);
	assert_int_equal(map(heap, 4096, ANONYMOUS), heap);
	assert_false(is_huge());
	assert_int_equal(CALL(&pb, SYS_madvise, heap, 4096, MADV_NOHUGEPAGE), 0);
	assert_false(is_huge());
	assert_int_equal(CALL(&pb, SYS_madvise, heap, 4096, MADV_HUGEPAGE), 0);
	assert_true(is_huge());
	/* as if the heap were larger, and much of it in use */
	pb.arena.nfree -= ARENA_HUGE_FROM / 4096;
	assert_int_equal(map(heap + 4096, 4096, ANONYMOUS | MAP_NORESERVE), heap + 4096);
	assert_false(is_huge());
	assert_int_equal(CALL(&pb, SYS_mmap, heap + 8192, 4096, PROT_NONE, ANONYMOUS), heap + 8192);
	assert_false(is_huge());
	assert_int_equal(map(heap + 12288, 4096, ANONYMOUS), heap + 12288);
	assert_true(is_huge());
	pb.arena.nfree += ARENA_HUGE_FROM / 4096;
	pb.arena.ram = file;
	shared_mem_unref(own);
}

static void mappings_move_only_if_they_may(void **state)
{
	(void)state;
	const uint64_t a = heap + 0x10000;
	assert_int_equal(map(a, 0x1000, ANONYMOUS | MAP_FIXED), a);
	assert_int_equal(map(a + 0x1000, 0x1000, ANONYMOUS | MAP_FIXED), a + 0x1000);
	memset(at(&pb, a), 0x66, 0x1000);
	assert_int_equal(CALL(&pb, SYS_mremap, a, 0x1000, 0x2000, 0), -ENOMEM);
	const uint64_t moved = (uint64_t)CALL(&pb, SYS_mremap, a, 0x1000, 0x2000, MREMAP_MAYMOVE);
	assert_in_range(moved, heap, heap_end);
	assert_int_equal(*(uint8_t *)at(&pb, moved), 0x66);
	assert_int_equal(*(uint8_t *)at(&pb, a), 0);
	/* to a fixed place, and what later kernels know: not here */
	assert_int_equal(
		CALL(&pb, SYS_mremap, moved, 0x2000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, a),
		-EINVAL);
	assert_int_equal(CALL(&pb, SYS_mremap, moved, 0x2000, 0x1000, UINT64_MAX), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_mremap, moved, 0x2000, 0x1000, 4), -EINVAL);
}

static void rights_that_a_range_has_can_be_asked_for(void **state)
{
	(void)state;
	const uint64_t r = PROT_READ, w = PROT_WRITE, x = PROT_EXEC;
	const struct {
		uint64_t address, size, rights;
		int64_t want;
	} rows[] = {
		{ BOX_CODE, 0x1000, r | x, 0 },
		{ BOX_CODE, 0x1000, r | w, -EACCES },
		{ BOX_DATA, 0x2000, r, 0 },
		{ BOX_DATA, 0x2000, PROT_NONE, 0 },
		{ BOX_DATA, 0x2000, r | w, 0 },
		{ BOX_DATA, 0x2000, r | x, -EACCES },
		{ BOX_CONSTANT, 0x1000, r, 0 },
		{ BOX_CONSTANT, 0x1000, w, -EACCES },
		{ BOX_CODE, 0x4000, r, 0 }, /* across segments */
		{ BOX_CODE, 0x4000, r | w, -EACCES },
		{ BOX_CONSTANT, 0x1001, r | w, -EACCES },
		{ heap, 0x200000, r | w, 0 },
		{ heap, 1, x, -EACCES },
		{ BOX_DATA, 0x2001, r, -EACCES }, /* a page too many */
		{ BOX_DATA, 0, x, 0 },            /* nothing */
		{ BOX_NOWHERE, 0, r, 0 },
		{ BOX_NOWHERE, 1, PROT_NONE, -EACCES },
		{ BOX_DATA + 1, 1, r, -EINVAL },
		{ BOX_DATA, UINT64_MAX, r, -EINVAL },
		{ BOX_DATA, UINT64_MAX - 4095, r, -EACCES },
		{ -UINT64_C(4096), 4096, r, -EACCES },
		{ -UINT64_C(4096), 8192, r, -EACCES },
		{ SUPERVISOR_BLOCK, 4096, r, -EACCES },
		{ MOTE_HYPERCALL_PAGE, 4096, r | x, -EACCES },
		{ MOTE_START_BLOCK, 4096, r, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t result =
			CALL(&pb, SYS_mprotect, rows[i].address, rows[i].size, rows[i].rights);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
	}
}

static void advice_is_taken_when_it_has_an_effect(void **state)
{
	(void)state;
	const uint64_t a = (uint64_t)map(0, 0x2000, ANONYMOUS);
	memset(at(&pb, a), 0x55, 0x2000);
	assert_int_equal(CALL(&pb, SYS_madvise, a, 0x1000, MADV_WILLNEED), 0);
	assert_int_equal(CALL(&pb, SYS_madvise, a, 0x1000, UINT64_MAX), 0);
	assert_int_equal(CALL(&pb, SYS_madvise, 1, 1, MADV_NORMAL), 0);
	assert_int_equal(*(uint8_t *)at(&pb, a), 0x55);
	assert_int_equal(CALL(&pb, SYS_madvise, a, 1, MADV_DONTNEED), 0);
	assert_int_equal(*(uint8_t *)at(&pb, a + 0xfff), 0);
	assert_int_equal(*(uint8_t *)at(&pb, a + 0x1000), 0x55);
	assert_int_equal(CALL(&pb, SYS_madvise, a + 1, 0x1000, MADV_DONTNEED), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_madvise, a, 0x3000, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(CALL(&pb, SYS_madvise, a, 0, MADV_DONTNEED), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_break_moves_within_the_heap),
		TEST(mappings_are_anonymous_and_never_executable),
		TEST(fixed_mappings_go_where_they_are_told),
		TEST(nothing_outside_the_heap_can_be_mapped),
		TEST(sizes_of_any_kind_are_answered),
		TEST(what_is_unmapped_is_zero_when_it_comes_back),
		TEST(huge_pages_are_for_those_who_ask_or_fill_their_memory),
		TEST(mappings_move_only_if_they_may),
		TEST(rights_that_a_range_has_can_be_asked_for),
		TEST(advice_is_taken_when_it_has_an_effect),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

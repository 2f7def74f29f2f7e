/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc() of guests without a libc, in a process that has one: its functions have other names
 * here, and the memory is an array.
 */
#define malloc  heap_malloc
#define calloc  heap_calloc
#define realloc heap_realloc
#define free    heap_free
#include "guest/hyperlight/heap.c"
#undef malloc
#undef calloc
#undef realloc
#undef free

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TOTAL (UINT64_C(1) << 20)

static _Alignas(4096) uint8_t memory[TOTAL];
static size_t taken;
static unsigned ntaken;

void *memory_take(size_t size)
{
	assert_int_equal(size % 4096, 0);
	if (size > TOTAL - taken)
		return NULL;
	taken += size;
	ntaken++;
	return memory + taken - size;
}

static int reset(void **state)
{
	(void)state;
	memset(memory, 0xa5, sizeof memory);
	memset(lists, 0, sizeof lists);
	filled = 0;
	last = NULL;
	taken = 0;
	ntaken = 0;
	return 0;
}

/* Whether blocks, their neighbours and the lists agree. Returns the bytes that are free. */
static size_t check_blocks(void)
{
	size_t in_lists = 0, free_bytes = 0, nfree = 0;

	for (unsigned list = 0; list < 64; list++) {
		assert_int_equal(!lists[list], !(filled >> list & 1));
		for (const struct block *block = lists[list]; block; block = block->next) {
			assert_int_equal(list_of(block->size), list);
			assert_false(block->size & USED);
			assert_true(!block->next || block->next->previous == block);
			in_lists++;
		}
	}
	/* chunks follow each other here, so they are one */
	bool was_free = false;
	size_t before = 0;

	for (const struct block *block = (const void *)memory; taken > 0 && block != last;
	     block = after(block)) {
		const bool is_free = !(block->size & USED);

		assert_int_equal(block->before, before);
		assert_false(is_free && was_free);
		nfree += is_free;
		free_bytes += is_free ? block->size : 0;
		before = block->size & ~(size_t)USED;
		was_free = is_free;
	}
	assert_int_equal(nfree, in_lists);
	return free_bytes;
}

static void memory_is_aligned_and_its_own(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 31, 32, 33, 100, 4096, 70000 };
	uint8_t *at[sizeof sizes / sizeof sizes[0]];

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		at[i] = heap_malloc(sizes[i]);
		assert_non_null(at[i]);
		assert_int_equal((uintptr_t)at[i] % 16, 0);
		memset(at[i], (int)i, sizes[i]);
	}
	check_blocks();
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (size_t j = 0; j < sizes[i]; j++)
			assert_int_equal(at[i][j], i);
}

static void what_is_freed_is_one_block_again(void **state)
{
	void *at[100];

	(void)state;
	for (int i = 0; i < 100; i++)
		at[i] = heap_malloc(100);
	const size_t all = taken;

	for (int i = 0; i < 100; i += 2)
		heap_free(at[i]);
	check_blocks();
	for (int i = 1; i < 100; i += 2)
		heap_free(at[i]);
	assert_int_equal(check_blocks(), all - HEADER);
	heap_free(NULL);
	/* and all of it serves again, without more memory */
	assert_non_null(heap_malloc(all - 2 * HEADER));
	assert_int_equal(taken, all);
}

static void memory_comes_in_chunks_until_there_is_none(void **state)
{
	size_t n = 0;

	(void)state;
	while (heap_malloc(1000))
		n++;
	assert_int_equal(taken, TOTAL);
	assert_true(n > TOTAL / (1000 + 2 * HEADER) - 2);
	assert_true(ntaken <= TOTAL / CHUNK_SIZE);
	assert_null(heap_malloc(1000));
	check_blocks();
}

static void the_last_page_of_the_heap_is_used_too(void **state)
{
	(void)state;
	taken = TOTAL - 4096; /* less than a chunk is left */
	assert_non_null(heap_malloc(4096 - 2 * HEADER));
	assert_null(heap_malloc(1));
}

static void what_cannot_be_is_refused(void **state)
{
	static const size_t sizes[] = { TOTAL, SIZE_LIMIT, SIZE_LIMIT + 1, SIZE_MAX / 2, SIZE_MAX };
	void *kept = heap_malloc(10);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_null(heap_malloc(sizes[i]));
		assert_null(heap_realloc(kept, sizes[i]));
		assert_null(heap_calloc(1, sizes[i]));
		assert_null(heap_calloc(sizes[i], 1));
	}
	assert_null(heap_calloc(SIZE_MAX / 2, 3)); /* wraps to a small number */
	assert_null(heap_calloc(UINT64_C(1) << 32, UINT64_C(1) << 32));
	check_blocks();
}

static void calloc_clears_what_was_used(void **state)
{
	uint8_t *at = heap_malloc(5000);

	(void)state;
	memset(at, 7, 5000);
	heap_free(at);
	at = heap_calloc(50, 100);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(at[i], 0);
}

static void realloc_keeps_what_was_there(void **state)
{
	(void)state;
	uint8_t *at = heap_realloc(NULL, 100);
	uint8_t *wall;

	for (int i = 0; i < 100; i++)
		at[i] = (uint8_t)i;
	assert_ptr_equal(heap_realloc(at, 1000), at); /* there is room behind it */
	assert_ptr_equal(heap_realloc(at, 50), at);
	check_blocks();
	wall = heap_malloc(16);
	uint8_t *moved = heap_realloc(at, 20000);

	assert_ptr_not_equal(moved, at);
	for (int i = 0; i < 50; i++)
		assert_int_equal(moved[i], i);
	/* what it left is free: the same bytes again */
	assert_ptr_equal(heap_malloc(16), at);
	heap_free(wall);
	heap_free(moved);
	check_blocks();
}

static void blocks_do_not_mix_at_random(void **state)
{
	enum { BLOCKS = 200 };
	static struct {
		uint8_t *at;
		size_t size;
		uint8_t fill;
	} blocks[BLOCKS];
	uint32_t seed = 1;

	(void)state;
	for (unsigned step = 0; step < 20000; step++) {
		seed = seed * 1664525 + 1013904223;
		const size_t i = (seed >> 8) % BLOCKS;
		const size_t size = (seed >> 16) % (step % 50 == 0 ? 60000 : 900);
		const size_t kept = size < blocks[i].size ? size : blocks[i].size;

		for (size_t j = 0; j < blocks[i].size; j++)
			assert_int_equal(blocks[i].at[j], blocks[i].fill);
		if (seed & 0x80) {
			uint8_t *at = heap_realloc(blocks[i].at, size);

			if (!at)
				continue;
			for (size_t j = 0; j < kept; j++)
				assert_int_equal(at[j], blocks[i].fill);
			blocks[i].at = at;
		} else {
			heap_free(blocks[i].at);
			blocks[i].at = heap_malloc(size);
		}
		blocks[i].size = blocks[i].at ? size : 0;
		blocks[i].fill = (uint8_t)seed;
		if (blocks[i].at)
			memset(blocks[i].at, blocks[i].fill, blocks[i].size);
		if (step % 100 == 0)
			check_blocks();
	}
	for (size_t i = 0; i < BLOCKS; i++)
		heap_free(blocks[i].at);
	assert_int_equal(check_blocks(), taken - HEADER);
}

/* The signal that ends a process in which WHAT runs. */
static int signal_of(void (*what)(void))
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGILL, SIG_DFL); /* cmocka's handler would end the test */
		what();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void free_twice(void)
{
	void *at = heap_malloc(10), *other = heap_malloc(10);

	heap_free(at);
	heap_free(other); /* which becomes a part of another block */
	heap_free(other);
}

static void free_nothing(void)
{
	heap_malloc(10);
	heap_free((uint8_t *)last + HEADER);
}

static void free_once(void)
{
	heap_free(heap_malloc(10));
}

static void what_was_not_given_out_is_not_taken_back(void **state)
{
	(void)state;
	assert_int_equal(signal_of(free_once), 0);
	assert_int_equal(signal_of(free_twice), SIGILL);
	assert_int_equal(signal_of(free_nothing), SIGILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(memory_is_aligned_and_its_own, reset),
		cmocka_unit_test_setup(what_is_freed_is_one_block_again, reset),
		cmocka_unit_test_setup(memory_comes_in_chunks_until_there_is_none, reset),
		cmocka_unit_test_setup(the_last_page_of_the_heap_is_used_too, reset),
		cmocka_unit_test_setup(what_cannot_be_is_refused, reset),
		cmocka_unit_test_setup(calloc_clears_what_was_used, reset),
		cmocka_unit_test_setup(realloc_keeps_what_was_there, reset),
		cmocka_unit_test_setup(blocks_do_not_mix_at_random, reset),
		cmocka_unit_test_setup(what_was_not_given_out_is_not_taken_back, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

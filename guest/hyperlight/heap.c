/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc() and its kin for guests that have no libc, on the heap that the host gave them. An object
 * of its own, so that only guests that call them have it; weak, so that a libc's own come first.
 *
 * Every block has a header with its size and that of the block before it, so free neighbours
 * become one. Free blocks are in lists by the power of two that their size reaches; the work of a
 * call does not grow with the number of blocks.
 */
#include "abi/hyperlight.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WEAK __attribute__((weak))

#define ALIGNMENT  16
#define CHUNK_SIZE (4 * VMEM_PAGE_SIZE) /* the least that is taken from the heap, while it lasts */
#define SIZE_LIMIT (SIZE_MAX / 4)       /* no block can be as large */
#define PROBES     8 /* blocks of a list that are tried before a larger one is cut */
#define USED       1 /* in a size */

struct block {
	size_t size;   /* with this header; and USED */
	size_t before; /* the size of the block before this; 0: the first of its chunk */
	/* From here on the caller's, while the block is used. */
	struct block *next, *previous;
};
#define HEADER offsetof(struct block, next)
#define LEAST  sizeof(struct block)
_Static_assert(HEADER == ALIGNMENT && LEAST % ALIGNMENT == 0,
	       "what follows a header must be aligned for every type");

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
void free(void *memory);

/* Of start.c: fresh memory of whole pages; NULL if there is none. */
void *memory_take(size_t size);

/* The free blocks whose size has this bit for its highest, and which lists are not empty. */
static struct block *lists[64];
static uint64_t filled;

/* The last block of the newest chunk, a header without memory; always used. */
static struct block *last;

static unsigned list_of(size_t size)
{
	return 63 - (unsigned)__builtin_clzl(size);
}

static struct block *after(const struct block *block)
{
	return (struct block *)((uintptr_t)block + (block->size & ~(size_t)USED));
}

static void insert(struct block *block)
{
	const unsigned list = list_of(block->size);

	block->previous = NULL;
	block->next = lists[list];
	if (block->next)
		block->next->previous = block;
	lists[list] = block;
	filled |= UINT64_C(1) << list;
}

static void take_out(struct block *block)
{
	const unsigned list = list_of(block->size);

	if (block->next)
		block->next->previous = block->previous;
	if (block->previous)
		block->previous->next = block->next;
	else
		lists[list] = block->next;
	if (!lists[list])
		filled &= ~(UINT64_C(1) << list);
}

/* Gives BLOCK, which is in no list, a size, and tells its neighbour. */
static void resize(struct block *block, size_t size)
{
	block->size = size;
	after(block)->before = size;
}

/* Makes BLOCK a free one, and one with those beside it. */
static void release(struct block *block)
{
	struct block *next = after(block);
	size_t size = block->size &= ~(size_t)USED;

	if (!(next->size & USED)) {
		take_out(next);
		size += next->size;
	}
	if (block->before > 0) {
		struct block *before = (struct block *)((uintptr_t)block - block->before);

		if (!(before->size & USED)) {
			take_out(before);
			size += before->size;
			block = before;
		}
	}
	resize(block, size);
	insert(block);
}

/* Makes the SIZE bytes at BLOCK a used block of NEED, and frees the rest. */
static void *use(struct block *block, size_t size, size_t need)
{
	if (size - need < LEAST)
		need = size;
	resize(block, need);
	block->size |= USED;
	if (size > need) {
		struct block *rest = after(block);

		resize(rest, size - need);
		release(rest);
	}
	return (char *)block + HEADER;
}

/* A free block of SIZE bytes or more, taken out of its list; NULL if there is none. */
static struct block *find(size_t size)
{
	const unsigned list = list_of(size);
	struct block *block = lists[list];

	for (unsigned i = 0; block && block->size < size && i < PROBES; i++)
		block = block->next;
	if (!block || block->size < size) {
		/* in the lists above, every block is large enough */
		const uint64_t above = filled & ~(UINT64_MAX >> (63 - list));

		block = above ? lists[__builtin_ctzl(above)] : NULL;
	}
	if (block)
		take_out(block);
	return block;
}

/* More memory, as a free block of SIZE bytes or more; false if there is none. */
static bool grow(size_t size)
{
	const size_t least = (size + HEADER + VMEM_PAGE_SIZE - 1) & -VMEM_PAGE_SIZE;
	size_t total = least > CHUNK_SIZE ? least : CHUNK_SIZE;
	void *memory = memory_take(total);

	if (!memory && least < total) {
		total = least;
		memory = memory_take(total);
	}
	if (!memory)
		return false;

	struct block *block = memory;

	if (last && (char *)last + HEADER == memory) {
		block = last; /* it goes on where the chunk before it ended */
	} else {
		block->before = 0;
		total -= HEADER;
	}
	last = (struct block *)((uintptr_t)block + total);
	last->size = USED;
	resize(block, total);
	release(block);
	return true;
}

/* The size of a block with SIZE bytes for the caller. */
static size_t block_size(size_t size)
{
	const size_t need = (size + HEADER + ALIGNMENT - 1) & -(size_t)ALIGNMENT;

	return need < LEAST ? LEAST : need;
}

/* The block of MEMORY. What was never given out, or is free, ends the guest. */
static struct block *block_of(void *memory)
{
	struct block *block = (struct block *)((uintptr_t)memory - HEADER);

	if (!(block->size & USED) || block == last)
		__builtin_trap();
	return block;
}

WEAK void *malloc(size_t size)
{
	if (size > SIZE_LIMIT)
		return NULL;

	const size_t need = block_size(size);
	struct block *block = find(need);

	if (!block && grow(need))
		block = find(need);
	return block ? use(block, block->size, need) : NULL;
}

WEAK void free(void *memory)
{
	if (memory)
		release(block_of(memory));
}

WEAK void *calloc(size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;

	void *memory = malloc(total);

	return memory ? memset(memory, 0, total) : NULL;
}

WEAK void *realloc(void *memory, size_t size)
{
	if (!memory || size > SIZE_LIMIT)
		return memory ? NULL : malloc(size);

	struct block *block = block_of(memory), *next = after(block);
	const size_t old = block->size - USED, need = block_size(size);
	const bool has_next = need > old && !(next->size & USED) && need - old <= next->size;

	if (has_next)
		take_out(next);
	if (need <= old || has_next)
		return use(block, has_next ? old + next->size : old, need);

	void *copy = malloc(size);

	if (copy) {
		memcpy(copy, memory, old - HEADER);
		free(memory);
	}
	return copy;
}

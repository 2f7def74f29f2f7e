/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures how guest memory is mapped, walked and copied. Each subject checks what it did: a
 * mapper that is fast because it maps nothing would show in no number.
 */
#include "bench/memory.h"

#include "abi/io_stack.h"
#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"
#include "base/host.h"
#include "bench/bench.h"
#include "mem/shared_mem.h"

#include <stdlib.h>
#include <string.h>

#define GIB       (UINT64_C(1) << 30)
#define COPY_SIZE (UINT64_C(16) << 20)

/* Both addresses are in the middle of nowhere and begin a gigabyte, so that the tables are one
 * at each of the upper levels, and 512 with a full set of entries. */
#define GUEST_VA    (UINT64_C(5) << 30)
#define GUEST_PA    (UINT64_C(3) << 30)
#define TABLES_BASE UINT64_C(0x200000)
#define TABLES      (3 + 512)

#define STACK_SIZE 4096
#define MESSAGE    64

struct memory_bench {
	struct host host;
	struct vmem_flat tables;
	uint64_t root;
	struct shared_mem *shared;
	uint8_t *private; /* COPY_SIZE bytes */
	uint64_t ncopies;
	struct io_stack stack;
};

static bool map_all(struct memory_bench *memory)
{
	const struct vmem_range range = {
		.va = GUEST_VA,
		.pa = GUEST_PA,
		.size = GIB,
		.flags = VMEM_WRITE | VMEM_USER,
		.kind = VMEM_BASIC,
	};

	memory->tables.used = 0;
	memory->root = vmem_flat_alloc(&memory->tables);
	return vmem_map(&vmem_amd64, &vmem_flat_ops, &memory->tables, &memory->root, &range) ==
		       VMEM_OK &&
	       memory->tables.used == memory->tables.size;
}

static bool walk_all(struct memory_bench *memory)
{
	struct vmem_range first, more;
	struct vmem_walk walk;

	vmem_walk_begin(&walk, &vmem_amd64, &vmem_flat_ops, &memory->tables, memory->root, 0,
			UINT64_MAX, TABLES);
	return vmem_walk_next(&walk, &vmem_amd64, &vmem_flat_ops, &memory->tables, &first) ==
		       VMEM_OK &&
	       first.va == GUEST_VA && first.pa == GUEST_PA && first.size == GIB &&
	       vmem_walk_next(&walk, &vmem_amd64, &vmem_flat_ops, &memory->tables, &more) ==
		       VMEM_END;
}

/* Untouched pages would be one and the same page of zeroes, and that is copied from the caches. */
static bool get_memory(struct memory_bench *memory)
{
	host_init(&memory->host);
	memory->tables = (struct vmem_flat){
		.memory = aligned_alloc(VMEM_PAGE_SIZE, TABLES * VMEM_PAGE_SIZE),
		.base = TABLES_BASE,
		.size = TABLES * VMEM_PAGE_SIZE,
	};
	memory->private = aligned_alloc(VMEM_PAGE_SIZE, COPY_SIZE);
	memory->stack = (struct io_stack){ .base = calloc(1, STACK_SIZE), .size = STACK_SIZE };
	if (!memory->tables.memory || !memory->private || !memory->stack.base ||
	    shared_mem_new(&memory->shared, &memory->host, COPY_SIZE, SHARED_MEM_PRIVATE, NULL))
		return false;
	memset(memory->private, 1, COPY_SIZE);
	memset(shared_mem_bytes(memory->shared), 2, COPY_SIZE);
	io_stack_init(&memory->stack);
	return shared_mem_share(memory->shared, NULL) == MOTE_OK;
}

struct memory_bench *memory_bench_new(void)
{
	struct memory_bench *memory = calloc(1, sizeof *memory);

	if (memory && get_memory(memory) && map_all(memory))
		return memory;
	memory_bench_free(memory);
	return NULL;
}

void memory_bench_free(struct memory_bench *memory)
{
	if (!memory)
		return;
	free(memory->tables.memory);
	free(memory->private);
	free(memory->stack.base);
	shared_mem_unref(memory->shared);
	free(memory);
}

uint64_t map_1gib_4k(void *state, unsigned n)
{
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!map_all(state))
			return BENCH_FAILED;
	return bench_clock() - start;
}

uint64_t walk_1gib_4k(void *state, unsigned n)
{
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!walk_all(state))
			return BENCH_FAILED;
	return bench_clock() - start;
}

uint64_t shared_copy_16mib(void *state, unsigned n)
{
	struct memory_bench *memory = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		mote_status status = memory->ncopies++ % 2
					     ? shared_mem_write(memory->shared, 0, memory->private,
								COPY_SIZE, NULL)
					     : shared_mem_read(memory->shared, 0, memory->private,
							       COPY_SIZE, NULL);
		if (status)
			return BENCH_FAILED;
	}
	return bench_clock() - start;
}

uint64_t memcpy_16mib(void *state, unsigned n)
{
	struct memory_bench *memory = state;
	void *shared = shared_mem_base(memory->shared);
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		bool is_in = memory->ncopies++ % 2;

		memcpy(is_in ? shared : memory->private, is_in ? memory->private : shared,
		       COPY_SIZE);
		/* The compiler must not see that nobody looks. */
		__asm__ volatile("" : : "r"(memory->private), "r"(shared) : "memory");
	}
	return bench_clock() - start;
}

uint64_t push_pop_64b(void *state, unsigned n)
{
	const struct io_stack *stack = &((struct memory_bench *)state)->stack;
	const uint32_t message[MESSAGE / 4] = { MESSAGE - 4 }; /* its size comes first */
	uint32_t back[MESSAGE / 4];
	struct io_fault fault;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!io_stack_push(stack, message, sizeof message, &fault) ||
		    io_stack_pop(stack, back, sizeof back, &fault) != sizeof back)
			return BENCH_FAILED;
	return bench_clock() - start;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of mote_alloc(): handed out from the front of a list of chunks, released all at
 * once, and kept for later calls. The first chunk is part of the image, so that small
 * results cost no system call and always dirty the same page or two.
 */
#include "state.h"

#define ALIGNMENT  16
#define FIRST_SIZE 8192             /* bytes of the first chunk */
#define CHUNK_SIZE 65536            /* and the least of others, header included */
#define SIZE_LIMIT MOTE_ADDRESS_END /* no allocation can be as large */

struct chunk {
	struct chunk *next;
	size_t size; /* bytes behind this header */
};
_Static_assert(sizeof(struct chunk) % ALIGNMENT == 0, "what follows a header must be aligned");

static struct {
	struct chunk header;
	char data[FIRST_SIZE];
} first __attribute__((aligned(ALIGNMENT))) = { .header = { NULL, FIRST_SIZE } };

/* Memory is taken from here, behind the USED bytes. Chunks before it are full or too small. */
static struct chunk *current = &first.header;
static size_t used;

void arena_reset(void)
{
	current = &first.header;
	used = 0;
}

/* A chunk with SIZE bytes or more. */
static struct chunk *map_chunk(size_t size)
{
	size_t total = (size + sizeof(struct chunk) + MOTE_PAGE_SIZE - 1) & ~(MOTE_PAGE_SIZE - 1);

	if (total < CHUNK_SIZE)
		total = CHUNK_SIZE;
	struct chunk *chunk = memory_take(total);
	if (!chunk)
		return NULL;
	*chunk = (struct chunk){ NULL, total - sizeof(*chunk) };
	return chunk;
}

void *mote_alloc(size_t size)
{
	size_t need = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

	while (size < SIZE_LIMIT && need > current->size - used) {
		if (!current->next)
			current->next = map_chunk(need);
		if (!current->next)
			break;
		current = current->next;
		used = 0;
	}
	if (size >= SIZE_LIMIT || need > current->size - used)
		call_fail_format(WIRE_CODE_OUT_OF_MEMORY,
				 "the guest is out of memory: mote_alloc() wants %lu bytes, see "
				 "heap_size",
				 (unsigned long)size);
	void *memory = (char *)(current + 1) + used;
	used += need;
	return memory;
}

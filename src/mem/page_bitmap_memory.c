/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bitmaps of pages live. That of 16 GiB has half a megabyte, of which a guest that uses
 * little sets next to nothing: from some size on the words come from the kernel, which knows that
 * they are zero, and are memory when they are written to.
 */
#include "mem/page_bitmap.h"

#include <string.h>
#include <sys/mman.h>

enum { WORD_BITS = 64, MAPPED_FROM = 64 << 10 };

static size_t size_of(uint64_t npages)
{
	return (size_t)((npages + WORD_BITS - 1) / WORD_BITS) * sizeof(uint64_t);
}

uint64_t *page_bitmap_new(const struct host *host, uint64_t npages)
{
	const size_t size = size_of(npages);

	if (size < MAPPED_FROM)
		return host_alloc(host, size);
	void *at = host->sys->mmap(NULL, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

void page_bitmap_free(const struct host *host, uint64_t *bits, uint64_t npages)
{
	const size_t size = size_of(npages);

	if (size < MAPPED_FROM)
		host_free(host, bits, size);
	else if (bits)
		host->sys->munmap(bits, size);
}

void page_bitmap_assign(uint64_t *to, const uint64_t *from, uint64_t npages)
{
	enum { AT_ONCE = 4096 };
	const size_t size = size_of(npages);

	for (size_t done = 0, n; done < size; done += n) {
		char *at = (char *)to + done;
		n = size - done < AT_ONCE ? size - done : AT_ONCE;
		if (memcmp(at, (const char *)from + done, n) != 0)
			memcpy(at, (const char *)from + done, n);
	}
}

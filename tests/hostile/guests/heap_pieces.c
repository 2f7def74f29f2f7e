/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cuts the heap into as many mappings as there can be: each page its own, every second one given
 * back, rights that differ. What the host remembers of them must not grow with that.
 */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <sys/mman.h>

static char *map(size_t size)
{
	char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void every_second(void)
{
	char *pages[512];
	size_t n = 0;

	while (n < 512 && (pages[n] = map(4096)))
		n++;
	for (size_t i = 0; i < n; i += 2)
		munmap(pages[i], 4096);
}

static void every_second_of_one(void)
{
	char *all = NULL;

	for (size_t size = 4 << 20; size >= 4096 && !all; size /= 2)
		all = map(size);
	for (size_t i = 0; all && i < 512; i += 2)
		munmap(all + i * 4096, 4096);
}

static void rights_by_page(void)
{
	char *all = map(256 << 10);

	for (int round = 0; all && round < 4; round++)
		for (int i = 0; i < 64; i++)
			mprotect(all + i * 4096, 4096, (i + round) % 3);
}

static void back_and_forth(void)
{
	for (int i = 0; i < 1000; i++) {
		char *at = map((size_t)(i % 60 + 1) * 4096);
		if (at && i % 3)
			munmap(at + 4096, (size_t)(i % 60) * 4096);
		else if (at && mremap(at, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED)
			continue;
	}
}

#define WAYS(X)                                                                                    \
	X(every_second, every_second())                                                            \
	X(every_second_of_one, every_second_of_one())                                              \
	X(rights_by_page, rights_by_page())                                                        \
	X(back_and_forth, back_and_forth())                                                        \
	X(all_of_it, every_second(); every_second_of_one(); rights_by_page(); back_and_forth())

ATTACK_LIST(WAYS)

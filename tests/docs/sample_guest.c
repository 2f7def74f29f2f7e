/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the guest that the drawings in docs/ show: one of fixed sizes, about those of
 * examples/hello, because what a compiler makes of that differs from one to the next.
 */
#include "kit/tiny_elf.h"

#include <stdio.h>

/* What is in memory of each segment. */
#define CODE_SIZE 0xa0000
#define DATA_SIZE 0xc000

int main(int argc, char **argv)
{
	struct tiny_elf elf;
	FILE *file = argc == 2 ? fopen(argv[1], "wb") : NULL;

	if (!file)
		return 1;
	tiny_elf_init(&elf);
	elf.phdrs[TINY_CODE].p_memsz = CODE_SIZE - MOTE_PAGE_SIZE / 2;
	elf.phdrs[TINY_DATA].p_vaddr += CODE_SIZE - MOTE_PAGE_SIZE;
	elf.phdrs[TINY_DATA].p_memsz = DATA_SIZE - MOTE_PAGE_SIZE / 2;
	size_t written = fwrite(&elf, sizeof elf, 1, file);

	return fclose(file) != 0 || written != 1;
}

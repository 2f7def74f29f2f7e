/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes large guests. The program header that tells the stack's rights is of no use in a sandbox
 * and makes room for the segment's.
 */
#include "bench/large_image.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

/* Puts the segment's header into the COPY of an executable. */
static bool add_header(unsigned char *copy, uint64_t offset, uint64_t size, bool is_writable)
{
	const Elf64_Phdr segment = {
		.p_type = PT_LOAD,
		.p_flags = PF_R | (is_writable ? PF_W : 0),
		.p_offset = offset,
		.p_vaddr = LARGE_IMAGE_ADDRESS,
		.p_paddr = LARGE_IMAGE_ADDRESS,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = PAGE,
	};
	Elf64_Ehdr header;

	memcpy(&header, copy, sizeof header);
	for (size_t i = 0; i < header.e_phnum; i++) {
		unsigned char *at = copy + header.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr found;
		memcpy(&found, at, sizeof found);
		if (found.p_type != PT_GNU_STACK)
			continue;
		memcpy(at, &segment, sizeof segment);
		return true;
	}
	errno = ENOEXEC;
	return false;
}

static bool write_words(FILE *file, uint64_t size)
{
	uint64_t words[PAGE / 8];

	for (uint64_t done = 0, n; done < size; done += n) {
		n = size - done < sizeof words ? size - done : sizeof words;
		for (size_t i = 0; i < n / 8; i++)
			words[i] = large_image_word(done + i * 8);
		if (fwrite(words, n, 1, file) != 1)
			return false;
	}
	return true;
}

bool large_image_write(const char *path, const unsigned char *elf, size_t elf_size, uint64_t size,
		       bool is_writable)
{
	const size_t whole = (elf_size + PAGE - 1) / PAGE * PAGE + LARGE_IMAGE_ADDRESS % PAGE;
	unsigned char *copy = calloc(1, whole);
	FILE *file = copy ? fopen(path, "wb") : NULL;
	bool is_done = false;

	if (file) {
		memcpy(copy, elf, elf_size);
		is_done = add_header(copy, whole, size, is_writable) &&
			  fwrite(copy, whole, 1, file) == 1 && write_words(file, size);
		is_done &= fclose(file) == 0;
	}
	free(copy);
	return is_done;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks an image, and loads it: segments, then relocations. Sizes and addresses are the file's,
 * so each is compared by subtraction with what it must stay below.
 */
#include "guest_abi/hyperlight/image.h"

#include "abi/hyperlight.h"
#include "base/error.h"
#include "guest_abi/hyperlight/image_steps.h"
#include "image/elf_steps.h"

#include <inttypes.h>
#include <string.h>

static mote_status find_extent(struct hyperlight_image *image, mote_error *err)
{
	const struct elf *elf = &image->elf;
	bool is_any = false;

	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(elf, i);

		if (phdr.p_type != PT_LOAD)
			continue;
		if (!is_any)
			image->base = phdr.p_vaddr;
		is_any = true;
		if (phdr.p_vaddr < image->base || phdr.p_memsz > HYPERLIGHT_MAX_SIZE ||
		    phdr.p_vaddr - image->base > HYPERLIGHT_MAX_SIZE - phdr.p_memsz)
			return error_set(err, MOTE_E_IMAGE,
					 "has a segment of 0x%" PRIx64 " bytes at 0x%" PRIx64
					 "; the first is at 0x%" PRIx64
					 ", and no guest is larger than 0x%" PRIx64,
					 phdr.p_memsz, phdr.p_vaddr, image->base,
					 HYPERLIGHT_MAX_SIZE);
		image->size = phdr.p_vaddr - image->base + phdr.p_memsz;
	}
	if (!is_any || image->size == 0)
		return error_set(err, MOTE_E_IMAGE, "has no segment to load");
	return MOTE_OK;
}

/* The last segment says how large the image is: none may end behind it. */
static mote_status check_segments(const struct hyperlight_image *image, mote_error *err)
{
	const struct elf *elf = &image->elf;

	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(elf, i);

		if (phdr.p_type != PT_LOAD)
			continue;
		if (phdr.p_filesz > phdr.p_memsz ||
		    !elf_has_bytes(elf, phdr.p_offset, phdr.p_filesz))
			return error_set(err, MOTE_E_IMAGE,
					 "has a segment of 0x%" PRIx64 " bytes, with 0x%" PRIx64
					 " from offset 0x%" PRIx64 ", of a file of 0x%zx bytes",
					 phdr.p_memsz, phdr.p_filesz, phdr.p_offset, elf->size);
		if (phdr.p_vaddr - image->base > image->size ||
		    phdr.p_memsz > image->size - (phdr.p_vaddr - image->base))
			return error_set(err, MOTE_E_IMAGE,
					 "has a segment of 0x%" PRIx64 " bytes at 0x%" PRIx64
					 " that ends behind the last one, at 0x%" PRIx64,
					 phdr.p_memsz, phdr.p_vaddr, image->base + image->size);
	}
	return MOTE_OK;
}

static mote_status find_entry(struct hyperlight_image *image, mote_error *err)
{
	const uint64_t entry = image->elf.header.e_entry;

	if (entry - image->base >= image->size) /* below the base it wraps */
		return error_set(err, MOTE_E_IMAGE,
				 "entry 0x%" PRIx64 " is outside of the image at 0x%" PRIx64
				 "..0x%" PRIx64,
				 entry, image->base, image->base + image->size);
	image->entry = HYPERLIGHT_BASE + (entry - image->base);
	return MOTE_OK;
}

mote_status hyperlight_image_parse(struct hyperlight_image *image, const void *bytes, size_t size,
				   mote_error *err)
{
	*image = (struct hyperlight_image){ .elf = { .bytes = bytes, .size = size } };
	mote_status status = elf_check_header(&image->elf, err);

	if (!status)
		status = elf_check_program_headers(&image->elf, err);
	if (!status)
		status = hyperlight_image_read_version(image, err);
	if (!status && image->version[0] && strcmp(image->version, HYPERLIGHT_VERSION) != 0)
		return error_set(err, MOTE_E_ABI_MISMATCH, HYPERLIGHT_OTHER_VERSION, image->version,
				 HYPERLIGHT_VERSION);
	if (!status)
		status = find_extent(image, err);
	if (!status)
		status = check_segments(image, err);
	if (!status)
		status = find_entry(image, err);
	if (!status)
		status = hyperlight_image_find_relocations(image, err);
	return status;
}

void hyperlight_image_load(const struct hyperlight_image *image, uint8_t *to)
{
	const struct elf *elf = &image->elf;

	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(elf, i);

		if (phdr.p_type != PT_LOAD)
			continue;
		uint8_t *segment = to + (phdr.p_vaddr - image->base);

		memcpy(segment, elf->bytes + phdr.p_offset, phdr.p_filesz);
		/* what an earlier segment left there */
		memset(segment + phdr.p_filesz, 0, phdr.p_memsz - phdr.p_filesz);
	}
	hyperlight_image_relocate(image, to);
}

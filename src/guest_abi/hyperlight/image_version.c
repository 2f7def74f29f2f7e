/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out for which version of the ABI a file was built: a note in a section of a known name.
 */
#include "abi/hyperlight.h"
#include "guest_abi/hyperlight/image_steps.h"

#include <string.h>

/* Where header and name are padded to 4 bytes, and where to 8, this note is the same: the first 24
 * bytes lead to its description. Others of the section are stepped over as the linker aligns
 * them, to 8. */
enum { NOTE_ALIGN = 8 };

static bool is_version(const struct elf_note *note)
{
	return note->type == HYPERLIGHT_NOTE_TYPE &&
	       note->name.size == sizeof HYPERLIGHT_NOTE_NAME &&
	       memcmp(note->name.bytes, HYPERLIGHT_NOTE_NAME, sizeof HYPERLIGHT_NOTE_NAME) == 0;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < '!' || *text > '~')
			return false;
	return true;
}

mote_status hyperlight_image_read_version(struct hyperlight_image *image, mote_error *err)
{
	struct elf_span rest;
	struct elf_note note;

	image->version[0] = '\0';
	if (!elf_has_sections(&image->elf))
		return MOTE_OK;
	mote_status status = elf_find_section(&image->elf, HYPERLIGHT_NOTE_SECTION, &rest, err);
	if (status || !rest.bytes)
		return status;
	while (elf_take_note(&rest, NOTE_ALIGN, &note)) {
		if (!is_version(&note))
			continue;
		size_t size = note.desc.size < sizeof image->version - 1
				      ? note.desc.size
				      : sizeof image->version - 1;
		memcpy(image->version, note.desc.bytes, size);
		image->version[size] = '\0';
		if (!is_printable(image->version))
			image->version[0] = '\0'; /* as if there were none */
		break;
	}
	return MOTE_OK;
}

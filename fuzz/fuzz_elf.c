/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: image_open_memory and image_parse, and by them elf_parse, elf_find_section,
 * elf_each_note, records_read_abi, records_read and records_index: any bytes are refused or make an
 * image that keeps every promise of image.h. And functions_find, which reads symbols of what was
 * not refused.
 */
#include "debug/functions.h"
#include "image/image.h"

#include "tests/kit/image_flaw.h"
#include "tests/kit/load_image.h"

#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host host;
	struct mote_image *image;
	mote_error err = { .code = MOTE_OK };

	host_init(&host);
	mote_status status = load_image_memory(&image, &host, data, size, &err);
	CHECK((status == MOTE_OK) == (image != NULL));
	if (image) {
		const char *flaw = image_flaw(image);
		if (flaw)
			fprintf(stderr, "%s\n", flaw);
		CHECK(!flaw);
		struct function_at places[] = { { .address = image->elf.entry },
						{ .address = UINT64_MAX } };
		functions_find(&image->elf, places, 2);
		CHECK(!places[1].symbol.name);
	} else {
		CHECK(err.code == status);
		CHECK(strncmp(err.message, "memory: ", 8) == 0);
	}
	mote_image_unref(image);
	return 0;
}

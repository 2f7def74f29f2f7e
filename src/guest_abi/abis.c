/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of guest ABIs, the one place that knows which exist, and which of them an image is for.
 */
#include "guest_abi/abis.h"

#include "base/error.h"
#include "guest_abi/hyperlight/hyperlight.h"
#include "guest_abi/mote/guest.h"
#include "image/image.h"

#include <string.h>

const struct guest_abi *const guest_abis[] = {
	&mote_abi, /* of what says nothing else, programs too */
	&hyperlight_abi,
	NULL,
};
_Static_assert(sizeof guest_abis / sizeof guest_abis[0] <= GUEST_ABIS_MAX,
	       "runtimes have room for what guests of each ABI share");

const struct guest_abi *guest_abi_find(const char *name)
{
	for (size_t i = 0; guest_abis[i]; i++)
		if (strcmp(guest_abis[i]->name, name) == 0)
			return guest_abis[i];
	return NULL;
}

const struct guest_abi *guest_abi_of(const void *file, size_t size,
				     char version[GUEST_VERSION_SIZE])
{
	for (size_t i = 0; guest_abis[i]; i++)
		if (guest_abis[i]->recognise(file, size, version) == GUEST_MINE)
			return guest_abis[i];
	version[0] = '\0';
	return NULL;
}

/* Finds out whose guest the file is, unless the caller has said so. */
static mote_status choose_abi(struct mote_image *image, const char *name, mote_error *err)
{
	char version[GUEST_VERSION_SIZE];
	const struct guest_abi *said = guest_abi_of(image->file.at, image->file.size, version);
	const struct guest_abi *abi = name ? guest_abi_find(name) : said ? said : guest_abis[0];

	if (!abi)
		return error_set(err, MOTE_E_INVALID, GUEST_ABI_UNKNOWN, name);
	image->abi = abi;
	image->hides_functions = !abi->lists_exports;
	if (abi == said) {
		image->abi_name = abi->name;
		memcpy(image->abi_text, version, sizeof version);
	}
	return MOTE_OK;
}
_Static_assert(GUEST_VERSION_SIZE == IMAGE_ABI_VERSION_SIZE, "an image keeps what an ABI says");

mote_status guest_abi_parse(struct mote_image *image, const char *name, mote_error *err)
{
	mote_status status = choose_abi(image, name, err);

	return status ? status : image->abi->parse(image, err);
}

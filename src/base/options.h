/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - structs of the public API that start with their size.
 *
 * Such a struct only ever grows at its end. Caller and library may be of different
 * versions, so either may know fewer fields than the other: these two functions are the
 * only places that handle it. A size that no version can have had is MOTE_E_INVALID:
 * most likely the caller did not set it. STRUCT_NAME is for messages.
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <mote/status.h>

#include <stddef.h>

/* No struct of the API will ever be larger. */
#define OPTIONS_SIZE_MAX 4096

/*
 * Copies the caller's options FROM into the library's struct TO of KNOWN bytes. Fields
 * that the caller does not have are 0, the default; FROM NULL means all of them. Fields
 * that the library does not have must be 0, or the caller asks for what cannot be done:
 * MOTE_E_OPTION. TO's own size is then KNOWN. On failure TO is all zeros.
 */
mote_status options_copy(void *to, size_t known, const void *from, const char *struct_name,
			 mote_error *err);

/* The other direction: fills the caller's struct TO, whose size the caller has set, from
 * the library's struct FROM of KNOWN bytes. Fields that the library does not have become 0. */
mote_status options_fill(void *to, const void *from, size_t known, const char *struct_name,
			 mote_error *err);

#endif

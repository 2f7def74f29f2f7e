/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records.h - what a guest says about itself in its file: the guest ABI that it speaks
 * (two notes) and the functions that it exports and imports (records in two sections).
 *
 * The image owns the records. Names point into the file's bytes, which must live as long.
 * Failures are MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH or MOTE_E_NOMEM; messages do not name
 * the file. Once read, records never change: any thread may look things up.
 */
#ifndef IMAGE_RECORDS_H
#define IMAGE_RECORDS_H

#include "base/host.h"
#include "image/elf.h"

#include <mote/image.h>
#include <mote/limits.h>
#include <mote/status.h>

#include <stdint.h>

struct records {
	/* In the order of the section: the index is what a call passes to the guest. */
	mote_function_info *functions;
	size_t count;
	/* The same by name; NULL unless records_index() made it. */
	const mote_function_info **by_name;
};

/* What the notes of a guest say. */
struct abi_claims {
	uint32_t version;  /* of the guest ABI; 0: this is no mote guest */
	uint32_t features; /* MOTE_FEATURE_..., and others that this library does not know */
};

/* Reads the notes into OUT, which is all zero when there are none. A version other than
 * this library's is MOTE_E_ABI_MISMATCH, whose message names both. */
mote_status records_read_abi(const struct elf *elf, struct abi_claims *out, mote_error *err);

/*
 * Reads the records in SECTION, which is MOTE_EXPORTS_SECTION or MOTE_IMPORTS_SECTION; none when
 * there is no such section. WHAT ("export") names a record in messages. On failure OUT is empty.
 */
mote_status records_read(struct records *out, const struct host *host, const struct elf *elf,
			 const char *section, const char *what, mote_error *err);

/* Prepares records_find(). Refuses names that occur twice. */
mote_status records_index(struct records *records, const struct host *host, mote_error *err);

/* The function of that name, or NULL. Binary search; needs records_index(). */
const mote_function_info *records_find(const struct records *records, const char *name);

/* Frees what the records hold and leaves them empty. */
void records_fini(struct records *records, const struct host *host);

#endif

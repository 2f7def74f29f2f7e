/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/store.h - snapshots on disk: an OCI image layout, which registries and their tools can move.
 *
 * These functions are in a library of their own, libmote-store (pkg-config mote-store), because
 * they need a JSON parser and SHA-256; programs that do not save or load do without.
 *
 * A directory holds any number of snapshots, each under one or more tags; what two have in common
 * byte for byte is stored once. Files are written under another name first and then renamed: who
 * reads while somebody saves sees the old or the new, never a part.
 *
 * Threads: any; also processes.
 */
#ifndef MOTE_STORE_H
#define MOTE_STORE_H

#include <mote/snapshot.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Saves SNAPSHOT under TAG in DIRECTORY, which is made if it is missing; a tag that exists
 * stands for SNAPSHOT from then on. TAG: 1 to 128 letters, digits, '_', '.', '-', not beginning
 * with '.' or '-'. Errors: MOTE_E_INVALID (tag), MOTE_E_SNAPSHOT (mapped files cannot be saved, nor
 * files that the guest has open or has changed, the message names one; a hyperlight guest's
 * registers are none that could be loaded; the directory is another thing than an image layout),
 * MOTE_E_NOMEM, MOTE_E_OS.
 */
MOTE_API MOTE_NODISCARD mote_status mote_snapshot_save(const mote_snapshot *snapshot,
						       const char *directory, const char *tag,
						       mote_error *err);

/*
 * Loads the snapshot that has TAG_OR_DIGEST ("clean", "sha256:4f...") in DIRECTORY. Its memory is
 * mapped from there, not copied: a page is read when it is used; a hyperlight guest's is read at
 * once. VERIFY compares all of it with its
 * digest, which takes a second for a gigabyte; without, a file that was changed can make the guest
 * do anything, which is no more than it may do anyway. Each of these is its own message of
 * MOTE_E_SNAPSHOT: a newer format, another architecture, CPU features that this machine lacks,
 * another guest ABI, malformed or inconsistent files, a digest that does not match. Errors also:
 * MOTE_E_INVALID (no such tag, by name), MOTE_E_NOMEM, MOTE_E_OS.
 */
MOTE_API MOTE_NODISCARD mote_status mote_snapshot_load(mote_snapshot **out, mote_runtime *rt,
						       const char *directory,
						       const char *tag_or_digest, bool verify,
						       mote_error *err);

/* One snapshot of a directory, as its files describe it. Strings live until the visitor returns. */
typedef struct mote_stored_info {
	const char *tag;      /* NULL: it has none any more */
	const char *digest;   /* of its manifest: "sha256:" and 64 hexadecimal digits */
	const char *guest;    /* the name of the image */
	const char *created;  /* "2026-11-21T14:23:34Z" */
	uint64_t memory_size; /* bytes of guest memory */
	uint64_t stored_size; /* bytes of it that are stored: pages that are not zero */
} mote_stored_info;

/* Calls VISIT for each snapshot of DIRECTORY, by tag. Errors: MOTE_E_SNAPSHOT (malformed files),
 * MOTE_E_NOMEM, MOTE_E_OS. */
MOTE_API MOTE_NODISCARD mote_status mote_store_list(const char *directory,
						    void (*visit)(void *user,
								  const mote_stored_info *info),
						    void *user, mote_error *err);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_STORE_H */

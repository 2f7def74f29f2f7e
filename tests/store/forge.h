/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forge.h - snapshots that somebody else wrote: files changed, and all digests right all the same.
 */
#ifndef TESTS_STORE_FORGE_H
#define TESTS_STORE_FORGE_H

#include "store/box.h"

#include <json-c/json.h>

/* The text of a file of the folder; to be freed. NULL if there is none. */
char *forge_read(const struct box *box, const char *name, size_t *size);

/* Writes a file of the folder as it comes. */
void forge_write(const struct box *box, const char *name, const void *bytes, size_t size);

/* The name of the file of the manifest, the config or the memory of the only snapshot in the
 * folder, to be freed. */
char *forge_manifest_name(const struct box *box);
char *forge_config_name(const struct box *box);
char *forge_memory_name(const struct box *box);

/* Puts SIZE bytes in the place of the config, or the manifest, of the only snapshot, whose tag
 * stands for the forgery then. */
void forge_config(const struct box *box, const void *bytes, size_t size);
void forge_manifest(const struct box *box, const void *bytes, size_t size);

/*
 * Calls TRY with each text that TEXT can be made by changing one node: removing it, or putting
 * something else in its place. PATH tells which ("snapshot.memory.runs[0]=null"). Stops after the
 * last; returns how many there were.
 */
unsigned forge_each(const char *text,
		    void (*try)(void *user, const char *changed, const char *path), void *user);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_folder.h - the files of an image layout in memory, behind the system calls of struct sys.
 */
#ifndef FUZZ_FAKE_FOLDER_H
#define FUZZ_FAKE_FOLDER_H

#include "store/folder.h"

enum fake_name { FAKE_LAYOUT, FAKE_INDEX, FAKE_MANIFEST, FAKE_WRITTEN, FAKE_NAMES };

struct fake_file {
	char *bytes; /* NULL: there is no such file */
	size_t size;
};

struct fake_folder {
	struct folder folder; /* of HOST */
	struct host host;
	struct fake_file files[FAKE_NAMES]; /* the last one is what was written last */
	char written_name[80];
	char *tag;
	int nopen;
};

/* Cuts DATA at NUL bytes into the first three files and the tag, which is returned: "" if there is
 * none. Files that are not in DATA do not exist. One folder at a time. */
const char *fake_folder_init(struct fake_folder *files, const uint8_t *data, size_t size);
void fake_folder_fini(struct fake_folder *files);

/* What a descriptor says of the manifest. */
void fake_folder_manifest(const struct fake_folder *files, struct blob *out);

/* The index, or the manifest, is what was written. */
void fake_folder_replace_index(struct fake_folder *files);
void fake_folder_replace_manifest(struct fake_folder *files);

#endif

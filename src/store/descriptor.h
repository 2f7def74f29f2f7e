/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor.h - how files of an image layout refer to blobs: by type, digest and size; and what
 * people call them: tags.
 */
#ifndef STORE_DESCRIPTOR_H
#define STORE_DESCRIPTOR_H

#include "store/folder.h"
#include "store/tree.h"
#include "store/writer.h"

/* Reads OBJECT; its type must be MEDIA_TYPE, unless that is NULL. */
struct blob descriptor_read(struct tree_reader *reader, const struct tree_node *object,
			    const char *media_type);

/* Begins an object that is a descriptor. There may be more in it. */
void descriptor_open(struct writer *writer, const char *key, const char *media_type,
		     const struct blob *blob);

/* 1 to MOTE_MAX_TAG_SIZE letters, digits, '_', '.', '-'; neither '.' nor '-' first. */
bool tag_is_valid(const char *tag);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * descriptor.h - how files of an image layout refer to blobs: by type, digest and size; and what
 * people call them: tags.
 */
#ifndef STORE_DESCRIPTOR_H
#define STORE_DESCRIPTOR_H

#include "store/folder.h"
#include "store/tree.h"

/* Reads OBJECT; its type must be MEDIA_TYPE, unless that is NULL. */
struct blob descriptor_read(struct tree_reader *reader, json_object *object,
			    const char *media_type);

/* Adds a descriptor to OBJECT: see tree_add(). */
json_object *descriptor_add(struct tree_writer *writer, json_object *object, const char *key,
			    const char *media_type, const struct blob *blob);

/* 1 to MOTE_MAX_TAG_SIZE letters, digits, '_', '.', '-'; neither '.' nor '-' first. */
bool tag_is_valid(const char *tag);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of blobs, and tags.
 */
#include "store/descriptor.h"

#include "store/index.h"

#include <string.h>

struct blob descriptor_read(struct tree_reader *reader, json_object *object, const char *media_type)
{
	struct blob blob = { .size = tree_number(reader, object, "size", INT64_MAX) };
	const char *digest = tree_string(reader, object, "digest");
	const char *type = tree_string(reader, object, "mediaType");

	if (!reader->status && !digest_parse(&blob.digest, digest))
		tree_refuse(reader, "digest",
			    "\"sha256:\" and 64 hexadecimal digits in lower case");
	if (!reader->status && media_type && strcmp(type, media_type) != 0)
		tree_refuse_text(reader, "a blob is of type ", type,
				 ", which does not belong there");
	return blob;
}

json_object *descriptor_add(struct tree_writer *writer, json_object *object, const char *key,
			    const char *media_type, const struct blob *blob)
{
	json_object *descriptor = tree_add_object(writer, object, key);

	tree_add_string(writer, descriptor, "mediaType", media_type);
	tree_add_string(writer, descriptor, "digest", blob->digest.text);
	tree_add_number(writer, descriptor, "size", blob->size);
	return descriptor;
}

bool tag_is_valid(const char *tag)
{
	static const char others[] = "_.-";
	const size_t size = strnlen(tag, MOTE_MAX_TAG_SIZE + 1);

	for (size_t i = 0; i < size; i++)
		if (!(tag[i] >= 'a' && tag[i] <= 'z') && !(tag[i] >= 'A' && tag[i] <= 'Z') &&
		    !(tag[i] >= '0' && tag[i] <= '9') && !strchr(others, tag[i]))
			return false;
	return size > 0 && size <= MOTE_MAX_TAG_SIZE && tag[0] != '.' && tag[0] != '-';
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors of blobs, and tags.
 */
#include "store/descriptor.h"

#include "store/index.h"

#include <string.h>

struct blob descriptor_read(struct tree_reader *reader, const struct tree_node *object,
			    const char *media_type)
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

void descriptor_open(struct writer *writer, const char *key, const char *media_type,
		     const struct blob *blob)
{
	writer_open(writer, key);
	writer_string(writer, "mediaType", media_type);
	writer_string(writer, "digest", blob->digest.text);
	writer_number(writer, "size", blob->size);
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

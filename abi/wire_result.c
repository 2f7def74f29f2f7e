/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message that ends a call. Written as a struct value_part or a struct
 * error_part, then the blob of the value or the error's message: 64 bytes for
 * anything but strings and bytes.
 *
 * A value is in a table (its box), in a table with its type (a value box), in the root table
 * with the tag that says "value"; an error is a table in the root table.
 */
#include "abi/wire_parts.h"

#include <string.h>

/* Field numbers, by table. The value of a union is one on from its tag. */
enum { RESULT_TAG };
enum { VALUE_TAG };
enum { BOXED_SIZE, BOXED_BYTES };
enum { ERROR_CODE, ERROR_MESSAGE };

enum { TAG_VALUE = 1, TAG_ERROR = 2 }; /* of the union in the root table */

/* Size prefix, root offset and root table: the same in both shapes. */
struct result_head {
	uint32_t size_prefix;
	uint32_t root;            /* an offset, as bytes and message below */
	uint16_t pair_vtable[4];  /* of the root, the value, and a byte vector's box */
	uint16_t other_vtable[4]; /* of the box, or of the error */
	struct wire_union result;
} WIRE_IN_PLACE;

struct value_part {
	struct result_head head;
	struct wire_union value;
	uint32_t zero; /* puts the box's scalar at a multiple of eight */
	int32_t box_vtable;
	union {
		uint64_t scalar; /* or the offset of a string */
		struct {
			uint32_t size;
			uint32_t bytes;
		} sized;
	} box;
} WIRE_IN_PLACE;

struct error_part {
	struct result_head head;
	int32_t vtable;
	uint64_t code;
	uint32_t message;
} WIRE_IN_PLACE;

#define HEAD(field)  ((uint32_t)offsetof(struct result_head, field))
#define VALUE(field) ((uint32_t)offsetof(struct value_part, field))
#define ERROR(field) ((uint32_t)offsetof(struct error_part, field))

_Static_assert(sizeof(struct result_head) == 36 && sizeof(struct value_part) == 64 &&
		       sizeof(struct error_part) == 52,
	       "the message is laid out by these structs; they must not have padding");
_Static_assert(VALUE(box) % 8 == 0 && ERROR(code) % 8 == 0,
	       "verifiers want 64-bit scalars at multiples of eight from the size prefix");

size_t wire_result_size(const struct wire_result *result)
{
	if (result->is_error)
		return wire_total(sizeof(struct error_part) +
				  wire_text_blob_size(result->message_len));
	if (!wire_tag(wire_result_tags, result->value.type))
		return 0;
	return wire_total(sizeof(struct value_part) + wire_value_blob_size(&result->value));
}

/* What both shapes start with; OTHER is the second vtable. */
static void put_head(struct result_head *head, size_t size, uint8_t tag, const uint16_t other[4])
{
	*head = (struct result_head){
		.size_prefix = (uint32_t)size - HEAD(root),
		.root = HEAD(result) - HEAD(root),
		.pair_vtable = { WIRE_PAIR_VTABLE },
		.other_vtable = { other[0], other[1], other[2], other[3] },
		.result = { .vtable = HEAD(result) - HEAD(pair_vtable),
			    .tag = tag,
			    .value = sizeof(*head) - HEAD(result.value) },
	};
}

/* The fixed part of a result with VALUE, and its blob. */
static void put_value(struct flatbuf_writer *w, const mote_value *value, size_t size)
{
	static const uint16_t box_vtable[4] = { WIRE_BOX_VTABLE };
	struct value_part *part = flatbuf_put(w, sizeof(*part));
	/* A byte vector's box has its own length in front of the offset. */
	bool sized = value->type == MOTE_BYTES;

	put_head(&part->head, size, TAG_VALUE, box_vtable);
	part->value = (struct wire_union){
		.vtable = VALUE(value) - VALUE(head.pair_vtable),
		.tag = wire_result_tags[value->type],
		.value = VALUE(box_vtable) - VALUE(value.value),
	};
	part->zero = 0;
	part->box_vtable =
		VALUE(box_vtable) - (sized ? VALUE(head.pair_vtable) : VALUE(head.other_vtable));
	if (sized) {
		part->box.sized.size = (uint32_t)value->as.bytes.len;
		part->box.sized.bytes = sizeof(*part) - VALUE(box.sized.bytes);
	} else {
		part->box.scalar = wire_has_blob(value->type) ? sizeof(*part) - VALUE(box)
							      : wire_scalar_bits(value);
	}
	wire_put_value_blob(w, value);
}

/* The fixed part of an error, and its message. */
static void put_error(struct flatbuf_writer *w, const struct wire_result *result, size_t size)
{
	static const uint16_t error_vtable[4] = {
		sizeof(error_vtable),
		sizeof(struct error_part) - ERROR(vtable),
		ERROR(code) - ERROR(vtable),
		ERROR(message) - ERROR(vtable),
	};
	struct error_part *part = flatbuf_put(w, sizeof(*part));

	put_head(&part->head, size, TAG_ERROR, error_vtable);
	part->vtable = ERROR(vtable) - ERROR(head.other_vtable);
	part->code = result->code;
	part->message = sizeof(*part) - ERROR(message);
	flatbuf_put_blob(w, result->message, result->message_len);
}

size_t wire_result_write(void *to, size_t capacity, const struct wire_result *result)
{
	struct flatbuf_writer w = { to, 0 };
	size_t size = wire_result_size(result);

	if (size == 0 || size > capacity)
		return 0;
	if (result->is_error)
		put_error(&w, result, size);
	else
		put_value(&w, &result->value, size);
	flatbuf_pad_to(&w, size);
	return size;
}

/* The value box that the offset at AT leads to. */
static void read_value(struct flatbuf_reader *r, uint64_t at, struct wire_result *out)
{
	struct flatbuf_table outer = flatbuf_table_behind(r, at, WIRE_FIELD_VALUE);
	uint64_t value;
	uint8_t tag = flatbuf_union(r, &outer, VALUE_TAG, &value, WIRE_FIELD_VALUE);
	uint8_t type = tag < WIRE_RESULT_TAGS ? wire_result_types[tag] : WIRE_NO_TYPE;

	if (type == WIRE_NO_TYPE) {
		flatbuf_fail(r, WIRE_UNKNOWN_TYPE, WIRE_FIELD_VALUE);
		return;
	}
	struct flatbuf_table box = flatbuf_table_behind(r, value, WIRE_FIELD_VALUE);
	out->value = wire_read_value(r, &box, type, BOXED_BYTES, WIRE_FIELD_VALUE);
}

/* The error that the offset at AT leads to. Neither field is required: 0 and no words. */
static void read_error(struct flatbuf_reader *r, uint64_t at, struct wire_result *out)
{
	struct flatbuf_table error = flatbuf_table_behind(r, at, WIRE_FIELD_RESULT);
	struct wire_text message =
		wire_read_text(r, &error, ERROR_MESSAGE, FLATBUF_OPTIONAL, WIRE_FIELD_MESSAGE);

	out->is_error = true;
	out->code = flatbuf_u64(r, &error, ERROR_CODE, WIRE_FIELD_CODE);
	out->message = message.ptr;
	out->message_len = message.len;
}

struct wire_check wire_result_read(const void *from, size_t size, struct wire_result *out)
{
	struct flatbuf_reader r;
	struct flatbuf_table t = flatbuf_root(&r, from, size);
	uint64_t value;
	uint8_t tag = flatbuf_union(&r, &t, RESULT_TAG, &value, WIRE_FIELD_RESULT);

	memset(out, 0, sizeof(*out));
	if (tag == TAG_VALUE)
		read_value(&r, value, out);
	else if (tag == TAG_ERROR)
		read_error(&r, value, out);
	else
		flatbuf_fail(&r, WIRE_UNKNOWN_KIND, WIRE_FIELD_RESULT);
	if (r.status != WIRE_OK)
		memset(out, 0, sizeof(*out));
	return wire_outcome(&r, 0);
}

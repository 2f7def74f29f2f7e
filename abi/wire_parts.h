/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire_parts.h - what the messages of wire.h are made of: type numbers, boxed
 * values, and text fields. Only the wire_*.c files include it.
 *
 * A written message starts with a struct that holds the fixed part in its final
 * layout: size prefix, root offset, vtables, tables. What varies in length
 * (strings and byte vectors, "blobs") follows, each at a multiple of four. So
 * writing is a struct assignment and a few copies, and the compiler checks the
 * layout.
 *
 * Every scalar is written, defaults included: each message has one shape, and
 * -0.0 arrives as -0.0.
 */
#ifndef ABI_WIRE_PARTS_H
#define ABI_WIRE_PARTS_H

#include "abi/flatbuf.h"
#include "abi/wire.h"

#define WIRE_NO_TYPE 0xff

/* Union tags by mote_type; a type's number in the enumerations is its tag less
 * one. 0: none. */
extern const uint8_t wire_param_tags[MOTE_BYTES + 1];
extern const uint8_t wire_result_tags[MOTE_BYTES + 1];

/* mote_type by union tag; WIRE_NO_TYPE where the tag stands for none. */
#define WIRE_PARAM_TAGS  10
#define WIRE_RESULT_TAGS 11
extern const uint8_t wire_param_types[WIRE_PARAM_TAGS];
extern const uint8_t wire_result_types[WIRE_RESULT_TAGS];

/* VALUE's tag in TAGS, or 0 when its type is none. */
static inline uint8_t wire_tag(const uint8_t *tags, mote_type type)
{
	return (unsigned)type <= MOTE_BYTES ? tags[type] : 0;
}

/* A vtable with two fields in tables of twelve bytes. Serves every table with a
 * tag and a value (byte at 4, offset at 8), and the size-prefixed byte vector
 * (i32 at 4, offset at 8). */
#define WIRE_PAIR_VTABLE 8, 12, 4, 8

/* A vtable with one field of up to eight bytes at 4, for all other boxed
 * values. Their tables start four bytes before a multiple of eight. */
#define WIRE_BOX_VTABLE 6, 12, 4

/* On the structs of written messages: no padding, and at any address. They are
 * assigned, never read. */
#define WIRE_IN_PLACE __attribute__((packed, may_alias))

/* A table with a union: tag and value. */
struct wire_union {
	int32_t vtable; /* this table's place less the vtable's */
	uint8_t tag;
	uint8_t zero[3];
	uint32_t value; /* the value's place less that of this field */
} WIRE_IN_PLACE;

_Static_assert(offsetof(mote_value, as.str.ptr) == offsetof(mote_value, as.bytes.ptr) &&
		       offsetof(mote_value, as.str.len) == offsetof(mote_value, as.bytes.len),
	       "strings are handled as bytes below");

static inline bool wire_has_blob(mote_type type)
{
	return type == MOTE_STRING || type == MOTE_BYTES;
}

/* The blob of a text of LEN bytes. Lengths over WIRE_MAX_SIZE count as that, so
 * that sums do not wrap and still come out too long. */
static inline uint64_t wire_text_blob_size(size_t len)
{
	return flatbuf_blob_size(len < WIRE_MAX_SIZE ? len : WIRE_MAX_SIZE);
}

/* The blob of VALUE: 0 for scalars. */
static inline uint64_t wire_value_blob_size(const mote_value *value)
{
	return wire_has_blob(value->type) ? wire_text_blob_size(value->as.bytes.len) : 0;
}

/* Appends the blob of VALUE; nothing for scalars. */
static inline void wire_put_value_blob(struct flatbuf_writer *w, const mote_value *value)
{
	if (wire_has_blob(value->type))
		flatbuf_put_blob(w, value->as.bytes.ptr, value->as.bytes.len);
}

/* Which bits of a union in a mote_value a scalar of each type defines. */
extern const uint64_t wire_scalar_masks[MOTE_BYTES + 1];

/* The bits of a scalar VALUE as they stand in a box. */
static inline uint64_t wire_scalar_bits(const mote_value *value)
{
	return value->as.u64 & wire_scalar_masks[value->type];
}

/* SIZE rounded up to eight, or 0 when that is over WIRE_MAX_SIZE. */
size_t wire_total(uint64_t size);

/* The value of TYPE in table T. BYTES_ID is the number of the field with a byte
 * vector. */
mote_value wire_read_value(struct flatbuf_reader *r, const struct flatbuf_table *t, uint8_t type,
			   unsigned bytes_id, enum wire_field field);

/* A string that must not hold NUL bytes. */
struct flatbuf_span wire_read_name(struct flatbuf_reader *r, const struct flatbuf_table *t,
				   unsigned id, enum flatbuf_presence presence,
				   enum wire_field field);

/* A string for people to read. */
struct wire_text wire_read_text(struct flatbuf_reader *r, const struct flatbuf_table *t,
				unsigned id, enum flatbuf_presence presence, enum wire_field field);

/* The outcome of reading with R, at element INDEX. */
static inline struct wire_check wire_outcome(const struct flatbuf_reader *r, uint64_t index)
{
	return (struct wire_check){ (enum wire_status)r->status, (enum wire_field)r->field,
				    r->status ? (uint32_t)index : 0 };
}

#endif

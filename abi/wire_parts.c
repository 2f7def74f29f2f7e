/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that several messages share: type numbers, values, texts, and the
 * words for what can be wrong. The numbers are those of the schemas; guests
 * in the field were compiled with them.
 */
#include "abi/wire_parts.h"

#include <string.h>

_Static_assert((unsigned)WIRE_TOO_BIG == FLATBUF_TOO_BIG && (unsigned)WIRE_OK == FLATBUF_OK &&
		       (unsigned)WIRE_UNALIGNED == FLATBUF_UNALIGNED &&
		       (unsigned)WIRE_HALF_UNION == FLATBUF_HALF_UNION,
	       "statuses of flatbuf.h are passed on by number");
_Static_assert(MOTE_VOID == 0 && MOTE_I32 == 1 && MOTE_BOOL == 7 && MOTE_BYTES == 9,
	       "the tables below are indexed by mote_type");

/* Strings come before booleans on the wire, and a byte vector is one thing as a parameter and
 * another, with its own length in front, as a result. */
const uint8_t wire_param_tags[] = {
	[MOTE_I32] = 1, [MOTE_U32] = 2,    [MOTE_I64] = 3,  [MOTE_U64] = 4,   [MOTE_F32] = 5,
	[MOTE_F64] = 6, [MOTE_STRING] = 7, [MOTE_BOOL] = 8, [MOTE_BYTES] = 9,
};

const uint8_t wire_result_tags[] = {
	[MOTE_I32] = 1, [MOTE_U32] = 2,    [MOTE_I64] = 3,  [MOTE_U64] = 4,  [MOTE_F32] = 5,
	[MOTE_F64] = 6, [MOTE_STRING] = 7, [MOTE_BOOL] = 8, [MOTE_VOID] = 9, [MOTE_BYTES] = 10,
};

const uint8_t wire_param_types[] = {
	WIRE_NO_TYPE, MOTE_I32, MOTE_U32,    MOTE_I64,  MOTE_U64,
	MOTE_F32,     MOTE_F64, MOTE_STRING, MOTE_BOOL, MOTE_BYTES,
};

const uint8_t wire_result_types[] = {
	WIRE_NO_TYPE, MOTE_I32,    MOTE_U32,  MOTE_I64,  MOTE_U64,   MOTE_F32,
	MOTE_F64,     MOTE_STRING, MOTE_BOOL, MOTE_VOID, MOTE_BYTES,
};

/* Callers may leave what lies above a narrow value undefined; it must not cross the boundary. */
const uint64_t wire_scalar_masks[] = {
	[MOTE_I32] = UINT32_MAX, [MOTE_U32] = UINT32_MAX, [MOTE_I64] = UINT64_MAX,
	[MOTE_U64] = UINT64_MAX, [MOTE_F32] = UINT32_MAX, [MOTE_F64] = UINT64_MAX,
	[MOTE_BOOL] = UINT8_MAX, [MOTE_BYTES] = 0,
};

const char *wire_status_text(enum wire_status status)
{
	static const char *const texts[] = {
#define TEXT(name, text) text,
		WIRE_STATUSES(TEXT)
#undef TEXT
	};
	return (unsigned)status < sizeof(texts) / sizeof(*texts) ? texts[status] : "unknown status";
}

const char *wire_field_text(enum wire_field field)
{
	static const char *const texts[] = {
#define TEXT(name, text) text,
		WIRE_FIELDS(TEXT)
#undef TEXT
	};
	return (unsigned)field < sizeof(texts) / sizeof(*texts) ? texts[field] : "unknown field";
}

size_t wire_total(uint64_t size)
{
	size = (size + 7) & ~UINT64_C(7);
	return size <= WIRE_MAX_SIZE ? (size_t)size : 0;
}

struct flatbuf_span wire_read_name(struct flatbuf_reader *r, const struct flatbuf_table *t,
				   unsigned id, enum flatbuf_presence presence,
				   enum wire_field field)
{
	bool has_nul;
	struct flatbuf_span text = flatbuf_string(r, t, id, presence, &has_nul, field);

	if (has_nul)
		flatbuf_fail(r, WIRE_HAS_NUL, field);
	return text;
}

struct wire_text wire_read_text(struct flatbuf_reader *r, const struct flatbuf_table *t,
				unsigned id, enum flatbuf_presence presence, enum wire_field field)
{
	bool has_nul;
	struct flatbuf_span text = flatbuf_string(r, t, id, presence, &has_nul, field);

	return (struct wire_text){ (const char *)text.data, text.count };
}

mote_value wire_read_value(struct flatbuf_reader *r, const struct flatbuf_table *t, uint8_t type,
			   unsigned bytes_id, enum wire_field field)
{
	struct flatbuf_span span;
	mote_value value = { .type = (mote_type)type };

	switch (value.type) {
	case MOTE_I32:
	case MOTE_U32:
	case MOTE_F32:
		value.as.u32 = flatbuf_u32(r, t, 0, field);
		break;
	case MOTE_I64:
	case MOTE_U64:
	case MOTE_F64:
		value.as.u64 = flatbuf_u64(r, t, 0, field);
		break;
	case MOTE_BOOL:
		value.as.boolean = flatbuf_u8(r, t, 0, field) != 0;
		break;
	case MOTE_STRING:
		span = wire_read_name(r, t, 0, FLATBUF_OPTIONAL, field);
		return mote_strn((const char *)span.data, span.count);
	case MOTE_BYTES:
		span = flatbuf_vector(r, t, bytes_id, 1, field);
		return mote_bytes(span.data, span.count);
	case MOTE_VOID:
		break;
	}
	return value;
}

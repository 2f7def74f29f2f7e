/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FlatBuffers reader and writer that the messages are made of. Every access
 * to the buffer goes through is_inside() first; sums of two places cannot wrap,
 * because the buffer is shorter than 2^31 and offsets are 32 bits wide, while
 * all arithmetic is done in 64.
 *
 * The format in short: an offset is 32 bits and counts forward from its own place. A
 * table starts with a signed offset, counted backward, to its vtable; the vtable
 * holds its own size, the table's size, and for each field number where in the table
 * the field is, or 0. A vector is a 32-bit count and its elements; a string is a
 * vector of bytes with a NUL behind it.
 */
#include "abi/flatbuf.h"

#include "abi/utf8.h"

#include <string.h>

#define OFFSET_SIZE      4
#define SIZE_PREFIX_SIZE 4
#define VTABLE_HEAD_SIZE 4 /* its own size, and the table's, 16 bits each */

static uint16_t load16(const uint8_t *from)
{
	uint16_t value;
	memcpy(&value, from, sizeof(value));
	return value;
}

static uint32_t load32(const uint8_t *from)
{
	uint32_t value;
	memcpy(&value, from, sizeof(value));
	return value;
}

static uint64_t load64(const uint8_t *from)
{
	uint64_t value;
	memcpy(&value, from, sizeof(value));
	return value;
}

void flatbuf_fail(struct flatbuf_reader *r, unsigned status, unsigned field)
{
	if (r->status != FLATBUF_OK)
		return;
	r->status = status;
	r->field = field;
}

/* Whether SIZE bytes at AT are in the buffer, and AT is a multiple of
 * ALIGNMENT. */
static bool is_inside(struct flatbuf_reader *r, uint64_t at, uint64_t size, unsigned alignment,
		      unsigned field)
{
	if (at & (alignment - 1)) {
		flatbuf_fail(r, FLATBUF_UNALIGNED, field);
		return false;
	}
	if (at > r->size || size > r->size - at) {
		flatbuf_fail(r, FLATBUF_OUT_OF_BOUNDS, field);
		return false;
	}
	return true;
}

/* Where the unsigned offset at AT leads, or 0: no offset can lead there. */
static uint64_t follow(struct flatbuf_reader *r, uint64_t at, unsigned field)
{
	if (!is_inside(r, at, OFFSET_SIZE, OFFSET_SIZE, field))
		return 0;
	return at + load32(r->bytes + at);
}

/* The place of the vtable of the table at AT, of which the caller has checked the first word. */
static uint64_t vtable_place(const struct flatbuf_reader *r, uint64_t at)
{
	/* A vtable before the buffer wraps to a huge place, which is_inside()
	 * refuses. */
	return at - (uint64_t)(int64_t)(int32_t)load32(r->bytes + at);
}

/* The table at AT, its vtable checked as a whole. The size of the table, which the vtable holds
 * too, is not looked at: each field is checked by itself when it is read. */
static struct flatbuf_table table_at(struct flatbuf_reader *r, uint64_t at, unsigned field)
{
	struct flatbuf_table table = { 0, 0, 0 };

	if (!is_inside(r, at, OFFSET_SIZE, OFFSET_SIZE, field))
		return table;
	uint64_t vtable = vtable_place(r, at);
	if (!is_inside(r, vtable, 2, 2, field))
		return table;
	uint64_t size = load16(r->bytes + vtable);
	if (size & 1)
		flatbuf_fail(r, FLATBUF_UNALIGNED, field);
	else if (is_inside(r, vtable, size, 2, field))
		table = (struct flatbuf_table){ at, vtable, size };
	return table;
}

struct flatbuf_table flatbuf_root(struct flatbuf_reader *r, const void *bytes, uint64_t size)
{
	*r = (struct flatbuf_reader){ .bytes = bytes, .size = size, .budget = FLATBUF_SIZE_MAX };
	if (size > FLATBUF_SIZE_MAX) {
		r->size = 0;
		flatbuf_fail(r, FLATBUF_TOO_BIG, 0);
	}
	return flatbuf_table_behind(r, SIZE_PREFIX_SIZE, 0);
}

struct flatbuf_table flatbuf_table_behind(struct flatbuf_reader *r, uint64_t at, unsigned field)
{
	uint64_t table = at == 0 ? 0 : follow(r, at, field);

	if (table == 0)
		return (struct flatbuf_table){ 0, 0, 0 };
	return table_at(r, table, field);
}

/* The place of field ID of T, or 0 when it is absent or its WIDTH bytes are not
 * to be had. */
static uint64_t field_place(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
			    unsigned width, unsigned field)
{
	uint64_t slot = VTABLE_HEAD_SIZE + 2 * id;

	if (slot >= t->vtable_size)
		return 0;
	uint64_t offset = load16(r->bytes + t->vtable + slot);
	if (offset == 0 || !is_inside(r, t->at + offset, width, width, field))
		return 0;
	return t->at + offset;
}

uint8_t flatbuf_u8(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		   unsigned field)
{
	uint64_t at = field_place(r, t, id, 1, field);
	return at ? r->bytes[at] : 0;
}

uint32_t flatbuf_u32(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		     unsigned field)
{
	uint64_t at = field_place(r, t, id, 4, field);
	return at ? load32(r->bytes + at) : 0;
}

uint64_t flatbuf_u64(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		     unsigned field)
{
	uint64_t at = field_place(r, t, id, 8, field);
	return at ? load64(r->bytes + at) : 0;
}

uint8_t flatbuf_union(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		      uint64_t *value, unsigned field)
{
	/* Where, not what: a tag may be there and 0, which is another error than its absence. */
	uint64_t tag_at = field_place(r, t, id, 1, field);

	*value = field_place(r, t, id + 1, OFFSET_SIZE, field);
	if (tag_at && *value)
		return r->bytes[tag_at];
	flatbuf_fail(r, tag_at || *value ? FLATBUF_HALF_UNION : FLATBUF_MISSING, field);
	*value = 0;
	return 0;
}

/* Takes SIZE bytes from the budget: tables may share what they point at, so a
 * small message could otherwise ask for work without end. */
static bool spend(struct flatbuf_reader *r, uint64_t size, unsigned field)
{
	if (size > r->budget) {
		flatbuf_fail(r, FLATBUF_TOO_BIG, field);
		return false;
	}
	r->budget -= size;
	return true;
}

struct flatbuf_span flatbuf_vector(struct flatbuf_reader *r, const struct flatbuf_table *t,
				   unsigned id, unsigned width, unsigned field)
{
	static const uint8_t nothing[1];
	struct flatbuf_span none = { nothing, 0, 0 };
	uint64_t offset_at = field_place(r, t, id, OFFSET_SIZE, field);

	if (offset_at == 0)
		return none;
	uint64_t at = follow(r, offset_at, field);
	if (at == 0 || !is_inside(r, at, OFFSET_SIZE, OFFSET_SIZE, field))
		return none;
	/* The product cannot wrap: 2^32 elements of eight bytes at most. */
	uint64_t count = load32(r->bytes + at);
	if (!is_inside(r, at + OFFSET_SIZE, count * width, width, field) ||
	    !spend(r, count * width, field))
		return none;
	return (struct flatbuf_span){ r->bytes + at + OFFSET_SIZE, at + OFFSET_SIZE, count };
}

struct flatbuf_span flatbuf_string(struct flatbuf_reader *r, const struct flatbuf_table *t,
				   unsigned id, enum flatbuf_presence presence, bool *has_nul,
				   unsigned field)
{
	struct flatbuf_span text = flatbuf_vector(r, t, id, 1, field);

	*has_nul = false;
	if (text.at == 0) { /* absent; an empty string has a place */
		if (presence == FLATBUF_REQUIRED)
			flatbuf_fail(r, FLATBUF_MISSING, field);
		return text;
	}
	if (text.at + text.count == r->size || text.data[text.count] != 0)
		flatbuf_fail(r, FLATBUF_NO_NUL, field);
	enum utf8_verdict verdict = utf8_check(text.data, text.count);
	if (verdict == UTF8_MALFORMED)
		flatbuf_fail(r, FLATBUF_NOT_UTF8, field);
	*has_nul = verdict == UTF8_WITH_NUL;
	return text;
}

void flatbuf_put_blob(struct flatbuf_writer *w, const void *from, uint64_t len)
{
	uint64_t size = flatbuf_blob_size(len);
	uint8_t *to = flatbuf_put(w, size);
	const uint32_t count = (uint32_t)len, zero = 0;

	/* NUL and padding first, as a word, of which the data then covers a part. */
	memcpy(to + size - sizeof(zero), &zero, sizeof(zero));
	memcpy(to, &count, sizeof(count));
	if (len) /* FROM may be NULL otherwise, which memcpy() forbids */
		memcpy(to + sizeof(count), from, len);
}

void flatbuf_pad_to(struct flatbuf_writer *w, uint64_t size)
{
	uint64_t len = size > w->at ? size - w->at : 0;

	if (len)
		memset(flatbuf_put(w, len), 0, len);
}

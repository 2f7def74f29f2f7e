/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flatbuf.h - reading and writing FlatBuffers, bounded and without allocation.
 *
 * The reader verifies as it goes: every offset, length and alignment is checked
 * before the bytes behind it are looked at, so a message from a hostile writer
 * can be walked directly. It must walk a private copy, for it reads some bytes
 * twice.
 *
 * Failures stick. What cannot be read is 0, empty or absent, and the first
 * failure is kept with the field that it was found in. So a message is read
 * from top to bottom without a branch a field, and the status is asked for once
 * at the end; nothing that was read may be used if it is not FLATBUF_OK.
 *
 * The rules are those of the FlatBuffers verifiers: alignment counts from the
 * size prefix, whatever the address; the prefix's value is not looked at; bytes
 * behind the message are ignored; vtables may lie before or behind their tables
 * and be shared.
 *
 * The writer goes strictly forward and never reads what it wrote, so the
 * destination may be memory that the other side is changing.
 */
#ifndef ABI_FLATBUF_H
#define ABI_FLATBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "FlatBuffers are little-endian; loads and stores here do not swap");

/* Offsets are 31 bits wide in practice: no verifier accepts a longer buffer. */
#define FLATBUF_SIZE_MAX UINT64_C(0x7fffffff)

enum flatbuf_status {
	FLATBUF_OK = 0,
	FLATBUF_OUT_OF_BOUNDS, /* an offset or a length leads out of the buffer */
	FLATBUF_UNALIGNED,     /* something lies at an offset that its type forbids */
	FLATBUF_MISSING,       /* a required field is absent */
	FLATBUF_NO_NUL,        /* a string has no NUL behind it */
	FLATBUF_NOT_UTF8,      /* a string is not well-formed UTF-8 */
	FLATBUF_HALF_UNION,    /* a union's tag without its value, or the reverse */
	FLATBUF_TOO_BIG,       /* the buffer, or all that its tables point at, exceeds the
				  limit */
};

struct flatbuf_reader {
	const uint8_t *bytes;
	uint64_t size;
	uint64_t budget; /* bytes of strings and vectors that may still be visited */
	unsigned status; /* flatbuf_status, or a caller's own code above those */
	unsigned field;  /* the caller's name of the field that failed first */
};

/* A verified table: its place, and the place and size of its vtable. All zero:
 * empty. */
struct flatbuf_table {
	uint64_t at;
	uint64_t vtable;
	uint64_t vtable_size;
};

/* A run of COUNT elements at DATA, inside the reader's buffer. */
struct flatbuf_span {
	const uint8_t *data;
	uint64_t at;
	uint64_t count;
};

/* Starts reading the size-prefixed buffer of SIZE bytes at BYTES; returns its
 * root table. */
struct flatbuf_table flatbuf_root(struct flatbuf_reader *r, const void *bytes, uint64_t size);

/* Records a failure of FIELD unless there was one before. STATUS may be the
 * caller's own. */
void flatbuf_fail(struct flatbuf_reader *r, unsigned status, unsigned field);

/*
 * Scalar fields of table T by field number ID; 0 when absent, as schemas
 * default. FIELD is the name to blame, here and below.
 */
uint8_t flatbuf_u8(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		   unsigned field);
uint32_t flatbuf_u32(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		     unsigned field);
uint64_t flatbuf_u64(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		     unsigned field);

/*
 * The union of table T whose tag has number ID and whose value has ID + 1; both
 * must be there. Returns the tag, and in *VALUE the place to give to
 * flatbuf_table_behind() once the tag is known to stand for a table.
 */
uint8_t flatbuf_union(struct flatbuf_reader *r, const struct flatbuf_table *t, unsigned id,
		      uint64_t *value, unsigned field);

/* The table that the offset at place AT points to. AT 0 gives the empty table.
 */
struct flatbuf_table flatbuf_table_behind(struct flatbuf_reader *r, uint64_t at, unsigned field);

/* A vector of scalars of WIDTH bytes (1, 2, 4 or 8), or of offsets (4). Absent:
 * no elements, and data points at a NUL byte. */
struct flatbuf_span flatbuf_vector(struct flatbuf_reader *r, const struct flatbuf_table *t,
				   unsigned id, unsigned width, unsigned field);

enum flatbuf_presence { FLATBUF_OPTIONAL, FLATBUF_REQUIRED };

/*
 * A string: UTF-8 that may hold NUL bytes (*HAS_NUL says so), with a NUL behind
 * it that count does not include. Absent and FLATBUF_OPTIONAL: the empty
 * string.
 */
struct flatbuf_span flatbuf_string(struct flatbuf_reader *r, const struct flatbuf_table *t,
				   unsigned id, enum flatbuf_presence presence, bool *has_nul,
				   unsigned field);

/*
 * The forward writer. Callers compute the whole size first (flatbuf_blob_size()
 * for the parts that vary), check it against the destination once, and then put
 * piece after piece. The pieces of fixed size are structs that are assigned in
 * place.
 */
struct flatbuf_writer {
	uint8_t *to;
	uint64_t at; /* bytes written so far */
};

/* Bytes that a string or byte vector of LEN bytes takes: length, data, NUL, and
 * padding to a multiple of four. LEN must not exceed FLATBUF_SIZE_MAX. */
static inline uint64_t flatbuf_blob_size(uint64_t len)
{
	return (sizeof(uint32_t) + len + 1 + 3) & ~UINT64_C(3);
}

/* The place of the next SIZE bytes, all of which the caller must write. At any
 * address. */
static inline void *flatbuf_put(struct flatbuf_writer *w, uint64_t size)
{
	void *place = w->to + w->at;
	w->at += size;
	return place;
}

/* Appends an offset that leads to the place TO in the message, which must lie
 * ahead. */
static inline void flatbuf_put_offset(struct flatbuf_writer *w, uint64_t to)
{
	uint32_t offset = (uint32_t)(to - w->at);
	__builtin_memcpy(flatbuf_put(w, sizeof(offset)), &offset, sizeof(offset));
}

/* Appends a string or byte vector; vectors get a NUL too, which does no harm.
 */
void flatbuf_put_blob(struct flatbuf_writer *w, const void *from, uint64_t len);

/* Appends zero bytes until SIZE bytes are written. */
void flatbuf_pad_to(struct flatbuf_writer *w, uint64_t size);

#endif

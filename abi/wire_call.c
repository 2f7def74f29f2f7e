/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message of a function call. Written as
 *
 *     struct call_head      fixed: 56 bytes
 *     u32 * nparams         offsets of the parameters, then padding to eight
 *     struct param_part *   24 bytes a parameter, whatever its type
 *     blobs                 the name, then the strings and bytes among the parameters
 *
 * So a call of two integers takes 120 bytes, as many as the usual builders make of it, and the
 * place of everything but the blobs follows from the number of parameters.
 */
#include "abi/wire_parts.h"

#include <string.h>

/* Field numbers, by table. */
enum { CALL_NAME, CALL_PARAMS, CALL_KIND, CALL_RESULT };
enum { PARAM_TAG }; /* and its value, one on */
enum { BOXED_BYTES };

struct call_head {
	uint32_t size_prefix; /* bytes that follow */
	uint32_t root;        /* an offset, as name and params below */
	uint16_t call_vtable[6];
	uint16_t pair_vtable[4];
	uint16_t box_vtable[3];
	uint16_t zero;
	struct {
		int32_t vtable;
		uint32_t name;
		uint32_t params;
		uint8_t kind;
		uint8_t result;
		uint16_t zero;
	} call;
	uint32_t nparams; /* the vector's count; its offsets come next */
} WIRE_IN_PLACE;

/* A parameter and its box behind it. */
struct param_part {
	struct wire_union param;
	int32_t box_vtable;
	uint64_t box; /* a scalar, or the offset of a blob */
} WIRE_IN_PLACE;

/* Places in the message; where the first parameter of N is; and a field as vtables count it. */
#define HEAD(field)      ((uint32_t)offsetof(struct call_head, field))
#define PARAM_PLACE(n)   ((sizeof(struct call_head) + 4 * (n) + 7) & ~UINT64_C(7))
#define CALL_FIELD(name) (HEAD(call.name) - HEAD(call))

_Static_assert(sizeof(struct call_head) == 56 && sizeof(struct param_part) == 24,
	       "the message is laid out by these structs; they must not have padding");
_Static_assert(offsetof(struct param_part, box) % 8 == 0,
	       "verifiers want 64-bit scalars at multiples of eight from the size prefix");

size_t wire_call_size(const struct wire_call *call)
{
	uint64_t size = wire_text_blob_size(call->name_len);

	if (call->nparams > WIRE_MAX_PARAMS || !wire_tag(wire_result_tags, call->result) ||
	    (call->kind != WIRE_CALL_GUEST && call->kind != WIRE_CALL_HOST))
		return 0;
	for (size_t i = 0; i < call->nparams; i++) {
		if (!wire_tag(wire_param_tags, call->params[i].type))
			return 0;
		size += wire_value_blob_size(&call->params[i]);
	}
	return wire_total(PARAM_PLACE(call->nparams) + call->nparams * sizeof(struct param_part) +
			  size);
}

/* The fixed part. The blob of the name will be at NAME; a parameter vector is written also when
 * it is empty, so that there is one layout only. */
static void put_head(struct flatbuf_writer *w, const struct wire_call *call, size_t size,
		     uint64_t name)
{
	struct call_head *head = flatbuf_put(w, sizeof(*head));
	*head = (struct call_head){
		.size_prefix = (uint32_t)size - HEAD(root),
		.root = HEAD(call) - HEAD(root),
		.call_vtable = { sizeof(head->call_vtable), sizeof(head->call), CALL_FIELD(name),
				 CALL_FIELD(params), CALL_FIELD(kind), CALL_FIELD(result) },
		.pair_vtable = { WIRE_PAIR_VTABLE },
		.box_vtable = { WIRE_BOX_VTABLE },
		.call = { .vtable = HEAD(call) - HEAD(call_vtable),
			  .name = (uint32_t)name - HEAD(call.name),
			  .params = HEAD(nparams) - HEAD(call.params),
			  .kind = (uint8_t)call->kind,
			  .result = (uint8_t)(wire_result_tags[call->result] - 1) },
		.nparams = (uint32_t)call->nparams,
	};
}

/* The record of VALUE at the writer's place, whose blob, if it needs one, comes
 * at BLOB. */
static void put_param(struct flatbuf_writer *w, const mote_value *value, uint64_t blob)
{
	int32_t at = (int32_t)w->at;
	int32_t box_table = at + (int32_t)offsetof(struct param_part, box_vtable);
	uint64_t box = w->at + offsetof(struct param_part, box);
	struct param_part *part = flatbuf_put(w, sizeof(*part));
	*part = (struct param_part){
		.param = { .vtable = at - (int32_t)HEAD(pair_vtable),
			   .tag = wire_param_tags[value->type],
			   .value = offsetof(struct param_part, box_vtable) -
				    offsetof(struct param_part, param.value) },
		.box_vtable = box_table - (int32_t)HEAD(box_vtable),
		.box = wire_has_blob(value->type) ? blob - box : wire_scalar_bits(value),
	};
}

size_t wire_call_write(void *to, size_t capacity, const struct wire_call *call)
{
	struct flatbuf_writer w = { to, 0 };
	size_t size = wire_call_size(call);
	uint64_t first = PARAM_PLACE(call->nparams);
	uint64_t name = first + call->nparams * sizeof(struct param_part);
	uint64_t blob = name + wire_text_blob_size(call->name_len);

	if (size == 0 || size > capacity)
		return 0;
	put_head(&w, call, size, name);
	for (size_t i = 0; i < call->nparams; i++)
		flatbuf_put_offset(&w, first + i * sizeof(struct param_part));
	flatbuf_pad_to(&w, first);
	for (size_t i = 0; i < call->nparams; i++) {
		put_param(&w, &call->params[i], blob);
		blob += wire_value_blob_size(&call->params[i]);
	}
	flatbuf_put_blob(&w, call->name, call->name_len);
	for (size_t i = 0; i < call->nparams; i++)
		wire_put_value_blob(&w, &call->params[i]);
	flatbuf_pad_to(&w, size);
	return size;
}

/* The parameter that the offset at AT leads to. Its tag is judged before its box is looked at:
 * what an unknown tag stands for cannot be verified. */
static mote_value read_param(struct flatbuf_reader *r, uint64_t at)
{
	struct flatbuf_table param = flatbuf_table_behind(r, at, WIRE_FIELD_PARAM);
	uint64_t value;
	uint8_t tag = flatbuf_union(r, &param, PARAM_TAG, &value, WIRE_FIELD_PARAM);
	uint8_t type = tag < WIRE_PARAM_TAGS ? wire_param_types[tag] : WIRE_NO_TYPE;

	if (type == WIRE_NO_TYPE) {
		flatbuf_fail(r, WIRE_UNKNOWN_TYPE, WIRE_FIELD_PARAM);
		return (mote_value){ .type = MOTE_VOID };
	}
	struct flatbuf_table box = flatbuf_table_behind(r, value, WIRE_FIELD_PARAM);
	return wire_read_value(r, &box, type, BOXED_BYTES, WIRE_FIELD_PARAM);
}

/* Reads the parameters; returns how many were read before one failed. */
static uint64_t read_params(struct flatbuf_reader *r, const struct flatbuf_table *t,
			    struct wire_call *out)
{
	struct flatbuf_span list = flatbuf_vector(r, t, CALL_PARAMS, 4, WIRE_FIELD_PARAMS);
	uint64_t i;

	if (list.count > WIRE_MAX_PARAMS) {
		flatbuf_fail(r, WIRE_TOO_MANY, WIRE_FIELD_PARAMS);
		return 0;
	}
	for (i = 0; i < list.count; i++) {
		out->params[i] = read_param(r, list.at + 4 * i);
		if (r->status != WIRE_OK)
			break;
	}
	out->nparams = i;
	return i;
}

struct wire_check wire_call_read(const void *from, size_t size, struct wire_call *out)
{
	struct flatbuf_reader r;
	struct flatbuf_table t = flatbuf_root(&r, from, size);
	struct flatbuf_span name =
		wire_read_name(&r, &t, CALL_NAME, FLATBUF_REQUIRED, WIRE_FIELD_NAME);
	uint8_t kind = flatbuf_u8(&r, &t, CALL_KIND, WIRE_FIELD_KIND);
	/* The type's number is its tag less one; 255 becomes tag 0, which stands for none. */
	uint8_t result_tag = (uint8_t)(flatbuf_u8(&r, &t, CALL_RESULT, WIRE_FIELD_RESULT_TYPE) + 1);

	out->name = (const char *)name.data;
	out->name_len = name.count;
	out->kind = (enum wire_call_kind)kind;
	if (kind != WIRE_CALL_GUEST && kind != WIRE_CALL_HOST)
		flatbuf_fail(&r, WIRE_UNKNOWN_KIND, WIRE_FIELD_KIND);
	if (result_tag == 0 || result_tag >= WIRE_RESULT_TAGS)
		flatbuf_fail(&r, WIRE_UNKNOWN_TYPE, WIRE_FIELD_RESULT_TYPE);
	else
		out->result = (mote_type)wire_result_types[result_tag];
	uint64_t index = read_params(&r, &t, out);
	if (r.status != WIRE_OK)
		memset(out, 0, sizeof(*out));
	return wire_outcome(&r, index);
}

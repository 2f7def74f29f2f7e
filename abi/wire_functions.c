/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of function definitions. Written as a struct list_head, the offsets
 * of the definitions, then for each a struct function_part with its name and
 * its vector of parameter types behind it. No field is wider than 32 bits, so
 * multiples of four will do everywhere.
 */
#include "abi/wire_parts.h"

#include <string.h>

/* Field numbers, by table. */
enum { LIST_FUNCTIONS };
enum { FUNCTION_NAME, FUNCTION_PARAMS, FUNCTION_RESULT };

struct list_head {
	uint32_t size_prefix;
	uint32_t root;
	uint16_t function_vtable[5];
	uint16_t list_vtable[3];
	struct {
		int32_t vtable;
		uint32_t functions; /* an offset, as name and params below */
	} list;
	uint32_t count;
} WIRE_IN_PLACE;

struct function_part {
	int32_t vtable;
	uint32_t name;
	uint32_t params;
	uint8_t result;
	uint8_t zero[3];
} WIRE_IN_PLACE;

#define HEAD(field)          ((uint32_t)offsetof(struct list_head, field))
#define FUNCTION_FIELD(name) ((uint32_t)offsetof(struct function_part, name))

_Static_assert(sizeof(struct list_head) == 36 && sizeof(struct function_part) == 16,
	       "the message is laid out by these structs; they must not have padding");

/* The size of one definition with its blobs, or 0. */
static uint64_t function_size(const struct wire_function *function)
{
	if (function->nparams > WIRE_MAX_PARAMS || !wire_tag(wire_result_tags, function->result))
		return 0;
	for (size_t i = 0; i < function->nparams; i++)
		if (!wire_tag(wire_param_tags, function->params[i]))
			return 0;
	return sizeof(struct function_part) + wire_text_blob_size(function->name_len) +
	       wire_text_blob_size(function->nparams);
}

size_t wire_functions_size(const struct wire_function *functions, size_t count)
{
	uint64_t total = sizeof(struct list_head) + 4 * (uint64_t)count;

	if (count > WIRE_MAX_FUNCTIONS)
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint64_t size = function_size(&functions[i]);
		if (size == 0)
			return 0;
		total += size;
	}
	return wire_total(total);
}

/* The fixed part of a list of COUNT definitions. */
static void put_head(struct flatbuf_writer *w, size_t size, size_t count)
{
	struct list_head *head = flatbuf_put(w, sizeof(*head));
	*head = (struct list_head){
		.size_prefix = (uint32_t)size - HEAD(root),
		.root = HEAD(list) - HEAD(root),
		.function_vtable = { sizeof(head->function_vtable), sizeof(struct function_part),
				     FUNCTION_FIELD(name), FUNCTION_FIELD(params),
				     FUNCTION_FIELD(result) },
		.list_vtable = { sizeof(head->list_vtable), sizeof(head->list),
				 HEAD(list.functions) - HEAD(list) },
		.list = { .vtable = HEAD(list) - HEAD(list_vtable),
			  .functions = HEAD(count) - HEAD(list.functions) },
		.count = (uint32_t)count,
	};
}

/* One definition with its blobs, function_size() bytes in all. */
static void put_function(struct flatbuf_writer *w, const struct wire_function *function)
{
	uint32_t params =
		(uint32_t)(sizeof(struct function_part) + wire_text_blob_size(function->name_len));
	uint8_t types[WIRE_MAX_PARAMS];
	int32_t at = (int32_t)w->at;
	struct function_part *part = flatbuf_put(w, sizeof(*part));

	*part = (struct function_part){
		.vtable = at - (int32_t)HEAD(function_vtable),
		.name = sizeof(*part) - FUNCTION_FIELD(name),
		.params = params - FUNCTION_FIELD(params),
		.result = (uint8_t)(wire_result_tags[function->result] - 1),
	};
	for (size_t i = 0; i < function->nparams; i++)
		types[i] = (uint8_t)(wire_param_tags[function->params[i]] - 1);
	flatbuf_put_blob(w, function->name, function->name_len);
	flatbuf_put_blob(w, types, function->nparams);
}

size_t wire_functions_write(void *to, size_t capacity, const struct wire_function *functions,
			    size_t count)
{
	struct flatbuf_writer w = { to, 0 };
	size_t size = wire_functions_size(functions, count);
	uint64_t place = sizeof(struct list_head) + 4 * count;

	if (size == 0 || size > capacity)
		return 0;
	put_head(&w, size, count);
	for (size_t i = 0; i < count; i++) {
		flatbuf_put_offset(&w, place);
		place += function_size(&functions[i]);
	}
	for (size_t i = 0; i < count; i++)
		put_function(&w, &functions[i]);
	flatbuf_pad_to(&w, size);
	return size;
}

/* The parameter types, a vector of bytes. Types are numbers here, not tags: one less. */
static void read_params(struct flatbuf_reader *r, const struct flatbuf_table *t,
			struct wire_function *out)
{
	struct flatbuf_span types = flatbuf_vector(r, t, FUNCTION_PARAMS, 1, WIRE_FIELD_PARAMS);

	if (types.count > WIRE_MAX_PARAMS) {
		flatbuf_fail(r, WIRE_TOO_MANY, WIRE_FIELD_PARAMS);
		return;
	}
	for (uint64_t i = 0; i < types.count; i++) {
		if (types.data[i] >= WIRE_PARAM_TAGS - 1) {
			flatbuf_fail(r, WIRE_UNKNOWN_TYPE, WIRE_FIELD_PARAM);
			return;
		}
		out->params[i] = (mote_type)wire_param_types[types.data[i] + 1];
	}
	out->nparams = types.count;
}

/* The definition that the offset at AT leads to. *OUT is set whole, also when it fails. */
static void read_function(struct flatbuf_reader *r, uint64_t at, struct wire_function *out)
{
	struct flatbuf_table t = flatbuf_table_behind(r, at, WIRE_FIELD_FUNCTIONS);
	struct flatbuf_span name =
		wire_read_name(r, &t, FUNCTION_NAME, FLATBUF_REQUIRED, WIRE_FIELD_NAME);
	uint8_t result = flatbuf_u8(r, &t, FUNCTION_RESULT, WIRE_FIELD_RESULT_TYPE);

	*out = (struct wire_function){ .name = (const char *)name.data, .name_len = name.count };
	if (result >= WIRE_RESULT_TAGS - 1)
		flatbuf_fail(r, WIRE_UNKNOWN_TYPE, WIRE_FIELD_RESULT_TYPE);
	else
		out->result = (mote_type)wire_result_types[result + 1];
	read_params(r, &t, out);
}

struct wire_check wire_functions_read(const void *from, size_t size, struct wire_function *out,
				      size_t capacity, size_t *count)
{
	struct flatbuf_reader r;
	struct flatbuf_table t = flatbuf_root(&r, from, size);
	struct flatbuf_span list = flatbuf_vector(&r, &t, LIST_FUNCTIONS, 4, WIRE_FIELD_FUNCTIONS);
	uint64_t i = 0;

	*count = list.count;
	if (list.count > capacity) {
		flatbuf_fail(&r, WIRE_TOO_MANY, WIRE_FIELD_FUNCTIONS);
		return wire_outcome(&r, 0);
	}
	for (i = 0; i < list.count; i++) {
		read_function(&r, list.at + 4 * i, &out[i]);
		if (r.status != WIRE_OK)
			break;
	}
	if (r.status != WIRE_OK)
		*count = 0;
	return wire_outcome(&r, i);
}

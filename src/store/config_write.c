/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the parts of a snapshot to JSON.
 */
#include "store/config.h"

#include "store/config_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_functions(struct tree_writer *writer, json_object *object, const char *key,
			  const mote_function_info *functions, size_t count)
{
	json_object *list = tree_add_list(writer, object, key);

	for (size_t i = 0; i < count; i++) {
		json_object *function = tree_add_object(writer, list, NULL);

		tree_add_string(writer, function, "name", functions[i].name);
		tree_add_string(writer, function, "result", mote_type_name(functions[i].result));
		json_object *params = tree_add_list(writer, function, "params");
		for (uint32_t p = 0; p < functions[i].nparams; p++)
			tree_add_string(writer, params, NULL,
					mote_type_name(functions[i].params[p]));
	}
}

static void add_features(struct tree_writer *writer, json_object *root, uint64_t features)
{
	json_object *list = tree_add_list(writer, root, "cpu_features");
	const char *name;

	for (unsigned bit = 0; bit < 64 && (name = mote_private_cpu_feature(bit)); bit++)
		if (features >> bit & 1)
			tree_add_string(writer, list, NULL, name);
}

static void add_guest(struct tree_writer *writer, json_object *root,
		      const struct snapshot_parts *parts)
{
	json_object *guest = tree_add_object(writer, root, "guest");

	tree_add_string(writer, guest, "name", parts->name);
	tree_add_number(writer, guest, "abi_version", parts->abi_version);
	tree_add_bool(writer, guest, "is_pie", parts->is_pie);
	tree_add_number(writer, guest, "entry", parts->entry);
	json_object *segments = tree_add_list(writer, guest, "segments");
	for (size_t i = 0; i < parts->nsegments; i++) {
		const mote_segment_info *segment = &parts->segments[i];
		json_object *object = tree_add_object(writer, segments, NULL);

		tree_add_number(writer, object, "address", segment->address);
		tree_add_number(writer, object, "size", segment->memory_size);
		tree_add_string(
			writer, object, "rights",
			rights_name(segment->readable, segment->writable, segment->executable));
	}
	add_functions(writer, guest, "exports", parts->exports, parts->nexports);
	add_functions(writer, guest, "imports", parts->imports, parts->nimports);
}

static void add_places(struct tree_writer *writer, json_object *memory,
		       const struct snapshot_places *places)
{
	json_object *object = tree_add_object(writer, memory, "places");

	tree_add_number(writer, object, "heap", places->heap);
	tree_add_number(writer, object, "stack", places->stack);
	tree_add_number(writer, object, "input", places->input);
	tree_add_number(writer, object, "output", places->output);
	tree_add_number(writer, object, "init_data", places->init_data);
}

static void add_pages(struct tree_writer *writer, json_object *memory,
		      const struct snapshot_parts *parts)
{
	json_object *used = tree_add_list(writer, memory, "used");

	for (size_t i = 0; i < parts->nused; i++) {
		json_object *range = tree_add_list(writer, used, NULL);

		tree_add_number(writer, range, NULL, parts->used[i].first);
		tree_add_number(writer, range, NULL, parts->used[i].count);
	}
	json_object *runs = tree_add_list(writer, memory, "runs");
	for (size_t i = 0; i < parts->nruns; i++) {
		json_object *run = tree_add_list(writer, runs, NULL);

		tree_add_number(writer, run, NULL, parts->runs[i].address);
		tree_add_number(writer, run, NULL, parts->runs[i].count);
		tree_add_number(writer, run, NULL, parts->runs[i].file_page);
	}
}

static void add_memory(struct tree_writer *writer, json_object *root,
		       const struct snapshot_parts *parts)
{
	json_object *memory = tree_add_object(writer, root, "memory");
	char guard[2 * sizeof parts->stack_guard + 1];

	for (size_t i = 0; i < sizeof parts->stack_guard; i++)
		snprintf(guard + 2 * i, 3, "%02x", parts->stack_guard[i]);
	tree_add_number(writer, memory, "size", parts->memory_size);
	tree_add_number(writer, memory, "heap_size", parts->heap_size);
	tree_add_number(writer, memory, "stack_size", parts->stack_size);
	tree_add_number(writer, memory, "input_size", parts->input_size);
	tree_add_number(writer, memory, "output_size", parts->output_size);
	tree_add_number(writer, memory, "init_data_size", parts->init_data_size);
	tree_add_string(writer, memory, "init_data_rights",
			rights_name(true, parts->init_data_rights & RIGHT_WRITE,
				    parts->init_data_rights & RIGHT_EXECUTE));
	add_places(writer, memory, &parts->places);
	tree_add_number(writer, memory, "brk", parts->brk);
	tree_add_string(writer, memory, "stack_guard", guard);
	add_pages(writer, memory, parts);
}

static void add_start(struct tree_writer *writer, json_object *root,
		      const struct snapshot_parts *parts)
{
	json_object *start = tree_add_object(writer, root, "start");
	char mask[32];

	snprintf(mask, sizeof mask, "0x%" PRIx64, parts->signal_mask);
	tree_add_number(writer, start, "dispatch", parts->dispatch);
	tree_add_number(writer, start, "call_stack", parts->call_stack);
	tree_add_number(writer, start, "thread_pointer", parts->fs_base);
	tree_add_string(writer, start, "signal_mask", mask);
	tree_add_number(writer, start, "generation", parts->generation);
}

static mote_status copy_text(const struct tree_writer *writer, json_object *root,
			     const struct host *host, struct text *out, mote_error *err)
{
	const char *text;
	size_t size;
	mote_status status = tree_text(writer, root, &text, &size, err);

	if (status)
		return status;
	if (size > MOTE_MAX_METADATA_SIZE)
		return error_set(err, MOTE_E_LIMIT,
				 "the description of the snapshot has %zu bytes; more than %" PRIu64
				 " cannot be loaded again",
				 size, MOTE_MAX_METADATA_SIZE);
	out->bytes = host_alloc(host, size + 1);
	if (!out->bytes)
		return error_nomem(err, "the description of a snapshot", size + 1);
	out->size = size;
	memcpy(out->bytes, text, size);
	return MOTE_OK;
}

/* What the specification of OCI images wants of each. */
static void add_image(struct tree_writer *writer, json_object *root, const struct digest *memory)
{
	tree_add_string(writer, root, "architecture", CONFIG_ARCHITECTURE);
	tree_add_string(writer, root, "os", "linux");
	json_object *layers = tree_add_object(writer, root, "rootfs");
	tree_add_string(writer, layers, "type", "layers");
	tree_add_string(writer, tree_add_list(writer, layers, "diff_ids"), NULL, memory->text);
}

mote_status config_write(const struct snapshot_parts *parts, const struct digest *memory,
			 const struct host *host, struct text *out, mote_error *err)
{
	struct tree_writer writer = { false };
	json_object *root = json_object_new_object();

	*out = (struct text){ 0 };
	add_image(&writer, root, memory);
	json_object *snapshot = tree_add_object(&writer, root, "snapshot");
	tree_add_number(&writer, snapshot, "format", CONFIG_FORMAT);
	add_features(&writer, snapshot, parts->cpu_features);
	add_guest(&writer, snapshot, parts);
	add_functions(&writer, snapshot, "host_functions", parts->host_functions,
		      parts->nhost_functions);
	add_memory(&writer, snapshot, parts);
	add_start(&writer, snapshot, parts);
	mote_status status = copy_text(&writer, root, host, out, err);
	json_object_put(root);
	return status;
}

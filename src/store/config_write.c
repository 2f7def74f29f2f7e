/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the parts of a snapshot to JSON.
 */
#include "store/config_internal.h"

#include "store/config_names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_function(struct writer *writer, const mote_function_info *function)
{
	writer_open(writer, NULL);
	writer_string(writer, "name", function->name);
	writer_string(writer, "result", mote_type_name(function->result));
	writer_open_list(writer, "params");
	for (uint32_t p = 0; p < function->nparams; p++)
		writer_string(writer, NULL, mote_type_name(function->params[p]));
	writer_close_list(writer);
	writer_close(writer);
}

static void add_functions(struct writer *writer, const char *key,
			  const mote_function_info *functions, size_t count)
{
	writer_open_list(writer, key);
	for (size_t i = 0; i < count; i++)
		add_function(writer, &functions[i]);
	writer_close_list(writer);
}

static void add_features(struct writer *writer, uint64_t features)
{
	const char *name;

	writer_open_list(writer, "cpu_features");
	for (unsigned bit = 0; bit < 64 && (name = mote_private_cpu_feature(bit)); bit++)
		if (features >> bit & 1)
			writer_string(writer, NULL, name);
	writer_close_list(writer);
}

static void add_segment(struct writer *writer, const mote_segment_info *segment)
{
	writer_open(writer, NULL);
	writer_number(writer, "address", segment->address);
	writer_number(writer, "size", segment->memory_size);
	writer_string(writer, "rights",
		      rights_name(segment->readable, segment->writable, segment->executable));
	writer_close(writer);
}

static bool is_mote(const struct snapshot_parts *parts)
{
	return strcmp(parts->guest_abi, CONFIG_ABI_MOTE) == 0;
}

static void add_guest(struct writer *writer, const struct snapshot_parts *parts)
{
	writer_open(writer, "guest");
	writer_string(writer, "name", parts->name);
	if (is_mote(parts))
		writer_number(writer, "abi_version", parts->mote.abi_version);
	else
		writer_string(writer, "version", parts->guest_version);
	writer_bool(writer, "is_pie", parts->is_pie);
	writer_number(writer, "entry", parts->entry);
	writer_open_list(writer, "segments");
	for (size_t i = 0; i < parts->nsegments; i++)
		add_segment(writer, &parts->segments[i]);
	writer_close_list(writer);
	if (is_mote(parts)) {
		add_functions(writer, "exports", parts->exports, parts->nexports);
		add_functions(writer, "imports", parts->imports, parts->nimports);
	}
	writer_close(writer);
}

static void add_places(struct writer *writer, const struct snapshot_places *places)
{
	writer_open(writer, "places");
	writer_number(writer, "heap", places->heap);
	writer_number(writer, "stack", places->stack);
	writer_number(writer, "input", places->input);
	writer_number(writer, "output", places->output);
	writer_number(writer, "init_data", places->init_data);
	writer_close(writer);
}

static void add_numbers(struct writer *writer, const uint64_t *numbers, size_t count)
{
	writer_open_list(writer, NULL);
	for (size_t i = 0; i < count; i++)
		writer_number(writer, NULL, numbers[i]);
	writer_close_list(writer);
}

void config_add_runs(struct writer *writer, const struct snapshot_parts *parts)
{
	writer_open_list(writer, "runs");
	for (size_t i = 0; i < parts->nruns; i++)
		add_numbers(writer,
			    (const uint64_t[]){ parts->runs[i].address, parts->runs[i].count,
						parts->runs[i].file_page },
			    3);
	writer_close_list(writer);
}

static void add_pages(struct writer *writer, const struct snapshot_parts *parts)
{
	writer_open_list(writer, "used");
	for (size_t i = 0; i < parts->mote.nused; i++)
		add_numbers(
			writer,
			(const uint64_t[]){ parts->mote.used[i].first, parts->mote.used[i].count },
			2);
	writer_close_list(writer);
	config_add_runs(writer, parts);
}

static void add_memory(struct writer *writer, const struct snapshot_parts *parts)
{
	char guard[2 * sizeof parts->mote.stack_guard + 1];

	for (size_t i = 0; i < sizeof parts->mote.stack_guard; i++)
		snprintf(guard + 2 * i, 3, "%02x", parts->mote.stack_guard[i]);
	writer_open(writer, "memory");
	writer_number(writer, "size", parts->memory_size);
	writer_number(writer, "heap_size", parts->mote.heap_size);
	writer_number(writer, "stack_size", parts->mote.stack_size);
	writer_number(writer, "input_size", parts->mote.input_size);
	writer_number(writer, "output_size", parts->mote.output_size);
	if (parts->mote.buffer_size > 0) /* others look as they always did */
		writer_number(writer, "buffer_size", parts->mote.buffer_size);
	writer_number(writer, "init_data_size", parts->mote.init_data_size);
	writer_string(writer, "init_data_rights",
		      rights_name(true, parts->mote.init_data_rights & RIGHT_WRITE,
				  parts->mote.init_data_rights & RIGHT_EXECUTE));
	add_places(writer, &parts->mote.places);
	writer_number(writer, "brk", parts->mote.brk);
	writer_string(writer, "stack_guard", guard);
	add_pages(writer, parts);
	writer_close(writer);
}

void config_add_hex(struct writer *writer, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof text, "0x%" PRIx64, value);
	writer_string(writer, key, text);
}

static void add_handler(struct writer *writer, int signal, const struct signal_action *action)
{
	writer_open(writer, NULL);
	writer_number(writer, "signal", (uint64_t)signal);
	writer_number(writer, "handler", action->handler);
	writer_number(writer, "flags", action->flags);
	writer_number(writer, "restorer", action->restorer);
	config_add_hex(writer, "mask", action->mask);
	writer_close(writer);
}

/* Only for guests that handle signals, which few do. */
static void add_signals(struct writer *writer, const struct signals *signals)
{
	if (!signals->handled && !signals->pending && !signals->stack_size)
		return;
	writer_open(writer, "signals");
	config_add_hex(writer, "pending", signals->pending);
	writer_number(writer, "stack", signals->stack_base);
	writer_number(writer, "stack_size", signals->stack_size);
	writer_open_list(writer, "handlers");
	for (int i = 0; i < SIGNALS_MAX; i++)
		if (signals->handled >> i & 1)
			add_handler(writer, i + 1, &signals->actions[i]);
	writer_close_list(writer);
	writer_close(writer);
}

static void add_start(struct writer *writer, const struct snapshot_parts *parts)
{
	writer_open(writer, "start");
	writer_number(writer, "dispatch", parts->mote.dispatch);
	writer_number(writer, "call_stack", parts->mote.call_stack);
	writer_number(writer, "thread_pointer", parts->mote.fs_base);
	config_add_hex(writer, "signal_mask", parts->mote.signals.mask);
	add_signals(writer, &parts->mote.signals);
	writer_number(writer, "generation", parts->generation);
	writer_close(writer);
}

/* What the specification of OCI images wants of each. */
static void add_image(struct writer *writer, const struct digest *memory)
{
	writer_string(writer, "architecture", CONFIG_ARCHITECTURE);
	writer_string(writer, "os", "linux");
	writer_open(writer, "rootfs");
	writer_string(writer, "type", "layers");
	writer_open_list(writer, "diff_ids");
	writer_string(writer, NULL, memory->text);
	writer_close_list(writer);
	writer_close(writer);
}

static void add_all(struct writer *writer, const struct snapshot_parts *parts,
		    const struct digest *memory)
{
	writer_open(writer, NULL);
	add_image(writer, memory);
	writer_open(writer, "snapshot");
	writer_number(writer, "format", is_mote(parts) ? CONFIG_FORMAT_MOTE : CONFIG_FORMAT);
	if (!is_mote(parts))
		writer_string(writer, "guest_abi", parts->guest_abi);
	add_features(writer, parts->cpu_features);
	add_guest(writer, parts);
	add_functions(writer, "host_functions", parts->host_functions, parts->nhost_functions);
	if (is_mote(parts)) {
		add_memory(writer, parts);
		add_start(writer, parts);
	} else {
		config_add_hyperlight_memory(writer, parts);
		config_add_hyperlight_start(writer, parts);
	}
	writer_close(writer);
	writer_close(writer);
}

/* A copy that is no larger than it must be. */
static mote_status copy_text(struct writer *writer, struct text *out, mote_error *err)
{
	struct text text;
	mote_status status = writer_text(writer, &text, err);

	if (status)
		return status;
	if (text.size > MOTE_MAX_METADATA_SIZE)
		return error_set(err, MOTE_E_LIMIT,
				 "the description of the snapshot has %zu bytes; more than %" PRIu64
				 " cannot be loaded again",
				 text.size, MOTE_MAX_METADATA_SIZE);
	out->bytes = host_alloc(writer->host, text.size + 1);
	if (!out->bytes)
		return error_nomem(err, "the description of a snapshot", text.size + 1);
	out->size = text.size;
	memcpy(out->bytes, text.bytes, text.size);
	return MOTE_OK;
}

mote_status config_write(const struct snapshot_parts *parts, const struct digest *memory,
			 const struct host *host, struct text *out, mote_error *err)
{
	struct writer writer;

	*out = (struct text){ 0 };
	writer_init(&writer, host);
	add_all(&writer, parts, memory);
	mote_status status = copy_text(&writer, out, err);
	writer_fini(&writer);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From JSON to the parts of a snapshot. Each list is counted and bounded before memory is taken for
 * it.
 */
#include "store/config_internal.h"

#include "store/config_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More of these are refused inside of libmote too; here they bound what is allocated. */
#define FUNCTIONS_MAX 65536
#define SEGMENTS_MAX  64
#define FEATURES_MAX  256

/* COUNT entries of SIZE bytes, or NULL: memory is out, or COUNT is 0. */
static void *new_list(struct tree_reader *reader, const struct host *host, size_t count,
		      size_t size, const char *what)
{
	void *list = count ? host_alloc_array(host, count, size) : NULL;

	if (count && !list && !reader->status)
		reader->status = error_nomem(reader->err, what, count * size);
	return list;
}

static mote_type read_type(struct tree_reader *reader, const char *name, const char *key)
{
	for (int type = MOTE_VOID; type <= MOTE_BYTES; type++)
		if (strcmp(mote_type_name((mote_type)type), name) == 0)
			return (mote_type)type;
	tree_refuse(reader, key, "the name of a type");
	return MOTE_VOID;
}

static void read_function(struct tree_reader *reader, const struct tree_node *object,
			  mote_function_info *out)
{
	size_t nparams;
	const struct tree_node *params =
		tree_list(reader, object, "params", MOTE_MAX_PARAMS, &nparams);

	out->name = tree_string(reader, object, "name");
	out->result = read_type(reader, tree_string(reader, object, "result"), "result");
	out->nparams = (uint32_t)nparams;
	const struct tree_node *entry = nparams ? params->first : NULL;
	for (size_t i = 0; i < nparams; i++, entry = entry->next)
		out->params[i] =
			read_type(reader, tree_entry_string(reader, entry, "params"), "params");
}

static const mote_function_info *read_functions(struct tree_reader *reader,
						const struct tree_node *object, const char *key,
						const struct host *host, size_t *count)
{
	size_t n;
	const struct tree_node *list = tree_list(reader, object, key, FUNCTIONS_MAX, &n);
	mote_function_info *functions = new_list(reader, host, n, sizeof functions[0], key);

	*count = functions ? n : 0;
	const struct tree_node *entry = n ? list->first : NULL;
	for (size_t i = 0; i < *count; i++, entry = entry->next)
		read_function(reader, tree_entry(reader, entry, key), &functions[i]);
	return functions;
}

/* Each feature must be one that this library can look for. */
static uint64_t read_features(struct tree_reader *reader, const struct tree_node *root)
{
	size_t count;
	const struct tree_node *list =
		tree_list(reader, root, "cpu_features", FEATURES_MAX, &count);
	const struct tree_node *entry = count ? list->first : NULL;
	uint64_t features = 0;

	for (; entry && !reader->status; entry = entry->next) {
		const char *wanted = tree_entry_string(reader, entry, "cpu_features");
		const char *name;
		unsigned bit = 0;

		while ((name = mote_private_cpu_feature(bit)) && strcmp(name, wanted) != 0)
			bit++;
		if (name)
			features |= UINT64_C(1) << bit;
		else
			tree_refuse_text(reader, "the snapshot needs a processor with ", wanted,
					 ", which this library does not know; a newer one may");
	}
	return features;
}

static void read_segments(struct tree_reader *reader, const struct tree_node *guest,
			  const struct host *host, struct snapshot_parts *parts)
{
	size_t n;
	const struct tree_node *list = tree_list(reader, guest, "segments", SEGMENTS_MAX, &n);
	mote_segment_info *segments = new_list(reader, host, n, sizeof segments[0], "segments");

	parts->segments = segments;
	parts->nsegments = segments ? n : 0;
	const struct tree_node *entry = n ? list->first : NULL;
	for (size_t i = 0; i < parts->nsegments; i++, entry = entry->next) {
		const struct tree_node *object = tree_entry(reader, entry, "segments");
		const int rights = rights_parse(tree_string(reader, object, "rights"));

		if (rights < 0)
			tree_refuse(reader, "rights", "like \"r-x\"");
		segments[i] = (mote_segment_info){
			.address = tree_number(reader, object, "address", INT64_MAX),
			.memory_size = tree_number(reader, object, "size", INT64_MAX),
			.readable = rights & RIGHT_READ,
			.writable = rights & RIGHT_WRITE,
			.executable = rights & RIGHT_EXECUTE,
		};
	}
}

static void read_guest(struct tree_reader *reader, const struct tree_node *root,
		       const struct host *host, struct snapshot_parts *parts)
{
	const struct tree_node *guest = tree_field(reader, root, "guest");

	parts->name = tree_string(reader, guest, "name");
	parts->is_pie = tree_bool(reader, guest, "is_pie");
	parts->entry = tree_number(reader, guest, "entry", INT64_MAX);
	read_segments(reader, guest, host, parts);
}

static void read_guard(struct tree_reader *reader, const struct tree_node *memory,
		       struct snapshot_parts *parts)
{
	const char *hex = tree_string(reader, memory, "stack_guard");
	const size_t size = 2 * sizeof parts->mote.stack_guard;

	if (strlen(hex) != size || strspn(hex, "0123456789abcdef") != size) {
		tree_refuse(reader, "stack_guard", "32 hexadecimal digits");
		return;
	}
	for (size_t i = 0; i < sizeof parts->mote.stack_guard; i++) {
		const char digits[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		parts->mote.stack_guard[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

/* ENTRY of the list KEY: a list of N numbers. */
static void read_numbers(struct tree_reader *reader, const struct tree_node *entry, const char *key,
			 uint64_t *numbers, size_t n)
{
	const bool is_fit = entry->type == TREE_LIST && entry->size == n;
	const struct tree_node *number = is_fit ? entry->first : NULL;

	if (!is_fit)
		tree_refuse(reader, key, "a list of lists of as many numbers as it should");
	for (size_t i = 0; i < n; i++) {
		numbers[i] = tree_entry_number(reader, number, key);
		number = number ? number->next : NULL;
	}
}

void config_read_runs(struct tree_reader *reader, const struct tree_node *memory,
		      const struct host *host, struct snapshot_parts *parts)
{
	size_t nruns;
	uint64_t numbers[3];
	const struct tree_node *list = tree_list(reader, memory, "runs", SNAPSHOT_RUNS_MAX, &nruns);
	struct snapshot_run *runs = new_list(reader, host, nruns, sizeof runs[0], "runs of pages");

	parts->runs = runs;
	parts->nruns = runs ? nruns : 0;
	const struct tree_node *entry = nruns ? list->first : NULL;
	for (size_t i = 0; i < parts->nruns && !reader->status; i++, entry = entry->next) {
		read_numbers(reader, entry, "runs", numbers, 3);
		runs[i] = (struct snapshot_run){ numbers[0], numbers[1], numbers[2] };
	}
}

static void read_pages(struct tree_reader *reader, const struct tree_node *memory,
		       const struct host *host, struct snapshot_parts *parts)
{
	size_t nused;
	uint64_t numbers[2];
	const struct tree_node *list =
		tree_list(reader, memory, "used", SNAPSHOT_RANGES_MAX, &nused);
	struct snapshot_range *used = new_list(reader, host, nused, sizeof used[0], "used pages");

	parts->mote.used = used;
	parts->mote.nused = used ? nused : 0;
	const struct tree_node *entry = nused ? list->first : NULL;
	for (size_t i = 0; i < parts->mote.nused && !reader->status; i++, entry = entry->next) {
		read_numbers(reader, entry, "used", numbers, 2);
		used[i] = (struct snapshot_range){ numbers[0], numbers[1] };
	}
	config_read_runs(reader, memory, host, parts);
}

static void read_places(struct tree_reader *reader, const struct tree_node *memory,
			struct snapshot_places *out)
{
	const struct tree_node *places = tree_field(reader, memory, "places");

	out->heap = tree_number(reader, places, "heap", INT64_MAX);
	out->stack = tree_number(reader, places, "stack", INT64_MAX);
	out->input = tree_number(reader, places, "input", INT64_MAX);
	out->output = tree_number(reader, places, "output", INT64_MAX);
	out->init_data = tree_number(reader, places, "init_data", INT64_MAX);
}

static void read_memory(struct tree_reader *reader, const struct tree_node *root,
			const struct host *host, struct snapshot_parts *parts)
{
	const struct tree_node *memory = tree_field(reader, root, "memory");
	const int rights = rights_parse(tree_string(reader, memory, "init_data_rights"));

	if (rights < 0)
		tree_refuse(reader, "init_data_rights", "like \"r--\"");
	parts->mote.init_data_rights = (unsigned)rights & (RIGHT_WRITE | RIGHT_EXECUTE);
	parts->memory_size = tree_number(reader, memory, "size", INT64_MAX);
	parts->mote.heap_size = tree_number(reader, memory, "heap_size", INT64_MAX);
	parts->mote.stack_size = tree_number(reader, memory, "stack_size", INT64_MAX);
	parts->mote.input_size = tree_number(reader, memory, "input_size", INT64_MAX);
	parts->mote.output_size = tree_number(reader, memory, "output_size", INT64_MAX);
	parts->mote.buffer_size = tree_optional_number(reader, memory, "buffer_size", INT64_MAX);
	parts->mote.init_data_size = tree_number(reader, memory, "init_data_size", INT64_MAX);
	parts->mote.brk = tree_number(reader, memory, "brk", INT64_MAX);
	read_places(reader, memory, &parts->mote.places);
	read_guard(reader, memory, parts);
	read_pages(reader, memory, host, parts);
}

uint64_t config_read_hex(struct tree_reader *reader, const struct tree_node *object,
			 const char *key)
{
	const char *text = tree_string(reader, object, key);
	const bool is_hex = strncmp(text, "0x", 2) == 0;
	const size_t digits = is_hex ? strspn(text + 2, "0123456789abcdef") : 0;

	if (digits == 0 || digits > 16 || text[2 + digits] != '\0')
		tree_refuse(reader, key, "a hexadecimal number");
	return reader->status ? 0 : strtoull(text, NULL, 16);
}

static void read_handler(struct tree_reader *reader, const struct tree_node *object,
			 struct signals *signals)
{
	const uint64_t signal = tree_number(reader, object, "signal", SIGNALS_MAX);

	if (signal == 0)
		tree_refuse(reader, "signal", "a signal's number");
	if (signal == 0 || reader->status)
		return;
	signals->handled |= UINT64_C(1) << (signal - 1);
	signals->actions[signal - 1] = (struct signal_action){
		.handler = tree_number(reader, object, "handler", INT64_MAX),
		.flags = tree_number(reader, object, "flags", UINT32_MAX),
		.restorer = tree_number(reader, object, "restorer", INT64_MAX),
		.mask = config_read_hex(reader, object, "mask"),
	};
}

static void read_signals(struct tree_reader *reader, const struct tree_node *start,
			 struct signals *signals)
{
	const struct tree_node *object = tree_optional_field(reader, start, "signals");
	size_t n;

	if (!object)
		return;
	signals->pending = config_read_hex(reader, object, "pending");
	signals->stack_base = tree_number(reader, object, "stack", INT64_MAX);
	signals->stack_size = tree_number(reader, object, "stack_size", INT64_MAX);
	const struct tree_node *list = tree_list(reader, object, "handlers", SIGNALS_MAX, &n);
	const struct tree_node *entry = n ? list->first : NULL;
	for (; entry && !reader->status; entry = entry->next)
		read_handler(reader, tree_entry(reader, entry, "handlers"), signals);
}

static void read_start(struct tree_reader *reader, const struct tree_node *root,
		       struct snapshot_parts *parts)
{
	const struct tree_node *start = tree_field(reader, root, "start");

	parts->mote.signals.mask = config_read_hex(reader, start, "signal_mask");
	read_signals(reader, start, &parts->mote.signals);
	parts->mote.dispatch = tree_number(reader, start, "dispatch", INT64_MAX);
	parts->mote.call_stack = tree_number(reader, start, "call_stack", INT64_MAX);
	parts->mote.fs_base = tree_number(reader, start, "thread_pointer", INT64_MAX);
	parts->generation = tree_number(reader, start, "generation", INT64_MAX);
}

/* What only a guest of mote's own ABI has. */
static void read_mote(struct tree_reader *reader, const struct tree_node *snapshot,
		      const struct host *host, struct snapshot_parts *parts)
{
	const struct tree_node *guest = tree_field(reader, snapshot, "guest");

	parts->mote.abi_version = (uint32_t)tree_number(reader, guest, "abi_version", UINT32_MAX);
	parts->exports = read_functions(reader, guest, "exports", host, &parts->nexports);
	parts->imports = read_functions(reader, guest, "imports", host, &parts->nimports);
	if (!reader->status)
		read_memory(reader, snapshot, host, parts);
	if (!reader->status)
		read_start(reader, snapshot, parts);
}

/* The first format had no ABI but mote's. */
static const char *read_abi(struct tree_reader *reader, const struct tree_node *snapshot)
{
	static const char *const names[] = { CONFIG_ABI_MOTE, CONFIG_ABI_HYPERLIGHT };
	const bool is_first =
		tree_number(reader, snapshot, "format", UINT32_MAX) == CONFIG_FORMAT_MOTE;
	const char *said = is_first ? tree_optional_string(reader, snapshot, "guest_abi")
				    : tree_string(reader, snapshot, "guest_abi");

	if (!said || reader->status)
		return CONFIG_ABI_MOTE;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(said, names[i]) == 0)
			return names[i];
	tree_refuse_text(reader, "\"guest_abi\" is ", said,
			 ", which this library does not know; a newer one may");
	return CONFIG_ABI_MOTE;
}

static void read_format(struct tree_reader *reader, const struct tree_node *root,
			const struct tree_node *snapshot)
{
	const uint64_t format = tree_number(reader, snapshot, "format", UINT32_MAX);
	const char *architecture = tree_string(reader, root, "architecture");

	if (reader->status)
		return;
	if (format == 0 || format > CONFIG_FORMAT)
		reader->status = error_set(reader->err, MOTE_E_SNAPSHOT,
					   "the snapshot has format %u; this library knows 1 to "
					   "%d: use the library that saved it, or a newer one",
					   (unsigned)format, CONFIG_FORMAT);
	else if (strcmp(architecture, CONFIG_ARCHITECTURE) != 0)
		tree_refuse_text(reader, "the snapshot is for machines of architecture ",
				 architecture, "; this one is " CONFIG_ARCHITECTURE);
}

static struct tree_reader read_common(struct config *config, const struct host *host,
				      const struct text *text, mote_error *err)
{
	struct tree_reader reader = { .file = "config", .err = err };

	*config = (struct config){ .host = host };
	tree_parse(&reader, &config->tree, host, text);
	config->snapshot = tree_field(&reader, config->tree.root, "snapshot");
	read_format(&reader, config->tree.root, config->snapshot);
	return reader;
}

mote_status config_read(struct config *config, const struct host *host, const struct text *text,
			mote_error *err)
{
	struct tree_reader reader = read_common(config, host, text, err);
	struct snapshot_parts *parts = &config->parts;

	parts->guest_abi = read_abi(&reader, config->snapshot);
	if (!reader.status)
		parts->cpu_features = read_features(&reader, config->snapshot);
	if (!reader.status)
		read_guest(&reader, config->snapshot, host, parts);
	if (!reader.status)
		parts->host_functions = read_functions(&reader, config->snapshot, "host_functions",
						       host, &parts->nhost_functions);
	if (!reader.status && strcmp(parts->guest_abi, CONFIG_ABI_MOTE) == 0)
		read_mote(&reader, config->snapshot, host, parts);
	else if (!reader.status)
		config_read_hyperlight(&reader, config->snapshot, host, parts);
	if (reader.status)
		config_free(config);
	return reader.status;
}

mote_status config_read_summary(struct config *config, const struct host *host,
				const struct text *text, mote_error *err)
{
	struct tree_reader reader = read_common(config, host, text, err);

	config->parts.name =
		tree_string(&reader, tree_field(&reader, config->snapshot, "guest"), "name");
	config->parts.memory_size = tree_number(
		&reader, tree_field(&reader, config->snapshot, "memory"), "size", INT64_MAX);
	if (reader.status)
		config_free(config);
	return reader.status;
}

static void free_list(const struct host *host, const void *list, size_t count, size_t size)
{
	host_free(host, (void *)(uintptr_t)list, count * size);
}

void config_free(struct config *config)
{
	const struct snapshot_parts *parts = &config->parts;
	const struct host *host = config->host;

	free_list(host, parts->segments, parts->nsegments, sizeof parts->segments[0]);
	free_list(host, parts->exports, parts->nexports, sizeof parts->exports[0]);
	free_list(host, parts->imports, parts->nimports, sizeof parts->imports[0]);
	free_list(host, parts->host_functions, parts->nhost_functions,
		  sizeof parts->host_functions[0]);
	free_list(host, parts->mote.used, parts->mote.nused, sizeof parts->mote.used[0]);
	free_list(host, parts->runs, parts->nruns, sizeof parts->runs[0]);
	tree_free(&config->tree);
	*config = (struct config){ 0 };
}

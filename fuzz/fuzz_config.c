/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: config_read, config_read_summary, config_write, and by them tree_parse and all
 * of tree.h: any text is refused with a reason or gives parts that, written and read again, are
 * the same. What was read then goes the way of a snapshot that is loaded, until it is refused.
 * Input: the text.
 */
#include "store/config.h"

#include "fuzz/fake_runtime.h"
#include "fuzz/fuzz.h"

/* No NUL behind TEXT but the one that config_read() is promised: a sanitizer sees a byte more. */
static struct text copy_text(const struct host *host, const void *bytes, size_t size)
{
	struct text text = { host_alloc(host, size + 1), size };

	CHECK(text.bytes);
	if (size > 0)
		memcpy(text.bytes, bytes, size);
	return text;
}

static void check_refusal(const struct config *config, mote_status status, const mote_error *err)
{
	CHECK(status == MOTE_E_SNAPSHOT && err->code == status);
	CHECK(err->message[0] && is_printable(err->message, sizeof err->message));
	CHECK(!config->tree.memory && !config->parts.segments && !config->parts.used);
}

/* Lists show what the snapshot says. */
static void check_summary(const struct host *host, const struct text *text,
			  const struct snapshot_parts *parts)
{
	struct config summary;

	CHECK(config_read_summary(&summary, host, text, NULL) == MOTE_OK);
	CHECK(strcmp(summary.parts.name, parts->name) == 0);
	CHECK(summary.parts.memory_size == parts->memory_size);
	config_free(&summary);
}

static void check_same_functions(const mote_function_info *a, size_t na,
				 const mote_function_info *b, size_t nb)
{
	CHECK(na == nb);
	for (size_t i = 0; i < na; i++) {
		CHECK(strcmp(a[i].name, b[i].name) == 0 && a[i].result == b[i].result);
		CHECK(a[i].nparams == b[i].nparams);
		CHECK(memcmp(a[i].params, b[i].params, a[i].nparams * sizeof a[i].params[0]) == 0);
	}
}

/* Whether two lists of COUNT entries of SIZE bytes, which may be NULL, are the same. */
static bool is_same_list(const void *a, const void *b, size_t count, size_t size)
{
	return count == 0 || memcmp(a, b, count * size) == 0;
}

static void check_same_segments(const struct snapshot_parts *a, const struct snapshot_parts *b)
{
	CHECK(a->nsegments == b->nsegments);
	for (size_t i = 0; i < a->nsegments; i++) {
		const mote_segment_info *one = &a->segments[i], *two = &b->segments[i];

		CHECK(one->address == two->address && one->memory_size == two->memory_size);
		CHECK(one->readable == two->readable && one->writable == two->writable);
		CHECK(one->executable == two->executable);
	}
}

static void check_same(const struct snapshot_parts *a, const struct snapshot_parts *b)
{
	CHECK(strcmp(a->name, b->name) == 0 && a->abi_version == b->abi_version);
	CHECK(a->is_pie == b->is_pie && a->entry == b->entry && a->cpu_features == b->cpu_features);
	check_same_segments(a, b);
	check_same_functions(a->exports, a->nexports, b->exports, b->nexports);
	check_same_functions(a->imports, a->nimports, b->imports, b->nimports);
	check_same_functions(a->host_functions, a->nhost_functions, b->host_functions,
			     b->nhost_functions);
	CHECK(a->heap_size == b->heap_size && a->stack_size == b->stack_size);
	CHECK(a->input_size == b->input_size && a->output_size == b->output_size);
	CHECK(a->init_data_size == b->init_data_size && a->brk == b->brk);
	CHECK(a->init_data_rights == b->init_data_rights && a->memory_size == b->memory_size);
	CHECK(memcmp(&a->places, &b->places, sizeof a->places) == 0);
	CHECK(memcmp(a->stack_guard, b->stack_guard, sizeof a->stack_guard) == 0);
	CHECK(a->nused == b->nused && a->nruns == b->nruns);
	CHECK(is_same_list(a->used, b->used, a->nused, sizeof a->used[0]));
	CHECK(is_same_list(a->runs, b->runs, a->nruns, sizeof a->runs[0]));
	CHECK(a->dispatch == b->dispatch && a->call_stack == b->call_stack);
	CHECK(a->fs_base == b->fs_base && memcmp(&a->signals, &b->signals, sizeof a->signals) == 0);
	CHECK(a->generation == b->generation);
}

/* What is written of PARTS says all that they say. */
static void check_round_trip(const struct host *host, const struct snapshot_parts *parts)
{
	static const struct digest digest = { "sha256:0123456789abcdef0123456789abcdef"
					      "0123456789abcdef0123456789abcdef" };
	struct text written, again;
	struct config config;

	CHECK(config_write(parts, &digest, host, &written, NULL) == MOTE_OK);
	CHECK(config_read(&config, host, &written, NULL) == MOTE_OK);
	check_same(parts, &config.parts);
	CHECK(config_write(&config.parts, &digest, host, &again, NULL) == MOTE_OK);
	CHECK(written.size == again.size && memcmp(written.bytes, again.bytes, again.size) == 0);
	check_summary(host, &written, parts);
	config_free(&config);
	text_free(&written, host);
	text_free(&again, host);
}

/* Counts and pointers belong together, as snapshot_parts.h asks. */
static void check_parts(const struct snapshot_parts *parts)
{
	CHECK(!parts->nsegments == !parts->segments && !parts->nexports == !parts->exports);
	CHECK(!parts->nimports == !parts->imports && !parts->nused == !parts->used);
	CHECK(!parts->nhost_functions == !parts->host_functions && !parts->nruns == !parts->runs);
	CHECK(parts->nruns <= SNAPSHOT_RUNS_MAX && parts->nused <= SNAPSHOT_RANGES_MAX);
	for (size_t i = 0; i < parts->nexports; i++)
		CHECK(parts->exports[i].nparams <= MOTE_MAX_PARAMS && parts->exports[i].name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fake_runtime *fake_rt = fake_runtime();
	const struct host *host = fake_rt->host;
	struct text text = copy_text(host, data, size);
	mote_error err = { .code = MOTE_OK };
	struct config config;
	mote_status status = config_read_summary(&config, host, &text, &err);

	if (status)
		check_refusal(&config, status, &err);
	else
		config_free(&config);

	err = (mote_error){ .code = MOTE_OK };
	status = config_read(&config, host, &text, &err);
	if (status) {
		check_refusal(&config, status, &err);
	} else {
		check_parts(&config.parts);
		check_summary(host, &text, &config.parts);
		check_round_trip(host, &config.parts);
		fake_runtime_load(fake_rt, &config.parts, true);
		config_free(&config);
	}
	text_free(&text, host);
	return 0;
}

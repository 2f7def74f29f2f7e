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
	CHECK(!config->tree.memory && !config->parts.segments && !config->parts.mote.used);
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

static void check_same_segment(const struct hv_segment *a, const struct hv_segment *b)
{
	CHECK(a->base == b->base && a->limit == b->limit && a->selector == b->selector);
	CHECK(a->type == b->type && a->dpl == b->dpl && a->present == b->present);
	CHECK(a->is_code_or_data == b->is_code_or_data && a->is_long == b->is_long);
	CHECK(a->is_default_32 == b->is_default_32 && a->is_granular == b->is_granular);
}

static void check_same_registers(const struct hv_system *a, const struct hv_system *b)
{
	check_same_segment(&a->cs, &b->cs);
	check_same_segment(&a->ds, &b->ds);
	check_same_segment(&a->es, &b->es);
	check_same_segment(&a->fs, &b->fs);
	check_same_segment(&a->gs, &b->gs);
	check_same_segment(&a->ss, &b->ss);
	check_same_segment(&a->tr, &b->tr);
	check_same_segment(&a->ldt, &b->ldt);
	CHECK(a->gdt_base == b->gdt_base && a->gdt_limit == b->gdt_limit);
	CHECK(a->idt_base == b->idt_base && a->idt_limit == b->idt_limit);
	CHECK(a->cr0 == b->cr0 && a->cr4 == b->cr4 && a->efer == b->efer);
}

static void check_same_hyperlight(const struct snapshot_parts *a, const struct snapshot_parts *b)
{
	const struct hyperlight_parts *one = &a->hyperlight, *two = &b->hyperlight;

	CHECK(strcmp(a->guest_version, b->guest_version) == 0);
	CHECK(one->input_size == two->input_size && one->output_size == two->output_size);
	CHECK(one->heap_size == two->heap_size && one->scratch_size == two->scratch_size);
	CHECK(one->init_data_size == two->init_data_size && one->image_size == two->image_size);
	CHECK(one->data_size == two->data_size && one->tables_size == two->tables_size);
	CHECK(one->dispatch == two->dispatch && one->stack == two->stack);
	check_same_registers(&one->system, &two->system);
}

static void check_same(const struct snapshot_parts *a, const struct snapshot_parts *b)
{
	CHECK(strcmp(a->guest_abi, b->guest_abi) == 0);
	if (strcmp(a->guest_abi, "hyperlight") == 0)
		check_same_hyperlight(a, b);
	CHECK(strcmp(a->name, b->name) == 0 && a->mote.abi_version == b->mote.abi_version);
	CHECK(a->is_pie == b->is_pie && a->entry == b->entry && a->cpu_features == b->cpu_features);
	check_same_segments(a, b);
	check_same_functions(a->exports, a->nexports, b->exports, b->nexports);
	check_same_functions(a->imports, a->nimports, b->imports, b->nimports);
	check_same_functions(a->host_functions, a->nhost_functions, b->host_functions,
			     b->nhost_functions);
	CHECK(a->mote.heap_size == b->mote.heap_size && a->mote.stack_size == b->mote.stack_size);
	CHECK(a->mote.input_size == b->mote.input_size &&
	      a->mote.output_size == b->mote.output_size);
	CHECK(a->mote.init_data_size == b->mote.init_data_size && a->mote.brk == b->mote.brk);
	CHECK(a->mote.init_data_rights == b->mote.init_data_rights &&
	      a->memory_size == b->memory_size);
	CHECK(memcmp(&a->mote.places, &b->mote.places, sizeof a->mote.places) == 0);
	CHECK(memcmp(a->mote.stack_guard, b->mote.stack_guard, sizeof a->mote.stack_guard) == 0);
	CHECK(a->mote.nused == b->mote.nused && a->nruns == b->nruns);
	CHECK(is_same_list(a->mote.used, b->mote.used, a->mote.nused, sizeof a->mote.used[0]));
	CHECK(is_same_list(a->runs, b->runs, a->nruns, sizeof a->runs[0]));
	CHECK(a->mote.dispatch == b->mote.dispatch && a->mote.call_stack == b->mote.call_stack);
	CHECK(a->mote.fs_base == b->mote.fs_base &&
	      memcmp(&a->mote.signals, &b->mote.signals, sizeof a->mote.signals) == 0);
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
	CHECK(!parts->nimports == !parts->imports && !parts->mote.nused == !parts->mote.used);
	CHECK(!parts->nhost_functions == !parts->host_functions && !parts->nruns == !parts->runs);
	CHECK(parts->nruns <= SNAPSHOT_RUNS_MAX && parts->mote.nused <= SNAPSHOT_RANGES_MAX);
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

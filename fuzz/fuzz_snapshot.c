/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: mote_private_snapshot_make, image_from_parts, memory_snapshot_load,
 * hyperlight_parts_make, hyperlight_state_check, hyperlight_snapshot_pages, and what
 * sandboxes do with what these let pass: the parts of a good snapshot with some changed are
 * refused, or make sandboxes that begin with its pages, take a call and are restored; those of a
 * guest of the hyperlight ABI are saved again.
 * Input: a byte of options; then changes, each a byte that says to what, and one that says how, and
 * a number.
 */
#include "fuzz/fake_runtime.h"
#include "fuzz/fuzz.h"
#include "guest_abi/mote/parts.h"
#include "sandbox/snapshot.h"

#define LIST    12 /* entries of each list */
#define CHANGES 16

/* Parts with room to change them. */
struct draft {
	struct snapshot_parts parts;
	char name[80];
	char names[3][LIST][80];
	mote_segment_info segments[LIST];
	mote_function_info functions[3][LIST]; /* exports, imports, host functions */
	struct snapshot_range used[LIST];
	struct snapshot_run runs[LIST];
};

static size_t copy_functions(struct draft *draft, int which, const mote_function_info *from,
			     size_t count)
{
	for (size_t i = 0; i < LIST; i++) {
		mote_function_info *function = &draft->functions[which][i];
		char *name = draft->names[which][i];

		*function = i < count ? from[i] : (mote_function_info){ .result = MOTE_VOID };
		snprintf(name, sizeof draft->names[which][i], "%s",
			 i < count ? from[i].name : (char[]){ (char)('a' + i), '\0' });
		function->name = name;
	}
	return count < LIST ? count : LIST;
}

/* The parts of the good snapshot: the same each time, and slow to find out. */
static void open_good(struct draft *draft, const struct fake_runtime *fake_rt)
{
	struct snapshot_parts opened, *parts = &draft->parts;

	CHECK(mote_private_snapshot_open(&opened, fake_rt->snapshot, NULL) == MOTE_OK);
	*parts = opened;
	snprintf(draft->name, sizeof draft->name, "%s", parts->name);
	memcpy(draft->segments, parts->segments, parts->nsegments * sizeof draft->segments[0]);
	for (size_t i = 0; i < parts->mote.nused && i < LIST; i++)
		draft->used[i] = parts->mote.used[i];
	for (size_t i = 0; i < parts->nruns && i < LIST; i++)
		draft->runs[i] = parts->runs[i];
	const size_t nexports = copy_functions(draft, 0, parts->exports, parts->nexports);
	const size_t nimports = copy_functions(draft, 1, parts->imports, parts->nimports);
	copy_functions(draft, 2, NULL, 0);
	const size_t nruns = parts->nruns < LIST ? parts->nruns : LIST;
	mote_private_snapshot_close(&opened, fake_rt->snapshot);

	parts->name = draft->name;
	parts->nexports = nexports;
	parts->nimports = nimports;
	parts->nruns = nruns;
}

/* A copy of GOOD that points into itself. */
static void begin(struct draft *draft, const struct draft *good)
{
	struct snapshot_parts *parts = &draft->parts;

	*draft = *good;
	for (int which = 0; which < 3; which++)
		for (size_t i = 0; i < LIST; i++)
			draft->functions[which][i].name = draft->names[which][i];
	parts->name = draft->name;
	parts->segments = draft->segments;
	parts->exports = draft->functions[0];
	parts->imports = draft->functions[1];
	parts->host_functions = draft->functions[2];
	parts->mote.used = draft->used;
	parts->runs = draft->runs;
}

/* Of a list's entry: mostly one that is in use. */
static size_t take_index(struct input *input)
{
	const uint64_t byte = take(input, 1);

	return byte % (byte & 0x80 ? LIST : 4);
}

static void change_function(struct draft *draft, struct input *input, int which)
{
	const size_t index = take_index(input);
	mote_function_info *function = &draft->functions[which][index];
	char *name = draft->names[which][index];
	const uint64_t how = take(input, 1) % 4;
	size_t got;

	if (how == 0) {
		function->result = (mote_type)take(input, 1);
	} else if (how == 1) {
		function->nparams = (uint32_t)take(input, 1) % (MOTE_MAX_PARAMS + 2);
		for (uint32_t i = 0; i < function->nparams && i < MOTE_MAX_PARAMS; i++)
			function->params[i] = (mote_type)take(input, 1);
	} else if (how == 2) {
		const uint8_t *bytes = take_bytes(input, take(input, 1) % 79, &got);
		memcpy(name, bytes, got);
		name[got] = '\0';
	} else {
		memset(name, 'n', 79);
		name[take(input, 1) % 80] = '\0';
	}
}

static void change_segment(struct draft *draft, struct input *input)
{
	mote_segment_info *segment = &draft->segments[take_index(input)];
	const uint64_t rights = take(input, 1);

	segment->readable = rights & 1;
	segment->writable = rights & 2;
	segment->executable = rights & 4;
	if (rights & 8)
		segment->address = take_number(input) << (rights & 0x80 ? 12 : 0);
	if (rights & 16)
		segment->memory_size = take_number(input) << (rights & 0x80 ? 12 : 0);
	if (rights & 32)
		segment->file_size = take_number(input);
}

/* Of a list of functions no more may be counted than there are: that is the caller's promise. */
static void change_count(struct draft *draft, struct input *input)
{
	struct snapshot_parts *parts = &draft->parts;
	size_t *const counts[] = { &parts->nsegments,  &parts->nexports, &parts->nimports,
				   &parts->mote.nused, &parts->nruns,    &parts->nhost_functions };

	*counts[take(input, 1) % 6] = take(input, 1) % (LIST + 1);
}

static void change_number(struct draft *draft, struct input *input)
{
	struct snapshot_parts *parts = &draft->parts;
	uint64_t *const numbers[] = {
		&parts->entry,
		&parts->cpu_features,
		&parts->mote.heap_size,
		&parts->mote.stack_size,
		&parts->mote.input_size,
		&parts->mote.output_size,
		&parts->mote.brk,
		&parts->mote.places.heap,
		&parts->mote.places.stack,
		&parts->mote.dispatch,
		&parts->mote.places.input,
		&parts->mote.places.output,
		&parts->mote.call_stack,
		&parts->mote.fs_base,
		&parts->mote.signals.mask,
		&parts->generation,
		&parts->mote.init_data_size,
		&parts->mote.places.init_data,
		&parts->mote.signals.handled,
		&parts->mote.signals.pending,
		&parts->mote.signals.stack_base,
		&parts->mote.signals.stack_size,
		&parts->mote.signals.actions[10].handler,
	};
	uint64_t *number = numbers[take(input, 1) % (sizeof numbers / sizeof numbers[0])];
	const uint64_t how = take(input, 1);

	if (how & 1)
		*number += (uint64_t)(int64_t)(int8_t)take(input, 1) << (how & 2 ? 12 : 0);
	else
		*number = take_number(input) << (how & 2 ? 12 : 0);
}

static void change_pages(struct draft *draft, struct input *input)
{
	const uint64_t how = take(input, 1), index = take_index(input);
	struct snapshot_range *range = &draft->used[index];
	struct snapshot_run *run = &draft->runs[index];

	if (how & 1) {
		range->first = take_number(input);
		range->count = take_number(input);
	} else {
		if (how & 2)
			run->address = take_number(input) << 12;
		else
			run->address += (uint64_t)(int64_t)(int8_t)take(input, 1) << 12;
		/* about as many as there are, or any */
		run->count = how & 4 ? take(input, 1) % 8 : take_number(input);
		run->file_page = how & 4 ? take(input, 1) % 8 : take_number(input);
	}
}

static void change_kind(struct draft *draft, struct input *input)
{
	struct snapshot_parts *parts = &draft->parts;
	const uint64_t how = take(input, 1) % 4;

	if (how == 0)
		parts->mote.abi_version = (uint32_t)take(input, 1);
	else if (how == 1)
		parts->is_pie = take(input, 1) & 1;
	else if (how == 2)
		parts->mote.init_data_rights = (unsigned)take(input, 1);
	else
		parts->mote.stack_guard[take(input, 1) % 16] = (uint8_t)take(input, 1);
}

/* A layout that another part of the library would have come to: else few inputs get further. */
static void mend_places(struct draft *draft)
{
	struct snapshot_parts *parts = &draft->parts;
	const struct layout_config config = {
		.segments = parts->segments,
		.nsegments = parts->nsegments,
		.heap_size = parts->mote.heap_size,
		.stack_size = parts->mote.stack_size,
		.input_size = parts->mote.input_size,
		.output_size = parts->mote.output_size,
		.init_data_size = parts->mote.init_data_size,
		.init_data_rights = parts->mote.init_data_rights,
		.nfunctions = parts->nhost_functions,
		.supervisor_size = SUPERVISOR_BLOCK_SIZE,
		.exception_stack = SUPERVISOR_STACK,
	};
	struct layout layout;

	if (!layout_compute(&layout, &config, NULL))
		parts->mote.places = snapshot_places(&layout);
}

static void change(struct draft *draft, struct input *input)
{
	switch (take(input, 1) % 7) {
	case 0:
	case 1:
		change_number(draft, input);
		break;
	case 2:
		change_count(draft, input);
		break;
	case 3:
		change_segment(draft, input);
		break;
	case 4:
		change_pages(draft, input);
		break;
	case 5:
		change_function(draft, input, (int)(take(input, 1) % 3));
		break;
	default:
		change_kind(draft, input);
		break;
	}
}

/* A number or a register of a guest of the hyperlight ABI. */
static void change_hyperlight_number(struct draft *draft, struct input *input)
{
	struct hyperlight_parts *parts = &draft->parts.hyperlight;
	uint64_t *const numbers[] = {
		&parts->input_size,      &parts->output_size,
		&parts->heap_size,       &parts->scratch_size,
		&parts->image_size,      &parts->init_data_size,
		&parts->data_size,       &parts->tables_size,
		&parts->dispatch,        &parts->stack,
		&parts->system.cr0,      &parts->system.cr4,
		&parts->system.efer,     &parts->system.gdt_base,
		&parts->system.idt_base, &draft->parts.generation,
		&draft->parts.entry,
	};
	uint64_t *number = numbers[take(input, 1) % (sizeof numbers / sizeof numbers[0])];
	const uint64_t how = take(input, 1);

	if (how & 1)
		*number += (uint64_t)(int64_t)(int8_t)take(input, 1) << (how & 2 ? 12 : 0);
	else
		*number = take_number(input) << (how & 2 ? 12 : 0);
}

static void change_hyperlight_segment(struct draft *draft, struct input *input)
{
	struct hv_system *system = &draft->parts.hyperlight.system;
	struct hv_segment *const segments[] = {
		&system->cs, &system->ds, &system->es, &system->fs,
		&system->gs, &system->ss, &system->tr, &system->ldt
	};
	struct hv_segment *segment = segments[take(input, 1) % 8];
	const uint64_t attributes = take(input, 2);

	segment->type = attributes & 15;
	segment->dpl = attributes >> 4 & 3;
	segment->present = attributes >> 6 & 1;
	segment->is_code_or_data = attributes >> 7 & 1;
	segment->is_long = attributes >> 8 & 1;
	segment->is_default_32 = attributes >> 9 & 1;
	segment->is_granular = attributes >> 10 & 1;
	segment->selector = (uint16_t)take(input, 2);
	segment->limit = (uint32_t)take_number(input);
	segment->base = take_number(input);
}

static void change_hyperlight(struct draft *draft, struct input *input)
{
	switch (take(input, 1) % 4) {
	case 0:
		change_hyperlight_number(draft, input);
		break;
	case 1:
		change_pages(draft, input);
		break;
	case 2:
		change_hyperlight_segment(draft, input);
		break;
	default:
		change(draft, input);
		break;
	}
}

/* Makes a draft of the one for guests of mote's own ABI. */
static void begin_hyperlight(struct draft *draft, const struct fake_runtime *fake_rt)
{
	const struct snapshot_parts *from = fake_hyperlight_parts(fake_rt);

	draft->parts = *from;
	draft->segments[0] = from->segments[0];
	memcpy(draft->runs, from->runs, from->nruns * sizeof draft->runs[0]);
	draft->parts.name = draft->name;
	draft->parts.segments = draft->segments;
	draft->parts.exports = draft->functions[0];
	draft->parts.imports = draft->functions[1];
	draft->parts.host_functions = draft->functions[2];
	draft->parts.mote.used = draft->used;
	draft->parts.runs = draft->runs;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct draft draft, good;
	const struct fake_runtime *fake_rt = fake_runtime();
	struct input input = { data, size };
	const uint64_t options = take(&input, 1);

	if (!good.parts.name)
		open_good(&good, fake_rt);
	begin(&draft, &good);
	if (options & 0x20)
		begin_hyperlight(&draft, fake_rt);
	for (int i = 0; i < CHANGES && input.left > 0; i++)
		(options & 0x20 ? change_hyperlight : change)(&draft, &input);
	if (options & 0x10 && !(options & 0x20))
		mend_places(&draft);
	fake_runtime_load(fake_rt, &draft.parts, options % 4 == 0);
	return 0;
}

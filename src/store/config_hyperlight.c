/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only snapshots of hyperlight guests say: sizes, and the registers of ring 0. Each is written
 * and read here, side by side.
 */
#include "store/config_internal.h"

/* The attributes of a segment as processors have them: bits of a descriptor from 40 on. */
enum {
	TYPE = 0xf,
	CODE_OR_DATA = 1 << 4,
	DPL_SHIFT = 5,
	DPL = 3 << DPL_SHIFT,
	PRESENT = 1 << 7,
	LONG = 1 << 13,
	DEFAULT_32 = 1 << 14,
	GRANULAR = 1 << 15,
	ALL_ATTRIBUTES = TYPE | CODE_OR_DATA | DPL | PRESENT | LONG | DEFAULT_32 | GRANULAR,
};

static uint64_t attributes_of(const struct hv_segment *segment)
{
	unsigned bits = segment->type;

	bits |= segment->is_code_or_data ? CODE_OR_DATA : 0;
	bits |= (unsigned)segment->dpl << DPL_SHIFT;
	bits |= segment->present ? PRESENT : 0;
	bits |= segment->is_long ? LONG : 0;
	bits |= segment->is_default_32 ? DEFAULT_32 : 0;
	bits |= segment->is_granular ? GRANULAR : 0;
	return bits;
}

static void add_segment(struct writer *writer, const char *name, const struct hv_segment *segment)
{
	writer_open(writer, name);
	writer_number(writer, "selector", segment->selector);
	config_add_hex(writer, "attributes", attributes_of(segment));
	config_add_hex(writer, "base", segment->base);
	writer_number(writer, "limit", segment->limit);
	writer_close(writer);
}

static struct hv_segment read_segment(struct tree_reader *reader, const struct tree_node *registers,
				      const char *name)
{
	const struct tree_node *object = tree_field(reader, registers, name);
	const uint64_t bits = config_read_hex(reader, object, "attributes");

	if (bits & ~(uint64_t)ALL_ATTRIBUTES)
		tree_refuse(reader, "attributes", "those of a segment");
	return (struct hv_segment){
		.base = config_read_hex(reader, object, "base"),
		.limit = (uint32_t)tree_number(reader, object, "limit", UINT32_MAX),
		.selector = (uint16_t)tree_number(reader, object, "selector", UINT16_MAX),
		.type = bits & TYPE,
		.dpl = (bits & DPL) >> DPL_SHIFT,
		.present = bits & PRESENT,
		.is_code_or_data = bits & CODE_OR_DATA,
		.is_long = bits & LONG,
		.is_default_32 = bits & DEFAULT_32,
		.is_granular = bits & GRANULAR,
	};
}

static void add_table(struct writer *writer, const char *name, uint64_t base, uint16_t limit)
{
	writer_open(writer, name);
	config_add_hex(writer, "base", base);
	writer_number(writer, "limit", limit);
	writer_close(writer);
}

static void read_table(struct tree_reader *reader, const struct tree_node *registers,
		       const char *name, uint64_t *base, uint16_t *limit)
{
	const struct tree_node *object = tree_field(reader, registers, name);

	*base = config_read_hex(reader, object, "base");
	*limit = (uint16_t)tree_number(reader, object, "limit", UINT16_MAX);
}

static void add_registers(struct writer *writer, const struct hv_system *system)
{
	writer_open(writer, "registers");
	config_add_hex(writer, "cr0", system->cr0);
	config_add_hex(writer, "cr4", system->cr4);
	config_add_hex(writer, "efer", system->efer);
	add_table(writer, "gdt", system->gdt_base, system->gdt_limit);
	add_table(writer, "idt", system->idt_base, system->idt_limit);
	add_segment(writer, "cs", &system->cs);
	add_segment(writer, "ds", &system->ds);
	add_segment(writer, "es", &system->es);
	add_segment(writer, "fs", &system->fs);
	add_segment(writer, "gs", &system->gs);
	add_segment(writer, "ss", &system->ss);
	add_segment(writer, "tr", &system->tr);
	add_segment(writer, "ldt", &system->ldt);
	writer_close(writer);
}

static void read_registers(struct tree_reader *reader, const struct tree_node *start,
			   struct hv_system *out)
{
	const struct tree_node *registers = tree_field(reader, start, "registers");

	out->cr0 = config_read_hex(reader, registers, "cr0");
	out->cr4 = config_read_hex(reader, registers, "cr4");
	out->efer = config_read_hex(reader, registers, "efer");
	read_table(reader, registers, "gdt", &out->gdt_base, &out->gdt_limit);
	read_table(reader, registers, "idt", &out->idt_base, &out->idt_limit);
	out->cs = read_segment(reader, registers, "cs");
	out->ds = read_segment(reader, registers, "ds");
	out->es = read_segment(reader, registers, "es");
	out->fs = read_segment(reader, registers, "fs");
	out->gs = read_segment(reader, registers, "gs");
	out->ss = read_segment(reader, registers, "ss");
	out->tr = read_segment(reader, registers, "tr");
	out->ldt = read_segment(reader, registers, "ldt");
}

void config_add_hyperlight_memory(struct writer *writer, const struct snapshot_parts *parts)
{
	const struct hyperlight_parts *own = &parts->hyperlight;

	writer_open(writer, "memory");
	writer_number(writer, "size", parts->memory_size);
	writer_number(writer, "image_size", own->image_size);
	writer_number(writer, "heap_size", own->heap_size);
	writer_number(writer, "input_size", own->input_size);
	writer_number(writer, "output_size", own->output_size);
	writer_number(writer, "init_data_size", own->init_data_size);
	writer_number(writer, "scratch_size", own->scratch_size);
	writer_number(writer, "data_size", own->data_size);
	writer_number(writer, "tables_size", own->tables_size);
	config_add_runs(writer, parts);
	writer_close(writer);
}

void config_add_hyperlight_start(struct writer *writer, const struct snapshot_parts *parts)
{
	writer_open(writer, "start");
	config_add_hex(writer, "dispatch", parts->hyperlight.dispatch);
	config_add_hex(writer, "stack", parts->hyperlight.stack);
	add_registers(writer, &parts->hyperlight.system);
	writer_number(writer, "generation", parts->generation);
	writer_close(writer);
}

void config_read_hyperlight(struct tree_reader *reader, const struct tree_node *snapshot,
			    const struct host *host, struct snapshot_parts *parts)
{
	const struct tree_node *memory = tree_field(reader, snapshot, "memory");
	const struct tree_node *start = tree_field(reader, snapshot, "start");
	struct hyperlight_parts *own = &parts->hyperlight;

	parts->guest_version =
		tree_string(reader, tree_field(reader, snapshot, "guest"), "version");
	parts->memory_size = tree_number(reader, memory, "size", INT64_MAX);
	own->image_size = tree_number(reader, memory, "image_size", INT64_MAX);
	own->heap_size = tree_number(reader, memory, "heap_size", INT64_MAX);
	own->input_size = tree_number(reader, memory, "input_size", INT64_MAX);
	own->output_size = tree_number(reader, memory, "output_size", INT64_MAX);
	own->init_data_size = tree_number(reader, memory, "init_data_size", INT64_MAX);
	own->scratch_size = tree_number(reader, memory, "scratch_size", INT64_MAX);
	own->data_size = tree_number(reader, memory, "data_size", INT64_MAX);
	own->tables_size = tree_number(reader, memory, "tables_size", INT64_MAX);
	config_read_runs(reader, memory, host, parts);
	own->dispatch = config_read_hex(reader, start, "dispatch");
	own->stack = config_read_hex(reader, start, "stack");
	read_registers(reader, start, &own->system);
	parts->generation = tree_number(reader, start, "generation", INT64_MAX);
}

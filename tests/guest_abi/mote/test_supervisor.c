/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor block and the hypercall page, taken apart bit by bit as the processor
 * would. The formats are written down here a second time, from the manuals: Intel SDM volume
 * 3A, figures 3-8 (segment), 6-8 (gate), 7-4 (TSS descriptor), 7-11 (TSS) and section 19.5.2
 * (port map).
 */
#include "guest_abi/mote/supervisor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t block[SUPERVISOR_BLOCK_SIZE];

static int build(void **state)
{
	(void)state;
	memset(block, 0x5a, sizeof block); /* nothing of it may stay */
	supervisor_build(block);
	return 0;
}

static uint64_t load(const void *at, size_t size)
{
	uint64_t value = 0;
	memcpy(&value, at, size);
	return value;
}

static uint64_t bits(uint64_t value, unsigned low, unsigned high)
{
	return value >> low & (UINT64_MAX >> (63 - (high - low)));
}

/* A segment descriptor's fields, wherever they are scattered. */
struct decoded {
	uint64_t base, limit;
	unsigned type, s, dpl, present, l, db, g;
};

static struct decoded decode(unsigned selector)
{
	const uint64_t raw = load(block + SUPERVISOR_GDT_OFFSET + (selector & ~7u), 8);
	struct decoded d = {
		.base = bits(raw, 16, 39) | bits(raw, 56, 63) << 24,
		.limit = bits(raw, 0, 15) | bits(raw, 48, 51) << 16,
		.type = (unsigned)bits(raw, 40, 43),
		.s = (unsigned)bits(raw, 44, 44),
		.dpl = (unsigned)bits(raw, 45, 46),
		.present = (unsigned)bits(raw, 47, 47),
		.l = (unsigned)bits(raw, 53, 53),
		.db = (unsigned)bits(raw, 54, 54),
		.g = (unsigned)bits(raw, 55, 55),
	};
	if (!d.s)
		d.base |= load(block + SUPERVISOR_GDT_OFFSET + (selector & ~7u) + 8, 4) << 32;
	if (d.g)
		d.limit = d.limit << 12 | 0xfff;
	return d;
}

/* The same from the state that the vCPU is started with. */
static void assert_same(const struct hv_segment *s)
{
	const struct decoded d = decode(s->selector);

	assert_true(s->base == d.base);
	assert_int_equal(s->limit, d.limit);
	assert_int_equal(s->type, d.type);
	assert_int_equal(s->is_code_or_data, d.s);
	assert_int_equal(s->dpl, d.dpl);
	assert_int_equal(s->present, d.present);
	assert_int_equal(s->is_long, d.l);
	assert_int_equal(s->is_default_32, d.db);
	assert_int_equal(s->is_granular, d.g);
}

static struct hv_cpu_state cpu_state(void)
{
	const struct machine_ways ways = { WAY_OUT_PORT, SYSCALL_RING0 };
	return supervisor_cpu_state(ways, 0x234000, 0x401234, 0x7fff0);
}

static void the_null_descriptor_is_null(void **state)
{
	(void)state;
	assert_int_equal(load(block + SUPERVISOR_GDT_OFFSET, 8), 0);
}

static void code_and_data_descriptors_say_what_they_should(void **state)
{
	/* What `syscall` and `sysret` load follows from STAR: SDM volume 2, SYSCALL, SYSRET. */
	const struct hv_cpu_state cpu = cpu_state();
	const unsigned kernel = (unsigned)bits(cpu.star, 32, 47);
	const unsigned user = (unsigned)bits(cpu.star, 48, 63);
	const struct {
		unsigned selector, dpl;
		bool is_code;
	} rows[] = {
		{ kernel, 0, true },
		{ kernel + 8, 0, false },
		{ user + 16, 3, true },
		{ user + 8, 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct decoded d = decode(rows[i].selector);
		assert_true(d.base == 0);
		assert_int_equal(d.limit, 0xffffffff);
		assert_int_equal(d.s, 1);
		assert_int_equal(d.present, 1);
		assert_int_equal(d.dpl, rows[i].dpl);
		/* code: execute, read; data: read, write, upward. Accessed, both. */
		assert_int_equal(d.type, rows[i].is_code ? 0xb : 0x3);
		assert_int_equal(d.l, rows[i].is_code);
		assert_int_equal(d.db, !rows[i].is_code);
		assert_int_equal(d.g, 1);
	}
	assert_int_equal(kernel & 3, 0);
	assert_int_equal(user & 3, 3);
	assert_int_equal(cpu.code.selector, (user + 16) | 3);
	assert_int_equal(cpu.data.selector, (user + 8) | 3);
}

static void there_are_no_32_bit_guests(void **state)
{
	(void)state;
	const unsigned selector = (unsigned)bits(cpu_state().star, 48, 63);
	assert_int_equal(load(block + SUPERVISOR_GDT_OFFSET + (selector & ~7u), 8), 0);
}

static void the_vcpu_starts_with_what_its_tables_say(void **state)
{
	(void)state;
	const struct hv_cpu_state cpu = cpu_state();

	assert_same(&cpu.code);
	assert_same(&cpu.data);
	assert_same(&cpu.task);
	assert_int_equal(cpu.gdt_base, SUPERVISOR_BLOCK + SUPERVISOR_GDT_OFFSET);
	assert_int_equal(cpu.idt_base, SUPERVISOR_BLOCK + SUPERVISOR_IDT_OFFSET);
	/* the last descriptor is the TSS's, 16 bytes; gates are 16 bytes each */
	assert_int_equal(cpu.gdt_limit, (cpu.task.selector & ~7u) + 15);
	assert_int_equal(cpu.idt_limit, 256 * 16 - 1);
}

static void nothing_lies_behind_the_last_descriptor(void **state)
{
	(void)state;
	for (unsigned i = cpu_state().gdt_limit + 1u; i < 0x1000; i++)
		assert_int_equal(block[SUPERVISOR_GDT_OFFSET + i], 0);
}

static void the_task_descriptor_is_a_busy_64_bit_tss(void **state)
{
	(void)state;
	const struct decoded d = decode(cpu_state().task.selector);

	assert_int_equal(d.s, 0);
	assert_int_equal(d.type, 0xb);
	assert_int_equal(d.dpl, 0);
	assert_int_equal(d.present, 1);
	assert_int_equal(d.g, 0);
	assert_int_equal(d.base, SUPERVISOR_BLOCK + SUPERVISOR_TSS_OFFSET);
	/* bits 8 to 12 of the last doubleword must be 0, the rest is ignored */
	assert_int_equal(
		load(block + SUPERVISOR_GDT_OFFSET + (cpu_state().task.selector & ~7u) + 12, 4), 0);
}

static void every_gate_leads_to_its_stub_on_the_exception_stack(void **state)
{
	(void)state;
	const struct hv_cpu_state cpu = cpu_state();

	for (unsigned vector = 0; vector < 256; vector++) {
		const uint8_t *gate = block + SUPERVISOR_IDT_OFFSET + vector * 16;
		const uint64_t low = load(gate, 8), high = load(gate + 8, 8);
		const uint64_t offset =
			bits(low, 0, 15) | bits(low, 48, 63) << 16 | bits(high, 0, 31) << 32;
		assert_int_equal(offset, SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET +
						 vector * SUPERVISOR_STUB_SIZE);
		assert_int_equal(bits(low, 16, 31), bits(cpu.star, 32, 47));
		assert_int_equal(bits(low, 32, 34), 1);   /* interrupt stack 1 */
		assert_int_equal(bits(low, 35, 39), 0);   /* reserved */
		assert_int_equal(bits(low, 40, 44), 0xe); /* 64-bit interrupt gate */
		/* ring 3 cannot reach it with `int n`, which is a fault, but for int3 */
		assert_int_equal(bits(low, 45, 46), vector == 3 ? 3 : 0);
		assert_int_equal(bits(low, 47, 47), 1);
		assert_int_equal(bits(high, 32, 63), 0);
	}
}

static void the_tss_has_one_stack_for_everything(void **state)
{
	(void)state;
	const uint8_t *tss = block + SUPERVISOR_TSS_OFFSET;

	assert_int_equal(load(tss + 4, 8), SUPERVISOR_STACK_TOP);  /* rsp0 */
	assert_int_equal(load(tss + 36, 8), SUPERVISOR_STACK_TOP); /* interrupt stack 1 */
	assert_int_equal(SUPERVISOR_STACK_TOP % 16, 0);
	for (unsigned i = 2; i <= 7; i++)
		assert_int_equal(load(tss + 28 + 8 * i, 8), 0);
	assert_int_equal(load(tss + 12, 8), 0); /* rsp1 */
	assert_int_equal(load(tss + 20, 8), 0); /* rsp2 */
}

/* A byte's access to PORT, as section 19.5.2 has it: the processor reads two bytes of the map,
 * and both must lie within the TSS's limit. */
static bool permits(unsigned port)
{
	const uint8_t *tss = block + SUPERVISOR_TSS_OFFSET;
	const unsigned at = (unsigned)load(tss + 102, 2) + port / 8;

	return at + 1 <= cpu_state().task.limit && !(tss[at] >> port % 8 & 1);
}

static void ring_3_may_use_exactly_one_port(void **state)
{
	(void)state;
	for (unsigned port = 0; port < 0x10000; port++)
		if (permits(port) != (port == MOTE_PORT_HYPERCALL))
			fail_msg("port 0x%x is %s", port, permits(port) ? "permitted" : "denied");
}

static void wider_accesses_to_that_port_are_denied(void **state)
{
	(void)state;
	/* each port that they span has a bit of its own */
	assert_false(permits(MOTE_PORT_HYPERCALL - 1) || permits(MOTE_PORT_HYPERCALL + 1));
	const unsigned limit = cpu_state().task.limit;
	assert_int_equal(block[SUPERVISOR_TSS_OFFSET + limit], 0xff);
}

static void every_stub_rings_and_never_returns(void **state)
{
	(void)state;
	for (unsigned vector = 0; vector < 256; vector++) {
		const uint8_t *stub =
			block + SUPERVISOR_STUBS_OFFSET + vector * SUPERVISOR_STUB_SIZE;
		assert_int_equal(stub[0], 0xe6); /* out %al, $imm8 */
		assert_int_equal(stub[1], MOTE_PORT_EXCEPTION);
		assert_int_equal(stub[2], 0xf4); /* hlt */
		assert_int_equal(stub[3], 0xeb); /* jmp, back to the hlt */
		assert_int_equal(5 + (int8_t)stub[4], 2);
	}
}

static const uint8_t *hypercall_page(enum way_out way, enum syscall_ring ring)
{
	static uint8_t page[MOTE_PAGE_SIZE];
	memset(page, 0x5a, sizeof page);
	supervisor_build_hypercall_page(page, (struct machine_ways){ way, ring });
	return page;
}

/* `mov %eax, disp32` without base or index: 89 /r, ModRM 04, SIB 25. */
static void assert_store(const uint8_t *code, uint64_t address)
{
	assert_int_equal(code[0], 0x89);
	assert_int_equal(code[1], 0x04);
	assert_int_equal(code[2], 0x25);
	assert_int_equal(load(code + 3, 4), address);
	assert_true(address < 0x80000000); /* disp32 is sign-extended */
}

static void each_way_out_has_its_instruction(void **state)
{
	(void)state;
	const enum way_out by_port[] = { WAY_OUT_PORT, WAY_OUT_IOPL };

	for (size_t i = 0; i < 2; i++) {
		const uint8_t *entry =
			hypercall_page(by_port[i], SYSCALL_RING0) + MOTE_HYPERCALL_ENTRY;
		assert_int_equal(entry[0], 0xe6);
		assert_int_equal(entry[1], MOTE_PORT_HYPERCALL);
		assert_int_equal(entry[2], 0xc3);
		assert_int_equal(entry[3], 0xcc);
	}
	const uint8_t *entry = hypercall_page(WAY_OUT_MMIO, SYSCALL_RING0) + MOTE_HYPERCALL_ENTRY;
	assert_store(entry, MOTE_DOORBELL_PAGE + MOTE_DOORBELL_HYPERCALL);
	assert_int_equal(entry[7], 0xc3);
	assert_int_equal(entry[8], 0xcc);
}

static void each_syscall_ring_has_its_stub(void **state)
{
	(void)state;
	const uint8_t *stub = hypercall_page(WAY_OUT_PORT, SYSCALL_RING0) + MOTE_SYSCALL_ENTRY;

	assert_int_equal(stub[0], 0xe6);
	assert_int_equal(stub[1], MOTE_PORT_SYSCALL);
	assert_memory_equal(stub + 2, "\x48\x0f\x07\xcc", 4); /* sysretq, to 64-bit code */

	stub = hypercall_page(WAY_OUT_PORT, SYSCALL_RING3) + MOTE_SYSCALL_ENTRY;
	assert_store(stub, MOTE_DOORBELL_PAGE + MOTE_DOORBELL_SYSCALL);
	assert_memory_equal(stub + 7, "\xff\xe1\xcc", 3); /* jmp *%rcx */
}

/* Where the start code has xrstor read from: in the same page, which ring 3 cannot change. */
enum { START_AREA = 0x800 };

static void a_start_clears_all_state_and_jumps_on(void **state)
{
	(void)state;
	const uint8_t *page = hypercall_page(WAY_OUT_PORT, SYSCALL_RING0);
	const uint8_t *code = page + MOTE_START_ENTRY, *area = page + START_AREA;

	assert_memory_equal(code, "\xb8\xff\xff\xff\xff\xba\xff\xff\xff\xff", 10); /* eax, edx */
	assert_memory_equal(code + 10, "\x0f\xae\x2c\x25", 4); /* xrstor disp32 */
	assert_int_equal(load(code + 14, 4), MOTE_HYPERCALL_PAGE + START_AREA);
	assert_int_equal(code[18] << 8 | code[19], 0xdbe3); /* fninit */
	/* xor would change flags */
	assert_memory_equal(code + 20, "\xb8\0\0\0\0", 5);
	assert_memory_equal(code + 25, "\x8e\xd8\x8e\xc0\x8e\xe8", 6); /* ds, es, gs */
	assert_memory_equal(code + 31, "\xba\0\0\0\0\x41\xff\xe3\xcc", 9);
	/* SDM volume 1, section 13.4: 64-byte aligned; nothing but MXCSR in it, no compaction */
	assert_int_equal(START_AREA % 64, 0);
	for (unsigned i = 0; i < 576; i++)
		if (i < 24 || i > 27)
			assert_int_equal(area[i], 0);
	assert_int_equal(load(area + 24, 4), 0x1f80);
}

static void the_rest_of_the_hypercall_page_traps(void **state)
{
	(void)state;
	const uint8_t *page = hypercall_page(WAY_OUT_MMIO, SYSCALL_RING3);

	for (unsigned i = 0; i < MOTE_PAGE_SIZE; i++) {
		const bool is_hypercall = i - MOTE_HYPERCALL_ENTRY < 8;
		const bool is_syscall = i - MOTE_SYSCALL_ENTRY < 9;
		const bool is_start = i - MOTE_START_ENTRY < 39;
		const bool is_area = i - START_AREA < 576;
		const bool is_vdso = i >= MOTE_VDSO; /* tests/guest_abi/mote/test_vdso.c */
		if (!is_hypercall && !is_syscall && !is_start && !is_area && !is_vdso)
			assert_int_equal(page[i], 0xcc);
	}
}

static void control_registers_are_those_of_long_mode_with_paging(void **state)
{
	(void)state;
	const struct hv_cpu_state cpu = cpu_state();

	/* PE, MP, ET, NE, WP, AM, PG; no EM, no TS: SSE works */
	assert_int_equal(cpu.cr0, 0x80050033);
	assert_int_equal(cpu.cr3, 0x234000);
	/* PAE, OSFXSR, OSXMMEXCPT, OSXSAVE; no UMIP, SMEP, SMAP, FSGSBASE */
	assert_int_equal(cpu.cr4, 0x40620);
	assert_int_equal(cpu.efer, 0xd01); /* SCE, LME, LMA, NXE */
	assert_int_equal(cpu.lstar, MOTE_HYPERCALL_PAGE + MOTE_SYSCALL_ENTRY);
}

static void the_guest_starts_with_clean_registers(void **state)
{
	(void)state;
	const struct hv_cpu_state cpu = cpu_state();
	struct hv_regs want = { .rip = 0x401234, .rsp = 0x7fff0, .rflags = 2 };

	assert_memory_equal(&cpu.regs, &want, sizeof want);
	assert_int_equal(cpu.fs_base, 0);
}

static void only_one_way_out_needs_io_privilege(void **state)
{
	(void)state;
	const struct machine_ways port = { WAY_OUT_PORT, SYSCALL_RING0 },
				  iopl = { WAY_OUT_IOPL, SYSCALL_RING0 },
				  mmio = { WAY_OUT_MMIO, SYSCALL_RING0 };

	assert_int_equal(supervisor_rflags(port), 2);
	assert_int_equal(supervisor_rflags(iopl), 0x3002);
	assert_int_equal(supervisor_rflags(mmio), 2);
	assert_int_equal(supervisor_cpu_state(iopl, 0, 0, 0).regs.rflags, 0x3002);
}

static void syscall_clears_what_ring_0_must_not_inherit(void **state)
{
	(void)state;
	/* TF, IF, DF, IOPL, NT, AC */
	const uint64_t flags = 1u << 8 | 1u << 9 | 1u << 10 | 3u << 12 | 1u << 14 | 1u << 18;
	assert_int_equal(cpu_state().syscall_mask, flags);
}

static void error_codes_are_pushed_for_ten_vectors(void **state)
{
	(void)state;
	/* SDM table 6-1, and #VC and #SX of the AMD manual */
	static const unsigned with[] = { 8, 10, 11, 12, 13, 14, 17, 21, 29, 30 };

	for (unsigned vector = 0; vector < 300; vector++) {
		bool want = false;
		for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
			want |= vector == with[i];
		assert_int_equal(exception_has_error_code(vector), want);
	}
}

static void ways_have_names(void **state)
{
	(void)state;
	assert_string_equal(way_out_name(WAY_OUT_PORT), "out");
	assert_string_equal(way_out_name(WAY_OUT_IOPL), "out with IOPL 3");
	assert_string_equal(way_out_name(WAY_OUT_MMIO), "mmio store");
	assert_string_equal(syscall_ring_name(SYSCALL_RING0), "ring 0");
	assert_string_equal(syscall_ring_name(SYSCALL_RING3), "ring 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_null_descriptor_is_null),
		cmocka_unit_test(code_and_data_descriptors_say_what_they_should),
		cmocka_unit_test(there_are_no_32_bit_guests),
		cmocka_unit_test(the_vcpu_starts_with_what_its_tables_say),
		cmocka_unit_test(nothing_lies_behind_the_last_descriptor),
		cmocka_unit_test(the_task_descriptor_is_a_busy_64_bit_tss),
		cmocka_unit_test(every_gate_leads_to_its_stub_on_the_exception_stack),
		cmocka_unit_test(the_tss_has_one_stack_for_everything),
		cmocka_unit_test(ring_3_may_use_exactly_one_port),
		cmocka_unit_test(wider_accesses_to_that_port_are_denied),
		cmocka_unit_test(every_stub_rings_and_never_returns),
		cmocka_unit_test(each_way_out_has_its_instruction),
		cmocka_unit_test(each_syscall_ring_has_its_stub),
		cmocka_unit_test(a_start_clears_all_state_and_jumps_on),
		cmocka_unit_test(the_rest_of_the_hypercall_page_traps),
		cmocka_unit_test(control_registers_are_those_of_long_mode_with_paging),
		cmocka_unit_test(the_guest_starts_with_clean_registers),
		cmocka_unit_test(only_one_way_out_needs_io_privilege),
		cmocka_unit_test(syscall_clears_what_ring_0_must_not_inherit),
		cmocka_unit_test(error_codes_are_pushed_for_ten_vectors),
		cmocka_unit_test(ways_have_names),
	};
	return cmocka_run_group_tests(tests, build, NULL);
}

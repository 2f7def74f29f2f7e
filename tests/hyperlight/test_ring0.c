/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest can do because it runs in ring 0, one instruction or trick at a time: it may work,
 * or end the guest, but never be a failure of the host, take longer than it may, or outlive a
 * restore. What hypervisors do with each differs, so most rows allow for more than one end.
 */
#include "tests/hyperlight/hyper_box.h"

#include "abi/vmem_amd64.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static struct hyper_box box;
static struct guest_snapshot *snapshot;

static int setup(void **state)
{
	const struct guest_start start = { .init_data = NULL };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	snapshot = hyper_box_take(&box);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
	return 0;
}

/* Nanoseconds for a call. */
#define TIME_MOST 100000000

/* How a call may end. */
enum end {
	DONE = 1 << 0,
	FAULT = 1 << 1,
	PROTOCOL = 1 << 2,
	TIME = 1 << 3,
	OUTPUT = 1 << 4,
	OTHER = 1 << 5,
};

static enum end end_of(const struct guest_event *event)
{
	switch (event->kind) {
	case GUEST_DONE:
		return DONE;
	case GUEST_INTERRUPTED:
		return TIME;
	case GUEST_OUTPUT:
		return OUTPUT;
	case GUEST_ENDED:
		return event->status == MOTE_E_GUEST_FAULT      ? FAULT
		       : event->status == MOTE_E_GUEST_PROTOCOL ? PROTOCOL
								: OTHER;
	default:
		return OTHER;
	}
}

/* Calls NAME with a parameter, if there is one, for TIME_MOST at most; NAME is for messages, too. */
static enum end call(const char *name, const mote_value *param, const char *text)
{
	struct wire_call message = { .name = name,
				     .name_len = strlen(name),
				     .kind = WIRE_CALL_GUEST,
				     .nparams = param ? 1 : 0 };
	const struct io_stack input = hyperlight_abi.input(box.guest);
	const struct io_stack output = hyperlight_abi.output(box.guest);
	struct hv_vm *vm = hyperlight_abi.vm(box.guest);
	uint8_t bytes[2048];
	struct io_fault fault;
	mote_error err = { .message = "" };

	if (param)
		message.params[0] = *param;
	const size_t size = wire_call_write(bytes, sizeof bytes, &message);

	assert_true(size > 0);
	io_stack_init(&input);
	io_stack_init(&output);
	assert_true(io_stack_push(&input, bytes, size, &fault));
	if (vm->ops->arm(vm, &err) || vm->ops->set_alarm(vm, TIME_MOST, &err))
		fail_msg("%s", err.message);
	mote_status status = hyperlight_abi.call(box.guest, 0, 0, &err);
	if (!status)
		status = hyperlight_abi.run(box.guest, &box.event, &err);
	vm->ops->disarm(vm);
	if (status)
		fail_msg("%s: %s", text, err.message);
	snprintf(box.text, sizeof box.text, "%.*s", (int)box.event.text_size,
		 box.event.text ? box.event.text : "");
	return end_of(&box.event);
}

static void heal(void)
{
	hyper_box_restore(&box, snapshot);
	assert_int_equal(hyper_box_value(&box, "Alive", 0, NULL).as.i32, 1);
}

/* Code for the guest, from NAME to NAME_end. */
#define CODE(name, text)                                                                           \
	__asm__(".pushsection .rodata\n" #name ":\n" text "\n" #name "_end:\n.popsection");        \
	extern const uint8_t name[] __attribute__((visibility("hidden")));                         \
	extern const uint8_t name##_end[] __attribute__((visibility("hidden")))

#define ROW(code_name, how)                                                                        \
	{                                                                                          \
		.name = #code_name, .code = code_name, .end = code_name##_end, .ends = how         \
	}

struct row {
	const char *name;
	const uint8_t *code, *end;
	unsigned ends;
};

static enum end execute(const struct row *row)
{
	const mote_value code = mote_bytes(row->code, (size_t)(row->end - row->code));

	return call("Execute", &code, row->name);
}

static void try(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const enum end end = execute(&rows[i]);

		if (!(end & rows[i].ends))
			fail_msg("%s: event %d, status %d: %s", rows[i].name, (int)box.event.kind,
				 (int)box.event.status, box.text);
		/* whatever it left: the next call may end in any way, but is no failure of the host
		 */
		if (end == DONE)
			call("Alive", NULL, rows[i].name);
		heal();
	}
}
#define TRY(rows) try(rows, sizeof(rows) / sizeof((rows)[0]))

CODE(vmcall_none, "mov $0, %eax; vmcall; ret");
CODE(vmcall_clock, "mov $9, %eax; mov $0x5000, %ebx; xor %ecx, %ecx; vmcall; ret");
CODE(vmcall_ipi,
     "mov $10, %eax; mov $1, %ebx; xor %ecx, %ecx; xor %edx, %edx; mov $32, %esi; vmcall; ret");
CODE(vmcall_kick, "mov $5, %eax; xor %ebx, %ebx; xor %ecx, %ecx; vmcall; ret");
CODE(vmcall_yield, "mov $11, %eax; xor %ebx, %ebx; vmcall; ret");
CODE(vmcall_map, "mov $12, %eax; mov $0x1000, %ebx; mov $1, %ecx; mov $0x10, %edx; vmcall; ret");
CODE(vmmcall_none, "mov $0, %eax; vmmcall; ret");
CODE(vmmcall_clock, "mov $9, %eax; mov $0x5000, %ebx; xor %ecx, %ecx; vmmcall; ret");
CODE(vmmcall_unknown, "mov $-1, %eax; vmmcall; ret");
CODE(hyperv_call, "mov $0x8000, %ecx; vmmcall; ret");

static void hypercalls(void **state)
{
	static const struct row rows[] = {
		ROW(vmcall_none, DONE | FAULT | TIME),     ROW(vmcall_clock, DONE | FAULT | TIME),
		ROW(vmcall_ipi, DONE | FAULT | TIME),      ROW(vmcall_kick, DONE | FAULT | TIME),
		ROW(vmcall_yield, DONE | FAULT | TIME),    ROW(vmcall_map, DONE | FAULT | TIME),
		ROW(vmmcall_none, DONE | FAULT | TIME),    ROW(vmmcall_clock, DONE | FAULT | TIME),
		ROW(vmmcall_unknown, DONE | FAULT | TIME), ROW(hyperv_call, DONE | FAULT | TIME),
	};

	(void)state;
	TRY(rows);
}

CODE(read_apic_base, "mov $0x1b, %ecx; rdmsr; ret");
CODE(write_apic_base, "mov $0x1b, %ecx; mov $0xfee00900, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_efer, "mov $0xc0000080, %ecx; mov $0xd01, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_pat, "mov $0x277, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_kvm_clock, "mov $0x4b564d01, %ecx; mov $0x5001, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_async_pf, "mov $0x4b564d02, %ecx; mov $0x5001, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_x2apic, "mov $0x830, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_hyperv, "mov $0x40000001, %ecx; mov $0x5001, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_debugctl, "mov $0x1d9, %ecx; mov $1, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_tsc, "mov $0x10, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; ret");
CODE(write_spec_ctrl, "mov $0x48, %ecx; xor %eax, %eax; xor %edx, %edx; wrmsr; ret");
CODE(read_counter, "xor %ecx, %ecx; rdpmc; ret");

static void model_registers(void **state)
{
	static const struct row rows[] = {
		ROW(read_apic_base, FAULT),  ROW(write_apic_base, FAULT),
		ROW(write_efer, FAULT),      ROW(write_pat, FAULT),
		ROW(write_kvm_clock, FAULT), ROW(write_async_pf, FAULT),
		ROW(write_x2apic, FAULT),    ROW(write_hyperv, FAULT),
		ROW(write_debugctl, FAULT),  ROW(write_tsc, FAULT),
		ROW(write_spec_ctrl, FAULT), ROW(read_counter, DONE | FAULT),
	};

	(void)state;
	TRY(rows);
}

CODE(set_cr4_all, "mov $-1, %rax; mov %rax, %cr4; ret");
CODE(set_vmxe, "mov %cr4, %rax; bts $13, %rax; mov %rax, %cr4; ret");
CODE(set_smep, "mov %cr4, %rax; bts $20, %rax; mov %rax, %cr4; ret");
CODE(set_pcide, "mov %cr4, %rax; bts $17, %rax; mov %rax, %cr4; ret");
CODE(set_la57, "mov %cr4, %rax; bts $12, %rax; mov %rax, %cr4; ret");
CODE(set_pce, "mov %cr4, %rax; bts $8, %rax; mov %rax, %cr4; xor %ecx, %ecx; rdpmc; ret");
CODE(clear_pae, "mov %cr4, %rax; btr $5, %rax; mov %rax, %cr4; ret");
CODE(set_tsd, "mov %cr4, %rax; bts $2, %rax; mov %rax, %cr4; rdtsc; ret");
CODE(clear_paging, "mov %cr0, %rax; btr $31, %rax; mov %rax, %cr0; ret");
CODE(clear_protection, "mov %cr0, %rax; btr $0, %rax; mov %rax, %cr0; ret");
CODE(set_cr0_high, "mov %cr0, %rax; bts $32, %rax; mov %rax, %cr0; ret");
CODE(set_nw, "mov %cr0, %rax; bts $29, %rax; mov %rax, %cr0; ret");
CODE(set_cd, "mov %cr0, %rax; bts $30, %rax; mov %rax, %cr0; ret");
CODE(set_cr8, "mov $15, %eax; mov %rax, %cr8; ret");
CODE(set_cr8_high, "mov $16, %eax; mov %rax, %cr8; ret");
CODE(set_cr3_high, "mov $-1, %rax; mov %rax, %cr3; ret");
CODE(set_cr3_cut, "mov %cr3, %rax; bts $51, %rax; mov %rax, %cr3; ret");
CODE(set_cr3_apic, "mov $0xfee00000, %eax; mov %rax, %cr3; ret");
CODE(clear_ts, "clts; mov %cr0, %rax; or $8, %rax; mov %rax, %cr0; fnop; ret");
CODE(load_status, "mov $0xfff0, %eax; lmsw %ax; ret");
CODE(set_dr7, "mov $-1, %rax; mov %rax, %dr7; ret");
CODE(set_dr7_step,
     "lea 1f(%rip), %rax; mov %rax, %dr0; mov $0x401, %eax; mov %rax, %dr7; 1: nop; ret");
CODE(set_dr4, "mov %rax, %db4; ret");
CODE(detect_debug, "mov $0x2400, %eax; mov %rax, %dr7; mov %dr0, %rax; ret");

static void control_registers(void **state)
{
	static const struct row rows[] = {
		ROW(set_cr4_all, FAULT),
		ROW(set_vmxe, FAULT),
		ROW(set_smep, DONE | FAULT),
		ROW(set_pcide, DONE | FAULT),
		ROW(set_la57, FAULT),
		ROW(set_pce, DONE | FAULT),
		ROW(clear_pae, FAULT),
		ROW(set_tsd, DONE | FAULT),
		ROW(clear_paging, FAULT),
		ROW(clear_protection, FAULT),
		ROW(set_cr0_high, DONE | FAULT),
		ROW(set_nw, FAULT),
		ROW(set_cd, DONE | FAULT),
		ROW(set_cr8, DONE | FAULT),
		ROW(set_cr8_high, FAULT),
		ROW(set_cr3_high, FAULT),
		ROW(set_cr3_cut, FAULT | TIME),
		ROW(set_cr3_apic, FAULT | TIME),
		ROW(clear_ts, FAULT),
		ROW(load_status, DONE | FAULT),
		ROW(set_dr7, FAULT),
		ROW(set_dr7_step, FAULT | DONE),
		ROW(set_dr4, FAULT | DONE),
		ROW(detect_debug, FAULT | DONE),
	};

	(void)state;
	TRY(rows);
}

CODE(xsetbv_without, "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv; ret");
CODE(xsetbv_least, "mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4; "
		   "xor %ecx, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv; ret");
CODE(xsetbv_none, "mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4; "
		  "xor %ecx, %ecx; xor %eax, %eax; xor %edx, %edx; xsetbv; ret");
CODE(xsetbv_all, "mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4; "
		 "xor %ecx, %ecx; mov $-1, %eax; mov $-1, %edx; xsetbv; ret");
CODE(xsetbv_other, "mov %cr4, %rax; bts $18, %rax; mov %rax, %cr4; "
		   "mov $1, %ecx; mov $1, %eax; xor %edx, %edx; xsetbv; ret");
CODE(invpcid_all, "push $0; push $0; mov $2, %eax; invpcid (%rsp), %rax; add $16, %rsp; ret");
CODE(monitor_mwait, "mov %rsp, %rax; xor %ecx, %ecx; xor %edx, %edx; monitor; mwait; ret");
CODE(mwait_alone, "xor %eax, %eax; mov $1, %ecx; mwait; ret");
CODE(invalidate_caches, "invd; ret");
CODE(write_back_caches, "wbinvd; ret");
CODE(resume_management, "rsm; ret");
CODE(vmx_on, "sub $8, %rsp; vmxon (%rsp); add $8, %rsp; ret");
CODE(svm_run, "mov $0x5000, %eax; vmrun %rax; ret");
CODE(svm_load, "mov $0x5000, %eax; vmload %rax; ret");
CODE(svm_save, "mov $0x5000, %eax; vmsave %rax; ret");
CODE(svm_clear_gif, "clgi; ret");
CODE(svm_set_gif, "stgi; ret");
CODE(svm_invalidate, "xor %eax, %eax; xor %ecx, %ecx; invlpga %rax, %ecx; ret");
CODE(svm_init, "xor %eax, %eax; skinit %eax; ret");
CODE(sgx, "xor %eax, %eax; encls; ret");
CODE(rdtscp_now, "rdtscp; ret");
CODE(swap_gs, "swapgs; ret");
CODE(read_fs_base, "rdfsbase %rax; ret");
CODE(system_return, "lea 1f(%rip), %rcx; mov $2, %r11d; sysretq; 1: ret");
CODE(system_call, "syscall; ret");
CODE(system_enter, "sysenter; ret");
CODE(system_exit, "sysexitl; ret");

static void rare_instructions(void **state)
{
	static const struct row rows[] = {
		ROW(xsetbv_without, FAULT),
		ROW(xsetbv_least, DONE | FAULT),
		ROW(xsetbv_none, FAULT),
		ROW(xsetbv_all, FAULT),
		ROW(xsetbv_other, FAULT),
		ROW(invpcid_all, DONE | FAULT),
		ROW(monitor_mwait, DONE | FAULT | TIME),
		ROW(mwait_alone, DONE | FAULT | TIME),
		ROW(invalidate_caches, DONE | FAULT),
		ROW(write_back_caches, DONE | FAULT),
		ROW(resume_management, FAULT),
		ROW(vmx_on, FAULT),
		ROW(svm_run, DONE | FAULT),
		ROW(svm_load, DONE | FAULT),
		ROW(svm_save, DONE | FAULT),
		ROW(svm_clear_gif, DONE | FAULT),
		ROW(svm_set_gif, DONE | FAULT),
		ROW(svm_invalidate, DONE | FAULT),
		ROW(svm_init, DONE | FAULT),
		ROW(sgx, FAULT),
		ROW(rdtscp_now, DONE | FAULT),
		ROW(swap_gs, DONE | FAULT),
		ROW(read_fs_base, DONE | FAULT),
		ROW(system_return, DONE | FAULT | TIME),
		ROW(system_call, FAULT | TIME),
		ROW(system_enter, FAULT | TIME),
		ROW(system_exit, FAULT | TIME),
	};

	(void)state;
	TRY(rows);
}

CODE(out_byte, "mov $0x1234, %edx; outb %al, %dx; ret");
CODE(out_word, "mov $0x1234, %edx; outw %ax, %dx; ret");
CODE(out_immediate, "outl %eax, $0x60; ret");
CODE(out_cmos, "mov $0x70, %edx; outb %al, %dx; ret");
CODE(out_reset, "mov $0xcf9, %edx; mov $6, %eax; outb %al, %dx; ret");
CODE(out_strings, "lea 0(%rip), %rsi; mov $-1, %rcx; mov $0x1234, %edx; rep outsl; ret");
CODE(out_abort, "lea 0(%rip), %rsi; mov $4096, %ecx; mov $102, %edx; rep outsl; ret");
CODE(out_from_nowhere, "mov $0x7000000000, %rsi; mov $64, %ecx; mov $102, %edx; rep outsb; ret");
CODE(in_byte, "mov $0x60, %edx; inb %dx, %al; ret");
CODE(in_word, "mov $108, %edx; inw %dx, %ax; ret");
CODE(in_long, "mov $101, %edx; inl %dx, %eax; ret");
CODE(in_strings, "sub $64, %rsp; mov %rsp, %rdi; mov $-1, %rcx; mov $0x60, %edx; rep insb; ret");
CODE(in_many, "sub $4096, %rsp; mov %rsp, %rdi; mov $1024, %ecx; mov $0x60, %edx; rep insl; "
	      "add $4096, %rsp; ret");
CODE(sti_halt, "sti; hlt; ret");
CODE(cli_halt, "cli; hlt; ret");
CODE(sti_out, "xor %eax, %eax; mov $108, %edx; cli; sti; outl %eax, %dx; ret");
CODE(ss_out, "mov %ss, %ecx; xor %eax, %eax; mov $108, %edx; mov %ecx, %ss; outl %eax, %dx; ret");
CODE(step_out,
     "xor %eax, %eax; mov $108, %edx; pushfq; orl $0x100, (%rsp); popfq; outl %eax, %dx; ret");
CODE(flags_out, "xor %eax, %eax; mov $108, %edx; push $0x277ed7; popfq; outl %eax, %dx; ret");
CODE(break_out,
     "lea 1f(%rip), %rax; mov %rax, %dr0; mov $0x401, %eax; mov %rax, %dr7; mov $108, %edx; "
     "1: outl %eax, %dx; ret");

static void ports(void **state)
{
	static const struct row rows[] = {
		ROW(out_byte, PROTOCOL),
		ROW(out_word, PROTOCOL),
		ROW(out_immediate, PROTOCOL),
		ROW(out_cmos, PROTOCOL),
		ROW(out_reset, PROTOCOL),
		ROW(out_strings, PROTOCOL),
		ROW(out_abort, OTHER | DONE),
		ROW(out_from_nowhere, FAULT),
		ROW(in_byte, PROTOCOL),
		ROW(in_word, PROTOCOL),
		ROW(in_long, PROTOCOL),
		ROW(in_strings, PROTOCOL),
		ROW(in_many, PROTOCOL),
		ROW(sti_halt, DONE),
		ROW(cli_halt, DONE),
		ROW(sti_out, DONE),
		ROW(ss_out, DONE),
		ROW(step_out, DONE | FAULT),
		ROW(flags_out, DONE | FAULT),
		ROW(break_out, DONE | FAULT),
	};

	(void)state;
	TRY(rows);
}

CODE(int_3, "int3; ret");
CODE(int_1, ".byte 0xf1; ret");
CODE(int_machine_check, "int $18; ret");
CODE(int_double_fault, "int $8; ret");
CODE(int_nmi, "int $2; ret");
CODE(overflow_trap, "pushfq; pop %rax; or $0x800, %rax; push %rax; popfq; int $4; ret");
CODE(no_stack, "xor %esp, %esp; push %rax; ret");
CODE(no_canonical_stack, "mov $0x8000000000000000, %rsp; push %rax; ret");
CODE(no_gdt, "sub $16, %rsp; movw $0, (%rsp); movq $0, 2(%rsp); lgdt (%rsp); add $16, %rsp; "
	     "mov $0x10, %eax; mov %eax, %ds; ret");
CODE(gdt_nowhere,
     "sub $16, %rsp; movw $0xffff, (%rsp); movabs $0x7000000000, %rax; mov %rax, 2(%rsp); "
     "lgdt (%rsp); add $16, %rsp; mov $0x10, %eax; mov %eax, %ds; ret");
CODE(gdt_not_canonical, "sub $16, %rsp; movw $0xffff, (%rsp); movabs $0x8000000000000000, %rax; "
			"mov %rax, 2(%rsp); lgdt (%rsp); ret");
CODE(task_gate, "mov $0xfff8, %eax; ltr %ax; ret");
CODE(local_table, "mov $0x10, %eax; lldt %ax; ret");
CODE(far_jump, "push $0x10; push $0; lretq");
CODE(to_ring_3,
     "push $0x1b; push %rsp; push $0x3202; push $0x1b; lea 1f(%rip), %rax; push %rax; iretq; "
     "1: mov $108, %edx; out %eax, %dx");

static void exceptions(void **state)
{
	static const struct row rows[] = {
		ROW(int_3, FAULT),
		ROW(int_1, FAULT),
		ROW(int_machine_check, FAULT),
		ROW(int_double_fault, FAULT),
		ROW(int_nmi, FAULT),
		ROW(overflow_trap, FAULT),
		ROW(no_stack, FAULT),
		ROW(no_canonical_stack, FAULT),
		ROW(no_gdt, FAULT),
		ROW(gdt_nowhere, FAULT),
		ROW(gdt_not_canonical, FAULT),
		ROW(task_gate, FAULT),
		ROW(local_table, FAULT),
		ROW(far_jump, FAULT),
		ROW(to_ring_3, FAULT),
	};

	(void)state;
	TRY(rows);
}

CODE(raise_and_lower_cr8, "mov $15, %eax; mov %rax, %cr8; xor %eax, %eax; mov %rax, %cr8; ret");

static void interrupt_priorities(void **state)
{
	static const struct row rows[] = { ROW(raise_and_lower_cr8, DONE | FAULT) };

	(void)state;
	TRY(rows);
}

/* Where the guest's page at HYPERLIGHT_BASE is mapped next: no memory is there. */
static const uint64_t nowhere[] = { UINT64_C(0x500000000), 0xfee00000, 0xfffbc000, 0xfeffd000, 0 };

CODE(load_string,
     "mov $0x1000, %esi; sub $4096, %rsp; mov %rsp, %rdi; mov $4096, %ecx; rep movsb; ret");
CODE(store_string, "mov $0x1000, %edi; mov $4096, %ecx; rep stosb; ret");
CODE(copy_within, "mov $0x1000, %esi; mov $0x1800, %edi; mov $256, %ecx; rep movsq; ret");
CODE(port_string, "mov $0x1000, %edi; mov $1024, %ecx; mov $0x60, %edx; rep insl; ret");
CODE(port_from, "mov $0x1000, %esi; mov $1024, %ecx; mov $102, %edx; rep outsl; ret");
CODE(locked, "mov $0x1000, %edi; lock xaddq %rax, (%rdi); ret");
CODE(compare_pair, "mov $0x1000, %edi; lock cmpxchg16b (%rdi); ret");
CODE(save_vectors, "mov $0x1000, %edi; fxsave (%rdi); ret");
CODE(stack_there, "mov $0x2000, %esp; push %rax; ret");
CODE(stack_across, "mov $0x1004, %esp; push %rax; ret");
CODE(jump_there, "mov $0x1000, %eax; jmp *%rax");
CODE(idt_there, "sub $16, %rsp; movw $0xfff, (%rsp); movq $0x1000, 2(%rsp); lidt (%rsp); ud2");
CODE(gdt_there, "sub $16, %rsp; movw $0xfff, (%rsp); movq $0x1000, 2(%rsp); lgdt (%rsp); "
		"mov $0x10, %eax; mov %eax, %ds; ret");
CODE(table_register_there, "mov $0x1000, %eax; lgdt (%rax); ret");

/* The entry of the guest's page tables for HYPERLIGHT_BASE, in scratch. */
static uint64_t leaf_address(void)
{
	struct hv_system system;
	uint64_t table, entry = 0;

	box.hv->ops->system->get(hyperlight_abi.vm(box.guest), &system);
	table = system.cr3;
	for (int level = 3;; level--) {
		entry = table + SCRATCH_END_GVA - SCRATCH_END_GPA +
			(HYPERLIGHT_BASE >> (12 + 9 * level) & 511) * 8;
		if (level == 0)
			return entry;
		assert_int_equal(hyperlight_abi.read(box.guest, entry, &table, sizeof table, NULL),
				 MOTE_OK);
		table &= VMEM_AMD64_ADDRESS;
	}
}

static void memory_that_is_not_there(void **state)
{
	static const struct row rows[] = {
		ROW(load_string, FAULT),       ROW(store_string, FAULT),
		ROW(copy_within, FAULT),       ROW(port_string, FAULT | PROTOCOL),
		ROW(port_from, FAULT),         ROW(locked, FAULT),
		ROW(compare_pair, FAULT),      ROW(save_vectors, FAULT),
		ROW(stack_there, FAULT),       ROW(stack_across, FAULT),
		ROW(jump_there, FAULT | TIME), ROW(idt_there, FAULT | TIME),
		ROW(gdt_there, FAULT | TIME),  ROW(table_register_there, FAULT),
	};

	(void)state;
	for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++)
		for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
			const mote_value forge[] = { mote_u64(leaf_address()),
						     mote_u64(nowhere[i] | 0x63) };
			const mote_value page = mote_u64(HYPERLIGHT_BASE);

			hyper_box_value(&box, "WriteAt", 2, forge);
			hyper_box_value(&box, "InvalidatePage", 1, &page);
			try(&rows[r], 1);
		}
}

/* A guest that waits for calls in such a mode can be kept: it does no more harm than before. */
static void begin_there(void)
{
	struct guest_snapshot *strange = hyper_box_take(&box);

	for (int i = 0; i < 2; i++) {
		hyper_box_restore(&box, strange);
		call("Alive", NULL, "a call in that mode");
	}
	guest_snapshot_unref(strange);
}

/* The image alone is where its tables say, in physical memory: so from the beginning. */
static void modes_without_paging(void **state)
{
	(void)state;
	for (uint32_t is_real = 0; is_real < 2; is_real++)
		for (int again = 0; again < 2; again++) {
			const mote_value param = mote_u32(is_real);

			hyper_box_restore(&box, box.first);
			hyper_box_run(&box);
			assert_int_equal(box.event.kind, GUEST_READY);
			const enum end end = call("LeaveLongMode", &param, "no paging");
			assert_true(end & (DONE | FAULT));
			if (end == DONE && again)
				call("Alive", NULL, "the next call");
			else if (end == DONE)
				begin_there();
			heal();
		}
}

CODE(abort_without_bytes, "mov $102, %edx; 1: xor %eax, %eax; out %eax, %dx; jmp 1b");

/* What the host need not tell anybody of is counted, and can be interrupted. */
static void exits_without_an_event_end(void **state)
{
	static const struct row rows[] = { ROW(abort_without_bytes, TIME) };

	(void)state;
	TRY(rows);
	box.account.limits.exits = 100;
	account_begin(&box.account);
	assert_int_equal(execute(&rows[0]), OTHER);
	assert_int_equal(box.event.kind, GUEST_LIMIT);
	assert_int_equal(box.account.exits, 101);
	box.account.limits.exits = MOTE_NO_LIMIT;
	heal();
}

CODE(cpuid_physical,
     "push %rbx; mov $0x80000008, %eax; xor %ecx, %ecx; cpuid; movzx %al, %eax; pop %rbx; ret");
CODE(cpuid_hypervisor,
     "push %rbx; mov $0x40000000, %eax; xor %ecx, %ecx; cpuid; mov %ebx, %eax; pop %rbx; ret");
CODE(cpuid_hyperv, "push %rbx; mov $0x40000001, %eax; xor %ecx, %ecx; cpuid; pop %rbx; ret");
CODE(cpuid_features,
     "push %rbx; mov $1, %eax; xor %ecx, %ecx; cpuid; mov %ecx, %eax; pop %rbx; ret");
CODE(cpuid_extended,
     "push %rbx; mov $0x80000001, %eax; xor %ecx, %ecx; cpuid; mov %ecx, %eax; pop %rbx; ret");

static void what_cpuid_shows(void **state)
{
	static const struct {
		struct row code;
		uint64_t mask, want;
	} rows[] = {
		{ ROW(cpuid_physical, DONE), UINT64_MAX, HYPERLIGHT_PHYSICAL_BITS },
		{ ROW(cpuid_hypervisor, DONE), UINT64_MAX, 0 },
		{ ROW(cpuid_hyperv, DONE), UINT64_MAX, 0 },
		/* MONITOR, VMX, SMX, PCID, x2APIC, the deadline timer; a hypervisor there is */
		{ ROW(cpuid_features, DONE), 0x81220068, 0x80000000 },
		{ ROW(cpuid_extended, DONE), 1 << 2, 0 }, /* SVM */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct row *row = &rows[i].code;
		const mote_value code = mote_bytes(row->code, (size_t)(row->end - row->code));
		const uint64_t got = hyper_box_value(&box, "Execute", 1, &code).as.u64;

		if ((got & rows[i].mask) != rows[i].want)
			fail_msg("%s: 0x%" PRIx64, row->name, got);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(hypercalls, setup, teardown),
		cmocka_unit_test_setup_teardown(model_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(control_registers, setup, teardown),
		cmocka_unit_test_setup_teardown(rare_instructions, setup, teardown),
		cmocka_unit_test_setup_teardown(ports, setup, teardown),
		cmocka_unit_test_setup_teardown(exceptions, setup, teardown),
		cmocka_unit_test_setup_teardown(interrupt_priorities, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_that_is_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(modes_without_paging, setup, teardown),
		cmocka_unit_test_setup_teardown(exits_without_an_event_end, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cpuid_shows, setup, teardown),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

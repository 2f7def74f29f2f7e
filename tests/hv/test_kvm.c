/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KVM backend on the real /dev/kvm: a few instructions at a time.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_box.h"
#include "hv/regions.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

static void ports_of_every_size(void **state)
{
	(void)state;
	START(false, "\xb8\x44\x33\x22\x11" /* mov $0x11223344, %eax */
		     "\x66\xba\xdc\xfe"     /* mov $0xfedc, %dx */
		     "\xee\x66\xef\xef"     /* out %al, %ax, %eax to %dx */
		     "\xec"                 /* in %dx, %al */
		     "\xf4");
	expect_port(0xfedc, 1, true, 0x44);
	expect_port(0xfedc, 2, true, 0x3344);
	expect_port(0xfedc, 4, true, 0x11223344);
	expect_port(0xfedc, 1, false, 0);
	assert_int_equal(kvm_box_run().kind, HV_EXIT_HALT);
}

static void stores_and_loads_without_memory(void **state)
{
	(void)state;
	START(true, "\x48\xb8\x88\x77\x66\x55\x44\x33\x22\x11" /* movabs ..., %rax */
		    "\x88\x04\x25\x00\x00\x20\x00"             /* mov %al, NOWHERE */
		    "\x66\x89\x04\x25\x02\x00\x20\x00"         /* mov %ax */
		    "\x89\x04\x25\x04\x00\x20\x00"             /* mov %eax */
		    "\x48\x89\x04\x25\x08\x00\x20\x00"         /* mov %rax */
		    "\x8b\x0c\x25\x10\x00\x20\x00"             /* mov NOWHERE + 16, %ecx */
		    "\xf4");
	expect_mmio(NOWHERE, 1, true, 0x88);
	expect_mmio(NOWHERE + 2, 2, true, 0x7788);
	expect_mmio(NOWHERE + 4, 4, true, 0x55667788);
	expect_mmio(NOWHERE + 8, 8, true, UINT64_C(0x1122334455667788));
	expect_mmio(NOWHERE + 16, 4, false, 0);
}

static void memory_is_shared_but_for_read_only_slots(void **state)
{
	(void)state;
	START(true, "\xb8\x44\x33\x22\x11"         /* mov $0x11223344, %eax */
		    "\x8b\x0c\x25\x00\x00\x10\x00" /* mov CONSTANT, %ecx */
		    "\x89\x04\x25\x00\x00\x02\x00" /* mov %eax, DATA */
		    "\x89\x04\x25\x04\x00\x10\x00" /* mov %eax, CONSTANT + 4 */
		    "\xf4");
	memcpy(box.constant, "\x0d\xf0\xad\xba", 4);
	expect_mmio(CONSTANT + 4, 4, true, 0x11223344);
	assert_int_equal(box.vm->regs->rcx, 0xbaadf00d);
	assert_memory_equal(box.ram + DATA, "\x44\x33\x22\x11", 4);
	assert_memory_equal(box.constant, "\x0d\xf0\xad\xba\0\0\0\0", 8);
}

static void registers_go_in_and_come_out(void **state)
{
	(void)state;
	/* lea 1(r), r for each but rsp; out */
	START(false, "\x48\x8d\x40\x01\x48\x8d\x5b\x01\x48\x8d\x49\x01\x48\x8d\x52\x01"
		     "\x48\x8d\x76\x01\x48\x8d\x7f\x01\x48\x8d\x6d\x01\x4d\x8d\x40\x01"
		     "\x4d\x8d\x49\x01\x4d\x8d\x52\x01\x4d\x8d\x5b\x01\x4d\x8d\x64\x24\x01"
		     "\x4d\x8d\x6d\x01\x4d\x8d\x76\x01\x4d\x8d\x7f\x01"
		     "\xe6\x42\xe6\x43\xf4");
	struct hv_regs in = { .rax = 0x1000,
			      .rbx = 0x1100,
			      .rcx = 0x1200,
			      .rdx = 0x1300,
			      .rsi = 0x1400,
			      .rdi = 0x1500,
			      .rsp = 0x1600,
			      .rbp = 0x1700,
			      .r8 = 0x1800,
			      .r9 = 0x1900,
			      .r10 = 0x1a00,
			      .r11 = 0x1b00,
			      .r12 = 0x1c00,
			      .r13 = 0x1d00,
			      .r14 = 0x1e00,
			      .r15 = 0x1f00,
			      .rip = CODE,
			      .rflags = 0x2 };
	*box.vm->regs = in;
	box.vm->regs_changed = true;
	expect_port(0x42, 1, true, 0x01);
	assert_false(box.vm->regs_changed);
	uint64_t got[16], sent[16];
	memcpy(got, box.vm->regs, sizeof got);
	memcpy(sent, &in, sizeof sent);
	for (int i = 0; i < 16; i++)
		assert_int_equal(got[i], sent[i] + (i == 6 ? 0 : 1)); /* 6: rsp */
	/* what is not said to have changed is not taken over */
	box.vm->regs->rax = 0x77;
	expect_port(0x43, 1, true, 0x01);
	assert_int_equal(box.vm->regs->rax, 0x1001);
}

static void the_thread_pointer_works(void **state)
{
	(void)state;
	START(true, "\x64\x48\x8b\x04\x25\x00\x00\x00\x00" /* mov %fs:0, %rax */
		    "\x88\x04\x25\x00\x00\x20\x00"         /* mov %al, NOWHERE */
		    "\x64\x48\x8b\x04\x25\x08\x00\x00\x00" /* mov %fs:8, %rax */
		    "\x88\x04\x25\x00\x00\x20\x00");
	kvm_box_put(DATA + 0x100, "\x01", 1);
	kvm_box_put(DATA + 0x208, "\x02", 1);
	assert_int_equal(hv_kvm.fs_base(box.vm), 0);
	hv_kvm.set_fs_base(box.vm, DATA + 0x100);
	expect_mmio(NOWHERE, 1, true, 1);
	assert_int_equal(hv_kvm.fs_base(box.vm), DATA + 0x100);
	hv_kvm.set_fs_base(box.vm, DATA + 0x200);
	assert_int_equal(hv_kvm.fs_base(box.vm), DATA + 0x200);
	expect_mmio(NOWHERE, 1, true, 2);
	assert_int_equal(hv_kvm.fs_base(box.vm), DATA + 0x200);
}

static void a_fault_leaves_its_address_and_ring_0_is_left_again(void **state)
{
	(void)state;
	START(true, "\x8b\x04\x25\x10\x00\x40\x00" /* mov UNMAPPED + 16, %eax */
		    "\xf4");
	expect_port(0x99, 1, true, 0); /* the stub */
	assert_int_equal(hv_kvm.fault_address(box.vm), UNMAPPED + 16);
	/* with the segments of the start, `hlt` is a fault: without, it would halt */
	assert_int_equal(hv_kvm.reset(box.vm, NULL), MOTE_OK);
	*box.vm->regs = (struct hv_regs){ .rip = CODE + 7, .rsp = DATA + 0x8000, .rflags = 2 };
	box.vm->regs_changed = true;
	expect_port(0x99, 1, true, 0);
	assert_int_equal(kvm_box_run().kind, HV_EXIT_HALT); /* in the stub */
}

static void a_triple_fault_is_a_shutdown(void **state)
{
	(void)state;
	struct hv_cpu_state cpu = kvm_box_cpu(true);

	kvm_box_open();
	kvm_box_put(CODE, "\x0f\x0b", 2); /* ud2 */
	cpu.idt_limit = 0;
	assert_int_equal(kvm_box_make(&cpu, NULL, false), MOTE_OK);
	assert_int_equal(kvm_box_run().kind, HV_EXIT_SHUTDOWN);
}

static void code_without_memory_is_unsupported(void **state)
{
	(void)state;
	START(false, "\xb8\x00\x00\x20\x00\xff\xe0"); /* jmp to NOWHERE */
	struct hv_exit exit = kvm_box_run();
	assert_int_equal(exit.kind, HV_EXIT_UNSUPPORTED);
	assert_int_equal(exit.u.detail, 1); /* KVM_INTERNAL_ERROR_EMULATION */
}

static void memory_that_the_host_lost_is_told(void **state)
{
	(void)state;
	START(true, "\x8b\x04\x25\x00\x00\x02\x00"); /* mov DATA, %eax */
	assert_int_equal(munmap(box.ram + DATA, 0x1000), 0);
	assert_int_equal(kvm_box_run().kind, HV_EXIT_NO_MEMORY);
}

/* Signals. */
static volatile sig_atomic_t nsignals;
static void count_signal(int signal)
{
	(void)signal;
	nsignals++;
}

static void a_signal_interrupts_and_the_guest_goes_on(void **state)
{
	(void)state;
	const struct sigaction action = { .sa_handler = count_signal };
	struct sigaction old;
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } };

	START(true, "\x48\xff\xc0\xeb\xfb"); /* inc %rax; again */
	nsignals = 0;
	sigaction(SIGALRM, &action, &old);
	uint64_t before = 0;
	for (int i = 1; i <= 3; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		assert_int_equal(kvm_box_run().kind, HV_EXIT_INTERRUPTED);
		assert_int_equal(nsignals, i);
		assert_true(box.vm->regs->rax > before);
		before = box.vm->regs->rax;
	}
	sigaction(SIGALRM, &old, NULL);
}

/* Configurations that KVM refuses. */
static void slots_that_cannot_be_are_refused(void **state)
{
	(void)state;
	const struct region rows[] = {
		SLOT(0x600001, 0x1000, REGION_ALL, box.constant, -1),
		SLOT(0x600000, 0x1001, REGION_ALL, box.constant, -1),
		SLOT(0x600000, 0x1000, REGION_ALL, box.constant + 1, -1),
		SLOT(CONSTANT, 0x1000, REGION_ALL, box.constant, -1),
		SLOT(RAM_SIZE - 0x1000, 0x1000, REGION_ALL, box.constant, -1),
	};
	const struct hv_cpu_state cpu = kvm_box_cpu(true);

	kvm_box_open();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(kvm_box_make(&cpu, &rows[i], false), MOTE_E_OS);
		assert_null(box.vm);
		assert_non_null(
			strstr(box.err.message, "KVM refused memory slot 2, guest physical 0x"));
		assert_int_not_equal(box.err.os_error, 0);
	}
	const struct region beyond = SLOT(UINT64_C(1) << 52, 0x1000, REGION_ALL, box.constant, -1);
	assert_int_equal(kvm_box_make(&cpu, &beyond, false), MOTE_E_LIMIT);
	assert_null(box.vm);
}

static void states_that_cannot_be_are_refused(void **state)
{
	(void)state;
	struct hv_cpu_state cpu = kvm_box_cpu(true);

	kvm_box_open();
	cpu.cr4 = 0; /* long mode without PAE */
	assert_int_equal(kvm_box_make(&cpu, NULL, false), MOTE_E_OS);
	assert_non_null(strstr(box.err.message, "KVM_SET_SREGS failed"));
	assert_null(box.vm);
	cpu = kvm_box_cpu(true);
	cpu.lstar = UINT64_C(0x8000000000000000); /* not canonical */
	assert_int_equal(kvm_box_make(&cpu, NULL, false), MOTE_E_OS);
	assert_non_null(strstr(box.err.message, "KVM refused MSR 0xc0000082"));
	assert_null(box.vm);
}

/* Should a guest ever get into ring 0. */
static void ring_0_has_no_msrs(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint32_t msr;
	} rows[] = {
		{ "the time-stamp counter", 0x10 },
		{ "the APIC's base", 0x1b },
		{ "SPEC_CTRL", 0x48 },
		{ "a performance counter", 0xc1 },
		{ "MISC_ENABLE", 0x1a0 },
		{ "x2APIC", 0x802 },
		{ "EFER", 0xc0000080 },
		{ "LSTAR", 0xc0000082 },
		{ "GS base", 0xc0000101 },
		{ "Hyper-V's guest id", 0x40000000 },
		{ "KVM's clock", 0x4b564d01 },
		{ "KVM's page faults", 0x4b564d02 },
		{ "AMD's host save area", 0xc0010117 },
	};
	START(false, "\x0f\x32\xe6\x42\xf4"   /* rdmsr; out */
		     "\x0f\x30\xe6\x43\xf4"); /* wrmsr; out */
	if (!((const struct kvm *)box.hv)->has_msr_filter) {
		print_message("SKIP: this KVM has no filters for MSRs\n");
		skip();
	}
	const struct hv_regs start = *box.vm->regs;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
		bool is_write = i & 1;
		assert_int_equal(hv_kvm.reset(box.vm, NULL), MOTE_OK);
		*box.vm->regs = start;
		box.vm->regs->rip = CODE + (is_write ? 5 : 0);
		box.vm->regs->rcx = rows[i / 2].msr;
		box.vm->regs_changed = true;
		struct hv_exit exit = kvm_box_run();
		if (exit.kind != HV_EXIT_PORT || exit.u.port.port != STUB_PORT)
			fail_msg("%s can be %s", rows[i / 2].what, is_write ? "written" : "read");
	}
}

static void memory_can_be_added_later(void **state)
{
	(void)state;
	const struct region slot = SLOT(NOWHERE, 0x1000, REGION_READ, box.constant, -1);

	START(true, "\x8b\x04\x25\x04\x00\x20\x00" /* mov NOWHERE + 4, %eax */
		    "\x8b\x04\x25\x04\x00\x20\x00"
		    "\x89\x04\x25\x08\x00\x20\x00"); /* mov %eax, NOWHERE + 8 */
	memcpy(box.constant, "1234567", 8);
	expect_mmio(NOWHERE + 4, 4, false, 0);
	assert_int_equal(hv_kvm.map(box.vm, &slot, &box.err), MOTE_OK);
	expect_mmio(NOWHERE + 8, 4, true, 0x00373635);
}

static void machines_do_not_know_of_each_other(void **state)
{
	(void)state;
	START(false, "\xe6\x42\xf4");
	struct hv_vm *first = box.vm;
	const struct hv_cpu_state cpu = kvm_box_cpu(false);
	assert_int_equal(kvm_box_make(&cpu, NULL, false), MOTE_OK);
	expect_port(0x42, 1, true, 0);
	assert_int_equal(kvm_box_run().kind, HV_EXIT_HALT);
	hv_kvm.vm_free(box.vm);
	box.vm = first;
	expect_port(0x42, 1, true, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kvm_box_setup, kvm_box_teardown)
	const struct CMUnitTest tests[] = {
		TEST(ports_of_every_size),
		TEST(stores_and_loads_without_memory),
		TEST(memory_is_shared_but_for_read_only_slots),
		TEST(registers_go_in_and_come_out),
		TEST(the_thread_pointer_works),
		TEST(a_fault_leaves_its_address_and_ring_0_is_left_again),
		TEST(a_triple_fault_is_a_shutdown),
		TEST(code_without_memory_is_unsupported),
		TEST(memory_that_the_host_lost_is_told),
		TEST(a_signal_interrupts_and_the_guest_goes_on),
		TEST(slots_that_cannot_be_are_refused),
		TEST(states_that_cannot_be_are_refused),
		TEST(ring_0_has_no_msrs),
		TEST(memory_can_be_added_later),
		TEST(machines_do_not_know_of_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

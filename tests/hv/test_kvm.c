/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KVM backend on the real /dev/kvm: a few instructions at a time, in a guest of three
 * megabytes whose page tables are two large pages. Skips, and says so, where there is none.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm.h"
#include "hv/regions.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Guest physical is guest virtual. The first 2 MiB are for everyone and hold code and data; the
 * next 2 MiB are the same to the guest, but no slot backs them.
 */
enum {
	PAGE_TABLES = 0x1000, /* three pages */
	GDT = 0x4000,
	IDT = 0x5000,
	TSS = 0x6000,
	STUB = 0x7000,      /* of ring 0: `out %al, $0x99`, `hlt` */
	STACK_TOP = 0xa000, /* of ring 0 */
	CODE = 0x10000,
	DATA = 0x20000,
	CONSTANT = 0x100000, /* a slot of its own, read-only */
	RAM_SIZE = 0x100000,
	CONSTANT_SIZE = 0x1000,
	NOWHERE = 0x200000, /* mapped, but not backed */
	UNMAPPED = 0x400000,
};
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_DATA   0x23
#define USER_CODE   0x2b
#define TASK        0x30

static struct host host;
static struct hv *hv;
static struct hv_vm *vm;
static uint8_t *ram, *constant;
static mote_error err;

static void put(uint64_t at, const void *bytes, size_t size)
{
	memcpy(ram + at, bytes, size);
}

static void put_word(uint64_t at, uint64_t word)
{
	put(at, &word, sizeof word);
}

static struct hv_segment segment(uint16_t selector, bool is_code)
{
	return (struct hv_segment){
		.selector = selector,
		.type = is_code ? 0xb : 0x3,
		.dpl = selector & 3,
		.limit = UINT32_MAX,
		.present = true,
		.is_code_or_data = true,
		.is_long = is_code,
		.is_default_32 = !is_code,
		.is_granular = true,
	};
}

static void build_tables(void)
{
	const uint64_t user = 0x67, large = 0xe7; /* present, write, user, accessed, dirty */

	put_word(PAGE_TABLES, (PAGE_TABLES + 0x1000) | user);
	put_word(PAGE_TABLES + 0x1000, (PAGE_TABLES + 0x2000) | user);
	put_word(PAGE_TABLES + 0x2000, large);
	put_word(PAGE_TABLES + 0x2008, NOWHERE | large);

	put_word(GDT + KERNEL_CODE, UINT64_C(0x00af9b000000ffff));
	put_word(GDT + KERNEL_DATA, UINT64_C(0x00cf93000000ffff));
	put_word(GDT + (USER_DATA & ~7), UINT64_C(0x00cff3000000ffff));
	put_word(GDT + (USER_CODE & ~7), UINT64_C(0x00affb000000ffff));
	for (uint64_t vector = 0; vector < 256; vector++)
		put_word(IDT + 16 * vector, UINT64_C(0x00008e0100080000) | STUB);
	put_word(TSS + 4, STACK_TOP);
	put_word(TSS + 36, STACK_TOP);
	put(STUB, "\xe6\x99\xf4", 3);
}

static struct hv_cpu_state cpu_state(bool is_user)
{
	return (struct hv_cpu_state){
		.regs = { .rip = CODE, .rsp = DATA + 0x8000, .rflags = 2 },
		.cr0 = 0x80010033,
		.cr3 = PAGE_TABLES,
		.cr4 = 0x40620,
		.efer = 0xd01,
		.code = segment(is_user ? USER_CODE : KERNEL_CODE, true),
		.data = segment(is_user ? USER_DATA : KERNEL_DATA, false),
		.task = { .base = TSS,
			  .limit = 0x67,
			  .selector = TASK,
			  .type = 0xb,
			  .present = true },
		.gdt_base = GDT,
		.gdt_limit = 0x3f,
		.idt_base = IDT,
		.idt_limit = 0xfff,
		.star = (uint64_t)0x1b << 48 | (uint64_t)KERNEL_CODE << 32,
		.lstar = STUB,
		.syscall_mask = 0x47700,
	};
}

static mote_status make_vm(const struct hv_cpu_state *cpu, const struct region *extra)
{
	const struct region slots[] = {
		SLOT(0, RAM_SIZE, REGION_ALL, ram, -1),
		SLOT(CONSTANT, CONSTANT_SIZE, READ_EXECUTE, constant, -1),
		extra ? *extra : (struct region){ .size = 0 },
	};
	const struct hv_vm_config config = { .slots = slots, .nslots = extra ? 3 : 2, .cpu = cpu };
	err = (mote_error){ .message = "" };
	return hv_kvm.vm_new(&vm, hv, &config, &err);
}

static int setup(void **state)
{
	(void)state;
	host_init(&host);
	vm = NULL;
	hv = NULL;
	ram = mmap(NULL, RAM_SIZE + CONSTANT_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(ram != MAP_FAILED);
	constant = ram + RAM_SIZE;
	build_tables();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hv_kvm.vm_free(vm);
	if (hv)
		hv_kvm.close(hv);
	munmap(ram, RAM_SIZE + CONSTANT_SIZE);
	return 0;
}

/* Opens KVM, or skips the test. */
static void open_kvm(void)
{
	struct hv_check check;

	hv_kvm.check(&host, &check);
	if (!check.is_available) {
		print_message("SKIP: %s\n", check.reason);
		skip();
	}
	if (hv_kvm.open(&hv, &host, &err))
		fail_msg("%s", err.message);
}

/* A guest that is about to run CODE. */
#define START(is_user, code) start(is_user, code, sizeof(code) - 1)
static void start(bool is_user, const char *code, size_t size)
{
	const struct hv_cpu_state cpu = cpu_state(is_user);

	open_kvm();
	put(CODE, code, size);
	if (make_vm(&cpu, NULL))
		fail_msg("%s", err.message);
}

static struct hv_exit run(void)
{
	struct hv_exit exit;

	memset(&exit, 0xab, sizeof exit);
	if (hv_kvm.run(vm, &exit, &err))
		fail_msg("%s", err.message);
	return exit;
}

static void expect_port(uint16_t port, uint8_t size, bool is_write, uint32_t value)
{
	struct hv_exit exit = run();
	assert_int_equal(exit.kind, HV_EXIT_PORT);
	assert_int_equal(exit.u.port.port, port);
	assert_int_equal(exit.u.port.size, size);
	assert_int_equal(exit.u.port.is_write, is_write);
	if (is_write)
		assert_int_equal(exit.u.port.value, value);
}

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
	assert_int_equal(run().kind, HV_EXIT_HALT);
}

static void expect_mmio(uint64_t gpa, uint8_t size, bool is_write, uint64_t value)
{
	struct hv_exit exit = run();
	assert_int_equal(exit.kind, HV_EXIT_MMIO);
	assert_int_equal(exit.u.mmio.gpa, gpa);
	assert_int_equal(exit.u.mmio.size, size);
	assert_int_equal(exit.u.mmio.is_write, is_write);
	assert_true(exit.u.mmio.value == value);
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
	memcpy(constant, "\x0d\xf0\xad\xba", 4);
	expect_mmio(CONSTANT + 4, 4, true, 0x11223344);
	assert_int_equal(vm->regs->rcx, 0xbaadf00d);
	assert_memory_equal(ram + DATA, "\x44\x33\x22\x11", 4);
	assert_memory_equal(constant, "\x0d\xf0\xad\xba\0\0\0\0", 8);
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
	*vm->regs = in;
	vm->regs_changed = true;
	expect_port(0x42, 1, true, 0x01);
	assert_false(vm->regs_changed);
	uint64_t got[16], sent[16];
	memcpy(got, vm->regs, sizeof got);
	memcpy(sent, &in, sizeof sent);
	for (int i = 0; i < 16; i++)
		assert_int_equal(got[i], sent[i] + (i == 6 ? 0 : 1)); /* 6: rsp */
	/* what is not said to have changed is not taken over */
	vm->regs->rax = 0x77;
	expect_port(0x43, 1, true, 0x01);
	assert_int_equal(vm->regs->rax, 0x1001);
}

static void the_thread_pointer_works(void **state)
{
	(void)state;
	START(true, "\x64\x48\x8b\x04\x25\x00\x00\x00\x00" /* mov %fs:0, %rax */
		    "\x88\x04\x25\x00\x00\x20\x00"         /* mov %al, NOWHERE */
		    "\x64\x48\x8b\x04\x25\x08\x00\x00\x00" /* mov %fs:8, %rax */
		    "\x88\x04\x25\x00\x00\x20\x00");
	put(DATA + 0x100, "\x01", 1);
	put(DATA + 0x208, "\x02", 1);
	assert_int_equal(hv_kvm.fs_base(vm), 0);
	hv_kvm.set_fs_base(vm, DATA + 0x100);
	expect_mmio(NOWHERE, 1, true, 1);
	assert_int_equal(hv_kvm.fs_base(vm), DATA + 0x100);
	hv_kvm.set_fs_base(vm, DATA + 0x200);
	assert_int_equal(hv_kvm.fs_base(vm), DATA + 0x200);
	expect_mmio(NOWHERE, 1, true, 2);
	assert_int_equal(hv_kvm.fs_base(vm), DATA + 0x200);
}

static void a_fault_leaves_its_address_and_ring_0_is_left_again(void **state)
{
	(void)state;
	START(true, "\x8b\x04\x25\x10\x00\x40\x00" /* mov UNMAPPED + 16, %eax */
		    "\xf4");
	expect_port(0x99, 1, true, 0); /* the stub */
	assert_int_equal(hv_kvm.fault_address(vm), UNMAPPED + 16);
	/* with the segments of the start, `hlt` is a fault: without, it would halt */
	hv_kvm.reset_segments(vm);
	*vm->regs = (struct hv_regs){ .rip = CODE + 7, .rsp = DATA + 0x8000, .rflags = 2 };
	vm->regs_changed = true;
	expect_port(0x99, 1, true, 0);
	assert_int_equal(run().kind, HV_EXIT_HALT); /* in the stub */
}

static void a_triple_fault_is_a_shutdown(void **state)
{
	(void)state;
	struct hv_cpu_state cpu = cpu_state(true);

	open_kvm();
	put(CODE, "\x0f\x0b", 2); /* ud2 */
	cpu.idt_limit = 0;
	assert_int_equal(make_vm(&cpu, NULL), MOTE_OK);
	assert_int_equal(run().kind, HV_EXIT_SHUTDOWN);
}

static void code_without_memory_is_unsupported(void **state)
{
	(void)state;
	START(false, "\xb8\x00\x00\x20\x00\xff\xe0"); /* jmp to NOWHERE */
	struct hv_exit exit = run();
	assert_int_equal(exit.kind, HV_EXIT_UNSUPPORTED);
	assert_int_equal(exit.u.detail, 1); /* KVM_INTERNAL_ERROR_EMULATION */
}

static void memory_that_the_host_lost_is_told(void **state)
{
	(void)state;
	START(true, "\x8b\x04\x25\x00\x00\x02\x00"); /* mov DATA, %eax */
	assert_int_equal(munmap(ram + DATA, 0x1000), 0);
	assert_int_equal(run().kind, HV_EXIT_NO_MEMORY);
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
		assert_int_equal(run().kind, HV_EXIT_INTERRUPTED);
		assert_int_equal(nsignals, i);
		assert_true(vm->regs->rax > before);
		before = vm->regs->rax;
	}
	sigaction(SIGALRM, &old, NULL);
}

/* Configurations that KVM refuses. */
static void slots_that_cannot_be_are_refused(void **state)
{
	(void)state;
	const struct region rows[] = {
		SLOT(0x600001, 0x1000, REGION_ALL, constant, -1),
		SLOT(0x600000, 0x1001, REGION_ALL, constant, -1),
		SLOT(0x600000, 0x1000, REGION_ALL, constant + 1, -1),
		SLOT(CONSTANT, 0x1000, REGION_ALL, constant, -1),
		SLOT(RAM_SIZE - 0x1000, 0x1000, REGION_ALL, constant, -1),
	};
	const struct hv_cpu_state cpu = cpu_state(true);

	open_kvm();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(make_vm(&cpu, &rows[i]), MOTE_E_OS);
		assert_null(vm);
		assert_non_null(
			strstr(err.message, "KVM refused memory slot 2, guest physical 0x"));
		assert_int_not_equal(err.os_error, 0);
	}
	const struct region beyond = SLOT(UINT64_C(1) << 52, 0x1000, REGION_ALL, constant, -1);
	assert_int_equal(make_vm(&cpu, &beyond), MOTE_E_LIMIT);
	assert_null(vm);
}

static void states_that_cannot_be_are_refused(void **state)
{
	(void)state;
	struct hv_cpu_state cpu = cpu_state(true);

	open_kvm();
	cpu.cr4 = 0; /* long mode without PAE */
	assert_int_equal(make_vm(&cpu, NULL), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM_SET_SREGS failed"));
	assert_null(vm);
	cpu = cpu_state(true);
	cpu.lstar = UINT64_C(0x8000000000000000); /* not canonical */
	assert_int_equal(make_vm(&cpu, NULL), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM refused MSR 0xc0000082"));
	assert_null(vm);
}

static void memory_can_be_added_later(void **state)
{
	(void)state;
	const struct region slot = SLOT(NOWHERE, 0x1000, REGION_READ, constant, -1);

	START(true, "\x8b\x04\x25\x04\x00\x20\x00" /* mov NOWHERE + 4, %eax */
		    "\x8b\x04\x25\x04\x00\x20\x00"
		    "\x89\x04\x25\x08\x00\x20\x00"); /* mov %eax, NOWHERE + 8 */
	memcpy(constant, "1234567", 8);
	expect_mmio(NOWHERE + 4, 4, false, 0);
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_OK);
	expect_mmio(NOWHERE + 8, 4, true, 0x00373635);
}

static void machines_do_not_know_of_each_other(void **state)
{
	(void)state;
	START(false, "\xe6\x42\xf4");
	struct hv_vm *first = vm;
	const struct hv_cpu_state cpu = cpu_state(false);
	assert_int_equal(make_vm(&cpu, NULL), MOTE_OK);
	expect_port(0x42, 1, true, 0);
	assert_int_equal(run().kind, HV_EXIT_HALT);
	hv_kvm.vm_free(vm);
	vm = first;
	expect_port(0x42, 1, true, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
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
		TEST(memory_can_be_added_later),
		TEST(machines_do_not_know_of_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After reset() the real KVM has nothing left of what a guest was doing, however hostile: the
 * next run begins at the new RIP with the new registers, and no old instruction, exception, flag
 * or segment shows up in it.
 */
#define _GNU_SOURCE
#include "hv/kvm_box.h"
#include "hv/regions.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

/* The guest that comes after: tells its flags and segments, and leaves at FRESH_EXIT. */
enum { FRESH = CODE + 0x1000, FRESH_STACK = DATA + 0x6000, FRESH_EXIT = NOWHERE + 0x140 };
static const char fresh[] = "\x9c\x8f\x04\x25\x00\x30\x02\x00" /* pushf; pop DATA + 0x3000 */
			    "\x8c\x1c\x25\x08\x30\x02\x00"     /* mov %ds, ...8 */
			    "\x8c\x04\x25\x0a\x30\x02\x00"     /* mov %es, ...a */
			    "\x8c\x24\x25\x0c\x30\x02\x00"     /* mov %fs, ...c */
			    "\x8c\x2c\x25\x0e\x30\x02\x00"     /* mov %gs, ...e */
			    "\x8c\x14\x25\x10\x30\x02\x00"     /* mov %ss, ...10 */
			    "\x8c\x0c\x25\x12\x30\x02\x00"     /* mov %cs, ...12 */
			    "\x64\x8b\x04\x25\x00\x00\x00\x00" /* mov %fs:0, %eax */
			    "\x65\x8b\x1c\x25\x04\x40\x02\x00" /* mov %gs:DATA + 0x4004, %ebx */
			    "\x88\x0c\x25\x40\x01\x20\x00";    /* mov %cl, FRESH_EXIT */
struct findings {
	uint64_t flags;
	uint16_t ds, es, fs, gs, ss, cs, padding[2];
};
enum { FINDINGS = DATA + 0x3000, FS_BASE = DATA + 0x4000 };
enum { ISLAND = NOWHERE + 0x100000 }; /* a page of memory */

/* Those of a new machine, in ring 3 and in ring 0. */
static struct findings known[2];

/* A KVM without hardware behind it may let guests have the host's own segments; what they load
 * there is nothing that it could undo. */
static bool has_segments;

static struct hv_regs fresh_regs(void)
{
	return (struct hv_regs){ .rax = 0xa0,
				 .rbx = 0xb0,
				 .rcx = 0xc0,
				 .rdx = 0xd0,
				 .rsi = 0x100,
				 .rdi = 0x110,
				 .rsp = FRESH_STACK,
				 .rbp = 0x120,
				 .r8 = 0x180,
				 .r9 = 0x190,
				 .r10 = 0x1a0,
				 .r11 = 0x1b0,
				 .r12 = 0x1c0,
				 .r13 = 0x1d0,
				 .r14 = 0x1e0,
				 .r15 = 0x1f0,
				 .rip = FRESH,
				 .rflags = 2 };
}

/* Starts the other guest and sees that it, and nothing else, runs. */
static void try_fresh(const char *what, struct findings *found)
{
	struct hv_regs want = fresh_regs();
	struct hv_exit exit;

	kvm_box_put(FRESH, fresh, sizeof fresh - 1);
	kvm_box_put(FS_BASE, "\x66\x00\x00\x00\x77\x00\x00\x00", 8);
	memset(box.ram + FINDINGS, 0, sizeof *found);
	*box.vm->regs = want;
	box.vm->regs_changed = true;
	hv_kvm.set_fs_base(box.vm, FS_BASE);
	do
		exit = kvm_box_run();
	while (exit.kind == HV_EXIT_INTERRUPTED);
	if (exit.kind != HV_EXIT_MMIO || exit.u.mmio.gpa != FRESH_EXIT || exit.u.mmio.size != 1 ||
	    !exit.u.mmio.is_write || exit.u.mmio.value != 0xc0)
		fail_msg("%s: the next guest leaves by exit %d, %s 0x%llx, size %u, at rip 0x%llx",
			 what, (int)exit.kind, exit.u.mmio.is_write ? "write" : "read",
			 (unsigned long long)exit.u.mmio.gpa, exit.u.mmio.size,
			 (unsigned long long)box.vm->regs->rip);
	want.rax = 0x66;
	want.rbx = 0x77;
	want.rip = box.vm->regs->rip;
	want.rflags = box.vm->regs->rflags;
	if (memcmp(box.vm->regs, &want, sizeof want) != 0)
		fail_msg("%s: the next guest's registers are others", what);
	memcpy(found, box.ram + FINDINGS, sizeof *found);
}

static void expect_fresh(const char *what, bool is_ring0)
{
	struct findings found;

	try_fresh(what, &found);
	if (!has_segments)
		found = (struct findings){ found.flags, .ss = found.ss, .cs = found.cs };
	if (memcmp(&found, &known[is_ring0], sizeof found) != 0)
		fail_msg("%s: flags %llx ds %x es %x fs %x gs %x ss %x cs %x", what,
			 (unsigned long long)found.flags, found.ds, found.es, found.fs, found.gs,
			 found.ss, found.cs);
}

/* What hostile guests do. Addresses: NOWHERE has no memory, CONSTANT cannot be written. */
enum { RING0 = 1, MAY_BE_UNSUPPORTED = 2, OR_ANOTHER_EXIT = 4 };
#define HOSTILE(text, bytes, ...)                                                                  \
	{                                                                                          \
		.what = text, .size = sizeof(bytes) - 1, .code = bytes, __VA_ARGS__                \
	}
static const struct hostile {
	const char *what;
	size_t size;
	const char *code;
	enum hv_exit_kind kind;
	unsigned flags;
	struct hv_regs regs; /* rip, rsp and rflags: if not 0 */
} hostiles[] = {
	HOSTILE("out", "\xe6\x42", HV_EXIT_PORT, RING0),
	HOSTILE("in al", "\xe4\x42", HV_EXIT_PORT, RING0),
	HOSTILE("in ax", "\x66\xe5\x42", HV_EXIT_PORT, RING0),
	HOSTILE("in eax", "\xe5\x42", HV_EXIT_PORT, RING0),
	HOSTILE("rep outsb", "\xf3\x6e", HV_EXIT_PORT, RING0,
		{ .rcx = 1000, .rsi = DATA, .rdx = 0x42 }),
	HOSTILE("rep outsl without end", "\xf3\x6f", HV_EXIT_PORT, RING0,
		{ .rcx = UINT64_MAX, .rsi = DATA, .rdx = 0x42 }),
	HOSTILE("insb", "\x6c", HV_EXIT_PORT, RING0, { .rdi = DATA, .rdx = 0x42 }),
	HOSTILE("rep insb", "\xf3\x6c", HV_EXIT_PORT, RING0,
		{ .rcx = 1000, .rdi = DATA, .rdx = 0x42 }),
	HOSTILE("rep insl without end", "\xf3\x6d", HV_EXIT_PORT, RING0,
		{ .rcx = UINT64_MAX, .rdi = DATA, .rdx = 0x42 }),
	HOSTILE("insb to nowhere", "\x6c", HV_EXIT_PORT, RING0, { .rdi = NOWHERE, .rdx = 0x42 }),
	HOSTILE("halt", "\xf4", HV_EXIT_HALT, RING0),

	HOSTILE("load of 1", "\x8a\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("load of 2", "\x66\x8b\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("load of 4", "\x8b\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("load of 8", "\x48\x8b\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("load of 16", "\xf3\x0f\x6f\x07", HV_EXIT_MMIO, MAY_BE_UNSUPPORTED,
		{ .rdi = NOWHERE }),
	HOSTILE("load from the end of a page", "\x48\x8b\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE + 0xff8 }),
	HOSTILE("load from two pages", "\x48\x8b\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE + 0xffd }),
	HOSTILE("load from memory and nowhere", "\x48\x8b\x07", HV_EXIT_MMIO, 0,
		{ .rdi = CONSTANT + 0xffd }),
	HOSTILE("load from nowhere and what is not mapped", "\x48\x8b\x07", HV_EXIT_PORT, 0,
		{ .rdi = UNMAPPED - 3 }),
	HOSTILE("pop from nowhere", "\x58", HV_EXIT_MMIO, 0, { .rsp = NOWHERE + 0x100 }),
	HOSTILE("return to an address from nowhere", "\xc3", HV_EXIT_MMIO, 0,
		{ .rsp = NOWHERE + 0x100 }),
	HOSTILE("jump to an address from nowhere", "\xff\x27", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),

	HOSTILE("store of 1", "\x88\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("store of 4", "\x89\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("store of 8", "\x48\x89\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("store of 16", "\xf3\x0f\x7f\x07", HV_EXIT_MMIO, MAY_BE_UNSUPPORTED,
		{ .rdi = NOWHERE }),
	HOSTILE("store of 16 to two pages", "\xf3\x0f\x7f\x07", HV_EXIT_MMIO, MAY_BE_UNSUPPORTED,
		{ .rdi = NOWHERE + 0xff4 }),
	HOSTILE("store to the end of a page", "\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE + 0xffc }),
	HOSTILE("store to two pages", "\x48\x89\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE + 0xffd }),
	HOSTILE("store to nowhere and memory", "\x48\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = ISLAND - 3 }),
	HOSTILE("store to memory and nowhere", "\x48\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = RAM_SIZE - 3 }),
	HOSTILE("store to read-only memory and nowhere", "\x48\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = CONSTANT + 0xffd }),
	HOSTILE("store to nowhere and what is not mapped", "\x48\x89\x07", HV_EXIT_PORT, 0,
		{ .rdi = UNMAPPED - 3 }),
	HOSTILE("push", "\x50", HV_EXIT_MMIO, 0, { .rsp = NOWHERE + 0x100 }),
	HOSTILE("push to two pages", "\x50", HV_EXIT_MMIO, 0, { .rsp = NOWHERE + 0x1004 }),
	HOSTILE("call", "\xe8\x00\x00\x00\x00", HV_EXIT_MMIO, 0, { .rsp = NOWHERE + 0x100 }),
	HOSTILE("exchange", "\x87\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("add", "\x01\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	HOSTILE("add to two pages", "\x48\x01\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE + 0xffc }),
	HOSTILE("locked cmpxchg16b", "\xf0\x48\x0f\xc7\x0f", HV_EXIT_MMIO, MAY_BE_UNSUPPORTED,
		{ .rdi = NOWHERE }),
	HOSTILE("movs between nowheres", "\xa4", HV_EXIT_MMIO, 0,
		{ .rsi = NOWHERE, .rdi = NOWHERE + 8 }),
	HOSTILE("rep stosl", "\xf3\xab", HV_EXIT_MMIO, 0, { .rdi = NOWHERE, .rcx = 100 }),
	HOSTILE("rep stosb without end", "\xf3\xaa", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE + 0xffe, .rcx = UINT64_MAX }),
	HOSTILE("rep movsb to nowhere", "\xf3\xa4", HV_EXIT_MMIO, 0,
		{ .rsi = DATA, .rdi = NOWHERE, .rcx = 100 }),
	HOSTILE("rep movsb of 20", "\xf3\xa4", HV_EXIT_MMIO, 0,
		{ .rsi = NOWHERE, .rdi = DATA, .rcx = 20 }),

	/* exceptions that come when the instruction is finished */
	HOSTILE("division by what comes from nowhere", "\xf7\x37", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE }),
	HOSTILE("load with the trap flag", "\x8b\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE, .rflags = 0x102 }),
	HOSTILE("store with the trap flag", "\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE, .rflags = 0x102 }),
	HOSTILE("store to two pages with the trap flag", "\x48\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE + 0xffd, .rflags = 0x102 }),
	HOSTILE("in with the trap flag", "\xe4\x42", HV_EXIT_PORT, RING0, { .rflags = 0x102 }),
	HOSTILE("out with the trap flag", "\xe6\x42", HV_EXIT_PORT, RING0, { .rflags = 0x102 }),
	HOSTILE("out behind a load of ss with the trap flag", "\x8e\xd3\xe6\x42", HV_EXIT_PORT,
		RING0, { .rflags = 0x102, .rbx = KERNEL_DATA }),
	HOSTILE("store behind a load of ss with the trap flag", "\x8e\xd3\x89\x07", HV_EXIT_MMIO,
		OR_ANOTHER_EXIT, { .rdi = NOWHERE, .rflags = 0x102, .rbx = USER_DATA }),

	/* flags and segments */
	HOSTILE("store with all flags", "\x89\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE, .rflags = 0x244cd7 }),
	HOSTILE("load with all flags", "\x8b\x07", HV_EXIT_MMIO, 0,
		{ .rdi = NOWHERE, .rflags = 0x244cd7 }),
	HOSTILE("fault with all flags", "\x0f\x0b", HV_EXIT_PORT, 0, { .rflags = 0x244cd7 }),
	HOSTILE("out with all flags", "\xe6\x42", HV_EXIT_PORT, RING0, { .rflags = 0x244cd7 }),
	HOSTILE("store with other segments", "\x8e\xdb\x8e\xc3\x8e\xe3\x8e\xeb\x89\x07",
		HV_EXIT_MMIO, 0, { .rdi = NOWHERE, .rbx = 3 }),
	HOSTILE("store with code as its segments", "\x8e\xdb\x8e\xc3\x8e\xe3\x8e\xeb\x89\x07",
		HV_EXIT_MMIO, 0, { .rdi = NOWHERE, .rbx = USER_CODE }),
	HOSTILE("fault with other segments", "\x8e\xdb\x8e\xc3\x8e\xe3\x8e\xeb\x0f\x0b",
		HV_EXIT_PORT, 0, { .rbx = 3 }),
	HOSTILE("segment that does not exist", "\x8e\xdb", HV_EXIT_PORT, 0, { .rbx = 0x53 }),
	HOSTILE("segment from nowhere", "\x8e\x1f", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),

	/* exceptions */
	HOSTILE("breakpoint", "\xcc", HV_EXIT_PORT, 0),
	HOSTILE("single step", "\x90\x90", HV_EXIT_PORT, 0, { .rflags = 0x102 }),
	HOSTILE("halt in ring 3", "\xf4", HV_EXIT_PORT, 0),
	HOSTILE("port in ring 3", "\xe6\x42", HV_EXIT_PORT, 0),
	HOSTILE("division", "\xf7\xf1", HV_EXIT_PORT, 0),
	HOSTILE("interrupt", "\xcd\x80", HV_EXIT_PORT, 0),
	HOSTILE("read of what is not mapped", "\x8b\x07", HV_EXIT_PORT, 0, { .rdi = UNMAPPED }),
	HOSTILE("misaligned load", "\x8b\x07", HV_EXIT_PORT, OR_ANOTHER_EXIT,
		{ .rdi = DATA + 1, .rflags = 0x40002 }),
	HOSTILE("fault without a stack", "\x0f\x0b", HV_EXIT_PORT, 0,
		{ .rsp = UINT64_C(0x8000000000000000) }),
};
enum { HOSTILES = sizeof hostiles / sizeof hostiles[0] };

/* The guest of a row is about to run, in a machine of its own. */
static void start_hostile(const struct hostile *row)
{
	struct hv_cpu_state cpu = kvm_box_cpu(!(row->flags & RING0));
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	const struct region slot = SLOT(ISLAND, PAGE, REGION_ALL, page, -1);

	hv_kvm.vm_free(box.vm);
	kvm_box_put(CODE, row->code, row->size);
	/* mov %al, NOWHERE + 0x80: emulated processors know no misaligned loads */
	kvm_box_put(CODE + row->size, "\x88\x04\x25\x80\x00\x20\x00", 7);
	if (kvm_box_make(&cpu, &slot, false))
		fail_msg("%s", box.err.message);
	struct hv_regs regs = row->regs;
	regs.rip = CODE;
	regs.rsp = regs.rsp ? regs.rsp : DATA + 0x8000;
	regs.rflags |= 2;
	*box.vm->regs = regs;
	box.vm->regs_changed = true;
}

/* Opens KVM, and sees what a guest finds that had none before it. */
static void open_and_learn(void)
{
	kvm_box_open();
	for (int is_ring0 = 0; is_ring0 < 2; is_ring0++) {
		const struct hostile nobody = { .what = "nobody",
						.code = "",
						.flags = is_ring0 ? RING0 : 0 };

		start_hostile(&nobody);
		try_fresh("a new machine", &known[is_ring0]);
	}
	has_segments = known[0].ds == USER_DATA;
	if (has_segments) {
		assert_int_equal(known[0].cs, USER_CODE);
		assert_int_equal(known[1].ds, KERNEL_DATA);
		assert_int_equal(known[1].cs, KERNEL_CODE);
	} else {
		print_message("SKIP: segments, which this KVM does not keep from guests\n");
		for (int i = 0; i < 2; i++)
			known[i].ds = known[i].es = known[i].fs = known[i].gs = 0;
	}
}

static void a_reset_leaves_nothing_of_any_hostile_guest(void **state)
{
	(void)state;
	unsigned nunsupported = 0;

	open_and_learn();
	for (size_t i = 0; i < HOSTILES; i++) {
		const struct hostile *row = &hostiles[i];
		struct hv_exit exit;

		start_hostile(row);
		do
			exit = kvm_box_run();
		while (exit.kind == HV_EXIT_INTERRUPTED);
		if (exit.kind == HV_EXIT_UNSUPPORTED && (row->flags & MAY_BE_UNSUPPORTED)) {
			nunsupported++;
			continue;
		}
		if (exit.kind != row->kind && !(row->flags & OR_ANOTHER_EXIT))
			fail_msg("%s: exit %d", row->what, (int)exit.kind);
		for (int times = 0; times < 2; times++) {
			box.err.message[0] = '\0';
			if (hv_kvm.reset(box.vm, &box.err))
				fail_msg("%s: %s", row->what, box.err.message);
			expect_fresh(row->what, row->flags & RING0);
		}
	}
	if (nunsupported)
		print_message("%u of %u guests are nothing for this KVM\n", nunsupported,
			      (unsigned)HOSTILES);
}

/* Without a start in between: what one reset left undone, another would have to do. */
static void two_resets_are_as_good_as_one(void **state)
{
	(void)state;
	open_and_learn();
	for (size_t i = 0; i < HOSTILES; i++) {
		const struct hostile *row = &hostiles[i];

		start_hostile(row);
		if (kvm_box_run().kind != row->kind)
			continue;
		assert_int_equal(hv_kvm.reset(box.vm, &box.err), MOTE_OK);
		assert_int_equal(hv_kvm.reset(box.vm, &box.err), MOTE_OK);
		expect_fresh(row->what, row->flags & RING0);
	}
}

/* More parts than anybody waits for: the machine says so, or it is clean. */
static void an_instruction_of_many_parts_is_finished_or_given_up(void **state)
{
	(void)state;
	static const struct hostile rows[] = {
		HOSTILE("rep movsb from nowhere", "\xf3\xa4", HV_EXIT_MMIO, 0,
			{ .rsi = NOWHERE, .rdi = DATA, .rcx = UINT64_MAX }),
		HOSTILE("rep lodsq from nowhere", "\xf3\x48\xad", HV_EXIT_MMIO, 0,
			{ .rsi = NOWHERE, .rcx = 100000 }),
		HOSTILE("rep movsb between nowheres", "\xf3\xa4", HV_EXIT_MMIO, 0,
			{ .rsi = NOWHERE, .rdi = NOWHERE + 8, .rcx = 1000 }),
	};
	open_and_learn();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start_hostile(&rows[i]);
		assert_int_equal(kvm_box_run().kind, HV_EXIT_MMIO);
		if (hv_kvm.reset(box.vm, &box.err)) {
			print_message("%s: %s\n", rows[i].what, box.err.message);
			continue;
		}
		expect_fresh(rows[i].what, false);
	}
}

/* But for `out`: the kernel skips that when it goes on at the same place. */
static void the_place_of_the_exit_is_a_place_like_others(void **state)
{
	(void)state;
	static const struct hostile rows[] = {
		HOSTILE("in", "\xe4\x42", HV_EXIT_PORT, RING0),
		HOSTILE("store", "\x88\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
		HOSTILE("load", "\x8a\x07", HV_EXIT_MMIO, 0, { .rdi = NOWHERE }),
	};
	kvm_box_open();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start_hostile(&rows[i]);
		const struct hv_regs regs = *box.vm->regs;
		for (int times = 0; times < 3; times++) {
			struct hv_exit exit = kvm_box_run();
			if (exit.kind != rows[i].kind || box.vm->regs->rip > CODE + 2 ||
			    (exit.kind == HV_EXIT_MMIO && exit.u.mmio.gpa != NOWHERE))
				fail_msg("%s: the %d. time it is skipped", rows[i].what, times + 1);
			assert_int_equal(hv_kvm.reset(box.vm, &box.err), MOTE_OK);
			*box.vm->regs = regs;
			box.vm->regs_changed = true;
		}
	}
}

static void ignore(int signal)
{
	(void)signal;
}

/* A signal may come when an exception is on its way to the guest. */
static void a_guest_that_a_signal_stopped_leaves_nothing(void **state)
{
	(void)state;
	static const struct hostile rows[] = {
		/* the stub returns, so that faults come without end */
		HOSTILE("endless faults", "\x0f\x0b", HV_EXIT_INTERRUPTED, 0),
		HOSTILE("endless page faults", "\x8b\x07", HV_EXIT_INTERRUPTED, 0,
			{ .rdi = UNMAPPED }),
		HOSTILE("endless single steps", "\x90\xeb\xfd", HV_EXIT_INTERRUPTED, 0,
			{ .rflags = 0x102 }),
		HOSTILE("a loop", "\xeb\xfe", HV_EXIT_INTERRUPTED, 0, { .rflags = 0x244cd7 }),
	};
	const struct sigaction action = { .sa_handler = ignore };
	const struct itimerval never = { { 0 }, { 0 } };
	struct sigaction old;

	open_and_learn();
	sigaction(SIGALRM, &action, &old);
	for (unsigned i = 0; i < 200; i++) {
		const struct hostile *row = &rows[i % 4];
		/* again and again: the first may come before the run */
		const struct itimerval soon = { { .tv_usec = 5000 }, { .tv_usec = 100 + i * 7 } };
		struct hv_exit exit;

		start_hostile(row);
		/* iretq, past an error code if there is one: page faults have */
		kvm_box_put(STUB, row->code[0] == '\x8b' ? "\x48\x83\xc4\x08\x48\xcf" : "\x48\xcf",
			    row->code[0] == '\x8b' ? 6 : 2);
		setitimer(ITIMER_REAL, &soon, NULL);
		exit = kvm_box_run();
		if (exit.kind != HV_EXIT_INTERRUPTED)
			fail_msg("%s: exit %d", row->what, (int)exit.kind);
		kvm_box_put(STUB, "\xe6\x99\xf4", 3);
		if (hv_kvm.reset(box.vm, &box.err))
			fail_msg("%s: %s", row->what, box.err.message);
		expect_fresh(row->what, row->flags & RING0);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kvm_box_setup, kvm_box_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_reset_leaves_nothing_of_any_hostile_guest),
		TEST(two_resets_are_as_good_as_one),
		TEST(an_instruction_of_many_parts_is_finished_or_given_up),
		TEST(the_place_of_the_exit_is_a_place_like_others),
		TEST(a_guest_that_a_signal_stopped_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the KVM backend asks the kernel for, and how it reads every answer, also those that no
 * healthy kernel gives.
 */
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_kernel.h"
#include "hv/regions.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct hv *hv;
static struct hv_vm *vm;
static mote_error err;
static uint8_t memory[0x3000];

static const struct region slots[] = {
	SLOT(0x1000, 0x1000, READ_EXECUTE, memory, -1),
	SLOT(0x100000, 0x2000, REGION_ALL, memory + 0x1000, -1),
};

static const struct hv_cpu_state cpu = {
	.regs = { .rip = 0x1234, .rsp = 0x5678, .rflags = 2 },
	.cr0 = 0x80000011,
	.cr3 = 0x100000,
	.cr4 = 0x20,
	.efer = 0xd00,
	.code = { .selector = 0x2b,
		  .type = 0xb,
		  .dpl = 3,
		  .limit = UINT32_MAX,
		  .present = true,
		  .is_code_or_data = true,
		  .is_long = true,
		  .is_granular = true },
	.data = { .selector = 0x23,
		  .type = 3,
		  .dpl = 3,
		  .limit = UINT32_MAX,
		  .present = true,
		  .is_code_or_data = true,
		  .is_default_32 = true,
		  .is_granular = true },
	.task = { .base = 0x9000, .selector = 0x30, .type = 0xb, .limit = 0x67, .present = true },
	.fs_base = 0x4444,
	.gdt_base = 0x7000,
	.gdt_limit = 0x3f,
	.idt_base = 0x8000,
	.idt_limit = 0xfff,
	.star = 1,
	.lstar = 2,
	.syscall_mask = 3,
};

static const struct hv_vm_config config = { .slots = slots, .nslots = 2, .cpu = &cpu };

static int setup(void **state)
{
	(void)state;
	const struct host *host = kvm_kernel_host();
	err = (mote_error){ .message = "" };
	assert_int_equal(hv_kvm.open(&hv, host, &err), MOTE_OK);
	if (hv_kvm.vm_new(&vm, hv, &config, &err))
		fail_msg("%s", err.message);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hv_kvm.vm_free(vm);
	hv_kvm.close(hv);
	assert_int_equal(kvm_kernel.fds, 0);
	return 0;
}

static void slots_are_passed_on(void **state)
{
	(void)state;
	assert_int_equal(kvm_kernel.nslots, 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct kvm_userspace_memory_region *slot = &kvm_kernel.slots[i];
		assert_int_equal(slot->slot, i);
		assert_int_equal(slot->guest_phys_addr, slots[i].gpa);
		assert_int_equal(slot->memory_size, slots[i].size);
		assert_int_equal(slot->userspace_addr, (uintptr_t)region_bytes(&slots[i]));
		assert_int_equal(slot->flags, slots[i].flags & REGION_WRITE ? 0 : KVM_MEM_READONLY);
	}
}

static void assert_segment(const struct kvm_segment *got, const struct hv_segment *want)
{
	assert_int_equal(got->limit, want->limit);
	assert_int_equal(got->selector, want->selector);
	assert_int_equal(got->type, want->type);
	assert_int_equal(got->dpl, want->dpl);
	assert_int_equal(got->present, want->present);
	assert_int_equal(got->s, want->is_code_or_data);
	assert_int_equal(got->l, want->is_long);
	assert_int_equal(got->db, want->is_default_32);
	assert_int_equal(got->g, want->is_granular);
	assert_int_equal(got->unusable, 0);
}

static uint32_t physical_bits(void)
{
	for (uint32_t i = 0; i < kvm_kernel.ncpuid; i++)
		if (kvm_kernel.cpuid[i].function == 0x80000008)
			return kvm_kernel.cpuid[i].eax;
	return 0;
}

static void addresses_are_said_to_be_as_wide_as_was_asked_for(void **state)
{
	struct hv_cpu_state narrow = cpu;
	struct hv_vm_config other = config;
	struct hv_vm *more[2];

	(void)state;
	assert_int_equal(physical_bits(), 0x3028);
	narrow.physical_bits = 36;
	other.cpu = &narrow;
	assert_int_equal(hv_kvm.vm_new(&more[0], hv, &other, &err), MOTE_OK);
	assert_int_equal(physical_bits(), 0x3024);
	/* of that machine alone */
	assert_int_equal(hv_kvm.vm_new(&more[1], hv, &config, &err), MOTE_OK);
	assert_int_equal(physical_bits(), 0x3028);
	hv_kvm.vm_free(more[0]);
	hv_kvm.vm_free(more[1]);
}

static void the_vcpu_gets_all_of_its_state(void **state)
{
	(void)state;
	const struct kvm_sregs *s = &kvm_kernel.sregs;

	assert_segment(&s->cs, &cpu.code);
	assert_segment(&s->ss, &cpu.data);
	assert_segment(&s->ds, &cpu.data);
	assert_segment(&s->es, &cpu.data);
	assert_segment(&s->fs, &cpu.data);
	assert_segment(&s->gs, &cpu.data);
	assert_segment(&s->tr, &cpu.task);
	assert_int_equal(s->cs.base, 0);
	assert_int_equal(s->gs.base, 0);
	assert_int_equal(s->fs.base, 0x4444);
	assert_int_equal(s->tr.base, 0x9000);
	assert_int_equal(s->ldt.unusable, 1);
	assert_true(s->gdt.base == 0x7000 && s->gdt.limit == 0x3f);
	assert_true(s->idt.base == 0x8000 && s->idt.limit == 0xfff);
	assert_true(s->cr0 == 0x80000011 && s->cr3 == 0x100000 && s->cr4 == 0x20 &&
		    s->efer == 0xd00);
	assert_int_equal(s->apic_base, 0);
	assert_int_equal(kvm_kernel.nset_msrs, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(kvm_kernel.set_msrs[i].data, i + 1);
	assert_int_equal(kvm_kernel.set_msrs[0].index, 0xc0000081);
	assert_int_equal(kvm_kernel.set_msrs[1].index, 0xc0000082);
	assert_int_equal(kvm_kernel.set_msrs[2].index, 0xc0000084);
	assert_memory_equal(vm->regs, &cpu.regs, sizeof cpu.regs);
	assert_true(vm->regs_changed);
	assert_int_equal(hv_kvm.fs_base(vm), 0x4444);
	/* both kinds of registers come back with every exit */
	assert_int_equal(kvm_kernel.shared->kvm_valid_regs, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS);
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	for (unsigned i = 0; i < kvm_kernel.ncpuid; i++)
		if (kvm_kernel.cpuid[i].function == function && kvm_kernel.cpuid[i].index == index)
			return &kvm_kernel.cpuid[i];
	return NULL;
}

static void guests_see_no_virtualization_of_their_own(void **state)
{
	(void)state;
	assert_int_equal(leaf(1, 0)->ecx & (1u << 5 | 1u << 21 | 1u << 31), 1u << 31);
	assert_int_equal(leaf(7, 0)->ecx & 1u << 7, 0);
	assert_int_equal(leaf(0x80000001, 0)->ecx & 1u << 2, 0); /* SVM */
	assert_null(leaf(0x40000000, 0));
	assert_non_null(leaf(0x80000008, 0));
}

static void only_vector_state_that_is_known_is_on(void **state)
{
	(void)state;
	static const struct {
		uint64_t offered, want;
	} rows[] = {
		{ 7, 7 },       { 3, 3 },
		{ 0xe7, 0xe7 }, { UINT64_MAX, 0xe7 }, /* MPX, PKRU and AMX stay off */
		{ 0, 1 },                             /* x87 cannot be off */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hv *other;
		struct hv_vm *machine;
		const struct host *host = kvm_kernel_host();
		kvm_kernel.xcr0 = rows[i].offered;
		kvm_kernel.fds += 3; /* those of setup() */
		assert_int_equal(hv_kvm.open(&other, host, NULL), MOTE_OK);
		assert_int_equal(hv_kvm.vm_new(&machine, other, &config, NULL), MOTE_OK);
		assert_int_equal(kvm_kernel.xcrs.nr_xcrs, 1);
		assert_int_equal(kvm_kernel.xcrs.xcrs[0].xcr, 0);
		assert_int_equal(kvm_kernel.xcrs.xcrs[0].value, rows[i].want);
		hv_kvm.vm_free(machine);
		hv_kvm.close(other);
	}
}

static void guests_are_refused_msrs_where_kvm_can(void **state)
{
	(void)state;
	assert_int_equal(kvm_kernel.nfilters, 1);
	for (int i = 0; i < 2; i++) {
		struct hv *other;
		struct hv_vm *machine;
		const struct host *host = kvm_kernel_host();
		kvm_kernel.lacks = i ? KVM_CAP_X86_MSR_FILTER : -1;
		kvm_kernel.fds += 3; /* those of setup() */
		assert_int_equal(hv_kvm.open(&other, host, NULL), MOTE_OK);
		assert_int_equal(hv_kvm.vm_new(&machine, other, &config, NULL), MOTE_OK);
		assert_int_equal(kvm_kernel.nfilters, i ? 0 : 1);
		hv_kvm.vm_free(machine);
		hv_kvm.close(other);
	}
}

static void expect_no_machine(mote_status want, const char *text)
{
	struct hv_vm *other = vm;
	const int fds = kvm_kernel.fds;

	mote_status status = hv_kvm.vm_new(&other, hv, &config, &err);
	if (status != want || err.code != want || !strstr(err.message, text))
		fail_msg("%s: %s", mote_status_name(status), err.message);
	assert_null(other);
	assert_int_equal(kvm_kernel.fds, fds);
	kvm_kernel.nslots = 0;
	assert_int_equal(hv_kvm.vm_new(&other, hv, &config, NULL), want);
	assert_int_equal(kvm_kernel.fds, fds);
	kvm_kernel.nslots = 0;
}

static void every_request_of_a_new_machine_may_fail(void **state)
{
	(void)state;
	static const struct {
		unsigned long request;
		int error;
		mote_status want;
		const char *text;
	} rows[] = {
		{ KVM_CREATE_VM, EMFILE, MOTE_E_OS, "KVM_CREATE_VM failed: Too many open files" },
		{ KVM_CREATE_VM, ENOMEM, MOTE_E_NOMEM, "KVM_CREATE_VM failed" },
		{ KVM_ENABLE_CAP, EINVAL, MOTE_E_OS, "KVM refused a dirty ring of 131072 bytes" },
		{ KVM_X86_SET_MSR_FILTER, EINVAL, MOTE_E_OS, "KVM refused to filter MSRs" },
		{ KVM_SET_USER_MEMORY_REGION, EINVAL, MOTE_E_OS,
		  "KVM refused memory slot 0, guest physical 0x1000..0x2000: Invalid argument" },
		{ KVM_CREATE_VCPU, EINVAL, MOTE_E_OS, "KVM_CREATE_VCPU failed" },
		{ KVM_SET_CPUID2, E2BIG, MOTE_E_OS, "KVM_SET_CPUID2 failed" },
		{ KVM_GET_SREGS, EINVAL, MOTE_E_OS, "KVM_GET_SREGS failed" },
		{ KVM_SET_SREGS, EINVAL, MOTE_E_OS, "KVM_SET_SREGS failed" },
		{ KVM_SET_XCRS, EINVAL, MOTE_E_OS, "KVM refused XCR0 0x7" },
		{ KVM_SET_MSRS, EINVAL, MOTE_E_OS, "KVM_SET_MSRS failed" },
	};
	kvm_kernel.nslots = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		kvm_kernel.fails = rows[i].request;
		kvm_kernel.error = rows[i].error;
		expect_no_machine(rows[i].want, rows[i].text);
	}
	kvm_kernel.fails = 0;
	kvm_kernel.refuses_mmap = true;
	expect_no_machine(MOTE_E_NOMEM, "cannot map the vCPU's 12288 shared bytes");
	kvm_kernel.refuses_mmap = false;
	kvm_kernel.refused_msr = 0xc0000082;
	expect_no_machine(MOTE_E_OS, "KVM refused MSR 0xc0000082");
	kvm_kernel.refused_msr = 0xc0000081;
	expect_no_machine(MOTE_E_OS, "KVM refused MSR 0xc0000081");
}

static void a_signal_does_not_keep_a_machine_from_being_made(void **state)
{
	(void)state;
	struct hv_vm *other;

	kvm_kernel.nslots = 0;
	kvm_kernel.fails = KVM_CREATE_VM;
	kvm_kernel.error = EINTR;
	expect_no_machine(MOTE_E_OS,
			  "KVM_CREATE_VM failed: Interrupted system call"); /* in the end */
	kvm_kernel.fails_times = 5;
	assert_int_equal(hv_kvm.vm_new(&other, hv, &config, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.fails_times, 0);
	hv_kvm.vm_free(other);
	/* other errors are final */
	kvm_kernel.error = EMFILE;
	kvm_kernel.fails_times = 5;
	assert_int_equal(hv_kvm.vm_new(&other, hv, &config, &err), MOTE_E_OS);
	assert_int_equal(kvm_kernel.fails_times, 4);
}

static void memory_ends_where_the_processors_addresses_do(void **state)
{
	(void)state;
	static const struct {
		uint64_t gpa, size;
		bool fits;
	} rows[] = {
		{ (UINT64_C(1) << 40) - 0x1000, 0x1000, true },
		{ (UINT64_C(1) << 40) - 0x1000, 0x2000, false },
		{ UINT64_C(1) << 40, 0x1000, false },
		{ UINT64_MAX - 0xfff, 0x1000, false },
		{ 0x200000, UINT64_MAX - 0xfff, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct region slot =
			SLOT(rows[i].gpa, rows[i].size, READ_EXECUTE, memory, -1);
		kvm_kernel.nslots = 0;
		mote_status status = hv_kvm.map(vm, &slot, &err);
		assert_int_equal(status, rows[i].fits ? MOTE_OK : MOTE_E_LIMIT);
		assert_int_equal(kvm_kernel.nslots, rows[i].fits);
	}
}

static void slots_that_come_later_have_the_next_numbers(void **state)
{
	(void)state;
	const struct region slot = SLOT(0x200000, 0x1000, READ_EXECUTE, memory, -1);

	kvm_kernel.fails = KVM_SET_USER_MEMORY_REGION;
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM refused memory slot 2"));
	kvm_kernel.fails = 0;
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_OK);
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.slots[2].slot, 2);
	assert_int_equal(kvm_kernel.slots[2].flags, KVM_MEM_READONLY);
	assert_int_equal(kvm_kernel.slots[3].slot, 3);
}

/* What the kernel writes to the shared page. */
static struct kvm_run answer;
static int answer_error;
static uint64_t dirty_at_run;

static int answering(struct kvm_run *run)
{
	dirty_at_run = run->kvm_dirty_regs;
	run->kvm_dirty_regs = 0; /* as the kernel does with what it takes */
	run->exit_reason = answer.exit_reason;
	memcpy((char *)run + offsetof(struct kvm_run, hw),
	       (const char *)&answer + offsetof(struct kvm_run, hw), 256);
	return answer_error;
}

static struct hv_exit run(void)
{
	struct hv_exit exit;
	memset(&exit, 0xab, sizeof exit);
	kvm_kernel.run = answering;
	mote_status status = hv_kvm.run(vm, &exit, &err);
	if (status)
		fail_msg("%s", err.message);
	assert_int_equal(kvm_kernel.shared->kvm_dirty_regs, 0);
	return exit;
}

static void ports_are_decoded(void **state)
{
	(void)state;
	static const struct {
		uint8_t size;
		uint32_t value;
	} rows[] = { { 1, 0x44 }, { 2, 0x3344 }, { 4, 0x11223344 } };
	const uint32_t data = 0x11223344;
	const uint64_t offset = 4096 + 64;

	memcpy((char *)kvm_kernel.shared + offset, &data, sizeof data);
	answer_error = 0;
	for (size_t i = 0; i < 6; i++) {
		memset(&answer, 0, sizeof answer);
		answer.exit_reason = KVM_EXIT_IO;
		answer.io.direction = i < 3 ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
		answer.io.size = rows[i % 3].size;
		answer.io.port = 0xfedc;
		answer.io.count = 7; /* rep outsb: the first is what there is */
		answer.io.data_offset = offset;
		struct hv_exit exit = run();
		assert_int_equal(exit.kind, HV_EXIT_PORT);
		assert_int_equal(exit.u.port.port, 0xfedc);
		assert_int_equal(exit.u.port.size, rows[i % 3].size);
		assert_int_equal(exit.u.port.is_write, i < 3);
		assert_int_equal(exit.u.port.value, i < 3 ? rows[i % 3].value : 0);
	}
}

static void memory_accesses_are_decoded(void **state)
{
	(void)state;
	answer_error = 0;
	for (uint32_t size = 1; size <= 8; size++) {
		for (uint8_t is_write = 0; is_write < 2; is_write++) {
			memset(&answer, 0, sizeof answer);
			answer.exit_reason = KVM_EXIT_MMIO;
			answer.mmio.phys_addr = UINT64_C(0xfedcba9876543210);
			memcpy(answer.mmio.data, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
			answer.mmio.len = size;
			answer.mmio.is_write = is_write;
			struct hv_exit exit = run();
			assert_int_equal(exit.kind, HV_EXIT_MMIO);
			assert_true(exit.u.mmio.gpa == UINT64_C(0xfedcba9876543210));
			assert_int_equal(exit.u.mmio.size, size);
			assert_int_equal(exit.u.mmio.is_write, is_write);
			const uint64_t all = UINT64_C(0x8877665544332211);
			const uint64_t value = all & (UINT64_MAX >> (64 - 8 * size));
			assert_true(exit.u.mmio.value == (is_write ? value : 0));
		}
	}
}

static void other_exits_are_decoded(void **state)
{
	(void)state;
	static const struct {
		uint32_t reason;
		enum hv_exit_kind kind;
	} rows[] = {
		{ KVM_EXIT_HLT, HV_EXIT_HALT },
		{ KVM_EXIT_SHUTDOWN, HV_EXIT_SHUTDOWN },
		{ KVM_EXIT_INTR, HV_EXIT_INTERRUPTED },
		{ KVM_EXIT_INTERNAL_ERROR, HV_EXIT_UNSUPPORTED },
	};
	answer_error = 0;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memset(&answer, 0, sizeof answer);
		answer.exit_reason = rows[i].reason;
		answer.internal.suberror = 3;
		struct hv_exit exit = run();
		assert_int_equal(exit.kind, rows[i].kind);
		if (rows[i].kind == HV_EXIT_UNSUPPORTED)
			assert_int_equal(exit.u.detail, 3);
	}
}

static void exits_that_nobody_knows_are_errors(void **state)
{
	(void)state;
	static const uint32_t reasons[] = { KVM_EXIT_UNKNOWN,
					    KVM_EXIT_EXCEPTION,
					    KVM_EXIT_DEBUG,
					    KVM_EXIT_HYPERCALL,
					    KVM_EXIT_X86_RDMSR,
					    KVM_EXIT_X86_WRMSR,
					    KVM_EXIT_X86_BUS_LOCK,
					    KVM_EXIT_NOTIFY,
					    KVM_EXIT_SYSTEM_EVENT,
					    KVM_EXIT_DIRTY_RING_FULL,
					    12345 };
	struct hv_exit exit;

	answer_error = 0;
	kvm_kernel.run = answering;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
		char text[64];
		memset(&answer, 0, sizeof answer);
		answer.exit_reason = reasons[i];
		const unsigned before = kvm_kernel.nruns;
		exit.kind = HV_EXIT_DIED;
		assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_E_OS);
		assert_int_equal(kvm_kernel.nruns, before + 1); /* it is not tried again */
		assert_int_equal(exit.kind, HV_EXIT_UNSUPPORTED);
		assert_int_equal(exit.u.detail, reasons[i]);
		snprintf(text, sizeof text, "exit reason %u, which mote does not know", reasons[i]);
		assert_non_null(strstr(err.message, text));
		assert_int_equal(hv_kvm.run(vm, &exit, NULL), MOTE_E_OS);
	}
	answer.exit_reason = KVM_EXIT_FAIL_ENTRY;
	answer.fail_entry.hardware_entry_failure_reason = 0x80000021;
	exit.kind = HV_EXIT_DIED;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_E_OS);
	assert_int_equal(exit.kind, HV_EXIT_UNSUPPORTED);
	assert_int_equal(exit.u.detail, 0x80000021);
	assert_non_null(strstr(err.message, "refused the vCPU's state"));
	assert_non_null(strstr(err.message, "reason 0x80000021"));
}

static void what_run_itself_says_is_told_apart(void **state)
{
	(void)state;
	static const struct {
		int error;
		enum hv_exit_kind kind;
	} rows[] = {
		{ EINTR, HV_EXIT_INTERRUPTED },
		{ EAGAIN, HV_EXIT_INTERRUPTED },
		{ EFAULT, HV_EXIT_NO_MEMORY },
	};
	struct hv_exit exit;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		answer_error = rows[i].error;
		assert_int_equal(run().kind, rows[i].kind);
	}
	answer_error = EIO;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, EIO);
	assert_non_null(strstr(err.message, "KVM_RUN failed"));
}

static void registers_go_to_the_kernel_only_when_they_changed(void **state)
{
	(void)state;
	memset(&answer, 0, sizeof answer);
	answer.exit_reason = KVM_EXIT_HLT;
	answer_error = 0;
	run(); /* those of the start */
	/* the segments were set by KVM_SET_SREGS */
	assert_int_equal(dirty_at_run, KVM_SYNC_X86_REGS);
	assert_false(vm->regs_changed);
	run();
	assert_int_equal(dirty_at_run, 0);
	vm->regs_changed = true;
	run();
	assert_int_equal(dirty_at_run, KVM_SYNC_X86_REGS);
	hv_kvm.set_fs_base(vm, 0x7777);
	run();
	assert_int_equal(dirty_at_run, KVM_SYNC_X86_SREGS);
	assert_int_equal(kvm_kernel.shared->s.regs.sregs.fs.base, 0x7777);
	assert_int_equal(hv_kvm.fs_base(vm), 0x7777);
	run();
	assert_int_equal(dirty_at_run, 0);
	/* a run that is cut short has taken them over all the same */
	vm->regs_changed = true;
	answer_error = EINTR;
	run();
	assert_int_equal(dirty_at_run, KVM_SYNC_X86_REGS);
	run();
	assert_int_equal(dirty_at_run, 0);
}

static int interrupting_at_once(struct kvm_run *run)
{
	dirty_at_run = run->kvm_dirty_regs;
	return EINTR;
}

static void registers_that_were_not_taken_go_again(void **state)
{
	(void)state;
	struct hv_exit exit;

	memset(&answer, 0, sizeof answer);
	answer.exit_reason = KVM_EXIT_HLT;
	answer_error = 0;
	run();
	vm->regs_changed = true;
	hv_kvm.set_fs_base(vm, 0x7777);
	kvm_kernel.run = interrupting_at_once;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_OK);
	assert_int_equal(exit.kind, HV_EXIT_INTERRUPTED);
	dirty_at_run = 0;
	run();
	assert_int_equal(dirty_at_run, KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS);
}

static void segments_go_back_to_those_of_the_start(void **state)
{
	(void)state;
	struct kvm_sregs *now = &kvm_kernel.shared->s.regs.sregs;
	struct kvm_sregs want = *now;

	memset(now, 0x11, sizeof *now);
	assert_int_equal(hv_kvm.reset(vm, NULL), MOTE_OK);
	assert_memory_equal(now, &want, sizeof want);
	assert_int_equal(kvm_kernel.shared->kvm_dirty_regs, KVM_SYNC_X86_SREGS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(slots_are_passed_on),
		TEST(addresses_are_said_to_be_as_wide_as_was_asked_for),
		TEST(the_vcpu_gets_all_of_its_state),
		TEST(guests_see_no_virtualization_of_their_own),
		TEST(only_vector_state_that_is_known_is_on),
		TEST(guests_are_refused_msrs_where_kvm_can),
		TEST(every_request_of_a_new_machine_may_fail),
		TEST(a_signal_does_not_keep_a_machine_from_being_made),
		TEST(memory_ends_where_the_processors_addresses_do),
		TEST(slots_that_come_later_have_the_next_numbers),
		TEST(ports_are_decoded),
		TEST(memory_accesses_are_decoded),
		TEST(other_exits_are_decoded),
		TEST(exits_that_nobody_knows_are_errors),
		TEST(what_run_itself_says_is_told_apart),
		TEST(registers_go_to_the_kernel_only_when_they_changed),
		TEST(registers_that_were_not_taken_go_again),
		TEST(segments_go_back_to_those_of_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the KVM backend does to forget a guest's half-done work, against a scripted kernel: when
 * it may spare the system call, that it does not let the guest run, and that it gives up.
 */
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_kernel.h"
#include "hv/regions.h"
#include "hv/system.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct hv *hv;
static struct hv_vm *vm;
static mote_error err;
static uint8_t memory[0x1000];
static struct kvm_sregs boot;

static int setup(void **state)
{
	(void)state;
	const struct region slot = SLOT(0x100000, 0x1000, REGION_ALL, memory, -1);
	const struct hv_cpu_state cpu = { .regs = { .rip = 0x1234, .rflags = 2 },
					  .cr3 = 0x100000,
					  .fs_base = 0x4444 };
	const struct hv_vm_config config = { .slots = &slot, .nslots = 1, .cpu = &cpu };

	err = (mote_error){ .message = "" };
	assert_int_equal(hv_kvm.open(&hv, kvm_kernel_host(), &err), MOTE_OK);
	if (hv_kvm.vm_new(&vm, hv, &config, &err))
		fail_msg("%s", err.message);
	boot = kvm_kernel.sregs;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hv_kvm.vm_free(vm);
	hv_kvm.close(hv);
	return 0;
}

/* What KVM_RUN does: the guest's exit, and then, with immediate_exit, what is left of it. */
static struct kvm_run guest_exit;
static int guest_error;    /* of the guest's own KVM_RUN */
static unsigned parts;     /* exits that the instruction still has */
static int last_error;     /* after them */
static unsigned nfinished; /* KVM_RUN with immediate_exit */

static int play(struct kvm_run *run)
{
	if (!run->immediate_exit) {
		/* a guest leaves garbage everywhere */
		memset(&run->s.regs, 0x11, sizeof run->s.regs);
		run->exit_reason = guest_exit.exit_reason;
		memcpy((char *)run + offsetof(struct kvm_run, hw),
		       (const char *)&guest_exit + offsetof(struct kvm_run, hw), 256);
		return guest_error;
	}
	nfinished++;
	if (parts == 0)
		return last_error;
	parts--;
	run->exit_reason = KVM_EXIT_MMIO;
	return 0;
}

static void leave_by(const struct kvm_run *exit, int error)
{
	struct hv_exit event;

	kvm_kernel.run = play;
	guest_exit = *exit;
	guest_error = error;
	parts = 0;
	last_error = EINTR;
	nfinished = 0;
	hv_kvm.run(vm, &event, NULL);
}

static struct kvm_run port_exit(uint8_t direction, uint8_t size)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_IO };
	run.io.direction = direction;
	run.io.size = size;
	run.io.count = 1;
	run.io.data_offset = 4096;
	return run;
}

static struct kvm_run mmio_exit(uint64_t gpa, uint32_t size, bool is_write)
{
	struct kvm_run run = { .exit_reason = KVM_EXIT_MMIO };
	run.mmio.phys_addr = gpa;
	run.mmio.len = size;
	run.mmio.is_write = is_write;
	return run;
}

static void assert_clean(const char *what, bool is_event_reset)
{
	const struct kvm_run *run = kvm_kernel.shared;
	const struct kvm_vcpu_events none = { .flags = KVM_VCPUEVENT_VALID_SHADOW };

	if (memcmp(&run->s.regs.sregs, &boot, sizeof boot) != 0)
		fail_msg("%s: the segments are not those of the start", what);
	if (run->immediate_exit)
		fail_msg("%s: the next run would not run", what);
	if (!(run->kvm_dirty_regs & KVM_SYNC_X86_SREGS))
		fail_msg("%s: the segments do not go to the kernel", what);
	if (!(run->kvm_dirty_regs & KVM_SYNC_X86_EVENTS) == is_event_reset)
		fail_msg("%s: events %s", what, is_event_reset ? "stay" : "need not be reset");
	if (is_event_reset && memcmp(&run->s.regs.events, &none, sizeof none) != 0)
		fail_msg("%s: there are events", what);
}

static void exits_that_end_their_instruction_cost_nothing(void **state)
{
	(void)state;
	static const uint32_t sizes[] = { 1, 2, 4 };
	const uint64_t offsets[] = { 0, 8, 0x7fc, 0xff8 };

	for (size_t i = 0; i < 3; i++) {
		const struct kvm_run out = port_exit(KVM_EXIT_IO_OUT, (uint8_t)sizes[i]);
		leave_by(&out, 0);
		assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
		assert_int_equal(nfinished, 0);
		assert_clean("out", false);
		for (size_t j = 0; j < 4; j++) {
			const struct kvm_run store = mmio_exit(0x12000 + offsets[j], sizes[i], 1);
			leave_by(&store, 0);
			assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
			assert_int_equal(nfinished, 0);
			assert_clean("store", false);
		}
	}
}

static const struct row {
	const char *what;
	uint32_t reason;
	uint64_t gpa;
	uint32_t size;
	bool is_write;
	int error;
} unfinished[] = {
	{ "in al", KVM_EXIT_IO, 0, 1, false, 0 },
	{ "in eax", KVM_EXIT_IO, 0, 4, false, 0 },
	{ "load", KVM_EXIT_MMIO, 0x12000, 4, false, 0 },
	{ "load of a byte", KVM_EXIT_MMIO, 0x12fff, 1, false, 0 },
	{ "store of the last byte of a page", KVM_EXIT_MMIO, 0x12fff, 1, true, 0 },
	{ "store that ends with its page", KVM_EXIT_MMIO, 0x12ffc, 4, true, 0 },
	{ "store of 3 bytes before a page", KVM_EXIT_MMIO, 0x12ffd, 3, true, 0 },
	{ "first half of 16 bytes", KVM_EXIT_MMIO, 0x12000, 8, true, 0 },
	{ "halt", KVM_EXIT_HLT, 0, 0, false, 0 },
	{ "shutdown", KVM_EXIT_SHUTDOWN, 0, 0, false, 0 },
	{ "internal error", KVM_EXIT_INTERNAL_ERROR, 0, 0, false, 0 },
	{ "KVM_EXIT_INTR", KVM_EXIT_INTR, 0, 0, false, 0 },
	{ "an exit that nobody knows", 12345, 0, 0, false, 0 },
	{ "failed entry", KVM_EXIT_FAIL_ENTRY, 0, 0, false, 0 },
	{ "EINTR", KVM_EXIT_IO, 0, 1, true, EINTR },
	{ "EAGAIN", KVM_EXIT_IO, 0, 1, true, EAGAIN },
	{ "EFAULT", KVM_EXIT_MMIO, 0x12000, 4, true, EFAULT },
	{ "EIO", KVM_EXIT_MMIO, 0x12000, 4, true, EIO },
};

static void leave_by_row(const struct row *row)
{
	struct kvm_run exit = { .exit_reason = row->reason };

	if (row->reason == KVM_EXIT_IO)
		exit = port_exit(row->is_write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN,
				 (uint8_t)row->size);
	else if (row->reason == KVM_EXIT_MMIO)
		exit = mmio_exit(row->gpa, row->size, row->is_write);
	leave_by(&exit, row->error);
}

static void all_others_are_finished_without_running_the_guest(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof unfinished / sizeof unfinished[0]; i++) {
		static const unsigned counts[] = { 0, 1, 5, 40 };
		for (size_t j = 0; j < 4; j++) {
			leave_by_row(&unfinished[i]);
			parts = counts[j];
			mote_status status = hv_kvm.reset(vm, &err);
			if (status || nfinished != counts[j] + 1)
				fail_msg("%s: %u runs: %s", unfinished[i].what, nfinished,
					 err.message);
			assert_clean(unfinished[i].what, true);
			/* and once is enough */
			assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
			assert_int_equal(nfinished, counts[j] + 1);
			assert_true(kvm_kernel.shared->kvm_dirty_regs & KVM_SYNC_X86_EVENTS);
		}
	}
}

static void an_instruction_without_end_is_given_up(void **state)
{
	(void)state;
	static const struct {
		unsigned parts;
		int error;
	} rows[] = { { 1000000, EINTR }, { 0, EIO }, { 3, EFAULT } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		leave_by_row(&unfinished[0]);
		parts = rows[i].parts;
		last_error = rows[i].error;
		assert_int_equal(hv_kvm.reset(vm, &err), MOTE_E_OS);
		assert_string_equal(err.message,
				    "the vCPU does not come to the end of an instruction");
		assert_in_range(nfinished, 1, 1000);
		assert_int_equal(kvm_kernel.shared->immediate_exit, 0);
		/* it is not settled by having failed */
		parts = rows[i].parts;
		assert_int_equal(hv_kvm.reset(vm, NULL), MOTE_E_OS);
	}
}

static void a_new_machine_needs_no_reset_but_may_have_one(void **state)
{
	(void)state;
	const struct hv_regs before = *vm->regs;

	kvm_kernel.run = play;
	nfinished = 0;
	hv_kvm.set_fs_base(vm, 0x7777);
	assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
	assert_int_equal(nfinished, 0);
	assert_clean("a new machine", false);
	assert_int_equal(hv_kvm.fs_base(vm), 0x4444);
	assert_memory_equal(vm->regs, &before, sizeof before);
	assert_true(vm->regs_changed);
}

static uint64_t dirty_at_run;
static int note_dirty(struct kvm_run *run)
{
	dirty_at_run = run->kvm_dirty_regs;
	run->exit_reason = KVM_EXIT_HLT;
	return 0;
}

static void the_next_run_has_all_of_it(void **state)
{
	(void)state;
	leave_by_row(&unfinished[0]);
	assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
	hv_kvm.set_fs_base(vm, 0x9999); /* afterwards: it stays */
	vm->regs_changed = true;
	struct hv_exit exit;
	kvm_kernel.run = note_dirty;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_OK);
	assert_int_equal(dirty_at_run,
			 KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
	assert_int_equal(kvm_kernel.shared->s.regs.sregs.fs.base, 0x9999);
}

/* What guests in ring 0 change is cleared by one request, or by another behind each register that
 * the processor does not have. */
static void a_register_that_is_refused_does_not_spare_others(void **state)
{
	(void)state;
	static const struct {
		uint32_t refused;
		unsigned nrequests, nset;
	} rows[] = {
		{ 0, 1, 8 },          /* none */
		{ 0x174, 2, 7 },      /* the first */
		{ 0xc0000083, 2, 7 }, /* one in the middle */
		{ 0xc0000102, 1, 7 }, /* the last */
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hv_system system;

		kvm_kernel.refused_msr = rows[i].refused;
		kvm_kernel.nset_msrs = kvm_kernel.nmsr_requests = 0;
		hv_kvm.system->get(vm, &system);
		assert_int_equal(hv_kvm.system->set(vm, &system, &err), MOTE_OK);
		assert_int_equal(kvm_kernel.nmsr_requests, rows[i].nrequests);
		assert_int_equal(kvm_kernel.nset_msrs, rows[i].nset);
		for (unsigned k = 0; k < kvm_kernel.nset_msrs; k++) {
			assert_int_equal(kvm_kernel.set_msrs[k].data, 0);
			for (unsigned j = 0; j < k; j++)
				assert_int_not_equal(kvm_kernel.set_msrs[k].index,
						     kvm_kernel.set_msrs[j].index);
		}
	}
	kvm_kernel.fails = KVM_SET_MSRS;
	struct hv_system system;
	hv_kvm.system->get(vm, &system);
	assert_int_equal(hv_kvm.system->set(vm, &system, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM_SET_MSRS failed"));
}

/* Ring 0 can leave its machine while interrupts are held back; an exit by a port says nothing of
 * that. */
static void a_machine_of_ring_0_forgets_events_each_time(void **state)
{
	(void)state;
	const struct kvm_run out = port_exit(KVM_EXIT_IO_OUT, 4);
	struct hv_system system;

	hv_kvm.system->get(vm, &system);
	leave_by(&out, 0);
	assert_int_equal(hv_kvm.system->set(vm, &system, &err), MOTE_OK);
	assert_int_equal(nfinished, 0);
	const struct kvm_run *run = kvm_kernel.shared;
	const struct kvm_vcpu_events none = { .flags = KVM_VCPUEVENT_VALID_SHADOW };

	assert_memory_equal(&run->s.regs.events, &none, sizeof none);
	assert_int_equal(run->kvm_dirty_regs, KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(exits_that_end_their_instruction_cost_nothing),
		TEST(all_others_are_finished_without_running_the_guest),
		TEST(an_instruction_without_end_is_given_up),
		TEST(a_new_machine_needs_no_reset_but_may_have_one),
		TEST(the_next_run_has_all_of_it),
		TEST(a_register_that_is_refused_does_not_spare_others),
		TEST(a_machine_of_ring_0_forgets_events_each_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

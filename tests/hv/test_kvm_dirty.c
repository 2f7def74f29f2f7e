/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol of the dirty ring against a kernel that keeps the books: which entries are read,
 * when they are given back, and that nothing is said to be known after anything went wrong.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_kernel.h"
#include "hv/regions.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096, RAM = 0x100000, ENTRIES = KVM_DIRTY_RING_ENTRIES, NOTES_MAX = 2 * ENTRIES };
enum { FIRMWARE_SLOT, RAM_SLOT };

static struct hv *hv;
static struct hv_vm *vm;
static mote_error err;
static uint8_t memory[2 * PAGE];

static struct region slots[] = {
	SLOT(0x1000, PAGE, READ_EXECUTE, memory, -1),
	SLOT(RAM, PAGE, REGION_ALL, memory + PAGE, -1),
};
static const struct hv_cpu_state cpu = { .regs = { .rip = 0x1234, .rflags = 2 } };

static mote_status make(bool is_watched)
{
	const struct hv_vm_config config = {
		.slots = slots, .nslots = 2, .cpu = &cpu, .is_watched = is_watched
	};
	return hv_kvm.vm_new(&vm, hv, &config, &err);
}

/* With the kernel as it is. */
static void open_kernel(void)
{
	err = (mote_error){ .message = "" };
	assert_int_equal(hv_kvm.open(&hv, kvm_kernel_host(), &err), MOTE_OK);
}

static void open_watched(void)
{
	open_kernel();
	if (make(true))
		fail_msg("%s", err.message);
	kvm_kernel.nresets = 0;
}

static int teardown(void **state)
{
	(void)state;
	hv_kvm.vm_free(vm);
	hv_kvm.close(hv);
	assert_int_equal(kvm_kernel.fds, 0);
	vm = NULL;
	return 0;
}

/* What written() has told, in order. */
static uint64_t notes[NOTES_MAX];
static unsigned nnotes;

static void note(void *user, uint64_t gpa)
{
	assert_ptr_equal(user, notes);
	assert_in_range(nnotes, 0, NOTES_MAX - 1);
	notes[nnotes++] = gpa;
}

static bool written(void)
{
	nnotes = 0;
	return hv_kvm.written(vm, note, notes);
}

/* That written() tells the pages FIRST, FIRST + 1, ... of RAM, COUNT of them, and no more. */
static void expect_pages(uint64_t first, unsigned count)
{
	assert_true(written());
	assert_int_equal(nnotes, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(notes[i], RAM + (first + i) * PAGE);
}

static void write_pages(uint64_t first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		kvm_kernel_write(RAM_SLOT, first + i);
}

static void the_better_ring_is_asked_for(void **state)
{
	(void)state;
	static const struct {
		long lacks;
		uint32_t want;
	} rows[] = {
		{ -1, KVM_CAP_DIRTY_LOG_RING_ACQ_REL },
		{ KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING },
		{ KVM_CAP_DIRTY_LOG_RING, KVM_CAP_DIRTY_LOG_RING_ACQ_REL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct host *host = kvm_kernel_host();
		kvm_kernel.lacks = rows[i].lacks;
		assert_int_equal(hv_kvm.open(&hv, host, &err), MOTE_OK);
		assert_int_equal(make(true), MOTE_OK);
		assert_int_equal(kvm_kernel.enabled.cap, rows[i].want);
		assert_int_equal(kvm_kernel.enabled.args[0], ENTRIES * 16);
		write_pages(3, 2);
		expect_pages(3, 2);
		teardown(NULL);
	}
	open_kernel(); /* for the teardown */
}

static void without_a_ring_nothing_is_known_and_nothing_asked(void **state)
{
	(void)state;
	for (int too_small = 0; too_small < 2; too_small++) {
		const struct host *host = kvm_kernel_host();
		kvm_kernel.ring_bytes = too_small ? ENTRIES * 16 - 1 : 0;
		assert_int_equal(hv_kvm.open(&hv, host, &err), MOTE_OK);
		assert_int_equal(make(true), MOTE_OK);
		assert_int_equal(kvm_kernel.enabled.cap, 0);
		assert_int_equal(kvm_kernel.slots[RAM_SLOT].flags, 0);
		assert_false(written());
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
		assert_false(written());
		assert_int_equal(kvm_kernel.nslots, 2);
		assert_int_equal(kvm_kernel.nresets, 0);
		teardown(NULL);
	}
	open_kernel();
}

static void a_kernel_that_does_not_tell_is_an_error(void **state)
{
	(void)state;
	const struct host *host = kvm_kernel_host();

	kvm_kernel.ring_bytes = -1;
	assert_int_equal(hv_kvm.open(&hv, host, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM does not tell whether it has dirty rings"));
	assert_int_equal(kvm_kernel.fds, 0);
	open_kernel();
}

static void writable_slots_alone_are_logged(void **state)
{
	(void)state;
	open_watched();
	assert_int_equal(kvm_kernel.nslots, 2);
	assert_int_equal(kvm_kernel.slots[FIRMWARE_SLOT].flags, KVM_MEM_READONLY);
	assert_int_equal(kvm_kernel.slots[RAM_SLOT].flags, KVM_MEM_LOG_DIRTY_PAGES);
	expect_pages(0, 0);
	/* files come later: nobody writes to them */
	const struct region file = SLOT(0x400000, PAGE, READ_EXECUTE, memory, -1);
	assert_int_equal(hv_kvm.map(vm, &file, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.slots[2].flags, KVM_MEM_READONLY);
	write_pages(7, 1);
	expect_pages(7, 1);
}

static void watching_may_begin_later(void **state)
{
	(void)state;
	open_kernel();
	assert_int_equal(make(false), MOTE_OK);
	assert_int_equal(kvm_kernel.slots[RAM_SLOT].flags, 0);
	assert_null(kvm_kernel.ring);
	assert_false(written());
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	/* the same slot again, with its flag */
	assert_int_equal(kvm_kernel.nslots, 3);
	assert_int_equal(kvm_kernel.slots[2].flags, KVM_MEM_LOG_DIRTY_PAGES);
	kvm_kernel.slots[2].flags = 0;
	assert_memory_equal(&kvm_kernel.slots[2], &kvm_kernel.slots[RAM_SLOT],
			    sizeof kvm_kernel.slots[2]);
	write_pages(1, 2);
	expect_pages(1, 2);
	/* and once is enough */
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nslots, 3);
}

static void pages_are_told_once_in_order_without_a_system_call(void **state)
{
	(void)state;
	open_watched();
	for (unsigned round = 0; round < 5; round++) {
		write_pages(round * 100, round);
		expect_pages(round * 100, round);
		expect_pages(0, 0);
	}
	/* what the kernel says twice may be told twice */
	write_pages(5, 1);
	write_pages(5, 1);
	assert_true(written());
	assert_int_equal(nnotes, 2);
	assert_int_equal(kvm_kernel.nresets, 0);
	assert_int_equal(kvm_kernel.ring_reset, 0);
}

static void other_slots_do_not_count(void **state)
{
	(void)state;
	open_watched();
	kvm_kernel_write(FIRMWARE_SLOT, 1);
	write_pages(2, 1);
	kvm_kernel_write(2, 3);
	kvm_kernel_write(RAM_SLOT | 1 << 16, 4); /* of another address space */
	write_pages(3, 1);
	expect_pages(2, 2);
}

static void an_entry_without_its_flag_is_not_there(void **state)
{
	(void)state;
	open_watched();
	kvm_kernel.ring[0] = (struct kvm_dirty_gfn){ .slot = RAM_SLOT, .offset = 5 };
	expect_pages(0, 0);
	kvm_kernel.ring[0].flags = KVM_DIRTY_GFN_F_RESET;
	expect_pages(0, 0);
	kvm_kernel.ring[0].flags = 0;
	write_pages(6, 1);
	expect_pages(6, 1);
}

static void watching_again_begins_anew(void **state)
{
	(void)state;
	open_watched();
	write_pages(1, 3);
	expect_pages(1, 3);
	write_pages(10, 3); /* not asked for yet */
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nresets, 1);
	assert_int_equal(kvm_kernel.ring_reset, 6);
	expect_pages(0, 0);
	write_pages(1, 3);
	expect_pages(1, 3);
	/* there is nothing to give back when nothing was written */
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nresets, 2);
}

static void the_ring_goes_round_and_round(void **state)
{
	(void)state;
	uint64_t page = 0;

	open_watched();
	/* no divisor of the ring's size; 20 times round */
	for (unsigned round = 0; page < 20 * ENTRIES; round++) {
		const unsigned count = 1000 + round % 7;
		write_pages(page, count / 2);
		expect_pages(page, count / 2);
		write_pages(page + count / 2, count - count / 2);
		expect_pages(page + count / 2, count - count / 2);
		page += count;
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	}
	assert_int_equal(kvm_kernel.ring_reset, kvm_kernel.ring_dirty);
}

static void a_ring_of_old_entries_is_given_back_in_time(void **state)
{
	(void)state;
	uint64_t page = 0;

	open_watched();
	/* each call writes to a few new pages, and nobody begins anew */
	while (page < 10 * ENTRIES) {
		for (unsigned i = 0; i < 100; i++)
			if (!kvm_kernel_write(RAM_SLOT, page + i))
				fail_msg("the ring is full after %u pages", (unsigned)page + i);
		expect_pages(page, 100);
		page += 100;
	}
	assert_in_range(kvm_kernel.nresets, 10, 12);
}

static void a_full_ring_of_entries_is_read_once(void **state)
{
	(void)state;
	open_watched();
	kvm_kernel.resets_most = 0; /* or they would be given back at once */
	write_pages(0, ENTRIES);
	expect_pages(0, ENTRIES);
	assert_false(written()); /* they could not be given back */
}

/* KVM_RUN that says that the ring is full, and then halts. */
static unsigned nfull;
static int fill_up(struct kvm_run *run)
{
	if (nfull == 0) {
		run->exit_reason = KVM_EXIT_HLT;
		return 0;
	}
	nfull--;
	assert_int_equal(kvm_kernel.ring_dirty - kvm_kernel.ring_reset, 0);
	while (kvm_kernel_write(RAM_SLOT, 9))
		;
	run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return 0;
}

static void a_guest_goes_on_when_its_ring_is_full(void **state)
{
	(void)state;
	struct hv_exit exit;

	open_watched();
	kvm_kernel.run = fill_up;
	for (unsigned times = 1; times <= 3; times++) {
		nfull = times;
		kvm_kernel.nruns = 0;
		assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_OK);
		assert_int_equal(exit.kind, HV_EXIT_HALT);
		assert_int_equal(kvm_kernel.nruns, times + 1);
		/* what was in it is lost, and stays so */
		assert_false(written());
		assert_int_equal(nnotes, 0);
		write_pages(1, 1);
		assert_false(written());
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
		expect_pages(0, 0);
		write_pages(2, 2);
		expect_pages(2, 2);
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	}
}

static void registers_are_given_once_when_the_ring_is_full(void **state)
{
	(void)state;
	struct hv_exit exit;

	open_watched();
	kvm_kernel.run = fill_up;
	nfull = 1;
	vm->regs_changed = true;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.shared->kvm_dirty_regs, 0);
	assert_false(vm->regs_changed);
}

static int say_full(struct kvm_run *run)
{
	run->exit_reason = KVM_EXIT_DIRTY_RING_FULL;
	return 0;
}

static void a_full_ring_that_there_is_not_is_an_error(void **state)
{
	(void)state;
	struct hv_exit exit;

	open_kernel();
	assert_int_equal(make(false), MOTE_OK);
	kvm_kernel.run = say_full;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "exit reason 31, which mote does not know"));
}

static void a_ring_that_is_always_full_ends_the_run(void **state)
{
	(void)state;
	struct hv_exit exit;

	open_watched();
	kvm_kernel.run = say_full; /* with nothing in it */
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "full"));
	assert_false(written());
}

/* Linux 6.16 and later stop at a signal, say how far they came, and leave the last pages that
 * they took unprotected. */
static void entries_taken_in_parts_make_the_kernel_protect_all(void **state)
{
	(void)state;
	static const unsigned parts[] = { 1, 2, 3, 99, 100 };

	open_watched();
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const struct kvm_userspace_memory_region *slot = kvm_kernel.slots;
		kvm_kernel.resets_most = parts[i];
		kvm_kernel.nslots = 0;
		write_pages(0, 100);
		expect_pages(0, 100);
		if (hv_kvm.watch(vm, &err))
			fail_msg("%u at a time: %s", parts[i], err.message);
		assert_int_equal(kvm_kernel.ring_reset, kvm_kernel.ring_dirty);
		if (parts[i] < 100) {
			assert_int_equal(kvm_kernel.nslots, 2);
			assert_true(slot[0].slot == RAM_SLOT && slot[0].flags == 0);
			assert_true(slot[1].slot == RAM_SLOT &&
				    slot[1].flags == KVM_MEM_LOG_DIRTY_PAGES);
		} else {
			assert_int_equal(kvm_kernel.nslots, 0);
		}
		/* once is enough */
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
		assert_int_equal(kvm_kernel.nslots, parts[i] < 100 ? 2 : 0);
		write_pages(4, 1);
		expect_pages(4, 1);
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	}
}

static void parts_are_not_trusted_until_then(void **state)
{
	(void)state;
	struct hv_exit exit;

	open_watched();
	kvm_kernel.resets_most = 5000;
	kvm_kernel.nslots = 0;
	/* when the ring was almost full */
	write_pages(0, ENTRIES - 600);
	expect_pages(0, ENTRIES - 600);
	assert_false(written());
	assert_int_equal(kvm_kernel.nslots, 0);
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nslots, 2);
	expect_pages(0, 0);
	/* when it was full, in the middle of a run */
	kvm_kernel.run = fill_up;
	nfull = 1;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_OK);
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nslots, 4);
	/* each step of it may fail, and is then still to be done */
	write_pages(0, 5001);
	kvm_kernel.fails = KVM_SET_USER_MEMORY_REGION;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hv_kvm.watch(vm, &err), MOTE_E_OS);
		assert_false(written());
	}
	kvm_kernel.fails = 0;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nslots, 6);
	assert_int_equal(kvm_kernel.slots[5].flags, KVM_MEM_LOG_DIRTY_PAGES);
	expect_pages(0, 0);
}

static void signals_are_as_they_were(void **state)
{
	(void)state;
	sigset_t mine, after, before;

	open_watched();
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &mine, &before), 0);
	for (int fails = 0; fails < 2; fails++) {
		kvm_kernel.fails = fails ? KVM_RESET_DIRTY_RINGS : 0;
		write_pages(0, 2);
		assert_int_equal(hv_kvm.watch(vm, &err) != MOTE_OK, fails);
		assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
		assert_int_equal(sigismember(&after, SIGUSR1), 1);
		assert_int_equal(sigismember(&after, SIGALRM), 0);
	}
	kvm_kernel.fails = 0;
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void a_kernel_that_takes_nothing_is_given_up(void **state)
{
	(void)state;
	open_watched();
	kvm_kernel.resets_most = 0;
	write_pages(0, 5);
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, EPROTO);
	assert_non_null(strstr(err.message, "KVM_RESET_DIRTY_RINGS took 0 of 5 entries"));
	assert_in_range(kvm_kernel.nresets, 1, 1000);
	assert_false(written());
	/* and when it does again, all is well */
	kvm_kernel.resets_most = UINT_MAX;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.ring_reset, kvm_kernel.ring_dirty);
	write_pages(8, 2);
	expect_pages(8, 2);
}

static int interrupt(struct kvm_run *run)
{
	assert_int_equal(run->immediate_exit, 1);
	return EINTR;
}

static void what_cannot_be_given_back_is_lost(void **state)
{
	(void)state;
	struct hv_exit exit;

	open_watched();
	kvm_kernel.fails = KVM_RESET_DIRTY_RINGS;
	kvm_kernel.error = EINVAL;
	/* when watching begins anew */
	write_pages(0, 5);
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, EINVAL);
	assert_false(written());
	assert_int_equal(hv_kvm.watch(vm, NULL), MOTE_E_OS);
	kvm_kernel.fails = 0;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	/* when the ring is almost full: what was read of it is good, what comes is not */
	kvm_kernel.fails = KVM_RESET_DIRTY_RINGS;
	write_pages(0, ENTRIES - 600);
	expect_pages(0, ENTRIES - 600);
	assert_false(written());
	kvm_kernel.fails = 0;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	/* when it is full: the guest cannot go on */
	kvm_kernel.fails = KVM_RESET_DIRTY_RINGS;
	kvm_kernel.run = fill_up;
	nfull = 1;
	assert_int_equal(hv_kvm.run(vm, &exit, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM_RESET_DIRTY_RINGS"));
	assert_false(written());
	kvm_kernel.fails = 0;
	/* and stopped in the middle of something */
	kvm_kernel.nruns = 0;
	kvm_kernel.run = interrupt;
	assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
	assert_int_equal(kvm_kernel.nruns, 1);
}

static void watching_that_fails_knows_nothing(void **state)
{
	(void)state;
	open_kernel();
	assert_int_equal(make(false), MOTE_OK);
	kvm_kernel.refuses_ring_mmap = true;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_E_NOMEM);
	assert_non_null(strstr(err.message, "cannot map the vCPU's dirty ring"));
	assert_false(written());
	kvm_kernel.refuses_ring_mmap = false;
	kvm_kernel.fails = KVM_SET_USER_MEMORY_REGION;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "KVM does not log writes to memory slot 1"));
	assert_false(written());
	assert_int_equal(hv_kvm.watch(vm, NULL), MOTE_E_OS);
	kvm_kernel.fails = 0;
	assert_int_equal(hv_kvm.watch(vm, &err), MOTE_OK);
	write_pages(1, 1);
	expect_pages(1, 1);
}

static void a_watched_machine_may_not_come_to_be(void **state)
{
	(void)state;
	open_kernel();
	kvm_kernel.refuses_ring_mmap = true;
	assert_int_equal(make(true), MOTE_E_NOMEM);
	assert_null(vm);
	assert_int_equal(kvm_kernel.fds, 1); /* /dev/kvm */
	assert_int_equal(kvm_kernel.nvcpus, 1);
	kvm_kernel.refuses_ring_mmap = false;
	kvm_kernel.nslots = 0;
	kvm_kernel.fails = KVM_ENABLE_CAP;
	assert_int_equal(make(true), MOTE_E_OS);
	assert_null(vm);
	assert_int_equal(kvm_kernel.fds, 1);
	kvm_kernel.fails = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_better_ring_is_asked_for),
		TEST(without_a_ring_nothing_is_known_and_nothing_asked),
		TEST(a_kernel_that_does_not_tell_is_an_error),
		TEST(writable_slots_alone_are_logged),
		TEST(watching_may_begin_later),
		TEST(pages_are_told_once_in_order_without_a_system_call),
		TEST(other_slots_do_not_count),
		TEST(an_entry_without_its_flag_is_not_there),
		TEST(watching_again_begins_anew),
		TEST(the_ring_goes_round_and_round),
		TEST(a_ring_of_old_entries_is_given_back_in_time),
		TEST(a_full_ring_of_entries_is_read_once),
		TEST(a_guest_goes_on_when_its_ring_is_full),
		TEST(registers_are_given_once_when_the_ring_is_full),
		TEST(a_full_ring_that_there_is_not_is_an_error),
		TEST(a_ring_that_is_always_full_ends_the_run),
		TEST(entries_taken_in_parts_make_the_kernel_protect_all),
		TEST(parts_are_not_trusted_until_then),
		TEST(signals_are_as_they_were),
		TEST(a_kernel_that_takes_nothing_is_given_up),
		TEST(what_cannot_be_given_back_is_lost),
		TEST(watching_that_fails_knows_nothing),
		TEST(a_watched_machine_may_not_come_to_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real KVM tells which pages a guest writes: those, all of them, and each once, until there
 * are more than it keeps.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_box.h"
#include "hv/regions.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

enum { PAGES = BULK_SIZE / PAGE };
_Static_assert(PAGES > KVM_DIRTY_RING_ENTRIES + 1000, "tests write to more pages than are kept");

static uint8_t *bulk;
static unsigned told[PAGES]; /* how often written() has named each page */
static unsigned ntold;

static int setup(void **state)
{
	bulk = mmap(NULL, BULK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(bulk != MAP_FAILED);
	return kvm_box_setup(state);
}

static int teardown(void **state)
{
	kvm_box_teardown(state);
	munmap(bulk, BULK_SIZE);
	return 0;
}

static void note(void *user, uint64_t gpa)
{
	assert_ptr_equal(user, told);
	assert_int_equal(gpa % PAGE, 0);
	assert_in_range(gpa, BULK, BULK + BULK_SIZE - 1);
	told[(gpa - BULK) / PAGE]++;
	ntold++;
}

static bool written(void)
{
	memset(told, 0, sizeof told);
	ntold = 0;
	return hv_kvm.written(box.vm, note, told);
}

/* A guest whose BULK is watched, from the start or not yet. Skips the test where KVM has no ring. */
static void open_guest(bool is_watched)
{
	const struct region slot = SLOT(BULK, BULK_SIZE, REGION_ALL, bulk, -1);
	const struct hv_cpu_state cpu = kvm_box_cpu(true);

	kvm_box_open();
	if (!((const struct kvm *)box.hv)->dirty_ring_cap) {
		print_message("SKIP: this KVM has no dirty rings\n");
		skip();
	}
	if (kvm_box_make(&cpu, &slot, is_watched))
		fail_msg("%s", box.err.message);
}

/* For touch(): at rdi, and so in rsi pages. */
static const char writes[] = "\x88\x07"                      /* mov %al, (%rdi) */
			     "\x48\x81\xc7\x00\x10\x00\x00"  /* add $4096, %rdi */
			     "\x48\xff\xce\x75\xf2"          /* dec %rsi, jnz */
			     "\x88\x04\x25\x00\x00\x20\x00"; /* mov %al, NOWHERE */
static const char reads[] = "\x8a\x07"
			    "\x48\x81\xc7\x00\x10\x00\x00"
			    "\x48\xff\xce\x75\xf2"
			    "\x88\x04\x25\x00\x00\x20\x00";

/* One byte of each of COUNT pages from page FIRST on, at offset FIRST or so. */
static void touch(const char *code, unsigned first, unsigned count)
{
	kvm_box_put(CODE, code, sizeof writes);
	*box.vm->regs = (struct hv_regs){ .rip = CODE,
					  .rsp = DATA,
					  .rflags = 2,
					  .rdi = BULK + (uint64_t)first * PAGE + first % PAGE,
					  .rsi = count,
					  .rax = 0x55 };
	box.vm->regs_changed = true;
	struct hv_exit exit;
	do
		exit = kvm_box_run();
	while (exit.kind == HV_EXIT_INTERRUPTED);
	assert_int_equal(exit.kind, HV_EXIT_MMIO);
	assert_int_equal(exit.u.mmio.gpa, NOWHERE);
}

/* That written() tells COUNT pages from page FIRST on, once each, and no other. */
static void expect(unsigned first, unsigned count)
{
	assert_true(written());
	for (unsigned i = 0; i < PAGES; i++)
		if (told[i] != (i - first < count))
			fail_msg("of %u pages from %u on, page %u is told %u times", count, first,
				 i, told[i]);
}

static void pages_that_are_written_are_told_once(void **state)
{
	(void)state;
	for (int later = 0; later < 2; later++) {
		open_guest(!later);
		if (later) {
			touch(writes, 0, 50);
			assert_false(written());
			assert_int_equal(hv_kvm.watch(box.vm, &box.err), MOTE_OK);
		}
		expect(0, 0);
		touch(writes, 3, 1);
		expect(3, 1);
		expect(0, 0);
		touch(writes, 3, 1);
		expect(0, 0);
		touch(writes, 2, 3);
		assert_true(written());
		assert_true(told[2] == 1 && told[4] == 1 && ntold == 2);
		touch(writes, 1000, 700);
		expect(1000, 700);
		touch(writes, 1000, 700);
		expect(0, 0);
		for (unsigned page = 1000; page < 1700; page++)
			assert_int_equal(bulk[page * PAGE + 1000], 0x55);
		hv_kvm.vm_free(box.vm);
		hv_kvm.close(box.hv);
		box.vm = NULL;
		box.hv = NULL;
	}
}

static void watching_again_begins_anew(void **state)
{
	(void)state;
	open_guest(true);
	for (unsigned round = 0; round < 20; round++) {
		touch(writes, 10, 5);
		if (round % 2)
			expect(10, 5);
		assert_int_equal(hv_kvm.watch(box.vm, &box.err), MOTE_OK);
		expect(0, 0);
	}
	touch(writes, 12, 100);
	expect(12, 100);
}

static void pages_that_are_not_there_yet_are_told_too(void **state)
{
	(void)state;
	open_guest(true);
	memset(bulk + 100 * PAGE, 1, 10 * PAGE);
	/* what the host has written is not the guest's doing */
	expect(0, 0);
	touch(writes, 90, 40);
	expect(90, 40);
	/* the host takes some away, as a reset to zeros does: the guest's next write is new */
	assert_int_equal(madvise(bulk + 100 * PAGE, 20 * PAGE, MADV_DONTNEED), 0);
	assert_int_equal(hv_kvm.watch(box.vm, &box.err), MOTE_OK);
	touch(writes, 95, 10);
	expect(95, 10);
	for (unsigned page = 100; page < 105; page++)
		assert_int_equal(bulk[page * PAGE + 95], 0x55);
	/* and other memory in the same place is the guest's from then on */
	assert_true(mmap(bulk + 200 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	assert_int_equal(hv_kvm.watch(box.vm, &box.err), MOTE_OK);
	touch(writes, 200, 4);
	expect(200, 4);
	assert_int_equal(bulk[203 * PAGE + 200], 0x55);
}

/* KVM maps what may be written to as writable at once, and tells it then. */
static void pages_that_are_only_read_may_be_told(void **state)
{
	(void)state;
	open_guest(true);
	memset(bulk, 7, 100 * PAGE);
	touch(reads, 0, 100);
	assert_true(written());
	const unsigned once = ntold;
	for (unsigned page = 100; page < PAGES; page++)
		assert_int_equal(told[page], 0);
	print_message("of 100 pages that were only read %u are told as written\n", once);
	/* each was told by its first write at the latest */
	touch(writes, 0, 100);
	assert_true(written());
	assert_in_range(ntold, 100 - once, 100);
}

static void a_store_over_two_pages_tells_both(void **state)
{
	(void)state;
	open_guest(true);
	kvm_box_put(CODE, "\x48\x89\x07\x88\x04\x25\x00\x00\x20\x00", 10); /* mov %rax, (%rdi) */
	*box.vm->regs = (struct hv_regs){ .rip = CODE, .rflags = 2, .rdi = BULK + 8 * PAGE - 3 };
	box.vm->regs_changed = true;
	expect_mmio(NOWHERE, 1, true, 0);
	expect(7, 2);
}

static void more_pages_than_are_kept_are_lost_until_watching_begins_anew(void **state)
{
	(void)state;
	open_guest(true);
	for (unsigned round = 0; round < 3; round++) {
		touch(writes, 0, PAGES); /* and the guest knows nothing of it */
		assert_int_equal(box.vm->regs->rsi, 0);
		assert_false(written());
		assert_false(written());
		touch(writes, 5, 5);
		assert_false(written());
		assert_int_equal(hv_kvm.watch(box.vm, &box.err), MOTE_OK);
		expect(0, 0);
		touch(writes, round, 20);
		expect(round, 20);
	}
}

static void old_pages_do_not_fill_the_ring_when_they_are_read(void **state)
{
	(void)state;
	open_guest(true);
	for (unsigned page = 0; page + 500 <= PAGES; page += 500) {
		touch(writes, page, 500);
		if (!written())
			fail_msg("lost at page %u", page);
		for (unsigned i = page; i < page + 500; i++)
			assert_true(told[i] >= 1);
	}
}

static void ignore(int signal)
{
	(void)signal;
}

/* Signals stop the guest, and KVM while it gives entries back. */
static void signals_lose_nothing(void **state)
{
	(void)state;
	const struct sigaction action = { .sa_handler = ignore };
	const struct itimerval often = { { .tv_usec = 300 }, { .tv_usec = 300 } }, never = { 0 };
	const unsigned rounds = getenv("MOTE_TEST_QUICK") ? 3 : 30;
	struct sigaction old;

	open_guest(true);
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	for (unsigned round = 0; round < rounds; round++) {
		touch(writes, round, 5000);
		expect(round, 5000);
		if (hv_kvm.watch(box.vm, &box.err))
			fail_msg("%s", box.err.message);
	}
	for (unsigned round = 0; round < rounds / 3; round++) {
		touch(writes, 0, PAGES);
		assert_false(written());
		if (hv_kvm.watch(box.vm, &box.err))
			fail_msg("%s", box.err.message);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(pages_that_are_written_are_told_once),
		TEST(watching_again_begins_anew),
		TEST(pages_that_are_not_there_yet_are_told_too),
		TEST(pages_that_are_only_read_may_be_told),
		TEST(a_store_over_two_pages_tells_both),
		TEST(more_pages_than_are_kept_are_lost_until_watching_begins_anew),
		TEST(old_pages_do_not_fill_the_ring_when_they_are_read),
		TEST(signals_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

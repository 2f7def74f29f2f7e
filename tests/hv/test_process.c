/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process backend as a table: what it says of itself, what it refuses, and what is left
 * when the system refuses something.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "abi/mote_abi.h"
#include "hv/process/monitor_abi.h"
#include "hv/regions.h"
#include "kit/fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_table_is_complete(void **state)
{
	(void)state;
	assert_string_equal(hv_process.name, "process");
	assert_false(hv_process.is_hardware);
	assert_true(hv_process.needs_fd);
	assert_null(hv_process.fault_address);
	assert_null(hv_process.reset);
}

static void a_check_tries_it(void **state)
{
	struct hv_check check;
	(void)state;

	hv_process.check(fail_host(0, FAIL_ONCE, 0), &check);
	assert_true(check.is_available);
	assert_string_equal(check.reason, "found");
	assert_string_equal(check.remedy, "");
	assert_non_null(strstr(check.details, "weaker"));
	assert_null(fail_leak());
}

static void a_check_says_what_is_missing(void **state)
{
	static const struct {
		int error;
		const char *reason, *remedy;
	} rows[] = {
		{ EACCES, "cannot make an executable file in memory", "vm.memfd_noexec" },
		{ EMFILE, "cannot make an executable file in memory", "limits" },
		{ ENOSYS, "cannot make an executable file in memory", "Linux 5.9" },
	};
	struct hv_check check;
	(void)state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		/* The first operation is the allocation, the second the file. */
		hv_process.check(fail_host(2, FAIL_ONWARDS, rows[i].error), &check);
		assert_string_equal(fail_name(), "memfd_create");
		assert_false(check.is_available);
		assert_non_null(strstr(check.reason, rows[i].reason));
		assert_non_null(strstr(check.remedy, rows[i].remedy));
		assert_null(fail_leak());
	}
}

static void a_check_without_memory_says_so(void **state)
{
	struct hv_check check;
	(void)state;

	hv_process.check(fail_host(1, FAIL_ONCE, 0), &check);
	assert_string_equal(fail_name(), "realloc");
	assert_false(check.is_available);
	assert_non_null(strstr(check.reason, "out of memory"));
	assert_non_null(strstr(check.remedy, "limits of processes, descriptors or memory"));
}

/* Open, make, run a hypercall and a system call, free, close. */
static mote_status whole_life(const struct host *host, void *user, mote_error *err)
{
	struct hv_exit event;
	struct box box;
	struct hv *hv;
	(void)user;

	mote_status status = hv_process.open(&hv, host, err);
	if (status)
		return status;
	box_init(&box, hv);
	status = box_make_vm(&box, NULL, err);
	if (!status) {
		box_set(&box, "syscall", 0);
		status = hv_process.run(box.vm, &event, err);
	}
	if (!status)
		status = hv_process.run(box.vm, &event, err);
	if (!status && event.kind == HV_EXIT_DIED)
		status = error_set(err, MOTE_E_OS, "the guest died");
	box_close(&box);
	hv_process.close(hv);
	return status;
}

/*
 * sendmsg: the farewell to the launcher, whose end of the socket closes all the same, and the
 * burial, for which a signal does. ioctl: the wish to be woken on the same processor, and
 * the answers and stops that a death explains. poll, recvmsg: the reply to the burial.
 */
static const char *const benign[] = { "sendmsg",           "ioctl", "poll", "recvmsg",
				      "pidfd_send_signal", NULL };

static void no_failure_leaves_anything_behind(void **state)
{
	(void)state;
	fail_each_operation(whole_life, NULL, benign);
}

static void both_ends_accept_nothing(void **state)
{
	(void)state;
	hv_process.vm_free(NULL);
	hv_process.close(NULL);
}

static const struct {
	const char *what;
	struct region view;
	const char *message;
} refused[] = {
	{ "a view where the monitor is", VIEW(MONITOR_TEXT, 0x10000000, 0x1000, REGION_READ),
	  "guest memory at 0x7ff000000000: the process backend has addresses below "
	  "0x7ff000000000" },
	{ "a view into where the monitor is",
	  VIEW(MONITOR_TEXT - 0x1000, 0x10000000, 0x2000, REGION_READ),
	  "the process backend has addresses below" },
	{ "a view that ends past all addresses",
	  VIEW(0x1000000, 0x10000000, UINT64_MAX, REGION_READ),
	  "the process backend has addresses below" },
	{ "a view of memory without a file", VIEW(0x1000000, 0x1000, 0x1000, REGION_READ),
	  "guest memory at 0x1000000 is in no file" },
	{ "a view of no slot", VIEW(0x1000000, 0x3000, 0x1000, REGION_READ), "is in no file" },
	{ "a view past the end of its slot",
	  VIEW(0x1000000, 0x10000000, BOX_SIZE + 0x1000, REGION_READ), "is in no file" },
	{ "a view that begins before its slot", VIEW(0x1000000, 0xffff000, 0x2000, REGION_READ),
	  "is in no file" },
	{ "a view over another", VIEW(BOX_DATA, 0x10000000, 0x1000, REGION_READ),
	  "cannot map the guest" },
	{ "a view at an odd address", VIEW(0x1000800, 0x10000000, 0x1000, REGION_READ),
	  "cannot map the guest" },
	{ "a view at an odd offset", VIEW(0x1000000, 0x10000800, 0x1000, REGION_READ),
	  "cannot map the guest" },
	{ "an empty view", VIEW(0x1000000, 0x10000000, 0, REGION_READ), "cannot map the guest" },
};

static void what_cannot_be_mapped_is_refused(void **state)
{
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	mote_error error;
	struct box box;
	struct hv *hv;
	(void)state;

	assert_int_equal(hv_process.open(&hv, host, NULL), MOTE_OK);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		box_init(&box, hv);
		assert_int_not_equal(box_make_vm(&box, &refused[i].view, &error), MOTE_OK);
		assert_null(box.vm);
		if (!strstr(error.message, refused[i].message))
			fail_msg("%s: %s", refused[i].what, error.message);
		box_close(&box);
	}
	/* And the next one works. */
	box_open(&box, hv);
	assert_int_equal(box_start(&box, "show", 0).kind, HV_EXIT_HYPERCALL);
	box_close(&box);
	hv_process.close(hv);
	assert_null(fail_leak());
}

static void no_note(void *user, uint64_t gpa)
{
	(void)user;
	fail_msg("page 0x%llx is told", (unsigned long long)gpa);
}

static void nothing_tells_what_a_guest_has_written(void **state)
{
	struct box box;
	struct hv *hv;
	(void)state;

	assert_int_equal(hv_process.open(&hv, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	box_open(&box, hv);
	assert_false(hv_process.written(box.vm, no_note, NULL));
	assert_int_equal(hv_process.watch(box.vm, NULL), MOTE_OK);
	assert_false(hv_process.written(box.vm, no_note, NULL));
	assert_int_equal(box_start(&box, "show", 0).kind, HV_EXIT_HYPERCALL);
	assert_false(hv_process.written(box.vm, no_note, NULL));
	assert_int_equal(hv_process.watch(box.vm, NULL), MOTE_OK);
	box_close(&box);
	hv_process.close(hv);
	assert_null(fail_leak());
}

static void too_many_slots_are_refused(void **state)
{
	enum { MANY = MONITOR_SLOTS_MAX + 1 };
	static struct region slots[MANY];
	const struct hv_cpu_state cpu = { 0 };
	struct hv_vm_config config = { .slots = slots, .nslots = MANY, .cpu = &cpu };
	mote_error error;
	struct hv_vm *vm;
	struct hv *hv;
	(void)state;

	for (size_t i = 0; i < MANY; i++)
		slots[i] = (struct region)SLOT(i * 0x1000, 0x1000, REGION_ALL, NULL, 0);
	assert_int_equal(hv_process.open(&hv, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	assert_int_equal(hv_process.vm_new(&vm, hv, &config, &error), MOTE_E_LIMIT);
	assert_non_null(strstr(error.message, "251 memory slots; it takes at most 250"));
	config.nslots = MANY - 1;
	assert_int_equal(hv_process.vm_new(&vm, hv, &config, &error), MOTE_OK);
	hv_process.vm_free(vm);
	hv_process.close(hv);
	assert_null(fail_leak());
}

static void many_views_fit(void **state)
{
	enum { MANY = 2000 };
	static struct region views[MANY];
	const struct hv_cpu_state cpu = { .regs = { .rip = 0x1000000 } };
	struct hv_vm_config config = { .views = views, .nviews = MANY, .nslots = 1, .cpu = &cpu };
	struct hv_exit event;
	struct hv_vm *vm;
	struct box box;
	struct hv *hv;
	(void)state;

	assert_int_equal(hv_process.open(&hv, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	box_init(&box, hv);
	const struct region slot = SLOT(0, BOX_SIZE, REGION_ALL, box.memory, box.fd);
	config.slots = &slot;
	for (size_t i = 0; i < MANY; i++)
		views[i] = (struct region)VIEW(0x1000000 + i * 0x2000, 0, 0x1000, REGION_READ);
	assert_int_equal(hv_process.vm_new(&vm, hv, &config, NULL), MOTE_OK);
	vm->regs->rip = 0x1000000 + (MANY - 1) * 0x2000;
	vm->regs_changed = true;
	assert_int_equal(hv_process.run(vm, &event, NULL), MOTE_OK);
	assert_int_equal(event.u.exception.error_code, 0x15); /* mapped, but not code */
	vm->regs->rip += 0x1000;
	vm->regs_changed = true;
	assert_int_equal(hv_process.run(vm, &event, NULL), MOTE_OK);
	assert_int_equal(event.u.exception.error_code, 0x14); /* in a gap */
	hv_process.vm_free(vm);
	box_close(&box);
	hv_process.close(hv);
	assert_null(fail_leak());
}

static void a_read_only_slot_stays_so(void **state)
{
	const struct region view = VIEW(BOX_DATA, 0, 0x1000, READ_WRITE);
	const struct region code = VIEW(BOX_CODE, 0, BOX_CODE_SIZE, READ_EXECUTE);
	const struct region views[] = { code, view };
	const struct hv_cpu_state cpu = { 0 };
	struct hv_vm_config config = { .views = views, .nviews = 2, .nslots = 1, .cpu = &cpu };
	struct box box;
	struct hv *hv;
	(void)state;

	assert_int_equal(hv_process.open(&hv, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	box_init(&box, hv);
	const struct region slot = SLOT(0, BOX_SIZE, READ_EXECUTE, box.memory, box.fd);
	config.slots = &slot;
	assert_int_equal(hv_process.vm_new(&box.vm, hv, &config, NULL), MOTE_OK);
	struct hv_exit event = box_start(&box, "write_at", BOX_DATA);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.vector, 14);
	box_close(&box);
	hv_process.close(hv);
	assert_null(fail_leak());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_complete),
		cmocka_unit_test(a_check_tries_it),
		cmocka_unit_test(a_check_says_what_is_missing),
		cmocka_unit_test(a_check_without_memory_says_so),
		cmocka_unit_test(no_failure_leaves_anything_behind),
		cmocka_unit_test(both_ends_accept_nothing),
		cmocka_unit_test(what_cannot_be_mapped_is_refused),
		cmocka_unit_test(nothing_tells_what_a_guest_has_written),
		cmocka_unit_test(too_many_slots_are_refused),
		cmocka_unit_test(many_views_fit),
		cmocka_unit_test(a_read_only_slot_stays_so),
	};
	return cmocka_run_group_tests_name("hv/process", tests, NULL, NULL);
}

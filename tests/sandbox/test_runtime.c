/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backend a runtime gets, what it says when there is none, and what the backends say of
 * themselves.
 */
#include "guest_abi/mote/guest.h"
#include "hv/fake.h"
#include "kit/fail.h"
#include "kit/held.h"
#include "sandbox/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static mote_runtime *rt;
static mote_error err;

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static const struct hv_backend *const both[] = { &fake_machine, &fake_process, NULL };
static const struct hv_backend *const reversed[] = { &fake_process, &fake_machine, NULL };
static const struct hv_backend *const machine_only[] = { &fake_machine, NULL };
static const struct hv_backend *const process_only[] = { &fake_process, NULL };
static const struct hv_backend *const none[] = { NULL };

/* Backends whose check() differs from that of the other. */
static void says_no(const struct host *host, struct hv_check *check)
{
	(void)host;
	fake.nchecks++;
	*check = (struct hv_check){ .reason = "it is broken", .remedy = "mend it" };
}

static void says_no_other(const struct host *host, struct hv_check *check)
{
	(void)host;
	*check = (struct hv_check){ .reason = "it is gone", .remedy = "fetch it" };
}

static struct hv_backend broken_machine, gone_machine, broken_process;

static int make_broken(void **state)
{
	broken_machine = gone_machine = fake_machine;
	broken_process = fake_process;
	broken_machine.check = says_no;
	gone_machine.check = says_no_other;
	broken_process.check = says_no_other;
	return reset(state);
}

static mote_status make(const mote_runtime_options *options,
			const struct hv_backend *const *backends)
{
	rt = (mote_runtime *)&err; /* must become NULL */
	err = (mote_error){ .message = "" };
	return runtime_new(&rt, options, &sys_linux, backends, &err);
}

static void expect_backend(const mote_runtime_options *options,
			   const struct hv_backend *const *backends, const char *name)
{
	if (make(options, backends))
		fail_msg("%s", err.message);
	assert_string_equal(mote_runtime_backend(rt), name);
	mote_runtime_free(rt);
	assert_int_equal(fake.nopen, 0);
}

static void expect_failure(const mote_runtime_options *options,
			   const struct hv_backend *const *backends, mote_status want,
			   const char *text)
{
	mote_status status = make(options, backends);
	if (status != want || err.code != want || !strstr(err.message, text))
		fail_msg("%s: %s", mote_status_name(status), err.message);
	assert_null(rt);
	assert_int_equal(runtime_new(&rt, options, &sys_linux, backends, NULL), want);
	assert_null(rt);
	assert_int_equal(fake.nopen, 0);
	assert_int_equal(fake.nvms, 0);
}

static void hardware_comes_first_whatever_the_order(void **state)
{
	(void)state;
	const mote_runtime_options *weaker =
		MOTE_OPTIONS(mote_runtime_options, .allow_weaker_isolation = true);

	expect_backend(NULL, both, "fake");
	expect_backend(NULL, reversed, "fake");
	expect_backend(weaker, reversed, "fake");
	expect_backend(weaker, process_only, "fake-process");
}

static void the_first_that_works_is_taken(void **state)
{
	(void)state;
	const struct hv_backend *const list[] = { &broken_machine, &gone_machine, &fake_machine,
						  &broken_machine, NULL };
	expect_backend(NULL, list, "fake");
	assert_int_equal(fake.nchecks, 2); /* one of broken_machine, one of fake_machine */
}

static void weaker_isolation_must_be_allowed(void **state)
{
	(void)state;
	const struct hv_backend *const list[] = { &broken_machine, &gone_machine, &fake_process,
						  NULL };
	expect_failure(NULL, list, MOTE_E_NO_HYPERVISOR,
		       "no hypervisor: it is broken; mend it; or set allow_weaker_isolation to");
	expect_backend(MOTE_OPTIONS(mote_runtime_options, .allow_weaker_isolation = true), list,
		       "fake-process");
}

static void without_any_the_first_reason_of_each_kind_is_said(void **state)
{
	(void)state;
	const struct hv_backend *const list[] = { &broken_machine, &broken_process, NULL };
	const mote_runtime_options *weaker =
		MOTE_OPTIONS(mote_runtime_options, .allow_weaker_isolation = true);

	expect_failure(weaker, list, MOTE_E_NO_HYPERVISOR,
		       "no backend works here: it is broken; and for weaker isolation: it is gone; "
		       "fetch it");
	expect_failure(NULL, none, MOTE_E_NO_HYPERVISOR,
		       "no hypervisor: this library was built without one; ");
	expect_failure(NULL, process_only, MOTE_E_NO_HYPERVISOR, "built without one");
	expect_failure(weaker, none, MOTE_E_NO_HYPERVISOR,
		       "for weaker isolation: this library was built without one");
}

static void a_backend_can_be_had_by_name(void **state)
{
	(void)state;
	const struct hv_backend *const list[] = { &broken_machine, &fake_process, NULL };

	expect_backend(MOTE_OPTIONS(mote_runtime_options, .backend = "fake-process"), both,
		       "fake-process");
	expect_backend(MOTE_OPTIONS(mote_runtime_options, .backend = "fake"), reversed, "fake");
	/* by name it is tried, whatever its check says: opening tells better why not */
	expect_backend(MOTE_OPTIONS(mote_runtime_options, .backend = "fake"), list, "fake");
	assert_int_equal(fake.nchecks, 0);
	expect_failure(MOTE_OPTIONS(mote_runtime_options, .backend = "kvm"), both, MOTE_E_INVALID,
		       "backend \"kvm\" does not exist; `mote doctor` lists those that do");
	expect_failure(MOTE_OPTIONS(mote_runtime_options, .backend = ""), both, MOTE_E_INVALID,
		       "backend \"\" does not exist");
	expect_failure(MOTE_OPTIONS(mote_runtime_options, .backend = "fake"), none, MOTE_E_INVALID,
		       "does not exist");
}

static void a_backend_that_does_not_open_is_an_error(void **state)
{
	(void)state;
	const mote_runtime_options *weaker =
		MOTE_OPTIONS(mote_runtime_options, .allow_weaker_isolation = true);

	fake.open_fails = MOTE_E_NO_HYPERVISOR;
	expect_failure(NULL, machine_only, MOTE_E_NO_HYPERVISOR, "the fake does not open");
	/* what check() found to work is not replaced behind the caller's back */
	expect_failure(weaker, both, MOTE_E_NO_HYPERVISOR, "the fake does not open");
}

static void a_hypervisor_without_a_way_out_is_an_error(void **state)
{
	(void)state;
	fake.obeys_iopl = fake.obeys_port_map = fake.has_mmio = false;
	expect_failure(NULL, machine_only, MOTE_E_NO_HYPERVISOR, "choose the process backend");
	expect_backend(MOTE_OPTIONS(mote_runtime_options, .backend = "fake-process"), both,
		       "fake-process");
}

static void firmware_follows_what_the_probe_found(void **state)
{
	(void)state;
	uint8_t page[MOTE_PAGE_SIZE];

	fake.obeys_port_map = false;
	fake.obeys_iopl = false;
	fake.syscall = FAKE_SYSCALL_RING3;
	assert_int_equal(make(NULL, machine_only), MOTE_OK);
	assert_int_equal(rt->platforms[0]->firmware.ways.hypercall, WAY_OUT_MMIO);
	assert_int_equal(rt->platforms[0]->firmware.ways.syscall, SYSCALL_RING3);
	supervisor_build_hypercall_page(page, rt->platforms[0]->firmware.ways);
	assert_memory_equal((char *)rt->platforms[0]->firmware.host + SUPERVISOR_BLOCK_SIZE, page,
			    sizeof page);
	mote_runtime_free(rt);
}

static void *counting_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
	++*(unsigned *)user;
	return held_realloc(ptr, old_size, new_size);
}

static unsigned nlines;
static void count_line(void *user, mote_log_level level, const char *source, const char *message)
{
	(void)user, (void)level, (void)source, (void)message;
	nlines++;
}

static void memory_and_log_are_the_callers(void **state)
{
	(void)state;
	unsigned nreallocs = 0;

	held_forget();
	assert_int_equal(make(MOTE_OPTIONS(mote_runtime_options, .realloc = counting_realloc,
					   .realloc_user = &nreallocs, .log = count_line,
					   .log_user = &nlines, .log_level = MOTE_LOG_WARN),
			      both),
			 MOTE_OK);
	assert_true(nreallocs > 0);
	host_log(&rt->host, MOTE_LOG_WARN, "to be heard");
	host_log(&rt->host, MOTE_LOG_INFO, "not to be heard");
	assert_int_equal(nlines, 1);
	assert_ptr_equal(rt->host.log_user, &nlines);
	mote_runtime_free(rt);
	assert_null(held_first());
	mote_runtime_free(NULL);
}

/* The backends that this library has, on this machine. */
static void backends_describe_themselves(void **state)
{
	(void)state;
	mote_backend_info info = { .size = sizeof info };

	assert_int_equal(mote_backend_describe(0, &info, &err), MOTE_OK);
	assert_string_equal(info.name, "kvm");
	assert_true(info.is_hardware);
	if (info.is_available) {
		assert_string_equal(info.reason, "found");
		assert_string_equal(info.remedy, "");
		assert_non_null(strstr(info.details, "hypercall by "));
		assert_non_null(strstr(info.details, "syscall arrives in ring "));
	} else {
		print_message("SKIP: no KVM here: %s\n", info.reason);
		assert_string_not_equal(info.remedy, "");
	}
	assert_int_equal(mote_backend_describe(1, &info, &err), MOTE_OK);
	assert_string_equal(info.name, "process");
	assert_false(info.is_hardware);
	assert_int_equal(mote_backend_describe(2, &info, &err), MOTE_E_INVALID);
	assert_string_equal(err.message, "there is no backend 2; this library has 2");
	assert_int_equal(mote_backend_describe(SIZE_MAX, &info, NULL), MOTE_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hardware_comes_first_whatever_the_order, reset),
		cmocka_unit_test_setup(the_first_that_works_is_taken, make_broken),
		cmocka_unit_test_setup(weaker_isolation_must_be_allowed, make_broken),
		cmocka_unit_test_setup(without_any_the_first_reason_of_each_kind_is_said,
				       make_broken),
		cmocka_unit_test_setup(a_backend_can_be_had_by_name, make_broken),
		cmocka_unit_test_setup(a_backend_that_does_not_open_is_an_error, reset),
		cmocka_unit_test_setup(a_hypervisor_without_a_way_out_is_an_error, reset),
		cmocka_unit_test_setup(firmware_follows_what_the_probe_found, reset),
		cmocka_unit_test_setup(memory_and_log_are_the_callers, reset),
		cmocka_unit_test_setup(backends_describe_themselves, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

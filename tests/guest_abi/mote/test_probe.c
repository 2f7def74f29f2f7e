/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe on hypervisors of every kind: each combination of what they may let ring 3 do.
 */
#include "guest_abi/mote/machine.h"
#include "hv/fake.h"
#include "kit/fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static struct hv *open_fake(const struct hv_backend *backend, const struct host *host)
{
	struct hv *hv;
	assert_int_equal(backend->open(&hv, host, NULL), MOTE_OK);
	return hv;
}

static mote_status probe(const struct hv_backend *backend, struct machine_ways *ways,
			 mote_error *err)
{
	struct host host;
	host_init(&host);
	struct hv *hv = open_fake(backend, &host);
	mote_status status = machine_probe(ways, hv, err);
	hv->ops->close(hv);
	assert_int_equal(fake.nvms, 0);
	return status;
}

enum { NONE = -1 };

static int expected_hypercall(void)
{
	if (fake.obeys_port_map)
		return WAY_OUT_PORT;
	if (fake.obeys_iopl)
		return WAY_OUT_IOPL;
	return fake.has_mmio ? WAY_OUT_MMIO : NONE;
}

static int expected_syscall(void)
{
	if (fake.syscall == FAKE_SYSCALL_RING0)
		return SYSCALL_RING0;
	return fake.syscall == FAKE_SYSCALL_RING3 && fake.has_mmio ? SYSCALL_RING3 : NONE;
}

static void the_best_way_of_every_hypervisor_is_found(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 8 * 3; kind++) {
		struct machine_ways ways;
		mote_error err = { .message = "" };

		fake.obeys_port_map = kind & 1;
		fake.obeys_iopl = kind & 2;
		fake.has_mmio = kind & 4;
		fake.syscall = (enum fake_syscall)(kind / 8);
		const int hypercall = expected_hypercall(), syscall = expected_syscall();
		mote_status status = probe(&fake_machine, &ways, &err);
		if (hypercall == NONE || syscall == NONE) {
			assert_int_equal(status, MOTE_E_NO_HYPERVISOR);
			assert_non_null(strstr(err.message, "choose the process backend"));
			assert_non_null(strstr(err.message, hypercall == NONE
								    ? "neither by `out` nor by"
								    : "syscall instruction"));
			assert_int_equal(probe(&fake_machine, &ways, NULL), MOTE_E_NO_HYPERVISOR);
			continue;
		}
		if (status)
			fail_msg("kind %u: %s", kind, err.message);
		assert_int_equal(ways.hypercall, hypercall);
		assert_int_equal(ways.syscall, syscall);
	}
}

static void a_backend_that_is_no_machine_is_not_asked(void **state)
{
	(void)state;
	struct machine_ways ways;

	fake.vm_new_fails = MOTE_E_OS;
	assert_int_equal(probe(&fake_process, &ways, NULL), MOTE_OK);
	assert_int_equal(ways.hypercall, WAY_OUT_PORT);
	assert_int_equal(ways.syscall, SYSCALL_RING0);
	assert_int_equal(fake.nruns, 0);
}

static void signals_do_not_make_the_probe_err(void **state)
{
	(void)state;
	struct machine_ways ways;

	for (unsigned n = 1; n < 40; n++) {
		fake_reset();
		fake.obeys_port_map = false;
		fake.interrupts = n;
		assert_int_equal(probe(&fake_machine, &ways, NULL), MOTE_OK);
		assert_int_equal(ways.hypercall, WAY_OUT_IOPL);
		assert_int_equal(fake.interrupts, 0);
	}
}

static void a_machine_that_fails_is_an_error_of_its_own(void **state)
{
	(void)state;
	struct machine_ways ways;
	mote_error err;

	fake.vm_new_fails = MOTE_E_OS;
	assert_int_equal(probe(&fake_machine, &ways, &err), MOTE_E_OS);
	assert_string_equal(err.message, "the fake makes no machine");
	fake.vm_new_fails = MOTE_OK;
	fake.run_fails = MOTE_E_OS;
	assert_int_equal(probe(&fake_machine, &ways, &err), MOTE_E_OS);
	assert_string_equal(err.message, "the fake does not run");
}

static mote_status scenario(const struct host *host, void *user, mote_error *err)
{
	struct machine_ways ways;
	struct hv *hv;

	(void)user;
	mote_status status = fake_machine.open(&hv, host, err);
	if (status)
		return status;
	status = machine_probe(&ways, hv, err);
	hv->ops->close(hv);
	return status;
}

static void nothing_is_left_behind_whatever_fails(void **state)
{
	(void)state;
	static const char *const benign[] = { "madvise", NULL };
	fail_each_operation(scenario, NULL, benign);
	assert_int_equal(fake.nvms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_best_way_of_every_hypervisor_is_found, reset),
		cmocka_unit_test_setup(a_backend_that_is_no_machine_is_not_asked, reset),
		cmocka_unit_test_setup(signals_do_not_make_the_probe_err, reset),
		cmocka_unit_test_setup(a_machine_that_fails_is_an_error_of_its_own, reset),
		cmocka_unit_test_setup(nothing_is_left_behind_whatever_fails, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

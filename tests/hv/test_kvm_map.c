/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory slots of the KVM backend: what it refuses before KVM or the processor would. Skipped
 * where KVM cannot be used.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm.h"
#include "hv/regions.h"
#include "kit/fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

enum { PAGE = 4096 };
static uint8_t memory[2 * PAGE] __attribute__((aligned(PAGE)));

static struct region slot_at(uint64_t gpa)
{
	return (struct region)SLOT(gpa, PAGE, READ_EXECUTE, memory, -1);
}

/* A machine with one slot at 0x1000, and a writable one that is watched, at 0x100000. */
static mote_status make(struct hv **hv, struct hv_vm **vm, const struct host *host, mote_error *err)
{
	const struct region slots[] = { slot_at(0x1000),
					SLOT(0x100000, PAGE, REGION_ALL, memory + PAGE, -1) };
	const struct hv_cpu_state cpu = { 0 };
	const struct hv_vm_config config = {
		.slots = slots, .nslots = 2, .cpu = &cpu, .is_watched = true
	};

	mote_status status = hv_kvm.open(hv, host, err);
	if (status)
		return status;
	status = hv_kvm.vm_new(vm, *hv, &config, err);
	if (status)
		hv_kvm.close(*hv);
	return status;
}

static int require_kvm(void **state)
{
	(void)state;
	struct hv_check check;
	struct host host;

	host_init(&host);
	hv_kvm.check(&host, &check);
	if (check.is_available)
		return 0;
	print_message("SKIP: no kvm here: %s\n", check.reason);
	return -1;
}

static void slots_are_added_and_refused(void **state)
{
	(void)state;
	struct host host;
	struct hv *hv;
	struct hv_vm *vm;
	mote_error err;

	host_init(&host);
	assert_int_equal(make(&hv, &vm, &host, NULL), MOTE_OK);
	struct region slot = slot_at(0x1000);
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, EEXIST);
	assert_non_null(strstr(err.message, "memory slot 2, guest physical 0x1000..0x2000"));
	/* the number is free still, and then the next one */
	slot = slot_at(0x2000);
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_OK);
	slot = slot_at(0x3000);
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_OK);
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "memory slot 4"));

	static const uint64_t unreachable[] = { UINT64_C(1) << 52, UINT64_MAX - PAGE + 1 };
	for (size_t i = 0; i < 2; i++) {
		slot = slot_at(unreachable[i]);
		assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_E_LIMIT);
		assert_non_null(strstr(err.message, "the most that this processor has"));
	}
	slot = slot_at(0x4000);
	slot.size = UINT64_MAX - 0x4000 - PAGE + 1;
	assert_int_equal(hv_kvm.map(vm, &slot, &err), MOTE_E_LIMIT);
	hv_kvm.vm_free(vm);
	hv_kvm.close(hv);
}

static mote_status make_and_map(const struct host *host, void *user, mote_error *err)
{
	const struct region slot = slot_at(0x2000);
	struct hv *hv;
	struct hv_vm *vm;

	(void)user;
	mote_status status = make(&hv, &vm, host, err);
	if (status)
		return status;
	status = hv_kvm.map(vm, &slot, err);
	hv_kvm.vm_free(vm);
	hv_kvm.close(hv);
	return status;
}

static void no_failure_leaves_anything_behind(void **state)
{
	(void)state;
	fail_each_operation(make_and_map, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_added_and_refused),
		cmocka_unit_test(no_failure_leaves_anything_behind),
	};
	if (require_kvm(NULL))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

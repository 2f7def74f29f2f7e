/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the KVM backend says of machines on which it does not work, each with its remedy: by
 * check(), for `mote doctor`, and by open(), for an error.
 */
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_kernel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

/* Opens, which must fail; returns the error. */
static const mote_error *open_badly(const struct host *host, mote_status want)
{
	static mote_error err;
	struct hv *hv = (struct hv *)&err;

	err = (mote_error){ .message = "" };
	mote_status status = hv_kvm.open(&hv, host, &err);
	if (status != want || err.code != want)
		fail_msg("%s: %s", mote_status_name(status), err.message);
	assert_null(hv);
	assert_int_equal(kvm_kernel.fds, 0);
	assert_int_equal(hv_kvm.open(&hv, host, NULL), want);
	assert_int_equal(kvm_kernel.fds, 0);
	return &err;
}

static void a_kernel_with_everything_is_fine(void **state)
{
	(void)state;
	const struct host *host = kvm_kernel_host();
	struct hv_check check;
	struct hv *hv;

	memset(&check, 0xff, sizeof check);
	hv_kvm.check(host, &check);
	assert_true(check.is_available);
	assert_string_equal(check.reason, "found");
	assert_string_equal(check.remedy, "");
	assert_string_equal(check.details, "/dev/kvm, API version 12");
	assert_int_equal(kvm_kernel.fds, 0);
	assert_int_equal(hv_kvm.open(&hv, host, NULL), MOTE_OK);
	assert_int_equal(kvm_kernel.fds, 1);
	hv->ops->close(hv);
	hv_kvm.close(NULL);
	assert_int_equal(kvm_kernel.fds, 0);
}

static void a_device_that_does_not_open_has_a_remedy(void **state)
{
	(void)state;
	static const struct {
		int error;
		const char *reason, *remedy;
	} rows[] = {
		{ ENOENT, "/dev/kvm does not exist", "modprobe kvm_intel" },
		{ ENXIO, "/dev/kvm does not exist", "docker run --device /dev/kvm" },
		{ ENODEV, "/dev/kvm does not exist", "enable virtualization" },
		{ EACCES, "no permission to open /dev/kvm", "sudo usermod -aG kvm $USER" },
		{ EPERM, "no permission to open /dev/kvm", "sudo usermod -aG kvm $USER" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct host *host = kvm_kernel_host();
		struct hv_check check;
		kvm_kernel.open_error = rows[i].error;
		hv_kvm.check(host, &check);
		assert_false(check.is_available);
		expect_text(check.reason, rows[i].reason);
		expect_text(check.remedy, rows[i].remedy);
		const mote_error *err = open_badly(host, MOTE_E_NO_HYPERVISOR);
		expect_text(err->message, rows[i].reason);
		expect_text(err->message, rows[i].remedy);
	}
}

static void a_fault_of_another_kind_is_told_as_it_is(void **state)
{
	(void)state;
	const struct host *host = kvm_kernel_host();
	struct hv_check check;

	kvm_kernel.open_error = EMFILE;
	hv_kvm.check(host, &check);
	assert_false(check.is_available);
	expect_text(check.reason, "cannot open /dev/kvm: error 24");
	const mote_error *err = open_badly(host, MOTE_E_OS);
	assert_int_equal(err->os_error, EMFILE);
	assert_string_equal(err->message, "cannot open /dev/kvm: Too many open files");
	/* one that has passed when somebody looks */
	host = kvm_kernel_host();
	kvm_kernel.open_error = EINTR;
	kvm_kernel.open_errors = 1;
	struct hv *hv;
	mote_error passing;
	assert_int_equal(hv_kvm.open(&hv, host, &passing), MOTE_E_OS);
	assert_int_equal(passing.os_error, EINTR);
	assert_int_equal(kvm_kernel.fds, 0);
}

static void another_api_version_is_refused(void **state)
{
	(void)state;
	const struct host *host = kvm_kernel_host();
	struct hv_check check;

	kvm_kernel.version = 11;
	hv_kvm.check(host, &check);
	assert_false(check.is_available);
	expect_text(check.reason, "another API version");
	assert_string_equal(check.remedy, "update the kernel");
	expect_text(open_badly(host, MOTE_E_NO_HYPERVISOR)->message,
		    "/dev/kvm speaks API version 11, not 12");
}

static void every_required_capability_is_asked_for(void **state)
{
	(void)state;
	static const struct {
		long capability;
		const char *name;
	} rows[] = {
		{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
		{ KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
		{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
		{ KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS" },
		{ KVM_CAP_XCRS, "KVM_CAP_XCRS" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct host *host = kvm_kernel_host();
		struct hv_check check;
		kvm_kernel.lacks = rows[i].capability;
		hv_kvm.check(host, &check);
		assert_false(check.is_available);
		expect_text(check.reason, rows[i].name);
		expect_text(check.remedy, "Linux 5.10");
		expect_text(open_badly(host, MOTE_E_NO_HYPERVISOR)->message, rows[i].name);
	}
}

static void every_request_of_open_may_fail(void **state)
{
	(void)state;
	const struct host *host = kvm_kernel_host();
	kvm_kernel.fails = KVM_GET_SUPPORTED_CPUID;
	kvm_kernel.error = E2BIG;
	const mote_error *err = open_badly(host, MOTE_E_OS);
	assert_int_equal(err->os_error, E2BIG);
	expect_text(err->message, "KVM_GET_SUPPORTED_CPUID failed");

	host = kvm_kernel_host();
	kvm_kernel.fails = KVM_GET_VCPU_MMAP_SIZE;
	err = open_badly(host, MOTE_E_OS);
	expect_text(err->message, "KVM_GET_VCPU_MMAP_SIZE gave -1");
	host = kvm_kernel_host();
	kvm_kernel.vcpu_size = 16; /* less than what is read of it */
	expect_text(open_badly(host, MOTE_E_OS)->message, "KVM_GET_VCPU_MMAP_SIZE gave 16");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_with_everything_is_fine),
		cmocka_unit_test(a_device_that_does_not_open_has_a_remedy),
		cmocka_unit_test(a_fault_of_another_kind_is_told_as_it_is),
		cmocka_unit_test(another_api_version_is_refused),
		cmocka_unit_test(every_required_capability_is_asked_for),
		cmocka_unit_test(every_request_of_open_may_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

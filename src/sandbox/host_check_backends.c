/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host checks about what runs guests: the backends themselves, and who may use the device.
 */
#define _GNU_SOURCE
#include "sandbox/host_check.h"

#include <errno.h>
#include <fcntl.h>

#define KVM_DEVICE "/dev/kvm"

/* The first backend of that strength that works, or else the first. */
static void check_backend(const struct host_view *view, bool is_hardware, const char *without,
			  mote_host_check_info *info)
{
	struct hv_check check = { .reason = "this library was built without it" };
	bool has_first = false;

	for (size_t i = 0; view->backends[i]; i++) {
		struct hv_check next;
		if (view->backends[i]->is_hardware != is_hardware)
			continue;
		view->backends[i]->check(view->host, &next);
		if (!has_first || next.is_available)
			check = next;
		has_first = true;
		if (check.is_available)
			break;
	}
	if (check.is_available)
		host_found(info, MOTE_HOST_OK, "", "%s", check.details);
	else
		host_found(info, MOTE_HOST_FAIL, check.remedy[0] ? check.remedy : without, "%s",
			   check.reason);
}

void check_kvm(const struct host_view *view, mote_host_check_info *info)
{
	check_backend(view, true, "see the kernel's log, `dmesg`", info);
}

void check_process(const struct host_view *view, mote_host_check_info *info)
{
	check_backend(view, false, "see docs/process-backend.md for what it needs", info);
}

/* KVM is much code of the kernel's, for whoever may open the device. */
void check_kvm_device(const struct host_view *view, mote_host_check_info *info)
{
	struct stat device;
	int fd = view->host->sys->open(KVM_DEVICE, O_PATH | O_CLOEXEC);
	int failed = fd < 0 || view->host->sys->fstat(fd, &device) < 0;

	if (fd >= 0)
		view->host->sys->close(fd);
	if (failed)
		host_found(info, MOTE_HOST_UNKNOWN,
			   "run `modprobe kvm_intel` or `modprobe kvm_amd` as root",
			   "there is no " KVM_DEVICE);
	else if (device.st_mode & 06)
		host_found(info, MOTE_HOST_WARN,
			   "add a udev rule KERNEL==\"kvm\", GROUP=\"kvm\", MODE=\"0660\"",
			   "every user of this machine may use " KVM_DEVICE " (mode %03o)",
			   (unsigned)device.st_mode & 0777);
	else
		host_found(info, MOTE_HOST_OK, "", KVM_DEVICE " has mode %03o",
			   (unsigned)device.st_mode & 0777);
}

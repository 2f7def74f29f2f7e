/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why KVM works on this machine or not, and what would mend it: for the error of
 * a runtime that cannot be made, and for `mote doctor`. Looks, changes nothing.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static void say(struct hv_check *check, const char *reason, const char *remedy)
{
	snprintf(check->reason, sizeof check->reason, "%s", reason);
	snprintf(check->remedy, sizeof check->remedy, "%s", remedy);
}

static void say_open_failed(struct hv_check *check, int os_error)
{
	if (os_error == ENOENT || os_error == ENXIO || os_error == ENODEV)
		say(check,
		    KVM_DEVICE " does not exist: no KVM in this kernel, or none passed on to "
			       "this virtual machine or container",
		    "run `modprobe kvm_intel` or `modprobe kvm_amd` as root, enable virtualization "
		    "in the firmware, or pass the device on (docker run --device " KVM_DEVICE ")");
	else if (os_error == EACCES || os_error == EPERM)
		say(check, "no permission to open " KVM_DEVICE,
		    "run `sudo usermod -aG kvm $USER` and log in again");
	else
		snprintf(check->reason, sizeof check->reason,
			 "cannot open " KVM_DEVICE ": error %d", os_error);
}

/* The first required capability that is missing, or NULL. */
static const struct kvm_required *missing(const struct host *host, int fd)
{
	for (size_t i = 0; i < kvm_nrequired; i++) {
		const struct kvm_required *need = &kvm_required[i];
		int got = host->sys->ioctl(fd, KVM_CHECK_EXTENSION, (void *)need->capability);
		if (got < 0 || (got & need->least) != need->least)
			return need;
	}
	return NULL;
}

void kvm_check(const struct host *host, struct hv_check *check)
{
	*check = (struct hv_check){ 0 };
	int fd = host->sys->open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		say_open_failed(check, errno);
		return;
	}
	int version = host->sys->ioctl(fd, KVM_GET_API_VERSION, NULL);
	const struct kvm_required *lacks = missing(host, fd);
	host->sys->close(fd);

	snprintf(check->details, sizeof check->details, KVM_DEVICE ", API version %d", version);
	if (version != KVM_API_VERSION) {
		say(check, KVM_DEVICE " speaks another API version", "update the kernel");
	} else if (lacks) {
		snprintf(check->reason, sizeof check->reason, "KVM lacks %s", lacks->name);
		snprintf(check->remedy, sizeof check->remedy, "use Linux 5.10 or newer");
	} else {
		check->is_available = true;
		say(check, "found", "");
	}
}

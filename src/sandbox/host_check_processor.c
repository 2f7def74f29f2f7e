/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host checks about the processor: whether it is a real one, what its virtualization has, who
 * shares its cores, and what is done about its flaws.
 */
#define _GNU_SOURCE
#include "sandbox/host_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FLAWS "/sys/devices/system/cpu/vulnerabilities"

/* Whether WORD is one of the words behind "flags" in /proc/cpuinfo. */
static bool has_flag(const char *cpuinfo, const char *word)
{
	const char *flags = strstr(cpuinfo, "\nflags");
	size_t length = strlen(word);

	if (!flags)
		return false;
	const char *end = flags + 1 + strcspn(flags + 1, "\n");
	for (const char *at = strstr(flags, word); at && at < end; at = strstr(at + 1, word))
		if (strchr(" \t", at[-1]) && strchr(" \n", at[length]))
			return true;
	return false;
}

void check_nested(const struct host_view *view, mote_host_check_info *info)
{
	char cpuinfo[8192]; /* the first processor's lines, above all */

	if (!host_read(view->host, "/proc/cpuinfo", cpuinfo, sizeof cpuinfo))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /proc", "/proc/cpuinfo cannot be read");
	else if (has_flag(cpuinfo, "hypervisor"))
		host_found(info, MOTE_HOST_WARN,
			   "use a physical machine; or trust the hypervisor below, and expect each "
			   "exit "
			   "to take longer",
			   "this is a virtual machine, so guests are nested in it");
	else
		host_found(info, MOTE_HOST_OK, "", "this is a physical machine");
}

void check_paging(const struct host_view *view, mote_host_check_info *info)
{
	static const struct {
		const char *path, *name, *remedy;
	} rows[] = {
		{ "/sys/module/kvm_intel/parameters/ept", "EPT",
		  "reload kvm_intel with ept=1; in a virtual machine, have its hypervisor pass EPT "
		  "on" },
		{ "/sys/module/kvm_amd/parameters/npt", "NPT",
		  "reload kvm_amd with npt=1; in a virtual machine, have its hypervisor pass NPT "
		  "on" },
	};
	char text[8];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!host_read(view->host, rows[i].path, text, sizeof text))
			continue;
		if (strchr("Y1", text[0]))
			host_found(info, MOTE_HOST_OK, "", "KVM uses %s", rows[i].name);
		else
			host_found(info, MOTE_HOST_WARN, rows[i].remedy,
				   "KVM does without %s: the kernel writes page tables for guests, "
				   "which is "
				   "slow and more code",
				   rows[i].name);
		return;
	}
	host_found(info, MOTE_HOST_UNKNOWN,
		   "load kvm_intel or kvm_amd; other modules do not say whether they have it",
		   "neither kvm_intel nor kvm_amd is loaded");
}

void check_smt(const struct host_view *view, mote_host_check_info *info)
{
	static const char remedy[] = "run `echo off > /sys/devices/system/cpu/smt/control` as "
				     "root, boot with nosmt, or give "
				     "each tenant cores of its own";
	char active[8];

	if (!host_read(view->host, "/sys/devices/system/cpu/smt/active", active, sizeof active)) {
		host_found(info, MOTE_HOST_UNKNOWN, remedy,
			   "the kernel does not say whether threads share cores");
		return;
	}
	if (strcmp(active, "0") == 0)
		host_found(info, MOTE_HOST_OK, "", "no threads share a core");
	else
		host_found(
			info, MOTE_HOST_WARN, remedy,
			"two threads share a core, and what one leaves in its caches the other may "
			"learn");
}

/* How bad it is, from what the kernel says of one flaw. Its texts have parts, and each may be bad:
 * "Mitigation: Retpolines; BHI: Vulnerable". That of threads that share cores is another check's. */
static mote_host_state judge(const char *text)
{
	for (const char *at = strcasestr(text, "vulnerable"); at;
	     at = strcasestr(at + 1, "vulnerable"))
		if (at - text < 4 || strncmp(at - 4, "SMT ", 4) != 0)
			return MOTE_HOST_FAIL;
	if (strncmp(text, "Unknown", 7) == 0)
		return MOTE_HOST_UNKNOWN;
	return MOTE_HOST_OK;
}

/* The flaws that were found so far. */
struct flaws {
	unsigned count, open, unknown;
	char names[160]; /* of those that are open, or else not known */
};

static void add_name(struct flaws *flaws, const char *name)
{
	size_t used = strlen(flaws->names);

	snprintf(flaws->names + used, sizeof flaws->names - used, "%s%s", used ? ", " : "", name);
}

static void add_flaw(const struct host *host, const char *name, struct flaws *flaws)
{
	char path[512], text[256];

	if (name[0] == '.')
		return;
	snprintf(path, sizeof path, FLAWS "/%.255s", name);
	mote_host_state state =
		host_read(host, path, text, sizeof text) ? judge(text) : MOTE_HOST_UNKNOWN;
	flaws->count++;
	if (state == MOTE_HOST_FAIL && flaws->open++ == 0)
		flaws->names[0] = '\0'; /* these matter more */
	flaws->unknown += state == MOTE_HOST_UNKNOWN;
	if (state == MOTE_HOST_FAIL || (state == MOTE_HOST_UNKNOWN && flaws->open == 0))
		add_name(flaws, name);
}

/* False when there is no such folder, or it cannot be read to its end. */
static bool find_flaws(const struct host *host, struct flaws *flaws)
{
	_Alignas(struct dirent64) char room[4096];
	int fd = host->sys->open(FLAWS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t size;

	*flaws = (struct flaws){ 0 };
	if (fd < 0)
		return false;
	while ((size = host->sys->getdents64(fd, room, sizeof room)) > 0)
		for (ssize_t at = 0; at < size;) {
			const struct dirent64 *entry = (const void *)(room + at);
			add_flaw(host, entry->d_name, flaws);
			at += entry->d_reclen;
		}
	host->sys->close(fd);
	return size == 0 && flaws->count > 0;
}

void check_mitigations(const struct host_view *view, mote_host_check_info *info)
{
	static const char remedy[] =
		"update kernel and microcode, and boot without mitigations=off; see "
		"Documentation/admin-guide/hw-vuln of the kernel";
	struct flaws flaws;

	if (!find_flaws(view->host, &flaws))
		host_found(info, MOTE_HOST_UNKNOWN, "use Linux 4.15 or newer, and mount /sys",
			   "the kernel does not tell of the processor's flaws");
	else if (flaws.open)
		host_found(info, MOTE_HOST_FAIL, remedy, "nothing is done about %u of %u flaws: %s",
			   flaws.open, flaws.count, flaws.names);
	else if (flaws.unknown)
		host_found(info, MOTE_HOST_UNKNOWN,
			   "ask whoever runs the hypervisor below: it decides about them",
			   "the kernel cannot tell about %u of %u flaws: %s", flaws.unknown,
			   flaws.count, flaws.names);
	else
		host_found(info, MOTE_HOST_OK, "", "none of %u known flaws is open", flaws.count);
}

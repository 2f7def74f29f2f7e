/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host checks about how the kernel is set up: what it does with the memory of guests, and how
 * many sandboxes it lets a process have.
 */
#include "sandbox/host_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one sandbox without mapped files takes of a process, at most and rounded up:
 * tests/integration/test_inheritance.c counts. */
enum { MAPPINGS_EACH = 16, FILES_EACH = 6 };

/* Linux's own defaults. Less was somebody's choice. */
enum { MAPPINGS_USUAL = 65530, FILES_USUAL = 1024, PROCESSES_USUAL = 1024 };

void check_ksm(const struct host_view *view, mote_host_check_info *info)
{
	char text[8];
	bool is_read = host_read(view->host, "/sys/kernel/mm/ksm/run", text, sizeof text);

	if (!is_read && !host_lacks(view->host, "/sys/kernel/mm/ksm", "/sys/kernel"))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /sys",
			   "/sys/kernel/mm/ksm/run cannot be read");
	else if (text[0] == '1')
		host_found(info, MOTE_HOST_WARN, "run `echo 2 > /sys/kernel/mm/ksm/run` as root",
			   "the kernel merges equal pages where programs ask for it; by the time "
			   "that a write takes, one learns what another has");
	else
		host_found(info, MOTE_HOST_OK, "", "the kernel merges no pages");
}

void check_swap(const struct host_view *view, mote_host_check_info *info)
{
	char text[1024];
	bool is_read = host_read(view->host, "/proc/swaps", text, sizeof text);

	if (!is_read && !host_lacks(view->host, "/proc/swaps", "/proc/self"))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /proc", "/proc/swaps cannot be read");
	else if (strchr(text, '\n')) /* a line below the heading */
		host_found(info, MOTE_HOST_WARN,
			   "run `swapoff -a` as root, or encrypt the swap; pages that come back "
			   "from it also make calls slow",
			   "memory of guests may go to disk, and stay there");
	else
		host_found(info, MOTE_HOST_OK, "", "there is no swap");
}

/* The soft limit of the row that begins with NAME; UINT64_MAX for "unlimited". */
static bool find_limit(const char *limits, const char *name, uint64_t *limit)
{
	const char *row = strstr(limits, name);
	char *end;

	if (!row)
		return false;
	row += strlen(name);
	row += strspn(row, " ");
	if (strncmp(row, "unlimited", 9) == 0) {
		*limit = UINT64_MAX;
		return true;
	}
	*limit = strtoull(row, &end, 10);
	return end != row;
}

void check_core_dumps(const struct host_view *view, mote_host_check_info *info)
{
	char text[4096];
	uint64_t bytes;

	host_read(view->host, "/proc/self/limits", text, sizeof text);
	if (!find_limit(text, "Max core file size", &bytes))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /proc",
			   "/proc/self/limits cannot be read");
	else if (bytes)
		host_found(info, MOTE_HOST_WARN, "run `ulimit -c 0`, or set LimitCORE=0",
			   "a core dump of this process would have the memory of all its guests");
	else
		host_found(info, MOTE_HOST_OK, "", "this process leaves no core dump");
}

void check_overcommit(const struct host_view *view, mote_host_check_info *info)
{
	uint64_t mode;

	if (!host_read_number(view->host, "/proc/sys/vm/overcommit_memory", &mode))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /proc",
			   "/proc/sys/vm/overcommit_memory cannot be read");
	else if (mode == 2)
		host_found(info, MOTE_HOST_WARN, "run `sysctl vm.overcommit_memory=0` as root",
			   "all of a sandbox's heap counts as used, also what it never touches");
	else
		host_found(info, MOTE_HOST_OK, "", "memory counts when it is touched");
}

void check_max_map_count(const struct host_view *view, mote_host_check_info *info)
{
	uint64_t most;

	if (!host_read_number(view->host, "/proc/sys/vm/max_map_count", &most))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /proc",
			   "/proc/sys/vm/max_map_count cannot be read");
	else
		host_found(info, most < MAPPINGS_USUAL ? MOTE_HOST_WARN : MOTE_HOST_OK,
			   "run `sysctl vm.max_map_count=1048576` as root",
			   "%" PRIu64 " mappings a process: about %" PRIu64 " sandboxes", most,
			   most / MAPPINGS_EACH);
}

void check_limits(const struct host_view *view, mote_host_check_info *info)
{
	char text[4096];
	uint64_t files, processes, bytes;

	host_read(view->host, "/proc/self/limits", text, sizeof text);
	if (!find_limit(text, "Max open files", &files) ||
	    !find_limit(text, "Max processes", &processes) ||
	    !find_limit(text, "Max address space", &bytes))
		host_found(info, MOTE_HOST_UNKNOWN, "mount /proc",
			   "/proc/self/limits cannot be read");
	else if (bytes != UINT64_MAX)
		host_found(info, MOTE_HOST_WARN, "run `ulimit -v unlimited`",
			   "this process may have %" PRIu64
			   " bytes of address space, and each sandbox "
			   "reserves its heap",
			   bytes);
	else if (files < FILES_USUAL)
		host_found(info, MOTE_HOST_WARN, "run `ulimit -n 65536`, or set LimitNOFILE=65536",
			   "%" PRIu64 " open files: about %" PRIu64 " sandboxes", files,
			   files / FILES_EACH);
	else if (processes < PROCESSES_USUAL)
		host_found(info, MOTE_HOST_WARN, "run `ulimit -u 65536`, or set LimitNPROC=65536",
			   "this user may have %" PRIu64
			   " processes; with the process backend, each "
			   "sandbox is one",
			   processes);
	else
		host_found(info, MOTE_HOST_OK, "",
			   "%" PRIu64 " open files: about %" PRIu64 " sandboxes", files,
			   files / FILES_EACH);
}

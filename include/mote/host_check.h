/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/host_check.h - whether this machine is fit for code that nobody trusts.
 *
 * How well a guest is confined depends on more than the library: on the processor, on what the
 * kernel does about its flaws, on who else shares its memory and cores. Each check looks at one of
 * these, and says what was found and what to do. They look at files in /proc and /sys,
 * and change nothing. `mote doctor` prints them all.
 *
 *     kvm            hardware virtualization can be used
 *     kvm_device     only those that /dev/kvm's group names may use it
 *     process        the process backend can be used
 *     nested         this is a physical machine, no virtual one
 *     paging         KVM has second-level paging (EPT, NPT)
 *     smt            no two threads share a core
 *     mitigations    the kernel knows of no flaw of the processor that nothing is done about
 *     ksm            the kernel does not merge equal pages of different processes
 *     swap           no memory of guests goes to disk
 *     core_dumps     a crash of this process leaves no copy of its guests' memory
 *     overcommit     memory can be reserved without being there
 *     max_map_count  a process may have as many mappings as thousands of sandboxes need
 *     limits         this process may have as many files, processes and bytes as they need
 *
 * A program that must not run without some of them names these in `require` of
 * mote_runtime_options.
 */
#ifndef MOTE_HOST_CHECK_H
#define MOTE_HOST_CHECK_H

#include <mote/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mote_host_state {
	MOTE_HOST_OK,
	MOTE_HOST_WARN,    /* works, but less well, or isolates less than it could */
	MOTE_HOST_FAIL,    /* does not work, or a known flaw is open */
	MOTE_HOST_UNKNOWN, /* this kernel does not say */
} mote_host_state;

typedef struct mote_host_check_info {
	size_t size;           /* sizeof(mote_host_check_info); set by the caller */
	const char *name;      /* "smt"; static */
	mote_host_state state; /* of this machine and this process, now */
	char found[256];       /* what it is, in one line */
	char remedy[256];      /* the command or step that makes it MOTE_HOST_OK; "" when it is */
} mote_host_check_info;

/*
 * Makes the INDEX-th check. Returns MOTE_E_INVALID past the last one, so a loop from 0 makes them
 * all; "process" takes some milliseconds, the others a few tenths of one. Any thread. Never changes
 * the machine.
 */
MOTE_API MOTE_NODISCARD mote_status mote_host_check(size_t index, mote_host_check_info *info,
						    mote_error *err);

/* "ok", "warn", "fail" or "unknown". A static string. Any thread. */
MOTE_API const char *mote_host_state_name(mote_host_state state);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_HOST_CHECK_H */

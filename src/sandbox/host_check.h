/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_check.h - between the list of host checks and the files that make them.
 *
 * A check is a function that looks at the host, through its struct sys alone, and tells what it
 * found by one of the three below. It allocates nothing, keeps nothing, and never fails: what it
 * cannot learn is MOTE_HOST_UNKNOWN. Any thread.
 */
#ifndef SANDBOX_HOST_CHECK_H
#define SANDBOX_HOST_CHECK_H

#include "hv/hv.h"

#include <mote/host_check.h>

/* What checks look at. */
struct host_view {
	const struct host *host;
	const struct hv_backend *const *backends; /* ends with NULL */
};

typedef void host_check_fn(const struct host_view *view, mote_host_check_info *info);

/* src/sandbox/host_check_backends.c */
host_check_fn check_kvm, check_kvm_device, check_process;
/* src/sandbox/host_check_processor.c */
host_check_fn check_nested, check_paging, check_smt, check_mitigations;
/* src/sandbox/host_check_kernel.c */
host_check_fn check_ksm, check_swap, check_core_dumps, check_overcommit, check_max_map_count,
	check_limits;

/* Sets INFO's state, what was found (a format and its arguments) and the remedy. */
void host_found(mote_host_check_info *info, mote_host_state state, const char *remedy,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Reads the beginning of a file to TEXT, SIZE bytes with the NUL behind it; white space at its end
 * is left out. False, errno, and "" in TEXT, when there is no such file, it cannot be read whole,
 * or is empty.
 */
bool host_read(const struct host *host, const char *path, char *text, size_t size);

/* Whether there is no PATH, and not because the file system that has FOLDER is not mounted, or
 * something else keeps us from looking. */
bool host_lacks(const struct host *host, const char *path, const char *folder);

/* The same as host_read() for a file that is one number. */
bool host_read_number(const struct host *host, const char *path, uint64_t *number);

/*
 * Fails unless VIEW's host passes each check that NAMES, separated by commas, are of; NULL and ""
 * are none. MOTE_E_HOST_CHECK names the first that it does not pass, what was found and what to
 * do; MOTE_E_INVALID a check that does not exist.
 */
mote_status host_require(const struct host_view *view, const char *names, mote_error *err);

/* mote_host_check() of another host, for tests. */
mote_status host_check(const struct host_view *view, size_t index, mote_host_check_info *info,
		       mote_error *err);

#endif

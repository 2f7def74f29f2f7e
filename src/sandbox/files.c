/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps files into guests, between calls: by path, or by descriptor, which may be one for memory
 * that the host's program goes on writing to.
 */
#include "mem/file_mapping.h"
#include "sandbox/sandbox.h"

#include <stdio.h>

static mote_status check_state(const mote_sandbox *sb, const char *name, mote_error *err)
{
	mote_status status = runtime_check_fork(sb->rt, err);
	if (status)
		return status;
	if (sb->is_running)
		return error_set(err, MOTE_E_STATE,
				 "%.200s: cannot be mapped while the guest runs \"%s\"", name,
				 sb->function ? sb->function : "main");
	if (sb->is_poisoned)
		return error_set(err, MOTE_E_STATE,
				 "%.200s: cannot be mapped: the sandbox is poisoned: %s", name,
				 sb->poison);
	return MOTE_OK;
}

/* As file_mapping_new() has NAME and FD. */
static mote_status map(mote_sandbox *sb, const char *name, const int *fd, uint64_t address,
		       const char *label, mote_error *err)
{
	struct file_mapping *file;

	mote_status status = check_state(sb, name, err);
	if (!status)
		status = file_mapping_new(&file, &sb->rt->host, name, fd, address, label, err);
	if (status)
		return status;
	status = sb->guest->abi->map_file(sb->guest, file, err);
	if (status)
		file_mapping_unref(file);
	return status;
}

mote_status mote_sandbox_map_file(mote_sandbox *sb, const char *path, uint64_t address,
				  const char *label, mote_error *err)
{
	return map(sb, path, NULL, address, label, err);
}

mote_status mote_sandbox_map_fd(mote_sandbox *sb, int fd, uint64_t address, const char *label,
				mote_error *err)
{
	char name[sizeof "descriptor -2147483648"];

	snprintf(name, sizeof name, "descriptor %d", fd);
	return map(sb, name, &fd, address, label, err);
}

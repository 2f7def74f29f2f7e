/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maps files into guests, between calls.
 */
#include "mem/file_mapping.h"
#include "sandbox/sandbox.h"

static mote_status check_state(const mote_sandbox *sb, const char *path, mote_error *err)
{
	mote_status status = runtime_check_fork(sb->rt, err);
	if (status)
		return status;
	if (sb->is_running)
		return error_set(err, MOTE_E_STATE,
				 "%.200s: cannot be mapped while the guest runs \"%s\"", path,
				 sb->function ? sb->function : "main");
	if (sb->is_poisoned)
		return error_set(err, MOTE_E_STATE,
				 "%.200s: cannot be mapped: the sandbox is poisoned: %s", path,
				 sb->poison);
	return MOTE_OK;
}

mote_status mote_sandbox_map_file(mote_sandbox *sb, const char *path, uint64_t address,
				  const char *label, mote_error *err)
{
	struct file_mapping *file;

	mote_status status = check_state(sb, path, err);
	if (!status)
		status = file_mapping_new(&file, &sb->rt->host, path, address, label, err);
	if (status)
		return status;
	status = sb->guest->abi->map_file(sb->guest, file, err);
	if (status)
		file_mapping_unref(file);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes and restores snapshots of sandboxes. What a restore costs depends on what the guest wrote:
 * its pages are known, from the hypervisor and from the host's own notes, and are copied back.
 */
#include "sandbox/snapshot.h"

#include "base/options.h"

#include <inttypes.h>
#include <string.h>

static mote_status check_idle(const mote_sandbox *sb, const char *what, mote_error *err)
{
	if (!sb->is_running)
		return runtime_check_fork(sb->rt, err);
	return error_set(err, MOTE_E_STATE, "cannot %s while the guest runs \"%s\"", what,
			 sb->function ? sb->function : "main");
}

mote_snapshot *mote_snapshot_ref(mote_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->nrefs, 1, memory_order_relaxed);
	return snapshot;
}

void mote_snapshot_unref(mote_snapshot *snapshot)
{
	if (!snapshot || atomic_fetch_sub_explicit(&snapshot->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	const struct host *host = &snapshot->rt->host;

	guest_snapshot_unref(snapshot->guest);
	host_functions_fini(&snapshot->functions, host);
	mote_image_unref(snapshot->image);
	host_free(host, snapshot, sizeof *snapshot);
}

mote_status mote_snapshot_take(mote_snapshot **out, mote_sandbox *sb, mote_error *err)
{
	*out = NULL;
	mote_status status = check_idle(sb, "take a snapshot", err);
	if (status)
		return status;
	if (sb->is_poisoned)
		return error_set(err, MOTE_E_STATE,
				 "cannot take a snapshot: the sandbox is poisoned: %s", sb->poison);
	mote_snapshot *snapshot = host_alloc(&sb->rt->host, sizeof *snapshot);
	if (!snapshot)
		return error_nomem(err, "a snapshot", sizeof *snapshot);
	atomic_init(&snapshot->nrefs, 1);
	snapshot->rt = sb->rt;
	snapshot->image = image_ref(sb->image);
	status = host_functions_copy(&snapshot->functions, &sb->functions, &sb->rt->host, err);
	if (!status)
		status = sb->guest->abi->snapshot(&snapshot->guest, sb->guest, err);
	if (status) {
		mote_snapshot_unref(snapshot);
		return status;
	}
	*out = snapshot;
	return MOTE_OK;
}

static mote_status check_functions(const mote_snapshot *snapshot,
				   const struct host_functions *functions, mote_error *err)
{
	const char *name, *why = host_functions_difference(&snapshot->functions, functions, &name);

	if (!why)
		return MOTE_OK;
	return error_set(err, MOTE_E_SNAPSHOT,
			 "the snapshot was taken with other host functions: \"%s\" %s", name, why);
}

static mote_status check_fit(const mote_sandbox *sb, const mote_snapshot *snapshot, mote_error *err)
{
	if (snapshot->rt != sb->rt)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot is of another runtime; save it and load it there");
	if (snapshot->guest->abi != sb->guest->abi)
		return error_set(
			err, MOTE_E_SNAPSHOT,
			"the snapshot of %s is of a guest of the %s ABI, the sandbox of %s "
			"has the %s ABI",
			snapshot->image->name, snapshot->guest->abi->name, sb->image->name,
			sb->guest->abi->name);
	mote_status status = sb->guest->abi->fits(sb->guest, snapshot->guest, err);
	return status ? status : check_functions(snapshot, &sb->functions, err);
}

static mote_status restore(mote_sandbox *sb, const mote_snapshot *snapshot, mote_error *err)
{
	buffers_note(sb);
	mote_status status = sb->guest->abi->restore(sb->guest, snapshot->guest, err);

	if (!status && sb->image != snapshot->image) {
		mote_image_unref(sb->image);
		sb->image = image_ref(snapshot->image);
	}
	return status;
}

mote_status mote_sandbox_restore(mote_sandbox *sb, const mote_snapshot *snapshot, mote_error *err)
{
	mote_error local;
	if (!err)
		err = &local;
	mote_status status = check_idle(sb, "restore the sandbox", err);
	if (!status)
		status = check_fit(sb, snapshot, err);
	if (status)
		return status;
	status = restore(sb, snapshot, err);
	if (status) {
		error_prefix(err, "cannot restore the sandbox: ");
		return sandbox_poison(sb, status, err);
	}
	sb->is_poisoned = false;
	sb->fault.signal = 0;
	sb->fault.address = 0;
	return MOTE_OK;
}

mote_status snapshot_check_start(const mote_snapshot *snapshot, const mote_runtime *rt,
				 const mote_sandbox_options *options,
				 const struct host_functions *functions, mote_error *err)
{
	mote_status status = runtime_check_fork(snapshot->rt, err);

	if (status)
		return status;
	if (rt != snapshot->rt)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot is of another runtime; save it and load it there");
	if (options->init_data_size > 0)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "init data is part of the snapshot; give it to the sandbox that "
				 "the snapshot is taken of");
	return check_functions(snapshot, functions, err);
}

static mote_status make(mote_sandbox **out, mote_runtime *rt, mote_snapshot *snapshot,
			const mote_sandbox_options *options, struct host_functions *functions,
			mote_error *err)
{
	struct sandbox_plan plan = sandbox_plan_anywhere(options);
	mote_status status = snapshot_check_start(snapshot, rt, options, functions, err);

	if (status) {
		host_functions_fini(functions, &rt->host);
		return status;
	}
	plan.guest.snapshot = snapshot->guest;
	return sandbox_make(out, snapshot->image, &plan, functions, err);
}

mote_status mote_sandbox_from_snapshot(mote_sandbox **out, mote_runtime *rt,
				       mote_snapshot *snapshot, const mote_sandbox_options *given,
				       mote_error *err)
{
	mote_sandbox_options options;
	struct host_functions functions;

	*out = NULL;
	mote_status status =
		options_copy(&options, sizeof options, given, "mote_sandbox_options", err);
	if (status == MOTE_E_OPTION)
		sandbox_drop_users(given);
	if (status)
		return status;
	status = host_functions_init(&functions, &rt->host, options.functions, options.nfunctions,
				     err);
	if (status) {
		sandbox_drop_users(&options);
		return status;
	}
	return make(out, rt, snapshot, &options, &functions, err);
}

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

	memory_snapshot_unref(snapshot->memory);
	arena_state_fini(&snapshot->arena, host);
	files_state_fini(&snapshot->files, host);
	host_functions_fini(&snapshot->functions, host);
	mote_image_unref(snapshot->image);
	host_free(host, snapshot, sizeof *snapshot);
}

static mote_status save(mote_snapshot *snapshot, mote_sandbox *sb, mote_error *err)
{
	clock_hide(&sb->personality.clock, sb->memory);
	mote_status status = files_save(&snapshot->files, &sb->personality.files, err);

	if (!status)
		status = arena_save(&snapshot->arena, &sb->arena, err);
	if (!status)
		status = host_functions_copy(&snapshot->functions, &sb->functions, &sb->rt->host,
					     err);
	if (!status)
		status = memory_snapshot_take(&snapshot->memory, sb->memory, err);
	if (status)
		return status;
	sb->base_arena_changes = sb->arena.changes;
	sb->personality.files.base_changes = sb->personality.files.changes;
	status = machine_watch(&sb->machine, err);
	if (status)
		guest_memory_note_all(sb->memory);
	return status;
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
	snapshot->config = sb->config;
	snapshot->dispatch = sb->dispatch;
	snapshot->call_stack = sb->call_stack;
	snapshot->fs_base = machine_fs_base(&sb->machine);
	snapshot->signals = sb->personality.signals;
	snapshot->generation = sb->generation;
	status = save(snapshot, sb, err);
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
	if (!memory_snapshot_fits(snapshot->memory, guest_memory_layout(sb->memory)))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot of %s does not fit a sandbox of %s: sizes or the "
				 "images' layouts differ; `mote inspect --layout` shows them",
				 snapshot->image->name, sb->image->name);
	mote_status status = sandbox_check_mappings(sb, snapshot->memory->nfiles, err);
	if (status)
		return status;
	status = files_check(&sb->personality.files, &snapshot->files, err);
	return status ? status : check_functions(snapshot, &sb->functions, err);
}

/*
 * A page that was written once is copied for ever, whether it is written again or not. So from time
 * to time the list is emptied and learned anew; seldom, because each page then costs a fault
 * again, and ever more seldom while that changes nothing.
 */
enum { LEARN_FIRST = 256, LEARN_SELDOM = 1 << 20, LEARN_PAGES = 16 };

static bool is_time_to_learn(mote_sandbox *sb)
{
	const size_t count = guest_memory_noted(sb->memory);

	if (sb->learn.interval == 0)
		sb->learn.interval = LEARN_FIRST;
	if (++sb->learn.restores < sb->learn.interval || count < LEARN_PAGES)
		return false;
	if (count > sb->learn.count / 4 * 3 && sb->learn.interval < LEARN_SELDOM)
		sb->learn.interval *= 2;
	sb->learn.restores = 0;
	sb->learn.count = count;
	return true;
}

static void note_written(mote_sandbox *sb, const mote_snapshot *snapshot)
{
	if (guest_memory_is_based_on(sb->memory, snapshot->memory) &&
	    !machine_written(&sb->machine, guest_memory_note_page, sb->memory))
		guest_memory_note_touched(sb->memory);
}

/* What is neither memory nor machine. */
static mote_status restore_host_state(mote_sandbox *sb, const mote_snapshot *snapshot,
				      bool is_other, mote_error *err)
{
	if (is_other || sb->arena.changes != sb->base_arena_changes) {
		arena_restore(&sb->arena, &snapshot->arena);
		sb->base_arena_changes = sb->arena.changes;
	}
	uint64_t now[2]; /* who asks the time in each call gets it without leaving */

	personality_reset(&sb->personality, &snapshot->signals);
	sb->dispatch = snapshot->dispatch;
	sb->call_stack = snapshot->call_stack;
	sb->config = snapshot->config;
	if (sb->image != snapshot->image) {
		mote_image_unref(sb->image);
		sb->image = image_ref(snapshot->image);
	}
	/* never the one that the guest remembers, nor one that it had before */
	if (sb->generation < snapshot->generation)
		sb->generation = snapshot->generation;
	guest_memory_set_generation(sb->memory, ++sb->generation);
	if (sb->personality.clock.is_used)
		clock_show(&sb->personality.clock, &sb->rt->host, sb->memory, now);
	return files_restore(&sb->personality.files, &snapshot->files, !is_other, err);
}

static mote_status audit(mote_sandbox *sb, const mote_snapshot *snapshot, mote_error *err)
{
	const char *difference =
		machine_audit(&sb->machine, snapshot->fs_base, snapshot->call_stack);
	mote_status status = guest_memory_audit(sb->memory, err);

	if (!status && difference)
		status = error_set(err, MOTE_E_SNAPSHOT, "a restored processor differs in %s",
				   difference);
	return status ? status : machine_reset(&sb->machine, snapshot->fs_base, err);
}

static mote_status restore(mote_sandbox *sb, const mote_snapshot *snapshot, mote_error *err)
{
	const bool is_other = !guest_memory_has_base(sb->memory, snapshot->memory);
	struct restored restored;

	note_written(sb, snapshot);
	buffers_note(sb);
	const bool learns = is_time_to_learn(sb);
	mote_status status =
		guest_memory_restore(sb->memory, snapshot->memory, learns, &restored, err);
	if (status)
		return status;
	status = restore_host_state(sb, snapshot, is_other, err);
	if (status)
		return status;
	status = restored.files ? machine_renew(&sb->machine, snapshot->fs_base, err)
				: machine_reset(&sb->machine, snapshot->fs_base, err);
	if (!status && (restored.all_pages || learns))
		status = machine_watch(&sb->machine, err);
	if (!status && sb->audit_interval && ++sb->nrestores % sb->audit_interval == 0)
		status = audit(sb, snapshot, err);
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
		guest_memory_note_all(sb->memory);
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
	mote_sandbox *sb;

	plan.snapshot = snapshot;
	mote_status status = snapshot_check_start(snapshot, rt, options, functions, err);
	if (!status)
		status = sandbox_make(&sb, snapshot->image, &plan, err);
	if (status) {
		host_functions_fini(functions, &rt->host);
		return status;
	}
	sb->functions = *functions;
	status = host_functions_publish(functions, sb->memory, err);
	if (!status)
		status = files_check(&sb->personality.files, &snapshot->files, err);
	if (!status)
		status = restore_host_state(sb, snapshot, true, err);
	if (status) {
		mote_sandbox_free(sb);
		return status;
	}
	*out = sb;
	return MOTE_OK;
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

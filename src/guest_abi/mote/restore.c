/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes snapshots of guests, and goes back to them. What a restore costs depends on what the guest
 * wrote: its pages are known, from the hypervisor and from the host's own notes, and are copied
 * back.
 */
#include "guest_abi/mote/guest.h"

#include "hv/cpu_features.h"

struct mote_guest_snapshot *mote_snapshot_alloc(const struct host *host, struct mote_image *image,
						mote_error *err)
{
	struct mote_guest_snapshot *snapshot = host_alloc(host, sizeof *snapshot);

	if (!snapshot) {
		error_nomem(err, "a snapshot", sizeof *snapshot);
		return NULL;
	}
	snapshot->base.abi = &mote_abi;
	atomic_init(&snapshot->base.nrefs, 1);
	snapshot->host = host;
	snapshot->image = image_ref(image);
	files_state_init(&snapshot->files);
	return snapshot;
}

void mote_guest_snapshot_free(struct guest_snapshot *base)
{
	struct mote_guest_snapshot *snapshot = mote_snapshot_of(base);

	memory_snapshot_unref(snapshot->memory);
	arena_state_fini(&snapshot->arena, snapshot->host);
	files_state_fini(&snapshot->files, snapshot->host);
	mote_image_unref(snapshot->image);
	host_free(snapshot->host, snapshot, sizeof *snapshot);
}

static mote_status save(struct mote_guest_snapshot *snapshot, struct mote_guest *guest,
			mote_error *err)
{
	struct personality *personality = &guest->personality;

	clock_hide(&personality->clock, guest->memory);
	mote_status status = files_save(&snapshot->files, &personality->files, err);
	if (!status)
		status = arena_save(&snapshot->arena, &guest->arena, err);
	if (!status)
		status = memory_snapshot_take(&snapshot->memory, guest->memory, err);
	if (status)
		return status;
	guest->base_arena_changes = guest->arena.changes;
	personality->files.base_changes = files_changes(&personality->files);
	status = machine_watch(&guest->machine, err);
	if (status)
		guest_memory_note_all(guest->memory);
	return status;
}

mote_status mote_guest_snapshot(struct guest_snapshot **out, struct guest *base, mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);
	struct mote_guest_snapshot *snapshot = mote_snapshot_alloc(guest->host, guest->image, err);

	*out = NULL;
	if (!snapshot)
		return MOTE_E_NOMEM;
	snapshot->config = guest->config;
	snapshot->dispatch = guest->dispatch;
	snapshot->call_stack = guest->call_stack;
	snapshot->fs_base = machine_fs_base(&guest->machine);
	snapshot->signals = guest->personality.signals;
	snapshot->generation = guest->generation;
	snapshot->cpu_features = cpu_features();
	mote_status status = save(snapshot, guest, err);
	if (status) {
		guest_snapshot_unref(&snapshot->base);
		return status;
	}
	*out = &snapshot->base;
	return MOTE_OK;
}

mote_status mote_guest_fits(const struct guest *base, const struct guest_snapshot *base_snapshot,
			    mote_error *err)
{
	const struct mote_guest *guest = mote_guest_of(base);
	const struct mote_guest_snapshot *snapshot = mote_snapshot_of(base_snapshot);

	if (!memory_snapshot_fits(snapshot->memory, guest_memory_layout(guest->memory)))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot of %s does not fit a sandbox of %s: sizes or the "
				 "images' layouts differ; `mote inspect --layout` shows them",
				 snapshot->image->name, guest->image->name);
	mote_status status = mote_guest_check_files(guest, snapshot->memory->nfiles, err);
	return status ? status : files_check(&guest->personality.files, &snapshot->files, err);
}

/*
 * A page that was written once is copied for ever, whether it is written again or not. So from time
 * to time the list is emptied and learned anew; seldom, because each page then costs a fault
 * again, and ever more seldom while that changes nothing.
 */
enum { LEARN_FIRST = 256, LEARN_SELDOM = 1 << 20, LEARN_PAGES = 16 };

static bool is_time_to_learn(struct mote_guest *guest)
{
	const size_t count = guest_memory_noted(guest->memory);

	if (guest->learn.interval == 0)
		guest->learn.interval = LEARN_FIRST;
	if (++guest->learn.restores < guest->learn.interval || count < LEARN_PAGES)
		return false;
	if (count > guest->learn.count / 4 * 3 && guest->learn.interval < LEARN_SELDOM)
		guest->learn.interval *= 2;
	guest->learn.restores = 0;
	guest->learn.count = count;
	return true;
}

bool mote_guest_note_written(struct mote_guest *guest)
{
	if (machine_written(&guest->machine, guest_memory_note_page, guest->memory))
		return true;
	guest_memory_note_touched(guest->memory);
	return false;
}

/* Whether so many pages are noted, of which nobody tells the machine's own, that a backend which
 * does not watch for few may do so now. */
static bool is_time_to_watch(struct mote_guest *guest)
{
	const size_t count = guest_memory_noted(guest->memory);

	if (count < 2 * guest->learn.unwatched)
		return false;
	guest->learn.unwatched = count < LEARN_PAGES ? LEARN_PAGES : count;
	return true;
}

mote_status mote_guest_restore_host(struct mote_guest *guest,
				    const struct mote_guest_snapshot *snapshot, bool is_other,
				    mote_error *err)
{
	struct personality *personality = &guest->personality;
	uint64_t now[2]; /* who asks the time in each call gets it without leaving */

	if (is_other || guest->arena.changes != guest->base_arena_changes) {
		arena_restore(&guest->arena, &snapshot->arena);
		guest->base_arena_changes = guest->arena.changes;
	}
	personality_reset(personality, &snapshot->signals);
	guest->dispatch = snapshot->dispatch;
	guest->call_stack = snapshot->call_stack;
	guest->config = snapshot->config;
	if (guest->image != snapshot->image) {
		mote_image_unref(guest->image);
		guest->image = image_ref(snapshot->image);
	}
	/* never the one that the guest remembers, nor one that it had before */
	if (guest->generation < snapshot->generation)
		guest->generation = snapshot->generation;
	guest_memory_set_generation(guest->memory, ++guest->generation);
	if (personality->clock.is_used)
		clock_show(&personality->clock, guest->host, guest->memory, now);
	return files_restore(&personality->files, &snapshot->files, !is_other, err);
}

static mote_status audit(struct mote_guest *guest, const struct mote_guest_snapshot *snapshot,
			 mote_error *err)
{
	const char *difference =
		machine_audit(&guest->machine, snapshot->fs_base, snapshot->call_stack);
	mote_status status = guest_memory_audit(guest->memory, err);

	if (!status && difference)
		status = error_set(err, MOTE_E_SNAPSHOT, "a restored processor differs in %s",
				   difference);
	return status ? status : machine_reset(&guest->machine, snapshot->fs_base, err);
}

static mote_status restore(struct mote_guest *guest, const struct mote_guest_snapshot *snapshot,
			   mote_error *err)
{
	const bool is_other = !guest_memory_has_base(guest->memory, snapshot->memory);
	const bool is_based = guest_memory_is_based_on(guest->memory, snapshot->memory);
	struct restored restored;

	const bool is_told = !is_based || mote_guest_note_written(guest);
	const bool learns = is_time_to_learn(guest);
	const bool watches = learns || (!is_told && is_time_to_watch(guest));
	mote_status status =
		guest_memory_restore(guest->memory, snapshot->memory, learns, &restored, err);
	if (!status)
		status = mote_guest_restore_host(guest, snapshot, is_other, err);
	if (status)
		return status;
	status = restored.files ? machine_renew(&guest->machine, snapshot->fs_base, err)
				: machine_reset(&guest->machine, snapshot->fs_base, err);
	if (!status && (restored.all_pages || watches))
		status = machine_watch(&guest->machine, err);
	if (!status && guest->audit_interval && ++guest->nrestores % guest->audit_interval == 0)
		status = audit(guest, snapshot, err);
	return status;
}

mote_status mote_guest_restore(struct guest *base, struct guest_snapshot *snapshot, mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);
	mote_status status = restore(guest, mote_snapshot_of(snapshot), err);

	if (status)
		guest_memory_note_all(guest->memory);
	return status;
}

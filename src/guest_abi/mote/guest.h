/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - a guest of the mote ABI: ring 3, a sealed machine, system calls served by the host; and
 * its snapshots.
 *
 * abi.c       the table, and what is no more than a look at something
 * platform.c  what the guests of a runtime share
 * guest.c     makes guests of images and of snapshots
 * run.c       calls, and what the exits of the machine mean
 * stopped.c   what a guest that stands still shows
 * restore.c   takes snapshots, and goes back to them
 * parts.c     snapshots in parts, to be saved
 * load.c      and from parts that anybody may have written
 */
#ifndef GUEST_ABI_MOTE_GUEST_H
#define GUEST_ABI_MOTE_GUEST_H

#include "guest_abi/guest_abi.h"
#include "guest_abi/mote/files_state.h"
#include "guest_abi/mote/machine.h"
#include "guest_abi/mote/personality.h"
#include "image/image.h"
#include "mem/arena.h"
#include "mem/memory_snapshot.h"

extern const struct guest_abi mote_abi;

/* Supervisor block and hypercall page, and the clock that guests begin with. */
struct guest_platform {
	struct firmware firmware;
};

struct mote_guest {
	struct guest guest;
	const struct host *host;
	struct mote_image *image; /* a reference of its own */
	const struct guest_platform *platform;
	struct account *account;
	struct guest_memory *memory;
	struct machine machine;
	struct arena arena;
	struct personality personality;

	/* Where the guest takes calls, as it said when its main() returned; 0: it has not. */
	uint64_t dispatch;
	uint64_t call_stack;

	struct layout_config config; /* what MEMORY was made from; its segments are IMAGE's */
	uint64_t base_arena_changes; /* arena.changes when the arena was as in MEMORY's snapshot */
	uint64_t max_mappings;
	uint64_t audit_interval;
	uint64_t nrestores;
	uint64_t generation; /* what the guest is told: another after each restore */
	struct {
		uint32_t restores, interval; /* since the written pages were learned; till again */
		size_t count;                /* of pages, when they were learned last */
		size_t unwatched; /* and when the backend was last asked in vain to watch */
	} learn;
	char text[256]; /* of the last event */
};

struct mote_guest_snapshot {
	struct guest_snapshot base;
	const struct host *host;
	struct mote_image *image; /* a reference of its own */
	struct memory_snapshot *memory;
	struct layout_config config; /* of memories that it fits; its segments are IMAGE's */
	struct arena_state arena;
	struct files_state files;
	uint64_t dispatch, call_stack, fs_base;
	struct signals signals;
	uint64_t generation;
	uint64_t cpu_features; /* of the machine that it was taken on: hv/cpu_features.h */
};

static inline struct mote_guest *mote_guest_of(const struct guest *guest)
{
	return (struct mote_guest *)(uintptr_t)guest;
}

static inline struct mote_guest_snapshot *mote_snapshot_of(const struct guest_snapshot *snapshot)
{
	return (struct mote_guest_snapshot *)(uintptr_t)snapshot;
}

/* The functions of the table. */
mote_status mote_platform_new(struct guest_platform **out, struct hv *hv, bool has_clock,
			      mote_error *err);
void mote_platform_free(struct guest_platform *platform);
bool mote_platform_describe(struct hv *hv, char *text, size_t size);
mote_status mote_guest_new(struct guest **out, const struct guest_plan *plan, mote_error *err);
void mote_guest_free(struct guest *base);
mote_status mote_guest_call(struct guest *base, uint64_t export_number, uint64_t spans,
			    mote_error *err);
mote_status mote_guest_run(struct guest *base, struct guest_event *event, mote_error *err);
void mote_guest_answer(struct guest *base, uint64_t spans);
bool mote_guest_visit_regions(struct guest *base, uint64_t first, uint64_t last, guest_look look,
			      void *user);
mote_status mote_guest_find_used(struct guest_used *out, struct guest *base, mote_error *err);
struct hv_regs mote_guest_stopped(struct guest *base);
mote_status mote_guest_snapshot(struct guest_snapshot **out, struct guest *base, mote_error *err);
void mote_guest_snapshot_free(struct guest_snapshot *base);
mote_status mote_guest_fits(const struct guest *base, const struct guest_snapshot *snapshot,
			    mote_error *err);
mote_status mote_guest_restore(struct guest *base, struct guest_snapshot *snapshot,
			       mote_error *err);
mote_status mote_guest_parts_open(struct snapshot_parts *parts, const struct guest_snapshot *base,
				  mote_error *err);
mote_status mote_guest_parts_make(struct guest_snapshot **out, struct mote_image *image,
				  const struct snapshot_parts *parts, int fd, mote_error *err);

/* Where everything lies in a guest of START, with room for NFUNCTIONS host functions. */
struct layout_config mote_layout_config(const struct guest_start *start, size_t nfunctions);

/* Whether GUEST may have COUNT mapped files. Errors: MOTE_E_LIMIT. */
mote_status mote_guest_check_files(const struct mote_guest *guest, size_t count, mote_error *err);

/* A snapshot with nothing in it, for IMAGE. NULL: no memory; and then in ERR. */
struct mote_guest_snapshot *mote_snapshot_alloc(const struct host *host, struct mote_image *image,
						mote_error *err);

/* Notes what the guest has written since the snapshot that its memory is based on, if any. False:
 * the backend cannot tell, and all that the guest may write and has touched is noted. */
bool mote_guest_note_written(struct mote_guest *guest);

/* What is neither memory nor machine goes back to SNAPSHOT. IS_OTHER: the guest was not at
 * SNAPSHOT before. Errors: as files_restore(). */
mote_status mote_guest_restore_host(struct mote_guest *guest,
				    const struct mote_guest_snapshot *snapshot, bool is_other,
				    mote_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/snapshot.h - the state of a sandbox at one moment, and going back to it.
 *
 * A snapshot holds all that a guest can see: its memory, its heap's book-keeping, its thread
 * pointer, its mapped files. It is immutable; any thread may use it, and any number of
 * sandboxes. Take one when a guest is ready for work, and restore it before each call that must not
 * learn of the calls before it.
 *
 *     mote_snapshot *clean;
 *     mote_snapshot_take(&clean, sb, &err);
 *     for (;;) {
 *             mote_call(sb, "Decode", args, 1, &result, &err);
 *             mote_sandbox_restore(sb, clean, &err);
 *     }
 *
 * Restoring costs what the guest has written: with KVM no system call and 0.1 us for each
 * page of 4 KiB. It does not depend on the size of the sandbox.
 */
#ifndef MOTE_SNAPSHOT_H
#define MOTE_SNAPSHOT_H

#include <mote/sandbox.h>
#include <mote/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_snapshot mote_snapshot;

/*
 * Takes a snapshot of SB between calls, with one reference. Only pages that are not zero are
 * copied, and of a large image only those that were changed. From now on what the guest writes is
 * watched, so that mote_sandbox_restore() to this snapshot is cheap. What the guest has changed in
 * its directories is part of it. The snapshot outlives SB, but not its runtime. Errors:
 * MOTE_E_STATE (a call is under way, the sandbox is poisoned, a file is open that cannot be opened
 * again: the message has its path), MOTE_E_NOMEM, MOTE_E_OS. *OUT is NULL then, and SB as it was.
 */
MOTE_API MOTE_NODISCARD mote_status mote_snapshot_take(mote_snapshot **out, mote_sandbox *sb,
						       mote_error *err);

/*
 * Makes SB what the sandbox of SNAPSHOT was when it was taken, between calls. Nothing of what SB's
 * guest did since is left: in memory, in any register, in mapped files. Heals a poisoned
 * sandbox. Results that were borrowed from the last call are no longer valid.
 *
 * The snapshot may be of another sandbox, if that had the same sizes, an image of the same layout
 * and the same host functions. The first restore to a snapshot replaces all memory; from the
 * second on only what was written is copied back. Errors: MOTE_E_STATE (a call is under way),
 * MOTE_E_SNAPSHOT (the snapshot does not fit: SB is as it was; or the restore_audit of SB's options
 * found a difference: SB is poisoned), MOTE_E_NOMEM, MOTE_E_OS (SB is
 * poisoned; restoring may be tried again).
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_restore(mote_sandbox *sb,
							 const mote_snapshot *snapshot,
							 mote_error *err);

/*
 * Makes a sandbox of RT that begins at SNAPSHOT: its main() is not run again. All sandboxes of a
 * snapshot share the pages that none has written, so that one costs a virtual machine, not its
 * memory. RT is the snapshot's runtime. OPTIONS must have the snapshot's host functions, by name
 * and types, and no init data; sizes are the snapshot's, whatever OPTIONS say. Their drop_user is
 * called when the sandbox is freed, and also when this fails. Errors: as mote_sandbox_new();
 * MOTE_E_SNAPSHOT (a host function is missing, is another, or is one too many; another runtime).
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_from_snapshot(mote_sandbox **out, mote_runtime *rt,
							       mote_snapshot *snapshot,
							       const mote_sandbox_options *options,
							       mote_error *err);

/* The image of the sandbox that SNAPSHOT was taken of: its name, exports and imports. Lives as long
 * as SNAPSHOT. Any thread. */
MOTE_API const mote_image *mote_snapshot_image(const mote_snapshot *snapshot);

/*
 * Calls VISIT for each range of the memory of SNAPSHOT's sandbox, as mote_image_layout() does for
 * one that is to be made. Of a hyperlight guest they are what its own page tables map, by guest
 * virtual address, with names where a guest of its ABI has known places, such as "heap"; if the
 * tables map more than 1024 pieces, or memory many times, the rest is left out, and a line in the
 * log says so. Any thread.
 */
MOTE_API void mote_snapshot_layout(const mote_snapshot *snapshot,
				   void (*visit)(void *user, const mote_region_info *region),
				   void *user);

/*
 * Calls VISIT for each page of 4096 bytes that SNAPSHOT keeps, by guest virtual address, ascending;
 * all others that the guest can write are zero. A page that a hyperlight guest has at several
 * addresses is visited at each. BYTES live until VISIT returns. Any thread. Errors: MOTE_E_OS (the
 * file of a loaded snapshot can no longer be read), MOTE_E_SNAPSHOT (a hyperlight guest's page
 * tables lead to more than its memory).
 */
MOTE_API MOTE_NODISCARD mote_status mote_snapshot_pages(const mote_snapshot *snapshot,
							void (*visit)(void *user, uint64_t address,
								      const void *bytes),
							void *user, mote_error *err);

/* One more reference. Returns SNAPSHOT. Any thread. */
MOTE_API mote_snapshot *mote_snapshot_ref(mote_snapshot *snapshot);

/* Drops a reference; the last one frees. Sandboxes keep what they need. NULL is fine. Any thread. */
MOTE_API void mote_snapshot_unref(mote_snapshot *snapshot);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_SNAPSHOT_H */

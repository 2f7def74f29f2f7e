/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - a guest of the hyperlight ABI: its scratch, its machine, and what it is doing.
 *
 * It is made from a snapshot (snapshot.h). One that was made of an image starts at the entry, and
 * its first event of note is GUEST_READY; one that was taken of a guest is ready at once. A call:
 * a message is pushed on the input buffer, hyperlight_guest_call() sets the registers,
 * hyperlight_guest_run() runs from event to event until GUEST_DONE, and the result is popped
 * from the output buffer. Whoever calls answers GUEST_HOST_CALL and GUEST_LOG by the buffers too.
 *
 * The guest is hostile. It runs in ring 0 and owns its page tables; so what the host does with its
 * addresses is a walk of at most four tables, each of which lies in memory that the guest has.
 *
 * Threads: one at a time. The memory stays where it is as long as the guest lives, but between two
 * restores to other snapshots the machine is another (hyperlight_guest_vm()).
 */
#ifndef GUEST_ABI_HYPERLIGHT_GUEST_H
#define GUEST_ABI_HYPERLIGHT_GUEST_H

#include "abi/io_stack.h"
#include "guest_abi/hyperlight/snapshot.h"

struct hyperlight_guest;
struct guest_event;

/*
 * Makes a guest of SNAPSHOT, to which it takes a reference; HV must outlive it. Errors:
 * MOTE_E_NO_HYPERVISOR (HV has no ring 0 to offer), MOTE_E_NOMEM, MOTE_E_OS. *OUT is NULL then.
 */
mote_status hyperlight_guest_new(struct hyperlight_guest **out, struct hv *hv,
				 struct hyperlight_snapshot *snapshot, mote_error *err);

/* NULL is fine. */
void hyperlight_guest_free(struct hyperlight_guest *guest);

/* Whether it waits for calls. */
bool hyperlight_guest_is_ready(const struct hyperlight_guest *guest);

/* The buffers. The views point into guest memory and live as long as the guest. */
struct io_stack hyperlight_guest_input(const struct hyperlight_guest *guest);
struct io_stack hyperlight_guest_output(const struct hyperlight_guest *guest);

/* Sets the registers for a call, whose message is on the input buffer. The guest must be ready, and
 * have finished the call before. Errors: MOTE_E_OS; only a restore helps. */
mote_status hyperlight_guest_call(struct hyperlight_guest *guest, mote_error *err);

/* Runs until the next event. Errors, which are not the guest's doing, and after which only a
 * restore helps: MOTE_E_OS. */
mote_status hyperlight_guest_run(struct hyperlight_guest *guest, struct guest_event *event,
				 mote_error *err);

/*
 * Makes the guest what it was in SNAPSHOT, whatever it has done since, in memory or in its vCPU.
 * The snapshot may be another guest's, if its scratch has the same size. Errors: MOTE_E_SNAPSHOT
 * (it has not; nothing has changed), MOTE_E_NOMEM, MOTE_E_OS: the guest may not run until a restore
 * succeeds.
 */
mote_status hyperlight_guest_restore(struct hyperlight_guest *guest,
				     struct hyperlight_snapshot *snapshot, mote_error *err);

/*
 * Takes a snapshot of a guest that is ready and does nothing: all pages that its tables map, but
 * for scratch as such. Work and memory are in proportion to the memory that the guest has,
 * whatever its tables say. Errors: MOTE_E_STATE (not ready), MOTE_E_SNAPSHOT (tables that lead
 * nowhere, or large pages), MOTE_E_LIMIT (scratch is too small for the new tables), MOTE_E_NOMEM.
 */
mote_status hyperlight_guest_snapshot(struct hyperlight_snapshot **out,
				      struct hyperlight_guest *guest, mote_error *err);

/*
 * Copies SIZE bytes at the guest's virtual ADDRESS. All of the range must be mapped, and to be
 * written it must be the guest's own, in scratch: else MOTE_E_INVALID, with the first address that
 * is not in err->guest_address, and TO may have been written to.
 */
mote_status hyperlight_guest_read(struct hyperlight_guest *guest, uint64_t address, void *to,
				  size_t size, mote_error *err);
mote_status hyperlight_guest_write(struct hyperlight_guest *guest, uint64_t address,
				   const void *from, size_t size, mote_error *err);

/* The machine, to arm, kick and look at: until the next restore. */
struct hv_vm *hyperlight_guest_vm(const struct hyperlight_guest *guest);

#endif

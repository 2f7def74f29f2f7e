/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hyper_box.h - a guest of the hyperlight ABI on KVM, with a host around it that knows the
 * messages: what a sandbox will do, for tests.
 *
 * The guest may call HostPrint, HostAdd, HostMethod, HostMethod1, HostMethod4, HostAddStrings,
 * HostAddFloat, HostAddDouble, HostBool and Spin, as Hyperlight's own tests have them; ErrorMethod
 * and HostError fail.
 */
#ifndef TESTS_HYPERLIGHT_HYPER_BOX_H
#define TESTS_HYPERLIGHT_HYPER_BOX_H

#include "abi/wire.h"
#include "guest_abi/hyperlight/guest_internal.h"
#include "guest_abi/hyperlight/hyperlight.h"
#include "guest_abi/hyperlight/snapshot.h"

struct hyper_box {
	struct host host;
	struct hv *hv;
	struct guest_snapshot *first; /* of the image */
	struct account account;
	struct guest *guest;

	struct guest_event event; /* the last one */
	char text[2048];          /* its text, and an end */
	struct wire_result result;
	uint8_t message[1 << 16]; /* the result points into it */
	char printed[1024];       /* what HostPrint and HostMethod... were called with last */
	char output[256];         /* what the guest printed itself */
	char log[1024];           /* the last log line */
	unsigned nlogs;
	unsigned ncalls; /* of host functions */
	void (*on_spin)(struct hyper_box *box);
};

/* Makes a guest of the file PATH, and runs it until it is ready. The test is skipped without KVM,
 * and fails if the guest does. */
void hyper_box_init(struct hyper_box *box, const char *path, const struct guest_start *start);

/* Makes a guest of SNAPSHOT on HV. Returns the status, with ERR. */
mote_status hyper_box_new(struct hyper_box *box, struct guest **out, struct hv *hv,
			  struct guest_snapshot *snapshot, mote_error *err);

/* As hyper_box_init(), but the guest has not run. */
void hyper_box_make(struct hyper_box *box, const char *path, const struct guest_start *start);

void hyper_box_fini(struct hyper_box *box);

/* Runs the guest, answering what it asks of the host, until something else happens; that is in
 * box->event. */
void hyper_box_run(struct hyper_box *box);

/* Puts CALL on the input buffer, and calls. Afterwards box->event is GUEST_DONE and box->result the
 * result, or the guest has ended. */
void hyper_box_call(struct hyper_box *box, const struct wire_call *call);

/* Calls NAME with NPARAMS values; the test fails unless the result is a value, which is returned. */
mote_value hyper_box_value(struct hyper_box *box, const char *name, size_t nparams,
			   const mote_value *params);

/* The same with an error for a result: its code. Its message is in box->text. */
uint64_t hyper_box_error(struct hyper_box *box, const char *name, size_t nparams,
			 const mote_value *params);

/* Calls NAME, which does not return: the test fails unless the guest ends with STATUS. */
void hyper_box_end(struct hyper_box *box, const char *name, size_t nparams,
		   const mote_value *params, mote_status status);

/* Regions of a guest: those that there are, or as many as are WANTED, if that is not 0. */
struct hyper_regions {
	size_t count, wanted;
	struct region list[1024];
};

/* Stores the guest's regions from FIRST to LAST; the test fails if they are out of order. Returns
 * what visit_regions() does. */
bool hyper_box_regions(const struct hyper_box *box, uint64_t first, uint64_t last,
		       struct hyper_regions *out);

/* The first of them; the test fails if there is none. */
struct region hyper_box_region(const struct hyper_box *box, uint64_t address);

/* Takes a snapshot; the test fails if that does. */
struct guest_snapshot *hyper_box_take(struct hyper_box *box);

/* What is inside of SNAPSHOT. */
const struct hyperlight_snapshot *hyper_inside(const struct guest_snapshot *snapshot);

/* Back to SNAPSHOT; the test fails if that does. */
void hyper_box_restore(struct hyper_box *box, struct guest_snapshot *snapshot);

#endif

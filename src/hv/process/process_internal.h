/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process_internal.h - what the files of the process backend share.
 *
 * process.c      checks, opens; makes and frees virtual machines
 * process_kick.c cuts runs short
 * process_run.c  runs a guest process from stop to stop
 * process_written.c  which pages a guest process has written
 * stop.c         what a stop means, and how to go on from it
 * launcher.c     starts the launcher; guest processes come from it
 * message.c      messages with descriptors
 * monitor*       the program on the other side
 */
#ifndef HV_PROCESS_PROCESS_INTERNAL_H
#define HV_PROCESS_PROCESS_INTERNAL_H

#include "hv/process/launcher.h"
#include "hv/process/process.h"
#include "hv/process/stop.h"

#include <stdatomic.h>

struct process_hv {
	struct hv base;
	struct launcher launcher;
};

/* What cuts the runs of an armed machine short. */
struct process_kick {
	int wake; /* an eventfd, made when it is armed first; -1 */
	bool is_armed;
	atomic_bool was_kicked; /* WAKE can be read */
	uint64_t alarm;         /* on CLOCK_MONOTONIC, in nanoseconds; 0: none */
};

struct process_vm {
	struct hv_vm base;
	struct process_hv *owner;
	struct guest_process process; /* pid 0 once it is dead and buried */
	uint64_t death_signal;
	uint64_t cpu_time; /* once it is dead */
	char *control;     /* MONITOR_CONTROL_SIZE bytes, shared with the guest process */
	/* What a guest process is made from, again each time that something is added. */
	struct region *slots;
	size_t nslots;
	struct region *views;
	size_t nviews;

	bool is_stopped;     /* the kernel holds the guest process */
	bool starts_fresh;   /* the host set the guest up anew, and it has not run since */
	bool resumes;        /* the host changed registers, and the guest goes on all the same */
	bool owes_interrupt; /* a signal or a kick came that no exit has told of */
	bool is_watched;     /* what has not been written since is protected */
	struct process_kick kick;
	uint64_t notification;   /* names the stop to the kernel */
	struct stop stop;        /* the last one */
	enum hv_exit_kind kind;  /* what it was reported as */
	struct hv_regs regs;     /* base.regs */
	struct hv_regs reported; /* as they were at the exit */
	uint64_t fs_base;
};

/* The first of NSLOTS SLOTS that VIEW lies in; NULL if it does not. */
const struct region *process_vm_slot(const struct region *slots, size_t nslots,
				     const struct region *view);

/* The functions of the same name in struct hv_backend. */
mote_status process_vm_run(struct hv_vm *base, struct hv_exit *exit, mote_error *err);
mote_status process_vm_vectors(struct hv_vm *base, struct hv_vectors *to, mote_error *err);
mote_status process_vm_resume(struct hv_vm *base, const struct hv_vectors *vectors,
			      mote_error *err);
mote_status process_vm_arm(struct hv_vm *base, mote_error *err);
void process_vm_disarm(struct hv_vm *base);
void process_vm_kick(struct hv_vm *base);
mote_status process_vm_set_alarm(struct hv_vm *base, uint64_t ns, mote_error *err);
mote_status process_vm_watch(struct hv_vm *base, mote_error *err);
bool process_vm_written(struct hv_vm *base, void (*note)(void *user, uint64_t gpa), void *user);
void process_vm_wait(struct hv_vm *base, uint64_t ns);
uint64_t process_vm_cpu_time(const struct hv_vm *base);

/* Before the guest goes on: whether it was kicked, or the alarm has gone off, is owed an interrupt.
 */
void process_kick_check(struct process_vm *vm);

/* How long a run may wait, which may be 0; false: for ever. */
bool process_kick_left(const struct process_vm *vm, struct timespec *left);

/* The alarm has gone off. */
void process_kick_alarmed(struct process_vm *vm);

/* WAKE can be read: takes what is there. */
void process_kick_drain(struct process_vm *vm);

/* Waits until a new guest process has stopped for the first time. Errors: MOTE_E_OS. */
mote_status process_vm_await_start(struct process_vm *vm, mote_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a guest process from one stop to the next.
 *
 * A stop is a system call of the monitor that the kernel holds until we answer (a seccomp
 * notification). So a guest that has stopped cannot run, whatever it wrote to
 * the control block, and a guest that pretends to have stopped has.
 */
#define _GNU_SOURCE
#include "hv/process/process_internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * What a guest process may take to stop when it is told to: of its own CPU time, so that one that
 * gets no processor has not disobeyed yet. It takes the signal before its next instruction: only
 * one that blocks it, which takes forgery, is killed for that. And on the wall, for one that others
 * hold: by SIGSTOP, in a freezer.
 */
#define STOP_CPU  (500 * NS_PER_MS)
#define STOP_WALL (30000 * NS_PER_MS)

#define NS_PER_MS INT64_C(1000000)

/* No time-out. */
enum { FOREVER = -1 };

/* A stop that some signal cut in two is made again; more often than this is hostile. */
enum { ANSWERS_MAX = 64 };

enum { VECTOR_PAGE_FAULT = 14 };
#define PAGE_FAULT_PRESENT UINT32_C(1)

enum event {
	EVENT_STOP,
	EVENT_DEATH,
	EVENT_SIGNAL, /* the calling thread got one, or a kick, or an alarm */
	EVENT_TIMEOUT,
};

static const struct sys *sys_of(const struct process_vm *vm)
{
	return vm->owner->base.host->sys;
}

static void bury(struct process_vm *vm)
{
	if (vm->process.pid != 0) {
		vm->cpu_time = process_vm_cpu_time(&vm->base); /* nobody can ask later */
		vm->death_signal = (uint64_t)launcher_reap(&vm->owner->launcher, &vm->process);
	}
	vm->is_stopped = false;
}

/* Takes the stop that is pending; EVENT_TIMEOUT when it is no longer. */
static enum event receive_stop(struct process_vm *vm)
{
	struct seccomp_notif notice = { 0 };

	if (sys_of(vm)->ioctl(vm->process.listener, SECCOMP_IOCTL_NOTIF_RECV, &notice) < 0) {
		if (errno == EINTR)
			return EVENT_SIGNAL;
		return errno == ENOENT ? EVENT_TIMEOUT : EVENT_DEATH;
	}
	vm->notification = notice.id;
	vm->stop = (struct stop){
		.cause = notice.data.args[0],
		.siginfo = notice.data.args[1],
		.context = notice.data.args[2],
		.fs_base = notice.data.args[3],
	};
	vm->is_stopped = true;
	return EVENT_STOP;
}

/* The descriptors that a run waits for. */
enum { ENTRY_STOP, ENTRY_DEATH, ENTRY_KICK, ENTRIES };

/* Fills in what has happened with ENTRIES: as poll(), and FOREVER means until a kick or an alarm. */
static int wait(struct process_vm *vm, struct pollfd *entries, int timeout_ms)
{
	const struct sys *sys = sys_of(vm);
	struct timespec left;

	entries[ENTRY_STOP] = (struct pollfd){ .fd = vm->process.listener, .events = POLLIN };
	entries[ENTRY_DEATH] = (struct pollfd){ .fd = vm->process.pidfd, .events = POLLIN };
	entries[ENTRY_KICK] = (struct pollfd){ .fd = vm->kick.wake, .events = POLLIN };
	if (timeout_ms != FOREVER || !vm->kick.is_armed)
		return sys->poll(entries, ENTRY_KICK, timeout_ms);
	if (!process_kick_left(vm, &left))
		return sys->poll(entries, ENTRIES, -1);
	int rc = sys->ppoll(entries, ENTRIES, &left, NULL);
	if (rc == 0)
		process_kick_alarmed(vm);
	return rc;
}

/* Waits for a stop or for the end, for TIMEOUT_MS at most. EVENT_SIGNAL: also for a kick or an
 * alarm, if FOREVER. */
static enum event next_event(struct process_vm *vm, int timeout_ms)
{
	struct pollfd entries[ENTRIES];

	for (;;) {
		int rc = wait(vm, entries, timeout_ms);
		if (rc < 0)
			return errno == EINTR ? EVENT_SIGNAL : EVENT_DEATH;
		if (rc == 0)
			return timeout_ms == FOREVER ? EVENT_SIGNAL : EVENT_TIMEOUT;
		if (entries[ENTRY_KICK].revents != 0)
			process_kick_drain(vm);
		if (entries[ENTRY_DEATH].revents != 0)
			return EVENT_DEATH;
		if (entries[ENTRY_STOP].revents == 0)
			return EVENT_SIGNAL;
		if ((entries[ENTRY_STOP].revents & POLLIN) == 0)
			return EVENT_DEATH;
		enum event event = receive_stop(vm);
		if (event != EVENT_TIMEOUT)
			return event;
		/* A signal took the stop back; it will be made again. */
		if (entries[ENTRY_KICK].revents != 0)
			return EVENT_SIGNAL;
	}
}

/*
 * Like next_event(), for STOP_CPU or STOP_WALL: signals to this thread are noted for later. Waits
 * in slices, none of which counts for more than it was to take: a computer that was suspended has
 * given the guest process no time either.
 */
static enum event next_event_soon(struct process_vm *vm)
{
	enum { SLICE_MS = 100 };
	const struct sys *sys = sys_of(vm);
	const uint64_t cpu = process_vm_cpu_time(&vm->base);
	struct timespec start, now;
	int64_t left = STOP_WALL;

	do {
		sys->clock_gettime(CLOCK_MONOTONIC, &start);
		enum event event = next_event(vm, SLICE_MS);
		if (event != EVENT_SIGNAL && event != EVENT_TIMEOUT)
			return event;
		vm->owes_interrupt = vm->owes_interrupt || event == EVENT_SIGNAL;
		sys->clock_gettime(CLOCK_MONOTONIC, &now);
		int64_t taken = (now.tv_sec - start.tv_sec) * 1000 * NS_PER_MS +
				(now.tv_nsec - start.tv_nsec);
		left -= taken < SLICE_MS * NS_PER_MS ? taken : SLICE_MS * NS_PER_MS;
	} while (left > 0 && process_vm_cpu_time(&vm->base) - cpu < (uint64_t)STOP_CPU);
	return EVENT_TIMEOUT;
}

/* Whether the host set the guest up anew, rather than answering it: an answer is rax. */
static bool is_fresh_start(const struct process_vm *vm)
{
	struct hv_regs answered = vm->regs;

	if (!vm->base.regs_changed || vm->resumes)
		return false;
	if (vm->kind != HV_EXIT_HYPERCALL && vm->kind != HV_EXIT_SYSCALL)
		return true;
	answered.rax = vm->reported.rax;
	return memcmp(&answered, &vm->reported, sizeof answered) != 0;
}

/* Whether the stop, which came instead of the one that was read before, can get its answer. */
static bool can_answer(const struct process_vm *vm)
{
	struct hv_regs ignored;
	struct hv_exit exit;

	return vm->starts_fresh || stop_read(&vm->stop, vm->control, &ignored, &exit);
}

/* Lets the guest process go on. Returns false when it is dead. */
static bool answer(struct process_vm *vm)
{
	for (int i = 0; i < ANSWERS_MAX; i++) {
		uint64_t value = stop_answer(&vm->stop, vm->control, &vm->regs, vm->fs_base,
					     vm->starts_fresh);
		struct seccomp_notif_resp response = {
			.id = vm->notification,
			.val = (int64_t)value,
		};
		if (sys_of(vm)->ioctl(vm->process.listener, SECCOMP_IOCTL_NOTIF_SEND, &response) ==
		    0) {
			vm->is_stopped = false;
			return true;
		}
		/* The stop was cut short: by our own late kick, or because something froze the
		 * process for a while. It stops again, in another way perhaps, and
		 * goes on from there with the same registers. */
		if (errno != ENOENT || next_event_soon(vm) != EVENT_STOP || !can_answer(vm))
			break;
	}
	bury(vm);
	return false;
}

/* Linux fills its page tables as pages are used, so its error codes tell what was used. The
 * guest's page tables are complete: the bit says whether they map the address. */
static void fix_page_fault(const struct process_vm *vm, struct hv_exit *exit)
{
	uint64_t address = exit->u.exception.address;

	exit->u.exception.error_code &= ~PAGE_FAULT_PRESENT;
	for (size_t i = 0; i < vm->nviews; i++)
		if (address - vm->views[i].va < vm->views[i].size)
			exit->u.exception.error_code |= PAGE_FAULT_PRESENT;
}

/* The stop as an exit. Returns false when there is nothing to tell: the guest is to go on. */
static bool report_stop(struct process_vm *vm, struct hv_exit *exit)
{
	vm->starts_fresh = false;
	vm->resumes = false;
	if (!stop_read(&vm->stop, vm->control, &vm->regs, exit)) {
		bury(vm);
		exit->kind = HV_EXIT_DIED;
		exit->u.detail = vm->death_signal;
		return true;
	}
	if (exit->kind == HV_EXIT_EXCEPTION && exit->u.exception.vector == VECTOR_PAGE_FAULT)
		fix_page_fault(vm, exit);
	/* A signal may stop the process before it is back in the guest: the FS base is still the
	 * one that we gave it, whether it has arrived yet or not. */
	if (vm->regs.rip < MONITOR_STOPPED || vm->regs.rip >= MONITOR_DOORS_END)
		vm->fs_base = vm->stop.fs_base;
	vm->reported = vm->regs;
	vm->kind = exit->kind;
	return exit->kind != HV_EXIT_INTERRUPTED;
}

/* The guest has not run: it is to go on next time as it was to go on now. */
static void interrupt_before_answer(struct process_vm *vm, struct hv_exit *exit)
{
	if (!can_answer(vm))
		bury(vm);
	vm->reported = vm->regs;
	vm->kind = exit->kind = HV_EXIT_INTERRUPTED;
}

static void report_death(struct process_vm *vm, struct hv_exit *exit)
{
	bury(vm);
	exit->kind = HV_EXIT_DIED;
	exit->u.detail = vm->death_signal;
}

/* This thread got a signal while the guest ran: stops the guest. */
static void interrupt(struct process_vm *vm, struct hv_exit *exit)
{
	sys_of(vm)->pidfd_send_signal(vm->process.pidfd, STOP_KICK);
	if (next_event_soon(vm) != EVENT_STOP)
		bury(vm);
	else if (stop_is_unanswered(vm->control))
		interrupt_before_answer(vm, exit);
	else
		report_stop(vm, exit);
	/* When the guest stopped by itself first, the next run tells of the signal. */
	vm->owes_interrupt = vm->is_stopped && exit->kind != HV_EXIT_INTERRUPTED;
	if (!vm->is_stopped)
		report_death(vm, exit);
}

mote_status process_vm_run(struct hv_vm *base, struct hv_exit *exit, mote_error *err)
{
	struct process_vm *vm = (struct process_vm *)base;

	(void)err;
	*exit = (struct hv_exit){ .kind = HV_EXIT_DIED };
	vm->starts_fresh = vm->starts_fresh || is_fresh_start(vm);
	base->regs_changed = false;
	for (int answers = 0;;) {
		if (vm->process.pid == 0) {
			report_death(vm, exit);
			return MOTE_OK;
		}
		if (vm->kick.is_armed)
			process_kick_check(vm);
		if (vm->owes_interrupt) {
			vm->owes_interrupt = false;
			exit->kind = HV_EXIT_INTERRUPTED;
			return MOTE_OK;
		}
		if (!answer(vm))
			continue;
		switch (next_event(vm, FOREVER)) {
		case EVENT_STOP:
			if (stop_is_unanswered(vm->control)) {
				if (++answers == ANSWERS_MAX || !can_answer(vm))
					bury(vm);
				break;
			}
			if (report_stop(vm, exit))
				return MOTE_OK;
			break; /* a kick that came too late, or somebody else's */
		case EVENT_SIGNAL:
			interrupt(vm, exit);
			return MOTE_OK;
		default:
			report_death(vm, exit);
			return MOTE_OK;
		}
	}
}

mote_status process_vm_await_start(struct process_vm *vm, mote_error *err)
{
	if (next_event_soon(vm) != EVENT_STOP)
		return error_set(err, MOTE_E_OS,
				 "process backend: the guest process died before its first stop");
	vm->owes_interrupt = false;
	return MOTE_OK;
}

/* A guest that has stopped by a signal of the monitor's has left them where the kernel put them. */
mote_status process_vm_vectors(struct hv_vm *base, struct hv_vectors *to, mote_error *err)
{
	const struct process_vm *vm = (const struct process_vm *)base;

	if (vm->is_stopped && stop_vectors(&vm->stop, vm->control, to))
		return MOTE_OK;
	return error_set(err, MOTE_E_INVALID, "the guest's vector registers are not there");
}

mote_status process_vm_resume(struct hv_vm *base, const struct hv_vectors *vectors, mote_error *err)
{
	struct process_vm *vm = (struct process_vm *)base;

	if (!vm->is_stopped || !stop_set_vectors(&vm->stop, vm->control, vectors))
		return error_set(err, MOTE_E_INVALID, "the guest cannot go on from here");
	vm->resumes = true;
	base->regs_changed = true;
	return MOTE_OK;
}

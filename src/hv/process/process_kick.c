/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a run short. The thread waits for its guest in ppoll(): a kick is one more descriptor
 * there, which stays readable until it is read, and an alarm is the time that ppoll() may take. So
 * nothing can come too early, and no signal of this process has a part in it.
 */
#define _GNU_SOURCE
#include "hv/process/process_internal.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

static const struct sys *sys_of(const struct process_vm *vm)
{
	return vm->owner->base.host->sys;
}

static uint64_t clock_ns(const struct process_vm *vm, clockid_t clock)
{
	struct timespec now = { 0 };

	sys_of(vm)->clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

mote_status process_vm_arm(struct hv_vm *base, mote_error *err)
{
	struct process_vm *vm = (struct process_vm *)base;

	if (vm->kick.wake < 0)
		vm->kick.wake = sys_of(vm)->eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (vm->kick.wake < 0)
		return error_os(err, errno, "no descriptor to interrupt a guest by");
	vm->kick.is_armed = true;
	return MOTE_OK;
}

void process_vm_disarm(struct hv_vm *base)
{
	struct process_vm *vm = (struct process_vm *)base;

	vm->kick.is_armed = false;
	vm->kick.alarm = 0;
	if (host_is_forked(vm->owner->base.host))
		return; /* the descriptor is the parent's, too */
	if (atomic_load(&vm->kick.was_kicked))
		process_kick_drain(vm);
	vm->owes_interrupt = false;
}

void process_vm_kick(struct hv_vm *base)
{
	struct process_vm *vm = (struct process_vm *)base;
	const uint64_t one = 1;

	/* it can fail only after 2^64 - 2 of them, and then the descriptor is readable */
	(void)!sys_of(vm)->write(vm->kick.wake, &one, sizeof one);
	atomic_store(&vm->kick.was_kicked, true); /* now: whoever sees it can read */
}

void process_kick_drain(struct process_vm *vm)
{
	uint64_t count;

	atomic_store(&vm->kick.was_kicked, false);
	(void)!sys_of(vm)->read(vm->kick.wake, &count, sizeof count);
	vm->owes_interrupt = true;
}

mote_status process_vm_set_alarm(struct hv_vm *base, uint64_t ns, mote_error *err)
{
	struct process_vm *vm = (struct process_vm *)base;
	const uint64_t now = ns ? clock_ns(vm, CLOCK_MONOTONIC) : 0;

	(void)err;
	vm->kick.alarm = now + ns < now ? UINT64_MAX : now + ns;
	return MOTE_OK;
}

bool process_kick_left(const struct process_vm *vm, struct timespec *left)
{
	if (!vm->kick.alarm)
		return false;
	const uint64_t now = clock_ns(vm, CLOCK_MONOTONIC);
	const uint64_t ns = now < vm->kick.alarm ? vm->kick.alarm - now : 0;

	*left = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
				   .tv_nsec = (long)(ns % NS_PER_S) };
	return true;
}

void process_kick_check(struct process_vm *vm)
{
	if (atomic_load(&vm->kick.was_kicked))
		process_kick_drain(vm);
	if (vm->kick.alarm && clock_ns(vm, CLOCK_MONOTONIC) >= vm->kick.alarm)
		process_kick_alarmed(vm);
}

void process_kick_alarmed(struct process_vm *vm)
{
	vm->kick.alarm = 0;
	vm->owes_interrupt = true;
}

void process_vm_wait(struct hv_vm *base, uint64_t ns)
{
	struct process_vm *vm = (struct process_vm *)base;
	struct pollfd wake = { .fd = vm->kick.wake, .events = POLLIN };
	struct timespec most = { .tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S) };
	struct timespec left;

	if (vm->kick.is_armed && process_kick_left(vm, &left) &&
	    (left.tv_sec < most.tv_sec ||
	     (left.tv_sec == most.tv_sec && left.tv_nsec < most.tv_nsec)))
		most = left;
	sys_of(vm)->ppoll(&wake, vm->kick.is_armed, &most, NULL);
	if (vm->kick.is_armed)
		process_kick_check(vm);
}

/* The kernel's name for the CPU time of a process: see clock_getcpuclockid(). */
static clockid_t cpu_clock(pid_t pid)
{
	enum { CPUCLOCK_SCHED = 2 };

	return (clockid_t)(~(unsigned)pid << 3 | CPUCLOCK_SCHED);
}

uint64_t process_vm_cpu_time(const struct hv_vm *base)
{
	const struct process_vm *vm = (const struct process_vm *)base;

	return vm->process.pid ? clock_ns(vm, cpu_clock(vm->process.pid)) : vm->cpu_time;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends a run of the guest that does not end by itself: its limits, and other threads. The
 * machine gives the run loop a turn when a limit may have been reached, or somebody kicks it;
 * whether the run is over is decided here, by the clocks and by the interrupt's state.
 */
#include "sandbox/interrupt.h"
#include "sandbox/sandbox.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S UINT64_C(1000000000)

/* CPU time passes no faster than the wall clock, and may pass so slowly that looking again as soon
 * as it could be over would take all there is. */
#define CPU_ALARM_LEAST UINT64_C(100000)

/* The sandbox that this thread runs: what a host function asks about. */
static _Thread_local const mote_sandbox *running __attribute__((tls_model("initial-exec")));

uint64_t sandbox_clock_ns(const mote_sandbox *sb, clockid_t clock)
{
	struct timespec now = { 0 };

	sb->rt->host.sys->clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t sandbox_guest_cpu_ns(const mote_sandbox *sb)
{
	const struct hv_vm *vm = sandbox_vm(sb);

	return vm->ops->cpu_time ? vm->ops->cpu_time(vm) : 0;
}

/* Of this thread, and of the guest if it has another one. */
static uint64_t cpu_ns(const mote_sandbox *sb)
{
	return sandbox_clock_ns(sb, CLOCK_THREAD_CPUTIME_ID) + sandbox_guest_cpu_ns(sb);
}

/* What a limit leaves. UINT64_MAX: there is no limit. */
struct left {
	uint64_t clock_ns, cpu_ns;
	uint64_t timer_ns; /* of the guest's own */
};

static struct left what_is_left(const mote_sandbox *sb)
{
	const struct time_limits *limits = &sb->time;
	struct left left = { UINT64_MAX, UINT64_MAX, UINT64_MAX };

	if (limits->timeout_ns) {
		uint64_t used = sandbox_clock_ns(sb, CLOCK_MONOTONIC) - sb->start.clock_ns;
		left.clock_ns = used < limits->timeout_ns ? limits->timeout_ns - used : 0;
	}
	if (limits->cpu_ns) {
		uint64_t used = cpu_ns(sb) - sb->start.cpu_ns;
		left.cpu_ns = used < limits->cpu_ns ? limits->cpu_ns - used : 0;
	}
	return left;
}

static mote_status set_alarm(mote_sandbox *sb, struct left left, mote_error *err)
{
	struct hv_vm *vm = sandbox_vm(sb);
	uint64_t ns = left.cpu_ns < CPU_ALARM_LEAST ? CPU_ALARM_LEAST : left.cpu_ns;

	if (left.clock_ns < ns)
		ns = left.clock_ns;
	if (left.timer_ns < ns)
		ns = left.timer_ns;
	return ns == UINT64_MAX ? MOTE_OK : vm->ops->set_alarm(vm, ns, err);
}

mote_status stop_begin(mote_sandbox *sb, mote_error *err)
{
	struct hv_vm *vm = sandbox_vm(sb);
	const struct time_limits *limits = &sb->time;
	const bool has_limits = limits->timeout_ns || limits->cpu_ns;
	const bool is_wanted = interrupt_is_wanted(sb->interrupt);

	sb->outer = running;
	running = sb;
	sb->is_armed = has_limits || is_wanted;
	if (!sb->is_armed)
		return MOTE_OK;
	mote_status status = vm->ops->arm(vm, err);
	if (!status && has_limits) {
		if (limits->timeout_ns)
			sb->start.clock_ns = sandbox_clock_ns(sb, CLOCK_MONOTONIC);
		if (limits->cpu_ns)
			sb->start.cpu_ns = cpu_ns(sb);
		status = set_alarm(
			sb,
			(struct left){ limits->timeout_ns ? limits->timeout_ns : UINT64_MAX,
				       limits->cpu_ns ? limits->cpu_ns : UINT64_MAX, UINT64_MAX },
			err);
		if (status)
			vm->ops->disarm(vm);
	}
	if (status) {
		running = sb->outer;
		return status;
	}
	if (is_wanted)
		interrupt_begin(sb->interrupt, vm);
	return MOTE_OK;
}

/* "50 ms", "1.5 s" */
static const char *describe(char *text, size_t size, uint64_t ns)
{
	static const struct {
		double ns;
		const char *name;
	} units[] = { { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "us" }, { 1, "ns" } };
	size_t i = 0;

	while (i < 3 && (double)ns < units[i].ns)
		i++;
	snprintf(text, size, "%.6g %s", (double)ns / units[i].ns, units[i].name);
	return text;
}

static mote_status canceled(mote_error *err)
{
	return error_set(err, MOTE_E_CANCELED, "mote_interrupt_kill() stopped it");
}

static bool is_canceled(const mote_sandbox *sb)
{
	return sb->interrupt && interrupt_is_canceled(sb->interrupt);
}

mote_status stop_check(mote_sandbox *sb, mote_error *err)
{
	char text[40];

	if (!sb->is_armed)
		return MOTE_OK;
	if (is_canceled(sb))
		return canceled(err);
	const struct guest_abi *abi = sb->guest->abi;
	struct left left = what_is_left(sb);
	if (abi->alarm)
		left.timer_ns = abi->alarm(sb->guest, sandbox_clock_ns(sb, CLOCK_MONOTONIC));
	if (left.clock_ns == 0 || left.cpu_ns == 0)
		sb->account.limit = left.clock_ns == 0 ? MOTE_LIMIT_TIMEOUT : MOTE_LIMIT_CPU;
	if (left.clock_ns == 0)
		return error_set(err, MOTE_E_TIMEOUT, "stopped after %s, its time limit (%s)",
				 describe(text, sizeof text, sb->time.timeout_ns),
				 sb->time.timeout_name);
	if (left.cpu_ns == 0)
		return error_set(err, MOTE_E_TIMEOUT,
				 "stopped after %s of CPU time, its limit (cpu_ns)",
				 describe(text, sizeof text, sb->time.cpu_ns));
	return set_alarm(sb, left, err);
}

mote_status stop_wait(mote_sandbox *sb, uint64_t until, mote_error *err)
{
	struct hv_vm *vm = sandbox_vm(sb);
	const uint64_t now = sandbox_clock_ns(sb, CLOCK_MONOTONIC);

	if (now < until)
		vm->ops->wait(vm, until - now);
	return stop_check(sb, err);
}

mote_status stop_add_timer(mote_sandbox *sb, mote_error *err)
{
	struct hv_vm *vm = sandbox_vm(sb);
	mote_status status = sb->is_armed ? MOTE_OK : vm->ops->arm(vm, err);

	if (status)
		return status;
	sb->is_armed = true;
	return stop_check(sb, err);
}

mote_status stop_end(mote_sandbox *sb, mote_status status, mote_error *err)
{
	running = sb->outer;
	if (!sb->is_armed)
		return status;
	sb->is_armed = false;
	const bool was_killed = sb->interrupt && interrupt_end(sb->interrupt);

	sandbox_vm(sb)->ops->disarm(sandbox_vm(sb));
	return was_killed && status != MOTE_E_CANCELED ? canceled(err) : status;
}

static bool should_stop(const mote_sandbox *sb)
{
	if (!sb->is_armed)
		return false;
	const struct left left = what_is_left(sb);

	return is_canceled(sb) || left.clock_ns == 0 || left.cpu_ns == 0;
}

bool mote_host_should_stop(void)
{
	for (const mote_sandbox *sb = running; sb; sb = sb->outer)
		if (should_stop(sb))
			return true;
	return false;
}

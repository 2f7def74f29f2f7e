/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run loop: from the moment a guest starts until it is ready for calls, done with
 * one, or ended. Everything a guest can do on the way is an event here, and every
 * event that no guest may cause ends in a poisoned sandbox.
 */
#include "sandbox/crash.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

mote_status sandbox_poison(mote_sandbox *sb, mote_status status, const mote_error *err)
{
	sb->is_poisoned = true;
	snprintf(sb->poison, sizeof sb->poison, "%s",
		 err ? err->message : mote_status_name(status));
	if (sb->crashed && mote_status_class(status) == MOTE_CLASS_POISON)
		sb->crashed(sb->crashed_user, sb, status);
	return status;
}

mote_status sandbox_bad_message(const char *what, struct wire_check check, mote_error *err)
{
	return error_set(err, MOTE_E_GUEST_PROTOCOL,
			 "the guest sent a malformed %s: %s %" PRIu32 ": %s", what,
			 wire_field_text(check.field), check.index, wire_status_text(check.status));
}

size_t sandbox_pop(mote_sandbox *sb, const char *what, mote_error *err)
{
	struct io_stack output = guest_memory_output(sb->memory);
	struct io_fault fault;
	uint64_t size = io_stack_pop(&output, sb->message, sb->message_capacity, &fault);
	sb->account.bytes_out += size;
	if (!size)
		error_set(err, MOTE_E_GUEST_PROTOCOL,
			  "the guest's output buffer holds no %s: %s is 0x%" PRIx64
			  ", outside of 0x%" PRIx64 "..0x%" PRIx64,
			  what, io_status_text(fault.status), fault.found, fault.low, fault.high);
	return (size_t)size;
}

static mote_log_level log_level(enum wire_level level)
{
	static const mote_log_level levels[] = {
		[WIRE_LEVEL_TRACE] = MOTE_LOG_TRACE, [WIRE_LEVEL_DEBUG] = MOTE_LOG_DEBUG,
		[WIRE_LEVEL_INFO] = MOTE_LOG_INFO,   [WIRE_LEVEL_WARN] = MOTE_LOG_WARN,
		[WIRE_LEVEL_ERROR] = MOTE_LOG_ERROR, [WIRE_LEVEL_CRITICAL] = MOTE_LOG_ERROR,
		[WIRE_LEVEL_NONE] = MOTE_LOG_TRACE,
	};
	return levels[level];
}

static mote_status serve_log(mote_sandbox *sb, mote_error *err)
{
	struct wire_log log;
	size_t size = sandbox_pop(sb, "log record", err);
	if (!size)
		return MOTE_E_GUEST_PROTOCOL;
	struct wire_check check = wire_log_read(sb->message, size, &log);
	if (check.status)
		return sandbox_bad_message("log record", check, err);
	account_log(&sb->account, &sb->rt->host, log_level(log.level), log.message.ptr,
		    log.message.len);
	return runtime_check_fork(sb->rt, err);
}

/* main() returned. The guest says where it takes calls; it can only hurt itself by lying, but
 * the start must be code, or each call would fault with a puzzling message. */
static mote_status serve_ready(mote_sandbox *sb, mote_error *err)
{
	const struct hv_regs *regs = sb->machine.vm->regs;
	if (sb->dispatch)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest said twice that it is ready");
	if ((int)regs->rcx != 0)
		return error_set(err, MOTE_E_GUEST_ABORT,
				 "the guest's main() returned %d; 0 means that it takes calls",
				 (int)regs->rcx);
	if (!guest_memory_is_code(sb->memory, regs->rsi))
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest's dispatch function at 0x%" PRIx64
				 " is not in its code",
				 regs->rsi);
	sb->dispatch = regs->rsi;
	sb->call_stack = regs->rdx;
	return MOTE_OK;
}

/* Returns true when the run is over; *STATUS then says how. */
static bool serve_hypercall(mote_sandbox *sb, enum run_end *end, mote_status *status,
			    mote_error *err)
{
	uint64_t operation = sb->machine.vm->regs->rdi;
	uint64_t rax = 0;
	switch (operation) {
	case MOTE_HC_READY:
		*end = RUN_READY;
		*status = serve_ready(sb, err);
		return true;
	case MOTE_HC_DONE:
		*end = RUN_DONE;
		*status = MOTE_OK;
		sb->done_spans = sb->machine.vm->regs->rsi;
		return true;
	case MOTE_HC_HOST_CALL:
		*status = sandbox_host_call(sb, &rax, err);
		break;
	case MOTE_HC_LOG:
		*status = serve_log(sb, err);
		break;
	default:
		*status = error_set(err, MOTE_E_GUEST_PROTOCOL,
				    "the guest made hypercall %" PRIu64 ", which does not exist",
				    operation);
		break;
	}
	if (*status)
		return true;
	machine_return(&sb->machine, rax);
	return false;
}

static mote_status stuck(const struct personality *p, mote_error *err)
{
	static const char *const what[] = {
		[STUCK_FOR_DESCRIPTORS] = "descriptors that will never be ready",
		[STUCK_FOR_SIGNAL] = "a signal that nobody will send",
	};

	if (p->stuck_for == STUCK_FOR_THREAD)
		return error_set(err, MOTE_E_GUEST_ABORT,
				 "the guest waits at 0x%" PRIx64
				 " for another thread, and has only one: a deadlock",
				 p->stuck_at);
	return error_set(err, MOTE_E_GUEST_ABORT, "the guest waits for %s: a deadlock",
			 what[p->stuck_for]);
}

/* Whether the program has ended; *STATUS then says how. */
static bool has_ended(mote_sandbox *sb, enum run_end *end, mote_status *status, mote_error *err)
{
	const struct personality *p = &sb->personality;

	if (p->state == PROGRAM_RUNNING)
		return false;
	*end = RUN_EXIT;
	if (p->state == PROGRAM_STUCK)
		*status = stuck(p, err);
	if (p->state == PROGRAM_SIGNALED) {
		sb->fault.signal = p->end_signal;
		sb->fault.address = 0;
		*status = error_set(err, MOTE_E_GUEST_ABORT,
				    "the guest ended itself with signal %d%s", p->end_signal,
				    p->end_signal == 6 ? " (abort)" : "");
	}
	return true;
}

static bool serve_syscall(mote_sandbox *sb, enum run_end *end, mote_status *status, mote_error *err)
{
	struct personality *p = &sb->personality;

	personality_syscall(p);
	*status = account_check(&sb->account, err);
	if (!*status && p->state == PROGRAM_RUNNING && p->wait.until)
		*status = stop_wait(sb, err);
	if (!*status && p->state == PROGRAM_RUNNING && p->timer.is_new)
		*status = stop_add_timer(sb, err);
	return *status || has_ended(sb, end, status, err);
}

/* By a limit, by others, by its own timer, or by a signal of the embedder's, which is nothing. */
static bool serve_interrupt(mote_sandbox *sb, enum run_end *end, mote_status *status,
			    mote_error *err)
{
	const uint64_t now = sandbox_clock_ns(sb, CLOCK_MONOTONIC);

	*status = MOTE_OK;
	if (personality_interrupt(&sb->personality, now) && !account_exit(&sb->account))
		*status = account_check(&sb->account, err);
	if (!*status && !has_ended(sb, end, status, err))
		*status = stop_check(sb, err);
	return *status || sb->personality.state != PROGRAM_RUNNING;
}

static mote_status fault(mote_sandbox *sb, const struct hv_exit *event, mote_error *err)
{
	char what[256], place[BACKTRACE_TEXT_SIZE];
	uint64_t pc = event->kind == HV_EXIT_EXCEPTION ? event->u.exception.rip
						       : sb->machine.vm->regs->rip;
	machine_describe(&sb->machine, event, what, sizeof what);
	crash_note(sb, event);
	crash_describe(sb, pc, place);
	error_set(err, MOTE_E_GUEST_FAULT, "%s, %s", what, place);
	if (err) {
		err->guest_pc = pc;
		if (event->kind == HV_EXIT_EXCEPTION)
			err->guest_address = event->u.exception.address;
	}
	return MOTE_E_GUEST_FAULT;
}

static mote_status run_until_end(mote_sandbox *sb, enum run_end *end, mote_error *err)
{
	for (;;) {
		struct hv_exit event;
		mote_status status = runtime_check_fork(sb->rt, err);
		if (!status)
			status = machine_run(&sb->machine, &event, err);
		if (!status && event.kind != HV_EXIT_INTERRUPTED && !account_exit(&sb->account))
			status = account_check(&sb->account, err);
		if (status)
			return status;
		switch (event.kind) {
		case HV_EXIT_HYPERCALL:
			if (serve_hypercall(sb, end, &status, err))
				return status;
			break;
		case HV_EXIT_SYSCALL:
			if (serve_syscall(sb, end, &status, err))
				return status;
			break;
		case HV_EXIT_EXCEPTION:
			if (!signals_fault(&sb->personality, &event))
				return fault(sb, &event, err);
			break;
		case HV_EXIT_INTERRUPTED:
			if (serve_interrupt(sb, end, &status, err))
				return status;
			break;
		default:
			/* stopping a guest can cost its process */
			status = event.kind == HV_EXIT_DIED ? stop_check(sb, err) : MOTE_OK;
			return status ? status : fault(sb, &event, err);
		}
	}
}

static mote_status check_stack_guard(mote_sandbox *sb, mote_error *err)
{
	bool is_intact;
	mote_status status = guest_memory_check_stack_guard(sb->memory, &is_intact, err);

	if (status || is_intact)
		return status;
	return error_set(err, MOTE_E_GUEST_FAULT,
			 "the stack reached its end and overwrote the guard there; raise "
			 "stack_size");
}

mote_status sandbox_run(mote_sandbox *sb, const struct time_limits *limits, enum run_end *end,
			mote_error *err)
{
	mote_error local;
	if (!err)
		err = &local;
	sb->time = limits ? *limits : (struct time_limits){ 0 };
	mote_status status = stop_begin(sb, err);
	if (status) {
		if (sb->function)
			error_prefix(err, "call \"%s\": ", sb->function);
		return status;
	}
	sb->is_running = true;
	status = stop_end(sb, run_until_end(sb, end, err), err);
	sb->is_running = false;
	streams_flush(&sb->personality.streams);
	account_end(&sb->account, &sb->rt->host);
	if (!status)
		status = check_stack_guard(sb, err);
	if (!status)
		return MOTE_OK;
	if (sb->function)
		error_prefix(err, "call \"%s\": ", sb->function);
	return sandbox_poison(sb, status, err);
}

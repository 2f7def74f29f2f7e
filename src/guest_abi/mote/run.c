/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls, and what the exits of a guest's machine mean. System calls, and faults that the guest
 * handles, are served here; hypercalls are events; all else ends the guest.
 */
#include "guest_abi/mote/guest.h"

#include "guest_abi/exceptions.h"
#include "guest_abi/mote/syscall_table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

mote_status mote_guest_call(struct guest *base, uint64_t export_number, uint64_t spans,
			    mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);

	(void)err;
	machine_start(&guest->machine, guest->dispatch, guest->call_stack, export_number, spans);
	return MOTE_OK;
}

void mote_guest_answer(struct guest *base, uint64_t spans)
{
	machine_return(&mote_guest_of(base)->machine, spans);
}

static void end(struct mote_guest *guest, struct guest_event *event, mote_status status,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The guest cannot go on, in words of ours. */
static void end(struct mote_guest *guest, struct guest_event *event, mote_status status,
		const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	guest_event_end(event, status, guest->text, sizeof guest->text, format, arguments);
	va_end(arguments);
}

/* The guest says where it takes calls; it can only hurt itself by lying, but the start must be
 * code, or each call would fault with a puzzling message. */
static void serve_ready(struct mote_guest *guest, struct guest_event *event)
{
	const struct hv_regs *regs = guest->machine.vm->regs;

	if (guest->dispatch) {
		end(guest, event, MOTE_E_GUEST_PROTOCOL, "the guest said twice that it is ready");
	} else if ((int)regs->rcx != 0) {
		end(guest, event, MOTE_E_GUEST_ABORT,
		    "the guest's main() returned %d; 0 means that it takes calls", (int)regs->rcx);
	} else if (!guest_memory_is_code(guest->memory, regs->rsi)) {
		end(guest, event, MOTE_E_GUEST_PROTOCOL,
		    "the guest's dispatch function at 0x%" PRIx64 " is not in its code", regs->rsi);
	} else {
		guest->dispatch = regs->rsi;
		guest->call_stack = regs->rdx;
		*event = (struct guest_event){ .kind = GUEST_READY };
	}
}

static void serve_hypercall(struct mote_guest *guest, struct guest_event *event)
{
	const struct hv_regs *regs = guest->machine.vm->regs;

	*event = (struct guest_event){ .spans = regs->rsi };
	switch (regs->rdi) {
	case MOTE_HC_READY:
		serve_ready(guest, event);
		return;
	case MOTE_HC_DONE:
		event->kind = GUEST_DONE;
		return;
	case MOTE_HC_HOST_CALL:
		event->kind = GUEST_HOST_CALL;
		event->takes_spans = regs->rdx & 1;
		return;
	case MOTE_HC_LOG:
		event->kind = GUEST_LOG;
		machine_return(&guest->machine, 0);
		return;
	default:
		end(guest, event, MOTE_E_GUEST_PROTOCOL,
		    "the guest made hypercall %" PRIu64 ", which does not exist", regs->rdi);
		return;
	}
}

static void end_stuck(struct mote_guest *guest, struct guest_event *event)
{
	static const char *const what[] = {
		[STUCK_FOR_DESCRIPTORS] = "descriptors that will never be ready",
		[STUCK_FOR_SIGNAL] = "a signal that nobody will send",
	};
	const struct personality *p = &guest->personality;

	if (p->stuck_for == STUCK_FOR_THREAD)
		end(guest, event, MOTE_E_GUEST_ABORT,
		    "the guest waits at 0x%" PRIx64
		    " for another thread, and has only one: a deadlock",
		    p->stuck_at);
	else
		end(guest, event, MOTE_E_GUEST_ABORT, "the guest waits for %s: a deadlock",
		    what[p->stuck_for]);
}

/* What the program came to: by a system call, or by a signal. */
static void end_program(struct mote_guest *guest, struct guest_event *event)
{
	const struct personality *p = &guest->personality;

	if (p->state == PROGRAM_EXITED) {
		*event = (struct guest_event){ .kind = GUEST_EXIT,
					       .code = (uint64_t)p->exit_status };
	} else if (p->state == PROGRAM_STUCK) {
		end_stuck(guest, event);
	} else {
		end(guest, event, MOTE_E_GUEST_ABORT, "the guest ended itself with signal %d%s",
		    p->end_signal, p->end_signal == 6 ? " (abort)" : "");
		event->signal = p->end_signal;
	}
}

/* After a system call, a wait or an interrupt. False: the guest goes on, and nothing happened that
 * anybody must see. */
static bool look(struct mote_guest *guest, struct guest_event *event)
{
	struct personality *p = &guest->personality;

	*event = (struct guest_event){ .kind = GUEST_INTERRUPTED };
	if (p->state == PROGRAM_RUNNING && host_is_forked(guest->host))
		return true;
	if (p->state == PROGRAM_RUNNING && p->wait.until)
		event->until = personality_wait(p, syscall_now(p, CLOCK_MONOTONIC));
	if (p->state != PROGRAM_RUNNING) {
		end_program(guest, event);
		return true;
	}
	event->kind = event->until ? GUEST_SLEEP : GUEST_TIMER;
	if (!event->until && !p->timer.is_new)
		return false;
	if (!event->until)
		p->timer.is_new = false;
	return true;
}

static bool serve_syscall(struct mote_guest *guest, struct guest_event *event)
{
	personality_syscall(&guest->personality);
	if (!guest->account->limit)
		return look(guest, event);
	event->kind = GUEST_LIMIT;
	return true;
}

/* By a limit, by others, by its own timer, or by a signal of the embedder's, which is nothing. */
static void serve_interrupt(struct mote_guest *guest, struct guest_event *event)
{
	struct personality *p = &guest->personality;
	const bool rang = personality_interrupt(p, syscall_now(p, CLOCK_MONOTONIC));

	event->kind = GUEST_INTERRUPTED;
	if (rang && !account_exit(guest->account))
		event->kind = GUEST_LIMIT;
	else if (p->state != PROGRAM_RUNNING)
		end_program(guest, event);
}

static void serve_fault(struct mote_guest *guest, const struct hv_exit *exit,
			struct guest_event *event)
{
	const bool is_exception = exit->kind == HV_EXIT_EXCEPTION;
	char what[sizeof guest->text];

	machine_describe(&guest->machine, exit, what, sizeof what);
	end(guest, event, MOTE_E_GUEST_FAULT, "%s", what);
	event->pc = is_exception ? exit->u.exception.rip : guest->machine.vm->regs->rip;
	event->is_at_pc = true;
	event->address = is_exception ? exit->u.exception.address : 0;
	event->is_gone = exit->kind == HV_EXIT_DIED;
	event->signal = exception_meaning(is_exception ? exit->u.exception.vector : 14).signal;
}

static bool serve(struct mote_guest *guest, const struct hv_exit *exit, struct guest_event *event)
{
	*event = (struct guest_event){ .kind = GUEST_INTERRUPTED };
	if (exit->kind == HV_EXIT_INTERRUPTED) {
		serve_interrupt(guest, event);
		return true;
	}
	if (!account_exit(guest->account)) {
		event->kind = GUEST_LIMIT;
		return true;
	}
	switch (exit->kind) {
	case HV_EXIT_HYPERCALL:
		serve_hypercall(guest, event);
		return true;
	case HV_EXIT_SYSCALL:
		return serve_syscall(guest, event);
	case HV_EXIT_EXCEPTION:
		if (signals_fault(&guest->personality, exit))
			return false;
		break;
	default:
		break;
	}
	serve_fault(guest, exit, event);
	return true;
}

static bool is_over(const struct guest_event *event)
{
	return event->kind == GUEST_READY || event->kind == GUEST_DONE || event->kind == GUEST_EXIT;
}

/* The run is over: not well, if the stack has run over. */
static mote_status finish(struct mote_guest *guest, struct guest_event *event, mote_error *err)
{
	bool is_intact;
	mote_status status = guest_memory_check_stack_guard(guest->memory, &is_intact, err);

	personality_rest(&guest->personality);
	if (!status && !is_intact)
		end(guest, event, MOTE_E_GUEST_FAULT,
		    "the stack reached its end and overwrote the guard there; raise stack_size");
	return status;
}

mote_status mote_guest_run(struct guest *base, struct guest_event *event, mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);
	bool is_seen = guest->personality.wait.until && look(guest, event);
	mote_status status = MOTE_OK;
	struct hv_exit exit;

	while (!status && !is_seen) {
		status = machine_run(&guest->machine, &exit, err);
		is_seen = !status && serve(guest, &exit, event);
	}
	return !status && is_over(event) ? finish(guest, event, err) : status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls the handlers of a guest's signals. A frame is built in the host's memory and copied to
 * the guest's stack whole, before anything else has changed: when it does not fit, the signal
 * was not delivered.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/signals.h"

#include "guest_abi/exceptions.h"
#include "guest_abi/mote/signal_frame.h"
#include "guest_abi/mote/syscall_table.h"

#include <signal.h>
#include <string.h>

#define BIT(signal) (UINT64_C(1) << ((unsigned)(signal)-1) % 64)

/* What a function may use below its stack pointer. */
#define RED_ZONE 128

void signals_copy(struct signals *to, const struct signals *from)
{
	if (to->handled | from->handled)
		*to = *from;
	else
		memcpy(to, from, offsetof(struct signals, actions));
}

bool signals_set_action(struct signals *signals, int signal, const struct signal_action *action)
{
	if (action->handler >= MOTE_ADDRESS_END || action->restorer >= MOTE_ADDRESS_END)
		return false;
	signals->actions[signal - 1] = *action;
	signals->actions[signal - 1].flags &= UINT32_MAX;
	signals->handled |= BIT(signal);
	if (!(action->handler || action->flags || action->mask || action->restorer))
		signals->handled &= ~BIT(signal);
	return true;
}

/* The least that Linux takes. */
#define STACK_LEAST 2048

bool signals_stack_is_sound(uint64_t base, uint64_t size)
{
	return base < MOTE_ADDRESS_END && size >= STACK_LEAST && size <= MOTE_ADDRESS_END - base;
}

bool signals_are_sound(const struct signals *signals)
{
	struct signals copy = { 0 };
	const bool has_stack = signals->stack_base || signals->stack_size;

	if (has_stack && !signals_stack_is_sound(signals->stack_base, signals->stack_size))
		return false;
	for (int signal = 1; signal <= SIGNALS_MAX; signal++)
		if (!signals_set_action(&copy, signal, &signals->actions[signal - 1]))
			return false;
	return copy.handled == signals->handled && !(signals->mask & SIGNALS_UNBLOCKABLE) &&
	       !(copy.handled & SIGNALS_UNBLOCKABLE) && !(signals->pending & ~signals->mask);
}

/* Which of the floating-point exceptions that STATUS and CONTROL say happened and are not masked. */
static int float_code(unsigned happened, unsigned masked)
{
	static const struct {
		unsigned bits;
		int code;
	} codes[] = {
		{ 0x01, FPE_FLTINV }, { 0x04, FPE_FLTDIV }, { 0x08, FPE_FLTOVF },
		{ 0x12, FPE_FLTUND }, { 0x20, FPE_FLTRES },
	};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (happened & ~masked & codes[i].bits)
			return codes[i].code;
	return FPE_FLTINV;
}

static int code_of_float(unsigned vector, const struct hv_vectors *vectors)
{
	enum { X87_ERROR = 16 };
	uint16_t control, status;
	uint32_t mxcsr;

	memcpy(&control, vectors->area, sizeof control);
	memcpy(&status, vectors->area + sizeof control, sizeof status);
	memcpy(&mxcsr, vectors->area + HV_VECTORS_MXCSR, sizeof mxcsr);
	return vector == X87_ERROR ? float_code(status, control) : float_code(mxcsr, mxcsr >> 7);
}

/* A signal to be delivered, and where the guest is. */
struct delivery {
	int signal;
	struct hv_regs regs;
	uint64_t mask; /* after the handler */
	struct frame_info info;
	uint64_t error_code, vector, fault_address; /* of exceptions */
	struct hv_vectors vectors;
};

bool signals_on_stack(const struct signals *signals, uint64_t rsp)
{
	return rsp > signals->stack_base && rsp - signals->stack_base <= signals->stack_size;
}

/* Where frames go; *FLOOR is the lowest address there. */
static uint64_t frame_stack(const struct signals *signals, const struct signal_action *action,
			    uint64_t rsp, uint64_t *floor)
{
	const bool is_on = signals_on_stack(signals, rsp);

	*floor = is_on ? signals->stack_base : 0;
	if (!(action->flags & SA_ONSTACK) || is_on || signals->stack_size == 0)
		return rsp - RED_ZONE;
	*floor = signals->stack_base;
	return signals->stack_base + signals->stack_size;
}

static void fill_frame(struct signal_frame *frame, const struct signals *signals,
		       const struct signal_action *action, const struct delivery *delivery)
{
	memset(frame, 0, sizeof *frame);
	frame->restorer = action->restorer;
	frame_set_regs(&frame->context, &delivery->regs);
	frame->context.flags = FRAME_FLAGS;
	frame->context.stack_base = signals->stack_base;
	frame->context.stack_size = signals->stack_size;
	frame->context.stack_flags = signals->stack_size == 0                        ? SS_DISABLE
				     : signals_on_stack(signals, delivery->regs.rsp) ? SS_ONSTACK
										     : 0;
	frame->context.error_code = delivery->error_code;
	frame->context.vector = delivery->vector;
	frame->context.fault_address = delivery->fault_address;
	frame->context.old_mask = delivery->mask;
	frame->context.signal_mask = delivery->mask;
	frame->info = delivery->info;
	frame->info.signal = delivery->signal;
}

/* Writes the frame of DELIVERY; returns its address, or 0 when there is no room. */
static uint64_t push_frame(struct personality *p, const struct signal_action *action,
			   struct delivery *delivery)
{
	const uint32_t end = FRAME_VECTORS_END;
	struct hv_vectors *vectors = &delivery->vectors;
	struct signal_frame frame;
	uint64_t floor;
	const uint64_t top = frame_stack(&p->signals, action, delivery->regs.rsp, &floor);
	const uint64_t area = (top - vectors->size - sizeof end) & ~UINT64_C(63);
	const uint64_t address = ((area - sizeof frame) & ~UINT64_C(15)) - sizeof(uint64_t);

	/* what wraps is no address */
	if (address >= MOTE_ADDRESS_END || top > MOTE_ADDRESS_END || address < floor)
		return 0;
	fill_frame(&frame, &p->signals, action, delivery);
	frame.context.fpstate = area;
	frame_sign_vectors(vectors);
	if (syscall_copy_out(p, area, vectors->area, vectors->size) ||
	    syscall_copy_out(p, area + vectors->size, &end, sizeof end) ||
	    syscall_copy_out(p, address, &frame, sizeof frame))
		return 0;
	return address;
}

/* Calls the handler of the signal. False: it could not be; the guest is where it was. */
static bool call_handler(struct personality *p, struct delivery *delivery)
{
	struct signal_action *action = &p->signals.actions[delivery->signal - 1];
	struct hv_regs regs = delivery->regs;

	/* without a way back no Linux delivers */
	if (!(action->flags & SIGNAL_HAS_RESTORER) || action->handler >= MOTE_ADDRESS_END)
		return false;
	const uint64_t frame = push_frame(p, action, delivery);
	if (!frame)
		return false;
	regs.rax = 0;
	regs.rdi = (uint64_t)delivery->signal;
	regs.rsi = frame + offsetof(struct signal_frame, info);
	regs.rdx = frame + offsetof(struct signal_frame, context);
	regs.rip = action->handler;
	regs.rsp = frame;
	regs.rflags &= ~FRAME_DIRECTION;
	if (machine_resume(p->machine, &regs, NULL, NULL))
		return false;
	p->signals.mask |= action->mask & ~SIGNALS_UNBLOCKABLE;
	if (!(action->flags & SA_NODEFER))
		p->signals.mask |= BIT(delivery->signal);
	if (action->flags & SA_RESETHAND)
		signals_set_action(&p->signals, delivery->signal, &(struct signal_action){ 0 });
	delivery->regs = *p->machine->vm->regs;
	delivery->mask = p->signals.mask;
	return true;
}

static bool has_handler(const struct signals *signals, int signal)
{
	return signals->actions[signal - 1].handler > (uint64_t)SIGNAL_IGNORE;
}

static void describe_exception(struct delivery *delivery, const struct hv_exit *event)
{
	enum { PAGE_FAULT = 14, PRESENT = 1 };
	const unsigned vector = event->u.exception.vector;
	const struct exception_meaning meaning = exception_meaning(vector);

	delivery->vector = vector;
	delivery->error_code = event->u.exception.error_code;
	delivery->info.code = meaning.code;
	if (meaning.has_address)
		delivery->info.u.address = event->u.exception.rip;
	if (vector == PAGE_FAULT) {
		delivery->fault_address = event->u.exception.address;
		delivery->info.u.address = event->u.exception.address;
		delivery->info.code = delivery->error_code & PRESENT ? SEGV_ACCERR : SEGV_MAPERR;
	}
	if (meaning.code == FPE_FLTINV && meaning.signal == SIGFPE)
		delivery->info.code = code_of_float(vector, &delivery->vectors);
}

bool signals_fault(struct personality *p, const struct hv_exit *event)
{
	struct delivery delivery = { .signal = exception_meaning(event->u.exception.vector).signal,
				     .mask = p->signals.mask };

	if (!has_handler(&p->signals, delivery.signal) ||
	    (p->signals.mask & BIT(delivery.signal)) ||
	    machine_vectors(p->machine, &delivery.vectors, NULL))
		return false;
	delivery.regs = *p->machine->vm->regs;
	describe_exception(&delivery, event);
	return call_handler(p, &delivery);
}

/* What a guest that does not care does not die of. */
#define IGNORED (BIT(SIGCHLD) | BIT(SIGCONT) | BIT(SIGURG) | BIT(SIGWINCH))

bool signals_are_felt(const struct signals *signals, int signal)
{
	const uint64_t handler = signals->actions[signal - 1].handler;

	return handler == 0 ? !(BIT(signal) & IGNORED) : handler != SIGNAL_IGNORE;
}

bool signals_are_due(const struct signals *signals)
{
	for (uint64_t due = signals->pending & ~signals->mask; due; due &= due - 1)
		if (signals_are_felt(signals, signals_lowest(due)))
			return true;
	return false;
}

struct frame_info signals_take_info(struct personality *p, int signal)
{
	struct frame_info info = { .signal = signal, .code = SI_TKILL };

	info.u.sender.pid = PERSONALITY_TASK_ID;
	info.u.sender.uid = PERSONALITY_USER_ID;
	p->signals.pending &= ~BIT(signal);
	if (p->queued.signal == signal) {
		memcpy(&info, p->queued.info, sizeof info);
		info.signal = signal;
		p->queued.signal = 0;
	}
	return info;
}
_Static_assert(sizeof(struct frame_info) == sizeof(((struct queued_signal *)0)->info),
	       "what was sent is a whole siginfo");

static void end_by(struct personality *p, int signal)
{
	p->state = PROGRAM_SIGNALED;
	p->end_signal = signal;
}

static void deliver_one(struct personality *p, struct delivery *delivery)
{
	if (!signals_are_felt(&p->signals, delivery->signal))
		return;
	if (!has_handler(&p->signals, delivery->signal))
		end_by(p, delivery->signal);
	else if (machine_vectors(p->machine, &delivery->vectors, NULL) ||
		 !call_handler(p, delivery))
		end_by(p, SIGSEGV);
}

void signals_deliver(struct personality *p, const struct hv_regs *regs)
{
	struct delivery delivery = { .regs = *regs,
				     .mask = p->wait.has_mask ? p->wait.mask : p->signals.mask };
	uint64_t due;

	while (p->state == PROGRAM_RUNNING && (due = p->signals.pending & ~p->signals.mask) != 0) {
		delivery.signal = signals_lowest(due);
		delivery.info = signals_take_info(p, delivery.signal);
		deliver_one(p, &delivery);
	}
}

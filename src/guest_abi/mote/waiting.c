/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting, and being interrupted. The one thing that happens to a guest from outside is that its
 * timer is over: that ends a wait, or comes between two instructions. Whoever runs the guest has
 * the clock and waits; here is decided what for, and what then.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/signal_frame.h"
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#define BIT(signal) (UINT64_C(1) << ((signal)-1))
#define NS_PER_S    UINT64_C(1000000000)

/* So long a guest runs before it is interrupted: time to leave the few instructions that are not
 * its own, and to get somewhere whatever timer it sets. */
#define RUN_LEAST UINT64_C(50000)

static bool ring(struct personality *p, uint64_t now)
{
	struct guest_timer *timer = &p->timer;

	if (!timer->at || now < timer->at)
		return false;
	p->signals.pending |= BIT(SIGALRM);
	/* those that nobody could get are not made up for */
	timer->at += timer->interval;
	if (!timer->interval)
		timer->at = 0;
	else if (timer->at <= now)
		timer->at = now + timer->interval;
	return true;
}

/* Whether the timer, when it is over, ends the wait. */
static bool timer_helps(const struct personality *p)
{
	const struct signals *signals = &p->signals;

	if (!p->timer.at)
		return false;
	return (p->wait.taken & BIT(SIGALRM)) ||
	       (!(signals->mask & BIT(SIGALRM)) && signals_are_felt(signals, SIGALRM));
}

void syscall_wait_for_ever(struct personality *p, enum stuck_for what)
{
	p->wait.until = UINT64_MAX;
	if (timer_helps(p) || (p->signals.pending & p->wait.taken) || signals_are_due(&p->signals))
		return;
	p->wait.until = 0;
	p->state = PROGRAM_STUCK;
	p->stuck_for = what;
}

void syscall_swap_mask(struct personality *p, uint64_t mask)
{
	p->wait.has_mask = true;
	p->wait.mask = p->signals.mask;
	p->signals.mask = mask;
}

/* The result of a wait that the lowest of SIGNALS ends, which is not delivered. */
static int64_t take(struct personality *p, uint64_t signals)
{
	const int signal = signals_lowest(signals);
	const struct frame_info info = signals_take_info(p, signal);

	if (p->wait.info && syscall_copy_out(p, p->wait.info, &info, sizeof info))
		return -EFAULT;
	return signal;
}

/* The result of one that was cut short. */
static int64_t interrupted(struct personality *p, uint64_t now)
{
	const uint64_t ns = p->wait.until > now ? p->wait.until - now : 0;
	const struct timespec left = { .tv_sec = (time_t)(ns / NS_PER_S),
				       .tv_nsec = (long)(ns % NS_PER_S) };

	if (p->wait.left && syscall_copy_out(p, p->wait.left, &left, sizeof left))
		return -EFAULT;
	return -EINTR;
}

uint64_t personality_wait(struct personality *p, uint64_t now)
{
	ring(p, now);
	const uint64_t taken = p->signals.pending & p->wait.taken;
	const bool is_due = !taken && signals_are_due(&p->signals);

	if (!taken && !is_due && p->wait.until > now)
		return timer_helps(p) && p->timer.at < p->wait.until ? p->timer.at : p->wait.until;
	if (taken)
		machine_return(p->machine, (uint64_t)take(p, taken));
	if (is_due)
		machine_return(p->machine, (uint64_t)interrupted(p, now));
	if (p->wait.has_mask && !is_due)
		p->signals.mask = p->wait.mask;
	const struct hv_regs regs = machine_syscall_regs(p->machine);
	signals_deliver(p, &regs);
	p->wait = (struct waiting){ 0 };
	p->timer.is_new = p->timer.at != 0;
	return 0;
}

uint64_t personality_alarm(const struct personality *p, uint64_t now)
{
	if (p->wait.until)
		return UINT64_MAX;
	if (p->signals.pending & ~p->signals.mask)
		return RUN_LEAST;
	if (!p->timer.at)
		return UINT64_MAX;
	return p->timer.at > now + RUN_LEAST ? p->timer.at - now : RUN_LEAST;
}

bool personality_interrupt(struct personality *p, uint64_t now)
{
	const bool rang = ring(p, now);
	const struct hv_regs regs = *p->machine->vm->regs;
	struct hv_vectors vectors;

	/* the library's own code is in the window; where it runs elsewhere, no vectors are there */
	if ((p->signals.pending & ~p->signals.mask) && regs.rip >= MOTE_WINDOW_END &&
	    !machine_vectors(p->machine, &vectors, NULL))
		signals_deliver(p, &regs);
	return rang;
}

void personality_rest(struct personality *p)
{
	p->timer = (struct guest_timer){ 0 };
	p->signals.pending &= p->signals.mask;
}

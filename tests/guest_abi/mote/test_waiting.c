/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer of a guest, and all that waits for signals: by a clock that the test moves, with bad
 * pointers, and with signals that come before, during, after, or never.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"
#include "guest_abi/mote/signal_frame.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

#define HANDLER  (BOX_CODE + 0x100)
#define RESTORER (BOX_CODE + 0x200)
#define BIT(n)   (UINT64_C(1) << ((n)-1))
#define S        UINT64_C(1000000000)

/* Places in the guest's data. */
#define TIME (BOX_DATA + 0x100)
#define SET  (BOX_DATA + 0x140)
#define INFO (BOX_DATA + 0x180)
#define PAIR (BOX_DATA + 0x280)

static struct personality_box pb;
static struct sys sys;
static uint64_t now;

static int clock_of_the_test(clockid_t clock, struct timespec *to)
{
	(void)clock;
	*to = (struct timespec){ .tv_sec = (time_t)(now / S), .tv_nsec = (long)(now % S) };
	return 0;
}

static void start(void)
{
	personality_reset(&pb.p, &(struct signals){ 0 });
	pb.box.vm->regs.rsp = pb.box.rsp;
	pb.box.vm->regs.rip = BOX_CODE;
}

static int setup(void **state)
{
	(void)state;
	sys = sys_linux;
	personality_box_init(&pb, &sys);
	sys.clock_gettime = clock_of_the_test;
	now = 1000 * S;
	start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static void act(int signal, uint64_t handler)
{
	const struct signal_action action = { handler, SIGNAL_HAS_RESTORER, RESTORER, 0 };

	memcpy(at(&pb, BOX_DATA), &action, sizeof action);
	assert_int_equal(CALL(&pb, SYS_rt_sigaction, (uint64_t)signal, BOX_DATA, 0, 8), 0);
}

static int64_t set_timer(uint64_t us, uint64_t every)
{
	const uint64_t words[] = { every / 1000000, every % 1000000, us / 1000000, us % 1000000 };

	memcpy(at(&pb, TIME), words, sizeof words);
	return CALL(&pb, SYS_setitimer, ITIMER_REAL, TIME, 0);
}

static struct signal_frame frame_now(void)
{
	struct signal_frame frame;

	memcpy(&frame, at(&pb, pb.box.vm->regs.rsp), sizeof frame);
	return frame;
}

static void a_timer_tells_what_is_left_of_it(void **state)
{
	(void)state;
	assert_int_equal(CALL(&pb, SYS_alarm, 10), 0);
	assert_true(pb.p.timer.is_new);
	assert_int_equal(pb.p.timer.at, now + 10 * S);
	assert_int_equal(personality_alarm(&pb.p, now + S), 9 * S);
	/* it gets somewhere, whatever it sets */
	assert_in_range(personality_alarm(&pb.p, now + 11 * S), 10000, 100000);
	assert_in_range(personality_alarm(&pb.p, pb.p.timer.at - 1), 10000, 100000);
	now += 4 * S + S / 2 + 1;
	assert_int_equal(CALL(&pb, SYS_alarm, UINT64_MAX), 5); /* 5.499999999 */
	assert_int_equal(pb.p.timer.at, now + UINT32_MAX * S);
	assert_int_equal(set_timer(400000, 7000001), 0);
	assert_int_equal(CALL(&pb, SYS_getitimer, ITIMER_REAL, INFO), 0);
	assert_int_equal(peek(&pb, INFO), 7);
	assert_int_equal(peek(&pb, INFO + 8), 1);
	assert_int_equal(peek(&pb, INFO + 16), 0);
	assert_int_equal(peek(&pb, INFO + 24), 400000);
	/* the old one is told before the new one counts */
	poke(&pb, TIME + 16, 3);
	assert_int_equal(CALL(&pb, SYS_setitimer, ITIMER_REAL, TIME, INFO), 0);
	assert_int_equal(peek(&pb, INFO + 24), 400000);
	assert_int_equal(pb.p.timer.at, now + 3 * S + 400000000);
	/* what runs is never 0 */
	now = pb.p.timer.at;
	assert_int_equal(CALL(&pb, SYS_getitimer, ITIMER_REAL, INFO), 0);
	assert_int_equal(peek(&pb, INFO + 24), 1);
	assert_int_equal(CALL(&pb, SYS_setitimer, ITIMER_REAL, 0, 0), 0);
	assert_int_equal(pb.p.timer.at, 0);
	assert_int_equal(personality_alarm(&pb.p, now), UINT64_MAX);
	set_timer(400000, 0);
	assert_int_equal(CALL(&pb, SYS_alarm, 0), 1);
	assert_int_equal(CALL(&pb, SYS_alarm, 0), 0);
	assert_int_equal(pb.p.timer.at, 0);
}

static void timers_that_are_none_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t which, words[4];
		int64_t want;
	} rows[] = {
		{ ITIMER_VIRTUAL, { 0, 0, 1, 0 }, -EINVAL },
		{ ITIMER_PROF, { 0, 0, 1, 0 }, -EINVAL },
		{ 3, { 0, 0, 1, 0 }, -EINVAL },
		{ UINT64_MAX, { 0, 0, 1, 0 }, -EINVAL },
		{ ITIMER_REAL, { 0, 0, 0, 1000000 }, -EINVAL },
		{ ITIMER_REAL, { 0, 0, UINT64_MAX, 0 }, -EINVAL },
		{ ITIMER_REAL, { 0, 1000000, 1, 0 }, -EINVAL },
		{ ITIMER_REAL, { UINT64_MAX, 0, 1, 0 }, -EINVAL },
		{ ITIMER_REAL, { 0, UINT64_MAX, 1, 0 }, -EINVAL },
		{ ITIMER_REAL, { INT64_MAX, 0, INT64_MAX, 999999 }, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memcpy(at(&pb, TIME), rows[i].words, sizeof rows[i].words);
		const int64_t result = CALL(&pb, SYS_setitimer, rows[i].which, TIME, 0);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
		assert_true((pb.p.timer.at != 0) == (result == 0));
	}
	/* for ever, nearly; and again, which does not wrap */
	assert_int_equal(pb.p.timer.at, now + INT64_MAX);
	personality_interrupt(&pb.p, now + INT64_MAX);
	assert_int_equal(pb.p.timer.at, now + 2 * (uint64_t)INT64_MAX);
	start();
	assert_int_equal(CALL(&pb, SYS_setitimer, ITIMER_REAL, BOX_DATA_END - 31, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_setitimer, ITIMER_REAL, BOX_NOWHERE, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_setitimer, ITIMER_REAL, TIME, BOX_CODE), -EFAULT);
	assert_int_equal(pb.p.timer.at, 0);
	assert_int_equal(CALL(&pb, SYS_getitimer, ITIMER_REAL, BOX_DATA_END - 31), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_getitimer, ITIMER_PROF, INFO), -EINVAL);
}

static void a_guest_that_computes_is_interrupted(void **state)
{
	(void)state;
	struct hv_regs *regs = &pb.box.vm->regs;

	act(SIGALRM, HANDLER);
	set_timer(1000, 5000);
	regs->rip = BOX_CODE + 7;
	regs->rax = 77;
	assert_false(personality_interrupt(&pb.p, now + 999999));
	assert_int_equal(regs->rip, BOX_CODE + 7);
	assert_true(personality_interrupt(&pb.p, now + 1000000));
	assert_int_equal(regs->rip, HANDLER);
	assert_int_equal(frame_now().info.signal, SIGALRM);
	assert_int_equal(frame_now().context.rip, BOX_CODE + 7);
	assert_int_equal(frame_now().context.rax, 77);
	assert_int_equal(pb.p.timer.at, now + 6000000);
	/* what was missed is missed */
	assert_true(personality_interrupt(&pb.p, now + 60 * S));
	assert_int_equal(pb.p.timer.at, now + 60 * S + 5000000);
	assert_int_equal(pb.p.signals.pending, BIT(SIGALRM)); /* its handler runs */
	assert_int_equal(personality_alarm(&pb.p, now + 60 * S), 5000000);
}

static void one_that_is_not_in_its_own_code_is_interrupted_soon(void **state)
{
	(void)state;
	static const uint64_t places[] = { MOTE_HYPERCALL_PAGE, MOTE_HYPERCALL_PAGE + 0x80,
					   MOTE_SUPERVISOR_BASE + 0x3000, MOTE_WINDOW_END - 1 };
	struct hv_regs *regs = &pb.box.vm->regs;

	act(SIGALRM, HANDLER);
	set_timer(1, 0);
	now += S;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		regs->rip = places[i];
		assert_true(personality_interrupt(&pb.p, now) == (i == 0));
		assert_int_equal(regs->rip, places[i]);
		assert_in_range(personality_alarm(&pb.p, now), 10000, 100000);
	}
	regs->rip = BOX_CODE + 7;
	fake.vectors_fail = MOTE_E_INVALID;
	assert_false(personality_interrupt(&pb.p, now));
	assert_int_equal(pb.p.state, PROGRAM_RUNNING);
	fake.vectors_fail = MOTE_OK;
	assert_false(personality_interrupt(&pb.p, now));
	assert_int_equal(regs->rip, HANDLER);
	assert_int_equal(personality_alarm(&pb.p, now), UINT64_MAX);
	/* and at the end of a run it is too late */
	start();
	act(SIGALRM, HANDLER);
	set_timer(1, 1);
	regs->rip = MOTE_HYPERCALL_PAGE;
	personality_interrupt(&pb.p, now + S);
	personality_rest(&pb.p);
	assert_int_equal(pb.p.signals.pending, 0);
	assert_int_equal(pb.p.timer.at, 0);
	assert_true(signals_are_sound(&pb.p.signals));
}

static void without_a_handler_it_is_the_end_or_nothing(void **state)
{
	(void)state;
	set_timer(1, 0);
	personality_interrupt(&pb.p, now + S);
	assert_int_equal(pb.p.state, PROGRAM_SIGNALED);
	assert_int_equal(pb.p.end_signal, SIGALRM);
	start();
	act(SIGALRM, 1); /* ignored */
	set_timer(1, 0);
	assert_true(personality_interrupt(&pb.p, now + S));
	assert_int_equal(pb.p.state, PROGRAM_RUNNING);
	assert_int_equal(pb.p.signals.pending, 0);
}

/* How a call waits, with the argument registers of a wait for ever; all of memory is 0. */
static const struct wait_row {
	const char *name;
	uint64_t number, args[6];
	enum stuck_for stuck_for;
} waits[] = {
	{ "pause", SYS_pause, { 0 }, STUCK_FOR_SIGNAL },
	{ "rt_sigsuspend", SYS_rt_sigsuspend, { SET, 8 }, STUCK_FOR_SIGNAL },
	{ "poll", SYS_poll, { 0, 0, UINT32_MAX }, STUCK_FOR_DESCRIPTORS },
	{ "ppoll", SYS_ppoll, { 0 }, STUCK_FOR_DESCRIPTORS },
	{ "ppoll, masked", SYS_ppoll, { 0, 0, 0, SET, 8 }, STUCK_FOR_DESCRIPTORS },
	{ "select", SYS_select, { 0 }, STUCK_FOR_DESCRIPTORS },
	{ "pselect6", SYS_pselect6, { 0 }, STUCK_FOR_DESCRIPTORS },
	{ "pselect6, masked", SYS_pselect6, { 0, 0, 0, 0, 0, PAIR }, STUCK_FOR_DESCRIPTORS },
	{ "futex", SYS_futex, { SET, FUTEX_WAIT, 0, 0 }, STUCK_FOR_THREAD },
	{ "rt_sigtimedwait", SYS_rt_sigtimedwait, { SET, 0, 0, 8 }, STUCK_FOR_SIGNAL },
};
#define NWAITS (sizeof waits / sizeof waits[0])

static void begin_wait(const struct wait_row *row)
{
	poke(&pb, SET, 0);
	poke(&pb, PAIR, SET);
	poke(&pb, PAIR + 8, 8);
	call_number(&pb, row->number, row->args);
}

static void a_wait_that_nothing_ends_is_a_deadlock(void **state)
{
	(void)state;
	for (size_t i = 0; i < NWAITS; i++) {
		for (int how = 0; how < 3; how++) {
			start();
			if (how == 1)
				act(SIGALRM, 1); /* a timer that nobody hears */
			if (how > 0)
				set_timer(1000, 1000);
			if (how == 2)
				pb.p.signals.mask = BIT(SIGALRM);
			/* those that open the mask hear it */
			const bool opens = how == 2 && (strstr(waits[i].name, "masked") ||
							waits[i].number == SYS_rt_sigsuspend);
			begin_wait(&waits[i]);
			if ((pb.p.state == PROGRAM_STUCK) == opens)
				fail_msg("%s, %d: state %d", waits[i].name, how, pb.p.state);
			if (!opens)
				assert_int_equal(pb.p.stuck_for, waits[i].stuck_for);
		}
	}
}

static void the_timer_ends_any_wait(void **state)
{
	(void)state;
	for (size_t i = 0; i < NWAITS; i++) {
		start();
		act(SIGALRM, HANDLER);
		set_timer(1000, 0);
		begin_wait(&waits[i]);
		assert_int_equal(pb.p.state, PROGRAM_RUNNING);
		assert_int_equal(personality_alarm(&pb.p, now), UINT64_MAX);
		assert_int_equal(personality_wait(&pb.p, now + 5), now + 1000000);
		assert_int_equal(personality_wait(&pb.p, now + 1000000), 0);
		if (pb.box.vm->regs.rip != HANDLER || frame_now().context.rax != (uint64_t)-EINTR)
			fail_msg("%s: result %lld", waits[i].name,
				 (long long)frame_now().context.rax);
		assert_int_equal(frame_now().context.signal_mask, 0);
		assert_int_equal(pb.p.signals.mask, BIT(SIGALRM));
		assert_int_equal(pb.p.wait.until, 0);
		assert_false(pb.p.timer.is_new);
		/* and ends the program that has no handler */
		start();
		set_timer(1000, 0);
		begin_wait(&waits[i]);
		assert_int_equal(personality_wait(&pb.p, now + S), 0);
		assert_int_equal(pb.p.state, PROGRAM_SIGNALED);
		assert_int_equal(pb.p.end_signal, SIGALRM);
	}
}

static void a_sleep_says_what_was_left(void **state)
{
	(void)state;
	static const struct {
		uint64_t flags, left;
		int64_t want;
	} rows[] = {
		{ 0, INFO, -EINTR },
		{ 0, 0, -EINTR },
		{ 0, BOX_CODE, -EFAULT },
		{ TIMER_ABSTIME, BOX_CODE, -EINTR },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start();
		act(SIGALRM, HANDLER);
		set_timer(1000, 1000);
		poke(&pb, SET, 5 + (rows[i].flags ? now / S : 0));
		poke(&pb, SET + 8, 7);
		poke(&pb, INFO, 99);
		CALL(&pb, SYS_clock_nanosleep, CLOCK_MONOTONIC, rows[i].flags, SET, rows[i].left);
		assert_int_equal(personality_wait(&pb.p, now), now + 1000000);
		assert_int_equal(personality_wait(&pb.p, now + 3 * S), 0);
		assert_int_equal(frame_now().context.rax, (uint64_t)rows[i].want);
		assert_int_equal(peek(&pb, INFO), i == 0 ? 2 : 99);
		if (i == 0)
			assert_int_equal(peek(&pb, INFO + 8), 7);
		assert_true(pb.p.timer.is_new); /* it was not watched meanwhile */
	}
	/* a wait after it has nowhere to say so */
	start();
	act(SIGALRM, HANDLER);
	poke(&pb, SET, 1);
	poke(&pb, SET + 8, 0);
	CALL(&pb, SYS_nanosleep, SET, INFO);
	assert_int_equal(personality_wait(&pb.p, now + S), 0);
	assert_int_equal(pb.box.vm->regs.rax, 0);
	poke(&pb, INFO, 99);
	set_timer(1000, 0);
	CALL(&pb, SYS_pause, 0);
	assert_int_equal(personality_wait(&pb.p, now + S), 0);
	assert_int_equal(peek(&pb, INFO), 99);
}

static void a_sleep_that_nothing_wakes_is_one_sleep(void **state)
{
	(void)state;
	for (int blocked = 0; blocked < 2; blocked++) {
		start();
		act(SIGALRM, 1);
		pb.p.signals.mask = blocked ? BIT(SIGALRM) : 0;
		set_timer(1, 1);
		poke(&pb, SET, 5);
		poke(&pb, SET + 8, 0);
		CALL(&pb, SYS_nanosleep, SET, 0);
		assert_int_equal(personality_wait(&pb.p, now + S), now + 5 * S);
		assert_int_equal(personality_wait(&pb.p, now + 5 * S), 0);
		assert_int_equal(pb.box.vm->regs.rax, 0);
		assert_int_equal(pb.p.signals.pending, blocked ? BIT(SIGALRM) : 0);
	}
}

static void the_mask_is_another_one_while_it_waits(void **state)
{
	(void)state;
	const uint64_t held = BIT(SIGALRM) | BIT(SIGUSR1);

	for (size_t i = 0; i < NWAITS; i++) {
		if (!strstr(waits[i].name, "masked") && waits[i].number != SYS_rt_sigsuspend)
			continue;
		/* a signal that waits already is delivered, and the old mask comes back after it */
		start();
		act(SIGUSR1, HANDLER);
		pb.p.signals.mask = held;
		CALL(&pb, SYS_kill, 1, SIGUSR1);
		begin_wait(&waits[i]);
		assert_int_equal(personality_wait(&pb.p, now), 0);
		assert_int_equal(pb.box.vm->regs.rip, HANDLER);
		assert_int_equal(frame_now().context.rax, (uint64_t)-EINTR);
		assert_int_equal(frame_now().context.signal_mask, held);
		assert_int_equal(pb.p.signals.mask, BIT(SIGUSR1));
		pb.box.vm->regs.rsp += 8;
		CALL(&pb, SYS_rt_sigreturn, 0);
		assert_int_equal(pb.p.signals.mask, held);
	}
	/* two at once: after the second handler the first one's mask comes back */
	start();
	act(SIGUSR1, HANDLER);
	act(SIGUSR2, HANDLER + 16);
	pb.p.signals.mask = BIT(SIGUSR1) | BIT(SIGUSR2);
	CALL(&pb, SYS_kill, 1, SIGUSR1);
	CALL(&pb, SYS_kill, 1, SIGUSR2);
	begin_wait(&waits[1]);
	assert_int_equal(personality_wait(&pb.p, now), 0);
	assert_int_equal(pb.box.vm->regs.rip, HANDLER + 16);
	assert_int_equal(frame_now().context.rip, HANDLER);
	assert_int_equal(frame_now().context.signal_mask, BIT(SIGUSR1));
	assert_int_equal(pb.p.signals.mask, BIT(SIGUSR1) | BIT(SIGUSR2));
	/* over without a signal: back at once, and what only the other mask let in still waits */
	start();
	pb.p.signals.mask = held;
	poke(&pb, TIME, 1);
	poke(&pb, TIME + 8, 0);
	poke(&pb, SET, held);
	CALL(&pb, SYS_ppoll, 0, 0, TIME, SET, 8);
	assert_int_equal(personality_wait(&pb.p, now + S), 0);
	assert_int_equal(pb.box.vm->regs.rax, 0);
	assert_int_equal(pb.p.signals.mask, held);
	/* ready at once: the mask never changes */
	const struct {
		int fd;
		short events, found;
	} out = { 1, 4, 0 };
	memcpy(at(&pb, INFO), &out, sizeof out);
	CALL(&pb, SYS_kill, 1, SIGUSR1);
	poke(&pb, SET, 0);
	assert_int_equal(CALL(&pb, SYS_ppoll, INFO, 1, 0, SET, 8), 1);
	assert_int_equal(pb.p.signals.mask, held);
	assert_int_equal(pb.p.signals.pending, BIT(SIGUSR1));
	assert_int_equal(pb.p.state, PROGRAM_RUNNING);
}

static void sets_that_are_none_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t number, args[6];
		int64_t want;
	} rows[] = {
		{ SYS_rt_sigsuspend, { SET, 7 }, -EINVAL },
		{ SYS_rt_sigsuspend, { BOX_NOWHERE, 8 }, -EFAULT },
		{ SYS_rt_sigsuspend, { BOX_DATA_END - 7, 8 }, -EFAULT },
		{ SYS_rt_sigtimedwait, { SET, 0, 0, 16 }, -EINVAL },
		{ SYS_rt_sigtimedwait, { 0, 0, 0, 8 }, -EFAULT },
		{ SYS_rt_sigtimedwait, { SET, 0, BOX_NOWHERE, 8 }, -EFAULT },
		{ SYS_rt_sigtimedwait, { SET, 0, TIME, 8 }, -EINVAL },
		{ SYS_ppoll, { 0, 0, 0, SET, 4 }, -EINVAL },
		{ SYS_ppoll, { 0, 0, 0, BOX_NOWHERE, 8 }, -EFAULT },
		{ SYS_pselect6, { 0, 0, 0, 0, 0, BOX_NOWHERE }, -EFAULT },
		{ SYS_pselect6, { 0, 0, 0, 0, 0, PAIR }, -EFAULT },
		{ SYS_pselect6, { 0, 0, 0, 0, 0, PAIR + 8 }, -EINVAL },
	};

	poke(&pb, TIME, 0);
	poke(&pb, TIME + 8, UINT64_MAX);
	poke(&pb, PAIR, BOX_NOWHERE);
	poke(&pb, PAIR + 8, 8);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pb.p.signals.mask = 5;
		const int64_t result = call_number(&pb, rows[i].number, rows[i].args);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
		assert_int_equal(pb.p.signals.mask, 5);
		assert_int_equal(pb.p.wait.until, 0);
	}
	/* nobody blocks KILL, here neither */
	poke(&pb, SET, UINT64_MAX);
	pb.p.signals.mask = 0;
	set_timer(1, 0);
	CALL(&pb, SYS_rt_sigsuspend, SET, 8);
	assert_int_equal(pb.p.signals.mask & (BIT(SIGKILL) | BIT(SIGSTOP)), 0);
}

static void awaited_signals_are_taken(void **state)
{
	(void)state;
	struct frame_info info;

	act(SIGALRM, HANDLER);
	poke(&pb, SET, BIT(SIGALRM) | BIT(SIGUSR2));
	/* in time, by the timer, although it has a handler */
	set_timer(1000, 0);
	poke(&pb, TIME, 2);
	poke(&pb, TIME + 8, 0);
	CALL(&pb, SYS_rt_sigtimedwait, SET, INFO, TIME, 8);
	assert_int_equal(personality_wait(&pb.p, now), now + 1000000);
	assert_int_equal(personality_wait(&pb.p, now + 1000000), 0);
	assert_int_equal(pb.box.vm->regs.rax, SIGALRM);
	assert_int_equal(pb.box.vm->regs.rip, BOX_CODE);
	memcpy(&info, at(&pb, INFO), sizeof info);
	assert_int_equal(info.signal, SIGALRM);
	assert_int_equal(info.u.sender.pid, 1);
	assert_int_equal(pb.p.signals.pending, 0);
	/* not in time */
	CALL(&pb, SYS_rt_sigtimedwait, SET, INFO, TIME, 8);
	assert_int_equal(personality_wait(&pb.p, now + S), now + 2 * S);
	assert_int_equal(personality_wait(&pb.p, now + 2 * S), 0);
	assert_int_equal(pb.box.vm->regs.rax, (uint64_t)-EAGAIN);
	/* sent before; and its place is nowhere */
	pb.p.signals.mask = BIT(SIGUSR2);
	for (int bad = 0; bad < 2; bad++) {
		CALL(&pb, SYS_tgkill, 1, 1, SIGUSR2);
		CALL(&pb, SYS_rt_sigtimedwait, SET, bad ? BOX_CODE : 0, 0, 8);
		assert_int_equal(personality_wait(&pb.p, now), 0);
		assert_int_equal(pb.box.vm->regs.rax, bad ? (uint64_t)-EFAULT : SIGUSR2);
		assert_int_equal(pb.p.signals.pending, 0);
	}
}

static void what_is_queued_brings_its_own_words(void **state)
{
	(void)state;
	struct frame_info info = { .code = SI_QUEUE, .u.rest = { 1, 2, 3, 4, 5, 6, 7, 8, 9 } };

	memcpy(at(&pb, INFO), &info, sizeof info);
	act(40, HANDLER);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, 40, INFO), 0);
	assert_int_equal(pb.box.vm->regs.rip, HANDLER);
	assert_int_equal(frame_now().info.signal, 40);
	assert_int_equal(frame_now().info.code, SI_QUEUE);
	assert_memory_equal(frame_now().info.u.rest, info.u.rest, sizeof info.u.rest);
	/* one that waits keeps its own; another one has to wait */
	pb.p.signals.mask = BIT(41) | BIT(42);
	assert_int_equal(CALL(&pb, SYS_rt_tgsigqueueinfo, 1, 1, 41, INFO), 0);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, 42, INFO), -EAGAIN);
	assert_int_equal(pb.p.signals.pending, BIT(41));
	poke(&pb, SET, BIT(41));
	CALL(&pb, SYS_rt_sigtimedwait, SET, TIME, 0, 8);
	assert_int_equal(personality_wait(&pb.p, now), 0);
	assert_int_equal(pb.box.vm->regs.rax, 41);
	assert_memory_equal(at(&pb, TIME + 16), info.u.rest, sizeof info.u.rest);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, 42, INFO), 0);
	start(); /* a restored guest knows nothing of it */
	assert_int_equal(pb.p.queued.signal, 0);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, 0, INFO), 0);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 2, 40, INFO), -ESRCH);
	assert_int_equal(CALL(&pb, SYS_rt_tgsigqueueinfo, 1, 2, 40, INFO), -ESRCH);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, 65, INFO), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, UINT64_MAX, INFO), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_rt_sigqueueinfo, 1, 40, BOX_DATA_END - 127), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_rt_tgsigqueueinfo, 1, 1, 40, BOX_NOWHERE), -EFAULT);
	assert_int_equal(pb.p.signals.pending, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timer_tells_what_is_left_of_it),
		TEST(timers_that_are_none_are_refused),
		TEST(a_guest_that_computes_is_interrupted),
		TEST(one_that_is_not_in_its_own_code_is_interrupted_soon),
		TEST(without_a_handler_it_is_the_end_or_nothing),
		TEST(a_wait_that_nothing_ends_is_a_deadlock),
		TEST(the_timer_ends_any_wait),
		TEST(a_sleep_says_what_was_left),
		TEST(a_sleep_that_nothing_wakes_is_one_sleep),
		TEST(the_mask_is_another_one_while_it_waits),
		TEST(sets_that_are_none_are_refused),
		TEST(awaited_signals_are_taken),
		TEST(what_is_queued_brings_its_own_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

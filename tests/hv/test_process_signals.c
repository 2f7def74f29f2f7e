/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that meet a guest process: to the thread that runs it, at any moment, wanted or not.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "hv/process/process_internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct host host;
static struct hv *hv;

static int open_backend(void **state)
{
	mote_error error;
	(void)state;
	host_init(&host);
	if (hv_process.open(&hv, &host, &error) == MOTE_OK)
		return 0;
	print_error("%s\n", error.message);
	return -1;
}

static int close_backend(void **state)
{
	(void)state;
	hv_process.close(hv);
	return 0;
}

static void nap(long milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, NULL);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

static void set_timer(suseconds_t interval)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	const struct itimerval timer = { { 0, interval }, { 0, interval } };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void a_signal_interrupts_an_endless_guest(void **state)
{
	uint64_t before = 0;
	struct box box;
	(void)state;

	box_open(&box, hv);
	set_timer(20000);
	box_set(&box, "loop", 5);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
		assert_in_range(box.vm->regs->rip, box_address("loop"), box_address("loop") + 15);
		assert_true(box.vm->regs->rbx > before); /* it goes on, and counts on */
		before = box.vm->regs->rbx;
		assert_int_equal(box.vm->regs->rdi, 5);
	}
	set_timer(0);
	/* And an interrupted guest can be given something else to do. */
	assert_int_equal(box_start(&box, "show", 6).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(box.vm->regs->rdi, 6);
	box_close(&box);
}

static void a_stopped_guest_does_not_run(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	set_timer(20000);
	box_set(&box, "store_loop", 0);
	assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	set_timer(0);
	volatile const uint64_t *counter = (const uint64_t *)(void *)box.data;
	uint64_t first = *counter;
	nap(20);
	assert_true(first > 0);
	assert_true(*counter == first);
	box_close(&box);
}

/* Signals at all moments: nothing may be lost, repeated or changed by them. */
static void signals_do_not_disturb_a_working_guest(void **state)
{
	static const char *const routines[] = { "count", "count_syscalls" };
	static const enum hv_exit_kind kinds[] = { HV_EXIT_HYPERCALL, HV_EXIT_SYSCALL };
	struct box box;
	(void)state;

	box_open(&box, hv);
	set_timer(197);
	for (size_t i = 0; i < 2; i++) {
		uint64_t interruptions = 0;
		box_set(&box, routines[i], 0x1234500000000);
		/* until at least one has met the guest at work, which depends on the machine */
		for (uint64_t n = 0; n < 20000 || (interruptions == 0 && n < 2000000);) {
			struct hv_exit event = box_run(&box);
			if (event.kind == HV_EXIT_INTERRUPTED) {
				interruptions++;
				continue;
			}
			if (event.kind != kinds[i] || box.vm->regs->rbx != n)
				fail_msg("%s %lu: exit %d, vector %d, count %lu", routines[i],
					 (unsigned long)n, event.kind, event.u.exception.vector,
					 (unsigned long)box.vm->regs->rbx);
			/* What FS was when the guest came back to itself. */
			assert_int_equal(box.vm->regs->rbp, n == 0 ? 0 : 0x1000 + n);
			n++;
			box.vm->regs->rax = n;
			box.vm->regs_changed = true;
			box.vm->ops->set_fs_base(box.vm, 0x1000 + n);
		}
		assert_true(interruptions > 0);
	}
	set_timer(0);
	box_close(&box);
}

static void an_interrupted_start_is_still_a_start(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	((struct process_vm *)box.vm)->owes_interrupt = true;
	assert_int_equal(box_start(&box, "show", 9).kind, HV_EXIT_INTERRUPTED);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(box.vm->regs->rdi, 9);
	box_close(&box);
}

/* A host whose poll() and kick the test bends. */
static struct sys bent;
static int polls_to_bend;
static int bent_result; /* what poll() returns then, with EINTR */

static int bent_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (polls_to_bend == 0 || --polls_to_bend > 0)
		return sys_linux.poll(fds, count, timeout);
	nap(20);
	errno = EINTR;
	return bent_result;
}

static int lost_kick(int pidfd, int signal)
{
	(void)pidfd;
	(void)signal;
	return 0;
}

/* An answer that the kernel takes, and drops because a signal comes before the process has it. */
static bool loses_answers;
static int kick_pidfd;

static int bent_ioctl(int fd, unsigned long request, void *argument)
{
	struct pollfd stop = { .fd = fd, .events = POLLIN };

	if (request != SECCOMP_IOCTL_NOTIF_SEND || !loses_answers)
		return sys_linux.ioctl(fd, request, argument);
	loses_answers = false;
	sys_linux.pidfd_send_signal(kick_pidfd, STOP_KICK);
	return sys_linux.poll(&stop, 1, 2000) == 1 ? 0 : -1; /* that signal stopped it */
}

static void open_bent(struct hv **own)
{
	static struct host bent_host;

	bent = sys_linux;
	bent.poll = bent_poll;
	bent.ioctl = bent_ioctl;
	bent_host = host;
	bent_host.sys = &bent;
	polls_to_bend = 0;
	loses_answers = false;
	assert_int_equal(hv_process.open(own, &bent_host, NULL), MOTE_OK);
}

static void a_signal_that_meets_an_exit_is_told_after_it(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	open_bent(&own);
	bent.pidfd_send_signal = lost_kick;
	box_open(&box, own);
	polls_to_bend = 1;
	bent_result = -1;
	assert_int_equal(box_start(&box, "hypercall", 3).kind, HV_EXIT_HYPERCALL);
	box.vm->regs->rax = 4;
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(box.vm->regs->rdi, 4);
	box_close(&box);
	hv_process.close(own);
}

static void an_answer_that_is_lost_is_given_again(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	open_bent(&own);
	box_open(&box, own);
	kick_pidfd = ((struct process_vm *)box.vm)->process.pidfd;
	for (int i = 0; i < 3; i++) {
		box_set(&box, "count", 0x1234500000000);
		for (uint64_t n = 0; n < 10; n++) {
			loses_answers = true; /* the first one is that of a fresh start */
			assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
			assert_false(loses_answers);
			assert_int_equal(box.vm->regs->rbx, n);
			assert_int_equal(box.vm->regs->rbp, n == 0 ? 0 : 0x1000 + n);
			box.vm->regs->rax = n;
			box.vm->regs_changed = true;
			box.vm->ops->set_fs_base(box.vm, 0x1001 + n);
		}
		box.vm->ops->set_fs_base(box.vm, 0);
	}
	box_close(&box);
	hv_process.close(own);
}

static void a_signal_may_come_with_the_loss_of_an_answer(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	open_bent(&own);
	box_open(&box, own);
	kick_pidfd = ((struct process_vm *)box.vm)->process.pidfd;
	for (int i = 0; i < 5; i++) {
		loses_answers = true;
		polls_to_bend = 1;
		bent_result = -1;
		struct hv_exit event = box_start(&box, "show", 7);
		assert_int_equal(event.kind, HV_EXIT_INTERRUPTED);
		while (event.kind == HV_EXIT_INTERRUPTED)
			event = box_run(&box);
		assert_int_equal(event.kind, HV_EXIT_HYPERCALL);
		assert_int_equal(box.vm->regs->rdi, 7);
	}
	box_close(&box);
	hv_process.close(own);
}

/* A hostile guest can say so itself, each time. */
static struct monitor_control *forged;

static int forging_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	int result = sys_linux.poll(fds, count, timeout);

	if (forged)
		forged->unanswered = MONITOR_UNANSWERED;
	return result;
}

static void a_guest_that_loses_all_answers_is_killed(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	open_bent(&own);
	box_open(&box, own);
	bent.poll = forging_poll;
	forged = (void *)((struct process_vm *)box.vm)->control;
	assert_int_equal(box_start(&box, "count", 0).kind, HV_EXIT_DIED);
	forged = NULL;
	box_close(&box);
	hv_process.close(own);
}

static void a_kick_that_meets_an_exit_disturbs_nothing(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	open_bent(&own);
	box_open(&box, own);
	bent_result = -1;
	for (int i = 0; i < 10; i++) {
		polls_to_bend = 1;
		struct hv_exit event = box_start(&box, "hypercall", 3);
		while (event.kind == HV_EXIT_INTERRUPTED)
			event = box_run(&box);
		assert_int_equal(event.kind, HV_EXIT_HYPERCALL);
		box.vm->regs->rax = 4;
		box.vm->regs_changed = true;
		while ((event = box_run(&box)).kind == HV_EXIT_INTERRUPTED)
			;
		assert_int_equal(event.kind, HV_EXIT_HYPERCALL);
		assert_int_equal(box.vm->regs->rdi, 4);
	}
	box_close(&box);
	hv_process.close(own);
}

static void a_reply_that_comes_too_late_is_nobodys(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	open_bent(&own);
	box_open(&box, own);
	polls_to_bend = 1;
	bent_result = 0; /* the time is up */
	box_close(&box);
	box_open(&box, own);
	assert_int_equal(box_start(&box, "show", 1).kind, HV_EXIT_HYPERCALL);
	box_close(&box);
	hv_process.close(own);
}

static int64_t ms_between(const struct timespec *start, const struct timespec *end)
{
	return (end->tv_sec - start->tv_sec) * 1000 + (end->tv_nsec - start->tv_nsec) / 1000000;
}

static void *hold_for_a_while(void *box)
{
	const struct process_vm *vm = (const struct process_vm *)((struct box *)box)->vm;

	usleep(2500000);
	sys_linux.pidfd_send_signal(vm->process.pidfd, SIGCONT);
	return NULL;
}

/* It has not disobeyed: it could not obey. */
static void a_guest_that_gets_no_processor_is_waited_for(void **state)
{
	struct timespec start, end;
	struct box box;
	pthread_t thread;
	(void)state;

	box_open(&box, hv);
	const struct process_vm *vm = (const struct process_vm *)box.vm;
	box_set(&box, "loop", 1);
	/* what it has used before does not count */
	while (hv_process.cpu_time(box.vm) < 600 * 1000000) {
		set_timer(50000);
		assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(sys_linux.pidfd_send_signal(vm->process.pidfd, SIGSTOP), 0);
	assert_int_equal(pthread_create(&thread, NULL, hold_for_a_while, &box), 0);
	set_timer(30000);
	struct hv_exit event = box_run(&box);
	set_timer(0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	pthread_join(thread, NULL);
	assert_int_equal(event.kind, HV_EXIT_INTERRUPTED);
	assert_in_range(ms_between(&start, &end), 2400, 20000);
	assert_int_equal(box_start(&box, "show", 1).kind, HV_EXIT_HYPERCALL);
	box_close(&box);
}

/* The routine blocks the signal that we stop guests with, by a forged signal return. */
static void a_guest_that_cannot_be_interrupted_is_killed(void **state)
{
	struct timespec start, end;
	struct box box;
	(void)state;

	box_open(&box, hv);
	struct monitor_context *context = (struct monitor_context *)(void *)(box.data + 0x1000);
	*context = (struct monitor_context){
		.rip = box_address("loop"),
		.rsp = BOX_STACK_TOP,
		.cs = 0x33,
		.ss = 0x2b,
		.signal_mask = ~UINT64_C(0),
	};
	box_set(&box, "sigreturn", MONITOR_RETURNED - 2);
	box.vm->regs->rsi = BOX_DATA + 0x1000;
	clock_gettime(CLOCK_MONOTONIC, &start);
	set_timer(30000);
	struct hv_exit event = box_run(&box);
	set_timer(0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	/* half a second of its own time, and no more than it gets in these */
	assert_in_range(ms_between(&start, &end), 500, 10000);
	assert_in_range(hv_process.cpu_time(box.vm), 400 * 1000000, 2000 * 1000000ul);
	assert_int_equal(event.kind, HV_EXIT_DIED);
	assert_int_equal(event.u.detail, SIGKILL);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_interrupts_an_endless_guest),
		cmocka_unit_test(a_stopped_guest_does_not_run),
		cmocka_unit_test(signals_do_not_disturb_a_working_guest),
		cmocka_unit_test(an_interrupted_start_is_still_a_start),
		cmocka_unit_test(a_signal_that_meets_an_exit_is_told_after_it),
		cmocka_unit_test(an_answer_that_is_lost_is_given_again),
		cmocka_unit_test(a_signal_may_come_with_the_loss_of_an_answer),
		cmocka_unit_test(a_guest_that_loses_all_answers_is_killed),
		cmocka_unit_test(a_kick_that_meets_an_exit_disturbs_nothing),
		cmocka_unit_test(a_reply_that_comes_too_late_is_nobodys),
		cmocka_unit_test(a_guest_that_gets_no_processor_is_waited_for),
		cmocka_unit_test(a_guest_that_cannot_be_interrupted_is_killed),
	};
	return cmocka_run_group_tests_name("hv/process_signals", tests, open_backend,
					   close_backend);
}

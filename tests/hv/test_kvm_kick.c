/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting KVM's runs short, with a kernel that does what the test says: a signal at each
 * moment around KVM_RUN, and what the program around the library has of its signals.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm_kernel.h"
#include "hv/regions.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct host host;
static struct sys sys;
static struct hv *hv;
static struct hv_vm *vm, *other;
static mote_error err;
static uint8_t memory[0x1000];
static unsigned nkills, ntimers, nactions;

static const struct region slots[] = { SLOT(0x1000, 0x1000, REGION_ALL, memory, -1) };
static const struct hv_cpu_state cpu = { .cr3 = 0x1000 };
static const struct hv_vm_config config = { .slots = slots, .nslots = 1, .cpu = &cpu };

static int counting_pthread_kill(pthread_t thread, int signal)
{
	nkills++;
	return pthread_kill(thread, signal);
}

static int counting_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
{
	ntimers++;
	return timer_create(clock, event, timer);
}

static int counting_timer_delete(timer_t timer)
{
	ntimers--;
	return timer_delete(timer);
}

static int counting_sigaction(int signal, const struct sigaction *action, struct sigaction *before)
{
	nactions++;
	return sigaction(signal, action, before);
}

static int the_signal(void)
{
	return host.interrupt_signal ? host.interrupt_signal : SIGRTMAX - 2;
}

/* The program's own handlers, as they were before the library came. */
static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, &none, NULL), 0);
	assert_ptr_not_equal(signal(SIGRTMAX - 2, SIG_DFL), SIG_ERR);
	assert_ptr_not_equal(signal(SIGUSR1, SIG_DFL), SIG_ERR);
}

static void use_kernel(int interrupt_signal)
{
	host = *kvm_kernel_host();
	sys = *host.sys;
	sys.pthread_kill = counting_pthread_kill;
	sys.timer_create = counting_timer_create;
	sys.timer_delete = counting_timer_delete;
	sys.sigaction = counting_sigaction;
	host.sys = &sys;
	host.interrupt_signal = interrupt_signal;
	nkills = ntimers = nactions = 0;
	err = (mote_error){ .message = "" };
}

static int setup_with(int interrupt_signal)
{
	reset_signals();
	use_kernel(interrupt_signal);
	if (hv_kvm.open(&hv, &host, &err) || hv_kvm.vm_new(&vm, hv, &config, &err))
		fail_msg("%s", err.message);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_with(0);
}

static int setup_usr1(void **state)
{
	(void)state;
	return setup_with(SIGUSR1);
}

static int teardown(void **state)
{
	(void)state;
	sigset_t pending;

	hv_kvm.vm_free(vm);
	hv_kvm.vm_free(other);
	other = NULL;
	hv_kvm.close(hv);
	assert_int_equal(ntimers, 0);
	sigpending(&pending);
	assert_false(sigismember(&pending, the_signal()));
	reset_signals();
	return 0;
}

static void arm(struct hv_vm *which)
{
	if (hv_kvm.arm(which, &err))
		fail_msg("%s", err.message);
}

static struct kvm_run *page_of(struct hv_vm *which)
{
	return ((struct kvm_vm *)which)->run;
}

static enum hv_exit_kind run(struct hv_vm *which)
{
	struct hv_exit exit;

	kvm_kernel.shared = page_of(which);
	if (hv_kvm.run(which, &exit, &err))
		fail_msg("%s", err.message);
	return exit.kind;
}

/* KVM_RUN as it is: no guest while immediate_exit is set, or a signal comes. */
static int run_honestly(struct kvm_run *page)
{
	page->exit_reason = KVM_EXIT_HLT;
	return page->immediate_exit ? EINTR : 0;
}

static void an_armed_machine_runs_as_ever(void **state)
{
	(void)state;
	kvm_kernel.run = run_honestly;
	arm(vm);
	for (int i = 0; i < 3; i++)
		assert_int_equal(run(vm), HV_EXIT_HALT);
	hv_kvm.disarm(vm);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	assert_int_equal(kvm_kernel.nruns, 4);
}

static void a_signal_before_the_run_is_not_lost(void **state)
{
	(void)state;
	kvm_kernel.run = run_honestly;
	arm(vm);
	assert_int_equal(raise(the_signal()), 0);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(vm), HV_EXIT_HALT); /* once */
	hv_kvm.disarm(vm);
}

/* The last moment before the kernel looks: the machine is armed, and KVM_RUN called. */
static int signal_and_run(struct kvm_run *page)
{
	if (kvm_kernel.nruns == 1)
		assert_int_equal(raise(the_signal()), 0);
	return run_honestly(page);
}

static void a_signal_on_the_way_into_the_run_is_not_lost(void **state)
{
	(void)state;
	kvm_kernel.run = signal_and_run;
	arm(vm);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	hv_kvm.disarm(vm);
}

static void a_signal_after_the_end_does_nothing(void **state)
{
	(void)state;
	kvm_kernel.run = run_honestly;
	assert_int_equal(kvm_kick_install((struct kvm *)hv, &err), MOTE_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(raise(the_signal()), 0);
		assert_int_equal(page_of(vm)->immediate_exit, 0);
		assert_int_equal(run(vm), HV_EXIT_HALT);
		arm(vm);
		assert_int_equal(run(vm), HV_EXIT_HALT);
		assert_int_equal(raise(the_signal()), 0); /* and no run after it */
		hv_kvm.disarm(vm);
	}
}

static void a_kick_between_runs_takes_no_signal(void **state)
{
	(void)state;
	kvm_kernel.run = run_honestly;
	arm(vm);
	hv_kvm.kick(vm);
	hv_kvm.kick(vm);
	assert_int_equal(nkills, 0);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	hv_kvm.kick(vm);
	hv_kvm.disarm(vm);
	assert_int_equal(run(vm), HV_EXIT_HALT); /* it was for the one before */
	arm(vm);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	hv_kvm.disarm(vm);
	assert_int_equal(nkills, 0);
}

/* A guest that was interrupted goes on elsewhere: its instruction is finished first, by a run that
 * uses the same word. */
static void a_kick_while_an_instruction_is_finished_is_not_lost(void **state)
{
	(void)state;
	kvm_kernel.run = run_honestly;
	arm(vm);
	hv_kvm.kick(vm);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	hv_kvm.kick(vm);
	assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	hv_kvm.disarm(vm);
	assert_int_equal(hv_kvm.reset(vm, &err), MOTE_OK);
	assert_int_equal(run(vm), HV_EXIT_HALT);
}

static int kick_and_run(struct kvm_run *page)
{
	if (kvm_kernel.nruns == 1)
		hv_kvm.kick(vm);
	return run_honestly(page);
}

/* A guest that ends just then is not told of: the next run is. */
static int kick_and_halt(struct kvm_run *page)
{
	if (kvm_kernel.nruns == 1) {
		hv_kvm.kick(vm);
		page->exit_reason = KVM_EXIT_HLT;
		return 0;
	}
	return run_honestly(page);
}

static void a_kick_in_a_run_takes_one_signal(void **state)
{
	(void)state;
	kvm_kernel.run = kick_and_run;
	arm(vm);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(nkills, 1);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	kvm_kernel.nruns = 0;
	kvm_kernel.run = kick_and_halt;
	assert_int_equal(run(vm), HV_EXIT_HALT);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	hv_kvm.disarm(vm);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t wait_for(uint64_t ns)
{
	const uint64_t begin = monotonic_ns();

	hv_kvm.wait(vm, ns);
	return monotonic_ns() - begin;
}

/* A kick before, an alarm, and a signal that is already on its way each end a wait, and nothing is
 * left of them; without any it takes its time, armed or not. */
static void a_wait_ends_by_kick_alarm_or_time(void **state)
{
	(void)state;
	const uint64_t ms = 1000000, long_time = 20000 * ms;

	kvm_kernel.run = run_honestly;
	assert_in_range(wait_for(5 * ms), 5 * ms, long_time);
	arm(vm);
	assert_in_range(wait_for(5 * ms), 5 * ms, long_time);
	hv_kvm.kick(vm);
	assert_in_range(wait_for(long_time), 0, long_time / 2);
	assert_int_equal(nkills, 0);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	assert_int_equal(hv_kvm.set_alarm(vm, 5 * ms, NULL), MOTE_OK);
	assert_in_range(wait_for(long_time), 0, long_time / 2);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	assert_int_equal(raise(the_signal()), 0);
	assert_in_range(wait_for(long_time), 0, long_time / 2);
	assert_in_range(wait_for(5 * ms), 5 * ms, long_time);
	hv_kvm.disarm(vm);
}

/* The run ends by KVM_EXIT_INTR on some ways out of the kernel. */
static int end_by_exit(struct kvm_run *page)
{
	(void)page;
	return EINTR;
}

static void other_signals_are_interruptions_too(void **state)
{
	(void)state;
	kvm_kernel.run = end_by_exit;
	arm(vm);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	hv_kvm.disarm(vm);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
}

static void machines_nest(void **state)
{
	(void)state;
	kvm_kernel.run = run_honestly;
	assert_int_equal(hv_kvm.vm_new(&other, hv, &config, &err), MOTE_OK);
	arm(vm);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	arm(other);
	assert_int_equal(raise(the_signal()), 0); /* whose is it? */
	assert_int_equal(page_of(vm)->immediate_exit, 0);
	assert_int_equal(run(other), HV_EXIT_INTERRUPTED);
	assert_int_equal(run(other), HV_EXIT_HALT);
	hv_kvm.disarm(other);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED); /* perhaps it was this one's */
	assert_int_equal(raise(the_signal()), 0);
	assert_int_equal(page_of(other)->immediate_exit, 0);
	assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
	hv_kvm.disarm(vm);
}

static int wait_for_exit(struct kvm_run *page)
{
	for (int i = 0; i < 5000 && !__atomic_load_n(&page->immediate_exit, __ATOMIC_SEQ_CST); i++)
		usleep(1000);
	return run_honestly(page);
}

static void alarms_go_off_in_time(void **state)
{
	(void)state;
	struct timespec start, end;

	kvm_kernel.run = wait_for_exit;
	arm(vm);
	assert_int_equal(hv_kvm.set_alarm(vm, 0, &err), MOTE_OK);
	assert_int_equal(ntimers, 0);
	for (int i = 0; i < 3; i++) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		assert_int_equal(hv_kvm.set_alarm(vm, 20 * MS, &err), MOTE_OK);
		assert_int_equal(ntimers, 1);
		assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
		clock_gettime(CLOCK_MONOTONIC, &end);
		assert_true((end.tv_sec - start.tv_sec) * 1000 +
				    (end.tv_nsec - start.tv_nsec) / 1000000 >=
			    19);
	}
	/* one that is taken back, one that is put off, one that the call does not wait for */
	kvm_kernel.run = run_honestly;
	assert_int_equal(hv_kvm.set_alarm(vm, 5 * MS, &err), MOTE_OK);
	assert_int_equal(hv_kvm.set_alarm(vm, 0, &err), MOTE_OK);
	usleep(10000);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	assert_int_equal(hv_kvm.set_alarm(vm, 5 * MS, &err), MOTE_OK);
	assert_int_equal(hv_kvm.set_alarm(vm, UINT64_MAX, &err), MOTE_OK);
	usleep(10000);
	assert_int_equal(run(vm), HV_EXIT_HALT);
	assert_int_equal(hv_kvm.set_alarm(vm, 5 * MS, &err), MOTE_OK);
	hv_kvm.disarm(vm);
	assert_int_equal(ntimers, 0);
	usleep(10000);
	assert_int_equal(run(vm), HV_EXIT_HALT);
}

static int no_timer(clockid_t clock, struct sigevent *event, timer_t *timer)
{
	(void)clock, (void)event, (void)timer;
	errno = EAGAIN;
	return -1;
}

static void no_timer_is_an_error(void **state)
{
	(void)state;
	sys.timer_create = no_timer;
	arm(vm);
	assert_int_not_equal(hv_kvm.set_alarm(vm, 5 * MS, &err), MOTE_OK);
	assert_non_null(strstr(err.message, "RLIMIT_SIGPENDING"));
	hv_kvm.disarm(vm);
}

/* Signals and masks. */

static void the_mask_is_as_before(void **state)
{
	(void)state;
	for (int blocks = 0; blocks < 2; blocks++) {
		sigset_t before, now;

		sigemptyset(&before);
		sigaddset(&before, SIGTERM);
		if (blocks)
			sigaddset(&before, the_signal());
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		kvm_kernel.run = run_honestly;
		arm(vm);
		pthread_sigmask(SIG_SETMASK, NULL, &now);
		assert_false(sigismember(&now, the_signal()));
		assert_true(sigismember(&now, SIGTERM));
		assert_int_equal(raise(the_signal()), 0);
		assert_int_equal(run(vm), HV_EXIT_INTERRUPTED);
		hv_kvm.disarm(vm);
		pthread_sigmask(SIG_SETMASK, NULL, &now);
		assert_int_equal(sigismember(&now, the_signal()), blocks);
		assert_true(sigismember(&now, SIGTERM));
	}
}

/* A signal that comes with the end of a call must not wait in a thread that blocks it. */
static bool is_sent;

static int queue_late(void)
{
	/* the first thing that disarm() asks for when the signal was blocked */
	if (!is_sent)
		raise(the_signal());
	is_sent = true;
	return getpid();
}

static void nothing_is_left_pending(void **state)
{
	(void)state;
	sigset_t blocked, pending;

	sigemptyset(&blocked);
	sigaddset(&blocked, the_signal());
	pthread_sigmask(SIG_SETMASK, &blocked, NULL);
	sys.getpid = queue_late;
	arm(vm);
	is_sent = false;
	hv_kvm.disarm(vm);
	assert_true(is_sent);
	sigpending(&pending);
	assert_false(sigismember(&pending, the_signal()));
}

static void on_own(int signal)
{
	(void)signal;
}

static void on_own_with_info(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
}

static void a_signal_with_a_handler_is_refused(void **state)
{
	(void)state;
	struct sigaction own = { .sa_handler = on_own }, now;
	struct sigaction with_info = { .sa_sigaction = on_own_with_info, .sa_flags = SA_SIGINFO };
	struct sigaction ignored = { .sa_handler = SIG_IGN };
	const struct sigaction *all[] = { &own, &with_info, &ignored };

	for (size_t i = 0; i < 3; i++) {
		sigaction(the_signal(), all[i], NULL);
		assert_int_equal(hv_kvm.arm(vm, &err), MOTE_E_STATE);
		assert_non_null(strstr(err.message, "choose another one with interrupt_signal"));
		sigaction(the_signal(), NULL, &now);
		assert_ptr_equal(now.sa_handler, all[i]->sa_handler);
		assert_int_equal(run(vm), HV_EXIT_HALT); /* all else works */
	}
	reset_signals();
	arm(vm);
	hv_kvm.disarm(vm);
}

static void the_default_is_taken_when_it_is_needed(void **state)
{
	(void)state;
	assert_int_equal(nactions, 0);
	arm(vm);
	hv_kvm.disarm(vm);
	assert_int_equal(nactions, 2);
	arm(vm);
	hv_kvm.disarm(vm);
	assert_int_equal(nactions, 2);
}

static void a_signal_that_was_chosen_is_taken_at_once(void **state)
{
	(void)state;
	struct sigaction now;
	struct hv *second;

	sigaction(SIGUSR1, NULL, &now);
	assert_ptr_not_equal(now.sa_handler, SIG_DFL);
	assert_int_equal(now.sa_flags & (SA_RESTART | SA_ONSTACK), SA_RESTART | SA_ONSTACK);
	sigaction(SIGRTMAX - 2, NULL, &now);
	assert_ptr_equal(now.sa_handler, SIG_DFL);
	/* another runtime can have the same */
	assert_int_equal(hv_kvm.open(&second, &host, &err), MOTE_OK);
	hv_kvm.close(second);
	/* and the program's are its own */
	signal(SIGUSR1, on_own);
	assert_int_equal(hv_kvm.open(&second, &host, &err), MOTE_E_STATE);
	assert_null(second);
	assert_non_null(strstr(err.message, "signal 10"));
	for (int i = 0; i < 2; i++) {
		host.interrupt_signal = i ? SIGKILL : 4711;
		assert_int_not_equal(hv_kvm.open(&second, &host, &err), MOTE_OK);
		assert_non_null(strstr(err.message, "cannot be used to interrupt guests"));
	}
	host.interrupt_signal = SIGUSR1;
}

/* In a child of fork() neither the page nor the timer is its own. */
static void a_forked_copy_leaves_the_machine_alone(void **state)
{
	(void)state;
	const uint32_t is_original = 0;
	sigset_t blocked, now;

	sigemptyset(&blocked);
	sigaddset(&blocked, the_signal());
	pthread_sigmask(SIG_SETMASK, &blocked, NULL);
	arm(vm);
	assert_int_equal(hv_kvm.set_alarm(vm, 60000 * MS, &err), MOTE_OK);
	page_of(vm)->immediate_exit = 1; /* the parent's */
	host.is_original = &is_original;
	hv_kvm.disarm(vm);
	host.is_original = NULL;
	assert_int_equal(page_of(vm)->immediate_exit, 1);
	assert_int_equal(ntimers, 1);
	ntimers = 0; /* the end of this process will */
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	assert_true(sigismember(&now, the_signal()));
	page_of(vm)->immediate_exit = 0;
	pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
	raise(the_signal()); /* this thread is armed for nothing any more */
	assert_int_equal(page_of(vm)->immediate_exit, 0);
}

#define IN(setup_function, test)                                                                   \
	{                                                                                          \
#test, test, setup_function, teardown, NULL                                        \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(setup, an_armed_machine_runs_as_ever),
		IN(setup, a_signal_before_the_run_is_not_lost),
		IN(setup_usr1, a_signal_before_the_run_is_not_lost),
		IN(setup, a_signal_on_the_way_into_the_run_is_not_lost),
		IN(setup, a_signal_after_the_end_does_nothing),
		IN(setup, a_kick_between_runs_takes_no_signal),
		IN(setup, a_kick_while_an_instruction_is_finished_is_not_lost),
		IN(setup, a_wait_ends_by_kick_alarm_or_time),
		IN(setup, a_kick_in_a_run_takes_one_signal),
		IN(setup_usr1, a_kick_in_a_run_takes_one_signal),
		IN(setup, other_signals_are_interruptions_too),
		IN(setup, machines_nest),
		IN(setup, alarms_go_off_in_time),
		IN(setup_usr1, alarms_go_off_in_time),
		IN(setup, no_timer_is_an_error),
		IN(setup, the_mask_is_as_before),
		IN(setup_usr1, the_mask_is_as_before),
		IN(setup, nothing_is_left_pending),
		IN(setup, a_signal_with_a_handler_is_refused),
		IN(setup, the_default_is_taken_when_it_is_needed),
		IN(setup_usr1, a_signal_that_was_chosen_is_taken_at_once),
		IN(setup, a_forked_copy_leaves_the_machine_alone),
	};
	return cmocka_run_group_tests_name("hv/kvm_kick", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting a run short. The kernel leaves the guest when the thread gets a signal, and does not
 * enter it while immediate_exit is set in the page that it shares with us. The signal's handler
 * sets that, in the page of the machine that its thread is armed for: so a signal that comes just
 * before KVM_RUN is not lost, and one that comes late does nothing.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* Older C libraries have the field, but not the name. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define NS_PER_S UINT64_C(1000000000)

/* What the calling thread is armed for; NULL: nothing. Nobody else ever reads it, but the handler
 * on the same thread may at any time; the model is one that needs no allocation then. */
static _Thread_local struct kvm_run *volatile armed __attribute__((tls_model("initial-exec")));

static void exit_at_once(struct kvm_run *run)
{
	__atomic_store_n(&run->immediate_exit, 1, __ATOMIC_SEQ_CST);
}

static void on_signal(int signal)
{
	struct kvm_run *run = armed;

	(void)signal;
	if (run)
		exit_at_once(run);
}

/* The C library knows how many real-time signals it keeps for itself only at run time. */
static int signal_of(const struct kvm *kvm)
{
	int given = kvm->base.host->interrupt_signal;

	return given ? given : SIGRTMAX - 2;
}

static bool is_ours(const struct sigaction *action)
{
	return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == on_signal;
}

static bool is_default(const struct sigaction *action)
{
	return !(action->sa_flags & SA_SIGINFO) && action->sa_handler == SIG_DFL;
}

/* Runtimes that do it at the same time do the same. */
mote_status kvm_kick_install(struct kvm *kvm, mote_error *err)
{
	const struct sys *sys = kvm->base.host->sys;
	const int signal = signal_of(kvm);
	struct sigaction action, before;

	if (__atomic_load_n(&kvm->has_handler, __ATOMIC_RELAXED))
		return MOTE_OK;
	if (sys->sigaction(signal, NULL, &before) < 0)
		return error_os(err, errno, "signal %d cannot be used to interrupt guests", signal);
	if (!is_ours(&before) && !is_default(&before))
		return error_set(
			err, MOTE_E_STATE,
			"signal %d, which interrupts guests, has a handler of the program's "
			"or is ignored; choose another one with interrupt_signal",
			signal);
	memset(&action, 0, sizeof action);
	action.sa_handler = on_signal;
	action.sa_flags = SA_RESTART | SA_ONSTACK;
	if (!is_ours(&before) && sys->sigaction(signal, &action, NULL) < 0)
		return error_os(err, errno, "signal %d cannot be used to interrupt guests", signal);
	__atomic_store_n(&kvm->has_handler, true, __ATOMIC_RELAXED);
	return MOTE_OK;
}

mote_status kvm_vm_arm(struct hv_vm *base, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	const struct sys *sys = vm->kvm->base.host->sys;
	mote_status status = kvm_kick_install(vm->kvm, err);

	if (status)
		return status;
	const uint64_t bit = UINT64_C(1) << (signal_of(vm->kvm) - 1);
	uint64_t before;

	vm->kick.thread = pthread_self();
	vm->kick.outer = armed;
	vm->kick.is_armed = true;
	armed = vm->run;
	sys->rt_sigprocmask(SIG_UNBLOCK, &bit, &before);
	vm->kick.was_blocked = (before & bit) != 0;
	return MOTE_OK;
}

void kvm_vm_disarm(struct hv_vm *base)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	const struct host *host = vm->kvm->base.host;
	const uint64_t bit = UINT64_C(1) << (signal_of(vm->kvm) - 1);
	struct kvm_run *outer = vm->kick.outer;

	/* A forked copy has the page in common with its parent, and no timer. */
	if (vm->kick.has_timer && !host_is_forked(host))
		host->sys->timer_delete(vm->kick.timer);
	vm->kick.has_timer = false;
	if (vm->kick.was_blocked) {
		host->sys->getpid(); /* what is pending arrives on the way back from a call */
		host->sys->rt_sigprocmask(SIG_BLOCK, &bit, NULL);
	}
	armed = outer;
	vm->kick.is_armed = false;
	if (host_is_forked(host))
		return;
	vm->run->immediate_exit = 0;
	/* a signal of its own may have come meanwhile */
	if (outer)
		exit_at_once(outer);
}

void kvm_vm_kick(struct hv_vm *base)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;

	exit_at_once(vm->run);
	if (__atomic_load_n(&vm->kick.is_running, __ATOMIC_SEQ_CST))
		vm->kvm->base.host->sys->pthread_kill(vm->kick.thread, signal_of(vm->kvm));
}

int kvm_kick_run(struct kvm_vm *vm)
{
	/* Before the kernel looks at immediate_exit: kvm_vm_kick() does it in the other order. */
	__atomic_store_n(&vm->kick.is_running, true, __ATOMIC_SEQ_CST);
	int rc = kvm_ioctl_value(vm->kvm, vm->vcpu_fd, KVM_RUN, 0);
	__atomic_store_n(&vm->kick.is_running, false, __ATOMIC_RELEASE);
	/* Before the caller looks why: who kicks now has said so before. */
	if (rc < 0 && errno == EINTR)
		__atomic_exchange_n(&vm->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	return rc;
}

static mote_status make_timer(struct kvm_vm *vm, mote_error *err)
{
	const struct sys *sys = vm->kvm->base.host->sys;
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID };

	event.sigev_signo = signal_of(vm->kvm);
	event.sigev_notify_thread_id = sys->gettid();
	if (sys->timer_create(CLOCK_MONOTONIC, &event, &vm->kick.timer) < 0)
		return error_os(err, errno, "no timer for a time limit; raise RLIMIT_SIGPENDING");
	vm->kick.has_timer = true;
	return MOTE_OK;
}

mote_status kvm_vm_set_alarm(struct hv_vm *base, uint64_t ns, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	const struct itimerspec to = {
		.it_value = { .tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S) },
	};

	if (!vm->kick.has_timer && ns == 0)
		return MOTE_OK;
	mote_status status = vm->kick.has_timer ? MOTE_OK : make_timer(vm, err);
	if (!status && vm->kvm->base.host->sys->timer_settime(vm->kick.timer, 0, &to, NULL) < 0)
		status = error_os(err, errno, "cannot set the timer of a time limit");
	return status;
}

/* As kvm_kick_run(), with ppoll() for the kernel's run: the signal is let in only there, so that
 * one that comes before is not lost. */
void kvm_vm_wait(struct hv_vm *base, uint64_t ns)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	const struct sys *sys = vm->kvm->base.host->sys;
	const struct timespec most = { .tv_sec = (time_t)(ns / NS_PER_S),
				       .tv_nsec = (long)(ns % NS_PER_S) };
	const uint64_t bit = UINT64_C(1) << (signal_of(vm->kvm) - 1);
	uint64_t before = 0;
	sigset_t mask;

	if (!vm->kick.is_armed) {
		sys->ppoll(NULL, 0, &most, NULL);
		return;
	}
	sys->rt_sigprocmask(SIG_BLOCK, &bit, &before);
	before &= ~bit;
	sigemptyset(&mask);
	memcpy(&mask, &before, sizeof before); /* the kernel's set is the first of its words */
	__atomic_store_n(&vm->kick.is_running, true, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&vm->run->immediate_exit, __ATOMIC_SEQ_CST))
		sys->ppoll(NULL, 0, &most, &mask);
	__atomic_store_n(&vm->kick.is_running, false, __ATOMIC_RELEASE);
	__atomic_exchange_n(&vm->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	sys->rt_sigprocmask(SIG_UNBLOCK, &bit, NULL);
}

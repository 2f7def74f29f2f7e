/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that a call makes, as the kernel counts them: what docs/architecture.md says
 * that limits and interrupts cost. A child process makes the calls, and is traced by this one.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include "guest_abi/mote/syscall_names.h"

#include <linux/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* sys/ptrace.h has none of what is new. */
long ptrace(long request, ...);

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* Of realtime signals one that nobody else here uses. */
#define INTERRUPT_SIGNAL (SIGRTMIN + 5)

/* Far away: no call here ends by its limit. */
#define LONG UINT64_C(100000000000)

#define KVM_TIMER "gettid timer_create timer_settime ioctl timer_delete"

static const struct cost {
	const char *what;
	bool is_held; /* by a mote_interrupt */
	mote_call_options options;
	bool is_blocked;           /* the signal, by the thread that calls */
	const char *kvm, *process; /* all system calls, in their order */
} costs[] = {
	{ "plain", false, { 0 }, false, "ioctl", "ioctl poll ioctl" },
	{ "a mote_interrupt is held",
	  true,
	  { 0 },
	  false,
	  "rt_sigprocmask ioctl",
	  "ioctl poll ioctl" },
	{ "timeout_ns",
	  false,
	  { .timeout_ns = LONG },
	  false,
	  "rt_sigprocmask " KVM_TIMER,
	  "ioctl ppoll ioctl" },
	{ "cpu_ns",
	  false,
	  { .cpu_ns = LONG },
	  false,
	  "rt_sigprocmask clock_gettime " KVM_TIMER,
	  "clock_gettime clock_gettime ioctl ppoll ioctl" },
	{ "timeout_ns and cpu_ns",
	  false,
	  { .timeout_ns = LONG, .cpu_ns = LONG },
	  false,
	  "rt_sigprocmask clock_gettime " KVM_TIMER,
	  "clock_gettime clock_gettime ioctl ppoll ioctl" },
	{ "held, with the signal blocked",
	  true,
	  { 0 },
	  true,
	  "rt_sigprocmask ioctl getpid rt_sigprocmask",
	  "ioctl poll ioctl" },
	{ "timeout_ns, with the signal blocked",
	  false,
	  { .timeout_ns = LONG },
	  true,
	  "rt_sigprocmask " KVM_TIMER " getpid rt_sigprocmask",
	  "ioctl ppoll ioctl" },
	{ "plain, with the signal blocked", false, { 0 }, true, "ioctl", "ioctl poll ioctl" },
};
enum { NCOSTS = sizeof costs / sizeof costs[0] };

/* System calls that the tracer reads: number N begins what costs[N] says, NCOSTS ends it. */
static void mark(size_t number)
{
	syscall(SYS_getppid, number);
}

static void die(const char *what, const mote_error *err)
{
	fprintf(stderr, "%s: %s\n", what, err->message);
	_exit(1);
}

/* The third call like this: what is done once has been done. */
static void make_call(mote_sandbox *sb, const struct cost *cost, size_t number)
{
	mote_call_options options = cost->options;
	mote_error err;
	sigset_t set, before;

	options.size = sizeof options;
	mote_interrupt *interrupt = cost->is_held ? mote_interrupt_of(sb) : NULL;
	sigemptyset(&set);
	sigaddset(&set, INTERRUPT_SIGNAL);
	if (cost->is_blocked)
		sigprocmask(SIG_BLOCK, &set, &before);
	for (int i = 0; i < 3; i++) {
		if (i == 2)
			mark(number);
		mote_status status =
			mote_call_with(sb, "EchoVoid", MOTE_NO_ARGS, &options, NULL, &err);
		if (i == 2)
			mark(NCOSTS);
		if (status)
			die(cost->what, &err);
	}
	if (cost->is_blocked)
		sigprocmask(SIG_SETMASK, &before, NULL);
	mote_interrupt_unref(interrupt);
}

/* The child: a sandbox of its own, and a call of each kind. */
static _Noreturn void make_calls(const struct guest *g)
{
	const mote_runtime_options *options = MOTE_OPTIONS(
		mote_runtime_options, .backend = g->backend, .interrupt_signal = INTERRUPT_SIGNAL);
	mote_error err;
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;

	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		_exit(2);
	raise(SIGSTOP);
	if (mote_runtime_new(&rt, options, &err) ||
	    mote_image_load_file(&image, rt, g->path, &err) ||
	    mote_sandbox_new(&sb, image, NULL, &err))
		die("a sandbox", &err);
	for (size_t i = 0; i < NCOSTS; i++)
		make_call(sb, &costs[i], i);
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	_exit(0);
}

/* What was seen of each call. */
struct seen {
	char calls[NCOSTS][512];
	uint64_t now; /* which is under way; NCOSTS: none */
};

static void note(struct seen *seen, const struct ptrace_syscall_info *info)
{
	if (info->op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (info->entry.nr == SYS_getppid) {
		seen->now = info->entry.args[0] < NCOSTS ? info->entry.args[0] : NCOSTS;
		return;
	}
	/* Where the kernel's clock can be read without a system call, nobody makes one for it. */
	const bool is_clock =
		info->entry.nr == SYS_clock_gettime && info->entry.args[0] == CLOCK_MONOTONIC;
	if (seen->now == NCOSTS || is_clock)
		return;
	char *calls = seen->calls[seen->now];
	const size_t used = strlen(calls);
	const char *name = syscall_name(info->entry.nr);
	snprintf(calls + used, sizeof seen->calls[0] - used, "%s%s", used ? " " : "",
		 name ? name : "?");
}

/* Watches CHILD until it ends; its status. */
static int watch(pid_t child, struct seen *seen)
{
	int status;

	seen->now = NCOSTS;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status))
		return status;
	assert_int_equal(
		ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	int signal = 0;
	do {
		struct ptrace_syscall_info info = { .op = PTRACE_SYSCALL_INFO_NONE };

		ptrace(PTRACE_SYSCALL, child, 0, signal);
		assert_int_equal(waitpid(child, &status, __WALL), child);
		if (!WIFSTOPPED(status))
			return status;
		const bool is_call = WSTOPSIG(status) == SYSCALL_STOP;
		signal = is_call ? 0 : WSTOPSIG(status);
		if (is_call) {
			ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
			note(seen, &info);
		}
	} while (true);
}

static void calls_make_these_system_calls(struct guest *g)
{
	static struct seen seen;
	const bool is_kvm = strcmp(g->backend, "kvm") == 0;
	unsigned wrong = 0;

	memset(&seen, 0, sizeof seen);
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		make_calls(g);
	const int status = watch(child, &seen);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		skip_row(g, "nobody may trace here");
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	for (size_t i = 0; i < NCOSTS; i++) {
		const char *want = is_kvm ? costs[i].kvm : costs[i].process;
		if (strcmp(seen.calls[i], want) == 0)
			continue;
		print_error("%s, %s: \"%s\", and not \"%s\"\n", g->where, costs[i].what,
			    seen.calls[i], want);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	static const struct row rows[] = {
		{ "calls make these system calls", "echo", calls_make_these_system_calls, NULL,
		  true },
	};

	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

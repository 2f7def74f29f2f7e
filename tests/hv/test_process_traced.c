/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest process under a tracer, which the kernel tells of every system call that is begun: each
 * number that a guest tries must end in the seccomp filter's signal, by the kernel's own word, and
 * what is left are the monitor's two calls, each from its one address. (sysenter is not here: AMD's
 * processors do not have it in 64-bit mode.)
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "hv/process/process_internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/ptrace.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* sys/ptrace.h has none of what is new. */
long ptrace(long request, ...);

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* The tracer, and what it has seen. Threads trace, so it is one. */
static struct {
	pthread_t thread;
	pid_t pid;
	sem_t is_attached;
	int error; /* errno of attaching */

	struct ptrace_syscall_info begun; /* nr UINT64_MAX: none that is open */
	unsigned ncaught, ndoors, nlost;
	char trouble[256]; /* the first */
} tracer;

/* The monitor's two, from where they belong. */
static bool is_door(const struct ptrace_syscall_info *info)
{
	if (info->arch != AUDIT_ARCH_X86_64)
		return false;
	return (info->instruction_pointer == MONITOR_STOPPED &&
		info->entry.nr == MONITOR_STOP_CALL) ||
	       (info->instruction_pointer == MONITOR_RETURNED &&
		info->entry.nr == MONITOR_RETURN_CALL);
}

/* A call that was begun, and nothing has stopped it before something else happened. */
static void note_lost(const char *before)
{
	const struct ptrace_syscall_info *begun = &tracer.begun;

	if (begun->entry.nr == UINT64_MAX)
		return;
	if (tracer.nlost++ == 0)
		snprintf(tracer.trouble, sizeof tracer.trouble,
			 "system call %lld of architecture 0x%x at 0x%llx was made before %s",
			 (long long)begun->entry.nr, begun->arch,
			 (unsigned long long)begun->instruction_pointer, before);
	tracer.begun.entry.nr = UINT64_MAX;
}

static void note_syscall(void)
{
	struct ptrace_syscall_info info = { .op = PTRACE_SYSCALL_INFO_NONE };

	ptrace(PTRACE_GET_SYSCALL_INFO, tracer.pid, sizeof info, &info);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	note_lost("the next");
	if (is_door(&info))
		tracer.ndoors++;
	else
		tracer.begun = info;
}

/* The signal that the filter sends says which call it was for. */
static void note_signal(int number)
{
	siginfo_t info;

	if (number != SIGSYS || ptrace(PTRACE_GETSIGINFO, tracer.pid, 0, &info) < 0)
		return;
	if (info.si_code != 1 /* SYS_SECCOMP */ || info.si_arch != tracer.begun.arch ||
	    info.si_syscall != (int)tracer.begun.entry.nr)
		return;
	tracer.begun.entry.nr = UINT64_MAX;
	tracer.ncaught++;
}

static void *trace(void *unused)
{
	int status;
	(void)unused;

	tracer.begun.entry.nr = UINT64_MAX;
	if (ptrace(PTRACE_SEIZE, tracer.pid, 0, PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tracer.pid, 0, 0) < 0)
		tracer.error = errno;
	if (tracer.error) {
		sem_post(&tracer.is_attached);
		return NULL;
	}
	bool has_stopped = false;
	while (waitpid(tracer.pid, &status, __WALL) == tracer.pid && WIFSTOPPED(status)) {
		int number = WSTOPSIG(status);
		bool is_event = status >> 16 != 0;
		if (number == SYSCALL_STOP)
			note_syscall();
		else if (!is_event)
			note_signal(number);
		ptrace(PTRACE_SYSCALL, tracer.pid, 0,
		       number == SYSCALL_STOP || is_event ? 0 : number);
		if (!has_stopped)
			sem_post(&tracer.is_attached);
		has_stopped = true;
	}
	note_lost("the end");
	return NULL;
}

static struct host host;
static struct hv *hv;
static struct box box;

static int open_traced(void **state)
{
	mote_error error;
	(void)state;

	host_init(&host);
	if (hv_process.open(&hv, &host, &error)) {
		print_error("%s\n", error.message);
		return -1;
	}
	box_open(&box, hv);
	memset(&tracer, 0, sizeof tracer);
	tracer.pid = ((const struct process_vm *)box.vm)->process.pid;
	sem_init(&tracer.is_attached, 0, 0);
	pthread_create(&tracer.thread, NULL, trace, NULL);
	return 0;
}

static int close_traced(void **state)
{
	(void)state;
	box_close(&box);
	hv_process.close(hv);
	return 0;
}

static void wait_for_tracer(void)
{
	while (sem_wait(&tracer.is_attached) < 0 && errno == EINTR)
		;
	if (!tracer.error)
		return;
	print_message("SKIP: cannot trace the guest process: %s\n", strerror(tracer.error));
	pthread_join(tracer.thread, NULL);
	skip();
}

/* Ends the guest, and with it the tracer. */
static void expect_caught(unsigned count)
{
	kill(tracer.pid, SIGKILL);
	pthread_join(tracer.thread, NULL);
	if (tracer.nlost)
		fail_msg("%u reached the kernel: %s", tracer.nlost, tracer.trouble);
	assert_int_equal(tracer.ncaught, count);
	assert_true(tracer.ndoors > 0);
}

/* Those of the kernel's tracing pass all filters, and refuse to work: 335 and 336. */
static bool passes_filters(uint64_t number)
{
	return number == 335 || number == 336;
}

static void run_call(const char *routine, uint64_t target, uint64_t number)
{
	box_set(&box, routine, target);
	box.vm->regs->rsp = BOX_DATA + 0x8000;
	box.vm->regs->rax = number;
	enum hv_exit_kind kind = box_run(&box).kind;
	if (kind != HV_EXIT_SYSCALL && kind != HV_EXIT_EXCEPTION)
		fail_msg("%s, number %lu: exit %d", routine, (unsigned long)number, kind);
}

static void no_number_reaches_the_kernel(void **state)
{
	static const uint64_t marks[] = { 0, 0x40000000, 0x80000000, UINT64_C(0x100000000),
					  UINT64_C(0xffffffff00000000) };
	unsigned count = 0;
	(void)state;

	wait_for_tracer();
	for (uint64_t number = 0; number < 1024; number++)
		for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
			/* of the number the kernel looks at 32 bits alone */
			if (passes_filters((uint32_t)(marks[i] | number)))
				continue;
			run_call("syscall", 0, marks[i] | number);
			count++;
		}
	expect_caught(count);
}

static void no_number_of_32_bit_code_reaches_the_kernel(void **state)
{
	static const char *const ways[] = { "int80_32", "syscall_32" };
	unsigned count = 0;
	(void)state;

	wait_for_tracer();
	for (uint64_t number = 0; number < 1024; number++) {
		run_call("int80", 0, number);
		count++;
		for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
			run_call("compatible", box_address(ways[i]), number);
			count++;
		}
	}
	expect_caught(count);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_traced, close_traced)
	const struct CMUnitTest tests[] = {
		TEST(no_number_reaches_the_kernel),
		TEST(no_number_of_32_bit_code_reaches_the_kernel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

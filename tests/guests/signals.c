/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that handles signals: faults of its own, from which it comes back by sigreturn or by a
 * jump, signals that it sends itself, and returns from handlers that no kernel would believe.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int seen, code, count;
static void *volatile where;
static int in_main;

static void note(int signal, const siginfo_t *info)
{
	seen = signal;
	code = info->si_code;
	where = info->si_addr;
	count = count + 1;
}

static void jump_out(int signal, siginfo_t *info, void *context)
{
	(void)context;
	note(signal, info);
	siglongjmp(back, 1);
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO | flags;
	sigaction(signal, &action, NULL);
}

static void fault(const char *how)
{
	volatile int zero = 0;

	if (strcmp(how, "nowhere") == 0)
		*(volatile int *)0x1234 = 1;
	else if (strcmp(how, "sealed") == 0)
		*(volatile int *)0x10000 = 1;
	else if (strcmp(how, "constant") == 0)
		*(volatile char *)(uintptr_t)how = 1;
	else if (strcmp(how, "divide") == 0)
		__asm__ volatile("idivl %0" : : "m"(zero), "a"(1), "d"(0) : "cc");
	else if (strcmp(how, "invalid") == 0)
		__asm__ volatile("ud2");
	else if (strcmp(how, "breakpoint") == 0)
		__asm__ volatile("int3");
	else if (strcmp(how, "privileged") == 0)
		__asm__ volatile("hlt");
}

/* What becomes of a fault: the signal's number, 1000 times the code, 1000000 if the address is
 * said. */
static int32_t caught(const char *how)
{
	where = NULL;
	if (sigsetjmp(back, 1) == 0) {
		fault(how);
		return -1;
	}
	return seen + 1000 * code + (where ? 1000000 : 0);
}

static const int faults[] = { SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS };

MOTE_EXPORT(void, Handle)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		handle(faults[i], jump_out, 0);
}

MOTE_EXPORT(void, Ignore)
{
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
		signal(faults[i], SIG_IGN);
}

MOTE_EXPORT(i32, Caught, str, how)
{
	return caught(how);
}

MOTE_EXPORT(i32, CaughtInMain)
{
	return in_main;
}

/* Puts rbx right, and spoils what a handler may. */
static uint64_t repaired;
static void repair(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	note(signal, info);
	__asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\tfldpi" : : : "xmm5", "st");
	c->uc_mcontext.gregs[REG_RBX] = (long long)(uintptr_t)&repaired;
}

/* Faults with numbers in registers; how many of them are still there. */
MOTE_EXPORT(i32, Registers)
{
	const uint64_t number = UINT64_C(0x1122334455667788);
	uint64_t low, r9, r15, flags;

	handle(SIGSEGV, repair, 0);
	repaired = 0;
	__asm__ volatile("movq %[n], %%xmm5\n\tmov %[n], %%r9\n\tmov %[n], %%r15\n\t"
			 "mov $0x77, %%ebx\n\tstc\n\tmovq $9, (%%rbx)\n\tpushfq\n\tpop %[f]\n\t"
			 "movq %%xmm5, %[x]\n\tmov %%r9, %[r9]\n\tmov %%r15, %[r15]"
			 : [x] "=&m"(low), [r9] "=&m"(r9), [r15] "=&m"(r15), [f] "=&r"(flags)
			 : [n] "r"(number)
			 : "rbx", "r9", "r15", "xmm5", "memory", "cc");
	return (low == number) + (r9 == number) + (r15 == number) + (repaired == 9) +
	       (int)(flags & 1);
}

/* Returns to the fault, for ever. */
static void leave_it(int signal, siginfo_t *info, void *context)
{
	(void)context;
	note(signal, info);
}

MOTE_EXPORT(void, Endless)
{
	handle(SIGSEGV, leave_it, 0);
	fault("nowhere");
}

static void fault_again(int signal, siginfo_t *info, void *context)
{
	(void)context;
	note(signal, info);
	*(volatile int *)0x4321 = 1;
}

MOTE_EXPORT(void, FaultTwice)
{
	handle(SIGSEGV, fault_again, 0);
	fault("nowhere");
}

MOTE_EXPORT(void, FaultBlocked)
{
	sigset_t set;

	handle(SIGSEGV, jump_out, 0);
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	fault("nowhere");
}

/* A stack that overflows is handled on another. */
static char stack[32768];
static volatile int on_stack;

static void overflowed(int signal, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	note(signal, info);
	on_stack = &here >= stack && &here < stack + sizeof stack;
	siglongjmp(back, 1);
}

static int recurse(volatile char *outer)
{
	volatile char inner[1000];

	inner[0] = outer[0];
	return inner[0] ? 0 : recurse(inner) + inner[1];
}

MOTE_EXPORT(i32, Overflow, bool, has_stack)
{
	stack_t new = { .ss_sp = stack, .ss_size = sizeof stack };
	volatile char zero[2] = { 0, 0 };

	if (has_stack && sigaltstack(&new, NULL) != 0)
		return -errno;
	handle(SIGSEGV, overflowed, SA_ONSTACK);
	on_stack = 0;
	if (sigsetjmp(back, 1) == 0)
		recurse(zero);
	return on_stack;
}

/* Signals of its own: what is counted when. */
MOTE_EXPORT(i32, Sends)
{
	sigset_t set, pending;
	int first, blocked, waiting;

	handle(SIGUSR1, leave_it, 0);
	count = 0;
	raise(SIGUSR1);
	first = count;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	blocked = count;
	sigpending(&pending);
	waiting = sigismember(&pending, SIGUSR1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return first + 10 * blocked + 100 * waiting + 1000 * count;
}

/* Each sends itself the signal again while it is handled. */
static volatile int depth, deepest;
static void send_again(int signal, siginfo_t *info, void *context)
{
	(void)context;
	note(signal, info);
	depth = depth + 1;
	if (depth > deepest)
		deepest = depth;
	if (count < 3)
		raise(signal);
	depth = depth - 1;
}

MOTE_EXPORT(i32, Nested, bool, defers)
{
	handle(SIGUSR2, send_again, defers ? 0 : SA_NODEFER);
	count = depth = deepest = 0;
	raise(SIGUSR2);
	return count * 10 + deepest;
}

MOTE_EXPORT(i32, Once)
{
	struct sigaction now;

	handle(SIGUSR2, leave_it, (int)SA_RESETHAND);
	count = 0;
	raise(SIGUSR2);
	sigaction(SIGUSR2, NULL, &now);
	return count * 10 + (now.sa_handler == SIG_DFL);
}

MOTE_EXPORT(void, Raise, i32, signal)
{
	raise(signal);
}

/* Comes back from a handler with what no program has. */
static uint64_t forged_rip, forged_flags;
static uint32_t forged_vectors;
static bool forges_pointer;

static void forge(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	unsigned char *vectors = (unsigned char *)c->uc_mcontext.fpregs;

	note(signal, info);
	if (forged_rip)
		c->uc_mcontext.gregs[REG_RIP] = (long long)forged_rip;
	c->uc_mcontext.gregs[REG_EFL] |= (long long)forged_flags;
	c->uc_mcontext.gregs[REG_CSGSFS] = 0x0010001000100008; /* the kernel's */
	if (forged_vectors & 1)
		memset(vectors, 0xff, 464);
	if (forged_vectors & 2)
		memset(vectors + 512, 0xff, 64);
	if (forged_vectors & 4)
		memset(vectors + 464, 0xff, 48);
	if (forges_pointer)
		c->uc_mcontext.fpregs = (void *)(uintptr_t)0x7fffffffffc0;
}

MOTE_EXPORT(u64, Forge, u64, rip, u64, flags, u32, vectors, bool, pointer)
{
	uint64_t now;

	forged_rip = rip;
	forged_flags = flags;
	forged_vectors = vectors;
	forges_pointer = pointer;
	handle(SIGUSR1, forge, 0);
	raise(SIGUSR1);
	__asm__ volatile("pushfq\n\tpop %0" : "=r"(now));
	__asm__ volatile("cld");
	return now;
}

/* No frame at all. */
MOTE_EXPORT(void, Unasked, u64, rsp)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov $15, %%eax\n\tsyscall"
			 :
			 : "r"(rsp)
			 : "rax", "memory");
}

int main(void)
{
	handle(SIGFPE, jump_out, 0);
	in_main = caught("divide");
	signal(SIGFPE, SIG_DFL);
	return 0;
}

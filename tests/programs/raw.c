/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that never heard of mote: what language runtimes ask the kernel when they start, and
 * what shells and daemons would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "yes");
}

/* As runtimes with a collector start: which signals are taken, how many processors there are, a
 * large reservation of which a part is used. */
static void start(void)
{
	const size_t size = 16 << 20;
	struct rlimit limit;
	struct rusage usage;
	struct utsname name;
	cpu_set_t set;
	long known = 0;

	for (int signal = 1; signal <= 64; signal++) {
		char action[32];
		known += syscall(SYS_rt_sigaction, signal, NULL, action, 8) == 0;
	}
	printf("%ld signals\n", known);
	say("processors", sched_getaffinity(0, sizeof set, &set));
	char *area =
		mmap((void *)0xc000000000, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	say("reserved", area == MAP_FAILED ? -1 : 0);
	say("committed", mprotect(area, 4096, PROT_READ | PROT_WRITE));
	area[0] = 1;
	say("given up", madvise(area, 4096, MADV_DONTNEED));
	printf("holds %d\n", area[0]);
	say("limits", getrlimit(RLIMIT_STACK, &limit));
	say("usage", getrusage(RUSAGE_SELF, &usage));
	say("name", uname(&name));
	printf("page %ld\n", sysconf(_SC_PAGESIZE));
}

static void others(void)
{
	char *argv[] = { "true", NULL }, *envp[] = { NULL };
	pid_t pid;

	say("fork", fork());
	say("execve", execve("/bin/true", argv, envp));
	printf("spawned: %d\n", posix_spawn(&pid, "/bin/true", NULL, NULL, argv, envp) == 0);
	say("wait", wait(NULL));
	say("socket", socket(AF_INET, SOCK_STREAM, 0));
	say("ptrace", syscall(SYS_ptrace, 0, 0, 0, 0));
	say("slept", usleep(1000));
}

int main(void)
{
	start();
	others();
	return 0;
}

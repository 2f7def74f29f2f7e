/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints docs/syscalls.md: what is said there of each system call stands in the table that the
 * library is made from.
 */
#include <stddef.h>
#include <stdio.h>

/* Why a call is refused. What is here is what docs/syscalls.md says. */
#define FILES      "not needed by the programs that were tried"
#define NETWORK    "there is no network"
#define PROCESSES  "there is one process with one thread"
#define IPC        "there is no other process to share it with"
#define WAITING    "there is nothing to wait for"
#define TIMERS     "there is one timer, setitimer's"
#define SIGNALS    "a call that a signal ended is not gone on with"
#define IDENTITY   "a guest is nobody in particular, and stays it"
#define SCHEDULING "there is one thread, and the host schedules it"
#define MEMORY     "the host decides where memory is and what may be done with it"
#define MACHINE    "the machine is not the guest's"
#define GONE       "Linux itself does not have it any more"

struct row {
	int number;
	const char *name;
	const char *how; /* NULL: it is not served */
	const char *why;
};

static const struct row rows[] = {
#define SERVED(number, name, handler, how)   { number, #name, how, NULL },
#define DECLINED(number, name, handler, why) { number, #name, NULL, why },
#define REFUSED(number, name, why)           { number, #name, NULL, why },
#include "guest_abi/mote/syscalls.def"
};

static const char head[] =
	"# System calls\n"
	"\n"
	"What a guest's libc asks of Linux is served by mote itself, from the sandbox's own "
	"memory. This page is printed by the build\n"
	"from the table that the library is made from, "
	"[`src/guest_abi/mote/syscalls.def`](../src/guest_abi/mote/syscalls.def); a test compares "
	"them. How to\n"
	"write guests is told in [guests.md](guests.md), how to run programs that never heard of "
	"mote in\n"
	"[how-to/programs.md](how-to/programs.md).\n"
	"\n"
	"Every pointer and length that a guest gives is checked: what it may not read or write is "
	"`EFAULT`. A call that is not served\n"
	"answers `ENOSYS`; the host's log says so once for each call, and `mote run` lists them "
	"when a program fails. Numbers that are not\n"
	"here are refused too. Results are those of Linux but for what is said here.\n";

static void print_served(void)
{
	printf("\n## Served\n\n| call | | |\n|---|---|---|\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].how)
			printf("| `%s` | %d | %s |\n", rows[i].name, rows[i].number, rows[i].how);
}

static const char memory[] = "\n"
			     "## Memory\n"
			     "\n"
			     "A guest's page tables are made once and sealed, so that no guest can "
			     "change them and some hypervisors need not look "
			     "again.\n"
			     "What the image's segments allow is enforced by the processor: code "
			     "is not writable, data is not executable. The heap is\n"
			     "readable and writable as a whole, from the start. `mmap` and "
			     "`munmap` are books about it, and a page that is in nobody's "
			     "books\n"
			     "can be read, and is zero, until it is handed out. `mprotect` keeps "
			     "no books: guard pages inside of the heap do not fault, "
			     "and\n"
			     "data that was made read-only after relocation (RELRO) can still be "
			     "written. The guard below the stack is there always.\n"
			     "\n"
			     "Memory that a guest gives up goes back to the host in pieces of 64 "
			     "KiB and more, and reads as zero if it is used again; "
			     "smaller\n"
			     "pieces are zeroed and kept. In sandboxes of the kvm backend that "
			     "began at a snapshot they are all kept until the restore.\n";

static const char clocks[] =
	"\n"
	"## Time\n"
	"\n"
	"Where the kernel keeps time by the processor's time-stamp counter, guests have a vDSO "
	"with `clock_gettime`, "
	"`gettimeofday` and\n"
	"`time`, which C libraries find by themselves. For `CLOCK_REALTIME` and `CLOCK_MONOTONIC` "
	"it counts from a moment that "
	"the host has\n"
	"written down, and leaves the machine once in 50 ms to have it written anew; what it tells "
	"agrees with the host's "
	"clocks to about\n"
	"a microsecond, and `CLOCK_MONOTONIC` never goes back within a call. In the first 50 ms of "
	"a runtime, and where the "
	"counter is of\n"
	"no use, each call leaves. `no_fast_clock` in the runtime's options takes the vDSO away.\n";

static void print_refused(void)
{
	printf("\n## Refused\n\n| call | | why |\n|---|---|---|\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].why)
			printf("| `%s` | %d | %s |\n", rows[i].name, rows[i].number, rows[i].why);
}

int main(void)
{
	fputs(head, stdout);
	print_served();
	fputs(memory, stdout);
	fputs(clocks, stdout);
	print_refused();
	return 0;
}

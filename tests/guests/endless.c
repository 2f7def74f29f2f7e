/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does not come to an end, each time in another way; and answers when it is asked.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

MOTE_IMPORT(u32, HostTick, u32)

MOTE_EXPORT(void, Spin)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* Until it is stopped, but for MS milliseconds at most; 0: slept. */
MOTE_EXPORT(i32, SleepFor, u32, ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	return nanosleep(&time, NULL);
}

/* Not that long, ROUNDS: returns what it is given. */
MOTE_EXPORT(u32, SpinFor, u32, rounds)
{
	for (uint32_t i = 0; i < rounds; i++)
		__asm__ volatile("" ::: "memory");
	return rounds;
}

MOTE_EXPORT(void, SystemCalls)
{
	for (;;)
		syscall(SYS_getpid);
}

MOTE_EXPORT(void, Maps)
{
	for (;;) {
		void *at = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				-1, 0);
		if (at != MAP_FAILED)
			munmap(at, 1 << 16);
	}
}

MOTE_EXPORT(void, HostCalls)
{
	for (uint32_t i = 0;; i++)
		HostTick(i);
}

MOTE_EXPORT(void, Writes)
{
	for (;;)
		(void)!write(1, "line\n", 5);
}

MOTE_EXPORT(void, Logs)
{
	for (;;)
		mote_guest_log_line(MOTE_LOG_INFO, "again");
}

/* Copies for ever: one instruction that takes milliseconds. */
MOTE_EXPORT(void, Copies)
{
	static char data[1 << 20];

	for (;;) {
		const char *from = data;
		char *to = data;
		size_t size = sizeof data;
		__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(size)::"memory");
	}
}

MOTE_EXPORT(u32, Tick, u32, value)
{
	return HostTick(value);
}

MOTE_EXPORT(u32, Answer)
{
	return 42;
}

/* With init data, it does not even get ready. */
int main(void)
{
	size_t size;

	while (mote_guest_init_data(&size))
		;
	return 0;
}

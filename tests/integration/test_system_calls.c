/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers system calls: the library, on every backend the same. All numbers, from a real
 * guest; what is not served is not there, whatever the kernel below has.
 */
#include "integration/harness.h"
#include "kit/served.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NUMBERS_END = 1024 };

/* With zeros for arguments, these end the program. */
static const int ends[] = { SYS_exit,         SYS_exit_group, SYS_kill,   SYS_tkill,    SYS_tgkill,
			    SYS_rt_sigreturn, SYS_ppoll,      SYS_select, SYS_pselect6, SYS_pause };

static bool is_among(int number, const int *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == number)
			return true;
	return false;
}

#define IS_AMONG(number, list) is_among(number, list, sizeof(list) / sizeof(list)[0])

/* Two that pass the process backend's filter: the kernel's own tracing, which refuses to work. */
static bool is_tracing(int number)
{
	return number == 335 || number == 336;
}

static int64_t call(struct guest *g, uint64_t number)
{
	return CALL(g, "SystemCall", MOTE_ARGS(number)).as.i64;
}

/* The first guest's, on the first backend. */
static int64_t answers[NUMBERS_END];
static bool has_answers;

static void system_calls_have_one_answer(struct guest *g)
{
	for (int number = 0; number < NUMBERS_END; number++) {
		if (IS_AMONG(number, ends) || is_tracing(number))
			continue;
		int64_t answer = call(g, (uint64_t)number);
		bool is_served = answer != -ENOSYS;
		/* rseq has a handler that declines */
		if (is_served != (IS_AMONG(number, served) && number != SYS_rseq))
			fail_msg("%s: system call %d: %lld", g->where, number, (long long)answer);
		if (number == SYS_time || number == SYS_brk || number == SYS_times)
			continue; /* what they tell is not always the same */
		if (has_answers && answer != answers[number])
			fail_msg("%s: system call %d: %lld, and %lld elsewhere", g->where, number,
				 (long long)answer, (long long)answers[number]);
		answers[number] = answer;
	}
	has_answers = true;
}

/* The kernel would know better. */
static void a_guest_is_nobody(struct guest *g)
{
	static const int ids[] = { SYS_getpid, SYS_gettid, SYS_set_tid_address };
	static const int users[] = { SYS_getuid, SYS_getgid, SYS_geteuid, SYS_getegid };

	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
		assert_int_equal(call(g, (uint64_t)ids[i]), 1);
	for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
		assert_int_equal(call(g, (uint64_t)users[i]), 65534);
	assert_int_equal(call(g, SYS_getpriority), -ENOSYS);
}

/* The kernel looks at 32 bits of a number on one entry, and has x32 behind a bit. */
static void numbers_are_whole(struct guest *g)
{
	static const uint64_t marks[] = { 0x40000000, 0x80000000, UINT64_C(0x100000000),
					  UINT64_C(0xffffffff00000000), UINT64_C(1) << 63 };

	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		for (size_t n = 0; n < sizeof served / sizeof served[0]; n++)
			if (call(g, marks[i] | (uint64_t)served[n]) != -ENOSYS)
				fail_msg("%s: system call 0x%llx is served", g->where,
					 (unsigned long long)(marks[i] | (uint64_t)served[n]));
}

static const struct row rows[] = {
	{ "system calls have one answer", "libc", system_calls_have_one_answer, NULL, false },
	{ "a guest is nobody", "libc", a_guest_is_nobody, NULL, false },
	{ "numbers are whole", "libc", numbers_are_whole, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

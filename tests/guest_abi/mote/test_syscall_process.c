/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest as a process: how it ends, who it is, what it learns of time and chance, each with
 * the edge values of its arguments.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static struct personality_box pb;

/* A host whose random numbers are none, and which can fail. */
static struct sys sys;
static ssize_t random_result; /* -1: fails; else how many bytes there are at most */

static ssize_t sevens(void *to, size_t size, unsigned flags)
{
	assert_int_equal(flags, 0);
	if (random_result < 0) {
		errno = EINTR;
		return -1;
	}
	if (size > (size_t)random_result)
		size = (size_t)random_result;
	memset(to, 7, size);
	return (ssize_t)size;
}

static int setup(void **state)
{
	(void)state;
	sys = sys_linux;
	personality_box_init(&pb, &sys);
	sys.getrandom = sevens;
	random_result = 1000;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static void exit_keeps_the_low_byte(void **state)
{
	(void)state;
	static const struct {
		uint64_t status;
		int want;
	} rows[] = {
		{ 0, 0 }, { 7, 7 }, { 255, 255 }, { 256, 0 }, { UINT64_MAX, 255 }, { 0x1234, 0x34 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static const uint64_t numbers[] = { SYS_exit, SYS_exit_group };
		for (size_t n = 0; n < 2; n++) {
			pb.p.state = PROGRAM_RUNNING;
			CALL(&pb, numbers[n], rows[i].status);
			assert_int_equal(pb.p.state, PROGRAM_EXITED);
			assert_int_equal(pb.p.exit_status, rows[i].want);
		}
	}
}

static void signals_to_itself_end_it(void **state)
{
	(void)state;
	static const struct {
		uint64_t number, args[3];
		int64_t want;
		int signal; /* 0: it goes on */
	} rows[] = {
		{ SYS_kill, { 1, SIGABRT }, 0, SIGABRT },
		{ SYS_kill, { 0, SIGTERM }, 0, SIGTERM },
		{ SYS_kill, { UINT64_MAX, SIGKILL }, 0, SIGKILL },
		{ SYS_kill, { UINT32_MAX, 64 }, 0, 64 },
		{ SYS_kill, { 1, 0 }, 0, 0 },
		{ SYS_kill, { 1, 65 }, -EINVAL, 0 },
		{ SYS_kill, { 1, UINT64_MAX }, -EINVAL, 0 },
		{ SYS_kill, { 2, SIGTERM }, -ESRCH, 0 },
		{ SYS_kill, { (uint64_t)-2, SIGTERM }, -ESRCH, 0 },
		{ SYS_tkill, { 1, SIGUSR1 }, 0, SIGUSR1 },
		{ SYS_tkill, { 2, SIGUSR1 }, -ESRCH, 0 },
		{ SYS_tgkill, { 1, 1, SIGABRT }, 0, SIGABRT },
		{ SYS_tgkill, { 1, 2, SIGABRT }, -ESRCH, 0 },
		{ SYS_tgkill, { 2, 1, SIGABRT }, -ESRCH, 0 },
		{ SYS_tgkill, { 1, 1, 0 }, 0, 0 },
		{ SYS_tgkill, { 1, 1, 65 }, -EINVAL, 0 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint64_t *a = rows[i].args;
		pb.p.state = PROGRAM_RUNNING;
		const int64_t result = CALL(&pb, rows[i].number, a[0], a[1], a[2]);
		if (rows[i].signal) {
			assert_int_equal(pb.p.state, PROGRAM_SIGNALED);
			assert_int_equal(pb.p.end_signal, rows[i].signal);
		} else {
			assert_int_equal(pb.p.state, PROGRAM_RUNNING);
			assert_int_equal(result, rows[i].want);
		}
	}
}

static void the_thread_pointer_is_set_and_got(void **state)
{
	(void)state;
	enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };

	assert_int_equal(CALL(&pb, SYS_arch_prctl, SET_FS, 0x12345678), 0);
	assert_int_equal(pb.box.vm->fs_base, 0x12345678);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, GET_FS, BOX_DATA), 0);
	assert_int_equal(peek(&pb, BOX_DATA), 0x12345678);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, GET_FS, BOX_DATA_END - 7), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, GET_FS, 0), -EFAULT);
	/* what a processor would refuse must not reach it */
	assert_int_equal(CALL(&pb, SYS_arch_prctl, SET_FS, MOTE_ADDRESS_END - 1), 0);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, SET_FS, MOTE_ADDRESS_END), -EPERM);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, SET_FS, UINT64_C(0x800000000000)), -EPERM);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, SET_FS, UINT64_MAX), -EPERM);
	assert_int_equal(pb.box.vm->fs_base, MOTE_ADDRESS_END - 1);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, SET_GS, 0), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, GET_GS, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, 0x3001, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_arch_prctl, (UINT64_C(1) << 32) + SET_FS, 0), -EINVAL);
}

static void it_is_process_1_and_nobody(void **state)
{
	(void)state;
	static const struct {
		uint64_t number;
		int64_t want;
	} rows[] = {
		{ SYS_getpid, 1 },      { SYS_gettid, 1 },          { SYS_set_tid_address, 1 },
		{ SYS_getuid, 65534 },  { SYS_geteuid, 65534 },     { SYS_getgid, 65534 },
		{ SYS_getegid, 65534 }, { SYS_set_robust_list, 0 }, { SYS_sched_yield, 0 },
		{ SYS_rseq, -ENOSYS },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(CALL(&pb, rows[i].number, UINT64_MAX, UINT64_MAX), rows[i].want);
	assert_int_equal(pb.box.log.count, 0);
}

static void handlers_are_accepted_and_none_was_there(void **state)
{
	(void)state;
	static const char none[32];
	static const struct {
		uint64_t signal, old, size;
		int64_t want;
	} rows[] = {
		{ 1, 0, 8, 0 },
		{ 64, 0, 8, 0 },
		{ 1, BOX_DATA_END - 32, 8, 0 },
		{ 1, BOX_DATA_END - 31, 8, -EFAULT },
		{ 1, UINT64_MAX, 8, -EFAULT },
		{ 0, 0, 8, -EINVAL },
		{ 65, 0, 8, -EINVAL },
		{ UINT64_MAX, 0, 8, -EINVAL },
		{ 1, 0, 4, -EINVAL },
		{ 1, 0, 128, -EINVAL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(CALL(&pb, SYS_rt_sigaction, rows[i].signal, BOX_DATA, rows[i].old,
				      rows[i].size),
				 rows[i].want);
	memset(at(&pb, BOX_DATA), 0xff, 40);
	CALL(&pb, SYS_rt_sigaction, SIGSEGV, 0, BOX_DATA, 8);
	assert_memory_equal(at(&pb, BOX_DATA), none, sizeof none);
	assert_int_equal(*(uint8_t *)at(&pb, BOX_DATA + 32), 0xff);
}

static int64_t mask(uint64_t how, uint64_t set, uint64_t old)
{
	return CALL(&pb, SYS_rt_sigprocmask, how, set, old, 8);
}

static void the_signal_mask_is_remembered(void **state)
{
	(void)state;
	const uint64_t set = BOX_DATA, old = BOX_DATA + 8;

	poke(&pb, set, 0xf0);
	assert_int_equal(mask(SIG_SETMASK, set, old), 0);
	assert_int_equal(peek(&pb, old), 0);
	poke(&pb, set, 0x0f);
	assert_int_equal(mask(SIG_BLOCK, set, old), 0);
	assert_int_equal(peek(&pb, old), 0xf0);
	poke(&pb, set, 0x118);
	assert_int_equal(mask(SIG_UNBLOCK, set, old), 0);
	assert_int_equal(peek(&pb, old), 0xff);
	assert_int_equal(mask(0, 0, old), 0);
	assert_int_equal(peek(&pb, old), 0xe7);
	/* nothing to change: HOW does not matter */
	assert_int_equal(mask(99, 0, old), 0);
	assert_int_equal(mask(SIG_BLOCK, 0, 0), 0);
	assert_int_equal(mask(99, set, 0), -EINVAL);
	assert_int_equal(mask(SIG_BLOCK, BOX_NOWHERE, 0), -EFAULT);
	assert_int_equal(mask(SIG_BLOCK, BOX_DATA_END - 7, 0), -EFAULT);
	assert_int_equal(mask(SIG_BLOCK, 0, BOX_CODE), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_rt_sigprocmask, 0, 0, 0, 128), -EINVAL);
	assert_int_equal(pb.p.signals.mask, 0xe7);
}

static void limits_are_those_of_the_sandbox(void **state)
{
	(void)state;
	static const struct {
		uint64_t resource, limit;
	} rows[] = {
		{ RLIMIT_STACK, 0x4000 },      { RLIMIT_NOFILE, 64 },
		{ RLIMIT_AS, UINT64_MAX },     { RLIMIT_CPU, UINT64_MAX },
		{ RLIMIT_RTTIME, UINT64_MAX },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(CALL(&pb, SYS_prlimit64, i % 2, rows[i].resource, 0, BOX_DATA), 0);
		assert_true(peek(&pb, BOX_DATA) == rows[i].limit);
		assert_true(peek(&pb, BOX_DATA + 8) == rows[i].limit);
	}
	assert_int_equal(CALL(&pb, SYS_prlimit64, 0, RLIMIT_STACK, 0, 0), 0);
	assert_int_equal(CALL(&pb, SYS_prlimit64, 0, RLIMIT_STACK, BOX_DATA, 0), -EPERM);
	assert_int_equal(CALL(&pb, SYS_prlimit64, 2, RLIMIT_STACK, 0, BOX_DATA), -ESRCH);
	assert_int_equal(CALL(&pb, SYS_prlimit64, 0, 16, 0, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_prlimit64, 0, UINT64_MAX, 0, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_prlimit64, 0, RLIMIT_STACK, 0, BOX_DATA_END - 15), -EFAULT);
}

static void its_name_tells_nothing_of_the_host(void **state)
{
	(void)state;
	struct utsname name;

	memset(at(&pb, BOX_DATA), 0xff, sizeof name);
	assert_int_equal(CALL(&pb, SYS_uname, BOX_DATA), 0);
	memcpy(&name, at(&pb, BOX_DATA), sizeof name);
	assert_string_equal(name.sysname, "Linux");
	assert_string_equal(name.nodename, "mote");
	assert_string_equal(name.release, "5.10.0");
	assert_string_equal(name.machine, "x86_64");
	assert_int_equal(name.nodename[sizeof name.nodename - 1], 0);
}

static void random_bytes_come_in_bounded_pieces(void **state)
{
	(void)state;
	static const struct {
		uint64_t address, size;
		ssize_t available;
		int64_t want;
	} rows[] = {
		{ BOX_DATA, 16, 1000, 16 },
		{ BOX_DATA, 256, 1000, 256 },
		{ BOX_DATA, 257, 1000, 257 },
		{ BOX_DATA, 510, 1000, 510 },
		{ BOX_DATA, 16, 3, 16 },
		{ BOX_DATA, 16, 0, -EAGAIN },
		{ BOX_NOWHERE, 0, 1000, 0 },
		{ BOX_NOWHERE, 1, 1000, -EFAULT },
		{ BOX_DATA_END - 4, 5, 1000, -EFAULT },
		{ BOX_DATA_END - 256, 257, 1000, 256 }, /* what was there was written */
		{ BOX_DATA_END - 256, UINT64_MAX, 1000, 256 },
		{ UINT64_MAX - 4, 300, 1000, -EFAULT },
		{ BOX_CODE, 1, 1000, -EFAULT },
		{ BOX_DATA, 16, -1, -EAGAIN },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		random_result = rows[i].available;
		memset(at(&pb, BOX_DATA), 0, 512);
		const int64_t result =
			CALL(&pb, SYS_getrandom, rows[i].address, rows[i].size, UINT64_MAX);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
		const uint8_t *bytes = at(&pb, BOX_DATA);
		for (int64_t n = 0; n < 512 && rows[i].address == BOX_DATA; n++)
			assert_int_equal(bytes[n], n < result && result > 0 ? 7 : 0);
	}
}

static void it_has_one_processor_and_no_family(void **state)
{
	(void)state;
	const struct {
		uint64_t number, args[3];
		int64_t want;
	} rows[] = {
		{ SYS_getppid, { 0 }, 0 },
		{ SYS_getpgrp, { 0 }, 1 },
		{ SYS_getpgid, { 0 }, 1 },
		{ SYS_getpgid, { 1 }, 1 },
		{ SYS_getsid, { 2 }, -ESRCH },
		{ SYS_getgroups, { 0, 0 }, 0 },
		{ SYS_getresuid, { BOX_DATA, BOX_DATA + 4, BOX_DATA + 8 }, 0 },
		{ SYS_getresgid, { BOX_DATA, BOX_DATA + 4, BOX_CODE }, -EFAULT },
		{ SYS_setuid, { 65534 }, 0 },
		{ SYS_setgid, { 0 }, -EPERM },
		{ SYS_setuid, { UINT32_MAX }, -EINVAL },
		{ SYS_setreuid, { 65534, UINT32_MAX, 5 }, 0 },
		{ SYS_setregid, { UINT64_MAX, 0 }, -EPERM },
		{ SYS_setresuid, { 65534, 65534, 65534 }, 0 },
		{ SYS_setresgid, { 65534, UINT32_MAX, 0 }, -EPERM },
		{ SYS_setgroups, { 0, 0 }, -EPERM },
		{ SYS_setsid, { 0 }, -EPERM },
		{ SYS_setpgid, { 0, 0 }, -EPERM },
		{ SYS_sched_getscheduler, { 0 }, 0 },
		{ SYS_sched_getparam, { 0, BOX_DATA }, 0 },
		{ SYS_sched_getparam, { 2, BOX_DATA }, -ESRCH },
		{ SYS_sched_getparam, { 1, BOX_DATA_END - 3 }, -EFAULT },
		{ SYS_sync, { 0 }, 0 },
		{ SYS_getcpu, { 0, 0, 0 }, 0 },
		{ SYS_getcpu, { BOX_DATA, BOX_DATA + 4, 0 }, 0 },
		{ SYS_getcpu, { BOX_DATA, BOX_NOWHERE, 0 }, -EFAULT },
		{ SYS_sched_getaffinity, { 0, 128, BOX_DATA }, 8 },
		{ SYS_sched_getaffinity, { 1, 8, BOX_DATA_END - 8 }, 8 },
		{ SYS_sched_getaffinity, { 1, 8, BOX_DATA_END - 7 }, -EFAULT },
		{ SYS_sched_getaffinity, { 0, 7, BOX_DATA }, -EINVAL },
		{ SYS_sched_getaffinity, { 0, 4, BOX_DATA }, -EINVAL },
		{ SYS_sched_getaffinity, { 2, 8, BOX_DATA }, -ESRCH },
		{ SYS_membarrier, { 0, 0 }, 25 },
		{ SYS_membarrier, { 8, 0 }, 0 },
		{ SYS_membarrier, { 9, 0 }, -EINVAL },
		{ SYS_membarrier, { 8, 1 }, -EINVAL },
		{ SYS_membarrier, { 64, 0 }, -EINVAL },
		{ SYS_prctl, { 15, BOX_DATA }, 0 },
		{ SYS_prctl, { 15, BOX_NOWHERE }, -EFAULT },
		{ SYS_prctl, { 16, BOX_DATA }, 0 },
		{ SYS_prctl, { 16, BOX_DATA_END - 15 }, -EFAULT },
		{ SYS_prctl, { 38, 1 }, -EINVAL },
		{ SYS_sysinfo, { BOX_DATA }, 0 },
		{ SYS_sysinfo, { BOX_DATA_END - 100 }, -EFAULT },
		{ SYS_getrlimit, { RLIMIT_STACK, BOX_DATA }, 0 },
		{ SYS_getrlimit, { RLIMIT_STACK, 0 }, -EFAULT },
		{ SYS_getrlimit, { 16, BOX_DATA }, -EINVAL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint64_t *a = rows[i].args;
		const int64_t result = CALL(&pb, rows[i].number, a[0], a[1], a[2]);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
	}
	assert_int_equal(CALL(&pb, SYS_getresuid, BOX_DATA, BOX_DATA + 4, BOX_DATA + 8), 0);
	assert_int_equal(peek(&pb, BOX_DATA), UINT64_C(0xfffe0000fffe));
	assert_int_equal(peek(&pb, BOX_DATA + 8) & UINT32_MAX, 65534);
	CALL(&pb, SYS_sched_getaffinity, 0, 8, BOX_DATA);
	assert_int_equal(peek(&pb, BOX_DATA), 1);
	assert_int_equal(pb.box.log.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(exit_keeps_the_low_byte),
		TEST(signals_to_itself_end_it),
		TEST(the_thread_pointer_is_set_and_got),
		TEST(it_is_process_1_and_nobody),
		TEST(handlers_are_accepted_and_none_was_there),
		TEST(the_signal_mask_is_remembered),
		TEST(limits_are_those_of_the_sandbox),
		TEST(its_name_tells_nothing_of_the_host),
		TEST(random_bytes_come_in_bounded_pieces),
		TEST(it_has_one_processor_and_no_family),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

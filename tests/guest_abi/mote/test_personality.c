/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which system calls exist, how their registers are read and written, and what is said of
 * the others.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"
#include "guest_abi/mote/syscall_names.h"
#include "kit/served.h"

#include <errno.h>
#include <sys/syscall.h>

static struct personality_box pb;

static int setup(void **state)
{
	(void)state;
	personality_box_init(&pb, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static bool is_served(uint64_t number)
{
	for (size_t i = 0; i < sizeof served / sizeof served[0]; i++)
		if ((uint64_t)served[i] == number)
			return true;
	return false;
}

static void what_is_not_listed_is_refused_and_logged(void **state)
{
	(void)state;
	for (uint64_t number = 0; number < 600; number++) {
		pb.p.state = PROGRAM_RUNNING;
		memset(pb.p.refused, 0, sizeof pb.p.refused);
		pb.box.log.count = 0;
		const int64_t result = CALL(&pb, number, 0);
		if (is_served(number)) {
			assert_int_equal(pb.box.log.count, 0);
			continue;
		}
		if (result != -ENOSYS || pb.box.log.count != 1)
			fail_msg("system call %d gives %lld and %zu lines", (int)number,
				 (long long)result, pb.box.log.count);
	}
}

static void a_line_says_which_once_a_number(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(CALL(&pb, SYS_socket, 0), -ENOSYS);
		assert_int_equal(CALL(&pb, SYS_fork, 0), -ENOSYS);
	}
	assert_int_equal(pb.box.log.count, 2);
	const struct box_line *line = &pb.box.log.lines[0];
	assert_string_equal(line->text,
			    "guest made system call 41 (socket), which is not served: ENOSYS");
	assert_string_equal(line->source, "host");
	assert_int_equal(line->level, MOTE_LOG_INFO);
}

static void what_was_asked_for_is_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(CALL(&pb, SYS_socket, 0), -ENOSYS);
	assert_int_equal(CALL(&pb, 511, 0), -ENOSYS);
	assert_int_equal(CALL(&pb, UINT64_MAX, 0), -ENOSYS);
	assert_int_equal(CALL(&pb, SYS_getpid, 0), 1);
	for (uint64_t number = 0; number < PERSONALITY_SYSCALL_END; number++)
		assert_int_equal(pb.p.refused[number], number == SYS_socket ? 3
						       : number == 511      ? 2
									    : 0);
	pb.p.refused[SYS_fork] = UINT16_MAX - 1;
	for (int i = 0; i < 3; i++)
		assert_int_equal(CALL(&pb, SYS_fork, 0), -ENOSYS);
	assert_int_equal(pb.p.refused[SYS_fork], UINT16_MAX);
}

static void names_are_the_kernels(void **state)
{
	(void)state;
	static const struct {
		uint64_t number;
		const char *name;
	} rows[] = {
		{ 0, "read" },
		{ SYS_openat, "openat" },
		{ SYS_clone3, "clone3" },
		{ SYS_rseq, "rseq" },
		{ 400, NULL },
		{ 511, NULL },
		{ 100000, NULL },
		{ UINT64_MAX, NULL },
		{ UINT64_C(1) << 32, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *name = syscall_name(rows[i].number);
		if (rows[i].name ? !name || strcmp(name, rows[i].name) != 0 : name != NULL)
			fail_msg("%llu is %s", (unsigned long long)rows[i].number,
				 name ? name : "nothing");
	}
	/* what is served has a name */
	for (size_t i = 0; i < sizeof served / sizeof served[0]; i++)
		assert_non_null(syscall_name((uint64_t)served[i]));
}

/* Linux 6.1's last call; headers may be newer. */
#define LAST_CALL 450

static void the_table_is_complete_and_agrees_with_the_kernels_header(void **state)
{
	(void)state;
	static const char *const names[] = {
#include "guest_abi/mote/syscall_names.inc"
	};

	assert_true(sizeof names / sizeof names[0] > LAST_CALL);
	for (uint64_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *name = syscall_name(i);
		if (!names[i] || (i > LAST_CALL && !name))
			continue;
		if (!name || strcmp(name, names[i]) != 0)
			fail_msg("%d is %s and not %s", (int)i, name ? name : "missing", names[i]);
	}
}

static void numbers_that_cannot_be_share_one_line(void **state)
{
	(void)state;
	static const uint64_t numbers[] = { 512, 513, 1u << 20, UINT64_C(1) << 32, UINT64_MAX };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		assert_int_equal(CALL(&pb, numbers[i], 0), -ENOSYS);
	assert_int_equal(pb.box.log.count, 1);
	assert_string_equal(pb.box.log.lines[0].text,
			    "guest made system call 512, which is not served: ENOSYS");
	/* a number is 64 bits: this is not getpid */
	assert_int_equal(CALL(&pb, (UINT64_C(1) << 32) + SYS_getpid, 0), -ENOSYS);
}

static void the_result_is_in_rax_and_nothing_else_changes(void **state)
{
	(void)state;
	struct hv_regs *regs = &pb.box.vm->regs;
	struct hv_regs want;

	memset(regs, 0x77, sizeof *regs);
	want = *regs;
	regs->rax = SYS_getpid;
	want.rax = 1;
	pb.box.vm->base.regs_changed = false;
	personality_syscall(&pb.p);
	assert_memory_equal(regs, &want, sizeof want);
	assert_true(pb.box.vm->base.regs_changed);
}

static void all_six_arguments_count(void **state)
{
	(void)state;
	/* rt_sigprocmask has four; the fourth is r10, not rcx as in a function call */
	pb.box.vm->regs.rcx = 8;
	assert_int_equal(CALL(&pb, SYS_rt_sigprocmask, 0, 0, 0, 7), -EINVAL);
	pb.box.vm->regs.rcx = 7;
	assert_int_equal(CALL(&pb, SYS_rt_sigprocmask, 0, 0, 0, 8), 0);
}

static void a_program_that_ended_keeps_its_registers(void **state)
{
	(void)state;
	pb.box.vm->base.regs_changed = false;
	CALL(&pb, SYS_exit_group, 3);
	assert_int_equal(pb.p.state, PROGRAM_EXITED);
	assert_int_equal(pb.p.exit_status, 3);
	assert_int_equal(pb.box.vm->regs.rax, SYS_exit_group);
	assert_false(pb.box.vm->base.regs_changed);
}

static void copies_fail_as_a_kernel_says_it(void **state)
{
	(void)state;
	/* a served call with an output: uname, 390 bytes */
	static const struct {
		uint64_t address;
		int64_t want;
	} rows[] = {
		{ LAST_PAGE, 0 },
		{ BOX_DATA_END - 390, 0 },
		{ BOX_DATA_END - 389, -EFAULT },
		{ BOX_DATA_END, -EFAULT },
		{ 0, -EFAULT },
		{ BOX_CODE, -EFAULT },            /* not writable */
		{ BOX_CONSTANT, -EFAULT },        /* not writable */
		{ MOTE_START_BLOCK, -EFAULT },    /* not writable */
		{ MOTE_HYPERCALL_PAGE, -EFAULT }, /* the host's */
		{ MOTE_DOORBELL_PAGE, -EFAULT },  /* no memory */
		{ SUPERVISOR_STACK, -EFAULT },    /* the supervisor's */
		{ SUPERVISOR_BLOCK, -EFAULT },    /* the supervisor's */
		{ MOTE_ADDRESS_END, -EFAULT },
		{ UINT64_C(0x800000000000), -EFAULT },
		{ UINT64_C(0xffff800000000000), -EFAULT },
		{ UINT64_MAX, -EFAULT },
		{ UINT64_MAX - 389, -EFAULT },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t result = CALL(&pb, SYS_uname, rows[i].address);
		if (result != rows[i].want)
			fail_msg("at 0x%llx the result is %lld",
				 (unsigned long long)rows[i].address, (long long)result);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_listed_is_refused_and_logged),
		TEST(a_line_says_which_once_a_number),
		TEST(what_was_asked_for_is_counted),
		TEST(names_are_the_kernels),
		TEST(the_table_is_complete_and_agrees_with_the_kernels_header),
		TEST(numbers_that_cannot_be_share_one_line),
		TEST(the_result_is_in_rax_and_nothing_else_changes),
		TEST(all_six_arguments_count),
		TEST(a_program_that_ended_keeps_its_registers),
		TEST(copies_fail_as_a_kernel_says_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

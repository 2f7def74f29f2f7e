/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library where no call is under way: in a program that runs outside of a sandbox, and
 * before main() has returned.
 */
#include "exports.h"
#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

int __real_main(int argc, char **argv, char **envp);
int __wrap_main(int argc, char **argv, char **envp);

int __real_main(int argc, char **argv, char **envp)
{
	(void)argv;
	(void)envp;
	return argc;
}

/* Runs FUNCTION in a child: checks its exit status and what it wrote to standard error. */
static void expect_child(void (*function)(void), int status, const char *text)
{
	int ends[2];
	char got[256];
	int child_status;

	assert_int_equal(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 2);
		function();
		_exit(0);
	}
	close(ends[1]);
	size_t len = 0;
	for (ssize_t n; (n = read(ends[0], got + len, sizeof got - 1 - len)) > 0;)
		len += (size_t)n;
	got[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(child, &child_status, 0), child);
	assert_string_equal(got, text);
	assert_true(WIFEXITED(child_status));
	assert_int_equal(WEXITSTATUS(child_status), status);
}

static void outside_of_a_sandbox_main_just_returns(void **state)
{
	(void)state;
	fake.is_present = false;
	assert_int_equal(__wrap_main(3, NULL, NULL), 3);
}

static void outside_of_a_sandbox_logs_go_to_standard_error(void **state)
{
	(void)state;
	fake.is_present = false;
	expect_child(native_log, 0, "a line\n");
}

static void outside_of_a_sandbox_there_is_no_host_to_call(void **state)
{
	(void)state;
	fake.is_present = false;
	expect_child(
		native_host_call, 1,
		"HostVoid is a function of the host, and there is no host: run this program in "
		"a sandbox\n");
}

static void an_error_without_a_call_ends_the_program(void **state)
{
	(void)state;
	fake.is_present = false;
	expect_child(native_fail, 1, "gives up\n");
	fake.is_present = true;
	expect_child(native_fail, 1, "gives up\n");
}

static void a_guest_gives_up_with_a_code(void **state)
{
	(void)state;
	fake.is_present = false;
	expect_child(native_abort, 25, "Oh no\n");
	fake.is_present = true;
	expect_child(native_abort, 25, "Oh no\n");
}

static void main_may_call_the_host(void **state)
{
	(void)state;
	fake.answer = (struct wire_result){ .value = { .type = MOTE_VOID } };
	native_host_call();
	assert_int_equal(fake.calls, 1);
}

static void an_error_of_the_host_ends_main(void **state)
{
	(void)state;
	fake.answer = (struct wire_result){
		.is_error = true, .code = 1, .message = "no such luck", .message_len = 12
	};
	expect_child(native_host_call, 1, "no such luck\n");
}

static void a_line_that_main_logs_says_so(void **state)
{
	(void)state;
	native_log();
	assert_string_equal(fake.log.caller.ptr, "main");
	assert_string_equal(fake.log.message.ptr, "a line");
}

/* In this order: a start block, once found, is remembered. */
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(outside_of_a_sandbox_main_just_returns, fake_host_setup),
		cmocka_unit_test_setup(outside_of_a_sandbox_logs_go_to_standard_error,
				       fake_host_setup),
		cmocka_unit_test_setup(outside_of_a_sandbox_there_is_no_host_to_call,
				       fake_host_setup),
		cmocka_unit_test_setup(an_error_without_a_call_ends_the_program, fake_host_setup),
		cmocka_unit_test_setup(a_guest_gives_up_with_a_code, fake_host_setup),
		cmocka_unit_test_setup(main_may_call_the_host, fake_host_setup),
		cmocka_unit_test_setup(an_error_of_the_host_ends_main, fake_host_setup),
		cmocka_unit_test_setup(a_line_that_main_logs_says_so, fake_host_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

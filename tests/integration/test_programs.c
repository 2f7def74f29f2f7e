/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordinary programs in the box: what static C and C++ libraries need to start, allocate,
 * print and compute, and plain programs that never heard of mote.
 */
#include "integration/harness.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void allocation_of_all_sizes(struct guest *g)
{
	uint64_t first = CALL(g, "MallocSmall", MOTE_ARGS(5000u)).as.u64;

	assert_true(first != 0);
	assert_true(CALL(g, "MallocSmall", MOTE_ARGS(5000u)).as.u64 == first);
	uint64_t large = CALL(g, "MallocLarge", MOTE_ARGS(mote_u64(16 << 20))).as.u64;
	for (int i = 0; i < 20; i++) /* memory that was given back is there again */
		assert_true(CALL(g, "MallocLarge", MOTE_ARGS(mote_u64(16 << 20))).as.u64 == large);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "", "MallocLarge", MOTE_ARGS(mote_u64(1 << 30)));
	assert_true(CALL(g, "Realloc", MOTE_ARGS(24u)).as.boolean);
	assert_true(CALL(g, "Calloc", MOTE_ARGS(100000u)).as.boolean);
	assert_true(CALL(g, "Calloc", MOTE_ARGS(4u << 20)).as.boolean);
	assert_true(CALL(g, "AlignedAlloc", MOTE_ARGS(mote_u64(65536))).as.boolean);
	for (int i = 0; i < 10; i++)
		assert_string_equal(CALL(g, "Mmap", MOTE_ARGS(mote_u64(8 << 20))).as.str.ptr, "");
}

static void text_and_numbers(struct guest *g)
{
	assert_non_null(strstr(CALL(g, "Printf", MOTE_NO_ARGS).as.str.ptr,
			       "3.142 1e+100 0x1p-1 -1.234568e+03 -1 4000000000 -5000000000"));
	assert_string_equal(CALL(g, "Strtod", MOTE_ARGS("2.5e3xyz")).as.str.ptr, "2500 xyz");
	assert_string_equal(CALL(g, "Sscanf", MOTE_ARGS("17 words")).as.str.ptr, "2: 17 words");
	double x = 1.25;
	double want = sin(x) * sin(x) + cos(x) * cos(x) + sqrt(x * x) + log(exp(x)) + pow(x, 2);
	assert_true(fabs(CALL(g, "Math", MOTE_ARGS(x)).as.f64 - want) < 1e-12);
	assert_string_equal(CALL(g, "Strftime", MOTE_ARGS(mote_i64(86400))).as.str.ptr,
			    "1970-01-02 00:00:00");
	assert_string_equal(CALL(g, "Stream", MOTE_ARGS(2u)).as.str.ptr, "line 0\nline 1\n");
	assert_true(CALL(g, "Qsort", MOTE_ARGS(20000u)).as.u64 != 0);
	CALL(g, "Setlocale", MOTE_NO_ARGS);
}

static void environment_and_state(struct guest *g)
{
	assert_string_equal(CALL(g, "Getenv", MOTE_ARGS("PATH")).as.str.ptr, "(unset)");
	assert_string_equal(CALL(g, "Setenv", MOTE_ARGS("A", "b")).as.str.ptr, "b");
	assert_string_equal(CALL(g, "Getenv", MOTE_ARGS("A")).as.str.ptr, "b");
	CALL(g, "Errno", MOTE_ARGS(5));
	assert_int_equal(CALL(g, "Errno", MOTE_ARGS(0)).as.i32, 5);
	assert_int_equal(CALL(g, "Locks", MOTE_NO_ARGS).as.i32, 6);
	assert_int_equal(CALL(g, "Locks", MOTE_NO_ARGS).as.i32, 7);
	/* ETIMEDOUT, EAGAIN, ETIMEDOUT, EFAULT */
	assert_string_equal(CALL(g, "Futex", MOTE_NO_ARGS).as.str.ptr, "1 110 11 110 14");
	assert_int_equal(CALL(g, "Setjmp", MOTE_ARGS(9)).as.i32, 9);
	assert_int_equal(CALL(g, "Sigaction", MOTE_NO_ARGS).as.i32, 0);
	assert_string_equal(CALL(g, "Ids", MOTE_NO_ARGS).as.str.ptr, "1 1 1");
	assert_true(CALL(g, "Sysconf", MOTE_ARGS("page")).as.i64 == 4096);
	CALL(g, "UseStack", MOTE_ARGS(mote_u64(900 << 10)));
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "for another thread, and has only one: a deadlock",
		   "WaitForEver", MOTE_NO_ARGS);
}

static void time_and_randomness(struct guest *g)
{
	int64_t monotonic = CALL(g, "Clock", MOTE_ARGS(1)).as.i64;
	uint8_t first[600];

	assert_true(monotonic > 0);
	assert_true(CALL(g, "Clock", MOTE_ARGS(1)).as.i64 > monotonic);
	/* after 2020, and clock and time agree within a minute */
	int64_t seconds = CALL(g, "Time", MOTE_NO_ARGS).as.i64;
	assert_true(seconds > INT64_C(1577836800));
	int64_t real = CALL(g, "Clock", MOTE_ARGS(0)).as.i64 / 1000000000;
	assert_in_range(real - seconds, 0, 60);
	assert_true(CALL(g, "Clock", MOTE_ARGS(99)).as.i64 == -EINVAL);

	mote_value r = CALL(g, "GetRandom", MOTE_ARGS(200u));
	assert_int_equal(r.as.bytes.len, 200);
	memcpy(first, r.as.bytes.ptr, 200);
	r = CALL(g, "GetRandom", MOTE_ARGS(200u));
	assert_memory_not_equal(first, r.as.bytes.ptr, 200);
}

static void what_a_sandbox_lacks_says_so(struct guest *g)
{
	static const char *const lacking[] = { "open", "creat",  "fopen", "unlink", "socket",
					       "fork", "execve", "pipe",  "close",  "mmap file" };

	for (size_t i = 0; i < sizeof lacking / sizeof lacking[0]; i++)
		if (CALL(g, "ErrorOf", MOTE_ARGS(lacking[i])).as.i32 == 0)
			fail_msg("%s: %s worked", g->where, lacking[i]);
	assert_int_not_equal(CALL(g, "Thread", MOTE_NO_ARGS).as.i32, 0);
	assert_int_equal(CALL(g, "ReadInput", MOTE_NO_ARGS).as.i32, -1);

	/* the input's end can be read, the outputs written, nothing else is open */
	static const int32_t polled[] = { 1, 4, 4, 32 };
	for (int32_t i = 0; i < 4; i++)
		assert_int_equal(CALL(g, "Poll", MOTE_ARGS(i)).as.i32, polled[i]);
	assert_int_equal(CALL(g, "Poll", MOTE_ARGS(-1)).as.i32, 0);
	assert_int_equal(CALL(g, "PollMany", MOTE_ARGS(64u)).as.i32, 0);
	assert_int_equal(CALL(g, "PollMany", MOTE_ARGS(65u)).as.i32, -EINVAL);

	/* each number that is not served is logged once */
	const char *line = strstr(g->capture->log, "not served");
	assert_non_null(line);
	char first[80];
	snprintf(first, sizeof first, "%.45s", line - 45);
	CALL(g, "ErrorOf", MOTE_ARGS("socket"));
	CALL(g, "ErrorOf", MOTE_ARGS("socket"));
	const char *socket_line = strstr(g->capture->log, "system call 41 ");
	assert_non_null(socket_line);
	assert_null(strstr(socket_line + 1, "system call 41 "));
}

static void printing_reaches_the_log_line_by_line(struct guest *g)
{
	CALL(g, "Print", MOTE_ARGS(1, "one\ntwo \x1b[1m"));
	assert_non_null(strstr(g->capture->log, "guest: one\nguest: two \\x1b[1m\n"));
	CALL(g, "Print", MOTE_ARGS(2, "to stderr"));
	assert_non_null(strstr(g->capture->log, "guest: to stderr\n"));
	assert_int_equal(CALL(g, "Print", MOTE_ARGS(3, "x")).as.i32, -EBADF);
	assert_int_equal(CALL(g, "Print", MOTE_ARGS(0, "x")).as.i32, -EBADF);
}

struct sink {
	char text[2][65536]; /* of stdout, stderr */
	size_t size[2];
};
static struct sink sink;

static void gather(void *user, int stream, const void *data, size_t size)
{
	struct sink *to = user;
	size_t *used = &to->size[stream - 1];

	assert_in_range(stream, 1, 2);
	assert_true(size < sizeof to->text[0] - *used);
	memcpy(to->text[stream - 1] + *used, data, size);
	*used += size;
	to->text[stream - 1][*used] = '\0';
}

static const mote_sandbox_options with_sink = {
	.size = sizeof with_sink,
	.output = gather,
	.output_user = &sink,
};

static void printing_reaches_the_callback_raw(struct guest *g)
{
	sink = (struct sink){ 0 };
	CALL(g, "Print", MOTE_ARGS(1, "raw \x1b[1m"));
	CALL(g, "Print", MOTE_ARGS(2, "error"));
	assert_string_equal(sink.text[0], "raw \x1b[1m");
	assert_string_equal(sink.text[1], "error");
	assert_null(strstr(g->capture->log, "guest: "));
}

static mote_status twice(void *user, const mote_value *args, size_t nargs, mote_value *result,
			 mote_error *err)
{
	(void)user;
	(void)nargs;
	(void)err;
	*result = mote_i32(2 * args[0].as.i32);
	return MOTE_OK;
}

static const mote_type one_number[] = { MOTE_I32 };
static const mote_host_function cxx_functions[] = {
	{ .name = "HostTwice", .fn = twice, .result = MOTE_I32, .nparams = 1, .params = one_number },
};
static const mote_sandbox_options for_cxx = {
	.size = sizeof for_cxx,
	.functions = cxx_functions,
	.nfunctions = 1,
	.output = gather,
	.output_user = &sink,
};

static void cxx_works(struct guest *g)
{
	assert_non_null(strstr(CALL(g, "Started", MOTE_NO_ARGS).as.str.ptr, "main"));
	assert_string_equal(CALL(g, "Catch", MOTE_ARGS(10, "thrown deep")).as.str.ptr,
			    "thrown deep 0");
	assert_string_equal(CALL(g, "CatchType", MOTE_ARGS(0)).as.str.ptr, "int 42");
	assert_string_equal(CALL(g, "CatchType", MOTE_ARGS(1)).as.str.ptr, "out_of_range");
	assert_string_equal(CALL(g, "CatchType", MOTE_ARGS(2)).as.str.ptr, "out_of_range");
	assert_true(CALL(g, "BadAlloc", MOTE_NO_ARGS).as.boolean);
	assert_string_equal(CALL(g, "SortWords", MOTE_ARGS("c a b")).as.str.ptr, "a b c ");
	assert_string_equal(CALL(g, "CountLetters", MOTE_ARGS("abca")).as.str.ptr, "a2b1c1");
	assert_int_equal(CALL(g, "Virtual", MOTE_ARGS(mote_bool(true))).as.i32, 40);
	assert_int_equal(CALL(g, "Virtual", MOTE_ARGS(mote_bool(false))).as.i32, 3);
	assert_int_equal(CALL(g, "Import", MOTE_ARGS(20)).as.i32, 42);
	sink = (struct sink){ 0 };
	CALL(g, "Print", MOTE_ARGS("to cout"));
	assert_string_equal(sink.text[0], "to cout 1.5\n");
	assert_string_equal(sink.text[1], "to cerr\n");
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "from C++", "Fail", MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 6 (abort)", "Uncaught", MOTE_NO_ARGS);
}

static void run_program(struct guest *g, const mote_program_options *options, mote_status want,
			int want_exit)
{
	int exit_status = -1;

	sink = (struct sink){ 0 };
	EXPECT_STATUS(g, mote_image_run(g->image, options, &exit_status, &g->err), want);
	assert_int_equal(exit_status, want_exit);
}

static void plain_programs_run(struct guest *g)
{
	const char *const argv[] = { "prog", "first", "", "7" };
	const char *const envp[] = { "HOME=/", "EMPTY=" };
	const mote_program_options *options =
		MOTE_OPTIONS(mote_program_options, .argc = 4, .argv = argv, .envc = 2, .envp = envp,
			     .output = gather, .output_user = &sink);

	for (int i = 0; i < 3; i++) {
		run_program(g, options, MOTE_OK, 7);
		assert_string_equal(sink.text[0],
				    "argv[0] = prog\nargv[1] = first\nargv[2] = \nargv[3] = 7\n"
				    "envp[0] = HOME=/\nenvp[1] = EMPTY=\nno newline at the end");
		assert_string_equal(sink.text[1], "this goes to standard error\n");
	}
	run_program(g, NULL, MOTE_OK, 0);
	const char *const hole[] = { "prog", NULL };
	run_program(g, MOTE_OPTIONS(mote_program_options, .argc = 2, .argv = hole), MOTE_E_INVALID,
		    0);
	run_program(g, MOTE_OPTIONS(mote_program_options, .argc = 1), MOTE_E_INVALID, 0);
	run_program(g, MOTE_OPTIONS(mote_program_options, .heap_size = UINT64_MAX), MOTE_E_INVALID,
		    0);
}

/* A refused callback: "openat 3\n" for each. */
static void note_refused(void *user, uint64_t number, const char *name, uint64_t times)
{
	char *list = user, line[64];

	snprintf(line, sizeof line, "%d %s %d\n", (int)number, name ? name : "-", (int)times);
	strncat(list, line, 500 - strlen(list));
}

static void note_refused_path(void *user, const char *path, uint64_t times)
{
	char *list = user, line[64];

	snprintf(line, sizeof line, "%s %d\n", path, (int)times);
	strncat(list, line, 500 - strlen(list));
}

static void programs_have_input_and_say_what_they_lack(struct guest *g)
{
	const char *const argv[] = { "prog", "ask", "9" };
	char list[512] = "";
	const char *input = "one\ntwo";
	mote_program_options options = { .size = sizeof options,
					 .argc = 3,
					 .argv = argv,
					 .output = gather,
					 .output_user = &sink,
					 .input = input,
					 .input_size = strlen(input),
					 .refused = note_refused,
					 .refused_user = list,
					 .refused_path = note_refused_path,
					 .refused_path_user = list };

	run_program(g, &options, MOTE_OK, 9);
	assert_non_null(strstr(sink.text[0], "\ninput: one\ninput: twono newline"));
	assert_string_equal(list, "41 socket 1\n511 - 1\n/etc/passwd 3\n");
	options.argc = 1;
	list[0] = '\0';
	run_program(g, &options, MOTE_OK, 0);
	assert_string_equal(list, "");
	options.input = NULL;
	run_program(g, &options, MOTE_E_INVALID, 0);
	assert_non_null(strstr(g->err.message, "input: NULL with a size of 7"));
}

static void programs_have_receipts(struct guest *g)
{
	const char *const argv[] = { "prog", "7" };
	mote_receipt receipt = { .size = sizeof receipt }, first;
	mote_program_options options = { .size = sizeof options,
					 .argc = 2,
					 .argv = argv,
					 .output = gather,
					 .output_user = &sink,
					 .receipt = &receipt };

	run_program(g, &options, MOTE_OK, 7);
	first = receipt;
	assert_true(receipt.wall_ns > 0 && receipt.cpu_ns > 0);
	assert_int_equal(receipt.output_bytes, strlen(sink.text[0]) + strlen(sink.text[1]));
	assert_in_range(receipt.system_calls, 3, 100);
	/* the last of them ends it */
	assert_int_equal(receipt.exits, receipt.system_calls);
	assert_int_equal(receipt.host_calls + receipt.bytes_in + receipt.bytes_out, 0);
	assert_int_equal(receipt.limit, MOTE_LIMIT_NONE);
	assert_false(receipt.pages_are_known);
	/* counts are the same each time */
	run_program(g, &options, MOTE_OK, 7);
	assert_int_equal(receipt.exits, first.exits);
	assert_int_equal(receipt.system_calls, first.system_calls);

	options.max_output_bytes = 3;
	run_program(g, &options, MOTE_E_GUEST_LIMIT, 0);
	assert_int_equal(receipt.limit, MOTE_LIMIT_OUTPUT_BYTES);
	assert_int_equal(receipt.output_bytes, 3);
	options.argc = MOTE_MAX_ARGUMENTS + 1;
	run_program(g, &options, MOTE_E_INVALID, 0); /* it never ran */
	assert_int_equal(receipt.wall_ns + receipt.exits + receipt.output_bytes, 0);
	assert_int_equal(receipt.size, sizeof receipt);
	options.argc = 2;
	receipt.size = 4;
	run_program(g, &options, MOTE_E_INVALID, 0);
	EXPECT_MESSAGE(g, "mote_receipt");
}

static void plain_programs_take_no_calls(struct guest *g)
{
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, NULL, &g->err), MOTE_E_IMAGE);
	EXPECT_MESSAGE(g, "is not a mote guest");
	assert_null(g->sb);
}

static void guests_run_as_programs_too(struct guest *g)
{
	run_program(g, NULL, MOTE_OK, 0);
}

static const struct row rows[] = {
	{ "allocation of all sizes", "libc", allocation_of_all_sizes, NULL, false },
	{ "text and numbers", "libc", text_and_numbers, NULL, false },
	{ "environment and state", "libc", environment_and_state, NULL, false },
	{ "time and randomness", "libc", time_and_randomness, NULL, false },
	{ "what a sandbox lacks says so", "libc", what_a_sandbox_lacks_says_so, NULL, false },
	{ "printing reaches the log by lines", "libc", printing_reaches_the_log_line_by_line, NULL,
	  false },
	{ "printing reaches the callback raw", "libc", printing_reaches_the_callback_raw,
	  &with_sink, false },
	{ "C++ works", "cxx", cxx_works, &for_cxx, false },
	{ "plain programs run", "prog", plain_programs_run, NULL, true },
	{ "programs have receipts", "prog", programs_have_receipts, NULL, true },
	{ "programs have input, and say what they lack", "prog",
	  programs_have_input_and_say_what_they_lack, NULL, true },
	{ "plain programs take no calls", "prog", plain_programs_take_no_calls, NULL, true },
	{ "guests run as programs too", "libc", guests_run_as_programs_too, NULL, true },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where hyperlight guests stood when they crashed: messages, back-traces with and without debug
 * information, and core files, of the guest that integration/test_crashes has as a mote guest.
 */
#include <mote/mote.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *guest_path;
static mote_runtime *rt;
static mote_image *image;
static mote_sandbox *sb;
static mote_error err;

/* A back-trace, with its texts cut. */
static struct {
	size_t count;
	struct {
		mote_frame_info info;
		char function[64];
		char file[64];
	} frames[MOTE_MAX_FRAMES];
} seen;

static void see(void *user, const mote_frame_info *info)
{
	(void)user;
	assert_true(seen.count < MOTE_MAX_FRAMES);
	seen.frames[seen.count].info = *info;
	snprintf(seen.frames[seen.count].function, 64, "%s", info->function ? info->function : "");
	snprintf(seen.frames[seen.count].file, 64, "%s", info->file ? info->file : "");
	seen.count++;
}

static void look(void)
{
	seen.count = 0;
	assert_int_equal(mote_sandbox_backtrace(sb, see, NULL, NULL), MOTE_OK);
	assert_true(seen.count > 0);
}

static void expect(mote_status status, mote_status want, const char *text)
{
	if (status != want)
		fail_msg("status is %s, not %s: %s", mote_status_name(status),
			 mote_status_name(want), err.message);
	if (text && !strstr(err.message, text))
		fail_msg("message is \"%s\", without \"%s\"", err.message, text);
}

static bool open_with(bool debug_info)
{
	if (mote_runtime_new(
		    &rt,
		    MOTE_OPTIONS(mote_runtime_options, .backend = "kvm", .debug_info = debug_info),
		    &err)) {
		print_message("SKIP: %s\n", err.message);
		return false;
	}
	expect(mote_image_load_file(&image, rt, guest_path, &err), MOTE_OK, NULL);
	expect(mote_sandbox_new(&sb, image, NULL, &err), MOTE_OK, NULL);
	return true;
}

static int drop(void **state)
{
	(void)state;
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	sb = NULL;
	image = NULL;
	rt = NULL;
	return 0;
}

static mote_value call(const char *name, const mote_value *args, size_t nargs)
{
	mote_value result;

	err = (mote_error){ .message = "" };
	expect(mote_call(sb, name, args, nargs, &result, &err), MOTE_OK, NULL);
	return result;
}

static void call_fails(mote_status want, const char *text, const char *name, const mote_value *args,
		       size_t nargs)
{
	err = (mote_error){ .message = "" };
	expect(mote_call(sb, name, args, nargs, NULL, &err), want, text);
}

/* A sandbox like the one that crashed. */
static void again(void)
{
	mote_sandbox_free(sb);
	expect(mote_sandbox_new(&sb, image, NULL, &err), MOTE_OK, NULL);
}

/* A core file can be written, and says that the guest died of SIGNAL. Returns its length. */
static uint64_t expect_core(int32_t signal)
{
	char path[64];
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	struct stat info;
	int32_t found;

	snprintf(path, sizeof path, "/tmp/mote-core-%d", (int)getpid());
	expect(mote_sandbox_core(sb, path, &err), MOTE_OK, NULL);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &info), 0);
	assert_int_equal(fread(&header, sizeof header, 1, file), 1);
	assert_in_range(header.e_phnum, 4, 64);
	assert_int_equal(fread(&segment, sizeof segment, 1, file), 1);
	assert_int_equal(segment.p_type, PT_NOTE);
	/* the first note is NT_PRSTATUS, which begins with the signal */
	assert_int_equal(fseek(file, (long)segment.p_offset + 20, SEEK_SET), 0);
	assert_int_equal(fread(&found, sizeof found, 1, file), 1);
	assert_int_equal(found, signal);
	fclose(file);
	unlink(path);
	return (uint64_t)info.st_size;
}

static void callers_are_found_by_frame_pointers(void **state)
{
	static const char *const functions[] = { "inner", "middle", "outer", "mote_entry_Crash" };

	(void)state;
	if (!open_with(false))
		skip();
	call_fails(MOTE_E_GUEST_FAULT, "page fault: page fault at 0x18", "Crash",
		   MOTE_ARGS(mote_u64(0x18)));
	expect(MOTE_OK, MOTE_OK, ", in inner+0x");
	assert_int_equal(err.guest_address, 0x18);
	look();
	assert_true(seen.count > 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(seen.frames[i].function, functions[i]);
		assert_true(!seen.frames[i].info.is_guess || i == 1);
		assert_string_equal(seen.frames[i].file, "");
	}
	assert_true(seen.frames[0].info.address == err.guest_pc);
	assert_true(seen.frames[0].info.offset < 64);
	expect_core(SIGSEGV);
	assert_true(expect_core(SIGSEGV) < 16 << 20);
}

static uint32_t marked(const char *name)
{
	char line[256], mark[64];
	FILE *source = fopen(getenv("MOTE_TEST_CRASHES"), "r");

	assert_non_null(source);
	snprintf(mark, sizeof mark, "/* LINE %s */", name);
	for (uint32_t number = 1; fgets(line, sizeof line, source); number++) {
		if (!strstr(line, mark))
			continue;
		fclose(source);
		return number;
	}
	fail_msg("no line is marked %s", name);
	return 0;
}

static void lines_come_from_debug_information(void **state)
{
	static const char *const functions[] = { "inner", "folded", "middle", "outer", "Crash" };

	(void)state;
	if (!open_with(true) || !getenv("MOTE_TEST_CRASHES"))
		skip();
	call_fails(MOTE_E_GUEST_FAULT, "in inner", "Crash", MOTE_ARGS(mote_u64(0x18)));
	if (!strstr(err.message, "crashes.c:")) {
		assert_null(getenv("MOTE_TEST_HAS_LIBDW"));
		print_message("SKIP: no libdw here, so no lines\n");
		skip();
	}
	look();
	assert_true(seen.count > 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(seen.frames[i].function, functions[i]);
		assert_int_equal(seen.frames[i].info.line, marked(functions[i]));
		assert_int_equal(seen.frames[i].info.is_inlined, i == 1 || i == 4);
		assert_false(seen.frames[i].info.is_guess);
	}
}

static void a_call_to_nowhere_names_the_caller(void **state)
{
	(void)state;
	if (!open_with(false))
		skip();
	call_fails(MOTE_E_GUEST_FAULT, ", at instruction 0x0, called by call+0x", "CallTo",
		   MOTE_ARGS(mote_u64(0)));
	look();
	assert_int_equal(seen.frames[0].info.address, 0);
	assert_string_equal(seen.frames[1].function, "call");
	assert_false(seen.frames[1].info.is_guess);
	assert_string_equal(seen.frames[2].function, "mote_entry_CallTo");
	expect_core(SIGSEGV);
}

static void aborts_have_a_back_trace(void **state)
{
	size_t i = 0;

	(void)state;
	if (!open_with(false))
		skip();
	call_fails(MOTE_E_GUEST_ABORT, "no libc", "Abort", MOTE_NO_ARGS);
	look();
	while (i < seen.count && strcmp(seen.frames[i].function, "mote_entry_Abort") != 0)
		i++;
	assert_in_range(i, 1, seen.count - 1);
	expect_core(SIGABRT);
}

/* The guest crashes in its own way of handling the crash, or where no stack is. */
static void stacks_may_be_anywhere(void **state)
{
	static const uint64_t addresses[] = {
		0,
		1,
		8,
		UINT64_MAX,
		UINT64_MAX - 7,
		UINT64_C(0x800000000000),
		UINT64_C(0x7fffffffeff8),
		UINT64_C(0x1000),
		UINT64_C(0xffffffffffffefd0),
		UINT64_C(0xffffffffffffe000),
		UINT64_C(0xfffffffffffff000),
		UINT64_C(0xffff800000000000),
		UINT64_C(0xfffffe0000000000),
		UINT64_C(0xfffffeffffffffff),
		UINT64_C(0xffffff0000000000),
	};
	const size_t count = sizeof addresses / sizeof addresses[0];

	(void)state;
	if (!open_with(false))
		skip();
	for (size_t i = 0; i < count; i++) {
		const mote_value args[] = { mote_u64(addresses[i]),
					    mote_u64(addresses[(i * 7 + 3) % count]) };

		call_fails(MOTE_E_GUEST_FAULT, "invalid opcode: ", "CrashWith", args, 2);
		expect(MOTE_OK, MOTE_OK, "in mote_entry_CrashWith+0x");
		look();
		expect_core(SIGILL);
		again();
	}
}

/* How many frames of COUNT that lie STEP apart are seen. */
static size_t frames_seen(uint32_t count, int32_t step, uint64_t last)
{
	const uint64_t first = call("MakeFrames", MOTE_ARGS(count, step, mote_u64(last))).as.u64;
	size_t n = 0;

	call_fails(MOTE_E_GUEST_FAULT, "", "CrashWith",
		   MOTE_ARGS(mote_u64(first - 16), mote_u64(first)));
	look();
	for (size_t i = 1; i < seen.count; i++)
		n += strcmp(seen.frames[i].function, "outer") == 0 && !seen.frames[i].info.is_guess;
	again();
	return n;
}

static void chains_end_and_ascend(void **state)
{
	(void)state;
	if (!open_with(false))
		skip();
	assert_int_equal(frames_seen(5, 16, 0), 5);
	assert_int_equal(frames_seen(5, 4000, 0), 5);
	assert_int_equal(frames_seen(1000, 16, 0), MOTE_MAX_FRAMES - 1);
	assert_int_equal(frames_seen(5, 0, 0), 1);
	assert_int_equal(frames_seen(3, -16, 0), 1);
	assert_int_equal(frames_seen(3, 20, 0), 1);
	assert_int_equal(frames_seen(3, 16, 0x20), 3);
	assert_int_equal(frames_seen(3, 16, UINT64_MAX & ~UINT64_C(7)), 3);
}

static int told;

static void crashed(void *user, mote_sandbox *which, mote_status status)
{
	(void)user;
	told++;
	assert_int_equal(status, MOTE_E_GUEST_FAULT);
	seen.count = 0;
	assert_int_equal(mote_sandbox_backtrace(which, see, NULL, NULL), MOTE_OK);
	assert_string_equal(seen.frames[0].function, "inner");
}

static void crashes_are_told(void **state)
{
	mote_snapshot *snapshot;

	(void)state;
	if (!open_with(false))
		skip();
	mote_sandbox_free(sb);
	expect(mote_sandbox_new(&sb, image, MOTE_OPTIONS(mote_sandbox_options, .crashed = crashed),
				&err),
	       MOTE_OK, NULL);
	expect(mote_snapshot_take(&snapshot, sb, &err), MOTE_OK, NULL);
	call("Text", MOTE_NO_ARGS);
	look();
	expect_core(0);
	for (int i = 1; i <= 2; i++) {
		call_fails(MOTE_E_GUEST_FAULT, "", "Crash", MOTE_ARGS(mote_u64(8)));
		assert_int_equal(told, i);
		expect_core(SIGSEGV);
		expect(mote_sandbox_restore(sb, snapshot, &err), MOTE_OK, NULL);
		look();
		expect_core(0);
	}
	mote_snapshot_unref(snapshot);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(callers_are_found_by_frame_pointers, drop),
		cmocka_unit_test_teardown(lines_come_from_debug_information, drop),
		cmocka_unit_test_teardown(a_call_to_nowhere_names_the_caller, drop),
		cmocka_unit_test_teardown(aborts_have_a_back_trace, drop),
		cmocka_unit_test_teardown(stacks_may_be_anywhere, drop),
		cmocka_unit_test_teardown(chains_end_and_ascend, drop),
		cmocka_unit_test_teardown(crashes_are_told, drop),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

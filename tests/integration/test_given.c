/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host gives a guest besides its image, and what it takes back: init data with its
 * rights, the list of host functions, the guard at the end of the stack, empty buffers.
 */
#include "integration/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

/* A sandbox with these options instead of the one there is. */
static void make(struct guest *g, const mote_sandbox_options *options)
{
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, options, &g->err), MOTE_OK);
}

static void make_with_data(struct guest *g, const void *data, size_t size, uint64_t flags)
{
	make(g, MOTE_OPTIONS(mote_sandbox_options, .init_data = data, .init_data_size = size,
			     .init_data_flags = flags));
}

static void without_init_data_there_is_none(struct guest *g)
{
	assert_true(CALL(g, "InitSize", MOTE_NO_ARGS).as.u64 == 0);
	assert_true(CALL(g, "InitAddress", MOTE_NO_ARGS).as.u64 == 0);
	/* a pointer without a size is none either */
	make_with_data(g, "x", 0, MOTE_INIT_DATA_WRITE);
	assert_true(CALL(g, "InitSize", MOTE_NO_ARGS).as.u64 == 0);
}

static void init_data_arrives_in_every_size(struct guest *g)
{
	static const size_t sizes[] = { 1, 15, 16, 17, PAGE - 1, PAGE, PAGE + 1, 100000 };
	unsigned char *data = malloc(sizes[7]);

	assert_non_null(data);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (size_t k = 0; k < sizes[i]; k++)
			data[k] = (unsigned char)(k * 7 + i + 1);
		make_with_data(g, data, sizes[i], 0);
		assert_true(CALL(g, "InitSize", MOTE_NO_ARGS).as.u64 == sizes[i]);
		mote_value all = CALL(g, "InitData", MOTE_NO_ARGS);
		assert_int_equal(all.as.bytes.len, sizes[i]);
		assert_memory_equal(all.as.bytes.ptr, data, sizes[i]);
		/* behind it, zeroes up to the end of the page, and then nothing */
		uint64_t at = CALL(g, "InitAddress", MOTE_NO_ARGS).as.u64;
		uint64_t end = at + sizes[i] + (PAGE - sizes[i] % PAGE) % PAGE;
		assert_true(at % PAGE == 0);
		if (end > at + sizes[i])
			assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(mote_u64(end - 1))).as.u32, 0);
		CALL_FAILS(g, MOTE_E_GUEST_FAULT, "not mapped", "ReadAt", MOTE_ARGS(mote_u64(end)));
	}
	free(data);
}

static void the_guest_has_a_copy(struct guest *g)
{
	char data[] = "as it was";

	make_with_data(g, data, sizeof data, MOTE_INIT_DATA_WRITE);
	memset(data, 'x', sizeof data);
	mote_value all = CALL(g, "InitData", MOTE_NO_ARGS);
	assert_string_equal(all.as.bytes.ptr, "as it was");
	CALL(g, "WriteAt", MOTE_ARGS(CALL(g, "InitAddress", MOTE_NO_ARGS), (uint32_t)'A'));
	assert_int_equal(data[0], 'x');
}

/* lea 7(%rdi), %eax; ret */
static const unsigned char plus_seven[] = { 0x8d, 0x47, 0x07, 0xc3 };

static void rights_are_those_that_were_asked_for(struct guest *g)
{
	static const struct {
		uint64_t flags;
		bool writes, executes;
	} rows[] = {
		{ 0, false, false },
		{ MOTE_INIT_DATA_WRITE, true, false },
		{ MOTE_INIT_DATA_EXECUTE, false, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		make_with_data(g, plus_seven, sizeof plus_seven, rows[i].flags);
		mote_value at = CALL(g, "InitAddress", MOTE_NO_ARGS);
		assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(at)).as.u32, 0x8d);
		if (rows[i].executes)
			assert_int_equal(CALL(g, "CallAt", MOTE_ARGS(at, 35)).as.i32, 42);
		if (rows[i].writes) {
			CALL(g, "WriteAt", MOTE_ARGS(at, 5u));
			assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(at)).as.u32, 5);
		} else {
			CALL_FAILS(g, MOTE_E_GUEST_FAULT, "write at", "WriteAt", MOTE_ARGS(at, 5u));
			EXPECT_MESSAGE(g, "(init data)");
			make_with_data(g, plus_seven, sizeof plus_seven, rows[i].flags);
		}
		if (!rows[i].executes) {
			CALL_FAILS(g, MOTE_E_GUEST_FAULT, "execute at", "CallAt",
				   MOTE_ARGS(at, 35));
			EXPECT_MESSAGE(g, "(init data)");
		}
	}
}

static void init_data_that_cannot_be_is_refused(struct guest *g)
{
	static const struct {
		const void *data;
		size_t size;
		uint64_t flags;
		const char *message;
	} rows[] = {
		{ "x", 1, MOTE_INIT_DATA_WRITE | MOTE_INIT_DATA_EXECUTE,
		  "writable and executable" },
		{ "x", 1, 1, "init_data_flags is 0x1;" },
		{ "x", 1, UINT64_C(1) << 63, "init_data_flags is 0x8000000000000000;" },
		{ NULL, 1, 0, "init_data is NULL and init_data_size 1" },
		{ "x", (UINT64_C(1) << 30) + 1, 0,
		  "init_data_size is 1073741825; it may be at most 1073741824; map what is larger "
		  "as a file" },
		{ "x", SIZE_MAX, 0, "init_data_size is 18446744073709551615; it may be at most" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mote_sandbox *sb;
		EXPECT_STATUS(g,
			      mote_sandbox_new(&sb, g->image,
					       MOTE_OPTIONS(mote_sandbox_options,
							    .init_data = rows[i].data,
							    .init_data_size = rows[i].size,
							    .init_data_flags = rows[i].flags),
					       &g->err),
			      MOTE_E_INVALID);
		EXPECT_MESSAGE(g, rows[i].message);
		assert_null(sb);
	}
}

static void megabytes_of_init_data_arrive(struct guest *g)
{
	const size_t size = (9 << 20) + 5;
	unsigned char *data = calloc(size, 1);

	assert_non_null(data);
	data[0] = 1;
	data[size / 2] = 2;
	data[size - 1] = 3;
	make_with_data(g, data, size, 0);
	free(data);
	assert_true(CALL(g, "InitSum", MOTE_NO_ARGS).as.u64 == 6);
}

static mote_status doubled(void *user, const mote_value *args, size_t nargs, mote_value *result,
			   mote_error *err)
{
	(void)user, (void)nargs, (void)err;
	*result = mote_i32(args[0].as.i32 * 2);
	return MOTE_OK;
}

static const mote_type every_type[] = { MOTE_I32, MOTE_U32,  MOTE_I64,    MOTE_U64,   MOTE_F32,
					MOTE_F64, MOTE_BOOL, MOTE_STRING, MOTE_BYTES, MOTE_I32 };

#define LONGEST "N23456789012345678901234567890123456789012345678901234567890123"

static void the_guest_sees_what_it_may_call(struct guest *g)
{
	const mote_host_function functions[] = {
		{ .name = "Zoo", .fn = doubled },
		{ .name = "Double",
		  .fn = doubled,
		  .result = MOTE_I32,
		  .nparams = 1,
		  .params = every_type },
		{ .name = LONGEST,
		  .fn = doubled,
		  .result = MOTE_BYTES,
		  .nparams = 10,
		  .params = every_type },
	};
	static const char *const signatures[] = {
		"Double(i32) -> i32",
		LONGEST "(i32, u32, i64, u64, f32, f64, bool, str, bytes, i32) -> bytes",
		"Zoo() -> void",
		"",
	};

	make(g, MOTE_OPTIONS(mote_sandbox_options, .functions = functions, .nfunctions = 3));
	for (uint32_t i = 0; i < 4; i++)
		assert_string_equal(CALL(g, "Function", MOTE_ARGS(i)).as.str.ptr, signatures[i]);
	assert_string_equal(CALL(g, "Function", MOTE_ARGS(UINT32_MAX)).as.str.ptr, "");
	assert_string_equal(CALL(g, "FindFunction", MOTE_ARGS("Zoo")).as.str.ptr, signatures[2]);
	assert_string_equal(CALL(g, "FindFunction", MOTE_ARGS(LONGEST)).as.str.ptr, signatures[1]);
	assert_string_equal(CALL(g, "FindFunction", MOTE_ARGS(LONGEST "4")).as.str.ptr, "");
	assert_string_equal(CALL(g, "FindFunction", MOTE_ARGS("Zo")).as.str.ptr, "");
	assert_string_equal(CALL(g, "FindFunction", MOTE_ARGS("")).as.str.ptr, "");
	assert_int_equal(CALL(g, "DoubleIfYouCan", MOTE_ARGS(21)).as.i32, 42);
}

static void without_host_functions_the_list_is_empty(struct guest *g)
{
	assert_string_equal(CALL(g, "Function", MOTE_ARGS(0u)).as.str.ptr, "");
	assert_string_equal(CALL(g, "FindFunction", MOTE_ARGS("Double")).as.str.ptr, "");
	assert_int_equal(CALL(g, "DoubleIfYouCan", MOTE_ARGS(21)).as.i32, -1);
}

static void a_thousand_functions_can_be_listed(struct guest *g)
{
	enum { COUNT = 1024 };
	static char names[COUNT][16];
	static mote_host_function functions[COUNT + 1];
	char signature[32];

	for (int i = 0; i < COUNT; i++) {
		snprintf(names[i], sizeof names[i], "F%04d", COUNT - 1 - i);
		functions[i] = (mote_host_function){ .name = names[i], .fn = doubled };
	}
	make(g, MOTE_OPTIONS(mote_sandbox_options, .functions = functions, .nfunctions = COUNT));
	for (uint32_t i = 0; i < COUNT; i += 31) {
		snprintf(signature, sizeof signature, "F%04u() -> void", i);
		assert_string_equal(CALL(g, "Function", MOTE_ARGS(i)).as.str.ptr, signature);
	}
	assert_string_equal(CALL(g, "Function", MOTE_ARGS(1024u)).as.str.ptr, "");
	functions[COUNT] = (mote_host_function){ .name = "G", .fn = doubled };
	mote_sandbox *sb;
	EXPECT_STATUS(g,
		      mote_sandbox_new(&sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .functions = functions,
						    .nfunctions = COUNT + 1),
				       &g->err),
		      MOTE_E_INVALID);
	EXPECT_MESSAGE(g, "nfunctions is 1025");
}

static void the_list_cannot_be_forged(struct guest *g)
{
	const mote_host_function function = { .name = "Double",
					      .fn = doubled,
					      .result = MOTE_I32,
					      .nparams = 1,
					      .params = every_type };

	make(g, MOTE_OPTIONS(mote_sandbox_options, .functions = &function, .nfunctions = 1));
	mote_value at = CALL(g, "FunctionAddress", MOTE_ARGS(0u));
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "write at 0x14008 (host function definitions)", "WriteAt",
		   MOTE_ARGS(at, 1u));
}

static void the_stack_guard_is_checked_after_each_call(struct guest *g)
{
	static const uint64_t offsets[] = { 0, 7, 15 };

	for (size_t i = 0; i < 3; i++) {
		CALL_FAILS(g, MOTE_E_GUEST_FAULT,
			   "call \"TouchStackEnd\": the stack reached its end and overwrote the "
			   "guard there; raise stack_size",
			   "TouchStackEnd", MOTE_ARGS(mote_u64(offsets[i])));
		assert_true(mote_sandbox_is_poisoned(g->sb));
		make(g, NULL);
	}
	/* right above the guard everything is the guest's */
	CALL(g, "TouchStackEnd", MOTE_ARGS(mote_u64(16)));
	CALL(g, "TouchStackEnd", MOTE_ARGS(mote_u64(16)));
}

static void the_stack_guard_is_checked_after_main(struct guest *g)
{
	mote_sandbox *sb;

	EXPECT_STATUS(g,
		      mote_sandbox_new(&sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .init_data = "S",
						    .init_data_size = 1),
				       &g->err),
		      MOTE_E_GUEST_FAULT);
	EXPECT_MESSAGE(g, "main(): the stack reached its end");
	assert_null(sb);
}

/* SIZE bytes of a buffer as the host sees them: SP, and then zeroes. */
static void expect_empty(struct guest *g, uint64_t address, size_t size)
{
	static unsigned char bytes[PAGE];
	static const unsigned char empty[PAGE] = { 8 };

	assert_true(size <= sizeof bytes);
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, address, bytes, size, &g->err), MOTE_OK);
	assert_memory_equal(bytes, empty, size);
}

static void buffers_are_empty_after_an_error(struct guest *g)
{
	uint64_t input = CALL(g, "BufferAddress", MOTE_ARGS(mote_bool(false))).as.u64;
	uint64_t output = CALL(g, "BufferAddress", MOTE_ARGS(mote_bool(true))).as.u64;

	/* the guest's own error, for which its library empties the buffer: the sandbox goes on */
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "left marks", "LeaveMarks",
		   MOTE_ARGS(mote_u64(800), mote_bool(false)));
	expect_empty(g, input, 8);
	expect_empty(g, output, 80);
	/* a crash: nothing was popped, and all is gone */
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "", "LeaveMarks",
		   MOTE_ARGS(mote_u64(3000), mote_bool(true)));
	expect_empty(g, input, 8);
	expect_empty(g, output, PAGE);
}

static const struct row rows[] = {
	{ "without init data", "given", without_init_data_there_is_none, NULL, false },
	{ "init data of every size", "given", init_data_arrives_in_every_size, NULL, false },
	{ "init data is a copy", "given", the_guest_has_a_copy, NULL, false },
	{ "rights of init data", "given", rights_are_those_that_were_asked_for, NULL, false },
	{ "impossible init data", "given", init_data_that_cannot_be_is_refused, NULL, true },
	{ "megabytes of init data", "given", megabytes_of_init_data_arrive, NULL, false },
	{ "the guest sees what it may call", "given", the_guest_sees_what_it_may_call, NULL, true },
	{ "without host functions", "given", without_host_functions_the_list_is_empty, NULL,
	  false },
	{ "a thousand host functions", "given", a_thousand_functions_can_be_listed, NULL, true },
	{ "the list cannot be forged", "given", the_list_cannot_be_forged, NULL, true },
	{ "the stack guard after calls", "given", the_stack_guard_is_checked_after_each_call, NULL,
	  false },
	{ "the stack guard after main()", "given", the_stack_guard_is_checked_after_main, NULL,
	  true },
	{ "buffers are empty after an error", "given", buffers_are_empty_after_an_error, NULL,
	  false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hyperlight's own tests that are about what a guest does, under their names, against a guest in C
 * with functions of the same names. docs/hyperlight-checklist.md says where the others are.
 */
#include "tests/hyperlight/hyper_box.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static struct hyper_box box;

/* Where Hyperlight's tests call a thousand times, to run out of what is not given back: here what
 * is left tells sooner. */
enum { ROUNDS = 100 };

/* What Hyperlight's sandboxes have where its tests say nothing. */
static const struct guest_start plain = { .scratch_size = HYPERLIGHT_SCRATCH_DEFAULT };

static int close_box(void **state)
{
	(void)state;
	hyper_box_fini(&box);
	memset(&box, 0, sizeof box);
	return 0;
}

static mote_value call(const char *name, size_t nparams, const mote_value *params)
{
	return hyper_box_value(&box, name, nparams, params);
}

static int32_t call_i32(const char *name, int32_t number)
{
	const mote_value param = mote_i32(number);

	return call(name, 1, &param).as.i32;
}

/* Calls NAME, which ends the guest with CODE. */
static void want_abort(const char *name, size_t nparams, const mote_value *params, uint64_t code)
{
	hyper_box_end(&box, name, nparams, params, MOTE_E_GUEST_ABORT);
	assert_int_equal(box.event.code, code);
}

static void want_text(const char *text)
{
	if (!strstr(box.text, text))
		fail_msg("\"%s\" is not in \"%s\"", text, box.text);
}

static void guest_abort(void **state)
{
	const mote_value code = mote_i32(13);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("GuestAbortWithCode", 1, &code, 13);
	assert_string_equal(box.text, "");
}

static void guest_abort_with_context1(void **state)
{
	const mote_value params[] = { mote_i32(25), mote_str("Oh no") };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("GuestAbortWithMessage", 2, params, 25);
	assert_string_equal(box.text, "Oh no");
}

/* Our library cuts what it sends, between characters; the host's own limit is for others. */
static void guest_abort_with_context2(void **state)
{
	static char text[1400];

	(void)state;
	for (size_t i = 0; i + 3 < sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	const mote_value params[] = { mote_i32(60), mote_str(text) };

	hyper_box_init(&box, guest_path, &plain);
	want_abort("GuestAbortWithMessage", 2, params, 60);
	assert_int_equal(strlen(box.text), 511 / 3 * 3);
	assert_memory_equal(box.text, text, 511 / 3 * 3);
}

static void guest_abort_c_guest(void **state)
{
	const mote_value params[] = { mote_i32(75),
				      mote_str("This is a test error message from the guest") };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("GuestAbortWithMessage", 2, params, 75);
	assert_string_equal(box.text, params[1].as.str.ptr);
}

static void guest_panic(void **state)
{
	const mote_value text = mote_str("Error... error...");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("guest_panic", 1, &text, 8);
	want_text("\nError... error...");
}

static void guest_malloc(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (int i = 0; i < 100; i++) { /* more than there is, if it were not given back */
		assert_int_equal(call_i32("AllocateAndFree", 2000), 2000);
		assert_int_equal(call_i32("MallocAndFree", 2000), 2000);
		assert_int_equal(call_i32("CallMalloc", 2000), 2000);
		assert_int_equal(call("Heap", 0, NULL).as.u32, 0);
	}
	for (int i = 0; i < ROUNDS; i++) /* of one call each */
		assert_int_equal(call_i32("Allocate", 2000), 2000);
	assert_int_not_equal(call_i32("TestMalloc", 2000), 0);
}

static void guest_malloc_abort(void **state)
{
	const struct guest_start small = { .heap_size = 0x4000 };
	const mote_value much = mote_i32(20000000), more = mote_i32(0x10000);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("TestMalloc", 1, &much, 13);
	hyper_box_fini(&box);

	hyper_box_init(&box, guest_path, &small);
	assert_int_equal(hyper_box_error(&box, "AllocateAndFree", 1, &more), 13);
	assert_int_equal(hyper_box_error(&box, "Allocate", 1, &more), 13);
	want_text("heap_size");
	assert_int_equal(call_i32("MallocAndFree", 0x10000), 0x10000);
	want_abort("CallMalloc", 1, &more, 8);
	want_text("memory allocation of 65536 bytes failed");
}

static void guest_panic_no_alloc(void **state)
{
	const struct guest_start small = { .heap_size = 0x4000 };

	(void)state;
	hyper_box_init(&box, guest_path, &small);
	want_abort("ExhaustHeap", 0, NULL, 8);
	want_text("memory allocation of 1024 bytes failed");
}

static void dynamic_stack_allocate_c_guest(void **state)
{
	const mote_value much = mote_i32(0x8000000);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call_i32("StackAllocate", 100), 100);
	want_abort("StackAllocate", 1, &much, 13);
}

static void static_stack_allocate(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call("SmallVar", 0, NULL).as.i32, 1024);
}

static void static_stack_allocate_overflow(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("LargeVar", 0, NULL, 13);
}

static void recursive_stack_allocate(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call_i32("StackOverflow", 1), 1);
}

static void recursive_stack_allocate_overflow(void **state)
{
	const mote_value frames = mote_i32(32);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("StackOverflow", 1, &frames, 13);
}

static void guard_page_check_2(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	want_abort("InfiniteRecursion", 0, NULL, 13);
}

static void execute_on_heap(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "ExecuteOnHeap", 0, NULL, MOTE_E_GUEST_FAULT);
	want_text("page fault");
}

/* An exception is told of also where no memory is left to say it with. */
static void fill_heap_and_cause_exception(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "FillHeapAndCauseException", 0, NULL, MOTE_E_GUEST_FAULT);
	assert_int_equal(box.event.code, 15);
	want_text("Exception vector: 6\n");
	want_text("Faulting Instruction:");
	want_text("Stack Pointer:");
}

/* The numbers with a point, where the guest has them. */
static void open_with_vectors(void)
{
	const mote_value zero = mote_f32(0);
	struct wire_call echo = { .name = "EchoFloat",
				  .name_len = strlen("EchoFloat"),
				  .kind = WIRE_CALL_GUEST,
				  .result = MOTE_F32,
				  .nparams = 1,
				  .params = { zero } };

	hyper_box_init(&box, guest_path, &plain);
	hyper_box_call(&box, &echo);
	if (box.result.is_error && box.result.code == WIRE_CODE_NO_SUCH_FUNCTION) {
		print_message("SKIP: this guest has general registers alone\n");
		skip();
	}
}

static void test_if_guest_is_able_to_get_bool_return_values_from_host(void **state)
{
	const mote_value params[] = { mote_i32(5), mote_i32(3) };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_true(call("GuestRetrievesBoolValue", 2, params).as.boolean);
}

static void test_if_guest_is_able_to_get_float_return_values_from_host(void **state)
{
	const mote_value params[] = { mote_f32(1.34f), mote_f32(1.34f) };

	(void)state;
	open_with_vectors();
	assert_true(call("GuestRetrievesFloatValue", 2, params).as.f32 == 1.34f + 1.34f);
}

static void test_if_guest_is_able_to_get_double_return_values_from_host(void **state)
{
	const mote_value params[] = { mote_f64(1.34), mote_f64(1.34) };

	(void)state;
	open_with_vectors();
	assert_true(call("GuestRetrievesDoubleValue", 2, params).as.f64 == 1.34 + 1.34);
}

static void test_if_guest_is_able_to_get_string_return_values_from_host(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_string_equal(call("GuestRetrievesStringValue", 0, NULL).as.str.ptr,
			    "Guest Function, string added by Host Function");
}

static void float_roundtrip(void **state)
{
	static const double numbers[] = {
		0.0,          -0.0,      1.0,     -1.0,     3.14159265358979323846,
		-0.123456789, DBL_MAX,   DBL_MIN, -DBL_MAX, DBL_EPSILON,
		INFINITY,     -INFINITY, NAN,     -NAN
	};

	(void)state;
	open_with_vectors();
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		const mote_value wide = mote_f64(numbers[i]);
		const mote_value narrow = mote_f32((float)numbers[i]);
		const double wide_back = call("EchoDouble", 1, &wide).as.f64;
		const float narrow_back = call("EchoFloat", 1, &narrow).as.f32;

		assert_true(isnan(numbers[i]) ? isnan(wide_back) : wide_back == numbers[i]);
		assert_true(isnan(numbers[i]) ? isnan(narrow_back)
					      : narrow_back == (float)numbers[i]);
	}
	call("UseSSE2Registers", 0, NULL);
}

static void numbers_are_printed_with_three_decimals(void **state)
{
	static const struct {
		float number;
		const char *text;
	} rows[] = {
		{ 0, "arg11:0.000." },
		{ 11.1234f, "arg11:11.123." },
		{ -0.9996f, "arg11:-1.000." },
	};

	(void)state;
	open_with_vectors();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value params[] = { mote_str("1"),
					      mote_i32(2),
					      mote_i64(3),
					      mote_str("4"),
					      mote_str("5"),
					      mote_bool(true),
					      mote_bool(false),
					      mote_u32(8),
					      mote_u64(9),
					      mote_i32(10),
					      mote_f32(rows[i].number) };

		call("PrintElevenArgs", 11, params);
		assert_non_null(strstr(box.printed, rows[i].text));
	}
}

/* How many of six lines, one a level and one that nobody wants, arrive for each level that the
 * host may ask for. */
static void log_message(void **state)
{
	(void)state;
	hyper_box_make(&box, guest_path, &plain);
	void (*const log)(void *, mote_log_level, const char *, const char *) = box.host.log;

	for (int wanted = -1; wanted <= MOTE_LOG_TRACE; wanted++) {
		box.host.log = wanted < 0 ? NULL : log;
		box.host.log_level = (mote_log_level)(wanted < 0 ? 0 : wanted);
		hyper_box_restore(&box, box.first);
		hyper_box_run(&box);
		box.nlogs = 0;
		for (int level = 0; level <= 1 + MOTE_LOG_TRACE; level++) { /* 0 is none */
			const mote_value params[] = { mote_str("a line"), mote_i32(level) };

			call("LogMessage", 2, params);
		}
		assert_int_equal(box.nlogs, wanted + 1);
	}
}

static void pass_byte_array(void **state)
{
	static uint8_t ones[10], zeroes[10];
	const mote_value param = mote_bytes(ones, sizeof ones);

	(void)state;
	memset(ones, 1, sizeof ones);
	hyper_box_init(&box, guest_path, &plain);
	const mote_value value = call("SetByteArrayToZero", 1, &param);
	assert_int_equal(value.as.bytes.len, sizeof zeroes);
	assert_memory_equal(value.as.bytes.ptr, zeroes, sizeof zeroes);
	assert_int_equal(hyper_box_error(&box, "SetByteArrayToZeroNoLength", 1, &param), 4);
}

static void invalid_guest_function_name(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_error(&box, "FunctionDoesntExist", 0, NULL), 4);
	want_text("FunctionDoesntExist");
}

static void set_static(void **state)
{
	const struct guest_start large = { .scratch_size = 0x100a000 };

	(void)state;
	hyper_box_init(&box, guest_path, &large);
	assert_int_equal(call("SetStatic", 0, NULL).as.i32, 1048576);
}

static void multiple_parameters(void **state)
{
	static const struct {
		const char *name;
		size_t nparams;
		const char *text;
	} rows[] = {
#define TWO   "Message: arg1:1 arg2:2"
#define FOUR  TWO " arg3:3 arg4:4"
#define SIX   FOUR " arg5:5 arg6:true"
#define EIGHT SIX " arg7:false arg8:8"
		{ "PrintTwoArgs", 2, TWO "." },
		{ "PrintThreeArgs", 3, TWO " arg3:3." },
		{ "PrintFourArgs", 4, FOUR "." },
		{ "PrintFiveArgs", 5, FOUR " arg5:5." },
		{ "PrintSixArgs", 6, SIX "." },
		{ "PrintSevenArgs", 7, SIX " arg7:false." },
		{ "PrintEightArgs", 8, EIGHT "." },
		{ "PrintNineArgs", 9, EIGHT " arg9:9." },
		{ "PrintTenArgs", 10, EIGHT " arg9:9 arg10:10." },
		{ "PrintElevenIntegers", 11, EIGHT " arg9:9 arg10:10 arg11:-11." },
	};
	const mote_value params[] = { mote_str("1"),    mote_i32(2),   mote_i64(3),
				      mote_str("4"),    mote_str("5"), mote_bool(true),
				      mote_bool(false), mote_u32(8),   mote_u64(9),
				      mote_i32(10),     mote_i64(-11) };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value value = call(rows[i].name, rows[i].nparams, params);

		assert_string_equal(box.printed, rows[i].text);
		assert_int_equal(value.as.i32, strlen(rows[i].text));
	}
}

static void print_four_args_c_guest(void **state)
{
	const mote_value params[] = { mote_str("Test4"), mote_i32(3), mote_i64(4),
				      mote_str("Tested") };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call("PrintFourArgs", 4, params).as.i32, 46);
}

static void incorrect_parameter_type(void **state)
{
	const mote_value two = mote_i32(2);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_error(&box, "Echo", 1, &two), 14);
	want_text("Echo: parameter 1 has type number 8, the call's is 1");
}

static void incorrect_parameter_num(void **state)
{
	const mote_value params[] = { mote_str("1"), mote_i32(2) };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_error(&box, "Echo", 2, params), 5);
	want_text("Echo takes 1 parameters, the call has 2");
}

static void iostack_is_working(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call("ThisIsNotARealFunctionButTheNameIsImportant", 0, NULL).as.i32, 99);
	assert_int_equal(box.ncalls, 1);
}

static void simple_test(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6 };
	const mote_value hello = mote_str("hello"), world = mote_str("world");
	const mote_value data = mote_bytes(bytes, sizeof bytes);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call("PrintOutput", 1, &hello).as.i32, 5);
	assert_int_equal(box.ncalls, 1);
	assert_string_equal(box.printed, "hello");
	assert_string_equal(call("Echo", 1, &world).as.str.ptr, "world");
	const mote_value value = call("GetSizePrefixedBuffer", 1, &data);
	assert_int_equal(value.as.bytes.len, sizeof bytes);
	assert_memory_equal(value.as.bytes.ptr, bytes, sizeof bytes);
	assert_int_equal(box.ncalls, 1);
}

static void callback_test(void **state)
{
	const mote_value text = mote_str("Hello world");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	call("GuestMethod1", 1, &text);
	assert_int_equal(box.ncalls, 1);
	assert_string_equal(box.printed, "Hello from GuestFunction1, Hello world");
}

static void all_callbacks_arrive(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} rows[] = {
		{ "GuestMethod", "Hello from GuestFunction, you" },
		{ "GuestMethod1", "Hello from GuestFunction1, you" },
		{ "GuestMethod2", "Hello from GuestFunction2, you" },
		{ "GuestMethod3", "Hello from GuestFunction3, you" },
		{ "PrintOutput", "you" },
		{ "PrintOutputWithHostPrint", "you" },
		{ "PrintUsingPrintf", "you" },
	};
	const mote_value you = mote_str("you"), spin = mote_str("Spin");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(call(rows[i].name, 1, &you).as.i32, strlen(rows[i].text));
		assert_string_equal(box.printed, rows[i].text);
	}
	call("GuestMethod4", 0, NULL);
	assert_string_equal(box.printed, "Hello from GuestFunction4");
	/* by the name that the caller gives: a result of another type is the guest's to refuse */
	assert_int_equal(
		hyper_box_error(&box, "CallGivenParamlessHostFuncThatReturnsI64", 1, &spin), 15);
	want_text("Spin returned a value with type number 0, the guest wants 3");
	call("CallHostSpin", 0, NULL);
}

/* What hosts say of such an element is the business of test_protocol and test_hostile. */
static void a_forged_result_is_not_believed(void **state)
{
	static const struct {
		const char *name;
		enum io_status status;
	} rows[] = { { "CorruptOutputSizePrefix", IO_PREFIX_TOO_BIG },
		     { "CorruptOutputBackPointer", IO_BAD_BACK } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct wire_call forging = { .name = rows[i].name,
						   .name_len = strlen(rows[i].name),
						   .kind = WIRE_CALL_GUEST,
						   .result = MOTE_I32 };
		struct guest_event event;
		struct io_fault fault;
		uint8_t message[256];
		const size_t size = wire_call_write(message, sizeof message, &forging);

		hyper_box_init(&box, guest_path, &plain);
		const struct io_stack input = hyperlight_abi.input(box.guest);
		const struct io_stack output = hyperlight_abi.output(box.guest);

		assert_true(io_stack_push(&input, message, size, &fault));
		assert_int_equal(hyperlight_abi.call(box.guest, 0, 0, NULL), MOTE_OK);
		assert_int_equal(hyperlight_abi.run(box.guest, &event, NULL), MOTE_OK);
		assert_int_equal(event.kind, GUEST_DONE);
		assert_int_equal(io_stack_pop(&output, message, sizeof message, &fault), 0);
		assert_int_equal(fault.status, rows[i].status);
		hyper_box_fini(&box);
		memset(&box, 0, sizeof box);
	}
}

static void a_guest_is_busy_for_as_long_as_it_is_told(void **state)
{
	const mote_value nothing = mote_u32(0), depth[] = { mote_u32(7), mote_str("deep") };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(call("SpinForMs", 1, &nothing).as.u64, 0);
	box.nlogs = 0;
	assert_int_equal(call("FuzzGuestTrace", 2, depth).as.u32, 7);
	assert_int_equal(box.nlogs, 7);
}

/* Nothing is left behind in the buffers by calls that fail. */
static void host_function_error(void **state)
{
	const mote_value text = mote_str("x");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (int i = 0; i < ROUNDS; i++) {
		assert_int_equal(hyper_box_error(&box, "CallErrorMethod", 1, &text), 17);
		assert_string_equal(box.text, "Host function error!");
	}
}

static void io_buffer_reset(void **state)
{
	const struct guest_start small = { .input_size = 4096, .output_size = 4096 };
	const mote_value params[] = { mote_i32(5), mote_i32(10) };

	(void)state;
	hyper_box_init(&box, guest_path, &small);
	assert_int_equal(hyperlight_abi.input(box.guest).size, 8192);
	for (int i = 0; i < ROUNDS; i++) { /* each message is a hundredth of the buffer and more */
		assert_int_equal(call("Add", 2, params).as.i32, 15);
		assert_int_equal(hyper_box_error(&box, "AddToStaticAndFail", 0, NULL), 15);
		assert_string_equal(box.text, "Crash on purpose");
	}
}

/* What the guest's malloc() can give in one piece, up to LIMIT. */
static int32_t largest_block(int32_t limit)
{
	static const char name[] = "AllocateAndFree";
	struct wire_call call = {
		.name = name, .name_len = sizeof name - 1, .kind = WIRE_CALL_GUEST, .nparams = 1
	};

	do {
		assert_true(limit > 0);
		call.params[0] = mote_i32(limit);
		hyper_box_call(&box, &call);
		assert_int_equal(box.event.kind, GUEST_DONE);
		limit -= 256;
	} while (box.result.is_error);
	return limit + 256;
}

static void test_with_small_stack_and_heap(void **state)
{
	const struct guest_start small = { .heap_size = 20 << 10, .scratch_size = 0x40000 };
	const mote_value text = mote_str("hello"), number = mote_i32(1);
	const mote_value both[] = { number, text };

	(void)state;
	hyper_box_init(&box, guest_path, &small);
	const int32_t most = largest_block(20 << 10);

	for (int i = 0; i < ROUNDS; i++) {
		assert_string_equal(call("Echo", 1, &text).as.str.ptr, "hello");
		assert_int_equal(call("PrintFormatted", 2, both).as.i32, 32);
		assert_int_equal(call("PrintUsingPrintf", 1, &text).as.i32, 5);
	}
	assert_int_equal(call_i32("AllocateAndFree", most), most); /* nothing was kept */
}

/* The deprecated call, which leaves no trace, is a snapshot, a call and a restore. */
static void test_call_guest_function_by_name(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(call_i32("AddToStatic", 5), 5);
		hyper_box_restore(&box, snapshot);
		assert_int_equal(call("GetStatic", 0, NULL).as.i32, 0);
	}
	guest_snapshot_unref(snapshot);
}

static void test_trigger_exception_on_guest(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "TriggerException", 0, NULL, MOTE_E_GUEST_FAULT);
	want_text("invalid opcode");
}

static void create_200_sandboxes(void **state)
{
	enum { SANDBOXES = 20 };
	static struct hyper_box boxes[SANDBOXES];

	(void)state;
	for (int i = 0; i < SANDBOXES; i++)
		hyper_box_init(&boxes[i], guest_path, &plain);
	for (int i = 0; i < SANDBOXES; i++) {
		const mote_value number = mote_i32(i);

		assert_int_equal(hyper_box_value(&boxes[i], "GetStatic", 0, NULL).as.i32, 0);
		hyper_box_value(&boxes[i], "AddToStatic", 1, &number);
	}
	for (int i = 0; i < SANDBOXES; i++) {
		assert_int_equal(hyper_box_value(&boxes[i], "GetStatic", 0, NULL).as.i32, i);
		hyper_box_fini(&boxes[i]);
	}
}

static void test_sandbox_creation_various_sizes(void **state)
{
	static const uint64_t sizes[] = { 8, 64, 256 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const struct guest_start start = { .heap_size = sizes[i] << 20,
						   .scratch_size = 0x100000 };

		hyper_box_init(&box, guest_path, &start);
		assert_int_equal(call_i32("MallocAndFree", 2000), 2000);
		hyper_box_fini(&box);
		memset(&box, 0, sizeof box);
	}
}

/* 24 KiB in and 8 KiB out, as Hyperlight's benchmark has them. */
static void large_parameters_fit_buffers_that_are_made_for_them(void **state)
{
	static uint8_t bytes[24 << 10];
	const struct guest_start large = { .input_size = 0x8000 };
	const mote_value params[] = { mote_bytes(bytes, sizeof bytes), mote_str("text") };

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	hyper_box_init(&box, guest_path, &large);
	const mote_value value = call("24K_in_8K_out", 1, params);
	assert_int_equal(value.as.bytes.len, 8 << 10);
	assert_memory_equal(value.as.bytes.ptr, bytes, 8 << 10);
	call("LargeParameters", 2, params);
	/* and a result that does not fit is an error of that call alone */
	assert_int_equal(hyper_box_error(&box, "GetSizePrefixedBuffer", 1, params), 15);
	want_text("output_size");
	assert_int_equal(call("GetStatic", 0, NULL).as.i32, 0);
}

static void texts_are_measured(void **state)
{
	static const struct {
		const char *text;
		int32_t room;
	} rows[] = { { "", 17 },
		     { "1234567", 10 },
		     { "12345678901234567", 0 },
		     { "longer than what there is", 0 } };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value text = mote_str(rows[i].text);

		assert_int_equal(call("BufferOverrun", 1, &text).as.i32, rows[i].room);
	}
}

#define TEST(name) cmocka_unit_test_teardown(name, close_box)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(guest_abort),
		TEST(guest_abort_with_context1),
		TEST(guest_abort_with_context2),
		TEST(guest_abort_c_guest),
		TEST(guest_panic),
		TEST(guest_malloc),
		TEST(guest_malloc_abort),
		TEST(guest_panic_no_alloc),
		TEST(dynamic_stack_allocate_c_guest),
		TEST(static_stack_allocate),
		TEST(static_stack_allocate_overflow),
		TEST(recursive_stack_allocate),
		TEST(recursive_stack_allocate_overflow),
		TEST(guard_page_check_2),
		TEST(execute_on_heap),
		TEST(fill_heap_and_cause_exception),
		TEST(test_if_guest_is_able_to_get_bool_return_values_from_host),
		TEST(test_if_guest_is_able_to_get_float_return_values_from_host),
		TEST(test_if_guest_is_able_to_get_double_return_values_from_host),
		TEST(test_if_guest_is_able_to_get_string_return_values_from_host),
		TEST(float_roundtrip),
		TEST(numbers_are_printed_with_three_decimals),
		TEST(all_callbacks_arrive),
		TEST(a_forged_result_is_not_believed),
		TEST(a_guest_is_busy_for_as_long_as_it_is_told),
		TEST(log_message),
		TEST(pass_byte_array),
		TEST(invalid_guest_function_name),
		TEST(set_static),
		TEST(multiple_parameters),
		TEST(print_four_args_c_guest),
		TEST(incorrect_parameter_type),
		TEST(incorrect_parameter_num),
		TEST(iostack_is_working),
		TEST(simple_test),
		TEST(callback_test),
		TEST(host_function_error),
		TEST(io_buffer_reset),
		TEST(test_with_small_stack_and_heap),
		TEST(test_call_guest_function_by_name),
		TEST(test_trigger_exception_on_guest),
		TEST(create_200_sandboxes),
		TEST(test_sandbox_creation_various_sizes),
		TEST(large_parameters_fit_buffers_that_are_made_for_them),
		TEST(texts_are_measured),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk data on the guest's side: bytes that come and go in buffers, in place where they can, and
 * what the guest library does with a host that has none, or sends what are no spans.
 */
#include "exports.h"
#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIZE UINT64_C(16384)

static int setup(void **state)
{
	fake_host_setup(state);
	fake.buffer_size = SIZE;
	memset(fake.arguments, 0x11, SIZE);
	memset(fake.results, 0x22, SIZE);
	return 0;
}

static struct mote_span span_of(const mote_value *value)
{
	struct mote_span span;

	assert_int_equal(value->type, MOTE_BYTES);
	assert_int_equal(value->as.bytes.len, sizeof span);
	memcpy(&span, value->as.bytes.ptr, sizeof span);
	return span;
}

/* The last result is a span: SIZE bytes, OFFSET behind BASE. */
static void expect_span(const uint8_t *base, uint64_t offset, uint64_t size)
{
	assert_false(fake.result.is_error);
	assert_int_equal(fake.result_is_span, 1);
	const struct mote_span span = span_of(&fake.result.value);
	assert_int_equal(span.address, (uint64_t)(uintptr_t)base + offset);
	assert_int_equal(span.size, size);
}

static void call_with_span(const char *name, mote_type result, uint64_t offset, uint64_t size)
{
	const struct mote_span span = { (uint64_t)(uintptr_t)fake.arguments + offset, size };
	const mote_value param = mote_bytes(&span, sizeof span);

	fake.which = 1;
	fake_host_call_name(name, result, 1, &param);
	fake.which = 0;
}

static void parameters_are_read_in_place_and_can_be_the_result(void **state)
{
	(void)state;
	call_with_span("Bytes", MOTE_BYTES, 100, 5000);
	assert_ptr_equal(seen.pointer, fake.arguments + 100);
	expect_span(fake.arguments, 100, 5000);
	/* short ones as well: there is nothing to copy */
	call_with_span("Bytes", MOTE_BYTES, SIZE - 1, 1);
	expect_span(fake.arguments, SIZE - 1, 1);
	/* nothing at all is a message */
	call_with_span("Bytes", MOTE_BYTES, 0, 0);
	assert_int_equal(fake.result_is_span, 0);
	assert_int_equal(fake.result.value.as.bytes.len, 0);
}

/* Bytes that begin in a buffer and end behind it: the host would not take them for a span. */
static void what_ends_behind_a_buffer_goes_by_message(void **state)
{
	(void)state;
	fake.buffer_size = SIZE / 2;
	call_with_span("Bytes", MOTE_BYTES, SIZE / 2 - 1, 1);
	expect_span(fake.arguments, SIZE / 2 - 1, 1);
	call_with_span("Bytes", MOTE_BYTES, SIZE / 2 - 1, 2);
	assert_int_equal(fake.result_is_span, 0);
	assert_int_equal(fake.result.value.as.bytes.len, 2);
}

static void what_is_no_span_is_an_error(void **state)
{
	(void)state;
	static const struct {
		uint64_t which;
		size_t size;
	} rows[] = {
		{ 1, 0 }, { 1, 8 }, { 1, 15 }, { 1, 17 }, { 2, 16 }, { UINT64_C(1) << 63, 16 },
	};
	static const char bytes[17];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value param = mote_bytes(bytes, rows[i].size);
		fake.which = rows[i].which;
		fake_host_call_name("Bytes", MOTE_BYTES, 1, &param);
		expect_error(15, "the call of Bytes has spans that are none");
	}
	const mote_value number = mote_i32(1);
	fake.which = 1;
	fake_host_call_name("I32", MOTE_I32, 1, &number);
	expect_error(15, "the call of I32 has spans that are none");
}

static void make(const char *name, uint64_t taken, uint64_t size)
{
	const mote_value params[] = { mote_u64(taken), mote_u64(size) };

	fake_host_call_name(name, MOTE_BYTES, 2, params);
}

static void results_are_made_in_the_buffer(void **state)
{
	(void)state;
	static const struct {
		uint64_t taken, size, offset;
	} rows[] = {
		{ 0, 1, 0 },           { 0, SIZE, 0 },
		{ 1, 10, 16 },         { 16, 10, 16 },
		{ 17, SIZE - 32, 32 }, { 0, 4095, 0 },
		{ SIZE - 1, 0, SIZE }, { SIZE - 16, 16, SIZE - 16 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memset(fake.results, 0, SIZE);
		make("Make", rows[i].taken, rows[i].size);
		assert_ptr_equal(seen.pointer, fake.results + rows[i].offset);
		if (rows[i].size > 0)
			expect_span(fake.results, rows[i].offset, rows[i].size);
		for (uint64_t at = 0; at < rows[i].size; at++)
			assert_int_equal(fake.results[rows[i].offset + at], 0x3c);
	}
}

static bool is_in_results(const void *pointer)
{
	return (uintptr_t)pointer - (uintptr_t)fake.results < SIZE;
}

static void what_does_not_fit_the_buffer_is_ordinary_memory(void **state)
{
	(void)state;
	static const struct {
		uint64_t taken, size;
		bool is_span;
	} rows[] = {
		{ SIZE - 15, 1, false },
		{ SIZE, 1, false },
		{ 1, SIZE - 15, true }, /* copied there at the end, over what was taken */
		{ 8, 3000, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		make(i < 3 ? "Make" : "MakeElsewhere", rows[i].taken, rows[i].size);
		assert_false(i < 3 && is_in_results(seen.pointer));
		assert_int_equal(fake.result_is_span, rows[i].is_span);
		if (rows[i].is_span)
			expect_span(fake.results, 0, rows[i].size);
		else
			assert_int_equal(fake.result.value.as.bytes.len, rows[i].size);
	}
	make("Make", 0, SIZE + 1);
	expect_error(15,
		     "the result of Make takes 16456 bytes; the output buffer has room for 4080, "
		     "see output_size or buffer_size");
}

static void long_results_are_copied_to_the_buffer_once(void **state)
{
	(void)state;
	make("MakeElsewhere", 1000, 4096);
	expect_span(fake.results, 0, 4096);
	make("MakeElsewhere", SIZE, SIZE);
	expect_span(fake.results, 0, SIZE);
	for (uint64_t at = 0; at < SIZE; at++)
		assert_int_equal(fake.results[at], 0x3c);
	make("MakeElsewhere", 1, 4000);
	assert_int_equal(fake.result_is_span, 0);
	assert_int_equal(fake.result.value.as.bytes.len, 4000);
}

static void without_buffers_all_is_by_message(void **state)
{
	(void)state;
	fake.buffer_size = 0;
	make("Make", 0, 3000);
	assert_false(is_in_results(seen.pointer));
	assert_int_equal(fake.result_is_span, 0);
	assert_int_equal(fake.result.value.as.bytes.len, 3000);
	make("Make", 0, 0);
	assert_non_null(seen.pointer);
}

/* Calls CallTwo, which calls the host with spans for parameters. */
static void call_two(uint64_t offset, uint64_t size, bool is_both)
{
	const struct mote_span span = { (uint64_t)(uintptr_t)fake.arguments + offset, size };
	const mote_value params[] = { mote_bytes(&span, sizeof span), mote_bool(is_both) };

	fake.which = 1;
	fake_host_call_name("CallTwo", MOTE_BYTES, 2, params);
	fake.which = 0;
}

static void parameters_of_host_functions_are_spans(void **state)
{
	(void)state;
	fake.answer.value = mote_bytes("short", 5);
	call_two(64, 300, true);
	assert_int_equal(fake.spans_of_call, 3);
	assert_int_equal(fake.takes_spans, 1);
	for (int i = 0; i < 2; i++) {
		const struct mote_span span = span_of(&fake.call.params[i]);
		assert_int_equal(span.address, (uint64_t)(uintptr_t)fake.arguments + 64);
		assert_int_equal(span.size, 300);
	}
	assert_int_equal(fake.result.value.as.bytes.len, 5);
	call_two(64, 300, false);
	assert_int_equal(fake.spans_of_call, 1);

	/* long ones from elsewhere are copied, one behind the other */
	static char few[1000];
	const mote_value params[] = { mote_bytes(few, sizeof few), mote_bool(true) };
	fake_host_call_name("CallTwo", MOTE_BYTES, 2, params);
	assert_int_equal(fake.spans_of_call, 0);
	const mote_value long_one = mote_u32(5001);
	fake_host_call_name("CallTwoLarge", MOTE_U64, 1, &long_one);
	assert_int_equal(fake.spans_of_call, 3);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(span_of(&fake.call.params[i]).address,
				 (uint64_t)(uintptr_t)fake.results + i * 5008);
		assert_int_equal(fake.results[i * 5008], 0x3a + i);
		assert_int_equal(fake.results[i * 5008 + 5000], 0x3a + i);
	}
	const mote_value big = mote_u32(5000);
	fake_host_call_name("CallLarge", MOTE_U64, 1, &big);
	assert_int_equal(fake.spans_of_call, 1);
	assert_int_equal(span_of(&fake.call.params[0]).address, (uint64_t)(uintptr_t)fake.results);
}

static void results_of_host_functions_are_read_in_place(void **state)
{
	(void)state;
	const struct mote_span span = { (uint64_t)(uintptr_t)fake.arguments + 4096, 2000 };

	fake.answer.value = mote_bytes(&span, sizeof span);
	fake.answer_is_span = 1;
	call_two(0, 1, false);
	assert_ptr_equal(seen.pointer, fake.arguments + 4096);
	expect_span(fake.arguments, 4096, 2000);
	/* what is none */
	fake.answer.value = mote_bytes(&span, 7);
	call_two(0, 1, false);
	expect_error(15, "the result of HostTwo is a span that is none");
	fake.answer_is_span = 2;
	fake.answer.value = mote_bytes(&span, sizeof span);
	call_two(0, 1, false);
	expect_error(15, "the result of HostTwo is a span that is none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(parameters_are_read_in_place_and_can_be_the_result, setup),
		cmocka_unit_test_setup(what_ends_behind_a_buffer_goes_by_message, setup),
		cmocka_unit_test_setup(what_is_no_span_is_an_error, setup),
		cmocka_unit_test_setup(results_are_made_in_the_buffer, setup),
		cmocka_unit_test_setup(what_does_not_fit_the_buffer_is_ordinary_memory, setup),
		cmocka_unit_test_setup(long_results_are_copied_to_the_buffer_once, setup),
		cmocka_unit_test_setup(without_buffers_all_is_by_message, setup),
		cmocka_unit_test_setup(parameters_of_host_functions_are_spans, setup),
		cmocka_unit_test_setup(results_of_host_functions_are_read_in_place, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

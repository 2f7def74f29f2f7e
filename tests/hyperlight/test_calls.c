/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests of the hyperlight ABI start, are called, call their host, log, fail and end.
 */
#include "tests/hyperlight/hyper_box.h"

#include "hv/process/process.h"
#include "tests/hyperlight/guests/formats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;

/* Scratch for a megabyte of copies. */
static const struct guest_start plain = { .scratch_size = 0x180000 };

static mote_value i32(int32_t number)
{
	return (mote_value){ .type = MOTE_I32, .as.i32 = number };
}

static void a_guest_starts(void **state)
{
	static struct hyper_box box;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(box.nlogs, 1);
	assert_string_equal(box.log, "2: main() of simple: -42, 00017, ff |, c%");
	assert_int_equal(hyper_box_value(&box, "Started", 0, NULL).as.i32, 43);
	hyper_box_fini(&box);
}

static void values_go_in_and_come_out(void **state)
{
	static struct hyper_box box;
	static uint8_t bytes[3000];
	mote_value param = mote_str("hello");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	mote_value value = hyper_box_value(&box, "Echo", 1, &param);
	assert_string_equal(value.as.str.ptr, "hello");

	memset(bytes, 7, sizeof bytes);
	param = mote_bytes(bytes, sizeof bytes);
	value = hyper_box_value(&box, "GetSizePrefixedBuffer", 1, &param);
	assert_int_equal(value.as.bytes.len, sizeof bytes);
	assert_memory_equal(value.as.bytes.ptr, bytes, sizeof bytes);
	value = hyper_box_value(&box, "SetByteArrayToZero", 1, &param);
	memset(bytes, 0, sizeof bytes);
	assert_memory_equal(value.as.bytes.ptr, bytes, sizeof bytes);
	hyper_box_fini(&box);
}

static void memory_keeps_its_state_between_calls(void **state)
{
	static struct hyper_box box;
	const mote_value five = i32(5);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 5);
	assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 10);
	assert_int_equal(hyper_box_value(&box, "SetStatic", 0, NULL).as.i32, 1048576);
	assert_int_equal(hyper_box_value(&box, "GetStatic", 0, NULL).as.i32, 10);
	hyper_box_fini(&box);
}

static void host_functions_are_called(void **state)
{
	static struct hyper_box box;
	const mote_value numbers[] = { i32(5), i32(10) };
	const mote_value mixed[] = { i32(-7), mote_str("x") };
	const mote_value hello = mote_str("Hello world");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_value(&box, "Add", 2, numbers).as.i32, 15);
	assert_false(hyper_box_value(&box, "GuestRetrievesBoolValue", 2, numbers).as.boolean);
	assert_int_equal(hyper_box_value(&box, "PrintOutput", 1, &hello).as.i32, 11);
	assert_string_equal(box.printed, "Hello world");
	hyper_box_value(&box, "GuestMethod1", 1, &hello);
	assert_string_equal(box.printed, "Hello from GuestFunction1, Hello world");
	hyper_box_value(&box, "PrintFormatted", 2, mixed);
	assert_string_equal(box.printed, "Message: arg1:-7 arg2:x 0x10.");
	assert_string_equal(hyper_box_value(&box, "GuestRetrievesStringValue", 0, NULL).as.str.ptr,
			    "Guest Function, string added by Host Function");
	assert_int_equal(box.ncalls, 6);
	hyper_box_fini(&box);
}

static void errors_have_the_codes_that_hosts_know(void **state)
{
	static struct hyper_box box;
	const mote_value two = i32(2);
	const mote_value texts[] = { mote_str("a"), mote_str("b") };
	const mote_value failing = mote_str("HostError"), unknown = mote_str("SomeUnknownHostFunc");

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(hyper_box_error(&box, "FunctionDoesntExist", 0, NULL), 4);
		assert_int_equal(hyper_box_error(&box, "Echo", 2, texts), 5);
		assert_int_equal(hyper_box_error(&box, "Echo", 1, &two), 14);
		assert_int_equal(hyper_box_error(&box, "AddToStaticAndFail", 0, NULL), 15);
		assert_string_equal(box.text, "Crash on purpose");
		assert_int_equal(hyper_box_error(&box, "CallGivenParamlessHostFuncThatReturnsI64",
						 1, &failing),
				 17);
		assert_int_equal(hyper_box_error(&box, "CallHostExpectError", 1, &unknown), 17);
		assert_string_equal(box.text, "HostFunction SomeUnknownHostFunc was not found");
	}
	assert_int_equal(hyper_box_value(&box, "GetStatic", 0, NULL).as.i32, 200);
	hyper_box_fini(&box);
}

static void a_guest_logs_what_its_host_wants(void **state)
{
	static struct hyper_box box;
	mote_value params[] = { mote_str("a line"), i32(1 + MOTE_LOG_WARN) };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_value(&box, "LogMessage", 2, params);
	assert_string_equal(box.log, "3: a line");
	params[1] = i32(1 + MOTE_LOG_DEBUG); /* the host asked for less */
	hyper_box_value(&box, "LogMessage", 2, params);
	assert_int_equal(box.nlogs, 2);
	/* by the numbers that records have */
	mote_value sourced[] = { mote_str("from there"), mote_str("source"), i32(4) };

	assert_int_equal(hyper_box_value(&box, "LogMessageWithSource", 3, sourced).as.i32, 10);
	assert_string_equal(box.log, "4: from there");
	sourced[2] = i32(0);
	hyper_box_value(&box, "LogMessageWithSource", 3, sourced);
	assert_int_equal(box.nlogs, 3);
	params[1] = i32(6);
	hyper_box_end(&box, "LogMessage", 2, params, MOTE_E_GUEST_ABORT);
	hyper_box_fini(&box);
}

static void text_is_formatted_as_printf_does(void **state)
{
	static struct hyper_box box;
	char want[128];
	int32_t row = 0;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
#define COMPARE(...)                                                                               \
	{                                                                                          \
		const mote_value number = i32(row++);                                              \
		snprintf(want, sizeof want, __VA_ARGS__);                                          \
		assert_string_equal(hyper_box_value(&box, "Format", 1, &number).as.str.ptr, want); \
	}
	FORMATS(COMPARE)
#undef COMPARE
	assert_int_equal(hyper_box_value(&box, "Strings", 0, NULL).as.u32, 0);
	hyper_box_fini(&box);
}

static mote_value u64(uint64_t number)
{
	return (mote_value){ .type = MOTE_U64, .as.u64 = number };
}

static void init_data_is_there(void **state)
{
	static struct hyper_box box;
	static const uint8_t data[] = { 0xde, 0xad, 0xbe, 0xef };
	const struct guest_start start = { .init_data_size = sizeof data, .init_data = data };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	mote_value params[] = { u64(sizeof data), mote_bytes(data, sizeof data) };
	const mote_value value = hyper_box_value(&box, "ReadFromUserMemory", 2, params);

	assert_int_equal(value.as.bytes.len, sizeof data);
	assert_memory_equal(value.as.bytes.ptr, data, sizeof data);
	params[1] = mote_bytes("\xde\xad\xbe\xee", sizeof data);
	assert_int_equal(hyper_box_error(&box, "ReadFromUserMemory", 2, params), 15);
	params[0] = u64(sizeof data + 1);
	hyper_box_end(&box, "ReadFromUserMemory", 2, params, MOTE_E_GUEST_ABORT);
	hyper_box_fini(&box);
}

static void the_stack_grows_until_scratch_is_used_up(void **state)
{
	static struct hyper_box box;
	const struct guest_start start = { .image = NULL };
	mote_value frames = i32(1);

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	assert_int_equal(hyper_box_value(&box, "SmallVar", 0, NULL).as.i32, 1024);
	assert_int_equal(hyper_box_value(&box, "StackOverflow", 1, &frames).as.i32, 1);
	frames = i32(64);
	hyper_box_end(&box, "StackOverflow", 1, &frames, MOTE_E_GUEST_ABORT);
	assert_int_equal(box.event.code, 13);
	hyper_box_fini(&box);
}

static void the_heap_ends_in_an_error(void **state)
{
	static struct hyper_box box;
	mote_value size = i32(2000);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_value(&box, "Allocate", 1, &size).as.i32, 2000);
	size = i32(50000);
	assert_int_equal(hyper_box_value(&box, "Allocate", 1, &size).as.i32, 50000);
	size = i32(20000000);
	assert_int_equal(hyper_box_error(&box, "Allocate", 1, &size), 13);
	hyper_box_fini(&box);
}

static void exceptions_end_a_guest_with_their_name(void **state)
{
	static struct hyper_box box;
	const mote_value to_peb[] = { u64(0), u64(1) };
	mote_value address = u64(0x10);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "TriggerException", 0, NULL, MOTE_E_GUEST_FAULT);
	assert_int_equal(box.event.code, 15);
	assert_non_null(strstr(box.text, "invalid opcode: Exception vector: 6\n"));
	hyper_box_fini(&box);

	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "ReadAt", 1, &address, MOTE_E_GUEST_FAULT);
	assert_non_null(strstr(box.text, "page fault: page fault at 0x10"));
	hyper_box_fini(&box);

	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "WriteAt", 2, to_peb, MOTE_E_GUEST_FAULT);
	hyper_box_fini(&box);

	hyper_box_init(&box, guest_path, &plain);
	hyper_box_end(&box, "ExecuteOnStack", 0, NULL, MOTE_E_GUEST_FAULT);
	assert_non_null(strstr(box.text, "page fault"));
	hyper_box_fini(&box);
}

static void the_host_reads_and_writes_what_a_guest_has(void **state)
{
	static struct hyper_box box;
	const mote_value five = i32(5);
	mote_error err;
	int32_t number = 0;
	char across[8192];

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	const uint64_t address = hyper_box_value(&box, "AddressOfStatic", 0, NULL).as.u64;

	assert_int_equal(hyperlight_abi.read(box.guest, address, &number, sizeof number, NULL),
			 MOTE_OK);
	assert_int_equal(number, 0);
	hyper_box_value(&box, "AddToStatic", 1, &five);
	assert_int_equal(hyperlight_abi.read(box.guest, address, &number, sizeof number, NULL),
			 MOTE_OK);
	assert_int_equal(number, 5);
	number = 7;
	assert_int_equal(hyperlight_abi.write(box.guest, address, &number, sizeof number, NULL),
			 MOTE_OK);
	assert_int_equal(hyper_box_value(&box, "GetStatic", 0, NULL).as.i32, 7);

	/* two pages of the stack's top, and then nothing */
	assert_int_equal(
		hyperlight_abi.read(box.guest, HYPERLIGHT_STACK_TOP_GVA - 16, across, 17, &err),
		MOTE_E_INVALID);
	assert_int_equal(err.guest_address, HYPERLIGHT_STACK_TOP_GVA);
	/* the image's first pages are the snapshot's: not the guest's own */
	assert_int_equal(
		hyperlight_abi.read(box.guest, HYPERLIGHT_BASE, across, sizeof across, NULL),
		MOTE_OK);
	assert_memory_equal(across, "\177ELF", 4);
	assert_int_equal(hyperlight_abi.write(box.guest, HYPERLIGHT_BASE, across, 1, &err),
			 MOTE_E_INVALID);
	assert_int_equal(hyperlight_abi.read(box.guest, UINT64_MAX - 3, across, 4, NULL),
			 MOTE_E_INVALID);
	assert_int_equal(hyperlight_abi.read(box.guest, UINT64_C(1) << 47, across, 1, NULL),
			 MOTE_E_INVALID);
	hyper_box_fini(&box);
}

/* All regions lie in order, none twice, and can be read. */
static void a_guests_memory_can_be_listed(void **state)
{
	static struct hyper_box box;
	static struct hyper_regions regions;
	static uint8_t page[4096];
	uint64_t at = 0, scratch = 0, stack = 0;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_true(hyper_box_regions(&box, 0, UINT64_MAX, &regions));
	assert_in_range(regions.count, 5, 40);
	for (size_t i = 0; i < regions.count; i++) {
		const struct region *region = &regions.list[i];

		assert_true(region->va >= at && region->size > 0 && region->size % 4096 == 0);
		assert_int_equal(
			hyperlight_abi.read(box.guest, region->va, page, sizeof page, NULL),
			MOTE_OK);
		assert_int_equal(hyperlight_abi.read(box.guest, region->va + region->size - 4096,
						     page, sizeof page, NULL),
				 MOTE_OK);
		scratch += region->kind == REGION_SCRATCH ? region->size : 0;
		stack += region->kind == REGION_STACK ? region->size : 0;
		at = region->va + region->size;
	}
	assert_int_equal(regions.list[0].va, HYPERLIGHT_BASE);
	assert_int_equal(regions.list[0].flags, REGION_ALL); /* once it has a copy */
	assert_int_equal(regions.list[0].kind, REGION_SNAPSHOT);
	assert_int_equal(at, SCRATCH_END_GVA);
	assert_true(scratch > plain.scratch_size);
	assert_true(stack > 0);
	/* a part, up to its last byte; and as far as is wanted */
	hyper_box_regions(&box, SCRATCH_END_GVA - 1, UINT64_MAX, &regions);
	assert_int_equal(regions.count, 1);
	assert_true(hyper_box_regions(&box, 0, HYPERLIGHT_BASE - 1, &regions));
	assert_int_equal(regions.count, 0);
	regions.wanted = 2;
	assert_false(hyper_box_regions(&box, 0, UINT64_MAX, &regions));
	assert_int_equal(regions.count, 2);
	hyper_box_fini(&box);
}

struct listed {
	size_t count;
	mote_region_info regions[16];
};

static void list_region(void *user, const mote_region_info *region)
{
	struct listed *listed = user;

	assert_true(listed->count < sizeof listed->regions / sizeof listed->regions[0]);
	listed->regions[listed->count++] = *region;
}

static void the_regions_of_a_snapshot_have_names(void **state)
{
	static const char *const want[] = {
		"image",         "process environment block",
		"heap",          "descriptors",
		"stack",         "input buffer",
		"output buffer", "page tables",
		"scratch",       "exception stack",
	};
	static struct hyper_box box;
	struct listed listed = { .count = 0 };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *snapshot = hyper_box_take(&box);
	hyperlight_abi.snapshot_describe(snapshot, list_region, &listed);
	assert_int_equal(listed.count, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < listed.count; i++) {
		const mote_region_info *region = &listed.regions[i];
		const struct region seen = hyper_box_region(&box, region->address);

		assert_string_equal(region->name, want[i]);
		/* as the guest itself sees it, less where it is in memory */
		assert_int_equal(region->writable, !!(seen.flags & REGION_WRITE));
		assert_int_equal(region->executable, !!(seen.flags & REGION_EXECUTE));
		assert_true(i == 0 || region->physical >= listed.regions[i - 1].physical +
								  listed.regions[i - 1].size);
	}
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void cpuid_says_what_the_abi_does(void **state)
{
	static struct hyper_box box;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_value(&box, "PhysicalBits", 0, NULL).as.u32,
			 HYPERLIGHT_PHYSICAL_BITS);
	hyper_box_fini(&box);
}

static void the_process_backend_has_no_ring_0(void **state)
{
	static struct hyper_box box;
	const struct hv process = { .ops = &hv_process, .host = &box.host };
	struct guest *guest;
	mote_error err;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(
		hyper_box_new(&box, &guest, (struct hv *)(uintptr_t)&process, box.first, &err),
		MOTE_E_NO_HYPERVISOR);
	assert_null(guest);
	assert_non_null(strstr(err.message, "process backend"));
	hyper_box_fini(&box);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_starts),
		cmocka_unit_test(values_go_in_and_come_out),
		cmocka_unit_test(memory_keeps_its_state_between_calls),
		cmocka_unit_test(host_functions_are_called),
		cmocka_unit_test(errors_have_the_codes_that_hosts_know),
		cmocka_unit_test(a_guest_logs_what_its_host_wants),
		cmocka_unit_test(text_is_formatted_as_printf_does),
		cmocka_unit_test(init_data_is_there),
		cmocka_unit_test(the_stack_grows_until_scratch_is_used_up),
		cmocka_unit_test(the_heap_ends_in_an_error),
		cmocka_unit_test(exceptions_end_a_guest_with_their_name),
		cmocka_unit_test(the_host_reads_and_writes_what_a_guest_has),
		cmocka_unit_test(a_guests_memory_can_be_listed),
		cmocka_unit_test(the_regions_of_a_snapshot_have_names),
		cmocka_unit_test(cpuid_says_what_the_abi_does),
		cmocka_unit_test(the_process_backend_has_no_ring_0),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to guest memory: what a guest may reach by an address that it chose, and that
 * everything else is refused with the first byte that is wrong.
 */
#include "mem/guest_memory.h"

#include "kit/fail.h"
#include "mem/small_guest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE MOTE_PAGE_SIZE
#define R    REGION_READ
#define W    REGION_WRITE
#define X    REGION_EXECUTE

static uint8_t file[0x3000];
static struct guest_memory *memory;

/* Borders of the small guest, as layout_compute() puts them. */
static uint64_t stack, heap, input;

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof file; i++)
		file[i] = (uint8_t)(i + i / 256);
	if (guest_memory_new(&memory, fail_host(0, FAIL_ONCE, 0), &small_config, file,
			     SHARED_MEM_PRIVATE, NULL))
		return -1;
	const struct layout *layout = guest_memory_layout(memory);
	stack = layout_get(layout, REGION_STACK)->va;
	heap = layout_get(layout, REGION_HEAP)->va;
	input = layout_get(layout, REGION_INPUT)->va;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_memory_free(memory);
	return fail_leak() != NULL;
}

/* SIZE bytes at ADDRESS + *BASE with RIGHTS. BAD is the first byte that is refused, from the same
 * base; -1 when none is. */
static const struct {
	const char *what;
	const uint64_t *base; /* NULL: 0 */
	uint64_t address;
	size_t size;
	unsigned rights;
	int64_t bad;
	const char *message;
} rows[] = {
	{ "nothing, nowhere", NULL, 0, 0, R, -1, NULL },
	{ "a byte of page 0", NULL, 0, 1, R, 0, "is not mapped" },
	{ "code, read", NULL, SMALL_CODE, 0x3000, R, -1, NULL },
	{ "code, write", NULL, SMALL_CODE, 1, W, SMALL_CODE,
	  "in the code, which the guest may not"
	  " write to" },
	{ "code, read and write", NULL, SMALL_CODE, 1, R | W, SMALL_CODE, "write to" },
	{ "code, execute", NULL, SMALL_CODE + 0x2fff, 1, X, -1, NULL },
	{ "data, execute", NULL, SMALL_DATA, 1, X, SMALL_DATA,
	  "in the data, which the guest may not execute" },
	{ "data, read and write", NULL, SMALL_DATA, 0x6000, R | W, -1, NULL },
	{ "code into data, read", NULL, SMALL_CODE, 0x9000, R, -1, NULL },
	{ "code into data, write", NULL, SMALL_DATA - 1, 2, W, SMALL_DATA - 1, "code" },
	{ "code into data, execute", NULL, SMALL_DATA - 1, 2, X, SMALL_DATA, "data" },
	{ "one byte behind the data", NULL, SMALL_CODE, 0x9001, R, SMALL_DATA + 0x6000,
	  "is not mapped" },
	{ "one byte in front of the code", NULL, SMALL_CODE - 1, 2, R, SMALL_CODE - 1,
	  "is not mapped" },
	{ "constants, write", NULL, SMALL_RODATA, 1, W, SMALL_RODATA, "read-only data" },
	{ "start block, read", NULL, MOTE_START_BLOCK, PAGE, R, -1, NULL },
	{ "start block, write", NULL, MOTE_START_BLOCK, 8, W, MOTE_START_BLOCK, "start block" },
	{ "start block into doorbell", NULL, MOTE_START_BLOCK, PAGE + 1, R, MOTE_DOORBELL_PAGE,
	  "in the doorbell, which is no memory of the guest's" },
	{ "doorbell, write", NULL, MOTE_DOORBELL_PAGE, 4, W, MOTE_DOORBELL_PAGE, "doorbell" },
	{ "hypercall page", NULL, MOTE_HYPERCALL_PAGE, 1, R, MOTE_HYPERCALL_PAGE,
	  "hypercall page" },
	{ "hypercall page, execute", NULL, MOTE_HYPERCALL_PAGE, 1, X, MOTE_HYPERCALL_PAGE,
	  "hypercall page" },
	{ "supervisor block", NULL, MOTE_SUPERVISOR_BASE, 1, R, MOTE_SUPERVISOR_BASE,
	  "supervisor block" },
	{ "exception stack", NULL, MOTE_SUPERVISOR_BASE + 0x8000, 8, R,
	  MOTE_SUPERVISOR_BASE + 0x8000, "exception stack" },
	{ "all of the stack", &stack, 0, 1 << 20, R | W, -1, NULL },
	{ "below the stack", &stack, (uint64_t)-1, 2, W, -1, "guard gap below the stack" },
	{ "behind the stack", &stack, 0, (1 << 20) + 1, W, 1 << 20,
	  "guard gap below the input buffer" },
	{ "all of the heap", &heap, 0, 64 << 20, R, -1, NULL },
	{ "input buffer", &input, 0, 128 << 10, R | W, -1, NULL },
	{ "size that wraps", NULL, SMALL_CODE, SIZE_MAX, R, SMALL_DATA + 0x6000, "not mapped" },
	{ "size that wraps to 0", NULL, SMALL_CODE, (size_t)-SMALL_CODE, R, SMALL_DATA + 0x6000,
	  "not mapped" },
	{ "the highest address", NULL, UINT64_MAX, 1, R, -1, "0xffffffffffffffff is not mapped" },
	{ "the highest address, wrapping", NULL, UINT64_MAX, 2, R, -1, "not mapped" },
	{ "end of user space", NULL, MOTE_ADDRESS_END, 1, R, MOTE_ADDRESS_END, "not mapped" },
	{ "kernel half", NULL, UINT64_C(0xffff800000000000), 1, R, INT64_MIN >> 16, "not mapped" },
};

static bool is_refused(size_t row)
{
	return rows[row].message != NULL;
}

/* No buffer is large enough for the sizes that wrap: they must fail before they copy. */
static uint8_t buffer[65 << 20];

static void check_error(size_t row, mote_status got, const mote_error *err)
{
	uint64_t base = rows[row].base ? *rows[row].base : 0;
	uint64_t bad =
		rows[row].bad == -1 ? rows[row].address + base : (uint64_t)rows[row].bad + base;
	char address[32];

	snprintf(address, sizeof address, "0x%" PRIx64 " ", bad);
	if (got != MOTE_E_INVALID || err->code != got || err->guest_address != bad ||
	    !strstr(err->message, rows[row].message) || !strstr(err->message, address))
		fail_msg("%s: got %s at 0x%" PRIx64 ": %s", rows[row].what, mote_status_name(got),
			 err->guest_address, err->message);
}

static void ranges_are_reached_or_refused_at_the_right_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t address = rows[i].address + (rows[i].base ? *rows[i].base : 0);
		mote_error err = { .code = MOTE_OK };
		mote_status got = guest_memory_read(memory, address, buffer, rows[i].size,
						    rows[i].rights, &err);
		if (is_refused(i))
			check_error(i, got, &err);
		else if (got != MOTE_OK)
			fail_msg("%s: %s", rows[i].what, err.message);

		/* writing back what is there, where that can be done */
		err.code = MOTE_OK;
		mote_status back = guest_memory_write(memory, address, buffer, rows[i].size,
						      rows[i].rights, &err);
		assert_int_equal(back, got);
		if (is_refused(i))
			check_error(i, back, &err);
		assert_int_equal(guest_memory_read(memory, address, buffer, rows[i].size,
						   rows[i].rights, NULL),
				 got);
	}
}

static void a_refused_copy_copies_nothing(void **state)
{
	(void)state;
	uint8_t to[64];
	memset(to, 0xee, sizeof to);
	assert_int_equal(guest_memory_read(memory, SMALL_DATA + 0x6000 - 32, to, 64, R, NULL),
			 MOTE_E_INVALID);
	for (size_t i = 0; i < sizeof to; i++)
		assert_int_equal(to[i], 0xee);
	assert_int_equal(guest_memory_write(memory, SMALL_DATA + 0x6000 - 32, to, 64, W, NULL),
			 MOTE_E_INVALID);
	assert_int_equal(guest_memory_read(memory, SMALL_DATA + 0x6000 - 32, to, 32, R, NULL),
			 MOTE_OK);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(to[i], 0);
}

static void copies_cross_regions(void **state)
{
	(void)state;
	uint8_t before[8], after[8], both[16];
	assert_int_equal(guest_memory_write(memory, SMALL_DATA, "DATADATA", 8, W, NULL), MOTE_OK);
	assert_int_equal(guest_memory_read(memory, SMALL_DATA - 8, both, 16, R, NULL), MOTE_OK);
	assert_int_equal(guest_memory_read(memory, SMALL_DATA - 8, before, 8, R, NULL), MOTE_OK);
	assert_int_equal(guest_memory_read(memory, SMALL_DATA, after, 8, R, NULL), MOTE_OK);
	assert_memory_equal(both, before, 8);
	assert_memory_equal(both + 8, after, 8);
	assert_memory_equal(after, "DATADATA", 8);

	/* with no more than the right to read, as a debugger writes */
	assert_int_equal(
		guest_memory_write(memory, SMALL_DATA - 8, "0123456789abcdef", 16, R, NULL),
		MOTE_OK);
	assert_int_equal(guest_memory_read(memory, SMALL_DATA - 4, both, 8, R, NULL), MOTE_OK);
	assert_memory_equal(both, "456789ab", 8);
}

static void put(uint64_t address, const char *text, size_t size)
{
	assert_int_equal(guest_memory_write(memory, address, text, size, R, NULL), MOTE_OK);
}

static void strings_end_at_their_nul_or_not_at_all(void **state)
{
	(void)state;
	const uint64_t end = SMALL_DATA + 0x6000;
	char to[1024];
	size_t length;

	put(SMALL_DATA + 100, "hello", 6);
	assert_int_equal(
		guest_memory_string(memory, SMALL_DATA + 100, to, sizeof to, &length, NULL),
		MOTE_OK);
	assert_string_equal(to, "hello");
	assert_int_equal(length, 5);
	assert_int_equal(guest_memory_string(memory, SMALL_DATA + 100, to, 6, &length, NULL),
			 MOTE_OK);

	/* one byte too small: no partial result */
	mote_error err;
	assert_int_equal(guest_memory_string(memory, SMALL_DATA + 100, to, 5, &length, &err),
			 MOTE_E_LIMIT);
	assert_string_equal(to, "");
	assert_int_equal(length, 0);
	assert_non_null(strstr(err.message, "within 5 bytes"));

	/* the last byte of the region is the NUL, and then that there is none */
	put(end - 4, "abc", 4);
	assert_int_equal(guest_memory_string(memory, end - 4, to, sizeof to, &length, NULL),
			 MOTE_OK);
	assert_string_equal(to, "abc");
	put(end - 1, "d", 1);
	assert_int_equal(guest_memory_string(memory, end - 4, to, sizeof to, &length, &err),
			 MOTE_E_INVALID);
	assert_int_equal(err.guest_address, end);
	assert_string_equal(to, "");

	/* across regions, and longer than one step */
	char text[700];
	memset(text, 'x', sizeof text);
	text[699] = '\0';
	put(SMALL_DATA - 300, text, 700);
	assert_int_equal(guest_memory_string(memory, SMALL_DATA - 300, to, 700, &length, NULL),
			 MOTE_OK);
	assert_int_equal(length, 699);
	assert_string_equal(to, text);
	assert_int_equal(guest_memory_string(memory, SMALL_DATA - 300, to, 699, &length, NULL),
			 MOTE_E_LIMIT);

	assert_int_equal(guest_memory_string(memory, UINT64_MAX, to, 10, &length, NULL),
			 MOTE_E_INVALID);
	assert_int_equal(guest_memory_string(memory, MOTE_HYPERCALL_PAGE, to, 10, &length, NULL),
			 MOTE_E_INVALID);
}

static void a_range_allows_what_all_of_it_allows(void **state)
{
	(void)state;
	assert_true(guest_memory_allows(memory, SMALL_DATA - 16, 16, R));
	assert_true(guest_memory_allows(memory, SMALL_DATA - 16, 17, R));
	assert_true(guest_memory_allows(memory, SMALL_DATA, 16, R | W));
	assert_false(guest_memory_allows(memory, SMALL_DATA - 16, 16, W));
	assert_false(guest_memory_allows(memory, SMALL_DATA - 1, 2, W));
	assert_false(guest_memory_allows(memory, SMALL_DATA - 1, 2, REGION_EXECUTE));
	assert_false(guest_memory_allows(memory, SMALL_DATA, SIZE_MAX, R));
	assert_false(guest_memory_allows(memory, 0, 8, R));
	assert_false(guest_memory_allows(memory, UINT64_MAX, 8, R));
	assert_false(guest_memory_allows(memory, MOTE_SUPERVISOR_BASE, 8, R));
	assert_true(guest_memory_allows(memory, 0, 0, R));
}

static void only_code_of_the_image_can_be_called(void **state)
{
	(void)state;
	assert_true(guest_memory_is_code(memory, SMALL_CODE));
	assert_true(guest_memory_is_code(memory, SMALL_DATA - 1));
	const uint64_t refused[] = {
		0,
		SMALL_CODE - 1,
		SMALL_DATA,
		SMALL_RODATA,
		heap,
		stack,
		MOTE_HYPERCALL_PAGE,
		MOTE_START_BLOCK,
		input,
		UINT64_MAX,
		MOTE_ADDRESS_END,
		MOTE_SUPERVISOR_BASE,
		SMALL_CODE | UINT64_C(1) << 47,
	};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
		assert_false(guest_memory_is_code(memory, refused[i]));
}

static void places_have_names(void **state)
{
	(void)state;
	assert_string_equal(guest_memory_place(memory, SMALL_CODE), "code");
	assert_string_equal(guest_memory_place(memory, stack), "stack");
	assert_string_equal(guest_memory_place(memory, stack - 1), "guard gap below the stack");
	assert_string_equal(guest_memory_place(memory, stack - LAYOUT_GUARD_SIZE),
			    "guard gap below the stack");
	assert_string_equal(guest_memory_place(memory, stack - LAYOUT_GUARD_SIZE - 1), "heap");
	assert_string_equal(guest_memory_place(memory, MOTE_SUPERVISOR_BASE), "supervisor block");
	assert_string_equal(guest_memory_place(memory, input - 1),
			    "guard gap below the input buffer");
	assert_null(guest_memory_place(memory, 0));
	assert_null(guest_memory_place(memory, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_reached_or_refused_at_the_right_byte),
		cmocka_unit_test(a_refused_copy_copies_nothing),
		cmocka_unit_test(copies_cross_regions),
		cmocka_unit_test(strings_end_at_their_nul_or_not_at_all),
		cmocka_unit_test(a_range_allows_what_all_of_it_allows),
		cmocka_unit_test(only_code_of_the_image_can_be_called),
		cmocka_unit_test(places_have_names),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack of a new program, read back as the System V ABI for x86-64 (figures 3.9 and 3.10)
 * says that a program finds it: by a start-up code's view, from rsp upward.
 */
#include "guest_abi/mote/program.h"

#include "guest_abi/mote/machine_box.h"
#include "kit/fail.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

static struct box box;

static int setup(void **state)
{
	(void)state;
	fake_reset();
	box_init(&box, &fake_process, (struct machine_ways){ WAY_OUT_PORT, SYSCALL_RING0 }, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	box_fini(&box);
	return 0;
}

static uint64_t stack_top(void)
{
	const struct region *stack = layout_get(guest_memory_layout(box.memory), REGION_STACK);
	return stack->va + stack->size;
}

static uint64_t word(uint64_t address)
{
	uint64_t value;
	assert_int_equal(
		guest_memory_read(box.memory, address, &value, sizeof value, REGION_READ, NULL),
		MOTE_OK);
	return value;
}

static const char *text(uint64_t address)
{
	static char string[4096];
	size_t length;
	assert_int_equal(
		guest_memory_string(box.memory, address, string, sizeof string, &length, NULL),
		MOTE_OK);
	return string;
}

static uint64_t build(const struct program *program)
{
	uint64_t rsp = 0;
	mote_error err = { .message = "" };
	if (program_build_stack(box.memory, &box.host, program, &rsp, &err))
		fail_msg("%s", err.message);
	return rsp;
}

/* Checks a list of strings that ends with a 0; returns the address behind it. */
static uint64_t check_strings(uint64_t at, const char *const *want, size_t count)
{
	for (size_t i = 0; i < count; i++, at += 8) {
		const uint64_t address = word(at);
		assert_true(address > at && address < stack_top());
		assert_string_equal(text(address), want[i]);
	}
	assert_int_equal(word(at), 0);
	return at + 8;
}

/* The value of the one entry of TYPE in the vector at AUXV; ends the test if there is none. */
static uint64_t aux(uint64_t auxv, uint64_t type)
{
	uint64_t value = 0;
	int found = 0;

	for (; word(auxv) != AT_NULL; auxv += 16)
		if (word(auxv) == type) {
			value = word(auxv + 8);
			found++;
		}
	if (found != 1)
		fail_msg("%d entries of type %llu", found, (unsigned long long)type);
	return value;
}

static const char *const argv[] = { "prog", "", "two words", "\xc3\xa4" };
static const char *const envp[] = { "PATH=/bin", "EMPTY=" };

static struct program sample(void)
{
	struct program program = {
		.entry = 0x401234,
		.phdr_address = 0x400040,
		.phdr_count = 7,
		.phdr_size = 56,
		.argc = 4,
		.argv = argv,
		.envc = 2,
		.envp = envp,
	};
	for (size_t i = 0; i < sizeof program.random; i++)
		program.random[i] = (uint8_t)(0xf0 + i);
	return program;
}

static void arguments_and_environment_are_where_the_abi_says(void **state)
{
	(void)state;
	const struct program program = sample();
	const uint64_t rsp = build(&program);

	assert_int_equal(word(rsp), 4);
	const uint64_t env = check_strings(rsp + 8, argv, 4);
	check_strings(env, envp, 2);
}

static void the_auxiliary_vector_describes_the_program(void **state)
{
	(void)state;
	const struct program program = sample();
	const uint64_t auxv = build(&program) + 8 * (1 + 4 + 1 + 2 + 1);
	uint8_t random[16];

	assert_int_equal(aux(auxv, AT_PHDR), 0x400040);
	assert_int_equal(aux(auxv, AT_PHENT), 56);
	assert_int_equal(aux(auxv, AT_PHNUM), 7);
	assert_int_equal(aux(auxv, AT_PAGESZ), 4096);
	assert_int_equal(aux(auxv, AT_BASE), 0);
	assert_int_equal(aux(auxv, AT_FLAGS), 0);
	assert_int_equal(aux(auxv, AT_ENTRY), 0x401234);
	assert_int_equal(aux(auxv, AT_SECURE), 0);
	assert_int_equal(aux(auxv, AT_CLKTCK), 100);
	assert_string_equal(text(aux(auxv, AT_EXECFN)), "guest");
	assert_string_equal(text(aux(auxv, AT_PLATFORM)), "x86_64");
	assert_int_equal(guest_memory_read(box.memory, aux(auxv, AT_RANDOM), random, sizeof random,
					   REGION_READ, NULL),
			 MOTE_OK);
	assert_memory_equal(random, program.random, sizeof random);
	/* no root, and the same everywhere */
	const uint64_t user = aux(auxv, AT_UID);
	assert_int_not_equal(user, 0);
	assert_true(aux(auxv, AT_EUID) == user && aux(auxv, AT_GID) == user &&
		    aux(auxv, AT_EGID) == user);
}

static void only_a_guest_learns_of_its_host(void **state)
{
	(void)state;
	struct program program = sample();
	const size_t skip = 8 * (1 + 4 + 1 + 2 + 1);

	program.has_start_block = true;
	assert_int_equal(aux(build(&program) + skip, MOTE_AT_START_BLOCK), MOTE_START_BLOCK);
	program.has_start_block = false;
	for (uint64_t at = build(&program) + skip; word(at) != AT_NULL; at += 16)
		assert_int_not_equal(word(at), MOTE_AT_START_BLOCK);
}

static void the_stack_pointer_is_aligned_and_at_the_top(void **state)
{
	(void)state;
	char string[64];
	const char *list[] = { string };

	for (size_t length = 0; length < 40; length++) {
		struct program program = { .argc = 1, .argv = list };
		memset(string, 'x', length);
		string[length] = '\0';
		const uint64_t rsp = build(&program);
		assert_int_equal(rsp % 16, 0);
		/* all of it fits, and less than 16 bytes are wasted */
		const size_t strings = length + 1 + 16 + sizeof "guest" + sizeof "x86_64";
		assert_true(stack_top() - rsp >= 8 * (4 + 2 * PROGRAM_AUXV_ENTRIES) + strings);
		assert_string_equal(text(word(rsp + 8)), string);
	}
}

static void no_arguments_and_no_environment_is_fine(void **state)
{
	(void)state;
	const struct program program = { .entry = 1 };
	const uint64_t rsp = build(&program);

	assert_int_equal(word(rsp), 0);
	assert_int_equal(word(rsp + 8), 0);
	assert_int_equal(word(rsp + 16), 0);
	assert_int_equal(aux(rsp + 24, AT_ENTRY), 1);
}

/* The stack has 0x4000 bytes; a quarter of them may be arguments. */
static void more_than_a_quarter_of_the_stack_is_refused(void **state)
{
	(void)state;
	static char big[0x2000];
	const char *list[] = { big };
	const size_t fixed = 8 * (4 + 2 * PROGRAM_AUXV_ENTRIES) + PROGRAM_STRINGS_SIZE;
	struct program as_argument = { .argc = 1, .argv = list };
	struct program as_environment = { .envc = 1, .envp = list };
	uint64_t rsp;
	mote_error err;

	memset(big, 'x', 0x1000 - fixed - 1);
	build(&as_argument);
	build(&as_environment);
	big[0x1000 - fixed - 1] = 'x';
	const struct program *const programs[] = { &as_argument, &as_environment };
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
			program_build_stack(box.memory, &box.host, programs[i], &rsp, &err),
			MOTE_E_INVALID);
		assert_non_null(strstr(err.message, "raise stack_size"));
		assert_non_null(
			strstr(err.message, "need 4112 bytes; a quarter of the stack, 4096 bytes"));
		assert_int_equal(
			program_build_stack(box.memory, &box.host, programs[i], &rsp, NULL),
			MOTE_E_INVALID);
	}
}

static void many_arguments_count_by_their_pointers_too(void **state)
{
	(void)state;
	const char *list[600];
	struct program program = { .argc = 600, .argv = list };
	uint64_t rsp;

	for (size_t i = 0; i < 600; i++)
		list[i] = "";
	assert_int_equal(program_build_stack(box.memory, &box.host, &program, &rsp, NULL),
			 MOTE_E_INVALID);
	program.argc = 300;
	assert_int_equal(program_build_stack(box.memory, &box.host, &program, &rsp, NULL), MOTE_OK);
	assert_int_equal(check_strings(rsp + 8, list, 300), rsp + 8 * 302);
}

static void without_memory_nothing_is_written(void **state)
{
	(void)state;
	const struct program program = sample();
	uint64_t rsp;
	mote_error err;

	const struct host *host = fail_host(1, FAIL_ONCE, 0);
	assert_int_equal(program_build_stack(box.memory, host, &program, &rsp, &err), MOTE_E_NOMEM);
	assert_non_null(strstr(err.message, "the program's arguments"));
	assert_int_equal(word(stack_top() - 8), 0);
	host = fail_host(0, FAIL_ONCE, 0);
	assert_int_equal(program_build_stack(box.memory, host, &program, &rsp, &err), MOTE_OK);
	assert_null(fail_leak());
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(arguments_and_environment_are_where_the_abi_says),
		TEST(the_auxiliary_vector_describes_the_program),
		TEST(only_a_guest_learns_of_its_host),
		TEST(the_stack_pointer_is_aligned_and_at_the_top),
		TEST(no_arguments_and_no_environment_is_fine),
		TEST(more_than_a_quarter_of_the_stack_is_refused),
		TEST(many_arguments_count_by_their_pointers_too),
		TEST(without_memory_nothing_is_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

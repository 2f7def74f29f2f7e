/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmocka.h - as much of cmocka's interface as the tests use that also run on Windows, for
 * which Debian has no cmocka: cases in a row, each ended by its first failure, and the lines
 * that tools/test_output.py counts. See cmocka.c.
 */
#ifndef TESTS_WINDOWS_CMOCKA_H
#define TESTS_WINDOWS_CMOCKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

#define cmocka_unit_test(function)                                                                 \
	{                                                                                          \
#function, function                                                                \
	}

/* Runs the COUNT cases; returns how many failed. FIXTURE may be NULL. */
int cmocka_run(const struct CMUnitTest *tests, size_t count, int (*fixture)(void **state));

/* No test that runs here has something to take down. */
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
	((void)sizeof((teardown) == NULL),                                                         \
	 cmocka_run(tests, sizeof(tests) / sizeof((tests)[0]), setup))

/* End the case: as failed, with a message; as skipped. */
_Noreturn void cmocka_fail(const char *file, int line, const char *format, ...);
_Noreturn void cmocka_skip(void);

void cmocka_numbers(bool good, uint64_t a, uint64_t b, const char *text, const char *file,
		    int line);
void cmocka_strings(bool want, const char *a, const char *b, const char *file, int line);
void cmocka_bytes(const void *a, const void *b, size_t size, const char *file, int line);

#define fail_msg(...) cmocka_fail(__FILE__, __LINE__, __VA_ARGS__)
/* Says why. */
void print_message(const char *format, ...) __attribute__((format(gnu_printf, 1, 2)));

#define skip() cmocka_skip()

#define CMOCKA_CHECK(good, text)                                                                   \
	((good) ? (void)0 : cmocka_fail(__FILE__, __LINE__, "%s does not hold", text))
#define assert_true(value)     CMOCKA_CHECK(value, #value)
#define assert_false(value)    CMOCKA_CHECK(!(value), "not " #value)
#define assert_null(value)     CMOCKA_CHECK((value) == NULL, #value " is NULL")
#define assert_non_null(value) CMOCKA_CHECK((value) != NULL, #value " is not NULL")

#define CMOCKA_NUMBERS(a, want, b, text)                                                           \
	cmocka_numbers(want, (uint64_t)(a), (uint64_t)(b), text, __FILE__, __LINE__)
#define assert_int_equal(a, b)     CMOCKA_NUMBERS(a, true, b, #a)
#define assert_int_not_equal(a, b) CMOCKA_NUMBERS(a, false, b, #a)
#define assert_ptr_equal(a, b)                                                                     \
	CMOCKA_NUMBERS((uintptr_t)(const void *)(a), true, (uintptr_t)(const void *)(b), #a)

#define assert_string_equal(a, b)       cmocka_strings(true, a, b, __FILE__, __LINE__)
#define assert_string_not_equal(a, b)   cmocka_strings(false, a, b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, size) cmocka_bytes(a, b, size, __FILE__, __LINE__)

#endif

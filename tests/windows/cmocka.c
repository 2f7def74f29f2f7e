/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cases in a row, and the lines that cmocka would print about them. A case that crashes takes
 * the program along; whoever counts sees that there is no summary.
 */
#include <cmocka.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum outcome { GOOD, FAILED, SKIPPED, OUTCOMES };

static jmp_buf end_of_case;

void cmocka_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	printf("%s:%d: ", file, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	longjmp(end_of_case, FAILED);
}

void print_message(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

void cmocka_skip(void)
{
	longjmp(end_of_case, SKIPPED);
}

void cmocka_numbers(bool want, uint64_t a, uint64_t b, const char *text, const char *file, int line)
{
	if ((a == b) != want)
		cmocka_fail(file, line, "%s is 0x%llx, %s 0x%llx", text, (unsigned long long)a,
			    want ? "not" : "the same as", (unsigned long long)b);
}

void cmocka_strings(bool want, const char *a, const char *b, const char *file, int line)
{
	if (!a || !b || (strcmp(a, b) == 0) != want)
		cmocka_fail(file, line, "\"%s\", %s \"%s\"", a ? a : "(NULL)",
			    want ? "not" : "the same as", b ? b : "(NULL)");
}

void cmocka_bytes(const void *a, const void *b, size_t size, const char *file, int line)
{
	const uint8_t *left = a, *right = b;

	for (size_t i = 0; i < size; i++)
		if (left[i] != right[i])
			cmocka_fail(file, line, "byte %zu is 0x%x, not 0x%x", i, left[i], right[i]);
}

static enum outcome run_case(const struct CMUnitTest *test)
{
	void *state = NULL;

	switch (setjmp(end_of_case)) {
	case 0:
		test->run(&state);
		return GOOD;
	case SKIPPED:
		return SKIPPED;
	default:
		return FAILED;
	}
}

int cmocka_run(const struct CMUnitTest *tests, size_t count, int (*fixture)(void **state))
{
	static const char *const words[] = { "       OK ", "  FAILED  ", "  SKIPPED " };
	unsigned counts[OUTCOMES] = { 0 };
	void *state = NULL;

	setvbuf(stdout, NULL, _IONBF, 0); /* what a crash would take along */
	if (fixture && (setjmp(end_of_case) != 0 || fixture(&state) != 0)) {
		printf("[  FAILED  ] %zu test(s), for which nothing could be set up\n", count);
		return (int)count;
	}
	printf("[==========] Running %zu test(s).\n", count);
	for (size_t i = 0; i < count; i++) {
		printf("[ RUN      ] %s\n", tests[i].name);
		enum outcome outcome = run_case(&tests[i]);
		printf("[%s] %s\n", words[outcome], tests[i].name);
		counts[outcome]++;
	}
	printf("[==========] %zu test(s) run.\n[  PASSED  ] %u test(s).\n", count, counts[GOOD]);
	for (enum outcome outcome = FAILED; outcome < OUTCOMES; outcome++)
		if (counts[outcome])
			printf("[%s] %u test(s).\n", words[outcome], counts[outcome]);
	return (int)counts[FAILED];
}

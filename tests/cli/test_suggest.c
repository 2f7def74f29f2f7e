/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": which names are near enough, and which of them is nearest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/suggest.h"

#include <string.h>

#define LONG_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static void the_nearest_name_is_suggested(void **state)
{
	static const struct {
		const char *typed;
		const char *offered[3];
		const char *best;
	} rows[] = {
		{ "SayHelo", { "Add", "SayHello" }, "SayHello" },
		{ "SayHelllo", { "Add", "SayHello" }, "SayHello" },
		{ "SayHallo", { "Add", "SayHello" }, "SayHello" },
		{ "sayhello", { "SayHello" }, "SayHello" },
		{ "SAYHELLO", { "SayHello" }, "SayHello" },
		{ "Ad", { "Add" }, "Add" },
		{ "Adb", { "Adc", "Add" }, "Adc" }, /* the first of equals */
		{ "Goodbye", { "SayHello", "Add" }, NULL },
		{ "ab", { "cd" }, NULL },
		{ "abcdef", { "abcxyz" }, NULL }, /* half of it */
		{ "abcdef", { "abcdxy" }, "abcdxy" },
		{ "", { "Add" }, NULL },
		{ "x", { "y" }, NULL }, /* all of it */
		{ LONG_63, { LONG_63 }, LONG_63 },
		{ LONG_63 "x", { LONG_63 }, NULL },
		{ LONG_63, { LONG_63 "x" }, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct suggestion suggestion = suggestion_for(rows[i].typed);
		for (size_t j = 0; j < 3 && rows[i].offered[j]; j++)
			suggestion_offer(&suggestion, rows[i].offered[j]);
		if (rows[i].best)
			assert_string_equal(suggestion.best, rows[i].best);
		else
			assert_null(suggestion.best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_name_is_suggested),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers from words: what is one, what is none, and the edges of each range.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/number.h"

#include <string.h>

static void scans_digits_and_stops_at_the_rest(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
		const char *rest; /* NULL: is none */
	} rows[] = {
		{ "0", 0, "" },
		{ "7K", 7, "K" },
		{ "18446744073709551615", UINT64_MAX, "" },
		{ "18446744073709551616", 0, NULL },
		{ "99999999999999999999999", 0, NULL },
		{ "0xffffffffffffffff", UINT64_MAX, "" },
		{ "0x10000000000000000", 0, NULL },
		{ "0Xa", 10, "" },
		{ "0x", 0, NULL },
		{ "0xg", 0, NULL },
		{ "08", 8, "" },
		{ "12ab", 12, "ab" },
		{ "", 0, NULL },
		{ "-1", 0, NULL },
		{ "+1", 0, NULL },
		{ " 1", 0, NULL },
		{ "K", 0, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t value = 0;
		const char *rest = number_scan(rows[i].text, &value);
		if (!rows[i].rest) {
			assert_null(rest);
			continue;
		}
		assert_non_null(rest);
		assert_string_equal(rest, rows[i].rest);
		assert_int_equal(value, rows[i].value);
	}
}

static void a_signed_number_keeps_its_range(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max;
		bool fits;
		int64_t value;
	} rows[] = {
		{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
		{ "-0", INT64_MIN, INT64_MAX, true, 0 },
		{ "-1", INT32_MIN, INT32_MAX, true, -1 },
		{ "-2147483648", INT32_MIN, INT32_MAX, true, INT32_MIN },
		{ "-2147483649", INT32_MIN, INT32_MAX, false, 0 },
		{ "2147483648", INT32_MIN, INT32_MAX, false, 0 },
		{ "5", 0, 5, true, 5 },
		{ "-1", 0, 5, false, 0 },
		{ "--1", INT64_MIN, INT64_MAX, false, 0 },
		{ "-", INT64_MIN, INT64_MAX, false, 0 },
		{ "1 ", INT64_MIN, INT64_MAX, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t value = 0;
		bool fits = number_signed(rows[i].text, rows[i].min, rows[i].max, &value);
		assert_int_equal(fits, rows[i].fits);
		if (fits)
			assert_true(value == rows[i].value);
	}
}

static void an_unsigned_number_keeps_its_range(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(number_unsigned("255", 255, &value));
	assert_int_equal(value, 255);
	assert_false(number_unsigned("256", 255, &value));
	assert_false(number_unsigned("25 ", 255, &value));
	assert_false(number_unsigned("-0", 255, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scans_digits_and_stops_at_the_rest),
		cmocka_unit_test(a_signed_number_keeps_its_range),
		cmocka_unit_test(an_unsigned_number_keeps_its_range),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

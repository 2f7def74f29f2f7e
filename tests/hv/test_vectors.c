/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Areas of vector registers that somebody made up: what is left of them is what a processor takes.
 */
#include "hv/hv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t number_at(const struct hv_vectors *vectors, size_t offset)
{
	uint64_t number;

	memcpy(&number, vectors->area + offset, sizeof number);
	return number;
}

static void what_no_processor_takes_is_dropped(void **state)
{
	(void)state;
	struct hv_vectors vectors;

	memset(&vectors, 0xff, sizeof vectors);
	hv_vectors_clean(&vectors, 0xe7);
	assert_int_equal(number_at(&vectors, HV_VECTORS_HEADER), 0xe7);
	for (size_t i = HV_VECTORS_HEADER + 8; i < HV_VECTORS_LEAST; i++)
		assert_int_equal(vectors.area[i], 0);
	assert_int_equal(number_at(&vectors, HV_VECTORS_MXCSR) & UINT32_MAX, 0xffff);
	/* and nothing else */
	assert_int_equal(vectors.area[HV_VECTORS_MXCSR - 1], 0xff);
	assert_int_equal(vectors.area[HV_VECTORS_MXCSR + 4], 0xff);
	assert_int_equal(vectors.area[HV_VECTORS_HEADER - 1], 0xff);
	assert_int_equal(vectors.area[HV_VECTORS_LEAST], 0xff);
}

static void a_program_begins_with_its_defaults(void **state)
{
	(void)state;
	struct hv_vectors vectors;

	memset(&vectors, 0xff, sizeof vectors);
	hv_vectors_init(&vectors);
	assert_int_equal(number_at(&vectors, 0), 0x037f);
	assert_int_equal(number_at(&vectors, HV_VECTORS_MXCSR), 0x1f80);
	assert_int_equal(number_at(&vectors, HV_VECTORS_HEADER), 0);
	assert_int_equal(vectors.size, HV_VECTORS_LEAST);
	assert_int_equal(vectors.area[HV_VECTORS_MOST - 1], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_processor_takes_is_dropped),
		cmocka_unit_test(a_program_begins_with_its_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

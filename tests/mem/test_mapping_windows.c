/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings on Windows: aligned, guarded on both sides, zero when fresh, and gone without a
 * trace when a step of making them fails. Runs by tests/windows/run.
 */
#include "mem/mapping.h"

#include "kit/fail.h"
#include "mem/faults.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <windows.h>

#include <cmocka.h>

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 };

static const size_t sizes[] = {
	PAGE, 3 * PAGE, HUGE_PAGE - PAGE, HUGE_PAGE, HUGE_PAGE + PAGE, 5 * HUGE_PAGE,
};

typedef void check_fn(struct mapping *mapping, const struct host *host);

static void for_each_mapping(check_fn *check)
{
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		for (int with_fd = 0; with_fd < 2; with_fd++) {
			const struct host *host = fail_host(0, FAIL_ONCE, 0);
			struct mapping mapping;
			assert_int_equal(mapping_init(&mapping, host, sizes[i], with_fd, NULL),
					 MOTE_OK);
			assert_int_equal(mapping.size, sizes[i]);
			assert_int_equal(mapping.fd, -1);
			check(&mapping, host);
			mapping_fini(&mapping, host);
			assert_null(fail_leak());
			mapping_fini(&mapping, host);
		}
	}
}

/* How the pages from AT on are protected, and how far that goes. */
static DWORD protection_at(const uint8_t *at, size_t *size)
{
	MEMORY_BASIC_INFORMATION info = { .Protect = 0 };

	assert_int_equal(VirtualQuery(at, &info, sizeof info), sizeof info);
	*size = info.RegionSize;
	return info.Protect;
}

static void check_shape(struct mapping *mapping, const struct host *host)
{
	uint8_t *base = mapping->base;
	size_t size = mapping->size, run;
	uint8_t *reserved = mapping->reserved;
	(void)host;

	assert_int_equal((uintptr_t)base % (size < HUGE_PAGE ? PAGE : HUGE_PAGE), 0);
	assert_true(reserved <= base - PAGE); /* guards of our own, not by luck */
	assert_true(reserved + mapping->reserved_size >= base + size + PAGE);
	assert_true(faults(base - 1, ACCESS_READ));
	assert_true(faults(base - PAGE, ACCESS_WRITE));
	assert_true(faults(base + size, ACCESS_WRITE));
	assert_true(faults(base + size + PAGE - 1, ACCESS_READ));
	assert_false(faults(base, ACCESS_WRITE));
	assert_false(faults(base + size - 1, ACCESS_WRITE));

	/* nothing of the view is accessible but the mapping */
	assert_int_equal(protection_at(reserved, &run), PAGE_NOACCESS);
	assert_int_equal(run, base - reserved);
	assert_int_equal(protection_at(base, &run), PAGE_READWRITE);
	assert_int_equal(run, size);
	assert_int_equal(protection_at(base + size, &run), PAGE_NOACCESS);
	assert_int_equal(run, reserved + mapping->reserved_size - (base + size));
}

static void mappings_are_aligned_and_guarded(void **state)
{
	(void)state;
	for_each_mapping(check_shape);
}

static void check_bytes(struct mapping *mapping, const struct host *host)
{
	for (size_t i = 0; i < mapping->size; i++)
		if (mapping->base[i] != 0)
			fail_msg("byte %zu of %zu fresh ones is 0x%x", i, mapping->size,
				 mapping->base[i]);
	mapping->base[mapping->size - 1] = 2;
	mapping_populate(mapping, host, 0, mapping->size);
	assert_int_equal(mapping->base[mapping->size - 1], 2);
	assert_false(mapping_discard(mapping, host, mapping->size - PAGE, PAGE));
	assert_int_equal(mapping->base[mapping->size - 1], 2);
}

static void fresh_bytes_are_zero_and_none_is_ever_taken_back(void **state)
{
	(void)state;
	for_each_mapping(check_bytes);
}

static void check_seal(struct mapping *mapping, const struct host *host)
{
	mapping->base[7] = 42;
	assert_int_equal(mapping_seal(mapping, host, NULL), MOTE_OK);
	assert_int_equal(mapping->base[7], 42);
	assert_true(faults(mapping->base, ACCESS_WRITE));
	assert_true(faults(mapping->base + mapping->size - 1, ACCESS_WRITE));
	assert_true(faults(mapping->base - 1, ACCESS_READ));
}

static void sealed_mappings_refuse_writes(void **state)
{
	(void)state;
	for_each_mapping(check_seal);
}

static void the_section_leads_to_the_same_bytes(void **state)
{
	struct host host;
	struct mapping mapping;
	(void)state;

	host_init(&host);
	assert_int_equal(mapping_init(&mapping, &host, 2 * PAGE, true, NULL), MOTE_OK);
	memcpy(mapping.base + PAGE, "hello", 6);
	/* another view, as another process would have it: where the mapping is in it is the
	 * same, and it has no guards */
	const uint8_t *view = MapViewOfFile(mapping.section, FILE_MAP_READ, 0, 0, 0);
	assert_non_null(view);
	assert_string_equal(
		(const char *)view + (mapping.base - (uint8_t *)mapping.reserved) + PAGE, "hello");
	UnmapViewOfFile(view);
	mapping_fini(&mapping, &host);
}

static void a_size_that_wraps_or_that_nobody_has_is_refused(void **state)
{
	static const size_t huge[] = { SIZE_MAX - 2 * PAGE + 1, SIZE_MAX / 4 + 1 };
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct mapping mapping;
		mote_error err = { .code = MOTE_OK };
		mote_status status = mapping_init(&mapping, host, huge[i], true, &err);
		if (status != MOTE_E_NOMEM || err.code != status)
			fail_msg("%zu bytes: %s: %s", huge[i], mote_status_name(status),
				 err.message);
		assert_null(fail_leak());
	}
}

static void errors_come_with_the_system_s_words(void **state)
{
	struct mapping mapping;
	mote_error err;
	(void)state;

	const struct host *host = fail_host(1, FAIL_ONCE, ERROR_ACCESS_DENIED);
	assert_int_equal(mapping_init(&mapping, host, PAGE, false, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, ERROR_ACCESS_DENIED);
	static const char before[] = "cannot make a section of 12288 bytes: ";
	size_t length = strlen(err.message);
	assert_memory_equal(err.message, before, sizeof before - 1);
	assert_true(length > sizeof before); /* each version has other words */
	assert_null(strpbrk(err.message + length - 1, ".\r\n"));

	host = fail_host(2, FAIL_ONCE, ERROR_NOT_ENOUGH_MEMORY);
	assert_int_equal(mapping_init(&mapping, host, PAGE, false, &err), MOTE_E_NOMEM);
	assert_int_equal(err.os_error, 0);

	host = fail_host(3, FAIL_ONCE, 0x1fffff);
	assert_int_equal(mapping_init(&mapping, host, PAGE, false, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "error 2097151"));
}

static mote_status make_and_seal(const struct host *host, void *unused, mote_error *err)
{
	struct mapping mapping;
	mote_status status = mapping_init(&mapping, host, HUGE_PAGE, true, err);
	(void)unused;
	if (status) {
		assert_null(mapping.reserved);
		assert_null(mapping.section);
		return status;
	}
	status = mapping_seal(&mapping, host, err);
	mapping_fini(&mapping, host);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_operation(make_and_seal, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mappings_are_aligned_and_guarded),
		cmocka_unit_test(fresh_bytes_are_zero_and_none_is_ever_taken_back),
		cmocka_unit_test(sealed_mappings_refuse_writes),
		cmocka_unit_test(the_section_leads_to_the_same_bytes),
		cmocka_unit_test(a_size_that_wraps_or_that_nobody_has_is_refused),
		cmocka_unit_test(errors_come_with_the_system_s_words),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

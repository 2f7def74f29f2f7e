/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of Windows, counted; what they hand out goes into the books.
 */
#include "tests/kit/fail_sys.h"

#include "tests/windows/books.h"

#include <windows.h>

/* As fail_count(), with the error where the library looks for it. */
static bool fails(const char *name)
{
	int error;
	bool fails = fail_count(name, &error);

	if (fails)
		SetLastError((DWORD)error);
	return fails;
}

static void *counting_create_file_mapping(uint64_t size)
{
	if (fails("create_file_mapping"))
		return NULL;
	void *section = sys_windows.create_file_mapping(size);
	if (section)
		books_take(section, 0, "create_file_mapping");
	return section;
}

static void *counting_map_view_of_file(void *section)
{
	if (fails("map_view_of_file"))
		return NULL;
	void *at = sys_windows.map_view_of_file(section);
	if (at)
		books_take(at, 0, "map_view_of_file");
	return at;
}

static bool counting_unmap_view_of_file(void *at)
{
	books_give_back(at, 0);
	return sys_windows.unmap_view_of_file(at);
}

static bool counting_virtual_protect(void *at, size_t size, uint32_t protection)
{
	return !fails("virtual_protect") && sys_windows.virtual_protect(at, size, protection);
}

static bool counting_close_handle(void *handle)
{
	books_give_back(handle, 0);
	return sys_windows.close_handle(handle);
}

static int last_error(void)
{
	return sys_windows.last_error();
}

const struct sys fail_sys = {
	.create_file_mapping = counting_create_file_mapping,
	.map_view_of_file = counting_map_view_of_file,
	.unmap_view_of_file = counting_unmap_view_of_file,
	.virtual_protect = counting_virtual_protect,
	.close_handle = counting_close_handle,
	.last_error = last_error,
};

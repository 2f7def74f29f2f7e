/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Windows system calls behind sys_windows.h. Thin on purpose: no retries, no policy.
 */
#include "base/sys.h"

#include <windows.h>

static void *sys_create_file_mapping(uint64_t size)
{
	return CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, (DWORD)(size >> 32),
				  (DWORD)size, NULL);
}

static void *sys_map_view_of_file(void *section)
{
	return MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0);
}

static bool sys_unmap_view_of_file(void *at)
{
	return UnmapViewOfFile(at);
}

static bool sys_virtual_protect(void *at, size_t size, uint32_t protection)
{
	DWORD before;

	return VirtualProtect(at, size, protection, &before);
}

static bool sys_close_handle(void *handle)
{
	return CloseHandle(handle);
}

static int sys_last_error(void)
{
	return (int)GetLastError();
}

const struct sys *const sys_native = &sys_windows;

const struct sys sys_windows = {
	.create_file_mapping = sys_create_file_mapping,
	.map_view_of_file = sys_map_view_of_file,
	.unmap_view_of_file = sys_unmap_view_of_file,
	.virtual_protect = sys_virtual_protect,
	.close_handle = sys_close_handle,
	.last_error = sys_last_error,
};

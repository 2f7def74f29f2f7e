/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error numbers on Windows: what GetLastError() returns.
 */
#include "base/os_error.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

void os_error_text(int os_error, char *out, size_t size)
{
	DWORD flags = FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS;

	if (FormatMessageA(flags, NULL, (DWORD)os_error, 0, out, (DWORD)size, NULL) == 0)
		snprintf(out, size, "error %d", os_error);
	/* It ends its sentences, and its lines. */
	out[strcspn(out, "\r\n")] = '\0';
	size_t length = strlen(out);
	if (length > 0 && out[length - 1] == '.')
		out[length - 1] = '\0';
}

bool os_error_is_nomem(int os_error)
{
	return os_error == ERROR_NOT_ENOUGH_MEMORY || os_error == ERROR_OUTOFMEMORY ||
	       os_error == ERROR_COMMITMENT_LIMIT;
}

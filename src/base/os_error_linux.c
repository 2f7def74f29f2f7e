/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error numbers on Linux: errno.
 */
#include "base/os_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void os_error_text(int os_error, char *out, size_t size)
{
	/* POSIX's strerror_r: the text lands in OUT, and no thread shares it. */
	if (strerror_r(os_error, out, size) != 0)
		snprintf(out, size, "error %d", os_error);
}

bool os_error_is_nomem(int os_error)
{
	return os_error == ENOMEM;
}

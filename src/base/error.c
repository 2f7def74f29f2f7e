/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills the caller's mote_error and names the status codes. Works when memory is
 * out: everything is formatted straight into the caller's storage.
 */
#include "base/error.h"

#include "base/os_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(mote_error *err, mote_status code, const char *format, va_list args)
{
	memset(err, 0, offsetof(mote_error, message));
	err->code = code;
	if (vsnprintf(err->message, sizeof err->message, format, args) < 0)
		err->message[0] = '\0';
}

mote_status error_set(mote_error *err, mote_status code, const char *format, ...)
{
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	fill(err, code, format, args);
	va_end(args);
	return code;
}

mote_status error_os(mote_error *err, int os_error, const char *format, ...)
{
	mote_status code = os_error_is_nomem(os_error) ? MOTE_E_NOMEM : MOTE_E_OS;
	if (!err)
		return code;
	va_list args;
	va_start(args, format);
	fill(err, code, format, args);
	va_end(args);

	err->os_error = code == MOTE_E_OS ? os_error : 0;
	char text[96];
	os_error_text(os_error, text, sizeof text);
	size_t used = strlen(err->message);
	snprintf(err->message + used, sizeof err->message - used, ": %s", text);
	return code;
}

mote_status error_nomem(mote_error *err, const char *what, size_t size)
{
	return error_set(err, MOTE_E_NOMEM, "out of memory: %zu bytes for %s", size, what);
}

void error_prefix(mote_error *err, const char *format, ...)
{
	if (!err)
		return;
	char old[MOTE_ERROR_MESSAGE_SIZE];
	memcpy(old, err->message, sizeof old);

	va_list args;
	va_start(args, format);
	int n = vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	size_t used = n < 0 ? 0 : strlen(err->message);
	snprintf(err->message + used, sizeof err->message - used, "%s", old);
}

/* One line a code: the only list of their names. */
static const struct {
	mote_status code;
	const char *name;
} status_names[] = {
#define ROW(code)                                                                                  \
	{                                                                                          \
		code, #code                                                                        \
	}
	ROW(MOTE_OK),
	ROW(MOTE_E_INVALID),
	ROW(MOTE_E_OPTION),
	ROW(MOTE_E_STATE),
	ROW(MOTE_E_NOMEM),
	ROW(MOTE_E_OS),
	ROW(MOTE_E_NO_HYPERVISOR),
	ROW(MOTE_E_LIMIT),
	ROW(MOTE_E_HOST_CHECK),
	ROW(MOTE_E_IMAGE),
	ROW(MOTE_E_ABI_MISMATCH),
	ROW(MOTE_E_SNAPSHOT),
	ROW(MOTE_E_NO_FUNCTION),
	ROW(MOTE_E_SIGNATURE),
	ROW(MOTE_E_GUEST_ERROR),
	ROW(MOTE_E_GUEST_ABORT),
	ROW(MOTE_E_GUEST_FAULT),
	ROW(MOTE_E_GUEST_PROTOCOL),
	ROW(MOTE_E_CANCELED),
	ROW(MOTE_E_TIMEOUT),
	ROW(MOTE_E_GUEST_LIMIT),
#undef ROW
};

const char *mote_status_name(mote_status status)
{
	for (size_t i = 0; i < sizeof status_names / sizeof status_names[0]; i++)
		if (status_names[i].code == status)
			return status_names[i].name;
	return "MOTE_E_UNKNOWN";
}

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *mote_version(void)
{
	return TEXT(MOTE_VERSION_MAJOR) "." TEXT(MOTE_VERSION_MINOR) "." TEXT(MOTE_VERSION_PATCH);
}

_Static_assert(sizeof(mote_error) == 512, "mote_error is frozen: callers allocate it themselves");

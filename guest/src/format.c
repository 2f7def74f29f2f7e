/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs printf(): an object of its own in the archive, so that guests that do not use
 * it need not carry it.
 */
#include <mote/guest.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SMALL_SIZE 256
#define LINE_SIZE  513 /* one more than goes out, so that a cut falls between characters */

char *mote_format(const char *format, ...)
{
	char small[SMALL_SIZE];
	va_list arguments;

	va_start(arguments, format);
	int len = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	if (len < 0)
		mote_guest_fail(15, "mote_format: printf cannot format this");
	size_t size = (size_t)len + 1;
	char *text = mote_alloc(size);
	if (size <= sizeof(small))
		return memcpy(text, small, size);
	va_start(arguments, format);
	vsnprintf(text, size, format, arguments);
	va_end(arguments);
	return text;
}

void mote_guest_log(mote_log_level level, const char *format, ...)
{
	char line[LINE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	int len = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	mote_guest_log_line(level, len < 0 ? "mote_guest_log: printf cannot format this" : line);
}

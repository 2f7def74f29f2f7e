/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors, the guest's and the library's own: the end of a call, or of the program when there
 * is no call to end; and the end of the program at any time.
 */
#include "state.h"

#include <string.h>

void call_fail(uint64_t code, const char *text, size_t len)
{
	struct wire_result result = {
		.is_error = true,
		.code = code,
		.message = text,
		.message_len = len,
	};

	if (!current_function)
		program_end(text, len);
	call_end(&result);
}

void call_fail_format(uint64_t code, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;

	va_start(arguments, format);
	size_t len = text_format(text, sizeof(text), format, arguments);
	va_end(arguments);
	call_fail(code, text, len);
}

void mote_guest_abort(uint8_t code, const char *message)
{
	char text[TEXT_SIZE];

	program_abort(code, text, text_copy(text, sizeof(text), message, strlen(message)));
}

void mote_guest_fail(uint64_t code, const char *message)
{
	char text[TEXT_SIZE];

	call_fail(code, text, text_copy(text, sizeof(text), message, strlen(message)));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports failures. The library has escaped what the guest had a hand in, but names of files are as
 * someone gave them.
 */
#include "report.h"

#include "command.h"
#include "json.h"
#include "receipt.h"
#include "terminal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

mote_status fail(mote_error *err, mote_status code, const char *format, ...)
{
	va_list args;

	*err = (mote_error){ .code = code };
	va_start(args, format);
	vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	return code;
}

int report_status(mote_status code)
{
	if (code == MOTE_E_GUEST_ERROR)
		return EXIT_GUEST_ERROR;
	switch (mote_status_class(code)) {
	case MOTE_CLASS_USAGE:
	case MOTE_CLASS_CALL:
		return EXIT_USAGE;
	case MOTE_CLASS_FILE:
		return EXIT_IMAGE;
	case MOTE_CLASS_POISON:
		return EXIT_GUEST_CRASH;
	default:
		return EXIT_HOST;
	}
}

/* Only what means something for the code: a 0 would look like an answer. */
static void print_json(const mote_error *err, const struct crash *crash,
		       const mote_receipt *receipt)
{
	struct json_object *object = json_map(), *error = json_map();

	json_add(error, "code", json_text(mote_status_name(err->code)));
	json_add(error, "message", json_text(err->message));
	if (err->os_error)
		json_add(error, "os_error", json_number((uint64_t)err->os_error));
	if (err->code == MOTE_E_GUEST_ERROR)
		json_add(error, "guest_code", json_number(err->guest_code));
	if (err->code == MOTE_E_GUEST_FAULT) {
		json_add(error, "guest_pc", json_number(err->guest_pc));
		json_add(error, "guest_address", json_number(err->guest_address));
	}
	crash_add_json(crash, error);
	json_add(object, "error", error);
	if (receipt)
		receipt_add_json(receipt, object);
	json_print(stdout, object);
}

static void print_text(const mote_error *err)
{
	fputs("mote: ", stderr);
	terminal_escape(stderr, err->message, strlen(err->message));
	putc('\n', stderr);
}

int report_crash(const mote_error *err, const struct crash *crash, const mote_receipt *receipt,
		 bool wants_json)
{
	if (wants_json) {
		print_json(err, crash, receipt);
	} else {
		print_text(err);
		crash_print(crash);
		if (receipt)
			receipt_print(receipt);
	}
	return report_status(err->code);
}

int report(const mote_error *err, bool wants_json)
{
	const struct crash none = { 0 };

	return report_crash(err, &none, NULL, wants_json);
}

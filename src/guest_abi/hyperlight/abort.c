/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts abort messages together. The guest chooses every byte, and how many there are.
 */
#include "guest_abi/hyperlight/abort.h"

#include "guest_abi/exceptions.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *vector_name(uint8_t vector)
{
	static const char *const names[] = {
		"divide by zero",
		"debug exception",
		"non-maskable interrupt",
		"breakpoint",
		"overflow",
		"bound range exceeded",
		"invalid opcode",
		"device not available",
		"double fault",
		"coprocessor segment overrun",
		"invalid task state segment",
		"segment not present",
		"stack segment fault",
		"general protection fault",
		"page fault",
		"reserved exception",
		"x87 floating-point exception",
		"alignment check",
		"machine check",
		"SIMD floating-point exception",
		"virtualization exception",
	};
	_Static_assert(sizeof names / sizeof names[0] == HYPERLIGHT_LAST_VECTOR + 1,
		       "guests of 0.15 report these vectors, and that of security exceptions");

	if (vector <= HYPERLIGHT_LAST_VECTOR)
		return names[vector];
	return vector == HYPERLIGHT_SECURITY_VECTOR ? "security exception" : NULL;
}

/* Text that starts with a low byte is an exception only behind the code that says so. */
static void end(struct hyperlight_abort *abort, struct guest_event *event)
{
	const uint8_t *bytes = abort->bytes;
	const uint8_t code = abort->size > 0 ? bytes[0] : 0;
	const char *name =
		code == SCRATCH_ABORT_EXCEPTION && abort->size > 1 ? vector_name(bytes[1]) : NULL;
	const size_t skip = name ? 2 : 1;
	const size_t rest = abort->size > skip ? abort->size - skip : 0;
	size_t at = 0;

	if (name)
		at = (size_t)snprintf(abort->text, sizeof abort->text, "%s%s", name,
				      rest > 0 ? ": " : "");
	memcpy(abort->text + at, bytes + skip, rest);
	abort->vector = name ? bytes[1] : HYPERLIGHT_NO_EXCEPTION;
	*event = (struct guest_event){
		.kind = GUEST_ENDED,
		.status = name ? MOTE_E_GUEST_FAULT : MOTE_E_GUEST_ABORT,
		.code = code,
		.is_at_pc = name != NULL,
		.signal = name ? exception_meaning(bytes[1]).signal : SIGABRT,
		.text = abort->text,
		.text_size = at + rest,
	};
	abort->size = 0;
}

static void overflow(struct hyperlight_abort *abort, struct guest_event *event)
{
	static const char text[] = "the guest's abort message is longer than 1024 bytes";

	*event = (struct guest_event){
		.kind = GUEST_ENDED,
		.status = MOTE_E_GUEST_ABORT,
		.text = text,
		.text_size = sizeof text - 1,
		.signal = SIGABRT,
	};
	abort->vector = HYPERLIGHT_NO_EXCEPTION;
	abort->size = 0;
}

bool hyperlight_abort_take(struct hyperlight_abort *abort, uint32_t dword,
			   struct guest_event *event)
{
	unsigned count = dword & 0xff;

	if (count > 3)
		count = 3;
	for (; count > 0; count--) {
		dword >>= 8;
		const uint8_t byte = (uint8_t)dword;

		if (byte == SCRATCH_ABORT_END) {
			end(abort, event);
			return true;
		}
		if (abort->size == sizeof abort->bytes) {
			overflow(abort, event);
			return true;
		}
		abort->bytes[abort->size++] = byte;
	}
	return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abort.h - the message that a guest gives up with, put together from its pieces.
 *
 * It arrives by a port, up to three bytes a time, and is a code, text, and 0xff; for an exception
 * that the guest does not handle the code is 15, and the text begins with the vector.
 */
#ifndef GUEST_ABI_HYPERLIGHT_ABORT_H
#define GUEST_ABI_HYPERLIGHT_ABORT_H

#include "abi/hyperlight.h"
#include "guest_abi/event.h"

/* Storage of the caller. All zero: no byte has come. */
struct hyperlight_abort {
	size_t size;
	uint8_t bytes[HYPERLIGHT_ABORT_MAX];
	char text[HYPERLIGHT_ABORT_MAX + 64]; /* what the event says */
	uint8_t vector;                       /* of the exception that the last message was for, or
						 HYPERLIGHT_NO_EXCEPTION */
};

/*
 * Takes the DWORD that the guest wrote. True if the message is over, by its end or because it is
 * too long: then EVENT is filled in, but for where that was, and ABORT is empty again. EVENT's text
 * is in ABORT.
 */
bool hyperlight_abort_take(struct hyperlight_abort *abort, uint32_t dword,
			   struct guest_event *event);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one event that every ABI words itself.
 */
#include "guest_abi/event.h"

#include <stdio.h>
#include <string.h>

void guest_event_end(struct guest_event *event, mote_status status, char *text, size_t size,
		     const char *format, va_list arguments)
{
	vsnprintf(text, size, format, arguments);
	*event = (struct guest_event){
		.kind = GUEST_ENDED,
		.status = status,
		.text = text,
		.text_size = strlen(text),
	};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Strings and vectors whose length goes to the buffer's end and beyond, without a NUL on the way. */
#include "hostile/guests/forge.h"

/* Where the 8 bytes "endless!" begin, behind their length. */
static size_t find_text(const unsigned char *message, size_t size)
{
	for (size_t i = 4; i + 8 <= size; i++)
		if (memcmp(message + i, "endless!", 8) == 0)
			return i;
	return 4;
}

ATTACK_WAYS(5 * COUNT(edges))
{
	const mote_value text = mote_strn("endless!", 8);
	unsigned char message[MESSAGE_MAX];
	uint32_t length = (uint32_t)edges[way / 5];
	size_t size = 0;

	switch (way % 5) {
	case 0:
		size = write_result(message, text);
		break;
	case 1:
		size = write_result(message, mote_bytes("endless!", 8));
		break;
	case 2:
		size = write_error(message, "endless!", 8);
		break;
	case 3:
		size = write_log(message, "endless!", 8);
		break;
	case 4:
		size = write_call(message, "HostEcho", MOTE_STRING, 1, &text);
		break;
	}
	size_t at = find_text(message, size);
	memcpy(message + at - 4, &length, 4);
	memset(message + at, 'x', size - at);
	push(message, size);
	ring(way % 5 == 3 ? MOTE_HC_LOG : way % 5 == 4 ? MOTE_HC_HOST_CALL : MOTE_HC_DONE);
}

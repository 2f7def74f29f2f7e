/* SPDX-License-Identifier: Apache-2.0 */
/* Noise as a message of each kind, messages and buffers that are noise in places. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(100000)
{
	static const enum mote_hypercall doors[] = { MOTE_HC_DONE, MOTE_HC_LOG, MOTE_HC_HOST_CALL };
	static const mote_value text[1] = { { MOTE_STRING, 0, { .str = { "a text", 6 } } } };
	unsigned char message[MESSAGE_MAX];
	uint32_t state = (uint32_t)way * 2654435761u + 1, door = (uint32_t)way % 3;
	size_t size;

	switch (door) {
	case 0:
		size = write_result(message, mote_bytes("some bytes", 10));
		break;
	case 1:
		size = write_log(message, "a line", 6);
		break;
	default:
		size = write_call(message, "HostEcho", MOTE_STRING, 1, text);
		break;
	}
	if (way / 3 % 4 == 0)
		for (size_t i = 4; i < size; i++)
			message[i] = (unsigned char)next_random(&state);
	else
		for (uint32_t n = next_random(&state) % 6; n; n--)
			message[next_random(&state) % size] = (unsigned char)next_random(&state);
	push(message, size);
	if (way / 12 % 4 == 0) /* the stack pointer and what it points at, too */
		for (uint32_t n = next_random(&state) % 4; n; n--)
			output().base[next_random(&state) % (size + 16)] =
				(unsigned char)next_random(&state);
	ring(doors[door]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A good result, and a stack pointer of the output buffer that points elsewhere. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(2 * COUNT(edges))
{
	unsigned char message[MESSAGE_MAX];
	uint64_t pointer = edges[way / 2];

	if (way % 2)
		push(message, write_result(message, (mote_value){ .type = MOTE_VOID }));
	else
		push(message, write_log(message, "log", 3));
	memcpy(output().base, &pointer, sizeof pointer);
	ring(way % 2 ? MOTE_HC_DONE : MOTE_HC_LOG);
}

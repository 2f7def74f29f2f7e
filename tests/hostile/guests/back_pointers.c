/* SPDX-License-Identifier: Apache-2.0 */
/* A good result, and a back pointer behind it that points elsewhere. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(COUNT(edges))
{
	unsigned char message[MESSAGE_MAX];
	uint64_t top;

	push(message, write_result(message, (mote_value){ .type = MOTE_VOID }));
	memcpy(&top, output().base, sizeof top);
	memcpy(output().base + top - 8, &edges[way], 8);
	ring(MOTE_HC_DONE);
}

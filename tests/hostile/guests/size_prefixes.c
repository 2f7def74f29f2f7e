/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of each kind whose size prefix says more than there is: by a byte, or by 4 GiB. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(3 * COUNT(edges))
{
	static const enum mote_hypercall doors[] = { MOTE_HC_DONE, MOTE_HC_LOG, MOTE_HC_HOST_CALL };
	unsigned char message[MESSAGE_MAX];
	size_t size;

	switch (way % 3) {
	case 0:
		size = write_result(message, (mote_value){ .type = MOTE_VOID });
		break;
	case 1:
		size = write_log(message, "log", 3);
		break;
	default:
		size = write_call(message, "HostAdd", MOTE_I32, 0, NULL);
		break;
	}
	uint32_t prefix = (uint32_t)edges[way / 3], right = (uint32_t)size - 4;
	if (prefix <= right)
		prefix += right + 1;
	memcpy(message, &prefix, sizeof prefix);
	push(message, size);
	ring(doors[way % 3]);
}

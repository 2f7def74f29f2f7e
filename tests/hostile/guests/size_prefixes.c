/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of each kind with a size prefix that is not their size; 4 GiB among them. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(3 * COUNT(edges))
{
	unsigned char message[MESSAGE_MAX];
	uint32_t prefix = (uint32_t)edges[way / 3];
	size_t size;

	switch (way % 3) {
	case 0:
		size = write_result(message, mote_str("result"));
		memcpy(message, &prefix, sizeof prefix);
		push(message, size);
		ring(MOTE_HC_DONE);
		break;
	case 1:
		size = write_log(message, "log", 3);
		memcpy(message, &prefix, sizeof prefix);
		push(message, size);
		ring(MOTE_HC_LOG);
		break;
	case 2:
		size = write_call(message, "HostAdd", MOTE_I32, 0, NULL);
		memcpy(message, &prefix, sizeof prefix);
		push(message, size);
		ring(MOTE_HC_HOST_CALL);
		break;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two replies to one call. The host takes one of them. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(1)
{
	unsigned char message[MESSAGE_MAX];
	size_t size = write_result(message, (mote_value){ .type = MOTE_VOID });

	(void)way;
	push(message, size);
	push(message, size);
	ring(MOTE_HC_DONE);
}

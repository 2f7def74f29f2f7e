/* SPDX-License-Identifier: Apache-2.0 */
/* An input buffer that the guest spoils just before the host puts its answer there. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(2 * COUNT(edges))
{
	if (way % 2)
		memset(input().base, (int)edges[way / 2], input().size);
	memcpy(input().base, &edges[way / 2], 8);
	HostAdd(1, 2);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An output buffer with no room left, for the library and for the host. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(COUNT(edges))
{
	memcpy(output().base, &edges[way], 8);
	HostAdd(1, 2);
}

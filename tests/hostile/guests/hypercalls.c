/* SPDX-License-Identifier: Apache-2.0 */
/* Hypercalls that do not exist, or that are not for now. */
#include "hostile/guests/forge.h"

ATTACK_WAYS(3 * COUNT(edges))
{
	typedef uint64_t hypercall(uint64_t, uint64_t, uint64_t, uint64_t);
	hypercall *call = (hypercall *)(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY);
	uint64_t number = edges[way / 3];

	switch (way % 3) {
	case 0:
		call(number == 2 ? 0 : number, 0, 0, 0);
		break;
	case 1: /* the guest has been ready for long */
		call(MOTE_HC_READY, number, number, 0);
		break;
	case 2:
		call(MOTE_HC_READY, (uint64_t)(uintptr_t)attack, number, number);
		break;
	}
}

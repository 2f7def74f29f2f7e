/* SPDX-License-Identifier: Apache-2.0 */
/* Each system call number, and some that are none, with arguments that look like addresses of all
 * kinds. */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <sys/syscall.h>

static const int64_t odd_numbers[] = { -1,         -2,         INT64_MIN,  INT64_MAX,   0x40000000,
				       0x40000001, 0x40000207, 0x80000000, 0x100000001, 1024 };
enum { REGULAR = 600, ROTATIONS = 10 };

static uint64_t wild(uint64_t n)
{
	const uint64_t all[ROTATIONS] = { 0,
					  1,
					  MOTE_HYPERCALL_PAGE,
					  MOTE_START_BLOCK,
					  MOTE_DOORBELL_PAGE,
					  MOTE_SUPERVISOR_BASE,
					  (uint64_t)(uintptr_t)attack,
					  MOTE_ADDRESS_END,
					  UINT64_C(1) << 63,
					  UINT64_MAX };

	return all[n % ROTATIONS];
}

/* One that ends the call leaves the rest to the next way. */
ATTACK_WAYS((REGULAR + COUNT(odd_numbers)) * ROTATIONS)
{
	uint64_t n = way / ROTATIONS, r = way % ROTATIONS;
	int64_t number = n < REGULAR ? (int64_t)n : odd_numbers[n - REGULAR];

	syscall((long)number, wild(r), wild(r + 3), wild(r + 7), wild(r + 1), wild(r + 5),
		wild(r + 9));
}

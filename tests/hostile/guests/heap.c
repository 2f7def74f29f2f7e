/* SPDX-License-Identifier: Apache-2.0 */
/* Takes all memory that there is, in pieces of all sizes, and goes on asking. */
#include "hostile/guests/attack.h"

ATTACK_WAYS(24)
{
	size_t size = (size_t)1 << way;
	unsigned refused = 0;
	volatile char *piece, *last = NULL;

	/* small pieces are asked for by the page, so that it does not take for ever */
	while (refused < 100) {
		size_t n = size < 4096 && last ? 4096 + size : size;
		piece = malloc(n);
		if (!piece) {
			refused++;
			continue;
		}
		for (size_t i = 0; i < n; i += 4096)
			piece[i] = 1;
		last = piece;
	}
	for (unsigned bit = 24; bit < 64; bit++)
		if (malloc(((size_t)1 << bit) - (way % 2)))
			return;
	free((char *)last); /* the end of a call needs some, too */
}

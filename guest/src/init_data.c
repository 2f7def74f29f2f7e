/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data that the host gave the sandbox when it made it: where the start block says it is.
 * Hosts that know of no such thing left zeroes there.
 */
#include "state.h"

void *mote_guest_init_data(size_t *size)
{
	const struct mote_start_block *block = start_block();

	*size = block ? block->init_data_size : 0;
	return block ? (void *)block->init_data_address : NULL;
}

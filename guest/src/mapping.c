/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the host has mapped: the mapping table, as the guest's code sees it. The
 * table is read-only here, and the host changes it only between calls.
 */
#include "state.h"

#include <string.h>

_Static_assert(sizeof(struct mote_mapping) == sizeof(struct mote_mapping_record) &&
		       offsetof(struct mote_mapping, address) ==
			       offsetof(struct mote_mapping_record, address) &&
		       offsetof(struct mote_mapping, size) ==
			       offsetof(struct mote_mapping_record, size) &&
		       offsetof(struct mote_mapping, label) ==
			       offsetof(struct mote_mapping_record, label),
	       "guests get pointers to the host's records");

const struct mote_mapping *mote_mapping_get(size_t index)
{
	const struct mote_start_block *block = start_block();

	if (!block || block->mapping_table == 0)
		return NULL;
	const struct mote_mapping_table *table =
		(const struct mote_mapping_table *)block->mapping_table;

	return index < table->count ? (const struct mote_mapping *)&table->records[index] : NULL;
}

const void *mote_mapping_at(uint64_t address, size_t size)
{
	const struct mote_mapping *mapping;

	for (size_t i = 0; (mapping = mote_mapping_get(i)); i++) {
		/* in front of the mapping it wraps, past any size */
		const uint64_t offset = address - (uint64_t)mapping->address;

		if (offset <= mapping->size && size <= mapping->size - offset)
			return (const void *)address;
	}
	return NULL;
}

const struct mote_mapping *mote_mapping_find(const char *label)
{
	const struct mote_mapping *mapping;
	size_t size = strlen(label) + 1;

	if (size > sizeof mapping->label)
		return NULL;
	for (size_t i = 0; (mapping = mote_mapping_get(i)); i++)
		if (memcmp(mapping->label, label, size) == 0)
			return mapping;
	return NULL;
}

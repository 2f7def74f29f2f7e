/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host lets this guest call: the function table, as the guest's code sees it. The
 * table is read-only here, and never changes.
 */
#include "state.h"

#include <string.h>

_Static_assert(sizeof(struct mote_host_function_info) == sizeof(struct mote_function_record) &&
		       offsetof(struct mote_host_function_info, name) ==
			       offsetof(struct mote_function_record, name) &&
		       offsetof(struct mote_host_function_info, result) ==
			       offsetof(struct mote_function_record, result) &&
		       offsetof(struct mote_host_function_info, nparams) ==
			       offsetof(struct mote_function_record, nparams) &&
		       offsetof(struct mote_host_function_info, params) ==
			       offsetof(struct mote_function_record, params),
	       "guests get pointers to the host's records");

const struct mote_host_function_info *mote_guest_host_function(size_t index)
{
	const struct mote_start_block *block = start_block();

	if (!block || block->function_table == 0)
		return NULL;
	const struct mote_function_table *table =
		(const struct mote_function_table *)block->function_table;

	return index < table->count ? (const struct mote_host_function_info *)&table->records[index]
				    : NULL;
}

/* All of them in turn: the table is short, and libc's strcmp() is not among what the library needs.
 */
const struct mote_host_function_info *mote_guest_find_host_function(const char *name)
{
	const struct mote_host_function_info *function;
	size_t size = strlen(name) + 1;

	if (size > sizeof function->name)
		return NULL;
	for (size_t i = 0; (function = mote_guest_host_function(i)); i++)
		if (memcmp(function->name, name, size) == 0)
			return function;
	return NULL;
}

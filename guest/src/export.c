/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the export that a call is for. The host has read the same records from the file.
 */
#include "state.h"

#include <string.h>

const struct mote_guest_record *export_find(uint64_t index, const char *name)
{
	uint64_t count = (uint64_t)(__stop_mote_exports - __start_mote_exports);

	if (index >= count || strcmp(__start_mote_exports[index].name, name) != 0)
		call_fail_format(WIRE_CODE_NO_SUCH_FUNCTION,
				 "the guest has no function %s with number %lu", name,
				 (unsigned long)index);
	return &__start_mote_exports[index];
}

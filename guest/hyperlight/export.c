/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the export that a call is for. A host of this ABI knows nothing but its name.
 */
#include "guest/src/state.h"

#include <string.h>

const struct mote_guest_record *export_find(uint64_t index, const char *name)
{
	const struct mote_guest_record *record = __start_mote_exports;

	(void)index;
	while (record < __stop_mote_exports && strcmp(record->name, name) != 0)
		record++;
	if (record == __stop_mote_exports)
		call_fail_format(WIRE_CODE_NO_SUCH_FUNCTION, "the guest has no function %s", name);
	return record;
}

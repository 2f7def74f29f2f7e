/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for a machine that exists already: memory for the backend, then the guest's page
 * tables, so that the guest never has a page without memory behind it.
 */
#include "guest_abi/mote/machine.h"

mote_status machine_map_file(struct machine *machine, struct file_mapping *file, mote_error *err)
{
	mote_status status = guest_memory_map_begin(machine->memory, file, err);
	if (status)
		return status;

	struct hv_vm *vm = machine->vm;
	struct region region = file_mapping_region(file);

	if (!vm->ops->needs_fd)
		region.host.file = -1;
	status = vm->ops->map(vm, &region, err);
	guest_memory_map_end(machine->memory, file, status == MOTE_OK);
	if (status)
		error_prefix(err, "cannot map the %s: ", file->name);
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for a machine that exists already: memory for the backend, then the guest's page
 * tables, so that the guest never has a page without memory behind it.
 */
#include "vm/machine.h"

mote_status machine_map_file(struct machine *machine, struct file_mapping *file, mote_error *err)
{
	mote_status status = guest_memory_map_begin(machine->memory, file, err);
	if (status)
		return status;

	struct hv_vm *vm = machine->vm;
	const struct hv_slot slot = {
		.gpa = file->gpa,
		.size = file->size,
		.host = file->bytes,
		.is_readonly = true,
		.fd = vm->ops->needs_fd ? file->fd : -1,
	};
	const struct hv_view view = {
		.va = file->address,
		.gpa = file->gpa,
		.size = file->size,
		.rights = HV_READ | HV_EXECUTE,
	};

	status = vm->ops->map(vm, &slot, &view, err);
	guest_memory_map_end(machine->memory, file, status == MOTE_OK);
	if (status)
		error_prefix(err, "cannot map the %s: ", file->name);
	return status;
}

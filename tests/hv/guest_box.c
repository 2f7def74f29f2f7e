/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the tiny guests of guest_box.h.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "abi/mote_abi.h"
#include "hv/regions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define BOX_GPA UINT64_C(0x10000000)

void box_init(struct box *box, struct hv *hv)
{
	*box = (struct box){ .hv = hv };
	box->fd = memfd_create("box", MFD_CLOEXEC);
	assert_true(box->fd >= 0);
	assert_int_equal(ftruncate(box->fd, BOX_SIZE), 0);
	box->memory = mmap(NULL, BOX_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, box->fd, 0);
	assert_ptr_not_equal(box->memory, MAP_FAILED);
	box->code = box->memory;
	box->data = box->code + BOX_CODE_SIZE;
	box->constant = box->data + BOX_DATA_SIZE;
	box->stack = box->constant + BOX_CONSTANT_SIZE;
	assert_true(guest_code_end - guest_code <= BOX_CODE_SIZE);
	memcpy(box->code, guest_code, (size_t)(guest_code_end - guest_code));
}

mote_status box_make_vm(struct box *box, const struct region *extra, mote_error *err)
{
	const struct region slots[] = {
		/* As in a real machine, the hypercall page is not the guest's memory. */
		SLOT(0x1000, 0x1000, REGION_ALL, box->memory, -1),
		SLOT(BOX_GPA, BOX_SIZE, REGION_ALL, box->memory, box->fd),
	};
	struct region views[6] = {
		VIEW(MOTE_HYPERCALL_PAGE, 0x1000, 0x1000, READ_EXECUTE),
		VIEW(BOX_CODE, BOX_GPA, BOX_CODE_SIZE, READ_EXECUTE),
		VIEW(BOX_DATA, BOX_GPA + BOX_CODE_SIZE, BOX_DATA_SIZE, READ_WRITE),
		VIEW(BOX_CONSTANT, BOX_GPA + BOX_CODE_SIZE + BOX_DATA_SIZE, BOX_CONSTANT_SIZE,
		     REGION_READ),
		VIEW(BOX_STACK, BOX_GPA + BOX_CODE_SIZE + BOX_DATA_SIZE + BOX_CONSTANT_SIZE,
		     BOX_STACK_SIZE, READ_WRITE),
	};
	const struct hv_cpu_state cpu = {
		.regs = { .rip = BOX_CODE, .rsp = BOX_STACK_TOP, .rflags = 2 },
	};
	struct hv_vm_config config = {
		.slots = slots, .nslots = 2, .views = views, .nviews = 5, .cpu = &cpu
	};

	if (extra)
		views[config.nviews++] = *extra;
	return box->hv->ops->vm_new(&box->vm, box->hv, &config, err);
}

void box_open(struct box *box, struct hv *hv)
{
	mote_error error = { .message = "" };

	box_init(box, hv);
	box_make_vm(box, NULL, &error);
	assert_string_equal(error.message, "");
	assert_non_null(box->vm);
}

void box_close(struct box *box)
{
	if (box->vm)
		box->vm->ops->vm_free(box->vm);
	munmap(box->memory, BOX_SIZE);
	close(box->fd);
}

uint64_t box_address(const char *routine)
{
	for (const struct guest_label *label = guest_labels; label->name; label++)
		if (strcmp(label->name, routine) == 0)
			return BOX_CODE + (uint64_t)(label->at - guest_code);
	fail_msg("guest_code.S has no %s", routine);
	return 0;
}

void box_set(struct box *box, const char *routine, uint64_t rdi)
{
	*box->vm->regs = (struct hv_regs){
		.rip = box_address(routine),
		.rsp = BOX_STACK_TOP,
		.rdi = rdi,
		.rflags = 2,
	};
	box->vm->regs_changed = true;
}

struct hv_exit box_run(struct box *box)
{
	mote_error error = { .message = "" };
	struct hv_exit event;

	assert_int_equal(box->vm->ops->run(box->vm, &event, &error), MOTE_OK);
	assert_false(box->vm->regs_changed);
	return event;
}

struct hv_exit box_start(struct box *box, const char *routine, uint64_t rdi)
{
	box_set(box, routine, rdi);
	return box_run(box);
}

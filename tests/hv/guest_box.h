/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_box.h - a tiny guest for the tests of the process backend: one file of memory, a few
 * views of it, and the routines of guest_code.S.
 */
#ifndef HV_GUEST_BOX_H
#define HV_GUEST_BOX_H

#include "hv/process/process.h"

#include <stddef.h>
#include <stdint.h>

/* Where the guest sees its memory. */
enum {
	BOX_CODE = 0x400000,     /* read, execute */
	BOX_DATA = 0x500000,     /* read, write */
	BOX_CONSTANT = 0x600000, /* read */
	BOX_STACK = 0x700000,    /* read, write */
	BOX_UNMAPPED = 0x900000,
};
enum {
	BOX_CODE_SIZE = 0x4000,
	BOX_DATA_SIZE = 0x10000,
	BOX_CONSTANT_SIZE = 0x1000,
	BOX_STACK_SIZE = 0x4000,
	BOX_STACK_TOP = BOX_STACK + BOX_STACK_SIZE,
	BOX_SIZE = BOX_CODE_SIZE + BOX_DATA_SIZE + BOX_CONSTANT_SIZE + BOX_STACK_SIZE,
};

struct box {
	struct hv *hv; /* not the box's */
	struct hv_vm *vm;
	int fd;
	char *memory;
	/* The same memory, in this process. */
	char *code, *data, *constant, *stack;
};

/* Makes memory with guest_code in it, and no virtual machine yet. Ends the test on failure. */
void box_init(struct box *box, struct hv *hv);

/* Makes the virtual machine, with a view more if EXTRA is one. */
mote_status box_make_vm(struct box *box, const struct region *extra, mote_error *err);

/* box_init() and box_make_vm(). Ends the test on failure. */
void box_open(struct box *box, struct hv *hv);
void box_close(struct box *box);

/* The guest's address of ROUTINE, a label of guest_code.S. */
uint64_t box_address(const char *routine);

/* Sets the guest up to run ROUTINE on an empty stack with RDI, all else zero. */
void box_set(struct box *box, const char *routine, uint64_t rdi);

/* Runs the guest to its next exit. Ends the test when the backend fails. */
struct hv_exit box_run(struct box *box);

/* box_set() and box_run(). */
struct hv_exit box_start(struct box *box, const char *routine, uint64_t rdi);

/* guest_code.S, which describes each routine. The table ends with a NULL name. */
struct guest_label {
	const char *name;
	const char *at;
};
extern const struct guest_label guest_labels[];
extern const char guest_code[], guest_code_end[];

#endif

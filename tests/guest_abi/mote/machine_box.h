/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_box.h - a small guest on a fake backend, for the tests of src/guest_abi/mote: memory with
 * one segment of each kind, firmware, and a machine that starts at BOX_CODE.
 *
 * The code is all zeros, so that fake.guest stands for it.
 */
#ifndef VM_MACHINE_BOX_H
#define VM_MACHINE_BOX_H

#include "guest_abi/mote/machine.h"
#include "hv/fake.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BOX_CODE     UINT64_C(0x400000) /* one page */
#define BOX_CONSTANT UINT64_C(0x401000) /* one page, read-only */
#define BOX_DATA     UINT64_C(0x402000) /* two pages; behind them nothing */
#define BOX_DATA_END UINT64_C(0x404000)
#define BOX_NOWHERE  UINT64_C(0x10000000000)

struct box_line {
	mote_log_level level;
	char source[8];
	char text[1100];
};

/* Log lines, as many as there is room for. */
struct box_log {
	struct box_line lines[8];
	size_t count;
};

struct box {
	struct host host;
	struct box_log log;
	struct hv *hv;
	struct firmware firmware;
	struct guest_memory *memory;
	struct machine machine;
	struct fake_vm *vm; /* the machine's */
	uint64_t rsp;       /* that the machine starts with: in the middle of the stack */
};

/* Makes all of it on BACKEND, with the system calls of SYS (NULL: the real ones) and a log that
 * takes everything. Ends the test when it cannot. */
void box_init(struct box *box, const struct hv_backend *backend, struct machine_ways ways,
	      const struct sys *sys);
void box_fini(struct box *box);

/* Runs the machine to its next event. */
struct hv_exit box_run(struct box *box);

/* The description of EVENT. Lives until the next call. */
const char *box_describe(const struct box *box, const struct hv_exit *event);

/* The exit that the guest makes next, and where it stands then. */
struct forgery {
	struct hv_exit exit;
	uint64_t rip, rcx;
};

/* A fake_guest that makes the exit of the forgery that fake.user points at. */
bool forge(struct fake_vm *vm, struct hv_exit *exit);

/* Runs the machine to FORGERY. */
struct hv_exit run_forgery(struct box *box, struct forgery forgery);

/* Forgeries that have nothing wrong with them yet. */
struct forgery port_exit(uint16_t port, uint8_t size, bool is_write);
struct forgery mmio_exit(uint64_t gpa, uint8_t size, bool is_write);

#endif

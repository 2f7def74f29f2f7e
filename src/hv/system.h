/* SPDX-License-Identifier: Apache-2.0 */
/*
 * system.h - the part of a vCPU's state that only ring 0 can change: what a guest that runs
 * there needs of a backend besides hv.h. A backend has it as its SYSTEM.
 *
 * Threads: as the hv_vm, one at a time, and not while it runs.
 */
#ifndef HV_SYSTEM_H
#define HV_SYSTEM_H

#include "hv/hv.h"

/* Segment registers, descriptor tables and control registers. A segment that is not present is
 * not usable. */
struct hv_system {
	struct hv_segment cs, ds, es, fs, gs, ss, tr, ldt;
	uint64_t gdt_base, idt_base;
	uint16_t gdt_limit, idt_limit;
	uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};

struct hv_system_ops {
	/* The state that the last run ended with; before the first, that of the configuration. */
	void (*get)(const struct hv_vm *vm, struct hv_system *out);

	/*
	 * Makes STATE the vCPU's, and all else but general registers and memory as it is in a new
	 * one: vector registers, debug registers, model-specific registers, what waits to
	 * be delivered. Several system calls. A state that no processor can be in is found by the
	 * next run. Errors: MOTE_E_OS; the machine cannot be used again.
	 */
	mote_status (*set)(struct hv_vm *vm, const struct hv_system *state, mote_error *err);

	/* Vector and x87 registers, with their control words, as in a new vCPU. Errors: MOTE_E_OS. */
	mote_status (*clear_vectors)(struct hv_vm *vm, mote_error *err);
};

#endif

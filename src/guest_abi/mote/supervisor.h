/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor.h - what stands between a ring-3 guest and the host inside a machine:
 * descriptor tables, exception stubs and the code of the hypercall page.
 *
 * All of it sits in a read-only memory slot. Only the hypercall page can be seen
 * from ring 3; the rest is mapped for the supervisor. It needs no stack but the
 * one page that exceptions push their frame on, and no state.
 *
 * The ways out of a guest differ from machine to machine; machine_probe() finds
 * out which of them this one has (struct machine_ways), and the code here follows it.
 */
#ifndef GUEST_ABI_MOTE_SUPERVISOR_H
#define GUEST_ABI_MOTE_SUPERVISOR_H

#include "abi/mote_abi.h"
#include "hv/hv.h"

#include <stdint.h>

/* How a guest in ring 3 calls the host. */
enum way_out {
	WAY_OUT_PORT, /* `out` to the one port that the TSS permits: the cheapest on bare metal */
	WAY_OUT_IOPL, /* the same with I/O privilege 3: for emulators that ignore a busy TSS */
	WAY_OUT_MMIO, /* a store to the doorbell page, which no memory slot backs */
};

/* Where the `syscall` instruction lands. */
enum syscall_ring {
	SYSCALL_RING0, /* as the processor's manual says */
	SYSCALL_RING3, /* at LSTAR, but still unprivileged: some nested hypervisors */
};

struct machine_ways {
	enum way_out hypercall;
	enum syscall_ring syscall;
};

/* The block's pages, in order, and their size in bytes. */
#define SUPERVISOR_GDT_OFFSET   0x0000
#define SUPERVISOR_IDT_OFFSET   0x1000
#define SUPERVISOR_TSS_OFFSET   0x2000
#define SUPERVISOR_STUBS_OFFSET 0x3000
#define SUPERVISOR_BLOCK_SIZE   0x4000

/* Guest virtual address of the block, and of the page behind it for exception frames. */
#define SUPERVISOR_BLOCK     MOTE_SUPERVISOR_BASE
#define SUPERVISOR_STACK     (MOTE_SUPERVISOR_BASE + 0x8000)
#define SUPERVISOR_STACK_TOP (SUPERVISOR_STACK + MOTE_PAGE_SIZE)

/* Bytes between two exception stubs; the vector follows from where a stub stands. */
#define SUPERVISOR_STUB_SIZE 16

/* The frame that the processor pushes for an exception, ending at SUPERVISOR_STACK_TOP. */
struct exception_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Whether the processor pushes an error code below the frame of VECTOR. */
bool exception_has_error_code(unsigned vector);

/* Writes the block's SUPERVISOR_BLOCK_SIZE bytes to BLOCK. */
void supervisor_build(void *block);

/* Writes the code of the hypercall page, MOTE_PAGE_SIZE bytes, to PAGE. */
void supervisor_build_hypercall_page(void *page, struct machine_ways ways);

/* The flags that a guest starts with. */
uint64_t supervisor_rflags(struct machine_ways ways);

/* The state in which a vCPU starts a guest in ring 3 at ENTRY with stack pointer RSP and
 * the page tables whose root is at CR3. */
struct hv_cpu_state supervisor_cpu_state(struct machine_ways ways, uint64_t cr3, uint64_t entry,
					 uint64_t rsp);

/* "out", "out with IOPL 3", "mmio store"; "ring 0", "ring 3": for `mote doctor`. Static strings. */
const char *way_out_name(enum way_out way);
const char *syscall_ring_name(enum syscall_ring ring);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - a guest in ring 3, whatever runs it.
 *
 * Wraps a backend's virtual machine and turns its raw exits into what the mote
 * guest ABI knows: hypercalls, system calls, exceptions. Above this header nobody
 * can tell the backends apart.
 *
 * Threads: as its sandbox, one at a time.
 */
#ifndef VM_MACHINE_H
#define VM_MACHINE_H

#include "mem/file_mapping.h"
#include "mem/guest_memory.h"
#include "vm/supervisor.h"

struct machine {
	struct hv_vm *vm;
	struct guest_memory *memory;
	struct machine_ways ways;
	/* The last exit left the vCPU where only a reset of its segments gets it back to ring 3. */
	bool is_in_supervisor;
};

/*
 * The part of guest physical memory that is the same for all guests of a runtime:
 * supervisor block and hypercall page, read-only to guests. Immutable once made, shared by
 * the machines of all threads; must outlive them.
 */
struct firmware {
	void *host; /* FIRMWARE_SIZE bytes, page-aligned */
	const struct host *owner;
	struct machine_ways ways;
};
#define FIRMWARE_SIZE (SUPERVISOR_BLOCK_SIZE + MOTE_PAGE_SIZE)

/* Makes firmware for a machine with these ways. Errors: MOTE_E_NOMEM, MOTE_E_OS. */
mote_status firmware_init(struct firmware *firmware, const struct host *host,
			  struct machine_ways ways, mote_error *err);
void firmware_fini(struct firmware *firmware);

/* Finds out which ways out of a guest HV has, by running a tiny guest (a millisecond or two). For
 * a backend that is no machine the answer is constant. Errors: as firmware_init(), machine_init(). */
mote_status machine_probe(struct machine_ways *ways, struct hv *hv, mote_error *err);

/* Makes a machine on MEMORY, whose page tables are built, ready to start at ENTRY with stack
 * pointer RSP. MEMORY and FIRMWARE must outlive it. */
mote_status machine_init(struct machine *machine, struct hv *hv, struct guest_memory *memory,
			 const struct firmware *firmware, uint64_t entry, uint64_t rsp,
			 mote_error *err);
void machine_fini(struct machine *machine);

/*
 * Runs the guest until something happens that the host must see. EVENT->kind is
 * HV_EXIT_HYPERCALL, _SYSCALL (number in rax, the arguments in rdi, rsi, rdx, r10, r8, r9),
 * _EXCEPTION, _INTERRUPTED (run again to go on), or one of the others, which all mean
 * that the guest did what no guest may, or used what is no longer in a mapped file. Registers are
 * in machine->vm->regs. An error means that the machine is unusable.
 */
mote_status machine_run(struct machine *machine, struct hv_exit *event, mote_error *err);

/*
 * Applies a prepared FILE: from the guest's next instruction on it is there, and it belongs to the
 * machine's memory. The guest must be alive, and not run. Errors, after which nothing has changed
 * and FILE is the caller's: as guest_memory_map_begin(), and as hv_backend.map.
 */
mote_status machine_map_file(struct machine *machine, struct file_mapping *file, mote_error *err);

/* After HV_EXIT_HYPERCALL or _SYSCALL: the guest goes on with VALUE in rax. */
static inline void machine_return(struct machine *machine, uint64_t value)
{
	machine->vm->regs->rax = value;
	machine->vm->regs_changed = true;
}

/* After any event: the guest starts afresh at RIP with RSP and RDI, all other general
 * registers 0. */
void machine_start(struct machine *machine, uint64_t rip, uint64_t rsp, uint64_t rdi);

/* Describes an event that ends a call as a sentence: "page fault at 0x0 (write, not mapped)". */
void machine_describe(const struct machine *machine, const struct hv_exit *event, char *text,
		      size_t size);

#endif

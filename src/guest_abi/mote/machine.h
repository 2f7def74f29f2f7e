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
#ifndef GUEST_ABI_MOTE_MACHINE_H
#define GUEST_ABI_MOTE_MACHINE_H

#include "guest_abi/mote/clock.h"
#include "guest_abi/mote/supervisor.h"
#include "mem/file_mapping.h"
#include "mem/guest_memory.h"

struct machine {
	struct hv *hv;
	struct hv_vm *vm; /* NULL: could not be made again */
	struct guest_memory *memory;
	const struct firmware *firmware;
	struct machine_ways ways;
	bool is_watched;
	bool is_broken; /* only a new one will do */
	unsigned views; /* guest_memory_views() when VM was made */
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
	struct clock_start clock; /* not of the probe's */
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

/* The same for memory that a guest is to go on in, by machine_start(), and that is watched from
 * the beginning. */
mote_status machine_init_watched(struct machine *machine, struct hv *hv,
				 struct guest_memory *memory, const struct firmware *firmware,
				 uint64_t fs_base, mote_error *err);
void machine_fini(struct machine *machine);

/* The guest's thread pointer. */
uint64_t machine_fs_base(const struct machine *machine);

/*
 * After any event or error: undoes what the guest did to its processor, and sets the base of FS, so
 * that machine_start() works. A machine that is beyond repair is made anew, which takes a thousand
 * times as long. Errors: as machine_init(); may be tried again.
 */
mote_status machine_reset(struct machine *machine, uint64_t fs_base, mote_error *err);

/* After the host has changed MEMORY between two calls: makes the machine anew if pages lie
 * elsewhere now. Errors: as machine_init(); only machine_reset() helps then. */
mote_status machine_follow(struct machine *machine, mote_error *err);

/* Makes the machine anew in any case: its memory's mapped files are others now. */
mote_status machine_renew(struct machine *machine, uint64_t fs_base, mote_error *err);

/*
 * After machine_reset() with FS_BASE: lets the guest's next start happen, on a stack at RSP, up to
 * but without its first instruction, and compares the processor's registers with what they should
 * be. Returns NULL, or what differs, a static string. machine_reset() must follow. Where nothing of
 * a guest can be in registers, because the host writes them all, the answer is NULL at once.
 */
const char *machine_audit(struct machine *machine, uint64_t fs_base, uint64_t rsp);

/* As hv_backend.watch and .written; NOTE gets offsets into RAM. */
mote_status machine_watch(struct machine *machine, mote_error *err);
bool machine_written(struct machine *machine, void (*note)(void *user, uint64_t offset),
		     void *user);

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

/* After HV_EXIT_SYSCALL: the registers that the guest has when it goes on, but for rax. */
struct hv_regs machine_syscall_regs(const struct machine *machine);

/* After HV_EXIT_SYSCALL, _EXCEPTION or _INTERRUPTED: the guest's vector registers. Errors: as
 * hv_backend. */
mote_status machine_vectors(struct machine *machine, struct hv_vectors *to, mote_error *err);

/*
 * After the same: the guest goes on with REGS, whose flags are cut down to those that are the
 * guest's own, and VECTORS (NULL: as at the start of a program). Errors: as hv_backend.resume, and
 * MOTE_E_INVALID for an rip that no processor takes; then the guest cannot go on.
 */
mote_status machine_resume(struct machine *machine, const struct hv_regs *regs,
			   const struct hv_vectors *vectors, mote_error *err);

/*
 * The guest starts afresh at RIP with RSP, RDI and RSI. All other registers, vector registers too,
 * are as at the start of a program. Only after a hypercall, or machine_reset().
 */
void machine_start(struct machine *machine, uint64_t rip, uint64_t rsp, uint64_t rdi, uint64_t rsi);

/* Describes an event that ends a call as a sentence: "page fault at 0x0 (write, not mapped)". */
void machine_describe(const struct machine *machine, const struct hv_exit *event, char *text,
		      size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hv.h - the backend interface: what runs a guest.
 *
 * A backend is a table of functions. Everything above this header is the same for
 * all of them; only src/hv knows which exist (hv_backends). There are two kinds:
 * machines (kvm), which run guest page tables and report raw exits (ports, memory
 * without a slot, ...), and the process backend, which has no machine and reports events
 * (hypercall, system call, exception) directly. guest_abi/mote/machine.h makes them look alike.
 *
 * Threads: an hv may be used from any thread. An hv_vm belongs to one thread at a
 * time and may move between calls.
 */
#ifndef HV_HV_H
#define HV_HV_H

#include "base/error.h"
#include "base/host.h"
#include "mem/region.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* General registers, in the order of struct kvm_regs: kvm_run holds them so. */
struct hv_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
};

struct hv_segment {
	uint64_t base;
	uint32_t limit;
	uint16_t selector;
	uint8_t type; /* descriptor type, 4 bits */
	uint8_t dpl;
	bool present, is_code_or_data, is_long, is_default_32, is_granular;
};

/*
 * Vector and floating-point registers in XSAVE's standard format (Intel SDM volume 1, section
 * 13.4), and what of it this machine has. Bits that no processor takes are dropped when it is given
 * back; bytes from HV_VECTORS_SOFTWARE on to the header mean nothing.
 */
enum {
	HV_VECTORS_MXCSR = 24,
	HV_VECTORS_SOFTWARE = 464,
	HV_VECTORS_HEADER = 512,
	HV_VECTORS_LEAST = 576, /* bytes: x87 and SSE state, and the header */
	HV_VECTORS_MOST = 4096,
};
struct hv_vectors {
	_Alignas(64) uint8_t area[HV_VECTORS_MOST];
	uint32_t size;     /* bytes of AREA that are used, LEAST to MOST */
	uint64_t features; /* the state components that may be in there, as in XCR0 */
};

/* Drops from VECTORS what is not of FEATURES, and what no processor takes. */
void hv_vectors_clean(struct hv_vectors *vectors, uint64_t features);

/* VECTORS as at the start of a program. */
void hv_vectors_init(struct hv_vectors *vectors);

/* The state that a vCPU starts with. The process backend uses regs and fs_base. */
struct hv_cpu_state {
	struct hv_regs regs;
	uint64_t cr0, cr3, cr4, efer;
	struct hv_segment code, data, task;
	uint64_t fs_base;
	uint64_t gdt_base, idt_base;
	uint16_t gdt_limit, idt_limit;
	uint64_t star, lstar, syscall_mask; /* MSRs of the syscall instruction */
	/* How many bits its CPUID says that physical addresses have; 0: as many as they have. */
	uint8_t physical_bits;
};

struct hv_vm_config {
	/* Guest physical memory. Each region's bytes stay mapped as long as the VM; its host.file
	 * stays open as long if the backend needs_fd, else it is -1. Read-only without
	 * REGION_WRITE. The virtual addresses do not count. For a backend that needs_fd a slot may
	 * lie in one that comes after it, and is what is there then. */
	const struct region *slots;
	size_t nslots;
	/* What ring 3 sees, each region all in one slot, where the bytes are; .host does not count.
	 * The page tables say the same; a backend without page tables maps these, and makes a page
	 * that is not in the slot's file yet, if the view is REGION_MISSING, HV_EXIT_EXCEPTION.
	 * Sorted by virtual address, no overlaps. */
	const struct region *views;
	size_t nviews;
	const struct hv_cpu_state *cpu;
	bool is_watched; /* as if watch() had been called */
};

enum hv_exit_kind {
	/* from machines */
	HV_EXIT_PORT, /* in or out instruction */
	HV_EXIT_MMIO, /* access to guest physical memory that no slot backs */
	HV_EXIT_HALT,
	HV_EXIT_SHUTDOWN,    /* triple fault */
	HV_EXIT_UNSUPPORTED, /* the hypervisor cannot run this instruction; detail says why */
	HV_EXIT_NO_MEMORY,   /* the host has lost what a slot shows; nobody knows where */
	/* from the process backend; machine.h makes them of the above */
	HV_EXIT_HYPERCALL,
	HV_EXIT_SYSCALL,
	HV_EXIT_EXCEPTION,
	/* from all */
	HV_EXIT_INTERRUPTED, /* stopped by a signal before or while the guest ran */
	HV_EXIT_DIED,        /* the process that ran the guest is gone; detail: its signal */
};

struct hv_exit {
	enum hv_exit_kind kind;
	union {
		struct {
			uint16_t port;
			uint8_t size; /* bytes, 1, 2 or 4 */
			bool is_write;
			uint32_t value;
		} port;
		struct {
			uint64_t gpa;
			uint8_t size; /* bytes, 1 to 8 */
			bool is_write;
			uint64_t value;
		} mmio;
		struct {
			uint8_t vector;      /* x86 exception number */
			uint32_t error_code; /* as the processor defines it */
			uint64_t address;    /* that faulted, for vector 14; else 0 */
			uint64_t rip;        /* of the instruction (fault) or past it (trap) */
		} exception;
		uint64_t detail;
	} u;
};

struct hv;
struct hv_vm;
struct hv_system_ops;

/* What hv_check() found out about a backend on this machine. */
struct hv_check {
	bool is_available;
	char reason[256];
	char remedy[256];
	char details[256];
};

struct hv_backend {
	const char *name;
	bool is_hardware; /* isolates by hardware virtualization */
	bool needs_fd;    /* slots must be backed by descriptors, shared mappings */

	/* Looks whether the backend could be opened, changing nothing. Never fails:
	 * what it finds goes to CHECK. */
	void (*check)(const struct host *host, struct hv_check *check);

	/* Opens the backend for one runtime. HOST must outlive it. */
	mote_status (*open)(struct hv **out, const struct host *host, mote_error *err);
	void (*close)(struct hv *hv);

	/*
	 * Makes a virtual machine with one vCPU in CONFIG's state; nothing runs yet.
	 * What CONFIG points at is copied; the memory behind the slots is not.
	 */
	mote_status (*vm_new)(struct hv_vm **out, struct hv *hv, const struct hv_vm_config *config,
			      mote_error *err);
	void (*vm_free)(struct hv_vm *vm);

	/*
	 * Adds REGION, which is read-only, as slot and as view to a machine that is alive and
	 * not running, as if it had been in its configuration. The caller sees to the guest's
	 * page tables. General registers and FS base stay as they are; vector registers may be
	 * reset. Takes a millisecond or less. Errors, after which nothing has changed:
	 * MOTE_E_LIMIT, MOTE_E_INVALID, MOTE_E_NOMEM, MOTE_E_OS.
	 */
	mote_status (*map)(struct hv_vm *vm, const struct region *region, mote_error *err);

	/*
	 * Runs the guest until its next exit. vm->regs holds the registers then, and
	 * is taken over at the next run when vm->regs_changed is set (run clears it). An error
	 * means that the machine itself is unusable from now on. EXIT is then as it was, or
	 * HV_EXIT_UNSUPPORTED, with the hypervisor's number, if a guest in ring 0 can be why.
	 */
	mote_status (*run)(struct hv_vm *vm, struct hv_exit *exit, mote_error *err);

	/*
	 * The calling thread is about to run VM, and some run may have to be cut short. Until
	 * disarm(), this thread alone calls run(), and kick() and set_alarm() work. Machines may
	 * nest: what comes of one thread's arm() and disarm() is like brackets. A machine that is
	 * not armed runs at no extra cost. Errors, after which it is not armed: MOTE_E_STATE (the
	 * kvm backend's signal has somebody else's handler), MOTE_E_OS.
	 */
	mote_status (*arm)(struct hv_vm *vm, mote_error *err);

	/* In a forked copy of the host, too. Nobody calls kick() any more. */
	void (*disarm)(struct hv_vm *vm);

	/*
	 * From any thread, also from a signal handler: the run under way ends, or the next one if
	 * there is none, and is HV_EXIT_INTERRUPTED unless the guest was quicker. Then the one
	 * after it is. It does not get lost, whenever it comes.
	 */
	void (*kick)(struct hv_vm *vm);

	/* As kick(), NS nanoseconds from now. In place of the alarm before; 0: none. By the thread
	 * that runs VM. Errors: MOTE_E_OS. */
	mote_status (*set_alarm)(struct hv_vm *vm, uint64_t ns, mote_error *err);

	/* Instead of a run, by the thread that would run VM: waits NS nanoseconds, or until VM is
	 * kicked, the alarm goes off, or the thread gets another signal; it may come back earlier. */
	void (*wait)(struct hv_vm *vm, uint64_t ns);

	/* Nanoseconds of CPU time that the guest has used, but for those that count as CPU time of
	 * the threads that ran it. NULL: there are none. */
	uint64_t (*cpu_time)(const struct hv_vm *vm);

	/* The base of FS (thread pointer), and setting it before the next run. */
	uint64_t (*fs_base)(const struct hv_vm *vm);
	void (*set_fs_base)(struct hv_vm *vm, uint64_t base);

	/* After HV_EXIT_SYSCALL or _EXCEPTION, or what is made one of them: stores the guest's
	 * vector registers. Errors: MOTE_E_OS, MOTE_E_INVALID (the guest has made them unreadable).
	 * After HV_EXIT_INTERRUPTED as well; then MOTE_E_INVALID may also mean that the
	 * guest is on its way into or out of the machine, and that a later time is better. */
	mote_status (*vectors)(struct hv_vm *vm, struct hv_vectors *to, mote_error *err);

	/*
	 * After the same: the guest goes on in ring 3 at vm->regs, all of which the host may have
	 * changed, with VECTORS; NULL: with those at the start of a program. The FS base stays; the
	 * other segment registers may be those of the configuration. Errors: MOTE_E_OS,
	 * MOTE_E_INVALID (no processor takes VECTORS); the guest cannot go on.
	 */
	mote_status (*resume)(struct hv_vm *vm, const struct hv_vectors *vectors, mote_error *err);

	/* The address of the last page fault (CR2). Machines only; else NULL. */
	uint64_t (*fault_address)(const struct hv_vm *vm);

	/*
	 * Undoes whatever the guest did to its vCPU, but for general and vector registers: segment
	 * registers and FS base are again those of the configuration, no exception waits to be
	 * delivered, no instruction is half done. Costs nothing after an exit by a plain store or
	 * `out`; but an `out` that the next run begins with, at the same place, may be skipped.
	 * Errors: MOTE_E_OS; this machine cannot be used again. Machines only; else NULL, and
	 * set_fs_base() does.
	 */
	mote_status (*reset)(struct hv_vm *vm, mote_error *err);

	/*
	 * Compares all that the hypervisor knows of the vCPU, but for general registers, with the
	 * configuration and FS_BASE, vector state with that at the start of a program; DS, ES and
	 * GS are to be null. Returns NULL, or what differs, a static string. Takes many system
	 * calls. Errors of theirs count as differences. Machines only; else NULL.
	 */
	const char *(*audit)(struct hv_vm *vm, uint64_t fs_base);

	/*
	 * From now on written() tells which pages of writable slots the guest writes, beginning
	 * with none. Called again, it begins again. Where there are too few pages for that to pay,
	 * nothing is known, either; it may be called when there are more. Errors: MOTE_E_OS, after
	 * which nothing is known.
	 */
	mote_status (*watch)(struct hv_vm *vm, mote_error *err);

	/*
	 * Calls NOTE with the guest physical address of each page that the guest has written to
	 * since watch() and that written() has not named since; it may name a page twice, or one
	 * that was only read. Pages that were named once need not be again: the guest goes on
	 * writing to them without notice. False: the guest may have written to any page; only
	 * watch() helps.
	 */
	bool (*written)(struct hv_vm *vm, void (*note)(void *user, uint64_t gpa), void *user);

	/* What guests in ring 0 need besides: hv/system.h. NULL: there is no ring 0. */
	const struct hv_system_ops *system;
};

/* The head of every backend's hv and hv_vm. */
struct hv {
	const struct hv_backend *ops;
	const struct host *host;
};

struct hv_vm {
	const struct hv_backend *ops;
	struct hv_regs *regs; /* valid between runs; points into the backend's state */
	bool regs_changed;
	bool has_host_tsc; /* the guest reads the host's time-stamp counter, as it is */
};

/* All backends of this build, best first; ends with NULL. */
extern const struct hv_backend *const hv_backends[];

#endif

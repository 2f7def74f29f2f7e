/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake.h - backends whose guests are C functions, for the tests of everything above src/hv.
 *
 * fake_machine behaves like a processor with a hypervisor: it walks the guest's page tables,
 * reads its descriptors, and interprets the dozen instructions that the library itself puts
 * into guests (fake_cpu.c). fake_process has no machine and reports events. The test's own
 * function stands for the guest's code, in the first where the guest's next byte is 0, in the other
 * wherever it is: it reads and writes registers and memory, and says what the guest does next.
 *
 * A backend is opened without a pointer of the caller's, so the test's wishes are the
 * program's: struct fake. One test at a time.
 */
#ifndef HV_FAKE_H
#define HV_FAKE_H

#include "hv/hv.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_SLOTS_MAX 4
#define FAKE_VIEWS_MAX 128
#define FAKE_VECTORS   160 /* where VECTORS are in a struct hv_vectors: XMM0 */

/* A virtual machine. Tests may look at all of it, and set what the guest could set. */
struct fake_vm {
	struct hv_vm base; /* base.regs points at regs */
	struct hv_regs regs;
	struct region slots[FAKE_SLOTS_MAX];
	size_t nslots;
	struct region views[FAKE_VIEWS_MAX];
	size_t nviews;
	struct hv_cpu_state cpu; /* as it was configured */
	unsigned ring;           /* 3 or 0; fake_machine only */
	uint64_t fs_base;
	uint64_t fault_address;
	uint64_t vectors; /* stands for all vector registers */
	bool is_watched;
	bool is_armed;
	atomic_bool was_kicked; /* and no run has told of it */
	uint64_t alarm;         /* on CLOCK_MONOTONIC; 0: none */
};

/*
 * The guest's code. Called when VM reaches a byte that is 0, in ring 3. Returns true when it filled
 * in *EXIT and leaves the machine that way; false to go on at vm->regs.rip, which may be the
 * same place, after one of the fake_...() functions below.
 */
typedef bool (*fake_guest)(struct fake_vm *vm, struct hv_exit *exit);

enum fake_syscall { FAKE_SYSCALL_RING0, FAKE_SYSCALL_RING3, FAKE_SYSCALL_UNDEFINED };

/* What a test wants; fake_reset() sets the values in brackets. */
struct fake {
	fake_guest guest; /* NULL */
	void *user;       /* for GUEST; NULL */

	/* How the hypervisor treats ring 3. */
	bool obeys_port_map;       /* `out` by the TSS's map of ports [true] */
	bool obeys_iopl;           /* `out` with I/O privilege 3 [true] */
	bool has_mmio;             /* exits on access without a slot [true] */
	enum fake_syscall syscall; /* [FAKE_SYSCALL_RING0] */

	struct hv_check check;     /* what check() says of both backends [available] */
	mote_status open_fails;    /* with this status and a message [MOTE_OK] */
	mote_status vm_new_fails;  /* as well */
	mote_status map_fails;     /* as well */
	mote_status run_fails;     /* each run, as well */
	mote_status reset_fails;   /* as well */
	mote_status watch_fails;   /* as well */
	mote_status arm_fails;     /* as well */
	mote_status vectors_fail;  /* as well: reading them, and resuming */
	mote_status alarm_fails;   /* as well */
	unsigned kick_us;          /* how long a kick takes; only for other threads [0] */
	_Atomic uint64_t cpu_time; /* of fake_process's guests [0] */
	const uint64_t *written;   /* what written() tells, once: addresses [none] */
	size_t nwritten;
	bool tells_nothing;  /* vm_new() refuses views with missing pages [false] */
	bool loses_writes;   /* written() does not know [false] */
	unsigned interrupts; /* so many runs end in HV_EXIT_INTERRUPTED at once [0] */

	/* Counted, by any thread. Open and made are less those closed. */
	atomic_uint nchecks, nopen, nvms, nruns, nresets, nwatches;
	atomic_uint narms, nkicks, nwaits;
	atomic_int narmed; /* less those disarmed */
};
extern struct fake fake;
void fake_reset(void);

extern const struct hv_backend fake_machine; /* "fake", hardware */
extern const struct hv_backend fake_process; /* "fake-process", not; needs descriptors */

/* The host's address of SIZE bytes at guest physical GPA, or NULL if no slot has them all. */
void *fake_physical(struct fake_vm *vm, uint64_t gpa, size_t size);

/* The host's address of what the guest itself can read at VA, up to the end of the page; ends
 * the test if it can read nothing. */
void *fake_at(struct fake_vm *vm, uint64_t va);

/*
 * What a guest can do. Each returns what the fake_guest is to return then, and comes back to the
 * same place: the guest's function is called again.
 */

/* Calls the hypercall page; the result is in rax when it comes back. */
bool fake_hypercall(struct fake_vm *vm, struct hv_exit *exit, uint64_t operation, uint64_t rsi,
		    uint64_t rdx, uint64_t rcx);

/* Executes `syscall` with these arguments; the result is in rax. */
bool fake_system_call(struct fake_vm *vm, struct hv_exit *exit, uint64_t number,
		      const uint64_t args[6]);

/* Does nothing, until it is kicked or the alarm goes off. */
bool fake_spin(struct fake_vm *vm, struct hv_exit *exit);

/* Faults. ADDRESS is for vector 14. */
bool fake_exception(struct fake_vm *vm, struct hv_exit *exit, uint8_t vector, uint32_t error_code,
		    uint64_t address);

/* fake_cpu.c: runs VM until it exits. */
void fake_cpu_run(struct fake_vm *vm, struct hv_exit *exit);

/* Whether VM is a fake_machine's. */
bool fake_is_machine(const struct fake_vm *vm);

#endif

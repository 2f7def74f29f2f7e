/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_abi.h - what the process backend and its monitor agree on.
 *
 * The monitor (monitor.c, monitor_entry.S) is a small static program that the
 * library carries inside itself. One copy runs for each runtime, as the launcher; it forks
 * a guest process for each virtual machine. Compiled into both sides; the part
 * without types also into the assembly.
 *
 * Everything of the monitor lives in one range of addresses, above all views:
 *
 *   MONITOR_TEXT      code, read and execute
 *   MONITOR_LAUNCHER  the launcher's own stack and data; guest processes unmap it
 *   MONITOR_CONTROL   the control block and the signal stack, shared with the host
 *   MONITOR_VIEWS     the views to map; unmapped before the guest runs
 */
#ifndef HV_PROCESS_MONITOR_ABI_H
#define HV_PROCESS_MONITOR_ABI_H

#define MONITOR_TEXT     0x7ff000000000
#define MONITOR_LAUNCHER 0x7ff000010000
#define MONITOR_CONTROL  0x7ff000020000
#define MONITOR_VIEWS    0x7ff000040000
#define MONITOR_END      0x7ff010000000

#define MONITOR_LAUNCHER_SIZE 0x4000
#define MONITOR_STACK_OFFSET  0x1000 /* of the signal stack, after the control block */
#define MONITOR_STACK_SIZE    0x8000
#define MONITOR_CONTROL_SIZE  0x9000

/* One past the last address that a user process has with four-level page tables. */
#define MONITOR_USER_END 0x7ffffffff000

/* The system call that stops a guest process: the kernel holds it until the
 * host answers. Any number would do; container profiles allow this one. */
#define MONITOR_STOP_CALL   39 /* getpid */
#define MONITOR_RETURN_CALL 15 /* rt_sigreturn */

/* Fixed places in the text, which the program's ELF headers are at the beginning of
 * (monitor_entry.S): after the two system calls that the filter knows, where a clean resume begins,
 * and the end of the way from a stop back into the guest. */
#define MONITOR_STOPPED   0x7ff000000107
#define MONITOR_RETURNED  0x7ff00000012f
#define MONITOR_CLEAN     0x7ff000000138
#define MONITOR_DOORS_END 0x7ff0000001d1

/* Offset in the hypercall page of the return instruction after the way out. */
#define MONITOR_HYPERCALL_RETURN 0x10

/*
 * Arguments of the stop call. The notification brings them to the host in one
 * piece, unlike memory, so that a stop that a signal cuts in two stays whole:
 * first the signal's number or one of these, then siginfo, context, FS base.
 */
#define MONITOR_STOP_START     0x100 /* set up; nothing ran yet */
#define MONITOR_STOP_HYPERCALL 0x101 /* registers are in the control block */

/* Answers: the address of a context for rt_sigreturn, or this. */
#define MONITOR_ANSWER_LOAD 0 /* load the registers of the control block */

/* The host's mark on an answer that the process has not got; its lowest byte is not 0. */
#define MONITOR_UNANSWERED 0x6e6f742d79657421

/* Offsets in struct monitor_control. */
#define CONTROL_FS_BASE    0
#define CONTROL_REGS       8
#define CONTROL_UNANSWERED 152

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* As struct hv_regs, which the monitor does not see. */
struct monitor_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags;
};

/* What rt_sigreturn reads and a signal handler gets: the kernel's struct ucontext. */
struct monitor_context {
	uint64_t flags;
	uint64_t link;
	uint64_t stack_base;
	uint32_t stack_flags;
	uint32_t stack_reserved;
	uint64_t stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error_code, vector, old_mask, fault_address;
	uint64_t fpstate; /* 0: the kernel resets floating point and vector registers */
	uint64_t reserved[8];
	uint64_t signal_mask;
};
_Static_assert(sizeof(struct monitor_context) == 304, "the kernel's struct ucontext is so long");
_Static_assert(offsetof(struct monitor_context, r8) == 40, "the kernel's uc_mcontext begins here");
_Static_assert(offsetof(struct monitor_context, fpstate) == 40 + 184, "fpstate follows the gregs");

/* What the kernel puts into the part of an XSAVE area that the processor leaves alone: struct
 * _fpx_sw_bytes. The area has XSTATE_SIZE bytes. */
struct monitor_fpx {
	uint32_t magic, extended_size;
	uint64_t features;
	uint32_t xstate_size, padding[7];
};
_Static_assert(sizeof(struct monitor_fpx) == 48, "the kernel's struct _fpx_sw_bytes is so long");
#define MONITOR_FPX_MAGIC 0x46505853

/* The head of the kernel's siginfo, with the fields of SIGSYS. */
struct monitor_siginfo {
	int32_t signal, os_error, code, padding;
	uint64_t call_address;
	int32_t call;
	uint32_t arch;
};

/*
 * The control block. The guest can write all of it at any time while it runs,
 * but not while the kernel holds it in the stop call: what the host
 * writes between a stop and its answer is what the monitor acts on.
 */
struct monitor_control {
	uint64_t fs_base;
	struct monitor_regs regs;     /* both ways */
	uint64_t unanswered;          /* MONITOR_UNANSWERED until the answer has arrived */
	struct monitor_context clean; /* what a clean resume goes through */
	uint64_t nviews;              /* at MONITOR_VIEWS, while the guest process is made */
};
_Static_assert(offsetof(struct monitor_control, fs_base) == CONTROL_FS_BASE &&
		       offsetof(struct monitor_control, regs) == CONTROL_REGS &&
		       offsetof(struct monitor_control, unanswered) == CONTROL_UNANSWERED,
	       "monitor_entry.S uses these offsets");
_Static_assert(sizeof(struct monitor_control) <= MONITOR_STACK_OFFSET,
	       "the control block has one page");
_Static_assert(MONITOR_CONTROL_SIZE == MONITOR_STACK_OFFSET + MONITOR_STACK_SIZE,
	       "the signal stack follows the control block");

/* One view for the monitor to map: FILE counts the descriptors of the request's slots. */
struct monitor_view {
	uint64_t address, size, offset;
	uint32_t file;
	uint32_t protection; /* PROT_* */
	uint32_t sharing;    /* MAP_SHARED or MAP_PRIVATE */
	uint32_t is_missing; /* pages that FILE does not have yet are SIGBUS */
};

/* Requests of the host to the launcher, each with its descriptors. All but the last are
 * answered with a monitor_reply. */
enum monitor_request_kind {
	MONITOR_HELLO = 1, /* descriptor: pidfd of the host */
	MONITOR_SPAWN,     /* descriptors: socket to the guest process, control memory, slots */
	MONITOR_REAP,      /* kills process PID and waits for it */
	MONITOR_QUIT,
};

struct monitor_request {
	uint32_t kind;
	uint32_t serial; /* comes back in the reply */
	int32_t pid;
};

/* How many slots fit a request: the kernel passes at most 253 descriptors. */
#define MONITOR_SLOTS_MAX 250

/* Where making a guest process failed, in order. */
enum monitor_step {
	MONITOR_STEP_DONE,
	MONITOR_STEP_FEATURES,
	MONITOR_STEP_PRIVILEGES,
	MONITOR_STEP_FORK,
	MONITOR_STEP_CONTROL,
	MONITOR_STEP_VIEWS,
	MONITOR_STEP_MISSING,
	MONITOR_STEP_HYPERCALL_PAGE,
	MONITOR_STEP_SIGNALS,
	MONITOR_STEP_FILTER,
	MONITOR_STEP_PIDFD,
	MONITOR_STEP_LIMITS,
};

/* HELLO: step and os_error. SPAWN: the same, and pid. REAP: pid, and code and status of waitid. A
 * new guest process sends one too, over its socket: step and os_error, and if that is
 * MONITOR_STEP_DONE its seccomp listener and its pidfd; and, if pages are missing or the kernel can
 * tell which are written, the descriptor that keeps it so; in the latter case also its pagemap. */
struct monitor_reply {
	uint32_t serial;
	uint32_t step;
	int32_t os_error;
	int32_t pid;
	int32_t code, status;
};

#endif
#endif

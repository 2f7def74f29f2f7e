/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal_frame.h - what Linux puts on a stack before it calls a handler, and what signals.c and
 * syscall_signal.c share of it.
 *
 * The frame is what the C library's headers call siginfo_t and ucontext_t; above it lies the area
 * of vector registers that its context points at. Names as the rest of the library has them.
 */
#ifndef GUEST_ABI_MOTE_SIGNAL_FRAME_H
#define GUEST_ABI_MOTE_SIGNAL_FRAME_H

#include "guest_abi/mote/signals.h"

#include <stddef.h>

/* struct ucontext; its greg_t are in the order of REG_R8 and on. */
struct frame_context {
	uint64_t flags, link;
	uint64_t stack_base;
	uint32_t stack_flags, stack_padding;
	uint64_t stack_size;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error_code, vector, old_mask, fault_address;
	uint64_t fpstate; /* address of the area of vector registers; 0: as new */
	uint64_t reserved[8];
	uint64_t signal_mask;
};
_Static_assert(sizeof(struct frame_context) == 304, "the kernel's struct ucontext is so long");
_Static_assert(offsetof(struct frame_context, fpstate) == 224, "uc_mcontext.fpregs is there");
_Static_assert(offsetof(struct frame_context, signal_mask) == 296, "uc_sigmask is there");

/* siginfo_t. */
struct frame_info {
	int32_t signal, os_error, code, padding;
	union {
		uint64_t address; /* of faults */
		struct {
			int32_t pid;
			uint32_t uid;
		} sender;
		uint8_t rest[112];
	} u;
};
_Static_assert(sizeof(struct frame_info) == 128, "siginfo_t is so long");

/* struct rt_sigframe: the handler returns to the restorer, which makes the call rt_sigreturn. */
struct signal_frame {
	uint64_t restorer;
	struct frame_context context;
	struct frame_info info;
};
_Static_assert(sizeof(struct signal_frame) == 440, "the kernel's struct rt_sigframe is so long");

/* uc_flags: vector registers are an XSAVE area, and SS is there. */
#define FRAME_FLAGS UINT64_C(7)

/* EFLAGS.DF, which handlers find clear. */
#define FRAME_DIRECTION UINT64_C(0x400)

/* What the kernel writes behind an XSAVE area. */
#define FRAME_VECTORS_END UINT32_C(0x46505845)

/* SA_RESTORER, which only the kernel's headers have. */
#define SIGNAL_HAS_RESTORER UINT64_C(0x04000000)

/* SIG_IGN; KILL and STOP, which nobody blocks. */
#define SIGNAL_IGNORE       UINT64_C(1)
#define SIGNALS_UNBLOCKABLE (UINT64_C(1) << 8 | UINT64_C(1) << 18)

/* The registers of a context, and back; segments are those of 64-bit programs, and do not come
 * back. */
void frame_set_regs(struct frame_context *context, const struct hv_regs *regs);
void frame_get_regs(const struct frame_context *context, struct hv_regs *regs);

/* Writes the kernel's words about VECTORS into their area. */
void frame_sign_vectors(struct hv_vectors *vectors);

/* How many bytes an area has whose first HV_VECTORS_HEADER bytes are AREA: 512, if the kernel's
 * words are not there. */
uint32_t frame_vectors_size(const uint8_t *area);

/* The lowest signal of SET, which has one. */
static inline int signals_lowest(uint64_t set)
{
	return (int)((unsigned)__builtin_ctzll(set) % 64) + 1;
}

/* What siginfo says of SIGNAL, which is pending and is to be delivered now. */
struct frame_info signals_take_info(struct personality *p, int signal);

/* Whether RSP is on the stack for handlers. */
bool signals_on_stack(const struct signals *signals, uint64_t rsp);

/* Whether a stack of SIZE bytes at BASE can be: in the guest's addresses, as long as Linux wants. */
bool signals_stack_is_sound(uint64_t base, uint64_t size);

#endif

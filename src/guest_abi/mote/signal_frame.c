/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers as they lie in a signal's frame.
 */
#include "guest_abi/mote/signal_frame.h"

#include <string.h>

/* Segments of 64-bit programs in Linux, for who looks. */
enum { SELECTOR_CODE = 0x33, SELECTOR_STACK = 0x2b };

/* struct _fpx_sw_bytes. */
struct software {
	uint32_t magic, extended_size;
	uint64_t features;
	uint32_t size, padding[7];
};
_Static_assert(HV_VECTORS_SOFTWARE + sizeof(struct software) == HV_VECTORS_HEADER,
	       "the kernel's words end where the header begins");
#define SOFTWARE_MAGIC UINT32_C(0x46505853)

/* clang-format off */
#define FOR_EACH_REGISTER(X) \
	X(r8) X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rdi) \
	X(rsi) X(rbp) X(rbx) X(rdx) X(rax) X(rcx) X(rsp) X(rip) X(rflags)
/* clang-format on */

void frame_set_regs(struct frame_context *context, const struct hv_regs *regs)
{
#define SET(name) context->name = regs->name;
	FOR_EACH_REGISTER(SET)
	context->cs = SELECTOR_CODE;
	context->ss = SELECTOR_STACK;
}

void frame_get_regs(const struct frame_context *context, struct hv_regs *regs)
{
#define GET(name) regs->name = context->name;
	FOR_EACH_REGISTER(GET)
}

void frame_sign_vectors(struct hv_vectors *vectors)
{
	const struct software words = {
		.magic = SOFTWARE_MAGIC,
		.extended_size = vectors->size + (uint32_t)sizeof(uint32_t),
		.features = vectors->features,
		.size = vectors->size,
	};

	memcpy(vectors->area + HV_VECTORS_SOFTWARE, &words, sizeof words);
}

uint32_t frame_vectors_size(const uint8_t *area)
{
	struct software words;

	memcpy(&words, area + HV_VECTORS_SOFTWARE, sizeof words);
	if (words.magic != SOFTWARE_MAGIC || words.size < HV_VECTORS_LEAST ||
	    words.size > HV_VECTORS_MOST)
		return HV_VECTORS_HEADER;
	return words.size;
}

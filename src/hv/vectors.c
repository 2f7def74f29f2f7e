/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Areas of vector registers that came from a guest, made fit for a processor: it would refuse the
 * whole for one bit that is reserved.
 */
#include "hv/hv.h"

#include <string.h>

/* The header: which components are in use; which format it is, 0; nothing. */
enum { HEADER_FORMAT = HV_VECTORS_HEADER + 8, HEADER_END = HV_VECTORS_LEAST };

/* Bits 0 to 15 are defined, all of them on every processor with 64 bits. */
#define MXCSR_MASK    UINT32_C(0xffff)
#define MXCSR_DEFAULT UINT32_C(0x1f80)
#define FCW_DEFAULT   0x037f

void hv_vectors_clean(struct hv_vectors *vectors, uint64_t features)
{
	uint64_t used;
	uint32_t mxcsr;

	memcpy(&used, vectors->area + HV_VECTORS_HEADER, sizeof used);
	memcpy(&mxcsr, vectors->area + HV_VECTORS_MXCSR, sizeof mxcsr);
	used &= features;
	mxcsr &= MXCSR_MASK;
	memcpy(vectors->area + HV_VECTORS_HEADER, &used, sizeof used);
	memcpy(vectors->area + HV_VECTORS_MXCSR, &mxcsr, sizeof mxcsr);
	memset(vectors->area + HEADER_FORMAT, 0, HEADER_END - HEADER_FORMAT);
}

void hv_vectors_init(struct hv_vectors *vectors)
{
	const uint32_t mxcsr = MXCSR_DEFAULT;
	const uint16_t control = FCW_DEFAULT;

	memset(vectors, 0, sizeof *vectors);
	memcpy(vectors->area, &control, sizeof control);
	memcpy(vectors->area + HV_VECTORS_MXCSR, &mxcsr, sizeof mxcsr);
	vectors->size = HV_VECTORS_LEAST;
	vectors->features = 3;
}

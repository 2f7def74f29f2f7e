/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that travel in the buffers for bulk data instead of in messages: see struct mote_span. The
 * result buffer is handed out from its front during a call, to whoever asks for room for a result;
 * what is copied there to be sent goes behind that. Hosts that have no buffers left zeroes in
 * the start block, so that nothing fits.
 */
#include "state.h"

#include <string.h>

#define ALIGNMENT 16

/* Bytes of the result buffer that were handed out in this call. */
static uint64_t used;

void spans_reset(void)
{
	used = 0;
}

void *mote_guest_result_buffer(size_t size)
{
	const struct mote_start_block *block = start_block();
	const uint64_t at = used;

	if (!block || block->buffer_size == 0 || size > block->buffer_size - at)
		return mote_alloc(size);
	const uint64_t end = at + size; /* buffers are far smaller than 2^64 */
	used = (end + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	return (char *)block->results_address + at;
}

/* Whether the SIZE bytes at ADDRESS are in a buffer that begins at BUFFER. */
static bool is_inside(const struct mote_start_block *block, uint64_t buffer, uint64_t address,
		      uint64_t size)
{
	return address - buffer <= block->buffer_size &&
	       size <= block->buffer_size - (address - buffer);
}

/* Where in the buffers VALUE lies, copied to *AT of the result buffer if need be; 0: nowhere. */
static uint64_t place(const struct mote_start_block *block, const mote_value *value, uint64_t *at)
{
	const uint64_t address = (uint64_t)value->as.bytes.ptr;
	const uint64_t size = value->as.bytes.len;

	if (value->type != MOTE_BYTES || size == 0)
		return 0;
	if (is_inside(block, block->results_address, address, size) ||
	    is_inside(block, block->arguments_address, address, size))
		return address;
	if (size < MOTE_SPAN_MIN || size > block->buffer_size - *at)
		return 0;
	const uint64_t to = block->results_address + *at;
	memcpy((void *)to, value->as.bytes.ptr, size);
	*at = (*at + size + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
	return to;
}

uint64_t spans_send(mote_value *values, size_t n, struct mote_span *spans)
{
	const struct mote_start_block *block = start_block();
	uint64_t at = used, which = 0;

	if (block->buffer_size == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		const uint64_t address = place(block, &values[i], &at);

		if (address == 0)
			continue;
		spans[i] = (struct mote_span){ address, values[i].as.bytes.len };
		values[i].as.bytes.ptr = &spans[i];
		values[i].as.bytes.len = sizeof(spans[i]);
		which |= UINT64_C(1) << i;
	}
	return which;
}

bool spans_receive(mote_value *values, size_t n, uint64_t which)
{
	struct mote_span span;

	if (which >> n != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((which >> i & 1) == 0)
			continue;
		if (values[i].type != MOTE_BYTES || values[i].as.bytes.len != sizeof(span))
			return false;
		memcpy(&span, values[i].as.bytes.ptr, sizeof(span));
		values[i].as.bytes.ptr = (const void *)span.address;
		values[i].as.bytes.len = span.size;
	}
	return true;
}

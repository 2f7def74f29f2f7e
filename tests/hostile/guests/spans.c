/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans that are none: results and parameters of host functions that are said to lie in a buffer,
 * at addresses and of sizes that end outside of it, wrap, or are somewhere else; by registers that
 * say so of other values.
 */
#include "hostile/guests/forge.h"

static uint64_t ring_with(uint64_t operation, uint64_t which, uint64_t takes)
{
	typedef uint64_t hypercall(uint64_t, uint64_t, uint64_t, uint64_t);

	return ((hypercall *)(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY))(operation, which, takes,
									   UINT64_MAX);
}

enum { PLACES = 12, SIZES = 8, MASKS = 4, LENGTHS = 3 };

static struct mote_span span_of(uint64_t way)
{
	const struct mote_start_block *b = block();
	const uint64_t places[PLACES] = {
		b->results_address,
		b->results_address - 1,
		b->results_address + b->buffer_size,
		b->results_address + b->buffer_size + 1,
		b->arguments_address,
		b->arguments_address - 1,
		b->output_address,
		b->heap_address,
		b->stack_address,
		MOTE_SUPERVISOR_BASE,
		0,
		UINT64_MAX,
	};
	const uint64_t sizes[SIZES] = { 0,
					1,
					b->buffer_size,
					b->buffer_size + 1,
					UINT64_MAX,
					UINT64_MAX - b->results_address,
					UINT64_C(1) << 63,
					4096 };

	return (struct mote_span){ places[way % PLACES], sizes[way / PLACES % SIZES] };
}

ATTACK_WAYS(PLACES *SIZES *MASKS *LENGTHS * 2)
{
	static const uint64_t masks[MASKS] = { 1, 3, UINT64_C(1) << 63, UINT64_MAX };
	static const size_t lengths[LENGTHS] = { 16, 15, 0 };
	static unsigned char message[MESSAGE_MAX];
	const struct mote_span span = span_of(way);
	const uint64_t rest = way / PLACES / SIZES;
	const uint64_t mask = masks[rest % MASKS];
	const mote_value value = mote_bytes(&span, lengths[rest / MASKS % LENGTHS]);

	if (rest / MASKS / LENGTHS % 2) {
		struct wire_call call = { .name = "HostEcho",
					  .name_len = 8,
					  .kind = WIRE_CALL_HOST,
					  .result = MOTE_STRING,
					  .nparams = 1,
					  .params = { value } };
		push(message, wire_call_write(message, sizeof message, &call));
		ring_with(MOTE_HC_HOST_CALL, mask, UINT64_MAX);
	}
	push(message, write_result(message, value));
	ring_with(MOTE_HC_DONE, mask, 0);
}

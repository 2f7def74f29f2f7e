/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forge.h - messages and buffers as no honest guest makes them. Written with the host's own code
 * (abi/), so that only what is meant to be wrong is wrong.
 */
#ifndef TESTS_HOSTILE_GUESTS_FORGE_H
#define TESTS_HOSTILE_GUESTS_FORGE_H

#include "abi/io_stack.h"
#include "abi/mote_abi.h"
#include "abi/wire.h"

#include "hostile/guests/attack.h"

#include <sys/auxv.h>

static inline uint64_t ring(uint64_t operation)
{
	typedef uint64_t hypercall(uint64_t, uint64_t, uint64_t, uint64_t);

	return ((hypercall *)(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY))(operation, 0, 0, 0);
}

static inline const struct mote_start_block *block(void)
{
	return (const struct mote_start_block *)getauxval(MOTE_AT_START_BLOCK);
}

static inline struct io_stack output(void)
{
	return (struct io_stack){ (uint8_t *)block()->output_address, block()->output_size };
}

static inline struct io_stack input(void)
{
	return (struct io_stack){ (uint8_t *)block()->input_address, block()->input_size };
}

static inline void push(const void *bytes, size_t size)
{
	struct io_stack out = output();
	struct io_fault fault;

	io_stack_push(&out, bytes, size, &fault);
}

/* Each returns the size of a sound message that it wrote to MESSAGE, which has MESSAGE_MAX bytes. */
enum { MESSAGE_MAX = 2048 };

static inline size_t write_result(unsigned char *message, mote_value value)
{
	const struct wire_result result = { .is_error = false, .value = value };

	return wire_result_write(message, MESSAGE_MAX, &result);
}

static inline size_t write_error(unsigned char *message, const char *text, size_t size)
{
	const struct wire_result result = {
		.is_error = true, .code = 5, .message = text, .message_len = size
	};

	return wire_result_write(message, MESSAGE_MAX, &result);
}

static inline size_t write_call(unsigned char *message, const char *name, mote_type result,
				size_t nparams, const mote_value *params)
{
	struct wire_call call = { .name = name,
				  .name_len = strlen(name),
				  .kind = WIRE_CALL_HOST,
				  .result = result,
				  .nparams = (uint32_t)nparams };

	if (nparams)
		memcpy(call.params, params, nparams * sizeof *params);
	return wire_call_write(message, MESSAGE_MAX, &call);
}

static inline size_t write_log(unsigned char *message, const char *text, size_t size)
{
	const struct wire_log log = { .message = { text, size },
				      .source = { "s", 1 },
				      .caller = { "c", 1 },
				      .source_file = { "f", 1 },
				      .level = WIRE_LEVEL_INFO };

	return wire_log_write(message, MESSAGE_MAX, &log);
}

/* Numbers at which checks go wrong. */
static const uint64_t edges[] = {
	0,
	1,
	2,
	3,
	4,
	7,
	8,
	9,
	15,
	16,
	17,
	63,
	64,
	0xff,
	0x100,
	0xfff,
	0x1000,
	0x3ff8,
	0x3fff,
	0x4000,
	0x4001,
	0x7fff,
	0x8000,
	0xfffe,
	0xffff,
	0x10000,
	0x7fffffff,
	0x80000000,
	0xfffffff8,
	0xfffffffb,
	0xfffffffc,
	0xfffffffe,
	0xffffffff,
	UINT64_C(0x100000000),
	UINT64_C(0x7fffffffffffffff),
	UINT64_C(0x8000000000000000),
	UINT64_MAX - 8,
	UINT64_MAX - 7,
	UINT64_MAX - 1,
	UINT64_MAX,
};

/* A number that looks random, from a seed. */
static inline uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_host.h - the host's side of the guest ABI, inside of one process: buffers, a start
 * block, and a hypercall page whose code calls C. So the guest library runs in
 * a test program, under sanitizers and debuggers.
 *
 * The test program is linked with --wrap=getauxval. What a message was is copied
 * out of the buffers and stays until the next one of its kind.
 */
#ifndef TESTS_GUEST_FAKE_HOST_H
#define TESTS_GUEST_FAKE_HOST_H

#include "abi/io_stack.h"
#include "abi/mote_abi.h"
#include "abi/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How control came back from the guest. */
enum fake_end { FAKE_READY, FAKE_DONE };

struct fake_host {
	bool is_present; /* whether getauxval() knows of a start block */
	struct io_stack input, output;
	const struct mote_mapping_table *mappings;   /* NULL: the host knows of no such thing */
	const struct mote_function_table *functions; /* the same */
	const void *init_data;
	uint64_t init_data_size;
	uint64_t generation; /* as calls find it */

	/* The buffers for bulk data, BUFFER_SIZE bytes each; 0: the host knows of no such thing. */
	uint8_t *arguments, *results;
	uint64_t buffer_size;
	uint64_t which; /* parameters that are spans, as the next call finds it in rsi */

	/* READY's operands. */
	uint64_t dispatch, stack, main_result;

	/* What DONE left: the result, and how many bytes of each buffer are in use. */
	struct wire_result result;
	uint64_t input_used, output_used;
	uint64_t result_is_span;

	/* HOST_CALL: the call, and what to answer. answer_bytes, if set, is pushed as it is. */
	struct wire_call call;
	unsigned calls;
	uint64_t spans_of_call, takes_spans; /* rsi and rdx */
	uint64_t answer_is_span;             /* rax */
	struct wire_result answer;
	const void *answer_bytes;
	size_t answer_size; /* 0 with answer_bytes: nothing is pushed */

	/* LOG. */
	struct wire_log log;
	unsigned logs;
};

/* The one there is: hypercalls have no operand to tell hosts apart. */
extern struct fake_host fake;

/* A cmocka setup: a host with empty buffers of a page each. */
int fake_host_setup(void **state);

/* Puts CALL on the input buffer and enters the guest at its dispatch function with INDEX. */
void fake_host_call(uint64_t index, const struct wire_call *call);

/* Enters with the input buffer as it is. */
void fake_host_enter(uint64_t index);

/* Runs FUNCTION, which ends in a hypercall that does not return. */
enum fake_end fake_host_run(void (*function)(void *), void *argument);

/* How many functions the guest exports. */
uint64_t fake_host_count(void);

/* The index of the export of that name; fails the test when there is none. */
uint64_t fake_host_index(const char *name);

/* Calls the export of that name. */
void fake_host_call_name(const char *name, mote_type result, size_t nparams,
			 const mote_value *params);

/* Checks that the last call failed with CODE and exactly MESSAGE. */
void expect_error(uint64_t code, const char *message);

#endif

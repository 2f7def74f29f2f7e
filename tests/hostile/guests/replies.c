/* SPDX-License-Identifier: Apache-2.0 */
/* Replies that are missing, that are two, or that are something else. */
#include "hostile/guests/forge.h"

static unsigned char message[MESSAGE_MAX];

static void result(mote_value value)
{
	push(message, write_result(message, value));
}

static void done(void)
{
	ring(MOTE_HC_DONE);
}

static void fill_output(void)
{
	struct io_stack out = output();

	memset(out.base, 0xff, out.size);
}

#define WAYS(X)                                                                                    \
	X(none, done())                                                                            \
	X(none_for_host_call, ring(MOTE_HC_HOST_CALL))                                             \
	X(none_for_log, ring(MOTE_HC_LOG))                                                         \
	X(number_for_nothing, result(mote_i32(1)); done())                                         \
	X(text_for_nothing, result(mote_str("text")); done())                                      \
	X(bytes_for_nothing, result(mote_bytes("text", 4)); done())                                \
	X(call_for_result, push(message, write_call(message, "HostAdd", MOTE_I32, 0, NULL));       \
	  done())                                                                                  \
	X(log_for_result, push(message, write_log(message, "log", 3)); done())                     \
	X(result_for_call, result(mote_i32(1)); ring(MOTE_HC_HOST_CALL))                           \
	X(result_for_log, result(mote_i32(1)); ring(MOTE_HC_LOG))                                  \
	X(call_for_log, push(message, write_call(message, "HostAdd", MOTE_I32, 0, NULL));          \
	  ring(MOTE_HC_LOG))                                                                       \
	X(full_of_ff, fill_output(); done())                                                       \
	X(full_of_ff_log, fill_output(); ring(MOTE_HC_LOG))                                        \
	X(full_of_ff_host_call, fill_output(); ring(MOTE_HC_HOST_CALL))                            \
	X(number_after_number, result(mote_i32(1)); result(mote_i32(2)); done())                   \
	X(bytes_behind, result((mote_value){ .type = MOTE_VOID }); push("12345678", 8); done())

ATTACK_LIST(WAYS)

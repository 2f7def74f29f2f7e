/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of host functions that do not exist, or with what they do not take. */
#include "hostile/guests/forge.h"

static void call(const char *name, mote_type result, size_t nparams, const mote_value *params)
{
	unsigned char message[MESSAGE_MAX];

	push(message, write_call(message, name, result, nparams, params));
	ring(MOTE_HC_HOST_CALL);
}

static void call_with(mote_type type)
{
	const mote_value params[2] = { { MOTE_I32, 0, { .i32 = 1 } }, { type, 0, { .u64 = 0 } } };

	call("HostAdd", MOTE_I32, 2, params);
}

static void as_guest_call(void)
{
	unsigned char message[MESSAGE_MAX];
	const struct wire_call to_itself = {
		.name = "Answer", .name_len = 6, .kind = WIRE_CALL_GUEST, .result = MOTE_U64
	};

	push(message, wire_call_write(message, sizeof message, &to_itself));
	ring(MOTE_HC_HOST_CALL);
}

static const mote_value many[10] = {
	{ MOTE_I32, 0, { 0 } }, { MOTE_I32, 0, { 0 } }, { MOTE_I32, 0, { 0 } },
	{ MOTE_I32, 0, { 0 } }, { MOTE_I32, 0, { 0 } }, { MOTE_I32, 0, { 0 } },
	{ MOTE_I32, 0, { 0 } }, { MOTE_I32, 0, { 0 } }, { MOTE_I32, 0, { 0 } },
	{ MOTE_I32, 0, { 0 } },
};
static const char long_name[] = "AnExtremelyLongNameOfAFunctionThatNoHostHasEverRegistered"
				"BecauseItHasMoreThanSixtyThreeBytesAndSoDoesNotFitAnywhere";

#define WAYS(X)                                                                                    \
	X(unknown, call("HostNothing", MOTE_I32, 0, NULL))                                         \
	X(own_function, call("Answer", MOTE_U64, 1, many))                                         \
	X(empty_name, call("", MOTE_I32, 0, NULL))                                                 \
	X(long_name, call(long_name, MOTE_I32, 0, NULL))                                           \
	X(prefix_of_a_name, call("HostAd", MOTE_I32, 2, many))                                     \
	X(name_with_more, call("HostAdd2", MOTE_I32, 2, many))                                     \
	X(no_parameters, call("HostAdd", MOTE_I32, 0, NULL))                                       \
	X(one_parameter, call("HostAdd", MOTE_I32, 1, many))                                       \
	X(three_parameters, call("HostAdd", MOTE_I32, 3, many))                                    \
	X(ten_parameters, call("HostAdd", MOTE_I32, 10, many))                                     \
	X(wrong_result, call("HostAdd", MOTE_STRING, 2, many))                                     \
	X(no_result, call("HostAdd", MOTE_VOID, 2, many))                                          \
	X(u32_parameter, call_with(MOTE_U32))                                                      \
	X(i64_parameter, call_with(MOTE_I64))                                                      \
	X(f64_parameter, call_with(MOTE_F64))                                                      \
	X(bool_parameter, call_with(MOTE_BOOL))                                                    \
	X(bytes_parameter, call_with(MOTE_BYTES))                                                  \
	X(as_guest_call, as_guest_call())

ATTACK_LIST(WAYS)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_call.h - calls as the command line has them: a function's name and the words of its
 * arguments. They are parsed before anything runs: by the types in the guest's export record, or,
 * for a guest that lists no functions, by those that the words say.
 */
#ifndef CLI_FUNCTION_CALL_H
#define CLI_FUNCTION_CALL_H

#include "guest.h"
#include "values.h"

#include <json-c/json_object.h>
#include <mote/receipt.h>

/* Not to be copied: FUNCTION may point into it. */
struct function_call {
	const mote_function_info *function;
	mote_function_info unlisted; /* of a guest that lists none: what the words say */
	struct argument arguments[MOTE_MAX_PARAMS];
	size_t count; /* parsed */
};

/*
 * Parses WORDS, the first of which is the name, for GUEST, which is called PATH in messages. ERR
 * is filled on failure; function_call_fini() either way.
 */
mote_status function_call_parse(struct function_call *call, const struct guest *guest,
				const char *path, size_t nwords, const char *const *words,
				mote_error *err);

/* Makes the call in SB, within the limits in time of OPTIONS. RESULT is that of mote_call();
 * RECEIPT may be NULL. */
mote_status function_call_make(const struct function_call *call, mote_sandbox *sb,
			       const struct options *options, mote_value *result,
			       mote_receipt *receipt, mote_error *err);

void function_call_fini(struct function_call *call);

#endif

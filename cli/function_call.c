/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from words to mote_call().
 */
#include "function_call.h"

#include "report.h"
#include "suggest.h"

#include <mote/call.h>

#include <inttypes.h>

/* Here and not in the library: a suggestion needs the list, and types must be known to parse. */
static mote_status no_such_function(const struct guest *guest, const char *path, const char *name,
				    mote_error *err)
{
	struct suggestion like = suggestion_for(name);
	const mote_function_info *function;

	if (!guest->info.is_mote_guest)
		return fail(err, MOTE_E_IMAGE,
			    "%.200s: not a mote guest: it exports no functions; `mote run` runs it "
			    "as a program; if it is a guest of another ABI, say so with --abi",
			    path);
	for (size_t i = 0; (function = mote_image_export(guest->image, i)); i++)
		suggestion_offer(&like, function->name);
	if (like.best)
		return fail(err, MOTE_E_NO_FUNCTION,
			    "%.200s: no function \"%.100s\"; did you mean \"%s\"?", path, name,
			    like.best);
	return fail(err, MOTE_E_NO_FUNCTION,
		    "%.200s: no function \"%.100s\"; `mote inspect` lists what there is", path,
		    name);
}

static mote_status parse_arguments(struct function_call *call, size_t nwords,
				   const char *const *words, mote_error *err)
{
	char text[SIGNATURE_SIZE];

	if (nwords != call->function->nparams) {
		signature_format(text, call->function);
		return fail(err, MOTE_E_SIGNATURE,
			    "%zu arguments given, the function wants %" PRIu32 ": %s", nwords,
			    call->function->nparams, text);
	}
	for (; call->count < nwords; call->count++) {
		size_t i = call->count;
		mote_status status =
			argument_parse(&call->arguments[i], call->function, i, words[i], err);
		if (status)
			return status;
	}
	return MOTE_OK;
}

/* For a guest whose functions only it knows: it may refuse the name, and the types. */
static mote_status parse_unlisted(struct function_call *call, size_t nwords,
				  const char *const *words, mote_error *err)
{
	mote_function_info *function = &call->unlisted;

	call->function = function;
	function->name = words[0];
	if (nwords - 1 > MOTE_MAX_PARAMS)
		return fail(err, MOTE_E_SIGNATURE, "%zu arguments given; %d is the most",
			    nwords - 1, MOTE_MAX_PARAMS);
	for (; call->count < nwords - 1; call->count++) {
		const size_t i = call->count;
		const char *value;
		mote_status status =
			argument_type(&function->params[i], &value, i, words[i + 1], err);
		if (!status)
			status = argument_parse(&call->arguments[i], function, i, value, err);
		if (status)
			return status;
	}
	return MOTE_OK;
}

mote_status function_call_parse(struct function_call *call, const struct guest *guest,
				const char *path, size_t nwords, const char *const *words,
				mote_error *err)
{
	if (!guest->info.lists_functions) {
		*call = (struct function_call){ .count = 0 };
		return parse_unlisted(call, nwords, words, err);
	}
	*call = (struct function_call){
		.function = mote_image_find_export(guest->image, words[0]),
	};
	if (!call->function)
		return no_such_function(guest, path, words[0], err);
	return parse_arguments(call, nwords - 1, words + 1, err);
}

mote_status function_call_make(const struct function_call *call, mote_sandbox *sb,
			       const struct options *options, mote_value *result,
			       mote_receipt *receipt, mote_error *err)
{
	mote_value values[MOTE_MAX_PARAMS];

	for (size_t i = 0; i < call->count; i++)
		values[i] = call->arguments[i].value;
	return mote_call_with(sb, call->function->name, values, call->count,
			      MOTE_OPTIONS(mote_call_options, .timeout_ns = options->timeout_ns,
					   .cpu_ns = options->cpu_ns, .receipt = receipt),
			      result, err);
}

void function_call_fini(struct function_call *call)
{
	for (size_t i = 0; i < call->count; i++)
		argument_fini(&call->arguments[i]);
	call->count = 0;
}

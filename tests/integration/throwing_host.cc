/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host in C++ that does what no host may: its host function throws, and around the call there is a
 * handler. For test_exceptions, which sees to it that nobody gets there.
 */
#include <mote/mote.h>

#include <cstdio>

struct thrown {};

static mote_status start(void *, const mote_value *, size_t, mote_value *result, mote_error *)
{
	*result = mote_i32(0);
	return MOTE_OK;
}

extern "C" mote_status host_throws(void *, const mote_value *, size_t, mote_value *, mote_error *)
{
	throw thrown();
}

static mote_status make(mote_sandbox **sb, mote_runtime *rt, const char *guest, mote_error *err)
{
	mote_host_function functions[2] = {};
	mote_sandbox_options options = {};
	mote_image *image;

	functions[0].name = "HostMain";
	functions[0].fn = start;
	functions[0].result = MOTE_I32;
	functions[1].name = "HostVoid";
	functions[1].fn = host_throws;
	options.size = sizeof options;
	options.functions = functions;
	options.nfunctions = 2;
	mote_status status = mote_image_load_file(&image, rt, guest, err);
	if (!status)
		status = mote_sandbox_new(sb, image, &options, err);
	mote_image_unref(image);
	return status;
}

int main(int, char **argv)
{
	mote_runtime_options options = {};
	mote_runtime *rt;
	mote_sandbox *sb = nullptr;
	mote_error err;

	options.size = sizeof options;
	options.allow_weaker_isolation = true;
	mote_status status = mote_runtime_new(&rt, &options, &err);
	if (!status)
		status = make(&sb, rt, argv[1], &err);
	try {
		if (!status)
			status = mote_call(sb, "CallVoid", nullptr, 0, nullptr, &err);
	} catch (const thrown &) {
		std::puts("caught behind the call");
		return 2;
	}
	std::printf("%s\n", status ? err.message : "returned");
	return 1;
}

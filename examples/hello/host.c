/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hello example: calls functions of an untrusted guest, serves a call of the
 * guest's own, and survives what the guest does wrong.
 *
 * Usage: hello GUEST
 */
#include <mote/mote.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static mote_status get_weekday(void *user, const mote_value *args, size_t nargs, mote_value *result,
			       mote_error *err)
{
	(void)args;
	(void)nargs;
	(void)err;
	*result = mote_str(user);
	return MOTE_OK;
}

/* Says which backend runs, and why it is that one. */
static void print_backend(const mote_runtime *rt)
{
	mote_backend_info info = { .size = sizeof info };
	const char *name = mote_runtime_backend(rt);
	const char *missing = "";
	char why[256] = "";

	for (size_t i = 0; mote_backend_describe(i, &info, NULL) == MOTE_OK; i++) {
		if (strcmp(info.name, name) == 0)
			break;
		snprintf(why, sizeof why, "%s", info.reason);
		missing = info.name;
		info.size = sizeof info;
	}
	if (info.is_hardware)
		printf("backend: %s (hardware virtualization: %s)\n", name, info.details);
	else
		printf("backend: %s (%s: %s; a process isolates less than a virtual machine)\n",
		       name, missing, why);
}

static int call_all(mote_sandbox *sb)
{
	mote_value result;
	mote_error err;

	if (mote_call(sb, "SayHello", MOTE_ARGS("World"), &result, &err) != MOTE_OK)
		goto failed;
	printf("%s\n", result.as.str.ptr);

	if (mote_call(sb, "Add", MOTE_ARGS(2, 3), &result, &err) != MOTE_OK)
		goto failed;
	printf("2 + 3 = %" PRId32 "\n", result.as.i32);

	for (int i = 0; i < 3; i++) {
		if (mote_call(sb, "Count", MOTE_NO_ARGS, &result, &err) != MOTE_OK)
			goto failed;
		printf("count = %" PRIu64 "\n", result.as.u64);
	}

	/* The guest's own error: the sandbox goes on. */
	if (mote_call(sb, "Divide", MOTE_ARGS(1, 0), &result, &err) != MOTE_E_GUEST_ERROR)
		goto failed;
	printf("guest error: %s\n", err.message);

	/* A crash: the host goes on, the sandbox does not. */
	if (mote_call(sb, "Crash", MOTE_NO_ARGS, &result, &err) != MOTE_E_GUEST_FAULT)
		goto failed;
	printf("guest crash: %s\n", err.message);
	printf("the host is alive; the sandbox is %s\n",
	       mote_sandbox_is_poisoned(sb) ? "poisoned" : "as it was");
	return 0;

failed:
	fprintf(stderr, "hello: %s\n", err.message);
	return 1;
}

static int run(mote_runtime *rt, const char *path)
{
	static char weekday[] = "Monday";
	const mote_host_function functions[] = {
		{ .name = "GetWeekday", .fn = get_weekday, .user = weekday, .result = MOTE_STRING },
	};
	const mote_sandbox_options *options =
		MOTE_OPTIONS(mote_sandbox_options, .functions = functions, .nfunctions = 1);
	mote_image *image;
	mote_sandbox *sb;
	mote_error err;

	if (mote_image_load_file(&image, rt, path, &err) != MOTE_OK) {
		fprintf(stderr, "hello: %s\n", err.message);
		return 1;
	}
	mote_status status = mote_sandbox_new(&sb, image, options, &err);
	mote_image_unref(image);
	if (status != MOTE_OK) {
		fprintf(stderr, "hello: %s\n", err.message);
		return 1;
	}
	int failed = call_all(sb);
	mote_sandbox_free(sb);
	return failed;
}

int main(int argc, char **argv)
{
	mote_runtime *rt;
	mote_error err;

	if (argc != 2) {
		fprintf(stderr, "usage: hello GUEST\n");
		return 2;
	}
	/* Without a hypervisor the example still runs, and says so. */
	if (mote_runtime_new(&rt,
			     MOTE_OPTIONS(mote_runtime_options, .allow_weaker_isolation = true),
			     &err) != MOTE_OK) {
		fprintf(stderr, "hello: %s\n", err.message);
		return 1;
	}
	print_backend(rt);
	int failed = run(rt, argv[1]);
	mote_runtime_free(rt);
	return failed;
}

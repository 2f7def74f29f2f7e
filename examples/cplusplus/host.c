/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cplusplus example: what the host sees of a guest that throws exceptions, and of one that
 * wants threads.
 *
 * Usage: cplusplus [-b BACKEND] GUEST FUNCTION TEXT...
 */
#include <mote/mote.h>

#include <stdio.h>
#include <unistd.h>

static mote_error err;

static void report(mote_status status, const mote_sandbox *sb)
{
	switch (status) {
	case MOTE_E_GUEST_ERROR: /* the guest's own: its state is in order */
		printf("error %d: %s\n", (int)err.guest_code, err.message);
		break;
	default:
		printf("error: %s%s\n", err.message,
		       mote_sandbox_is_poisoned(sb) ? "; the sandbox must be restored" : "");
	}
}

static int call_each(mote_sandbox *sb, const mote_snapshot *clean, const char *function,
		     char **texts)
{
	mote_value median;

	for (; *texts; texts++) {
		mote_status status = mote_call(sb, function, MOTE_ARGS(*texts), &median, &err);
		if (status)
			report(status, sb);
		else
			printf("%g\n", median.as.f64);
		if (mote_sandbox_restore(sb, clean, &err))
			return 1;
	}
	return 0;
}

/* What the guest prints when it gives up, such as an exception that nobody caught. */
static void print(void *user, int stream, const void *data, size_t size)
{
	(void)user;
	fwrite(data, 1, size, stream == 1 ? stdout : stderr);
}

static int run(const char *backend, const char *guest, char **rest)
{
	mote_runtime *rt = NULL;
	mote_image *image = NULL;
	mote_sandbox *sb = NULL;
	mote_snapshot *clean = NULL;

	int failed =
		mote_runtime_new(&rt,
				 MOTE_OPTIONS(mote_runtime_options, .backend = backend,
					      .allow_weaker_isolation = true),
				 &err) ||
		mote_image_load_file(&image, rt, guest, &err) ||
		mote_sandbox_new(&sb, image, MOTE_OPTIONS(mote_sandbox_options, .output = print),
				 &err) ||
		/* what only a first call does, such as getting memory, is in the snapshot then */
		mote_call(sb, "Median", MOTE_ARGS("1"), NULL, &err) ||
		mote_snapshot_take(&clean, sb, &err) || call_each(sb, clean, rest[0], rest + 1);
	if (failed)
		fprintf(stderr, "cplusplus: %s\n", err.message);
	mote_snapshot_unref(clean);
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	return failed;
}

int main(int argc, char **argv)
{
	const char *backend = NULL; /* the best there is */
	int option;

	while ((option = getopt(argc, argv, "b:")) == 'b')
		backend = optarg;
	if (option != -1 || argc - optind < 3) {
		fprintf(stderr, "usage: cplusplus [-b BACKEND] GUEST FUNCTION TEXT...\n");
		return 2;
	}
	argv += optind;
	return run(backend, argv[0], argv + 1);
}

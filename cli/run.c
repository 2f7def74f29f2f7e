/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote run`: a static Linux executable as a program in a sandbox, its output passed through
 * byte by byte and its exit status returned.
 */
#include "command.h"
#include "guest.h"
#include "report.h"

#include <mote/sandbox.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct output {
	int os_error; /* of the first write that failed, else 0 */
};

/* A mote_output_fn, without stdio between: what the program wrote before a crash arrives. After a
 * failure the rest is dropped; the program cannot be stopped from here. */
static void pass_through(void *user, int stream, const void *data, size_t size)
{
	struct output *output = user;
	const char *at = data;

	while (size && !output->os_error) {
		ssize_t n = write(stream, at, size);
		if (n < 0 && errno != EINTR)
			output->os_error = errno;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
}

static mote_status run(const struct guest *guest, const struct options *options, int nargs,
		       char **args, int *exit_status, mote_error *err)
{
	struct output output = { 0 };
	mote_status status = mote_image_run(
		guest->file,
		MOTE_OPTIONS(mote_program_options, .heap_size = options->heap,
			     .stack_size = options->stack, .argc = (size_t)nargs,
			     .argv = (const char *const *)args, .envc = options->environment.count,
			     .envp = options->environment.words, .output = pass_through,
			     .output_user = &output),
		exit_status, err);
	if (!status && output.os_error)
		return fail(err, MOTE_E_OS, "cannot pass on what the program wrote: %s",
			    strerror(output.os_error));
	return status;
}

int run_command(const struct options *options, int nargs, char **args)
{
	struct guest guest;
	mote_error err;
	int exit_status = 0;

	mote_status status = guest_open(&guest, options, args[0], true, &err);
	if (!status)
		status = run(&guest, options, nargs, args, &exit_status, &err);
	guest_close(&guest);
	if (!status)
		return exit_status;
	report(&err, false);
	return mote_status_class(status) == MOTE_CLASS_POISON ? EXIT_RUN_CRASHED : EXIT_RUN_FAILED;
}

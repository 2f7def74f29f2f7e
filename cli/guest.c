/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a runtime for a command and loads its guest. The command line is for people who try
 * things, so it takes the weaker isolation of a process where there is no hypervisor; but never
 * without saying so.
 */
#include "guest.h"

#include "terminal.h"

#include <stdio.h>
#include <string.h>

/* For --verbose. The library has made MESSAGE harmless. */
static void print_log(void *user, mote_log_level level, const char *source, const char *message)
{
	static const char *const names[] = { "error", "warning", "info", "debug", "trace" };
	(void)user;
	fprintf(stderr, "%s: %s: %s\n", source, names[level], message);
}

/* Says that RT does not isolate by hardware, if so, and what is in the way: the backends are in
 * order, so a hardware one that comes before RT's does not work here. */
static void say_if_weaker(const mote_runtime *rt)
{
	mote_backend_info info = { .size = sizeof info };

	for (size_t i = 0; mote_backend_describe(i, &info, NULL) == MOTE_OK; i++) {
		if (strcmp(info.name, mote_runtime_backend(rt)) == 0)
			return;
		if (info.is_hardware) {
			fprintf(stderr,
				"mote: %s: %s; running in a process instead, which isolates less "
				"(see `mote doctor`)\n",
				info.name, info.reason);
			return;
		}
	}
}

mote_status guest_open(struct guest *guest, const struct options *options, const char *path,
		       bool will_run, mote_error *err)
{
	*guest = (struct guest){ .info = { .size = sizeof guest->info } };
	mote_status status = mote_runtime_new(
		&guest->rt,
		MOTE_OPTIONS(mote_runtime_options, .backend = options->backend,
			     .allow_weaker_isolation = true,
			     .log_level = options->is_verbose ? MOTE_LOG_TRACE : MOTE_LOG_ERROR,
			     .log = options->is_verbose ? print_log : NULL),
		err);
	if (!status)
		status = mote_image_load_file(&guest->image, guest->rt, path, err);
	if (!status)
		status = mote_image_describe(guest->image, &guest->info, err);
	if (!status && will_run && !options->backend)
		say_if_weaker(guest->rt);
	return status;
}

void guest_close(struct guest *guest)
{
	mote_image_unref(guest->image);
	mote_runtime_free(guest->rt);
}

mote_sandbox_options guest_sandbox_options(const struct options *options)
{
	return (mote_sandbox_options){
		.size = sizeof(mote_sandbox_options),
		.heap_size = options->heap,
		.stack_size = options->stack,
		.input_size = options->input_size,
		.output_size = options->output_size,
	};
}

void guest_output_to_stderr(void *user, int stream, const void *data, size_t size)
{
	(void)user;
	(void)stream;
	terminal_write(stderr, data, size);
}

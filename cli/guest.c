/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens a runtime for a command, loads its guest and makes sandboxes of it. The command line is
 * for people who try things, so it takes the weaker isolation of a process where there is no
 * hypervisor; but never without saying so.
 */
#include "guest.h"

#include "directory.h"
#include "init_data.h"
#include "report.h"
#include "stored.h"
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

/* A mote_output_fn: the guest's standard output and error both go there. */
static void output_to_stderr(void *user, int stream, const void *data, size_t size)
{
	(void)user;
	(void)stream;
	terminal_write(stderr, data, size);
}

static mote_status open_runtime(struct guest *guest, const struct options *options, mote_error *err)
{
	*guest = (struct guest){
		.info = { .size = sizeof guest->info },
		.crash = { .core_path = options->core },
		.output = output_to_stderr,
	};
	return mote_runtime_new(
		&guest->rt,
		MOTE_OPTIONS(mote_runtime_options, .backend = options->backend,
			     .allow_weaker_isolation = true, .require = options->require,
			     .log_level = options->is_verbose ? MOTE_LOG_TRACE : MOTE_LOG_ERROR,
			     .log = options->is_verbose ? print_log : NULL,
			     .debug_info = !options->wants_no_lines),
		err);
}

static mote_status load_file(struct guest *guest, const struct options *options, const char *path,
			     mote_error *err)
{
	mote_status status =
		mote_image_load_file_as(&guest->file, guest->rt, path, options->guest_abi, err);

	guest->crash.guest = path;
	guest->image = guest->file;
	return status;
}

static mote_status load_snapshot(struct guest *guest, const char *path, bool verify,
				 mote_error *err)
{
	struct stored stored;
	mote_status status = stored_parse(&stored, path, err);

	if (status)
		return status;
	status = mote_snapshot_load(&guest->snapshot, guest->rt, stored.directory, stored.tag,
				    verify, err);
	stored_fini(&stored);
	if (!status)
		guest->image = mote_snapshot_image(guest->snapshot);
	return status;
}

/* What all have in common once the image is there. */
static mote_status finish(struct guest *guest, const struct options *options, bool will_run,
			  mote_error *err)
{
	mote_status status = mote_image_describe(guest->image, &guest->info, err);

	if (!status && will_run && !options->backend)
		say_if_weaker(guest->rt);
	return status;
}

mote_status guest_open(struct guest *guest, const struct options *options, const char *path,
		       bool will_run, mote_error *err)
{
	mote_status status = open_runtime(guest, options, err);

	if (!status)
		status = load_file(guest, options, path, err);
	return status ? status : finish(guest, options, will_run, err);
}

mote_status guest_open_snapshot(struct guest *guest, const struct options *options,
				const char *path, bool verify, mote_error *err)
{
	mote_status status = open_runtime(guest, options, err);

	if (!status)
		status = load_snapshot(guest, path, verify, err);
	return status ? status : finish(guest, options, false, err);
}

mote_status guest_open_stored(struct guest *guest, const struct options *options, const char *path,
			      mote_error *err)
{
	mote_status status = open_runtime(guest, options, err);

	if (!status)
		status = stored_is(path) ? load_snapshot(guest, path, false, err)
					 : load_file(guest, options, path, err);
	return status ? status : finish(guest, options, true, err);
}

void guest_close(struct guest *guest)
{
	crash_fini(&guest->crash);
	mote_snapshot_unref(guest->snapshot);
	mote_image_unref(guest->file);
	mote_runtime_free(guest->rt);
}

mote_sandbox_options guest_sandbox_options(const struct options *options)
{
	return (mote_sandbox_options){
		.size = sizeof(mote_sandbox_options),
		.heap_size = options->heap,
		.stack_size = options->stack,
		.scratch_size = options->scratch,
		.input_size = options->input_size,
		.output_size = options->output_size,
		.buffer_size = options->buffer_size,
		.max_exits = options->limits.exits,
		.max_host_calls = options->limits.host_calls,
		.max_output_bytes = options->limits.output_bytes,
		.max_log_lines = options->limits.log_lines,
		.max_log_bytes = options->limits.log_bytes,
		.start_timeout_ns = options->timeout_ns,
	};
}

static bool has_sizes(const struct options *options)
{
	return options->heap || options->stack || options->scratch || options->input_size ||
	       options->output_size || options->buffer_size;
}

static mote_status start_file(mote_sandbox **sb, struct guest *guest, const struct options *options,
			      mote_sandbox_options *sandbox, mote_error *err)
{
	mote_status status = init_data_read(sandbox, options->init_data, err);

	if (!status)
		status = mote_sandbox_new(sb, guest->file, sandbox, err);
	init_data_free(sandbox);
	return status;
}

mote_status guest_start(mote_sandbox **sb, struct guest *guest, const struct options *options,
			mote_error *err)
{
	mote_sandbox_options sandbox = guest_sandbox_options(options);
	struct directories directories;

	sandbox.output = guest->output;
	sandbox.crashed = crash_collect;
	sandbox.crashed_user = &guest->crash;
	if (guest->snapshot && (options->guest_abi || options->init_data || has_sizes(options)))
		return fail(err, MOTE_E_INVALID,
			    "--abi, --data and sizes are for guest files: a snapshot has its own, "
			    "of when its sandbox was made");
	mote_status status = directories_make(&directories, &options->directories, err);
	if (status)
		return status;
	sandbox.directories = directories.list;
	sandbox.ndirectories = directories.count;
	if (guest->snapshot)
		status = mote_sandbox_from_snapshot(sb, guest->rt, guest->snapshot, &sandbox, err);
	else
		status = start_file(sb, guest, options, &sandbox, err);
	directories_free(&directories);
	return status;
}

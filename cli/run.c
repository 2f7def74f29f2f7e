/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote run`: a static Linux executable as a program in a sandbox, its output passed through
 * byte by byte and its exit status returned. If that says that it failed, what mote did not serve
 * may be why, and is listed.
 */
#include "command.h"
#include "directory.h"
#include "file.h"
#include "guest.h"
#include "receipt.h"
#include "report.h"
#include "terminal.h"

#include <mote/sandbox.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* All of its input is read before the program runs. */
#define INPUT_MAX (64 << 20)

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

/* What a sandbox does not have, and the system calls that programs look for it by. */
static const struct {
	const char *lacks;
	const char *calls[6];
} worlds[] = {
	{ "there are no threads and no other processes", { "clone", "clone3", "fork", "vfork" } },
	{ "there is no network", { "socket", "socketpair" } },
};
#define NWORLDS (sizeof worlds / sizeof worlds[0])

/* What the program asked for in vain: "openat (2), socket (1)". */
struct refusals {
	char text[2048];
	size_t used;
	unsigned worlds; /* a bit for each that it looked for */
};

static void note_world(struct refusals *list, const char *call)
{
	for (unsigned i = 0; i < NWORLDS; i++)
		for (const char *const *name = worlds[i].calls; *name; name++)
			if (strcmp(call, *name) == 0)
				list->worlds |= 1U << i;
}

/* Adds one to the list; those that do not fit are left out. */
static void note_refused(void *user, uint64_t number, const char *name, uint64_t times)
{
	struct refusals *list = user;
	char entry[64], unnamed[24];

	snprintf(unnamed, sizeof unnamed, "number %" PRIu64, number);
	int n = snprintf(entry, sizeof entry, "%s%s (%" PRIu64 ")", list->used ? ", " : "",
			 name ? name : unnamed, times);
	if (name)
		note_world(list, name);
	if ((size_t)n < sizeof list->text - list->used) {
		memcpy(list->text + list->used, entry, (size_t)n + 1);
		list->used += (size_t)n;
	}
}

static void print_refused(const struct refusals *list, const char *program)
{
	if (list->used)
		fprintf(stderr, "mote: %s made system calls that are not served: %s\n", program,
			list->text);
	for (size_t i = 0; i < NWORLDS; i++)
		if (list->worlds & 1U << i)
			fprintf(stderr, "mote: %s found that %s\n", program, worlds[i].lacks);
}

/* Lines about paths that the program asked for in vain, for when it fails. */
struct refused_paths {
	const char *program;
	FILE *lines; /* NULL: memory was out; then there are none */
	char *text;
	size_t size;
};

/* A path of a guest's is one line, whatever is in it. */
static void print_path(FILE *to, const char *path, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const size_t length = strcspn(path + i, "\n\t");
		const size_t n = length < size - i ? length : size - i;
		terminal_escape(to, path + i, n);
		i += n;
		if (i < size)
			fprintf(to, "\\x%02x", (unsigned)path[i]);
	}
}

/* Adds a line with the path and the option that would have helped. */
static void note_refused_path(void *user, const char *path, uint64_t times)
{
	struct refused_paths *list = user;
	const char *name = strrchr(path, '/');
	const size_t folder = name > path ? (size_t)(name - path) : 1;

	if (!list->lines)
		return;
	fprintf(list->lines, "mote: %s asked for ", list->program);
	print_path(list->lines, path, strlen(path));
	fprintf(list->lines, " (%" PRIu64 "), which it was not given; try --dir HOST:", times);
	print_path(list->lines, path, folder);
	fputc('\n', list->lines);
}

/* Prints the lines if the program FAILED, and frees them. */
static void finish_refused_paths(struct refused_paths *list, bool failed)
{
	if (list->lines && fclose(list->lines) == 0 && failed)
		fputs(list->text, stderr);
	free(list->text);
}

/* The program's standard input, to be freed; NULL if it is to have none. */
static mote_status read_input(const struct options *options, char **input, size_t *size,
			      mote_error *err)
{
	*input = NULL;
	*size = 0;
	if (!options->program_input)
		return MOTE_OK;
	return file_read_input(options->program_input, INPUT_MAX, input, size, err);
}

/* The program finds pipes where ours are no terminals: then it prints as it would there. */
static unsigned find_pipes(void)
{
	unsigned pipes = 0;

	for (int stream = STDOUT_FILENO; stream <= STDERR_FILENO; stream++)
		if (!isatty(stream))
			pipes |= 1U << stream;
	return pipes;
}

static mote_status run(struct guest *guest, const struct options *options, int nargs, char **args,
		       mote_receipt *receipt, int *exit_status, mote_error *err)
{
	const struct limits *limits = &options->limits;
	struct output output = { 0 };
	struct refusals refused = { .used = 0 };
	struct refused_paths paths = { .program = args[0] };
	struct directories directories;
	char *input;
	size_t input_size;

	mote_status status = read_input(options, &input, &input_size, err);
	if (status)
		return status;
	status = directories_make(&directories, &options->directories, err);
	if (status) {
		free(input);
		return status;
	}
	paths.lines = open_memstream(&paths.text, &paths.size);
	status = mote_image_run(
		guest->file,
		MOTE_OPTIONS(mote_program_options, .heap_size = options->heap,
			     .stack_size = options->stack, .argc = (size_t)nargs,
			     .argv = (const char *const *)args, .envc = options->environment.count,
			     .envp = options->environment.words, .output = pass_through,
			     .output_user = &output, .pipes = find_pipes(), .input = input,
			     .input_size = input_size, .directories = directories.list,
			     .ndirectories = directories.count, .refused = note_refused,
			     .refused_user = &refused, .refused_path = note_refused_path,
			     .refused_path_user = &paths, .crashed = crash_collect,
			     .crashed_user = &guest->crash, .max_exits = limits->exits,
			     /* it goes no farther than whoever reads it lets it */
			     .max_output_bytes =
				     limits->output_bytes ? limits->output_bytes : MOTE_NO_LIMIT,
			     .timeout_ns = options->timeout_ns, .cpu_ns = options->cpu_ns,
			     .max_log_lines = limits->log_lines, .max_log_bytes = limits->log_bytes,
			     .receipt = receipt),
		exit_status, err);
	directories_free(&directories);
	free(input);
	if (status || *exit_status)
		print_refused(&refused, args[0]);
	finish_refused_paths(&paths, status || *exit_status);
	if (!status && output.os_error)
		return fail(err, MOTE_E_OS, "cannot pass on what the program wrote: %s",
			    strerror(output.os_error));
	return status;
}

int run_command(const struct options *options, int nargs, char **args)
{
	mote_receipt receipt = { .size = sizeof receipt };
	mote_receipt *wanted = options->wants_receipt ? &receipt : NULL;
	struct guest guest;
	mote_error err;
	int exit_status = 0;

	mote_status status = guest_open(&guest, options, args[0], true, &err);
	if (!status)
		status = run(&guest, options, nargs, args, wanted, &exit_status, &err);
	if (status)
		report_crash(&err, &guest.crash, wanted, false);
	else if (wanted)
		receipt_print(wanted);
	guest_close(&guest);
	if (!status)
		return exit_status;
	return mote_status_class(status) == MOTE_CLASS_POISON ? EXIT_RUN_CRASHED : EXIT_RUN_FAILED;
}

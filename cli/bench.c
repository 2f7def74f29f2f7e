/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote bench`: what a call, a sandbox and their parts cost on this machine, beside what
 * they could cost at best and what else a user could do. The measuring is in bench/.
 */
#include "command.h"
#include "report.h"

#include "bench/subjects.h"

#include <string.h>

/* Some ten seconds in all: every subject gets 0.4 s, in turns with the others. */
static const struct bench_effort thorough = { .rounds = 20, .slice_ns = 20000000 };
static const struct bench_effort quick = { .rounds = 2, .slice_ns = 5000000 };

/* What mote promises, as medians of one run, since times are of one machine. */
static const struct promise {
	const char *name, *backend;
	const char *yardstick;
} promises[] = {
	{ "call", "kvm", "bare_exit" },
	{ "call_with_host_function", "kvm", "bare_exit" },
	{ "create_initialized", "kvm", "bare_create" },
	{ "call", "process", "process_pipe_round_trip" },
	{ "create_initialized", "process", "process_spawn_exec" },
	{ "shared_copy_16mib", "none", "memcpy_16mib" },
};

/* The median of a subject, 0 when it was not measured. BACKEND NULL: whichever. */
static double median(const struct subjects *subjects, const char *name, const char *backend)
{
	for (size_t i = 0; i < subjects->count; i++) {
		const struct bench *bench = &subjects->benches[i];
		if (strcmp(bench->name, name) == 0 &&
		    (!backend || strcmp(bench->backend, backend) == 0))
			return bench_result(bench).median;
	}
	return 0;
}

/* Those of which both sides were measured. */
static void print_ratios(const struct subjects *subjects)
{
	putchar('\n');
	for (size_t i = 0; i < sizeof promises / sizeof promises[0]; i++) {
		const struct promise *promise = &promises[i];
		double ours = median(subjects, promise->name, promise->backend);
		double theirs = median(subjects, promise->yardstick, NULL);
		if (ours > 0 && theirs > 0)
			printf("%-28s %-8s %5.2f x %s\n", promise->name, promise->backend,
			       ours / theirs, promise->yardstick);
	}
}

/* What failed is left out of the rows, and makes the command fail in the end. */
static mote_status measure(struct subjects *subjects, const struct options *options,
			   mote_error *err)
{
	const struct bench_effort *effort = options->wants_quick ? &quick : &thorough;

	if (!bench_run(subjects->benches, subjects->count, effort))
		return fail(err, MOTE_E_NOMEM, "no memory for the samples");
	if (options->wants_json) {
		bench_print_json(stdout, subjects->benches, subjects->count);
	} else {
		bench_print_table(stdout, subjects->benches, subjects->count);
		print_ratios(subjects);
	}
	const mote_error *failure = subjects_failure(subjects);
	if (!failure)
		return MOTE_OK;
	*err = *failure;
	return err->code;
}

int bench_command(const struct options *options, int nargs, char **args)
{
	static struct subjects subjects;
	mote_error err;

	(void)nargs;
	(void)args;
	mote_status status = subjects_open(&subjects, options->backend, options->filter, &err);
	if (!status && subjects.count == 0)
		status = fail(&err, MOTE_E_INVALID,
			      "nothing that is measured has \"%.100s\" in its name",
			      options->filter);
	if (!status) {
		status = measure(&subjects, options, &err);
		bench_free(subjects.benches, subjects.count);
	}
	subjects_close(&subjects);
	/* The array, if any, is on stdout already: what failed is for people. */
	return status ? report(&err, false) : EXIT_OK;
}

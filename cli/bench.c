/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote bench`: what a call, a sandbox and their parts cost on this machine, beside what
 * they could cost at best and what else a user could do. The measuring is in bench/; the suite of
 * programs is in bench_programs.c, that of users' guests in bench_guest.c.
 */
#include "bench_guest.h"
#include "bench_programs.h"
#include "command.h"
#include "report.h"

#include "bench/subjects.h"

#include <math.h>
#include <string.h>

/* Half a minute in all: every subject gets 0.4 s, in turns with the others. */
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
	{ "create_16gib", "kvm", "bare_create_16gib" },
	{ "create_16gib", "process", "process_spawn_exec" },
	{ "call", "process", "process_pipe_round_trip" },
	{ "create_initialized", "process", "process_spawn_exec" },
	{ "shared_copy_16mib", "none", "memcpy_16mib" },
};

/* What mote promises of snapshots and of bulk data on KVM: as much as so many times one and another
 * subject. */
static const struct bound {
	const char *name;
	double constant;
	struct {
		double factor;
		const char *name; /* NULL: none */
	} terms[2];
} bounds[] = {
	{ "call_with_restore/0", 0, { { 1.1, "call" } } },
	{ "call_with_restore/1", 0, { { 1.1, "call" }, { 1.5, "memcpy_pages/1" } } },
	{ "call_with_restore/16", 0, { { 1.1, "call" }, { 1.5, "memcpy_pages/16" } } },
	{ "call_with_restore/256", 0, { { 1.1, "call" }, { 1.5, "memcpy_pages/256" } } },
	{ "sandbox_from_snapshot", 0, { { 1.5, "bare_create" } } },
	{ "sandbox_from_snapshot_1gib", 0, { { 1.5, "bare_create" } } },
	{ "pool_acquire", 0, { { 2, "restore/0" } } },
	{ "ioctls_per_call_restore", 1, { { 0, NULL } } },
	{ "faults_per_call_restore", 0, { { 0, NULL } } },
	{ "private_kib_per_sandbox", 96, { { 0, NULL } } },
	{ "load_snapshot/256MiB", 2e6, { { 0, NULL } } },
	/* of the same, twice: of the whole run, and one behind the other */
	{ "call_1mib_in_1mib_out", 0, { { 1.2, "call" }, { 2.4, "memcpy_1mib" } } },
	{ "call_1mib_ratio", 1.2, { { 0, NULL } } },
};

/* The median of a subject; NAN when it was not measured. BACKEND NULL: on KVM, or without any. */
static double median(const struct subjects *subjects, const char *name, const char *backend)
{
	for (size_t i = 0; i < subjects->count; i++) {
		const struct bench *bench = &subjects->benches[i];
		if (strcmp(bench->name, name) == 0 &&
		    (backend ? strcmp(bench->backend, backend) == 0
			     : strcmp(bench->backend, "process") != 0))
			return bench->has_failed ? NAN : bench_result(bench).median;
	}
	return NAN;
}

/* "0.97 x (1.1 call + 1.5 memcpy_pages/1)", or "1.00, at most 1". */
static void print_bound(const struct bound *bound, double ours, double most)
{
	if (!bound->terms[0].name) {
		/* counts are small, times in ns are not */
		if (most < 1e6)
			printf("%5.2f, at most %g", ours, most);
		else
			printf("%5.2f ms, at most %g ms", ours / 1e6, most / 1e6);
		return;
	}
	printf("%5.2f x (%g %s", ours / most, bound->terms[0].factor, bound->terms[0].name);
	if (bound->terms[1].name)
		printf(" + %g %s", bound->terms[1].factor, bound->terms[1].name);
	putchar(')');
}

/* Those of which all was measured. */
static void print_bounds(const struct subjects *subjects)
{
	for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
		const struct bound *bound = &bounds[i];
		double ours = median(subjects, bound->name, "kvm");
		double most = bound->constant;
		for (size_t j = 0; j < 2 && bound->terms[j].name; j++)
			most += bound->terms[j].factor *
				median(subjects, bound->terms[j].name, NULL);
		if (isnan(ours) || isnan(most))
			continue;
		printf("%-28s %-8s ", bound->name, "kvm");
		print_bound(bound, ours, most);
		puts(ours <= most ? ": met" : ": missed");
	}
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

/* What the same costs with guests of the other ABI. */
static void print_abis(const struct subjects *subjects)
{
	for (size_t i = 0; i < subjects->count; i++) {
		const struct bench *bench = &subjects->benches[i];
		const bool is_other = strcmp(bench->backend, "hyperlight") == 0;
		const double mote = is_other ? median(subjects, bench->name, "kvm") : NAN;

		if (mote > 0 && !bench->has_failed)
			printf("%-28s hyperlight %5.2f x %s\n", bench->name,
			       bench_result(bench).median / mote, bench->name);
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
		print_bounds(subjects);
		print_abis(subjects);
	}
	const mote_error *failure = subjects_failure(subjects);
	if (!failure)
		return MOTE_OK;
	*err = *failure;
	return err->code;
}

static int bench_calls(const struct options *options)
{
	static struct subjects subjects;
	mote_error err;

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

int bench_command(const struct options *options, int nargs, char **args)
{
	mote_error err;

	if (nargs > 0)
		return bench_guest_call(options, options->wants_quick ? &quick : &thorough, args[0],
					(size_t)nargs - 1, (const char *const *)args + 1);
	if (!options->suite || strcmp(options->suite, "calls") == 0)
		return bench_calls(options);
	if (strcmp(options->suite, "programs") == 0)
		return bench_programs_suite(options, options->wants_quick ? &quick : &thorough);
	fail(&err, MOTE_E_INVALID, "there is no suite \"%.100s\"; there are calls and programs",
	     options->suite);
	return report(&err, false);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote bench --suite programs`: what programs lose by running in a sandbox, as a share of the
 * speed that they have as a process. The measuring is in bench/programs.c.
 */
#include "bench_programs.h"

#include "report.h"

#include "bench/programs.h"

#include <string.h>

/* What was built without its library is not silently absent. */
static void print_missing(const struct programs *programs)
{
	for (size_t i = 0; i < PROGRAM_WORKS; i++)
		if (programs->is_missing[i])
			fprintf(stderr,
				"mote: SKIPPED %s: built without %s, which Debian has in %s\n",
				program_rows[i].name, "the static library that it needs",
				program_rows[i].needs);
}

/* The native subject of the same work, which comes before those in sandboxes. */
static const struct bench *native_of(const struct programs *programs, size_t index)
{
	while (programs->subjects[index].box)
		index--;
	return &programs->benches[index];
}

/* Speed is what is promised: the best times of one run, since every other one has been disturbed
 * more. */
static void print_share(const struct programs *programs, size_t index)
{
	const struct bench *bench = &programs->benches[index];
	const struct bench *native = native_of(programs, index);
	const double promise = programs->subjects[index].row->promise;

	if (!programs->subjects[index].box || bench->has_failed || native->has_failed)
		return;
	const struct bench_result ours = bench_result(bench), theirs = bench_result(native);
	const double share = theirs.min / ours.min;

	printf("%-28s %-8s %5.2f of the native speed (medians %5.2f)", bench->name, bench->backend,
	       share, theirs.median / ours.median);
	if (promise > 0 && strcmp(bench->backend, "kvm") == 0)
		printf(", at least %.2f: %s", promise, share >= promise ? "met" : "missed");
	putchar('\n');
}

static mote_status measure(struct programs *programs, const struct options *options,
			   const struct bench_effort *effort, mote_error *err)
{
	if (!bench_run(programs->benches, programs->count, effort))
		return fail(err, MOTE_E_NOMEM, "no memory for the samples");
	if (options->wants_json) {
		bench_print_json(stdout, programs->benches, programs->count);
	} else {
		bench_print_table(stdout, programs->benches, programs->count);
		putchar('\n');
		for (size_t i = 0; i < programs->count; i++)
			print_share(programs, i);
	}
	if (!programs->err.code)
		return MOTE_OK;
	*err = programs->err;
	return err->code;
}

int bench_programs_suite(const struct options *options, const struct bench_effort *effort)
{
	static struct programs programs;
	mote_error err;

	mote_status status = programs_open(&programs, options->backend, options->filter, &err);
	print_missing(&programs);
	if (!status && programs.count == 0)
		status = fail(
			&err, MOTE_E_INVALID,
			"nothing of this suite that can be measured has \"%.100s\" in its name",
			options->filter ? options->filter : "");
	if (!status) {
		status = measure(&programs, options, effort, &err);
		bench_free(programs.benches, programs.count);
	}
	programs_close(&programs);
	return status ? report(&err, false) : EXIT_OK;
}

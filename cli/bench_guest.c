/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote bench GUEST FUNCTION [ARG...]`: what one call of a user's guest costs, and the sandboxes
 * that it runs in. What the guest prints goes nowhere: it would be what is measured.
 */
#include "bench_guest.h"

#include "command.h"
#include "function_call.h"
#include "guest.h"
#include "report.h"

#include <string.h>

struct measured {
	struct guest guest;
	struct function_call call;
	const struct options *options;
	mote_sandbox *sb;      /* that calls are made in */
	mote_sandbox *clean;   /* that is restored behind each call */
	mote_snapshot *before; /* any call */
	mote_error err;        /* of the subject that failed */
};

/* A mote_output_fn. */
static void drop_output(void *user, int stream, const void *data, size_t size)
{
	(void)user;
	(void)stream;
	(void)data;
	(void)size;
}

/* Whether STATUS is MOTE_OK; else ERR is the reason, of which the first is told. */
static bool is_ok(struct measured *m, mote_status status, const mote_error *err)
{
	if (status && !m->err.code)
		m->err = *err;
	return status == MOTE_OK;
}

static bool make_call(struct measured *m, mote_sandbox *sb)
{
	mote_value result;
	mote_error err;

	return is_ok(m, function_call_make(&m->call, sb, m->options, &result, NULL, &err), &err);
}

static uint64_t measure_call(void *state, unsigned n)
{
	struct measured *m = state;
	const uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!make_call(m, m->sb))
			return BENCH_FAILED;
	return bench_clock() - start;
}

/* Calls and restores, the first of which are not counted if ONLY_RESTORES. */
static uint64_t measure_restores(struct measured *m, unsigned n, bool only_restores)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		const uint64_t start = bench_clock();
		if (!make_call(m, m->clean))
			return BENCH_FAILED;
		const uint64_t called = bench_clock();
		mote_error err;
		if (!is_ok(m, mote_sandbox_restore(m->clean, m->before, &err), &err))
			return BENCH_FAILED;
		sum += bench_clock() - (only_restores ? called : start);
	}
	return sum;
}

static uint64_t measure_restore(void *state, unsigned n)
{
	return measure_restores(state, n, true);
}

static uint64_t measure_call_with_restore(void *state, unsigned n)
{
	return measure_restores(state, n, false);
}

/* With main(), or from the saved snapshot. */
static uint64_t measure_create(void *state, unsigned n)
{
	struct measured *m = state;
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_sandbox *sb;
		mote_error err;
		const uint64_t start = bench_clock();
		if (!is_ok(m, guest_start(&sb, &m->guest, m->options, &err), &err))
			return BENCH_FAILED;
		sum += bench_clock() - start;
		mote_sandbox_free(sb);
	}
	return sum;
}

static uint64_t measure_from_snapshot(void *state, unsigned n)
{
	struct measured *m = state;
	uint64_t sum = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_sandbox *sb;
		mote_error err;
		const uint64_t start = bench_clock();
		if (!is_ok(m, mote_sandbox_from_snapshot(&sb, m->guest.rt, m->before, NULL, &err),
			   &err))
			return BENCH_FAILED;
		sum += bench_clock() - start;
		mote_sandbox_free(sb);
	}
	return sum;
}

static mote_status open_measured(struct measured *m, const char *path, size_t nwords,
				 const char *const *words, mote_error *err)
{
	if (nwords == 0 || m->options->suite)
		return fail(err, MOTE_E_INVALID,
			    "a guest is measured by a call, without --suite: mote bench GUEST "
			    "FUNCTION [ARG...]");
	mote_status status = guest_open_stored(&m->guest, m->options, path, err);
	m->guest.output = drop_output;
	if (!status)
		status = function_call_parse(&m->call, &m->guest, path, nwords, words, err);
	if (!status)
		status = guest_start(&m->sb, &m->guest, m->options, err);
	if (!status)
		status = guest_start(&m->clean, &m->guest, m->options, err);
	return status ? status : mote_snapshot_take(&m->before, m->clean, err);
}

static void close_measured(struct measured *m)
{
	mote_sandbox_free(m->sb);
	mote_sandbox_free(m->clean);
	mote_snapshot_unref(m->before);
	function_call_fini(&m->call);
	guest_close(&m->guest);
}

static const struct {
	const char *name;
	uint64_t (*run)(void *state, unsigned n);
} subjects[] = {
	{ "call", measure_call },
	{ "restore", measure_restore },
	{ "call_with_restore", measure_call_with_restore },
	{ "create", measure_create },
	{ "sandbox_from_snapshot", measure_from_snapshot },
};
#define SUBJECTS (sizeof subjects / sizeof subjects[0])

static mote_status measure(struct measured *m, const struct bench_effort *effort, mote_error *err)
{
	const char *filter = m->options->filter;
	struct bench rows[SUBJECTS];
	size_t count = 0;

	for (size_t i = 0; i < SUBJECTS; i++)
		if (!filter || strstr(subjects[i].name, filter))
			rows[count++] =
				(struct bench){ .name = subjects[i].name,
						.backend = mote_runtime_backend(m->guest.rt),
						.run = subjects[i].run,
						.state = m };
	if (count == 0)
		return fail(err, MOTE_E_INVALID,
			    "nothing that is measured has \"%.100s\" in its name", filter);
	const bool is_measured = bench_run(rows, count, effort);
	if (is_measured && m->options->wants_json)
		bench_print_json(stdout, rows, count);
	else if (is_measured)
		bench_print_table(stdout, rows, count);
	bench_free(rows, count);
	if (!is_measured)
		return fail(err, MOTE_E_NOMEM, "no memory for the samples");
	*err = m->err;
	return m->err.code;
}

int bench_guest_call(const struct options *options, const struct bench_effort *effort,
		     const char *path, size_t nwords, const char *const *words)
{
	struct measured measured = { .options = options };
	mote_error err;
	mote_status status = open_measured(&measured, path, nwords, words, &err);

	if (!status)
		status = measure(&measured, effort, &err);
	/* The array, if any, is on stdout already: what failed is for people. */
	const int exit_status =
		status ? report_crash(&err, &measured.guest.crash, NULL, false) : EXIT_OK;
	close_measured(&measured);
	return exit_status;
}

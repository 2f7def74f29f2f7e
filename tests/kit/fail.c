/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the operations of a struct host and fails the ones that the test asked for. What was
 * handed out is in the books of held.c.
 */
#include "tests/kit/fail.h"

#include "tests/kit/fail_sys.h"
#include "tests/kit/held.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* More than any scenario makes: a loop that never gets done would go on for ever. */
#define OPERATIONS_MAX 20000

static struct {
	pthread_mutex_t lock;
	struct host host;
	unsigned nth;
	enum fail_mode mode;
	int error;
	unsigned count;
	const char *failed; /* first operation that failed on demand */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

bool fail_count(const char *name, int *error)
{
	pthread_mutex_lock(&state.lock);
	unsigned number = ++state.count;
	bool fails = state.nth != 0 &&
		     (number == state.nth || (state.mode == FAIL_ONWARDS && number > state.nth));
	if (fails && !state.failed)
		state.failed = name;
	*error = state.error;
	pthread_mutex_unlock(&state.lock);
	return fails;
}

static void *counting_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
	int error;
	(void)user;
	if (new_size != 0 && fail_count("realloc", &error))
		return NULL;
	return held_realloc(ptr, old_size, new_size);
}

void fail_from_here(unsigned nth, enum fail_mode mode, int error)
{
	pthread_mutex_lock(&state.lock);
	state.nth = nth;
	state.mode = mode;
	state.error = error;
	state.count = 0;
	state.failed = NULL;
	pthread_mutex_unlock(&state.lock);
}

const struct host *fail_host(unsigned nth, enum fail_mode mode, int error)
{
	held_forget();
	host_init(&state.host);
	state.host.sys = &fail_sys;
	state.host.realloc = counting_realloc;
	fail_from_here(nth, mode, error);
	return &state.host;
}

const char *fail_name(void)
{
	return state.failed;
}

unsigned fail_operations(void)
{
	return state.count;
}

const char *fail_leak(void)
{
	return held_first();
}

static bool is_benign(const char *const *benign, const char *name)
{
	for (; benign && *benign; benign++)
		if (strcmp(*benign, name) == 0)
			return true;
	return false;
}

/* Runs SCENARIO once; whether an operation has failed. */
static bool run_once(fail_scenario scenario, void *user, const char *const *benign, unsigned nth,
		     enum fail_mode mode)
{
	const char *mode_name = mode == FAIL_ONCE ? "once" : "onwards";
	mote_error err = { .code = MOTE_OK };
	const struct host *host = fail_host(nth, mode, EIO);
	mote_status status = scenario(host, user, &err);
	const char *failed = fail_name();
	const char *leak = fail_leak();

	if (leak)
		fail_msg("operation %u (%s) failed %s: %s", nth, failed ? failed : "none",
			 mode_name, leak);
	if (!failed && status != MOTE_OK)
		fail_msg("nothing failed on demand, but: %s", err.message);
	if (failed && status == MOTE_OK && !is_benign(benign, failed))
		fail_msg("operation %u (%s) failed %s, and nobody noticed", nth, failed, mode_name);
	if (status != MOTE_OK && (err.code != status || err.message[0] == '\0'))
		fail_msg("operation %u (%s) failed %s: status %s, but the error says %s \"%s\"",
			 nth, failed, mode_name, mote_status_name(status),
			 mote_status_name(err.code), err.message);
	return failed != NULL;
}

void fail_each_operation(fail_scenario scenario, void *user, const char *const *benign)
{
	static const enum fail_mode modes[] = { FAIL_ONCE, FAIL_ONWARDS };
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		for (unsigned nth = 1; run_once(scenario, user, benign, nth, modes[i]); nth++)
			assert_true(nth < OPERATIONS_MAX);
}

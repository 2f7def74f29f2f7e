/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs scenarios on a host that fails: every operation of each, in every way, on each backend.
 */
#include "sandbox/failing.h"

#include "hv/kvm/kvm.h"
#include "hv/process/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any scenario makes: one that never gets done would go on for ever. */
#define OPERATIONS_MAX 2000

/* How operations fail. What is only interrupted may be tried again. */
static const struct way {
	const char *name;
	enum fail_mode mode;
	int error;
} ways[] = {
	{ "once", FAIL_ONCE, EIO },
	{ "onwards", FAIL_ONWARDS, ENOMEM },
	{ "interrupted", FAIL_ONCE, EINTR },
};
enum { NWAYS = sizeof ways / sizeof ways[0] };

/* A test: all ways for a scenario on a backend. */
struct work {
	const struct scenario *scenario;
	const struct hv_backend *const *backends;
	const char *const *benign; /* NULL: any */
	unsigned least;
};

/* The library's own, or another library's. */
static bool is_allocation(const char *failed)
{
	return strcmp(failed, "realloc") == 0 || strcmp(failed, "malloc") == 0;
}

static bool is_benign(const struct work *work, const struct way *way, const char *failed)
{
	if (way->error == EINTR && !is_allocation(failed))
		return true;
	if (!work->benign)
		return true;
	for (const char *const *benign = work->benign; *benign; benign++)
		if (strcmp(*benign, failed) == 0)
			return true;
	return false;
}

/* What is wrong with STATUS and ERR after FAILED, as a sentence, or NULL. */
static const char *find_flaw(const struct work *work, const struct way *way, const char *failed,
			     mote_status status, const mote_error *err)
{
	const mote_status want = work->scenario->want;

	if (want != MOTE_OK && status == MOTE_OK)
		return "it cannot have worked";
	if (status != MOTE_OK && (err->code != status || err->message[0] == '\0'))
		return "the error has another code, or no message";
	if (!failed)
		return status == want ? NULL : "nothing failed on demand";
	if (status == want)
		return is_benign(work, way, failed) ? NULL : "nobody noticed";
	if (is_allocation(failed) && status != MOTE_E_NOMEM)
		return "it is not MOTE_E_NOMEM";
	/* what an audit cannot look at differs */
	if (status == MOTE_E_SNAPSHOT && strstr(err->message, "a restored processor differs"))
		return NULL;
	/* a guest process that is killed, because its host cannot go on, has crashed */
	if (status == MOTE_E_GUEST_FAULT && strstr(err->message, "the guest's process ended"))
		return NULL;
	return mote_status_class(status) == MOTE_CLASS_HOST ? NULL : "the host is not blamed";
}

/* With nothing failing any more: a sandbox is poisoned and says so, or it works. */
static void go_on(struct life *life, const struct scenario *scenario)
{
	mote_error err = { .message = "" };

	if (life->sb && mote_sandbox_is_poisoned(life->sb)) {
		assert_int_equal(mote_call(life->sb, "Any", MOTE_NO_ARGS, NULL, &err),
				 MOTE_E_STATE);
		assert_non_null(strstr(err.message, "the sandbox is poisoned: "));
		if (life->clean)
			life_heal(life);
		else
			life_return_to(life, IMAGE);
	}
	life_return_to(life, scenario->from);
	if (scenario->from == NOTHING)
		return; /* of what failed nothing is left to go on with */
	life_reach(life, scenario->from);
	if (scenario->step(life, &err) != scenario->want)
		fail_msg("the second time, without a failure: %s", err.message);
}

/* Runs the scenario once; the operation that has failed, or NULL. */
static const char *run_once(const struct work *work, const struct way *way, unsigned nth)
{
	const struct scenario *scenario = work->scenario;
	mote_error err = { .message = "" };
	struct life life;

	life_begin(&life, work->backends, scenario->guest);
	life_reach(&life, scenario->from);
	fail_from_here(nth, way->mode, way->error);
	mote_status status = scenario->step(&life, &err);
	const char *failed = fail_name();
	fail_from_here(0, FAIL_ONCE, 0);

	const char *flaw = find_flaw(work, way, failed, status, &err);
	go_on(&life, scenario);
	const char *leak = life_end(&life);
	if (flaw || leak)
		fail_msg("operation %u (%s) failed, %s: %s \"%s\": %s", nth,
			 failed ? failed : "none", way->name, mote_status_name(status), err.message,
			 flaw ? flaw : leak);
	return failed;
}

/* Runs the scenario for each operation, one way; returns how many there are. Allocations know no
 * errors: those that HAVE_FAILED once need not fail with another. */
static unsigned run_way(const struct work *work, const struct way *way,
			bool have_failed[OPERATIONS_MAX + 1])
{
	unsigned nth = 0;
	const char *failed = NULL;

	do {
		nth++;
		if (way->error == EINTR && have_failed[nth])
			continue;
		failed = run_once(work, way, nth);
		have_failed[nth] = failed && is_allocation(failed);
	} while (nth < OPERATIONS_MAX && (have_failed[nth] || failed));
	return nth - 1;
}

static void run_work(void **state)
{
	const struct work *work = *state;
	struct hv_check check;

	work->backends[0]->check(fail_host(0, FAIL_ONCE, 0), &check);
	if (!check.is_available) {
		print_message("SKIP: no %s here: %s\n", work->backends[0]->name, check.reason);
		skip();
	}
	bool have_failed[OPERATIONS_MAX + 1] = { false };
	for (int i = 0; i < NWAYS; i++)
		assert_in_range(run_way(work, &ways[i], have_failed), work->least,
				OPERATIONS_MAX - 1);
}

static struct work work_of(const struct scenario *scenario, bool is_kvm)
{
	static const struct hv_backend *const kvm[] = { &hv_kvm, NULL };
	static const struct hv_backend *const process[] = { &hv_process, NULL };

	if (is_kvm)
		return (struct work){ scenario, kvm, scenario->kvm.benign, scenario->kvm.least };
	return (struct work){ scenario, process, scenario->process.benign,
			      scenario->process.least };
}

int failing_main(const struct scenario *scenarios, size_t count)
{
	static struct work works[2 * SCENARIOS_MAX];
	static char names[2 * SCENARIOS_MAX][64];
	struct CMUnitTest tests[2 * SCENARIOS_MAX];

	size_t n = 0;

	if (count > SCENARIOS_MAX)
		abort();
	for (size_t i = 0; i < 2 * count; i++) {
		const bool is_kvm = i % 2 == 0;
		works[n] = work_of(&scenarios[i / 2], is_kvm);
		if (!works[n].benign && works[n].least == 0)
			continue;
		snprintf(names[n], sizeof names[n], "%s [%s]", works[n].scenario->name,
			 works[n].backends[0]->name);
		tests[n] = (struct CMUnitTest){
			.name = names[n],
			.test_func = run_work,
			.initial_state = &works[n],
		};
		n++;
	}
	/* the macro of cmocka wants an array; this is what it expands to */
	return _cmocka_run_group_tests("failing host", tests, n, life_prepare_program, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each attack of the table on each backend, in a process of its own with a deadline for each call.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include "hostile/given.h"
#include "hostile/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* No attack takes a hundredth of this, on a machine that does nothing else. */
#define DEADLINE_SECONDS 20

static const char *const backends[] = { "kvm", "process" };

/* What the process of an attack says while it works. */
struct report {
	volatile uint64_t under_way;
	unsigned tried;
};

/* One test: an attack on a backend. */
struct work {
	const struct attack *attack;
	const char *backend;
	struct report *report; /* shared with the process that does it */
};

/* Waits until CHILD has ended; false if it was killed, because it got no further for too long. */
static bool await(pid_t child, const struct report *report, int *ended)
{
	const unsigned deadline = (getenv("MOTE_TEST_QUICK") ? 10 : 1) * DEADLINE_SECONDS * 100;
	const struct timespec pause = { 0, 10000000 };
	uint64_t last = 0;

	for (unsigned waited = 0; waited < deadline; waited++) {
		pid_t pid = waitpid(child, ended, WNOHANG);
		if (pid == child)
			return true;
		if (report->under_way != last)
			waited = 0;
		last = report->under_way;
		nanosleep(&pause, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, ended, 0);
	return false;
}

/* cmocka catches what crashes a test; this process has none any more. */
static void let_signals_end_us(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS };

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_DFL);
}

static void run_attack(void **state)
{
	struct work *work = *state;
	const char *folder = getenv("MOTE_TEST_GUESTS");
	char path[512];
	struct given given;
	int ended = 0;

	if (!folder)
		fail_msg("MOTE_TEST_GUESTS must name the folder with the guests");
	require_backend(work->backend);
	snprintf(path, sizeof path, "%s/%s", folder, work->attack->guest);
	if (work->attack->has_files && !given_make(&given))
		fail_msg("cannot make a folder for guests");
	work->report->under_way = 0;
	fflush(NULL);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		let_signals_end_us();
		work->report->tried = trial_run(work->attack, path, work->backend,
						work->attack->has_files ? given.folder : NULL,
						&work->report->under_way);
		exit(0);
	}
	const bool has_ended = await(child, work->report, &ended);
	const bool is_changed = work->attack->has_files && given_changed(&given);
	if (work->attack->has_files)
		given_remove(&given);
	if (!has_ended)
		fail_msg("%s, %s: way 0x%" PRIx64 " has no end", work->backend, work->attack->guest,
			 work->report->under_way - 1);
	if (WIFSIGNALED(ended))
		fail_msg("%s, %s: way 0x%" PRIx64 " ended the host with signal %d", work->backend,
			 work->attack->guest, work->report->under_way - 1, WTERMSIG(ended));
	assert_int_equal(WEXITSTATUS(ended), 0);
	if (is_changed)
		fail_msg("%s, %s: the host's files are not what they were", work->backend,
			 work->attack->guest);
	print_message("%u ways\n", work->report->tried);
}

/* PATTERN, if given, says which tests to run: "ports*". */
int main(int argc, char **argv)
{
	enum { NBACKENDS = sizeof backends / sizeof backends[0] };
	const size_t count = attacks_count * NBACKENDS;
	struct work *works = calloc(count, sizeof *works);
	struct CMUnitTest *tests = calloc(count, sizeof *tests);
	char(*names)[128] = calloc(count, sizeof *names);
	struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!works || !tests || !names || report == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < count; i++) {
		works[i] = (struct work){ &attacks[i % attacks_count], backends[i / attacks_count],
					  report };
		snprintf(names[i], sizeof names[i], "%s [%s]", works[i].attack->guest,
			 works[i].backend);
		tests[i] = (struct CMUnitTest){ .name = names[i],
						.test_func = run_attack,
						.initial_state = &works[i] };
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	/* the macro of cmocka wants an array; this is what it expands to */
	int failed = _cmocka_run_group_tests("hostile", tests, count, NULL, NULL);
	free(works);
	free(tests);
	free(names);
	return failed;
}

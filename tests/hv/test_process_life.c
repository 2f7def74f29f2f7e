/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lives and deaths of guest processes: threads, ends of the host, of the launcher and of the
 * guest process itself, and what the program around the library notices of it all.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "hv/process/process_internal.h"
#include "hv/regions.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct host host;
static struct hv *hv;

static int open_backend(void **state)
{
	mote_error error;
	(void)state;
	/* nohup ignores it, and what runs guests inherits that */
	signal(SIGHUP, SIG_DFL);
	host_init(&host);
	if (hv_process.open(&hv, &host, &error) == MOTE_OK)
		return 0;
	print_error("%s\n", error.message);
	return -1;
}

static int close_backend(void **state)
{
	(void)state;
	hv_process.close(hv);
	return 0;
}

static pid_t pid_of(const struct box *box)
{
	return ((const struct process_vm *)box->vm)->process.pid;
}

static void nap(long milliseconds)
{
	const struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, NULL);
}

/* Whether PID is there and no zombie. */
static bool is_alive(pid_t pid)
{
	char path[64], state = '?';

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = '?';
	fclose(file);
	return state != 'Z' && state != 'X';
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "r");
	if (file && fscanf(file, "%*d (%*[^)]) %*c %d", &parent) != 1)
		parent = 0;
	if (file)
		fclose(file);
	return parent;
}

/* Whether PID ends within some seconds. */
static bool ends_soon(pid_t pid)
{
	for (int i = 0; i < 300; i++) {
		if (!is_alive(pid))
			return true;
		nap(10);
	}
	return false;
}

static void assert_ends(pid_t pid)
{
	if (!ends_soon(pid))
		fail_msg("process %d is still there", (int)pid);
}

static void a_death_between_runs_is_told_with_its_signal(void **state)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGHUP };
	struct box box;
	(void)state;

	for (size_t i = 0; i < 3; i++) {
		box_open(&box, hv);
		box_start(&box, "show", 0);
		assert_int_equal(kill(pid_of(&box), signals[i]), 0);
		assert_ends(pid_of(&box));
		for (int again = 0; again < 2; again++) {
			struct hv_exit event = box_run(&box);
			assert_int_equal(event.kind, HV_EXIT_DIED);
			assert_int_equal(event.u.detail, signals[i]);
		}
		box_close(&box);
	}
}

static void *kill_soon(void *argument)
{
	nap(30);
	kill(*(pid_t *)argument, SIGKILL);
	return NULL;
}

static void a_death_while_it_runs_is_told_at_once(void **state)
{
	pthread_t killer;
	struct box box;
	(void)state;

	box_open(&box, hv);
	pid_t pid = pid_of(&box);
	pthread_create(&killer, NULL, kill_soon, &pid);
	struct hv_exit event = box_start(&box, "loop", 0);
	pthread_join(killer, NULL);
	assert_int_equal(event.kind, HV_EXIT_DIED);
	assert_int_equal(event.u.detail, SIGKILL);
	box_close(&box);
}

static void freezing_the_process_for_a_while_changes_nothing(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(box_start(&box, "hypercall", 11).kind, HV_EXIT_HYPERCALL);
		kill(pid_of(&box), SIGSTOP);
		nap(10);
		kill(pid_of(&box), SIGCONT);
		nap(10);
		box.vm->regs->rax = 12;
		box.vm->regs_changed = true;
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		assert_int_equal(box.vm->regs->rdi, 12);
	}
	box_close(&box);
}

static void a_signal_from_outside_changes_nothing(void **state)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGSYS, SIGURG, SIGTRAP };
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		assert_int_equal(box_start(&box, "hypercall", 11).kind, HV_EXIT_HYPERCALL);
		kill(pid_of(&box), signals[i]);
		nap(5);
		box.vm->regs->rax = 12;
		box.vm->regs_changed = true;
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		assert_int_equal(box.vm->regs->rdi, 12);
	}
	box_close(&box);
}

static void *open_box(void *argument)
{
	box_open(argument, hv);
	box_start(argument, "hypercall", 3);
	return NULL;
}

static void *go_on(void *argument)
{
	struct box *box = argument;
	box->vm->regs->rax = 4;
	box->vm->regs_changed = true;
	return box_run(box).kind == HV_EXIT_HYPERCALL && box->vm->regs->rdi == 4 ? box : NULL;
}

static void a_machine_outlives_the_thread_that_made_it(void **state)
{
	pthread_t thread;
	void *result;
	struct box box;
	(void)state;

	pthread_create(&thread, NULL, open_box, &box);
	pthread_join(thread, NULL);
	nap(20);
	pthread_create(&thread, NULL, go_on, &box);
	pthread_join(thread, &result);
	assert_ptr_equal(result, &box);
	assert_int_equal(box_start(&box, "show", 5).kind, HV_EXIT_HYPERCALL);
	box_close(&box);
}

static void many_machines_live_side_by_side(void **state)
{
	enum { MANY = 60 };
	static struct box boxes[MANY];
	(void)state;

	for (size_t i = 0; i < MANY; i++) {
		box_open(&boxes[i], hv);
		box_set(&boxes[i], "count", i << 32);
	}
	for (uint64_t round = 0; round < 10; round++)
		for (size_t i = 0; i < MANY; i++) {
			assert_int_equal(box_run(&boxes[i]).kind, HV_EXIT_HYPERCALL);
			assert_int_equal(boxes[i].vm->regs->rbx, round);
			assert_int_equal(boxes[i].vm->regs->r12, ((uint64_t)i << 32) + round);
		}
	for (size_t i = 0; i < MANY; i++)
		box_close(&boxes[i]);
}

static void *live_and_die(void *argument)
{
	struct box box;

	for (int i = 0; i < 50; i++) {
		box_open(&box, hv);
		if (box_start(&box, "show", (uint64_t)i).kind != HV_EXIT_HYPERCALL ||
		    box.vm->regs->rdi != (uint64_t)i)
			argument = NULL;
		box_close(&box);
	}
	return argument;
}

static void threads_make_machines_at_the_same_time(void **state)
{
	pthread_t threads[4];
	char marks[4];
	void *result;
	(void)state;

	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, live_and_die, &marks[i]);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], &result);
		assert_ptr_equal(result, &marks[i]);
	}
}

static int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void machines_leave_no_descriptors_and_no_processes(void **state)
{
	struct box box;
	(void)state;

	int before = count_files();
	for (int i = 0; i < 1000; i++) {
		box_open(&box, hv);
		pid_t pid = pid_of(&box);
		box_close(&box);
		/* Not even a zombie. */
		assert_int_equal(kill(pid, 0), -1);
		assert_int_equal(errno, ESRCH);
	}
	assert_int_equal(count_files(), before);
}

static int count_children(pid_t parent)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(dir)))
		n += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		     parent_of((pid_t)strtol(entry->d_name, NULL, 10)) == parent;
	closedir(dir);
	return n;
}

static void a_machine_that_was_not_made_leaves_no_process(void **state)
{
	/* At an odd address: the process notices, not we. */
	const struct region odd = VIEW(0x1000800, 0x10000000, 0x1000, REGION_READ);
	struct box box, bad;
	(void)state;

	box_open(&box, hv);
	pid_t launcher = parent_of(pid_of(&box));
	int before = count_files();
	for (int i = 0; i < 10; i++) {
		box_init(&bad, hv);
		assert_int_equal(box_make_vm(&bad, &odd, NULL), MOTE_E_OS);
		box_close(&bad);
	}
	assert_int_equal(count_files(), before);
	assert_int_equal(count_children(launcher), 1);
	box_close(&box);
	assert_int_equal(count_children(launcher), 0);
}

static volatile sig_atomic_t children_ended;

static void note_child(int signal)
{
	(void)signal;
	children_ended++;
}

static void the_program_around_us_never_meets_our_processes(void **state)
{
	const struct sigaction note = { .sa_handler = note_child },
			       normal = { .sa_handler = SIG_DFL };
	struct hv *own;
	struct box box;
	(void)state;

	children_ended = 0;
	sigaction(SIGCHLD, &note, NULL);
	assert_int_equal(hv_process.open(&own, &host, NULL), MOTE_OK);
	box_open(&box, own);
	box_start(&box, "show", 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(waitpid(-1, NULL, WNOHANG | __WALL), -1);
	assert_int_equal(errno, ECHILD);
	box_close(&box);
	hv_process.close(own);
	nap(20);
	assert_int_equal(children_ended, 0);
	sigaction(SIGCHLD, &normal, NULL);
}

/* fork(), but the child ends with its parent, should the test fail. */
static pid_t fork_bound(void)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

/* What a forked host of its own tells its parent: the processes that must not outlive it. */
struct lives {
	pid_t launcher, guest, copy;
};

static void *run_for_ever(void *argument)
{
	box_start(argument, "loop", 0);
	return NULL;
}

enum host_kind {
	HOST_OF_STOPPED, /* its guest waits for an answer */
	HOST_OF_RUNNING, /* its guest is in an endless loop */
	HOST_WITH_COPY,  /* a fork of it holds all its descriptors open */
	HOST_KINDS,
};

static _Noreturn void be_host(int pipe_end, enum host_kind kind)
{
	struct lives lives = { 0 };
	pthread_t thread;
	struct hv *own;
	struct box box;

	if (hv_process.open(&own, &host, NULL) != MOTE_OK)
		_exit(1);
	box_open(&box, own);
	lives.guest = pid_of(&box);
	lives.launcher = parent_of(lives.guest);
	if (kind == HOST_OF_RUNNING)
		pthread_create(&thread, NULL, run_for_ever, &box);
	if (kind == HOST_WITH_COPY && (lives.copy = fork()) == 0)
		for (;;)
			pause();
	nap(20);
	if (write(pipe_end, &lives, sizeof lives) != sizeof lives)
		_exit(1);
	for (;;)
		pause();
}

static void guests_die_with_their_host(void **state)
{
	struct lives lives;
	int ends[2], status;
	(void)state;

	for (enum host_kind kind = 0; kind < HOST_KINDS; kind++) {
		assert_int_equal(pipe(ends), 0);
		pid_t child = fork_bound();
		if (child == 0)
			be_host(ends[1], kind);
		close(ends[1]);
		assert_int_equal(read(ends[0], &lives, sizeof lives), sizeof lives);
		close(ends[0]);
		bool was_alive = is_alive(lives.guest) && is_alive(lives.launcher);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		bool ended = ends_soon(lives.guest) && ends_soon(lives.launcher);
		if (kind == HOST_WITH_COPY)
			kill(lives.copy, SIGKILL);
		assert_true(was_alive);
		assert_true(ended);
	}
}

static void guests_die_with_their_launcher(void **state)
{
	mote_error error;
	struct hv *own;
	struct box box, other;
	(void)state;

	assert_int_equal(hv_process.open(&own, &host, NULL), MOTE_OK);
	box_open(&box, own);
	box_start(&box, "show", 0);
	pid_t guest = pid_of(&box);
	kill(parent_of(guest), SIGKILL);
	assert_ends(guest);
	assert_int_equal(box_run(&box).kind, HV_EXIT_DIED);
	box_init(&other, own);
	assert_int_equal(box_make_vm(&other, NULL, &error), MOTE_E_OS);
	assert_non_null(strstr(error.message, "launcher does not answer"));
	box_close(&other);
	box_close(&box);
	hv_process.close(own);
}

static void closing_the_backend_ends_the_launcher(void **state)
{
	struct hv *own;
	struct box box;
	(void)state;

	assert_int_equal(hv_process.open(&own, &host, NULL), MOTE_OK);
	box_open(&box, own);
	pid_t launcher = parent_of(pid_of(&box));
	box_close(&box);
	assert_true(is_alive(launcher));
	/* Even while a fork of ours holds the socket open. */
	pid_t copy = fork_bound();
	if (copy == 0) {
		pause();
		_exit(0);
	}
	hv_process.close(own);
	assert_ends(launcher);
	kill(copy, SIGKILL);
	waitpid(copy, NULL, 0);
}

/* Runs TEST in a process of its own; the test passes when that exits with 0. */
static void assert_in_child(int (*test)(void))
{
	int status;
	pid_t child = fork_bound();

	if (child == 0)
		_exit(test());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* A whole life of a guest; 0 when all went well. */
static int one_life(void)
{
	struct hv *own;
	struct box box;

	if (hv_process.open(&own, &host, NULL) != MOTE_OK)
		return 2;
	box_open(&box, own);
	enum hv_exit_kind kind = box_start(&box, "show", 0).kind;
	pid_t guest = pid_of(&box);
	kill(guest, SIGTERM);
	struct hv_exit event = box_run(&box);
	box_close(&box);
	hv_process.close(own);
	if (kind != HV_EXIT_HYPERCALL)
		return 3;
	if (event.kind != HV_EXIT_DIED || event.u.detail != SIGTERM)
		return 4;
	return kill(guest, 0) == 0 ? 5 : 0;
}

static int live_ignoring_children(void)
{
	signal(SIGCHLD, SIG_IGN);
	return one_life();
}

static int live_without_standard_files(void)
{
	close(0);
	close(1);
	close(2);
	return one_life();
}

static int live_with_signals_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	return one_life();
}

static void it_works_in_odd_surroundings(void **state)
{
	(void)state;
	assert_in_child(live_ignoring_children);
	assert_in_child(live_without_standard_files);
	assert_in_child(live_with_signals_blocked);
}

/* An endless guest with real-time priority would take a processor for good. */
static int live_with_priority(void)
{
	const struct sched_param first = { .sched_priority = 1 };
	struct hv *own;
	struct box box;

	if (sched_setscheduler(0, SCHED_FIFO, &first) != 0)
		return 0; /* not allowed: nothing to inherit either */
	if (hv_process.open(&own, &host, NULL) != MOTE_OK)
		return 1;
	box_open(&box, own);
	int policy = sched_getscheduler(pid_of(&box));
	box_close(&box);
	hv_process.close(own);
	return policy == SCHED_OTHER ? 0 : 2;
}

static void a_guest_has_no_priority_of_its_host(void **state)
{
	(void)state;
	assert_in_child(live_with_priority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_that_was_not_made_leaves_no_process),
		cmocka_unit_test(a_death_between_runs_is_told_with_its_signal),
		cmocka_unit_test(a_death_while_it_runs_is_told_at_once),
		cmocka_unit_test(freezing_the_process_for_a_while_changes_nothing),
		cmocka_unit_test(a_signal_from_outside_changes_nothing),
		cmocka_unit_test(a_machine_outlives_the_thread_that_made_it),
		cmocka_unit_test(many_machines_live_side_by_side),
		cmocka_unit_test(threads_make_machines_at_the_same_time),
		cmocka_unit_test(machines_leave_no_descriptors_and_no_processes),
		cmocka_unit_test(the_program_around_us_never_meets_our_processes),
		cmocka_unit_test(guests_die_with_their_host),
		cmocka_unit_test(guests_die_with_their_launcher),
		cmocka_unit_test(closing_the_backend_ends_the_launcher),
		cmocka_unit_test(it_works_in_odd_surroundings),
		cmocka_unit_test(a_guest_has_no_priority_of_its_host),
	};
	return cmocka_run_group_tests_name("hv/process_life", tests, open_backend, close_backend);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures snapshots through the library's public API. Each number of dirtied pages has a sandbox
 * of its own: which pages a restore copies depends on what was dirtied before.
 */
#define _GNU_SOURCE
#include "bench/snapshots.h"

#include "bench/counts.h"
#include "bench/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE_HEAP (UINT64_C(1) << 30)

/* The library learns anew which pages are written, ever more seldom; past these rounds the next
 * time is further away than any count goes. */
#define ROUNDS_TO_STEADY  1800
#define ROUNDS_OF_FAULTS  1000
#define ROUNDS_OF_IOCTLS  100
#define PAGES_OF_COUNTS   256
#define SANDBOXES_COUNTED 1000

const unsigned dirtied_pages[DIRTYINGS] = { 0, 1, 16, 256, 4096 };

/* A snapshot of a new sandbox with OPTIONS, in which so many pages were FILLED. */
static mote_status snapshot_new(mote_snapshot **out, struct measured_backend *backend,
				const mote_sandbox_options *options, unsigned filled)
{
	mote_sandbox *sb;

	*out = NULL;
	mote_status status = mote_sandbox_new(&sb, backend->image, options, &backend->err);
	if (!status && filled)
		status = mote_call(sb, "FillPages", MOTE_ARGS(filled), NULL, &backend->err);
	if (!status)
		status = mote_snapshot_take(out, sb, &backend->err);
	mote_sandbox_free(sb);
	return status;
}

static mote_status spawn(mote_sandbox **out, struct measured_backend *backend,
			 mote_snapshot *snapshot)
{
	return mote_sandbox_from_snapshot(out, backend->rt, snapshot, backend->guest->options,
					  &backend->err);
}

static mote_status snapshot_filled(mote_snapshot **out, struct measured_backend *backend)
{
	return snapshot_new(out, backend, backend->guest->options, backend->guest->filled);
}

static mote_status make_dirtyings(struct snapshot_bench *bench)
{
	mote_status status = snapshot_filled(&bench->filled, bench->backend);

	for (size_t i = 0; !status && i < DIRTYINGS; i++) {
		struct dirtying *dirtying = &bench->dirtyings[i];
		*dirtying = (struct dirtying){ .backend = bench->backend,
					       .snapshot = bench->filled,
					       .npages = dirtied_pages[i] };
		status = spawn(&dirtying->sb, bench->backend, bench->filled);
	}
	return status;
}

static mote_status make_pool(struct snapshot_bench *bench)
{
	mote_error *err = &bench->backend->err;
	mote_status status = mote_pool_new(&bench->pool, bench->backend->rt, bench->small,
					   MOTE_OPTIONS(mote_pool_options, .minimum = 1,
							.sandbox = bench->backend->guest->options),
					   err);

	return status ? status : mote_pool_acquire(&bench->pooled, bench->pool, err);
}

bool snapshot_bench_init(struct snapshot_bench *bench, struct measured_backend *backend)
{
	mote_sandbox_options large = library_options;

	large.heap_size = LARGE_HEAP;
	*bench = (struct snapshot_bench){ .backend = backend };
	mote_status status = library_sandbox(&bench->sb, backend, backend->image, &backend->err);

	if (!status)
		status = snapshot_new(&bench->small, backend, backend->guest->options, 0);
	if (!status && backend->guest->is_mote)
		status = snapshot_new(&bench->large, backend, &large, 0);
	if (!status)
		status = make_dirtyings(bench);
	if (!status)
		status = make_pool(bench);
	return status == MOTE_OK;
}

void snapshot_bench_fini(struct snapshot_bench *bench)
{
	mote_pool_release(bench->pool, bench->pooled);
	mote_pool_free(bench->pool);
	for (size_t i = 0; i < DIRTYINGS; i++)
		mote_sandbox_free(bench->dirtyings[i].sb);
	mote_snapshot_unref(bench->filled);
	mote_snapshot_unref(bench->large);
	mote_snapshot_unref(bench->small);
	mote_sandbox_free(bench->sb);
}

uint64_t snapshot_take(void *state, unsigned n)
{
	struct snapshot_bench *bench = state;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_snapshot *snapshot;
		uint64_t start = bench_clock();
		if (mote_snapshot_take(&snapshot, bench->sb, &bench->backend->err))
			return BENCH_FAILED;
		total += bench_clock() - start;
		mote_snapshot_unref(snapshot);
	}
	return total;
}

static uint64_t time_spawning(struct measured_backend *backend, mote_snapshot *snapshot, unsigned n)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_sandbox *sb;
		uint64_t start = bench_clock();
		if (spawn(&sb, backend, snapshot))
			return BENCH_FAILED;
		total += bench_clock() - start;
		mote_sandbox_free(sb);
	}
	return total;
}

uint64_t sandbox_from_snapshot(void *state, unsigned n)
{
	struct snapshot_bench *bench = state;
	return time_spawning(bench->backend, bench->small, n);
}

uint64_t sandbox_from_snapshot_1gib(void *state, unsigned n)
{
	struct snapshot_bench *bench = state;
	return time_spawning(bench->backend, bench->large, n);
}

uint64_t pool_acquire(void *state, unsigned n)
{
	struct snapshot_bench *bench = state;
	mote_error *err = &bench->backend->err;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		if (mote_call(bench->pooled, "Add", MOTE_ARGS(2, 3), NULL, err))
			return BENCH_FAILED;
		uint64_t start = bench_clock();
		mote_pool_release(bench->pool, bench->pooled);
		if (mote_pool_acquire(&bench->pooled, bench->pool, err))
			return BENCH_FAILED;
		total += bench_clock() - start;
	}
	return total;
}

static mote_status dirty(const struct dirtying *dirtying)
{
	return mote_call(dirtying->sb, "DirtyPages", MOTE_ARGS(dirtying->npages), NULL,
			 &dirtying->backend->err);
}

static mote_status go_back(const struct dirtying *dirtying)
{
	return mote_sandbox_restore(dirtying->sb, dirtying->snapshot, &dirtying->backend->err);
}

uint64_t restore(void *state, unsigned n)
{
	const struct dirtying *dirtying = state;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		if (dirty(dirtying))
			return BENCH_FAILED;
		uint64_t start = bench_clock();
		if (go_back(dirtying))
			return BENCH_FAILED;
		total += bench_clock() - start;
	}
	return total;
}

uint64_t call_with_restore(void *state, unsigned n)
{
	const struct dirtying *dirtying = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (dirty(dirtying) || go_back(dirtying))
			return BENCH_FAILED;
	return bench_clock() - start;
}

/* A backend of this process's own, with a snapshot and a sandbox that has called and come back
 * often enough. */
static bool reach_steady_state(struct measured_backend *own, const struct measured_backend *like,
			       struct dirtying *dirtying)
{
	mote_snapshot *snapshot;

	if (!library_open(own, like) || snapshot_filled(&snapshot, own))
		return false;
	*dirtying = (struct dirtying){ .backend = own,
				       .snapshot = snapshot,
				       .npages = PAGES_OF_COUNTS };
	return !spawn(&dirtying->sb, own, snapshot) &&
	       call_with_restore(dirtying, ROUNDS_TO_STEADY) != BENCH_FAILED;
}

static bool make_counted_rounds(void *state)
{
	struct measured_backend own;
	struct dirtying dirtying;

	if (!reach_steady_state(&own, state, &dirtying))
		return false;
	system_calls_mark();
	uint64_t ns = call_with_restore(&dirtying, ROUNDS_OF_IOCTLS);
	system_calls_mark();
	return ns != BENCH_FAILED;
}

static bool count_ioctls(struct measured_backend *backend, double *value)
{
	struct system_calls counts;

	if (!system_calls_count(&counts, make_counted_rounds, backend))
		return false;
	*value = (double)counts.ioctls / ROUNDS_OF_IOCTLS;
	return true;
}

/* Page faults of this process, with and without reading. */
static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt + usage.ru_majflt;
}

static bool count_own_faults(const struct measured_backend *like, double *value)
{
	struct measured_backend own;
	struct dirtying dirtying;

	if (!reach_steady_state(&own, like, &dirtying))
		return false;
	long before = faults();
	if (call_with_restore(&dirtying, ROUNDS_OF_FAULTS) == BENCH_FAILED)
		return false;
	*value = (double)(faults() - before) / ROUNDS_OF_FAULTS;
	return true;
}

/* The KiB of a line "NAME  123 kB" of the kernel's; -1 if it is about something else. */
static long kib_of(const char *line, const char *name)
{
	size_t length = strlen(name);

	return strncmp(line, name, length) == 0 ? strtol(line + length, NULL, 10) : -1;
}

/* What the kernel says that only this process has, in KiB; -1 if it does not say. */
static long private_kib(void)
{
	static const char *const names[] = { "Private_Clean:", "Private_Dirty:" };
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	long sum = 0;
	int found = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof line, file))
		for (int i = 0; i < 2; i++) {
			long kib = kib_of(line, names[i]);
			sum += kib < 0 ? 0 : kib;
			found += kib >= 0;
		}
	fclose(file);
	return found == 2 ? sum : -1;
}

static bool spawn_and_call(struct measured_backend *own, mote_snapshot *snapshot, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		mote_sandbox *sb; /* goes with the process */
		if (spawn(&sb, own, snapshot) ||
		    mote_call(sb, "Add", MOTE_ARGS(2, 3), NULL, &own->err))
			return false;
	}
	return true;
}

/* A machine has up to six descriptors. */
static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static bool count_own_memory(const struct measured_backend *like, double *value)
{
	struct measured_backend own;
	mote_snapshot *snapshot;

	allow_many_files();
	if (!library_open(&own, like) || snapshot_new(&snapshot, &own, own.guest->options, 0) ||
	    !spawn_and_call(&own, snapshot, 1))
		return false;
	long before = private_kib();
	if (!spawn_and_call(&own, snapshot, SANDBOXES_COUNTED))
		return false;
	*value = (double)(private_kib() - before) / SANDBOXES_COUNTED;
	return before >= 0;
}

/* Lets a child of this process count: a process that has nothing else, and takes with it what it
 * made. */
static bool count_in_child(bool (*count)(const struct measured_backend *like, double *value),
			   const struct measured_backend *like, double *value)
{
	int pipes[2], status = -1;

	if (pipe(pipes) < 0)
		return false;
	pid_t child = fork();
	if (child == 0)
		_exit(count(like, value) && write(pipes[1], value, sizeof *value) == sizeof *value
			      ? 0
			      : 1);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	bool is_known =
		child > 0 && status == 0 && read(pipes[0], value, sizeof *value) == sizeof *value;
	close(pipes[0]);
	close(pipes[1]);
	return is_known;
}

/* N times what was counted, this time or before. */
static uint64_t report(struct counted *counted, bool is_known, const char *what, unsigned n)
{
	counted->is_known = is_known;
	if (is_known)
		return (uint64_t)(counted->value * n + 0.5);
	counted->backend->err = (mote_error){ .code = MOTE_E_OS };
	snprintf(counted->backend->err.message, sizeof counted->backend->err.message,
		 "cannot count %s", what);
	return BENCH_FAILED;
}

uint64_t ioctls_per_call_restore(void *state, unsigned n)
{
	struct counted *counted = state;
	return report(counted, counted->is_known || count_ioctls(counted->backend, &counted->value),
		      "system calls: is ptrace allowed?", n);
}

uint64_t faults_per_call_restore(void *state, unsigned n)
{
	struct counted *counted = state;
	return report(counted,
		      counted->is_known ||
			      count_in_child(count_own_faults, counted->backend, &counted->value),
		      "page faults", n);
}

uint64_t private_kib_per_sandbox(void *state, unsigned n)
{
	struct counted *counted = state;
	return report(counted,
		      counted->is_known ||
			      count_in_child(count_own_memory, counted->backend, &counted->value),
		      "the memory of 1,000 sandboxes: are so many descriptors allowed?", n);
}

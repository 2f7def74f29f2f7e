/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures what it costs that calls can be stopped, and how soon one is.
 */
#include "bench/interrupts.h"

#include "bench/library.h"

#include <pthread.h>
#include <time.h>

uint64_t call_with_timeout(void *state, unsigned n)
{
	struct measured_backend *backend = state;
	const mote_call_options *options =
		MOTE_OPTIONS(mote_call_options, .timeout_ns = UINT64_C(60000000000));
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (mote_call_with(backend->sb, "Add", MOTE_ARGS(2, 3), options, NULL,
				   &backend->err))
			return BENCH_FAILED;
	return bench_clock() - start;
}

uint64_t call_with_interrupt(void *state, unsigned n)
{
	struct measured_backend *backend = state;
	mote_interrupt *interrupt = mote_interrupt_of(backend->sb);
	uint64_t taken = interrupt ? call(state, n) : BENCH_FAILED;

	mote_interrupt_unref(interrupt);
	return taken;
}

/* One that kills a call, which the measuring thread is in by then. */
struct killer {
	mote_interrupt *interrupt;
	uint64_t killed; /* when it began to */
};

static void *kill_soon(void *state)
{
	enum { RUN_NS = 500000, RETRY_NS = 100000 };
	struct timespec pause = { .tv_nsec = RUN_NS };
	struct killer *killer = state;

	do {
		nanosleep(&pause, NULL);
		pause.tv_nsec = RETRY_NS;
		killer->killed = bench_clock();
	} while (!mote_interrupt_kill(killer->interrupt));
	return NULL;
}

/* The nanoseconds from kill to return, or BENCH_FAILED. */
static uint64_t kill_once(mote_sandbox *sb, mote_interrupt *interrupt, mote_error *err)
{
	struct killer killer = { .interrupt = interrupt };
	pthread_t thread;
	mote_error stopped;

	if (pthread_create(&thread, NULL, kill_soon, &killer))
		return BENCH_FAILED;
	mote_status status = mote_call(sb, "Spin", MOTE_NO_ARGS, NULL, &stopped);
	const uint64_t end = bench_clock();

	pthread_join(thread, NULL);
	if (status == MOTE_E_CANCELED)
		return end - killer.killed;
	*err = stopped;
	return BENCH_FAILED;
}

static uint64_t kill_and_heal(mote_sandbox *sb, const mote_snapshot *clean, unsigned n,
			      mote_error *err)
{
	mote_interrupt *interrupt = mote_interrupt_of(sb);
	uint64_t total = 0;

	for (unsigned i = 0; interrupt && i < n && total != BENCH_FAILED; i++) {
		const uint64_t taken = kill_once(sb, interrupt, err);
		total = taken == BENCH_FAILED || mote_sandbox_restore(sb, clean, err)
				? BENCH_FAILED
				: total + taken;
	}
	mote_interrupt_unref(interrupt);
	return interrupt ? total : BENCH_FAILED;
}

uint64_t interrupt_latency(void *state, unsigned n)
{
	struct measured_backend *backend = state;
	mote_snapshot *clean = NULL;
	mote_sandbox *sb;
	mote_status status = library_sandbox(&sb, backend, backend->image, &backend->err);

	if (!status)
		status = mote_snapshot_take(&clean, sb, &backend->err);
	uint64_t total = status ? BENCH_FAILED : kill_and_heal(sb, clean, n, &backend->err);
	mote_snapshot_unref(clean);
	mote_sandbox_free(sb);
	return total;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that use too much of their host: each limit ends them, or their log, at exactly its
 * number, names itself, and says how to raise it; a restore heals what it poisoned.
 */
#include "integration/harness.h"

#include <mote/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* What the host's function and the output function saw. */
static uint64_t ncalls, nwritten;

static mote_status count(void *user, const mote_value *args, size_t nargs, mote_value *result,
			 mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)err;
	*result = mote_u64(++ncalls);
	return MOTE_OK;
}

static void write_out(void *user, int stream, const void *data, size_t size)
{
	(void)user, (void)stream, (void)data;
	nwritten += size;
}

static const mote_host_function functions[] = {
	{ .name = "HostCount", .fn = count, .result = MOTE_U64 },
};

static const mote_sandbox_options options = {
	.size = sizeof options,
	.functions = functions,
	.nfunctions = 1,
};

/* Another sandbox for G, with LIMITS beside the function. It begins where G's stands, so that the
 * system calls with which a C library starts are not among what is limited. */
static void begin(struct guest *g, mote_sandbox_options limits)
{
	mote_snapshot *ready;

	limits.size = sizeof limits;
	limits.functions = functions;
	limits.nfunctions = 1;
	EXPECT_STATUS(g, mote_snapshot_take(&ready, g->sb, &g->err), MOTE_OK);
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&g->sb, g->rt, ready, &limits, &g->err),
		      MOTE_OK);
	mote_snapshot_unref(ready);
	ncalls = nwritten = 0;
	g->capture->log_size = 0;
	g->capture->log[0] = '\0';
}

/* The guest does what it is told STORM times, well; and one time more, which ends with TEXT, and is
 * healed by a restore. */
static void expect_end(struct guest *g, const char *storm, uint64_t most, const char *text)
{
	mote_snapshot *clean;

	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	for (int i = 0; i < 3; i++) { /* each call anew */
		CALL(g, storm, MOTE_ARGS(mote_u64(most)));
		assert_false(mote_sandbox_is_poisoned(g->sb));
	}
	for (int i = 0; i < 2; i++) {
		char full[200];
		snprintf(full, sizeof full, "call \"%s\": %s", storm, text);
		CALL_FAILS(g, MOTE_E_GUEST_LIMIT, full, storm, MOTE_ARGS(mote_u64(most + 1)));
		assert_true(mote_sandbox_is_poisoned(g->sb));
		CALL_FAILS(g, MOTE_E_STATE, text, "Add", MOTE_ARGS(1, 2));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
		assert_int_equal(CALL(g, "Add", MOTE_ARGS(1, 2)).as.i32, 3);
	}
	mote_snapshot_unref(clean);
}

static void host_calls_end_at_their_number(struct guest *g)
{
	begin(g, (mote_sandbox_options){ .max_host_calls = 5 });
	expect_end(g, "HostCalls", 5,
		   "the guest called the host more than 5 times; raise max_host_calls");
	assert_int_equal(ncalls, 5 * 5); /* none too many */
	begin(g, (mote_sandbox_options){ .max_host_calls = 1 });
	expect_end(g, "HostCalls", 1,
		   "the guest called the host more than 1 times; raise max_host_calls");
}

/* The end of the call is an exit, too. */
static void exits_end_at_their_number(struct guest *g)
{
	begin(g, (mote_sandbox_options){ .max_exits = 11 });
	expect_end(g, "HostCalls", 10,
		   "the guest left its machine more than 11 times; raise max_exits");
	begin(g, (mote_sandbox_options){ .max_exits = 11 });
	expect_end(g, "SystemCalls", 10,
		   "the guest left its machine more than 11 times; raise max_exits");
	begin(g, (mote_sandbox_options){ .max_exits = 1 });
	CALL(g, "Add", MOTE_ARGS(1, 2));
	CALL_FAILS(g, MOTE_E_GUEST_LIMIT, "more than 1 times", "SystemCalls",
		   MOTE_ARGS(mote_u64(1)));
}

static void output_ends_at_its_number(struct guest *g)
{
	begin(g, (mote_sandbox_options){ .max_output_bytes = 1000, .output = write_out });
	for (int i = 0; i < 3; i++)
		CALL(g, "Prints", MOTE_ARGS(mote_u64(10), mote_u64(99)));
	assert_int_equal(nwritten, 3000);
	nwritten = 0;
	CALL_FAILS(g, MOTE_E_GUEST_LIMIT,
		   "call \"Prints\": the guest wrote more than 1000 bytes; raise max_output_bytes",
		   "Prints", MOTE_ARGS(mote_u64(4), mote_u64(299)));
	assert_int_equal(nwritten, 1000);
	assert_true(mote_sandbox_is_poisoned(g->sb));
}

/* How often TEXT is in the log. */
static unsigned logged(const struct guest *g, const char *text)
{
	unsigned n = 0;

	for (const char *at = g->capture->log; (at = strstr(at, text)); at += strlen(text))
		n++;
	return n;
}

static void log_lines_are_dropped_after_their_number(struct guest *g)
{
	begin(g, (mote_sandbox_options){ .max_log_lines = 4 });
	CALL(g, "Logs", MOTE_ARGS(mote_u64(4), mote_u64(1)));
	assert_int_equal(logged(g, "guest: x\n"), 4);
	assert_int_equal(logged(g, "dropped"), 0);
	CALL(g, "Logs", MOTE_ARGS(mote_u64(1000), mote_u64(1)));
	assert_int_equal(logged(g, "guest: x\n"), 8);
	assert_int_equal(
		logged(g, "host: 996 more lines of the guest were dropped: max_log_lines is 4\n"),
		1);
	/* what goes to the log because there is no output function, too */
	CALL(g, "Prints", MOTE_ARGS(mote_u64(5), mote_u64(1)));
	assert_int_equal(logged(g, "guest: y\n"), 4);
	assert_int_equal(logged(g, "host: 1 more lines of the guest were dropped"), 1);
	CALL(g, "Add", MOTE_ARGS(1, 2));
}

static void log_lines_are_dropped_after_their_bytes(struct guest *g)
{
	begin(g, (mote_sandbox_options){ .max_log_bytes = 100 });
	CALL(g, "Logs", MOTE_ARGS(mote_u64(4), mote_u64(25)));
	assert_int_equal(logged(g, "guest: x"), 4);
	assert_int_equal(logged(g, "dropped"), 0);
	CALL(g, "Logs", MOTE_ARGS(mote_u64(40), mote_u64(24)));
	assert_int_equal(logged(g, "guest: x"), 8);
	assert_int_equal(
		logged(g, "host: 36 more lines of the guest were dropped: max_log_bytes is 100\n"),
		1);
	CALL(g, "Prints", MOTE_ARGS(mote_u64(1), mote_u64(101)));
	assert_int_equal(logged(g, "guest: y"), 0);
}

/* 64 MiB of output. The other defaults are too large to be reached here. */
static void output_has_a_limit_by_default(struct guest *g)
{
	const uint64_t count = MOTE_DEFAULT_MAX_OUTPUT_BYTES / 4096;

	if (rounds(10) < 10)
		return;
	begin(g, (mote_sandbox_options){ .output = write_out, .max_output_bytes = MOTE_NO_LIMIT });
	CALL(g, "Prints", MOTE_ARGS(mote_u64(count + 1), mote_u64(4095)));
	begin(g, (mote_sandbox_options){ .output = write_out });
	CALL(g, "Prints", MOTE_ARGS(mote_u64(count), mote_u64(4095)));
	CALL_FAILS(g, MOTE_E_GUEST_LIMIT, "more than 67108864 bytes", "Prints",
		   MOTE_ARGS(mote_u64(count + 1), mote_u64(4095)));
}

/* Limits are the sandbox's, not the snapshot's: those of the sandbox that it was taken of end
 * nothing, and restoring to it changes none. */
static void a_sandbox_from_a_snapshot_has_its_own(struct guest *g)
{
	mote_sandbox_options own = options;

	mote_sandbox_free(g->sb);
	own.max_host_calls = 5;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &own, &g->err), MOTE_OK);
	begin(g, (mote_sandbox_options){ .max_host_calls = 8 });
	expect_end(g, "HostCalls", 8,
		   "the guest called the host more than 8 times; raise max_host_calls");
	begin(g, (mote_sandbox_options){ .max_exits = 100 });
	expect_end(g, "SystemCalls", 99,
		   "the guest left its machine more than 100 times; raise max_exits");
}

/* And one that went over its limit comes back sound. */
static void sandboxes_of_a_pool_have_the_pools(struct guest *g)
{
	mote_sandbox_options own = options;
	const mote_pool_options *of_one =
		MOTE_OPTIONS(mote_pool_options, .maximum = 1, .sandbox = &own);
	mote_snapshot *snapshot;
	mote_pool *pool;
	mote_sandbox *sb;

	own.max_host_calls = 3;
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_pool_new(&pool, g->rt, snapshot, of_one, &g->err), MOTE_OK);
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(g, mote_pool_acquire(&sb, pool, &g->err), MOTE_OK);
		EXPECT_STATUS(g, mote_call(sb, "HostCalls", MOTE_ARGS(mote_u64(3)), NULL, &g->err),
			      MOTE_OK);
		EXPECT_STATUS(g, mote_call(sb, "HostCalls", MOTE_ARGS(mote_u64(4)), NULL, &g->err),
			      MOTE_E_GUEST_LIMIT);
		EXPECT_MESSAGE(g, "more than 3 times; raise max_host_calls");
		mote_pool_release(pool, sb);
	}
	mote_pool_free(pool);
	mote_snapshot_unref(snapshot);
}

static void main_counts_as_a_call(struct guest *g)
{
	const unsigned calls = 6;
	mote_sandbox_options own = options;

	mote_sandbox_free(g->sb);
	own.init_data = &calls;
	own.init_data_size = sizeof calls;
	own.max_host_calls = 5;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &own, &g->err), MOTE_E_GUEST_LIMIT);
	EXPECT_MESSAGE(g, "main(): the guest called the host more than 5 times");
	assert_null(g->sb);
	own.max_host_calls = 6;
	own.max_exits = 6;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &own, &g->err), MOTE_E_GUEST_LIMIT);
	EXPECT_MESSAGE(g, "main(): the guest left its machine more than 6 times");
	own.max_exits = 0;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &own, &g->err), MOTE_OK);
	CALL(g, "HostCalls", MOTE_ARGS(mote_u64(6)));
}

/* Kilobytes that this process has had in memory at most. */
static long peak(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

/* As many areas as pages, holes between them, and requests that fit in none: the guest's heap is
 * all that this takes. */
static void areas_take_no_memory_of_the_host(struct guest *g)
{
	const uint64_t most = rounds(4096);

	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g,
		      mote_sandbox_new(&g->sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .functions = functions,
						    .nfunctions = 1, .heap_size = 16 << 20),
				       &g->err),
		      MOTE_OK);
	CALL(g, "Areas", MOTE_ARGS(mote_u64(most)));
	const long before = peak();
	for (int i = 0; i < 3; i++) {
		uint64_t got = CALL(g, "Areas", MOTE_ARGS(mote_u64(most))).as.u64;
		assert_in_range(got, most / 2, most); /* what the libc has is not free */
	}
	/* one huge page more or less is the kernel's affair */
	assert_in_range(peak(), before, before + 2048 + 512);
}

static void programs_have_limits(struct guest *g)
{
	static const char *const args[] = { "prog", "lines" };
	mote_program_options program = {
		.size = sizeof program,
		.argc = 1,
		.argv = args,
		.max_exits = 1,
	};
	int exit_status;

	EXPECT_STATUS(g, mote_image_run(g->image, &program, &exit_status, &g->err),
		      MOTE_E_GUEST_LIMIT);
	EXPECT_MESSAGE(g, "the guest left its machine more than 1 times; raise max_exits");
	program.max_exits = 0;
	program.output = write_out;
	program.max_output_bytes = 1;
	nwritten = 0;
	EXPECT_STATUS(g, mote_image_run(g->image, &program, &exit_status, &g->err),
		      MOTE_E_GUEST_LIMIT);
	EXPECT_MESSAGE(g, "the guest wrote more than 1 bytes; raise max_output_bytes");
	assert_int_equal(nwritten, 1);
	program.output = NULL;
	program.max_log_lines = 1;
	g->capture->log_size = 0;
	EXPECT_STATUS(g, mote_image_run(g->image, &program, &exit_status, &g->err), MOTE_OK);
	assert_int_equal(logged(g, "max_log_lines is 1\n"), 1);
}

static const struct row rows[] = {
	{ "host calls end at their number", "storm", host_calls_end_at_their_number, &options,
	  false },
	{ "exits end at their number", "storm", exits_end_at_their_number, &options, false },
	{ "output ends at its number", "storm", output_ends_at_its_number, &options, false },
	{ "log lines are dropped after their number", "storm",
	  log_lines_are_dropped_after_their_number, &options, false },
	{ "log lines are dropped after their bytes", "storm",
	  log_lines_are_dropped_after_their_bytes, &options, false },
	{ "output has a limit by default", "storm", output_has_a_limit_by_default, &options,
	  false },
	{ "a sandbox from a snapshot has its own", "storm", a_sandbox_from_a_snapshot_has_its_own,
	  &options, false },
	{ "sandboxes of a pool have the pool's", "storm", sandboxes_of_a_pool_have_the_pools,
	  &options, false },
	{ "main() counts as a call", "storm", main_counts_as_a_call, &options, false },
	{ "areas take no memory of the host", "storm", areas_take_no_memory_of_the_host, &options,
	  false },
	{ "programs have limits", "prog", programs_have_limits, NULL, true },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

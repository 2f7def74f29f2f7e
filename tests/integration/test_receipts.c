/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts of real calls: counts that are the same on every backend, pages where the hypervisor
 * tells, and clocks that agree with others.
 */
#include "integration/harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static mote_status count(void *user, const mote_value *args, size_t nargs, mote_value *result,
			 mote_error *err)
{
	static uint64_t ncalls;

	(void)user, (void)args, (void)nargs, (void)err;
	*result = mote_u64(++ncalls);
	return MOTE_OK;
}

static void swallow(void *user, int stream, const void *data, size_t size)
{
	(void)user, (void)stream, (void)data, (void)size;
}

static const mote_host_function functions[] = {
	{ .name = "HostCount", .fn = count, .result = MOTE_U64 },
};

static const mote_sandbox_options options = {
	.size = sizeof options,
	.functions = functions,
	.nfunctions = 1,
	.max_log_lines = 100,
	.max_host_calls = 1000,
};

static mote_receipt receipt;

/* Calls FUNCTION, which must end with WANT, for a receipt. */
static void call_for(struct guest *g, mote_status want, mote_call_options limits,
		     const char *function, const mote_value *args, size_t nargs)
{
	limits.size = sizeof limits;
	limits.receipt = &receipt;
	memset(&receipt, 0xee, sizeof receipt);
	receipt.size = sizeof receipt;
	EXPECT_STATUS(g, mote_call_with(g->sb, function, args, nargs, &limits, NULL, &g->err),
		      want);
	assert_int_equal(receipt.size, sizeof receipt);
}
#define CALL_FOR(g, want, ...) call_for(g, want, (mote_call_options){ 0 }, __VA_ARGS__)

static void expect_counts(uint64_t exits, uint64_t host_calls, uint64_t system_calls)
{
	assert_int_equal(receipt.exits, exits);
	assert_int_equal(receipt.host_calls, host_calls);
	assert_int_equal(receipt.system_calls, system_calls);
}

static void counts_are_exact(struct guest *g)
{
	CALL_FOR(g, MOTE_OK, "Add", MOTE_ARGS(1, 2));
	expect_counts(1, 0, 0);
	const uint64_t in = receipt.bytes_in, out = receipt.bytes_out;
	assert_int_equal(in, 120);
	assert_int_equal(out, 64);
	assert_int_equal(receipt.limit, MOTE_LIMIT_NONE);
	assert_int_equal(receipt.log_lines + receipt.log_dropped + receipt.output_bytes, 0);

	CALL_FOR(g, MOTE_OK, "HostCalls", MOTE_ARGS(mote_u64(10)));
	expect_counts(11, 10, 0);
	const uint64_t in_10 = receipt.bytes_in, out_10 = receipt.bytes_out;
	CALL_FOR(g, MOTE_OK, "HostCalls", MOTE_ARGS(mote_u64(110)));
	expect_counts(111, 110, 0);
	/* a message each way each time, all alike */
	assert_int_equal((receipt.bytes_in - in_10) % 100, 0);
	assert_int_equal((receipt.bytes_out - out_10) % 100, 0);
	assert_true(receipt.bytes_in > in_10 && receipt.bytes_out > out_10);

	CALL_FOR(g, MOTE_OK, "SystemCalls", MOTE_ARGS(mote_u64(7)));
	expect_counts(8, 0, 7);
	CALL_FOR(g, MOTE_OK, "Logs", MOTE_ARGS(mote_u64(9), mote_u64(5)));
	expect_counts(10, 0, 0);
	assert_int_equal(receipt.log_lines, 9);
	assert_int_equal(receipt.log_bytes, 45);
	CALL_FOR(g, MOTE_OK, "Logs", MOTE_ARGS(mote_u64(109), mote_u64(5)));
	assert_int_equal(receipt.log_lines, 100);
	assert_int_equal(receipt.log_dropped, 9);
	assert_int_equal(receipt.limit, MOTE_LIMIT_LOG_LINES);
	CALL_FOR(g, MOTE_OK, "Add", MOTE_ARGS(1, 2));
	assert_int_equal(receipt.bytes_in, in);
	assert_int_equal(receipt.bytes_out, out);
}

static void output_is_counted(struct guest *g)
{
	mote_sandbox_options own = options;

	mote_sandbox_free(g->sb);
	own.output = swallow;
	own.max_output_bytes = 100;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &own, &g->err), MOTE_OK);
	CALL_FOR(g, MOTE_OK, "Prints", MOTE_ARGS(mote_u64(5), mote_u64(9)));
	expect_counts(6, 0, 5);
	assert_int_equal(receipt.output_bytes, 50);
	CALL_FOR(g, MOTE_E_GUEST_LIMIT, "Prints", MOTE_ARGS(mote_u64(50), mote_u64(9)));
	expect_counts(11, 0, 11);
	assert_int_equal(receipt.output_bytes, 100);
	assert_int_equal(receipt.limit, MOTE_LIMIT_OUTPUT_BYTES);
}

static void failures_have_receipts(struct guest *g)
{
	mote_snapshot *clean;

	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	CALL_FOR(g, MOTE_E_GUEST_LIMIT, "HostCalls", MOTE_ARGS(mote_u64(2000)));
	expect_counts(1001, 1001, 0);
	assert_int_equal(receipt.limit, MOTE_LIMIT_HOST_CALLS);
	CALL_FOR(g, MOTE_E_STATE, "Add", MOTE_ARGS(1, 2));
	expect_counts(0, 0, 0);
	assert_int_equal(receipt.wall_ns, 0);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	CALL_FOR(g, MOTE_E_SIGNATURE, "Add", MOTE_ARGS(1));
	expect_counts(0, 0, 0);
	assert_int_equal(receipt.wall_ns, 0);
	CALL_FOR(g, MOTE_OK, "HostCalls", MOTE_ARGS(mote_u64(1000)));
	expect_counts(1001, 1000, 0);
	assert_int_equal(receipt.limit, MOTE_LIMIT_NONE);
	mote_snapshot_unref(clean);
}

static void a_fault_is_an_exit(struct guest *g)
{
	CALL_FOR(g, MOTE_E_GUEST_FAULT, "WriteAt", MOTE_ARGS(mote_u64(8)));
	expect_counts(1, 0, 0);
	assert_int_equal(receipt.limit, MOTE_LIMIT_NONE);
	assert_int_equal(receipt.bytes_out, 0);
	assert_true(receipt.bytes_in > 0 && receipt.wall_ns > 0);
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void clocks_agree(struct guest *g)
{
	const uint64_t start = clock_ns();

	call_for(g, MOTE_OK, (mote_call_options){ 0 }, "SpinFor", MOTE_ARGS(10000000u));
	const uint64_t took = clock_ns() - start;
	assert_in_range(receipt.wall_ns, 1000000, took);
	/* of this thread, or of the guest's process: no other runs for it */
	assert_in_range(receipt.cpu_ns, 1000000, took + 10000000);

	mote_snapshot *clean;
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	call_for(g, MOTE_E_TIMEOUT, (mote_call_options){ .timeout_ns = 20000000 }, "Spin",
		 MOTE_NO_ARGS);
	assert_int_equal(receipt.limit, MOTE_LIMIT_TIMEOUT);
	assert_in_range(receipt.wall_ns, 20000000, UINT64_C(5000000000));
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	call_for(g, MOTE_E_TIMEOUT, (mote_call_options){ .cpu_ns = 20000000 }, "Spin",
		 MOTE_NO_ARGS);
	assert_int_equal(receipt.limit, MOTE_LIMIT_CPU);
	assert_in_range(receipt.cpu_ns, 20000000, UINT64_C(5000000000));
	mote_snapshot_unref(clean);
}

/* What the call writes, whether it did so before or not; a restore makes it nothing. */
static void pages_are_what_the_call_changed(struct guest *g)
{
	static const uint32_t touches[] = { 10, 100, 3, 100, 1, 1000 };
	mote_snapshot *clean;
	uint64_t always;

	CALL_FOR(g, MOTE_OK, "Touch", MOTE_ARGS(0u));
	assert_false(receipt.pages_are_known);
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	CALL_FOR(g, MOTE_OK, "Touch", MOTE_ARGS(0u));
	if (!receipt.pages_are_known) {
		/* KVM of old kernels cannot tell */
		assert_int_equal(receipt.pages_dirtied, 0);
		mote_snapshot_unref(clean);
		return;
	}
	assert_in_range(receipt.pages_dirtied, 0, 3); /* it did the same before the snapshot */
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	CALL_FOR(g, MOTE_OK, "Touch", MOTE_ARGS(1u));
	always = receipt.pages_dirtied - 1; /* its stack; and the library notes the restore */
	assert_in_range(always, 0, 3);
	for (size_t i = 0; i < sizeof touches / sizeof touches[0]; i++) {
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
		CALL_FOR(g, MOTE_OK, "Touch", MOTE_ARGS(touches[i]));
		assert_true(receipt.pages_are_known);
		assert_int_equal(receipt.pages_dirtied, always + touches[i]);
	}
	/* more than can be told apart */
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	CALL_FOR(g, MOTE_OK, "Touch", MOTE_ARGS(8192u));
	assert_false(receipt.pages_are_known);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	assert_int_equal(CALL(g, "Touch", MOTE_ARGS(5u)).as.u32, 5);
	mote_snapshot_unref(clean);
}

static const struct row rows[] = {
	{ "counts are exact", "storm", counts_are_exact, &options, false },
	{ "output is counted", "storm", output_is_counted, &options, false },
	{ "failures have receipts", "storm", failures_have_receipts, &options, false },
	{ "a fault is an exit", "faults", a_fault_is_an_exit, NULL, false },
	{ "clocks agree", "endless", clocks_agree, NULL, false },
	{ "pages are what the call changed", "state", pages_are_what_the_call_changed, NULL,
	  false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

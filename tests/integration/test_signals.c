/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that handle signals: what Linux programs see of their own faults and of what they send
 * themselves, that handlers are part of snapshots, and that no return from one breaks the host.
 */
#include "integration/harness.h"

#include <signal.h>
#include <string.h>

/* What Caught says: the signal, its code, whether there is an address. */
#define CAUGHT(signal, code, has_address) ((signal) + 1000 * (code) + ((has_address) ? 1000000 : 0))

static int caught(struct guest *g, const char *how)
{
	return CALL(g, "Caught", MOTE_ARGS(how)).as.i32;
}

static void restart(struct guest *g)
{
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, NULL, &g->err), MOTE_OK);
}

static void faults_are_signals_with_code_and_address(struct guest *g)
{
	static const struct {
		const char *how;
		int want;
	} rows[] = {
		{ "nowhere", CAUGHT(SIGSEGV, SEGV_MAPERR, true) },
		{ "sealed", CAUGHT(SIGSEGV, SEGV_ACCERR, true) },
		{ "divide", CAUGHT(SIGFPE, FPE_INTDIV, true) },
		{ "invalid", CAUGHT(SIGILL, ILL_ILLOPN, true) },
		{ "breakpoint", CAUGHT(SIGTRAP, SI_KERNEL, false) },
		{ "privileged", CAUGHT(SIGSEGV, SI_KERNEL, false) },
	};

	CALL(g, "Handle", MOTE_NO_ARGS);
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			const int now = caught(g, rows[i].how);
			if (now != rows[i].want)
				fail_msg("%s: %s is %d, not %d", g->where, rows[i].how, now,
					 rows[i].want);
		}
	assert_false(mote_sandbox_is_poisoned(g->sb));
	assert_int_equal(CALL(g, "CaughtInMain", MOTE_NO_ARGS).as.i32,
			 CAUGHT(SIGFPE, FPE_INTDIV, true));
}

static void without_a_handler_a_fault_ends_the_call(struct guest *g)
{
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "divide error", "Caught", MOTE_ARGS("divide"));
	restart(g);
	CALL(g, "Ignore", MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "divide error", "Caught", MOTE_ARGS("divide"));
	restart(g);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "write at 0x1234", "FaultBlocked", MOTE_NO_ARGS);
	restart(g);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "write at 0x4321", "FaultTwice", MOTE_NO_ARGS);
}

static void all_registers_come_back(struct guest *g)
{
	for (int i = 0; i < 10; i++)
		assert_int_equal(CALL(g, "Registers", MOTE_NO_ARGS).as.i32, 5);
}

static void a_full_stack_is_handled_on_another(struct guest *g)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(CALL(g, "Overflow", MOTE_ARGS(mote_bool(true))).as.i32, 1);
	restart(g);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "guard gap below the stack", "Overflow",
		   MOTE_ARGS(mote_bool(false)));
}

static void what_is_sent_is_delivered_once_and_when_it_may(struct guest *g)
{
	assert_int_equal(CALL(g, "Sends", MOTE_NO_ARGS).as.i32, 2111);
	assert_int_equal(CALL(g, "Nested", MOTE_ARGS(mote_bool(true))).as.i32, 31);
	assert_int_equal(CALL(g, "Nested", MOTE_ARGS(mote_bool(false))).as.i32, 33);
	assert_int_equal(CALL(g, "Once", MOTE_NO_ARGS).as.i32, 11);
	CALL(g, "Raise", MOTE_ARGS(SIGCHLD));
	CALL(g, "Raise", MOTE_ARGS(SIGWINCH));
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 15", "Raise", MOTE_ARGS(SIGTERM));
}

static void endless_faults_are_stopped(struct guest *g)
{
	const mote_sandbox_options few = { .size = sizeof few, .max_exits = 1000 };
	const mote_call_options soon = { .size = sizeof soon, .timeout_ns = 50000000 };

	EXPECT_STATUS(g, mote_call_with(g->sb, "Endless", NULL, 0, &soon, NULL, &g->err),
		      MOTE_E_TIMEOUT);
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &few, &g->err), MOTE_OK);
	CALL_FAILS(g, MOTE_E_GUEST_LIMIT, "max_exits", "Endless", MOTE_NO_ARGS);
}

static void handlers_are_part_of_snapshots(struct guest *g)
{
	mote_snapshot *without, *with;
	mote_sandbox *sb;

	EXPECT_STATUS(g, mote_snapshot_take(&without, g->sb, &g->err), MOTE_OK);
	CALL(g, "Handle", MOTE_NO_ARGS);
	EXPECT_STATUS(g, mote_snapshot_take(&with, g->sb, &g->err), MOTE_OK);
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, without, &g->err), MOTE_OK);
		CALL_FAILS(g, MOTE_E_GUEST_FAULT, "divide error", "Caught", MOTE_ARGS("divide"));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, with, &g->err), MOTE_OK);
		assert_int_equal(caught(g, "divide"), CAUGHT(SIGFPE, FPE_INTDIV, true));
	}
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&sb, g->rt, with, NULL, &g->err), MOTE_OK);
	mote_sandbox_free(g->sb);
	g->sb = sb;
	assert_int_equal(caught(g, "nowhere"), CAUGHT(SIGSEGV, SEGV_MAPERR, true));
	mote_snapshot_unref(with);
	mote_snapshot_unref(without);
}

/* Nothing of the flags that a processor knows, but for those that are a program's own, gets in. */
static void what_handlers_return_is_checked(struct guest *g)
{
	const uint64_t alignment = 0x40000; /* with which the next odd access would fault */
	const uint64_t not_owned = UINT64_C(0x3b7300); /* TF, IF, IOPL, NT, RF, VM, VIF, VIP, ID */
	static const uint64_t addresses[] = { UINT64_C(0x7ffffffff000), UINT64_C(1) << 47,
					      UINT64_C(0x8000000000000000), UINT64_MAX };
	uint64_t plain =
		CALL(g, "Forge", MOTE_ARGS(mote_u64(0), mote_u64(0), mote_u32(0), mote_bool(false)))
			.as.u64;
	uint64_t flags =
		CALL(g, "Forge",
		     MOTE_ARGS(mote_u64(0), mote_u64(~alignment), mote_u32(0), mote_bool(false)))
			.as.u64;

	assert_int_equal(flags & not_owned, plain & not_owned);
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 11", "Forge",
			   MOTE_ARGS(mote_u64(addresses[i]), mote_u64(0), mote_u32(0),
				     mote_bool(false)));
		restart(g);
	}
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "execute at 0x10", "Forge",
		   MOTE_ARGS(mote_u64(0x10), mote_u64(0), mote_u32(0), mote_bool(false)));
	restart(g);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 11", "Unasked", MOTE_ARGS(mote_u64(8)));
	restart(g);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 11", "Unasked", MOTE_ARGS(mote_u64(UINT64_MAX)));
}

/* Vector registers with reserved bits: those are dropped; an area that is not there ends it. */
static void vector_registers_that_come_back_are_checked(struct guest *g)
{
	for (uint32_t what = 1; what < 8; what++) {
		mote_value result;
		const mote_status status = mote_call(
			g->sb, "Forge",
			MOTE_ARGS(mote_u64(0), mote_u64(0), mote_u32(what), mote_bool(false)),
			&result, &g->err);
		if (status == MOTE_OK)
			continue;
		/* SSE exceptions that are not masked, perhaps */
		assert_int_equal(mote_status_class(status), MOTE_CLASS_POISON);
		restart(g);
	}
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 11", "Forge",
		   MOTE_ARGS(mote_u64(0), mote_u64(0), mote_u32(0), mote_bool(true)));
}

static const struct row rows[] = {
	{ "faults are signals with code and address", "signals",
	  faults_are_signals_with_code_and_address, NULL, false },
	{ "without a handler a fault ends the call", "signals",
	  without_a_handler_a_fault_ends_the_call, NULL, false },
	{ "all registers come back", "signals", all_registers_come_back, NULL, false },
	{ "a full stack is handled on another", "signals", a_full_stack_is_handled_on_another, NULL,
	  false },
	{ "what is sent is delivered once and when it may", "signals",
	  what_is_sent_is_delivered_once_and_when_it_may, NULL, false },
	{ "endless faults are stopped", "signals", endless_faults_are_stopped, NULL, false },
	{ "handlers are part of snapshots", "signals", handlers_are_part_of_snapshots, NULL,
	  false },
	{ "what handlers return is checked", "signals", what_handlers_return_is_checked, NULL,
	  false },
	{ "vector registers that come back are checked", "signals",
	  vector_registers_that_come_back_are_checked, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

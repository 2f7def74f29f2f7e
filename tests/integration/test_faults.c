/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that crash: the host gets one clear error that names the fault, the sandbox is
 * poisoned, other sandboxes and the host do not notice.
 */
#include "integration/harness.h"

#include <stdio.h>
#include <string.h>

/* A fresh sandbox after each crash. */
static void again(struct guest *g)
{
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, NULL, &g->err), MOTE_OK);
}

/* The call just made has poisoned the sandbox: it says so, and why, and stays so. */
static void expect_poisoned(struct guest *g)
{
	char reason[MOTE_ERROR_MESSAGE_SIZE];
	char start[64];

	snprintf(reason, sizeof reason, "%s", g->err.message);
	snprintf(start, sizeof start, "%.60s", reason);
	assert_true(mote_sandbox_is_poisoned(g->sb));
	for (int i = 0; i < 2; i++)
		CALL_FAILS(g, MOTE_E_STATE, start, "Address", MOTE_ARGS("code"));
}

/* A call that must end in a page fault at ADDRESS whose message contains TEXT. */
#define FAULTS_AT(g, address, text, ...)                                                           \
	do {                                                                                       \
		CALL_FAILS(g, MOTE_E_GUEST_FAULT, text, __VA_ARGS__);                              \
		assert_true((g)->err.guest_address == (address));                                  \
		assert_true((g)->err.guest_pc != 0 || (address) == 0);                             \
		expect_poisoned(g);                                                                \
		again(g);                                                                          \
	} while (0)

static void wild_addresses_fault(struct guest *g)
{
	static const uint64_t addresses[] = { 0,        8,        0xfff,    0x10000 - 1,
					      0x100000, 0x108000, 0x1fffff, 0x7fffffffe000 };

	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		uint64_t a = addresses[i];
		FAULTS_AT(g, a, "page fault: read at", "ReadAt", MOTE_ARGS(mote_u64(a)));
		FAULTS_AT(g, a, "page fault: write at", "WriteAt", MOTE_ARGS(mote_u64(a)));
	}
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "0x0 (not mapped)", "ReadAt", MOTE_ARGS(mote_u64(0)));
}

static void rights_are_enforced(struct guest *g)
{
	uint64_t code = CALL(g, "Address", MOTE_ARGS("code")).as.u64;
	uint64_t constants = CALL(g, "Address", MOTE_ARGS("constants")).as.u64;
	static const char *const data[] = { "data", "constants", "stack", "heap" };

	FAULTS_AT(g, code, "page fault: write at", "WriteAt", MOTE_ARGS(mote_u64(code)));
	FAULTS_AT(g, constants, "page fault: write at", "WriteAt", MOTE_ARGS(mote_u64(constants)));
	for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
		uint64_t at = CALL(g, "Address", MOTE_ARGS(data[i])).as.u64;
		FAULTS_AT(g, at, "page fault: execute at", "JumpTo", MOTE_ARGS(mote_u64(at)));
	}
	FAULTS_AT(g, UINT64_C(0), "page fault: execute at 0x0", "JumpTo", MOTE_ARGS(mote_u64(0)));
	/* the window: hypercall page, start block */
	FAULTS_AT(g, UINT64_C(0x10000), "write", "WriteAt", MOTE_ARGS(mote_u64(0x10000)));
	FAULTS_AT(g, UINT64_C(0x11000), "write", "WriteAt", MOTE_ARGS(mote_u64(0x11000)));
	FAULTS_AT(g, UINT64_C(0x11000), "execute", "JumpTo", MOTE_ARGS(mote_u64(0x11000)));
	CALL(g, "ReadAt", MOTE_ARGS(mote_u64(0x11000)));
}

static void stack_overflow_hits_the_guard(struct guest *g)
{
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "guard gap below the stack", "StackOverflow",
		   MOTE_NO_ARGS);
	expect_poisoned(g);
	again(g);
	/* stepping over the guard's first page with a large local array */
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "guard gap below the stack", "StackSkip",
		   MOTE_ARGS(mote_u64((1 << 20) + 0x4000)));
}

static void division_by_zero_and_overflow(struct guest *g)
{
	assert_int_equal(CALL(g, "Divide", MOTE_ARGS(42, 6)).as.i32, 7);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "divide error", "Divide", MOTE_ARGS(1, 0));
	expect_poisoned(g);
	again(g);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "divide error", "Divide", MOTE_ARGS(INT32_MIN, -1));
}

static void other_sandboxes_do_not_notice(struct guest *g)
{
	mote_sandbox *other;

	EXPECT_STATUS(g, mote_sandbox_new(&other, g->image, NULL, &g->err), MOTE_OK);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "", "WriteAt", MOTE_ARGS(mote_u64(0)));
	mote_value r;
	EXPECT_STATUS(g, mote_call(other, "Divide", MOTE_ARGS(8, 2), &r, &g->err), MOTE_OK);
	assert_int_equal(r.as.i32, 4);
	mote_sandbox_free(other);
}

static void ends_of_the_guests_own_making(struct guest *g)
{
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 6 (abort)", "Abort", MOTE_NO_ARGS);
	expect_poisoned(g);
	again(g);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "called exit(3)", "Exit", MOTE_ARGS(3));
	expect_poisoned(g);
	again(g);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "called exit(255)", "ExitAtOnce", MOTE_ARGS(-1));
	expect_poisoned(g);
	again(g);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 15", "Raise", MOTE_ARGS(15));
	expect_poisoned(g);
}

static void memory_runs_out_in_the_guest_alone(struct guest *g)
{
	uint64_t got = CALL(g, "TakeAllMemory", MOTE_ARGS(mote_u64(1 << 20))).as.u64;

	assert_in_range(got, 32, 64); /* of the default heap of 64 MiB */
	CALL(g, "Ping", MOTE_NO_ARGS);
	again(g);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "", "AllocTooMuch", MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "", "AllocHuge", MOTE_ARGS(mote_u64(UINT64_MAX)));
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "", "AllocHuge", MOTE_ARGS(mote_u64(UINT64_MAX - 100)));
	assert_string_equal(CALL(g, "Ping", MOTE_NO_ARGS).as.str.ptr, "pong");
}

static const struct row rows[] = {
	{ "wild addresses fault", "faults", wild_addresses_fault, NULL, false },
	{ "rights are enforced", "faults", rights_are_enforced, NULL, false },
	{ "stack overflow hits the guard", "faults", stack_overflow_hits_the_guard, NULL, false },
	{ "division by zero and overflow", "faults", division_by_zero_and_overflow, NULL, false },
	{ "other sandboxes do not notice", "faults", other_sandboxes_do_not_notice, NULL, false },
	{ "ends of the guest's own making", "faults", ends_of_the_guests_own_making, NULL, false },
	{ "memory runs out in the guest alone", "faults", memory_runs_out_in_the_guest_alone, NULL,
	  false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

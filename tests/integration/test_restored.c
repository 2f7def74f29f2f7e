/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest learns of a restore, and what must not be restored with its memory: randomness and
 * the time.
 */
#include "integration/harness.h"

#include <inttypes.h>
#include <string.h>

static mote_snapshot *take(struct guest *g)
{
	mote_snapshot *snapshot = NULL;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	return snapshot;
}

static void restore(struct guest *g, const mote_snapshot *snapshot)
{
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
}

static uint64_t number(struct guest *g, const char *function)
{
	return CALL(g, function, MOTE_NO_ARGS).as.u64;
}

static uint32_t restores(struct guest *g)
{
	return CALL(g, "Restores", MOTE_NO_ARGS).as.u32;
}

enum { SEEN = 256 };
static uint64_t seen[SEEN];
static size_t nseen;

static void expect_new(struct guest *g, uint64_t value)
{
	for (size_t i = 0; i < nseen; i++)
		if (seen[i] == value)
			fail_msg("%s: 0x%" PRIx64 " came twice", g->where, value);
	if (nseen < SEEN)
		seen[nseen++] = value;
}

static void generators_are_seeded_anew(struct guest *g)
{
	nseen = 0;
	expect_new(g, number(g, "Next"));
	mote_snapshot *clean = take(g);
	/* until it is restored, all goes on: taking a snapshot is no event */
	expect_new(g, number(g, "Next"));
	assert_int_equal(restores(g), 0);
	for (unsigned i = 0; i < rounds(100); i++) {
		restore(g, clean);
		expect_new(g, number(g, "Next"));
		expect_new(g, number(g, "Next"));
		assert_int_equal(restores(g), 1);
	}
	mote_snapshot_unref(clean);
}

static void sandboxes_of_one_snapshot_differ(struct guest *g)
{
	mote_snapshot *start = take(g);
	mote_sandbox *own = g->sb;

	nseen = 0;
	for (unsigned i = 0; i < 8; i++) {
		mote_sandbox *sb = NULL;
		EXPECT_STATUS(g, mote_sandbox_from_snapshot(&sb, g->rt, start, NULL, &g->err),
			      MOTE_OK);
		g->sb = sb;
		expect_new(g, number(g, "Next"));
		assert_int_equal(restores(g), 1);
		mote_sandbox_free(sb);
	}
	g->sb = own;
	assert_int_equal(restores(g), 0);
	mote_snapshot_unref(start);
}

/* Each snapshot remembers another generation; none is ever met again. */
static void every_restore_is_a_new_generation(struct guest *g)
{
	mote_snapshot *at[4];
	uint32_t had[4];

	nseen = 0;
	assert_int_equal(number(g, "Generation"), 0);
	for (size_t i = 0; i < 4; i++) {
		at[i] = take(g);
		had[i] = restores(g);
		restore(g, at[i]);
		expect_new(g, number(g, "Generation"));
	}
	for (unsigned i = 0; i < 40; i++) {
		const unsigned to = i * 7 % 4;
		restore(g, at[to]);
		if (i % 3 == 0) /* unseen by the guest */
			restore(g, at[to]);
		uint64_t generation = number(g, "Generation");
		expect_new(g, generation);
		assert_int_equal(number(g, "Generation"), generation);
		assert_int_equal(restores(g), had[to] + 1);
	}
	for (size_t i = 0; i < 4; i++)
		mote_snapshot_unref(at[i]);
}

/* The other sandbox's memory remembers more generations than this one has had. */
static void generations_of_another_sandbox_are_not_met(struct guest *g)
{
	mote_snapshot *start = take(g);
	mote_sandbox *own = g->sb, *other = NULL;

	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, start, NULL, &g->err), MOTE_OK);
	g->sb = other;
	for (int i = 0; i < 5; i++)
		restore(g, start);
	uint64_t high = number(g, "Generation");
	mote_snapshot *later = take(g);
	uint32_t had = restores(g);
	g->sb = own;
	for (uint64_t i = 0; i < high + 3; i++) {
		restore(g, later);
		assert_int_equal(restores(g), had + 1);
	}
	mote_sandbox_free(other);
	mote_snapshot_unref(later);
	mote_snapshot_unref(start);
}

static void a_callback_that_fails_fails_the_call(struct guest *g)
{
	CALL(g, "Refuse", MOTE_ARGS(mote_bool(true)));
	mote_snapshot *refusing = take(g);

	CALL(g, "Next", MOTE_NO_ARGS);
	for (int i = 0; i < 3; i++) {
		restore(g, refusing);
		for (int again = 0; again < 3; again++)
			CALL_FAILS(g, MOTE_E_GUEST_ERROR, "guest error 3: will not be restored",
				   "Next", MOTE_NO_ARGS);
		assert_false(mote_sandbox_is_poisoned(g->sb));
	}
	mote_snapshot_unref(refusing);
}

static void healing_is_a_restore(struct guest *g)
{
	mote_snapshot *clean = take(g);

	nseen = 0;
	for (unsigned i = 0; i < 5; i++) {
		expect_new(g, number(g, "Next"));
		CALL_FAILS(g, MOTE_E_GUEST_FAULT, "page fault", "Crash", MOTE_NO_ARGS);
		restore(g, clean);
		assert_int_equal(restores(g), 1);
	}
	mote_snapshot_unref(clean);
}

static uint64_t told[8];
static size_t ntold;

static mote_status on_restore(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err)
{
	(void)user, (void)nargs, (void)result, (void)err;
	told[ntold++ % 8] = args[0].as.u64;
	return MOTE_OK;
}

static const mote_type one_u64[] = { MOTE_U64 };
static const mote_host_function functions[] = {
	{ .name = "OnRestore", .fn = on_restore, .nparams = 1, .params = one_u64 },
};
static const mote_sandbox_options with_functions = {
	.size = sizeof with_functions,
	.functions = functions,
	.nfunctions = 1,
};

static void a_callback_can_call_the_host(struct guest *g)
{
	ntold = 0;
	CALL(g, "Tell", MOTE_ARGS(mote_bool(true)));
	mote_snapshot *telling = take(g);
	for (uint64_t i = 1; i <= 4; i++) {
		restore(g, telling);
		assert_int_equal(ntold, i - 1);
		assert_int_equal(number(g, "Generation"), i);
		assert_int_equal(ntold, i);
		assert_int_equal(told[i - 1], i);
	}
	mote_snapshot_unref(telling);
}

static void random_bytes_never_repeat(struct guest *g)
{
	uint64_t words[4];
	mote_snapshot *clean = take(g);

	nseen = 0;
	for (unsigned i = 0; i < rounds(60); i++) {
		const mote_value bytes = CALL(g, "Random", MOTE_NO_ARGS);
		assert_int_equal(bytes.as.bytes.len, sizeof words);
		memcpy(words, bytes.as.bytes.ptr, sizeof words);
		for (size_t k = 0; k < 4; k++)
			expect_new(g, words[k]);
		restore(g, clean);
	}
	mote_snapshot_unref(clean);
}

static int64_t read_clock(struct guest *g, int32_t clock)
{
	return CALL(g, "Clock", MOTE_ARGS(mote_i32(clock))).as.i64;
}

/* Numbers of Linux: those that are served are 0 to 7. */
static void no_clock_goes_back(struct guest *g)
{
	enum { CLOCKS = 8 };
	int64_t last[CLOCKS];
	mote_snapshot *clean = take(g);

	for (int32_t i = 0; i < CLOCKS; i++) {
		last[i] = read_clock(g, i);
		assert_true(last[i] > 0);
	}
	assert_int_equal(read_clock(g, CLOCKS), -1);
	for (unsigned n = 0; n < rounds(50); n++) {
		restore(g, clean);
		for (int32_t i = 0; i < CLOCKS; i++) {
			int64_t now = read_clock(g, i);
			if (now < last[i])
				fail_msg("%s: clock %d went back by %" PRId64 " ns", g->where, i,
					 last[i] - now);
			last[i] = now;
		}
	}
	mote_snapshot_unref(clean);
}

int main(void)
{
	static const struct row rows[] = {
		{ .name = "generators are seeded anew",
		  .guest = "restored",
		  .test = generators_are_seeded_anew },
		{ .name = "sandboxes of one snapshot differ",
		  .guest = "restored",
		  .test = sandboxes_of_one_snapshot_differ },
		{ .name = "every restore is a new generation",
		  .guest = "restored",
		  .test = every_restore_is_a_new_generation },
		{ .name = "generations of another sandbox are not met",
		  .guest = "restored",
		  .test = generations_of_another_sandbox_are_not_met },
		{ .name = "a callback that fails fails the call",
		  .guest = "restored",
		  .test = a_callback_that_fails_fails_the_call },
		{ .name = "healing is a restore",
		  .guest = "restored",
		  .test = healing_is_a_restore },
		{ .name = "a callback can call the host",
		  .guest = "restored",
		  .test = a_callback_can_call_the_host,
		  .options = &with_functions },
		{ .name = "random bytes never repeat",
		  .guest = "restored",
		  .test = random_bytes_never_repeat },
		{ .name = "no clock goes back", .guest = "restored", .test = no_clock_goes_back },
	};
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

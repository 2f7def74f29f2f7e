/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of real sandboxes, used by several threads at once: what each gets is as the snapshot has
 * it, and its own, whatever the others do to theirs.
 */
#include "integration/harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 8, MAXIMUM = 5 };

/* What the threads share. cmocka is not theirs: each tells of the first thing that went wrong. */
struct crowd {
	mote_pool *pool;
	unsigned nrounds;
};

struct member {
	pthread_t thread;
	struct crowd *crowd;
	unsigned nlimits; /* acquisitions that were refused */
	char trouble[MOTE_ERROR_MESSAGE_SIZE + 64];
};

static bool expect(struct member *member, bool is_well, const char *what, const mote_error *err)
{
	if (!is_well && !member->trouble[0])
		snprintf(member->trouble, sizeof member->trouble, "%s: %s", what, err->message);
	return is_well;
}

/* One turn with SB, which ends in some state. */
static bool use(struct member *member, mote_sandbox *sb, unsigned turn)
{
	mote_error err = { .message = "" };
	mote_value result = mote_i32(0);
	mote_status status = MOTE_OK;

	for (int32_t i = 0; i < 3 && !status; i++) {
		status = mote_call(sb, "Count", MOTE_NO_ARGS, &result, &err);
		if (!expect(member, !status && result.as.i32 == 101 + i, "Count", &err))
			return false;
	}
	status = mote_call(sb, "Touch", MOTE_ARGS(mote_u32(turn % 40)), &result, &err);
	if (!expect(member, !status && result.as.u32 == turn % 40, "Touch", &err))
		return false;
	if (turn % 4 == 0)
		return expect(member,
			      mote_call(sb, "Crash", MOTE_NO_ARGS, NULL, &err) ==
				      MOTE_E_GUEST_FAULT,
			      "Crash", &err);
	if (turn % 4 == 1)
		return expect(member,
			      mote_call(sb, "Exit", MOTE_ARGS(3), NULL, &err) == MOTE_E_GUEST_ABORT,
			      "Exit", &err);
	return true;
}

static void *take_part(void *arg)
{
	struct member *member = arg;

	for (unsigned turn = 0; turn < member->crowd->nrounds && !member->trouble[0]; turn++) {
		mote_error err = { .message = "" };
		mote_sandbox *sb;
		mote_status status = mote_pool_acquire(&sb, member->crowd->pool, &err);

		if (status == MOTE_E_LIMIT) {
			member->nlimits++;
			sched_yield();
			continue;
		}
		if (!expect(member, !status, "mote_pool_acquire", &err))
			break;
		use(member, sb, turn);
		mote_pool_release(member->crowd->pool, sb);
	}
	return NULL;
}

static mote_pool_statistics statistics(const mote_pool *pool)
{
	mote_pool_statistics now = { .size = sizeof now };

	mote_pool_get_statistics(pool, &now);
	return now;
}

static void a_crowd_shares_a_pool(struct guest *g)
{
	struct crowd crowd = { .nrounds = rounds(200) };
	struct member members[THREADS];
	unsigned nlimits = 0;
	mote_snapshot *clean;

	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(
		g,
		mote_pool_new(&crowd.pool, g->rt, clean,
			      MOTE_OPTIONS(mote_pool_options, .minimum = 1, .maximum = MAXIMUM),
			      &g->err),
		MOTE_OK);
	mote_snapshot_unref(clean);
	for (int i = 0; i < THREADS; i++) {
		members[i] = (struct member){ .crowd = &crowd };
		assert_int_equal(pthread_create(&members[i].thread, NULL, take_part, &members[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(members[i].thread, NULL), 0);
		if (members[i].trouble[0])
			fail_msg("%s: thread %d: %s", g->where, i, members[i].trouble);
		nlimits += members[i].nlimits;
	}
	mote_pool_statistics now = statistics(crowd.pool);
	assert_int_equal(now.acquired, THREADS * crowd.nrounds - nlimits);
	assert_int_equal(now.restored, now.acquired);
	assert_int_equal(now.replaced, 0);
	assert_int_equal(now.in_use, 0);
	assert_int_equal(now.idle, now.made + 1);
	assert_in_range(now.idle, 1, MAXIMUM);
	mote_pool_free(crowd.pool);
}

static void the_maximum_is_refused_and_nobody_waits(struct guest *g)
{
	mote_sandbox *all[2], *more;
	mote_snapshot *clean;
	mote_pool *pool;

	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g,
		      mote_pool_new(&pool, g->rt, clean,
				    MOTE_OPTIONS(mote_pool_options, .maximum = 2), &g->err),
		      MOTE_OK);
	for (int i = 0; i < 2; i++)
		EXPECT_STATUS(g, mote_pool_acquire(&all[i], pool, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_pool_acquire(&more, pool, &g->err), MOTE_E_LIMIT);
	EXPECT_MESSAGE(g, "all 2 sandboxes of the pool are in use");
	assert_null(more);
	mote_pool_release(pool, all[0]);
	EXPECT_STATUS(g, mote_pool_acquire(&more, pool, &g->err), MOTE_OK);
	assert_ptr_equal(more, all[0]);
	mote_pool_release(pool, more);
	mote_pool_release(pool, all[1]);
	mote_pool_free(pool);
	mote_snapshot_unref(clean);
}

int main(void)
{
	static const struct row rows[] = {
		{ .name = "a crowd shares a pool", .guest = "state", .test = a_crowd_shares_a_pool },
		{ .name = "the maximum is refused and nobody waits",
		  .guest = "state",
		  .test = the_maximum_is_refused_and_nobody_waits },
	};
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

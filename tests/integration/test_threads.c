/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes that move between threads, and snapshots that threads share: what one thread did
 * another finds, and what it undoes is undone for all. Under ThreadSanitizer these show what is not
 * ordered.
 */
#include "integration/harness.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 4 };

/* What the threads of a test share. cmocka is not theirs: the first trouble is told at the end. */
struct team {
	struct guest *g;
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned turn, nturns; /* a turn is the thread's that has its number, modulo THREADS */
	mote_sandbox *sb;      /* of who has the turn, as all that follows */
	int32_t counted;       /* so often since it was restored */
	mote_snapshot *passed; /* NULL: none */
	mote_snapshot *clean;  /* everybody's */
	char trouble[MOTE_ERROR_MESSAGE_SIZE + 64];
};

struct member {
	struct team *team;
	unsigned number;
	pthread_t thread;
};

static void complain(struct team *team, const char *what, const mote_error *err)
{
	pthread_mutex_lock(&team->lock);
	if (!team->trouble[0])
		snprintf(team->trouble, sizeof team->trouble, "%s: %s", what, err->message);
	pthread_mutex_unlock(&team->lock);
}

static void run_team(struct team *team, void *(*run)(void *member))
{
	struct member members[THREADS];

	pthread_mutex_init(&team->lock, NULL);
	pthread_cond_init(&team->moved, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		members[i] = (struct member){ .team = team, .number = i };
		assert_int_equal(pthread_create(&members[i].thread, NULL, run, &members[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(members[i].thread, NULL), 0);
	pthread_cond_destroy(&team->moved);
	pthread_mutex_destroy(&team->lock);
	if (team->trouble[0])
		fail_msg("%s: %s", team->g->where, team->trouble);
}

static bool count_is(struct team *team, mote_sandbox *sb, int32_t want)
{
	mote_error err = { .message = "" };
	mote_value result = mote_i32(0);

	if (mote_call(sb, "Count", MOTE_NO_ARGS, &result, &err) || result.as.i32 != want) {
		complain(team, "Count", &err);
		return false;
	}
	return true;
}

/* Calls TAKE_TURN with the lock held, so that the team's sandbox is this thread's. */
static void take_turns(struct member *member, void (*take_turn)(struct team *team, unsigned turn))
{
	struct team *team = member->team;

	pthread_mutex_lock(&team->lock);
	while (team->turn < team->nturns) {
		if (team->turn % THREADS != member->number) {
			pthread_cond_wait(&team->moved, &team->lock);
			continue;
		}
		const unsigned turn = team->turn;
		pthread_mutex_unlock(&team->lock); /* nobody else may act until the turn is over */
		take_turn(team, turn);
		pthread_mutex_lock(&team->lock);
		team->turn++;
		pthread_cond_broadcast(&team->moved);
	}
	pthread_mutex_unlock(&team->lock);
}

/* Counts on where the thread before was, or goes back first, sometimes because it has to. */
static void count_or_go_back(struct team *team, unsigned turn)
{
	mote_error err = { .message = "" };

	if (turn % 7 == 3)
		(void)!mote_call(team->sb, "Crash", MOTE_NO_ARGS, NULL, &err);
	if (turn % 7 == 3 || turn % 5 == 0) {
		if (mote_sandbox_restore(team->sb, team->clean, &err))
			complain(team, "mote_sandbox_restore", &err);
		team->counted = 0;
	}
	count_is(team, team->sb, 101 + team->counted++);
}

static void *relay(void *member)
{
	take_turns(member, count_or_go_back);
	return NULL;
}

static void a_sandbox_moves_between_threads(struct guest *g)
{
	struct team team = { .g = g, .nturns = rounds(200), .sb = g->sb };

	EXPECT_STATUS(g, mote_snapshot_take(&team.clean, g->sb, &g->err), MOTE_OK);
	run_team(&team, relay);
	mote_snapshot_unref(team.clean);
}

static mote_sandbox *begin(struct team *team, mote_snapshot *snapshot)
{
	mote_error err = { .message = "" };
	mote_sandbox *sb;

	if (mote_sandbox_from_snapshot(&sb, team->g->rt, snapshot,
				       MOTE_OPTIONS(mote_sandbox_options, .restore_audit = 3),
				       &err))
		complain(team, "mote_sandbox_from_snapshot", &err);
	return sb;
}

/* Begins at what the thread before has left, whose sandbox is gone, and leaves one of its own. */
static void begin_and_leave(struct team *team, unsigned turn)
{
	mote_error err = { .message = "" };
	mote_sandbox *sb = team->passed ? begin(team, team->passed) : NULL;

	mote_snapshot_unref(team->passed);
	team->passed = NULL;
	if (!sb)
		return;
	count_is(team, sb, 101 + (int32_t)turn);
	if (mote_snapshot_take(&team->passed, sb, &err))
		complain(team, "mote_snapshot_take", &err);
	mote_sandbox_free(sb);
}

static void *pass(void *member)
{
	take_turns(member, begin_and_leave);
	return NULL;
}

static void snapshots_move_between_threads(struct guest *g)
{
	struct team team = { .g = g, .nturns = rounds(60) };

	EXPECT_STATUS(g, mote_snapshot_take(&team.passed, g->sb, &g->err), MOTE_OK);
	mote_sandbox_free(g->sb);
	g->sb = NULL;
	run_team(&team, pass);
	mote_snapshot_unref(team.passed);
}

static void add_page(void *user, uint64_t address, const void *bytes)
{
	uint64_t *sum = user;

	*sum = *sum * 31 + address + *(const unsigned char *)bytes;
}

static uint64_t sum_pages(struct team *team, const mote_snapshot *snapshot)
{
	mote_error err = { .message = "" };
	uint64_t sum = 0;

	if (mote_snapshot_pages(snapshot, add_page, &sum, &err))
		complain(team, "mote_snapshot_pages", &err);
	return sum;
}

/* A life beside others: two sandboxes of the team's snapshot, one of which goes on to a snapshot of
 * its own and comes back. */
static void live(struct team *team, mote_snapshot *clean, uint64_t sum)
{
	mote_error err = { .message = "" };
	mote_sandbox *a = begin(team, clean), *b = begin(team, clean);
	mote_snapshot *own = NULL;
	bool is_well = a && b;

	for (int32_t i = 0; is_well && i < 3; i++)
		is_well = count_is(team, a, 101 + i) && count_is(team, b, 101 + i);
	if (is_well && (mote_snapshot_take(&own, a, &err) || mote_sandbox_restore(a, clean, &err) ||
			mote_sandbox_restore(b, own, &err)))
		complain(team, "a snapshot of its own", &err);
	else if (is_well)
		is_well = count_is(team, a, 101) && count_is(team, b, 104);
	if (sum_pages(team, clean) != sum)
		complain(team, "a snapshot that changes", &err);
	mote_snapshot_unref(own);
	mote_sandbox_free(a);
	mote_sandbox_free(b);
}

static void *share(void *arg)
{
	struct member *member = arg;
	struct team *team = member->team;
	mote_snapshot *clean = mote_snapshot_ref(team->clean);
	const uint64_t sum = sum_pages(team, clean);

	for (unsigned i = 0; i < rounds(20); i++)
		live(team, clean, sum);
	mote_snapshot_unref(clean);
	return NULL;
}

static void snapshots_are_shared_by_threads(struct guest *g)
{
	struct team team = { .g = g };

	EXPECT_STATUS(g, mote_snapshot_take(&team.clean, g->sb, &g->err), MOTE_OK);
	run_team(&team, share);
	mote_snapshot_unref(team.clean);
}

static const struct row rows[] = {
	{ "a sandbox moves between threads", "state", a_sandbox_moves_between_threads, NULL,
	  false },
	{ "snapshots move between threads", "state", snapshots_move_between_threads, NULL, false },
	{ "snapshots are shared by threads", "state", snapshots_are_shared_by_threads, NULL,
	  false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

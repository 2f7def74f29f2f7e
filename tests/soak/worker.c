/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps. Each is chosen with a weight; each returns whether all was well, and says what was not.
 */
#include "soak/worker.h"

#include <mote/store.h>
#include <stdio.h>
#include <string.h>

#define FILE_AT UINT64_C(0x700000000000)

/* A time that no call of a soak needs. */
#define FAR_AWAY_NS UINT64_C(60000000000)

enum { STEPS_AT_A_TIME = 8 };

/* xorshift64: what matters is that it is the same again. */
static uint64_t roll(struct worker *worker)
{
	worker->random ^= worker->random << 13;
	worker->random ^= worker->random >> 7;
	worker->random ^= worker->random << 17;
	return worker->random * UINT64_C(0x2545f4914f6cdd1d) >> 8;
}

static bool expect(struct worker *worker, bool is_well, const char *what)
{
	if (!is_well && !worker->trouble[0])
		snprintf(worker->trouble, sizeof worker->trouble, "%s: %s", what,
			 worker->err.message);
	return is_well;
}

static mote_status call(struct worker *worker, struct tracked *at, const char *function,
			const mote_value *args, size_t nargs, mote_value *result)
{
	mote_value unwanted;

	worker->err.message[0] = '\0';
	return mote_call(at->sb, function, args, nargs, result ? result : &unwanted, &worker->err);
}

static bool count(struct worker *worker, struct tracked *at)
{
	mote_value result;
	mote_status status = call(worker, at, "Count", MOTE_NO_ARGS, &result);

	at->state.count++;
	return expect(worker, !status && result.as.i32 == at->state.count, "Count");
}

static bool call_host(struct worker *worker, struct tracked *at)
{
	mote_value result;
	mote_status status = call(worker, at, "CallFails", MOTE_NO_ARGS, &result);

	at->state.count++;
	return expect(worker, !status && result.as.i32 == 7, "CallFails");
}

static bool touch(struct worker *worker, struct tracked *at)
{
	const uint32_t most = roll(worker) % 16 == 0 ? 2000 : 40;
	mote_value args[] = { mote_u32((uint32_t)roll(worker) % most) };

	return expect(worker, !call(worker, at, "Touch", args, 1, NULL), "Touch");
}

static bool churn(struct worker *worker, struct tracked *at)
{
	mote_value args[] = { mote_u32((uint32_t)roll(worker) % 300000 + 1) };

	return expect(worker, !call(worker, at, "Churn", args, 1, NULL), "Churn");
}

static bool keep(struct worker *worker, struct tracked *at)
{
	mote_value args[] = { mote_u32((uint32_t)roll(worker) % 200000 + 1), mote_u32(3) };

	return expect(worker, !call(worker, at, "Keep", args, 2, NULL), "Keep");
}

/* STATUS ended the call, and poisoned the sandbox: no call works until it is restored. */
static bool expect_poisoned(struct worker *worker, struct tracked *at, bool is_well,
			    const char *what)
{
	if (!expect(worker, is_well, what))
		return false;
	at->state.is_poisoned = true;
	return expect(worker, mote_sandbox_is_poisoned(at->sb), what) &&
	       expect(worker, call(worker, at, "Count", MOTE_NO_ARGS, NULL) == MOTE_E_STATE,
		      "a call of what is poisoned");
}

static bool crash(struct worker *worker, struct tracked *at)
{
	mote_status status = call(worker, at, "Crash", MOTE_NO_ARGS, NULL);

	return expect_poisoned(worker, at, status == MOTE_E_GUEST_FAULT, "Crash");
}

static bool leave(struct worker *worker, struct tracked *at)
{
	mote_status status = call(worker, at, "Exit", MOTE_ARGS(3), NULL);

	return expect_poisoned(worker, at, status == MOTE_E_GUEST_ABORT, "Exit");
}

/* ThreadSanitizer keeps a signal, which is what a timer is, until the thread's next call of the C
 * library: a guest that never leaves its machine would never hear of it. */
static const char *const endless = IS_SANITIZED ? "SpinInSystemCalls" : "Spin";

static bool run_out_of_time(struct worker *worker, struct tracked *at)
{
	const uint64_t ns = roll(worker) % 3000000 + 1;
	mote_status status = mote_call_with(at->sb, endless, MOTE_NO_ARGS,
					    MOTE_OPTIONS(mote_call_options, .timeout_ns = ns), NULL,
					    &worker->err);

	return expect_poisoned(worker, at, status == MOTE_E_TIMEOUT, endless);
}

/* Another thread stops the call, which has no other end, or might be done before. */
static bool be_killed(struct worker *worker, struct tracked *at)
{
	const bool is_endless = roll(worker) % 2;
	mote_interrupt *stop = mote_interrupt_of(at->sb);
	mote_value result = mote_i32(0);

	if (!expect(worker, stop != NULL, "mote_interrupt_of"))
		return false;
	world_expose(worker->world, worker->number, stop);
	mote_status status = mote_call_with(
		at->sb, is_endless ? "Spin" : "Count", MOTE_NO_ARGS,
		MOTE_OPTIONS(mote_call_options, .timeout_ns = FAR_AWAY_NS), &result, &worker->err);
	world_expose(worker->world, worker->number, NULL);
	mote_interrupt_unref(stop);
	if (status || is_endless)
		return expect_poisoned(worker, at, status == MOTE_E_CANCELED,
				       "a call to be killed");
	at->state.count++;
	return expect(worker, result.as.i32 == at->state.count, "Count, not killed");
}

static bool map_file(struct worker *worker, struct tracked *at)
{
	if (at->state.has_file)
		return true;
	at->state.has_file = true;
	return expect(worker,
		      !mote_sandbox_map_file(at->sb, worker->world->guest, FILE_AT, "guest",
					     &worker->err),
		      "mote_sandbox_map_file");
}

static bool take(struct worker *worker, struct tracked *at)
{
	struct kept kept = { .state = at->state };

	if (!expect(worker, !mote_snapshot_take(&kept.snapshot, at->sb, &worker->err),
		    "mote_snapshot_take"))
		return false;
	world_keep(worker->world, roll(worker), kept);
	return true;
}

/* What does not fit is refused, and changes nothing. */
static bool restore(struct worker *worker, struct tracked *at)
{
	struct kept kept = world_snapshot(worker->world, roll(worker));

	if (!kept.snapshot)
		return true;
	mote_status status = mote_sandbox_restore(at->sb, kept.snapshot, &worker->err);
	const bool fits = kept.state.shape == at->state.shape;
	mote_snapshot_unref(kept.snapshot);
	if (!status)
		at->state = kept.state;
	return expect(worker, status == (fits ? MOTE_OK : MOTE_E_SNAPSHOT), "mote_sandbox_restore");
}

static bool begin(struct worker *worker, struct tracked *at)
{
	at->state =
		(struct state){ .shape = (unsigned)(roll(worker) % WORLD_SHAPES), .count = 100 };
	return expect(worker,
		      !mote_sandbox_new(&at->sb, worker->world->image,
					&worker->world->shapes[at->state.shape], &worker->err),
		      "mote_sandbox_new");
}

/* A new one, or one that begins where another was. */
static bool begin_somewhere(struct worker *worker, struct tracked *at)
{
	struct kept kept = world_snapshot(worker->world, roll(worker));

	if (!kept.snapshot)
		return begin(worker, at);
	at->state = kept.state;
	mote_status status = mote_sandbox_from_snapshot(&at->sb, worker->world->rt, kept.snapshot,
							&worker->world->shapes[0], &worker->err);
	mote_snapshot_unref(kept.snapshot);
	return expect(worker, !status, "mote_sandbox_from_snapshot");
}

static bool end(struct worker *worker, struct tracked *at)
{
	(void)worker;
	mote_sandbox_free(at->sb);
	at->sb = NULL;
	return true;
}

static const struct {
	bool (*step)(struct worker *worker, struct tracked *at);
	unsigned weight;
} steps[] = {
	{ count, 20 },    { touch, 10 },   { churn, 8 }, { keep, 6 },  { call_host, 8 },
	{ restore, 24 },  { take, 4 },     { crash, 3 }, { leave, 2 }, { run_out_of_time, 2 },
	{ be_killed, 4 }, { map_file, 1 }, { end, 2 },
};

/* A sandbox that is poisoned can only be restored, or freed. */
static bool work(struct worker *worker, struct tracked *at)
{
	unsigned at_weight = (unsigned)(roll(worker) % 94), i = 0;

	if (at->state.is_poisoned)
		return roll(worker) % 8 ? restore(worker, at) : end(worker, at);
	while (i + 1 < sizeof steps / sizeof steps[0] && at_weight >= steps[i].weight)
		at_weight -= steps[i++].weight;
	return steps[i].step(worker, at);
}

static bool use_sandbox(struct worker *worker)
{
	struct tracked at = world_take(worker->world, roll(worker));
	bool is_well = at.sb || begin_somewhere(worker, &at);

	for (uint64_t i = roll(worker) % STEPS_AT_A_TIME; is_well && at.sb && i > 0; i--) {
		is_well = work(worker, &at);
		atomic_fetch_add(&worker->operations, 1);
	}
	world_put(worker->world, at);
	return is_well;
}

static bool use_pool_at(struct worker *worker)
{
	struct world *world = worker->world;
	struct tracked at = { .state = world->pool_state };

	if (!world->pool)
		return true;
	mote_status status = mote_pool_acquire(&at.sb, world->pool, &worker->err);
	if (status == MOTE_E_LIMIT)
		return true;
	bool is_well = expect(worker, !status, "mote_pool_acquire") && count(worker, &at) &&
		       (roll(worker) % 4 || crash(worker, &at));
	mote_pool_release(world->pool, at.sb);
	return is_well;
}

static bool use_pool(struct worker *worker)
{
	pthread_rwlock_rdlock(&worker->world->pool_lock);
	bool is_well = use_pool_at(worker);
	pthread_rwlock_unlock(&worker->world->pool_lock);
	return is_well;
}

static bool replace_pool(struct worker *worker)
{
	struct world *world = worker->world;
	struct kept kept = world_snapshot(world, roll(worker));
	bool is_well = true;

	if (!kept.snapshot)
		return true;
	pthread_rwlock_wrlock(&world->pool_lock);
	mote_pool_free(world->pool);
	world->pool_state = kept.state;
	is_well = expect(worker,
			 !mote_pool_new(&world->pool, world->rt, kept.snapshot,
					MOTE_OPTIONS(mote_pool_options, .minimum = 1, .maximum = 3,
						     .sandbox = &world->shapes[0]),
					&worker->err),
			 "mote_pool_new");
	pthread_rwlock_unlock(&world->pool_lock);
	mote_snapshot_unref(kept.snapshot);
	return is_well;
}

static void name_tag(const struct worker *worker, char *tag, size_t size)
{
	snprintf(tag, size, "thread-%u", worker->number);
}

static bool save(struct worker *worker)
{
	struct world *world = worker->world;
	struct kept kept = world_snapshot(world, roll(worker));
	mote_status status = MOTE_OK;
	char tag[32];

	if (kept.snapshot && !kept.state.has_file) {
		name_tag(worker, tag, sizeof tag);
		pthread_rwlock_rdlock(&world->store_lock);
		status = mote_snapshot_save(kept.snapshot, world->store, tag, &worker->err);
		world->saved[worker->number] = kept.state;
		pthread_rwlock_unlock(&world->store_lock);
	}
	mote_snapshot_unref(kept.snapshot);
	return expect(worker, !status, "mote_snapshot_save");
}

static bool load(struct worker *worker)
{
	struct world *world = worker->world;
	struct kept kept = { .snapshot = NULL };
	mote_status status = MOTE_OK;
	char tag[32];

	name_tag(worker, tag, sizeof tag);
	pthread_rwlock_rdlock(&world->store_lock);
	kept.state = world->saved[worker->number];
	if (kept.state.count)
		status = mote_snapshot_load(&kept.snapshot, world->rt, world->store, tag,
					    roll(worker) % 2, &worker->err);
	pthread_rwlock_unlock(&world->store_lock);
	if (kept.snapshot)
		world_keep(world, roll(worker), kept);
	return expect(worker, !status, "mote_snapshot_load");
}

/* Saved snapshots are for ever, but for who removes the files. */
static bool empty_store(struct worker *worker)
{
	struct world *world = worker->world;

	pthread_rwlock_wrlock(&world->store_lock);
	world_empty_store(world);
	pthread_rwlock_unlock(&world->store_lock);
	return true;
}

static bool turn(struct worker *worker)
{
	switch (roll(worker) % 200) {
	case 0:
		return replace_pool(worker);
	case 1:
		return empty_store(worker);
	case 2:
	case 3:
	case 4:
	case 5:
		return save(worker);
	case 6:
	case 7:
	case 8:
	case 9:
		return load(worker);
	default:
		return roll(worker) % 4 ? use_sandbox(worker) : use_pool(worker);
	}
}

void *worker_run(void *state)
{
	struct worker *worker = state;

	while (!atomic_load(worker->is_over) && turn(worker))
		atomic_fetch_add(&worker->operations, 1);
	if (worker->trouble[0])
		atomic_store(worker->is_over, true);
	return NULL;
}

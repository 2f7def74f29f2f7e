/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools: what they hand out is always as the snapshot has it, they make no more sandboxes than they
 * may, and they lose none, whatever fails and however many threads there are.
 */
#include "sandbox/sandbox_box.h"

#include <inttypes.h>
#include <mote/pool.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* Every test runs on both kinds of backend. */
static struct sandbox_box box;
static mote_snapshot *clean;
static mote_pool *pool;
static unsigned ndropped;

static int set_up(const struct hv_backend *backend)
{
	sandbox_box_init(&box, backend);
	sandbox_box_start(&box, NULL);
	sandbox_box_expect(&box, mote_snapshot_take(&clean, box.sb, &box.err), MOTE_OK, NULL);
	ndropped = 0;
	return 0;
}

static int setup_machine(void **state)
{
	(void)state;
	return set_up(&fake_machine);
}

static int setup_process(void **state)
{
	(void)state;
	return set_up(&fake_process);
}

static int teardown(void **state)
{
	(void)state;
	mote_pool_free(pool);
	pool = NULL;
	mote_snapshot_unref(clean);
	sandbox_box_fini(&box);
	return 0;
}

static void make_pool(uint32_t minimum, uint32_t maximum)
{
	sandbox_box_expect(&box,
			   mote_pool_new(&pool, box.rt, clean,
					 MOTE_OPTIONS(mote_pool_options, .minimum = minimum,
						      .maximum = maximum),
					 &box.err),
			   MOTE_OK, NULL);
}

static mote_sandbox *acquire(void)
{
	mote_sandbox *sb;

	sandbox_box_expect(&box, mote_pool_acquire(&sb, pool, &box.err), MOTE_OK, NULL);
	return sb;
}

static void acquire_fails(mote_status want, const char *text)
{
	mote_sandbox *sb = box.sb;

	sandbox_box_expect(&box, mote_pool_acquire(&sb, pool, &box.err), want, text);
	assert_null(sb);
	assert_int_equal(mote_pool_acquire(&sb, pool, NULL), want);
}

/* The same without the first fields, which are its size. */
#define EXPECT_STATISTICS(...)                                                                     \
	expect_statistics(                                                                         \
		&(mote_pool_statistics){ .size = sizeof(mote_pool_statistics), __VA_ARGS__ })

static void expect_statistics(const mote_pool_statistics *want)
{
	mote_pool_statistics now = { .size = sizeof now };

	mote_pool_get_statistics(pool, &now);
	assert_int_equal(now.acquired, want->acquired);
	assert_int_equal(now.made, want->made);
	assert_int_equal(now.restored, want->restored);
	assert_int_equal(now.replaced, want->replaced);
	assert_int_equal(now.idle, want->idle);
	assert_int_equal(now.in_use, want->in_use);
}

static uint64_t read_word(mote_sandbox *sb)
{
	uint64_t word = 1;

	assert_int_equal(mote_sandbox_read(sb, GUEST_DATA, &word, sizeof word, NULL), MOTE_OK);
	return word;
}

static void write_word(mote_sandbox *sb, uint64_t word)
{
	assert_int_equal(mote_sandbox_write(sb, GUEST_DATA, &word, sizeof word, NULL), MOTE_OK);
}

static void what_was_done_is_undone_on_release(void **state)
{
	(void)state;
	const uint64_t word = read_word(box.sb);

	make_pool(0, 1);
	EXPECT_STATISTICS(0);
	for (unsigned i = 0; i < 10; i++) {
		mote_sandbox *sb = acquire();
		EXPECT_STATISTICS(.acquired = i + 1, .made = 1, .restored = i, .in_use = 1);
		assert_int_equal(read_word(sb), word);
		write_word(sb, ~word);
		mote_pool_release(pool, sb);
		/* not only when it is handed out again */
		assert_int_equal(read_word(sb), word);
		EXPECT_STATISTICS(.acquired = i + 1, .made = 1, .restored = i + 1, .idle = 1);
	}
	mote_pool_release(pool, NULL);
	EXPECT_STATISTICS(.acquired = 10, .made = 1, .restored = 10, .idle = 1);
}

static void another_snapshot_is_undone_too(void **state)
{
	(void)state;
	const uint64_t word = read_word(box.sb);
	mote_snapshot *other;

	make_pool(0, 0);
	write_word(box.sb, ~word);
	sandbox_box_expect(&box, mote_snapshot_take(&other, box.sb, &box.err), MOTE_OK, NULL);
	mote_sandbox *sb = acquire();
	sandbox_box_expect(&box, mote_sandbox_restore(sb, other, &box.err), MOTE_OK, NULL);
	assert_int_equal(read_word(sb), ~word);
	mote_pool_release(pool, sb);
	mote_snapshot_unref(other);
	assert_ptr_equal(acquire(), sb);
	assert_int_equal(read_word(sb), word);
	mote_pool_release(pool, sb);
}

static bool step_abort(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_exception(vm, exit, 6, 0, 0);
}

static void poisoned_ones_are_healed(void **state)
{
	(void)state;
	make_pool(1, 1);
	mote_sandbox *sb = acquire();

	SET_STEPS(&box, step_abort);
	assert_int_equal(mote_call(sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_E_GUEST_FAULT);
	assert_true(mote_sandbox_is_poisoned(sb));
	mote_pool_release(pool, sb);
	assert_ptr_equal(acquire(), sb);
	assert_false(mote_sandbox_is_poisoned(sb));
	SET_STEPS(&box, step_done_void);
	sandbox_box_expect(&box, mote_call(sb, "Zoo", MOTE_NO_ARGS, NULL, &box.err), MOTE_OK, NULL);
	mote_pool_release(pool, sb);
	EXPECT_STATISTICS(.acquired = 2, .restored = 2, .idle = 1);
}

static void the_last_to_come_is_the_first_to_go(void **state)
{
	(void)state;
	mote_sandbox *all[5];

	make_pool(0, 5);
	for (int i = 0; i < 5; i++)
		all[i] = acquire();
	for (int i = 0; i < 5; i++)
		mote_pool_release(pool, all[i]);
	for (int i = 4; i >= 0; i--)
		assert_ptr_equal(acquire(), all[i]);
	for (int i = 0; i < 5; i++)
		mote_pool_release(pool, all[i]);
}

static void the_minimum_is_there_from_the_start(void **state)
{
	(void)state;
	mote_sandbox *all[4];

	make_pool(3, 4);
	assert_int_equal(fake.nvms, 1 + 3);
	EXPECT_STATISTICS(.idle = 3);
	for (unsigned i = 0; i < 4; i++) {
		all[i] = acquire();
		assert_int_equal(fake.nvms, 1 + (i < 3 ? 3 : 4));
	}
	EXPECT_STATISTICS(.acquired = 4, .made = 1, .in_use = 4);
	for (int i = 0; i < 4; i++)
		mote_pool_release(pool, all[i]);
	EXPECT_STATISTICS(.acquired = 4, .made = 1, .restored = 4, .idle = 4);
	mote_pool_free(pool);
	pool = NULL;
	assert_int_equal(fake.nvms, 1);
}

static void no_more_than_the_maximum_is_handed_out(void **state)
{
	(void)state;
	mote_sandbox *all[64];

	make_pool(0, 2);
	all[0] = acquire();
	all[1] = acquire();
	acquire_fails(MOTE_E_LIMIT, "all 2 sandboxes of the pool are in use");
	EXPECT_STATISTICS(.acquired = 2, .made = 2, .in_use = 2);
	mote_pool_release(pool, all[0]);
	assert_ptr_equal(acquire(), all[0]);
	acquire_fails(MOTE_E_LIMIT, "release one");
	mote_pool_release(pool, all[0]);
	mote_pool_release(pool, all[1]);
	mote_pool_free(pool);

	make_pool(0, 0);
	for (int i = 0; i < 64; i++)
		all[i] = acquire();
	acquire_fails(MOTE_E_LIMIT, "all 64 sandboxes");
	for (int i = 0; i < 64; i++)
		mote_pool_release(pool, all[i]);
}

static void what_cannot_be_made_takes_no_place(void **state)
{
	(void)state;
	make_pool(0, 1);
	fake.vm_new_fails = MOTE_E_NOMEM;
	for (int i = 0; i < 3; i++)
		acquire_fails(MOTE_E_NOMEM, "the fake makes no machine");
	EXPECT_STATISTICS(0);
	fake.vm_new_fails = MOTE_OK;
	mote_pool_release(pool, acquire());
	EXPECT_STATISTICS(.acquired = 1, .made = 1, .restored = 1, .idle = 1);
}

/* Where a machine cannot be reset it is made anew, so both have to fail. */
static void what_cannot_be_restored_is_replaced(void **state)
{
	(void)state;
	make_pool(1, 2);
	mote_sandbox *sb = acquire();
	mote_sandbox *other = acquire();

	SET_STEPS(&box, step_abort);
	assert_int_equal(mote_call(sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_E_GUEST_FAULT);
	mote_guest_of(sb->guest)->machine.is_broken = true;
	fake.vm_new_fails = MOTE_E_OS;
	mote_pool_release(pool, sb);
	EXPECT_STATISTICS(.acquired = 2, .made = 1, .replaced = 1, .in_use = 1);
	assert_int_equal(fake.nvms, 1 + 1);
	fake.vm_new_fails = MOTE_OK;
	sb = acquire();
	EXPECT_STATISTICS(.acquired = 3, .made = 2, .replaced = 1, .in_use = 2);
	acquire_fails(MOTE_E_LIMIT, "in use");
	mote_pool_release(pool, sb);
	mote_pool_release(pool, other);
	EXPECT_STATISTICS(.acquired = 3, .made = 2, .restored = 2, .replaced = 1, .idle = 2);
}

static mote_status give_zero(void *user, const mote_value *args, size_t nargs, mote_value *result,
			     mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)err;
	*result = mote_i32(0);
	return MOTE_OK;
}

static void count_drop(void *user)
{
	++*(unsigned *)user;
}

static const mote_type two[] = { MOTE_U32, MOTE_STRING };
static const mote_host_function functions[] = {
	{ "Zero", give_zero, &ndropped, count_drop, MOTE_I32, 0, NULL },
	{ "Also", give_zero, &ndropped, count_drop, MOTE_I32, 2, two },
};

/* A pool that must not come about, each with users to be dropped. */
static void expect_no_pool(mote_runtime *rt, const mote_pool_options *options, mote_status want,
			   const char *text)
{
	ndropped = 0;
	pool = (mote_pool *)&box;
	sandbox_box_expect(&box, mote_pool_new(&pool, rt, clean, options, &box.err), want, text);
	assert_null(pool);
	assert_int_equal(ndropped, 2);
	assert_int_equal(fake.nvms, 1);
}

static void pools_that_cannot_be_are_refused(void **state)
{
	(void)state;
	static const mote_host_function twice[] = {
		{ "Same", give_zero, &ndropped, count_drop, MOTE_I32, 0, NULL },
		{ "Same", give_zero, &ndropped, count_drop, MOTE_I32, 0, NULL },
	};
	const mote_sandbox_options with = { .size = sizeof with,
					    .functions = functions,
					    .nfunctions = 2 };
	const mote_sandbox_options data = { .size = sizeof data,
					    .functions = functions,
					    .nfunctions = 2,
					    .init_data = "x",
					    .init_data_size = 1 };
	const mote_sandbox_options same = { .size = sizeof same,
					    .functions = twice,
					    .nfunctions = 2 };
	const struct {
		uint32_t minimum, maximum;
		const mote_sandbox_options *sandbox;
		mote_status want;
		const char *text;
	} rows[] = {
		{ 2, 1, &with, MOTE_E_INVALID, "minimum is 2 and maximum 1" },
		{ 65, 0, &with, MOTE_E_INVALID, "minimum is 65 and maximum 64" },
		{ 0, 65537, &with, MOTE_E_INVALID,
		  "maximum is 65537; it may be at most 65536 sandboxes" },
		{ 0, UINT32_MAX, &with, MOTE_E_INVALID, "maximum is 4294967295; it" },
		{ 0, 65536, &with, MOTE_E_SNAPSHOT, "one too many" },
		{ 0, 1, &data, MOTE_E_SNAPSHOT, "init data is part of the snapshot" },
		{ 0, 1, &same, MOTE_E_INVALID, "Same" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		expect_no_pool(box.rt,
			       MOTE_OPTIONS(mote_pool_options, .minimum = rows[i].minimum,
					    .maximum = rows[i].maximum, .sandbox = rows[i].sandbox),
			       rows[i].want, rows[i].text);

	/* what a newer library would know, of the pool and of its sandboxes */
	struct {
		mote_sandbox_options known;
		uint64_t more;
	} newer = { .known = with, .more = 1 };
	newer.known.size = sizeof newer;
	expect_no_pool(box.rt, MOTE_OPTIONS(mote_pool_options, .sandbox = &newer.known),
		       MOTE_E_OPTION, "mote_sandbox_options has a field");
	struct {
		mote_pool_options known;
		uint64_t more;
	} newest = { .known = { .size = sizeof newest, .sandbox = &with }, .more = 1 };
	expect_no_pool(box.rt, &newest.known, MOTE_E_OPTION, "mote_pool_options has a field");
	newest.known.sandbox = &newer.known;
	expect_no_pool(box.rt, &newest.known, MOTE_E_OPTION, "mote_pool_options has a field");
	pool = NULL;
}

static void another_runtime_is_refused(void **state)
{
	(void)state;
	const struct hv_backend *const backends[] = { box.backend, NULL };
	mote_runtime *rt;

	sandbox_box_expect(
		&box,
		runtime_new(&rt, MOTE_OPTIONS(mote_runtime_options, .backend = box.backend->name),
			    &sys_linux, backends, &box.err),
		MOTE_OK, NULL);
	sandbox_box_expect(&box, mote_pool_new(&pool, rt, clean, NULL, &box.err), MOTE_E_SNAPSHOT,
			   "another runtime");
	mote_runtime_free(rt);
}

static void what_is_not_made_at_the_start_leaves_nothing(void **state)
{
	(void)state;
	fake.vm_new_fails = MOTE_E_NOMEM;
	sandbox_box_expect(&box,
			   mote_pool_new(&pool, box.rt, clean,
					 MOTE_OPTIONS(mote_pool_options, .minimum = 1), &box.err),
			   MOTE_E_NOMEM, "the fake makes no machine");
	assert_null(pool);
	assert_int_equal(fake.nvms, 1);
}

/* A snapshot of a sandbox with host functions, and a pool of it. */
static void all_share_the_host_functions_of_the_pool(void **state)
{
	(void)state;
	mote_sandbox_options options = { .size = sizeof options,
					 .functions = functions,
					 .nfunctions = 2 };
	mote_host_function given[2];
	mote_snapshot *with;

	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, &options);
	sandbox_box_expect(&box, mote_snapshot_take(&with, box.sb, &box.err), MOTE_OK, NULL);
	/* what was given may go as soon as there is a pool */
	memcpy(given, functions, sizeof given);
	options.functions = given;
	sandbox_box_expect(
		&box,
		mote_pool_new(&pool, box.rt, with,
			      MOTE_OPTIONS(mote_pool_options, .minimum = 2, .sandbox = &options),
			      &box.err),
		MOTE_OK, NULL);
	memset(given, 0xee, sizeof given);
	mote_snapshot_unref(with);
	mote_sandbox *sb = acquire();

	assert_int_equal(sb->functions.count, 2);
	assert_ptr_equal(host_functions_find(&sb->functions, "Also")->fn, give_zero);
	assert_ptr_equal(host_functions_find(&sb->functions, "Also")->user, &ndropped);
	mote_pool_release(pool, sb);
	assert_int_equal(ndropped, 0);
	mote_pool_free(pool);
	pool = NULL;
	assert_int_equal(ndropped, 2);
}

static void statistics_fit_older_and_newer_callers(void **state)
{
	(void)state;
	struct {
		mote_pool_statistics known;
		uint64_t more;
	} newer = { .known = { .size = sizeof newer }, .more = 7 };
	mote_pool_statistics older = { .size = offsetof(mote_pool_statistics, made), .made = 7 };
	mote_pool_statistics unset = { .acquired = 7 };

	make_pool(1, 1);
	mote_pool_release(pool, acquire());
	mote_pool_get_statistics(pool, &newer.known);
	assert_int_equal(newer.known.size, sizeof newer);
	assert_int_equal(newer.known.acquired, 1);
	assert_int_equal(newer.more, 0);
	mote_pool_get_statistics(pool, &older);
	assert_int_equal(older.acquired, 1);
	assert_int_equal(older.made, 7);
	mote_pool_get_statistics(pool, &unset);
	assert_int_equal(unset.acquired, 7);
}

enum { THREADS = 8, ROUNDS = 300, MAXIMUM = 5 };

/* A guest for all threads at once: no step of it belongs to anyone. */
static bool end_at_once(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_exception(vm, exit, 6, 0, 0);
}

/* What cmocka checks it cannot check in threads: they count what went wrong. */
static void *use_pool(void *arg)
{
	const uint64_t word = *(const uint64_t *)arg;
	uintptr_t nwrong = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mote_sandbox *sb = NULL;
		mote_status status = mote_pool_acquire(&sb, pool, NULL);
		if (status == MOTE_E_LIMIT) {
			sched_yield();
			continue;
		}
		const uint64_t mine = (uintptr_t)&mine + i;
		uint64_t found = 0;
		nwrong += status || mote_sandbox_is_poisoned(sb) ||
			  mote_sandbox_read(sb, GUEST_DATA, &found, sizeof found, NULL) ||
			  found != word ||
			  mote_sandbox_write(sb, GUEST_DATA, &mine, sizeof mine, NULL);
		if (i % 3 == 0)
			nwrong += mote_call(sb, "Zoo", MOTE_NO_ARGS, NULL, NULL) !=
				  MOTE_E_GUEST_FAULT;
		nwrong += mote_sandbox_read(sb, GUEST_DATA, &found, sizeof found, NULL) ||
			  found != mine;
		mote_pool_statistics now = { .size = sizeof now };
		mote_pool_get_statistics(pool, &now);
		nwrong += now.in_use == 0 || now.in_use + now.idle > MAXIMUM;
		mote_pool_release(pool, sb);
	}
	return (void *)nwrong;
}

static void threads_never_share_a_sandbox(void **state)
{
	(void)state;
	uint64_t word = read_word(box.sb);
	pthread_t threads[THREADS];
	mote_pool_statistics now = { .size = sizeof now };

	make_pool(1, MAXIMUM);
	fake.guest = end_at_once;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_pool, &word), 0);
	for (int i = 0; i < THREADS; i++) {
		void *nwrong;
		assert_int_equal(pthread_join(threads[i], &nwrong), 0);
		assert_null(nwrong);
	}
	mote_pool_get_statistics(pool, &now);
	assert_int_equal(now.in_use, 0);
	assert_int_equal(now.idle, now.made + 1);
	assert_in_range(now.idle, 1, MAXIMUM);
	assert_int_equal(now.restored, now.acquired);
	assert_int_equal(now.replaced, 0);
	assert_int_equal(fake.nvms, 1 + now.idle);
}

#define ROW(test)                                                                                  \
	{ #test " [machine]", test, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#test " [process]", test, setup_process, teardown, NULL                            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(what_was_done_is_undone_on_release),
		ROW(another_snapshot_is_undone_too),
		ROW(poisoned_ones_are_healed),
		ROW(the_last_to_come_is_the_first_to_go),
		ROW(the_minimum_is_there_from_the_start),
		ROW(no_more_than_the_maximum_is_handed_out),
		ROW(what_cannot_be_made_takes_no_place),
		ROW(what_cannot_be_restored_is_replaced),
		ROW(pools_that_cannot_be_are_refused),
		ROW(another_runtime_is_refused),
		ROW(what_is_not_made_at_the_start_leaves_nothing),
		ROW(all_share_the_host_functions_of_the_pool),
		ROW(statistics_fit_older_and_newer_callers),
		ROW(threads_never_share_a_sandbox),
	};

	mote_pool_free(NULL);
	return cmocka_run_group_tests_name("sandbox/pool", tests, NULL, NULL);
}

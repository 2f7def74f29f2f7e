/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes of both ABIs in one process, of guests that are one source; and those of Hyperlight's
 * tests that are about sandboxes, threads and interrupts, under their names, with guests of both
 * ABIs.
 */
#include <mote/mote.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NABIS 2 /* hyperlight, mote */

static const char *paths[NABIS];
static mote_runtime *rt;
static mote_image *images[NABIS];

/* What a sandbox's host functions know. */
struct box {
	mote_sandbox *sb;
	mote_interrupt *stop;
	char printed[64];
	atomic_int nprinted;
	atomic_int is_spinning; /* how often Spin was called */
	bool kills;             /* Spin does */
	bool must_spin;         /* before it is killed */
};

static mote_status host_print(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err)
{
	struct box *box = user;

	(void)err;
	(void)nargs;
	snprintf(box->printed, sizeof box->printed, "%.*s", (int)args[0].as.str.len,
		 args[0].as.str.ptr);
	box->nprinted++;
	*result = mote_i32((int32_t)args[0].as.str.len);
	return MOTE_OK;
}

static mote_status host_add(void *user, const mote_value *args, size_t nargs, mote_value *result,
			    mote_error *err)
{
	(void)user;
	(void)err;
	(void)nargs;
	*result = mote_i32(args[0].as.i32 + args[1].as.i32);
	return MOTE_OK;
}

static mote_status host_spin(void *user, const mote_value *args, size_t nargs, mote_value *result,
			     mote_error *err)
{
	struct box *box = user;

	(void)args;
	(void)nargs;
	(void)result;
	(void)err;
	box->is_spinning++;
	if (box->kills)
		mote_interrupt_kill(box->stop);
	return MOTE_OK;
}

/* Makes a sandbox of ABI. */
static void box_open(struct box *box, int abi)
{
	static const mote_type text[] = { MOTE_STRING }, numbers[] = { MOTE_I32, MOTE_I32 };
	const mote_host_function functions[] = {
		{ .name = "HostPrint",
		  .fn = host_print,
		  .user = box,
		  .params = text,
		  .nparams = 1,
		  .result = MOTE_I32 },
		{ .name = "HostMethod1",
		  .fn = host_print,
		  .user = box,
		  .params = text,
		  .nparams = 1,
		  .result = MOTE_I32 },
		{ .name = "HostAdd",
		  .fn = host_add,
		  .user = box,
		  .params = numbers,
		  .nparams = 2,
		  .result = MOTE_I32 },
		{ .name = "Spin", .fn = host_spin, .user = box },
	};
	mote_error err = { .message = "" };

	*box = (struct box){ .sb = NULL };
	if (mote_sandbox_new(&box->sb, images[abi],
			     MOTE_OPTIONS(mote_sandbox_options, .functions = functions,
					  .nfunctions = 4, .max_host_calls = UINT64_MAX,
					  .max_exits = UINT64_MAX),
			     &err))
		fail_msg("%s", err.message);
	box->stop = mote_interrupt_of(box->sb);
	assert_non_null(box->stop);
}

static void box_close(struct box *box)
{
	mote_interrupt_unref(box->stop);
	mote_sandbox_free(box->sb);
}

static mote_status call(struct box *box, const char *name, size_t nargs, const mote_value *args,
			mote_value *result)
{
	return mote_call(box->sb, name, args, nargs, result, NULL);
}

static int32_t call_i32(struct box *box, const char *name, int32_t number)
{
	const mote_value arg = mote_i32(number);
	mote_value result;

	assert_int_equal(call(box, name, 1, &arg, &result), MOTE_OK);
	return result.as.i32;
}

static bool echoes(struct box *box)
{
	const mote_value text = mote_str("hello");
	mote_value result;

	return call(box, "Echo", 1, &text, &result) == MOTE_OK &&
	       strcmp(result.as.str.ptr, "hello") == 0;
}

static mote_snapshot *take(struct box *box)
{
	mote_snapshot *snapshot;
	mote_error err = { .message = "" };

	if (mote_snapshot_take(&snapshot, box->sb, &err))
		fail_msg("%s", err.message);
	return snapshot;
}

static void restore(struct box *box, mote_snapshot *snapshot)
{
	mote_error err = { .message = "" };

	if (mote_sandbox_restore(box->sb, snapshot, &err))
		fail_msg("%s", err.message);
	assert_true(echoes(box));
}

/* Guests with vector registers need a hypervisor that runs them in ring 0. */
static void skip_unsupported(void)
{
	const mote_value add[] = { mote_i32(1), mote_i32(2) };
	mote_error err = { .message = "" };
	struct box box;

	box_open(&box, 0);
	const mote_status status = mote_call(box.sb, "Add", add, 2, NULL, &err);

	box_close(&box);
	if (status == MOTE_OK)
		return;
	if (!strstr(err.message, "does not run in ring 0"))
		fail_msg("%s", err.message);
	print_message("SKIP: %s\n", err.message);
	for (int abi = 0; abi < NABIS; abi++)
		mote_image_unref(images[abi]);
	mote_runtime_free(rt);
	rt = NULL;
}

static int open_runtime(void **state)
{
	mote_error err = { .message = "" };

	(void)state;
	if (mote_runtime_new(&rt, MOTE_OPTIONS(mote_runtime_options, .backend = "kvm"), &err)) {
		print_message("SKIP: %s\n", err.message);
		rt = NULL;
		return 0;
	}
	for (int abi = 0; abi < NABIS; abi++)
		if (mote_image_load_file(&images[abi], rt, paths[abi], &err))
			fail_msg("%s", err.message);
	skip_unsupported();
	return 0;
}

static int close_runtime(void **state)
{
	(void)state;
	if (!rt)
		return 0;
	for (int abi = 0; abi < NABIS; abi++)
		mote_image_unref(images[abi]);
	mote_runtime_free(rt);
	return 0;
}

/* One source, two ABIs, the same answers: calls in turns, and a snapshot of each. */
static void sandboxes_of_both_abis_side_by_side(void **state)
{
	const mote_value add[] = { mote_i32(5), mote_i32(10) };
	const mote_value text = mote_str("Hello world");
	struct box boxes[NABIS];
	mote_snapshot *snapshots[NABIS];
	mote_value result;

	(void)state;
	if (!rt)
		skip();
	for (int abi = 0; abi < NABIS; abi++)
		box_open(&boxes[abi], abi);
	for (int i = 1; i <= 3; i++)
		for (int abi = 0; abi < NABIS; abi++) {
			struct box *box = &boxes[abi];

			assert_true(echoes(box));
			assert_int_equal(call_i32(box, "AddToStatic", 10 + abi), i * (10 + abi));
			assert_int_equal(call(box, "Add", 2, add, &result), MOTE_OK);
			assert_int_equal(result.as.i32, 15);
			assert_int_equal(call(box, "GuestMethod1", 1, &text, &result), MOTE_OK);
			assert_string_equal(box->printed, "Hello from GuestFunction1, Hello world");
			assert_int_equal(call(box, "Heap", 0, NULL, &result), MOTE_OK);
			assert_int_equal(result.as.u32, 0);
			assert_int_equal(call(box, "AddToStaticAndFail", 0, NULL, &result),
					 MOTE_E_GUEST_ERROR);
			assert_int_equal(call_i32(box, "AddToStatic", -10), i * (10 + abi));
		}
	for (int abi = 0; abi < NABIS; abi++) {
		snapshots[abi] = take(&boxes[abi]);
		call_i32(&boxes[abi], "AddToStatic", 1);
	}
	/* one's memory is none of the other's: refused, and nothing has changed */
	for (int abi = 0; abi < NABIS; abi++) {
		assert_int_equal(mote_sandbox_restore(boxes[abi].sb, snapshots[!abi], NULL),
				 MOTE_E_SNAPSHOT);
		assert_int_equal(call_i32(&boxes[abi], "AddToStatic", 0), 3 * (10 + abi) + 1);
		restore(&boxes[abi], snapshots[abi]);
		assert_int_equal(call_i32(&boxes[abi], "AddToStatic", 0), 3 * (10 + abi));
	}
	for (int abi = 0; abi < NABIS; abi++) {
		mote_snapshot_unref(snapshots[abi]);
		box_close(&boxes[abi]);
	}
}

/* What ends one leaves the other as it is. */
static void an_end_of_one_is_none_of_the_other(void **state)
{
	struct box boxes[NABIS];

	(void)state;
	if (!rt)
		skip();
	for (int dying = 0; dying < NABIS; dying++) {
		for (int abi = 0; abi < NABIS; abi++)
			box_open(&boxes[abi], abi);
		assert_int_equal(call(&boxes[dying], "TriggerException", 0, NULL, NULL),
				 MOTE_E_GUEST_FAULT);
		assert_true(mote_sandbox_is_poisoned(boxes[dying].sb));
		assert_false(mote_sandbox_is_poisoned(boxes[!dying].sb));
		assert_true(echoes(&boxes[!dying]));
		assert_false(echoes(&boxes[dying]));
		for (int abi = 0; abi < NABIS; abi++)
			box_close(&boxes[abi]);
	}
}

static void nap(long ms)
{
	const struct timespec time = { .tv_nsec = ms * 1000000 };

	nanosleep(&time, NULL);
}

/* Kills the call of a box as soon as there is one, and it has spun if it is to. */
static void *killer(void *user)
{
	struct box *box = user;

	while (box->must_spin && box->is_spinning == 0)
		nap(1);
	while (!mote_interrupt_kill(box->stop))
		nap(1);
	return NULL;
}

/* Calls FUNCTION, which never ends, with NARGS arguments while a thread kills it; then a restore
 * heals the guest. */
static void kill_call(struct box *box, const char *function, size_t nargs, const mote_value *args)
{
	mote_snapshot *snapshot = take(box);
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_create(&thread, NULL, killer, box), 0);
		assert_int_equal(call(box, function, nargs, args, NULL), MOTE_E_CANCELED);
		pthread_join(thread, NULL);
		assert_true(mote_sandbox_is_poisoned(box->sb));
		assert_false(echoes(box));
		restore(box, snapshot);
	}
	mote_snapshot_unref(snapshot);
}

/* Runs CHECK with a sandbox of each ABI. */
static void with_both(void (*check)(struct box *box))
{
	if (!rt)
		skip();
	for (int abi = 0; abi < NABIS; abi++) {
		struct box box;

		box_open(&box, abi);
		check(&box);
		box_close(&box);
	}
}

static void check_in_progress(struct box *box)
{
	kill_call(box, "Spin", 0, NULL);
}

static void interrupt_in_progress_guest_call(void **state)
{
	(void)state;
	with_both(check_in_progress);
}

static void check_spamming(struct box *box)
{
	const mote_value name = mote_str("Spin");

	box->must_spin = true;
	kill_call(box, "HostCallLoop", 1, &name);
}

static void interrupt_spamming_host_call(void **state)
{
	(void)state;
	with_both(check_spamming);
}

/* Killed while the host function is under way: that returns, and the guest does not go on. */
static void check_host_call(struct box *box)
{
	mote_snapshot *snapshot = take(box);
	const mote_value name = mote_str("Spin");

	box->kills = true;
	assert_int_equal(call(box, "CallHostSpin", 0, NULL, NULL), MOTE_E_CANCELED);
	restore(box, snapshot);
	assert_int_equal(call(box, "CallHostThenSpin", 1, &name, NULL), MOTE_E_CANCELED);
	restore(box, snapshot);
	assert_int_equal(box->is_spinning, 2);
	mote_snapshot_unref(snapshot);
}

static void interrupt_host_call(void **state)
{
	(void)state;
	with_both(check_host_call);
}

static void check_in_advance(struct box *box)
{
	for (int i = 0; i < 10; i++) {
		assert_false(mote_interrupt_kill(box->stop));
		assert_true(echoes(box));
	}
}

static void interrupt_guest_call_in_advance(void **state)
{
	(void)state;
	with_both(check_in_advance);
}

static atomic_bool is_over;

/* Kills whatever the box does, until all is over. */
static void *stubborn_killer(void *user)
{
	struct box *box = user;

	while (!is_over) {
		mote_interrupt_kill(box->stop);
		nap(1);
	}
	return NULL;
}

/* Three on one thread, of both ABIs: only the second may be hit. */
static void interrupt_same_thread(void **state)
{
	struct box boxes[3];
	pthread_t thread;

	(void)state;
	if (!rt)
		skip();
	for (int hit = 0; hit < NABIS; hit++) {
		for (int i = 0; i < 3; i++)
			box_open(&boxes[i], i == 1 ? hit : !hit);
		mote_snapshot *snapshot = take(&boxes[1]);

		is_over = false;
		assert_int_equal(pthread_create(&thread, NULL, stubborn_killer, &boxes[1]), 0);
		for (int i = 0; i < 100; i++) {
			assert_true(echoes(&boxes[0]));
			if (!echoes(&boxes[1]))
				assert_int_equal(mote_sandbox_restore(boxes[1].sb, snapshot, NULL),
						 MOTE_OK);
			assert_true(echoes(&boxes[2]));
		}
		is_over = true;
		pthread_join(thread, NULL);
		mote_snapshot_unref(snapshot);
		for (int i = 0; i < 3; i++)
			box_close(&boxes[i]);
	}
}

static void *call_loop(void *user)
{
	return (void *)(intptr_t)call(user, "Spin", 0, NULL, NULL);
}

/* Made here, called there, killed from here; the one that stays is not hit. */
static void interrupt_moved_sandbox(void **state)
{
	struct box moved, bait;
	pthread_t thread;
	void *status;

	(void)state;
	if (!rt)
		skip();
	for (int abi = 0; abi < NABIS; abi++) {
		box_open(&moved, abi);
		box_open(&bait, !abi);
		assert_true(echoes(&moved));
		assert_int_equal(pthread_create(&thread, NULL, call_loop, &moved), 0);
		while (!mote_interrupt_kill(moved.stop))
			assert_true(echoes(&bait));
		pthread_join(thread, &status);
		assert_int_equal((intptr_t)status, MOTE_E_CANCELED);
		assert_true(echoes(&bait));
		box_close(&bait);
		box_close(&moved);
	}
}

/* What simple_test and callback_test of Hyperlight do, by threads; NULL if all is well. */
static void *use_sandbox(void *user)
{
	const mote_value hello = mote_str("hello");
	struct box *box = user;
	mote_value result;

	for (int i = 0; i < 10; i++)
		if (call(box, "PrintOutput", 1, &hello, &result) || result.as.i32 != 5 ||
		    !echoes(box) || call(box, "GuestMethod1", 1, &hello, &result) ||
		    strcmp(box->printed, "Hello from GuestFunction1, hello") != 0)
			return box;
	return box->nprinted == 20 ? NULL : box;
}

static void simple_test_parallel(void **state)
{
	enum { THREADS = 8 };
	static struct box boxes[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	if (!rt)
		skip();
	for (int i = 0; i < THREADS; i++) /* made on one thread, used on another */
		box_open(&boxes[i], i % NABIS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_sandbox, &boxes[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	for (int i = 0; i < THREADS; i++)
		box_close(&boxes[i]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sandboxes_of_both_abis_side_by_side),
		cmocka_unit_test(an_end_of_one_is_none_of_the_other),
		cmocka_unit_test(interrupt_in_progress_guest_call),
		cmocka_unit_test(interrupt_spamming_host_call),
		cmocka_unit_test(interrupt_host_call),
		cmocka_unit_test(interrupt_guest_call_in_advance),
		cmocka_unit_test(interrupt_same_thread),
		cmocka_unit_test(interrupt_moved_sandbox),
		cmocka_unit_test(simple_test_parallel),
	};

	if (argc != 3)
		return 2;
	paths[0] = argv[1];
	paths[1] = argv[2];
	return cmocka_run_group_tests(tests, open_runtime, close_runtime);
}

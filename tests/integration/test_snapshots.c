/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots: what a guest did after one is gone when it is restored, whatever it did and however
 * its call ended; other sandboxes can begin there; and what does not fit is refused.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY UINT64_C(0xc0ffee5ecce7c0de)
#define PAGE   4096u

/* Each restore of these tests is audited. */
static mote_snapshot *take(struct guest *g)
{
	mote_snapshot *snapshot = NULL;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	assert_non_null(snapshot);
	return snapshot;
}

static void restore(struct guest *g, const mote_snapshot *snapshot)
{
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
}

static int32_t count(struct guest *g)
{
	return CALL(g, "Count", MOTE_NO_ARGS).as.i32;
}

static void what_was_counted_is_forgotten(struct guest *g)
{
	assert_int_equal(count(g), 101);
	mote_snapshot *one = take(g);
	for (unsigned i = 0; i < rounds(1000); i++) {
		assert_int_equal(count(g), 102);
		restore(g, one);
	}
	/* several calls between two restores, and several restores in a row */
	for (int i = 0; i < 20; i++)
		assert_int_equal(count(g), 102 + i);
	restore(g, one);
	restore(g, one);
	assert_int_equal(count(g), 102);
	mote_snapshot_unref(one);
	assert_int_equal(count(g), 103);
}

static void going_back_and_forth(struct guest *g)
{
	mote_snapshot *at[5];

	for (int i = 0; i < 5; i++) {
		at[i] = take(g);
		assert_int_equal(count(g), 101 + i);
	}
	for (int i = 0; i < 100; i++) {
		int to = i * 7 % 5;
		restore(g, at[to]);
		assert_int_equal(count(g), 101 + to);
		CALL(g, "Touch", MOTE_ARGS(mote_u32((uint32_t)(i % 50))));
	}
	for (int i = 0; i < 5; i++)
		mote_snapshot_unref(at[i]);
}

static uint32_t touch(struct guest *g, uint32_t n)
{
	return CALL(g, "Touch", MOTE_ARGS(mote_u32(n))).as.u32;
}

/* More pages than the hypervisor's list has, and than the sandbox's own. */
static void any_number_of_pages_comes_back(struct guest *g)
{
	static const uint32_t numbers[] = { 0,   1,    16, 15,   256,  1000, 3, 4096,
					    100, 7000, 2,  7800, 8192, 1,    0, 8192 };
	mote_snapshot *clean = take(g);

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		assert_int_equal(touch(g, numbers[i]), numbers[i]);
		assert_int_equal(touch(g, numbers[i]), 0);
		restore(g, clean);
	}
	mote_snapshot_unref(clean);
}

static void pages_with_contents_come_back(struct guest *g)
{
	touch(g, 300);
	mote_snapshot *dirty = take(g);

	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(touch(g, 310), 10);
		restore(g, dirty);
	}
	mote_snapshot_unref(dirty);
}

static void the_heap_comes_back(struct guest *g)
{
	CALL(g, "Keep", MOTE_ARGS(mote_u32(3 << 20), mote_u32(7)));
	uint64_t at = CALL(g, "KeptAt", MOTE_NO_ARGS).as.u64;
	mote_snapshot *seven = take(g);

	for (uint32_t i = 0; i < rounds(50); i++) {
		/* frees the three megabytes, which the host zeroes */
		CALL(g, "Keep", MOTE_ARGS(mote_u32(i % 5 * 1000000 + 1), mote_u32(8)));
		CALL(g, "Churn", MOTE_ARGS(mote_u32(i * 10000 + 5)));
		assert_int_equal(CALL(g, "Kept", MOTE_NO_ARGS).as.u32, 8);
		restore(g, seven);
		assert_int_equal(CALL(g, "Kept", MOTE_NO_ARGS).as.u32, 7);
		assert_int_equal(CALL(g, "KeptAt", MOTE_NO_ARGS).as.u64, at);
		assert_int_equal(CALL(g, "Find",
				      MOTE_ARGS(mote_u64(at), mote_u64(3 << 20),
						mote_u64(UINT64_C(0x0808080808080808))))
					 .as.u64,
				 0);
	}
	mote_snapshot_unref(seven);
}

/* All regions that the guest can write and that this test may fill. */
struct writable {
	mote_region_info regions[64];
	size_t n;
};

static void note_region(void *user, const mote_region_info *region)
{
	struct writable *all = user;

	if (region->writable && region->address && strcmp(region->name, "doorbell") != 0)
		all->regions[all->n++] = *region;
}

static mote_status fill(struct guest *g, uint64_t address, uint64_t size)
{
	const mote_value args[] = { mote_u64(address), mote_u64(size), mote_u64(CANARY) };

	return mote_call(g->sb, "Fill", args, 3, NULL, &g->err);
}

/* Everywhere that a guest can write, even where it needs what is there, and its call ends as it
 * may. */
static void a_canary_is_never_seen_again(struct guest *g)
{
	struct writable all = { .n = 0 };
	EXPECT_STATUS(g, mote_image_layout(g->image, NULL, note_region, &all, &g->err), MOTE_OK);
	assert_true(all.n >= 5);
	mote_snapshot *clean = take(g);

	for (unsigned round = 0; round < rounds(2); round++) {
		for (size_t i = 0; i < all.n; i++) {
			const mote_region_info *region = &all.regions[i];
			(void)!fill(g, region->address, region->size);
			restore(g, clean);
			for (size_t j = 0; j < all.n; j++) {
				const mote_value args[] = { mote_u64(all.regions[j].address),
							    mote_u64(all.regions[j].size),
							    mote_u64(CANARY) };
				uint64_t at = CALL(g, "Find", args, 3).as.u64;
				/* its own argument is there, in the input buffer and the stack */
				if (at && strcmp(all.regions[j].name, "stack") != 0 &&
				    strcmp(all.regions[j].name, "input buffer") != 0)
					fail_msg("%s: the canary of the %s is at 0x%" PRIx64
						 " in the %s",
						 g->where, region->name, at, all.regions[j].name);
				restore(g, clean);
			}
		}
	}
	mote_snapshot_unref(clean);
}

/* The host looks, which needs no arguments in guest memory. */
static void a_canary_is_not_in_memory(struct guest *g)
{
	static uint8_t bytes[1 << 20];
	struct writable all = { .n = 0 };
	const uint64_t canary = CANARY;

	EXPECT_STATUS(g, mote_image_layout(g->image, NULL, note_region, &all, &g->err), MOTE_OK);
	mote_snapshot *clean = take(g);
	for (size_t i = 0; i < all.n; i++) {
		(void)!fill(g, all.regions[i].address, all.regions[i].size);
		restore(g, clean);
		for (size_t j = 0; j < all.n; j++) {
			uint64_t at = all.regions[j].address, left = all.regions[j].size;
			for (size_t n; left > 0; at += n, left -= n) {
				n = left < sizeof bytes ? left : sizeof bytes;
				EXPECT_STATUS(g, mote_sandbox_read(g->sb, at, bytes, n, &g->err),
					      MOTE_OK);
				assert_null(memmem(bytes, n, &canary, sizeof canary));
			}
		}
	}
	mote_snapshot_unref(clean);
}

/* As the guest wants them. */
struct range {
	uint64_t address, size;
};

static mote_value hide(const struct range *ranges, size_t n)
{
	return mote_bytes(ranges, n * sizeof ranges[0]);
}

/*
 * Ten thousand restores, over all variants of the guest, of a small sandbox: everything that it can
 * write is full of a number that the next call looks for.
 */
static void ten_thousand_canaries_are_never_seen(struct guest *g)
{
	const mote_sandbox_options small = { .size = sizeof small,
					     .heap_size = 2 << 20,
					     .stack_size = 64 << 10,
					     .input_size = 16 << 10,
					     .output_size = 16 << 10,
					     .buffer_size = 16 << 10 };
	static const mote_status ends[] = { MOTE_OK, MOTE_E_GUEST_FAULT, MOTE_E_GUEST_ABORT,
					    MOTE_E_GUEST_ERROR };
	struct writable all = { .n = 0 };
	struct range ranges[16];
	size_t n = 0;

	EXPECT_STATUS(g, mote_image_layout(g->image, &small, note_region, &all, &g->err), MOTE_OK);
	for (size_t i = 0; i < all.n; i++)
		if (strcmp(all.regions[i].name, "input buffer") != 0 &&
		    strcmp(all.regions[i].name, "data") != 0)
			ranges[n++] = (struct range){ all.regions[i].address, all.regions[i].size };
	for (size_t i = 0; i < n; i++)
		if (ranges[i].size == small.heap_size) { /* where a C library has its own things */
			ranges[i].address += 512 << 10;
			ranges[i].size -= 512 << 10;
		} else { /* the host's guard of the stack, the output buffer's stack pointer */
			ranges[i].address += 16;
			ranges[i].size -= 16;
		}
	assert_true(n >= 3);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &small, &g->err), MOTE_OK);
	mote_snapshot *clean = take(g);
	for (uint32_t i = 0; i < rounds(1700); i++) {
		const mote_value key = mote_u64(i + 1);
		const mote_value into[] = { hide(ranges, n), key, mote_u32(i % 4) };
		mote_status status = mote_call(g->sb, "Hide", into, 3, NULL, &g->err);
		EXPECT_STATUS(g, status, ends[i % 4]);
		if (i == 0) /* it does find what is there */
			assert_int_not_equal(
				CALL(g, "Seek", MOTE_ARGS(hide(ranges, n), key)).as.u64, 0);
		restore(g, clean);
		uint64_t at = CALL(g, "Seek", MOTE_ARGS(hide(ranges, n), key)).as.u64;
		if (at)
			fail_msg("%s: round %u: the canary is at 0x%" PRIx64, g->where, i, at);
		restore(g, clean);
	}
	mote_snapshot_unref(clean);
}

static void crashes_are_healed(struct guest *g)
{
	mote_snapshot *clean = take(g);

	for (unsigned i = 0; i < rounds(300); i++) {
		count(g);
		if (i % 2)
			CALL_FAILS(g, MOTE_E_GUEST_FAULT, "page fault", "Crash", MOTE_NO_ARGS);
		else
			CALL_FAILS(g, MOTE_E_GUEST_ABORT, "exit(3)", "Exit",
				   MOTE_ARGS(mote_i32(3)));
		assert_true(mote_sandbox_is_poisoned(g->sb));
		CALL_FAILS(g, MOTE_E_STATE, "poisoned", "Count", MOTE_NO_ARGS);
		mote_snapshot *none = clean;
		EXPECT_STATUS(g, mote_snapshot_take(&none, g->sb, &g->err), MOTE_E_STATE);
		assert_null(none);
		restore(g, clean);
		assert_false(mote_sandbox_is_poisoned(g->sb));
		assert_int_equal(count(g), 101);
	}
	mote_snapshot_unref(clean);
}

static mote_status fails(void *user, const mote_value *args, size_t nargs, mote_value *result,
			 mote_error *err)
{
	struct guest *g = user;
	mote_error inner;
	(void)args, (void)nargs, (void)result;

	/* in the middle of a call there is no snapshot, and no way back */
	mote_snapshot *snapshot;
	assert_int_equal(mote_snapshot_take(&snapshot, g->sb, &inner), MOTE_E_STATE);
	assert_null(snapshot);
	snprintf(err->message, sizeof err->message, "on purpose");
	return MOTE_E_STATE;
}

static struct guest *current;
static mote_status fails_now(void *user, const mote_value *args, size_t nargs, mote_value *result,
			     mote_error *err)
{
	(void)user;
	return fails(current, args, nargs, result, err);
}

static const mote_host_function functions[] = {
	{ .name = "Fails", .fn = fails_now, .result = MOTE_I32 },
};
static const mote_sandbox_options with_functions = {
	.size = sizeof with_functions,
	.functions = functions,
	.nfunctions = 1,
};

static void a_failing_host_function_leaves_nothing(struct guest *g)
{
	mote_snapshot *clean = take(g);

	current = g;
	for (unsigned i = 0; i < rounds(100); i++) {
		CALL_FAILS(g, MOTE_E_GUEST_ERROR, "on purpose", "CallFails", MOTE_NO_ARGS);
		restore(g, clean);
		assert_int_equal(count(g), 101);
		restore(g, clean);
	}
	mote_snapshot_unref(clean);
}

static void random_bytes_never_repeat(struct guest *g)
{
	uint64_t seen[64];
	mote_snapshot *clean = take(g);

	for (size_t i = 0; i < 64; i++) {
		seen[i] = CALL(g, "Random", MOTE_NO_ARGS).as.u64;
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
		restore(g, clean);
	}
	mote_snapshot_unref(clean);
}

static const mote_sandbox_options audited = { .size = sizeof audited, .restore_audit = 1 };

static mote_sandbox *spawn(struct guest *g, mote_snapshot *snapshot)
{
	mote_sandbox *sb = NULL;

	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&sb, g->rt, snapshot, &audited, &g->err),
		      MOTE_OK);
	return sb;
}

static void many_sandboxes_begin_at_one_snapshot(struct guest *g)
{
	enum { N = 12 };
	mote_sandbox *own = g->sb, *all[N];
	touch(g, 40);
	count(g);
	CALL(g, "Keep", MOTE_ARGS(mote_u32(500000), mote_u32(9)));
	mote_snapshot *start = take(g);

	for (int i = 0; i < N; i++)
		all[i] = spawn(g, start);
	mote_snapshot_unref(start);
	for (int i = 0; i < 5 * N; i++) {
		g->sb = all[i % N];
		assert_int_equal(count(g), 102 + i / N);
		assert_int_equal(touch(g, 40 + (uint32_t)i % N), i < N ? i : 0);
		CALL(g, "Churn", MOTE_ARGS(mote_u32(100000)));
		assert_int_equal(CALL(g, "Kept", MOTE_NO_ARGS).as.u32, 9);
	}
	g->sb = own;
	assert_int_equal(count(g), 102);
	/* the first may go before the others */
	for (int i = 0; i < N; i++)
		mote_sandbox_free(all[i]);
}

static void snapshots_of_one_sandbox_restore_another(struct guest *g)
{
	mote_sandbox *own = g->sb;
	mote_snapshot *start = take(g);
	g->sb = spawn(g, start);
	for (int i = 0; i < 7; i++)
		count(g);
	mote_snapshot *seven = take(g);
	mote_sandbox *other = g->sb;

	g->sb = own;
	for (int i = 0; i < 5; i++) {
		restore(g, seven);
		assert_int_equal(count(g), 108);
		restore(g, start);
		assert_int_equal(count(g), 101);
	}
	mote_sandbox_free(other); /* its snapshot lives on */
	restore(g, seven);
	assert_int_equal(count(g), 108);
	mote_snapshot_unref(seven);
	mote_snapshot_unref(start);
	assert_int_equal(count(g), 109);
}

static void a_snapshot_of_a_spawned_sandbox_has_all_pages(struct guest *g)
{
	touch(g, 100);
	CALL(g, "Keep", MOTE_ARGS(mote_u32(300000), mote_u32(5)));
	mote_snapshot *first = take(g);
	mote_sandbox *own = g->sb, *second_sb = spawn(g, first);
	mote_snapshot *second;

	/* nothing has been touched there yet */
	assert_int_equal(mote_snapshot_take(&second, second_sb, &g->err), MOTE_OK);
	mote_sandbox_free(second_sb);
	mote_snapshot_unref(first);
	g->sb = spawn(g, second);
	assert_int_equal(touch(g, 101), 1);
	assert_int_equal(CALL(g, "Kept", MOTE_NO_ARGS).as.u32, 5);
	restore(g, second);
	assert_int_equal(touch(g, 102), 2);
	mote_sandbox_free(g->sb);
	g->sb = own;
	mote_snapshot_unref(second);
}

static int scratch_file(char byte, char *path, size_t size)
{
	char page[PAGE];
	int fd = memfd_create("scratch", MFD_CLOEXEC);

	memset(page, byte, sizeof page);
	assert_int_equal(write(fd, page, sizeof page), sizeof page);
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return fd;
}

static void expect_byte(struct guest *g, uint64_t address, uint8_t byte)
{
	uint64_t word = byte * UINT64_C(0x0101010101010101);

	assert_int_equal(
		CALL(g, "Find", MOTE_ARGS(mote_u64(address), mote_u64(PAGE), mote_u64(word))).as.u64,
		address);
}

static void mapped_files_come_and_go(struct guest *g)
{
	const uint64_t a = UINT64_C(0x200000000000), b = a + 0x400000;
	char path_a[32], path_b[32];
	int fd_a = scratch_file('a', path_a, sizeof path_a);
	int fd_b = scratch_file('b', path_b, sizeof path_b);
	mote_snapshot *none = take(g);

	EXPECT_STATUS(g, mote_sandbox_map_file(g->sb, path_a, a, "a", &g->err), MOTE_OK);
	mote_snapshot *with_a = take(g);
	restore(g, none);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "not mapped", "Find",
		   MOTE_ARGS(mote_u64(a), mote_u64(8), mote_u64(0)));
	restore(g, none);
	EXPECT_STATUS(g, mote_sandbox_map_file(g->sb, path_b, a, "b", &g->err), MOTE_OK);
	expect_byte(g, a, 'b');
	mote_snapshot *with_b = take(g);
	for (int i = 0; i < 3; i++) {
		restore(g, with_a);
		expect_byte(g, a, 'a');
		restore(g, with_b);
		expect_byte(g, a, 'b');
	}
	restore(g, with_a);
	EXPECT_STATUS(g, mote_sandbox_map_file(g->sb, path_b, b, "b", &g->err), MOTE_OK);
	expect_byte(g, a, 'a');
	expect_byte(g, b, 'b');
	mote_snapshot *both = take(g);
	mote_sandbox *own = g->sb;
	g->sb = spawn(g, both);
	expect_byte(g, a, 'a');
	expect_byte(g, b, 'b');
	mote_sandbox_free(g->sb);
	g->sb = own;
	mote_snapshot_unref(both);
	mote_snapshot_unref(none);
	mote_snapshot_unref(with_a);
	mote_snapshot_unref(with_b);
	close(fd_a);
	close(fd_b);
}

static void what_does_not_fit_is_refused(struct guest *g)
{
	mote_sandbox *own = g->sb, *other = NULL;
	mote_runtime *rt = NULL;
	mote_snapshot *start = take(g);
	const mote_sandbox_options small = { .size = sizeof small, .heap_size = 1 << 21 };
	const mote_runtime_options same = { .size = sizeof same,
					    .backend = g->backend,
					    .allow_weaker_isolation = true };

	/* another size */
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &small, &g->err), MOTE_OK);
	count(g);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, start, &g->err), MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "does not fit");
	assert_int_equal(count(g), 102); /* as it was */
	mote_sandbox_free(g->sb);

	/* other functions */
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, start, &with_functions, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "\"Fails\" is one too many");
	assert_null(other);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &with_functions, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, start, &g->err), MOTE_E_SNAPSHOT);
	mote_snapshot *with = take(g);
	mote_sandbox_free(g->sb);
	g->sb = own;
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, with, &g->err), MOTE_E_SNAPSHOT);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, with, NULL, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "\"Fails\" is missing");
	const mote_host_function typed = { .name = "Fails", .fn = fails_now, .result = MOTE_BOOL };
	const mote_sandbox_options others = { .size = sizeof others,
					      .functions = &typed,
					      .nfunctions = 1 };
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, with, &others, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "\"Fails\" has other types");
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, with, &with_functions, &g->err),
		      MOTE_OK);
	mote_sandbox_free(other);
	mote_snapshot_unref(with);

	/* another runtime, and init data */
	EXPECT_STATUS(g, mote_runtime_new(&rt, &same, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, rt, start, NULL, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "another runtime");
	mote_runtime_free(rt);
	const mote_sandbox_options data = { .size = sizeof data,
					    .init_data = "x",
					    .init_data_size = 1 };
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, start, &data, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "init data");
	mote_snapshot_unref(start);
	mote_snapshot_unref(NULL);
}

int main(void)
{
	static const struct row rows[] = {
		{ .name = "what was counted is forgotten",
		  .guest = "state",
		  .test = what_was_counted_is_forgotten },
		{ .name = "going back and forth", .guest = "state", .test = going_back_and_forth },
		{ .name = "any number of pages comes back",
		  .guest = "state",
		  .test = any_number_of_pages_comes_back },
		{ .name = "pages with contents come back",
		  .guest = "state",
		  .test = pages_with_contents_come_back },
		{ .name = "the heap comes back", .guest = "state", .test = the_heap_comes_back },
		{ .name = "a canary is never seen again",
		  .guest = "state",
		  .test = a_canary_is_never_seen_again },
		{ .name = "a canary is not in memory",
		  .guest = "state",
		  .test = a_canary_is_not_in_memory },
		{ .name = "ten thousand canaries are never seen",
		  .guest = "canary",
		  .test = ten_thousand_canaries_are_never_seen,
		  .no_sandbox = true },
		{ .name = "crashes are healed", .guest = "state", .test = crashes_are_healed },
		{ .name = "a failing host function leaves nothing",
		  .guest = "state",
		  .test = a_failing_host_function_leaves_nothing,
		  .options = &with_functions },
		{ .name = "random bytes never repeat",
		  .guest = "state",
		  .test = random_bytes_never_repeat },
		{ .name = "many sandboxes begin at one snapshot",
		  .guest = "state",
		  .test = many_sandboxes_begin_at_one_snapshot },
		{ .name = "snapshots of one sandbox restore another",
		  .guest = "state",
		  .test = snapshots_of_one_sandbox_restore_another },
		{ .name = "a snapshot of a spawned sandbox has all pages",
		  .guest = "state",
		  .test = a_snapshot_of_a_spawned_sandbox_has_all_pages },
		{ .name = "mapped files come and go",
		  .guest = "state",
		  .test = mapped_files_come_and_go },
		{ .name = "what does not fit is refused",
		  .guest = "state",
		  .test = what_does_not_fit_is_refused },
	};
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

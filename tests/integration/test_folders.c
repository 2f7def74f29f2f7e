/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that guests are given: read, changed where only the sandbox sees it, as they were
 * after a restore, and the same again in other sandboxes that begin at a snapshot.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <mote/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mote-folders-XXXXXX";

static void write_host(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static unsigned count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static const mote_directory given[] = {
	{ .guest = "/data", .host = folder, .flags = MOTE_DIR_PRIVATE },
	{ .guest = "/tmp", .flags = MOTE_DIR_PRIVATE, .max_bytes = 1 << 20 },
	{ .guest = "/fixed", .host = folder },
};

/* Audited as those of the harness. */
static const mote_sandbox_options options = {
	.size = sizeof options,
	.directories = given,
	.ndirectories = 3,
	.restore_audit = 1,
};

static void expect(struct guest *g, const char *path, const char *want)
{
	assert_string_equal(CALL(g, "Content", MOTE_ARGS(path)).as.str.ptr, want);
}

static void guests_have_what_they_are_given(struct guest *g)
{
	expect(g, "/data/a", "host's");
	expect(g, "/fixed/a", "host's");
	expect(g, "/etc/passwd", "error 2");
	assert_int_equal(CALL(g, "Store", MOTE_ARGS("/fixed/a", "x")).as.i32, 30);
	assert_int_equal(CALL(g, "Store", MOTE_ARGS("/data/a", "mine")).as.i32, 0);
	assert_int_equal(CALL(g, "Store", MOTE_ARGS("/tmp/b", "new")).as.i32, 0);
	expect(g, "/data/a", "mine");
	expect(g, "/fixed/a", "host's");
	expect(g, "/tmp/b", "new");
	assert_int_equal(CALL(g, "CountNames", MOTE_ARGS("/")).as.u32, 6);
	assert_int_equal(CALL(g, "Remove", MOTE_ARGS("/data/a")).as.i32, 0);
	expect(g, "/data/a", "error 2");
}

/* But for devices that are none. */
static void guests_have_nothing_by_default(struct guest *g)
{
	expect(g, "/data/a", "error 2");
	expect(g, "/dev/null", "");
	assert_int_equal(CALL(g, "CountNames", MOTE_ARGS("/")).as.u32, 3);
	assert_int_equal(CALL(g, "Store", MOTE_ARGS("/x", "x")).as.i32, 2);
}

static void restores_bring_files_back(struct guest *g)
{
	mote_snapshot *snapshot;
	int32_t fd = CALL(g, "Open", MOTE_ARGS("/data/a", mote_bool(true))).as.i32;

	assert_string_equal(CALL(g, "Next", MOTE_ARGS(fd, 2u)).as.str.ptr, "ho");
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	const unsigned before = count_descriptors();
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(CALL(g, "Next", MOTE_ARGS(fd, 9u)).as.str.ptr, "st's");
		CALL(g, "Store", MOTE_ARGS("/data/a", "changed"));
		CALL(g, "Store", MOTE_ARGS("/tmp/x", "x"));
		CALL(g, "Open", MOTE_ARGS("/tmp/x", mote_bool(i == 1)));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
		expect(g, "/tmp/x", "error 2");
		expect(g, "/data/a", "host's");
		assert_int_equal(count_descriptors(), before);
	}
	mote_snapshot_unref(snapshot);
}

/* Of a sandbox, and of others that begin where it was, also when that is gone. */
static void snapshots_keep_changes(struct guest *g)
{
	mote_snapshot *snapshot;
	mote_sandbox *other = NULL, *first = g->sb;
	char path[64];

	CALL(g, "Store", MOTE_ARGS("/data/a", "kept"));
	CALL(g, "Store", MOTE_ARGS("/tmp/x", "kept, too"));
	const int32_t fd = CALL(g, "Open", MOTE_ARGS("/tmp/x", mote_bool(false))).as.i32;
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, snapshot, &options, &g->err),
		      MOTE_OK);
	for (unsigned i = 0; i < 3; i++) {
		g->sb = i % 2 ? first : other;
		expect(g, "/data/a", "kept");
		expect(g, "/fixed/a", "host's");
		assert_string_equal(CALL(g, "Next", MOTE_ARGS(fd, 9u)).as.str.ptr, "kept, too");
		CALL(g, "Store", MOTE_ARGS("/tmp/x", "lost"));
		CALL(g, "Store", MOTE_ARGS("/tmp/y", "lost, too"));
		CALL(g, "Remove", MOTE_ARGS("/data/a"));
		expect(g, "/tmp/x", "lost");
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
		expect(g, "/tmp/x", "kept, too");
		expect(g, "/tmp/y", "error 2");
	}
	snprintf(path, sizeof path, "%s/store", folder);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, path, "x", &g->err), MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "the snapshot's guest has changed /data/a, which cannot be saved");
	mote_snapshot_unref(snapshot);
	g->sb = first;
	CALL(g, "Store", MOTE_ARGS("/data/a", "more"));
	g->sb = other;
	expect(g, "/data/a", "kept");
	g->sb = first;
	mote_sandbox_free(other);
	expect(g, "/data/a", "more");
}

static void sandboxes_begin_with_open_files(struct guest *g)
{
	mote_snapshot *snapshot;
	mote_sandbox *other = NULL;
	mote_sandbox_options fewer = options;
	int32_t fd = CALL(g, "Open", MOTE_ARGS("/fixed/a", mote_bool(false))).as.i32;
	char path[64];

	CALL(g, "Next", MOTE_ARGS(fd, 2u));
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, snapshot, &options, &g->err),
		      MOTE_OK);
	mote_sandbox *first = g->sb;
	g->sb = other;
	assert_string_equal(CALL(g, "Next", MOTE_ARGS(fd, 9u)).as.str.ptr, "st's");
	g->sb = first;
	assert_string_equal(CALL(g, "Next", MOTE_ARGS(fd, 9u)).as.str.ptr, "st's");
	mote_sandbox_free(other);
	fewer.ndirectories = 2;
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, snapshot, &fewer, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "a directory at /fixed, which this sandbox is not given");
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, snapshot, NULL, &g->err),
		      MOTE_E_SNAPSHOT);
	snprintf(path, sizeof path, "%s/store", folder);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, path, "x", &g->err), MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "has /fixed/a open");
	mote_snapshot_unref(snapshot);
}

/* The pool keeps what it was told: nothing of the caller's is looked at later. */
static void pools_give_directories(struct guest *g)
{
	char guest_path[] = "/data", host_path[64];
	mote_directory list[] = {
		{ .guest = guest_path, .host = host_path, .flags = MOTE_DIR_PRIVATE },
		given[1],
		given[2]
	};
	mote_sandbox_options own = options;
	mote_snapshot *snapshot;
	mote_pool *pool;

	own.directories = list;
	snprintf(host_path, sizeof host_path, "%s", folder);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g,
		      mote_pool_new(&pool, g->rt, snapshot,
				    MOTE_OPTIONS(mote_pool_options, .sandbox = &own), &g->err),
		      MOTE_OK);
	memset(guest_path, 'x', sizeof guest_path);
	memset(host_path, 'x', sizeof host_path);
	memset(list, 0xff, sizeof list);
	mote_sandbox *first = g->sb;
	for (unsigned i = 0; i < 2; i++) {
		EXPECT_STATUS(g, mote_pool_acquire(&g->sb, pool, &g->err), MOTE_OK);
		expect(g, "/data/a", "host's");
		CALL(g, "Store", MOTE_ARGS("/data/a", "changed"));
		mote_pool_release(pool, g->sb);
	}
	g->sb = first;
	mote_pool_free(pool);
	mote_snapshot_unref(snapshot);
}

static void bad_directories_make_no_sandbox(struct guest *g)
{
	static const mote_directory bad[] = { { .guest = "data", .host = folder } };
	const unsigned before = count_descriptors();
	mote_sandbox *sb;

	EXPECT_STATUS(g,
		      mote_sandbox_new(&sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .directories = bad,
						    .ndirectories = 1),
				       &g->err),
		      MOTE_E_INVALID);
	EXPECT_MESSAGE(g, "directories[0].guest is data; it must be an absolute path");
	assert_null(sb);
	assert_int_equal(count_descriptors(), before);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

int main(void)
{
	static const struct row rows[] = {
		{ "guests have what they are given", "folders", guests_have_what_they_are_given,
		  &options, false },
		{ "guests have nothing by default", "folders", guests_have_nothing_by_default, NULL,
		  false },
		{ "restores bring files back", "folders", restores_bring_files_back, &options,
		  false },
		{ "snapshots keep changes", "folders", snapshots_keep_changes, &options, false },
		{ "sandboxes begin with open files", "folders", sandboxes_begin_with_open_files,
		  &options, false },
		{ "pools give directories", "folders", pools_give_directories, &options, false },
		{ "bad directories make no sandbox", "folders", bad_directories_make_no_sandbox,
		  NULL, true },
	};

	if (!mkdtemp(folder))
		return 1;
	write_host("a", "host's");
	int failed = harness_main(rows, sizeof rows / sizeof rows[0]);
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A power cut at any moment leaves a folder with snapshots whole: what has a name is on the disk
 * before it gets that name, what the index refers to before the index does, and all of it when
 * saving has succeeded. The system calls of saving are watched, and a model knows what of their
 * work is only in memory.
 */
#define _GNU_SOURCE
#include "sandbox/failing.h"
#include "tests/kit/fail_sys.h"

#include "hv/process/process.h"

#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <mote/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES_MAX 64

/* A name in a folder that was made or changed, and what it leads to. */
struct entry {
	ino_t folder, node;
	char name[80];
	bool is_kept; /* the folder is on the disk since */
};

/* What is only in memory. */
static struct {
	struct entry entries[ENTRIES_MAX];
	size_t nentries;
	ino_t dirty[ENTRIES_MAX]; /* files with bytes that are not on the disk */
	size_t ndirty;
	unsigned nsyncs, nrenames;
	char trouble[256]; /* the first */
} model;

static char home[64];

static ino_t node_of(int at, const char *name)
{
	struct stat file;

	assert_int_equal(fstatat(at, name, &file, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW), 0);
	return file.st_ino;
}

__attribute__((format(printf, 1, 2))) static void trouble(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!model.trouble[0])
		vsnprintf(model.trouble, sizeof model.trouble, format, args);
	va_end(args);
}

/* The folder that a name is in, and the name. */
static ino_t split(int at, const char *path, char *name)
{
	char copy[256];

	snprintf(copy, sizeof copy, "%s", path);
	snprintf(name, sizeof model.entries[0].name, "%s", basename(copy));
	snprintf(copy, sizeof copy, "%s", path);
	return strchr(path, '/') ? node_of(AT_FDCWD, dirname(copy)) : node_of(at, "");
}

static void forget_entry(ino_t folder, const char *name)
{
	for (size_t i = 0; i < model.nentries; i++)
		if (model.entries[i].folder == folder && strcmp(model.entries[i].name, name) == 0)
			model.entries[i--] = model.entries[--model.nentries];
}

static void add_entry(int at, const char *path)
{
	char name[sizeof model.entries[0].name];
	const ino_t folder = split(at, path, name);

	forget_entry(folder, name);
	assert_true(model.nentries < ENTRIES_MAX);
	struct entry *entry = &model.entries[model.nentries++];
	*entry = (struct entry){ .folder = folder, .node = node_of(at, path) };
	snprintf(entry->name, sizeof entry->name, "%s", name);
}

static bool is_dirty(ino_t node)
{
	for (size_t i = 0; i < model.ndirty; i++)
		if (model.dirty[i] == node)
			return true;
	return false;
}

static void forget_bytes(ino_t node)
{
	for (size_t i = 0; i < model.ndirty; i++)
		if (model.dirty[i] == node)
			model.dirty[i--] = model.dirty[--model.ndirty];
}

/* Files under way, and the lock, may get lost. */
static bool matters(const struct entry *entry)
{
	return strncmp(entry->name, ".new-", 5) != 0 && strcmp(entry->name, ".lock") != 0;
}

/* Whether all that has a name is on the disk, but for that in EXCEPT. */
static void expect_kept(ino_t except, const char *when)
{
	for (size_t i = 0; i < model.nentries; i++) {
		const struct entry *entry = &model.entries[i];
		if (matters(entry) && !entry->is_kept && entry->folder != except)
			trouble("%s, %s can still get lost", when, entry->name);
	}
}

static int watched_openat(int folder, const char *name, int flags, mode_t mode)
{
	const bool is_new = (flags & O_CREAT) && faccessat(folder, name, F_OK, 0) != 0;
	const int fd = fail_sys.openat(folder, name, flags, mode);

	if (fd >= 0 && is_new)
		add_entry(folder, name);
	return fd;
}

static int watched_mkdirat(int folder, const char *name, mode_t mode)
{
	const int result = fail_sys.mkdirat(folder, name, mode);

	if (result == 0)
		add_entry(folder, name);
	return result;
}

static ssize_t watched_write(int fd, const void *from, size_t size)
{
	const ino_t node = node_of(fd, "");

	if (!is_dirty(node)) {
		assert_true(model.ndirty < ENTRIES_MAX);
		model.dirty[model.ndirty++] = node;
	}
	return fail_sys.write(fd, from, size);
}

static int watched_fsync(int fd)
{
	const ino_t node = node_of(fd, "");

	model.nsyncs++;
	forget_bytes(node);
	for (size_t i = 0; i < model.nentries; i++)
		model.entries[i].is_kept |= model.entries[i].folder == node;
	return fail_sys.fsync(fd);
}

static int watched_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	char name[sizeof model.entries[0].name];

	model.nrenames++;
	if (is_dirty(node_of(from_folder, from)))
		trouble("%s gets its name while its bytes can get lost", to);
	/* whoever sees the index counts on what was there before; and of a folder with a layout,
	 * that it is there, though not on what else is in it */
	if (strcmp(to, "index.json") == 0)
		expect_kept(0, to);
	if (strcmp(to, "oci-layout") == 0)
		expect_kept(node_of(to_folder, ""), to);
	forget_entry(split(from_folder, from, name), name);
	const int result = fail_sys.renameat(from_folder, from, to_folder, to);
	add_entry(to_folder, to);
	return result;
}

static int watched_unlinkat(int folder, const char *name, int flags)
{
	char last[sizeof model.entries[0].name];

	forget_entry(split(folder, name, last), last);
	forget_bytes(node_of(folder, name));
	return fail_sys.unlinkat(folder, name, flags);
}

/* A sandbox's snapshot, on a host that is watched. */
static void begin(struct life *life)
{
	static const struct hv_backend *const process[] = { &hv_process, NULL };
	static struct sys watched;
	struct hv_check check;

	life_begin(life, process, "state");
	hv_process.check(life->host, &check);
	if (!check.is_available) {
		print_message("SKIP: no process backend here: %s\n", check.reason);
		skip();
	}
	watched = fail_sys;
	watched.openat = watched_openat;
	watched.mkdirat = watched_mkdirat;
	watched.write = watched_write;
	watched.fsync = watched_fsync;
	watched.renameat = watched_renameat;
	watched.unlinkat = watched_unlinkat;
	((struct host *)(uintptr_t)life->host)->sys = &watched;
	life_reach(life, SNAPSHOT);
}

static void expect_saved(struct life *life, const char *folder, const char *tag, unsigned least)
{
	mote_error err;

	memset(&model, 0, sizeof model);
	if (mote_snapshot_save(life->clean, folder, tag, &err))
		fail_msg("%s", err.message);
	expect_kept(0, "after saving");
	if (model.ndirty > 0)
		trouble("bytes of %zu files can still get lost", model.ndirty);
	if (model.trouble[0])
		fail_msg("%s: %s", tag, model.trouble);
	assert_in_range(model.nrenames, least, 8);
	assert_in_range(model.nsyncs, 2 * least, 30);
}

static void what_was_saved_survives_a_power_cut(void **state)
{
	struct life life;
	char folder[96];

	(void)state;
	begin(&life);
	snprintf(folder, sizeof folder, "%s/new", home);
	expect_saved(&life, folder, "one", 5); /* layout, three blobs, index */
	expect_saved(&life, folder, "two",
		     1); /* the index, and a manifest if it is another second */
	/* one that is there but empty */
	snprintf(folder, sizeof folder, "%s/empty", home);
	assert_int_equal(mkdir(folder, 0777), 0);
	expect_saved(&life, folder, "one", 5);
	assert_null(life_end(&life));
}

static int delete (const char *path, const struct stat *file, int type, struct FTW *ftw)
{
	(void)file, (void)type, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	snprintf(home, sizeof home, "%s/mote-durable-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	return life_prepare_program(state) || !mkdtemp(home);
}

static int teardown(void **state)
{
	(void)state;
	return nftw(home, delete, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_saved_survives_a_power_cut),
	};
	return cmocka_run_group_tests_name("durable", tests, setup, teardown);
}

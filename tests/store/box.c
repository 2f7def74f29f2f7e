/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders with snapshots, for tests.
 */
#define _GNU_SOURCE
#include "store/box.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void box_init(struct box *box, struct guest *g)
{
	*box = (struct box){ .g = g, .options = { .size = sizeof box->options } };
	box->options.restore_audit = 1;
	snprintf(box->folder, sizeof box->folder, "%s/mote-store-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(box->folder));
	const mote_runtime_options *options =
		MOTE_OPTIONS(mote_runtime_options, .backend = g->backend);
	EXPECT_STATUS(g, mote_runtime_new(&box->rt, options, &g->err), MOTE_OK);
}

static int delete (const char *path, const struct stat *file, int type, struct FTW *ftw)
{
	(void)file;
	(void)type;
	(void)ftw;
	return remove(path);
}

void box_fini(struct box *box)
{
	mote_runtime_free(box->rt);
	nftw(box->folder, delete, 8, FTW_DEPTH | FTW_PHYS);
}

void box_save(struct box *box, const char *tag)
{
	struct guest *g = box->g;
	mote_snapshot *snapshot;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box->folder, tag, &g->err), MOTE_OK);
	mote_snapshot_unref(snapshot);
}

mote_status box_load(struct box *box, const char *tag, bool verify, mote_snapshot **out)
{
	return mote_snapshot_load(out, box->rt, box->folder, tag, verify, &box->g->err);
}

mote_snapshot *box_loaded(struct box *box, const char *tag)
{
	mote_snapshot *snapshot;

	EXPECT_STATUS(box->g, box_load(box, tag, false, &snapshot), MOTE_OK);
	return snapshot;
}

mote_sandbox *box_start(struct box *box, mote_snapshot *snapshot)
{
	mote_sandbox *sb;

	EXPECT_STATUS(
		box->g,
		mote_sandbox_from_snapshot(&sb, box->rt, snapshot, &box->options, &box->g->err),
		MOTE_OK);
	return sb;
}

uint64_t box_call(struct box *box, mote_sandbox *sb, const char *function, const mote_value *args,
		  size_t nargs)
{
	mote_value result;

	EXPECT_STATUS(box->g, mote_call(sb, function, args, nargs, &result, &box->g->err), MOTE_OK);
	return result.type == MOTE_I32   ? (uint64_t)result.as.i32
	       : result.type == MOTE_U32 ? result.as.u32
					 : result.as.u64;
}

const char *box_path(const struct box *box, const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", box->folder, name);
	return path;
}

/* Counts the blobs; stores the path of the largest to LARGEST, if there is room. */
static unsigned scan(const struct box *box, char *largest, size_t size)
{
	char path[512];
	off_t most = -1;
	unsigned n = 0;
	struct dirent *entry;

	snprintf(path, sizeof path, "%s", box_path(box, "blobs/sha256"));
	DIR *folder = opendir(path);
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		struct stat file;
		if (entry->d_name[0] == '.' &&
		    (!entry->d_name[1] || strcmp(entry->d_name, "..") == 0))
			continue;
		assert_int_equal(fstatat(dirfd(folder), entry->d_name, &file, 0), 0);
		if (largest && file.st_size > most) {
			most = file.st_size;
			snprintf(largest, size, "%s/%.100s", path, entry->d_name);
		}
		n++;
	}
	closedir(folder);
	return n;
}

const char *box_memory_path(const struct box *box)
{
	static char path[640];

	scan(box, path, sizeof path);
	return path;
}

unsigned box_count_blobs(const struct box *box)
{
	return scan(box, NULL, 0);
}

void page_sum_add(void *user, uint64_t address, const void *bytes)
{
	struct page_sum *sum = user;
	const unsigned char *at = bytes;

	assert_true(address > sum->last && address % 4096 == 0);
	sum->last = address;
	sum->pages++;
	sum->value = sum->value * 31 + address;
	for (unsigned i = 0; i < 4096; i++)
		sum->value = sum->value * 31 + at[i];
}

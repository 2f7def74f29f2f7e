/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving and loading on a host that fails: each allocation, the library's own and those that
 * libcrypto and the C library make on its behalf, and each system call, one after the other. What
 * was saved before stays what it was, nothing unfinished is left in the folder, and nothing in the
 * process.
 */
#define _GNU_SOURCE
#include "sandbox/failing.h"

#include "hv/kvm/kvm.h"
#include "hv/process/process.h"
#include "tests/kit/fail_malloc.h"

#include <dirent.h>
#include <ftw.h>
#include <mote/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder of this program, and in it one that has a snapshot "old" of a mote guest, and one
 * "ring0" of a hyperlight guest. */
static char home[64];
static char store[96];

static mote_status load(struct life *life, const char *folder, const char *tag, mote_snapshot **out,
			mote_error *err)
{
	*out = (mote_snapshot *)life;
	mote_status status = mote_snapshot_load(out, life->rt, folder, tag, true, err);
	if (status)
		assert_null(*out);
	return status;
}

/* Files that were begun and not finished. */
static unsigned count_unfinished(const char *folder, const char *below)
{
	char path[192];
	unsigned count = 0;
	struct dirent *entry;

	snprintf(path, sizeof path, "%s/%s", folder, below);
	DIR *list = opendir(path);
	while (list && (entry = readdir(list)))
		count += strncmp(entry->d_name, ".new-", 5) == 0;
	if (list)
		closedir(list);
	return count;
}

/* Looking there takes memory too, which is the test's. */
static void expect_finished(const char *folder)
{
	fail_malloc_count(false);
	assert_int_equal(count_unfinished(folder, "."), 0);
	assert_int_equal(count_unfinished(folder, "blobs/sha256"), 0);
	fail_malloc_count(true);
}

static int delete (const char *path, const struct stat *file, int type, struct FTW *ftw)
{
	(void)file, (void)type, (void)ftw;
	return remove(path);
}

static void delete_all(const char *folder)
{
	fail_malloc_count(false);
	nftw(folder, delete, 8, FTW_DEPTH | FTW_PHYS);
	fail_malloc_count(true);
}

/* Loads TAG, and nothing more. */
static mote_status look(struct life *life, const char *folder, const char *tag, mote_error *err)
{
	mote_snapshot *snapshot;
	mote_status status = load(life, folder, tag, &snapshot, err);

	mote_snapshot_unref(snapshot);
	return status;
}

static bool is_in_ring_0(const struct life *life)
{
	return strstr(life->path, "-hyper") != NULL;
}

/* What was saved in peace, of the guest at hand. */
static const char *old_tag(const struct life *life)
{
	return is_in_ring_0(life) ? "ring0" : "old";
}

/* If it fails, the next one goes on with what is there. */
static mote_status save_to_new_folder(struct life *life, mote_error *err)
{
	char folder[96];

	snprintf(folder, sizeof folder, "%s/new", home);
	mote_status status = mote_snapshot_save(life->clean, folder, "one", err);
	expect_finished(folder);
	if (!status)
		status = look(life, folder, "one", err);
	if (!status)
		delete_all(folder);
	return status;
}

static mote_status save_beside(struct life *life, mote_error *err)
{
	mote_status status = mote_snapshot_save(life->clean, store, "new", err);

	expect_finished(store);
	if (!status)
		status = look(life, store, "new", err);
	return status ? status : look(life, store, old_tag(life), err);
}

/* A sandbox that begins at what was loaded. */
static mote_status begin_at(struct life *life, mote_snapshot *snapshot, mote_error *err)
{
	mote_sandbox_options options;
	mote_host_function functions[2];
	mote_sandbox *sb;
	mote_value result;

	life_options(life, &options, functions);
	life->ngiven += 2;
	mote_status status = mote_sandbox_from_snapshot(&sb, life->rt, snapshot, &options, err);
	if (status)
		return status;
	status = mote_call(sb, "Count", MOTE_NO_ARGS, &result, err);
	if (!status)
		assert_int_equal(result.as.i32, is_in_ring_0(life) ? 1 : 101);
	mote_sandbox_free(sb);
	return status;
}

static mote_status load_old(struct life *life, mote_error *err)
{
	mote_snapshot *snapshot;
	mote_status status = load(life, store, old_tag(life), &snapshot, err);

	if (!status)
		status = begin_at(life, snapshot, err);
	mote_snapshot_unref(snapshot);
	return status;
}

/* What was loaded is saved again: its memory comes from a file that may fail. */
static mote_status load_and_save(struct life *life, mote_error *err)
{
	mote_snapshot *snapshot;
	mote_status status = load(life, store, old_tag(life), &snapshot, err);

	if (!status)
		status = mote_snapshot_save(snapshot, store, "again", err);
	expect_finished(store);
	mote_snapshot_unref(snapshot);
	return status;
}

/*
 * Operations whose failure may go unnoticed.
 * openat: a blob that cannot be looked at is not there, and is written; one of the same bytes that
 * is there is compared, by the others, and written as well if it cannot be. process_vm_readv,
 * process_vm_writev: a host that lacks them copies the memory's file. realloc: which pages the
 * guest writes is not known; nor is it without lseek. malloc: libcrypto can do without one of its
 * three; what it computes is compared. The others: a guest process is buried. Two snapshots of one
 * guest in ring 0 are the same, byte for byte.
 */
static const char *const saving[] = { "openat", "malloc", "process_vm_readv", "process_vm_writev",
				      NULL };
static const char *const comparing[] = {
	"openat", "fstat", "pread", "malloc", "realloc", "process_vm_readv", "process_vm_writev",
	NULL
};
static const char *const starting[] = {
	"process_vm_readv", "process_vm_writev", "malloc", "realloc", "ioctl", "poll", "lseek",
	"recvmsg",          "sendmsg",           NULL
};

/* clang-format off */
static const struct scenario scenarios[] = {
	{ "save to a new folder", "state", SNAPSHOT, save_to_new_folder,
	  MOTE_OK, { saving, 80 }, { saving, 80 } },
	{ "save beside another", "state", SNAPSHOT, save_beside,
	  MOTE_OK, { saving, 110 }, { saving, 110 } },
	{ "load", "state", RUNTIME, load_old,
	  MOTE_OK, { starting, 60 }, { starting, 60 } },
	{ "load and save", "state", RUNTIME, load_and_save,
	  MOTE_OK, { comparing, 80 }, { comparing, 80 } },
	{ "save a guest in ring 0", "cli", SNAPSHOT, save_to_new_folder,
	  MOTE_OK, { saving, 80 }, { NULL, 0 } },
	{ "load it", "cli", RUNTIME, load_old,
	  MOTE_OK, { starting, 60 }, { NULL, 0 } },
	{ "load and save it", "cli", RUNTIME, load_and_save,
	  MOTE_OK, { comparing, 80 }, { NULL, 0 } },
};
/* clang-format on */

/* Saves what is there before anything fails. */
static bool save_in_peace(const struct hv_backend *const *backends, const char *guest)
{
	mote_error err = { .message = "" };
	struct life life;

	life_begin(&life, backends, guest);
	life_reach(&life, SNAPSHOT);
	bool is_saved = mote_snapshot_save(life.clean, store, old_tag(&life), &err) == MOTE_OK &&
			load_and_save(&life, &err) == MOTE_OK;
	if (!is_saved)
		print_error("%s\n", err.message);
	return life_end(&life) == NULL && is_saved;
}

static bool prepare(void)
{
	static const struct hv_backend *const process[] = { &hv_process, NULL };
	static const struct hv_backend *const kvm[] = { &hv_kvm, NULL };
	struct hv_check check;

	snprintf(home, sizeof home, "%s/mote-failing-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (life_prepare_program(NULL) || !mkdtemp(home))
		return false;
	snprintf(store, sizeof store, "%s/store", home);
	hv_kvm.check(fail_host(0, FAIL_ONCE, 0), &check);
	return save_in_peace(process, "state") &&
	       (!check.is_available || save_in_peace(kvm, "cli"));
}

int main(void)
{
	int failures = 1;

	/* libcrypto does not survive each failure of its first use, which is behind us then */
	const bool is_prepared = prepare();
	fail_malloc_count(true);
	if (is_prepared)
		failures = failing_main(scenarios, sizeof scenarios / sizeof scenarios[0]);
	delete_all(home);
	return failures;
}

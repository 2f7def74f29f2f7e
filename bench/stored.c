/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures loading through the library's public API, from a disk's file whose pages are in memory,
 * as after the first load on a machine.
 */
#define _GNU_SOURCE
#include "bench/stored.h"

#include "bench/library.h"

#include <errno.h>
#include <ftw.h>
#include <mote/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define MIB ((uint64_t)1 << 20)

enum { FILLED_MIB = 256, HEAP_MIB = FILLED_MIB + 64 };

static bool fail(struct stored_bench *bench, const char *what)
{
	mote_error *err = &bench->backend->err;

	*err = (mote_error){ .code = MOTE_E_OS, .os_error = errno };
	snprintf(err->message, sizeof err->message, "a snapshot of %d MiB in %.200s: %s",
		 FILLED_MIB, bench->folder, what);
	return false;
}

static bool make_folder(struct stored_bench *bench)
{
	const char *at = getenv("TMPDIR");
	struct statvfs disk;

	snprintf(bench->folder, sizeof bench->folder, "%.200s/mote-bench-XXXXXX", at ? at : "/tmp");
	if (!mkdtemp(bench->folder)) {
		fail(bench, strerror(errno));
		bench->folder[0] = '\0'; /* nothing to remove */
		return false;
	}
	if (statvfs(bench->folder, &disk) < 0)
		return fail(bench, strerror(errno));
	if (disk.f_bavail * disk.f_frsize / MIB < HEAP_MIB)
		return fail(bench, "no room; set TMPDIR to where there is, or leave out the "
				   "subject with --filter");
	return true;
}

/* A snapshot of a guest that has filled its memory; NULL if something failed. */
static mote_snapshot *take_filled(struct stored_bench *bench)
{
	struct measured_backend *backend = bench->backend;
	mote_sandbox_options options = library_options;
	mote_value is_filled = { .type = MOTE_VOID };
	mote_snapshot *snapshot = NULL;
	mote_sandbox *sb;

	options.heap_size = HEAP_MIB * MIB;
	mote_status status = mote_sandbox_new(&sb, backend->image, &options, &backend->err);
	if (!status)
		status = mote_call(sb, "FillMemory", MOTE_ARGS((uint32_t)FILLED_MIB), &is_filled,
				   &backend->err);
	if (!status && !is_filled.as.boolean)
		fail(bench, "the guest has not so much memory");
	else if (!status)
		status = mote_snapshot_take(&snapshot, sb, &backend->err);
	mote_sandbox_free(sb);
	return status ? NULL : snapshot;
}

bool stored_bench_init(struct stored_bench *bench, struct measured_backend *backend)
{
	*bench = (struct stored_bench){ .backend = backend };
	mote_snapshot *snapshot = make_folder(bench) ? take_filled(bench) : NULL;
	if (!snapshot)
		return false;
	mote_status status = mote_snapshot_save(snapshot, bench->folder, "filled", &backend->err);
	mote_snapshot_unref(snapshot);
	return status == MOTE_OK;
}

static int delete (const char *path, const struct stat *file, int type, struct FTW *ftw)
{
	(void)file, (void)type, (void)ftw;
	return remove(path);
}

void stored_bench_fini(struct stored_bench *bench)
{
	if (bench->folder[0])
		nftw(bench->folder, delete, 8, FTW_DEPTH | FTW_PHYS);
	bench->folder[0] = '\0';
}

static uint64_t time_loads(struct stored_bench *bench, unsigned n, bool verify)
{
	uint64_t total = 0;

	if (!bench->folder[0])
		return BENCH_FAILED; /* backend->err says why */
	for (unsigned i = 0; i < n; i++) {
		mote_snapshot *snapshot;
		uint64_t start = bench_clock();
		if (mote_snapshot_load(&snapshot, bench->backend->rt, bench->folder, "filled",
				       verify, &bench->backend->err))
			return BENCH_FAILED;
		total += bench_clock() - start;
		mote_snapshot_unref(snapshot);
	}
	return total;
}

uint64_t load_snapshot(void *state, unsigned n)
{
	return time_loads(state, n, false);
}

uint64_t load_snapshot_verified(void *state, unsigned n)
{
	return time_loads(state, n, true);
}

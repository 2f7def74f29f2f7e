/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_snapshot.h - what a guest's memory held at one moment: immutable, shared by any number of
 * guest memories of the same layout.
 *
 * Only what the guest can write is kept, and of it only pages that are not zero: the image, init
 * data, stack and heap. Page tables, start block and tables are made anew from the layout, so that
 * nothing that the guest or a file says decides what is mapped; I/O buffers are empty between calls.
 *
 * The pages lie in a file, one run of them behind the other; those that are still as in the file of
 * a large image are not copied, but stay there. Guest memories map both privately, so
 * that clean pages exist once however many guests there are. A snapshot that was taken has a sealed
 * file, which stays what it is. One that was loaded has a file that anybody may write to or cut:
 * the host never touches a mapping of it, but reads the pages that it needs into a copy.
 *
 * Threads: any, at any time.
 */
#ifndef MEM_MEMORY_SNAPSHOT_H
#define MEM_MEMORY_SNAPSHOT_H

#include "base/error.h"
#include "base/host.h"
#include "mem/layout.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct file_mapping;
struct guest_memory;
struct sealed_file;

/* COUNT pages of RAM from FIRST on; in the file from FILE_PAGE on. */
struct page_run {
	uint64_t first;
	uint64_t count;
	uint64_t file_page;
};

/*
 * Each run is a mapping of every memory that is made from the snapshot. Mappings are dear where
 * there are many machines: the kernel asks each machine of the process about each mapping that is
 * made or goes, and a new machine locks each mapping that there is. So gaps of so many pages are
 * filled, and larger ones until there are no more than so many runs.
 */
#define MEMORY_SNAPSHOT_GAP      16
#define MEMORY_SNAPSHOT_RUNS_MAX 256

struct memory_snapshot {
	const struct host *host;
	atomic_uint nrefs;
	struct layout layout;
	int fd;
	uint64_t file_size;    /* bytes, whole pages; 0: all memory is zero */
	uint8_t *bytes;        /* the file, mapped, or a copy of it; NULL if it is empty */
	atomic_uchar *is_read; /* a page of the file each: it is in the copy; NULL: sealed */
	pthread_mutex_t lock;  /* of who reads into the copy */
	struct page_run *runs; /* by FIRST, ascending */
	size_t nruns;
	/* Where there are no runs: pages that nobody has changed since the guest's image was
	 * loaded, in the image's file. NULL: there are none. Loaded snapshots have none. */
	struct sealed_file *image;
	struct page_run *image_runs;
	size_t nimage_runs;
	uint8_t stack_guard[16];
	struct file_mapping *files[MOTE_MAPPINGS_MAX]; /* by address; references of its own */
	size_t nfiles;
	uint64_t next_gpa;
};

/*
 * Takes a snapshot of MEMORY, whose guest does not run, and makes it what MEMORY is restored
 * to: see guest_memory_restore(). The work is in proportion to the pages that were ever touched;
 * those of a large image count only if they were changed.
 * Errors: MOTE_E_NOMEM, MOTE_E_OS; MEMORY is unchanged then.
 */
mote_status memory_snapshot_take(struct memory_snapshot **out, struct guest_memory *memory,
				 mote_error *err);

/* One more reference. Returns SNAPSHOT. */
struct memory_snapshot *memory_snapshot_ref(struct memory_snapshot *snapshot);
/* Drops a reference; the last one frees, on whatever thread. NULL is fine. */
void memory_snapshot_unref(struct memory_snapshot *snapshot);

/* Whether memory of LAYOUT can be restored to SNAPSHOT. */
bool memory_snapshot_fits(const struct memory_snapshot *snapshot, const struct layout *layout);

/*
 * Makes a snapshot of memory of LAYOUT from the first FILE_SIZE bytes of FD, which is the
 * snapshot's if this succeeds, and otherwise stays the caller's. RUNS, by FIRST, and all else may
 * be anything: a file said so. Errors: MOTE_E_SNAPSHOT (runs that are not in order, not in memory
 * that snapshots keep, not in the file, or too many), MOTE_E_NOMEM, MOTE_E_OS.
 */
mote_status memory_snapshot_load(struct memory_snapshot **out, const struct host *host,
				 const struct layout *layout, const struct page_run *runs,
				 size_t nruns, int fd, uint64_t file_size,
				 const uint8_t stack_guard[16], mote_error *err);

/* Whether nobody can change the snapshot's file. */
static inline bool memory_snapshot_is_sealed(const struct memory_snapshot *snapshot)
{
	return !snapshot->is_read;
}

/* Whether the file still has all its bytes; guests that map one that was cut crash. Errors:
 * MOTE_E_OS. */
mote_status memory_snapshot_check_file(const struct memory_snapshot *snapshot, mote_error *err);

/* Stores where the bytes of PAGE of RAM are, as long as the snapshot; NULL: they are zero. Errors:
 * MOTE_E_OS (of a loaded snapshot). */
mote_status memory_snapshot_page(const struct memory_snapshot *snapshot, uint64_t page,
				 const uint8_t **bytes, mote_error *err);

/* The first pages, from FIRST to before END, that lie behind each other in one file; none when
 * there are none. All others are zero. */
struct page_run memory_snapshot_part(const struct memory_snapshot *snapshot, uint64_t first,
				     uint64_t end);

/* Whether the snapshot's own file has any of COUNT pages from FIRST on. */
bool memory_snapshot_has_own(const struct memory_snapshot *snapshot, uint64_t first,
			     uint64_t count);

/* Makes a snapshot with the pages of FROM, which has an image, in its own file; with nothing else
 * of it. Errors: MOTE_E_NOMEM, MOTE_E_OS. */
mote_status memory_snapshot_complete(struct memory_snapshot **out,
				     const struct memory_snapshot *from, mote_error *err);

/* Whether regions of KIND are part of snapshots. */
bool memory_snapshot_keeps(enum region_kind kind);

/* Whether all pages of RAM from FIRST to END - 1 lie in such regions. */
bool memory_snapshot_keeps_pages(const struct layout *layout, uint64_t first, uint64_t end);

#endif

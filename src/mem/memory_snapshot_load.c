/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of memory whose pages lie in a file that somebody else may change at any time. Guests
 * map it, and crash if pages of it are gone; the host must not. So what the host needs of it is
 * read into a copy, a page at a time, once for all guests, and the mapping of the copy is all that
 * it touches.
 */
#define _GNU_SOURCE
#include "mem/memory_snapshot.h"

#include "mem/file_mapping.h"
#include "mem/guest_memory_internal.h"
#include "mem/mapping.h"
#include "mem/memory_snapshot_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

static mote_status check_run(const struct layout *layout, const struct page_run *run,
			     uint64_t free_from, uint64_t file_pages, mote_error *err)
{
	const uint64_t npages = layout->ram.size / MOTE_PAGE_SIZE;

	if (run->count == 0 || run->first < free_from || run->first > npages ||
	    run->count > npages - run->first ||
	    !memory_snapshot_keeps_pages(layout, run->first, run->first + run->count))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "a run of %" PRIu64 " pages from page %" PRIu64
				 " of memory on overlaps another or is not memory that a snapshot "
				 "can have",
				 run->count, run->first);
	if (run->file_page > file_pages || run->count > file_pages - run->file_page)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "a run of %" PRIu64 " pages at page %" PRIu64
				 " of a file that has %" PRIu64,
				 run->count, run->file_page, file_pages);
	return MOTE_OK;
}

static mote_status check_runs(const struct layout *layout, const struct page_run *runs,
			      size_t nruns, uint64_t file_size, mote_error *err)
{
	uint64_t free_from = 0;

	if (nruns > MEMORY_SNAPSHOT_RUNS_MAX)
		return error_set(err, MOTE_E_SNAPSHOT, "%zu runs of pages; at most %d", nruns,
				 MEMORY_SNAPSHOT_RUNS_MAX);
	if (file_size % MOTE_PAGE_SIZE || file_size > layout->ram.size)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "a file of %" PRIu64 " bytes for memory of %" PRIu64
				 "; it must be whole pages and not larger",
				 file_size, layout->ram.size);
	for (size_t i = 0; i < nruns; i++) {
		mote_status status =
			check_run(layout, &runs[i], free_from, file_size / MOTE_PAGE_SIZE, err);
		if (status)
			return status;
		free_from = runs[i].first + runs[i].count;
	}
	return MOTE_OK;
}

mote_status memory_snapshot_check_file(const struct memory_snapshot *snapshot, mote_error *err)
{
	struct stat now;

	if (memory_snapshot_is_sealed(snapshot))
		return MOTE_OK;
	if (snapshot->host->sys->fstat(snapshot->fd, &now) < 0)
		return error_os(err, errno, "cannot tell the size of the snapshot's file");
	if (now.st_size < 0 || (uint64_t)now.st_size < snapshot->file_size)
		return error_os(err, EIO,
				"the snapshot's file was cut to %" PRId64 " of %" PRIu64 " bytes",
				(int64_t)now.st_size, snapshot->file_size);
	return MOTE_OK;
}

static uint64_t file_pages(const struct memory_snapshot *snapshot)
{
	return snapshot->file_size / MOTE_PAGE_SIZE;
}

/* Behind the copy: a byte a page. */
static size_t copy_size(const struct memory_snapshot *snapshot)
{
	return (size_t)(snapshot->file_size + file_pages(snapshot));
}

void memory_snapshot_unmap(struct memory_snapshot *snapshot)
{
	const size_t size = snapshot->is_read ? copy_size(snapshot) : (size_t)snapshot->file_size;

	if (snapshot->bytes)
		snapshot->host->sys->munmap(snapshot->bytes, size);
}

static mote_status read_fully(const struct memory_snapshot *snapshot, int fd, uint8_t *to,
			      size_t size, uint64_t offset, mote_error *err)
{
	const ssize_t n = sys_pread_all(snapshot->host->sys, fd, to, size, offset);

	if (n != (ssize_t)size)
		return error_os(err, n < 0 ? errno : EIO,
				"cannot read %zu bytes at %" PRIu64 " of the snapshot's file", size,
				offset);
	return MOTE_OK;
}

/* A page is as it was when it was read first, for all guests and for ever. */
static mote_status fetch(const struct memory_snapshot *snapshot, uint64_t page, mote_error *err)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&snapshot->lock;
	const uint64_t at = page * MOTE_PAGE_SIZE;
	uint8_t bytes[MOTE_PAGE_SIZE];
	mote_status status = read_fully(snapshot, snapshot->fd, bytes, sizeof bytes, at, err);

	if (status)
		return status;
	pthread_mutex_lock(lock);
	if (!atomic_load_explicit(&snapshot->is_read[page], memory_order_relaxed)) {
		memcpy(snapshot->bytes + at, bytes, sizeof bytes);
		atomic_store_explicit(&snapshot->is_read[page], 1, memory_order_release);
	}
	pthread_mutex_unlock(lock);
	return MOTE_OK;
}

mote_status memory_snapshot_page(const struct memory_snapshot *snapshot, uint64_t page,
				 const uint8_t **bytes, mote_error *err)
{
	mote_status status = MOTE_OK;

	if (!memory_snapshot_has_own(snapshot, page, 1)) {
		*bytes = memory_snapshot_image_page(snapshot->image, snapshot->image_runs,
						    snapshot->nimage_runs, page);
		return MOTE_OK;
	}
	*bytes = NULL;
	page = memory_snapshot_part(snapshot, page, page + 1).file_page;
	if (snapshot->is_read &&
	    !atomic_load_explicit(&snapshot->is_read[page], memory_order_acquire))
		status = fetch(snapshot, page, err);
	if (!status)
		*bytes = snapshot->bytes + page * MOTE_PAGE_SIZE;
	return status;
}

static mote_status map_copy(struct memory_snapshot *snapshot, mote_error *err)
{
	const size_t size = copy_size(snapshot);

	if (size == 0)
		return MOTE_OK;
	void *at = snapshot->host->sys->mmap(NULL, size, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot reserve %zu bytes for a snapshot's pages",
				size);
	snapshot->bytes = at;
	snapshot->is_read = (atomic_uchar *)(snapshot->bytes + snapshot->file_size);
	return MOTE_OK;
}
_Static_assert(sizeof(atomic_uchar) == 1, "the marks of pages are bytes, zero at first");

/* Where the host cannot look before it touches a page, all of the file is copied at once. */
static mote_status copy_all(struct memory_snapshot *snapshot, int from, mote_error *err)
{
	enum { AT_ONCE = 16 * MOTE_PAGE_SIZE };
	uint8_t chunk[AT_ONCE];
	mote_status status = memory_snapshot_create_file(snapshot, err);

	for (uint64_t at = 0, n; !status && at < snapshot->file_size; at += n) {
		n = snapshot->file_size - at < AT_ONCE ? snapshot->file_size - at : AT_ONCE;
		status = read_fully(snapshot, from, chunk, (size_t)n, at, err);
		if (!status)
			status = memory_snapshot_write(snapshot, chunk, (size_t)n, err);
	}
	return status ? status : memory_snapshot_seal(snapshot, err);
}

static mote_status load(struct memory_snapshot *snapshot, const struct page_run *runs, size_t nruns,
			int fd, mote_error *err)
{
	const struct host *host = snapshot->host;

	if (nruns > 0) {
		snapshot->runs = host_alloc_array(host, nruns, sizeof runs[0]);
		if (!snapshot->runs)
			return error_nomem(err, "the list of a snapshot's pages",
					   nruns * sizeof runs[0]);
		snapshot->nruns = nruns;
		memcpy(snapshot->runs, runs, nruns * sizeof runs[0]);
	}
	return mapping_can_check(host) ? map_copy(snapshot, err) : copy_all(snapshot, fd, err);
}

mote_status memory_snapshot_load(struct memory_snapshot **out, const struct host *host,
				 const struct layout *layout, const struct page_run *runs,
				 size_t nruns, int fd, uint64_t file_size,
				 const uint8_t stack_guard[16], mote_error *err)
{
	*out = NULL;
	mote_status status = check_runs(layout, runs, nruns, file_size, err);
	if (status)
		return status;
	struct memory_snapshot *snapshot = memory_snapshot_new(host, layout, err);
	if (!snapshot)
		return MOTE_E_NOMEM;
	snapshot->file_size = file_size;
	snapshot->next_gpa = guest_memory_first_file_gpa(layout);
	memcpy(snapshot->stack_guard, stack_guard, sizeof snapshot->stack_guard);
	status = load(snapshot, runs, nruns, fd, err);
	if (status) {
		memory_snapshot_unref(snapshot);
		return status;
	}
	if (snapshot->fd < 0)
		snapshot->fd = fd;
	else
		host->sys->close(fd);
	*out = snapshot;
	return MOTE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies of snapshots that refer to nothing else: what is in the file of a large image becomes part
 * of the snapshot's own, for whoever takes that away.
 */
#include "mem/memory_snapshot_internal.h"

/* Stores the runs of all pages of FROM to RUNS, if it is not NULL, and returns how many they are.
 * Where one file ends and another goes on there is no gap. */
static size_t list_runs(const struct memory_snapshot *from, struct page_run *runs)
{
	const uint64_t npages = from->layout.ram.size / MOTE_PAGE_SIZE;
	struct page_run part, run = { 0 };
	size_t n = 0;

	for (uint64_t at = 0; (part = memory_snapshot_part(from, at, npages)).count;
	     at = part.first + part.count) {
		if (n == 0 || part.first != run.first + run.count) {
			run = (struct page_run){ part.first, 0, run.file_page + run.count };
			n++;
		}
		run.count += part.count;
		if (runs)
			runs[n - 1] = run;
	}
	return n;
}

static mote_status write_parts(struct memory_snapshot *snapshot, const struct memory_snapshot *from,
			       mote_error *err)
{
	const uint64_t npages = from->layout.ram.size / MOTE_PAGE_SIZE;
	mote_status status = memory_snapshot_create_file(snapshot, err);
	struct page_run part;

	for (uint64_t at = 0; !status && (part = memory_snapshot_part(from, at, npages)).count;
	     at = part.first + part.count) {
		const uint8_t *bytes;
		const size_t size = (size_t)(part.count * MOTE_PAGE_SIZE);
		status = memory_snapshot_page(from, part.first, &bytes, err);
		if (!status)
			status = memory_snapshot_write(snapshot, bytes, size, err);
		snapshot->file_size += size;
	}
	return status ? status : memory_snapshot_seal(snapshot, err);
}

mote_status memory_snapshot_complete(struct memory_snapshot **out,
				     const struct memory_snapshot *from, mote_error *err)
{
	struct memory_snapshot *snapshot = memory_snapshot_new(from->host, &from->layout, err);
	const size_t nruns = list_runs(from, NULL);

	*out = NULL;
	if (!snapshot)
		return MOTE_E_NOMEM;
	snapshot->runs = host_alloc_array(from->host, nruns, sizeof snapshot->runs[0]);
	mote_status status = snapshot->runs ? MOTE_OK
					    : error_nomem(err, "the list of a snapshot's pages",
							  nruns * sizeof snapshot->runs[0]);
	if (!status) {
		snapshot->nruns = list_runs(from, snapshot->runs);
		status = write_parts(snapshot, from, err);
	}
	if (status) {
		memory_snapshot_unref(snapshot);
		return status;
	}
	*out = snapshot;
	return MOTE_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_parts.h - the door between libmote and libmote-store: a snapshot taken apart, and put
 * together again.
 *
 * The functions here are exported, but not installed and promised to nobody: both libraries are
 * of the same release, and the version node that they are under names it.
 *
 * Parts may come from a file that an enemy wrote. All numbers are checked here, on the inside, and
 * what decides what a guest may do (page tables, descriptors, the layout) is made anew from
 * segments and sizes: no file says it. Pointers and counts must belong together; strings must end.
 */
#ifndef SANDBOX_SNAPSHOT_PARTS_H
#define SANDBOX_SNAPSHOT_PARTS_H

#include "base/host.h"
#include "guest_abi/signal_state.h"

#include <mote/image.h>
#include <mote/snapshot.h>

#include <stdint.h>

/* Pages of the heap, from its first one on, that the guest has allocated. */
struct snapshot_range {
	uint64_t first, count;
};

/* COUNT pages from guest virtual ADDRESS on: in the file from FILE_PAGE on. In one region. */
struct snapshot_run {
	uint64_t address, count, file_page;
};

/* Where the layout puts what the guest has pointers to. A library that puts it elsewhere cannot go
 * on with the snapshot. 0: there is none. */
struct snapshot_places {
	uint64_t heap, stack, input, output, init_data;
};

/* More ranges than this come of a heap in shreds; a snapshot of one cannot be saved. */
#define SNAPSHOT_RANGES_MAX 262144

/* A run of pages is split where one region ends and another begins. */
#define SNAPSHOT_RUNS_MAX 512

struct snapshot_parts {
	/* the guest */
	const char *name;
	uint32_t abi_version;
	bool is_pie;
	uint64_t entry;
	const mote_segment_info *segments; /* their bytes in the file do not count */
	size_t nsegments;
	const mote_function_info *exports, *imports;
	size_t nexports, nimports;
	uint64_t cpu_features; /* hv/cpu_features.h */

	/* the host */
	const mote_function_info *host_functions; /* by name */
	size_t nhost_functions;

	/* memory */
	uint64_t heap_size, stack_size, input_size, output_size, init_data_size;
	uint64_t buffer_size; /* 0: there are no buffers for bulk data */
	unsigned init_data_rights;
	struct snapshot_places places;
	uint64_t brk; /* bytes of the heap */
	const struct snapshot_range *used;
	size_t nused;
	uint8_t stack_guard[16];
	uint64_t memory_size; /* of all that the guest has; not read */
	uint64_t file_size;
	const struct snapshot_run *runs; /* by address */
	size_t nruns;

	/* where it goes on */
	uint64_t dispatch, call_stack, fs_base, generation;
	struct signals signals;

	/* only when taken apart */
	const char *mapped_file;        /* the label of one; NULL: there is none */
	const char *open_file;          /* the same of files that the guest has open, by path */
	const char *changed_file;       /* the same of files that the guest has changed */
	int fd;                         /* pages are read from here; MEMORY's */
	struct memory_snapshot *memory; /* a reference: all pages, with what RUNS say in its file */
};

/* The services of RT: libmote-store uses no others. As long as RT. */
MOTE_API const struct host *mote_private_host(const mote_runtime *rt);
MOTE_API const struct host *mote_private_snapshot_host(const mote_snapshot *snapshot);

/* "avx2", ...: see hv/cpu_features.h. */
MOTE_API const char *mote_private_cpu_feature(unsigned bit);

/* Where everything is in SNAPSHOT, which PARTS point into. Errors: MOTE_E_LIMIT (the heap is in
 * shreds), MOTE_E_NOMEM; nothing is to be freed then. */
MOTE_API mote_status mote_private_snapshot_open(struct snapshot_parts *parts,
						const mote_snapshot *snapshot, mote_error *err);
MOTE_API void mote_private_snapshot_close(struct snapshot_parts *parts,
					  const mote_snapshot *snapshot);

/*
 * Makes a snapshot for RT from PARTS, which are copied, and from the file FD, which is the
 * snapshot's if this succeeds. Errors: MOTE_E_SNAPSHOT (with the part that is not sound, or that
 * this machine or library cannot go on with), MOTE_E_NOMEM, MOTE_E_OS. *OUT is NULL then.
 */
MOTE_API mote_status mote_private_snapshot_make(mote_snapshot **out, mote_runtime *rt,
						const struct snapshot_parts *parts, int fd,
						mote_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_parts.h - the door between libmote and libmote-store: a snapshot taken apart, and put
 * together again.
 *
 * The functions here are exported, but not installed and promised to nobody: both libraries are
 * of the same release, and the version node that they are under names it.
 *
 * Parts may come from a file that an enemy wrote. All numbers are checked here, on the inside, and
 * what decides what a guest may do (of mote's own guests page tables, descriptors and the layout;
 * of those in ring 0, which have no others, the slots of the machine) is made anew from segments
 * and sizes: no file says it. Pointers and counts must belong together; strings must end.
 */
#ifndef SANDBOX_SNAPSHOT_PARTS_H
#define SANDBOX_SNAPSHOT_PARTS_H

#include "base/host.h"
#include "guest_abi/signal_state.h"
#include "hv/system.h"

#include <mote/image.h>
#include <mote/snapshot.h>

#include <stdint.h>

/* Pages of the heap, from its first one on, that the guest has allocated. */
struct snapshot_range {
	uint64_t first, count;
};

/* COUNT pages from ADDRESS on: in the file from FILE_PAGE on. Of a mote guest the address is
 * virtual, and a run is in one region. Of a hyperlight guest it is physical, and page tables go on
 * where the data end. */
struct snapshot_run {
	uint64_t address, count, file_page;
};

/* Where the layout puts what the guest has pointers to. A library that puts it elsewhere cannot go
 * on with the snapshot. 0: there is none. */
struct snapshot_places {
	uint64_t heap, stack, input, output, init_data;
};

struct sealed_file;

/* A generation that no sandbox reaches by counting. */
#define SNAPSHOT_GENERATION_MAX (UINT64_C(1) << 62)

/* More ranges than this come of a heap in shreds; a snapshot of one cannot be saved. */
#define SNAPSHOT_RANGES_MAX 262144

/* Of a mote guest, a run of pages is split where one region ends and another begins. */
#define SNAPSHOT_RUNS_MAX 512

/* A guest of mote's own ABI. */
struct mote_parts {
	uint32_t abi_version;
	uint64_t heap_size, stack_size, input_size, output_size, init_data_size;
	uint64_t buffer_size; /* 0: there are no buffers for bulk data */
	unsigned init_data_rights;
	struct snapshot_places places;
	uint64_t brk; /* bytes of the heap */
	const struct snapshot_range *used;
	size_t nused;
	uint8_t stack_guard[16];
	uint64_t dispatch, call_stack, fs_base;
	struct signals signals;
};

/* A guest of the hyperlight ABI. Its pages are all that it had mapped, and behind them its page
 * tables, which are its own business: nothing that the host relies on follows from them. */
struct hyperlight_parts {
	uint64_t input_size, output_size, heap_size, scratch_size, init_data_size;
	uint64_t image_size;             /* where it was at first */
	uint64_t data_size, tables_size; /* bytes */
	uint64_t dispatch, stack;
	/* Less CR2 and CR8, which mean nothing between calls, and CR3, which follows from sizes. */
	struct hv_system system;
};

struct snapshot_parts {
	const char *guest_abi;     /* decides which of the two below counts */
	const char *guest_version; /* as the image says it, "": it says none. mote: not read */
	struct mote_parts mote;
	struct hyperlight_parts hyperlight;

	/* the guest */
	const char *name;
	bool is_pie;
	uint64_t entry;
	const mote_segment_info *segments; /* their bytes in the file do not count */
	size_t nsegments;
	const mote_function_info *exports, *imports; /* where the ABI lists them */
	size_t nexports, nimports;
	uint64_t cpu_features; /* hv/cpu_features.h */

	/* the host */
	const mote_function_info *host_functions; /* by name */
	size_t nhost_functions;

	/* memory */
	uint64_t memory_size; /* of all that the guest has; not read */
	uint64_t file_size;
	const struct snapshot_run *runs; /* by address */
	size_t nruns;

	uint64_t generation;

	/* only when taken apart */
	const char *mapped_file;  /* the label of one; NULL: there is none */
	const char *open_file;    /* the same of files that the guest has open, by path */
	const char *changed_file; /* the same of files that the guest has changed */
	int fd;                   /* pages are read from here; it is of one of the two below */
	struct memory_snapshot *memory; /* a reference: all pages, with what RUNS say in its file */
	struct sealed_file *pages;
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

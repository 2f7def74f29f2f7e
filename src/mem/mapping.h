/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.h - address space from the operating system: the part of shared_mem.c that
 * differs between systems. Used by nothing else.
 *
 * A mapping is a stretch of readable, writable, zero bytes with an unmapped guard page on each
 * side, on a 2 MiB boundary unless it is smaller than that. Its storage is the caller's;
 * functions may be called from any thread.
 */
#ifndef MEM_MAPPING_H
#define MEM_MAPPING_H

#include "base/error.h"
#include "base/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
	uint8_t *base;
	size_t size;
	int fd;                       /* of the memory, or -1; always -1 on Windows */
	void *section;                /* that the memory is of, on Windows; else NULL */
	size_t files_from, files_end; /* where parts come from other files: mapping_show_file() */
	bool may_fault; /* and those may be cut: use mapping_read() and mapping_write() */
	void *reserved; /* with guards and what alignment costs */
	size_t reserved_size;
};

/* Maps SIZE bytes, whole pages; with a descriptor if WITH_FD and where there are descriptors.
 * Errors: MOTE_E_NOMEM, MOTE_E_OS; nothing stays mapped or open then. */
mote_status mapping_init(struct mapping *mapping, const struct host *host, size_t size,
			 bool with_fd, mote_error *err);
void mapping_fini(struct mapping *mapping, const struct host *host);

/* Makes the whole mapping read-only for this process. Errors: MOTE_E_OS. */
mote_status mapping_seal(struct mapping *mapping, const struct host *host, mote_error *err);

/* Makes pages resident at once, which costs a fraction of one fault a page. OFFSET and SIZE are
 * whole pages inside the mapping. Only speed depends on it, so it cannot fail. */
void mapping_populate(struct mapping *mapping, const struct host *host, size_t offset, size_t size);

/* Gives pages back, so that they read as zero when they are touched next. OFFSET and SIZE are
 * whole pages inside the mapping. False if that cannot be, as on Windows: nothing has changed. */
bool mapping_discard(struct mapping *mapping, const struct host *host, size_t offset, size_t size);

/* Has pages that are touched from now on come as huge pages. False if that cannot be: nothing has
 * changed. */
bool mapping_prefer_huge(struct mapping *mapping, const struct host *host, size_t offset,
			 size_t size);

/*
 * Sets the bit of each page (page P is bit P % 64 of BITS[P / 64], all clear before) that may be
 * other than it was when it was mapped, discarded or shown: nobody has touched the others. Errors:
 * MOTE_E_OS.
 */
mote_status mapping_touched(const struct mapping *mapping, const struct host *host, uint64_t *bits,
			    mote_error *err);

/* Replaces whole pages by zeroes. Errors: MOTE_E_OS; the pages are undefined then. */
mote_status mapping_show_zeroes(struct mapping *mapping, const struct host *host, size_t offset,
				size_t size, mote_error *err);

/*
 * Replaces whole pages: by the SIZE bytes of FD at FILE_OFFSET, which must be there, and which stay
 * as they are whatever is written to the mapping. Memory without a descriptor maps the file, whose
 * pages are read when they are touched; memory with one copies them. IS_SEALED: nobody can cut the
 * file. Errors: MOTE_E_OS; the pages are undefined then.
 */
mote_status mapping_show_file(struct mapping *mapping, const struct host *host, size_t offset,
			      size_t size, int fd, uint64_t file_offset, bool is_sealed,
			      mote_error *err);

/*
 * The same for memory with a descriptor and a sealed file, without a copy: the host sees the file
 * there, and can only read. The memory's own pages, which only others see meanwhile, come back by
 * mapping_show_own(). Errors: MOTE_E_OS; the pages are undefined then.
 */
mote_status mapping_show_sealed(struct mapping *mapping, const struct host *host, size_t offset,
				size_t size, int fd, uint64_t file_offset, mote_error *err);
mote_status mapping_show_own(struct mapping *mapping, const struct host *host, size_t offset,
			     size_t size, mote_error *err);

/*
 * Copies out of and into the mapping, for when it may_fault: a page whose file was cut, which would
 * end the process if it were touched, is an error. Errors: MOTE_E_OS; part may have been copied.
 */
mote_status mapping_read(const struct mapping *mapping, const struct host *host, size_t offset,
			 void *to, size_t size, mote_error *err);
mote_status mapping_write(const struct mapping *mapping, const struct host *host, size_t offset,
			  const void *from, size_t size, mote_error *err);

/* Whether mapping_read() and mapping_write() work at all: sandboxes that processes live in may
 * forbid the system calls behind them. */
bool mapping_can_check(const struct host *host);

#endif

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
	int fd;         /* of the memory, or -1; always -1 on Windows */
	void *section;  /* that the memory is of, on Windows; else NULL */
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
 * whole pages inside the mapping. False if the system refuses, as Windows does: nothing has
 * changed. */
bool mapping_discard(struct mapping *mapping, const struct host *host, size_t offset, size_t size);

#endif

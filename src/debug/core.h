/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.h - core files of guests, as debuggers know them from Linux.
 *
 * What a file has: a note segment (registers, name, signal, auxiliary vector), and a segment for
 * each region that the guest has; neighbours become one where that is possible. Files that were
 * mapped are listed without their contents, which are on disk anyway.
 *
 * Threads: as the sandbox.
 */
#ifndef DEBUG_CORE_H
#define DEBUG_CORE_H

#include "base/host.h"
#include "guest_abi/guest_abi.h"
#include "hv/hv.h"
#include "image/image.h"

/* A guest that stands still. All of it is the caller's. */
struct core {
	const struct host *host;
	struct guest *guest;
	const struct mote_image *image;
	struct hv_regs regs;
	uint64_t fs_base;
	int signal; /* what Linux would have ended it with; 0: nothing did */
	uint64_t fault_address;
};

/* Segments of a core file, less that of the notes. Guests that build their own page tables can have
 * more regions than anybody wants: what is behind so many is left out, and the log says so. */
#define CORE_SEGMENTS_MAX 1024

/* Room for the notes of a core file. */
#define CORE_NOTES_SIZE 1024

/* Writes the notes of CORE to NOTES, CORE_NOTES_SIZE zeroed bytes; returns how many it needed. */
size_t core_notes(const struct core *core, uint8_t *notes);

/* Writes the core file of CORE to PATH; see mote_sandbox_core(). Errors: MOTE_E_NOMEM, MOTE_E_OS. */
mote_status core_write(const struct core *core, const char *path, mote_error *err);

#endif

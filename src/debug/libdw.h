/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdw.h - debug information of guests, read by elfutils' libdw where that is installed.
 *
 * libdw is looked for at run time, so that the library needs it neither to be linked nor to run;
 * and only if the embedder wants it, because it parses what a stranger has made, in this process.
 * It is never let near other files: those that have some of their debug information elsewhere have
 * none here. Nor is the network asked.
 *
 * Threads: a struct libdw never changes, any thread may use it; a reader belongs to one.
 */
#ifndef DEBUG_LIBDW_H
#define DEBUG_LIBDW_H

#include "base/host.h"
#include "debug/frames.h"
#include "image/elf.h"

struct libdw;

/* Loads libdw. NULL where it is not installed, this library was built without its headers, or
 * memory is out. */
struct libdw *libdw_new(const struct host *host);
void libdw_free(struct libdw *libdw); /* NULL is fine */

/* Debug information of one file. */
struct libdw_reader;

/* Begins to read that of ELF, which must outlive the reader. NULL if it has none, or memory is out.
 * Allocates with malloc, as libdw does. */
struct libdw_reader *libdw_begin(const struct libdw *libdw, const struct elf *elf);
void libdw_end(struct libdw_reader *reader); /* NULL is fine */

/* As frames_walk(), by what the file says about each function's frame; there may be more than
 * WANTED of those. */
size_t libdw_walk(struct libdw_reader *reader, struct guest *guest,
		  const struct frames_start *start, struct frame *frames, size_t wanted);

/* Functions that are inlined into each other at most. */
#define LIBDW_INLINED_MAX 16

/* A function and where in it an instruction comes from. Not fit to be printed; NULL, 0: not known.
 * Strings live as long as the reader. */
struct libdw_place {
	const char *function;
	const char *file;
	uint32_t line;
};

/*
 * Stores the functions that ADDRESS belongs to in PLACES, which has room for LIBDW_INLINED_MAX, and
 * returns how many there are: those that were inlined, innermost first, and last the one that they
 * were inlined into.
 */
size_t libdw_find(struct libdw_reader *reader, uint64_t address, struct libdw_place *places);

#endif

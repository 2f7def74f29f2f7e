/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - what the library asks of the process that it lives in: memory, system
 * calls, and a place for log lines.
 *
 * The runtime owns one struct host; every module gets a pointer to it and uses
 * nothing else of the outside world. It never changes after the runtime was made,
 * so any thread may use it, in that process and in those that are forked from it.
 */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include "base/sys.h"

#include <mote/runtime.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host {
	const struct sys *sys;
	void *(*realloc)(void *user, void *ptr, size_t old_size, size_t new_size);
	void *realloc_user;
	void (*log)(void *user, mote_log_level level, const char *source, const char *message);
	void *log_user;
	mote_log_level log_level;
	int interrupt_signal; /* of the runtime's options; 0: the default */
	/* Not 0 in the process that made the runtime; 0 in those that are forked from it. NULL:
	 * nobody asks. */
	const uint32_t *is_original;
};

/* A host with the real system calls, malloc and no log. */
void host_init(struct host *host);

/*
 * From now on host_is_forked() tells. A virtual machine belongs to the process that made it, and a
 * guest process to its launcher: in a child of fork() all handles lead to what is the parent's.
 * Errors: MOTE_E_OS.
 */
mote_status host_watch_forks(struct host *host, mote_error *err);
void host_unwatch_forks(struct host *host); /* one that does not watch is fine */

/* Whether this process is a forked copy of the one that called host_watch_forks(). Costs a load. */
static inline bool host_is_forked(const struct host *host)
{
	return host->is_original && !*host->is_original;
}

/* SIZE zeroed bytes, or NULL. SIZE must not be 0. */
void *host_alloc(const struct host *host, size_t size);

/* COUNT times SIZE zeroed bytes, or NULL when memory is out or the product wraps. */
void *host_alloc_array(const struct host *host, size_t count, size_t size);

/* Frees what host_alloc() gave; SIZE is what was asked for. NULL is fine. */
void host_free(const struct host *host, void *ptr, size_t size);

/* Whether a line of LEVEL would reach anyone: ask before costly formatting. */
bool host_logs(const struct host *host, mote_log_level level);

/* A line of the library's own. */
void host_log(const struct host *host, mote_log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * A line that a guest wrote: SIZE bytes of anything. Control characters and
 * bytes that are not UTF-8 arrive escaped, so that a guest cannot steer the
 * terminal that shows the log. Lines over 1 KiB are cut. The bytes that arrive are taken from
 * *ROOM; false, and nothing is logged or taken, if there are more of them.
 */
bool host_log_guest(const struct host *host, mote_log_level level, const char *text, size_t size,
		    uint64_t *room);

#endif

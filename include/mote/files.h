/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/files.h - the files that a guest has, if it is given any.
 *
 * A guest has no files. A list of struct mote_directory in the options of its sandbox gives it
 * some: directories of the host, read-only or with changes that stay in the sandbox; empty
 * directories in memory; or whatever a program serves by functions of its own. Nothing that
 * a guest does ever changes a file of the host.
 */
#ifndef MOTE_FILES_H
#define MOTE_FILES_H

#include <mote/status.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a mote_directory. */
enum {
	/* The guest may change what it finds there. The changes are kept in the host's memory, for
	 * this sandbox alone, and are gone when it is restored or freed. */
	MOTE_DIR_PRIVATE = 1,
};

/*
 * A directory for a guest. All is copied when the sandbox is made.
 *
 * HOST is opened then, and stays open: it may be renamed or removed. What the guest opens is opened
 * beneath it: no "..", no symbolic link and no change that somebody makes meanwhile leads
 * out. Symbolic links are followed inside of what the guest has; an absolute one begins
 * at the guest's "/". Only regular files and directories can be opened; devices, pipes and sockets
 * are refused with EACCES. The guest sees a file of the host as it is at each read. Each file
 * that it has open there takes one descriptor of the process.
 */
typedef struct mote_directory {
	const char *guest;  /* where the guest finds it: an absolute path, "/data" or "/" */
	const char *host;   /* a directory of the host; NULL: an empty one, in memory */
	uint64_t flags;     /* MOTE_DIR_PRIVATE, which one in memory must have; or 0 */
	uint64_t max_bytes; /* of memory for its changes; 0: 64 MiB; beyond it is ENOSPC */
} mote_directory;

#ifdef __cplusplus
}
#endif

#endif /* MOTE_FILES_H */

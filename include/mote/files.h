/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/files.h - the files that a guest has, if it is given any.
 *
 * A guest has no files but /dev/null, /dev/zero, /dev/random and /dev/urandom, which are no
 * host's. A list of struct mote_directory in the options of its sandbox gives it more: directories
 * of the host, read-only or with changes that stay in the sandbox; empty directories in memory; or
 * whatever a program serves by functions of its own. Nothing that a guest does ever changes a file
 * of the host.
 */
#ifndef MOTE_FILES_H
#define MOTE_FILES_H

#include <mote/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Flags of a mote_directory. */
enum {
	/* The guest may change what it finds there. The changes are kept in the host's memory, for
	 * this sandbox alone, and by its snapshots: a restore brings back those of the snapshot,
	 * and all others are gone then. */
	MOTE_DIR_PRIVATE = 1,
};

/* What a file of a mote_file_system is. */
typedef struct mote_file_info {
	uint64_t size;    /* bytes */
	int64_t modified; /* seconds since 1970 */
	bool is_directory;
} mote_file_info;

/* How a file is opened; 0: to be read. Nothing else is asked of a file system without write(). */
enum {
	MOTE_FILE_WRITE = 1,
	MOTE_FILE_CREATE = 2,   /* it is not there */
	MOTE_FILE_TRUNCATE = 4, /* its contents are to go */
};

/*
 * Files that the embedder serves itself. Each function gets the USER of its mote_directory, and
 * returns 0 or an errno value, which the guest gets; ENOENT for what is not there. Paths are
 * relative to the directory, "" is the directory itself; they have no "." nor ".." in them, but
 * anything else that a guest makes up.
 *
 * They run on the thread that runs the guest, while it waits, under the rules of a mote_host_fn:
 * they may block, and must not use the sandbox. Files that are open when a sandbox is freed or
 * restored are closed. A snapshot cannot be taken while one is open.
 */
typedef struct mote_file_system {
	size_t size; /* sizeof(mote_file_system); set by the macro */
	int (*look)(void *user, const char *path, mote_file_info *info);
	int (*open)(void *user, const char *path, unsigned how, void **file);
	/* *SIZE comes as what there is room for, and goes as what was read: 0 at the end. */
	int (*read)(void *user, void *file, uint64_t at, void *to, size_t *size);
	int (*write)(void *user, void *file, uint64_t at, const void *from,
		     size_t *size); /* NULL: read-only */
	void (*close)(void *user, void *file);
	/* The name of the entry of number INDEX, from 0 on, of a directory, with its NUL; ENOENT
	 * behind the last. NULL: directories cannot be listed. */
	int (*list)(void *user, const char *path, uint64_t index, char name[256]);
} mote_file_system;

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
	const char *guest; /* where the guest finds it: an absolute path, "/data" or "/" */
	const char *host;  /* a directory of the host; NULL: an empty one, in memory, or SYSTEM's */
	uint64_t flags;    /* MOTE_DIR_PRIVATE, which one in memory must have; or 0 */
	uint64_t max_bytes; /* of memory for its changes; 0: 64 MiB; beyond it is ENOSPC */
	const mote_file_system *system; /* NULL, or who serves it; HOST and flags are 0 then */
	void *user;                     /* for its functions */
} mote_directory;

#ifdef __cplusplus
}
#endif

#endif /* MOTE_FILES_H */

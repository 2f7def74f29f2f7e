/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_paths.h - from a path of the guest's to a place in one of its mounts.
 *
 * Threads: as its sandbox.
 */
#ifndef GUEST_ABI_MOTE_FILE_PATHS_H
#define GUEST_ABI_MOTE_FILE_PATHS_H

#include "guest_abi/mote/files.h"

/*
 * Finds what PATH, of at most FILES_PATH_SIZE bytes with its NUL, leads to from FOLDER on: a
 * descriptor of a folder, or AT_FDCWD. A link at the end is what is found unless FOLLOWS. That
 * nothing is there is no error (place->missing), nor that no mount has it. Then place_drop() must
 * follow. -ENOENT (an empty path), -ENAMETOOLONG, -ELOOP, -ENOTDIR, -EBADF, -EACCES: nothing is to
 * be dropped.
 */
int64_t place_find(struct files *files, struct place *place, uint64_t folder, const char *path,
		   bool follows);
void place_drop(struct files *files, struct place *place);

/* If no mount has PLACE: notes its path, the first few of them, and how often. */
void place_note(struct files *files, const struct place *place);

/* The part of the place's path that is beneath its mount: "" is the mount itself. */
const char *place_below(const struct place *place);

/*
 * Appends PATH to the absolute and normalised BASE (of FILES_PATH_SIZE bytes): "." and empty names
 * are left out, ".." takes the last name away, if there is one. -ENAMETOOLONG, also for a name of
 * more than FILES_NAME_MAX bytes; BASE is of no use then.
 */
int64_t path_append(char *base, const char *path);

/* The path of the mount or device of that number, without a slash at its end; NULL: there are
 * fewer. */
const char *path_of_number(const struct files *files, size_t number);

/* Whether a mount or device is somewhere below PATH, or it is "/", which is always there. */
bool path_is_branch(const struct files *files, const char *path);

#endif

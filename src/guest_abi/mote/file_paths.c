/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes paths of guests apart. Only here are they put together, so nothing that comes out has
 * "..", and nobody behind this has to look for it.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* As many links as Linux follows. */
#define LINKS_MAX 40

int64_t path_append(char *base, const char *path)
{
	size_t used = strcmp(base, "/") == 0 ? 0 : strlen(base);

	while (*path) {
		const size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.') {
			while (used && base[--used] != '/')
				;
		} else if (length && !(length == 1 && path[0] == '.')) {
			if (length > FILES_NAME_MAX || length + 1 >= FILES_PATH_SIZE - used)
				return -ENAMETOOLONG;
			base[used++] = '/';
			memcpy(base + used, path, length);
			used += length;
		}
		path += length;
		path += *path == '/';
	}
	if (used == 0)
		base[used++] = '/';
	base[used] = '\0';
	return 0;
}

/* Whether PATH is the one of LENGTH bytes, or lies below it. */
static bool is_below(const char *path, const char *above, size_t length)
{
	return strncmp(path, above, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

const char *path_of_number(const struct files *files, size_t number)
{
	return number < files->nmounts ? files->mounts[number].path
				       : device_path(number - files->nmounts);
}

bool path_is_branch(const struct files *files, const char *path)
{
	const size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);
	const char *lower;

	for (size_t i = 0; (lower = path_of_number(files, i)); i++)
		if (is_below(lower, path, length))
			return true;
	return length == 0;
}

static struct mount *mount_of(const struct files *files, const char *path)
{
	struct mount *best = NULL;

	for (size_t i = 0; i < files->nmounts; i++) {
		struct mount *mount = &files->mounts[i];
		if (is_below(path, mount->path, mount->length) &&
		    (!best || mount->length > best->length))
			best = mount;
	}
	return best;
}

const char *place_below(const struct place *place)
{
	const char *below = place->path + place->mount->length;

	return below + (*below == '/');
}

void place_note(struct files *files, const struct place *place)
{
	struct refused_path *slot = files->refused;
	const char *path = place->path;
	const struct refused_path *end = slot + FILES_REFUSED_MAX;

	if (place->mount || !place->missing)
		return;
	while (slot < end && slot->path && strcmp(slot->path, path) != 0)
		slot++;
	if (slot == end)
		return;
	if (!slot->path) {
		slot->path = host_alloc(files->host, strlen(path) + 1);
		if (!slot->path)
			return;
		memcpy(slot->path, path, strlen(path));
	}
	slot->times += slot->times < UINT32_MAX;
}

/* Where no mount is: a folder that leads to some, or nothing. */
static void find_branch(struct files *files, struct place *place)
{
	if (path_is_branch(files, place->path))
		branch_stat(&place->stat);
	else
		place->missing = -ENOENT;
}

/* A device is where no mount has one of its own, or has one of the host's, which cannot be opened. */
static void find_device(struct place *place)
{
	struct stat stat;

	if (place->mount && !place->missing && !S_ISCHR(place->stat.st_mode))
		return;
	if (!device_stat(place->path, &stat))
		return;
	place->mount = NULL;
	place->missing = 0;
	place->stat = stat;
}

/* Puts the text of a link in the place of the link. */
static int64_t follow(struct place *place, const char *link)
{
	char rest[FILES_PATH_SIZE];
	size_t length = strlen(place->path + place->link_end);

	memcpy(rest, place->path + place->link_end, length + 1);
	while (place->link_end && place->path[place->link_end - 1] != '/')
		place->link_end--;
	place->path[link[0] == '/' ? 1 : place->link_end] = '\0';
	/* "/a/" is not normalised: the last slash goes, but for the root's */
	length = strlen(place->path);
	if (length > 1)
		place->path[length - 1] = '\0';
	int64_t failed = path_append(place->path, link);
	return failed ? failed : path_append(place->path, rest);
}

static int64_t walk(struct files *files, struct place *place, bool follows)
{
	char link[FILES_PATH_SIZE];

	for (unsigned links = 0; links <= LINKS_MAX; links++) {
		int64_t found = 0;
		place->mount = mount_of(files, place->path);
		if (place->mount)
			found = place->mount->ops->find(files, place, follows, link);
		else
			find_branch(files, place);
		if (!found)
			find_device(place);
		if (found <= 0)
			return found;
		found = follow(place, link);
		if (found)
			return found;
	}
	return -ELOOP;
}

/* Where a path begins: at the root, at the working folder, or at a folder that is open. */
static int64_t begin(const struct files *files, char *base, uint64_t folder)
{
	const char *from = files->folder ? files->folder : "/";

	if ((int)folder != AT_FDCWD) {
		const struct open_file *file = files_get(files, folder);
		if (!file)
			return -EBADF;
		if (!file->path || !file->ops->entry)
			return -ENOTDIR;
		from = file->path;
	}
	memcpy(base, from, strlen(from) + 1);
	return 0;
}

int64_t place_find(struct files *files, struct place *place, uint64_t folder, const char *path,
		   bool follows)
{
	const size_t length = strlen(path);
	int64_t failed = 0;

	*place = (struct place){ .fd = -1 };
	if (length == 0)
		return -ENOENT;
	if (path[0] == '/')
		place->path[0] = '/';
	else
		failed = begin(files, place->path, folder);
	if (!failed)
		failed = path_append(place->path, path);
	/* a slash at the end asks for a folder, and follows a link to one */
	const bool wants_folder = path[length - 1] == '/';
	if (!failed)
		failed = walk(files, place, follows || wants_folder);
	if (!failed && wants_folder && !place->missing && !S_ISDIR(place->stat.st_mode))
		failed = -ENOTDIR;
	if (failed)
		place_drop(files, place);
	return failed;
}

void place_drop(struct files *files, struct place *place)
{
	if (place->fd >= 0)
		files->host->sys->close(place->fd);
	place->fd = -1;
}

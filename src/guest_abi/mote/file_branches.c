/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders that nobody gave the guest, but that its mounts and devices are in: "/" above "/data".
 * They have nothing but the names that lead there.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_paths.h"

#include <dirent.h>
#include <string.h>

void branch_stat(struct stat *to)
{
	*to = (struct stat){
		.st_ino = 1, .st_mode = S_IFDIR | 0555, .st_nlink = 1, .st_blksize = FILE_BLOCK_SIZE
	};
	files_dress(NULL, to);
}

/* The name below PATH that leads to LOWER, and its length; 0 if none does. */
static size_t name_below(const char *lower, const char *path, const char **name)
{
	const size_t length = strcmp(path, "/") == 0 ? 0 : strlen(path);

	if (strncmp(lower, path, length) != 0 || lower[length] != '/')
		return 0;
	*name = lower + length + 1;
	return strcspn(*name, "/");
}

/* Whether an earlier one has led to the same name. */
static bool is_repeated(const struct files *files, const char *path, size_t index, const char *name,
			size_t length)
{
	const char *other;

	for (size_t i = 0; i < index; i++)
		if (name_below(path_of_number(files, i), path, &other) == length &&
		    memcmp(name, other, length) == 0)
			return true;
	return false;
}

static int64_t entry_of(struct files *files, struct open_file *file, struct file_entry *entry)
{
	uint64_t at = file->offset;
	const char *name = "..", *lower;
	size_t length = at == 0 ? 1 : 2;

	for (; at >= 2; at++) {
		lower = path_of_number(files, at - 2);
		if (!lower)
			return 0;
		length = name_below(lower, file->path, &name);
		if (length && !is_repeated(files, file->path, (size_t)at - 2, name, length))
			break;
	}
	*entry =
		(struct file_entry){ .length = length, .inode = 1, .type = DT_DIR, .next = at + 1 };
	if (at >= files->nmounts + 2 && !name[length])
		entry->type = DT_CHR;
	memcpy(entry->name, name, length);
	return 1;
}

static int64_t stat_branch(struct files *files, struct open_file *file, struct stat *to)
{
	(void)files;
	(void)file;
	branch_stat(to);
	return 0;
}

const struct file_ops branch_ops = {
	.entry = entry_of,
	.stat = stat_branch,
	.is_seekable = true,
};

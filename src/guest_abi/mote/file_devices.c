/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices that every guest has, since programs count on them: nothing, zeroes, random numbers.
 * They are made here; those of the host are never opened.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

static int64_t read_nothing(struct files *files, struct open_file *file, uint64_t at, void *to,
			    size_t size)
{
	(void)files, (void)file, (void)at, (void)to, (void)size;
	return 0;
}

static int64_t read_zeroes(struct files *files, struct open_file *file, uint64_t at, void *to,
			   size_t size)
{
	(void)files, (void)file, (void)at;
	memset(to, 0, size);
	return (int64_t)size;
}

static int64_t read_random(struct files *files, struct open_file *file, uint64_t at, void *to,
			   size_t size)
{
	size_t done = 0;

	(void)file, (void)at;
	while (done < size) {
		ssize_t n = files->host->sys->getrandom((char *)to + done, size - done, 0);
		if (n < 0)
			return done ? (int64_t)done : -EAGAIN;
		done += (size_t)n;
	}
	return (int64_t)size;
}

static int64_t write_nowhere(struct files *files, struct open_file *file, uint64_t at,
			     const void *from, size_t size)
{
	(void)files, (void)file, (void)at, (void)from;
	return (int64_t)size;
}

static int64_t stat_device(struct files *files, struct open_file *file, struct stat *to)
{
	(void)files;
	return device_stat(file->path, to) ? 0 : -ENOENT;
}

#define DEVICE_OPS(name, how)                                                                      \
	static const struct file_ops name = {                                                      \
		.read = how, .write = write_nowhere, .stat = stat_device, .is_seekable = true      \
	}
DEVICE_OPS(nothing_ops, read_nothing);
DEVICE_OPS(zeroes_ops, read_zeroes);
DEVICE_OPS(random_ops, read_random);

static const struct device {
	const char *path;
	const struct file_ops *ops;
	unsigned minor; /* as on Linux; major is 1 */
} devices[] = {
	{ "/dev/null", &nothing_ops, 3 },
	{ "/dev/zero", &zeroes_ops, 5 },
	{ "/dev/random", &random_ops, 8 },
	{ "/dev/urandom", &random_ops, 9 },
};

const char *device_path(size_t index)
{
	return index < sizeof devices / sizeof devices[0] ? devices[index].path : NULL;
}

static const struct device *find(const char *path)
{
	for (size_t i = 0; device_path(i); i++)
		if (strcmp(devices[i].path, path) == 0)
			return &devices[i];
	return NULL;
}

bool device_stat(const char *path, struct stat *to)
{
	const struct device *device = find(path);

	if (!device)
		return false;
	*to = (struct stat){
		.st_ino = device->minor,
		.st_mode = S_IFCHR | 0666,
		.st_nlink = 1,
		.st_blksize = FILE_BLOCK_SIZE,
		.st_rdev = makedev(1, device->minor),
	};
	files_dress(NULL, to);
	return true;
}

int64_t device_open(struct open_file *file, int flags)
{
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	file->ops = find(file->path)->ops;
	return 0;
}

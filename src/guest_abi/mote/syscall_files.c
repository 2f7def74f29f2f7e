/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on paths: what is there, and opening it. Each takes its path once, bounded, and
 * leaves the rest to file_paths.c.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What one call lists at most. */
#define LISTING_MAX (UINT64_C(64) << 10)

int64_t syscall_path(struct personality *p, uint64_t address, char path[FILES_PATH_SIZE])
{
	size_t length;
	mote_status status =
		guest_memory_string(p->memory, address, path, FILES_PATH_SIZE, &length, NULL);

	return !status ? 0 : status == MOTE_E_LIMIT ? -ENAMETOOLONG : -EFAULT;
}

int64_t syscall_place(struct personality *p, struct place *place, uint64_t folder, uint64_t address,
		      bool follows)
{
	char path[FILES_PATH_SIZE];
	int64_t failed = syscall_path(p, address, path);

	if (!failed)
		failed = place_find(&p->files, place, folder, path, follows);
	if (!failed)
		place_note(&p->files, place);
	return failed;
}

static int64_t open_at(struct personality *p, uint64_t folder, uint64_t address, uint64_t flags,
		       uint64_t mode)
{
	char path[FILES_PATH_SIZE];
	int64_t failed = syscall_path(p, address, path);

	return failed ? failed
		      : files_open(&p->files, folder, path, (int)flags, (uint32_t)mode & 07777);
}

SYSCALL_HANDLER(syscall_open)
{
	return open_at(p, (uint64_t)AT_FDCWD, args[0], args[1], args[2]);
}

SYSCALL_HANDLER(syscall_creat)
{
	return open_at(p, (uint64_t)AT_FDCWD, args[0], O_WRONLY | O_CREAT | O_TRUNC, args[1]);
}

SYSCALL_HANDLER(syscall_openat)
{
	return open_at(p, args[0], args[1], args[2], args[3]);
}

static int64_t stat_place(struct personality *p, struct place *place, struct stat *to)
{
	*to = place->stat;
	files_dress(place->mount, to);
	place_drop(&p->files, place);
	return place->missing;
}

/* With AT_EMPTY_PATH and an empty path: what is behind a descriptor. */
static int64_t stat_open(struct personality *p, uint64_t fd, struct stat *to)
{
	struct open_file *file = files_get(&p->files, fd);
	struct place place;

	if ((int)fd != AT_FDCWD)
		return file ? file->ops->stat(&p->files, file, to) : -EBADF;
	int64_t failed = place_find(&p->files, &place, fd, ".", true);
	return failed ? failed : stat_place(p, &place, to);
}

static int64_t stat_at(struct personality *p, uint64_t folder, uint64_t address, uint64_t flags,
		       struct stat *to)
{
	struct place place;
	char first = 1;

	if (flags & AT_EMPTY_PATH && syscall_copy_in(p, &first, address, 1))
		return -EFAULT;
	if (!first)
		return stat_open(p, folder, to);
	int64_t failed = syscall_place(p, &place, folder, address, !(flags & AT_SYMLINK_NOFOLLOW));
	return failed ? failed : stat_place(p, &place, to);
}

static int64_t put_stat(struct personality *p, uint64_t folder, uint64_t address, uint64_t flags,
			uint64_t to)
{
	struct stat stat;
	int64_t failed = stat_at(p, folder, address, flags, &stat);

	return failed ? failed : syscall_copy_out(p, to, &stat, sizeof stat);
}

SYSCALL_HANDLER(syscall_stat)
{
	return put_stat(p, (uint64_t)AT_FDCWD, args[0], 0, args[1]);
}

SYSCALL_HANDLER(syscall_lstat)
{
	return put_stat(p, (uint64_t)AT_FDCWD, args[0], AT_SYMLINK_NOFOLLOW, args[1]);
}

SYSCALL_HANDLER(syscall_newfstatat)
{
	return put_stat(p, args[0], args[1], args[3], args[2]);
}

SYSCALL_HANDLER(syscall_fstat)
{
	struct open_file *file = files_get(&p->files, args[0]);
	struct stat stat;

	if (!file)
		return -EBADF;
	int64_t failed = file->ops->stat(&p->files, file, &stat);
	return failed ? failed : syscall_copy_out(p, args[1], &stat, sizeof stat);
}

static struct statx_timestamp timestamp(const struct timespec *time)
{
	return (struct statx_timestamp){ .tv_sec = time->tv_sec,
					 .tv_nsec = (uint32_t)time->tv_nsec };
}

SYSCALL_HANDLER(syscall_statx)
{
	struct stat stat = { .st_size = 0 };
	int64_t failed = stat_at(p, args[0], args[1], args[2], &stat);
	const struct statx to = {
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)stat.st_blksize,
		.stx_nlink = (uint32_t)stat.st_nlink,
		.stx_uid = stat.st_uid,
		.stx_gid = stat.st_gid,
		.stx_mode = (uint16_t)stat.st_mode,
		.stx_ino = stat.st_ino,
		.stx_size = (uint64_t)stat.st_size,
		.stx_blocks = (uint64_t)stat.st_blocks,
		.stx_atime = timestamp(&stat.st_atim),
		.stx_mtime = timestamp(&stat.st_mtim),
		.stx_ctime = timestamp(&stat.st_ctim),
		.stx_dev_major = major(stat.st_dev),
		.stx_dev_minor = minor(stat.st_dev),
	};

	return failed ? failed : syscall_copy_out(p, args[4], &to, sizeof to);
}

static int64_t access_at(struct personality *p, uint64_t folder, uint64_t address, uint64_t mode,
			 uint64_t flags)
{
	struct place place;

	if (mode & ~(uint64_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	int64_t failed = syscall_place(p, &place, folder, address, !(flags & AT_SYMLINK_NOFOLLOW));
	if (failed)
		return failed;
	failed = place.missing;
	if (!failed && mode & W_OK &&
	    !(place.mount ? place.mount->is_writable : S_ISCHR(place.stat.st_mode)))
		failed = -EROFS;
	if (!failed && mode & X_OK && !(place.stat.st_mode & 0111))
		failed = -EACCES;
	place_drop(&p->files, &place);
	return failed;
}

SYSCALL_HANDLER(syscall_access)
{
	return access_at(p, (uint64_t)AT_FDCWD, args[0], args[1], 0);
}

SYSCALL_HANDLER(syscall_faccessat)
{
	return access_at(p, args[0], args[1], args[2], 0);
}

SYSCALL_HANDLER(syscall_faccessat2)
{
	return access_at(p, args[0], args[1], args[2], args[3]);
}

/* Libcs look for themselves in /proc at every start: not worth a note. */
static int64_t read_link_at(struct personality *p, uint64_t folder, uint64_t address, uint64_t to,
			    uint64_t size)
{
	char path[FILES_PATH_SIZE], text[FILES_PATH_SIZE];
	struct place place;
	int64_t result = syscall_path(p, address, path);

	if ((int)size <= 0)
		return -EINVAL;
	if (!result)
		result = place_find(&p->files, &place, folder, path, false);
	if (result)
		return result;
	if (place.missing)
		result = place.missing;
	else if (!place.mount)
		result = -EINVAL;
	else
		result = place.mount->ops->read_link(&p->files, &place, text,
						     size < sizeof text ? size : sizeof text);
	place_drop(&p->files, &place);
	if (result > 0 && syscall_copy_out(p, to, text, (size_t)result))
		return -EFAULT;
	return result;
}

SYSCALL_HANDLER(syscall_readlink)
{
	return read_link_at(p, (uint64_t)AT_FDCWD, args[0], args[1], args[2]);
}

SYSCALL_HANDLER(syscall_readlinkat)
{
	return read_link_at(p, args[0], args[1], args[2], args[3]);
}

SYSCALL_HANDLER(syscall_getcwd)
{
	const char *folder = p->files.folder ? p->files.folder : "/";
	const size_t size = strlen(folder) + 1;

	if (args[1] < size)
		return -ERANGE;
	return syscall_copy_out(p, args[0], folder, size) ? -EFAULT : (int64_t)size;
}

SYSCALL_HANDLER(syscall_chdir)
{
	struct place place;
	int64_t failed = syscall_place(p, &place, (uint64_t)AT_FDCWD, args[0], true);

	if (failed)
		return failed;
	failed = place.missing;
	if (!failed && !S_ISDIR(place.stat.st_mode))
		failed = -ENOTDIR;
	if (!failed)
		failed = files_enter(&p->files, place.path);
	place_drop(&p->files, &place);
	return failed;
}

SYSCALL_HANDLER(syscall_fchdir)
{
	const struct open_file *file = files_get(&p->files, args[0]);

	if (!file)
		return -EBADF;
	return file->ops->entry ? files_enter(&p->files, file->path) : -ENOTDIR;
}

/* Writes ENTRY as a struct linux_dirent64 of RECORD bytes. */
static int64_t put_entry(struct personality *p, uint64_t address, const struct file_entry *entry,
			 size_t record)
{
	struct dirent64 to = {
		.d_ino = entry->inode,
		.d_off = (off64_t)entry->next,
		.d_reclen = (uint16_t)record,
		.d_type = entry->type,
	};

	memcpy(to.d_name, entry->name, entry->length);
	return syscall_copy_out(p, address, &to, record);
}

SYSCALL_HANDLER(syscall_getdents64)
{
	const uint64_t room = args[2] < LISTING_MAX ? args[2] : LISTING_MAX;
	struct open_file *file = files_get(&p->files, args[0]);
	struct file_entry entry = { .node = NULL };
	uint64_t used = 0;
	int64_t found = 0;

	if (!file)
		return -EBADF;
	if (!file->ops->entry)
		return -ENOTDIR;
	while ((found = file->ops->entry(&p->files, file, &entry)) > 0) {
		const size_t record =
			(offsetof(struct dirent64, d_name) + entry.length + 1 + 7) & ~(size_t)7;
		found = record > room - used ? -EINVAL
					     : put_entry(p, args[1] + used, &entry, record);
		if (found)
			break;
		file->offset = entry.next;
		used += record;
	}
	return used ? (int64_t)used : found;
}

/* A file system of no particular size. */
static int64_t put_statfs(struct personality *p, uint64_t address)
{
	const struct statfs to = {
		.f_type = 0x01021994, /* that of memory */
		.f_bsize = FILE_BLOCK_SIZE,
		.f_frsize = FILE_BLOCK_SIZE,
		.f_namelen = FILES_NAME_MAX,
	};

	return syscall_copy_out(p, address, &to, sizeof to);
}

SYSCALL_HANDLER(syscall_statfs)
{
	struct place place;
	int64_t failed = syscall_place(p, &place, (uint64_t)AT_FDCWD, args[0], true);

	if (failed)
		return failed;
	place_drop(&p->files, &place);
	return place.missing ? place.missing : put_statfs(p, args[1]);
}

SYSCALL_HANDLER(syscall_fstatfs)
{
	return files_get(&p->files, args[0]) ? put_statfs(p, args[1]) : -EBADF;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that change what is at a path. Where nothing can be changed, which is everywhere
 * but in private directories, they say EROFS.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A change of one place: what it does is in the arguments. */
struct change {
	enum { MAKE, REMOVE, CHANGE } what;
	enum node_kind kind;
	uint32_t mode;
	const char *text;
	const uint32_t *new_mode;
	const struct timespec *modified;
};

static int64_t apply(struct files *files, struct place *place, const struct change *change)
{
	const struct mount_ops *ops = place->mount->ops;

	switch (change->what) {
	case MAKE:
		return ops->make(files, place, change->kind, change->mode & ~files->mask,
				 change->text);
	case REMOVE:
		return ops->remove(files, place, change->kind == NODE_FOLDER);
	case CHANGE:
		break;
	}
	return ops->change(files, place, change->new_mode, change->modified);
}

static int64_t change_at(struct personality *p, uint64_t folder, uint64_t address, bool follows,
			 const struct change *change)
{
	struct place place;
	int64_t result = syscall_place(p, &place, folder, address, follows);

	if (result)
		return result;
	if (place.mount)
		result = apply(&p->files, &place, change);
	else
		result = place.missing ? place.missing : -EROFS;
	place_drop(&p->files, &place);
	return result;
}

static int64_t make_folder(struct personality *p, uint64_t folder, uint64_t address, uint64_t mode)
{
	const struct change change = { MAKE, .kind = NODE_FOLDER, .mode = (uint32_t)mode };

	return change_at(p, folder, address, false, &change);
}

SYSCALL_HANDLER(syscall_mkdir)
{
	return make_folder(p, (uint64_t)AT_FDCWD, args[0], args[1]);
}

SYSCALL_HANDLER(syscall_mkdirat)
{
	return make_folder(p, args[0], args[1], args[2]);
}

static int64_t remove_at(struct personality *p, uint64_t folder, uint64_t address, bool is_folder)
{
	const struct change change = { REMOVE, .kind = is_folder ? NODE_FOLDER : NODE_FILE };

	return change_at(p, folder, address, false, &change);
}

SYSCALL_HANDLER(syscall_unlink)
{
	return remove_at(p, (uint64_t)AT_FDCWD, args[0], false);
}

SYSCALL_HANDLER(syscall_rmdir)
{
	return remove_at(p, (uint64_t)AT_FDCWD, args[0], true);
}

SYSCALL_HANDLER(syscall_unlinkat)
{
	if (args[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(p, args[0], args[1], args[2] & AT_REMOVEDIR);
}

static int64_t make_link(struct personality *p, uint64_t text_address, uint64_t folder,
			 uint64_t address)
{
	char text[FILES_PATH_SIZE];
	int64_t failed = syscall_path(p, text_address, text);
	const struct change change = { MAKE, .kind = NODE_LINK, .mode = 0777, .text = text };

	if (!failed && !*text)
		failed = -ENOENT;
	return failed ? failed : change_at(p, folder, address, false, &change);
}

SYSCALL_HANDLER(syscall_symlink)
{
	return make_link(p, args[0], (uint64_t)AT_FDCWD, args[1]);
}

SYSCALL_HANDLER(syscall_symlinkat)
{
	return make_link(p, args[0], args[1], args[2]);
}

static int64_t move(struct personality *p, struct place *from, struct place *to, uint64_t flags)
{
	if (from->missing)
		return from->missing;
	if (flags & RENAME_NOREPLACE && !to->missing)
		return -EEXIST;
	if (!from->mount || from->mount != to->mount)
		return -EXDEV;
	return from->mount->ops->rename(&p->files, from, to);
}

static int64_t rename_at(struct personality *p, const uint64_t from_folder, uint64_t from,
			 uint64_t to_folder, uint64_t to, uint64_t flags)
{
	struct place source, target;

	if (flags & ~(uint64_t)RENAME_NOREPLACE)
		return -EINVAL;
	int64_t result = syscall_place(p, &source, from_folder, from, false);
	if (result)
		return result;
	result = syscall_place(p, &target, to_folder, to, false);
	if (!result) {
		result = move(p, &source, &target, flags);
		place_drop(&p->files, &target);
	}
	place_drop(&p->files, &source);
	return result;
}

SYSCALL_HANDLER(syscall_rename)
{
	return rename_at(p, (uint64_t)AT_FDCWD, args[0], (uint64_t)AT_FDCWD, args[1], 0);
}

SYSCALL_HANDLER(syscall_renameat)
{
	return rename_at(p, args[0], args[1], args[2], args[3], 0);
}

SYSCALL_HANDLER(syscall_renameat2)
{
	return rename_at(p, args[0], args[1], args[2], args[3], args[4]);
}

SYSCALL_HANDLER(syscall_truncate)
{
	char path[FILES_PATH_SIZE];
	int64_t fd = syscall_path(p, args[0], path);

	if (!fd)
		fd = files_open(&p->files, (uint64_t)AT_FDCWD, path, O_WRONLY, 0);
	if (fd < 0)
		return fd;
	int64_t result = syscall_ftruncate(p, (const uint64_t[6]){ (uint64_t)fd, args[1] });
	files_close(&p->files, (uint64_t)fd);
	return result;
}

static int64_t set_mode(struct personality *p, uint64_t folder, uint64_t address, uint64_t mode)
{
	const uint32_t new_mode = (uint32_t)mode & 0777;
	const struct change change = { CHANGE, .new_mode = &new_mode };

	return change_at(p, folder, address, true, &change);
}

SYSCALL_HANDLER(syscall_chmod)
{
	return set_mode(p, (uint64_t)AT_FDCWD, args[0], args[1]);
}

SYSCALL_HANDLER(syscall_fchmodat)
{
	return set_mode(p, args[0], args[1], args[2]);
}

/* What is changed through a descriptor: a node that it has open. */
static struct file_node *node_of(struct personality *p, uint64_t fd, int64_t *failed)
{
	struct open_file *file = files_get(&p->files, fd);

	*failed = !file ? -EBADF : !file->mount || !file->mount->is_writable ? -EROFS : 0;
	if (*failed || !file->node)
		return NULL;
	file_node_change(&file->mount->tree, file->node);
	return file->node;
}

SYSCALL_HANDLER(syscall_fchmod)
{
	int64_t failed;
	struct file_node *node = node_of(p, args[0], &failed);

	if (node)
		node->mode = (uint32_t)args[1] & 0777;
	return failed;
}

/* The second of the two times at ADDRESS, which is when a file was changed: now, if there are none.
 * 1: it is not to be set. */
static int64_t take_time(struct personality *p, uint64_t address, struct timespec *time)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };

	if (address && syscall_copy_in(p, times, address, sizeof times))
		return -EFAULT;
	*time = times[1];
	if (time->tv_nsec == UTIME_OMIT)
		return 1;
	if (time->tv_nsec == UTIME_NOW)
		p->host->sys->clock_gettime(CLOCK_REALTIME, time);
	return time->tv_nsec < 0 || time->tv_nsec >= 1000000000 ? -EINVAL : 0;
}

SYSCALL_HANDLER(syscall_utimensat)
{
	struct timespec time;
	const struct change change = { CHANGE, .modified = &time };
	int64_t failed = take_time(p, args[2], &time);

	if (failed)
		return failed < 0 ? failed : 0;
	if (args[1])
		return change_at(p, args[0], args[1], !(args[3] & AT_SYMLINK_NOFOLLOW), &change);
	struct file_node *node = node_of(p, args[0], &failed);
	if (node)
		node->modified = time;
	return failed;
}

/* All files are the guest's: copying programs give it what it has. */
static bool is_own(uint64_t owner, uint64_t group)
{
	return ((uint32_t)owner == PERSONALITY_USER_ID || (uint32_t)owner == UINT32_MAX) &&
	       ((uint32_t)group == PERSONALITY_USER_ID || (uint32_t)group == UINT32_MAX);
}

static int64_t give(struct personality *p, uint64_t folder, const uint64_t args[3], bool follows)
{
	struct place place;
	int64_t failed = is_own(args[1], args[2]) ? 0 : -EPERM;

	if (!failed)
		failed = syscall_place(p, &place, folder, args[0], follows);
	if (failed)
		return failed;
	place_drop(&p->files, &place);
	if (place.missing)
		return place.missing;
	return place.mount && place.mount->is_writable ? 0 : -EROFS;
}

SYSCALL_HANDLER(syscall_chown)
{
	return give(p, (uint64_t)AT_FDCWD, args, true);
}

SYSCALL_HANDLER(syscall_lchown)
{
	return give(p, (uint64_t)AT_FDCWD, args, false);
}

SYSCALL_HANDLER(syscall_fchownat)
{
	return give(p, args[0], args + 1, !(args[4] & AT_SYMLINK_NOFOLLOW));
}

SYSCALL_HANDLER(syscall_fchown)
{
	if (!files_get(&p->files, args[0]))
		return -EBADF;
	return is_own(args[1], args[2]) ? 0 : -EPERM;
}

SYSCALL_HANDLER(syscall_umask)
{
	uint32_t old = p->files.mask;

	p->files.mask = (uint32_t)args[0] & 0777;
	return old;
}

/* Other owners, names and kinds of files than there are. */
SYSCALL_HANDLER(syscall_not_permitted)
{
	(void)p;
	(void)args;
	return -EPERM;
}

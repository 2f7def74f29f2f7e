/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes all descriptors and all room for changes that there are, in many shapes, and then goes on:
 * what was taken must be had again when it is given back.
 */
#define _GNU_SOURCE
#include "hostile/guests/file_attack.h"

#include <sys/mman.h>
#include <sys/uio.h>

static char block[65536];

static char *name_of(const char *folder, unsigned n)
{
	static char name[400];

	snprintf(name, sizeof name, "%s/%0*u", folder, (int)(n % 200) + 8, n);
	return name;
}

/* Whether the directory has room for a file of a block. */
static void expect_room(const char *folder)
{
	char name[64];

	snprintf(name, sizeof name, "%s/room", folder);
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0666);
	if (fd < 0 || write(fd, "honest", 6) != 6 || close(fd) || unlink(name))
		mote_guest_fail(1, "what was given back is not there");
}

static void descriptors(const char *path, int flags)
{
	int last = -1;

	for (int i = 0; i < 300; i++) {
		int fd = open(path, flags, 0666);
		last = fd >= 0 ? fd : last;
	}
	if (last != 63 || errno != EMFILE)
		mote_guest_fail(1, "more descriptors than there are");
	for (int fd = 3; fd < 64; fd++)
		close(fd);
}

static void copies(void)
{
	for (int i = 0; i < 2000; i++) {
		ON(SYS_dup2, i % 64, (unsigned)i * 2654435761u);
		ON(SYS_dup3, 1, i, i);
		ON(SYS_fcntl, i % 64, F_DUPFD, (unsigned)i * 2654435761u);
	}
}

/* Fills FOLDER with data until there is no room, and empties it. */
static void data(const char *folder, off_t at, off_t step)
{
	memset(block, 'h', sizeof block);
	for (int round = 0; round < 3; round++) {
		char name[64];
		snprintf(name, sizeof name, "%s/data", folder);
		int fd = open(name, O_RDWR | O_CREAT, 0666);
		for (off_t i = 0; i < 2000 && pwrite(fd, block, 5000, at + i * step) > 0; i++)
			;
		if (round == 1)
			unlink(name); /* it lives until it is closed */
		else if (ftruncate(fd, 0))
			mote_guest_fail(1, "a file cannot be emptied");
		close(fd);
		expect_room(folder);
	}
}

static void names(const char *folder, int kind)
{
	static char text[4000];
	unsigned n = 0;
	int failed = 0;

	memset(text, 'l', sizeof text - 1);
	for (; n < 2500 && !failed; n++) {
		char *name = name_of(folder, n);
		if (kind == 0)
			failed = mkdir(name, 0777);
		else if (kind == 1)
			failed = symlink(text, name);
		else
			failed = ON(SYS_mknod, name, 0666, 0) && close(creat(name, 0666));
	}
	while (n--)
		if (ON(SYS_unlinkat, AT_FDCWD, name_of(folder, n), kind == 0 ? AT_REMOVEDIR : 0))
			continue;
	expect_room(folder);
}

/* A folder in a folder, and so on; then trees of them are put into each other. */
static void deep(void)
{
	unsigned depth = 0;

	for (int round = 0; round < 3; round++) {
		if (chdir("/tmp") || mkdir("a", 0777))
			return;
		for (depth = 0; depth < 700 && !chdir("a") && !mkdir("a", 0777); depth++)
			;
		if (round && rename("/tmp/b", "a/b") && errno != ENOSPC && errno != ENOENT &&
		    errno != ENAMETOOLONG)
			mote_guest_fail(1, "a folder cannot be moved");
		rename("/tmp/a", "/tmp/b");
		open_and_close("a/b/a/a/a", O_RDONLY);
	}
	if (chdir("/"))
		mote_guest_fail(1, "the root is gone");
}

static void renames(void)
{
	for (unsigned i = 0; i < 1200; i++) {
		char from[64], to[64];
		snprintf(from, sizeof from, "/%s/%u/%u", i & 1 ? "tmp" : "mine", i * 7 % 5,
			 i * 11 % 3);
		snprintf(to, sizeof to, "/%s/%u", i & 4 ? "tmp" : "mine", i * 13 % 5);
		mkdir(to, 0777);
		ON(SYS_rename, from, to);
		ON(SYS_rename, to, from);
		ON(SYS_renameat2, AT_FDCWD, to, AT_FDCWD, from, (uint64_t)i);
		close(creat(from, 0777));
	}
	ON(SYS_rename, "/mine", "/tmp/mine");
	ON(SYS_rename, "/", "/tmp/root");
	ON(SYS_rename, "/mine/inner", "/mine/inner/inner");
	expect_room("/mine");
}

/* What the host has is hidden, made anew and hidden again. */
static void removals(void)
{
	for (int i = 0; i < 700; i++) {
		unlink("/mine/text");
		rmdir("/mine/inner");
		unlink("/mine/inner/text");
		mkdir("/mine/text", 0777);
		rmdir("/mine/text");
		close(creat("/mine/inner", 0666));
		unlink("/mine/inner");
		unlink("/data/text");
	}
	open_and_close("/data/text", O_RDONLY);
	expect_room("/mine");
}

static void sizes(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0666);

	for (unsigned bit = 0; bit < 64; bit++)
		for (int less = -1; less < 2; less++) {
			const uint64_t at = (UINT64_C(1) << bit) + (uint64_t)(int64_t)less;
			ON(SYS_ftruncate, fd, at);
			ON(SYS_pwrite64, fd, block, 2, at);
			ON(SYS_pread64, fd, block, sizeof block, at);
			ON(SYS_lseek, fd, at, less + 1);
			ON(SYS_write, fd, "h", 1);
			ON(SYS_truncate, path, at);
			ON(SYS_mmap, 0, 8192, PROT_READ, MAP_PRIVATE, fd, at);
			ON(SYS_fallocate, fd, 0, at, at);
			ON(SYS_fallocate, fd, 1, 0, at);
		}
	ON(SYS_ftruncate, fd, 0);
	close(fd);
}

static void listings(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	for (unsigned i = 0; i < 50; i++)
		if (mkdir(name_of(folder, i), 0777))
			break;
	for (unsigned size = 0; size < 320; size++) {
		ON(SYS_lseek, fd, 0, SEEK_SET);
		for (int i = 0; i < 6; i++)
			if (ON(SYS_getdents64, fd, block + sizeof block - size, size) <= 0)
				break;
		ON(SYS_lseek, fd, (uint64_t)size << (size % 64), SEEK_SET);
		ON(SYS_getdents64, fd, block, sizeof block);
		rmdir(name_of(folder, size % 50));
	}
	close(fd);
}

static void vectors(void)
{
	static struct iovec all[1025];
	int fd = open("/tmp/vectors", O_RDWR | O_CREAT, 0666);

	for (int i = 0; i < 1025; i++)
		all[i] = i % 3 ? (struct iovec){ block, sizeof block }
			       : (struct iovec){ block, SIZE_MAX / 1024 };
	for (uint64_t n = 1; n; n *= 2)
		for (int less = 0; less < 2; less++) {
			ON(SYS_writev, fd, all, n - (uint64_t)less);
			ON(SYS_lseek, fd, 0, SEEK_SET);
			ON(SYS_readv, fd, all, n - (uint64_t)less);
			/* what is read goes to where it came from: more than a block of it */
			const uint64_t at = n < 1 << 20 ? 0 : n;
			ON(SYS_pwritev, fd, all, n - (uint64_t)less, at, 0);
			ON(SYS_preadv, fd, all, n - (uint64_t)less, at, 0);
		}
	ON(SYS_ftruncate, fd, 0);
	close(fd);
}

/* Text that links grow into, and links that lead on for ever. */
static void links(void)
{
	static char text[4096];

	for (size_t i = 0; i < 4094; i++)
		text[i] = i % 2 ? '/' : 'l';
	if (symlink(text, "/tmp/l") && errno != ENOSPC)
		mote_guest_fail(1, "no link");
	open_and_close("/tmp/l", O_RDONLY);
	open_and_close("/tmp/l/l/l", O_RDWR | O_CREAT);
	for (int i = 0; i < 60; i++) {
		char from[32], to[32];
		snprintf(from, sizeof from, "/tmp/c%d", i);
		snprintf(to, sizeof to, i ? "c%d/../c%d" : "../data", i - 1, i - 1);
		symlink(to, from);
		snprintf(to, sizeof to, "/tmp/c%d/up", i);
		open_and_close(to, O_RDONLY);
	}
}

static void maps(void)
{
	int fd = open("/data/large", O_RDONLY);

	for (unsigned bit = 0; bit < 64; bit++) {
		char *at = mmap(NULL, (size_t)1 << bit, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		if (at != MAP_FAILED)
			at[0] = 'x', munmap(at, (size_t)1 << bit);
		ON(SYS_mmap, block, sizeof block, 7, MAP_FIXED | MAP_SHARED, fd,
		   (uint64_t)1 << bit);
		ON(SYS_mmap, MOTE_SUPERVISOR_BASE, 4096, 3, MAP_FIXED | MAP_PRIVATE, fd, 0);
	}
	close(fd);
}

#define WAYS(X)                                                                                    \
	X(descriptors_of_the_host, descriptors("/data/text", O_RDONLY); expect_fixed())            \
	X(descriptors_of_folders, descriptors("/mine/inner", O_RDONLY))                            \
	X(descriptors_of_the_root, descriptors("/", O_RDONLY))                                     \
	X(descriptors_of_new_files, descriptors("/tmp/new", O_RDWR | O_CREAT))                     \
	X(copies_of_descriptors, copies())                                                         \
	X(data_in_memory, data("/tmp", 0, 5000))                                                   \
	X(data_over_the_host, data("/mine", 0, 5000))                                              \
	X(holes, data("/tmp", 100, 10000))                                                         \
	X(holes_far_out, data("/mine", 200000, 333))                                               \
	X(folders, names("/tmp", 0))                                                               \
	X(folders_over_the_host, names("/mine/inner", 0))                                          \
	X(symbolic_links, names("/tmp", 1))                                                        \
	X(files, names("/mine", 2))                                                                \
	X(folders_in_folders, deep())                                                              \
	X(renaming, renames(); expect_fixed())                                                     \
	X(removing, removals(); expect_fixed())                                                    \
	X(sizes_in_memory, sizes("/tmp/sizes"))                                                    \
	X(sizes_over_the_host, sizes("/mine/large"))                                               \
	X(listings_in_memory, listings("/tmp"))                                                    \
	X(listings_over_the_host, listings("/mine"))                                               \
	X(listings_of_the_root, listings("/"))                                                     \
	X(many_vectors, vectors())                                                                 \
	X(links_without_end, links())                                                              \
	X(maps_of_files, maps())                                                                   \
	X(all_room_at_once, data("/mine", 0, 5000); names("/mine", 0); data("/tmp", 0, 5000);      \
	  names("/tmp", 1); renames(); expect_fixed())

ATTACK_LIST(WAYS)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All calls on files, in any order, with arguments that are sometimes right: descriptors of each
 * kind, paths, pointers to nowhere, sizes and offsets beyond all files. The order is the way's.
 */
#define _GNU_SOURCE
#include "hostile/guests/file_attack.h"

#include <sys/uio.h>

enum { CALLS = 150 };

static char room[3 * 4096] __attribute__((aligned(4096)));
static struct iovec vectors[8];

static const short numbers[] = {
	SYS_read,        SYS_write,
	SYS_open,        SYS_close,
	SYS_stat,        SYS_fstat,
	SYS_lstat,       SYS_lseek,
	SYS_mmap,        SYS_ioctl,
	SYS_pread64,     SYS_pwrite64,
	SYS_readv,       SYS_writev,
	SYS_access,      SYS_dup,
	SYS_dup2,        SYS_sendfile,
	SYS_fcntl,       SYS_flock,
	SYS_fsync,       SYS_truncate,
	SYS_ftruncate,   SYS_getcwd,
	SYS_chdir,       SYS_fchdir,
	SYS_rename,      SYS_mkdir,
	SYS_rmdir,       SYS_creat,
	SYS_link,        SYS_unlink,
	SYS_symlink,     SYS_readlink,
	SYS_chmod,       SYS_fchmod,
	SYS_chown,       SYS_umask,
	SYS_statfs,      SYS_fstatfs,
	SYS_fadvise64,   SYS_getdents64,
	SYS_openat,      SYS_mkdirat,
	SYS_unlinkat,    SYS_renameat,
	SYS_linkat,      SYS_symlinkat,
	SYS_readlinkat,  SYS_fchmodat,
	SYS_faccessat,   SYS_utimensat,
	SYS_fallocate,   SYS_dup3,
	SYS_preadv,      SYS_pwritev,
	SYS_renameat2,   SYS_copy_file_range,
	SYS_statx,       SYS_newfstatat,
	SYS_close_range,
};

static const char *const paths[] = { "/data/text",  "/mine/text", "/mine/large", "/mine/inner",
				     "/tmp",        "/tmp/a",     "/tmp/b",      "/tmp/a/b",
				     "/mine/up",    "text",       "..",          "/",
				     "/data/inner", "/tmp/b/../a" };

static uint64_t seed;

static uint64_t next(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1;
	return (seed >> 33) % below;
}

static uint64_t wild(void)
{
	const uint64_t all[] = { 0,
				 1,
				 4096,
				 UINT64_MAX,
				 UINT64_C(1) << 63,
				 (UINT64_C(1) << 63) - 1,
				 MOTE_ADDRESS_END - 4,
				 MOTE_SUPERVISOR_BASE,
				 UINT64_C(1) << 40,
				 (uint64_t)(uintptr_t)attack,
				 (uint64_t)(uintptr_t)room + 4095,
				 UINT32_MAX };

	return all[next(COUNT(all))];
}

static uint64_t argument(void)
{
	switch (next(8)) {
	case 0:
	case 1:
		return next(12);
	case 2:
		return (uint64_t)AT_FDCWD;
	case 3:
	case 4:
		return (uint64_t)(uintptr_t)paths[next(COUNT(paths))];
	case 5:
		return (uint64_t)(uintptr_t)room + next(2) * 4000;
	case 6:
		return (uint64_t)(uintptr_t)vectors;
	default:
		return wild();
	}
}

static void open_some(void)
{
	static const int flags[] = { O_RDONLY, O_RDWR, O_RDWR | O_CREAT, O_RDONLY | O_DIRECTORY,
				     O_RDWR | O_CREAT | O_APPEND };

	for (size_t i = 0; i < COUNT(paths); i++)
		if (ON(SYS_open, paths[i], flags[next(COUNT(flags))], 0666) < 0)
			continue;
}

ATTACK_WAYS(2000)
{
	seed = way * UINT64_C(0x9e3779b97f4a7c15) + 1;
	memcpy(room, "honest", 6);
	open_some();
	for (int i = 0; i < CALLS; i++) {
		uint64_t args[6];
		for (int j = 0; j < 6; j++)
			args[j] = argument();
		for (size_t j = 0; j < COUNT(vectors); j++)
			vectors[j] = (struct iovec){ next(4) ? (void *)room : (void *)wild(),
						     next(4) ? next(4096) : wild() };
		ON(numbers[next(COUNT(numbers))], args[0], args[1], args[2], args[3], args[4],
		   args[5]);
		if (i % 30 == 0)
			open_some();
	}
}

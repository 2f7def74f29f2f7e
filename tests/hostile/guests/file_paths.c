/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths that want to get out of what the guest was given, or that are more than a path may be: with
 * links of the host's and of the guest's own. Each is tried with every call that takes one, from
 * each folder that paths can begin at.
 */
#define _GNU_SOURCE
#include "hostile/guests/file_attack.h"

#include <sys/statfs.h>

static const char *const folders[] = {
	"/", "/data", "/mine", "/tmp", "/data/inner", "/mine/inner", "/mine/inner/dots", "/nowhere"
};

static const char *const paths[] = {
	"..",
	"../secret",
	"../../../../../../../../secret",
	"inner/../../secret",
	"inner/.././../secret",
	"./../data/../secret",
	"/..//../secret",
	"//secret",
	"/../../../etc/passwd",
	"/etc/passwd",
	"/proc/self/root/etc/passwd",
	"/proc/self/fd/3",
	"/proc/self/mem",
	"/dev/mem",
	"/dev/fd/3",
	"up",
	"up/",
	"up/.",
	"above/secret",
	"above/given/text",
	"inner/up",
	"inner/dots/secret",
	"inner/dots/../secret",
	"by_inner",
	"absolute",
	"root/etc/passwd",
	"root/../secret",
	"magic/etc/passwd",
	"self",
	"self/self/self",
	"here",
	"chain0",
	"chain39",
	"chain40",
	"chain49",
	"fine",
	"fine/..",
	"text/..",
	"text/../../secret",
	"text/",
	"folder/text",
	"folder/../../secret",
	"nowhere",
	"nowhere/../../secret",
	"pipe",
	"pipe/",
	"",
	".",
	"/",
	"\x1b[31m\r\n\xff\xfe",
};

/* Made from numbers: paths that are long, deep, or have no end. */
enum { LONG_PATHS = 12 };

static char *long_path(unsigned n)
{
	static char text[70000];
	static const char *const pieces[] = { "a", "../", "./", "x/", "/", "self/", "inner/../" };
	const size_t size = n % 3 == 0 ? 255 : n % 3 == 1 ? 4095 : 65536;
	const char *piece = pieces[n % COUNT(pieces)];

	for (size_t i = 0; i < size; i++)
		text[i] = piece[i % strlen(piece)];
	text[size] = '\0';
	if (n == LONG_PATHS - 1) /* goes on into what is behind the heap's end, or the stack's */
		return (char *)(uintptr_t)(MOTE_ADDRESS_END - 7);
	return text;
}

static void go_in(const char *path)
{
	if (chdir(path))
		return;
	expect_honest(open("secret", O_RDONLY));
	expect_honest(open("../secret", O_RDONLY));
	expect_honest(open("given/text", O_RDONLY | O_NOFOLLOW));
	close(3), close(4), close(5);
}

static void look(const char *path)
{
	struct stat st;
	struct statfs fs;
	char text[4097];

	for (int flags = 0; flags < 3; flags++)
		if (ON(SYS_newfstatat, AT_FDCWD, path, &st, flags % 2 ? AT_SYMLINK_NOFOLLOW : 0) ==
			    0 &&
		    st.st_size == 19)
			mote_guest_fail(1, "the secret's size");
	ON(SYS_readlink, path, text, sizeof text);
	ON(SYS_statfs, path, &fs);
	ON(SYS_access, path, R_OK | W_OK);
	ON(SYS_truncate, path, (size_t)1 << 40);
	ON(SYS_chmod, path, 0);
	ON(SYS_chmod, path, 0777);
	ON(SYS_utimensat, AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
}

static void change(const char *path)
{
	ON(SYS_mkdir, path, 0777);
	ON(SYS_symlink, path, "/tmp/link");
	open_and_close("/tmp/link", O_RDWR | O_CREAT);
	ON(SYS_symlink, "../secret", path);
	open_and_close(path, O_RDONLY);
	ON(SYS_rename, path, "/mine/taken");
	open_and_close("/mine/taken", O_RDONLY);
	ON(SYS_rename, "/mine/taken", path);
	ON(SYS_rename, path, path);
	ON(SYS_link, path, "/mine/linked");
	ON(SYS_unlink, path);
	ON(SYS_rmdir, path);
	ON(SYS_unlink, "/tmp/link");
}

ATTACK_WAYS((COUNT(paths) + LONG_PATHS) * COUNT(folders))
{
	const size_t n = way % (COUNT(paths) + LONG_PATHS);
	const char *path = n < COUNT(paths) ? paths[n] : long_path((unsigned)(n - COUNT(paths)));
	const char *folder = folders[way / (COUNT(paths) + LONG_PATHS)];

	if (chdir(folder) && strcmp(folder, "/nowhere") != 0 &&
	    strcmp(folder, "/mine/inner/dots") != 0)
		mote_guest_fail(1, "the guest lacks a folder");
	open_and_close(path, O_RDONLY);
	look(path);
	for (int flags = 0; flags < 8; flags++)
		open_and_close(path, O_RDWR | (flags & 1 ? O_CREAT : 0) | (flags & 2 ? O_EXCL : 0) |
					     (flags & 4 ? O_TRUNC : 0));
	change(path);
	go_in(path);
	if (chdir("/"))
		mote_guest_fail(1, "the root is gone");
	expect_fixed();
}

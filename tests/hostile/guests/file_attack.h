/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_attack.h - for attacks on files: "/data" cannot be changed, "/mine" and "/tmp" can, and have
 * 256 KiB each. What the host put there begins with "honest"; so does all that attacks write.
 */
#ifndef TESTS_HOSTILE_GUESTS_FILE_ATTACK_H
#define TESTS_HOSTILE_GUESTS_FILE_ATTACK_H

static void keep_some(void);
static void expect_kept(void);
#define ATTACK_PREPARE() keep_some()
#define ATTACK_BEGIN()   expect_kept()

#include "hostile/guests/attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Changes that are there when the attacks begin, and after each restore: a file in memory, a part
 * of one of the host's, and one that is gone. */
static void keep_some(void)
{
	static char text[30000] = "honest, and kept";
	int fd = creat("/tmp/kept", 0600), large = open("/mine/large", O_RDWR);

	if (write(fd, text, sizeof text) != sizeof text || pwrite(large, text, 10, 5000) != 10 ||
	    close(fd) || close(large) || unlink("/mine/inner/text"))
		abort();
}

static void expect_kept(void)
{
	static char text[30001];
	struct stat st;
	int fd = open("/tmp/kept", O_RDONLY), large = open("/mine/large", O_RDONLY);

	if (read(fd, text, sizeof text) != 30000 || strcmp(text, "honest, and kept") != 0 ||
	    text[29999])
		mote_guest_fail(1, "a kept file is another");
	if (pread(large, text, 11, 5000) != 11 || memcmp(text, "honest, an\0", 11) != 0 ||
	    pread(large, text, 6, 0) != 6 || memcmp(text, "honest", 6) != 0)
		mote_guest_fail(1, "a part of a file was not kept");
	if (stat("/mine/inner/text", &st) == 0 || close(fd) || close(large))
		mote_guest_fail(1, "what was removed is there");
}

/* What is open as FD may be seen: nothing, zeroes of a hole, or what is honest. */
static inline void expect_honest(int fd)
{
	char text[16] = "";

	if (fd < 0)
		return;
	if (pread(fd, text, sizeof text, 0) > 0 && text[0] && strncmp(text, "honest", 6) != 0)
		mote_guest_fail(1, text);
}

/* What cannot be changed has not been, and still cannot be. */
static inline void expect_fixed(void)
{
	struct stat st;

	if (stat("/data/text", &st) || st.st_size != 12 || st.st_mode & 0222)
		mote_guest_fail(1, "a file that is not the guest's was changed");
	if (open("/data/text", O_WRONLY) >= 0 || errno != EROFS || mkdir("/data/new", 0777) == 0)
		mote_guest_fail(1, "a folder that is not the guest's can be changed");
}

static inline void open_and_close(const char *path, int flags)
{
	int fd = open(path, flags, 0666);

	expect_honest(fd);
	if (write(fd, "honest", 6) != 6)
		errno = 0; /* it was not opened for that */
	close(fd);
}

/* Calls that are not in every libc's headers, or that libcs check. */
#define ON(number, ...) syscall(number, __VA_ARGS__)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_box.h - a guest that never runs and the directories that it is given, for the tests of
 * files: folders of the host in a place of their own, and system calls with paths.
 */
#ifndef VM_FILES_BOX_H
#define VM_FILES_BOX_H

#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CWD ((uint64_t)AT_FDCWD)

/* Where paths and bytes of the guest lie: paths of any length in the heap. */
#define BYTES LAST_PAGE

struct files_box {
	struct personality_box pb;
	char top[32];  /* of the host: what must not be reached is in it */
	char root[40]; /* TOP/in: what guests are given */
};

/* Makes PATH, from the top on, with CONTENT; a folder if that is NULL. */
static inline void make_at(const struct files_box *box, const char *path, const char *content)
{
	char full[5000];

	snprintf(full, sizeof full, "%s/%s", box->top, path);
	if (!content) {
		assert_int_equal(mkdir(full, 0755), 0);
		return;
	}
	FILE *file = fopen(full, "w");
	assert_non_null(file);
	fputs(content, file);
	fclose(file);
}

/* What the host has at PATH, from the top on; "" if nothing. Lives until the next call. */
static inline const char *host_text(const struct files_box *box, const char *path)
{
	static char text[256];
	char full[5000];

	snprintf(full, sizeof full, "%s/%s", box->top, path);
	FILE *file = fopen(full, "r");
	text[file ? fread(text, 1, sizeof text - 1, file) : 0] = '\0';
	if (file)
		fclose(file);
	return text;
}

static inline void link_at(const struct files_box *box, const char *text, const char *path)
{
	char full[5000];

	snprintf(full, sizeof full, "%s/%s", box->top, path);
	assert_int_equal(symlink(text, full), 0);
}

/* The folders of the host: in/a.txt, in/sub/b.txt, out/secret. */
static inline void files_box_make(struct files_box *box)
{
	memset(box, 0, sizeof *box);
	snprintf(box->top, sizeof box->top, "/tmp/mote-files-XXXXXX");
	assert_non_null(mkdtemp(box->top));
	snprintf(box->root, sizeof box->root, "%s/in", box->top);
	make_at(box, "in", NULL);
	make_at(box, "in/sub", NULL);
	make_at(box, "in/a.txt", "alpha\n");
	make_at(box, "in/sub/b.txt", "beta\n");
	make_at(box, "out", NULL);
	make_at(box, "out/secret", "secret\n");
}

/* A guest that is given COUNT directories, and may have so many files open. */
static inline void files_box_give(struct files_box *box, const mote_directory *given, size_t count,
				  uint64_t max_open_files, const struct sys *sys)
{
	const struct files_plan plan = { given, count, max_open_files };
	mote_error err = { .message = "" };

	personality_box_init(&box->pb, sys);
	files_fini(&box->pb.p.files);
	if (files_init(&box->pb.p.files, &box->pb.box.host, &box->pb.streams, &plan, &err))
		fail_msg("%s", err.message);
}

/* The usual: the root at /data, read-only or private, and with that a /tmp of 64 KiB. */
static inline void files_box_init(struct files_box *box, bool is_private)
{
	files_box_make(box);
	const mote_directory given[] = {
		{ .guest = "/data",
		  .host = box->root,
		  .flags = is_private ? MOTE_DIR_PRIVATE : 0,
		  .max_bytes = 1 << 20 },
		{ .guest = "/tmp", .flags = MOTE_DIR_PRIVATE, .max_bytes = 65536 },
	};
	files_box_give(box, given, is_private ? 2 : 1, 16, NULL);
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline void files_box_fini(struct files_box *box)
{
	personality_box_fini(&box->pb);
	assert_int_equal(nftw(box->top, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline uint64_t heap_of(struct files_box *box)
{
	return layout_get(guest_memory_layout(box->pb.box.memory), REGION_HEAP)->va;
}

/* Puts TEXT into the guest, in the heap's INDEX-th 8 KiB. */
static inline uint64_t text_at(struct files_box *box, unsigned index, const char *text)
{
	const uint64_t va = heap_of(box) + index * UINT64_C(8192);

	assert_int_equal(
		guest_memory_write(box->pb.box.memory, va, text, strlen(text) + 1, 0, NULL),
		MOTE_OK);
	return va;
}

static inline int64_t open_it(struct files_box *box, const char *path, int flags)
{
	return CALL(&box->pb, SYS_openat, CWD, text_at(box, 0, path), (unsigned)flags, 0644);
}

/* What FD has from where it stands, at most 200 bytes. Lives until the next call. */
static inline const char *read_it(struct files_box *box, int64_t fd)
{
	static char text[256];
	int64_t n = CALL(&box->pb, SYS_read, (uint64_t)fd, BYTES, 200);

	if (n < 0)
		snprintf(text, sizeof text, "error %lld", (long long)-n);
	else
		snprintf(text, sizeof text, "%.*s", (int)n, (const char *)at(&box->pb, BYTES));
	return text;
}

static inline int64_t write_it(struct files_box *box, int64_t fd, const char *text)
{
	memcpy(at(&box->pb, BYTES), text, strlen(text));
	return CALL(&box->pb, SYS_write, (uint64_t)fd, BYTES, strlen(text));
}

/* What is in the file at PATH, or "error N". */
static inline const char *content_of(struct files_box *box, const char *path)
{
	static char text[32];
	int64_t fd = open_it(box, path, O_RDONLY);

	if (fd < 0) {
		snprintf(text, sizeof text, "error %lld", (long long)-fd);
		return text;
	}
	const char *content = read_it(box, fd);
	CALL(&box->pb, SYS_close, (uint64_t)fd);
	return content;
}

/* Makes or replaces a file. 0 or a negative errno value. */
static inline int64_t put_it(struct files_box *box, const char *path, const char *text)
{
	int64_t fd = open_it(box, path, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd < 0)
		return fd;
	int64_t n = write_it(box, fd, text);
	CALL(&box->pb, SYS_close, (uint64_t)fd);
	return n < 0 ? n : 0;
}

/* A call of one path, or of two. */
static inline int64_t on_path(struct files_box *box, uint64_t number, const char *path,
			      uint64_t argument)
{
	return CALL(&box->pb, number, text_at(box, 0, path), argument);
}

static inline int64_t on_paths(struct files_box *box, uint64_t number, const char *one,
			       const char *two)
{
	return CALL(&box->pb, number, text_at(box, 0, one), text_at(box, 1, two));
}

/* The names in a folder, as they come, without the dots: "a.txt sub". SIZE bytes a call. */
static inline const char *list_it(struct files_box *box, const char *path, uint64_t size)
{
	static char text[4096];
	int64_t fd = open_it(box, path, O_RDONLY | O_DIRECTORY), n;

	snprintf(text, sizeof text, "%s", fd < 0 ? "error" : "");
	while (fd >= 0 && (n = CALL(&box->pb, SYS_getdents64, (uint64_t)fd, BYTES, size)) > 0)
		for (int64_t i = 0; i < n;) {
			const char *entry = (const char *)at(&box->pb, BYTES) + i;
			uint16_t length;
			memcpy(&length, entry + 16, sizeof length);
			i += length;
			if (strcmp(entry + 19, ".") != 0 && strcmp(entry + 19, "..") != 0)
				snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
					 *text ? " " : "", entry + 19);
		}
	CALL(&box->pb, SYS_close, (uint64_t)fd);
	return text;
}

static inline struct stat stat_it(struct files_box *box, const char *path)
{
	struct stat stat = { .st_size = -1 };

	if (CALL(&box->pb, SYS_lstat, text_at(box, 0, path), BYTES) == 0)
		memcpy(&stat, at(&box->pb, BYTES), sizeof stat);
	return stat;
}

/* Descriptors that this process has open. */
static inline unsigned count_descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

#endif

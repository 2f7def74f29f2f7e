/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the folder that hostile guests are given. Its links are what a careless host may have in
 * one: some lead out, some nowhere, some to themselves.
 */
#define _GNU_SOURCE
#include "hostile/given.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_file(const char *folder, const char *name, const char *text, off_t size)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	bool is_written = file && fputs(text, file) >= 0;
	if (file && fclose(file))
		is_written = false;
	return is_written && (!size || truncate(path, size) == 0);
}

/* A folder, and something that whoever opened it would wait for. */
static bool make_inner(const char *folder)
{
	char path[128], pipe[128];

	snprintf(path, sizeof path, "%s/inner", folder);
	snprintf(pipe, sizeof pipe, "%s/pipe", folder);
	return mkdir(path, 0755) == 0 && mkfifo(pipe, 0666) == 0 &&
	       write_file(path, "text", "honest, too\n", 0);
}

static bool make_links(const char *folder)
{
	static const char *const links[][2] = {
		{ "../secret", "up" },
		{ "..", "above" },
		{ "../secret", "inner/up" },
		{ "inner/../../secret", "by_inner" },
		{ "../../..", "inner/dots" },
		{ "/etc/passwd", "absolute" },
		{ "/", "root" },
		{ "self", "self" },
		{ "there", "here" },
		{ "here", "there" },
		{ "/proc/self/root", "magic" },
		{ "text", "fine" },
		{ "inner/", "folder" },
		{ "nothing", "nowhere" },
	};
	char path[128], last[32] = "../secret";

	for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, links[i][1]);
		if (symlink(links[i][0], path))
			return false;
	}
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof path, "%s/chain%d", folder, i);
		if (symlink(last, path))
			return false;
		snprintf(last, sizeof last, "chain%d", i);
	}
	return true;
}

static uint64_t digest;

static uint64_t mix(uint64_t sum, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	return sum;
}

static int digest_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	char bytes[8192];
	/* one after the other into the sum: folders come in the order in which the host lists them */
	uint64_t sum = mix(UINT64_C(0xcbf29ce484222325), path, strlen(path));

	(void)type;
	(void)at;
	sum = mix(sum, &st->st_mode, sizeof st->st_mode);
	sum = mix(sum, &st->st_size, sizeof st->st_size);
	sum = mix(sum, &st->st_mtim, sizeof st->st_mtim);
	sum = mix(sum, &st->st_nlink, sizeof st->st_nlink);
	FILE *file = S_ISREG(st->st_mode) ? fopen(path, "r") : NULL;
	for (size_t n; file && (n = fread(bytes, 1, sizeof bytes, file));)
		sum = mix(sum, bytes, n);
	if (file)
		fclose(file);
	digest += sum;
	return 0;
}

static uint64_t digest_of(const char *top)
{
	digest = 0;
	return nftw(top, digest_one, 16, FTW_PHYS) == 0 ? digest : 0;
}

bool given_make(struct given *given)
{
	snprintf(given->top, sizeof given->top, "/tmp/mote-hostile-XXXXXX");
	if (!mkdtemp(given->top))
		return false;
	snprintf(given->folder, sizeof given->folder, "%s/given", given->top);
	if (mkdir(given->folder, 0755) ||
	    !write_file(given->top, "secret", "secret of the host\n", 0) ||
	    !write_file(given->folder, "text", "honest text\n", 0) ||
	    !write_file(given->folder, "large", "honest, and large\n", 1 << 20) ||
	    !make_inner(given->folder) || !make_links(given->folder))
		return false;
	given->digest = digest_of(given->top);
	return given->digest != 0;
}

bool given_changed(const struct given *given)
{
	return digest_of(given->top) != given->digest;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void given_remove(const struct given *given)
{
	nftw(given->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that uses files as a C program does: with its libc, through paths and descriptors.
 */
#include <mote/guest.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What is in a file, or "error N". */
MOTE_EXPORT(str, Content, str, path)
{
	static char text[256];
	FILE *file = fopen(path, "r");

	if (!file) {
		snprintf(text, sizeof text, "error %d", errno);
		return text;
	}
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

MOTE_EXPORT(i32, Store, str, path, str, text)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return errno;
	fputs(text, file);
	return fclose(file) ? errno : 0;
}

/* Leaves a file open, for later calls. */
MOTE_EXPORT(i32, Open, str, path, bool, may_write)
{
	return open(path, may_write ? O_RDWR : O_RDONLY);
}

/* The next bytes of a file that is open. */
MOTE_EXPORT(str, Next, i32, fd, u32, size)
{
	static char text[256];
	ssize_t n = read(fd, text, size < sizeof text ? size : sizeof text - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

MOTE_EXPORT(u32, CountNames, str, path)
{
	DIR *folder = opendir(path);
	uint32_t n = 0;

	while (folder && readdir(folder))
		n++;
	if (folder)
		closedir(folder);
	return n;
}

MOTE_EXPORT(i32, Remove, str, path)
{
	return remove(path) ? errno : 0;
}

int main(void)
{
	return 0;
}

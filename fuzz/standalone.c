/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A driver for fuzz targets where there is no fuzzing engine: runs the target once on
 * each file named, and on each file in each folder named. So the corpus, with all that
 * was ever found, is a regression test for any compiler.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fail(const char *path)
{
	fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
	return -1;
}

/* The number of inputs run: 1, or -1. */
static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	long size = -1;

	if (!file)
		return fail(path);
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	rewind(file);
	/* As large as the input and no larger, so that a sanitizer sees a byte more. */
	uint8_t *data = size < 0 ? NULL : malloc(size ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
		free(data);
		fclose(file);
		return fail(path);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 1;
}

static int run_folder(DIR *folder, const char *path)
{
	char name[4096];
	int count = 0;

	for (struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (run_file(name) < 0)
			return -1;
		count++;
	}
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);
		int count = folder ? run_folder(folder, argv[i]) : run_file(argv[i]);
		if (folder)
			closedir(folder);
		if (count < 0)
			return 1;
		total += count;
	}
	printf("%d inputs\n", total);
	return total > 0 ? 0 : 1;
}

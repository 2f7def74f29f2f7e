/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The xml example: documents from anywhere, parsed where nothing can be reached from. What one of
 * them does to the parser is undone before the next.
 *
 * Usage: xml [-b BACKEND] GUEST FILE...
 */
#include <mote/mote.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MAX  (8 << 20)
#define TIME_MAX  UINT64_C(2000000000) /* ns: two seconds */
#define HEAP_SIZE (36 << 20)           /* no document needs more, or it is refused */

/* For one document: CPU time, since a busy machine is not the guest's fault. */
static const mote_call_options limits = { .size = sizeof limits, .cpu_ns = TIME_MAX };
static mote_error err;

/* Reads all of PATH, at most FILE_MAX bytes, to TO. */
static int read_file(const char *path, char *to, size_t *size)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return 1;
	*size = fread(to, 1, FILE_MAX, file);
	int failed = ferror(file) || *size == FILE_MAX;
	return fclose(file) || failed;
}

static int describe_each(mote_sandbox *sb, const mote_snapshot *clean, char *text, char **paths)
{
	mote_value description;
	size_t size;

	for (; *paths; paths++) {
		printf("%s: ", *paths);
		if (read_file(*paths, text, &size)) {
			printf("error: cannot be read, or is larger than 8 MiB\n");
			continue;
		}
		if (mote_call_with(sb, "Describe", MOTE_ARGS(mote_bytes(text, size)), &limits,
				   &description, &err))
			printf("error: %s\n", err.message);
		else
			fputs(description.as.str.ptr, stdout);
		if (mote_sandbox_restore(sb, clean, &err))
			return 1;
	}
	return 0;
}

static int run(const char *backend, const char *guest, char *text, char **paths)
{
	mote_runtime *rt = NULL;
	mote_image *image = NULL;
	mote_sandbox *sb = NULL;
	mote_snapshot *clean = NULL;

	int failed = mote_runtime_new(&rt,
				      MOTE_OPTIONS(mote_runtime_options, .backend = backend,
						   .allow_weaker_isolation = true),
				      &err) ||
		     mote_image_load_file(&image, rt, guest, &err) ||
		     mote_sandbox_new(&sb, image,
				      MOTE_OPTIONS(mote_sandbox_options, .heap_size = HEAP_SIZE,
						   .input_size = FILE_MAX + 4096),
				      &err) ||
		     mote_snapshot_take(&clean, sb, &err) || describe_each(sb, clean, text, paths);
	if (failed)
		fprintf(stderr, "xml: %s\n", err.message);
	mote_snapshot_unref(clean);
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	return failed;
}

int main(int argc, char **argv)
{
	const char *backend = NULL; /* the best there is */
	char *text = malloc(FILE_MAX);
	int option;

	while ((option = getopt(argc, argv, "b:")) == 'b')
		backend = optarg;
	if (option != -1 || argc - optind < 2 || !text) {
		fprintf(stderr, "usage: xml [-b BACKEND] GUEST FILE...\n");
		free(text);
		return 2;
	}
	argv += optind;
	int failed = run(backend, argv[0], text, argv + 1);
	free(text);
	return failed;
}

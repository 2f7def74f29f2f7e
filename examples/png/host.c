/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The png example: thumbnails of pictures from anywhere. A guest decodes, and the host gets pixels,
 * which cannot be malformed: there is one way to read them, and only their number to check.
 * Whatever the file did to the guest is undone before the guest makes a file of the pixels: the
 * thumbnail comes from code that has not seen the picture.
 *
 * Usage: png [-b BACKEND] GUEST FOLDER FILE...
 */
#include <mote/mote.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIDE       128
#define FILE_MAX   (8 << 20)
#define TIME_MAX   UINT64_C(5000000000) /* ns: five seconds */
#define HEAP_SIZE  (96 << 20)           /* what the largest picture needs, and some more */
#define PIXELS_MAX (8 + SIDE * SIDE * 4)

/* For one picture: CPU time, since a busy machine is not the guest's fault. */
static const mote_call_options limits = { .size = sizeof limits, .cpu_ns = TIME_MAX };

struct studio {
	mote_sandbox *sb;
	mote_snapshot *clean;
	mote_error err;
	char *file;                 /* FILE_MAX bytes */
	uint8_t pixels[PIXELS_MAX]; /* width, height, pixels */
};

static uint32_t number(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Whether a result is what it should be. The guest may be in somebody else's hands. */
static bool are_pixels(const void *ptr, size_t size)
{
	if (size < 8 || size > PIXELS_MAX)
		return false;
	const uint64_t width = number(ptr), height = number((const uint8_t *)ptr + 4);
	return width && height && width <= SIDE && height <= SIDE && size == 8 + width * height * 4;
}

/* Decodes the SIZE bytes of studio->file to studio->pixels. */
static mote_status decode(struct studio *studio, size_t size)
{
	mote_value result;

	mote_status status = mote_call(studio->sb, "Decode",
				       MOTE_ARGS(mote_bytes(studio->file, size), (uint32_t)SIDE),
				       &result, &studio->err);
	if (!status && !are_pixels(result.as.bytes.ptr, result.as.bytes.len)) {
		snprintf(studio->err.message, sizeof studio->err.message,
			 "the guest's answer is not what was asked for");
		status = MOTE_E_GUEST_PROTOCOL;
	}
	if (!status)
		memcpy(studio->pixels, result.as.bytes.ptr, result.as.bytes.len);
	return status;
}

/* Writes studio->pixels to the file PATH as PNG. Returns whether it could. */
static bool encode(struct studio *studio, const char *path)
{
	const uint32_t width = number(studio->pixels), height = number(studio->pixels + 4);
	mote_value png;

	if (mote_call_with(studio->sb, "Encode",
			   MOTE_ARGS(width, height,
				     mote_bytes(studio->pixels + 8, (size_t)width * height * 4)),
			   &limits, &png, &studio->err)) {
		printf("error: %s\n", studio->err.message);
		return false;
	}
	FILE *file = fopen(path, "wb");
	bool is_written = file && fwrite(png.as.bytes.ptr, 1, png.as.bytes.len, file);
	if ((file && fclose(file)) || !is_written) {
		printf("error: %s: %s\n", path, strerror(errno));
		return false;
	}
	printf("%" PRIu32 " x %" PRIu32 ", %s\n", width, height, path);
	return true;
}

static int read_file(struct studio *studio, const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		return 1;
	*size = fread(studio->file, 1, FILE_MAX, file);
	int failed = ferror(file) || *size == FILE_MAX;
	return fclose(file) || failed;
}

/* One picture, from the state in studio->clean and back to it. False ends the program. */
static bool serve(struct studio *studio, const char *folder, const char *path)
{
	const char *slash = strrchr(path, '/');
	char out[4096];
	size_t size;

	printf("%s: ", path);
	if (read_file(studio, path, &size)) {
		printf("error: cannot be read, or is larger than 8 MiB\n");
		return true;
	}
	snprintf(out, sizeof out, "%s/%s", folder, slash ? slash + 1 : path);
	mote_status status = decode(studio, size);
	if (status)
		printf("error: %s\n", studio->err.message);
	if (mote_sandbox_restore(studio->sb, studio->clean, &studio->err))
		return false;
	if (status)
		return true;
	encode(studio, out);
	return mote_sandbox_restore(studio->sb, studio->clean, &studio->err) == MOTE_OK;
}

/*
 * Makes a picture and decodes it, before the snapshot is taken. What only a first call does,
 * getting memory and touching it, is in the snapshot then, and not done again after each restore.
 */
static mote_status warm_up(struct studio *studio)
{
	const uint32_t side = 512;
	const size_t size = (size_t)side * side * 4;
	mote_value png;

	memset(studio->file, 0, size);
	mote_status status = mote_call(studio->sb, "Encode",
				       MOTE_ARGS(side, side, mote_bytes(studio->file, size)), &png,
				       &studio->err);
	if (status)
		return status;
	/* no more than the output buffer holds, 128 KiB */
	memcpy(studio->file, png.as.bytes.ptr, png.as.bytes.len);
	return decode(studio, png.as.bytes.len);
}

static int run(struct studio *studio, const char *backend, const char *guest, char **rest)
{
	mote_runtime *rt = NULL;
	mote_image *image = NULL;

	int failed = mote_runtime_new(&rt,
				      MOTE_OPTIONS(mote_runtime_options, .backend = backend,
						   .allow_weaker_isolation = true),
				      &studio->err) ||
		     mote_image_load_file(&image, rt, guest, &studio->err) ||
		     mote_sandbox_new(&studio->sb, image,
				      MOTE_OPTIONS(mote_sandbox_options, .heap_size = HEAP_SIZE,
						   .input_size = FILE_MAX + 4096),
				      &studio->err) ||
		     warm_up(studio) ||
		     mote_snapshot_take(&studio->clean, studio->sb, &studio->err);
	for (char **path = rest + 1; !failed && *path; path++)
		failed = !serve(studio, rest[0], *path);
	if (failed)
		fprintf(stderr, "png: %s\n", studio->err.message);
	mote_snapshot_unref(studio->clean);
	mote_sandbox_free(studio->sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	return failed;
}

int main(int argc, char **argv)
{
	const char *backend = NULL; /* the best there is */
	struct studio studio = { .file = malloc(FILE_MAX) };
	int option;

	while ((option = getopt(argc, argv, "b:")) == 'b')
		backend = optarg;
	if (option != -1 || argc - optind < 3 || !studio.file) {
		fprintf(stderr, "usage: png [-b BACKEND] GUEST FOLDER FILE...\n");
		free(studio.file);
		return 2;
	}
	argv += optind;
	int failed = run(&studio, backend, argv[0], argv + 1);
	free(studio.file);
	return failed;
}

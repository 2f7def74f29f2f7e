/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's libpng: a picture decoded from memory; and some, one after another.
 */
#include "bench/programs/work.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 256, RGBA = 4, PIXELS_SIZE = SIDE * SIDE * RGBA };

static unsigned char *file;
static png_alloc_size_t file_size;

/* Shades with some noise, as photographs have. */
static void paint(unsigned char *pixels)
{
	for (unsigned i = 0; i < SIDE * SIDE; i++) {
		unsigned char *pixel = pixels + (size_t)i * RGBA;
		uint64_t noise = work_scramble(i);
		pixel[0] = (unsigned char)(i % SIDE + (noise & 3));
		pixel[1] = (unsigned char)(i / SIDE + (noise >> 2 & 3));
		pixel[2] = (unsigned char)((i % SIDE + i / SIDE) / 2);
		pixel[3] = 255;
	}
}

static bool prepare(void)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
			    .width = SIDE,
			    .height = SIDE,
			    .format = PNG_FORMAT_RGBA };

	if (file)
		return true;
	unsigned char *pixels = malloc(PIXELS_SIZE);
	file_size = PNG_IMAGE_PNG_SIZE_MAX(image);
	file = malloc(file_size);
	if (!pixels || !file)
		return false;
	paint(pixels);
	bool is_done = png_image_write_to_memory(&image, file, &file_size, 0, pixels, 0, NULL);
	free(pixels);
	return is_done;
}

static uint64_t decode(void)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	uint64_t sum = 0;

	if (!png_image_begin_read_from_memory(&image, file, file_size))
		return 0;
	image.format = PNG_FORMAT_RGBA;
	unsigned char *pixels = malloc(PNG_IMAGE_SIZE(image));
	if (pixels && png_image_finish_read(&image, NULL, pixels, 0, NULL))
		for (size_t i = 0; i < PIXELS_SIZE; i += 64)
			sum += pixels[i];
	free(pixels);
	return sum;
}

static uint64_t decode_some(void)
{
	enum { TIMES = 5 };
	uint64_t sum = 0;

	for (int i = 0; i < TIMES; i++)
		sum += decode();
	return sum;
}

WORK(decode_png, prepare, decode)
WORK(png_decode, prepare, decode_some)

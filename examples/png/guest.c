/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the png example: Debian's libpng, which turns a file from anywhere into pixels, and
 * pixels into a file.
 */
#include <mote/guest.h>

#include <png.h>

#include <stdlib.h>
#include <string.h>

enum { ERROR_BAD_PNG = 1, ERROR_TOO_LARGE = 2, ERROR_BAD_PIXELS = 3 };

#define PIXELS_MAX (UINT32_C(16) << 20) /* of a picture that is decoded: 64 MiB */
#define SIDE_MAX   1024                 /* of a picture that is returned */
#define RGBA       4

struct picture {
	uint32_t width, height;
	uint8_t *pixels;
};

/* Ends the call with what libpng has to say, once what it holds is freed. */
static __attribute__((noreturn)) void fail(png_image *image, void *pixels)
{
	png_image_free(image);
	free(pixels);
	mote_guest_fail(ERROR_BAD_PNG, image->message);
}

/* Small files can hold large pictures: sizes are looked at before there is memory for pixels. */
static struct picture decode(mote_bytes file)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	struct picture picture = { 0 };

	if (!png_image_begin_read_from_memory(&image, file.ptr, file.len))
		fail(&image, NULL);
	picture.width = image.width;
	picture.height = image.height;
	if (image.height > PIXELS_MAX / image.width) {
		png_image_free(&image);
		mote_guest_fail(ERROR_TOO_LARGE, mote_format("%u x %u pixels are too many",
							     picture.width, picture.height));
	}
	image.format = PNG_FORMAT_RGBA;
	picture.pixels = malloc(PNG_IMAGE_SIZE(image));
	if (!picture.pixels) {
		png_image_free(&image);
		mote_guest_fail(ERROR_TOO_LARGE, "out of memory");
	}
	if (!png_image_finish_read(&image, NULL, picture.pixels, 0, NULL))
		fail(&image, picture.pixels);
	return picture;
}

/* The mean of what lies between (x0, y0) and (x1, y1). Colours count by how opaque they are. */
static void average(const struct picture *from, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1,
		    uint8_t to[RGBA])
{
	uint64_t sum[RGBA] = { 0 };

	for (uint32_t y = y0; y < y1; y++) {
		const uint8_t *pixel = from->pixels + ((size_t)y * from->width + x0) * RGBA;
		for (uint32_t x = x0; x < x1; x++, pixel += RGBA) {
			for (int i = 0; i < 3; i++)
				sum[i] += (uint64_t)pixel[i] * pixel[3];
			sum[3] += pixel[3];
		}
	}
	for (int i = 0; i < 3; i++)
		to[i] = (uint8_t)(sum[3] ? sum[i] / sum[3] : 0);
	to[3] = (uint8_t)(sum[3] / ((uint64_t)(x1 - x0) * (y1 - y0)));
}

static uint32_t scaled(uint32_t size, uint32_t side, uint32_t longest)
{
	uint32_t n = longest <= side ? size : (uint32_t)((uint64_t)size * side / longest);

	return n ? n : 1;
}

/*
 * Decodes FILE and makes it fit a square of SIDE pixels, at most 1024. Returns width and height, 32
 * bits each, lowest byte first, and then the pixels: red, green, blue, alpha.
 */
MOTE_EXPORT(bytes, Decode, bytes, file, u32, side)
{
	if (side == 0 || side > SIDE_MAX)
		mote_guest_fail(ERROR_TOO_LARGE, "the side is 1 to 1024 pixels");
	const struct picture picture = decode(file);
	const uint32_t longest = picture.width > picture.height ? picture.width : picture.height;
	const uint32_t size[2] = { scaled(picture.width, side, longest),
				   scaled(picture.height, side, longest) };
	uint8_t *result = mote_alloc(sizeof size + (size_t)size[0] * size[1] * RGBA);
	uint8_t *to = result + sizeof size;

	memcpy(result, size, sizeof size);
	for (uint64_t y = 0; y < size[1]; y++)
		for (uint64_t x = 0; x < size[0]; x++, to += RGBA)
			average(&picture, (uint32_t)(x * picture.width / size[0]),
				(uint32_t)(y * picture.height / size[1]),
				(uint32_t)((x + 1) * picture.width / size[0]),
				(uint32_t)((y + 1) * picture.height / size[1]), to);
	free(picture.pixels);
	return (mote_bytes){ result, (size_t)(to - result) };
}

/* A PNG file of WIDTH x HEIGHT pixels: red, green, blue, alpha. */
MOTE_EXPORT(bytes, Encode, u32, width, u32, height, bytes, pixels)
{
	png_image image = { .version = PNG_IMAGE_VERSION,
			    .width = width,
			    .height = height,
			    .format = PNG_FORMAT_RGBA };

	if (width == 0 || height == 0 || width > SIDE_MAX || height > SIDE_MAX ||
	    pixels.len != (size_t)width * height * RGBA)
		mote_guest_fail(ERROR_BAD_PIXELS, "width and height do not go with the pixels");
	png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
	void *file = mote_alloc(size);
	if (!png_image_write_to_memory(&image, file, &size, 0, pixels.ptr, 0, NULL))
		fail(&image, NULL);
	return (mote_bytes){ file, size };
}

int main(void)
{
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with the functions of the png example's, in somebody else's hands: what it returns is
 * what the first byte of the file says.
 */
#include <mote/guest.h>

#include <string.h>

/* WIDTH and HEIGHT, and SIZE bytes in all. */
static mote_bytes picture(uint32_t width, uint32_t height, size_t size)
{
	const uint32_t sizes[2] = { width, height };
	char *bytes = mote_alloc(size + sizeof sizes);

	memset(bytes, 0x55, size + sizeof sizes);
	memcpy(bytes, sizes, sizeof sizes);
	return (mote_bytes){ bytes, size };
}

MOTE_EXPORT(bytes, Decode, bytes, file, u32, side)
{
	switch (*(const char *)file.ptr) {
	case 'g':
	case '\0': /* the warm-up: what Encode() made of it */
		return picture(side, 1, 8 + side * 4);
	case '0':
		return picture(0, 0, 8);
	case '1':
		return picture(1, 1, 7);
	case '2':
		return picture(1, 1, 8);
	case '3':
		return picture(1, 1, 13);
	case '4':
		return picture(side + 1, 1, 8 + (side + 1) * 4);
	case '5':
		return picture(0x80000000, 2, 8); /* in 32 bits, 8 + width * height * 4 is 8 */
	case '6':
		return picture(side, side, 100000);
	case '7':
		return picture(0, 128, 8);
	case '8':
		return (mote_bytes){ NULL, 0 };
	default:
		__builtin_trap();
	}
}

MOTE_EXPORT(bytes, Encode, u32, width, u32, height, bytes, pixels)
{
	(void)pixels;
	return picture(width, height, 8);
}

int main(void)
{
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A result in which one byte, or four, are others: offsets, vtables, types, counts, text. */
#include "hostile/guests/forge.h"

/* Of each byte: values; of each four: edges. */
static const unsigned char values[] = { 0, 1, 2, 4, 0x7f, 0x80, 0xfe, 0xff };
static const uint32_t words[] = { 0,          1,          4,          0x7f,       0xffff,
				  0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffc, 0xffffffff };
enum { PER_BYTE = COUNT(values) + COUNT(words), BYTES = 160 };

ATTACK_WAYS(PER_BYTE *BYTES)
{
	unsigned char message[MESSAGE_MAX];
	size_t size = write_result(message, mote_str("a result"));
	size_t at = way / PER_BYTE % size;
	size_t which = way % PER_BYTE;

	if (which < COUNT(values))
		message[at] = values[which];
	else if (at + 4 <= size)
		memcpy(message + at, &words[which - COUNT(values)], 4);
	push(message, size);
	ring(MOTE_HC_DONE);
}

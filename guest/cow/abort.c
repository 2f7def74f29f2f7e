/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages by the abort port: up to three bytes a write, with their number in front. The
 * host puts them together. A write for each byte would do, but each is an exit.
 */
#include "guest/cow/abort.h"

#include "abi/scratch.h"

static void send(uint32_t dword)
{
	__asm__ volatile("outl %0, %1" : : "a"(dword), "Nd"((uint16_t)SCRATCH_PORT_ABORT));
}

void abort_code(uint8_t code)
{
	send(1 | (uint32_t)code << 8);
}

void abort_text(const char *text)
{
	while (*text) {
		uint32_t dword = 0;
		unsigned count = 0;

		while (*text && count < 3)
			dword |= (uint32_t)(uint8_t)*text++ << (8 * ++count);
		send(dword | count);
	}
}

void abort_hex(uint64_t number)
{
	char text[2 + 16 + 1];
	char *at = text + sizeof text - 1;

	*at = '\0';
	do {
		unsigned digit = number & 15;

		*--at = (char)(digit < 10 ? '0' + digit : 'a' + digit - 10);
		number >>= 4;
	} while (number);
	*--at = 'x';
	*--at = '0';
	abort_text(at);
}

_Noreturn void abort_end(void)
{
	for (;;)
		abort_code(SCRATCH_ABORT_END);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the images print, and how: they have no libc. See probes.h for the lines.
 */
#include "tests/qemu/probes.h"

static void put_text(const char *text)
{
	while (*text)
		serial_put(*text++);
}

static void put_hex(uint64_t number)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		serial_put("0123456789abcdef"[number >> shift & 15]);
}

static void put_rights(const char *mode, unsigned rights)
{
	put_text(mode);
	serial_put(rights & PROBE_READ ? 'r' : '-');
	serial_put(rights & PROBE_WRITE ? 'w' : '-');
	serial_put(rights & PROBE_EXEC ? 'x' : '-');
}

void report(const struct probes *probes)
{
	for (uint64_t i = 0; i < probes->count; i++) {
		uint64_t pa = 0;
		unsigned found = probe(probes->va[i], &pa);

		put_hex(probes->va[i]);
		if (found & PROBE_MAPPED) {
			put_text(" -> ");
			put_hex(pa);
			put_rights(" kernel ", found);
			put_rights(" user ", found >> PROBE_USER_SHIFT);
		} else {
			put_text(" -> nothing");
		}
		put_text("\n");
	}
	put_text("end\n");
}

_Noreturn void report_unexpected(const char *what, uint64_t number, uint64_t address)
{
	put_text("unexpected ");
	put_text(what);
	put_text(" ");
	put_hex(number);
	put_text(" at ");
	put_hex(address);
	put_text("\nend\n");
	for (;;)
		;
}

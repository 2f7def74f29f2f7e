/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probes.h - what plan.c, which makes page tables on the host, and the images that run
 * on them agree on. The image is linked with two files that plan.c wrote: the tables,
 * at the address that they were made for, and one struct probes.
 *
 * For each address an image prints a line, and plan.c the same line from what vmem says:
 *
 *     0000000010000000 -> 0000000044001000 kernel rw- user r--
 *     0000000010003000 -> nothing
 */
#ifndef TESTS_QEMU_PROBES_H
#define TESTS_QEMU_PROBES_H

#include <stdint.h>

struct probes {
	uint64_t roots[2]; /* of the low half and, where that is another, of the high half */
	/* Physical memory that nothing else uses: each of its pages gets what the image needs to
	 * recognize and to run it. */
	uint64_t pages, pages_end;
	uint64_t count;
	uint64_t va[]; /* page-aligned */
};

/* In such a page: its physical address, and two pieces of code, a return and a system call. */
#define PROBE_RETURN      0x10
#define PROBE_SYSTEM_CALL 0x20

/* What a probe finds. The rights of the modes are 3 bits each, those of user mode higher up. */
enum {
	PROBE_READ = 1 << 0,
	PROBE_WRITE = 1 << 1,
	PROBE_EXEC = 1 << 2,
	PROBE_USER_SHIFT = 3,
	PROBE_MAPPED = 1 << 6,
};

/* Writes CHARACTER to the serial line. From the image's architecture. */
void serial_put(char character);

/* Tries what VA allows: PROBE_... bits. If it is mapped, PA is where. From the
 * image's architecture. */
unsigned probe(uint64_t va, uint64_t *pa);

/* Prints the lines for all of PROBES. */
void report(const struct probes *probes);

/* Prints that something happened that no probe is to do. It is the end. */
_Noreturn void report_unexpected(const char *what, uint64_t number, uint64_t address);

#endif

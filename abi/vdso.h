/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vdso.h - where the parts of the vDSO are, for C and assembly.
 *
 * The rest of the hypercall page has what Linux calls a vDSO: a small shared object in memory, with
 * functions that tell the time without leaving the guest; its address is in the auxiliary
 * vector. C libraries keep the addresses of the functions, and snapshots those of guests: so they
 * stay where they are. The functions read the clock that the host keeps at MOTE_CLOCK, and make the
 * system call when there is none, or it is too old.
 */
#ifndef ABI_VDSO_H
#define ABI_VDSO_H

#define MOTE_VDSO              0xa80 /* offset of its ELF header in the hypercall page */
#define MOTE_VDSO_GETTIME      0xc80 /* of its functions */
#define MOTE_VDSO_GETTIMEOFDAY 0xd80
#define MOTE_VDSO_TIME         0xe00

/* In the start block's page. The host writes it while the guest does not run. */
#define MOTE_CLOCK        0x11800
#define MOTE_CLOCK_TSC    0x00 /* offsets of the fields, for assembly */
#define MOTE_CLOCK_VALID  0x08
#define MOTE_CLOCK_FACTOR 0x10
#define MOTE_CLOCK_TIMES  0x18

#endif

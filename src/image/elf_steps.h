/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_steps.h - the steps of elf_parse(), in their order. For the files of the parser, and for
 * those that take apart what is no guest to elf_parse(); errors as in elf.h.
 */
#ifndef IMAGE_ELF_STEPS_H
#define IMAGE_ELF_STEPS_H

#include "image/elf.h"

/* Fills in elf->header: 64-bit little-endian x86-64 Linux, executable or position-independent. */
mote_status elf_check_header(struct elf *elf, mote_error *err);

/* That the program headers are in the file; makes elf_program_header() usable. */
mote_status elf_check_program_headers(const struct elf *elf, mote_error *err);

/* That the program needs no interpreter and no shared library. */
mote_status elf_check_static(const struct elf *elf, mote_error *err);

/* Fills in the segments. Needs the bias. */
mote_status elf_add_segments(struct elf *elf, mote_error *err);

#endif

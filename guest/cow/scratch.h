/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - pages of scratch for the guest that runs in it.
 *
 * The words of abi/scratch.h are the whole state; this has none. They are the guest's
 * own, so whatever runs in it may have spoilt them: every page is checked to lie in
 * the part of scratch that may be given out, and the guest ends if it does not.
 */
#ifndef GUEST_COW_SCRATCH_H
#define GUEST_COW_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Takes a page: its physical address. It holds whatever was there. Ends the guest if no page is
 * left, or if what comes next is not a page of scratch. */
uint64_t scratch_take_page(void);

/* Tells if the physical address PA lies in scratch. */
bool scratch_has(uint64_t pa);

/* Where the byte of scratch at the physical address PA is mapped. */
void *scratch_at(uint64_t pa);

/* Copies a page from FROM to TO, and fills one with zeroes; all aligned to 8 bytes. */
void scratch_copy_page(void *to, const void *from);
void scratch_clear_page(void *page);

#endif

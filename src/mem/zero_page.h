/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zero_page.h - a page of zeroes, for all that compares pages with one or copies it.
 */
#ifndef MEM_ZERO_PAGE_H
#define MEM_ZERO_PAGE_H

#include "abi/mote_abi.h"

#include <stdint.h>

extern const uint8_t zero_page[MOTE_PAGE_SIZE];

#endif

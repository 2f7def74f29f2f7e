/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page is part of the library, 4 KiB that are read-only to everybody; so there is but one.
 */
#include "mem/zero_page.h"

const uint8_t zero_page[MOTE_PAGE_SIZE];

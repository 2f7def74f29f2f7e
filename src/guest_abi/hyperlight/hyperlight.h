/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hyperlight.h - the hyperlight guest ABI, version 0.15, behind the table of guest_abi.h. What
 * guest and host agree on is in abi/hyperlight.h.
 *
 * Its guests run in ring 0 and own their page tables; so what the host does with their addresses
 * is a walk of at most four tables, each of which lies in memory that the guest has. A restore to
 * another snapshot than the one before takes another machine; a snapshot of another guest fits if
 * both have as much scratch.
 */
#ifndef GUEST_ABI_HYPERLIGHT_HYPERLIGHT_H
#define GUEST_ABI_HYPERLIGHT_HYPERLIGHT_H

#include "guest_abi/guest_abi.h"

extern const struct guest_abi hyperlight_abi;

#endif

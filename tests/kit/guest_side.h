/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_side.h - for functions that play a guest on a thread of their own.
 *
 * No sanitizer sees what a real guest does, so ThreadSanitizer is not to see what these do:
 * a race between host and guest is what the library is made for. What it still watches, with
 * nothing taken out, is the host: its accesses against those of its other threads.
 */
#ifndef KIT_GUEST_SIDE_H
#define KIT_GUEST_SIDE_H

#define GUEST_SIDE __attribute__((noinline, no_sanitize("thread")))

#endif

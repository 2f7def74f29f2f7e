/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - what the library holds: memory, descriptors and mappings that were handed out
 * and not given back. For kit/fail.c; any thread.
 */
#ifndef KIT_HELD_H
#define KIT_HELD_H

#include <stddef.h>

struct msghdr;

/* Forgets everything. What is still held then is nobody's business any more. */
void held_forget(void);

/* A sentence about the first thing that is still held, or NULL. Lives until the next call. */
const char *held_first(void);

/* The most bytes that were allocated at a time since held_forget(). */
size_t held_peak(void);

/* As mote_runtime_options.realloc. Ends the test when OLD_SIZE is not the size of PTR, or
 * PTR is no allocation. New memory is filled with 0xab. */
void *held_realloc(void *ptr, size_t old_size, size_t new_size);

/* FD was opened by the call WHO; FD was closed. */
void held_fd(int fd, const char *who);
void held_fd_closed(int fd);

/* The ioctl REQUEST returned RESULT: a descriptor, for requests that make one. */
void held_ioctl(int result, unsigned long request);

/* A timer was made, or deleted. */
void held_timer(void);
void held_timer_deleted(void);

/* MESSAGE was received; it may carry descriptors. */
void held_received(const struct msghdr *message);

/* SIZE bytes at AT were mapped, perhaps over other mappings; or unmapped, perhaps in part. */
void held_mapped(const void *at, size_t size);
void held_unmapped(const void *at, size_t size);

#endif

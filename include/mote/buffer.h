/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/buffer.h - bulk data without copies.
 *
 * A sandbox with buffer_size in its options shares two buffers with its guest: one for arguments,
 * which the guest can only read, and one for results. Whatever is of type bytes and 4 KiB or longer
 * goes that way by itself when there is room, and as part of a message when not: neither calls nor
 * the guest's functions look different. Arguments are then copied once, into the argument buffer,
 * and results not at all: mote_call() gives a pointer into the result buffer. The guest can
 * not change what is there until the next call, because only calls run it; the rule for results of
 * mote/call.h holds as it is. The same goes for host functions, whose arguments stay as they are
 * until they return.
 *
 * What the host fills in place is not copied at all:
 *
 *     mote_buffer *image;
 *     if (!mote_buffer_new(&image, sb, size, &err)) {
 *             read(fd, mote_buffer_data(image), size);
 *             mote_call(sb, "Decode", MOTE_ARGS(mote_bytes(mote_buffer_data(image), size)),
 *                       &pixels, &err);
 *     }
 *
 * In the guest, mote_guest_result_buffer() of mote/guest.h is the place to make a result at.
 *
 * A buffer is part of the memory of its sandbox. The guest can read it at any time, from
 * mote_buffer_new() on. Restoring the sandbox makes it all zero, as it does results, but leaves it
 * where it is: fill it after the restore. No snapshot has anything of it.
 *
 * Threads: as its sandbox, one at a time.
 */
#ifndef MOTE_BUFFER_H
#define MOTE_BUFFER_H

#include <mote/sandbox.h>
#include <mote/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_buffer mote_buffer;

/*
 * Takes SIZE bytes of the argument buffer of SB, between calls. Bytes of it, all or some, become an
 * argument without being copied when mote_bytes() with their address is passed to a call of SB; so
 * do they as the result of a host function. It stays until it is freed, or SB is, or goes
 * back to its pool. Long arguments that lie elsewhere are copied to what is left behind the last
 * buffer. Errors: MOTE_E_INVALID (SIZE is 0), MOTE_E_LIMIT (no piece of buffer_size bytes is as
 * large), MOTE_E_STATE (SB has no buffers, because of its options or because its guest knows of
 * none; a call is under way), MOTE_E_NOMEM. *OUT is NULL then.
 */
MOTE_API MOTE_NODISCARD mote_status mote_buffer_new(mote_buffer **out, mote_sandbox *sb,
						    size_t size, mote_error *err);

/* The first of the bytes, which begin a page and are yours to write to but while a call is under
 * way. What is in them at first is anything. Lives as long as BUFFER. */
MOTE_API void *mote_buffer_data(mote_buffer *buffer);

/* How many bytes there are. */
MOTE_API size_t mote_buffer_size(const mote_buffer *buffer);

/* Gives the bytes back. NULL is fine. Between calls. */
MOTE_API void mote_buffer_free(mote_buffer *buffer);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_BUFFER_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_mem.h - a block of host memory that a guest sees.
 *
 * The block starts on a 2 MiB boundary (blocks under 2 MiB: on a page), so that huge pages
 * can serve it, and an unmapped guard page lies on each side. Nothing is resident until
 * it is touched; fresh bytes read as zero.
 *
 * A block has a form, and each form allows what is safe in it; anything else is
 * MOTE_E_STATE and changes nothing:
 *
 *   exclusive   new. The caller alone has it and may use shared_mem_bytes() like any
 *               array.
 *   shared      after shared_mem_share(). A guest may run on it and change any byte at any
 *               time, so the host only copies: shared_mem_read() and its kin load or store
 *               each byte exactly once. While no guest runs and no copy is under way,
 *               shared_mem_lock() makes the block exclusive until shared_mem_unlock().
 *   read-only   after shared_mem_make_read_only(), and nobody writes to it any more.
 *
 * Offsets and sizes are checked without additions that could wrap; a range outside the
 * block is MOTE_E_INVALID with the numbers in the message.
 *
 * Threads: all functions may be called from any thread at any time, but for
 * shared_mem_bytes(), whose bytes are the caller's to guard.
 */
#ifndef MEM_SHARED_MEM_H
#define MEM_SHARED_MEM_H

#include "base/error.h"
#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

struct shared_mem;

enum shared_mem_backing {
	SHARED_MEM_PRIVATE, /* anonymous: the cheapest */
	SHARED_MEM_FILE, /* a memfd, which another process can map; on Windows both are sections */
};

/*
 * Makes an exclusive block of SIZE bytes, a multiple of 4 KiB and not 0, with one reference. HOST
 * must outlive it. Errors: MOTE_E_INVALID (size), MOTE_E_NOMEM, MOTE_E_OS.
 */
mote_status shared_mem_new(struct shared_mem **out, const struct host *host, uint64_t size,
			   enum shared_mem_backing backing, mote_error *err);

/* Makes an exclusive block read-only, for good. Guests are to see the first GUEST_SIZE bytes, a
 * multiple of 4 KiB; the rest is for the host. Errors: MOTE_E_STATE (it is not exclusive),
 * MOTE_E_INVALID (GUEST_SIZE), MOTE_E_OS. */
mote_status shared_mem_make_read_only(struct shared_mem *mem, uint64_t guest_size, mote_error *err);

/* One more reference. Returns MEM. */
struct shared_mem *shared_mem_ref(struct shared_mem *mem);

/* Drops a reference; the last one unmaps the block, on whatever thread. NULL is fine. */
void shared_mem_unref(struct shared_mem *mem);

/* Where the block lies, for a memory slot or an I/O stack: not to be read or written
 * through otherwise. */
void *shared_mem_base(const struct shared_mem *mem);

/* The bytes of the block, and those that guests are to see. */
uint64_t shared_mem_size(const struct shared_mem *mem);
uint64_t shared_mem_guest_size(const struct shared_mem *mem);

/* The descriptor of the memory, whose offset 0 is the block's; -1 when its backing is private, and
 * on Windows, which has none.
 * Lives as long as the block. */
int shared_mem_fd(const struct shared_mem *mem);

/* The bytes of an exclusive block, valid until it is shared; NULL for other forms. */
uint8_t *shared_mem_bytes(struct shared_mem *mem);

/* Makes whole pages of a block that is not read-only resident at once, where that can be done. For
 * pages that will all be written: it saves their faults, and changes nothing else. */
void shared_mem_populate(struct shared_mem *mem, uint64_t offset, uint64_t size);

/* The bytes of a read-only block, valid as long as it; NULL for other forms. */
const uint8_t *shared_mem_contents(const struct shared_mem *mem);

/* Makes an exclusive block shared, for good. Errors: MOTE_E_STATE (it is not exclusive). */
mote_status shared_mem_share(struct shared_mem *mem, mote_error *err);

/*
 * Around each stretch in which a guest runs on a shared or read-only block; several may overlap.
 * Errors: MOTE_E_STATE (still exclusive, or locked).
 */
mote_status shared_mem_run_begin(struct shared_mem *mem, mote_error *err);
void shared_mem_run_end(struct shared_mem *mem);

/*
 * Makes a shared block exclusive for the caller until shared_mem_unlock() and stores its bytes.
 * Never waits. Errors: MOTE_E_STATE (not shared; a guest runs, a copy is under way, or locked
 * already).
 */
mote_status shared_mem_lock(struct shared_mem *mem, uint8_t **bytes, mote_error *err);
void shared_mem_unlock(struct shared_mem *mem);

/*
 * Copies out of and into the block, in 16-byte steps where alignment allows. Both bounds are
 * checked first: on failure nothing is copied. Errors: MOTE_E_INVALID (range), MOTE_E_STATE
 * (locked; for writes also: read-only).
 */
mote_status shared_mem_read(struct shared_mem *mem, uint64_t offset, void *to, size_t size,
			    mote_error *err);
mote_status shared_mem_write(struct shared_mem *mem, uint64_t offset, const void *from, size_t size,
			     mote_error *err);

/* Sets SIZE bytes to VALUE. Errors: as shared_mem_write(). */
mote_status shared_mem_fill(struct shared_mem *mem, uint64_t offset, uint8_t value, uint64_t size,
			    mote_error *err);

/* Sets SIZE bytes to 0, by the cheapest safe means: whole pages of large ranges go back to the
 * operating system. Errors: as shared_mem_write(). */
mote_status shared_mem_zero(struct shared_mem *mem, uint64_t offset, uint64_t size,
			    mote_error *err);

/*
 * Has SIZE bytes, from OFFSET on, both multiples of 2 MiB, come as huge pages where they are
 * touched from now on. False if they will not: the backing is not private, writes are watched,
 * which goes by small pages, or the system has none. Only speed depends on it.
 */
bool shared_mem_prefer_huge(struct shared_mem *mem, uint64_t offset, uint64_t size);

/* Told of each range of the block that the host is about to write to; IS_ZERO: it will be zero. */
typedef void (*shared_mem_note_fn)(void *user, uint64_t offset, uint64_t size, bool is_zero);

/* From now on NOTE hears of writes by the functions above. For whoever writes in other ways there
 * is shared_mem_note(). While nobody else uses the block. */
void shared_mem_watch(struct shared_mem *mem, shared_mem_note_fn note, void *user);
void shared_mem_note(struct shared_mem *mem, uint64_t offset, uint64_t size);

/*
 * Sets the bit of each page (page P is bit P % 64 of BITS[P / 64]) that may be other than it was at
 * the block's birth or after shared_mem_show_file(); the others are clear before and after. Errors:
 * MOTE_E_OS.
 */
mote_status shared_mem_touched(struct shared_mem *mem, uint64_t *bits, mote_error *err);

/*
 * Replaces whole pages while no guest runs: by zeroes, or by what is in the file FD at FILE_OFFSET.
 * Costs nothing for pages that nobody touches afterwards, if the backing is private. Unless the
 * file IS_SEALED it may be cut meanwhile: shared_mem_read() and its kin then fail with MOTE_E_OS.
 * Errors: MOTE_E_INVALID (range), MOTE_E_STATE, MOTE_E_OS: the pages are undefined then.
 */
mote_status shared_mem_show_zeroes(struct shared_mem *mem, uint64_t offset, uint64_t size,
				   mote_error *err);
mote_status shared_mem_show_file(struct shared_mem *mem, uint64_t offset, uint64_t size, int fd,
				 uint64_t file_offset, bool is_sealed, mote_error *err);

/*
 * The same for a block with a descriptor, without a copy: until shared_mem_show_own() the host sees
 * the sealed file FD there, and nobody may write to the block there. Its own pages, which whoever
 * maps the descriptor sees all the while, are what they were afterwards. Errors: as
 * shared_mem_show_file().
 */
mote_status shared_mem_show_sealed(struct shared_mem *mem, uint64_t offset, uint64_t size, int fd,
				   uint64_t file_offset, mote_error *err);
mote_status shared_mem_show_own(struct shared_mem *mem, uint64_t offset, uint64_t size,
				mote_error *err);

/* Whether pages of the block may be gone, so that only the functions above may touch it. */
bool shared_mem_may_fault(const struct shared_mem *mem);

/* Reads or writes one little-endian number, at any offset; in one access where OFFSET is a multiple
 * of its size. Errors: as shared_mem_read(), shared_mem_write(). *OUT is 0 on failure. */
mote_status shared_mem_read_u8(struct shared_mem *mem, uint64_t offset, uint8_t *out,
			       mote_error *err);
mote_status shared_mem_read_u16(struct shared_mem *mem, uint64_t offset, uint16_t *out,
				mote_error *err);
mote_status shared_mem_read_u32(struct shared_mem *mem, uint64_t offset, uint32_t *out,
				mote_error *err);
mote_status shared_mem_read_u64(struct shared_mem *mem, uint64_t offset, uint64_t *out,
				mote_error *err);
mote_status shared_mem_write_u8(struct shared_mem *mem, uint64_t offset, uint8_t value,
				mote_error *err);
mote_status shared_mem_write_u16(struct shared_mem *mem, uint64_t offset, uint16_t value,
				 mote_error *err);
mote_status shared_mem_write_u32(struct shared_mem *mem, uint64_t offset, uint32_t value,
				 mote_error *err);
mote_status shared_mem_write_u64(struct shared_mem *mem, uint64_t offset, uint64_t value,
				 mote_error *err);

#endif

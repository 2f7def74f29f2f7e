/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies out of and into a block of guest memory: each is checked against the block's
 * bounds and form, enters the gate, and leaves it. The bytes themselves move in
 * volatile_copy.c.
 */
#include "mem/shared_mem.h"

#include "abi/mote_abi.h"
#include "mem/shared_mem_internal.h"
#include "mem/volatile_copy.h"
#include "mem/zero_page.h"

#include <inttypes.h>
#include <string.h>

/*
 * From this size on, ranges are given back to the system instead of cleared. Clearing pages
 * that are resident is always faster (0.04 us a page against 0.2 and 1.2 more when it is
 * touched again), but clearing pages that are not makes them resident first (1.8 us a page), and
 * what a guest has freed should not stay with it for ever.
 */
#define DISCARD_MIN (16 * MOTE_PAGE_SIZE)

static mote_status check_range(const struct shared_mem *mem, uint64_t offset, uint64_t size,
			       mote_error *err)
{
	if (offset > mem->mapping.size || size > mem->mapping.size - offset)
		return error_set(err, MOTE_E_INVALID,
				 "%" PRIu64 " bytes at offset %" PRIu64
				 " are not all in guest memory of %zu bytes",
				 size, offset, mem->mapping.size);
	return MOTE_OK;
}

/* Checks a copy out of or into the block and lets it in. */
static mote_status begin_read(struct shared_mem *mem, uint64_t offset, uint64_t size,
			      mote_error *err)
{
	mote_status status = check_range(mem, offset, size, err);
	if (status)
		return status;
	return shared_mem_enter(mem) ? MOTE_OK : shared_mem_refuse(mem, "read", err);
}

static mote_status begin_write(struct shared_mem *mem, uint64_t offset, uint64_t size,
			       mote_error *err)
{
	mote_status status = check_range(mem, offset, size, err);
	if (status)
		return status;
	if (shared_mem_form(mem) == SHARED_MEM_IS_READ_ONLY || !shared_mem_enter(mem))
		return shared_mem_refuse(mem, "write to", err);
	return MOTE_OK;
}

static void note(struct shared_mem *mem, uint64_t offset, uint64_t size, bool is_zero)
{
	if (mem->note && size > 0)
		mem->note(mem->note_user, offset, size, is_zero);
}

void shared_mem_watch(struct shared_mem *mem, shared_mem_note_fn note_fn, void *user)
{
	mem->note = note_fn;
	mem->note_user = user;
}

void shared_mem_note(struct shared_mem *mem, uint64_t offset, uint64_t size)
{
	note(mem, offset, size, false);
}

mote_status shared_mem_read(struct shared_mem *mem, uint64_t offset, void *to, size_t size,
			    mote_error *err)
{
	mote_status status = begin_read(mem, offset, size, err);
	if (status)
		return status;
	if (mem->mapping.may_fault)
		status = mapping_read(&mem->mapping, mem->host, (size_t)offset, to, size, err);
	else
		volatile_copy_out(to, mem->mapping.base + offset, size);
	shared_mem_leave(mem);
	return status;
}

mote_status shared_mem_write(struct shared_mem *mem, uint64_t offset, const void *from, size_t size,
			     mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	note(mem, offset, size, false);
	if (mem->mapping.may_fault)
		status = mapping_write(&mem->mapping, mem->host, (size_t)offset, from, size, err);
	else
		volatile_copy_in(mem->mapping.base + offset, from, size);
	shared_mem_leave(mem);
	return status;
}

/* Sets bytes that have passed the checks. */
static mote_status set_bytes(struct shared_mem *mem, uint64_t offset, uint8_t value, uint64_t size,
			     mote_error *err)
{
	uint8_t some[MOTE_PAGE_SIZE];
	mote_status status = MOTE_OK;

	if (!mem->mapping.may_fault) {
		volatile_fill(mem->mapping.base + offset, value, size);
		return MOTE_OK;
	}
	memset(some, value, sizeof some);
	for (uint64_t done = 0, n; !status && done < size; done += n) {
		n = size - done < sizeof some ? size - done : sizeof some;
		status = mapping_write(&mem->mapping, mem->host, (size_t)(offset + done), some,
				       (size_t)n, err);
	}
	return status;
}

mote_status shared_mem_fill(struct shared_mem *mem, uint64_t offset, uint8_t value, uint64_t size,
			    mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	note(mem, offset, size, value == 0);
	status = set_bytes(mem, offset, value, size, err);
	shared_mem_leave(mem);
	return status;
}

/* Whole pages that cannot go back, many of which were perhaps never touched: those that are zero
 * stay so, and take no memory. */
static mote_status clear_pages(struct shared_mem *mem, size_t offset, size_t size, mote_error *err)
{
	uint8_t page[MOTE_PAGE_SIZE];
	mote_status status = MOTE_OK;

	for (size_t done = 0; !status && done < size; done += sizeof page) {
		if (mem->mapping.may_fault)
			status = mapping_read(&mem->mapping, mem->host, offset + done, page,
					      sizeof page, err);
		else
			volatile_copy_out(page, mem->mapping.base + offset + done, sizeof page);
		if (!status && !zero_page_is(page))
			status = set_bytes(mem, offset + done, 0, sizeof page, err);
	}
	return status;
}

/* Zeroes a range that has passed the checks: whole pages by giving them back, the rest by hand. */
static mote_status zero(struct shared_mem *mem, size_t offset, size_t size, mote_error *err)
{
	size_t head = -offset & (MOTE_PAGE_SIZE - 1);

	if (size < DISCARD_MIN + head)
		return set_bytes(mem, offset, 0, size, err);
	size_t body = (size - head) & ~(MOTE_PAGE_SIZE - 1);
	mote_status status = set_bytes(mem, offset, 0, head, err);

	if (!status && !mapping_discard(&mem->mapping, mem->host, offset + head, body))
		status = clear_pages(mem, offset + head, body, err);
	if (!status)
		status = set_bytes(mem, offset + head + body, 0, size - head - body, err);
	return status;
}

mote_status shared_mem_zero(struct shared_mem *mem, uint64_t offset, uint64_t size, mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	note(mem, offset, size, true);
	status = zero(mem, (size_t)offset, (size_t)size, err);
	shared_mem_leave(mem);
	return status;
}

bool shared_mem_prefer_huge(struct shared_mem *mem, uint64_t offset, uint64_t size)
{
	if (mem->note || check_range(mem, offset, size, NULL))
		return false;
	return mapping_prefer_huge(&mem->mapping, mem->host, (size_t)offset, (size_t)size);
}

mote_status shared_mem_touched(struct shared_mem *mem, uint64_t *bits, mote_error *err)
{
	return mapping_touched(&mem->mapping, mem->host, bits, err);
}

mote_status shared_mem_show_zeroes(struct shared_mem *mem, uint64_t offset, uint64_t size,
				   mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	status = mapping_show_zeroes(&mem->mapping, mem->host, (size_t)offset, (size_t)size, err);
	shared_mem_leave(mem);
	return status;
}

mote_status shared_mem_show_file(struct shared_mem *mem, uint64_t offset, uint64_t size, int fd,
				 uint64_t file_offset, bool is_sealed, mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	status = mapping_show_file(&mem->mapping, mem->host, (size_t)offset, (size_t)size, fd,
				   file_offset, is_sealed, err);
	shared_mem_leave(mem);
	return status;
}

mote_status shared_mem_show_sealed(struct shared_mem *mem, uint64_t offset, uint64_t size, int fd,
				   uint64_t file_offset, mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	status = mapping_show_sealed(&mem->mapping, mem->host, (size_t)offset, (size_t)size, fd,
				     file_offset, err);
	shared_mem_leave(mem);
	return status;
}

mote_status shared_mem_show_own(struct shared_mem *mem, uint64_t offset, uint64_t size,
				mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	status = mapping_show_own(&mem->mapping, mem->host, (size_t)offset, (size_t)size, err);
	shared_mem_leave(mem);
	return status;
}

bool shared_mem_may_fault(const struct shared_mem *mem)
{
	return mem->mapping.may_fault;
}

/* A number is copied in one access where it is aligned: volatile_copy.h promises that. */
static mote_status read_number(struct shared_mem *mem, uint64_t offset, void *out, size_t size,
			       mote_error *err)
{
	memset(out, 0, size);
	return shared_mem_read(mem, offset, out, size, err);
}

mote_status shared_mem_read_u8(struct shared_mem *mem, uint64_t offset, uint8_t *out,
			       mote_error *err)
{
	return read_number(mem, offset, out, sizeof *out, err);
}

mote_status shared_mem_read_u16(struct shared_mem *mem, uint64_t offset, uint16_t *out,
				mote_error *err)
{
	return read_number(mem, offset, out, sizeof *out, err);
}

mote_status shared_mem_read_u32(struct shared_mem *mem, uint64_t offset, uint32_t *out,
				mote_error *err)
{
	return read_number(mem, offset, out, sizeof *out, err);
}

mote_status shared_mem_read_u64(struct shared_mem *mem, uint64_t offset, uint64_t *out,
				mote_error *err)
{
	return read_number(mem, offset, out, sizeof *out, err);
}

mote_status shared_mem_write_u8(struct shared_mem *mem, uint64_t offset, uint8_t value,
				mote_error *err)
{
	return shared_mem_write(mem, offset, &value, sizeof value, err);
}

mote_status shared_mem_write_u16(struct shared_mem *mem, uint64_t offset, uint16_t value,
				 mote_error *err)
{
	return shared_mem_write(mem, offset, &value, sizeof value, err);
}

mote_status shared_mem_write_u32(struct shared_mem *mem, uint64_t offset, uint32_t value,
				 mote_error *err)
{
	return shared_mem_write(mem, offset, &value, sizeof value, err);
}

mote_status shared_mem_write_u64(struct shared_mem *mem, uint64_t offset, uint64_t value,
				 mote_error *err)
{
	return shared_mem_write(mem, offset, &value, sizeof value, err);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "typed accessors: guest memory holds little-endian numbers");

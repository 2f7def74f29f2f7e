/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to guest memory: from a guest virtual address, by way of the layout, to bytes of
 * RAM. A range is checked whole before its first byte is copied, and every step is a
 * subtraction inside one region, so no address or size from a guest can wrap.
 */
#include "mem/guest_memory.h"

#include "mem/guest_memory_internal.h"

#include <inttypes.h>
#include <string.h>

static bool is_guest_ram(const struct guest_memory *memory, const struct layout_region *region)
{
	return region->is_user && region->gpa >= memory->layout.ram.gpa;
}

/* How many bytes at ADDRESS, at most SIZE, lie in one region of RAM with RIGHTS for the guest,
 * and in *OFFSET where in RAM; 0 if there are none. */
static size_t piece(struct guest_memory *memory, uint64_t address, size_t size, unsigned rights,
		    uint64_t *offset)
{
	const struct layout *layout = &memory->layout;
	const struct layout_region *region = layout_find(layout, address, &memory->last_found);

	if (!region || !is_guest_ram(memory, region) || (region->rights & rights) != rights)
		return 0;
	uint64_t inside = address - region->va;

	*offset = region->gpa - layout->ram.gpa + inside;
	return size < region->size - inside ? size : region->size - inside;
}

/* The error for a range whose first byte that piece() refuses is at ADDRESS. */
static mote_status refuse(const struct guest_memory *memory, uint64_t address, unsigned rights,
			  mote_error *err)
{
	if (!err)
		return MOTE_E_INVALID;
	size_t cache = memory->last_found;
	const struct layout_region *region = layout_find(&memory->layout, address, &cache);
	const char *place = guest_memory_place(memory, address);

	if (!place)
		error_set(err, MOTE_E_INVALID, "guest address 0x%" PRIx64 " is not mapped",
			  address);
	else if (!region || !is_guest_ram(memory, region))
		error_set(err, MOTE_E_INVALID,
			  "guest address 0x%" PRIx64 " is in the %s, which is no memory of the "
			  "guest's",
			  address, place);
	else
		error_set(err, MOTE_E_INVALID,
			  "guest address 0x%" PRIx64 " is in the %s, which the guest may not %s",
			  address, place, rights & LAYOUT_WRITE ? "write to" : "execute");
	err->guest_address = address;
	return MOTE_E_INVALID;
}

static mote_status check(struct guest_memory *memory, uint64_t address, size_t size,
			 unsigned rights, mote_error *err)
{
	while (size > 0) {
		uint64_t offset = 0;
		size_t n = piece(memory, address, size, rights, &offset);
		if (n == 0)
			return refuse(memory, address, rights, err);
		address += n;
		size -= n;
	}
	return MOTE_OK;
}

mote_status guest_memory_read(struct guest_memory *memory, uint64_t address, void *to, size_t size,
			      unsigned rights, mote_error *err)
{
	uint8_t *out = to;
	mote_status status = check(memory, address, size, rights, err);

	while (!status && size > 0) {
		uint64_t offset = 0;
		size_t n = piece(memory, address, size, rights, &offset);
		status = shared_mem_read(memory->ram, offset, out, n, err);
		out += n;
		address += n;
		size -= n;
	}
	return status;
}

mote_status guest_memory_write(struct guest_memory *memory, uint64_t address, const void *from,
			       size_t size, unsigned rights, mote_error *err)
{
	const uint8_t *in = from;
	mote_status status = check(memory, address, size, rights, err);

	while (!status && size > 0) {
		uint64_t offset = 0;
		size_t n = piece(memory, address, size, rights, &offset);
		status = shared_mem_write(memory->ram, offset, in, n, err);
		in += n;
		address += n;
		size -= n;
	}
	return status;
}

/* Bytes of a string that are copied at a time, so that a short one costs little. */
#define STRING_STEP 256

static mote_status copy_string(struct guest_memory *memory, uint64_t address, char *to,
			       size_t capacity, size_t *length, mote_error *err)
{
	size_t used = 0;

	while (used < capacity) {
		uint64_t offset;
		size_t want = capacity - used < STRING_STEP ? capacity - used : STRING_STEP;
		size_t n = piece(memory, address + used, want, LAYOUT_READ, &offset);
		if (n == 0)
			return refuse(memory, address + used, LAYOUT_READ, err);
		mote_status status = shared_mem_read(memory->ram, offset, to + used, n, err);
		if (status)
			return status;
		const char *end = memchr(to + used, '\0', n);
		if (end) {
			*length = (size_t)(end - to);
			return MOTE_OK;
		}
		used += n;
	}
	return error_set(err, MOTE_E_LIMIT,
			 "the string at guest address 0x%" PRIx64 " has no end within %zu bytes",
			 address, capacity);
}

mote_status guest_memory_string(struct guest_memory *memory, uint64_t address, char *to,
				size_t capacity, size_t *length, mote_error *err)
{
	*length = 0;
	mote_status status = copy_string(memory, address, to, capacity, length, err);
	if (status)
		to[0] = '\0';
	return status;
}

size_t guest_memory_span(struct guest_memory *memory, uint64_t address, size_t size,
			 unsigned rights, void **at)
{
	uint64_t offset = 0;
	size_t n = piece(memory, address, size, rights, &offset);

	*at = n > 0 ? (uint8_t *)shared_mem_base(memory->ram) + offset : NULL;
	return n;
}

bool guest_memory_is_code(struct guest_memory *memory, uint64_t address)
{
	uint64_t offset;

	return piece(memory, address, 1, LAYOUT_EXECUTE, &offset) == 1;
}

const char *guest_memory_place(const struct guest_memory *memory, uint64_t address)
{
	static const struct {
		enum layout_kind kind;
		const char *name;
	} gaps[] = {
		{ LAYOUT_STACK, "guard gap below the stack" },
		{ LAYOUT_INPUT, "guard gap below the input buffer" },
		{ LAYOUT_OUTPUT, "guard gap below the output buffer" },
	};
	const struct layout *layout = &memory->layout;
	size_t cache = 0;
	const struct layout_region *region = layout_find(layout, address, &cache);

	if (region)
		return layout_kind_name(region->kind);
	for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++)
		if (layout_get(layout, gaps[i].kind)->va - address <= LAYOUT_GUARD_SIZE)
			return gaps[i].name;
	return NULL;
}

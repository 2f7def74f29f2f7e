/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door to guest memory: from a guest virtual address, by way of the layout, to bytes of
 * RAM or of a mapped file. A range is checked whole before its first byte is copied, and every step
 * is a subtraction inside one region, so no address or size from a guest can wrap.
 */
#include "mem/guest_memory.h"

#include "mem/file_mapping.h"
#include "mem/guest_memory_internal.h"

#include <inttypes.h>
#include <string.h>

static bool is_guest_ram(const struct guest_memory *memory, const struct region *region)
{
	return region->is_user && region->gpa >= memory->layout.ram.gpa;
}

/* Asked for beside rights: only RAM will do, because the host is to write there. */
#define IN_RAM (1u << 8)
_Static_assert(!(IN_RAM & REGION_ALL), "this is no right");

/* A run of bytes in one region of RAM or in one mapped file. */
struct piece {
	size_t size; /* 0: there is none */
	uint64_t offset;
	const struct file_mapping *file; /* NULL: RAM */
};

static size_t smaller(size_t a, uint64_t b)
{
	return a < b ? a : (size_t)b;
}

static struct piece piece_of_file(const struct guest_memory *memory, uint64_t address, size_t size,
				  unsigned rights)
{
	const struct file_mapping *file = guest_memory_find_file(memory, address);

	if (!file || rights & ~(unsigned)(REGION_READ | REGION_EXECUTE))
		return (struct piece){ 0 };
	uint64_t inside = address - file->address;

	return (struct piece){ smaller(size, file->size - inside), inside, file };
}

/* The beginning of the SIZE bytes at ADDRESS, as far as it is one piece with RIGHTS for the guest. */
static struct piece piece(struct guest_memory *memory, uint64_t address, size_t size,
			  unsigned rights)
{
	const struct layout *layout = &memory->layout;
	const struct region *region = layout_find(layout, address, &memory->last_found);

	if (!region)
		return piece_of_file(memory, address, size, rights);
	if (!is_guest_ram(memory, region) || rights & ~(region->flags | IN_RAM))
		return (struct piece){ 0 };
	uint64_t inside = address - region->va;

	return (struct piece){
		.size = smaller(size, region->size - inside),
		.offset = region->gpa - layout->ram.gpa + inside,
	};
}

static mote_status read_piece(struct guest_memory *memory, const struct piece *piece, void *to,
			      mote_error *err)
{
	if (piece->file)
		return file_mapping_read(piece->file, piece->offset, to, piece->size, err);
	guest_memory_supply(memory, piece->offset, piece->size);
	return shared_mem_read(memory->ram, piece->offset, to, piece->size, err);
}

/* The error for a range whose first byte that piece() refuses is at ADDRESS. */
static mote_status refuse(const struct guest_memory *memory, uint64_t address, unsigned rights,
			  mote_error *err)
{
	if (!err)
		return MOTE_E_INVALID;
	size_t cache = memory->last_found;
	const struct region *region = layout_find(&memory->layout, address, &cache);
	const char *place = guest_memory_place(memory, address);

	if (!place)
		error_set(err, MOTE_E_INVALID, "guest address 0x%" PRIx64 " is not mapped",
			  address);
	else if (guest_memory_find_file(memory, address))
		error_set(err, MOTE_E_INVALID,
			  "guest address 0x%" PRIx64 " is in the %s, which nobody may write to",
			  address, place);
	else if (!region || !is_guest_ram(memory, region))
		error_set(err, MOTE_E_INVALID,
			  "guest address 0x%" PRIx64 " is in the %s, which is no memory of the "
			  "guest's",
			  address, place);
	else
		error_set(err, MOTE_E_INVALID,
			  "guest address 0x%" PRIx64 " is in the %s, which the guest may not %s",
			  address, place, rights & REGION_WRITE ? "write to" : "execute");
	err->guest_address = address;
	return MOTE_E_INVALID;
}

static mote_status check(struct guest_memory *memory, uint64_t address, size_t size,
			 unsigned rights, mote_error *err)
{
	while (size > 0) {
		size_t n = piece(memory, address, size, rights).size;
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
		struct piece next = piece(memory, address, size, rights);
		status = read_piece(memory, &next, out, err);
		out += next.size;
		address += next.size;
		size -= next.size;
	}
	return status;
}

mote_status guest_memory_write(struct guest_memory *memory, uint64_t address, const void *from,
			       size_t size, unsigned rights, mote_error *err)
{
	const uint8_t *in = from;
	rights |= IN_RAM;
	mote_status status = check(memory, address, size, rights, err);

	while (!status && size > 0) {
		struct piece next = piece(memory, address, size, rights);
		guest_memory_supply(memory, next.offset, next.size);
		status = guest_memory_own_image(memory, next.offset, next.size, err);
		if (!status)
			status = shared_mem_write(memory->ram, next.offset, in, next.size, err);
		in += next.size;
		address += next.size;
		size -= next.size;
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
		size_t want = smaller(STRING_STEP, capacity - used);
		struct piece next = piece(memory, address + used, want, REGION_READ);
		if (next.size == 0)
			return refuse(memory, address + used, REGION_READ, err);
		mote_status status = read_piece(memory, &next, to + used, err);
		if (status)
			return status;
		const char *end = memchr(to + used, '\0', next.size);
		if (end) {
			*length = (size_t)(end - to);
			return MOTE_OK;
		}
		used += next.size;
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

bool guest_memory_allows(struct guest_memory *memory, uint64_t address, size_t size,
			 unsigned rights)
{
	return check(memory, address, size, rights, NULL) == MOTE_OK;
}

bool guest_memory_is_code(struct guest_memory *memory, uint64_t address)
{
	const struct region *region = layout_find(&memory->layout, address, &memory->last_found);

	return region && region->kind == REGION_CODE;
}

const char *guest_memory_place(const struct guest_memory *memory, uint64_t address)
{
	static const struct {
		enum region_kind kind;
		const char *name;
	} gaps[] = {
		{ REGION_STACK, "guard gap below the stack" },
		{ REGION_INPUT, "guard gap below the input buffer" },
		{ REGION_OUTPUT, "guard gap below the output buffer" },
		{ REGION_INIT_DATA, "guard gap below the init data" },
		{ REGION_ARGUMENTS, "guard gap below the argument buffer" },
		{ REGION_RESULTS, "guard gap below the result buffer" },
	};
	const struct layout *layout = &memory->layout;
	size_t cache = 0;
	const struct region *region = layout_find(layout, address, &cache);

	if (region)
		return region_kind_name(region->kind);
	const struct file_mapping *file = guest_memory_find_file(memory, address);
	if (file)
		return file->name;
	for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
		region = layout_get(layout, gaps[i].kind);
		if (region && region->va - address <= LAYOUT_GUARD_SIZE)
			return gaps[i].name;
	}
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of a block of guest memory and who may use it when. One word, the gate, says
 * who is inside: -1 for the one who locked it, otherwise the number of guests that run and of
 * copies under way. The copies themselves are in volatile_copy.c.
 */
#include "mem/shared_mem.h"

#include "abi/mote_abi.h"
#include "mem/mapping.h"
#include "mem/volatile_copy.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

enum form { EXCLUSIVE, SHARED, READ_ONLY };

static const char *const form_names[] = {
	[EXCLUSIVE] = "exclusive",
	[SHARED] = "shared",
	[READ_ONLY] = "read-only",
};

#define GATE_LOCKED (-1)

struct shared_mem {
	const struct host *host;
	struct mapping mapping;
	uint64_t guest_size;
	atomic_int form;
	atomic_int gate;
	atomic_uint nrefs;
};

/*
 * From this size on, ranges are given back to the system instead of cleared. Clearing pages
 * that are resident is always faster (0.04 us a page against 0.2 and 1.2 more when it is
 * touched again), but clearing pages that are not makes them resident first (1.8 us a page), and
 * what a guest has freed should not stay with it for ever.
 */
#define DISCARD_MIN (16 * MOTE_PAGE_SIZE)

static mote_status check_size(uint64_t size, mote_error *err)
{
	if (size == 0 || size % MOTE_PAGE_SIZE || size > PTRDIFF_MAX)
		return error_set(err, MOTE_E_INVALID,
				 "guest memory of %" PRIu64
				 " bytes; it must be a multiple of 4096, "
				 "not 0 and at most %" PRIu64,
				 size, (uint64_t)PTRDIFF_MAX & ~(MOTE_PAGE_SIZE - 1));
	return MOTE_OK;
}

mote_status shared_mem_new(struct shared_mem **out, const struct host *host, uint64_t size,
			   enum shared_mem_backing backing, mote_error *err)
{
	*out = NULL;
	mote_status status = check_size(size, err);
	if (status)
		return status;
	struct shared_mem *mem = host_alloc(host, sizeof *mem);
	if (!mem)
		return error_nomem(err, "a block of guest memory", sizeof *mem);

	status = mapping_init(&mem->mapping, host, size, backing == SHARED_MEM_FILE, err);
	if (status) {
		host_free(host, mem, sizeof *mem);
		return status;
	}
	mem->host = host;
	mem->guest_size = size;
	atomic_init(&mem->form, EXCLUSIVE);
	atomic_init(&mem->gate, 0);
	atomic_init(&mem->nrefs, 1);
	*out = mem;
	return MOTE_OK;
}

mote_status shared_mem_new_read_only(struct shared_mem **out, const struct host *host,
				     const void *contents, uint64_t size, uint64_t guest_size,
				     enum shared_mem_backing backing, mote_error *err)
{
	*out = NULL;
	if (guest_size > size || guest_size % MOTE_PAGE_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "a guest is to see %" PRIu64 " bytes of a block of %" PRIu64
				 "; this must be a multiple of 4096 and not more than there are",
				 guest_size, size);
	struct shared_mem *mem;
	mote_status status = shared_mem_new(&mem, host, size, backing, err);
	if (status)
		return status;

	memcpy(mem->mapping.base, contents, size);
	status = mapping_seal(&mem->mapping, host, err);
	if (status) {
		shared_mem_unref(mem);
		return status;
	}
	mem->guest_size = guest_size;
	atomic_store(&mem->form, READ_ONLY);
	*out = mem;
	return MOTE_OK;
}

struct shared_mem *shared_mem_ref(struct shared_mem *mem)
{
	atomic_fetch_add_explicit(&mem->nrefs, 1, memory_order_relaxed);
	return mem;
}

void shared_mem_unref(struct shared_mem *mem)
{
	if (!mem || atomic_fetch_sub_explicit(&mem->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	const struct host *host = mem->host;
	mapping_fini(&mem->mapping, host);
	host_free(host, mem, sizeof *mem);
}

void *shared_mem_base(const struct shared_mem *mem)
{
	return mem->mapping.base;
}

uint64_t shared_mem_size(const struct shared_mem *mem)
{
	return mem->mapping.size;
}

uint64_t shared_mem_guest_size(const struct shared_mem *mem)
{
	return mem->guest_size;
}

int shared_mem_fd(const struct shared_mem *mem)
{
	return mem->mapping.fd;
}

static enum form form_of(const struct shared_mem *mem)
{
	return (enum form)atomic_load_explicit(&mem->form, memory_order_acquire);
}

void shared_mem_populate(struct shared_mem *mem, uint64_t offset, uint64_t size)
{
	if (form_of(mem) == EXCLUSIVE && offset <= mem->mapping.size &&
	    size <= mem->mapping.size - offset)
		mapping_populate(&mem->mapping, mem->host, (size_t)offset, (size_t)size);
}

uint8_t *shared_mem_bytes(struct shared_mem *mem)
{
	return form_of(mem) == EXCLUSIVE ? mem->mapping.base : NULL;
}

const uint8_t *shared_mem_contents(const struct shared_mem *mem)
{
	return form_of(mem) == READ_ONLY ? mem->mapping.base : NULL;
}

static mote_status refuse(const struct shared_mem *mem, const char *action, mote_error *err)
{
	int gate = atomic_load(&mem->gate);

	return error_set(err, MOTE_E_STATE, "cannot %s guest memory that is %s%s", action,
			 form_names[form_of(mem)],
			 gate == GATE_LOCKED ? " and locked"
			 : gate > 0          ? " and in use"
					     : "");
}

mote_status shared_mem_share(struct shared_mem *mem, mote_error *err)
{
	int expected = EXCLUSIVE;

	if (!atomic_compare_exchange_strong(&mem->form, &expected, SHARED))
		return refuse(mem, "share", err);
	return MOTE_OK;
}

/* One more inside, unless it is locked. */
static bool gate_enter(struct shared_mem *mem)
{
	int inside = atomic_load_explicit(&mem->gate, memory_order_relaxed);

	do {
		if (inside == GATE_LOCKED)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&mem->gate, &inside, inside + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

static void gate_leave(struct shared_mem *mem)
{
	atomic_fetch_sub_explicit(&mem->gate, 1, memory_order_release);
}

mote_status shared_mem_run_begin(struct shared_mem *mem, mote_error *err)
{
	if (form_of(mem) == EXCLUSIVE || !gate_enter(mem))
		return refuse(mem, "run a guest on", err);
	return MOTE_OK;
}

void shared_mem_run_end(struct shared_mem *mem)
{
	gate_leave(mem);
}

mote_status shared_mem_lock(struct shared_mem *mem, uint8_t **bytes, mote_error *err)
{
	int inside = 0;

	*bytes = NULL;
	if (form_of(mem) != SHARED ||
	    !atomic_compare_exchange_strong(&mem->gate, &inside, GATE_LOCKED))
		return refuse(mem, "lock", err);
	*bytes = mem->mapping.base;
	return MOTE_OK;
}

void shared_mem_unlock(struct shared_mem *mem)
{
	atomic_store_explicit(&mem->gate, 0, memory_order_release);
}

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
	return gate_enter(mem) ? MOTE_OK : refuse(mem, "read", err);
}

static mote_status begin_write(struct shared_mem *mem, uint64_t offset, uint64_t size,
			       mote_error *err)
{
	mote_status status = check_range(mem, offset, size, err);
	if (status)
		return status;
	if (form_of(mem) == READ_ONLY || !gate_enter(mem))
		return refuse(mem, "write to", err);
	return MOTE_OK;
}

mote_status shared_mem_read(struct shared_mem *mem, uint64_t offset, void *to, size_t size,
			    mote_error *err)
{
	mote_status status = begin_read(mem, offset, size, err);
	if (status)
		return status;
	volatile_copy_out(to, mem->mapping.base + offset, size);
	gate_leave(mem);
	return MOTE_OK;
}

mote_status shared_mem_write(struct shared_mem *mem, uint64_t offset, const void *from, size_t size,
			     mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	volatile_copy_in(mem->mapping.base + offset, from, size);
	gate_leave(mem);
	return MOTE_OK;
}

mote_status shared_mem_fill(struct shared_mem *mem, uint64_t offset, uint8_t value, uint64_t size,
			    mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	volatile_fill(mem->mapping.base + offset, value, size);
	gate_leave(mem);
	return MOTE_OK;
}

/* Zeroes a range that has passed the checks: whole pages by giving them back, the rest by hand. */
static void zero(struct shared_mem *mem, size_t offset, size_t size)
{
	size_t head = -offset & (MOTE_PAGE_SIZE - 1);
	uint8_t *at = mem->mapping.base + offset;

	if (size < DISCARD_MIN + head) {
		volatile_fill(at, 0, size);
		return;
	}
	size_t body = (size - head) & ~(MOTE_PAGE_SIZE - 1);

	volatile_fill(at, 0, head);
	if (!mapping_discard(&mem->mapping, mem->host, offset + head, body))
		volatile_fill(at + head, 0, body);
	volatile_fill(at + head + body, 0, size - head - body);
}

mote_status shared_mem_zero(struct shared_mem *mem, uint64_t offset, uint64_t size, mote_error *err)
{
	mote_status status = begin_write(mem, offset, size, err);
	if (status)
		return status;
	zero(mem, offset, size);
	gate_leave(mem);
	return MOTE_OK;
}

/* The typed accessors differ in nothing but the type. */
#define DEFINE_TYPED(name, type)                                                                   \
	mote_status shared_mem_read_##name(struct shared_mem *mem, uint64_t offset, type *out,     \
					   mote_error *err)                                        \
	{                                                                                          \
		*out = 0;                                                                          \
		mote_status status = begin_read(mem, offset, sizeof(type), err);                   \
		if (status)                                                                        \
			return status;                                                             \
		const uint8_t *at = mem->mapping.base + offset;                                    \
		if (offset % sizeof(type) == 0)                                                    \
			*out = *(const volatile type *)at;                                         \
		else                                                                               \
			volatile_copy_out(out, at, sizeof(type));                                  \
		gate_leave(mem);                                                                   \
		return MOTE_OK;                                                                    \
	}                                                                                          \
                                                                                                   \
	mote_status shared_mem_write_##name(struct shared_mem *mem, uint64_t offset, type value,   \
					    mote_error *err)                                       \
	{                                                                                          \
		mote_status status = begin_write(mem, offset, sizeof(type), err);                  \
		if (status)                                                                        \
			return status;                                                             \
		uint8_t *at = mem->mapping.base + offset;                                          \
		if (offset % sizeof(type) == 0)                                                    \
			*(volatile type *)at = value;                                              \
		else                                                                               \
			volatile_copy_in(at, &value, sizeof(type));                                \
		gate_leave(mem);                                                                   \
		return MOTE_OK;                                                                    \
	}

DEFINE_TYPED(u8, uint8_t)
DEFINE_TYPED(u16, uint16_t)
DEFINE_TYPED(u32, uint32_t)
DEFINE_TYPED(u64, uint64_t)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "typed accessors: guest memory holds little-endian numbers");

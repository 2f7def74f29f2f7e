/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of guest memory: their life, their forms, and the gate that says who is inside.
 * Nobody ever waits at the gate; who is not let in gets an error.
 */
#include "mem/shared_mem.h"

#include "abi/mote_abi.h"
#include "mem/shared_mem_internal.h"

#include <inttypes.h>
#include <string.h>

#define GATE_LOCKED (-1)

static const char *const form_names[] = {
	[SHARED_MEM_IS_EXCLUSIVE] = "exclusive",
	[SHARED_MEM_IS_SHARED] = "shared",
	[SHARED_MEM_IS_READ_ONLY] = "read-only",
};

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
	atomic_init(&mem->form, SHARED_MEM_IS_EXCLUSIVE);
	atomic_init(&mem->gate, 0);
	atomic_init(&mem->nrefs, 1);
	*out = mem;
	return MOTE_OK;
}

static mote_status check_guest_size(uint64_t size, uint64_t guest_size, mote_error *err)
{
	if (guest_size > size || guest_size % MOTE_PAGE_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "a guest is to see %" PRIu64 " bytes of a block of %" PRIu64
				 "; this must be a multiple of 4096 and not more than there are",
				 guest_size, size);
	return MOTE_OK;
}

mote_status shared_mem_make_read_only(struct shared_mem *mem, uint64_t guest_size, mote_error *err)
{
	if (shared_mem_form(mem) != SHARED_MEM_IS_EXCLUSIVE)
		return shared_mem_refuse(mem, "seal", err);
	mote_status status = check_guest_size(mem->mapping.size, guest_size, err);
	if (!status)
		status = mapping_seal(&mem->mapping, mem->host, err);
	if (status)
		return status;
	mem->guest_size = guest_size;
	atomic_store(&mem->form, SHARED_MEM_IS_READ_ONLY);
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

enum shared_mem_form shared_mem_form(const struct shared_mem *mem)
{
	return (enum shared_mem_form)atomic_load_explicit(&mem->form, memory_order_acquire);
}

void shared_mem_populate(struct shared_mem *mem, uint64_t offset, uint64_t size)
{
	if (shared_mem_form(mem) != SHARED_MEM_IS_READ_ONLY && offset <= mem->mapping.size &&
	    size <= mem->mapping.size - offset)
		mapping_populate(&mem->mapping, mem->host, (size_t)offset, (size_t)size);
}

uint8_t *shared_mem_bytes(struct shared_mem *mem)
{
	return shared_mem_form(mem) == SHARED_MEM_IS_EXCLUSIVE ? mem->mapping.base : NULL;
}

const uint8_t *shared_mem_contents(const struct shared_mem *mem)
{
	return shared_mem_form(mem) == SHARED_MEM_IS_READ_ONLY ? mem->mapping.base : NULL;
}

mote_status shared_mem_refuse(const struct shared_mem *mem, const char *action, mote_error *err)
{
	int gate = atomic_load(&mem->gate);

	return error_set(err, MOTE_E_STATE, "cannot %s guest memory that is %s%s", action,
			 form_names[shared_mem_form(mem)],
			 gate == GATE_LOCKED ? " and locked"
			 : gate > 0          ? " and in use"
					     : "");
}

mote_status shared_mem_share(struct shared_mem *mem, mote_error *err)
{
	int expected = SHARED_MEM_IS_EXCLUSIVE;

	if (!atomic_compare_exchange_strong(&mem->form, &expected, SHARED_MEM_IS_SHARED))
		return shared_mem_refuse(mem, "share", err);
	return MOTE_OK;
}

bool shared_mem_enter(struct shared_mem *mem)
{
	int inside = atomic_load_explicit(&mem->gate, memory_order_relaxed);

	do {
		if (inside == GATE_LOCKED)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&mem->gate, &inside, inside + 1, memory_order_acquire, memory_order_relaxed));
	return true;
}

void shared_mem_leave(struct shared_mem *mem)
{
	atomic_fetch_sub_explicit(&mem->gate, 1, memory_order_release);
}

mote_status shared_mem_run_begin(struct shared_mem *mem, mote_error *err)
{
	if (shared_mem_form(mem) == SHARED_MEM_IS_EXCLUSIVE || !shared_mem_enter(mem))
		return shared_mem_refuse(mem, "run a guest on", err);
	return MOTE_OK;
}

void shared_mem_run_end(struct shared_mem *mem)
{
	shared_mem_leave(mem);
}

mote_status shared_mem_lock(struct shared_mem *mem, uint8_t **bytes, mote_error *err)
{
	int inside = 0;

	*bytes = NULL;
	if (shared_mem_form(mem) != SHARED_MEM_IS_SHARED ||
	    !atomic_compare_exchange_strong(&mem->gate, &inside, GATE_LOCKED))
		return shared_mem_refuse(mem, "lock", err);
	*bytes = mem->mapping.base;
	return MOTE_OK;
}

void shared_mem_unlock(struct shared_mem *mem)
{
	atomic_store_explicit(&mem->gate, 0, memory_order_release);
}

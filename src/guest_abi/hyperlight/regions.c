/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest has mapped, by its own page tables, for back-traces and core files.
 *
 * The tables are the guest's: they may share tables and pages a thousandfold. So a walk visits as
 * many tables as there are pages that could be some, and what it tells of is at most
 * VIEWS_MAX times the guest's memory: an honest guest sees a page of scratch twice.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_walk.h"
#include "mem/page_bitmap.h"

#define VIEWS_MAX 4

/* The bytes of memory from PA on that follow each other; 0: there are none. */
static uint64_t memory_from(const struct hyperlight_bytes *bytes, uint64_t pa)
{
	const uint64_t scratch = pa - bytes->scratch_gpa;
	const uint64_t data = pa - HYPERLIGHT_BASE;
	uint64_t offset;

	if (scratch < bytes->scratch_size)
		return bytes->scratch_size - scratch;
	if (data < bytes->data_size)
		return bytes->data_size - data;
	const struct file_mapping *file = hyperlight_file_at(bytes, pa, &offset);

	return file ? file->size - offset : 0;
}

/* The bytes from PA, where no memory is, up to the next memory; as many as can be if none follows. */
static uint64_t distance(const struct hyperlight_bytes *bytes, uint64_t pa)
{
	uint64_t next = UINT64_MAX;

	if (pa < HYPERLIGHT_BASE)
		return HYPERLIGHT_BASE - pa;
	if (pa < bytes->scratch_gpa)
		next = bytes->scratch_gpa;
	for (size_t i = 0; i < bytes->nfiles; i++)
		if (bytes->files[i]->address > pa && bytes->files[i]->address < next)
			next = bytes->files[i]->address;
	return next - pa;
}

static enum region_kind kind_at(const struct hyperlight_bytes *bytes, uint64_t va, uint64_t pa)
{
	if (va >= HYPERLIGHT_STACK_LIMIT_GVA && va < HYPERLIGHT_STACK_TOP_GVA)
		return REGION_STACK;
	if (pa >= bytes->scratch_gpa)
		return REGION_SCRATCH;
	return pa - HYPERLIGHT_BASE < bytes->data_size ? REGION_SNAPSHOT : REGION_MAPPED_FILE;
}

/* The first piece of RANGE that is mapped to memory. */
static bool find_present(const struct hyperlight_bytes *bytes, const struct vmem_range *range,
			 struct region *out)
{
	const uint64_t skip = memory_from(bytes, range->pa) > 0 ? 0 : distance(bytes, range->pa);
	const uint64_t size = skip < range->size ? memory_from(bytes, range->pa + skip) : 0;
	const uint64_t left = range->size - skip;

	if (size == 0)
		return false;
	*out = (struct region){
		.va = range->va + skip,
		.gpa = range->pa + skip,
		.size = size < left ? size : left,
		.flags = hyperlight_rights(range),
		.kind = kind_at(bytes, range->va + skip, range->pa + skip),
		.host = REGION_HOST_NONE,
	};
	return true;
}

/* A visit, and how much more it may tell of. */
struct visit {
	const struct hyperlight_bytes *bytes;
	guest_look look;
	void *user;
	uint64_t left;
};

/* All pieces of RANGE; false if the visit is over. */
static bool visit_range(struct visit *visit, struct vmem_range range)
{
	struct region region;

	while (range.size > 0 && find_present(visit->bytes, &range, &region)) {
		const uint64_t done = region.va - range.va + region.size;

		if (region.size > visit->left || !visit->look(visit->user, &region))
			return false;
		visit->left -= region.size;
		range.va += done;
		range.pa += done;
		range.size -= done;
	}
	return true;
}

bool hyperlight_visit_regions(struct guest *base, uint64_t first, uint64_t last, guest_look look,
			      void *user)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;
	struct hyperlight_bytes bytes;
	struct vmem_walk walk;
	struct vmem_range range;
	enum vmem_status status = VMEM_OK;

	if (hyperlight_bytes_open(&bytes, guest, NULL))
		return false;
	const uint64_t tables = (bytes.scratch_size + bytes.data_size) / VMEM_PAGE_SIZE;
	struct visit visit = { &bytes, look, user, bytes.scratch_size + bytes.data_size };

	for (size_t i = 0; i < bytes.nfiles; i++)
		visit.left += bytes.files[i]->size;
	visit.left *= VIEWS_MAX;
	vmem_walk_begin(&walk, &vmem_amd64, &hyperlight_bytes_ops, &bytes, hyperlight_root(guest),
			first, last, tables);
	while (status == VMEM_OK) {
		status = hyperlight_walk_next(&walk, &bytes, &range);
		if (status == VMEM_OK && !visit_range(&visit, range))
			status = VMEM_LIMIT;
	}
	hyperlight_bytes_close(guest);
	return status == VMEM_END;
}

mote_status hyperlight_find_used(struct guest_used *out, struct guest *base, mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;
	const uint64_t size = shared_mem_size(guest->scratch);

	*out = (struct guest_used){ .first = SCRATCH_END_GPA - size,
				    .npages = size / VMEM_PAGE_SIZE };
	out->bits = page_bitmap_new(guest->host, out->npages);
	return out->bits ? shared_mem_touched(guest->scratch, out->bits, err)
			 : error_nomem(err, "the map of a guest's used pages",
				       (size_t)out->npages / 8);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions of guest physical memory: names, packing, overlaps and look-up. Sizes and
 * addresses come from options and from files, so no sum is formed before it is known
 * to fit.
 */
#include "mem/region.h"

#include <inttypes.h>

const char *region_kind_name(enum region_kind kind)
{
	static const char *const names[] = {
#define X(kind, name) [REGION_##kind] = (name),
		REGION_KINDS(X)
#undef X
	};

	return (unsigned)kind < REGION_KIND_COUNT ? names[kind] : "unknown";
}

const char *region_flags_name(unsigned flags)
{
	static const char *const names[] = {
		[REGION_NONE] = "NONE",
		[REGION_READ] = "READ",
		[REGION_WRITE] = "WRITE",
		[REGION_READ | REGION_WRITE] = "READ | WRITE",
		[REGION_EXECUTE] = "EXECUTE",
		[REGION_READ | REGION_EXECUTE] = "READ | EXECUTE",
		[REGION_WRITE | REGION_EXECUTE] = "WRITE | EXECUTE",
		[REGION_ALL] = "READ | WRITE | EXECUTE",
	};

	return names[flags & REGION_ALL];
}

void *region_bytes(const struct region *region)
{
	if (!region->host.base)
		return NULL;
	return (char *)region->host.base + region->host.offset;
}

void region_builder_init(struct region_builder *builder, struct region *regions, size_t capacity,
			 uint64_t base, struct region_host host)
{
	*builder = (struct region_builder){
		.regions = regions,
		.capacity = capacity,
		.next_gpa = base,
		.next_host = host,
	};
}

/* What is left of the host's mapping; without one, there is no bound. */
static uint64_t host_room(const struct region_host *host)
{
	if (!host->base)
		return UINT64_MAX;
	return host->offset < host->size ? host->size - host->offset : 0;
}

mote_status region_builder_push(struct region_builder *builder, uint64_t size, unsigned flags,
				enum region_kind kind, mote_error *err)
{
	uint64_t partial = size % REGION_PAGE_SIZE;
	uint64_t padding = partial ? REGION_PAGE_SIZE - partial : 0;

	if (size == 0)
		return MOTE_OK;
	/* The end may not be 2^64 either: it is the next region's beginning. */
	if (size > UINT64_MAX - padding || size + padding > UINT64_MAX - builder->next_gpa)
		return error_set(err, MOTE_E_INVALID,
				 "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
				 " would end past the address space; make it smaller",
				 region_kind_name(kind), size, builder->next_gpa);
	size += padding;
	if (size > host_room(&builder->next_host))
		return error_set(err, MOTE_E_INVALID,
				 "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
				 " does not fit the host's mapping, which has 0x%" PRIx64 " left",
				 region_kind_name(kind), size, builder->next_gpa,
				 host_room(&builder->next_host));
	if (builder->n_regions == builder->capacity)
		return error_set(err, MOTE_E_LIMIT, "%s is one region more than the %zu allowed",
				 region_kind_name(kind), builder->capacity);

	builder->regions[builder->n_regions++] = (struct region){
		.gpa = builder->next_gpa,
		.size = size,
		.flags = flags,
		.kind = kind,
		.host = builder->next_host,
	};
	builder->next_gpa += size;
	if (builder->next_host.base)
		builder->next_host.offset += size;
	return MOTE_OK;
}

/* Tells if GPA lies in REGION, whatever REGION's size: GPA - region->gpa wraps below it. */
static bool contains(const struct region *region, uint64_t gpa)
{
	return gpa >= region->gpa && gpa - region->gpa < region->size;
}

bool region_overlaps(const struct region *a, const struct region *b)
{
	if (a->size == 0 || b->size == 0)
		return false;
	/* Of two intervals that meet, one begins in the other. */
	return contains(a, b->gpa) || contains(b, a->gpa);
}

mote_status region_check_free(const struct region *regions, size_t n_regions,
			      const struct region *region, mote_error *err)
{
	if (region->size > UINT64_MAX - region->gpa)
		return error_set(err, MOTE_E_INVALID,
				 "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
				 " ends past the address space; choose a lower address",
				 region_kind_name(region->kind), region->size, region->gpa);
	for (size_t i = 0; i < n_regions; i++) {
		const struct region *other = &regions[i];

		if (!region_overlaps(other, region))
			continue;
		return error_set(err, MOTE_E_INVALID,
				 "%s at 0x%" PRIx64 "..0x%" PRIx64 " overlaps the %s at 0x%" PRIx64
				 "..0x%" PRIx64 "; choose another address",
				 region_kind_name(region->kind), region->gpa,
				 region->gpa + region->size, region_kind_name(other->kind),
				 other->gpa, other->gpa + other->size);
	}
	return MOTE_OK;
}

/* Binary search: the last region that does not begin behind GPA, if GPA lies in it. */
static const struct region *search(const struct region *regions, size_t n_regions, uint64_t gpa)
{
	size_t low = 0, high = n_regions;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (regions[middle].gpa <= gpa)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && contains(&regions[low - 1], gpa) ? &regions[low - 1] : NULL;
}

const struct region *region_find(const struct region *regions, size_t n_regions, uint64_t gpa,
				 size_t *cache)
{
	const size_t at = *cache;
	const struct region *found;

	if (at < n_regions && contains(&regions[at], gpa))
		return &regions[at];
	if (at < n_regions && n_regions - at > 1 && contains(&regions[at + 1], gpa))
		found = &regions[at + 1];
	else
		found = search(regions, n_regions, gpa);
	if (found)
		*cache = (size_t)(found - regions);
	return found;
}

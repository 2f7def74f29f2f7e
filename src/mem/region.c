/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions of guest memory: names, packing, overlaps and look-up. Sizes and
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

mote_status region_builder_push(struct region_builder *builder, const struct region *wanted,
				mote_error *err)
{
	const char *name = region_kind_name(wanted->kind);
	uint64_t size = wanted->size;
	uint64_t partial = size % REGION_PAGE_SIZE;
	uint64_t padding = partial ? REGION_PAGE_SIZE - partial : 0;

	if (size == 0)
		return MOTE_OK;
	/* The end may not be 2^64 either: it is the next region's beginning. */
	if (size > UINT64_MAX - padding || size + padding > UINT64_MAX - builder->next_gpa)
		return error_set(err, MOTE_E_INVALID,
				 "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
				 " would end past the address space; make it smaller",
				 name, size, builder->next_gpa);
	size += padding;
	if (size > host_room(&builder->next_host))
		return error_set(err, MOTE_E_INVALID,
				 "%s of 0x%" PRIx64 " bytes at 0x%" PRIx64
				 " does not fit the host's mapping, which has 0x%" PRIx64 " left",
				 name, size, builder->next_gpa, host_room(&builder->next_host));
	if (builder->n_regions == builder->capacity)
		return error_set(err, MOTE_E_LIMIT, "%s is one region more than the %zu allowed",
				 name, builder->capacity);

	struct region *region = &builder->regions[builder->n_regions++];

	*region = *wanted;
	region->gpa = builder->next_gpa;
	region->size = size;
	region->host = builder->next_host;
	region_builder_skip_to(builder, region->gpa + size);
	return MOTE_OK;
}

void region_builder_skip_to(struct region_builder *builder, uint64_t gpa)
{
	if (gpa <= builder->next_gpa)
		return;
	if (builder->next_host.base)
		builder->next_host.offset += gpa - builder->next_gpa;
	builder->next_gpa = gpa;
}

/* Tells if the guest sees REGION at ADDRESS, whatever its size: no sum that could wrap. */
static bool shows(const struct region *region, uint64_t address)
{
	return address >= region->va && address - region->va < region->size;
}

bool region_overlaps(const struct region *a, const struct region *b)
{
	if (a->size == 0 || b->size == 0)
		return false;
	/* Of two intervals that meet, one begins in the other. */
	return shows(a, b->va) || shows(b, a->va);
}

/* How many of ORDER do not begin behind ADDRESS. */
static size_t count_up_to(const struct region *regions, const uint8_t *order, size_t n,
			  uint64_t address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (regions[order[middle]].va <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct region *region_find(const struct region *regions, const uint8_t *order, size_t n,
				 uint64_t address, size_t *cache)
{
	size_t at = *cache;

	if (at < n && shows(&regions[order[at]], address))
		return &regions[order[at]];
	/* Accesses come in runs: the same region, or the next of a range that spans two. */
	if (at >= n || ++at == n || !shows(&regions[order[at]], address)) {
		at = count_up_to(regions, order, n, address) - 1;
		if (at >= n || !shows(&regions[order[at]], address))
			return NULL;
	}
	*cache = at;
	return &regions[order[at]];
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the layout of a snapshot's sandbox and makes lists of addresses from it.
 */
#include "hostile/places.h"

#include <stdlib.h>
#include <string.h>

#define PAGE       UINT64_C(4096)
#define WINDOW_END UINT64_C(0x200000)

enum { REGIONS_MAX = 64 };

struct map {
	mote_region_info regions[REGIONS_MAX];
	size_t count;
};

static void note_region(void *user, const mote_region_info *region)
{
	struct map *map = user;

	if (region->address && map->count < REGIONS_MAX)
		map->regions[map->count++] = *region;
}

static const mote_region_info *region_at(const struct map *map, uint64_t address)
{
	for (size_t i = 0; i < map->count; i++)
		if (address - map->regions[i].address < map->regions[i].size)
			return &map->regions[i];
	return NULL;
}

static bool is_allowed(const struct map *map, uint64_t address, enum place place)
{
	const mote_region_info *region = region_at(map, address);

	if (!region)
		return false;
	switch (place) {
	case NOT_READABLE:
		return region->readable;
	case NOT_WRITABLE:
		return region->writable;
	case NOT_EXECUTABLE:
		return region->executable;
	default:
		return true;
	}
}

static void add(struct places *places, const struct map *map, uint64_t address, enum place place)
{
	if (places->count < sizeof places->addresses / sizeof places->addresses[0] &&
	    !is_allowed(map, address, place))
		places->addresses[places->count++] = address;
}

void places_list(struct places *places, const mote_snapshot *snapshot, enum place place)
{
	struct map map = { .count = 0 };

	places->count = 0;
	mote_snapshot_layout(snapshot, note_region, &map);
	for (uint64_t page = 0; page < WINDOW_END; page += PAGE)
		add(places, &map, page + page / PAGE % 512 * 8, place);
	for (size_t i = 0; i < map.count; i++) {
		const uint64_t start = map.regions[i].address, end = start + map.regions[i].size;
		const uint64_t near[] = { start - PAGE,     start - 1,       start, start + PAGE,
					  end - PAGE,       end - 1,         end,   end + PAGE,
					  end + 255 * PAGE, end + 512 * PAGE };
		for (size_t j = 0; j < sizeof near / sizeof near[0]; j++)
			add(places, &map, near[j], place);
	}
	for (unsigned bit = 22; bit < 64; bit++) {
		const uint64_t power = UINT64_C(1) << bit;
		add(places, &map, power - 1, place);
		add(places, &map, power, place);
		add(places, &map, 0 - power, place);
	}
	add(places, &map, UINT64_MAX, place);
}

struct neighbour_memory {
	struct map map;
	uint64_t size;
	unsigned char *copies[REGIONS_MAX]; /* NULL: the guest cannot write there */
};

/* The doorbell can be written to, but nothing is behind it. */
static bool is_kept(const mote_region_info *region)
{
	return region->readable && region->writable;
}

struct neighbour_memory *neighbour_remember(mote_sandbox *sb, const mote_snapshot *snapshot)
{
	struct neighbour_memory *memory = calloc(1, sizeof *memory);

	if (!memory)
		abort();
	mote_snapshot_layout(snapshot, note_region, &memory->map);
	for (size_t i = 0; i < memory->map.count; i++) {
		const mote_region_info *region = &memory->map.regions[i];
		memory->size += region->size;
		if (!is_kept(region))
			continue;
		memory->copies[i] = malloc(region->size);
		if (!memory->copies[i] ||
		    mote_sandbox_read(sb, region->address, memory->copies[i], region->size, NULL))
			abort();
	}
	return memory;
}

void neighbour_forget(struct neighbour_memory *memory)
{
	for (size_t i = 0; i < memory->map.count; i++)
		free(memory->copies[i]);
	free(memory);
}

uint64_t neighbour_size(const struct neighbour_memory *memory)
{
	return memory->size;
}

uint64_t neighbour_changed(const struct neighbour_memory *memory, mote_sandbox *sb)
{
	unsigned char page[PAGE];

	for (size_t i = 0; i < memory->map.count; i++) {
		const mote_region_info *region = &memory->map.regions[i];
		for (uint64_t at = 0; memory->copies[i] && at < region->size; at += PAGE)
			if (mote_sandbox_read(sb, region->address + at, page, PAGE, NULL) ||
			    memcmp(page, memory->copies[i] + at, PAGE) != 0)
				return region->address + at;
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions by address, from what the library tells in another order.
 */
#include "regions.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>

/* For mote_snapshot_layout(). There are a dozen or two, and of a hostile guest some thousands. */
static void add(void *user, const mote_region_info *info)
{
	struct regions *regions = user;
	size_t at = regions->count;

	if (info->address == 0)
		return;
	void *list = realloc(regions->list, (regions->count + 1) * sizeof regions->list[0]);
	if (!list) {
		fputs("mote: out of memory\n", stderr);
		exit(EXIT_HOST);
	}
	regions->list = list;
	for (; at > 0 && regions->list[at - 1].info.address > info->address; at--)
		regions->list[at] = regions->list[at - 1];
	regions->list[at] = (struct counted_region){ .info = *info };
	regions->count++;
}

void regions_read(struct regions *regions, const mote_snapshot *snapshot)
{
	*regions = (struct regions){ 0 };
	mote_snapshot_layout(snapshot, add, regions);
}

void regions_fini(struct regions *regions)
{
	free(regions->list);
	*regions = (struct regions){ 0 };
}

struct counted_region *regions_find(const struct regions *regions, uint64_t address)
{
	for (size_t i = 0; i < regions->count; i++)
		if (address - regions->list[i].info.address < regions->list[i].info.size)
			return &regions->list[i];
	return NULL;
}

static void count_page(void *user, uint64_t address, const void *bytes)
{
	struct counted_region *region = regions_find(user, address);

	(void)bytes;
	if (region)
		region->npages++;
}

mote_status regions_count(struct regions *regions, const mote_snapshot *snapshot, mote_error *err)
{
	return mote_snapshot_pages(snapshot, count_page, regions, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host reads and writes for a guest, in system calls, is exactly what the guest could read
 * and write itself.
 */
#include "integration/harness.h"

#include <errno.h>
#include <string.h>

/* What the guest's own code can reach, as the library says. */
struct reach {
	mote_region_info regions[32];
	size_t count;
};

static void note_region(void *user, const mote_region_info *region)
{
	struct reach *reach = user;

	assert_true(reach->count < sizeof reach->regions / sizeof reach->regions[0]);
	if (region->address)
		reach->regions[reach->count++] = *region;
}

static const mote_region_info *region_at(const struct reach *reach, uint64_t address)
{
	for (size_t i = 0; i < reach->count; i++)
		if (address - reach->regions[i].address < reach->regions[i].size)
			return &reach->regions[i];
	return NULL;
}

/* The host reads for the guest from ADDRESS where the guest can, and writes there where it can. */
static void expect_reach(struct guest *g, const struct reach *reach, uint64_t address)
{
	const mote_region_info *region = region_at(reach, address);
	int32_t printed = CALL(g, "PrintAt", MOTE_ARGS(mote_u64(address), 1u)).as.i32;

	/* the host does not look at its own code for the guest, although the guest can */
	bool is_readable = region && region->readable && strcmp(region->name, "hypercall page");
	if (printed != (is_readable ? 1 : -EFAULT))
		fail_msg("%s: reading at %#llx gives %d", g->where, (unsigned long long)address,
			 printed);
	if (region && region->writable && strcmp(region->name, "doorbell"))
		return; /* the guest may depend on what is there */
	int32_t filled = CALL(g, "ReadInto", MOTE_ARGS(mote_u64(address))).as.i32;
	if (filled != -EFAULT)
		fail_msg("%s: writing at %#llx gives %d", g->where, (unsigned long long)address,
			 filled);
}

static void system_calls_reach_what_the_guest_reaches(struct guest *g)
{
	struct reach reach = { .count = 0 };

	EXPECT_STATUS(g, mote_image_layout(g->image, NULL, note_region, &reach, &g->err), MOTE_OK);
	for (uint64_t page = 0; page < 0x200000; page += 0x1000)
		expect_reach(g, &reach, page + 8);
	for (size_t i = 0; i < reach.count; i++) {
		const mote_region_info *region = &reach.regions[i];
		const uint64_t end = region->address + region->size;
		expect_reach(g, &reach, region->address - 1);
		expect_reach(g, &reach, region->address);
		expect_reach(g, &reach, end - 1);
		expect_reach(g, &reach, end);
		/* 16 bytes, half of them outside: none is written */
		if (region->writable && !region_at(&reach, end))
			assert_int_equal(CALL(g, "ReadInto", MOTE_ARGS(mote_u64(end - 8))).as.i32,
					 -EFAULT);
	}
}

static const struct row rows[] = {
	{ "system calls reach what the guest reaches", "files",
	  system_calls_reach_what_the_guest_reaches, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

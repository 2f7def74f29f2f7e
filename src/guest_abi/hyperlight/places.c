/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is where in a guest's memory at first, with names, for people. Rights are those that the
 * guest's code finds: what is copied when it is written to can be written to.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "mem/region.h"

/* A part of memory, which ends where the next one begins. */
struct part {
	const char *name;
	uint64_t start; /* physical */
	unsigned rights;
};

/* COUNT parts; one more says where the last one ends. DISTANCE leads to virtual addresses. */
static void visit_parts(const struct part *parts, size_t count, uint64_t distance, const char *slot,
			guest_visit_region visit, void *user)
{
	for (size_t i = 0; i < count; i++) {
		const mote_region_info info = {
			.name = parts[i].name,
			.address = parts[i].start + distance,
			.physical = parts[i].start,
			.size = parts[i + 1].start - parts[i].start,
			.readable = true,
			.writable = parts[i].rights & REGION_WRITE,
			.executable = parts[i].rights & REGION_EXECUTE,
			.slot = slot,
		};
		if (info.size > 0)
			visit(user, &info);
	}
}

void hyperlight_visit_layout(const struct hyperlight_layout *layout, unsigned init_flags,
			     guest_visit_region visit, void *user)
{
	const uint64_t scratch = hyperlight_scratch_gpa(layout);
	const uint64_t tables = scratch + hyperlight_tables_offset(layout);
	const struct part snapshot[] = {
		{ "image", HYPERLIGHT_BASE, REGION_WRITE | REGION_EXECUTE },
		{ "process environment block", layout->peb, 0 },
		{ "heap", layout->heap, REGION_WRITE },
		{ "init data", layout->init_data, init_flags },
		{ NULL, HYPERLIGHT_BASE + layout->data_size, 0 },
	};
	const struct part own[] = {
		{ "input buffer", scratch, REGION_WRITE },
		{ "output buffer", scratch + layout->sizes.input, REGION_WRITE },
		{ "page tables", tables, REGION_WRITE },
		{ "scratch", tables + layout->tables_size, REGION_WRITE },
		{ "exception stack", SCRATCH_END_GPA - SCRATCH_KEPT, REGION_WRITE },
		{ NULL, SCRATCH_END_GPA, 0 },
	};

	visit_parts(snapshot, sizeof snapshot / sizeof snapshot[0] - 1, 0, "snapshot", visit, user);
	visit_parts(own, sizeof own / sizeof own[0] - 1, SCRATCH_END_GVA - SCRATCH_END_GPA,
		    "scratch", visit, user);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions in the words of KVM, MSHV and WHP. Each is told no more rights than the
 * region has, as far as the hypervisor can tell them apart.
 */
#include "mem/region_convert.h"

bool region_to_kvm(const struct region *region, uint32_t slot, struct region_kvm *out)
{
	const void *bytes = region_bytes(region);

	if (!bytes)
		return false;
	*out = (struct region_kvm){
		.slot = slot,
		.flags = region->flags & REGION_WRITE ? 0 : REGION_KVM_READONLY,
		.guest_phys_addr = region->gpa,
		.memory_size = region->size,
		.userspace_addr = (uintptr_t)bytes,
	};
	return true;
}

static uint8_t mshv_flags(unsigned flags)
{
	if (!(flags & REGION_ALL))
		return REGION_MSHV_UNMAP;
	return (uint8_t)((flags & REGION_WRITE ? REGION_MSHV_WRITABLE : 0) |
			 (flags & REGION_EXECUTE ? REGION_MSHV_EXECUTABLE : 0));
}

bool region_to_mshv(const struct region *region, struct region_mshv *out)
{
	const void *bytes = region_bytes(region);

	if (!bytes)
		return false;
	*out = (struct region_mshv){
		.size = region->size,
		.guest_pfn = region->gpa / REGION_PAGE_SIZE,
		.userspace_addr = (uintptr_t)bytes,
		.flags = mshv_flags(region->flags),
	};
	return true;
}

uint32_t region_to_whp(const struct region *region)
{
	_Static_assert(REGION_WHP_READ == (int)REGION_READ &&
			       REGION_WHP_WRITE == (int)REGION_WRITE &&
			       REGION_WHP_EXECUTE == (int)REGION_EXECUTE,
		       "WHP's flags are passed on as they are");
	return region->flags & REGION_ALL;
}

enum region_surrogate region_to_surrogate(const struct region *region)
{
	return region->kind == REGION_MAPPED_FILE ? REGION_SURROGATE_READ_ONLY
						  : REGION_SURROGATE_MEMORY;
}

bool region_to_dump(const struct region *region, struct region_dump *out)
{
	const void *bytes = region_bytes(region);

	if (!bytes)
		return false;
	*out = (struct region_dump){
		.gpa = region->gpa,
		.size = region->size,
		.flags = region->flags,
		.kind = region->kind,
		.bytes = bytes,
	};
	return true;
}

bool region_access_decode(uint32_t type, enum region_flags *access)
{
	static const enum region_flags accesses[] = { REGION_READ, REGION_WRITE, REGION_EXECUTE };

	if (type >= sizeof accesses / sizeof accesses[0])
		return false;
	*access = accesses[type];
	return true;
}

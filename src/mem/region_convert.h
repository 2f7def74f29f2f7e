/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region_convert.h - regions as hypervisors and crash dumps want them.
 *
 * The structures and numbers are other people's interfaces: Linux (KVM, /dev/mshv) and
 * Windows (Hypervisor Platform). They are declared here so that every conversion is
 * built and tested everywhere; tests compare them with the system's headers where
 * there are any. Pure computation: any thread, any time.
 */
#ifndef MEM_REGION_CONVERT_H
#define MEM_REGION_CONVERT_H

#include "mem/region.h"

/* KVM_SET_USER_MEMORY_REGION's argument. */
struct region_kvm {
	uint32_t slot;
	uint32_t flags;
	uint64_t guest_phys_addr;
	uint64_t memory_size;
	uint64_t userspace_addr;
};
_Static_assert(sizeof(struct region_kvm) == 32, "the kernel reads this as its own structure");

#define REGION_KVM_READONLY UINT32_C(2)

/* MSHV_SET_GUEST_MEMORY's argument. */
struct region_mshv {
	uint64_t size;
	uint64_t guest_pfn;
	uint64_t userspace_addr;
	uint8_t flags;
	uint8_t reserved[7];
};
_Static_assert(sizeof(struct region_mshv) == 32, "the kernel reads this as its own structure");

enum {
	REGION_MSHV_WRITABLE = 1 << 0,
	REGION_MSHV_EXECUTABLE = 1 << 1,
	REGION_MSHV_UNMAP = 1 << 2,
};

/* WHvMapGpaRange()'s flags. */
enum {
	REGION_WHP_READ = 1 << 0,
	REGION_WHP_WRITE = 1 << 1,
	REGION_WHP_EXECUTE = 1 << 2,
};

/* How WHP memory reaches the surrogate process that a virtual machine's memory lives in. */
enum region_surrogate {
	REGION_SURROGATE_MEMORY,    /* read and write, first and last page are guards */
	REGION_SURROGATE_READ_ONLY, /* of a file, read-only, no guards */
};

/* A region for a crash dump, which wants bytes and nothing of mappings. */
struct region_dump {
	uint64_t gpa;
	uint64_t size;
	unsigned flags;
	enum region_kind kind;
	const void *bytes; /* as long as the host's mapping */
};

/* The memory slot number SLOT for REGION: read-only unless the guest may write; KVM has no slots
 * that refuse execution. False if the host does not map REGION. */
bool region_to_kvm(const struct region *region, uint32_t slot, struct region_kvm *out);

/* The same for /dev/mshv. A region without any rights is unmapped. */
bool region_to_mshv(const struct region *region, struct region_mshv *out);

/* The flags that WHP maps REGION with. */
uint32_t region_to_whp(const struct region *region);

/* How REGION is brought into the surrogate process. */
enum region_surrogate region_to_surrogate(const struct region *region);

/* What a crash dump writes of REGION. False if the host does not map it. */
bool region_to_dump(const struct region *region, struct region_dump *out);

/* The access that an exit reports, as the one flag it needed: MSHV's intercept_access_type and
 * WHP's AccessType have the same numbers. False for a number that neither knows. */
bool region_access_decode(uint32_t type, enum region_flags *access);

#endif

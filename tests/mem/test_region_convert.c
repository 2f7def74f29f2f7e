/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions in the words of KVM, MSHV and WHP, with the kernel's own header as the
 * judge where it is installed.
 */
#include "mem/region_convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#if defined(__linux__)
#include <linux/kvm.h>

_Static_assert(sizeof(struct region_kvm) == sizeof(struct kvm_userspace_memory_region),
	       "the size goes into the ioctl's number");
_Static_assert(offsetof(struct region_kvm, slot) ==
		       offsetof(struct kvm_userspace_memory_region, slot),
	       "KVM reads the slot number here");
_Static_assert(offsetof(struct region_kvm, flags) ==
		       offsetof(struct kvm_userspace_memory_region, flags),
	       "KVM reads the read-only flag here");
_Static_assert(offsetof(struct region_kvm, guest_phys_addr) ==
		       offsetof(struct kvm_userspace_memory_region, guest_phys_addr),
	       "KVM reads the guest's address here");
_Static_assert(offsetof(struct region_kvm, memory_size) ==
		       offsetof(struct kvm_userspace_memory_region, memory_size),
	       "KVM reads the size here");
_Static_assert(offsetof(struct region_kvm, userspace_addr) ==
		       offsetof(struct kvm_userspace_memory_region, userspace_addr),
	       "KVM reads the host's address here");
_Static_assert(REGION_KVM_READONLY == KVM_MEM_READONLY,
	       "another bit would leave the guest's code writable");
#endif

/* struct mshv_user_mem_region, as the kernel has it; the header is not packaged yet. */
_Static_assert(offsetof(struct region_mshv, size) == 0, "MSHV reads the size here");
_Static_assert(offsetof(struct region_mshv, guest_pfn) == 8, "MSHV reads the page number here");
_Static_assert(offsetof(struct region_mshv, userspace_addr) == 16,
	       "MSHV reads the host's address here");
_Static_assert(offsetof(struct region_mshv, flags) == 24, "MSHV reads the flags here");

static char memory[0x3000];

static struct region region_with(unsigned flags)
{
	return (struct region){
		.gpa = 0x7000,
		.size = 0x2000,
		.flags = flags,
		.kind = REGION_SCRATCH,
		.host = { memory, sizeof memory, 0x1000, 5 },
	};
}

/* For each combination of rights, what each hypervisor is told. */
static const struct {
	unsigned flags;
	uint32_t kvm;
	uint8_t mshv;
	uint32_t whp;
} rows[] = {
	{ REGION_NONE, 2, 4, 0 },
	{ REGION_READ, 2, 0, 1 },
	{ REGION_WRITE, 0, 1, 2 },
	{ REGION_READ | REGION_WRITE, 0, 1, 3 },
	{ REGION_EXECUTE, 2, 2, 4 },
	{ REGION_READ | REGION_EXECUTE, 2, 2, 5 },
	{ REGION_WRITE | REGION_EXECUTE, 0, 3, 6 },
	{ REGION_ALL, 0, 3, 7 },
	{ ~(unsigned)REGION_ALL, 2, 4, 0 }, /* bits that are no flags */
};

static void rights_are_translated(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct region region = region_with(rows[i].flags);
		struct region_kvm kvm;
		struct region_mshv mshv;

		assert_true(region_to_kvm(&region, 9, &kvm));
		assert_true(region_to_mshv(&region, &mshv));
		assert_int_equal(kvm.flags, rows[i].kvm);
		assert_int_equal(mshv.flags, rows[i].mshv);
		assert_int_equal(region_to_whp(&region), rows[i].whp);
	}
}

static void addresses_are_translated(void **state)
{
	const struct region region = region_with(REGION_READ);
	static const uint8_t zeroes[7];
	struct region_kvm kvm;
	struct region_mshv mshv;
	struct region_dump dump;

	(void)state;
	assert_true(region_to_kvm(&region, 9, &kvm));
	assert_int_equal(kvm.slot, 9);
	assert_int_equal(kvm.guest_phys_addr, 0x7000);
	assert_int_equal(kvm.memory_size, 0x2000);
	assert_int_equal(kvm.userspace_addr, (uintptr_t)memory + 0x1000);

	memset(&mshv, 0xff, sizeof mshv);
	assert_true(region_to_mshv(&region, &mshv));
	assert_int_equal(mshv.guest_pfn, 7);
	assert_int_equal(mshv.size, 0x2000);
	assert_int_equal(mshv.userspace_addr, (uintptr_t)memory + 0x1000);
	assert_memory_equal(mshv.reserved, zeroes, sizeof zeroes);

	assert_true(region_to_dump(&region, &dump));
	assert_int_equal(dump.gpa, 0x7000);
	assert_int_equal(dump.size, 0x2000);
	assert_int_equal(dump.flags, REGION_READ);
	assert_int_equal(dump.kind, region.kind);
	assert_ptr_equal(dump.bytes, memory + 0x1000);
}

static void what_the_host_does_not_map_is_refused(void **state)
{
	struct region region = region_with(REGION_READ);
	struct region_kvm kvm;
	struct region_mshv mshv;
	struct region_dump dump;

	(void)state;
	region.host = REGION_HOST_NONE;
	assert_false(region_to_kvm(&region, 9, &kvm));
	assert_false(region_to_mshv(&region, &mshv));
	assert_false(region_to_dump(&region, &dump));
}

static void only_files_are_read_only_in_the_surrogate(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < REGION_KIND_COUNT; kind++) {
		struct region region = region_with(REGION_READ);

		region.kind = (enum region_kind)kind;
		assert_int_equal(region_to_surrogate(&region), kind == REGION_MAPPED_FILE
								       ? REGION_SURROGATE_READ_ONLY
								       : REGION_SURROGATE_MEMORY);
	}
}

static void accesses_are_decoded_and_others_refused(void **state)
{
	const enum region_flags want[] = { REGION_READ, REGION_WRITE, REGION_EXECUTE };
	const uint32_t unknown[] = { 3, 4, 0x100, UINT32_MAX };
	enum region_flags got;

	(void)state;
	for (uint32_t type = 0; type < 3; type++) {
		got = REGION_NONE;
		assert_true(region_access_decode(type, &got));
		assert_int_equal(got, want[type]);
	}
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		got = REGION_ALL;
		assert_false(region_access_decode(unknown[i], &got));
		assert_int_equal(got, REGION_ALL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_are_translated),
		cmocka_unit_test(addresses_are_translated),
		cmocka_unit_test(what_the_host_does_not_map_is_refused),
		cmocka_unit_test(only_files_are_read_only_in_the_surrogate),
		cmocka_unit_test(accesses_are_decoded_and_others_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

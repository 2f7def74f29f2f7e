/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge that knows the manuals: KVM walks the same tables (KVM_TRANSLATE), sound
 * ones and noise, and must come to the same physical address or the same fault.
 * Nothing runs in the virtual machine.
 */
#include "tests/abi/vmem_fixture.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE     UINT64_C(0x100000)
#define N_TABLES 600

/* Noise has its tables by level, from the pages up. */
#define TABLES_A_LEVEL 16

/* Bits 13 to 20 of a 4 MiB leaf: address bits to KVM, malformed to vmem. */
#define PSE36 0x1fe000

enum { CR0_PE = 1, CR4_PSE = 1 << 4, CR4_PAE = 1 << 5 };
#define CR0_PG   (1u << 31)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)

struct judge {
	int kvm, vm, vcpu;
	struct pool pool;
};

static void judge_open(struct judge *judge)
{
	judge->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (judge->kvm < 0) {
		print_message("SKIP: no /dev/kvm\n");
		skip();
	}
	judge->pool = (struct pool){ .flat = { .base = BASE, .size = N_TABLES * PAGE } };
	judge->pool.flat.memory = mmap(NULL, N_TABLES * PAGE, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(judge->pool.flat.memory != MAP_FAILED);

	struct kvm_userspace_memory_region slot = {
		.guest_phys_addr = BASE,
		.memory_size = N_TABLES * PAGE,
		.userspace_addr = (uintptr_t)judge->pool.flat.memory,
	};

	judge->vm = ioctl(judge->kvm, KVM_CREATE_VM, 0);
	assert_true(judge->vm >= 0);
	judge->vcpu = ioctl(judge->vm, KVM_CREATE_VCPU, 0);
	assert_true(judge->vcpu >= 0);
	assert_int_equal(ioctl(judge->vm, KVM_SET_USER_MEMORY_REGION, &slot), 0);

	struct kvm_cpuid2 *cpuid = calloc(1, sizeof *cpuid + 256 * sizeof cpuid->entries[0]);

	assert_non_null(cpuid);
	cpuid->nent = 256;
	assert_int_equal(ioctl(judge->kvm, KVM_GET_SUPPORTED_CPUID, cpuid), 0);
	assert_int_equal(ioctl(judge->vcpu, KVM_SET_CPUID2, cpuid), 0);
	free(cpuid);
}

static void judge_close(struct judge *judge)
{
	munmap(judge->pool.flat.memory, N_TABLES * PAGE);
	close(judge->vcpu);
	close(judge->vm);
	close(judge->kvm);
}

/* Some KVMs without hardware paging do not walk 32-bit tables: there every address is physical.
 * With an empty root, nothing may be mapped. */
static void require_paging(struct judge *judge, uint64_t root)
{
	struct kvm_translation page = { .linear_address = 0x1000 };
	unsigned char saved[4096];
	void *table = vmem_flat_table(&judge->pool.flat, root);

	memcpy(saved, table, sizeof saved);
	memset(table, 0, sizeof saved);
	assert_int_equal(ioctl(judge->vcpu, KVM_TRANSLATE, &page), 0);
	memcpy(table, saved, sizeof saved);
	if (page.valid) {
		print_message("SKIP: this KVM does not walk such tables\n");
		judge_close(judge);
		skip();
	}
}

static void judge_use(struct judge *judge, const struct instance *vm, uint64_t root)
{
	const bool is_long = vm == &amd64;
	struct kvm_sregs sregs;

	assert_int_equal(ioctl(judge->vcpu, KVM_GET_SREGS, &sregs), 0);
	sregs.cr3 = root;
	sregs.cr0 |= CR0_PE | CR0_PG;
	sregs.cr4 = is_long ? CR4_PAE : CR4_PSE;
	sregs.efer = is_long ? EFER_LME | EFER_LMA | EFER_NXE : 0;
	sregs.cs.l = is_long;
	sregs.cs.db = !is_long;
	assert_int_equal(ioctl(judge->vcpu, KVM_SET_SREGS, &sregs), 0);
	require_paging(judge, root);
}

/* Compares what both make of VA; answers if it is mapped. */
static bool compare(struct judge *judge, const struct instance *vm, uint64_t root, uint64_t va)
{
	struct kvm_translation want = { .linear_address = va };
	struct vmem_range got;
	bool is_mapped = vm->translate(&judge->pool, root, va, &got);

	assert_int_equal(ioctl(judge->vcpu, KVM_TRANSLATE, &want), 0);
	if (is_mapped != want.valid)
		fail_msg("%s: %" PRIx64 " is%s mapped, says KVM", vm->format->name, va,
			 want.valid ? "" : " not");
	if (is_mapped && got.pa != want.physical_address)
		fail_msg("%s: %" PRIx64 " is at %" PRIx64 ", says KVM, not %" PRIx64,
			 vm->format->name, va, (uint64_t)want.physical_address, got.pa);
	return is_mapped;
}

/* An entry for a table at LEVEL as a guest may have written it: to a table below, large or not,
 * with stray bits. Left out is what depends on the processor: bit 8 above leaves, 1 GiB leaves, and
 * physical addresses above 64 GiB. */
static uint64_t noise(const struct instance *vm, unsigned level, uint64_t *random)
{
	uint64_t raw = random_next(random) & UINT64_C(0x8000000ffffffeff);
	uint64_t below = BASE + (level * TABLES_A_LEVEL - 1 - random_below(random, 16)) * PAGE;

	raw |= random_below(random, 16) ? 1 : 0;
	if (level > 0 && random_below(random, 4))
		raw = (raw & ~UINT64_C(0xffffff080)) | below;
	else if (random_below(random, 2)) /* if large, then aligned */
		raw &= ~UINT64_C(0x3fe000);
	if (level == 2 && !(raw & 0x3fffe000))
		raw &= ~UINT64_C(0x80);
	if (vm == &i686 && raw & 0x80)
		raw &= ~(uint64_t)PSE36;
	return raw;
}

static uint64_t random_va(const struct instance *vm, uint64_t *random)
{
	uint64_t va = random_next(random);

	if (vm == &i686)
		return (uint32_t)va;
	va >>= 16;
	return va >> 47 ? va | UINT64_C(0xffff) << 48 : va;
}

static void kvm_reads_noise_alike(const struct instance *vm)
{
	const unsigned entries_a_level = TABLES_A_LEVEL * vmem_entries(vm->format);
	const unsigned n_entries = vm->format->levels * entries_a_level;
	const uint64_t root = BASE + ((vm->format->levels - 1) * TABLES_A_LEVEL) * PAGE;
	uint64_t random = random_seed(vm->format->name, 20260404);
	unsigned n_mapped = 0;
	struct judge judge;

	judge_open(&judge);
	judge_use(&judge, vm, root);
	for (int round = 0; round < 40; round++) {
		for (unsigned i = 0; i < n_entries; i++)
			vmem_store(vm->format, judge.pool.flat.memory, i,
				   noise(vm, i / entries_a_level, &random));
		for (int i = 0; i < 500; i++)
			n_mapped += compare(&judge, vm, root, random_va(vm, &random));
	}
	/* Neither all faults nor none. */
	assert_true(n_mapped > 1000 && n_mapped < 19000);
	judge_close(&judge);
}

static void kvm_reads_amd64_noise_alike(void **state)
{
	(void)state;
	kvm_reads_noise_alike(&amd64);
}

static void kvm_reads_i686_noise_alike(void **state)
{
	(void)state;
	kvm_reads_noise_alike(&i686);
}

static void kvm_finds_what_was_mapped(const struct instance *vm)
{
	static const struct vmem_range ranges[] = {
		{ 0x1000, 0x5000, 3 * PAGE, VMEM_WRITE | VMEM_USER, VMEM_BASIC },
		{ 0x3ff000, 0x2000, 2 * PAGE, VMEM_EXEC, VMEM_COW },
		{ 0x40000000, 0x40000000, 0x40000000, VMEM_LARGE, VMEM_BASIC },
		{ 0x80000000, 0x10400000, 0x800000, VMEM_LARGE | VMEM_WRITE, VMEM_BASIC },
		{ 0xfffff000, 0x7000, PAGE, VMEM_EXEC, VMEM_BASIC },
	};
	struct judge judge;

	judge_open(&judge);
	uint64_t root = pool_root(&judge.pool);

	for (size_t i = 0; i < COUNT(ranges); i++)
		assert_int_equal(vm->map(&judge.pool, &root, &ranges[i]), VMEM_OK);
	judge_use(&judge, vm, root);
	for (size_t i = 0; i < COUNT(ranges); i++) {
		const uint64_t last = ranges[i].va + ranges[i].size - 1;

		assert_true(compare(&judge, vm, root, ranges[i].va));
		assert_true(compare(&judge, vm, root, last));
		assert_true(compare(&judge, vm, root, ranges[i].va + 0xabc));
		compare(&judge, vm, root, ranges[i].va - 1);
		compare(&judge, vm, root, (uint32_t)(last + 1));
	}
	judge_close(&judge);
}

static void kvm_finds_what_was_mapped_for_amd64(void **state)
{
	(void)state;
	kvm_finds_what_was_mapped(&amd64);
}

static void kvm_finds_what_was_mapped_for_i686(void **state)
{
	(void)state;
	kvm_finds_what_was_mapped(&i686);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kvm_finds_what_was_mapped_for_amd64),
		cmocka_unit_test(kvm_finds_what_was_mapped_for_i686),
		cmocka_unit_test(kvm_reads_amd64_noise_alike),
		cmocka_unit_test(kvm_reads_i686_noise_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the guest of kvm_box.h: descriptor tables as small as they can be, and page tables of
 * large pages.
 */
#define _GNU_SOURCE
#include "hv/kvm_box.h"

#include "hv/regions.h"

#include <string.h>
#include <sys/mman.h>

#define TASK 0x30

struct kvm_box box;

void kvm_box_put(uint64_t at, const void *bytes, size_t size)
{
	memcpy(box.ram + at, bytes, size);
}

static void put_word(uint64_t at, uint64_t word)
{
	kvm_box_put(at, &word, sizeof word);
}

static struct hv_segment segment(uint16_t selector, bool is_code)
{
	return (struct hv_segment){
		.selector = selector,
		.type = is_code ? 0xb : 0x3,
		.dpl = selector & 3,
		.limit = UINT32_MAX,
		.present = true,
		.is_code_or_data = true,
		.is_long = is_code,
		.is_default_32 = !is_code,
		.is_granular = true,
	};
}

static void build_tables(void)
{
	const uint64_t user = 0x67, large = 0xe7; /* present, write, user, accessed, dirty */
	const uint64_t step = 0x200000;

	put_word(PAGE_TABLES, (PAGE_TABLES + 0x1000) | user);
	put_word(PAGE_TABLES + 0x1000, (PAGE_TABLES + 0x2000) | user);
	put_word(PAGE_TABLES + 0x2000, large);
	put_word(PAGE_TABLES + 0x2008, NOWHERE | large);
	for (uint64_t at = BULK; at < BULK + BULK_SIZE; at += step)
		put_word(PAGE_TABLES + 0x2000 + at / step * 8, at | large);

	put_word(GDT + KERNEL_CODE, UINT64_C(0x00af9b000000ffff));
	put_word(GDT + KERNEL_DATA, UINT64_C(0x00cf93000000ffff));
	put_word(GDT + (USER_DATA & ~7), UINT64_C(0x00cff3000000ffff));
	put_word(GDT + (USER_CODE & ~7), UINT64_C(0x00affb000000ffff));
	for (uint64_t vector = 0; vector < 256; vector++)
		put_word(IDT + 16 * vector, UINT64_C(0x00008e0100080000) | STUB);
	put_word(TSS + 4, STACK_TOP);
	put_word(TSS + 36, STACK_TOP);
	kvm_box_put(STUB, "\xe6\x99\xf4", 3);
}

struct hv_cpu_state kvm_box_cpu(bool is_user)
{
	return (struct hv_cpu_state){
		.regs = { .rip = CODE, .rsp = DATA + 0x8000, .rflags = 2 },
		.cr0 = 0x80050033,
		.cr3 = PAGE_TABLES,
		.cr4 = 0x40620,
		.efer = 0xd01,
		.code = segment(is_user ? USER_CODE : KERNEL_CODE, true),
		.data = segment(is_user ? USER_DATA : KERNEL_DATA, false),
		.task = { .base = TSS,
			  .limit = 0x67,
			  .selector = TASK,
			  .type = 0xb,
			  .present = true },
		.gdt_base = GDT,
		.gdt_limit = 0x3f,
		.idt_base = IDT,
		.idt_limit = 0xfff,
		.star = (uint64_t)0x1b << 48 | (uint64_t)KERNEL_CODE << 32,
		.lstar = STUB,
		.syscall_mask = 0x47700,
	};
}

mote_status kvm_box_make(const struct hv_cpu_state *cpu, const struct region *extra,
			 bool is_watched)
{
	const struct region slots[] = {
		SLOT(0, RAM_SIZE, REGION_ALL, box.ram, -1),
		SLOT(CONSTANT, CONSTANT_SIZE, READ_EXECUTE, box.constant, -1),
		extra ? *extra : (struct region){ .size = 0 },
	};
	const struct hv_vm_config config = {
		.slots = slots, .nslots = extra ? 3 : 2, .cpu = cpu, .is_watched = is_watched
	};
	box.err = (mote_error){ .message = "" };
	return hv_kvm.vm_new(&box.vm, box.hv, &config, &box.err);
}

int kvm_box_setup(void **state)
{
	(void)state;
	memset(&box, 0, sizeof box);
	host_init(&box.host);
	box.ram = mmap(NULL, RAM_SIZE + CONSTANT_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(box.ram != MAP_FAILED);
	box.constant = box.ram + RAM_SIZE;
	build_tables();
	return 0;
}

int kvm_box_teardown(void **state)
{
	(void)state;
	hv_kvm.vm_free(box.vm);
	if (box.hv)
		hv_kvm.close(box.hv);
	munmap(box.ram, RAM_SIZE + CONSTANT_SIZE);
	return 0;
}

void kvm_box_open(void)
{
	struct hv_check check;

	hv_kvm.check(&box.host, &check);
	if (!check.is_available) {
		print_message("SKIP: %s\n", check.reason);
		skip();
	}
	if (hv_kvm.open(&box.hv, &box.host, &box.err))
		fail_msg("%s", box.err.message);
}

void kvm_box_start(bool is_user, const char *code, size_t size)
{
	const struct hv_cpu_state cpu = kvm_box_cpu(is_user);

	kvm_box_open();
	kvm_box_put(CODE, code, size);
	if (kvm_box_make(&cpu, NULL, false))
		fail_msg("%s", box.err.message);
}

struct hv_exit kvm_box_run(void)
{
	struct hv_exit exit;

	memset(&exit, 0xab, sizeof exit);
	if (hv_kvm.run(box.vm, &exit, &box.err))
		fail_msg("%s", box.err.message);
	return exit;
}

void expect_port(uint16_t port, uint8_t size, bool is_write, uint32_t value)
{
	struct hv_exit exit = kvm_box_run();
	assert_int_equal(exit.kind, HV_EXIT_PORT);
	assert_int_equal(exit.u.port.port, port);
	assert_int_equal(exit.u.port.size, size);
	assert_int_equal(exit.u.port.is_write, is_write);
	if (is_write)
		assert_int_equal(exit.u.port.value, value);
}

void expect_mmio(uint64_t gpa, uint8_t size, bool is_write, uint64_t value)
{
	struct hv_exit exit = kvm_box_run();
	assert_int_equal(exit.kind, HV_EXIT_MMIO);
	assert_int_equal(exit.u.mmio.gpa, gpa);
	assert_int_equal(exit.u.mmio.size, size);
	assert_int_equal(exit.u.mmio.is_write, is_write);
	if (is_write)
		assert_true(exit.u.mmio.value == value);
}

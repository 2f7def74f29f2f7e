/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the machine of cow_box.h and runs it.
 */
#define _GNU_SOURCE
#include "tests/cow/cow_box.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"
#include "hv/kvm/kvm.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* As offsets into scratch, which begins with the tables. */
enum {
	GDT = BOX_TABLE_PAGES * PAGE,
	TSS = GDT + 0x100,
	IDT = GDT + PAGE,
	STACK_END = BOX_USED_PAGES * PAGE,
};
enum { SELECTOR_CODE = 8, SELECTOR_DATA = 16, SELECTOR_TASK = 24 };

#define TSS_SIZE   104
#define TSS_IST1   0x24
#define GATE_SIZE  16
#define TABLES_GPA UINT64_C(0x800000)
#define LARGE_GPA  UINT64_C(0x400000)

static uint64_t scratch_size(const struct box *box)
{
	return box->memory[BOX_SCRATCH].size;
}

static uint64_t scratch_gva(const struct box *box, uint64_t offset)
{
	return SCRATCH_END_GVA - scratch_size(box) + offset;
}

void *box_at(struct box *box, uint64_t gpa)
{
	for (size_t i = 0; i < BOX_NMEMORIES; i++) {
		const struct box_memory *memory = &box->memory[i];

		if (gpa - memory->gpa < memory->size)
			return memory->bytes + (gpa - memory->gpa);
	}
	return NULL;
}

static void *table_at(void *memory, uint64_t pa)
{
	return box_at(memory, pa);
}

const struct vmem_ops box_table_ops = { .table = table_at };

uint64_t *box_word(struct box *box, uint64_t distance)
{
	return box_at(box, SCRATCH_END_GPA - distance);
}

static void make_memory(struct box_memory *memory, uint64_t gpa, uint64_t size)
{
	*memory = (struct box_memory){ .gpa = gpa, .size = size };
	memory->bytes = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(memory->bytes, MAP_FAILED);
	memory->before = memory->bytes + size;
}

/* Random enough that no two pages are alike. */
static void fill(struct box_memory *memory)
{
	uint64_t *words = (uint64_t *)(void *)memory->bytes;

	for (uint64_t i = 0; i < memory->size / sizeof words[0]; i++)
		words[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void load(struct box *box, const char *path)
{
	struct box_memory *snapshot = &box->memory[BOX_SNAPSHOT];
	FILE *file = fopen(path, "rb");

	if (!file)
		fail_msg("cannot open the guest %s", path);
	box->image_size = fread(snapshot->bytes, 1, BOX_CONSTANT - GUEST_BASE, file);
	fclose(file);
	assert_true(box->image_size >= PAGE && box->image_size % PAGE == 0);
	memcpy(&box->entries, snapshot->bytes, sizeof box->entries);
	snapshot->size = box->image_size + (1 + BOX_HEAP_PAGES) * PAGE;
}

static uint64_t map(struct box *box, uint64_t root, struct vmem_range range)
{
	assert_int_equal(vmem_map(&vmem_amd64, &vmem_flat_ops, &box->tables, &root, &range),
			 VMEM_OK);
	return root;
}

static uint64_t make_tables(struct box *box, bool in_scratch)
{
	const uint64_t behind_image = GUEST_BASE + box->image_size;
	const uint64_t scratch = box->memory[BOX_SCRATCH].gpa;
	const uint64_t tables = in_scratch ? scratch : TABLES_GPA;
	const struct vmem_range ranges[] = {
		{ GUEST_BASE, GUEST_BASE, box->image_size, VMEM_EXEC, VMEM_COW },
		{ BOX_CONSTANT, behind_image, PAGE, 0, VMEM_BASIC },
		{ BOX_HEAP, behind_image + PAGE, BOX_HEAP_PAGES * PAGE, 0, VMEM_COW },
		{ BOX_LARGE, LARGE_GPA, BOX_LARGE_SIZE, VMEM_LARGE, VMEM_COW },
		{ scratch_gva(box, 0), scratch, scratch_size(box), VMEM_WRITE, VMEM_BASIC },
		{ SNAPSHOT_TABLES_GVA, TABLES_GPA, BOX_TABLE_PAGES * PAGE, 0, VMEM_BASIC },
	};

	box->tables = (struct vmem_flat){ .base = tables, .size = BOX_TABLE_PAGES * PAGE };
	box->tables.memory = box_at(box, tables);

	uint64_t root = vmem_flat_alloc(&box->tables);

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0] - in_scratch; i++)
		root = map(box, root, ranges[i]);
	*box_word(box, SCRATCH_SIZE) = scratch_size(box);
	*box_word(box, SCRATCH_TABLES) = tables;
	*box_word(box, SCRATCH_NEXT) = scratch + BOX_USED_PAGES * PAGE;
	return root;
}

static void make_descriptors(struct box *box)
{
	unsigned char *scratch = box->memory[BOX_SCRATCH].bytes;
	const uint64_t gdt[] = { 0, UINT64_C(0x00a09b0000000000), UINT64_C(0x00c0930000000000) };
	const uint64_t stack = SCRATCH_END_GVA - SCRATCH_EXCEPTION_STACK;
	const uint64_t handler = box->entries.page_fault;
	/* Present, interrupt gate, IST 1. */
	const uint64_t gate = (handler & 0xffff) | SELECTOR_CODE << 16 | UINT64_C(0x8e01) << 32 |
			      (handler >> 16 & 0xffff) << 48;

	memcpy(scratch + GDT, gdt, sizeof gdt);
	memcpy(scratch + TSS + TSS_IST1, &stack, sizeof stack);
	memcpy(scratch + IDT + GATE_SIZE * 14, &gate, sizeof gate);
}

static struct hv_cpu_state cpu_state(const struct box *box, uint64_t root)
{
	return (struct hv_cpu_state){
		.cr0 = 0x80050033,
		.cr3 = root,
		.cr4 = 0x620,
		.efer = 0xd01,
		.code = { .limit = 0xffffffff,
			  .selector = SELECTOR_CODE,
			  .type = 11,
			  .present = true,
			  .is_code_or_data = true,
			  .is_long = true,
			  .is_granular = true },
		.data = { .limit = 0xffffffff,
			  .selector = SELECTOR_DATA,
			  .type = 3,
			  .present = true,
			  .is_code_or_data = true,
			  .is_default_32 = true,
			  .is_granular = true },
		.task = { .base = scratch_gva(box, TSS),
			  .limit = TSS_SIZE - 1,
			  .selector = SELECTOR_TASK,
			  .type = 11,
			  .present = true },
		.gdt_base = scratch_gva(box, GDT),
		.gdt_limit = 0x27,
		.idt_base = scratch_gva(box, IDT),
		.idt_limit = 256 * GATE_SIZE - 1,
		.regs.rflags = 2,
	};
}

static void make_vm(struct box *box, uint64_t root)
{
	struct region slots[BOX_NMEMORIES];
	const struct hv_cpu_state cpu = cpu_state(box, root);
	const struct hv_vm_config config = { .slots = slots, .nslots = BOX_NMEMORIES, .cpu = &cpu };
	mote_error err = { .message = "" };

	for (size_t i = 0; i < BOX_NMEMORIES; i++) {
		const struct box_memory *memory = &box->memory[i];

		memcpy(memory->before, memory->bytes, memory->size);
		slots[i] = (struct region){
			.gpa = memory->gpa,
			.size = memory->size,
			.flags =
				i == BOX_SNAPSHOT || i == BOX_LARGE_PAGE ? REGION_READ : REGION_ALL,
			.host = { .base = memory->bytes, .size = memory->size, .file = -1 },
		};
	}
	if (hv_kvm.open(&box->hv, &box->host, &err) ||
	    hv_kvm.vm_new(&box->vm, box->hv, &config, &err))
		fail_msg("%s", err.message);
}

void box_init(struct box *box, const char *path, size_t scratch_pages, bool tables_in_scratch)
{
	const uint64_t size = scratch_pages * PAGE;

	*box = (struct box){ .is_aborted = false };
	host_init(&box->host);
	make_memory(&box->memory[BOX_SNAPSHOT], GUEST_BASE, BOX_CONSTANT);
	make_memory(&box->memory[BOX_LARGE_PAGE], LARGE_GPA, BOX_LARGE_SIZE);
	make_memory(&box->memory[BOX_TABLES], TABLES_GPA, BOX_TABLE_PAGES * PAGE);
	make_memory(&box->memory[BOX_SCRATCH], SCRATCH_END_GPA - size, size);
	fill(&box->memory[BOX_SNAPSHOT]);
	fill(&box->memory[BOX_LARGE_PAGE]);
	load(box, path);

	uint64_t root = make_tables(box, tables_in_scratch);

	make_descriptors(box);
	box->stack = scratch_gva(box, STACK_END);
	make_vm(box, root);
}

void box_fini(struct box *box)
{
	hv_kvm.vm_free(box->vm);
	hv_kvm.close(box->hv);
	/* The snapshot was cut after it was made. */
	box->memory[BOX_SNAPSHOT].size = BOX_CONSTANT;
	for (size_t i = 0; i < BOX_NMEMORIES; i++)
		munmap(box->memory[i].bytes, 2 * box->memory[i].size);
}

/* Takes the bytes in a write to the abort port; true at the end of the message. */
static bool take_abort(struct box *box, uint32_t dword, size_t *length)
{
	assert_in_range(dword & 0xff, 1, 3);
	for (unsigned count = dword & 0xff; count > 0; count--) {
		dword >>= 8;
		if ((dword & 0xff) == SCRATCH_ABORT_END)
			return true;
		if (*length == 0)
			box->code = (uint8_t)dword;
		else
			box->message[*length - 1] = (char)dword;
		++*length;
		assert_true(*length < sizeof box->message);
	}
	return false;
}

static void fail_of_exit(const struct box *box, const struct hv_exit *exit)
{
	const struct hv_regs *regs = box->vm->regs;

	fail_msg("the guest left with exit %d, detail 0x%" PRIx64 ", at 0x%" PRIx64
		 ", fault address 0x%" PRIx64,
		 (int)exit->kind, exit->u.detail, regs->rip, hv_kvm.fault_address(box->vm));
}

bool box_try(struct box *box, uint64_t function, uint64_t first, uint64_t second)
{
	size_t length = 0;

	*box->vm->regs = (struct hv_regs){
		.rip = box->entries.start,
		.rax = function,
		.rdi = first,
		.rsi = second,
		.rsp = box->stack,
		.rflags = 2,
	};
	box->vm->regs_changed = true;
	memset(box->message, 0, sizeof box->message);
	box->is_aborted = false;
	while (!box->is_aborted) {
		struct hv_exit exit;
		mote_error err = { .message = "" };

		if (hv_kvm.run(box->vm, &exit, &err))
			fail_msg("%s", err.message);
		if (exit.kind == HV_EXIT_INTERRUPTED)
			continue;
		if (exit.kind == HV_EXIT_UNSUPPORTED)
			return false;
		if (exit.kind != HV_EXIT_PORT || !exit.u.port.is_write || exit.u.port.size != 4)
			fail_of_exit(box, &exit);
		if (exit.u.port.port == SCRATCH_PORT_HALT)
			break;
		assert_int_equal(exit.u.port.port, SCRATCH_PORT_ABORT);
		box->is_aborted = take_abort(box, exit.u.port.value, &length);
	}
	box->result = box->vm->regs->rax;
	return true;
}

uint64_t box_call(struct box *box, uint64_t function, uint64_t first, uint64_t second)
{
	if (!box_try(box, function, first, second))
		fail_msg("this KVM cannot run an instruction at 0x%" PRIx64, box->vm->regs->rip);
	if (box->is_aborted)
		fail_msg("the guest ended with code %u: %s", box->code, box->message);
	return box->result;
}

uint64_t box_root(struct box *box)
{
	return box_call(box, box->entries.root, 0, 0) & VMEM_AMD64_ADDRESS;
}

struct vmem_range box_page(struct box *box, uint64_t va)
{
	struct vmem_range range = { .kind = VMEM_UNMAPPED };

	if (!vmem_translate(&vmem_amd64, &box_table_ops, box, box_root(box), va, &range))
		fail_msg("0x%" PRIx64 " is not mapped", va);
	return range;
}

void box_close_gate(struct box *box)
{
	memset(box->memory[BOX_SCRATCH].bytes + IDT, 0, PAGE);
}

void box_check_snapshot(const struct box *box)
{
	for (size_t i = 0; i < BOX_SCRATCH; i++)
		assert_memory_equal(box->memory[i].bytes, box->memory[i].before,
				    box->memory[i].size);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is seen of a guest that stands still, and whose page tables, stack and exception frame are
 * whatever a test writes: nothing runs here. What a hostile guest could have, and what that costs
 * in back-traces and core files.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "debug/core.h"
#include "debug/frames.h"
#include "kit/fail.h"
#include "mem/page_bitmap.h"
#include "tests/mem/read_only_mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE        VMEM_PAGE_SIZE
#define SCRATCH     UINT64_C(0x800000)
#define SCRATCH_GPA (SCRATCH_END_GPA - SCRATCH)
#define DATA_SIZE   (4 * PAGE)
#define MEMORY      (SCRATCH + DATA_SIZE)
#define TABLE       UINT64_C(0x23) /* an entry for a table: present, writable, accessed */
#define LEAF        UINT64_C(0x63) /* for a page: the same, and dirty */
#define TOP         (SCRATCH_END_GVA - SCRATCH_EXCEPTION_STACK)
#define SELECTOR    8

/* A guest with memory, and a machine that is registers alone. */
static struct {
	struct host host;
	struct hyperlight_guest guest;
	struct hyperlight_snapshot base;
	struct hv_vm vm;
	struct hv_regs regs;
	uint16_t selector;
	uint64_t used;   /* pages of scratch that are tables, from its beginning on */
	unsigned nlooks; /* at where the tables are, by which each access begins */
	char log[512];
} box;

static struct guest *const guest = &box.guest.guest;

static void get_system(const struct hv_vm *vm, struct hv_system *out)
{
	(void)vm;
	box.nlooks++;
	*out = (struct hv_system){ .cr3 = SCRATCH_GPA, .cs = { .selector = box.selector } };
}

static const struct hv_system_ops system_ops = { .get = get_system };

static void keep_log(void *user, mote_log_level level, const char *source, const char *message)
{
	(void)user;
	(void)source;
	assert_int_equal(level, MOTE_LOG_WARN);
	snprintf(box.log, sizeof box.log, "%s", message);
}

static int setup(void **state)
{
	static const uint8_t data[DATA_SIZE] = { 1 };
	mote_error err;

	(void)state;
	memset(&box, 0, sizeof box);
	host_init(&box.host);
	box.host.log = keep_log;
	box.host.log_level = MOTE_LOG_WARN;
	box.base.layout.sizes.scratch = SCRATCH;
	box.base.layout.data_size = DATA_SIZE;
	box.vm.regs = &box.regs;
	box.selector = SELECTOR;
	box.used = 1; /* the root */
	box.guest = (struct hyperlight_guest){ .guest.abi = &hyperlight_abi,
					       .host = &box.host,
					       .system = &system_ops,
					       .base = &box.base,
					       .vm = &box.vm };
	if (read_only_mem_new(&box.base.blob, &box.host, data, sizeof data, sizeof data,
			      SHARED_MEM_PRIVATE, &err) ||
	    shared_mem_new(&box.guest.scratch, &box.host, SCRATCH, SHARED_MEM_PRIVATE, &err) ||
	    shared_mem_share(box.guest.scratch, &err))
		fail_msg("%s", err.message);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	shared_mem_unref(box.guest.scratch);
	shared_mem_unref(box.base.blob);
	return 0;
}

static uint64_t *entry_at(uint64_t table, uint64_t index)
{
	return (uint64_t *)shared_mem_base(box.guest.scratch) +
	       (table - SCRATCH_GPA) / sizeof(uint64_t) + index;
}

/* The table below ENTRY, which is made if there is none. */
static uint64_t enter(uint64_t *entry)
{
	if (*entry == 0)
		*entry = (SCRATCH_GPA + box.used++ * PAGE) | TABLE;
	return *entry & VMEM_AMD64_ADDRESS;
}

static uint64_t *leaf_of(uint64_t va)
{
	uint64_t table = SCRATCH_GPA;

	for (int level = 3; level > 0; level--)
		table = enter(entry_at(table, va >> (12 + 9 * level) & 511));
	return entry_at(table, va >> 12 & 511);
}

/* Maps the page of VA to the INDEX-th of scratch. Returns its bytes. */
static void *map(uint64_t va, uint64_t index, uint64_t bits)
{
	*leaf_of(va) = (SCRATCH_GPA + index * PAGE) | LEAF | bits;
	return (char *)shared_mem_base(box.guest.scratch) + index * PAGE;
}

struct list {
	size_t count;
	uint64_t size;
	struct region first;
};

static bool add(void *user, const struct region *region)
{
	struct list *list = user;

	if (list->count++ == 0)
		list->first = *region;
	list->size += region->size;
	return true;
}

static bool list_all(struct list *list)
{
	*list = (struct list){ .count = 0 };
	return hyperlight_visit_regions(guest, 0, UINT64_MAX, add, list);
}

/* Writes a core file; returns what is to be closed. */
static int open_core(void)
{
	static struct mote_image image = { .name = "guest" };
	const struct core core = { .host = &box.host, .guest = guest, .image = &image };
	char path[64];
	mote_error err;

	box.log[0] = '\0';
	snprintf(path, sizeof path, "/tmp/mote-regions-%d", (int)getpid());
	if (core_write(&core, path, &err))
		fail_msg("%s", err.message);
	const int fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

/* Writes a core file; returns its length and how many segments it has, with that of the notes, and
 * the last of them. */
static uint64_t write_core(unsigned *nsegments, Elf64_Phdr *last)
{
	const int fd = open_core();
	struct stat info;
	Elf64_Ehdr header;

	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(read(fd, &header, sizeof header), sizeof header);
	assert_int_equal(pread(fd, last, sizeof *last,
			       (off_t)(header.e_phoff + (header.e_phnum - 1) * sizeof *last)),
			 sizeof *last);
	close(fd);
	*nsegments = header.e_phnum;
	return (uint64_t)info.st_size;
}

static void tables_that_are_shared_end(void **state)
{
	struct list list;
	unsigned nsegments;
	Elf64_Phdr last;
	uint64_t tables[4] = { SCRATCH_GPA };

	(void)state;
	/* one page, at all 2^36 addresses */
	memset((char *)shared_mem_base(box.guest.scratch) + 100 * PAGE, 7, PAGE);
	for (int i = 1; i < 4; i++)
		tables[i] = SCRATCH_GPA + box.used++ * PAGE;
	for (int i = 0; i < 4; i++)
		for (uint64_t j = 0; j < 512; j++)
			*entry_at(tables[i], j) =
				i < 3 ? tables[i + 1] | TABLE : (SCRATCH_GPA + 100 * PAGE) | LEAF;
	assert_false(list_all(&list));
	assert_in_range(list.size, MEMORY, 4 * MEMORY);
	assert_in_range(write_core(&nsegments, &last), MEMORY, 4 * MEMORY + (1 << 20));
	assert_int_equal(nsegments, 2);
	assert_non_null(strstr(box.log, "the core file ends at 0x2"));
	/* one of them is found all the same */
	assert_true(frames_is_code(guest, UINT64_C(0xffff900000000000)));
	/* nothing at all, by as many ways */
	memset(entry_at(tables[3], 0), 0, PAGE);
	assert_false(list_all(&list));
	assert_int_equal(list.count, 0);
}

static void tables_that_contain_themselves_end(void **state)
{
	struct list list;

	(void)state;
	for (uint64_t i = 0; i < 512; i++)
		*entry_at(SCRATCH_GPA, i) = SCRATCH_GPA | TABLE;
	list_all(&list);
	assert_in_range(list.size, 0, 4 * MEMORY);
	*entry_at(SCRATCH_GPA, 511) = 0;
	assert_false(frames_is_code(guest, UINT64_MAX - 1));
	/* no root at all */
	memset(shared_mem_base(box.guest.scratch), 0xff, PAGE);
	assert_true(list_all(&list));
	assert_int_equal(list.count, 0);
}

/* COUNT pages with holes between them. */
static void map_sparsely(uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		map(UINT64_C(0x400000) + i * 2 * PAGE, 512 + i % 1024, 0);
}

static void pieces_past_the_last_segment_are_left_out(void **state)
{
	struct list list;
	unsigned nsegments;
	Elf64_Phdr last;
	char text[64];

	(void)state;
	map_sparsely(CORE_SEGMENTS_MAX);
	assert_true(list_all(&list));
	assert_int_equal(list.count, CORE_SEGMENTS_MAX);
	write_core(&nsegments, &last);
	assert_int_equal(nsegments, 1 + CORE_SEGMENTS_MAX);
	assert_string_equal(box.log, "");

	const uint64_t end = UINT64_C(0x400000) + (CORE_SEGMENTS_MAX * 2 - 1) * PAGE;
	map(UINT64_C(0xffff900000000000), 512, 0);
	write_core(&nsegments, &last);
	assert_int_equal(nsegments, 1 + CORE_SEGMENTS_MAX);
	assert_int_equal(last.p_vaddr + last.p_memsz, end);
	snprintf(text, sizeof text, "the core file ends at 0x%llx: ", (unsigned long long)end);
	assert_non_null(strstr(box.log, text));
}

static void neighbours_are_one_segment(void **state)
{
	unsigned nsegments;
	Elf64_Phdr last;

	(void)state;
	/* all over physical memory, as by copies when they are written to */
	for (uint64_t i = 0; i < 100; i++)
		map(UINT64_C(0x400000) + i * PAGE, 600 + (i * 37) % 100, 0);
	write_core(&nsegments, &last);
	assert_int_equal(nsegments, 2);
	assert_int_equal(last.p_vaddr, 0x400000);
	assert_int_equal(last.p_memsz, 100 * PAGE);
	assert_int_equal(last.p_flags, PF_R | PF_W | PF_X);
	/* one that is still to be copied is no other; one with other rights is */
	*leaf_of(0x410000) = HYPERLIGHT_BASE | 0x261;
	write_core(&nsegments, &last);
	assert_int_equal(nsegments, 2);
	*leaf_of(0x410000) |= VMEM_AMD64_NO_EXECUTE;
	write_core(&nsegments, &last);
	assert_int_equal(nsegments, 4);
}

/* The byte at VA that a core file says. */
static uint8_t byte_in_core(int fd, uint64_t va)
{
	Elf64_Ehdr header;
	Elf64_Phdr phdr;
	uint8_t byte;

	assert_int_equal(pread(fd, &header, sizeof header, 0), sizeof header);
	for (unsigned i = 1; i < header.e_phnum; i++) {
		assert_int_equal(
			pread(fd, &phdr, sizeof phdr, (off_t)(header.e_phoff + i * sizeof phdr)),
			sizeof phdr);
		if (va - phdr.p_vaddr >= phdr.p_filesz)
			continue;
		assert_int_equal(pread(fd, &byte, 1, (off_t)(phdr.p_offset + va - phdr.p_vaddr)),
				 1);
		return byte;
	}
	fail_msg("0x%llx is in no segment", (unsigned long long)va);
	return 0;
}

static void pages_that_nobody_touched_are_not_read(void **state)
{
	(void)state;
	/* in one piece, of which some were touched; here and there, as by copies; and the
	 * snapshot's */
	for (uint64_t i = 0; i < 400; i++)
		map(UINT64_C(0x400000) + i * PAGE, 600 + i, 0);
	for (uint64_t i = 0; i < 400; i += 57)
		*(uint8_t *)map(UINT64_C(0x400000) + i * PAGE, 600 + i, 0) = (uint8_t)(i % 255 + 1);
	for (uint64_t i = 0; i < 30; i++)
		*(uint8_t *)map(UINT64_C(0x800000) + i * PAGE, 1999 - i, 0) = (uint8_t)(i + 1);
	*leaf_of(0x1000) = HYPERLIGHT_BASE | LEAF;
	box.nlooks = 0;
	const int fd = open_core();

	assert_in_range(box.nlooks, 8 + 30 + 1, 8 + 30 + 1 + 4);
	for (uint64_t i = 0; i < 400; i++)
		assert_int_equal(byte_in_core(fd, UINT64_C(0x400000) + i * PAGE),
				 i % 57 ? 0 : i % 255 + 1);
	for (uint64_t i = 0; i < 30; i++)
		assert_int_equal(byte_in_core(fd, UINT64_C(0x800000) + i * PAGE), i + 1);
	assert_int_equal(byte_in_core(fd, 0x1000), 1);
	close(fd);
}

/* For fail_each_operation(). */
static mote_status find_used(const struct host *host, void *user, mote_error *err)
{
	struct guest_used used = { .bits = NULL };
	struct hyperlight_guest other = { .host = host };
	mote_status status = shared_mem_new(&other.scratch, host, SCRATCH, SHARED_MEM_PRIVATE, err);

	(void)user;
	if (!status) {
		shared_mem_bytes(other.scratch)[5 * PAGE] = 1;
		status = hyperlight_find_used(&used, &other.guest, err);
	}
	if (!status) {
		assert_int_equal(used.first, SCRATCH_GPA);
		assert_int_equal(used.npages, SCRATCH / PAGE);
		assert_int_equal(page_bitmap_next(used.bits, 5, 6, true), 5);
	}
	page_bitmap_free(host, used.bits, used.npages);
	shared_mem_unref(other.scratch);
	return status;
}

static void a_host_that_fails_is_told_of(void **state)
{
	/* without /proc any page may have been touched */
	static const char *const benign[] = { "open", "pread", NULL };

	(void)state;
	fail_each_operation(find_used, NULL, benign);
}

static void only_what_is_mapped_to_memory_is_a_region(void **state)
{
	struct list list;

	(void)state;
	*leaf_of(0x400000) = UINT64_C(0x500000000) | LEAF;
	assert_true(list_all(&list));
	assert_int_equal(list.count, 0);
	/* a large page from 0 on, of which the snapshot is a part */
	*entry_at(enter(entry_at(enter(entry_at(SCRATCH_GPA, 0)), 0)), 0) =
		LEAF | VMEM_AMD64_LARGE | VMEM_AMD64_NO_EXECUTE;
	assert_true(list_all(&list));
	assert_int_equal(list.count, 1);
	assert_int_equal(list.first.va, HYPERLIGHT_BASE);
	assert_int_equal(list.first.gpa, HYPERLIGHT_BASE);
	assert_int_equal(list.first.size, DATA_SIZE);
	assert_int_equal(list.first.kind, REGION_SNAPSHOT);
	assert_int_equal(list.first.flags, REGION_READ | REGION_WRITE);
}

static void code_is_what_may_be_executed(void **state)
{
	(void)state;
	map(0x400000, 600, 0);
	map(0x401000, 601, VMEM_AMD64_NO_EXECUTE);
	assert_true(frames_is_code(guest, 0x400000));
	assert_true(frames_is_code(guest, 0x400fff));
	assert_false(frames_is_code(guest, 0x401000));
	assert_false(frames_is_code(guest, 0x3fffff));
	assert_false(frames_is_code(guest, UINT64_C(0x800000400000)));
	assert_false(frames_is_code(guest, UINT64_C(0x0001000000400000)));
}

static void a_stack_that_has_run_out_is_found_behind_the_gap(void **state)
{
	const uint64_t stack = HYPERLIGHT_STACK_TOP_GVA - 4 * PAGE;
	uint8_t *code = map(0x400000, 600, 0);
	struct frame frames[MOTE_MAX_FRAMES];
	struct frames_start start = { .regs = { .rip = 0x400100 } };

	(void)state;
	code[0x1fb] = 0xe8; /* a call, which returns to 0x400200 */
	uint64_t *words = map(stack, 700, 0);
	words[3] = 0x400200;
	uint64_t *behind = map(stack + 2 * PAGE, 701, 0);
	behind[0] = 0x400200; /* not to be jumped to from the stack */
	static const struct {
		uint64_t below; /* the stack */
		size_t count;
	} rows[] = { { 0, 2 }, { 8, 2 }, { 0x10000, 2 }, { 0x10008, 1 }, { -UINT64_C(32), 1 } };

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start.regs.rsp = stack - rows[i].below;
		start.regs.rbp = 1;
		assert_int_equal(frames_walk(guest, &start, frames, MOTE_MAX_FRAMES),
				 rows[i].count);
		assert_true(rows[i].count == 1 || frames[1].address == 0x400200);
	}
	/* the same memory elsewhere is no stack */
	map(0x600000, 700, 0);
	start.regs.rsp = 0x600000 - 8;
	assert_int_equal(frames_walk(guest, &start, frames, MOTE_MAX_FRAMES), 1);
}

static void the_code_that_was_interrupted_is_what_counts(void **state)
{
	const struct hyperlight_exception frame = {
		.r15 = 15,
		.r14 = 14,
		.r13 = 13,
		.r12 = 12,
		.r11 = 11,
		.r10 = 10,
		.r9 = 9,
		.r8 = 8,
		.rbp = 7,
		.rdi = 6,
		.rsi = 5,
		.rdx = 4,
		.rcx = 3,
		.rbx = 2,
		.rax = 1,
		.rip = 0x400000,
		.rsp = 20,
		.rflags = 21,
		.cs = SELECTOR,
	};
	char *page = map(TOP, 2047, 0);

	(void)state;
	memcpy(page + TOP % PAGE - sizeof frame, &frame, sizeof frame);
	static const struct {
		const char *text;
		uint64_t below; /* the top of the stack for exceptions */
		uint16_t selector;
		bool is_handler;
	} rows[] = {
		{ "deep in the handler", 0x800, SELECTOR, true },
		{ "as soon as it has saved all", sizeof frame, SELECTOR, true },
		{ "before that", sizeof frame - 8, SELECTOR, false },
		{ "on another stack", 0x100000, SELECTOR, false },
		{ "above", -UINT64_C(8), SELECTOR, false },
		{ "the start, on the same stack", 0x800, 0, false },
		{ "words that are no frame", 0x800, 0x10, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		box.regs = (struct hv_regs){ .rip = 1, .rsp = TOP - rows[i].below };
		box.selector = rows[i].selector;
		const struct hv_regs found = hyperlight_stopped(guest);

		if ((found.rip == frame.rip) != rows[i].is_handler)
			fail_msg("%s: stands at 0x%llx", rows[i].text,
				 (unsigned long long)found.rip);
		if (!rows[i].is_handler)
			assert_memory_equal(&found, &box.regs, sizeof found);
	}
	box.regs.rsp = TOP - 0x800;
	box.selector = SELECTOR;
	const struct hv_regs found = hyperlight_stopped(guest);
	const uint64_t want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21 };
	const uint64_t has[] = { found.rax, found.rbx, found.rcx, found.rdx, found.rsi,   found.rdi,
				 found.rbp, found.r8,  found.r9,  found.r10, found.r11,   found.r12,
				 found.r13, found.r14, found.r15, found.rsp, found.rflags };

	assert_memory_equal(has, want, sizeof want);
	box.selector = 0;
	memset(page + TOP % PAGE - sizeof frame + offsetof(struct hyperlight_exception, cs), 0, 8);
	assert_int_equal(hyperlight_stopped(guest).rip, box.regs.rip);
	*leaf_of(TOP) = 0; /* a guest without such a stack */
	assert_int_equal(hyperlight_stopped(guest).rip, box.regs.rip);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tables_that_are_shared_end),
		TEST(tables_that_contain_themselves_end),
		TEST(pieces_past_the_last_segment_are_left_out),
		TEST(neighbours_are_one_segment),
		TEST(pages_that_nobody_touched_are_not_read),
		TEST(a_host_that_fails_is_told_of),
		TEST(only_what_is_mapped_to_memory_is_a_region),
		TEST(code_is_what_may_be_executed),
		TEST(a_stack_that_has_run_out_is_found_behind_the_gap),
		TEST(the_code_that_was_interrupted_is_what_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs on the host: makes page tables with vmem, picks addresses in and around what they
 * map, and prints what vmem_translate() and vmem_walk_next() make of them.
 *
 *     plan i686|aarch64 TABLES PROBES     writes these two files, prints the lines
 */
#include "tests/qemu/probes.h"

#include "abi/vmem_aarch64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_i686.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE       VMEM_PAGE_SIZE
#define MIB        (UINT64_C(1) << 20)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define MAX_PROBES 256
#define MAX_TABLES 64

/* An entry changed by hand, as map never writes it. At LEVEL, for VA: bits to set and to clear. */
struct patch {
	uint64_t va;
	unsigned level;
	uint64_t set, clear;
};

struct plan {
	const char *name;
	const struct vmem_format *format;
	uint64_t tables; /* their physical address */
	uint64_t pages;  /* physical memory for the ranges: their PA counts from here */
	const struct vmem_range *fixed; /* the image, the serial line: PA as it is, not probed */
	size_t nfixed;
	const struct patch *patches;
	size_t npatches;
	const struct vmem_range *far; /* more, for addresses that not all formats have */
	size_t nfar;
	bool is_exec_for_one; /* user code is not for the kernel */
};

/* What both map, in the order in which they are mapped: later ones cut earlier ones. Each
 * is large enough for the large leaves of either format, if it has the flag. */
static const struct vmem_range ranges[] = {
	{ 0x10000000, 0x001000, 3 * PAGE, VMEM_WRITE | VMEM_USER, VMEM_BASIC },
	{ 0x103ff000, 0x005000, 2 * PAGE, 0, VMEM_BASIC }, /* two tables */
	{ 0x20000000, 0x008000, 2 * PAGE, VMEM_USER, VMEM_BASIC },
	{ 0x20002000, 0x00a000, 2 * PAGE, VMEM_WRITE, VMEM_BASIC },
	{ 0x20004000, 0x00c000, 2 * PAGE, VMEM_USER, VMEM_COW },
	{ 0x20006000, 0x00e000, 1 * PAGE, 0, VMEM_COW },
	{ 0x20007000, 0x010000, 1 * PAGE, VMEM_EXEC, VMEM_BASIC },
	{ 0x20008000, 0x011000, 1 * PAGE, VMEM_EXEC | VMEM_USER, VMEM_BASIC },
	{ 0x20009000, 0x012000, 1 * PAGE, VMEM_EXEC | VMEM_WRITE, VMEM_BASIC },
	{ 0x2000a000, 0x013000, 1 * PAGE, VMEM_EXEC | VMEM_WRITE | VMEM_USER, VMEM_BASIC },
	{ 0x2000b000, 0x014000, 1 * PAGE, VMEM_EXEC, VMEM_COW },
	{ 0x2000c000, 0x015000, 1 * PAGE, VMEM_EXEC | VMEM_USER, VMEM_COW },
	{ 0x30000000, 4 * MIB, 8 * MIB, VMEM_LARGE | VMEM_WRITE | VMEM_USER, VMEM_BASIC },
	{ 0x31000000, 12 * MIB, 4 * MIB, VMEM_LARGE, VMEM_BASIC },
	{ 0x31400000, 16 * MIB, 4 * MIB, VMEM_LARGE | VMEM_EXEC, VMEM_BASIC },
	{ 0x32000000, 20 * MIB, 4 * MIB, VMEM_LARGE | VMEM_USER, VMEM_COW },
	/* A large leaf, split: a hole and other rights within. */
	{ 0x33000000, 24 * MIB, 4 * MIB, VMEM_LARGE | VMEM_USER, VMEM_BASIC },
	{ 0x33100000, 0, 2 * PAGE, 0, VMEM_UNMAPPED },
	{ 0x33180000, 0x020000, 1 * PAGE, VMEM_WRITE, VMEM_BASIC },
	/* For the patches. */
	{ 0x50000000, 0x030000, 1 * PAGE, VMEM_WRITE | VMEM_USER | VMEM_EXEC, VMEM_BASIC },
	{ 0x50800000, 0x031000, 1 * PAGE, VMEM_WRITE | VMEM_USER, VMEM_BASIC },
	{ 0x51000000, 0x032000, 1 * PAGE, VMEM_WRITE | VMEM_EXEC, VMEM_BASIC },
	{ 0x51800000, 0x033000, 1 * PAGE, VMEM_WRITE | VMEM_USER | VMEM_EXEC, VMEM_BASIC },
	{ 0x52000000, 0x034000, 1 * PAGE, VMEM_WRITE, VMEM_BASIC },
	{ 0x52800000, 0x035000, 1 * PAGE, VMEM_WRITE, VMEM_BASIC },
	{ 0x53000000, 28 * MIB, 4 * MIB, VMEM_LARGE | VMEM_WRITE, VMEM_BASIC },
	{ 0xfffff000, 0x040000, 1 * PAGE, VMEM_WRITE | VMEM_USER, VMEM_BASIC },
};

#define PAGES_SIZE (32 * MIB)

static const struct vmem_range i686_fixed[] = {
	{ 1 * MIB, 1 * MIB, 3 * MIB, VMEM_WRITE | VMEM_USER, VMEM_BASIC },
};

static const struct patch i686_patches[] = {
	{ 0x50000000, 1, 0, VMEM_I686_WRITE },
	{ 0x50800000, 1, 0, VMEM_I686_USER },
	{ 0x51000000, 1, 0, VMEM_I686_PRESENT },
	{ 0x51800000, 1, 0, VMEM_I686_WRITE | VMEM_I686_USER },
	{ 0x52000000, 0, 0, VMEM_I686_PRESENT },
	{ 0x52800000, 0, 0, VMEM_I686_ACCESSED | VMEM_I686_DIRTY },
	{ 0x53000000, 1, VMEM_I686_USER, VMEM_I686_WRITE },
};

static const struct vmem_range aarch64_fixed[] = {
	{ 0x40200000, 0x40200000, 2 * MIB, VMEM_WRITE | VMEM_EXEC, VMEM_BASIC },
	{ 0x09000000, 0x09000000, PAGE, VMEM_WRITE, VMEM_BASIC },
};

static const struct patch aarch64_patches[] = {
	{ 0x50000000, 1, VMEM_AARCH64_BELOW_READ_ONLY, 0 },
	/* Of a page that user code may not run: else EL0 could still run what it cannot read, which
	 * vmem has no word for. */
	{ 0x50800000, 1, VMEM_AARCH64_BELOW_NO_USER, 0 },
	{ 0x51000000, 1, VMEM_AARCH64_BELOW_NO_KERNEL_EXEC, 0 },
	{ 0x51800000, 1, VMEM_AARCH64_BELOW_NO_USER_EXEC, 0 },
	{ 0x52000000, 0, 0, VMEM_AARCH64_ACCESSED },
	{ 0x52800000, 0, 0, VMEM_AARCH64_TABLE },
	{ 0x53000000, 1, 0, VMEM_AARCH64_ACCESSED },
};

/* Far up: root tables of their own, the ends of each half, and leaves of 1 GiB. */
static const struct vmem_range aarch64_far[] = {
	{ 0x0000fffffffff000, 0x050000, 1 * PAGE, VMEM_USER, VMEM_BASIC },
	{ 0x0000008000000000, 0x051000, 1 * PAGE, VMEM_WRITE, VMEM_BASIC },
	{ 0xffff000000000000, 0x052000, 1 * PAGE, VMEM_WRITE, VMEM_BASIC },
	{ 0xffff800000000000, 0x053000, 2 * PAGE, VMEM_EXEC, VMEM_COW },
	{ 0xffffffffc0000000, 2 * MIB, 2 * MIB, VMEM_LARGE | VMEM_USER | VMEM_WRITE, VMEM_BASIC },
	/* 1 GiB at 2 GiB. Nothing is there, but neither will anything be touched. */
	{ 0xffffffff40000000, 0x3c000000, 1024 * MIB, VMEM_HUGE | VMEM_USER, VMEM_BASIC },
	{ 0xfffffffffffff000, 0x055000, 1 * PAGE, VMEM_EXEC | VMEM_USER, VMEM_BASIC },
};

static const struct plan plans[] = {
	{
		.name = "i686",
		.format = &vmem_i686,
		.tables = 2 * MIB,
		.pages = 64 * MIB,
		.fixed = i686_fixed,
		.nfixed = COUNT(i686_fixed),
		.patches = i686_patches,
		.npatches = COUNT(i686_patches),
	},
	{
		.name = "aarch64",
		.format = &vmem_aarch64,
		.tables = 0x40300000,
		.pages = 0x44000000,
		.fixed = aarch64_fixed,
		.nfixed = COUNT(aarch64_fixed),
		.patches = aarch64_patches,
		.npatches = COUNT(aarch64_patches),
		.far = aarch64_far,
		.nfar = COUNT(aarch64_far),
		.is_exec_for_one = true,
	},
};

/* Tables under construction. */
struct made {
	const struct plan *plan;
	struct vmem_flat flat;
	uint64_t roots[2];
	uint64_t va[MAX_PROBES];
	size_t nva;
};

static _Noreturn void die(const char *what, uint64_t va)
{
	fprintf(stderr, "plan: %s at 0x%" PRIx64 "\n", what, va);
	exit(2);
}

static uint64_t *root_of(struct made *made, uint64_t va)
{
	return &made->roots[made->plan->format->high_half == VMEM_OWN_ROOT && va >> 63];
}

static void map(struct made *made, const struct vmem_range *range, uint64_t pages)
{
	struct vmem_range moved = *range;

	moved.pa += pages;
	if (vmem_map(made->plan->format, &vmem_flat_ops, &made->flat, root_of(made, range->va),
		     &moved) != VMEM_OK)
		die("cannot map", range->va);
}

static void add_probe(struct made *made, uint64_t va)
{
	const struct vmem_format *format = made->plan->format;

	if (!vmem_is_canonical(format, va, va))
		return;
	for (size_t i = 0; i < made->nva; i++) {
		if (made->va[i] == va)
			return;
	}
	if (made->nva == MAX_PROBES)
		die("too many probes", va);
	made->va[made->nva++] = va;
}

/* The first page, the last, one within, and those on both sides. */
static void add_probes(struct made *made, const struct vmem_range *range)
{
	const uint64_t middle = (range->size / 2 + 5 * PAGE) & -PAGE;

	add_probe(made, range->va - PAGE);
	add_probe(made, range->va);
	if (middle < range->size)
		add_probe(made, range->va + middle);
	add_probe(made, range->va + range->size - PAGE);
	add_probe(made, range->va + range->size);
}

static void apply(struct made *made, const struct patch *patch)
{
	const struct vmem_format *format = made->plan->format;
	uint64_t pa = *root_of(made, patch->va);
	unsigned level = format->levels - 1;

	for (;; level--) {
		void *table = vmem_flat_table(&made->flat, pa);
		unsigned index = vmem_index(format, level, patch->va);
		uint64_t raw = table ? vmem_load(format, table, index) : 0;

		if (!table)
			die("no table to patch", patch->va);
		if (level == patch->level) {
			vmem_store(format, table, index, (raw & ~patch->clear) | patch->set);
			return;
		}
		pa = raw & format->address_mask;
	}
}

static void make(struct made *made)
{
	const struct plan *plan = made->plan;

	for (size_t i = 0; i < 2; i++)
		made->roots[i] = vmem_flat_alloc(&made->flat);
	for (size_t i = 0; i < plan->nfixed; i++)
		map(made, &plan->fixed[i], 0);
	for (size_t i = 0; i < COUNT(ranges); i++) {
		map(made, &ranges[i], plan->pages);
		add_probes(made, &ranges[i]);
	}
	for (size_t i = 0; i < plan->nfar; i++) {
		map(made, &plan->far[i], plan->pages);
		add_probes(made, &plan->far[i]);
	}
	for (size_t i = 0; i < plan->npatches; i++)
		apply(made, &plan->patches[i]);
}

/* What vmem makes of the page at VA, by both of its readers. */
static bool look_up(struct made *made, uint64_t va, struct vmem_range *page)
{
	const struct vmem_format *format = made->plan->format;
	const uint64_t root = *root_of(made, va);
	bool is_mapped = vmem_translate(format, &vmem_flat_ops, &made->flat, root, va, page);
	struct vmem_range walked = { .size = 0 };
	struct vmem_walk walk;

	vmem_walk_begin(&walk, format, &vmem_flat_ops, &made->flat, root, va, va, MAX_TABLES);
	vmem_walk_next(&walk, format, &vmem_flat_ops, &made->flat, &walked);
	if (is_mapped != (walked.size > 0) ||
	    (is_mapped && (walked.va != va || walked.pa != page->pa ||
			   walked.flags != page->flags || walked.kind != page->kind)))
		die("walk and translate disagree", va);
	return is_mapped;
}

static void print_rights(const char *mode, bool can_read, bool can_write, bool can_exec)
{
	printf(" %s %c%c%c", mode, can_read ? 'r' : '-', can_write ? 'w' : '-',
	       can_exec ? 'x' : '-');
}

static void print_expected(struct made *made, uint64_t va)
{
	struct vmem_range page;

	printf("%016" PRIx64 " -> ", va);
	if (!look_up(made, va, &page)) {
		puts("nothing");
		return;
	}

	bool user = page.flags & VMEM_USER;
	bool write = page.flags & VMEM_WRITE;
	bool exec = page.flags & VMEM_EXEC;

	printf("%016" PRIx64, page.pa);
	print_rights("kernel", true, write, exec && !(user && made->plan->is_exec_for_one));
	print_rights("user", user, user && write, user && exec);
	puts("");
}

static void write_file(const char *path, const void *head, size_t head_size, const void *bytes,
		       size_t size)
{
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(head, 1, head_size, file) != head_size ||
	    fwrite(bytes, 1, size, file) != size || fclose(file))
		die(path, 0);
}

int main(int argc, char **argv)
{
	struct made made = { .plan = NULL };

	for (size_t i = 0; argc == 4 && i < COUNT(plans); i++) {
		if (!strcmp(plans[i].name, argv[1]))
			made.plan = &plans[i];
	}
	if (!made.plan)
		die("usage: plan i686|aarch64 TABLES PROBES;", 0);
	made.flat = (struct vmem_flat){ .base = made.plan->tables, .size = MAX_TABLES * PAGE };
	made.flat.memory = aligned_alloc(PAGE, MAX_TABLES * PAGE);
	if (!made.flat.memory)
		die("no memory", 0);
	make(&made);

	const struct probes head = {
		.roots = { made.roots[0], made.roots[1] },
		.pages = made.plan->pages,
		.pages_end = made.plan->pages + PAGES_SIZE,
		.count = made.nva,
	};

	write_file(argv[2], "", 0, made.flat.memory, made.flat.used);
	write_file(argv[3], &head, sizeof head, made.va, made.nva * sizeof made.va[0]);
	for (size_t i = 0; i < made.nva; i++)
		print_expected(&made, made.va[i]);
	free(made.flat.memory);
	return 0;
}

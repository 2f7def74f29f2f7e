/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Adds files to the memory of a guest. All checks come first and change nothing; what
 * follows cannot fail. Only page-table entries that were not present change, because a
 * processor may keep the others for as long as it likes.
 */
#include "mem/guest_memory.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "mem/file_mapping.h"
#include "mem/guest_memory_internal.h"

#include <inttypes.h>
#include <string.h>

static uint64_t round_up(uint64_t value)
{
	return (value + LAYOUT_LARGE_PAGE - 1) & ~(LAYOUT_LARGE_PAGE - 1);
}

/* What a file may not overlap, and its name in messages. */
struct taken {
	const char *name;
	struct region region;
};

static struct taken taken_by_region(const struct region *region)
{
	struct taken taken = { region_kind_name(region->kind), *region };
	uint64_t guard = layout_guard(region->kind);

	taken.region.va -= guard;
	taken.region.size += guard;
	return taken;
}

static struct taken taken_by_file(const struct file_mapping *file)
{
	return (struct taken){ file->name, file_mapping_region(file) };
}

/* The INDEX-th range that is taken; one without a name behind the last. */
static struct taken taken_at(const struct guest_memory *memory, size_t index)
{
	size_t nregions = memory->layout.nmapped;

	if (index < nregions)
		return taken_by_region(layout_mapped(&memory->layout, index));
	if (index - nregions < memory->nfiles)
		return taken_by_file(memory->files[index - nregions]);
	return (struct taken){ .name = NULL };
}

static uint64_t end_of(const struct taken *taken)
{
	return taken->region.va + taken->region.size;
}

/* The end of all that is taken: from there on addresses are free. */
static uint64_t free_from(const struct guest_memory *memory)
{
	struct taken taken;
	uint64_t end = 0;

	for (size_t i = 0; (taken = taken_at(memory, i)).name; i++)
		end = end_of(&taken) > end ? end_of(&taken) : end;
	return round_up(end);
}

static mote_status check_overlap(const struct guest_memory *memory, const struct file_mapping *file,
				 mote_error *err)
{
	const struct taken wanted = taken_by_file(file);
	struct taken taken;

	for (size_t i = 0; (taken = taken_at(memory, i)).name; i++) {
		if (!region_overlaps(&wanted.region, &taken.region))
			continue;
		return error_set(err, MOTE_E_INVALID,
				 "the %s at 0x%" PRIx64 "..0x%" PRIx64
				 " would overlap the %s at 0x%" PRIx64 "..0x%" PRIx64
				 "; addresses from 0x%" PRIx64 " on are free",
				 wanted.name, wanted.region.va, end_of(&wanted), taken.name,
				 taken.region.va, end_of(&taken), free_from(memory));
	}
	return MOTE_OK;
}

static mote_status check_label(const struct guest_memory *memory, const struct file_mapping *file,
			       mote_error *err)
{
	for (size_t i = 0; i < memory->nfiles; i++)
		if (strcmp(memory->files[i]->label, file->label) == 0)
			return error_set(err, MOTE_E_INVALID,
					 "the label \"%s\" is that of the file at 0x%" PRIx64
					 " already; give another",
					 file->label, memory->files[i]->address);
	return MOTE_OK;
}

/* Physical and virtual address are equally far from a 2 MiB page's, so that those can be used. */
struct vmem_range guest_memory_file_range(const struct file_mapping *file)
{
	return (struct vmem_range){
		.va = file->address,
		.pa = file->gpa,
		.size = file->size,
		.flags = VMEM_USER | VMEM_EXEC | VMEM_LARGE,
		.kind = VMEM_BASIC,
	};
}

static mote_status check_tables(const struct guest_memory *memory, const struct file_mapping *file,
				mote_error *err)
{
	const struct vmem_flat tables = guest_memory_tables(memory);
	const struct vmem_range range = guest_memory_file_range(file);
	/* at most: some of the tables, the root surely, are there already */
	uint64_t need = vmem_count_tables(&vmem_amd64, &range, 1) - 1;
	uint64_t left = (tables.size - tables.used) / MOTE_PAGE_SIZE;

	if (need <= left)
		return MOTE_OK;
	return error_set(err, MOTE_E_LIMIT,
			 "the %s, %" PRIu64 " bytes, needs %" PRIu64 " page tables and %" PRIu64
			 " are left; map smaller files: all together up to 64 GiB always fit",
			 file->name, file->file_size, need, left);
}

mote_status guest_memory_map_begin(struct guest_memory *memory, struct file_mapping *file,
				   mote_error *err)
{
	uint8_t *bytes;

	if (memory->nfiles == MOTE_MAPPINGS_MAX)
		return error_set(err, MOTE_E_LIMIT,
				 "the %s is one more than the %d files that a sandbox can have",
				 file->name, MOTE_MAPPINGS_MAX);
	mote_status status = check_label(memory, file, err);
	if (!status)
		status = check_overlap(memory, file, err);
	/* Cannot wrap: before it does, all page tables are in use. */
	file->gpa = memory->next_gpa + file->address % LAYOUT_LARGE_PAGE;
	if (!status)
		status = check_tables(memory, file, err);
	if (!status)
		status = shared_mem_lock(memory->ram, &bytes, err);
	return status;
}

static struct mote_mapping_table *mapping_table(const struct guest_memory *memory)
{
	return (struct mote_mapping_table *)(void *)guest_memory_region_of(memory,
									   REGION_MAPPING_TABLE);
}

/* Physical addresses are given out in that order. */
struct file_mapping *guest_memory_file_by_age(const struct guest_memory *memory, size_t index)
{
	uint64_t from = 0;

	if (index >= memory->nfiles)
		return NULL;
	for (size_t n = 0;; n++) {
		struct file_mapping *oldest = NULL;
		for (size_t i = 0; i < memory->nfiles; i++) {
			struct file_mapping *file = memory->files[i];
			if (file->gpa >= from && (!oldest || file->gpa < oldest->gpa))
				oldest = file;
		}
		if (n == index)
			return oldest;
		from = oldest->gpa + 1;
	}
}

void guest_memory_list_files(const struct guest_memory *memory)
{
	struct mote_mapping_table *table = mapping_table(memory);
	const struct file_mapping *file;

	memset(table, 0, sizeof *table);
	for (size_t i = 0; (file = guest_memory_file_by_age(memory, i)); i++) {
		struct mote_mapping_record *record = &table->records[table->count++];
		record->address = file->address;
		record->size = file->file_size;
		memcpy(record->label, file->label, sizeof record->label);
	}
}

static void insert(struct guest_memory *memory, struct file_mapping *file)
{
	size_t at = memory->nfiles++;

	for (; at > 0 && memory->files[at - 1]->address > file->address; at--)
		memory->files[at] = memory->files[at - 1];
	memory->files[at] = file;
}

void guest_memory_map_end(struct guest_memory *memory, struct file_mapping *file, bool is_mapped)
{
	if (is_mapped) {
		struct vmem_flat tables = guest_memory_tables(memory);
		const struct vmem_range range = guest_memory_file_range(file);

		/* There are tables enough, and no guest can reach them: this succeeds. */
		guest_memory_map(&tables, &memory->root, &range);
		memory->tables_used = tables.used;
		memory->next_gpa = round_up(file->gpa + file->size);
		insert(memory, file);
		guest_memory_list_files(memory);
	}
	shared_mem_unlock(memory->ram);
}

size_t guest_memory_nfiles(const struct guest_memory *memory)
{
	return memory->nfiles;
}

const struct file_mapping *guest_memory_file(const struct guest_memory *memory, size_t index)
{
	return index < memory->nfiles ? memory->files[index] : NULL;
}

const struct file_mapping *guest_memory_find_file(const struct guest_memory *memory,
						  uint64_t address)
{
	size_t low = 0, high = memory->nfiles;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct file_mapping *file = memory->files[middle];

		if (address - file->address < file->size)
			return file;
		if (file->address > address)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct file_mapping *guest_memory_cut_file(const struct guest_memory *memory, uint64_t *now)
{
	for (size_t i = 0; i < memory->nfiles; i++)
		if (file_mapping_is_cut(memory->files[i], now))
			return memory->files[i];
	return NULL;
}

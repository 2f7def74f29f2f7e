/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a snapshot of a guest: walks its page tables, packs the pages that they map, and builds
 * tables anew that map the copies where the guest has the originals.
 *
 * The tables are the guest's, so the walk visits each page of memory as a table only once a level
 * and set of rights, whatever leads to it; what is reached a second time becomes a link to what
 * was built the first time. So the new tables are no more than the old ones, and each page of
 * memory is copied once, however often it is mapped.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_spaces.h"
#include "hv/cpu_features.h"
#include "mem/zero_page.h"

#include <inttypes.h>
#include <string.h>

/* The most tables that one guest may have: for 256 GiB in whole tables. */
#define TABLES_MAX (UINT64_C(1) << 17)

/* Large pages have no place in this ABI: to its guests and hosts the bit means nothing. */
VMEM_INLINE struct vmem_entry decode_small(unsigned level, uint64_t raw)
{
	struct vmem_entry entry = vmem_amd64_decode(level, raw);

	if (level > 0 && entry.what == VMEM_LEAF)
		entry.what = VMEM_MALFORMED;
	return entry;
}

static const struct vmem_format format = {
	.name = "amd64, small pages",
	.levels = 4,
	.index_bits = 9,
	.entry_size = 8,
	.largest_leaf = 0,
	.address_mask = VMEM_AMD64_ADDRESS,
	.physical_size = UINT64_C(1) << 52,
	.low_half_size = UINT64_C(1) << 47,
	.high_half = VMEM_SAME_ROOT,
	.table_entry = vmem_amd64_table_entry,
	.leaf_entry = vmem_amd64_leaf_entry,
	.decode = decode_small,
};

struct taking {
	const struct host *host;
	struct hyperlight_bytes bytes;
	uint64_t root;
	uint64_t scratch_gva;

	/* For each page of memory, scratch first, then the snapshot's, then files': its number
	 * among the copies, from 1; 0: none. */
	uint32_t *numbers;
	size_t npages;
	uint32_t ncopies;

	struct vmem_seen *seen;
	size_t nslots;
	uint64_t ntables; /* met on the way, less the root */
};

static bool is_kept(const struct taking *taking, uint64_t va)
{
	return va < taking->scratch_gva && va - SNAPSHOT_TABLES_GVA >= SNAPSHOT_TABLES_GVA_SIZE;
}

/* The number of the page of memory at PA, in NUMBERS; NPAGES if there is no memory. */
static size_t find_page(const struct taking *taking, uint64_t pa)
{
	const struct hyperlight_bytes *bytes = &taking->bytes;
	const uint64_t scratch = pa - bytes->scratch_gpa;
	const uint64_t data = pa - HYPERLIGHT_BASE;

	if (scratch < bytes->scratch_size)
		return (size_t)(scratch / VMEM_PAGE_SIZE);
	if (data < bytes->data_size)
		return (size_t)((bytes->scratch_size + data) / VMEM_PAGE_SIZE);
	uint64_t before = bytes->scratch_size + bytes->data_size;
	for (size_t i = 0; i < bytes->nfiles; i++) {
		const uint64_t offset = pa - bytes->files[i]->address;

		if (offset < bytes->files[i]->size)
			return (size_t)((before + offset) / VMEM_PAGE_SIZE);
		before += bytes->files[i]->size;
	}
	return taking->npages;
}

/* Numbers the pages of RANGE. What is mapped to no memory is dropped. */
static void number_range(struct taking *taking, const struct vmem_range *range)
{
	for (uint64_t at = 0; at < range->size; at += VMEM_PAGE_SIZE) {
		const size_t page = find_page(taking, range->pa + at);

		if (is_kept(taking, range->va + at) && page < taking->npages &&
		    taking->numbers[page] == 0)
			taking->numbers[page] = ++taking->ncopies;
	}
}

/* Maps the copies of RANGE's pages at the same addresses. What could be written to gets a copy of
 * its own at the first write, from now on. */
static enum vmem_status map_range(const struct taking *taking, struct vmem_flat *tables,
				  uint64_t *root, const struct vmem_range *range)
{
	enum vmem_status status = VMEM_OK;

	for (uint64_t at = 0; at < range->size && status == VMEM_OK; at += VMEM_PAGE_SIZE) {
		const size_t page = find_page(taking, range->pa + at);
		const bool is_writable = range->kind == VMEM_COW || (range->flags & VMEM_WRITE);

		if (!is_kept(taking, range->va + at) || page == taking->npages)
			continue;
		const struct vmem_range copy = {
			.va = range->va + at,
			.pa = HYPERLIGHT_BASE + (taking->numbers[page] - 1) * VMEM_PAGE_SIZE,
			.size = VMEM_PAGE_SIZE,
			.flags = range->flags & ~(uint32_t)VMEM_WRITE,
			.kind = is_writable ? VMEM_COW : VMEM_BASIC,
		};
		status = hyperlight_map(tables, root, &copy);
	}
	return status;
}

static enum vmem_status take_item(struct taking *taking, struct vmem_flat *tables, uint64_t *root,
				  const struct vmem_item *item)
{
	if (!tables) {
		if (!item->is_link)
			number_range(taking, &item->range);
		return VMEM_OK;
	}
	if (!item->is_link)
		return map_range(taking, tables, root, &item->range);
	if (!is_kept(taking, item->link.va))
		return VMEM_OK;
	return vmem_link(&format, &vmem_flat_ops, tables, root, *root, &item->link);
}

/* Goes through all that the guest has mapped: to number its pages, and then, with TABLES and ROOT,
 * to map their copies. */
static mote_status go_through(struct taking *taking, struct vmem_flat *tables, uint64_t *root,
			      mote_error *err)
{
	struct vmem_spaces spaces;
	struct vmem_item item;
	enum vmem_status status;

	vmem_spaces_begin(&spaces, &format, &hyperlight_bytes_ops, &taking->bytes, &taking->root, 1,
			  taking->seen, taking->nslots);
	do {
		status = vmem_spaces_next(&spaces, &format, &hyperlight_bytes_ops, &taking->bytes,
					  &item);
		if (status == VMEM_OK)
			status = take_item(taking, tables, root, &item);
	} while (status == VMEM_OK);
	taking->ntables = spaces.n_used;
	if (status != VMEM_END)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the guest's page tables are more than the %zu that a snapshot of "
				 "a guest of its size may have",
				 taking->nslots / 2);
	if (spaces.walk.malformed > 0)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "%" PRIu64 " entries of the guest's page tables are for large "
				 "pages, or lead to no table; a snapshot cannot have them",
				 spaces.walk.malformed);
	return MOTE_OK;
}

static mote_status begin(struct taking *taking, struct hyperlight_guest *guest, mote_error *err)
{
	uint64_t size = shared_mem_size(guest->scratch) + shared_mem_guest_size(guest->base->blob);

	for (size_t i = 0; i < guest->nfiles; i++)
		size += guest->files[i]->size;
	const uint64_t npages = size / VMEM_PAGE_SIZE;
	const uint64_t ntables = npages < TABLES_MAX ? npages : TABLES_MAX;

	*taking = (struct taking){
		.host = guest->host,
		.root = hyperlight_root(guest),
		.scratch_gva = hyperlight_scratch_gva(&guest->base->layout),
		.npages = (size_t)npages,
		.nslots = 1,
	};
	while (taking->nslots < 2 * ntables)
		taking->nslots *= 2;
	taking->numbers = host_alloc_array(guest->host, taking->npages, sizeof taking->numbers[0]);
	if (!taking->numbers)
		return error_nomem(err, "the list of a guest's pages",
				   taking->npages * sizeof taking->numbers[0]);
	taking->seen = host_alloc_array(guest->host, taking->nslots, sizeof taking->seen[0]);
	if (!taking->seen)
		return error_nomem(err, "the list of a guest's page tables",
				   taking->nslots * sizeof taking->seen[0]);
	return MOTE_OK;
}

static void finish(struct taking *taking)
{
	host_free(taking->host, taking->numbers, taking->npages * sizeof taking->numbers[0]);
	host_free(taking->host, taking->seen, taking->nslots * sizeof taking->seen[0]);
}

/* The physical address of the page with this number, the other way round. */
static uint64_t page_address(const struct taking *taking, size_t page)
{
	const struct hyperlight_bytes *bytes = &taking->bytes;
	uint64_t at = (uint64_t)page * VMEM_PAGE_SIZE;
	size_t i = 0;

	if (at < bytes->scratch_size)
		return bytes->scratch_gpa + at;
	at -= bytes->scratch_size;
	if (at < bytes->data_size)
		return HYPERLIGHT_BASE + at;
	for (at -= bytes->data_size; at >= bytes->files[i]->size; i++)
		at -= bytes->files[i]->size;
	return bytes->files[i]->address + at;
}

/* TO is all zero. So pages of zeroes are not copied: they are no memory while nobody writes there. */
static mote_status copy_pages(const struct taking *taking, uint8_t *to, mote_error *err)
{
	mote_status status = MOTE_OK;

	for (size_t i = 0; i < taking->npages && !status; i++) {
		if (taking->numbers[i] == 0)
			continue;
		const uint64_t pa = page_address(taking, i);
		const void *from = hyperlight_bytes_at(&taking->bytes, pa, VMEM_PAGE_SIZE);

		if (!from || !zero_page_is(from))
			status = hyperlight_bytes_copy(
				&taking->bytes, pa, to + (taking->numbers[i] - 1) * VMEM_PAGE_SIZE,
				VMEM_PAGE_SIZE, err);
	}
	return status;
}

/* The tables of the copies in the SIZE bytes at TO; stores how many are in use. */
static mote_status build_tables(struct taking *taking, const struct hyperlight_layout *layout,
				uint8_t *to, uint64_t size, uint64_t *used, mote_error *err)
{
	struct vmem_flat tables = {
		.memory = to,
		.base = hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout),
		.size = size,
	};
	const struct vmem_range scratch = {
		.va = hyperlight_scratch_gva(layout),
		.pa = hyperlight_scratch_gpa(layout),
		.size = layout->sizes.scratch,
		.flags = VMEM_WRITE,
		.kind = VMEM_BASIC,
	};
	uint64_t root = vmem_flat_alloc(&tables);
	mote_status status = go_through(taking, &tables, &root, err);

	if (!status && hyperlight_map(&tables, &root, &scratch) != VMEM_OK)
		status = error_set(err, MOTE_E_SNAPSHOT,
				   "the guest's page tables for scratch cannot be built anew");
	*used = tables.used;
	return status;
}

/* The pages that were numbered, and their tables, as the blob of SNAPSHOT. */
static mote_status make_blob(struct taking *taking, struct hyperlight_snapshot *snapshot,
			     mote_error *err)
{
	struct hyperlight_layout *layout = &snapshot->layout;
	const struct vmem_range scratch = { .va = hyperlight_scratch_gva(layout),
					    .size = layout->sizes.scratch };
	/* The root is counted with those of scratch. */
	const uint64_t most =
		(taking->ntables + vmem_count_tables(&format, &scratch, 1)) * VMEM_PAGE_SIZE;
	const uint64_t data = taking->ncopies * VMEM_PAGE_SIZE;
	uint64_t used;

	if (data == 0 || data > HYPERLIGHT_MAX_SIZE)
		return error_set(err, MOTE_E_LIMIT,
				 "the guest has mapped 0x%" PRIx64
				 " bytes; a snapshot has one page "
				 "at least, and at most 0x%" PRIx64,
				 data, HYPERLIGHT_MAX_SIZE);
	mote_status status =
		shared_mem_new(&snapshot->blob, taking->host, data + most, SHARED_MEM_PRIVATE, err);
	if (status)
		return status;
	uint8_t *bytes = shared_mem_bytes(snapshot->blob);
	layout->data_size = data;
	status = copy_pages(taking, bytes, err);
	if (!status)
		status = build_tables(taking, layout, bytes + data, most, &used, err);
	if (!status)
		status = hyperlight_layout_set_tables(layout, used, err);
	return status ? status : shared_mem_make_read_only(snapshot->blob, data, err);
}

static mote_status take(struct hyperlight_snapshot *snapshot, struct hyperlight_guest *guest,
			mote_error *err)
{
	struct taking taking;
	mote_status status = begin(&taking, guest, err);

	if (!status)
		status = hyperlight_bytes_open(&taking.bytes, guest, err);
	if (!status) {
		status = go_through(&taking, NULL, NULL, err);
		if (!status)
			status = make_blob(&taking, snapshot, err);
		hyperlight_bytes_close(guest);
	}
	finish(&taking);
	return status;
}

mote_status hyperlight_take(struct guest_snapshot **out, struct guest *base, mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;

	*out = NULL;
	if (!guest->is_ready || !guest->is_idle)
		return error_set(err, MOTE_E_STATE,
				 "a snapshot is taken of a guest that waits for calls");
	struct hyperlight_snapshot *snapshot = hyperlight_snapshot_alloc(guest->host, err);
	if (!snapshot)
		return MOTE_E_NOMEM;
	snapshot->layout = guest->base->layout;
	snapshot->is_ready = true;
	snapshot->entry = guest->dispatch;
	snapshot->stack = guest->stack;
	snapshot->generation = guest->generation + 1;
	snapshot->cpu_features = cpu_features();
	guest->system->get(guest->vm, &snapshot->system);
	snapshot->system.cr3 = hyperlight_scratch_gpa(&snapshot->layout) +
			       hyperlight_tables_offset(&snapshot->layout);

	mote_status status = take(snapshot, guest, err);
	if (status) {
		guest_snapshot_unref(&snapshot->base);
		return status;
	}
	guest->generation++;
	*out = &snapshot->base;
	return MOTE_OK;
}

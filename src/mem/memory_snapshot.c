/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking snapshots of guest memory. Pages are looked at twice: first to find those that
 * are not zero, then, when it is clear how they lie, to write them to the file.
 */
#define _GNU_SOURCE
#include "mem/memory_snapshot.h"

#include "mem/file_mapping.h"
#include "mem/guest_memory_internal.h"
#include "mem/memory_snapshot_internal.h"
#include "mem/page_bitmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

bool memory_snapshot_keeps(enum region_kind kind)
{
	switch (kind) {
	case REGION_CODE:
	case REGION_READ_ONLY_DATA:
	case REGION_DATA:
	case REGION_INIT_DATA:
	case REGION_STACK:
	case REGION_HEAP:
		return true;
	default:
		return false;
	}
}

bool memory_snapshot_keeps_pages(const struct layout *layout, uint64_t first, uint64_t end)
{
	for (size_t i = 0; i < layout->nregions && first < end; i++) {
		const struct region *region = &layout->regions[i];
		uint64_t from = (region->gpa - layout->ram.gpa) / MOTE_PAGE_SIZE;

		if (memory_snapshot_keeps(region->kind) && first >= from &&
		    first - from < region->size / MOTE_PAGE_SIZE)
			first = from + region->size / MOTE_PAGE_SIZE;
	}
	return first >= end;
}

bool memory_snapshot_fits(const struct memory_snapshot *snapshot, const struct layout *layout)
{
	const struct layout *own = &snapshot->layout;

	if (own->nregions != layout->nregions || own->ram.size != layout->ram.size)
		return false;
	for (size_t i = 0; i < own->nregions; i++) {
		const struct region *a = &own->regions[i], *b = &layout->regions[i];
		if (a->va != b->va || a->gpa != b->gpa || a->size != b->size ||
		    a->flags != b->flags || a->kind != b->kind)
			return false;
	}
	return true;
}

/* What there is from FIRST to before END of the first of RUNS that ends behind FIRST; nothing, at
 * END, if it begins there or later, or there is none. */
static struct page_run find_run(const struct page_run *runs, size_t nruns, uint64_t first,
				uint64_t end)
{
	size_t low = 0, high = nruns;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (first < runs[middle].first + runs[middle].count)
			high = middle;
		else
			low = middle + 1;
	}
	if (low == nruns || runs[low].first >= end)
		return (struct page_run){ .first = end };
	const struct page_run *run = &runs[low];
	const uint64_t from = run->first > first ? run->first : first;
	const uint64_t to = run->first + run->count < end ? run->first + run->count : end;
	return (struct page_run){ from, to - from, run->file_page + (from - run->first) };
}

bool memory_snapshot_has_own(const struct memory_snapshot *snapshot, uint64_t first, uint64_t count)
{
	return find_run(snapshot->runs, snapshot->nruns, first, first + count).count > 0;
}

struct page_run memory_snapshot_part(const struct memory_snapshot *snapshot, uint64_t first,
				     uint64_t end)
{
	const struct page_run own = find_run(snapshot->runs, snapshot->nruns, first, end);
	const struct page_run images =
		find_run(snapshot->image_runs, snapshot->nimage_runs, first, own.first);

	return images.count ? images : own;
}

const uint8_t *memory_snapshot_image_page(const struct sealed_file *image,
					  const struct page_run *runs, size_t nruns, uint64_t page)
{
	const struct page_run found = find_run(runs, nruns, page, page + 1);

	return found.count ? image->bytes + found.file_page * MOTE_PAGE_SIZE : NULL;
}

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, MOTE_PAGE_SIZE - 1) == 0;
}

/* Which pages are to be kept: a bit a page of RAM. */
struct choice {
	struct guest_memory *memory;
	uint64_t *bits;
	uint64_t npages;
};

/* Whether nobody needs to keep PAGE, number INDEX: it is as the image has it or, elsewhere, zero. */
static bool is_as_before(const struct guest_memory *memory, uint64_t index, const uint8_t *page)
{
	const uint8_t *image = memory_snapshot_image_page(memory->image, memory->image_runs,
							  memory->nimage_runs, index);

	return image ? memcmp(page, image, MOTE_PAGE_SIZE) == 0 : is_zero(page);
}

/* Leaves the bits of those pages of REGION that are to be kept. */
static mote_status choose_in(const struct choice *choice, const struct region *region,
			     mote_error *err)
{
	const uint64_t first = (region->gpa - choice->memory->layout.ram.gpa) / MOTE_PAGE_SIZE;
	const uint64_t end = first + region->size / MOTE_PAGE_SIZE;
	uint8_t page[MOTE_PAGE_SIZE];
	mote_status status = MOTE_OK;

	for (uint64_t i = first; !status; i++) {
		i = page_bitmap_next(choice->bits, i, end, true);
		if (i == end)
			break;
		status = shared_mem_read(choice->memory->ram, i * MOTE_PAGE_SIZE, page, sizeof page,
					 err);
		if (!status && is_as_before(choice->memory, i, page))
			page_bitmap_fill(choice->bits, i, i + 1, false);
	}
	return status;
}

static mote_status choose(const struct choice *choice, mote_error *err)
{
	const struct layout *layout = &choice->memory->layout;
	uint64_t kept_to = 0; /* pages before this one are decided */
	mote_status status = guest_memory_touched(choice->memory, choice->bits, err);

	for (size_t i = 0; !status && i < layout->nregions; i++) {
		const struct region *region = &layout->regions[i];
		if (!memory_snapshot_keeps(region->kind))
			continue;
		uint64_t first = (region->gpa - layout->ram.gpa) / MOTE_PAGE_SIZE;
		page_bitmap_fill(choice->bits, kept_to, first, false);
		kept_to = first + region->size / MOTE_PAGE_SIZE;
		status = choose_in(choice, region, err);
	}
	page_bitmap_fill(choice->bits, kept_to, choice->npages, false);
	return status;
}

/* Whether the pages from FIRST to before END may be kept although nobody has to. Pages that another
 * process has from the image's file must not: there it could not be shown others. */
static bool may_keep(const struct choice *choice, uint64_t first, uint64_t end)
{
	const struct guest_memory *memory = choice->memory;

	for (size_t i = 0; shared_mem_fd(memory->ram) >= 0 && i < memory->nimage_runs; i++)
		if (find_run(&memory->image_runs[i], 1, first, end).count &&
		    !guest_memory_is_writable(memory, &memory->image_runs[i]))
			return false;
	return memory_snapshot_keeps_pages(&memory->layout, first, end);
}

/* Calls for each run, gaps of up to GAP pages filled if they may be kept, until RUNS, if any, has
 * MAX; returns how many there are. */
static size_t list_runs(const struct choice *choice, uint64_t gap, struct page_run *runs)
{
	uint64_t file_page = 0;
	size_t n = 0;

	for (uint64_t at = 0;; n++) {
		uint64_t first = page_bitmap_next(choice->bits, at, choice->npages, true);
		if (first == choice->npages)
			return n;
		uint64_t end = first, next = first;
		while (next < choice->npages && next - end <= gap && may_keep(choice, end, next)) {
			end = page_bitmap_next(choice->bits, next, choice->npages, false);
			next = page_bitmap_next(choice->bits, end, choice->npages, true);
		}
		if (runs)
			runs[n] = (struct page_run){ first, end - first, file_page };
		file_page += end - first;
		at = end;
	}
}

static mote_status make_runs(struct memory_snapshot *snapshot, const struct choice *choice,
			     mote_error *err)
{
	const size_t most = MEMORY_SNAPSHOT_RUNS_MAX - choice->memory->nimage_runs;
	uint64_t gap = MEMORY_SNAPSHOT_GAP;
	size_t n;

	while ((n = list_runs(choice, gap, NULL)) > most)
		gap = 2 * gap + 1;
	if (n == 0)
		return MOTE_OK;
	snapshot->runs = host_alloc_array(snapshot->host, n, sizeof snapshot->runs[0]);
	if (!snapshot->runs)
		return error_nomem(err, "the list of a snapshot's pages",
				   n * sizeof snapshot->runs[0]);
	snapshot->nruns = list_runs(choice, gap, snapshot->runs);
	const struct page_run *last = &snapshot->runs[n - 1];
	snapshot->file_size = (last->file_page + last->count) * MOTE_PAGE_SIZE;
	return MOTE_OK;
}

mote_status memory_snapshot_create_file(struct memory_snapshot *snapshot, mote_error *err)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;

	snapshot->fd = snapshot->host->sys->memfd_create("mote-snapshot", flags);
	if (snapshot->fd < 0)
		return error_os(err, errno, "cannot create a memory file for a snapshot");
	return MOTE_OK;
}

mote_status memory_snapshot_write(const struct memory_snapshot *snapshot, const uint8_t *bytes,
				  size_t size, mote_error *err)
{
	if (sys_write_all(snapshot->host->sys, snapshot->fd, bytes, size) < 0)
		return error_os(err, errno, "cannot write a snapshot's pages");
	return MOTE_OK;
}

/* A pass through the host: RAM must not be read by the kernel in our name, it may be gone. */
static mote_status write_run(const struct memory_snapshot *snapshot, struct shared_mem *ram,
			     const struct page_run *run, mote_error *err)
{
	enum { AT_ONCE = 16 };
	uint8_t chunk[AT_ONCE * MOTE_PAGE_SIZE];

	for (uint64_t done = 0, n; done < run->count; done += n) {
		n = run->count - done < AT_ONCE ? run->count - done : AT_ONCE;
		size_t size = (size_t)(n * MOTE_PAGE_SIZE);
		mote_status status = shared_mem_read(ram, (run->first + done) * MOTE_PAGE_SIZE,
						     chunk, size, err);
		if (status)
			return status;
		status = memory_snapshot_write(snapshot, chunk, size, err);
		if (status)
			return status;
	}
	return MOTE_OK;
}

/* Nobody can change or cut the file from here on, so that its mapping can be read like any memory. */
mote_status memory_snapshot_seal(struct memory_snapshot *snapshot, mote_error *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const struct sys *sys = snapshot->host->sys;

	if (sys->fcntl(snapshot->fd, F_ADD_SEALS, seals) < 0)
		return error_os(err, errno, "cannot seal a snapshot's pages");
	if (snapshot->file_size == 0)
		return MOTE_OK;
	void *at = sys->mmap(NULL, snapshot->file_size, PROT_READ, MAP_PRIVATE, snapshot->fd, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map the pages of a snapshot");
	snapshot->bytes = at;
	return MOTE_OK;
}

/* The image's pages that are not among those, or lie behind them. */
static mote_status refer_to_image(struct memory_snapshot *snapshot,
				  const struct guest_memory *memory, mote_error *err)
{
	const size_t n = memory->nimage_runs;

	if (n == 0)
		return MOTE_OK;
	snapshot->image_runs = host_alloc_array(snapshot->host, n, sizeof snapshot->image_runs[0]);
	if (!snapshot->image_runs)
		return error_nomem(err, "the list of an image's pages",
				   n * sizeof snapshot->image_runs[0]);
	memcpy(snapshot->image_runs, memory->image_runs, n * sizeof snapshot->image_runs[0]);
	snapshot->nimage_runs = n;
	snapshot->image = sealed_file_ref(memory->image);
	return MOTE_OK;
}

static mote_status write_pages(struct memory_snapshot *snapshot, struct guest_memory *memory,
			       mote_error *err)
{
	mote_status status = memory_snapshot_create_file(snapshot, err);

	for (size_t i = 0; !status && i < snapshot->nruns; i++) {
		const struct page_run *run = &snapshot->runs[i];
		guest_memory_supply(memory, run->first * MOTE_PAGE_SIZE,
				    run->count * MOTE_PAGE_SIZE);
		status = write_run(snapshot, memory->ram, run, err);
	}
	return status ? status : memory_snapshot_seal(snapshot, err);
}

static mote_status save_pages(struct memory_snapshot *snapshot, struct guest_memory *memory,
			      mote_error *err)
{
	struct choice choice = {
		.memory = memory,
		.npages = memory->layout.ram.size / MOTE_PAGE_SIZE,
	};

	choice.bits = page_bitmap_new(snapshot->host, choice.npages);
	if (!choice.bits)
		return error_nomem(err, "the map of a snapshot's pages", (size_t)choice.npages / 8);
	mote_status status = choose(&choice, err);
	if (!status)
		status = make_runs(snapshot, &choice, err);
	page_bitmap_free(snapshot->host, choice.bits, choice.npages);
	return status ? status : write_pages(snapshot, memory, err);
}

static void save_rest(struct memory_snapshot *snapshot, const struct guest_memory *memory)
{
	memcpy(snapshot->stack_guard, memory->stack_guard, sizeof snapshot->stack_guard);
	snapshot->nfiles = memory->nfiles;
	for (size_t i = 0; i < memory->nfiles; i++)
		snapshot->files[i] = file_mapping_ref(memory->files[i]);
	snapshot->next_gpa = memory->next_gpa;
}

struct memory_snapshot *memory_snapshot_new(const struct host *host, const struct layout *layout,
					    mote_error *err)
{
	struct memory_snapshot *snapshot = host_alloc(host, sizeof *snapshot);

	if (!snapshot) {
		error_nomem(err, "the description of a snapshot", sizeof *snapshot);
		return NULL;
	}
	snapshot->host = host;
	snapshot->fd = -1;
	snapshot->layout = *layout;
	atomic_init(&snapshot->nrefs, 1);
	pthread_mutex_init(&snapshot->lock, NULL);
	return snapshot;
}

/* What earlier calls left in the I/O buffers is no part of the snapshot: it must not be there when
 * it is restored, and nobody will have noted it. */
static mote_status wipe_buffers(struct guest_memory *memory, mote_error *err)
{
	static const enum region_kind kinds[] = { REGION_INPUT, REGION_OUTPUT };
	mote_status status = MOTE_OK;

	for (size_t i = 0; !status && i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct region *region = layout_get(&memory->layout, kinds[i]);
		status = shared_mem_zero(memory->ram, region->gpa - memory->layout.ram.gpa,
					 region->size, err);
	}
	return status;
}

mote_status memory_snapshot_take(struct memory_snapshot **out, struct guest_memory *memory,
				 mote_error *err)
{
	*out = NULL;
	struct memory_snapshot *snapshot = memory_snapshot_new(memory->host, &memory->layout, err);

	if (!snapshot)
		return MOTE_E_NOMEM;
	save_rest(snapshot, memory);

	mote_status status = refer_to_image(snapshot, memory, err);
	if (!status)
		status = save_pages(snapshot, memory, err);
	if (!status)
		status = wipe_buffers(memory, err);
	if (!status)
		status = guest_memory_set_base(memory, snapshot, err);
	if (status) {
		memory_snapshot_unref(snapshot);
		return status;
	}
	guest_memory_empty_buffers(memory);
	guest_memory_note_buffers(memory); /* what is in them may be of use till the next call */
	*out = snapshot;
	return MOTE_OK;
}

struct memory_snapshot *memory_snapshot_ref(struct memory_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->nrefs, 1, memory_order_relaxed);
	return snapshot;
}

void memory_snapshot_unref(struct memory_snapshot *snapshot)
{
	if (!snapshot || atomic_fetch_sub_explicit(&snapshot->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	const struct host *host = snapshot->host;

	for (size_t i = 0; i < snapshot->nfiles; i++)
		file_mapping_unref(snapshot->files[i]);
	memory_snapshot_unmap(snapshot);
	if (snapshot->fd >= 0)
		host->sys->close(snapshot->fd);
	pthread_mutex_destroy(&snapshot->lock);
	host_free(host, snapshot->runs, snapshot->nruns * sizeof snapshot->runs[0]);
	host_free(host, snapshot->image_runs,
		  snapshot->nimage_runs * sizeof snapshot->image_runs[0]);
	sealed_file_unref(snapshot->image);
	host_free(host, snapshot, sizeof *snapshot);
}

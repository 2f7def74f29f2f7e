/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: hyperlight_abi.recognise, hyperlight_describe, hyperlight_image_parse,
 * hyperlight_image_load, hyperlight_abi.snapshot, hyperlight_abi.visit_regions. Input: a byte that
 * says which; then a guest's file; or words that a guest has written to its scratch, where its page
 * tables are.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_walk.h"

#include "fuzz/fuzz.h"
#include "tests/mem/read_only_mem.h"

#define PAGE        VMEM_PAGE_SIZE
#define DATA_PAGES  16
#define SCRATCH     (UINT64_C(48) * PAGE)
#define TABLE_PAGES 8 /* of scratch: words are written here */
#define WORDS       96
#define IMAGE_MAX   (UINT64_C(1) << 20)

/* Segments are those of the image, and their bytes in the file. */
static void check_description(const struct hyperlight_image *image, mote_status want)
{
	const size_t size = image->elf.size;
	struct elf elf;

	CHECK(hyperlight_describe(&elf, image->elf.bytes, size, NULL) == want);
	CHECK((elf.nsegments > 0) == (want == MOTE_OK));
	if (want)
		return;
	CHECK(elf.entry == image->entry);
	for (size_t i = 0; i < elf.nsegments; i++) {
		const mote_segment_info *segment = &elf.segments[i];

		CHECK(segment->address - HYPERLIGHT_BASE <= image->size);
		CHECK(segment->memory_size <= image->size - (segment->address - HYPERLIGHT_BASE));
		CHECK(segment->file_offset <= size &&
		      segment->file_size <= size - segment->file_offset);
	}
}

static void fuzz_image(const uint8_t *data, size_t size)
{
	struct hyperlight_image image;
	char version[GUEST_VERSION_SIZE];
	mote_error err = { .code = MOTE_OK };
	const mote_status status = hyperlight_image_parse(&image, data, size, &err);
	const enum guest_claim claim = hyperlight_abi.recognise(data, size, version);

	CHECK(is_printable(version, sizeof version));
	CHECK((claim == GUEST_MINE) == (version[0] != '\0'));
	CHECK(status == err.code);
	CHECK(status == MOTE_OK || err.message[0]);
	check_description(&image, status);
	if (status != MOTE_OK)
		return;
	CHECK(claim != GUEST_NOT_MINE);
	CHECK(image.entry - HYPERLIGHT_BASE < image.size);
	if (image.size > IMAGE_MAX)
		return;
	uint8_t *memory = calloc(1, image.size);

	CHECK(memory);
	hyperlight_image_load(&image, memory);
	free(memory);
}

static uint64_t root;

static void get_system(const struct hv_vm *vm, struct hv_system *out)
{
	(void)vm;
	*out = (struct hv_system){ .cr3 = root };
}

static const struct hv_system_ops system_ops = { .get = get_system };
static struct hv_vm machine; /* there is one, of which nothing else is asked */

/* A guest with no more of a machine than its name, ready, with DATA_PAGES of snapshot and scratch.
 * It lives as long as the process: mapping memory takes longer than all the rest. */
static struct hyperlight_guest *get_guest(const struct host *host)
{
	static const uint8_t data[DATA_PAGES * PAGE];
	static struct hyperlight_snapshot base = {
		.layout = { .sizes = { .input = HYPERLIGHT_BUFFER_MIN,
				       .output = HYPERLIGHT_BUFFER_MIN,
				       .scratch = SCRATCH },
			    .data_size = sizeof data },
	};
	static struct hyperlight_guest guest = {
		.system = &system_ops,
		.vm = &machine,
		.base = &base,
		.is_ready = true,
		.is_idle = true,
	};

	guest.host = host;
	if (guest.scratch)
		return &guest;
	CHECK(!read_only_mem_new(&base.blob, host, data, sizeof data, sizeof data,
				 SHARED_MEM_PRIVATE, NULL));
	CHECK(!shared_mem_new(&guest.scratch, host, SCRATCH, SHARED_MEM_PRIVATE, NULL));
	CHECK(!shared_mem_share(guest.scratch, NULL));
	return &guest;
}

/* What a guest may have in an entry: a page of its memory or any, with any rights. */
static uint64_t take_entry(struct input *input)
{
	const uint64_t how = take(input, 1);
	const uint64_t scratch = SCRATCH_END_GPA - SCRATCH;

	if (how < 0x40)
		return (scratch + how % TABLE_PAGES * PAGE) | 0x23;
	if (how < 0x80)
		return (scratch + how % (SCRATCH / PAGE) * PAGE) | 0x63;
	if (how < 0xc0)
		return (HYPERLIGHT_BASE + how % (DATA_PAGES + 2) * PAGE) | 0x261;
	return take_number(input) << 12 | take(input, 2);
}

static void write_tables(struct input *input, uint8_t *scratch)
{
	for (int i = 0; i < WORDS && input->left > 0; i++) {
		const uint64_t place = take(input, 2) % (TABLE_PAGES * 512);
		const uint64_t entry = take_entry(input);

		memcpy(scratch + place * sizeof entry, &entry, sizeof entry);
	}
	root = SCRATCH_END_GPA - SCRATCH + take(input, 1) % TABLE_PAGES * PAGE;
}

/* Nothing but scratch may be written to, and nothing but the copies is there. */
static void check_snapshot(const struct hyperlight_snapshot *snapshot)
{
	const struct hyperlight_layout *layout = &snapshot->layout;
	const uint8_t *tables = shared_mem_contents(snapshot->blob) + layout->data_size;
	struct vmem_flat flat = { .memory = (void *)(uintptr_t)tables,
				  .base = snapshot->system.cr3,
				  .size = layout->tables_size };
	struct vmem_walk walk;
	struct vmem_range range;

	CHECK(layout->data_size <= SCRATCH + DATA_PAGES * PAGE);
	vmem_walk_begin(&walk, &vmem_amd64, &vmem_flat_ops, &flat, flat.base, 0, UINT64_MAX, 128);
	while (vmem_walk_next(&walk, &vmem_amd64, &vmem_flat_ops, &flat, &range) == VMEM_OK) {
		const uint64_t offset = range.pa - HYPERLIGHT_BASE;
		const bool is_copy =
			offset < layout->data_size && range.size <= layout->data_size - offset;

		CHECK(is_copy || range.pa - hyperlight_scratch_gpa(layout) < SCRATCH);
		CHECK(!is_copy || !(range.flags & VMEM_WRITE));
	}
	CHECK(walk.malformed == 0);
}

/* Regions are in order, and all of each is memory. */
struct look {
	uint64_t next, from, size;
};

static bool look_at(void *user, const struct region *region)
{
	struct look *look = user;

	CHECK(region->va >= look->next && region->size > 0 && region->size % PAGE == 0);
	CHECK(region->gpa >= HYPERLIGHT_BASE && region->gpa + region->size <= SCRATCH_END_GPA);
	look->from = region->va;
	look->next = region->va + region->size;
	look->size += region->size;
	return look->next != 0;
}

static void fuzz_tables(struct input *input)
{
	static struct host host;
	struct guest_snapshot *snapshot;
	struct look look = { .next = 0 };
	uint8_t *bytes;

	host_init(&host);
	struct hyperlight_guest *guest = get_guest(&host);

	CHECK(!shared_mem_lock(guest->scratch, &bytes, NULL));
	memset(bytes, 0, TABLE_PAGES * PAGE);
	write_tables(input, bytes);
	shared_mem_unlock(guest->scratch);
	const uint64_t first = take_number(input), last = take_number(input);

	hyperlight_abi.visit_regions(&guest->guest, 0, UINT64_MAX, look_at, &look);
	CHECK(look.size <= 4 * (SCRATCH + DATA_PAGES * PAGE));
	look.next = first & -PAGE;
	hyperlight_abi.visit_regions(&guest->guest, first, last, look_at, &look);
	CHECK(look.next == (first & -PAGE) || look.from <= last);
	if (!hyperlight_abi.snapshot(&snapshot, &guest->guest, NULL)) {
		check_snapshot((struct hyperlight_snapshot *)snapshot);
		guest_snapshot_unref(snapshot);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };

	if (take(&input, 1) & 1)
		fuzz_tables(&input);
	else
		fuzz_image(input.at, input.left);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of hyperlight guests: what they keep, what a restore undoes, and guests that are made
 * of one.
 */
#include "tests/hyperlight/hyper_box.h"

#include "abi/vmem_amd64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static const char *guest_path;

static const struct guest_start plain = { .scratch_size = 0x180000 };

static mote_value i32(int32_t number)
{
	return (mote_value){ .type = MOTE_I32, .as.i32 = number };
}

static int32_t number(struct hyper_box *box, const char *name)
{
	return hyper_box_value(box, name, 0, NULL).as.i32;
}

static void a_restore_undoes_what_a_call_did(void **state)
{
	static struct hyper_box box;
	const mote_value five = i32(5);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	for (int i = 0; i < 20; i++) {
		assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 5);
		assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 10);
		assert_int_equal(number(&box, "Started"), 43);
		hyper_box_restore(&box, snapshot);
		assert_int_equal(number(&box, "GetStatic"), 0);
		hyper_box_restore(&box, snapshot);
	}
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void snapshots_are_independent(void **state)
{
	static struct hyper_box box;
	const mote_value one = i32(1);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *first = hyper_box_take(&box);
	hyper_box_value(&box, "AddToStatic", 1, &one);
	struct guest_snapshot *second = hyper_box_take(&box);
	hyper_box_value(&box, "AddToStatic", 1, &one);
	/* the guest that they were taken of goes on as if nothing had been */
	assert_int_equal(number(&box, "GetStatic"), 2);

	for (int i = 0; i < 3; i++) {
		hyper_box_restore(&box, first);
		assert_int_equal(number(&box, "GetStatic"), 0);
		hyper_box_restore(&box, second);
		assert_int_equal(number(&box, "GetStatic"), 1);
		hyper_box_value(&box, "AddToStatic", 1, &one);
		assert_int_equal(number(&box, "GetStatic"), 2);
	}
	guest_snapshot_unref(first);

	/* and one of a guest that was restored */
	hyper_box_restore(&box, second);
	hyper_box_value(&box, "AddToStatic", 1, &one);
	struct guest_snapshot *third = hyper_box_take(&box);
	assert_int_equal(hyper_inside(third)->generation, 3);
	hyper_box_restore(&box, second);
	assert_int_equal(number(&box, "GetStatic"), 1);
	hyper_box_restore(&box, third);
	assert_int_equal(number(&box, "GetStatic"), 2);

	/* numbers go on from the snapshot that was restored */
	hyper_box_restore(&box, second);
	struct guest_snapshot *other = hyper_box_take(&box);
	assert_int_equal(hyper_inside(other)->generation, 3);
	guest_snapshot_unref(other);
	guest_snapshot_unref(third);
	guest_snapshot_unref(second);
	hyper_box_fini(&box);
}

/* All of scratch, also what the guest never took. */
static void nothing_in_scratch_outlives_a_restore(void **state)
{
	static struct hyper_box box;
	static uint8_t page[VMEM_PAGE_SIZE], zeroes[VMEM_PAGE_SIZE];
	const uint64_t first = SCRATCH_END_GVA - plain.scratch_size;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	for (int i = 0; i < 2; i++) {
		hyper_box_restore(&box, snapshot);
		const uint64_t tables = hyperlight_tables_offset(&hyper_inside(snapshot)->layout) +
					hyper_inside(snapshot)->layout.tables_size;

		for (uint64_t at = tables; at < plain.scratch_size - VMEM_PAGE_SIZE;
		     at += VMEM_PAGE_SIZE) {
			assert_int_equal(
				hyperlight_abi.read(box.guest, first + at, page, sizeof page, NULL),
				MOTE_OK);
			assert_memory_equal(page, zeroes, sizeof page);
			memset(page, 0x5e, sizeof page);
			assert_int_equal(hyperlight_abi.write(box.guest, first + at, page,
							      sizeof page, NULL),
					 MOTE_OK);
		}
	}
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void a_restore_heals_a_guest_that_has_ended(void **state)
{
	static struct hyper_box box;
	const mote_value frames = i32(1000);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	for (int i = 0; i < 3; i++) {
		hyper_box_end(&box, "TriggerException", 0, NULL, MOTE_E_GUEST_FAULT);
		hyper_box_restore(&box, snapshot);
		hyper_box_end(&box, "StackOverflow", 1, &frames, MOTE_E_GUEST_ABORT);
		hyper_box_restore(&box, snapshot);
		assert_int_equal(number(&box, "SetStatic"), 1048576);
		hyper_box_restore(&box, snapshot);
	}
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void the_image_is_a_snapshot_too(void **state)
{
	static struct hyper_box box;
	const mote_value five = i32(5);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_value(&box, "AddToStatic", 1, &five);
	hyper_box_restore(&box, box.first);
	assert_false(hyperlight_abi.is_ready(box.guest));
	hyper_box_run(&box);
	assert_int_equal(box.event.kind, GUEST_READY);
	assert_int_equal(number(&box, "GetStatic"), 0);
	hyper_box_fini(&box);
}

/* How many pages of the snapshot are in memory. */
static uint64_t resident(const struct guest_snapshot *snapshot)
{
	const struct shared_mem *blob = ((const struct hyperlight_snapshot *)snapshot)->blob;
	const uint64_t npages = shared_mem_size(blob) / VMEM_PAGE_SIZE;
	uint64_t count = 0;
	unsigned char *is_there = malloc((size_t)npages);

	assert_non_null(is_there);
	assert_int_equal(mincore(shared_mem_base(blob), (size_t)shared_mem_size(blob), is_there),
			 0);
	for (uint64_t i = 0; i < npages; i++)
		count += is_there[i] & 1;
	free(is_there);
	return count;
}

/* Room for a few huge pages, where the system makes some of the image's and the tables'. */
#define FEW_PAGES 4096

static void a_heap_is_no_memory_until_it_is_used(void **state)
{
	const struct guest_start large = { .scratch_size = 0x400000, .heap_size = 0x10000000 };
	static struct hyper_box box;
	const mote_value five = i32(5);

	(void)state;
	hyper_box_init(&box, guest_path, &large);
	const struct hyperlight_guest *guest = (const struct hyperlight_guest *)box.guest;
	assert_in_range(resident(&guest->base->base), 1, FEW_PAGES);

	assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 5);
	struct guest_snapshot *snapshot = hyper_box_take(&box);
	assert_in_range(resident(snapshot), 1, FEW_PAGES);
	hyper_box_restore(&box, snapshot);
	assert_int_equal(number(&box, "GetStatic"), 5);
	assert_in_range(resident(snapshot), 1, FEW_PAGES);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void guests_are_made_of_snapshots(void **state)
{
	static struct hyper_box box, other;
	const mote_value five = i32(5);
	mote_error err = { .message = "" };

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_value(&box, "AddToStatic", 1, &five);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	other = (struct hyper_box){ .host = box.host, .hv = box.hv };
	if (hyper_box_new(&other, &other.guest, box.hv, snapshot, &err))
		fail_msg("%s", err.message);
	assert_true(hyperlight_abi.is_ready(other.guest));
	assert_int_equal(hyper_box_value(&other, "AddToStatic", 1, &five).as.i32, 10);
	assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 10);
	assert_int_equal(hyper_box_value(&box, "AddToStatic", 1, &five).as.i32, 15);
	assert_int_equal(number(&other, "GetStatic"), 10);
	hyperlight_abi.guest_free(other.guest);

	/* a guest of the same image goes to the state of another one */
	other = (struct hyper_box){ .host = box.host, .hv = box.hv };
	assert_int_equal(hyper_box_new(&other, &other.guest, box.hv, box.first, NULL), MOTE_OK);
	hyper_box_run(&other);
	assert_int_equal(number(&other, "GetStatic"), 0);
	hyper_box_restore(&other, snapshot);
	assert_int_equal(number(&other, "GetStatic"), 5);
	hyperlight_abi.guest_free(other.guest);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static mote_status no_machine(struct hv_vm **out, struct hv *hv, const struct hv_vm_config *config,
			      mote_error *err)
{
	(void)hv;
	(void)config;
	*out = NULL;
	err->code = MOTE_E_OS;
	return MOTE_E_OS;
}

static bool see_nothing(void *user, const struct region *region)
{
	(void)user;
	(void)region;
	fail_msg("a guest without a machine has memory");
	return true;
}

/* The host has no more machines: then there is no memory to look at, until there are again. */
static void a_restore_can_fail_and_be_made_again(void **state)
{
	static struct hyper_box box;
	const mote_value five = i32(5);
	struct hv_backend poor;
	mote_error err = { .message = "" };
	uint64_t word = 0;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_value(&box, "AddToStatic", 1, &five);
	struct guest_snapshot *snapshot = hyper_box_take(&box);
	const struct hv_backend *const rich = box.hv->ops;

	poor = *rich;
	poor.vm_new = no_machine;
	box.hv->ops = &poor;
	assert_int_equal(hyperlight_abi.restore(box.guest, snapshot, &err), MOTE_E_OS);
	assert_null(hyperlight_abi.vm(box.guest));
	assert_int_equal(hyperlight_abi.read(box.guest, 0x1000, &word, sizeof word, &err),
			 MOTE_E_INVALID);
	assert_int_equal(hyperlight_abi.write(box.guest, 0x1000, &word, sizeof word, &err),
			 MOTE_E_INVALID);
	assert_true(hyperlight_abi.visit_regions(box.guest, 0, UINT64_MAX, see_nothing, NULL));
	assert_int_equal(hyperlight_abi.restore(box.guest, snapshot, &err), MOTE_E_OS);
	box.hv->ops = rich;
	hyper_box_restore(&box, snapshot);
	assert_int_equal(number(&box, "GetStatic"), 5);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void guests_learn_of_restores(void **state)
{
	static struct hyper_box box;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	assert_int_equal(hyper_box_value(&box, "Restores", 0, NULL).as.u64, 0);
	struct guest_snapshot *snapshot = hyper_box_take(&box);
	/* the number changes with the next restore, not before */
	assert_int_equal(hyper_box_value(&box, "Generation", 0, NULL).as.u64, 0);
	for (int i = 0; i < 2; i++) {
		hyper_box_restore(&box, snapshot);
		assert_int_equal(hyper_box_value(&box, "Restores", 0, NULL).as.u64, 1);
		assert_int_equal(hyper_box_value(&box, "Generation", 0, NULL).as.u64, 1);
	}
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void a_snapshot_needs_a_guest_that_waits(void **state)
{
	static struct hyper_box box;
	struct guest_snapshot *snapshot;

	(void)state;
	hyper_box_make(&box, guest_path, &plain);
	assert_int_equal(hyperlight_abi.snapshot(&snapshot, box.guest, NULL), MOTE_E_STATE);
	assert_null(snapshot);
	hyper_box_run(&box);
	hyper_box_end(&box, "TriggerException", 0, NULL, MOTE_E_GUEST_FAULT);
	assert_int_equal(hyperlight_abi.snapshot(&snapshot, box.guest, NULL), MOTE_E_STATE);
	hyper_box_fini(&box);
}

static void scratch_must_be_of_one_size(void **state)
{
	static struct hyper_box box, other;
	const struct guest_start larger = { .scratch_size = 0x181000 };
	mote_error err;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	hyper_box_init(&other, guest_path, &larger);
	assert_int_equal(hyperlight_abi.fits(box.guest, other.first, &err), MOTE_E_SNAPSHOT);
	assert_non_null(strstr(err.message, "0x181000"));
	assert_int_equal(number(&box, "GetStatic"), 0);
	hyper_box_fini(&other);
	hyper_box_fini(&box);
}

static void a_snapshot_has_what_is_mapped_and_no_more(void **state)
{
	static struct hyper_box box;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *snapshot = hyper_box_take(&box);
	/* all of the first snapshot, two pages of descriptors, and some of the stack */
	const uint64_t more = hyper_inside(snapshot)->layout.data_size -
			      hyper_inside(box.first)->layout.data_size;

	assert_in_range(more / VMEM_PAGE_SIZE, 3, 8);
	/* descriptors and stack have tables of their own below the root */
	assert_int_equal(hyper_inside(snapshot)->layout.tables_size -
				 hyper_inside(box.first)->layout.tables_size,
			 6 * VMEM_PAGE_SIZE);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restore_undoes_what_a_call_did),
		cmocka_unit_test(snapshots_are_independent),
		cmocka_unit_test(nothing_in_scratch_outlives_a_restore),
		cmocka_unit_test(a_restore_heals_a_guest_that_has_ended),
		cmocka_unit_test(the_image_is_a_snapshot_too),
		cmocka_unit_test(a_heap_is_no_memory_until_it_is_used),
		cmocka_unit_test(guests_are_made_of_snapshots),
		cmocka_unit_test(a_restore_can_fail_and_be_made_again),
		cmocka_unit_test(guests_learn_of_restores),
		cmocka_unit_test(a_snapshot_needs_a_guest_that_waits),
		cmocka_unit_test(scratch_must_be_of_one_size),
		cmocka_unit_test(a_snapshot_has_what_is_mapped_and_no_more),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

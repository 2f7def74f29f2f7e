/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines of guests with large images, on a backend that maps descriptors: constants are views of
 * the image's file, variables come when they are touched, and where nobody can tell of that, at
 * once.
 */
#include "guest_abi/mote/machine.h"

#include "guest_abi/mote/machine_box.h"
#include "mem/sealed_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB       (UINT64_C(1) << 20)
#define CONSTANTS UINT64_C(0x1000000)
#define VARIABLES UINT64_C(0x2000000)

static const mote_segment_info large[] = {
	{ .address = BOX_CODE, .memory_size = 0x1000, .readable = true, .executable = true },
	{ .address = CONSTANTS, .memory_size = 2 * MIB, .file_size = 2 * MIB, .readable = true },
	{ .address = VARIABLES,
	  .memory_size = 3 * MIB,
	  .file_size = 2 * MIB,
	  .readable = true,
	  .writable = true },
};

static uint8_t bytes[2 * MIB];

/* A box with memory of such an image, and no machine yet. */
static void init(struct box *box)
{
	struct layout_config config = {
		.segments = large,
		.nsegments = sizeof large / sizeof large[0],
		.supervisor_size = SUPERVISOR_BLOCK_SIZE,
		.exception_stack = SUPERVISOR_STACK,
	};

	fake_reset();
	memset(bytes, 5, sizeof bytes);
	box_init(box, &fake_process, (struct machine_ways){ 0 }, NULL);
	machine_fini(&box->machine);
	guest_memory_free(box->memory);
	assert_int_equal(sealed_file_new(&config.file, &box->host, NULL), MOTE_OK);
	assert_int_equal(sealed_file_append(config.file, bytes, sizeof bytes, NULL), MOTE_OK);
	assert_int_equal(sealed_file_seal(config.file, NULL), MOTE_OK);
	assert_int_equal(guest_memory_new(&box->memory, &box->host, &config, config.file->bytes,
					  SHARED_MEM_FILE, NULL),
			 MOTE_OK);
	sealed_file_unref(config.file);
}

static mote_status start(struct box *box)
{
	mote_status status = machine_init(&box->machine, box->hv, box->memory, &box->firmware,
					  BOX_CODE, VARIABLES + 3 * MIB, NULL);

	box->vm = (struct fake_vm *)box->machine.vm;
	return status;
}

static const struct region *view_of(const struct box *box, uint64_t address)
{
	for (size_t i = 0; i < box->vm->nviews; i++)
		if (address - box->vm->views[i].va < box->vm->views[i].size)
			return &box->vm->views[i];
	fail_msg("no view has 0x%llx", (unsigned long long)address);
	return NULL;
}

static void large_segments_are_views_of_their_own(void **state)
{
	(void)state;
	struct box box;

	init(&box);
	assert_int_equal(start(&box), MOTE_OK);
	const struct region *constants = view_of(&box, CONSTANTS + MIB);
	const struct region *variables = view_of(&box, VARIABLES + MIB);
	const struct region *behind = view_of(&box, VARIABLES + 2 * MIB);
	assert_int_equal(constants->size, 2 * MIB);
	assert_int_equal(constants->flags, REGION_READ);
	assert_int_equal(variables->va, VARIABLES);
	assert_int_equal(variables->size, 2 * MIB);
	assert_int_equal(variables->flags, REGION_READ | REGION_WRITE | REGION_MISSING);
	assert_int_equal(behind->va, VARIABLES + 2 * MIB);
	assert_int_equal(behind->size, MIB);
	assert_int_equal(behind->flags, REGION_READ | REGION_WRITE);

	/* firmware, the constants in the image's file, RAM */
	assert_int_equal(box.vm->nslots, 3);
	assert_int_equal(box.vm->slots[1].gpa, constants->gpa);
	assert_int_equal(box.vm->slots[1].size, 2 * MIB);
	assert_false(box.vm->slots[1].flags & REGION_WRITE);
	assert_true(box.vm->slots[1].host.file != box.vm->slots[2].host.file);
	box_fini(&box);
}

/* Faults where the guest first touches its variables, and in the end where there is nothing. */
static bool touch(struct fake_vm *vm, struct hv_exit *exit)
{
	static const uint64_t touched[] = { VARIABLES, VARIABLES + MIB, VARIABLES + MIB,
					    CONSTANTS };
	unsigned *n = fake.user;

	(void)vm;
	*exit = (struct hv_exit){ .kind = HV_EXIT_EXCEPTION };
	exit->u.exception.vector = 14;
	exit->u.exception.address = touched[(*n)++];
	return true;
}

static void what_was_missing_is_there_when_the_guest_goes_on(void **state)
{
	(void)state;
	unsigned n = 0;
	struct box box;

	init(&box);
	assert_int_equal(start(&box), MOTE_OK);
	fake.guest = touch;
	fake.user = &n;
	/* the third is at a place where nothing is missing any more */
	struct hv_exit event = box_run(&box);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.address, VARIABLES + MIB);
	assert_int_equal(n, 3);
	event = box_run(&box);
	assert_int_equal(event.u.exception.address, CONSTANTS);
	assert_int_equal(n, 4);
	box_fini(&box);
}

static void hosts_that_cannot_tell_get_all_at_once(void **state)
{
	(void)state;
	struct box box;
	struct region run;

	init(&box);
	fake.tells_nothing = true;
	assert_true(guest_memory_missing(box.memory, 0, &run));
	assert_int_equal(start(&box), MOTE_OK);
	assert_false(guest_memory_missing(box.memory, 0, &run));
	assert_int_equal(view_of(&box, VARIABLES)->size, 3 * MIB);
	assert_int_equal(view_of(&box, VARIABLES)->flags, REGION_READ | REGION_WRITE);
	const struct region *ram = &guest_memory_layout(box.memory)->ram;
	const uint8_t *base = shared_mem_base(guest_memory_ram(box.memory));
	const uint8_t *variables = base + (view_of(&box, VARIABLES)->gpa - ram->gpa);
	assert_memory_equal(variables, bytes, sizeof bytes);
	assert_int_equal(variables[sizeof bytes], 0);
	machine_fini(&box.machine);

	/* another failure is one */
	fake.vm_new_fails = MOTE_E_NOMEM;
	assert_int_equal(start(&box), MOTE_E_NOMEM);
	box_fini(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_segments_are_views_of_their_own),
		cmocka_unit_test(what_was_missing_is_there_when_the_guest_goes_on),
		cmocka_unit_test(hosts_that_cannot_tell_get_all_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

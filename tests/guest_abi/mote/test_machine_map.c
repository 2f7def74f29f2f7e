/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for machines that exist: what the backend is told, that the processor finds the file by
 * the page tables, that a refusal changes nothing, and what is said of files that were cut.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/machine_box.h"
#include "mem/scratch_file.h"

#include <string.h>

#define PAGE MOTE_PAGE_SIZE
#define HIGH UINT64_C(0x200000000000)

static const struct machine_ways by_port = { WAY_OUT_PORT, SYSCALL_RING0 };

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static struct file_mapping *prepare(struct box *box, const struct scratch_file *scratch,
				    uint64_t address, const char *label)
{
	struct file_mapping *file;
	mote_error err;

	if (file_mapping_new(&file, &box->host, scratch->path, NULL, address, label, &err))
		fail_msg("%s", err.message);
	return file;
}

static void map(struct box *box, const struct scratch_file *scratch, uint64_t address,
		const char *label)
{
	mote_error err;

	if (machine_map_file(&box->machine, prepare(box, scratch, address, label), &err))
		fail_msg("%s", err.message);
}

static void the_backend_gets_a_slot_and_a_view(void **state)
{
	(void)state;
	const struct hv_backend *const backends[] = { &fake_machine, &fake_process };
	struct scratch_file scratch = scratch_file(2 * PAGE + 5);

	for (size_t i = 0; i < 2; i++) {
		struct box box;
		box_init(&box, backends[i], by_port, NULL);
		const struct region *ram = &guest_memory_layout(box.memory)->ram;
		const struct region *slot = &box.vm->slots[2];
		size_t nviews = box.vm->nviews;
		const struct region *view = &box.vm->views[nviews];
		struct file_mapping *file = prepare(&box, &scratch, HIGH + PAGE, "x");

		assert_int_equal(machine_map_file(&box.machine, file, NULL), MOTE_OK);
		assert_int_equal(box.vm->nslots, 3);
		assert_int_equal(box.vm->nviews, nviews + 1);
		assert_true(slot->gpa >= ram->gpa + ram->size);
		assert_int_equal(slot->gpa % LAYOUT_LARGE_PAGE, PAGE); /* as the address */
		assert_int_equal(slot->size, 3 * PAGE);
		assert_ptr_equal(region_bytes(slot), file->bytes);
		assert_false(slot->flags & REGION_WRITE);
		assert_int_equal(slot->host.file, backends[i]->needs_fd ? file->fd : -1);
		assert_int_equal(slot->host.offset, 0);
		assert_true(view->va == HIGH + PAGE && view->gpa == slot->gpa &&
			    view->size == slot->size);
		assert_int_equal(view->flags, REGION_READ | REGION_EXECUTE);
		assert_memory_equal(fake_at(box.vm, HIGH + PAGE), "abc", 3);
		box_fini(&box);
	}
	close(scratch.fd);
}

/* Leaves by an exit that is easy to tell. */
static bool say_done(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
}

static void a_processor_can_execute_the_file(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(3 * LAYOUT_LARGE_PAGE);
	struct box box;

	/* zeroes behind the letters: the fake calls its guest function there */
	box_init(&box, &fake_machine, by_port, NULL);
	map(&box, &scratch, HIGH + PAGE, "x");
	fake.guest = say_done;
	static const uint64_t places[] = { PAGE, LAYOUT_LARGE_PAGE, 2 * LAYOUT_LARGE_PAGE - 1,
					   3 * LAYOUT_LARGE_PAGE - PAGE };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		machine_start(&box.machine, HIGH + PAGE + places[i], box.rsp, 0, 0);
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	}
	machine_start(&box.machine, HIGH, box.rsp, 0, 0);
	assert_int_equal(box_run(&box).kind, HV_EXIT_EXCEPTION);
	machine_start(&box.machine, HIGH + PAGE + 3 * LAYOUT_LARGE_PAGE, box.rsp, 0, 0);
	assert_int_equal(box_run(&box).kind, HV_EXIT_EXCEPTION);
	box_fini(&box);
	close(scratch.fd);
}

static void a_refusal_of_the_backend_changes_nothing(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(10);
	struct box box;
	mote_error err;

	box_init(&box, &fake_machine, by_port, NULL);
	struct file_mapping *file = prepare(&box, &scratch, HIGH, "x");
	fake.map_fails = MOTE_E_OS;
	assert_int_equal(machine_map_file(&box.machine, file, &err), MOTE_E_OS);
	assert_string_equal(err.message, "cannot map the mapped file \"x\": the fake maps nothing");
	assert_null(guest_memory_find_file(box.memory, HIGH));
	machine_start(&box.machine, HIGH, box.rsp, 0, 0);
	assert_int_equal(box_run(&box).kind, HV_EXIT_EXCEPTION);

	fake.map_fails = MOTE_OK;
	assert_int_equal(machine_map_file(&box.machine, file, NULL), MOTE_OK);
	assert_ptr_equal(guest_memory_find_file(box.memory, HIGH), file);

	/* and what memory refuses never gets to the backend */
	file = prepare(&box, &scratch, HIGH, "y");
	assert_int_equal(machine_map_file(&box.machine, file, &err), MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "overlap"));
	assert_int_equal(box.vm->nslots, 3);
	file_mapping_unref(file);
	box_fini(&box);
	close(scratch.fd);
}

static struct hv_exit page_fault(uint32_t code, uint64_t address)
{
	struct hv_exit exit = { .kind = HV_EXIT_EXCEPTION };
	exit.u.exception.vector = 14;
	exit.u.exception.error_code = code;
	exit.u.exception.address = address;
	return exit;
}

static void faults_in_files_name_them_and_say_if_they_were_cut(void **state)
{
	(void)state;
	static const struct hv_exit lost = { .kind = HV_EXIT_NO_MEMORY };
	const struct hv_exit write_fault = page_fault(7, HIGH), read_fault = page_fault(5, HIGH);
	struct scratch_file scratch = scratch_file(2 * PAGE), whole = scratch_file(PAGE);
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	map(&box, &whole, HIGH - PAGE, "whole");
	map(&box, &scratch, HIGH, "cut");
	assert_string_equal(box_describe(&box, &write_fault),
			    "page fault: write at 0x200000000000 (mapped file \"cut\")");
	assert_string_equal(box_describe(&box, &read_fault),
			    "page fault: read at 0x200000000000 (mapped file \"cut\")");
	assert_string_equal(box_describe(&box, &lost),
			    "access to memory that the host cannot provide");

	assert_int_equal(ftruncate(scratch.fd, 5), 0);
	assert_string_equal(box_describe(&box, &write_fault),
			    "page fault: write at 0x200000000000 (mapped file \"cut\")");
	assert_string_equal(box_describe(&box, &read_fault),
			    "page fault: read at 0x200000000000 (mapped file \"cut\", cut from "
			    "8192 to 5 bytes after it was mapped)");
	assert_string_equal(box_describe(&box, &lost),
			    "access to memory that is gone: the mapped file \"cut\" was cut from "
			    "8192 to 5 bytes after it was mapped");
	box_fini(&box);
	close(scratch.fd);
	close(whole.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_backend_gets_a_slot_and_a_view, reset),
		cmocka_unit_test_setup(a_processor_can_execute_the_file, reset),
		cmocka_unit_test_setup(a_refusal_of_the_backend_changes_nothing, reset),
		cmocka_unit_test_setup(faults_in_files_name_them_and_say_if_they_were_cut, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

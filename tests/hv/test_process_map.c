/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that a machine gets later: another guest process takes the place of the old one, and
 * the guest cannot tell. When that fails, the old one goes on.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"
#include "hv/regions.h"
#include "kit/fail.h"
#include "mem/scratch_file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, BREAKPOINT = 3, INVALID_OPCODE = 6, PAGE_FAULT = 14 };
#define GPA  UINT64_C(0x100000000)
#define HIGH UINT64_C(0x200000000000)

/* A file of one page: int3 at each byte. */
static struct scratch_file code_file(void)
{
	unsigned char bytes[PAGE];
	struct scratch_file file = scratch_file(PAGE);

	memset(bytes, 0xcc, sizeof bytes);
	assert_int_equal(pwrite(file.fd, bytes, sizeof bytes, 0), sizeof bytes);
	return file;
}

static mote_status map(struct box *box, int fd, uint64_t va, mote_error *err)
{
	uint64_t gpa = GPA + va;
	const struct region region = {
		.va = va,
		.gpa = gpa,
		.size = PAGE,
		.flags = READ_EXECUTE,
		.host.file = fd,
	};

	return hv_process.map(box->vm, &region, err);
}

static struct hv *open_backend(const struct host *host)
{
	struct hv *hv;

	assert_int_equal(hv_process.open(&hv, host, NULL), MOTE_OK);
	return hv;
}

/* Jumps to ADDRESS; the exception that this ends in. */
static struct hv_exit jump(struct box *box, uint64_t address)
{
	box_set(box, "show", 0);
	box->vm->regs->rip = address;
	return box_run(box);
}

static void later_memory_is_as_if_it_had_been_there(void **state)
{
	(void)state;
	struct host host;
	struct scratch_file file = code_file();
	struct box box;

	host_init(&host);
	struct hv *hv = open_backend(&host);
	box_open(&box, hv);
	assert_int_equal(jump(&box, HIGH).u.exception.vector, PAGE_FAULT);
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t va = HIGH + i * 3 * PAGE;
		assert_int_equal(map(&box, file.fd, va, NULL), MOTE_OK);
		struct hv_exit exit = jump(&box, va + PAGE - 1);
		assert_int_equal(exit.kind, HV_EXIT_EXCEPTION);
		assert_int_equal(exit.u.exception.vector, BREAKPOINT);
		exit = jump(&box, va + PAGE);
		assert_int_equal(exit.u.exception.vector, PAGE_FAULT);
		assert_int_equal(exit.u.exception.error_code & 1, 0);
	}
	assert_int_equal(jump(&box, HIGH).u.exception.vector, BREAKPOINT);
	assert_int_equal(box_start(&box, "hypercall", 0).kind, HV_EXIT_HYPERCALL);
	box_close(&box);
	hv_process.close(hv);
	close(file.fd);
}

static void registers_fs_base_and_memory_stay(void **state)
{
	(void)state;
	struct host host;
	struct scratch_file file = code_file();
	struct box box;

	host_init(&host);
	struct hv *hv = open_backend(&host);
	box_open(&box, hv);
	hv_process.set_fs_base(box.vm, 0x123456);
	box_set(&box, "show", 1);
	struct hv_regs *regs = box.vm->regs;
	for (size_t i = 0; i < 16; i++)
		if (&(&regs->rax)[i] != &regs->rsp)
			(&regs->rax)[i] = 0x1000 + i;
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	struct hv_regs before = *box.vm->regs;
	memcpy(box.data, "data", 4);

	assert_int_equal(map(&box, file.fd, HIGH, NULL), MOTE_OK);
	assert_ptr_equal(box.vm->regs, regs);
	assert_memory_equal(regs, &before, sizeof before);
	assert_int_equal(hv_process.fs_base(box.vm), 0x123456);
	/* the guest goes on where it was, and comes back to the same place */
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	assert_memory_equal(regs, &before, sizeof before);
	assert_int_equal(hv_process.fs_base(box.vm), 0x123456);
	assert_memory_equal(box.data, "data", 4);
	box_close(&box);
	hv_process.close(hv);
	close(file.fd);
}

static void a_refusal_leaves_the_machine_as_it_was(void **state)
{
	(void)state;
	struct host host;
	struct scratch_file file = code_file();
	struct box box;
	mote_error err;

	host_init(&host);
	struct hv *hv = open_backend(&host);
	box_open(&box, hv);
	assert_int_equal(box_start(&box, "hypercall", 7).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(map(&box, -1, HIGH, &err), MOTE_E_INVALID);
	assert_int_equal(map(&box, file.fd, UINT64_C(0x7ff000000000), &err), MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "the process backend has addresses below"));
	/* over what is there: the guest process itself refuses */
	assert_int_equal(map(&box, file.fd, BOX_CODE, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, EEXIST);
	/* the guest has not noticed */
	box.vm->regs->rax = 5;
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(box.vm->regs->rdi, 5);
	assert_int_equal(box.vm->regs->rbx, 7);
	box_close(&box);
	hv_process.close(hv);
	close(file.fd);
}

/* Whatever fails on the way, the guest runs; if nothing does, in its new memory. */
static mote_status map_and_run(const struct host *host, void *file, mote_error *err)
{
	struct box box;
	struct hv_exit event = { .kind = HV_EXIT_DIED };
	struct hv *hv;

	mote_status status = hv_process.open(&hv, host, err);
	if (status)
		return status;
	box_init(&box, hv);
	status = box_make_vm(&box, NULL, err);
	if (!status) {
		status = map(&box, ((struct scratch_file *)file)->fd, HIGH, err);
		box_set(&box, "show", 0);
		if (!status)
			box.vm->regs->rip = HIGH;
		mote_error second;
		mote_status run = hv_process.run(box.vm, &event, status ? &second : err);
		status = status ? status : run;
	}
	if (!status && event.kind == HV_EXIT_DIED)
		status = error_set(err, MOTE_E_OS, "the guest died");
	box_close(&box);
	hv_process.close(hv);
	return status;
}

static void no_failure_leaves_anything_behind(void **state)
{
	(void)state;
	/* as for a machine's whole life: test_process.c says why */
	static const char *const benign[] = { "sendmsg",           "ioctl", "poll", "recvmsg",
					      "pidfd_send_signal", NULL };
	struct scratch_file file = code_file();

	fail_each_operation(map_and_run, &file, benign);
	close(file.fd);
}

/* A page that is in no file yet stops the guest; once the host has written it, the guest goes on as
 * if nothing had been. */
static void missing_pages_stop_the_guest(void **state)
{
	const struct region missing = {
		.va = HIGH,
		.gpa = GPA,
		.size = 4 * PAGE,
		.flags = REGION_READ | REGION_WRITE | REGION_MISSING,
		.host.file = memfd_create("missing", MFD_CLOEXEC),
	};
	(void)state;
	struct host host;
	struct box box;
	char byte = 42;

	host_init(&host);
	struct hv *hv = open_backend(&host);
	const int fd = (int)missing.host.file;
	assert_int_equal(ftruncate(fd, 4 * PAGE), 0);
	box_open(&box, hv);
	mote_error err;
	if (hv_process.map(box.vm, &missing, &err)) {
		print_message("SKIP missing pages: %s\n", err.message);
		skip();
	}
	for (uint64_t page = 0; page < 3; page++) {
		struct hv_exit exit = box_start(&box, "read_at", HIGH + page * PAGE + 7);
		assert_int_equal(exit.kind, HV_EXIT_EXCEPTION);
		assert_int_equal(exit.u.exception.vector, PAGE_FAULT);
		assert_int_equal(exit.u.exception.address, HIGH + page * PAGE + 7);
		/* still missing, and not taken for zero */
		exit = box_run(&box);
		assert_int_equal(exit.kind, HV_EXIT_EXCEPTION);
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)(page * PAGE + 7)), 1);
		exit = box_run(&box);
		assert_int_equal(exit.u.exception.vector, INVALID_OPCODE); /* which comes next */
		assert_int_equal(box.vm->regs->rax & 0xff, 42);
	}
	/* a process that takes its place has the same missing */
	struct scratch_file file = code_file();
	assert_int_equal(map(&box, file.fd, HIGH + 0x100000, NULL), MOTE_OK);
	assert_int_equal(box_start(&box, "read_at", HIGH + 7).u.exception.vector, INVALID_OPCODE);
	assert_int_equal(box_start(&box, "read_at", HIGH + 3 * PAGE).u.exception.vector,
			 PAGE_FAULT);
	box_close(&box);
	hv_process.close(hv);
	close(file.fd);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_memory_is_as_if_it_had_been_there),
		cmocka_unit_test(registers_fs_base_and_memory_stay),
		cmocka_unit_test(a_refusal_leaves_the_machine_as_it_was),
		cmocka_unit_test(no_failure_leaves_anything_behind),
		cmocka_unit_test(missing_pages_stop_the_guest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

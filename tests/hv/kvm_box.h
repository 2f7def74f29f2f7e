/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_box.h - a small guest on the real /dev/kvm, for tests that are a few instructions long.
 *
 * Guest physical is guest virtual. The first 2 MiB are for everyone and hold code and data; the
 * next 2 MiB are the same to the guest, but no slot backs them. From BULK on there is plain memory
 * for tests that ask for it. Where there is no KVM the tests are skipped, and say so.
 *
 * The box is the program's: one guest at a time.
 */
#ifndef HV_KVM_BOX_H
#define HV_KVM_BOX_H

#include "hv/kvm/kvm.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum {
	PAGE = 0x1000,
	PAGE_TABLES = 0x1000, /* three pages */
	GDT = 0x4000,
	IDT = 0x5000,
	TSS = 0x6000,
	STUB = 0x7000,      /* of ring 0, for every exception: `out %al, $0x99`, `hlt` */
	STACK_TOP = 0xa000, /* of ring 0 */
	CODE = 0x10000,
	DATA = 0x20000,
	CONSTANT = 0x100000, /* a slot of its own, read-only */
	RAM_SIZE = 0x100000,
	CONSTANT_SIZE = PAGE,
	NOWHERE = 0x200000, /* mapped, but not backed */
	UNMAPPED = 0x400000,
	BULK = 0x1000000,
	BULK_SIZE = 0x2800000, /* 40 MiB */
};
enum { KERNEL_CODE = 0x08, KERNEL_DATA = 0x10, USER_DATA = 0x23, USER_CODE = 0x2b };
enum { STUB_PORT = 0x99 };

struct kvm_box {
	struct host host;
	struct hv *hv;
	struct hv_vm *vm;
	uint8_t *ram, *constant;
	mote_error err;
};
extern struct kvm_box box;

/* For cmocka: RAM with tables in it and no virtual machine; and all of it away again. */
int kvm_box_setup(void **state);
int kvm_box_teardown(void **state);

/* Opens KVM, or skips the test. */
void kvm_box_open(void);

/* The state of a vCPU that is about to run CODE in ring 3 or 0. */
struct hv_cpu_state kvm_box_cpu(bool is_user);

/* Makes the virtual machine, with one more slot if EXTRA is one. Errors as vm_new(), in box.err. */
mote_status kvm_box_make(const struct hv_cpu_state *cpu, const struct region *extra,
			 bool is_watched);

/* Copies SIZE bytes to guest address AT. */
void kvm_box_put(uint64_t at, const void *bytes, size_t size);

/* Opens KVM and makes a guest that is about to run the SIZE bytes of CODE_, or skips the test. */
void kvm_box_start(bool is_user, const char *code, size_t size);
#define START(is_user, code) kvm_box_start(is_user, code, sizeof(code) - 1)

/* Runs the guest to its next exit. Ends the test when the backend fails. */
struct hv_exit kvm_box_run(void);

/* The same, for an exit that is known. VALUE counts for writes alone. */
void expect_port(uint16_t port, uint8_t size, bool is_write, uint32_t value);
void expect_mmio(uint64_t gpa, uint8_t size, bool is_write, uint64_t value);

#endif

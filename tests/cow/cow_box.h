/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cow_box.h - a virtual machine with a guest in ring 0 on a snapshot, for the tests of
 * copy-on-write: its memory, its tables as the host built them, and calls into it.
 *
 *     physical                     virtual
 *     0x1000      image            the same      copy-on-write, executable
 *     behind it   BOX_CONSTANT     there         read-only
 *     behind it   heap             BOX_HEAP      copy-on-write; a 2 MiB boundary inside
 *     0x400000    2 MiB            BOX_LARGE     copy-on-write, one large leaf
 *     0x800000    the tables       SNAPSHOT_TABLES_GVA, unless they are in scratch
 *     ... end     scratch          ... end       writable
 *
 * All below scratch is the snapshot. Its memory slots are read-only but for that of the
 * tables: with nested paging the processor's walks count as writes, so a read-only slot
 * under tables in use ends in a loop. That they stay as they are is tested.
 */
#ifndef TESTS_COW_COW_BOX_H
#define TESTS_COW_COW_BOX_H

#include "abi/scratch.h"
#include "abi/vmem_flat.h"
#include "hv/hv.h"
#include "tests/cow/guest.h"

#define PAGE VMEM_PAGE_SIZE

#define BOX_CONSTANT   UINT64_C(0x100000)
#define BOX_HEAP       UINT64_C(0x1f0000)
#define BOX_HEAP_PAGES UINT64_C(40)
#define BOX_LARGE      UINT64_C(0x40000000)
#define BOX_LARGE_SIZE UINT64_C(0x200000)

/* The heap's pages below and above the boundary have tables of their own. */
#define BOX_BOUNDARY UINT64_C(0x200000)

/* Scratch begins with room for the tables; descriptors and the stack follow, then free pages. */
#define BOX_TABLE_PAGES UINT64_C(16)
#define BOX_USED_PAGES  (BOX_TABLE_PAGES + 4)

struct box_memory {
	uint64_t gpa;
	uint64_t size;
	unsigned char *bytes;
	unsigned char *before; /* a copy of BYTES as they were when the guest started */
};

enum { BOX_SNAPSHOT, BOX_LARGE_PAGE, BOX_TABLES, BOX_SCRATCH, BOX_NMEMORIES };

struct box {
	struct host host;
	struct hv *hv;
	struct hv_vm *vm;
	struct box_memory memory[BOX_NMEMORIES];
	struct guest_entries entries;
	struct vmem_flat tables; /* as the host built them */
	uint64_t image_size;
	uint64_t stack; /* its end, for the next call */

	/* Of the last call. */
	bool is_aborted;
	uint8_t code;
	char message[256]; /* without the code; begins with the vector of an exception */
	uint64_t result;
};

/* Makes a machine with the image in the file PATH and SCRATCH_PAGES of scratch, with its tables in
 * the snapshot or in scratch. */
void box_init(struct box *box, const char *path, size_t scratch_pages, bool tables_in_scratch);
void box_fini(struct box *box);

/* Calls the guest's FUNCTION; whether it returned or ended with a message stands in BOX. False if
 * this KVM cannot run one of its instructions. */
bool box_try(struct box *box, uint64_t function, uint64_t first, uint64_t second);

/* The same; the test fails unless the guest returns. Answers its result. */
uint64_t box_call(struct box *box, uint64_t function, uint64_t first, uint64_t second);

/* The memory at GPA, or NULL: a whole page if it is aligned. */
void *box_at(struct box *box, uint64_t gpa);

/* A word at the top of scratch. */
uint64_t *box_word(struct box *box, uint64_t distance);

/* The root of the tables that the guest uses now. */
uint64_t box_root(struct box *box);

/* How the guest's tables map VA now. The test fails if they do not. */
struct vmem_range box_page(struct box *box, uint64_t va);

/* For vmem functions whose MEMORY is a struct box. */
extern const struct vmem_ops box_table_ops;

/* From now on a page fault is the end of the guest, and of the test. */
void box_close_gate(struct box *box);

/* The test fails if a byte of the snapshot changed since the start. */
void box_check_snapshot(const struct box *box);

#endif

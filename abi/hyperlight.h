/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hyperlight.h - the hyperlight guest ABI, version 0.15: what a guest in ring 0 and its
 * host agree on, beside the scratch region of abi/scratch.h, the page tables of
 * abi/vmem_amd64.h, the buffers of abi/io_stack.h and the messages of abi/wire.h.
 *
 * Guest physical memory:
 *
 *     0x1000     the snapshot, read-only to the machine: the image, the process environment
 *                block (PEB), the heap, and init data, each on whole pages
 *     ... end    scratch (abi/scratch.h): input buffer, output buffer, page tables, free
 *                pages, the exception stack, and the words at its top
 *
 * At first the snapshot is mapped where it is, copy-on-write but for the PEB and read-only
 * init data. The guest maps the rest of what it needs itself.
 *
 * It starts at its ELF entry with the PEB's address in RDI, a random number in RSI, the
 * page size in RDX, the log filter in RCX, and a stack of little use: the exception stack.
 * When it is ready it writes to SCRATCH_PORT_HALT with the address of its dispatch code in
 * RAX and RSP a multiple of 16. Each call starts there, with that RSP, all other registers
 * 0, and the zero flag set if translations that the processor remembers may be wrong;
 * it ends with the same port.
 *
 * The numbers are those of the published releases of Hyperlight, tag v0.15.0: files are named
 * as they are there. Guests exist that were built with them.
 */
#ifndef ABI_HYPERLIGHT_H
#define ABI_HYPERLIGHT_H

#include "abi/scratch.h"

#define HYPERLIGHT_VERSION "0.15.0"

/* A section of this name holds a note of this owner and type with the version and a NUL. A guest
 * without it is taken at its word (hyperlight_common, version_note.rs). */
#define HYPERLIGHT_NOTE_SECTION ".note.hyperlight-version"
#define HYPERLIGHT_NOTE_NAME    "Hyperlight"
#define HYPERLIGHT_NOTE_TYPE    1

/* Where the snapshot begins, physical and, at first, virtual (host, mem/layout.rs). */
#define HYPERLIGHT_BASE UINT64_C(0x1000)

/* The largest snapshot, and the largest scratch. */
#define HYPERLIGHT_MAX_SIZE ((UINT64_C(16) << 30) - HYPERLIGHT_BASE)

/* Buffers smaller than this are made as large. */
#define HYPERLIGHT_BUFFER_MIN UINT64_C(0x2000)

#define HYPERLIGHT_BUFFER_DEFAULT  UINT64_C(0x4000)
#define HYPERLIGHT_HEAP_DEFAULT    UINT64_C(0x20000)
#define HYPERLIGHT_SCRATCH_DEFAULT UINT64_C(0x48000)

/* Files in physical memory at the same time (hyperlight_common, mem.rs). */
#define HYPERLIGHT_FILES_MAX 32

/* Pages that scratch must have besides buffers and tables: for descriptors, stack, and the tables
 * that map them (hyperlight_common, arch/amd64/layout.rs). */
#define HYPERLIGHT_SCRATCH_LEAST_PAGES 12

/* The word of abi/scratch.h that is new here: how many snapshots this one has before it. */
enum { HYPERLIGHT_SCRATCH_GENERATION = 0x20 };

/* Guests' own places, which nobody but them relies on: descriptors, and the stack, which grows by
 * page faults down to its limit (hyperlight_guest, arch/amd64/layout.rs). */
#define HYPERLIGHT_DESCRIPTORS_GVA UINT64_C(0xfffffd0000000000)
#define HYPERLIGHT_STACK_LIMIT_GVA UINT64_C(0xfffffe0000000000)
#define HYPERLIGHT_STACK_TOP_GVA   UINT64_C(0xffffff0000000000)

struct hyperlight_span {
	uint64_t size;
	uint64_t address;
};

/* Read-only for the guest (hyperlight_common, mem.rs). */
struct hyperlight_peb {
	struct hyperlight_span input;
	struct hyperlight_span output;
	struct hyperlight_span init_data; /* an address also where the size is 0 */
	struct hyperlight_span heap;
};

/*
 * What the guests' library and ours have on top of the stack for exceptions while an exception is
 * handled: all registers of the code that was interrupted, the last six words by the processor. No
 * host relies on it; those that tell where a guest crashed look there (hyperlight_guest_bin,
 * exception/entry.rs, context.rs).
 */
struct hyperlight_exception {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t unused; /* the vector, for our library */
	uint64_t error_code, rip, cs, rflags, rsp, ss;
};

/* That stack, at most: the pages that are never given out. */
#define HYPERLIGHT_EXCEPTION_STACK_SIZE SCRATCH_KEPT

/* Ports, beside those of abi/scratch.h (hyperlight_common, outb.rs). */
enum {
	HYPERLIGHT_PORT_LOG = 99,    /* a log record is on the output buffer */
	HYPERLIGHT_PORT_CALL = 101,  /* a call of a host function is; its result comes by input */
	HYPERLIGHT_PORT_PRINT = 103, /* the value is a character for the terminal */
};

/* The longest abort message, code included, without its end. */
#define HYPERLIGHT_ABORT_MAX 1024

/* An abort message's second byte, where it is one of these, is the vector of an exception. */
enum {
	HYPERLIGHT_LAST_VECTOR = 20,
	HYPERLIGHT_SECURITY_VECTOR = 30,
	HYPERLIGHT_NO_EXCEPTION = 0xff,
};

_Static_assert(sizeof(struct hyperlight_exception) == 176 &&
		       offsetof(struct hyperlight_exception, rip) == 136,
	       "guests of 0.15 push 15 registers, a word, and what the processor pushes before");
_Static_assert(sizeof(struct hyperlight_peb) == 0x40,
	       "guests of 0.15 read four spans, size first, at fixed offsets");
_Static_assert(offsetof(struct hyperlight_peb, heap) == 0x30,
	       "guests of 0.15 find their heap there");
_Static_assert(SCRATCH_SIZE == 0x08 && SCRATCH_NEXT == 0x10 && SCRATCH_TABLES == 0x18 &&
		       SCRATCH_EXCEPTION_STACK == 0x30,
	       "hyperlight_common layout.rs: the stock guest reads its scratch words there");
/* What CPUID says of physical addresses. */
#define HYPERLIGHT_PHYSICAL_BITS 36

_Static_assert(SCRATCH_END_GPA == UINT64_C(1) << HYPERLIGHT_PHYSICAL_BITS &&
		       SCRATCH_END_GVA == -UINT64_C(0x1000),
	       "arch/amd64/layout.rs: MAX_GPA and MAX_GVA, less the last page");
_Static_assert(SCRATCH_PORT_ABORT == 102 && SCRATCH_PORT_HALT == 108,
	       "outb.rs: guests of 0.15 write to these ports");
_Static_assert(SCRATCH_END_GVA - SCRATCH_EXCEPTION_STACK - 8 == UINT64_C(0xffffffffffffefc8),
	       "the stack pointer that a guest of 0.15 starts with");

#endif

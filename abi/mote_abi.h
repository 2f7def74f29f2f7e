/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote_abi.h - the mote guest ABI: what host and guest agree on.
 *
 * Compiled into the host library and into the guest library; freestanding. A
 * guest is an ordinary static Linux executable in ring 3. It meets the host in
 * four ways:
 *
 *   - the start block, a read-only page that tells it where things are; its
 *     address arrives in the auxiliary vector under MOTE_AT_START_BLOCK;
 *   - the hypercall page, whose code the host writes: calling it leaves the
 *     virtual machine, by whatever instruction this machine does best;
 *   - the input and output buffers (io_stack.h), which carry messages (wire.h), and the argument
 *     and result buffers, where bytes lie that no message has to carry (struct mote_span);
 *   - export and import records, in sections that the host reads from the file.
 *
 * Changing anything here changes MOTE_ABI_VERSION; a guest carries the version
 * that it was built with in an ELF note, and the host refuses other versions.
 * Fields at the end of the start block are the exception: its page is zero behind
 * what the host knows, so a guest that finds 0 there does without.
 */
#ifndef ABI_MOTE_ABI_H
#define ABI_MOTE_ABI_H

#include "abi/vdso.h"

#include <stddef.h>
#include <stdint.h>

#define MOTE_ABI_VERSION 1

#define MOTE_PAGE_SIZE UINT64_C(4096)

/*
 * The window: guest virtual addresses that belong to the host. No segment of an
 * image may touch it. It starts at 64 KiB, the lowest address that Linux lets a
 * process map, so that the process backend can put it in the same place.
 */
#define MOTE_WINDOW_BASE     UINT64_C(0x10000)
#define MOTE_HYPERCALL_PAGE  UINT64_C(0x10000)  /* read, execute; one page */
#define MOTE_START_BLOCK     UINT64_C(0x11000)  /* read; one page */
#define MOTE_DOORBELL_PAGE   UINT64_C(0x12000)  /* write; backed by nothing: a store exits */
#define MOTE_MAPPING_TABLE   UINT64_C(0x13000)  /* read; one page */
#define MOTE_FUNCTION_TABLE  UINT64_C(0x14000)  /* read; absent where there are no functions */
#define MOTE_SUPERVISOR_BASE UINT64_C(0x100000) /* not accessible from ring 3 */
#define MOTE_WINDOW_END      UINT64_C(0x200000)

/* Where a static PIE is loaded; other executables say themselves. */
#define MOTE_PIE_BASE UINT64_C(0x400000)

/* One past the highest address a guest can use: the lower half less one page. */
#define MOTE_ADDRESS_END UINT64_C(0x7ffffffff000)

/*
 * Hypercalls. The guest calls MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY as a function of
 * the System V convention: operation in rdi, operands in rsi, rdx, rcx; result in rax.
 * Other registers keep their values.
 */
#define MOTE_HYPERCALL_ENTRY 0x000 /* offset of the hypercall code in its page */
#define MOTE_SYSCALL_ENTRY   0x080 /* offset of the code that LSTAR points at */
#define MOTE_START_ENTRY     0x100 /* offset of the code that each call starts with */

/* What the vDSO reads, at MOTE_CLOCK. */
struct mote_clock {
	uint64_t tsc;    /* the processor's time-stamp counter, and at that moment */
	uint64_t valid;  /* so many of its ticks later all this is too old; 0: at once */
	uint64_t factor; /* nanoseconds a tick, times 2 to the 32 */
	struct {
		uint64_t seconds, ns;
	} times[2]; /* CLOCK_REALTIME, CLOCK_MONOTONIC */
};
_Static_assert(offsetof(struct mote_clock, tsc) == MOTE_CLOCK_TSC &&
		       offsetof(struct mote_clock, valid) == MOTE_CLOCK_VALID &&
		       offsetof(struct mote_clock, factor) == MOTE_CLOCK_FACTOR &&
		       offsetof(struct mote_clock, times) == MOTE_CLOCK_TIMES,
	       "the vDSO's assembly reads these offsets");

enum mote_hypercall {
	/* main() returned: IN rsi dispatch function, rdx stack pointer for calls, rcx
	 * main's result. Does not return: each call starts at the dispatch function, with
	 * rdi the index of the export record, rsi which parameters are spans, rsp as given, x87
	 * and SSE control words as at the start of a program, and all other registers, vector
	 * registers too, zero; only r11 is undefined. */
	MOTE_HC_READY = 1,
	/* The call is over; a result message is on the output buffer. IN rsi bit 0: the result
	 * is a span. Does not return. */
	MOTE_HC_DONE = 2,
	/* A call message for the host is on the output buffer. IN rsi which parameters are spans,
	 * rdx bit 0: the result may be one. OUT rax bit 0: it is, and a result message on the
	 * input buffer. */
	MOTE_HC_HOST_CALL = 3,
	/* A log message is on the output buffer. OUT rax 0. */
	MOTE_HC_LOG = 4,
};

/*
 * A span: bytes that lie in one of the two buffers for bulk data. The host writes to the argument
 * buffer, which the guest can only read; the guest writes to the result buffer. There is no telling
 * a span from bytes that look like one, so messages do not: a value of type bytes has a
 * struct mote_span in place of its bytes exactly if a register says so, bit N for parameter N
 * (from 0), bit 0 for a result. Bits of other values are 0.
 *
 * The host uses spans only for a guest that says in a note that it knows them, and that has
 * buffers; to other guests the registers are 0, and the host ignores theirs. What a guest's span
 * says is checked like everything of the guest's: it must lie in one of its two buffers, both of
 * which hold nothing but such bytes. Bytes stay as they are until the other side goes on: those of
 * a call and of its result until the next call begins, those of a host call until it returns, the
 * result of a host call until the next call begins.
 */
struct mote_span {
	uint64_t address; /* guest virtual */
	uint64_t size;    /* bytes */
};
_Static_assert(sizeof(struct mote_span) == 16,
	       "both sides copy spans out of messages by this size; bump MOTE_ABI_VERSION");

/* Bytes that are this long or longer go by buffer, if there is one with room; shorter ones are
 * copied quicker than looked after. Each side may do as it likes. */
#define MOTE_SPAN_MIN 4096

/* Ports and doorbell offsets by which a guest leaves the virtual machine. */
#define MOTE_PORT_HYPERCALL 0xe0
#define MOTE_PORT_SYSCALL   0xe1
#define MOTE_PORT_EXCEPTION 0xe2

#define MOTE_DOORBELL_HYPERCALL 0x00
#define MOTE_DOORBELL_SYSCALL   0x08

/* Auxiliary vector entry with the start block's address ("mote" in ASCII). */
#define MOTE_AT_START_BLOCK UINT64_C(0x6d6f7465)

/* The start block. Guest virtual addresses and sizes in bytes. */
#define MOTE_START_MAGIC UINT64_C(0x314b4c4265746f6d) /* "moteBLK1" */
struct mote_start_block {
	uint64_t magic;
	uint32_t abi_version;
	uint32_t reserved;
	uint64_t input_address, input_size;
	uint64_t output_address, output_size;
	uint64_t heap_address, heap_size;
	uint64_t stack_address, stack_size;
	uint64_t mapping_table;  /* its address; 0 from hosts that map no files */
	uint64_t function_table; /* its address; 0 when the host has no functions */
	uint64_t init_data_address, init_data_size; /* 0, 0 when there is none */
	uint64_t generation; /* changes whenever the guest's memory was made what it was before */
	uint64_t arguments_address, results_address; /* the buffers for spans */
	uint64_t buffer_size;                        /* of each; 0: there are none */
};
_Static_assert(sizeof(struct mote_start_block) <= MOTE_PAGE_SIZE,
	       "start block: guests and snapshots map one page for it");

/*
 * The mapping table: the files that the host has mapped for the guest, in the order in which
 * it did so. It grows between calls.
 */
#define MOTE_MAPPINGS_MAX 32
#define MOTE_LABEL_SIZE   64 /* with the final NUL */

struct mote_mapping_record {
	uint64_t address; /* guest virtual, page-aligned */
	uint64_t size;    /* of the file in bytes; its last page is zero behind them */
	char label[MOTE_LABEL_SIZE];
};
struct mote_mapping_table {
	uint64_t count;
	struct mote_mapping_record records[MOTE_MAPPINGS_MAX];
};
_Static_assert(sizeof(struct mote_mapping_record) == 80,
	       "guests step through the mapping table by this size; bump MOTE_ABI_VERSION");
_Static_assert(sizeof(struct mote_mapping_table) <= MOTE_PAGE_SIZE,
	       "mapping table: guests and snapshots map one page for it");

/*
 * The function table: what the guest may call, by name, ascending as strcmp() has it. It is
 * complete before the guest's first instruction, and never changes. Types are mote_type numbers
 * (mote/value.h).
 */
#define MOTE_FUNCTIONS_MAX 1024
#define MOTE_NAME_SIZE     64 /* with the final NUL */
#define MOTE_PARAMS_MAX    11

struct mote_function_record {
	char name[MOTE_NAME_SIZE];
	uint8_t result;
	uint8_t nparams;
	uint8_t params[MOTE_PARAMS_MAX];
	uint8_t reserved[3]; /* 0 */
};
struct mote_function_table {
	uint64_t count;
	struct mote_function_record records[];
};
_Static_assert(sizeof(struct mote_function_record) == 80,
	       "guests step through the function table by this size; bump MOTE_ABI_VERSION");
_Static_assert(MOTE_FUNCTION_TABLE + sizeof(struct mote_function_table) +
			       MOTE_FUNCTIONS_MAX * sizeof(struct mote_function_record) <=
		       MOTE_SUPERVISOR_BASE,
	       "the largest function table must end below the supervisor block");

/*
 * Export and import records: arrays in the sections MOTE_EXPORTS_SECTION and
 * MOTE_IMPORTS_SECTION. ENTRY is for the guest alone; the host reads the rest. Types are
 * mote_type numbers (mote/value.h).
 */
#define MOTE_EXPORTS_SECTION "mote_exports"
#define MOTE_IMPORTS_SECTION "mote_imports"

struct mote_record {
	void (*entry)(const void *args, void *result); /* imports: NULL */
	uint8_t result;
	uint8_t nparams;
	uint8_t params[MOTE_PARAMS_MAX];
	uint8_t reserved[11]; /* 0 */
	char name[MOTE_NAME_SIZE];
};
_Static_assert(sizeof(struct mote_record) == 96,
	       "records are read from guest files by this size; bump MOTE_ABI_VERSION");

/* The ELF note (PT_NOTE and section .note.mote) that marks a mote guest. */
#define MOTE_NOTE_NAME "mote"
#define MOTE_NOTE_TYPE 1
struct mote_note {
	uint32_t abi_version;
	uint32_t record_size; /* sizeof(struct mote_record) */
};

/* A second note, of the same name, with what a guest knows beyond what MOTE_ABI_VERSION asks of it:
 * 32 bits, of which hosts ignore those that they do not know. Guests without it know nothing. Small
 * numbers would not do: debuggers take a note of type 2 for registers, whatever its name. */
#define MOTE_FEATURES_NOTE_TYPE 0x101
#define MOTE_FEATURE_SPANS      UINT32_C(1)

#endif

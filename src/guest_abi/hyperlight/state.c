/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which registers a guest that takes calls can have. Files say them, and the state that they say is
 * put in a vCPU without the checks of the instructions that guests get there with. So it is held
 * against what those would have let through (Intel SDM volume 3, sections 2.5, 2.2.1, 3.4 and
 * 26.3.1), and what a host of this ABI turns on.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"

#include <inttypes.h>

/* Ring 0 in 64-bit mode: protected mode, paging, PAE, and long mode, in use. ET is always 1. */
#define CR0_ALWAYS  UINT64_C(0x80000011)
#define CR4_ALWAYS  UINT64_C(0x20)
#define EFER_ALWAYS UINT64_C(0x500)

/* MP EM TS NE WP AM NW CD; NW alone is none. */
#define CR0_ALLOWED (CR0_ALWAYS | UINT64_C(0x6005002e))
#define CR0_CD      UINT64_C(0x40000000)
#define CR0_NW      UINT64_C(0x20000000)
/* VME to OSXMMEXCPT, and OSXSAVE: all else is not in the CPUID that guests see. */
#define CR4_ALLOWED (CR4_ALWAYS | UINT64_C(0x407df))
/* SCE and NXE */
#define EFER_ALLOWED (EFER_ALWAYS | UINT64_C(0x801))

/* Of descriptor types, and of selectors. */
enum { ACCESSED = 1, WRITABLE = 2, READABLE = 2, CODE = 8, TYPE_LDT = 2, TYPE_BUSY_TASK = 11 };
enum { SELECTOR_RPL = 3, SELECTOR_LOCAL = 4 };

static bool is_within(uint64_t value, uint64_t always, uint64_t allowed)
{
	return (value & always) == always && (value & ~allowed) == 0;
}

static bool is_canonical(uint64_t address)
{
	return vmem_is_canonical(&vmem_amd64, address, address);
}

/* In pages the low bits are ones, in bytes there are 20 bits. */
static bool is_limit(const struct hv_segment *segment)
{
	return segment->is_granular ? (segment->limit & 0xfff) == 0xfff : segment->limit <= 0xfffff;
}

/* What a segment is for, and the field of struct hv_system that has it. */
static const struct segment_use {
	char name[4];
	uint16_t at;
	enum use { FOR_CODE, FOR_STACK, FOR_LOW_DATA, FOR_DATA, FOR_TASK, FOR_LOCAL } use;
} segments[] = {
	{ "cs", offsetof(struct hv_system, cs), FOR_CODE },
	{ "ss", offsetof(struct hv_system, ss), FOR_STACK },
	{ "ds", offsetof(struct hv_system, ds), FOR_LOW_DATA },
	{ "es", offsetof(struct hv_system, es), FOR_LOW_DATA },
	{ "fs", offsetof(struct hv_system, fs), FOR_DATA },
	{ "gs", offsetof(struct hv_system, gs), FOR_DATA },
	{ "tr", offsetof(struct hv_system, tr), FOR_TASK },
	{ "ldt", offsetof(struct hv_system, ldt), FOR_LOCAL },
};

/* SEGMENT is there, with a limit that can be: whether it is fit for its use. */
static bool is_fit(const struct hv_segment *segment, enum use use)
{
	const unsigned rpl = segment->selector & SELECTOR_RPL;
	const bool is_memory = segment->is_code_or_data && (segment->type & ACCESSED);
	const bool is_system = !segment->is_code_or_data && !(segment->selector & SELECTOR_LOCAL);

	switch (use) {
	case FOR_CODE:
		return is_memory && (segment->type & CODE) && segment->is_long &&
		       !segment->is_default_32 && rpl == 0;
	case FOR_STACK:
		return is_memory && (segment->type & (CODE | WRITABLE)) == WRITABLE && rpl == 0;
	case FOR_TASK:
		return is_system && segment->type == TYPE_BUSY_TASK;
	case FOR_LOCAL:
		return is_system && segment->type == TYPE_LDT;
	default:
		return is_memory && (!(segment->type & CODE) || (segment->type & READABLE)) &&
		       segment->dpl >= rpl;
	}
}

/* Also where a segment is not there it has a base, and the stack's privilege is the vCPU's on some
 * processors. */
static bool is_sound(const struct hv_segment *segment, enum use use)
{
	if (!is_canonical(segment->base) || (use <= FOR_LOW_DATA && segment->base > UINT32_MAX) ||
	    (use <= FOR_STACK && segment->dpl > 0))
		return false;
	if (!segment->present)
		return use != FOR_CODE && use != FOR_TASK;
	return is_limit(segment) && is_fit(segment, use);
}

static mote_status check_control(const struct hv_system *system, mote_error *err)
{
	if (is_within(system->cr0, CR0_ALWAYS, CR0_ALLOWED) &&
	    (system->cr0 & (CR0_NW | CR0_CD)) != CR0_NW &&
	    is_within(system->cr4, CR4_ALWAYS, CR4_ALLOWED) &&
	    is_within(system->efer, EFER_ALWAYS, EFER_ALLOWED))
		return MOTE_OK;
	return error_set(err, MOTE_E_SNAPSHOT,
			 "\"cr0\" 0x%" PRIx64 ", \"cr4\" 0x%" PRIx64 " or \"efer\" 0x%" PRIx64
			 " is none that guests take calls with",
			 system->cr0, system->cr4, system->efer);
}

mote_status hyperlight_state_check(const struct hv_system *system, uint64_t dispatch,
				   uint64_t stack, mote_error *err)
{
	mote_status status = check_control(system, err);

	for (size_t i = 0; i < sizeof segments / sizeof segments[0] && !status; i++)
		if (!is_sound((const void *)((const char *)system + segments[i].at),
			      segments[i].use))
			status = error_set(err, MOTE_E_SNAPSHOT,
					   "segment \"%s\" is none that guests take calls with",
					   segments[i].name);
	if (!status && !(is_canonical(system->gdt_base) && is_canonical(system->idt_base) &&
			 is_canonical(dispatch) && is_canonical(stack) && stack % 16 == 0))
		status = error_set(err, MOTE_E_SNAPSHOT,
				   "\"gdt\", \"idt\", \"dispatch\" 0x%" PRIx64
				   " or \"stack\" 0x%" PRIx64
				   " is no address that guests take calls with",
				   dispatch, stack);
	return status;
}

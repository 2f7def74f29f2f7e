/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions: a page of stack that was not there yet, the first write to a page of the snapshot,
 * or the end. Runs on a stack of its own, in the middle of anything.
 */
#include "guest/hyperlight/boot.h"

#include "guest/cow/abort.h"
#include "guest/cow/page_fault.h"

#define VECTOR_PAGE_FAULT 14
#define FAULT_PRESENT     1

static uint64_t fault_address(void)
{
	uint64_t address;

	__asm__ volatile("mov %%cr2, %0" : "=r"(address));
	return address;
}

static bool is_stack(uint64_t address)
{
	return address - HYPERLIGHT_STACK_LIMIT_GVA <
	       HYPERLIGHT_STACK_TOP_GVA - HYPERLIGHT_STACK_LIMIT_GVA;
}

/* In the words that hosts of this ABI look for. A vector has two digits at most. */
static _Noreturn void give_up(const struct hyperlight_exception *frame)
{
	const char digits[] = { (char)('0' + frame->unused / 10), (char)('0' + frame->unused % 10),
				'\0' };

	abort_code(SCRATCH_ABORT_EXCEPTION);
	abort_code((uint8_t)frame->unused);
	abort_text("Exception vector: ");
	abort_text(frame->unused < 10 ? digits + 1 : digits);
	abort_text("\nFaulting Instruction: ");
	abort_hex(frame->rip);
	abort_text("\nPage Fault Address: 0x0\nError code: ");
	abort_hex(frame->error_code);
	abort_text("\nStack Pointer: ");
	abort_hex(frame->rsp);
	abort_end();
}

void hyperlight_exception(const struct hyperlight_exception *frame)
{
	if (frame->unused != VECTOR_PAGE_FAULT)
		give_up(frame);

	const uint64_t address = fault_address();

	if (!(frame->error_code & FAULT_PRESENT) && is_stack(address))
		hyperlight_map_page(address & -VMEM_PAGE_SIZE);
	else
		cow_page_fault(address, frame->error_code, frame->rip);
}

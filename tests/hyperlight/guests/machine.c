/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the test guests that are about the machine, under the names that Hyperlight's have:
 * ports, debug registers, exceptions with a handler of the guest's own, a forged output buffer.
 */
#include "tests/hyperlight/guests/ports.h"

#include <mote/guest.h>

MOTE_EXPORT(void, OutbWithPort, u32, port, u32, value)
{
	out((uint16_t)port, value);
}

MOTE_EXPORT(void, SetDr0, u64, value)
{
	__asm__ volatile("mov %0, %%dr0" : : "r"(value));
}

MOTE_EXPORT(u64, GetDr0)
{
	uint64_t value;

	__asm__ volatile("mov %%dr0, %0" : "=r"(value));
	return value;
}

/* Leaves the host one element with that size prefix and that back pointer, and ends the call: the
 * host knows no more of it than that. */
static int32_t forge(uint64_t prefix, uint64_t back)
{
	volatile uint64_t *words = output_words();

	words[0] = 24;
	words[1] = prefix;
	words[2] = back;
	out(SCRATCH_PORT_HALT, 0);
	return 0;
}

MOTE_EXPORT(i32, CorruptOutputSizePrefix)
{
	return forge(0xfffffffb, 8);
}

MOTE_EXPORT(i32, CorruptOutputBackPointer)
{
	return forge(0, 0xdead);
}

/*
 * A handler in the place of the library's, for exceptions without an error code that are told of
 * behind the instruction. It runs on the stack of what it interrupts, so its own writes may fault
 * like any others. It counts, leaves 99 in r10, and says if its stack was aligned as C wants it.
 */
__asm__(".text\n"
	"own_handler:\n\t"
	"push %rax\n\t"
	"push %r9\n\t"
	"lea 8(%rsp), %rax\n\t" /* with the frame of 5 words and two pushes: as at a call */
	"and $15, %eax\n\t"
	"mov %eax, handler_misalignment(%rip)\n\t"
	"incl handler_calls(%rip)\n\t"
	"xor %r9d, %r9d\n\t"
	"mov $99, %r10d\n\t"
	"pop %r9\n\t"
	"pop %rax\n\t"
	"iretq");
extern const char own_handler[] __attribute__((visibility("hidden")));
static volatile uint32_t handler_calls __asm__("handler_calls") __attribute__((used));
static volatile uint32_t handler_misalignment __asm__("handler_misalignment") __attribute__((used));

/* The gate of VECTOR, in the table that the library has made. */
MOTE_EXPORT(void, InstallHandler, i32, vector)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) table;
	const uint64_t handler = (uint64_t)own_handler;

	if (vector < 0 || vector > 31)
		mote_guest_abort(8, "exceptions have the vectors 0 to 31");
	__asm__ volatile("sidt %0" : "=m"(table));
	volatile uint64_t *gate = (volatile uint64_t *)table.base + 2 * vector;

	gate[0] = (handler & 0xffff) | 8 << 16 | UINT64_C(0x8e00) << 32 |
		  (handler >> 16 & 0xffff) << 48;
	gate[1] = handler >> 32;
}

MOTE_EXPORT(i32, GetExceptionHandlerCallCount)
{
	return (int32_t)handler_calls;
}

/* 0, if a register that the handler saves is as it was, one that it changes is not, and its stack
 * was aligned. */
MOTE_EXPORT(i32, TriggerInt3)
{
	register uint64_t saved __asm__("r9") = 0x1234;
	register uint64_t changed __asm__("r10") = 1;

	/* what is below the stack pointer may be in use: no exception may write there */
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "int3\n\t"
			 "add $128, %%rsp"
			 : "+r"(saved), "+r"(changed)
			 :
			 : "memory");
	const uint64_t r9 = saved, r10 = changed;

	if (r9 != 0x1234 || r10 != 99 || handler_misalignment != 0)
		mote_guest_abort(8, mote_format("behind the exception r9 is %lx, r10 %lu, and the "
						"stack was off by %u",
						(unsigned long)r9, (unsigned long)r10,
						handler_misalignment));
	return 0;
}

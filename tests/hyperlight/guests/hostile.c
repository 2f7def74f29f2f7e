/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that breaks the rules of the hyperlight ABI, one by one, as its host tells it to.
 */
#include "abi/hyperlight.h"

#include <mote/guest.h>

int main(void)
{
	return 0;
}

static void out(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "d"(port) : "memory");
}

MOTE_EXPORT(i32, Alive)
{
	return 1;
}

MOTE_EXPORT(void, OutbWithPort, u32, port, u32, value)
{
	out((uint16_t)port, value);
}

MOTE_EXPORT(void, OutByte, u32, port, u32, value)
{
	__asm__ volatile("outb %b0, %w1" : : "a"(value), "d"(port) : "memory");
}

MOTE_EXPORT(u32, InFromPort, u32, port)
{
	uint32_t value;

	__asm__ volatile("inl %w1, %0" : "=a"(value) : "d"(port));
	return value;
}

/* DWORDS are written to the abort port as they are. */
MOTE_EXPORT(void, Abort, bytes, dwords)
{
	const uint32_t *at = dwords.ptr;

	for (size_t i = 0; i < dwords.len / 4; i++)
		out(SCRATCH_PORT_ABORT, at[i]);
}

static uint64_t scratch_word(uint64_t distance)
{
	return *(const volatile uint64_t *)(SCRATCH_END_GVA - distance);
}

/* Both buffers have their default sizes; no call is under way for the host afterwards. */
static volatile uint64_t *output_words(void)
{
	return (volatile uint64_t *)(SCRATCH_END_GVA - scratch_word(SCRATCH_SIZE) +
				     HYPERLIGHT_BUFFER_DEFAULT);
}

MOTE_EXPORT(void, CorruptOutput, u64, pointer, u64, data, u64, back)
{
	volatile uint64_t *words = output_words();

	words[0] = pointer;
	words[1] = data;
	words[2] = back;
	out(SCRATCH_PORT_HALT, 0);
}

/* The other way to end a call. */
MOTE_EXPORT(void, EndByHalt)
{
	__asm__ volatile("hlt");
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

MOTE_EXPORT(void, SetCr2, u64, value)
{
	__asm__ volatile("mov %0, %%cr2" : : "r"(value));
}

/* Alignment checks are of no use in ring 0, so that the guest goes on all the same. */
MOTE_EXPORT(void, ChangeCr0)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	cr0 ^= UINT64_C(1) << 18;
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0));
}

MOTE_EXPORT(void, SetCr3, u64, value)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

MOTE_EXPORT(void, LoadNoIdt)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0\n\tud2" : : "m"(none));
}

MOTE_EXPORT(u64, ReadAt, u64, address)
{
	return *(const volatile uint64_t *)address;
}

MOTE_EXPORT(void, WriteAt, u64, address, u64, value)
{
	*(volatile uint64_t *)address = value;
}

MOTE_EXPORT(void, InvalidatePage, u64, address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/*
 * A handler of the guest's own, in the place of the library's, for exceptions without an error
 * code. It runs on the stack of what it interrupts, so its own writes may fault like any others. It
 * counts, goes on two bytes later, leaves 99 in r10, and says if its stack was aligned as C wants
 * it.
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
	"addq $2, (%rsp)\n\t"
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

	__asm__ volatile("sidt %0" : "=m"(table));
	volatile uint64_t *gate = (volatile uint64_t *)table.base + 2 * vector;

	gate[0] = (handler & 0xffff) | 8 << 16 | UINT64_C(0x8e00) << 32 |
		  (handler >> 16 & 0xffff) << 48;
	gate[1] = handler >> 32;
}

MOTE_EXPORT(u32, GetExceptionHandlerCallCount)
{
	return handler_calls;
}

/* Whether a register that the handler saves is as it was, one that it changes is not, and its stack
 * was aligned: by bit. */
MOTE_EXPORT(u32, TriggerHandledException)
{
	register uint64_t saved __asm__("r9") = 0x1234;
	register uint64_t changed __asm__("r10") = 1;

	/* what is below the stack pointer may be in use: no exception may write there */
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "ud2\n\t"
			 "add $128, %%rsp"
			 : "+r"(saved), "+r"(changed)
			 :
			 : "memory");
	return (uint32_t)(saved == 0x1234) << 0 | (uint32_t)(changed == 99) << 1 |
	       (uint32_t)(handler_misalignment == 0) << 2;
}

MOTE_EXPORT(void, InfiniteLoop)
{
	for (;;)
		__asm__ volatile("");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that breaks the rules of the hyperlight ABI, one by one, as its host tells it to. Those
 * ways that Hyperlight's own guests have, too, are in machine.c, the other part of it.
 */
#include "tests/hyperlight/guests/ports.h"

#include <mote/guest.h>

MOTE_IMPORT(i32, HostError)

/* Says that the guest is ready, by a way of its own: with calls at RAX. */
static void be_ready(uint64_t dispatch)
{
	__asm__ volatile("and $-16, %%rsp\n\t"
			 "outl %%eax, %%dx\n\t"
			 "ud2"
			 :
			 : "a"(dispatch), "d"(SCRATCH_PORT_HALT)
			 : "memory");
}

/* The first byte of init data says which rule main() breaks; without any it breaks none. */
int main(void)
{
	size_t size;
	const char *data = mote_guest_init_data(&size);

	switch (size > 0 ? data[0] : '-') {
	case 'x': /* an exception */
		__builtin_trap();
	case 'g': /* gives up */
		mote_guest_abort(25, "Oh no");
	case 'f': /* fails, where there is no call to end */
		mote_guest_fail(5, "not here");
	case 'h': /* a host function that fails */
		return HostError();
	case 'r': /* fails as programs do */
		return 3;
	case 'p': /* a port that means nothing */
		out(0x1234, 0);
		break;
	case 'n': /* says that calls begin where nothing is */
		be_ready(0xdead000);
		break;
	case 'c': /* or where no address is */
		be_ready(UINT64_C(0xdead000000000000));
		break;
	case 'w': /* or at data */
		be_ready((uint64_t)&size);
		break;
	case 'l': /* never ends */
		for (;;)
			__asm__ volatile("");
	default:
		break;
	}
	return 0;
}

MOTE_EXPORT(i32, Alive)
{
	return 1;
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

/* No call is under way for the host afterwards. */
MOTE_EXPORT(void, CorruptOutput, u64, pointer, u64, data, u64, back)
{
	volatile uint64_t *words = output_words();

	words[0] = pointer;
	words[1] = data;
	words[2] = back;
	out(SCRATCH_PORT_HALT, 0);
}

/* Puts IMAGE where the output buffer begins, and then writes to PORT. */
MOTE_EXPORT(void, Forge, u32, port, bytes, image)
{
	volatile uint8_t *output = (volatile uint8_t *)output_words();

	for (size_t i = 0; i < image.len; i++)
		output[i] = ((const uint8_t *)image.ptr)[i];
	out((uint16_t)port, 0);
}

/* Leaves the host an input buffer with that stack pointer, and ends the call. */
MOTE_EXPORT(void, CorruptInput, u64, pointer)
{
	*(volatile uint64_t *)(SCRATCH_END_GVA - *scratch_word(SCRATCH_SIZE)) = pointer;
	out(SCRATCH_PORT_HALT, 0);
}

MOTE_EXPORT(void, OutString, u32, port, bytes, data)
{
	const void *at = data.ptr;
	size_t size = data.len;

	__asm__ volatile("rep outsb" : "+S"(at), "+c"(size) : "d"(port) : "memory");
}

MOTE_EXPORT(void, WriteMsr, u32, number)
{
	__asm__ volatile("wrmsr" : : "c"(number), "a"(0), "d"(0));
}

MOTE_EXPORT(void, Divide)
{
	__asm__ volatile("div %0" : : "r"(0), "a"(1), "d"(0));
}

/* An interrupt that no gate is there for. */
MOTE_EXPORT(void, Interrupt)
{
	__asm__ volatile("int $0x80");
}

/* The other way to end a call. */
MOTE_EXPORT(void, EndByHalt)
{
	__asm__ volatile("hlt");
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

/* Does what CODE says, in ring 0, as a function that is called; the result is what it leaves in
 * rax. All of the image may be executed, its data too. */
MOTE_EXPORT(u64, Execute, bytes, code)
{
	static uint8_t place[1024] __attribute__((aligned(64)));
	uint64_t result;

	for (size_t i = 0; i < code.len && i < sizeof place; i++)
		place[i] = ((const uint8_t *)code.ptr)[i];
	__asm__ volatile("call *%1"
			 : "=a"(result)
			 : "r"(place)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory",
			   "cc");
	return result;
}

/*
 * Leaves 64-bit mode and turns paging off, where the image's own pages are still where they were
 * and nothing can be written to; then protection, too, if it is asked to. There the call ends. The
 * code must be in a page that was never written to.
 */
__asm__(".text\n"
	"without_paging:\n\t"
	"mov %edi, %ecx\n\t"
	"sub $16, %rsp\n\t"
	"movw $23, (%rsp)\n\t"
	"lea flat_descriptors(%rip), %rax\n\t"
	"mov %rax, 2(%rsp)\n\t"
	"lgdt (%rsp)\n\t"
	"push $8\n\t"
	"lea 1f(%rip), %rax\n\t"
	"push %rax\n\t"
	"lretq\n\t"
	".code32\n"
	"1:\n\t"
	"mov $16, %eax\n\t"
	"mov %eax, %ds\n\t"
	"mov %eax, %ss\n\t"
	"mov %cr0, %eax\n\t"
	"and $0x7fffffff, %eax\n\t"
	"mov %eax, %cr0\n\t"
	"jecxz 2f\n\t"
	"and $0xfffffffe, %eax\n\t"
	"mov %eax, %cr0\n"
	"2:\n\t"
	"mov $108, %edx\n\t"
	"out %eax, %dx\n\t"
	"hlt\n\t"
	".code64\n"
	".balign 8\n"
	"flat_descriptors:\n\t"
	".quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff");
void without_paging(uint32_t is_real) __attribute__((visibility("hidden")));

MOTE_EXPORT(void, LeaveLongMode, u32, is_real)
{
	without_paging(is_real);
}

MOTE_EXPORT(void, InfiniteLoop)
{
	for (;;)
		__asm__ volatile("");
}

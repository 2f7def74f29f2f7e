/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does what no guest may: wrong memory, privileged and undefined
 * instructions, ends of all kinds. None of it may harm the host, and each ends
 * the call with a message that names it.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Any address. */
MOTE_EXPORT(u64, ReadAt, u64, address)
{
	return *(volatile unsigned char *)address;
}

MOTE_EXPORT(void, WriteAt, u64, address)
{
	*(volatile unsigned char *)address = 1;
}

MOTE_EXPORT(void, JumpTo, u64, address)
{
	__asm__ volatile("jmp *%0" : : "r"(address));
}

/* Addresses of this guest. */
static unsigned char data[64] = { 0xc3 }; /* ret */
static const unsigned char constants[64] = { 0xc3 };

MOTE_EXPORT(u64, Address, str, of)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	if (strcmp(of, "code") == 0)
		return (uint64_t)(uintptr_t)Address;
	if (strcmp(of, "data") == 0)
		return (uint64_t)(uintptr_t)data;
	if (strcmp(of, "constants") == 0)
		return (uint64_t)(uintptr_t)constants;
	if (strcmp(of, "stack") == 0)
		return here;
	if (strcmp(of, "heap") == 0) {
		unsigned char *heap = malloc(16);
		heap[0] = 0xc3;
		return (uint64_t)(uintptr_t)heap;
	}
	mote_guest_fail(1, "code, data, constants, stack or heap");
}

static int recurse(volatile char *outer)
{
	volatile char inner[1000];

	inner[0] = outer[0];
	if (inner[0] != 0)
		return 0; /* never; so that compilers do not object */
	return recurse(inner) + inner[0];
}

MOTE_EXPORT(i32, StackOverflow)
{
	volatile char start[1] = { 0 };

	return recurse(start);
}

/* Steps over the guard below the stack. */
MOTE_EXPORT(void, StackSkip, u64, bytes)
{
	*((volatile char *)__builtin_frame_address(0) - bytes) = 1;
}

MOTE_EXPORT(i32, Divide, i32, a, i32, b)
{
	int32_t quotient, rest;

	__asm__("cltd\n\tidivl %3" : "=a"(quotient), "=&d"(rest) : "0"(a), "r"(b));
	return quotient + 0 * rest;
}

MOTE_EXPORT(void, OutPort, u32, port, u32, value)
{
	__asm__ volatile("outl %0, %%dx" : : "a"(value), "d"(port));
}

MOTE_EXPORT(u32, InPort, u32, port)
{
	uint32_t value;

	__asm__ volatile("inl %%dx, %0" : "=a"(value) : "d"(port));
	return value;
}

/* Instructions that end the call, unless the machine lets guests use ports (then cli, sti, in and
 * out may pass, or be the host's business). */
#define FATAL(X)                                                                                   \
	X(ud2, "ud2")                                                                              \
	X(int3, "int3")                                                                            \
	X(int1, ".byte 0xf1")                                                                      \
	X(int_0, "int $0")                                                                         \
	X(int_8, "int $8")                                                                         \
	X(int_0x20, "int $0x20")                                                                   \
	X(int_0x80, "int $0x80")                                                                   \
	X(hlt, "hlt")                                                                              \
	X(cli, "cli")                                                                              \
	X(sti, "sti")                                                                              \
	X(in, "in $0x60, %%al")                                                                    \
	X(out, "out %%al, $0x80")                                                                  \
	X(clts, "clts")                                                                            \
	X(invd, "invd")                                                                            \
	X(wbinvd, "wbinvd")                                                                        \
	X(rdmsr, "mov $0x10, %%ecx; rdmsr")                                                        \
	X(wrmsr, "mov $0xc0000080, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr")              \
	X(rdpmc, "xor %%ecx, %%ecx; rdpmc")                                                        \
	X(read_cr0, "mov %%cr0, %%rax")                                                            \
	X(read_cr3, "mov %%cr3, %%rax")                                                            \
	X(write_cr3, "xor %%eax, %%eax; mov %%rax, %%cr3")                                         \
	X(write_cr4, "xor %%eax, %%eax; mov %%rax, %%cr4")                                         \
	X(write_cr8, "xor %%eax, %%eax; mov %%rax, %%cr8")                                         \
	X(read_dr7, "mov %%db7, %%rax")                                                            \
	X(write_dr7, "mov $0x401, %%eax; mov %%rax, %%db7")                                        \
	X(lgdt, "lgdt (%%rsp)")                                                                    \
	X(lidt, "lidt (%%rsp)")                                                                    \
	X(lldt, "xor %%eax, %%eax; lldt %%ax")                                                     \
	X(ltr, "mov $0x28, %%eax; ltr %%ax")                                                       \
	X(lmsw, "xor %%eax, %%eax; lmsw %%ax")                                                     \
	X(invlpg, "invlpg (%%rsp)")                                                                \
	X(swapgs, "swapgs")                                                                        \
	X(xsetbv, "xor %%ecx, %%ecx; mov $1, %%eax; xor %%edx, %%edx; xsetbv")                     \
	X(sysret, "sysretq")                                                                       \
	X(load_kernel_ss, "mov $8, %%eax; mov %%eax, %%ss")                                        \
	X(load_any_ds, "mov $0x1238, %%eax; mov %%eax, %%ds")                                      \
	X(return_to_ring_0, "pushq $8; lea 1f(%%rip), %%rax; pushq %%rax; lretq; 1:")              \
	X(misaligned_sse, "movaps 1(%%rsp), %%xmm0")                                               \
	X(sse_exception, "movl $0, (%%rsp); ldmxcsr (%%rsp); xorps %%xmm0, %%xmm0; "               \
			 "divss %%xmm0, %%xmm0")                                                   \
	X(x87_exception, "movw $0x360, (%%rsp); fldcw (%%rsp); fldz; fldz; fdivp; fwait")          \
	X(trap_flag, "pushfq; orq $0x100, (%%rsp); popfq; nop; nop")                               \
	X(misaligned_access, "pushfq; orq $0x40000, (%%rsp); popfq; mov 1(%%rsp), %%eax")          \
	X(read_non_canonical, "movabs $0x800000000000, %%rax; mov (%%rax), %%rax")                 \
	X(jump_non_canonical, "movabs $0x800000000000, %%rax; jmp *%%rax")                         \
	X(push_non_canonical, "movabs $0x800000000000, %%rsp; pushq $1")                           \
	X(read_upper_half, "movabs $0xffff800000000000, %%rax; mov (%%rax), %%rax")                \
	X(push_at_0, "xor %%esp, %%esp; pushq $1")                                                 \
	X(fault_at_rsp_0, "xor %%esp, %%esp; ud2")

/* Odd, but allowed: the call goes on. */
#define HARMLESS(X)                                                                                \
	X(cpuid, "xor %%eax, %%eax; xor %%ecx, %%ecx; cpuid")                                      \
	X(rdtsc, "rdtsc")                                                                          \
	X(sgdt, "sgdt (%%rsp)")                                                                    \
	X(smsw, "smsw %%eax")                                                                      \
	X(pause, "pause")                                                                          \
	X(popf_iopl, "pushfq; xorq $0x3200, (%%rsp); popfq")                                       \
	X(nested_task_flag, "pushfq; orq $0x4000, (%%rsp); popfq")                                 \
	X(null_segments, "xor %%eax, %%eax; mov %%eax, %%ds; mov %%eax, %%es")

/* Most never return, so they may spoil what they like; the room on the stack is for them. */
#define DEFINE_RUN(id, code)                                                                       \
	static void run_##id(void)                                                                 \
	{                                                                                          \
		__asm__ volatile("sub $256, %%rsp; " code "; add $256, %%rsp"                      \
				 :                                                                 \
				 :                                                                 \
				 : "rax", "rbx", "rcx", "rdx", "xmm0", "memory", "cc");            \
	}
FATAL(DEFINE_RUN)
HARMLESS(DEFINE_RUN)

struct instruction {
	const char *name;
	void (*run)(void);
};

#define INSTRUCTION(id, code) { #id, run_##id },
static const struct instruction fatal[] = { FATAL(INSTRUCTION) };
static const struct instruction harmless[] = { HARMLESS(INSTRUCTION) };

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* The names by number; "" past the last. */
MOTE_EXPORT(str, FatalName, u32, index)
{
	return index < COUNT(fatal) ? fatal[index].name : "";
}

MOTE_EXPORT(str, HarmlessName, u32, index)
{
	return index < COUNT(harmless) ? harmless[index].name : "";
}

MOTE_EXPORT(void, Instruction, str, name)
{
	for (size_t i = 0; i < COUNT(fatal); i++)
		if (strcmp(fatal[i].name, name) == 0)
			fatal[i].run();
	for (size_t i = 0; i < COUNT(harmless); i++)
		if (strcmp(harmless[i].name, name) == 0)
			harmless[i].run();
}

/* The program's own ways to end, and not to. */
MOTE_EXPORT(void, Abort)
{
	abort();
}

MOTE_EXPORT(void, Exit, i32, status)
{
	exit(status);
}

MOTE_EXPORT(void, ExitAtOnce, i32, status)
{
	_exit(status);
}

MOTE_EXPORT(i32, Raise, i32, number)
{
	return raise(number);
}

MOTE_EXPORT(void, Spin)
{
	for (;;)
		__asm__ volatile("");
}

MOTE_EXPORT(void, SpinInSystemCalls)
{
	for (;;)
		getppid();
}

MOTE_EXPORT(void, SpinInLog)
{
	for (;;)
		mote_guest_log_line(MOTE_LOG_TRACE, "round and round");
}

/* Takes all memory there is, in pieces of SIZE bytes; returns how many it got. One is given back,
 * because results need memory, too. */
MOTE_EXPORT(u64, TakeAllMemory, u64, size)
{
	uint64_t count = 0;
	char *last = NULL;

	for (char *piece; (piece = malloc(size)); count++) {
		memset(piece, 1, size);
		last = piece;
	}
	free(last);
	return count;
}

/* mote_alloc() ends the call when memory is out. */
MOTE_EXPORT(void, AllocTooMuch)
{
	for (;;)
		memset(mote_alloc(1 << 20), 1, 1 << 20);
}

MOTE_EXPORT(void, AllocHuge, u64, size)
{
	mote_alloc(size);
}

/* Whether the sandbox still works. */
MOTE_EXPORT(str, Ping)
{
	return "pong";
}

int main(void)
{
	return 0;
}

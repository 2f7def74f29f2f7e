/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for rights that it must not have, gets an answer, and then tries to use them. */
#define _GNU_SOURCE
#include "hostile/guests/forge.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define CODE ((uint64_t)(uintptr_t)attack & ~(MOTE_PAGE_SIZE - 1))

static unsigned char data[4096] __attribute__((aligned(4096))) = { 0xc3 };

static void protect(uint64_t address, int rights)
{
	syscall(SYS_mprotect, address, MOTE_PAGE_SIZE, rights);
}

static void execute(const void *code)
{
	__asm__ volatile("call *%0" : : "r"(code) : "memory");
}

static void write_to(uint64_t address)
{
	*(volatile unsigned char *)address = 0;
}

static void execute_mapped(void)
{
	unsigned char *page = mmap(NULL, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		page = data;
	page[0] = 0xc3;
	execute(page);
}

#define WAYS(X)                                                                                    \
	X(write_code, protect(CODE, 7); write_to(CODE))                                            \
	X(write_hypercalls, protect(MOTE_HYPERCALL_PAGE, 7); write_to(MOTE_HYPERCALL_PAGE))        \
	X(write_start_block, protect(MOTE_START_BLOCK, 7); write_to(MOTE_START_BLOCK))             \
	X(write_supervisor, protect(MOTE_SUPERVISOR_BASE, 7); write_to(MOTE_SUPERVISOR_BASE))      \
	X(execute_data, protect((uint64_t)(uintptr_t)data, 7); execute(data))                      \
	X(execute_mapped, execute_mapped())                                                        \
	X(execute_stack, unsigned char code[] = { 0xc3 }; protect(CODE, 7); execute(code))         \
	X(execute_input, execute(input().base))                                                    \
	X(execute_start_block, execute((void *)MOTE_START_BLOCK))

ATTACK_LIST(WAYS)

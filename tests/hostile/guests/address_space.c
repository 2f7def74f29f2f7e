/* SPDX-License-Identifier: Apache-2.0 */
/* System calls that would change what is mapped, on all that the guest must not change. */
#define _GNU_SOURCE
#include "hostile/guests/forge.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#define CODE     ((uint64_t)(uintptr_t)attack & ~(MOTE_PAGE_SIZE - 1))
#define PAGE     MOTE_PAGE_SIZE
#define EXPECTED (PROT_READ | PROT_WRITE)

static void map_fixed(uint64_t address, uint64_t size, int rights)
{
	syscall(SYS_mmap, address, size, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void map(uint64_t size, int rights, int flags, int file)
{
	syscall(SYS_mmap, 0, size, rights, flags, file, 0);
}

static void unmap(uint64_t address, uint64_t size)
{
	syscall(SYS_munmap, address, size);
}

static void protect(uint64_t address, uint64_t size, int rights)
{
	syscall(SYS_mprotect, address, size, rights);
}

static void remap(uint64_t address, uint64_t size, uint64_t new_size, uint64_t to)
{
	int flags = to ? MREMAP_MAYMOVE | MREMAP_FIXED : MREMAP_MAYMOVE;

	syscall(SYS_mremap, address, size, new_size, flags, to);
}

static void advise(uint64_t address, uint64_t size)
{
	for (int advice = 0; advice < 26; advice++)
		syscall(SYS_madvise, address, size, advice);
}

#define WAYS(X)                                                                                    \
	X(map_over_code, map_fixed(CODE, PAGE, EXPECTED))                                          \
	X(map_over_window, map_fixed(MOTE_WINDOW_BASE, 5 * PAGE, EXPECTED))                        \
	X(map_over_doorbell, map_fixed(MOTE_DOORBELL_PAGE, PAGE, EXPECTED))                        \
	X(map_over_supervisor, map_fixed(MOTE_SUPERVISOR_BASE, PAGE, EXPECTED))                    \
	X(map_over_output, map_fixed(block()->output_address, PAGE, PROT_READ))                    \
	X(map_over_stack, map_fixed(block()->stack_address, block()->stack_size, PROT_NONE))       \
	X(map_over_heap, map_fixed(block()->heap_address, block()->heap_size, EXPECTED))           \
	X(map_at_null, map_fixed(0, PAGE, EXPECTED))                                               \
	X(map_at_the_end, map_fixed(MOTE_ADDRESS_END, PAGE, EXPECTED))                             \
	X(map_all, map_fixed(0, UINT64_MAX, EXPECTED))                                             \
	X(map_odd, map_fixed(block()->heap_address + 1, 1, EXPECTED))                              \
	X(map_huge, map(UINT64_C(1) << 46, EXPECTED, MAP_PRIVATE | MAP_ANONYMOUS, -1))             \
	X(map_wraps, map(UINT64_MAX - 100, EXPECTED, MAP_PRIVATE | MAP_ANONYMOUS, -1))             \
	X(map_nothing, map(0, EXPECTED, MAP_PRIVATE | MAP_ANONYMOUS, -1))                          \
	X(map_executable, map(PAGE, 7, MAP_PRIVATE | MAP_ANONYMOUS, -1))                           \
	X(map_shared, map(PAGE, EXPECTED, MAP_SHARED | MAP_ANONYMOUS, -1))                         \
	X(map_file, map(PAGE, EXPECTED, MAP_PRIVATE, 0); map(PAGE, EXPECTED, MAP_SHARED, 3))       \
	X(map_grows_down, map(PAGE, EXPECTED, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1))    \
	X(map_all_flags, map(PAGE, -1, -1, -1))                                                    \
	X(unmap_code, unmap(CODE, PAGE))                                                           \
	X(unmap_window, unmap(MOTE_WINDOW_BASE, MOTE_WINDOW_END - MOTE_WINDOW_BASE))               \
	X(unmap_output, unmap(block()->output_address, block()->output_size))                      \
	X(unmap_stack, unmap(block()->stack_address, block()->stack_size))                         \
	X(unmap_heap, unmap(block()->heap_address, block()->heap_size))                            \
	X(unmap_all, unmap(0, MOTE_ADDRESS_END))                                                   \
	X(unmap_wraps, unmap(PAGE, UINT64_MAX - 100))                                              \
	X(unmap_odd, unmap(block()->heap_address + 1, 5))                                          \
	X(protect_code, protect(CODE, PAGE, 7))                                                    \
	X(protect_supervisor, protect(MOTE_SUPERVISOR_BASE, PAGE, EXPECTED))                       \
	X(protect_hypercalls, protect(MOTE_HYPERCALL_PAGE, PAGE, EXPECTED))                        \
	X(protect_all, protect(0, MOTE_ADDRESS_END, PROT_NONE))                                    \
	X(protect_wraps, protect(UINT64_MAX - PAGE + 1, 2 * PAGE, EXPECTED))                       \
	X(break_huge, syscall(SYS_brk, UINT64_MAX))                                                \
	X(break_below, syscall(SYS_brk, PAGE))                                                     \
	X(break_supervisor, syscall(SYS_brk, MOTE_SUPERVISOR_BASE))                                \
	X(remap_supervisor, remap(MOTE_SUPERVISOR_BASE, PAGE, UINT64_C(1) << 40, 0))               \
	X(remap_code, remap(CODE, PAGE, 2 * PAGE, 0))                                              \
	X(remap_heap_over_code, remap(block()->heap_address, PAGE, PAGE, CODE))                    \
	X(remap_wraps, remap(block()->heap_address, UINT64_MAX, UINT64_MAX, 0))                    \
	X(remap_nothing, remap(block()->heap_address, 0, PAGE, 0))                                 \
	X(advise_all, advise(0, MOTE_ADDRESS_END))                                                 \
	X(advise_code, advise(CODE, PAGE))                                                         \
	X(advise_window, advise(MOTE_WINDOW_BASE, 5 * PAGE))                                       \
	X(advise_output, advise(block()->output_address, block()->output_size))                    \
	X(advise_wraps, advise(PAGE, UINT64_MAX - 100))

ATTACK_LIST(WAYS)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library asks of the process that the guest is: memory, a last word, an end.
 *
 * System calls are made directly, not through libc, since they must neither touch errno
 * nor depend on which libc the guest has.
 */
#include "state.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* As the kernel answers: results from -4095 to -1 are errors. */
static long system_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

void *memory_take(size_t size)
{
	const long address = system_call(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return address < 0 ? NULL : (void *)address;
}

void program_print(const char *text, size_t len)
{
	system_call(SYS_write, 2, (long)text, (long)len, 0, 0, 0);
}

void program_abort(uint8_t code, const char *text, size_t len)
{
	program_print(text, len);
	program_print("\n", 1);
	system_call(SYS_exit_group, code, 0, 0, 0, 0, 0);
	__builtin_trap();
}

void program_end(const char *text, size_t len)
{
	program_abort(1, text, len);
}

/* The host drops what it does not want. */
bool log_is_wanted(mote_log_level level)
{
	(void)level;
	return true;
}

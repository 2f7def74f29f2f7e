/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call that takes a pointer, with otherwise good arguments and each pointer in turn
 * wild. (stray_pointers and stray_results say what the answer has to be.)
 */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char room[3 * 4096] __attribute__((aligned(4096)));
static struct iovec vectors[2] = { { room, 8 }, { room, 8 } };

#define P ((uint64_t)(uintptr_t)room)
static const struct {
	long number;
	uint64_t args[6];
	unsigned pointers; /* a bit for each argument that is one */
} calls[] = {
	{ SYS_read, { 0, 0, 100 }, 2 },
	{ SYS_write, { 1, 0, 100 }, 2 },
	{ SYS_writev, { 1, 0, 2 }, 2 },
	{ SYS_fstat, { 1, 0 }, 2 },
	{ SYS_newfstatat, { 1, 0, 0, AT_EMPTY_PATH }, 6 },
	{ SYS_ioctl, { 1, 0x5401, 0 }, 4 },
	{ SYS_ioctl, { 1, 0x5413, 0 }, 4 },
	{ SYS_readlink, { 0, 0, 100 }, 3 },
	{ SYS_poll, { 0, 2, 0 }, 1 },
	{ SYS_futex, { 0, 0, 0, 0, 0, 0 }, 1 },
	{ SYS_futex, { 0, 0, 1, 0, 0, 0 }, 9 }, /* the value is another: no wait */
	{ SYS_set_tid_address, { 0 }, 1 },
	{ SYS_set_robust_list, { 0, 24 }, 1 },
	{ SYS_rseq, { 0, 32, 0, 0x53053053 }, 1 },
	{ SYS_sigaltstack, { 0, 0 }, 3 },
	{ SYS_rt_sigaction, { 11, 0, 0, 8 }, 6 },
	{ SYS_rt_sigprocmask, { 0, 0, 0, 8 }, 6 },
	{ SYS_prlimit64, { 0, 3, 0, 0 }, 12 },
	{ SYS_uname, { 0 }, 1 },
	{ SYS_getrandom, { 0, 4096, 0 }, 1 },
	{ SYS_clock_gettime, { 0, 0 }, 2 },
	{ SYS_clock_getres, { 0, 0 }, 2 },
	{ SYS_gettimeofday, { 0, 0 }, 3 },
	{ SYS_time, { 0 }, 1 },
	{ SYS_arch_prctl, { 0x1003, 0 }, 2 },
	{ SYS_getrusage, { 0, 0 }, 2 },
	{ SYS_sysinfo, { 0 }, 1 },
	{ SYS_times, { 0 }, 1 },
	{ SYS_sched_getaffinity, { 0, 128, 0 }, 4 },
	{ SYS_openat, { AT_FDCWD, 0, 0 }, 2 },
	{ SYS_statx, { AT_FDCWD, 0, 0, 0x7ff, 0 }, 18 },
	{ SYS_getdents64, { 0, 0, 100 }, 2 },
	{ SYS_pread64, { 0, 0, 100, 0 }, 2 },
	{ SYS_getcwd, { 0, 100 }, 1 },
	{ SYS_access, { 0, 0 }, 1 },
	{ SYS_readlinkat, { AT_FDCWD, 0, 0, 100 }, 6 },
};

/* Sizes that go with pointers: a length in the next argument is made huge in half of the ways. */
ATTACK_WAYS(COUNT(calls) * 2 * 14)
{
	const uint64_t wild[14] = { 0,
				    1,
				    MOTE_HYPERCALL_PAGE,
				    MOTE_START_BLOCK,
				    MOTE_START_BLOCK + 4095,
				    MOTE_DOORBELL_PAGE,
				    MOTE_SUPERVISOR_BASE,
				    MOTE_SUPERVISOR_BASE - 1,
				    (uint64_t)(uintptr_t)attack,
				    P + 4095,
				    MOTE_ADDRESS_END - 4,
				    MOTE_ADDRESS_END,
				    UINT64_C(0x800000000000),
				    UINT64_MAX - 3 };
	size_t n = way / 28;

	for (unsigned bad = 0; bad < 6; bad++) {
		uint64_t args[6];
		memcpy(args, calls[n].args, sizeof args);
		for (unsigned i = 0; i < 6; i++)
			if (calls[n].pointers >> i & 1)
				args[i] = (uint64_t)(uintptr_t)(calls[n].number == SYS_writev
									? (void *)vectors
									: room);
		if (!(calls[n].pointers >> bad & 1))
			continue;
		args[bad] = wild[way % 14];
		if (way / 14 % 2 && bad < 5 && args[bad + 1] >= 100)
			args[bad + 1] = UINT64_C(1) << 62;
		syscall(calls[n].number, args[0], args[1], args[2], args[3], args[4], args[5]);
		vectors[0] = vectors[1] = (struct iovec){ (void *)wild[way % 14], 100 };
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for descriptors. All that a guest has is ready at once or never will be: so a wait is
 * over immediately, or it is a sleep, or it would never end.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>

#define POLL_COUNT_MAX 64

/* What is ready of FD: a file is both. */
static int ready_for(const struct personality *p, int fd)
{
	const struct open_file *file = files_get(&p->files, (uint64_t)fd);

	if (!file)
		return POLLNVAL;
	if (file->ops != &stream_ops)
		return POLLIN | POLLOUT;
	return file->stream == 0 ? POLLIN : POLLOUT;
}

/* Nothing is ready: the guest waits NS nanoseconds, or for ever; for signals, too, and then MASK
 * (or NULL) says which. */
static int64_t wait_in_vain(struct personality *p, const uint64_t *ns, const uint64_t *mask)
{
	if (mask)
		syscall_swap_mask(p, *mask);
	if (ns)
		syscall_wait(p, *ns);
	else
		syscall_wait_for_ever(p, STUCK_FOR_DESCRIPTORS);
	return 0;
}

/* Rust's runtime asks at start which of the three are open. */
static int64_t poll_all(struct personality *p, uint64_t list, uint64_t count)
{
	int64_t ready = 0;

	if (count > POLL_COUNT_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++) {
		struct pollfd entry;
		uint64_t address = list + i * sizeof entry;
		if (syscall_copy_in(p, &entry, address, sizeof entry))
			return -EFAULT;
		int possible = entry.fd < 0 ? 0 : ready_for(p, entry.fd);
		entry.revents = (short)((entry.events | POLLNVAL) & possible);
		ready += entry.revents != 0;
		if (syscall_copy_out(p, address, &entry, sizeof entry))
			return -EFAULT;
	}
	return ready;
}

SYSCALL_HANDLER(syscall_poll)
{
	const int ms = (int)args[2];
	const uint64_t ns = (uint64_t)ms * 1000000;
	const int64_t ready = poll_all(p, args[0], args[1]);

	return ready ? ready : wait_in_vain(p, ms < 0 ? NULL : &ns, NULL);
}

SYSCALL_HANDLER(syscall_ppoll)
{
	uint64_t ns = 0, mask = 0;
	int64_t failed = args[2] ? syscall_read_time(p, args[2], &ns) : 0;

	if (!failed && args[3])
		failed = syscall_read_set(p, args[3], args[4], &mask);
	if (failed)
		return failed;
	const int64_t ready = poll_all(p, args[0], args[1]);
	return ready ? ready : wait_in_vain(p, args[2] ? &ns : NULL, args[3] ? &mask : NULL);
}

/* Clears what is not ready in the set of COUNT descriptors at ADDRESS; how many are left. */
static int64_t select_from(struct personality *p, uint64_t address, uint64_t count, int wanted)
{
	enum { BITS = 64 };
	uint64_t words[FD_SETSIZE / BITS] = { 0 };
	const size_t size = (size_t)(count + BITS - 1) / BITS * sizeof words[0];
	int64_t ready = 0;

	if (!address || !size)
		return 0;
	if (syscall_copy_in(p, words, address, size))
		return -EFAULT;
	for (uint64_t fd = 0; fd < size * 8; fd++) {
		const uint64_t bit = UINT64_C(1) << fd % BITS;
		if (!(words[fd / BITS] & bit))
			continue;
		const int possible = fd < count ? ready_for(p, (int)fd) : 0;
		if (possible & POLLNVAL)
			return -EBADF;
		if (possible & wanted)
			ready++;
		else
			words[fd / BITS] &= ~bit;
	}
	return syscall_copy_out(p, address, words, size) ? -EFAULT : ready;
}

static int64_t select_all(struct personality *p, const uint64_t args[6])
{
	static const int wanted[] = { POLLIN, POLLOUT, POLLPRI };
	int64_t ready = 0;

	if (args[0] > FD_SETSIZE)
		return -EINVAL;
	for (int i = 0; i < 3; i++) {
		const int64_t n = select_from(p, args[1 + i], args[0], wanted[i]);
		if (n < 0)
			return n;
		ready += n;
	}
	return ready;
}

SYSCALL_HANDLER(syscall_select)
{
	struct timeval time = { 0 };

	if (args[4] && syscall_copy_in(p, &time, args[4], sizeof time))
		return -EFAULT;
	if (time.tv_sec < 0 || time.tv_usec < 0 || time.tv_usec >= 1000000)
		return -EINVAL;
	const uint64_t seconds = (uint64_t)time.tv_sec < UINT32_MAX ? (uint64_t)time.tv_sec
								    : UINT32_MAX; /* 136 years */
	const uint64_t ns = seconds * 1000000000 + (uint64_t)time.tv_usec * 1000;
	const int64_t ready = select_all(p, args);
	return ready ? ready : wait_in_vain(p, args[4] ? &ns : NULL, NULL);
}

SYSCALL_HANDLER(syscall_pselect6)
{
	uint64_t ns = 0, set[2] = { 0 }, mask = 0; /* SET: its address and size */
	int64_t failed = args[4] ? syscall_read_time(p, args[4], &ns) : 0;

	if (!failed && args[5])
		failed = syscall_copy_in(p, set, args[5], sizeof set);
	if (!failed && set[0])
		failed = syscall_read_set(p, set[0], set[1], &mask);
	if (failed)
		return failed;
	const int64_t ready = select_all(p, args);
	return ready ? ready : wait_in_vain(p, args[4] ? &ns : NULL, set[0] ? &mask : NULL);
}

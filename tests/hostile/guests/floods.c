/* SPDX-License-Identifier: Apache-2.0 */
/* Millions of log lines, lines of output, host calls and refused system calls. */
#define _GNU_SOURCE
#include "hostile/guests/forge.h"

#include <sys/syscall.h>
#include <sys/uio.h>

enum { TIMES = 1000000 };

static void log_lines(void)
{
	unsigned char message[MESSAGE_MAX];
	size_t size = write_log(message, "\033[31mred\033[0m\r\n\a", 14);

	for (int i = 0; i < TIMES; i++) {
		push(message, size);
		ring(MOTE_HC_LOG);
	}
}

static void output_lines(void)
{
	for (int i = 0; i < TIMES; i++)
		if (write(1 + i % 2, "\n\n\n\n", (size_t)(i % 4 + 1)) < 0)
			continue;
}

static void output_at_once(void)
{
	static struct iovec vectors[1024];

	for (int i = 0; i < 1024; i++)
		vectors[i] = i % 2 ? (struct iovec){ NULL, SIZE_MAX / 1024 }
				   : (struct iovec){ pattern, 512 };
	for (int i = 0; i < TIMES; i++)
		if (writev(1, vectors, 1024) < 0)
			continue;
}

static void host_calls(void)
{
	for (int i = 0; i < TIMES; i++)
		HostAdd(i, i);
}

static void refused(void)
{
	for (int i = 0; i < TIMES; i++)
		syscall(i % 2 ? SYS_io_uring_setup : 1000000 + i);
}

#define WAYS(X)                                                                                    \
	X(log_lines, log_lines())                                                                  \
	X(output_lines, output_lines())                                                            \
	X(output_at_once, output_at_once())                                                        \
	X(host_calls, host_calls())                                                                \
	X(refused_system_calls, refused())

ATTACK_LIST(WAYS)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three descriptors that a guest has: a standard input, which is empty unless the embedder
 * gave it something, and two outputs that go to the embedder's callback or, line by line, to the
 * log.
 */
#define _GNU_SOURCE
#include "vm/syscall_table.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

/* What one call reads or writes at most; libcs go on with the rest. */
#define TRANSFER_MAX   (UINT64_C(1) << 20)
#define CHUNK          4096
#define IOV_COUNT_MAX  1024
#define POLL_COUNT_MAX 64

static bool is_stream(uint64_t fd)
{
	return fd <= 2;
}

static void flush_line(struct personality *p, unsigned stream)
{
	struct output_line *line = &p->lines[stream - 1];
	account_log(p->account, p->host, stream == 1 ? MOTE_LOG_INFO : MOTE_LOG_WARN, line->text,
		    line->used);
	line->used = 0;
}

static void log_text(struct personality *p, unsigned stream, const char *text, size_t size)
{
	struct output_line *line = &p->lines[stream - 1];
	for (size_t i = 0; i < size; i++) {
		if (text[i] != '\n')
			line->text[line->used++] = text[i];
		if (text[i] == '\n' || line->used == sizeof line->text)
			flush_line(p, stream);
	}
}

/* What may not be passed on ends the run, so that nobody asks how much was. */
static void emit(struct personality *p, unsigned stream, const char *text, size_t size)
{
	size_t n = p->output ? account_output(p->account, size) : 0;

	if (n)
		p->output(p->output_user, (int)stream, text, n);
	else if (!p->output && host_logs(p->host, stream == 1 ? MOTE_LOG_INFO : MOTE_LOG_WARN))
		log_text(p, stream, text, size);
}

void personality_flush(struct personality *p)
{
	for (unsigned stream = 1; stream <= 2; stream++)
		if (p->lines[stream - 1].used)
			flush_line(p, stream);
}

/* Writes SIZE bytes, fewer when the guest's memory ends before; -EFAULT when it has none. */
static int64_t write_out(struct personality *p, uint64_t fd, uint64_t address, uint64_t size)
{
	char chunk[CHUNK];
	uint64_t done = 0;

	if (size > TRANSFER_MAX)
		size = TRANSFER_MAX;
	while (done < size) {
		size_t n = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		if (syscall_copy_in(p, chunk, address + done, n))
			return done ? (int64_t)done : -EFAULT;
		emit(p, (unsigned)fd, chunk, n);
		done += n;
	}
	return (int64_t)done;
}

SYSCALL_HANDLER(syscall_write)
{
	if (args[0] != 1 && args[0] != 2)
		return -EBADF;
	return write_out(p, args[0], args[1], args[2]);
}

SYSCALL_HANDLER(syscall_writev)
{
	int64_t total = 0;

	if (args[0] != 1 && args[0] != 2)
		return -EBADF;
	if (args[2] > IOV_COUNT_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < args[2] && total < (int64_t)TRANSFER_MAX; i++) {
		uint64_t part[2]; /* struct iovec: address, length */
		if (syscall_copy_in(p, part, args[1] + i * sizeof part, sizeof part))
			return total ? total : -EFAULT;
		int64_t n = write_out(p, args[0], part[0], part[1]);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((uint64_t)n < part[1])
			break;
	}
	return total;
}

/* Reads at most SIZE bytes of what is left of standard input; 0 at its end. */
static int64_t read_in(struct personality *p, uint64_t address, uint64_t size)
{
	if (size > TRANSFER_MAX)
		size = TRANSFER_MAX;
	const size_t n = size < p->input.size ? (size_t)size : p->input.size;
	if (n == 0)
		return 0;
	if (syscall_copy_out(p, address, p->input.bytes, n))
		return -EFAULT;
	p->input.bytes += n;
	p->input.size -= n;
	return (int64_t)n;
}

SYSCALL_HANDLER(syscall_read)
{
	return args[0] == 0 ? read_in(p, args[1], args[2]) : -EBADF;
}

SYSCALL_HANDLER(syscall_readv)
{
	int64_t total = 0;

	if (args[0] != 0)
		return -EBADF;
	if (args[2] > IOV_COUNT_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < args[2] && p->input.size && total < (int64_t)TRANSFER_MAX; i++) {
		uint64_t part[2]; /* struct iovec: address, length */
		if (syscall_copy_in(p, part, args[1] + i * sizeof part, sizeof part))
			return total ? total : -EFAULT;
		int64_t n = read_in(p, part[0], part[1]);
		if (n < 0)
			return total ? total : n;
		total += n;
	}
	return total;
}

SYSCALL_HANDLER(syscall_close)
{
	(void)p;
	return is_stream(args[0]) ? 0 : -EBADF;
}

SYSCALL_HANDLER(syscall_lseek)
{
	(void)p;
	return is_stream(args[0]) ? -ESPIPE : -EBADF;
}

/* There are no files, and so no links. */
SYSCALL_HANDLER(syscall_readlink)
{
	(void)p;
	(void)args;
	return -ENOENT;
}

/* Outputs look like a terminal's character device, so that libcs write line by line. */
static int64_t put_stat(struct personality *p, uint64_t address)
{
	struct stat st;
	memset(&st, 0, sizeof st);
	st.st_mode = S_IFCHR | 0620;
	st.st_nlink = 1;
	st.st_blksize = 1024;
	st.st_rdev = 0x8800;
	return syscall_copy_out(p, address, &st, sizeof st);
}

SYSCALL_HANDLER(syscall_fstat)
{
	return is_stream(args[0]) ? put_stat(p, args[1]) : -EBADF;
}

SYSCALL_HANDLER(syscall_newfstatat)
{
	char first;

	if (!(args[3] & AT_EMPTY_PATH))
		return -ENOENT;
	if (syscall_copy_in(p, &first, args[1], 1))
		return -EFAULT;
	if (first)
		return -ENOENT;
	return is_stream(args[0]) ? put_stat(p, args[2]) : -EBADF;
}

/* A terminal of no particular size: how libcs ask before they write line by line. glibc gets the
 * line settings (36 bytes), musl the window's size (8 bytes). */
SYSCALL_HANDLER(syscall_ioctl)
{
	enum { GET_SETTINGS = 0x5401, GET_WINDOW_SIZE = 0x5413 };
	static const char zeroes[36];

	if (!is_stream(args[0]))
		return -EBADF;
	if (args[0] != 0 && args[1] == GET_SETTINGS)
		return syscall_copy_out(p, args[2], zeroes, sizeof zeroes);
	if (args[0] != 0 && args[1] == GET_WINDOW_SIZE)
		return syscall_copy_out(p, args[2], zeroes, 8);
	return -ENOTTY;
}

/* Standard input is all there and the outputs never block: what can be ready is. Rust's runtime
 * asks at start which of the three are open. */
SYSCALL_HANDLER(syscall_poll)
{
	int64_t ready = 0;

	if (args[1] > POLL_COUNT_MAX)
		return -EINVAL;
	for (uint64_t i = 0; i < args[1]; i++) {
		struct pollfd entry;
		uint64_t address = args[0] + i * sizeof entry;
		if (syscall_copy_in(p, &entry, address, sizeof entry))
			return -EFAULT;
		int possible = entry.fd < 0 ? 0 : entry.fd == 0 ? POLLIN : POLLOUT;
		entry.revents = (short)(entry.fd > 2 ? POLLNVAL : entry.events & possible);
		ready += entry.revents != 0;
		if (syscall_copy_out(p, address, &entry, sizeof entry))
			return -EFAULT;
	}
	return ready;
}

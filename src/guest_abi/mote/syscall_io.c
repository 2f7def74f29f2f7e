/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls on descriptors: bytes in and out, offsets, copies of descriptors. What is behind
 * one, a stream or a file of whatever kind, is the business of its struct file_ops.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* What one call reads or writes at most; libcs go on with the rest. */
#define TRANSFER_MAX  (UINT64_C(1) << 20)
#define CHUNK         16384
#define IOV_COUNT_MAX 1024

/* What one call maps at most: it is read at once. */
#define MAP_FILE_MAX (UINT64_C(64) << 20)

/* One direction of moving bytes between a file and the guest. */
typedef int64_t (*transfer_fn)(struct personality *p, struct open_file *file, uint64_t at,
			       uint64_t address, size_t size);

static int64_t read_chunk(struct personality *p, struct open_file *file, uint64_t at,
			  uint64_t address, size_t size)
{
	char chunk[CHUNK];

	int64_t n = file->ops->read(&p->files, file, at, chunk, size);
	if (n <= 0 || !syscall_copy_out(p, address, chunk, (size_t)n))
		return n;
	if (file->ops == &stream_ops)
		streams_unread(p->streams, (size_t)n);
	return -EFAULT;
}

static int64_t write_chunk(struct personality *p, struct open_file *file, uint64_t at,
			   uint64_t address, size_t size)
{
	char chunk[CHUNK];

	if (syscall_copy_in(p, chunk, address, size))
		return -EFAULT;
	return file->ops->write(&p->files, file, at, chunk, size);
}

/* Moves at most SIZE bytes, fewer at the end of the file or of the guest's memory. */
static int64_t transfer(struct personality *p, struct open_file *file, transfer_fn move,
			uint64_t at, uint64_t address, uint64_t size)
{
	uint64_t done = 0;

	if (size > TRANSFER_MAX)
		size = TRANSFER_MAX;
	while (done < size) {
		const size_t page = MOTE_PAGE_SIZE - (address + done) % MOTE_PAGE_SIZE;
		size_t want = size - done < CHUNK ? (size_t)(size - done) : CHUNK;
		int64_t n = move(p, file, at + done, address + done, want);
		if (n == -EFAULT && want > page) /* as far as there are pages */
			n = move(p, file, at + done, address + done, want = page);
		if (n < 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
		if ((size_t)n < want)
			break;
	}
	return (int64_t)done;
}

/* The file behind FD if it can be read, or else written; *FAILED says why not. */
static struct open_file *get_for(struct personality *p, uint64_t fd, transfer_fn move,
				 int64_t *failed)
{
	struct open_file *file = files_get(&p->files, fd);
	const int refused = move == read_chunk ? O_WRONLY : O_RDONLY;

	*failed = -EBADF;
	if (!file || (file->flags & O_ACCMODE) == refused)
		return NULL;
	if (move == read_chunk ? file->ops->read != NULL : file->ops->write != NULL)
		return file;
	*failed = file->ops->entry ? -EISDIR : -EBADF;
	return NULL;
}

/* Where FILE is written to: at its end, if it was opened so. */
static int64_t place_of_write(struct personality *p, struct open_file *file, uint64_t *at)
{
	struct stat stat;
	int64_t failed = 0;

	*at = file->offset;
	if (file->flags & O_APPEND && file->ops->is_seekable) {
		failed = file->ops->stat(&p->files, file, &stat);
		*at = (uint64_t)stat.st_size;
	}
	return failed;
}

static int64_t move_on(struct personality *p, uint64_t fd, transfer_fn move, uint64_t address,
		       uint64_t size)
{
	int64_t result;
	struct open_file *file = get_for(p, fd, move, &result);
	uint64_t at;

	if (!file)
		return result;
	at = file->offset;
	if (move == write_chunk && (result = place_of_write(p, file, &at)))
		return result;
	result = transfer(p, file, move, at, address, size);
	if (result > 0)
		file->offset = at + (uint64_t)result;
	return result;
}

SYSCALL_HANDLER(syscall_read)
{
	return move_on(p, args[0], read_chunk, args[1], args[2]);
}

SYSCALL_HANDLER(syscall_write)
{
	return move_on(p, args[0], write_chunk, args[1], args[2]);
}

static int64_t move_at(struct personality *p, const uint64_t args[6], transfer_fn move)
{
	int64_t failed;
	struct open_file *file = get_for(p, args[0], move, &failed);

	if (!file)
		return failed;
	if (!file->ops->is_seekable)
		return -ESPIPE;
	if (args[3] > INT64_MAX)
		return -EINVAL;
	return transfer(p, file, move, args[3], args[1], args[2]);
}

SYSCALL_HANDLER(syscall_pread64)
{
	return move_at(p, args, read_chunk);
}

SYSCALL_HANDLER(syscall_pwrite64)
{
	return move_at(p, args, write_chunk);
}

/* A struct iovec after the other, up to the first that is not filled. IS_PLACED: from an offset
 * on that is in ARGS, not from the file's own. */
static int64_t move_vector(struct personality *p, const uint64_t args[6], transfer_fn move,
			   bool is_placed)
{
	int64_t total = 0;

	if (!get_for(p, args[0], move, &total))
		return total;
	if (args[2] > IOV_COUNT_MAX)
		return -EINVAL;
	total = 0;
	for (uint64_t i = 0; i < args[2] && total < (int64_t)TRANSFER_MAX; i++) {
		uint64_t part[2]; /* address, length */
		if (syscall_copy_in(p, part, args[1] + i * sizeof part, sizeof part))
			return total ? total : -EFAULT;
		const uint64_t whole[6] = { args[0], part[0], part[1], args[3] + (uint64_t)total };
		int64_t n = is_placed ? move_at(p, whole, move)
				      : move_on(p, args[0], move, part[0], part[1]);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((uint64_t)n < part[1])
			break;
	}
	return total;
}

SYSCALL_HANDLER(syscall_readv)
{
	return move_vector(p, args, read_chunk, false);
}

SYSCALL_HANDLER(syscall_writev)
{
	return move_vector(p, args, write_chunk, false);
}

SYSCALL_HANDLER(syscall_preadv)
{
	return move_vector(p, args, read_chunk, true);
}

SYSCALL_HANDLER(syscall_pwritev)
{
	return move_vector(p, args, write_chunk, true);
}

SYSCALL_HANDLER(syscall_close)
{
	return files_close(&p->files, args[0]);
}

SYSCALL_HANDLER(syscall_close_range)
{
	const uint64_t last = args[1] < p->files.capacity ? args[1] : p->files.capacity - 1;

	if (args[0] > args[1] || args[2] & ~(uint64_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	for (uint64_t fd = args[0]; fd <= last; fd++)
		if (!(args[2] & CLOSE_RANGE_CLOEXEC))
			files_close(&p->files, fd);
		else if (files_get(&p->files, fd))
			p->files.table[fd].closes_on_exec = true;
	return 0;
}

SYSCALL_HANDLER(syscall_lseek)
{
	struct open_file *file = files_get(&p->files, args[0]);
	struct stat stat;
	int64_t from = 0, to;

	if (!file)
		return -EBADF;
	if (!file->ops->is_seekable)
		return -ESPIPE;
	if (args[2] > SEEK_END)
		return -EINVAL;
	if (args[2] == SEEK_CUR)
		from = (int64_t)file->offset;
	if (args[2] == SEEK_END) {
		int64_t failed = file->ops->stat(&p->files, file, &stat);
		if (failed)
			return failed;
		from = stat.st_size;
	}
	if (__builtin_add_overflow(from, (int64_t)args[1], &to) || to < 0)
		return -EINVAL;
	file->offset = (uint64_t)to;
	return to;
}

static int64_t copy_descriptor(struct personality *p, uint64_t fd, uint64_t lowest,
			       bool closes_on_exec)
{
	struct open_file *file = files_get(&p->files, fd);

	if (!file)
		return -EBADF;
	if (lowest >= p->files.capacity)
		return -EINVAL;
	int64_t copy = files_add(&p->files, open_file_ref(file), lowest, closes_on_exec);
	if (copy < 0)
		open_file_unref(&p->files, file);
	return copy;
}

SYSCALL_HANDLER(syscall_dup)
{
	return copy_descriptor(p, args[0], 0, false);
}

SYSCALL_HANDLER(syscall_dup3)
{
	struct open_file *file = files_get(&p->files, args[0]);

	if (args[0] == args[1] || args[2] & ~(uint64_t)O_CLOEXEC)
		return -EINVAL;
	if (!file || args[1] >= p->files.capacity)
		return -EBADF;
	files_put(&p->files, args[1], open_file_ref(file), args[2] & O_CLOEXEC);
	return (int64_t)args[1];
}

SYSCALL_HANDLER(syscall_dup2)
{
	if (args[0] == args[1])
		return files_get(&p->files, args[0]) ? (int64_t)args[0] : -EBADF;
	return syscall_dup3(p, (const uint64_t[6]){ args[0], args[1] });
}

/* There is nobody else, so every lock is had at once, and none is in the way. */
SYSCALL_HANDLER(syscall_fcntl)
{
	const int kept = O_APPEND | O_NONBLOCK;
	const int16_t unlocked = F_UNLCK;
	struct open_file *file = files_get(&p->files, args[0]);

	if (!file)
		return -EBADF;
	switch (args[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		return copy_descriptor(p, args[0], args[2], args[1] == F_DUPFD_CLOEXEC);
	case F_GETFD:
		return p->files.table[args[0]].closes_on_exec ? FD_CLOEXEC : 0;
	case F_SETFD:
		p->files.table[args[0]].closes_on_exec = args[2] & FD_CLOEXEC;
		return 0;
	case F_GETFL:
		return file->flags;
	case F_SETFL:
		file->flags = (file->flags & ~kept) | ((int)args[2] & kept);
		return 0;
	case F_GETLK:
		return syscall_copy_out(p, args[2], &unlocked, sizeof unlocked);
	case F_SETLK:
	case F_SETLKW:
		return 0;
	default:
		return -EINVAL;
	}
}

/* What is written is there, and locks are had, and advice is not needed. */
SYSCALL_HANDLER(syscall_zero_of_file)
{
	return files_get(&p->files, args[0]) ? 0 : -EBADF;
}

SYSCALL_HANDLER(syscall_ftruncate)
{
	struct open_file *file = files_get(&p->files, args[0]);

	if (!file)
		return -EBADF;
	if (!file->ops->resize || (file->flags & O_ACCMODE) == O_RDONLY || args[1] > INT64_MAX)
		return -EINVAL;
	return file->ops->resize(&p->files, file, args[1]);
}

/* A terminal of no particular size: how libcs ask before they write line by line. glibc gets the
 * line settings (36 bytes), musl the window's size (8 bytes). */
SYSCALL_HANDLER(syscall_ioctl)
{
	enum { GET_SETTINGS = 0x5401, GET_WINDOW_SIZE = 0x5413 };
	static const char zeroes[36];
	const struct open_file *file = files_get(&p->files, args[0]);

	if (!file)
		return -EBADF;
	if (file->ops != &stream_ops || file->stream == 0 || stream_is_pipe(p->files.streams, file))
		return -ENOTTY;
	if (args[1] == GET_SETTINGS)
		return syscall_copy_out(p, args[2], zeroes, sizeof zeroes);
	if (args[1] == GET_WINDOW_SIZE)
		return syscall_copy_out(p, args[2], zeroes, 8);
	return -ENOTTY;
}

/* A copy of the file: pages cannot be shared with it, so nobody sees what is written to them. */
int64_t syscall_map_file(struct personality *p, const uint64_t args[6], unsigned how)
{
	int64_t address, failed;
	struct open_file *file = get_for(p, args[4], read_chunk, &failed);

	if (!file)
		return failed;
	if (!file->ops->is_seekable || (args[3] & MAP_SHARED && args[2] & PROT_WRITE))
		return -ENODEV;
	if (args[5] > INT64_MAX || args[5] % MOTE_PAGE_SIZE)
		return -EINVAL;
	if (args[1] > MAP_FILE_MAX)
		return -ENOMEM;
	address = arena_map(p->arena, args[0], args[1], how);
	for (uint64_t done = 0; address >= 0 && done < args[1];) {
		int64_t n = transfer(p, file, read_chunk, args[5] + done, (uint64_t)address + done,
				     args[1] - done);
		if (n < 0) {
			arena_unmap(p->arena, (uint64_t)address, args[1]);
			return n;
		}
		if (n == 0)
			break;
		done += (uint64_t)n;
	}
	return address;
}

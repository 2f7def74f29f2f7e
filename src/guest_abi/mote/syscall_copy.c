/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that move bytes from one descriptor to another, and one that sets a size. They are
 * served because programs ask for them first, and say so when they have to do without.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <fcntl.h>

#define COPY_MAX (UINT64_C(1) << 20) /* what one call copies at most */
#define CHUNK    16384

/* One end of a copy: a file, and where in it. */
struct end {
	struct open_file *file;
	uint64_t at;
	uint64_t address; /* of the guest's own offset; 0: the file's is used, and moved on */
};

static bool is_open_for(const struct open_file *file, int refused)
{
	return file && (file->flags & O_ACCMODE) != refused;
}

/* Sets END up with the offset at ADDRESS of the guest. */
static int64_t begin(struct personality *p, struct end *end, uint64_t address)
{
	end->at = end->file->offset;
	end->address = address;
	if (address && !end->file->ops->is_seekable)
		return -ESPIPE;
	if (address && syscall_copy_in(p, &end->at, address, sizeof end->at))
		return -EFAULT;
	return end->at > INT64_MAX - COPY_MAX ? -EINVAL : 0;
}

static int64_t finish(struct personality *p, const struct end *end, uint64_t done)
{
	const uint64_t at = end->at + done;

	if (end->address)
		return syscall_copy_out(p, end->address, &at, sizeof at);
	end->file->offset = at;
	return 0;
}

/* As much as the one end has and the other takes. */
static int64_t copy(struct personality *p, const struct end *from, const struct end *to,
		    uint64_t size)
{
	char chunk[CHUNK];
	uint64_t done = 0;

	while (done < size) {
		const uint64_t left = size - done;
		const size_t want = left < CHUNK ? (size_t)left : CHUNK;
		int64_t n =
			from->file->ops->read(&p->files, from->file, from->at + done, chunk, want);
		if (n > 0)
			n = to->file->ops->write(&p->files, to->file, to->at + done, chunk,
						 (size_t)n);
		if (n <= 0)
			return done ? (int64_t)done : n;
		done += (uint64_t)n;
	}
	return (int64_t)done;
}

static int64_t copy_between(struct personality *p, const uint64_t from[2], const uint64_t to[2],
			    uint64_t size)
{
	struct end source = { .file = files_get(&p->files, from[0]) },
		   target = { .file = files_get(&p->files, to[0]) };

	if (!is_open_for(source.file, O_WRONLY) || !is_open_for(target.file, O_RDONLY))
		return -EBADF;
	/* from what has no offset a read that is not written would be lost */
	if (!source.file->ops->read || !source.file->ops->is_seekable || !target.file->ops->write ||
	    target.file->flags & O_APPEND)
		return -EINVAL;
	int64_t failed = begin(p, &source, from[1]);
	if (!failed)
		failed = begin(p, &target, to[1]);
	if (failed)
		return failed;
	if (size > COPY_MAX)
		size = COPY_MAX;
	if (source.file == target.file && source.at < target.at + size &&
	    target.at < source.at + size)
		return -EINVAL;
	int64_t n = copy(p, &source, &target, size);
	if (n > 0)
		failed = finish(p, &source, (uint64_t)n);
	if (n > 0 && !failed)
		failed = finish(p, &target, (uint64_t)n);
	return failed ? failed : n;
}

SYSCALL_HANDLER(syscall_sendfile)
{
	const uint64_t from[2] = { args[1], args[2] }, to[2] = { args[0], 0 };

	return copy_between(p, from, to, args[3]);
}

SYSCALL_HANDLER(syscall_copy_file_range)
{
	const uint64_t from[2] = { args[0], args[1] }, to[2] = { args[2], args[3] };
	const struct open_file *target = files_get(&p->files, args[2]);

	if (args[5] || (target && !target->ops->is_seekable))
		return -EINVAL;
	return copy_between(p, from, to, args[4]);
}

/* Room is there or not when it is written to: what could be set aside here, others would lack. */
SYSCALL_HANDLER(syscall_fallocate)
{
	struct open_file *file = files_get(&p->files, args[0]);
	struct stat stat;
	uint64_t end;

	if (!is_open_for(file, O_RDONLY))
		return -EBADF;
	if (!file->ops->resize)
		return -ENODEV;
	if (args[1] & ~(uint64_t)FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (args[2] > INT64_MAX || args[3] > INT64_MAX || args[3] == 0)
		return -EINVAL;
	end = args[2] + args[3];
	if (end > INT64_MAX)
		return -EFBIG;
	int64_t failed = file->ops->stat(&p->files, file, &stat);
	if (failed || args[1] || end <= (uint64_t)stat.st_size)
		return failed;
	return file->ops->resize(&p->files, file, end);
}

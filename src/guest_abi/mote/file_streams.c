/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three streams as open files. Outputs look like a terminal's character device, so that libcs
 * write line by line, or like pipes, if the embedder wants that.
 */
#include "guest_abi/mote/files.h"

static int64_t read_stream(struct files *files, struct open_file *file, uint64_t at, void *to,
			   size_t size)
{
	(void)file;
	(void)at;
	return (int64_t)streams_read(files->streams, to, size);
}

static int64_t write_stream(struct files *files, struct open_file *file, uint64_t at,
			    const void *from, size_t size)
{
	(void)at;
	streams_write(files->streams, file->stream, from, size);
	return (int64_t)size;
}

bool stream_is_pipe(const struct streams *streams, const struct open_file *file)
{
	return streams->pipes >> file->stream & 1;
}

static int64_t stat_stream(struct files *files, struct open_file *file, struct stat *to)
{
	if (stream_is_pipe(files->streams, file)) {
		*to = (struct stat){
			.st_mode = S_IFIFO | 0600,
			.st_nlink = 1,
			.st_blksize = 4096,
		};
		return 0;
	}
	*to = (struct stat){
		.st_mode = S_IFCHR | 0620,
		.st_nlink = 1,
		.st_blksize = 1024,
		.st_rdev = 0x8800,
	};
	return 0;
}

const struct file_ops stream_ops = {
	.read = read_stream,
	.write = write_stream,
	.stat = stat_stream,
};

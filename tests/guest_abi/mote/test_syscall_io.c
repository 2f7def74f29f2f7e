/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three descriptors: what reaches the callback, how lines are put together for the log,
 * and what comes of pointers and lengths that no honest guest would pass.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>

static struct personality_box pb;

/* What the callback got. */
static struct {
	char text[1 << 20];
	size_t size;
	uint64_t total;
	unsigned ncalls;
	int stream;
} heard;

static void hear(void *user, int stream, const void *data, size_t size)
{
	assert_ptr_equal(user, &heard);
	if (heard.size + size <= sizeof heard.text) {
		memcpy(heard.text + heard.size, data, size);
		heard.size += size;
	}
	heard.total += size;
	heard.ncalls++;
	heard.stream = stream;
}

static int setup(void **state)
{
	(void)state;
	personality_box_init(&pb, NULL);
	memset(&heard, 0, sizeof heard);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static void use_callback(void)
{
	pb.streams.output = hear;
	pb.streams.output_user = &heard;
}

static void put(uint64_t address, const char *text)
{
	memcpy(at(&pb, address), text, strlen(text));
}

static void bytes_reach_the_callback_as_they_are(void **state)
{
	(void)state;
	static const char raw[] = "no\nlines \0 \x1b \xff";

	use_callback();
	memcpy(at(&pb, BOX_DATA), raw, sizeof raw);
	assert_int_equal(CALL(&pb, SYS_write, 1, BOX_DATA, sizeof raw), sizeof raw);
	assert_int_equal(heard.size, sizeof raw);
	assert_memory_equal(heard.text, raw, sizeof raw);
	assert_int_equal(heard.stream, 1);
	assert_int_equal(CALL(&pb, SYS_write, 2, BOX_DATA, 2), 2);
	assert_int_equal(heard.stream, 2);
	assert_int_equal(pb.box.log.count, 0);
}

static void only_the_outputs_can_be_written(void **state)
{
	(void)state;
	static const uint64_t fds[] = {
		0, 3, 100, UINT64_C(1) << 32, (UINT64_C(1) << 32) + 1, UINT64_MAX
	};
	use_callback();
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
		assert_int_equal(CALL(&pb, SYS_write, fds[i], BOX_DATA, 1), -EBADF);
		assert_int_equal(CALL(&pb, SYS_writev, fds[i], BOX_DATA, 1), -EBADF);
	}
	assert_int_equal(heard.ncalls, 0);
}

static void writes_end_where_memory_ends(void **state)
{
	(void)state;
	static const struct {
		uint64_t address, size;
		int64_t want;
	} rows[] = {
		{ BOX_DATA, 0, 0 },
		{ BOX_NOWHERE, 0, 0 }, /* nothing of nothing */
		{ EDGE, 16, 16 },
		/* as far as there are pages */
		{ EDGE, 17, 16 },
		{ LAST_PAGE, 4097, 4096 },
		{ BOX_DATA, 0x2001, 0x2000 },
		{ BOX_DATA, UINT64_MAX, 0x2000 },
		{ BOX_DATA + 1, 0x2000, 0x1fff },
		{ 0, 1, -EFAULT },
		{ 0, UINT64_MAX, -EFAULT },
		{ UINT64_MAX, 1, -EFAULT },
		{ UINT64_MAX, UINT64_MAX, -EFAULT },
		{ UINT64_MAX - 4095, 8192, -EFAULT },
		{ MOTE_ADDRESS_END - 1, 2, -EFAULT },
		{ BOX_CODE, 0x1000, 0x1000 },        /* readable is enough */
		{ BOX_CONSTANT, 0x3000, 0x3000 },    /* across segments */
		{ SUPERVISOR_BLOCK, 1, -EFAULT },    /* the supervisor's */
		{ MOTE_HYPERCALL_PAGE, 1, -EFAULT }, /* the host's */
		{ MOTE_DOORBELL_PAGE, 1, -EFAULT },
	};
	use_callback();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		heard.total = 0;
		const int64_t result = CALL(&pb, SYS_write, 1, rows[i].address, rows[i].size);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
		assert_int_equal(heard.total, result < 0 ? 0 : result);
	}
}

static void one_call_writes_a_mebibyte_at_most(void **state)
{
	(void)state;
	const uint64_t heap = layout_get(guest_memory_layout(pb.box.memory), REGION_HEAP)->va;

	use_callback();
	assert_int_equal(CALL(&pb, SYS_write, 1, heap, 0x200000), 1 << 20);
	assert_int_equal(heard.total, 1 << 20);
}

static void set_iovec(unsigned index, uint64_t address, uint64_t size)
{
	const uint64_t pair[2] = { address, size };
	memcpy((char *)at(&pb, BOX_DATA) + 16 * index, pair, sizeof pair);
}

static void parts_are_written_in_order(void **state)
{
	(void)state;
	use_callback();
	put(LAST_PAGE, "abcdef");
	set_iovec(0, LAST_PAGE + 3, 3);
	set_iovec(1, 0, 0); /* of no length: its address does not matter */
	set_iovec(2, LAST_PAGE, 2);
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA, 3), 5);
	assert_string_equal(heard.text, "defab");
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA, 0), 0);
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_NOWHERE, 0), 0);
}

static void bad_parts_end_the_list_after_what_was_good(void **state)
{
	(void)state;
	use_callback();
	set_iovec(0, LAST_PAGE, 3);
	set_iovec(1, BOX_NOWHERE, 1);
	set_iovec(2, LAST_PAGE, 2);
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA, 3), 3);
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA + 16, 2), -EFAULT);
	/* a part that is written in part ends the list too */
	set_iovec(1, LAST_PAGE, 5000);
	heard.total = 0;
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA, 3), 3 + 4096);
	assert_int_equal(heard.total, 3 + 4096);
	/* sizes that wrap */
	set_iovec(1, LAST_PAGE, UINT64_MAX);
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA, 3), 3 + 4096);
	set_iovec(0, UINT64_MAX, UINT64_MAX);
	assert_int_equal(CALL(&pb, SYS_writev, 1, BOX_DATA, 3), -EFAULT);
}

static void the_list_of_parts_may_itself_be_hostile(void **state)
{
	(void)state;
	static const struct {
		uint64_t list, count;
		int64_t want;
	} rows[] = {
		{ BOX_NOWHERE, 1, -EFAULT },
		{ 0, 1, -EFAULT },
		{ UINT64_MAX - 8, 1, -EFAULT },
		{ UINT64_MAX - 15, 2, -EFAULT },
		{ BOX_DATA, 1025, -EINVAL },
		{ BOX_DATA, UINT64_MAX, -EINVAL },
		{ BOX_DATA, UINT64_C(1) << 60, -EINVAL }, /* times 16 is 0 */
		{ EDGE, 2, 4 },                           /* its second part is not there */
		{ EDGE + 8, 1, -EFAULT },                 /* nor half of its first */
	};
	use_callback();
	const uint64_t part[2] = { LAST_PAGE, 4 };
	memcpy(at(&pb, EDGE), part, sizeof part);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t result = CALL(&pb, SYS_writev, 1, rows[i].list, rows[i].count);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
	}
}

static void many_parts_are_bounded_work(void **state)
{
	(void)state;
	const uint64_t heap = layout_get(guest_memory_layout(pb.box.memory), REGION_HEAP)->va;
	const uint64_t part[2] = { heap, 0x200000 };

	use_callback();
	for (uint64_t i = 0; i < 1024; i++)
		memcpy(at(&pb, heap + 16 * i), part, sizeof part);
	/* the first part is written in part, so the list ends there */
	assert_int_equal(CALL(&pb, SYS_writev, 1, heap, 1024), 1 << 20);
	const uint64_t half[2] = { heap, 0x90000 };
	for (uint64_t i = 0; i < 1024; i++)
		memcpy(at(&pb, heap + 16 * i), half, sizeof half);
	assert_int_equal(CALL(&pb, SYS_writev, 1, heap, 1024), 2 * 0x90000);
}

static void lines_are_logged_when_they_end(void **state)
{
	(void)state;
	const struct box_line *lines = pb.box.log.lines;

	put(BOX_DATA, "one\ntwo\nthr");
	assert_int_equal(CALL(&pb, SYS_write, 1, BOX_DATA, 11), 11);
	assert_int_equal(pb.box.log.count, 2);
	assert_string_equal(lines[0].text, "one");
	assert_string_equal(lines[0].source, "guest");
	assert_int_equal(lines[0].level, MOTE_LOG_INFO);
	assert_string_equal(lines[1].text, "two");
	put(BOX_DATA, "ee\n\n");
	assert_int_equal(CALL(&pb, SYS_write, 1, BOX_DATA, 4), 4);
	assert_int_equal(pb.box.log.count, 4);
	assert_string_equal(lines[2].text, "three");
	assert_string_equal(lines[3].text, "");
	streams_flush(&pb.streams);
	assert_int_equal(pb.box.log.count, 4);
}

static void the_two_outputs_have_lines_and_levels_of_their_own(void **state)
{
	(void)state;
	const struct box_line *lines = pb.box.log.lines;

	put(BOX_DATA, "outerr\n");
	CALL(&pb, SYS_write, 1, BOX_DATA, 3);
	CALL(&pb, SYS_write, 2, BOX_DATA + 3, 4);
	assert_int_equal(pb.box.log.count, 1);
	assert_string_equal(lines[0].text, "err");
	assert_int_equal(lines[0].level, MOTE_LOG_WARN);
	CALL(&pb, SYS_write, 2, BOX_DATA, 1);
	streams_flush(&pb.streams);
	assert_int_equal(pb.box.log.count, 3);
	assert_string_equal(lines[1].text, "out");
	assert_string_equal(lines[2].text, "o");
	streams_flush(&pb.streams);
	assert_int_equal(pb.box.log.count, 3);
}

static void long_lines_come_in_pieces(void **state)
{
	(void)state;
	memset(at(&pb, BOX_DATA), 'x', 0x1000);
	assert_int_equal(CALL(&pb, SYS_write, 1, BOX_DATA, STREAMS_LINE_SIZE - 1),
			 STREAMS_LINE_SIZE - 1);
	assert_int_equal(pb.box.log.count, 0);
	CALL(&pb, SYS_write, 1, BOX_DATA, 3);
	assert_int_equal(pb.box.log.count, 1);
	assert_int_equal(strlen(pb.box.log.lines[0].text), STREAMS_LINE_SIZE);
	streams_flush(&pb.streams);
	assert_string_equal(pb.box.log.lines[1].text, "xx");
	pb.box.log.count = 0;
	CALL(&pb, SYS_write, 1, BOX_DATA, 3 * STREAMS_LINE_SIZE);
	assert_int_equal(pb.box.log.count, 3);
	assert_int_equal(pb.streams.lines[0].used, 0);
}

static void log_lines_cannot_steer_a_terminal(void **state)
{
	(void)state;
	memcpy(at(&pb, BOX_DATA), "a\x1b[2J\0\rb\n", 9);
	CALL(&pb, SYS_write, 1, BOX_DATA, 9);
	assert_string_equal(pb.box.log.lines[0].text, "a\\x1b[2J\\x00\\x0db");
}

static void what_nobody_hears_is_not_kept(void **state)
{
	(void)state;
	put(BOX_DATA, "abc");
	pb.box.host.log_level = MOTE_LOG_ERROR;
	assert_int_equal(CALL(&pb, SYS_write, 1, BOX_DATA, 3), 3);
	assert_int_equal(CALL(&pb, SYS_write, 2, BOX_DATA, 3), 3);
	assert_int_equal(pb.streams.lines[0].used, 0);
	assert_int_equal(pb.streams.lines[1].used, 0);
	pb.box.host.log_level = MOTE_LOG_WARN;
	assert_int_equal(CALL(&pb, SYS_write, 1, BOX_DATA, 3), 3);
	assert_int_equal(CALL(&pb, SYS_write, 2, BOX_DATA, 3), 3);
	assert_int_equal(pb.streams.lines[0].used, 0);
	assert_int_equal(pb.streams.lines[1].used, 3);
	pb.box.host.log = NULL;
	assert_int_equal(CALL(&pb, SYS_write, 2, BOX_DATA, 3), 3);
	assert_int_equal(pb.streams.lines[1].used, 3);
}

static void input_is_at_its_end(void **state)
{
	(void)state;
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_DATA, 100), 0);
	assert_int_equal(CALL(&pb, SYS_read, 0, 0, UINT64_MAX), 0);
	assert_int_equal(CALL(&pb, SYS_read, 1, BOX_DATA, 1), -EBADF);
	assert_int_equal(CALL(&pb, SYS_read, 3, BOX_DATA, 1), -EBADF);
}

static void give_input(const char *text, size_t size)
{
	pb.streams.input.bytes = text;
	pb.streams.input.size = size;
}

static void input_is_what_the_embedder_gave(void **state)
{
	(void)state;
	give_input("one two", 7);
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_DATA, 0), 0);
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_DATA, 3), 3);
	assert_memory_equal(at(&pb, BOX_DATA), "one", 3);
	/* what cannot be stored is not lost */
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_NOWHERE, 3), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_CONSTANT, 3), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_DATA_END - 1, 4), 1);
	assert_memory_equal(at(&pb, BOX_DATA_END - 1), " ", 1);
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_DATA_END - 3, UINT64_MAX), 3);
	assert_memory_equal(at(&pb, BOX_DATA_END - 3), "two", 3);
	assert_int_equal(CALL(&pb, SYS_read, 0, BOX_DATA, 100), 0);
	give_input("x", 1);
	assert_int_equal(CALL(&pb, SYS_read, 1, BOX_DATA, 1), -EBADF);
	assert_int_equal(pb.streams.input.size, 1);
}

static void input_is_read_in_parts(void **state)
{
	(void)state;
	give_input("abcdefgh", 8);
	set_iovec(0, LAST_PAGE, 3);
	set_iovec(1, BOX_NOWHERE, 0);
	set_iovec(2, LAST_PAGE + 8, 2);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, 3), 5);
	assert_memory_equal(at(&pb, LAST_PAGE), "abc", 3);
	assert_memory_equal(at(&pb, LAST_PAGE + 8), "de", 2);
	/* a part that is not there ends the list after what was good */
	set_iovec(0, LAST_PAGE, 1);
	set_iovec(1, BOX_NOWHERE, 1);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, 3), 1);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA + 16, 2), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_NOWHERE, 1), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_readv, 0, EDGE + 8, 1), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, 1025), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, UINT64_MAX), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_readv, 1, BOX_DATA, 1), -EBADF);
	assert_int_equal(pb.streams.input.size, 2);
	set_iovec(0, LAST_PAGE, UINT64_MAX);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, 3), 2);
	assert_memory_equal(at(&pb, LAST_PAGE), "gh", 2);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, 3), 0);
}

static void one_call_reads_a_mebibyte_at_most(void **state)
{
	(void)state;
	static char input[3 << 20];
	const uint64_t heap = layout_get(guest_memory_layout(pb.box.memory), REGION_HEAP)->va;

	give_input(input, sizeof input);
	assert_int_equal(CALL(&pb, SYS_read, 0, heap, 0x200000), 1 << 20);
	set_iovec(0, heap, 0x90000);
	set_iovec(1, heap, 0x90000);
	set_iovec(2, heap, 0x90000);
	assert_int_equal(CALL(&pb, SYS_readv, 0, BOX_DATA, 3), 2 * 0x90000);
}

static void there_are_three_descriptors_and_no_file(void **state)
{
	(void)state;
	for (uint64_t fd = 0; fd < 5; fd++) {
		assert_int_equal(CALL(&pb, SYS_lseek, fd, 0, 0), fd < 3 ? -ESPIPE : -EBADF);
		assert_int_equal(CALL(&pb, SYS_fstat, fd, BOX_DATA), fd < 3 ? 0 : -EBADF);
		assert_int_equal(CALL(&pb, SYS_close, fd), fd < 3 ? 0 : -EBADF);
		assert_int_equal(CALL(&pb, SYS_close, fd), -EBADF);
		assert_int_equal(CALL(&pb, SYS_fstat, fd, BOX_DATA), -EBADF);
	}
	assert_int_equal(CALL(&pb, SYS_close, UINT64_MAX), -EBADF);
	put(BOX_DATA, "/proc/self/exe");
	assert_int_equal(CALL(&pb, SYS_readlink, BOX_DATA, BOX_DATA, 100), -ENOENT);
}

/* Leaves something on the stack for the next function to forget to overwrite. */
static __attribute__((noinline)) void litter(void)
{
	volatile uint8_t bytes[4096];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = 0xee;
}

static void outputs_look_like_a_terminal(void **state)
{
	(void)state;
	struct stat st, want = { .st_nlink = 1, .st_blksize = 1024, .st_rdev = 0x8800 };

	litter();
	assert_int_equal(CALL(&pb, SYS_fstat, 1, BOX_DATA), 0);
	memcpy(&st, at(&pb, BOX_DATA), sizeof st);
	assert_true(S_ISCHR(st.st_mode));
	want.st_mode = st.st_mode;
	assert_memory_equal(&st, &want, sizeof st); /* nothing of the host's is in between */
	assert_int_equal(CALL(&pb, SYS_fstat, 1, BOX_DATA_END - sizeof st), 0);
	assert_int_equal(CALL(&pb, SYS_fstat, 1, BOX_DATA_END - sizeof st + 1), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_fstat, 1, 0), -EFAULT);
}

static void outputs_may_be_pipes(void **state)
{
	(void)state;
	for (unsigned pipes = 0; pipes < 4; pipes++) {
		pb.streams.pipes = pipes << 1;
		for (unsigned fd = 0; fd < 3; fd++) {
			const bool is_pipe = pb.streams.pipes >> fd & 1;
			struct stat st;

			assert_int_equal(CALL(&pb, SYS_fstat, fd, BOX_DATA), 0);
			memcpy(&st, at(&pb, BOX_DATA), sizeof st);
			assert_int_equal(S_ISFIFO(st.st_mode) != 0, is_pipe);
			assert_int_equal(st.st_blksize, is_pipe ? 4096 : 1024);
			assert_int_equal(CALL(&pb, SYS_ioctl, fd, 0x5401, BOX_DATA),
					 is_pipe || fd == 0 ? -ENOTTY : 0);
			assert_int_equal(CALL(&pb, SYS_ioctl, fd, 0x5413, BOX_DATA),
					 is_pipe || fd == 0 ? -ENOTTY : 0);
			assert_int_equal(CALL(&pb, SYS_lseek, fd, 0, SEEK_CUR), -ESPIPE);
		}
	}
}

static void status_by_path_is_for_the_empty_path_alone(void **state)
{
	(void)state;
	put(BOX_DATA, "x");
	*(char *)at(&pb, BOX_DATA + 8) = '\0';
	const uint64_t path = BOX_DATA, empty = BOX_DATA + 8, out = LAST_PAGE;

	assert_int_equal(CALL(&pb, SYS_newfstatat, 1, empty, out, AT_EMPTY_PATH), 0);
	assert_int_equal(CALL(&pb, SYS_newfstatat, 3, empty, out, AT_EMPTY_PATH), -EBADF);
	assert_int_equal(CALL(&pb, SYS_newfstatat, (uint64_t)AT_FDCWD, empty, out, AT_EMPTY_PATH),
			 0);
	assert_int_equal(CALL(&pb, SYS_newfstatat, 1, path, out, AT_EMPTY_PATH), -ENOTDIR);
	assert_int_equal(CALL(&pb, SYS_newfstatat, 1, empty, out, 0), -ENOENT);
	assert_int_equal(CALL(&pb, SYS_newfstatat, 1, 0, out, AT_EMPTY_PATH), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_newfstatat, 1, empty, 0, AT_EMPTY_PATH), -EFAULT);
}

static void terminals_have_settings_and_a_size_of_zero(void **state)
{
	(void)state;
	static const char zeroes[36];
	static const struct {
		uint64_t fd, request, address;
		int64_t want;
	} rows[] = {
		{ 1, 0x5401, BOX_DATA, 0 },
		{ 2, 0x5401, BOX_DATA_END - 36, 0 },
		{ 1, 0x5401, BOX_DATA_END - 35, -EFAULT },
		{ 1, 0x5413, BOX_DATA_END - 8, 0 },
		{ 1, 0x5413, BOX_DATA_END - 7, -EFAULT },
		{ 0, 0x5401, BOX_DATA, -ENOTTY },
		{ 0, 0x5413, BOX_DATA, -ENOTTY },
		{ 1, 0x5402, BOX_DATA, -ENOTTY },
		{ 1, (UINT64_C(1) << 32) + 0x5401, BOX_DATA, -ENOTTY },
		{ 3, 0x5401, BOX_DATA, -EBADF },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		memset(at(&pb, BOX_DATA), 0xff, 64);
		assert_int_equal(CALL(&pb, SYS_ioctl, rows[i].fd, rows[i].request, rows[i].address),
				 rows[i].want);
	}
	CALL(&pb, SYS_ioctl, 1, 0x5401, BOX_DATA);
	assert_memory_equal(at(&pb, BOX_DATA), zeroes, 36);
	assert_int_equal(*(uint8_t *)at(&pb, BOX_DATA + 36), 0xff);
}

static void put_poll(unsigned index, int fd, short events)
{
	const struct pollfd entry = { fd, events, 0x7777 };
	memcpy((char *)at(&pb, BOX_DATA) + index * sizeof entry, &entry, sizeof entry);
}

static short polled(unsigned index)
{
	struct pollfd entry;
	memcpy(&entry, (char *)at(&pb, BOX_DATA) + index * sizeof entry, sizeof entry);
	return entry.revents;
}

static void the_three_are_always_ready(void **state)
{
	(void)state;
	put_poll(0, 0, POLLIN | POLLOUT);
	put_poll(1, 1, POLLIN | POLLOUT);
	put_poll(2, 2, 0);
	put_poll(3, 3, 0);
	put_poll(4, -1, POLLIN | POLLOUT);
	assert_int_equal(CALL(&pb, SYS_poll, BOX_DATA, 5, 0), 3);
	assert_int_equal(polled(0), POLLIN);
	assert_int_equal(polled(1), POLLOUT);
	assert_int_equal(polled(2), 0);
	assert_int_equal(polled(3), POLLNVAL);
	assert_int_equal(polled(4), 0);
	assert_int_equal(CALL(&pb, SYS_poll, 0, 0, 0), 0);
	assert_int_equal(CALL(&pb, SYS_poll, 0, 1, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_poll, BOX_CONSTANT, 1, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_poll, EDGE, 3, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_poll, BOX_DATA, 65, 0), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_poll, BOX_DATA, UINT64_MAX, 0), -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(bytes_reach_the_callback_as_they_are),
		TEST(only_the_outputs_can_be_written),
		TEST(writes_end_where_memory_ends),
		TEST(one_call_writes_a_mebibyte_at_most),
		TEST(parts_are_written_in_order),
		TEST(bad_parts_end_the_list_after_what_was_good),
		TEST(the_list_of_parts_may_itself_be_hostile),
		TEST(many_parts_are_bounded_work),
		TEST(lines_are_logged_when_they_end),
		TEST(the_two_outputs_have_lines_and_levels_of_their_own),
		TEST(long_lines_come_in_pieces),
		TEST(log_lines_cannot_steer_a_terminal),
		TEST(what_nobody_hears_is_not_kept),
		TEST(input_is_at_its_end),
		TEST(input_is_what_the_embedder_gave),
		TEST(input_is_read_in_parts),
		TEST(one_call_reads_a_mebibyte_at_most),
		TEST(there_are_three_descriptors_and_no_file),
		TEST(outputs_look_like_a_terminal),
		TEST(outputs_may_be_pipes),
		TEST(status_by_path_is_for_the_empty_path_alone),
		TEST(terminals_have_settings_and_a_size_of_zero),
		TEST(the_three_are_always_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

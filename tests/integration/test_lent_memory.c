/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of the host's program in guests, by descriptor: nothing is copied, what the host writes
 * shows, before a call, during one and in all that began at a snapshot, and what it takes away ends
 * a guest and nothing else. And files that are open already.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE 4096u
#define HIGH UINT64_C(0x200000000000) /* nothing of the guest's is here */

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008u
#endif

/* Memory that this process can write to at BYTES. */
struct memory {
	int fd;
	size_t size;
	unsigned char *bytes;
};

static struct memory memory_of(size_t size, unsigned flags)
{
	struct memory memory = { .fd = memfd_create("lent", MFD_CLOEXEC | flags), .size = size };

	assert_true(memory.fd >= 0);
	assert_int_equal(ftruncate(memory.fd, (off_t)size), 0);
	memory.bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd, 0);
	assert_true(memory.bytes != MAP_FAILED);
	return memory;
}

static void memory_end(struct memory *memory)
{
	munmap(memory->bytes, memory->size);
	close(memory->fd);
}

static void map(struct guest *g, int fd, uint64_t address, const char *label)
{
	EXPECT_STATUS(g, mote_sandbox_map_fd(g->sb, fd, address, label, &g->err), MOTE_OK);
}

static void map_fails(struct guest *g, mote_status want, const char *text, int fd, uint64_t address,
		      const char *label)
{
	EXPECT_STATUS(g, mote_sandbox_map_fd(g->sb, fd, address, label, &g->err), want);
	EXPECT_MESSAGE(g, text);
}

/* What the guest sees at HIGH plus OFFSET. */
static unsigned seen(struct guest *g, uint64_t offset)
{
	return CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH + offset))).as.u32;
}

/* And what the host is told that it sees. */
static unsigned told(struct guest *g, uint64_t offset)
{
	unsigned char byte = 0xee;

	EXPECT_STATUS(g, mote_sandbox_read(g->sb, HIGH + offset, &byte, 1, &g->err), MOTE_OK);
	return byte;
}

static void what_the_host_writes_the_guest_sees(struct guest *g)
{
	struct memory memory = memory_of(3 * PAGE, 0);

	map(g, memory.fd, HIGH, "board");
	assert_true(CALL(g, "AddressOf", MOTE_ARGS("board")).as.u64 == HIGH);
	assert_true(CALL(g, "SizeOf", MOTE_ARGS("board")).as.u64 == 3 * PAGE);
	for (unsigned i = 0; i < rounds(50); i++) {
		const size_t at = i * 997 % (3 * PAGE);
		const unsigned char byte = (unsigned char)(i + 1);

		memory.bytes[at] = byte;
		assert_int_equal(seen(g, at), byte);
		assert_int_equal(told(g, at), byte);
		/* and once more where the guest has looked already */
		assert_int_equal(pwrite(memory.fd, &(unsigned char){ 0xc0 }, 1, (off_t)at), 1);
		assert_int_equal(seen(g, at), 0xc0);
	}
	assert_int_equal(CALL(g, "CountCalls", MOTE_NO_ARGS).as.i32, 1);
	memory_end(&memory);
}

/* Pages that were never written to, and pages that are given back. */
static void holes_are_zero_until_they_are_filled(struct guest *g)
{
	struct memory memory = memory_of(2 * PAGE, 0);

	map(g, memory.fd, HIGH, "holes");
	assert_int_equal(seen(g, PAGE), 0);
	memory.bytes[PAGE] = 5;
	assert_int_equal(seen(g, PAGE), 5);
	assert_int_equal(
		fallocate(memory.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE), 0);
	assert_int_equal(seen(g, PAGE), 0);
	memory.bytes[PAGE] = 6;
	assert_int_equal(seen(g, PAGE), 6);
	memory_end(&memory);
}

/* What a host function does, called by the guest: adds 1 to a byte. */
static mote_status add_one(void *user, const mote_value *args, size_t nargs, mote_value *result,
			   mote_error *err)
{
	(void)args;
	(void)nargs;
	(void)err;
	++*(unsigned char *)user;
	*result = mote_i32(0);
	return MOTE_OK;
}

static void what_is_written_during_a_call_shows_in_it(struct guest *g)
{
	struct memory memory = memory_of(PAGE, 0);
	const mote_host_function function = {
		.name = "MapNow", .fn = add_one, .user = memory.bytes + 7, .result = MOTE_I32
	};

	EXPECT_STATUS(g,
		      mote_sandbox_new(&g->sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .functions = &function,
						    .nfunctions = 1),
				       &g->err),
		      MOTE_OK);
	map(g, memory.fd, HIGH, "board");
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(CALL(g, "ReadAround", MOTE_ARGS(mote_u64(HIGH + 7))).as.u32,
				 i << 8 | (i + 1));
	memory_end(&memory);
}

static void the_guest_writes_nothing(struct guest *g)
{
	struct memory memory = memory_of(PAGE, 0);

	memory.bytes[3] = 0x77;
	map(g, memory.fd, HIGH, "mine");
	assert_int_equal(CALL(g, "Protect", MOTE_ARGS(mote_u64(HIGH), mote_u64(PAGE), 3u)).as.i32,
			 -EACCES);
	assert_int_equal(CALL(g, "ReadInto", MOTE_ARGS(mote_u64(HIGH))).as.i32, -EFAULT);
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, HIGH, "x", 1, &g->err), MOTE_E_INVALID);
	EXPECT_MESSAGE(g, "is in the mapped file \"mine\", which nobody may write");
	CALL_FAILS(g, MOTE_E_GUEST_FAULT,
		   "page fault: write at 0x200000000003 (mapped file \"mine\")", "WriteAt",
		   MOTE_ARGS(mote_u64(HIGH + 3)));
	assert_int_equal(memory.bytes[3], 0x77);
	map_fails(g, MOTE_E_STATE, ": cannot be mapped: the sandbox is poisoned: call \"WriteAt\"",
		  memory.fd, HIGH + PAGE, "more");
	memory_end(&memory);
}

static void the_descriptor_stays_the_callers(struct guest *g)
{
	struct memory memory = memory_of(PAGE, 0);
	char label[32];

	assert_int_equal(lseek(memory.fd, 100, SEEK_SET), 100);
	memory.bytes[0] = 1;
	map(g, memory.fd, HIGH, NULL);
	/* from the beginning, and where it was it is */
	assert_int_equal(seen(g, 0), 1);
	assert_int_equal(told(g, 0), 1);
	assert_int_equal(lseek(memory.fd, 0, SEEK_CUR), 100);
	assert_int_equal(fcntl(memory.fd, F_GETFD), FD_CLOEXEC);
	/* the same memory at two places, and no longer by that descriptor */
	map(g, memory.fd, HIGH + PAGE, "again");
	assert_int_equal(close(memory.fd), 0);
	memory.bytes[0] = 2;
	assert_int_equal(seen(g, 0), 2);
	assert_int_equal(seen(g, PAGE), 2);
	assert_int_equal(told(g, PAGE), 2);
	/* without a label it has the descriptor's number */
	snprintf(label, sizeof label, "descriptor %d", memory.fd);
	assert_string_equal(CALL(g, "Label", MOTE_ARGS(0u)).as.str.ptr, label);
	map_fails(g, MOTE_E_OS, label, memory.fd, HIGH + 2 * PAGE, "closed");
	EXPECT_MESSAGE(g, "Bad file descriptor");
	munmap(memory.bytes, PAGE);
}

/* A guest for each seal: none is in the way, of the host neither. */
static void sealed_memory_can_be_mapped(struct guest *g)
{
	static const struct {
		const char *name;
		unsigned flags;
		int seals;
	} rows[] = {
		{ "no size", 0, F_SEAL_SHRINK | F_SEAL_GROW },
		{ "no writing", 0, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL },
		{ "no new writers", 0, 0x0010 /* F_SEAL_FUTURE_WRITE */ },
		{ "not a program", MFD_NOEXEC_SEAL, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		/* mov $42, %eax; ret */
		static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
		const uint64_t at = HIGH + i * PAGE;
		int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING | rows[i].flags);

		if (fd < 0 && errno == EINVAL) {
			print_message("SKIP: %s: no such memory on this system\n", rows[i].name);
			continue;
		}
		assert_true(fd >= 0);
		assert_int_equal(pwrite(fd, code, sizeof code, 0), sizeof code);
		if (rows[i].seals && fcntl(fd, F_ADD_SEALS, rows[i].seals) != 0)
			fail_msg("%s: %s", rows[i].name, strerror(errno));
		map(g, fd, at, rows[i].name);
		assert_int_equal(CALL(g, "CallAt", MOTE_ARGS(mote_u64(at), 0)).as.i32, 42);
		assert_int_equal(told(g, at - HIGH + 1), 42);
		close(fd);
	}
}

/* A snapshot has the memory, not what was in it. */
static void snapshots_refer_to_the_memory(struct guest *g)
{
	struct memory memory = memory_of(2 * PAGE, 0);
	mote_snapshot *without, *with;
	mote_sandbox *own = g->sb;

	EXPECT_STATUS(g, mote_snapshot_take(&without, g->sb, &g->err), MOTE_OK);
	memory.bytes[0] = 1;
	map(g, memory.fd, HIGH, "board");
	assert_int_equal(seen(g, 0), 1);
	EXPECT_STATUS(g, mote_snapshot_take(&with, g->sb, &g->err), MOTE_OK);
	memory.bytes[0] = 2;
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, with, &g->err), MOTE_OK);
	assert_int_equal(seen(g, 0), 2);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, without, &g->err), MOTE_OK);
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 0);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "read at 0x200000000000 (not mapped)", "ReadAt",
		   MOTE_ARGS(mote_u64(HIGH)));
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, with, &g->err), MOTE_OK);
	memory.bytes[0] = 3;
	assert_int_equal(seen(g, 0), 3);

	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&g->sb, g->rt, with, NULL, &g->err), MOTE_OK);
	memory.bytes[PAGE] = 4; /* a page that nobody has looked at */
	assert_int_equal(seen(g, 0), 3);
	assert_int_equal(seen(g, PAGE), 4);
	mote_sandbox_free(own);
	mote_snapshot_unref(with);
	mote_snapshot_unref(without);
	memory.bytes[0] = 5;
	assert_int_equal(seen(g, 0), 5);
	memory_end(&memory);
}

static void all_sandboxes_of_a_pool_see_the_memory(struct guest *g)
{
	struct memory memory = memory_of(PAGE, 0);
	mote_sandbox *both[2], *own = g->sb;
	mote_snapshot *snapshot;
	mote_pool *pool;

	map(g, memory.fd, HIGH, "board");
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g,
		      mote_pool_new(&pool, g->rt, snapshot,
				    MOTE_OPTIONS(mote_pool_options, .minimum = 2), &g->err),
		      MOTE_OK);
	for (unsigned char round = 1; round <= 3; round++) {
		for (int i = 0; i < 2; i++)
			EXPECT_STATUS(g, mote_pool_acquire(&both[i], pool, &g->err), MOTE_OK);
		memory.bytes[9] = round;
		for (int i = 0; i < 2; i++) {
			g->sb = both[i];
			assert_int_equal(seen(g, 9), round);
			mote_pool_release(pool, both[i]);
		}
	}
	g->sb = own;
	mote_pool_free(pool);
	mote_snapshot_unref(snapshot);
	memory_end(&memory);
}

static void memory_that_is_cut_ends_its_guest_alone(struct guest *g)
{
	struct memory memory = memory_of(3 * PAGE, 0);
	mote_snapshot *snapshot;
	unsigned char byte;

	map(g, memory.fd, HIGH, "lent");
	memory.bytes[0] = 8;
	assert_int_equal(seen(g, 2 * PAGE), 0);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	assert_int_equal(ftruncate(memory.fd, PAGE), 0);
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, HIGH + 2 * PAGE, &byte, 1, &g->err), MOTE_E_OS);
	EXPECT_MESSAGE(g, "the mapped file \"lent\" was cut from 12288 to 4096 bytes");
	assert_int_equal(seen(g, 0), 8);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "mapped file \"lent\"", "ReadAt",
		   MOTE_ARGS(mote_u64(HIGH + 2 * PAGE)));
	EXPECT_MESSAGE(g, "cut from 12288 to 4096 bytes after it was mapped");
	/* and it may be whole again */
	assert_int_equal(ftruncate(memory.fd, 3 * PAGE), 0);
	memory.bytes[2 * PAGE] = 9;
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	assert_int_equal(seen(g, 2 * PAGE), 9);
	mote_snapshot_unref(snapshot);
	memory_end(&memory);
}

/* Whether the core file at PATH lists memory at ADDRESS, and has SIZE BYTES somewhere. */
static void look_at_core(const char *path, uint64_t address, bool *is_listed, const char *bytes,
			 size_t size, bool *has_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const off_t length = lseek(fd, 0, SEEK_END);

	assert_true(length > 0);
	char *all = mmap(NULL, (size_t)length, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(all != MAP_FAILED);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)(void *)all;
	const Elf64_Phdr *segments = (const Elf64_Phdr *)(void *)(all + header->e_phoff);
	*is_listed = false;
	for (unsigned i = 0; i < header->e_phnum; i++)
		*is_listed |= segments[i].p_vaddr == address && segments[i].p_filesz == 0;
	*has_bytes = memmem(all, (size_t)length, bytes, size);
	munmap(all, (size_t)length);
	close(fd);
}

/* Core files are given to others: what the host lends is listed there, as files are, and not in
 * it. */
static void core_files_list_the_memory(struct guest *g)
{
	/* no copy of it in the guest's own memory is to be found */
	static const char text[] = "written by the host, seen by the guest";
	struct memory memory = memory_of(2 * PAGE, 0);
	bool is_listed = false, has_bytes = true;
	char path[64];

	snprintf(path, sizeof path, "/tmp/mote-lent-%d", (int)getpid());
	map(g, memory.fd, HIGH, "lent");
	memcpy(memory.bytes, text, sizeof text);
	assert_int_equal(seen(g, 0), text[0]);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "write at", "WriteAt", MOTE_ARGS(mote_u64(HIGH)));
	mote_status status = mote_sandbox_core(g->sb, path, &g->err);
	if (!status)
		look_at_core(path, HIGH, &is_listed, text, sizeof text, &has_bytes);
	unlink(path);
	EXPECT_STATUS(g, status, MOTE_OK);
	assert_true(is_listed);
	assert_false(has_bytes);
	memory_end(&memory);
}

static void what_cannot_be_mapped_is_refused(struct guest *g)
{
	struct memory memory = memory_of(PAGE, 0);
	char path[64];
	int pipe[2], sockets[2];

	snprintf(path, sizeof path, "/proc/self/fd/%d", memory.fd);
	assert_int_equal(pipe2(pipe, O_CLOEXEC), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	const int gone = dup(memory.fd);
	const struct {
		int fd;
		mote_status status;
		const char *text;
	} rows[] = {
		{ -1, MOTE_E_OS, "cannot open descriptor -1: Bad file descriptor" },
		{ INT_MIN, MOTE_E_OS, "cannot open descriptor -2147483648: Bad file descriptor" },
		{ gone, MOTE_E_OS, "Bad file descriptor" },
		{ open("/", O_RDONLY | O_CLOEXEC), MOTE_E_INVALID,
		  ": is a directory; only regular files can be mapped" },
		{ pipe[0], MOTE_E_INVALID, ": is a pipe; only" },
		{ sockets[0], MOTE_E_INVALID, ": is a socket or the like; only" },
		{ eventfd(0, EFD_CLOEXEC), MOTE_E_INVALID, ": is a socket or the like; only" },
		{ open("/dev/zero", O_RDONLY | O_CLOEXEC), MOTE_E_INVALID, ": is a device; only" },
		{ memfd_create("empty", MFD_CLOEXEC), MOTE_E_INVALID, ": is empty; a mapping" },
		{ open(path, O_WRONLY | O_CLOEXEC), MOTE_E_OS, " for reading: Permission denied" },
		{ open("/proc/self/exe", O_PATH | O_CLOEXEC), MOTE_E_OS,
		  " for reading: Bad file descriptor" },
	};

	close(gone);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char name[40];

		snprintf(name, sizeof name, "descriptor %d", rows[i].fd);
		map_fails(g, rows[i].status, rows[i].text, rows[i].fd, HIGH, "x");
		EXPECT_MESSAGE(g, name);
		if (i > 2)
			close(rows[i].fd);
	}
	close(pipe[1]);
	close(sockets[1]);
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 0);
	map(g, memory.fd, HIGH, "x");
	memory_end(&memory);
}

static void places_and_labels_are_as_with_files(struct guest *g)
{
	struct memory memory = memory_of(2 * PAGE, 0);
	char name[40], text[100];

	snprintf(name, sizeof name, "descriptor %d", memory.fd);
	snprintf(text, sizeof text, "%s: cannot be mapped at 0x200000000001, which is no multiple",
		 name);
	map_fails(g, MOTE_E_INVALID, text, memory.fd, HIGH + 1, "x");
	snprintf(text, sizeof text, "%s: cannot be mapped at 0x0; guests have", name);
	map_fails(g, MOTE_E_INVALID, text, memory.fd, 0, "x");
	map_fails(g, MOTE_E_INVALID, "the label is empty", memory.fd, HIGH, "");
	map_fails(g, MOTE_E_INVALID, "a control character", memory.fd, HIGH, "a\nb");
	map(g, memory.fd, HIGH, "first");
	map_fails(g, MOTE_E_INVALID,
		  "the mapped file \"second\" at 0x200000001000..0x200000003000 would overlap the "
		  "mapped file \"first\" at 0x200000000000..0x200000002000",
		  memory.fd, HIGH + PAGE, "second");
	map_fails(g, MOTE_E_INVALID, "the label \"first\" is that of the file at", memory.fd,
		  HIGH + 2 * PAGE, "first");
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 1);
	memory_end(&memory);
}

/* A host function that maps into the sandbox at USER, which is running it. */
static mote_status map_now(void *user, const mote_value *args, size_t nargs, mote_value *result,
			   mote_error *err)
{
	mote_error refused = { .message = "" };
	mote_status status = mote_sandbox_map_fd(*(mote_sandbox **)user, 0, HIGH, "x", &refused);

	(void)args;
	(void)nargs;
	(void)err;
	assert_string_equal(refused.message, "descriptor 0: cannot be mapped while the guest runs "
					     "\"MapDuringCall\"");
	*result = mote_i32((int32_t)status);
	return MOTE_OK;
}

static void nothing_can_be_mapped_during_a_call(struct guest *g)
{
	const mote_host_function function = {
		.name = "MapNow",
		.fn = map_now,
		.user = &g->sb,
		.result = MOTE_I32,
	};

	EXPECT_STATUS(g,
		      mote_sandbox_new(&g->sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .functions = &function,
						    .nfunctions = 1),
				       &g->err),
		      MOTE_OK);
	assert_int_equal(CALL(g, "MapDuringCall", MOTE_NO_ARGS).as.i32, MOTE_E_STATE);
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 0);
}

/* One that has no name any more, open for reading alone. */
static void a_file_that_is_open_can_be_mapped(struct guest *g)
{
	char path[] = "/tmp/mote-test-XXXXXX";
	const int writer = mkstemp(path), reader = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(writer >= 0 && reader >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(writer, "\x05", 1), 1);
	mote_status status = mote_sandbox_map_fd(g->sb, reader, HIGH, "open", &g->err);
	close(reader);
	if (status == MOTE_E_OS) { /* /tmp may be mounted so */
		EXPECT_MESSAGE(g, "noexec");
		print_message("SKIP: nothing in /tmp may be executed\n");
		close(writer);
		return;
	}
	EXPECT_STATUS(g, status, MOTE_OK);
	assert_true(CALL(g, "Sum", MOTE_ARGS("open")).as.u64 == 5);
	assert_true(CALL(g, "SizeOf", MOTE_ARGS("open")).as.u64 == 1);
	close(writer);
}

static const struct row rows[] = {
	{ "what the host writes", "files", what_the_host_writes_the_guest_sees, NULL, false },
	{ "holes", "files", holes_are_zero_until_they_are_filled, NULL, false },
	{ "during a call", "files", what_is_written_during_a_call_shows_in_it, NULL, true },
	{ "the guest writes nothing", "files", the_guest_writes_nothing, NULL, false },
	{ "whose the descriptor is", "files", the_descriptor_stays_the_callers, NULL, false },
	{ "sealed memory", "files", sealed_memory_can_be_mapped, NULL, false },
	{ "snapshots", "files", snapshots_refer_to_the_memory, NULL, false },
	{ "a pool", "files", all_sandboxes_of_a_pool_see_the_memory, NULL, false },
	{ "memory that is cut", "files", memory_that_is_cut_ends_its_guest_alone, NULL, false },
	{ "core files", "files", core_files_list_the_memory, NULL, false },
	{ "what cannot be mapped", "files", what_cannot_be_mapped_is_refused, NULL, false },
	{ "places and labels", "files", places_and_labels_are_as_with_files, NULL, false },
	{ "nothing during a call", "files", nothing_can_be_mapped_during_a_call, NULL, true },
	{ "a file that is open", "files", a_file_that_is_open_can_be_mapped, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

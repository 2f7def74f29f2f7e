/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where guests stood when they crashed: messages, back-traces with and without debug information,
 * and core files, of guests that are honest and of guests that are not.
 */
#include "integration/harness.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A back-trace, with its texts cut. */
struct seen {
	size_t count;
	struct {
		mote_frame_info info;
		char function[64];
		char file[64];
	} frames[2 * MOTE_MAX_FRAMES];
};

static void see(void *user, const mote_frame_info *info)
{
	struct seen *seen = user;

	assert_true(seen->count < MOTE_MAX_FRAMES);
	seen->frames[seen->count].info = *info;
	snprintf(seen->frames[seen->count].function, 64, "%s",
		 info->function ? info->function : "");
	snprintf(seen->frames[seen->count].file, 64, "%s", info->file ? info->file : "");
	seen->count++;
}

static struct seen look(struct guest *g, mote_sandbox *sb)
{
	struct seen seen = { .count = 0 };

	EXPECT_STATUS(g, mote_sandbox_backtrace(sb, see, &seen, &g->err), MOTE_OK);
	assert_true(seen.count > 0);
	return seen;
}

/* The line of crashes.c that is marked NAME. */
static uint32_t marked(const char *name)
{
	char line[256], mark[64];
	FILE *source = fopen(getenv("MOTE_TEST_CRASHES"), "r");

	assert_non_null(source);
	snprintf(mark, sizeof mark, "/* LINE %s */", name);
	for (uint32_t number = 1; fgets(line, sizeof line, source); number++) {
		if (strstr(line, mark)) {
			fclose(source);
			return number;
		}
	}
	fail_msg("crashes.c has no line that is marked %s", name);
	return 0;
}

/* The guest has frame pointers; that its libc has none does not matter here. */
static void callers_are_found_by_frame_pointers(struct guest *g)
{
	static const char *const functions[] = { "inner", "middle", "outer", "mote_entry_Crash" };

	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "page fault: write at 0x18 (not mapped), in inner+0x",
		   "Crash", MOTE_ARGS(mote_u64(0x18)));
	struct seen seen = look(g, g->sb);
	assert_true(seen.count > 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(seen.frames[i].function, functions[i]);
		/* compilers leave out the frame of a function that calls nothing */
		assert_true(!seen.frames[i].info.is_guess || i == 1);
		assert_false(seen.frames[i].info.is_inlined);
		assert_string_equal(seen.frames[i].file, "");
		assert_int_equal(seen.frames[i].info.line, 0);
	}
	assert_true(seen.frames[0].info.address == g->err.guest_pc);
	assert_true(seen.frames[0].info.offset < 64);
}

/* A runtime that reads debug information, and a sandbox. False, after it has said so, where there
 * is no libdw. */
static bool open_lines(struct guest *g, mote_runtime **rt, mote_image **image, mote_sandbox **sb)
{
	EXPECT_STATUS(g,
		      mote_runtime_new(rt,
				       MOTE_OPTIONS(mote_runtime_options, .backend = g->backend,
						    .debug_info = true),
				       &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_image_load_file(image, *rt, g->path, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_new(sb, *image, NULL, &g->err), MOTE_OK);
	mote_status status = mote_call(*sb, "Crash", MOTE_ARGS(mote_u64(8)), NULL, &g->err);
	EXPECT_STATUS(g, status, MOTE_E_GUEST_FAULT);
	if (strstr(g->err.message, "crashes.c:"))
		return true;
	if (getenv("MOTE_TEST_HAS_LIBDW"))
		fail_msg("%s: no lines, but there is libdw: %s", g->where, g->err.message);
	print_message("SKIP: %s: no libdw here, so no lines\n", g->where);
	return false;
}

static void close_lines(mote_runtime *rt, mote_image *image, mote_sandbox *sb)
{
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
}

static void lines_come_from_debug_information(struct guest *g)
{
	static const struct {
		const char *function, *mark;
		bool is_inlined;
	} frames[] = {
		{ "inner", "inner", false },   { "folded", "folded", true },
		{ "middle", "middle", false }, { "outer", "outer", false },
		{ "Crash", "Crash", true },
	};
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;
	char text[128];

	if (open_lines(g, &rt, &image, &sb)) {
		snprintf(text, sizeof text,
			 "page fault: write at 0x8 (not mapped), in inner at crashes.c:%u",
			 marked("inner"));
		EXPECT_MESSAGE(g, text);
		struct seen seen = look(g, sb);
		assert_true(seen.count > sizeof frames / sizeof frames[0]);
		for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
			assert_string_equal(seen.frames[i].function, frames[i].function);
			assert_int_equal(seen.frames[i].info.line, marked(frames[i].mark));
			assert_int_equal(seen.frames[i].info.is_inlined, frames[i].is_inlined);
			assert_non_null(strstr(seen.frames[i].file, "crashes.c"));
		}
		assert_string_equal(seen.frames[seen.count - 1].function, "dispatch_entry");
	}
	close_lines(rt, image, sb);
}

/* abort() has no frame pointer, nor has what is under it. */
static void callers_come_from_debug_information(struct guest *g)
{
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb, *other = NULL;

	if (open_lines(g, &rt, &image, &sb)) {
		EXPECT_STATUS(g, mote_sandbox_new(&other, image, NULL, &g->err), MOTE_OK);
		EXPECT_STATUS(g, mote_call(other, "Abort", MOTE_NO_ARGS, NULL, &g->err),
			      MOTE_E_GUEST_ABORT);
		struct seen seen = look(g, other);
		size_t i = 0;
		while (i < seen.count && strcmp(seen.frames[i].function, "mote_entry_Abort") != 0)
			i++;
		assert_in_range(i, 2, seen.count - 1);
		assert_string_equal(seen.frames[seen.count - 1].function, "dispatch_entry");
	}
	mote_sandbox_free(other);
	close_lines(rt, image, sb);
}

/* A frame pointer that nobody vouches for may be anything. */
static void frames_without_description_are_guesses(struct guest *g)
{
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb, *other = NULL;
	mote_value first;

	if (open_lines(g, &rt, &image, &sb)) {
		EXPECT_STATUS(g, mote_sandbox_new(&other, image, NULL, &g->err), MOTE_OK);
		EXPECT_STATUS(g,
			      mote_call(other, "MakeFrames", MOTE_ARGS(5u, 16, mote_u64(0)), &first,
					&g->err),
			      MOTE_OK);
		const uint64_t at = first.as.u64;
		EXPECT_STATUS(g,
			      mote_call(other, "CrashBare", MOTE_ARGS(mote_u64(at), mote_u64(at)),
					NULL, &g->err),
			      MOTE_E_GUEST_FAULT);
		EXPECT_MESSAGE(g, "invalid instruction, in bare+0x0");
		struct seen seen = look(g, other);
		for (size_t i = 1; i < seen.count; i++)
			assert_true(seen.frames[i].info.is_guess);
	}
	mote_sandbox_free(other);
	close_lines(rt, image, sb);
}

static void a_call_to_nowhere_names_the_caller(struct guest *g)
{
	CALL_FAILS(g, MOTE_E_GUEST_FAULT,
		   "execute at 0x0 (not mapped), at instruction 0x0, called by call+0x", "CallTo",
		   MOTE_ARGS(mote_u64(0)));
	struct seen seen = look(g, g->sb);
	assert_int_equal(seen.frames[0].info.address, 0);
	assert_string_equal(seen.frames[0].function, "");
	assert_string_equal(seen.frames[1].function, "call");
	assert_false(seen.frames[1].info.is_guess);
	assert_string_equal(seen.frames[2].function, "mote_entry_CallTo");
}

/* A sandbox like the one that crashed. */
static void again(struct guest *g)
{
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, NULL, &g->err), MOTE_OK);
}

static void temporary(char path[64])
{
	snprintf(path, 64, "/tmp/mote-core-%d", (int)getpid());
	unlink(path);
}

/* A core file can be written, and says that the guest died of SIGNAL. */
static void expect_core(struct guest *g, mote_sandbox *sb, int32_t signal)
{
	char path[64];
	Elf64_Ehdr header;
	Elf64_Phdr notes;
	int32_t found;

	temporary(path);
	EXPECT_STATUS(g, mote_sandbox_core(sb, path, &g->err), MOTE_OK);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(&header, sizeof header, 1, file), 1);
	assert_int_equal(header.e_type, ET_CORE);
	assert_int_equal(fread(&notes, sizeof notes, 1, file), 1);
	/* the first note is NT_PRSTATUS, which begins with the signal */
	assert_int_equal(fseek(file, (long)notes.p_offset + 20, SEEK_SET), 0);
	assert_int_equal(fread(&found, sizeof found, 1, file), 1);
	assert_int_equal(found, signal);
	fclose(file);
	unlink(path);
}

static void stacks_may_be_anywhere(struct guest *g)
{
	static const uint64_t addresses[] = {
		0,
		1,
		8,
		UINT64_MAX,
		UINT64_MAX - 7,
		UINT64_MAX - 15,
		UINT64_C(0x800000000000),
		UINT64_C(0x7fffffffeff8),
		0x10000,
		0x11ff8,
		0x12000,
		0x100000,
		0x107ff8,
		0x1ffff8,
	};
	const size_t count = sizeof addresses / sizeof addresses[0];

	for (size_t i = 0; i < count; i++) {
		mote_status status = mote_call(
			g->sb, "CrashWith",
			MOTE_ARGS(mote_u64(addresses[i]), mote_u64(addresses[(i * 5 + 3) % count])),
			NULL, &g->err);
		assert_int_equal(mote_status_class(status), MOTE_CLASS_POISON);
		look(g, g->sb);
		expect_core(g, g->sb, SIGILL);
		again(g);
	}
}

/* How many frames of COUNT that lie STEP apart are seen. */
static size_t frames_seen(struct guest *g, uint32_t count, int32_t step, uint64_t last)
{
	uint64_t first = CALL(g, "MakeFrames", MOTE_ARGS(count, step, mote_u64(last))).as.u64;
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "", "CrashWith",
		   MOTE_ARGS(mote_u64(first - 16), mote_u64(first)));
	struct seen seen = look(g, g->sb);
	size_t n = 0;
	for (size_t i = 1; i < seen.count; i++)
		n += strcmp(seen.frames[i].function, "outer") == 0 && !seen.frames[i].info.is_guess;
	again(g);
	return n;
}

static void chains_end_and_ascend(struct guest *g)
{
	assert_int_equal(frames_seen(g, 5, 16, 0), 5);
	assert_int_equal(frames_seen(g, 5, 4000, 0), 5);
	/* more than there is room for: the first is the function itself */
	assert_int_equal(frames_seen(g, 1000, 16, 0), MOTE_MAX_FRAMES - 1);
	/* a frame whose caller is itself, or below it, or beside a word */
	assert_int_equal(frames_seen(g, 5, 0, 0), 1);
	uint64_t first = CALL(g, "MakeFrames", MOTE_ARGS(1u, 16, mote_u64(0))).as.u64;
	assert_int_equal(frames_seen(g, 1, 16, first), 1);
	assert_int_equal(frames_seen(g, 3, -16, 0), 1);
	assert_int_equal(frames_seen(g, 3, 20, 0), 1);
	/* a caller in memory that is none */
	assert_int_equal(frames_seen(g, 3, 16, 0x20), 3);
	assert_int_equal(frames_seen(g, 3, 16, UINT64_MAX & ~UINT64_C(7)), 3);
	assert_int_equal(frames_seen(g, 3, 16, UINT64_C(0x7ffffffffff8)), 3);
}

/* What the function for crashes saw. */
struct told {
	struct guest *g;
	int times;
	mote_status status;
	size_t nframes;
};

static void crashed(void *user, mote_sandbox *sb, mote_status status)
{
	struct told *told = user;

	told->times++;
	told->status = status;
	told->nframes = look(told->g, sb).count;
	assert_true(mote_sandbox_is_poisoned(sb));
	expect_core(told->g, sb, status == MOTE_E_GUEST_FAULT ? SIGSEGV : SIGABRT);
}

static void crashes_are_told(struct guest *g)
{
	struct told told = { .g = g };
	mote_snapshot *snapshot;

	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g,
		      mote_sandbox_new(&g->sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .crashed = crashed,
						    .crashed_user = &told),
				       &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	CALL(g, "Text", MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_NO_FUNCTION, "", "None", MOTE_NO_ARGS);
	assert_int_equal(told.times, 0);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "", "Crash", MOTE_ARGS(mote_u64(8)));
	assert_int_equal(told.times, 1);
	assert_int_equal(told.status, MOTE_E_GUEST_FAULT);
	assert_true(told.nframes > 3);
	CALL_FAILS(g, MOTE_E_STATE, "", "Crash", MOTE_ARGS(mote_u64(8)));
	assert_int_equal(told.times, 1);
	/* restored, it has not crashed, and can do so again */
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	look(g, g->sb);
	expect_core(g, g->sb, 0);
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "", "Abort", MOTE_NO_ARGS);
	assert_int_equal(told.times, 2);
	assert_int_equal(told.status, MOTE_E_GUEST_ABORT);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	expect_core(g, g->sb, 0);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "", "Crash", MOTE_ARGS(mote_u64(8)));
	assert_int_equal(told.times, 3);
	mote_snapshot_unref(snapshot);
}

static struct guest *looking;

static mote_status look_from_host(void *user, const mote_value *args, size_t nargs,
				  mote_value *result, mote_error *err)
{
	struct seen seen = { .count = 0 };

	(void)user, (void)args, (void)nargs, (void)result, (void)err;
	assert_int_equal(mote_sandbox_backtrace(looking->sb, see, &seen, &looking->err),
			 MOTE_E_STATE);
	assert_int_equal(seen.count, 0);
	assert_int_equal(mote_sandbox_core(looking->sb, "/tmp/mote-no-core", &looking->err),
			 MOTE_E_STATE);
	assert_int_equal(access("/tmp/mote-no-core", F_OK), -1);
	return MOTE_OK;
}

static const mote_host_function look_function = { .name = "Look", .fn = look_from_host };
static const mote_sandbox_options with_look = { .size = sizeof(mote_sandbox_options),
						.functions = &look_function,
						.nfunctions = 1 };

static void nothing_is_seen_while_the_guest_runs(struct guest *g)
{
	looking = g;
	CALL(g, "LookAtMe", MOTE_NO_ARGS);
	/* between calls there is something to see */
	look(g, g->sb);
	expect_core(g, g->sb, 0);
}

static void core_files_appear_whole_or_not_at_all(struct guest *g)
{
	char path[64];
	struct stat info;

	temporary(path);
	EXPECT_STATUS(g, mote_sandbox_core(g->sb, "/nonexistent/core", &g->err), MOTE_E_OS);
	EXPECT_MESSAGE(g, "/nonexistent/core");
	assert_int_equal(g->err.os_error, ENOENT);
	/* a file that is there is replaced, not written to; one that cannot be is left alone */
	assert_int_equal(symlink("/dev/full", path), 0);
	EXPECT_STATUS(g, mote_sandbox_core(g->sb, path, &g->err), MOTE_OK);
	assert_int_equal(lstat(path, &info), 0);
	assert_true(S_ISREG(info.st_mode));
	assert_int_equal(info.st_mode & 0777, 0600);
	/* 64 MiB of heap are holes */
	assert_true(info.st_size > 64 << 20);
	assert_true((uint64_t)info.st_blocks * 512 < 16 << 20);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	EXPECT_STATUS(g, mote_sandbox_core(g->sb, path, &g->err), MOTE_E_OS);
	char command[128];
	snprintf(command, sizeof command, "ls -d %s.* >/dev/null 2>&1", path);
	assert_int_not_equal(system(command), 0);
	rmdir(path);
}

static void find_heap(void *user, const mote_region_info *region)
{
	if (strcmp(region->name, "heap") == 0)
		*(uint64_t *)user = region->address;
}

/* Bytes on the disk of a core file. */
static uint64_t core_room(struct guest *g)
{
	char path[64];
	struct stat info;

	temporary(path);
	EXPECT_STATUS(g, mote_sandbox_core(g->sb, path, &g->err), MOTE_OK);
	assert_int_equal(stat(path, &info), 0);
	unlink(path);
	return (uint64_t)info.st_blocks * 512;
}

static void pages_of_zeroes_take_no_room(struct guest *g)
{
	const size_t size = 4 << 20;
	uint64_t heap = 0;
	char *bytes = calloc(1, size);

	assert_non_null(bytes);
	EXPECT_STATUS(g, mote_image_layout(g->image, NULL, find_heap, &heap, &g->err), MOTE_OK);
	const uint64_t before = core_room(g);
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, heap + (32 << 20), bytes, size, &g->err),
		      MOTE_OK);
	assert_true(core_room(g) < before + size / 2);
	memset(bytes, 1, size);
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, heap + (32 << 20), bytes, size, &g->err),
		      MOTE_OK);
	assert_true(core_room(g) > before + size / 2);
	free(bytes);
}

static void find(void *user, const char *name, uint64_t address, uint64_t size, bool is_function)
{
	uint64_t *number = user;

	assert_true(name[0] != '\0');
	if (strcmp(name, "crashes_number") != 0)
		return;
	assert_false(is_function);
	assert_int_equal(size, 4);
	*number = address;
}

static void variables_are_found_by_name(struct guest *g)
{
	uint64_t address = 0;
	int32_t number = 0;

	EXPECT_STATUS(g, mote_image_symbols(g->image, find, &address, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, address, &number, sizeof number, &g->err),
		      MOTE_OK);
	assert_int_equal(number, 1234567);
}

#define ROW(name, test)                                                                            \
	{                                                                                          \
		name, "crashes", test, NULL, false                                                 \
	}
static const struct row rows[] = {
	ROW("callers are found by frame pointers", callers_are_found_by_frame_pointers),
	ROW("lines come from debug information", lines_come_from_debug_information),
	ROW("callers come from debug information", callers_come_from_debug_information),
	ROW("frames without description are guesses", frames_without_description_are_guesses),
	ROW("a call to nowhere names the caller", a_call_to_nowhere_names_the_caller),
	ROW("stacks may be anywhere", stacks_may_be_anywhere),
	ROW("chains end, and ascend", chains_end_and_ascend),
	ROW("crashes are told", crashes_are_told),
	{ "nothing is seen while the guest runs", "crashes", nothing_is_seen_while_the_guest_runs,
	  &with_look, false },
	ROW("core files appear whole or not at all", core_files_appear_whole_or_not_at_all),
	ROW("pages of zeroes take no room", pages_of_zeroes_take_no_room),
	ROW("variables are found by name", variables_are_found_by_name),
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole library on a host that fails: each allocation and each system call, one after the
 * other, in all that a program does with a runtime, an image and a sandbox. Whatever
 * fails ends in an error with a message or does not matter, poisons the sandbox or leaves it as
 * it was, and leaves nothing behind.
 */
#define _GNU_SOURCE
#include "mem/scratch_file.h"
#include "sandbox/failing.h"

#include <errno.h>
#include <fcntl.h>
#include <mote/interrupt.h>
#include <mote/pool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where files are mapped, and how far apart. */
#define FILES_AT   UINT64_C(0x200000000000)
#define FILES_STEP UINT64_C(0x200000)

/* Steps: what fails. Those that succeed see to it that they did what they were to do. */

/* A backend that fails is one that does not work here: another takes its place, if there is one. */
static mote_status pick_runtime(struct life *life, mote_error *err)
{
	life->may_pick = true;
	if (life->backends[0]->is_hardware)
		life->backends = hv_backends;
	mote_status status = life_make_runtime(life, err);

	if (status == MOTE_E_NO_HYPERVISOR && strstr(err->message, "out of memory"))
		status = err->code = MOTE_E_NOMEM;
	return status;
}

static mote_status load_from_memory(struct life *life, mote_error *err)
{
	static char bytes[4 << 20];
	int fd = open(life->path, O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, bytes, sizeof bytes);

	close(fd);
	assert_in_range(size, 1, sizeof bytes - 1);
	life->image = (mote_image *)life;
	mote_status status =
		mote_image_load_memory(&life->image, life->rt, bytes, (size_t)size, err);
	if (status)
		assert_null(life->image);
	return status;
}

static mote_status call(struct life *life, const char *function, const mote_value *args,
			size_t nargs, mote_value *result, mote_error *err)
{
	*result = mote_i32(-1);
	mote_status status = mote_call(life->sb, function, args, nargs, result, err);
	if (status)
		assert_int_equal(result->type, MOTE_VOID);
	return status;
}

static mote_status call_with_number(struct life *life, mote_error *err)
{
	mote_value result;
	mote_status status = call(life, "EchoI32", MOTE_ARGS(-42), &result, err);

	if (!status)
		assert_int_equal(result.as.i32, -42);
	return status;
}

/* By buffer, filled in place. */
static mote_status call_with_bulk_data(struct life *life, mote_error *err)
{
	const size_t size = 20000;
	mote_buffer *buffer = (mote_buffer *)life;
	mote_value result;
	mote_status status = mote_buffer_new(&buffer, life->sb, size, err);

	if (status) {
		assert_null(buffer);
		return status;
	}
	memset(mote_buffer_data(buffer), 'b', size);
	status = call(life, "CopyBytes", MOTE_ARGS(mote_bytes(mote_buffer_data(buffer), size)),
		      &result, err);
	if (!status)
		assert_memory_equal(result.as.bytes.ptr, mote_buffer_data(buffer), size);
	mote_buffer_free(buffer);
	return status;
}

/* With limits that it keeps, and by which others could stop it. */
static mote_status call_with_limits(struct life *life, mote_error *err)
{
	const uint64_t minute = UINT64_C(60000000000);
	mote_interrupt *interrupt = mote_interrupt_of(life->sb);
	mote_value result = mote_i32(-1);

	if (!interrupt) {
		snprintf(err->message, sizeof err->message, "mote_interrupt_of() says no more");
		return err->code = MOTE_E_NOMEM;
	}
	mote_status status = mote_call_with(
		life->sb, "EchoI32", MOTE_ARGS(-42),
		MOTE_OPTIONS(mote_call_options, .timeout_ns = minute, .cpu_ns = minute), &result,
		err);
	assert_false(mote_interrupt_kill(interrupt));
	mote_interrupt_unref(interrupt);
	if (!status)
		assert_int_equal(result.as.i32, -42);
	return status;
}

static mote_status call_back(struct life *life, mote_error *err)
{
	mote_value result;
	mote_status status = call(life, "CallMany", MOTE_ARGS(5u), &result, err);

	if (!status)
		assert_int_equal(result.as.u64, 0 + 1 + 2 + 3 + 4);
	return status;
}

static mote_status log_line(struct life *life, mote_error *err)
{
	mote_value result;

	life->line[0] = '\0';
	mote_status status = call(life, "Log", MOTE_ARGS(2u, "well done"), &result, err);
	if (!status || life->line[0])
		assert_string_equal(life->line, "well done");
	return status;
}

static mote_status report_error(struct life *life, mote_error *err)
{
	mote_value result;
	mote_status status = call(life, "Fail", MOTE_ARGS(mote_u64(77), "as agreed"), &result, err);

	assert_int_not_equal(status, MOTE_OK);
	if (status == MOTE_E_GUEST_ERROR) {
		assert_int_equal(err->guest_code, 77);
		assert_non_null(strstr(err->message, "as agreed"));
		assert_false(mote_sandbox_is_poisoned(life->sb));
	}
	return status;
}

static mote_status crash(struct life *life, mote_error *err)
{
	mote_value result;
	mote_status status = call(life, "WriteAt", MOTE_ARGS(mote_u64(8)), &result, err);

	assert_int_not_equal(status, MOTE_OK);
	assert_true(mote_sandbox_is_poisoned(life->sb));
	return status;
}

/* Whole, or not at all; only one that cannot be removed is left, under another name. */
static mote_status write_core(struct life *life, mote_error *err)
{
	char folder[] = "/tmp/mote-core-XXXXXX", path[64];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/core", folder);
	mote_status status = mote_sandbox_core(life->sb, path, err);
	assert_int_equal(unlink(path), status ? -1 : 0);
	if (rmdir(folder) != 0) {
		assert_int_not_equal(status, MOTE_OK);
		snprintf(path, sizeof path, "rm -r %s", folder);
		assert_int_equal(system(path), 0);
	}
	assert_false(mote_sandbox_is_poisoned(life->sb));
	return status;
}

/* The guest, not the call, fails when the host has no random bytes. */
static mote_status ask_for_random_bytes(struct life *life, mote_error *err)
{
	mote_value result;
	mote_status status = call(life, "GetRandom", MOTE_ARGS(32u), &result, err);

	if (!status)
		assert_int_equal(result.as.bytes.len, 32);
	return status == MOTE_E_GUEST_ERROR && err->guest_code == EAGAIN ? MOTE_OK : status;
}

/* Each file has the address and the label that the one before was refused, if it was. */
static mote_status map_one(struct life *life, bool is_open, mote_error *err)
{
	struct scratch_file file = scratch_file(5000);
	const uint64_t address = FILES_AT + life->nfiles * FILES_STEP;
	char label[16];

	snprintf(label, sizeof label, "file %u", life->nfiles);
	mote_status status =
		is_open ? mote_sandbox_map_fd(life->sb, file.fd, address, label, err)
			: mote_sandbox_map_file(life->sb, file.path, address, label, err);
	close(file.fd);
	assert_false(mote_sandbox_is_poisoned(life->sb));
	life->nfiles += !status;
	return status;
}

static mote_status map_file(struct life *life, mote_error *err)
{
	return map_one(life, false, err);
}

static mote_status map_descriptor(struct life *life, mote_error *err)
{
	return map_one(life, true, err);
}

static mote_status count_files(struct life *life, mote_error *err)
{
	mote_value result;
	mote_status status = call(life, "Count", MOTE_NO_ARGS, &result, err);

	if (!status)
		assert_int_equal(result.as.u32, life->nfiles);
	return status;
}

static mote_status map_and_read(struct life *life, mote_error *err)
{
	char bytes[4] = "????";
	const uint64_t at = FILES_AT + life->nfiles * FILES_STEP + 3;
	mote_status status = map_file(life, err);

	if (!status)
		status = mote_sandbox_read(life->sb, at, bytes, sizeof bytes, err);
	if (!status)
		assert_memory_equal(bytes, "defg", 4);
	return status;
}

static mote_status take_snapshot(struct life *life, mote_error *err)
{
	mote_snapshot *snapshot = (mote_snapshot *)life;
	mote_status status = mote_snapshot_take(&snapshot, life->sb, err);

	assert_false(mote_sandbox_is_poisoned(life->sb));
	if (status)
		assert_null(snapshot);
	else
		mote_snapshot_unref(snapshot);
	return status;
}

/* SB must be as the snapshot has it, which was taken before anything was counted. */
static mote_status count_first(mote_sandbox *sb, mote_error *err)
{
	mote_value result;
	mote_status status = mote_call(sb, "Count", MOTE_NO_ARGS, &result, err);

	if (!status)
		assert_int_equal(result.as.i32, 101);
	return status;
}

/* Restores SB and counts. In between there is no state but these two: healed and poisoned. */
static mote_status go_back(mote_sandbox *sb, const mote_snapshot *snapshot, mote_error *err)
{
	mote_status status = mote_sandbox_restore(sb, snapshot, err);

	assert_int_equal(mote_sandbox_is_poisoned(sb), status != MOTE_OK);
	if (!status)
		return count_first(sb, err);
	assert_int_equal(mote_call(sb, "Count", MOTE_NO_ARGS, NULL, NULL), MOTE_E_STATE);
	assert_int_equal(mote_snapshot_take(&(mote_snapshot *){ NULL }, sb, NULL), MOTE_E_STATE);
	return status;
}

static mote_status restore(struct life *life, mote_error *err)
{
	return go_back(life->sb, life->clean, err);
}

/* After a crash, and many pages; the second time with what was noted as well. */
static mote_status heal(struct life *life, mote_error *err)
{
	mote_status status = MOTE_OK;

	for (int i = 0; !status && i < 2; i++) {
		(void)!mote_call(life->sb, "Touch", MOTE_ARGS(300u), NULL, NULL);
		(void)!mote_call(life->sb, "Crash", MOTE_NO_ARGS, NULL, NULL);
		status = go_back(life->sb, life->clean, err);
	}
	return status;
}

/* All memory is replaced, twice. */
static mote_status restore_another(struct life *life, mote_error *err)
{
	mote_snapshot *later;
	mote_status status = mote_snapshot_take(&later, life->sb, err);

	if (status)
		return status;
	status = go_back(life->sb, life->clean, err);
	if (!status)
		status = mote_sandbox_restore(life->sb, later, err);
	mote_snapshot_unref(later);
	return status;
}

/* The machine is made anew, since it has a file that the snapshot has not. */
static mote_status restore_without_file(struct life *life, mote_error *err)
{
	mote_status status = map_file(life, err);

	if (!status)
		status = go_back(life->sb, life->clean, err);
	if (!status)
		life->nfiles = 0;
	return status;
}

static mote_status begin_at_snapshot(struct life *life, mote_error *err)
{
	mote_sandbox_options options;
	mote_host_function functions[2];
	mote_sandbox *sb = (mote_sandbox *)life;

	life_options(life, &options, functions);
	options.restore_audit = 2;
	life->ngiven += 2;
	mote_status status = mote_sandbox_from_snapshot(&sb, life->rt, life->clean, &options, err);
	if (status) {
		assert_null(sb);
		return status;
	}
	status = count_first(sb, err);
	for (int i = 0; !status && i < 2; i++)
		status = go_back(sb, life->clean, err);
	mote_sandbox_free(sb);
	return status;
}

/* What cannot be restored is freed, and nobody is told: the numbers say so. */
static void give_back(mote_pool *pool, mote_sandbox *a, mote_sandbox *b)
{
	mote_pool_statistics is = { .size = sizeof is };

	mote_pool_release(pool, a);
	mote_pool_release(pool, b);
	mote_pool_get_statistics(pool, &is);
	assert_int_equal(is.in_use, 0);
	assert_int_equal(is.restored + is.replaced, (a != NULL) + (b != NULL));
	assert_int_equal(is.idle + is.replaced, 1 + is.made);
}

static mote_status use_pool(struct life *life, mote_error *err)
{
	mote_sandbox_options options;
	mote_host_function functions[2];
	mote_pool *pool = (mote_pool *)life;
	mote_sandbox *a = NULL, *b = NULL;

	life_options(life, &options, functions);
	life->ngiven += 2;
	mote_status status = mote_pool_new(
		&pool, life->rt, life->clean,
		MOTE_OPTIONS(mote_pool_options, .minimum = 1, .sandbox = &options), err);
	if (status) {
		assert_null(pool);
		return status;
	}
	status = mote_pool_acquire(&a, pool, err);
	if (!status)
		status = mote_pool_acquire(&b, pool, err);
	if (!status)
		status = count_first(b, err);
	give_back(pool, a, b);
	mote_pool_free(pool);
	return status;
}

static void take_output(void *user, int stream, const void *data, size_t size)
{
	struct life *life = user;
	size_t left = sizeof life->output - 1 - life->output_size;

	if (stream != 1)
		return;
	if (size > left)
		size = left;
	memcpy(life->output + life->output_size, data, size);
	life->output_size += size;
}

static mote_status run_program(struct life *life, mote_error *err)
{
	static const char *const arguments[] = { "prog", "17" };
	static const mote_directory directories[] = {
		{ .guest = "/host", .host = "/" },
		{ .guest = "/tmp", .flags = MOTE_DIR_PRIVATE },
	};
	int exit_status = -1;

	life->output_size = 0;
	memset(life->output, 0, sizeof life->output);
	mote_status status =
		mote_image_run(life->image,
			       MOTE_OPTIONS(mote_program_options, .argc = 2, .argv = arguments,
					    .directories = directories, .ndirectories = 2,
					    .output = take_output, .output_user = life),
			       &exit_status, err);
	assert_int_equal(exit_status, status ? 0 : 17);
	if (!status)
		assert_string_equal(life->output,
				    "argv[0] = prog\nargv[1] = 17\nno newline at the end");
	return status;
}

static mote_status free_all(struct life *life, mote_error *err)
{
	(void)err;
	life_return_to(life, NOTHING);
	return MOTE_OK;
}

/* Everything after the other, and the end too, while operations fail. */
static mote_status live(struct life *life, mote_error *err)
{
	mote_status status = life_make_runtime(life, err);

	if (!status)
		status = life_load_image(life, err);
	if (!status)
		status = life_make_sandbox(life, err);
	if (!status)
		status = count_files(life, err);
	if (!status)
		status = map_and_read(life, err);
	if (!status)
		status = count_files(life, err);
	life_return_to(life, NOTHING);
	return status;
}

/*
 * Operations whose failure may go unnoticed.
 * madvise: pages are there when they are touched, if not in advance.
 * ioctl: the wish to be woken on the same processor.
 * sendmsg, poll, recvmsg: a guest process is buried, or the launcher dismissed; where that fails
 * a signal does, or the end of the socket.
 */
static const char *const none[] = { NULL };
static const char *const hint[] = { "madvise", NULL };
static const char *const hints[] = { "madvise", "ioctl", NULL };
static const char *const burial[] = { "sendmsg", "poll", "recvmsg", NULL };
static const char *const hint_burial[] = { "ioctl", "sendmsg", "poll", "recvmsg", NULL };
static const char *const all[] = { "madvise", "ioctl", "sendmsg", "poll", "recvmsg", NULL };
/* the guest is told */
static const char *const told[] = { "getrandom", NULL };
/* the guest is as dead as it would have been */
static const char *const death[] = { "ioctl", "poll", NULL };
/* what was touched or written is not known then: all pages are looked at, or replaced */
static const char *const pages[] = { "madvise", "open", "pread", "realloc", NULL };
static const char *const noted[] = { "madvise", "open", "pread", "realloc", "ioctl", "lseek", NULL };
static const char *const list[] = { "ioctl", "realloc", NULL };
static const char *const pages_burial[] = { "madvise", "lseek",   "realloc", "ioctl",
					    "sendmsg", "recvmsg", "poll",    NULL };

/* clang-format off */
static const struct scenario scenarios[] = {
	{ "a runtime", "echo", NOTHING, life_make_runtime,
	  MOTE_OK, { hint, 25 }, { none, 10 } },
	{ "a runtime that picks a backend", "echo", NOTHING, pick_runtime,
	  MOTE_OK, { NULL, 30 }, { all, 30 } },
	{ "an image from a file", "echo", RUNTIME, life_load_image,
	  MOTE_OK, { none, 6 }, { none, 6 } },
	{ "an image from memory", "echo", RUNTIME, load_from_memory,
	  MOTE_OK, { none, 3 }, { none, 3 } },
	{ "a sandbox", "hostcalls", IMAGE, life_make_sandbox,
	  MOTE_OK, { hint, 25 }, { hints, 35 } },
	{ "a call", "echo", SANDBOX, call_with_number,
	  MOTE_OK, { none, 1 }, { none, 3 } },
	{ "a call with bulk data", "echo", SANDBOX, call_with_bulk_data,
	  MOTE_OK, { none, 2 }, { none, 4 } },
	{ "a call with limits", "echo", SANDBOX, call_with_limits,
	  MOTE_OK, { none, 5 }, { none, 5 } },
	{ "a call that calls back", "hostcalls", SANDBOX, call_back,
	  MOTE_OK, { none, 6 }, { none, 18 } },
	{ "a call that logs", "echo", SANDBOX, log_line,
	  MOTE_OK, { none, 2 }, { none, 6 } },
	{ "a call that fails", "echo", SANDBOX, report_error,
	  MOTE_E_GUEST_ERROR, { none, 1 }, { none, 3 } },
	{ "a call that crashes", "faults", SANDBOX, crash,
	  MOTE_E_GUEST_FAULT, { none, 1 }, { death, 3 } },
	{ "a core file", "echo", SANDBOX, write_core,
	  MOTE_OK, { pages, 40 }, { pages, 40 } },
	{ "a system call", "libc", SANDBOX, ask_for_random_bytes,
	  MOTE_OK, { told, 3 }, { told, 7 } },
	{ "a file", "files", SANDBOX, map_file,
	  MOTE_OK, { none, 5 }, { hint_burial, 18 } },
	{ "a descriptor", "files", SANDBOX, map_descriptor,
	  MOTE_OK, { none, 5 }, { hint_burial, 18 } },
	{ "a file that the host reads", "files", SANDBOX, map_and_read,
	  MOTE_OK, { none, 6 }, { hint_burial, 19 } },
	{ "a snapshot", "state", SANDBOX, take_snapshot,
	  MOTE_OK, { pages, 15 }, { noted, 20 } },
	{ "a snapshot with bulk data", "echo", SANDBOX, take_snapshot,
	  MOTE_OK, { noted, 15 }, { noted, 20 } },
	{ "a restore", "state", SNAPSHOT, restore,
	  MOTE_OK, { none, 1 }, { pages_burial, 10 } },
	{ "a restore after a crash", "state", SNAPSHOT, heal,
	  MOTE_OK, { list, 6 }, { pages_burial, 30 } },
	{ "a restore to another snapshot", "state", SNAPSHOT, restore_another,
	  MOTE_OK, { pages, 25 }, { noted, 30 } },
	{ "a restore of mapped files", "state", SNAPSHOT, restore_without_file,
	  MOTE_OK, { none, 15 }, { pages_burial, 40 } },
	{ "a sandbox from a snapshot", "state", SNAPSHOT, begin_at_snapshot,
	  MOTE_OK, { pages, 35 }, { pages_burial, 50 } },
	{ "a pool", "state", SNAPSHOT, use_pool,
	  MOTE_OK, { list, 40 }, { pages_burial, 70 } },
	{ "a program", "prog", IMAGE, run_program,
	  MOTE_OK, { hint, 25 }, { all, 50 } },
	{ "the end", "files", SANDBOX, free_all,
	  MOTE_OK, { none, 0 }, { burial, 4 } },
	{ "a whole life", "files", NOTHING, live,
	  MOTE_OK, { hint, 65 }, { all, 80 } },
};
/* clang-format on */

int main(void)
{
	return failing_main(scenarios, sizeof scenarios / sizeof scenarios[0]);
}

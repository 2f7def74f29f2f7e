/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite of programs: a process and sandboxes that are asked for the same works. Times are CPU
 * time on both sides, the kernel's part of it included, so that whoever else uses the machine
 * counts less; only what takes processes or restores for each picture is by the clock on the wall.
 */
#define _GNU_SOURCE
#include "bench/programs.h"

#include "bench/programs/main.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

extern const unsigned char bench_programs[], bench_programs_end[];

#define HEAP_SIZE (UINT64_C(256) << 20)
#define COMPUTING 0.97
#define MEMORY    0.90

/* The last begins each time at a clean state: restored, or in a process forked for it. */
#define CLEAN "decode_png"
const struct program_row program_rows[PROGRAM_WORKS] = {
	{ "lua_fib", "liblua5.4-dev", COMPUTING },
	{ "lua_strings", "liblua5.4-dev", MEMORY },
	{ "sqlite_insert", "libsqlite3-dev", COMPUTING },
	{ "sqlite_join", "libsqlite3-dev", COMPUTING },
	{ "deflate", "zlib1g-dev", COMPUTING },
	{ "inflate", "zlib1g-dev", COMPUTING },
	{ "png_decode", "libpng-dev", COMPUTING },
	{ "memcpy_64mib", NULL, MEMORY },
	{ "random_access_64mib", NULL, MEMORY },
	{ "malloc_small", NULL, MEMORY },
	{ "malloc_large", NULL, MEMORY },
	{ CLEAN, "libpng-dev", 0 },
};

static bool is_clean(const struct program_row *row)
{
	return strcmp(row->name, CLEAN) == 0;
}

static mote_status os_failed(mote_error *err, const char *what)
{
	*err = (mote_error){ .code = MOTE_E_OS, .os_error = errno };
	snprintf(err->message, sizeof err->message, "%s: %s", what, strerror(errno));
	return MOTE_E_OS;
}

/* The executable, as a file of its own. */
static int open_executable(void)
{
	const size_t size = (size_t)(bench_programs_end - bench_programs);
	int fd = memfd_create("bench-programs", MFD_CLOEXEC);

	for (size_t done = 0; fd >= 0 && done < size;) {
		ssize_t n = write(fd, bench_programs + done, size - done);
		if (n < 0 && errno != EINTR) {
			close(fd);
			return -1;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return fd;
}

static _Noreturn void become(int executable, int in, int out)
{
	char *argv[] = { (char[]){ "bench-programs" }, (char[]){ "serve" }, NULL };
	char *envp[] = { NULL };

	/* the same addresses each time, as in sandboxes: some programs are a tenth faster at some */
	personality(ADDR_NO_RANDOMIZE);
	if (dup2(in, 0) == 0 && dup2(out, 1) == 1)
		fexecve(executable, argv, envp);
	_exit(127);
}

static mote_status start_process(struct program_process *process, mote_error *err)
{
	int there[2], back[2];
	int executable = open_executable();

	if (executable < 0)
		return os_failed(err, "cannot make a file of the program");
	if (pipe2(there, O_CLOEXEC) < 0) {
		close(executable);
		return os_failed(err, "cannot make a pipe");
	}
	if (pipe2(back, O_CLOEXEC) < 0) {
		close(executable);
		close(there[0]);
		close(there[1]);
		return os_failed(err, "cannot make a pipe");
	}
	process->pid = fork();
	if (process->pid == 0)
		become(executable, there[0], back[1]);
	close(executable);
	close(there[0]);
	close(back[1]);
	process->to = there[1];
	process->from = back[0];
	return process->pid < 0 ? os_failed(err, "cannot fork") : MOTE_OK;
}

static bool ask(const struct program_process *process, const char *work, enum program_action action,
		unsigned times, struct program_reply *reply)
{
	struct program_request request = { .action = (uint32_t)action, .times = times };

	snprintf(request.name, sizeof request.name, "%s", work);
	return write(process->to, &request, sizeof request) == sizeof request &&
	       read(process->from, reply, sizeof *reply) == sizeof *reply && reply->is_known;
}

/* What is forked for each picture should have little to copy. */
static const struct program_process *process_of(const struct programs *programs,
						const struct program_row *row)
{
	return &programs->processes[is_clean(row)];
}

/* N runs natively; nanoseconds or BENCH_FAILED. */
static uint64_t run_process(struct program_subject *subject, unsigned n, uint64_t *sum)
{
	struct program_reply reply;

	if (!ask(process_of(subject->programs, subject->row), subject->row->name,
		 is_clean(subject->row) ? PROGRAM_FORK : PROGRAM_RUN, n, &reply)) {
		os_failed(&subject->programs->err, "the native process has ended");
		return BENCH_FAILED;
	}
	*sum = reply.sum;
	return reply.ns;
}

static uint64_t run_box(struct program_subject *subject, unsigned n, uint64_t *sum)
{
	mote_receipt receipt = { .size = sizeof receipt };
	mote_value result;

	if (mote_call_with(subject->box->sb, "Run", MOTE_ARGS(mote_str(subject->row->name), n),
			   MOTE_OPTIONS(mote_call_options, .receipt = &receipt), &result,
			   &subject->programs->err))
		return BENCH_FAILED;
	*sum = result.as.u64;
	return receipt.cpu_ns;
}

/* A call and a restore each; by the clock on the wall. */
static uint64_t run_clean(struct program_subject *subject, unsigned n, uint64_t *sum)
{
	struct program_box *box = subject->box;
	mote_error *err = &subject->programs->err;
	const uint64_t start = bench_clock();

	*sum = 0;
	for (unsigned i = 0; i < n; i++) {
		mote_value result;
		if (mote_call(box->clean, "Run", MOTE_ARGS(mote_str(CLEAN), 1u), &result, err))
			return BENCH_FAILED;
		*sum += result.as.u64;
		if (mote_sandbox_restore(box->clean, box->snapshot, err))
			return BENCH_FAILED;
	}
	return bench_clock() - start;
}

static uint64_t run_subject(struct program_subject *subject, unsigned n, uint64_t *sum)
{
	if (!subject->box)
		return run_process(subject, n, sum);
	return is_clean(subject->row) ? run_clean(subject, n, sum) : run_box(subject, n, sum);
}

/* For struct bench. */
static uint64_t run(void *state, unsigned n)
{
	uint64_t sum;

	return run_subject(state, n, &sum);
}

/* Asks the box whether it has the work, or brings it about. */
static bool is_so(struct program_box *box, const char *function, const char *work, mote_error *err)
{
	mote_value result;

	return !mote_call(box->sb, function, MOTE_ARGS(mote_str(work)), &result, err) &&
	       result.as.boolean;
}

/* A sandbox that has decoded a picture, so that what is done once was done; and its snapshot. */
static mote_status make_clean(struct program_box *box, mote_error *err)
{
	const mote_sandbox_options options = { .size = sizeof options };
	mote_value result;
	mote_status status = mote_sandbox_new(&box->clean, box->image, &options, err);

	if (!status)
		status = mote_call(box->clean, "Prepare", MOTE_ARGS(mote_str(CLEAN)), &result, err);
	if (!status)
		status = mote_call(box->clean, "Run", MOTE_ARGS(mote_str(CLEAN), 1u), &result, err);
	return status ? status : mote_snapshot_take(&box->snapshot, box->clean, err);
}

static mote_status open_box(struct programs *programs, const char *name, mote_error *err)
{
	struct program_box *box = &programs->boxes[programs->nboxes++];
	mote_status status = mote_runtime_new(
		&box->rt, MOTE_OPTIONS(mote_runtime_options, .backend = name), err);

	if (status)
		return status;
	box->name = mote_runtime_backend(box->rt);
	status = mote_image_load_memory(&box->image, box->rt, bench_programs,
					(size_t)(bench_programs_end - bench_programs), err);
	if (!status)
		status = mote_sandbox_new(
			&box->sb, box->image,
			MOTE_OPTIONS(mote_sandbox_options, .heap_size = HEAP_SIZE), err);
	return status;
}

/* WANTED, or every backend that says that it works here. */
static mote_status open_boxes(struct programs *programs, const char *wanted, mote_error *err)
{
	mote_backend_info info = { .size = sizeof info };
	mote_status status = MOTE_OK;

	if (wanted)
		return open_box(programs, wanted, err);
	for (size_t i = 0; !status && programs->nboxes < PROGRAM_BACKENDS_MAX &&
			   mote_backend_describe(i, &info, NULL) == MOTE_OK;
	     i++)
		if (info.is_available)
			status = open_box(programs, info.name, err);
	return status;
}

static void add(struct programs *programs, const struct program_row *row, struct program_box *box)
{
	struct program_subject *subject = &programs->subjects[programs->count];

	*subject = (struct program_subject){ programs, row, box };
	programs->benches[programs->count++] = (struct bench){
		.name = row->name,
		.backend = box ? box->name : "native",
		.run = run,
		.state = subject,
	};
}

static mote_status not_prepared(mote_error *err, const char *work)
{
	*err = (mote_error){ .code = MOTE_E_NOMEM };
	snprintf(err->message, sizeof err->message, "there is no memory to prepare %s", work);
	return MOTE_E_NOMEM;
}

static mote_status prepare(struct programs *programs, const struct program_row *row,
			   mote_error *err)
{
	struct program_reply reply;
	mote_status status = MOTE_OK;

	if (!ask(process_of(programs, row), row->name, PROGRAM_PREPARE, 1, &reply))
		return not_prepared(err, row->name);
	for (size_t i = 0; !status && i < programs->nboxes; i++) {
		if (!is_so(&programs->boxes[i], "Prepare", row->name, err))
			return not_prepared(err, row->name);
		if (is_clean(row))
			status = make_clean(&programs->boxes[i], err);
	}
	return status;
}

/* Once on all sides, the subjects from FIRST on. */
static mote_status compare(struct programs *programs, size_t first, mote_error *err)
{
	uint64_t want = 0, sum;

	for (size_t i = first; i < programs->count; i++) {
		if (run_subject(&programs->subjects[i], 1, &sum) == BENCH_FAILED) {
			*err = programs->err;
			return err->code;
		}
		if (i == first)
			want = sum;
		if (sum == want && sum != 0)
			continue;
		*err = (mote_error){ .code = MOTE_E_GUEST_ERROR };
		snprintf(err->message, sizeof err->message, "%s: the result on %s is not %s",
			 programs->benches[i].name, programs->benches[i].backend,
			 sum ? "that of the native program" : "one");
		return err->code;
	}
	return MOTE_OK;
}

static mote_status add_row(struct programs *programs, size_t index, mote_error *err)
{
	const struct program_row *row = &program_rows[index];
	const size_t first = programs->count;

	*err = (mote_error){ .code = MOTE_OK };
	if (programs->nboxes > 0 && !is_so(&programs->boxes[0], "HasWork", row->name, err)) {
		programs->is_missing[index] = true;
		return err->code;
	}
	mote_status status = prepare(programs, row, err);
	add(programs, row, NULL);
	for (size_t i = 0; i < programs->nboxes; i++)
		add(programs, row, &programs->boxes[i]);
	return status ? status : compare(programs, first, err);
}
_Static_assert(PROGRAM_WORKS * 4 <= PROGRAM_ROWS_MAX,
	       "each work natively and on up to three backends");

mote_status programs_open(struct programs *programs, const char *backend, const char *filter,
			  mote_error *err)
{
	static const struct program_process none = { .pid = -1, .to = -1, .from = -1 };

	*programs = (struct programs){ .processes = { none, none } };
	/* first, before there is anything that they could hold open */
	mote_status status = start_process(&programs->processes[0], err);
	if (!status)
		status = start_process(&programs->processes[1], err);
	if (!status)
		status = open_boxes(programs, backend, err);
	for (size_t i = 0; !status && i < PROGRAM_WORKS; i++)
		if (!filter || strstr(program_rows[i].name, filter))
			status = add_row(programs, i, err);
	return status;
}

static void close_process(struct program_process *process)
{
	if (process->to >= 0)
		close(process->to);
	if (process->from >= 0)
		close(process->from);
	while (process->pid > 0 && waitpid(process->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void programs_close(struct programs *programs)
{
	for (size_t i = 0; i < programs->nboxes; i++) {
		struct program_box *box = &programs->boxes[i];
		mote_snapshot_unref(box->snapshot);
		mote_sandbox_free(box->clean);
		mote_sandbox_free(box->sb);
		mote_image_unref(box->image);
		mote_runtime_free(box->rt);
	}
	close_process(&programs->processes[0]);
	close_process(&programs->processes[1]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule that all attacks are judged by. Runs in a process of its own, so that it can
 * say what went wrong and exit, and so that its memory is that of this attack alone.
 */
#include "hostile/trial.h"

#include "hostile/census.h"
#include "hostile/places.h"

#include <inttypes.h>
#include <mote/mote.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/utf8.h"

/* What the library may allocate while a guest does its worst, beyond what the sandboxes needed when
 * they were made; and what the process may grow by besides the guest's own memory. Sanitizers
 * keep what was freed for a while. */
#define LIBRARY_GROWTH (UINT64_C(64) << 10)
#define PROCESS_GROWTH ((IS_SANITIZED ? UINT64_C(512) : UINT64_C(4)) << 20)

/* What a guest's changes of files may take, in each of two directories. */
#define DIRECTORY_BYTES (UINT64_C(256) << 10)

/* And all that it may do with files: each that is open has a path, and a folder has a buffer. */
#define FILES_GROWTH (2 * DIRECTORY_BYTES + (UINT64_C(640) << 10))

/* Nothing that an attack may do takes as long as ORDINARY_TIME, in nanoseconds; a call that is to be
 * stopped is allowed SHORT_TIME, and over when LATE has passed, too. Emulated machines get more. */
#define ORDINARY_TIME UINT64_C(10000000000)
#define SHORT_TIME    UINT64_C(30000000)
#define LATE          UINT64_C(3000000000)

/* What a call may use of its host. */
enum { EXITS_MAX = 8000, HOST_CALLS_MAX = 1000, LOG_LINES_MAX = 500, LOG_BYTES_MAX = 50000 };

/* Of a sweep, each so many restores are compared, and followed by a question. */
#define SWEEP_CHECK 1024

#define KEY 7u /* any question will do */

struct trial {
	const struct attack *attack;
	const char *backend;
	const char *folder; /* of the host; NULL: the guests have no files */
	mote_runtime *rt;
	mote_image *image;
	mote_snapshot *clean;
	mote_sandbox *victim, *neighbour;
	struct neighbour_memory *memory; /* the neighbour's */
	uint64_t right[2];               /* answers after a restore: the first, the second */
	uint64_t guest_memory;           /* bytes */
	struct ledger ledger;
	uint64_t way;
	uint64_t lines, line_bytes; /* of the log, in this way */
	mote_error err;
};

/* Says where and what, and ends the process. */
__attribute__((format(printf, 2, 3), noreturn)) static void broken(struct trial *t,
								   const char *format, ...)
{
	mote_value name = { .type = MOTE_VOID };
	va_list args;

	fprintf(stderr, "%s, %s", t->backend, t->attack->guest);
	if (t->neighbour &&
	    !mote_call(t->neighbour, "WayName", MOTE_ARGS(mote_u64(t->way)), &name, NULL))
		fprintf(stderr, ", way %s", name.as.str.ptr);
	else
		fprintf(stderr, ", way 0x%" PRIx64, t->way);
	fprintf(stderr, ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	_Exit(1);
}

static void expect_ok(struct trial *t, const char *what, mote_status status)
{
	if (status)
		broken(t, "%s: %s: %s", what, mote_status_name(status), t->err.message);
}

/* Text that can be shown on any terminal. */
static bool is_clean(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (utf8_check(text, strlen(text)) != UTF8_TEXT)
		return false;
	for (; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
	return true;
}

static void check_line(void *user, mote_log_level level, const char *source, const char *message)
{
	struct trial *t = user;

	(void)level;
	if (!is_clean(message))
		broken(t, "a line of the log is not clean: %s", message);
	if (strcmp(source, "guest") != 0)
		return;
	t->lines++;
	t->line_bytes += strlen(message);
	if (t->lines > LOG_LINES_MAX || t->line_bytes > LOG_BYTES_MAX)
		broken(t, "the log has %" PRIu64 " lines, %" PRIu64 " bytes", t->lines,
		       t->line_bytes);
}

static mote_status host_add(void *user, const mote_value *args, size_t nargs, mote_value *result,
			    mote_error *err)
{
	struct trial *t = user;

	(void)err;
	if (nargs != 2 || args[0].type != MOTE_I32 || args[1].type != MOTE_I32)
		broken(t, "a host function was called with wrong arguments");
	*result = mote_i32((int32_t)((uint32_t)args[0].as.i32 + (uint32_t)args[1].as.i32));
	return MOTE_OK;
}

/* Gives back what it got, as often as the guest wants to. */
static mote_status host_echo(void *user, const mote_value *args, size_t nargs, mote_value *result,
			     mote_error *err)
{
	struct trial *t = user;

	(void)err;
	if (nargs != 1 || args[0].type != MOTE_STRING || !args[0].as.str.ptr)
		broken(t, "a host function was called with wrong arguments");
	if (utf8_check(args[0].as.str.ptr, args[0].as.str.len) != UTF8_TEXT)
		broken(t, "a host function was given a string that is not UTF-8");
	*result = args[0];
	return MOTE_OK;
}

static uint64_t time_for(uint64_t ns)
{
	return getenv("MOTE_TEST_QUICK") ? 10 * ns : ns;
}

static uint64_t answer(struct trial *t, const char *who, mote_sandbox *sb)
{
	const mote_call_options *options =
		MOTE_OPTIONS(mote_call_options, .timeout_ns = time_for(ORDINARY_TIME));
	mote_value value;

	expect_ok(t, who, mote_call_with(sb, "Answer", MOTE_ARGS(KEY), options, &value, &t->err));
	return value.as.u64;
}

static void expect_answer(struct trial *t, const char *who, mote_sandbox *sb, int nth)
{
	if (answer(t, who, sb) != t->right[nth])
		broken(t, "%s gives a wrong answer", who);
}

/* What the guest may call, and how much it may use; each RESTORE_AUDIT-th restore is compared. */
static mote_sandbox *new_sandbox(struct trial *t, uint64_t restore_audit)
{
	static const mote_type numbers[] = { MOTE_I32, MOTE_I32 }, text[] = { MOTE_STRING };
	const mote_host_function functions[] = {
		{ .name = "HostAdd",
		  .fn = host_add,
		  .user = t,
		  .result = MOTE_I32,
		  .nparams = 2,
		  .params = numbers },
		{ .name = "HostEcho",
		  .fn = host_echo,
		  .user = t,
		  .result = MOTE_STRING,
		  .nparams = 1,
		  .params = text },
	};
	const mote_directory directories[] = {
		{ .guest = "/data", .host = t->folder },
		{ .guest = "/mine",
		  .host = t->folder,
		  .flags = MOTE_DIR_PRIVATE,
		  .max_bytes = DIRECTORY_BYTES },
		{ .guest = "/tmp", .flags = MOTE_DIR_PRIVATE, .max_bytes = DIRECTORY_BYTES },
	};
	const mote_sandbox_options *options = MOTE_OPTIONS(
		mote_sandbox_options, .heap_size = 2 << 20, .stack_size = 64 << 10,
		.input_size = 16 << 10, .output_size = 16 << 10, .buffer_size = 16 << 10,
		.functions = functions, .nfunctions = 2, .restore_audit = restore_audit,
		.max_exits = EXITS_MAX, .max_host_calls = HOST_CALLS_MAX,
		.max_log_lines = LOG_LINES_MAX, .max_log_bytes = LOG_BYTES_MAX,
		.directories = directories, .ndirectories = t->folder ? 3 : 0);
	mote_sandbox *sb;

	expect_ok(t, "sandbox",
		  t->clean ? mote_sandbox_from_snapshot(&sb, t->rt, t->clean, options, &t->err)
			   : mote_sandbox_new(&sb, t->image, options, &t->err));
	return sb;
}

static void open_trial(struct trial *t, const char *path)
{
	expect_ok(t, "runtime",
		  mote_runtime_new(&t->rt,
				   MOTE_OPTIONS(mote_runtime_options, .backend = t->backend,
						.log = check_line, .log_user = t,
						.log_level = MOTE_LOG_TRACE,
						.realloc = ledger_realloc,
						.realloc_user = &t->ledger),
				   &t->err));
	expect_ok(t, "image", mote_image_load_file(&t->image, t->rt, path, &t->err));
	mote_sandbox *first = new_sandbox(t, 1);
	expect_ok(t, "snapshot", mote_snapshot_take(&t->clean, first, &t->err));
	t->right[0] = answer(t, "the first sandbox", first);
	t->right[1] = answer(t, "the first sandbox", first);
	mote_sandbox_free(first);
	t->victim = new_sandbox(t, 1);
	t->neighbour = new_sandbox(t, 1);
}

static void close_trial(struct trial *t)
{
	mote_sandbox_free(t->neighbour);
	mote_sandbox_free(t->victim);
	mote_snapshot_unref(t->clean);
	mote_image_unref(t->image);
	mote_runtime_free(t->rt);
	if (t->ledger.now)
		broken(t, "%" PRIu64 " bytes were not freed", t->ledger.now);
}

static unsigned end_of(mote_status status)
{
	switch (status) {
	case MOTE_OK:
		return FINE;
	case MOTE_E_GUEST_ERROR:
		return ERROR;
	case MOTE_E_GUEST_ABORT:
		return ABORT;
	case MOTE_E_GUEST_FAULT:
		return FAULT;
	case MOTE_E_GUEST_PROTOCOL:
		return PROTOCOL;
	case MOTE_E_GUEST_LIMIT:
		return LIMIT;
	case MOTE_E_TIMEOUT:
		return TIMEOUT;
	case MOTE_E_CANCELED:
		return CANCELED;
	default:
		return 0;
	}
}

/* Whether TEXT has one of ALTERNATIVES in it, which are separated by '|'. */
static bool says_one_of(const char *text, const char *alternatives)
{
	while (*alternatives) {
		char one[128];
		size_t length = strcspn(alternatives, "|");
		snprintf(one, sizeof one, "%.*s", (int)length, alternatives);
		if (strstr(text, one))
			return true;
		alternatives += length + (alternatives[length] == '|');
	}
	return false;
}

static void judge_error(struct trial *t, mote_status status)
{
	const char *message = t->err.message;

	if (t->err.code != status)
		broken(t, "%s, but the error says %s", mote_status_name(status),
		       mote_status_name(t->err.code));
	if (!is_clean(message))
		broken(t, "the error's message is not clean: %s", message);
	if (strncmp(message, "call \"Attack\": ", 15) != 0)
		broken(t, "the message does not name the function: %s", message);
	if (!says_one_of(message, t->attack->says))
		broken(t, "the message \"%s\" says nothing of \"%s\"", message, t->attack->says);
}

static void judge_poison(struct trial *t, mote_status status)
{
	const bool is_poison = mote_status_class(status) == MOTE_CLASS_POISON;
	mote_error refusal;

	if (mote_sandbox_is_poisoned(t->victim) != is_poison)
		broken(t, "%s, but poisoned: %d", mote_status_name(status), !is_poison);
	if (!is_poison) {
		if (!t->attack->spoils)
			expect_answer(t, "the victim, which goes on,", t->victim, 1);
		return;
	}
	if (mote_call(t->victim, "Answer", MOTE_ARGS(KEY), NULL, &refusal) != MOTE_E_STATE)
		broken(t, "a poisoned sandbox took a call");
	if (!strstr(refusal.message, "poisoned: call \"Attack\": "))
		broken(t, "the refusal does not say why: %s", refusal.message);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Tries until it works: the call may not have begun yet. */
static void *stop_call(void *user)
{
	const struct timespec pause = { 0, 5000000 };

	do
		nanosleep(&pause, NULL);
	while (!mote_interrupt_kill(user));
	return NULL;
}

static mote_status call_attack(struct trial *t, mote_value *result)
{
	const mote_call_options *options = MOTE_OPTIONS(
		mote_call_options,
		.timeout_ns = t->attack->is_endless ? SHORT_TIME : time_for(ORDINARY_TIME));
	mote_interrupt *stop = NULL;
	pthread_t thread;

	t->lines = t->line_bytes = 0;
	if (t->attack->is_stopped) {
		stop = mote_interrupt_of(t->victim);
		if (!stop || pthread_create(&thread, NULL, stop_call, stop))
			broken(t, "no thread");
	}
	const uint64_t start = now_ns();
	mote_status status = mote_call_with(t->victim, "Attack", MOTE_ARGS(mote_u64(t->way)),
					    options, result, &t->err);
	if (t->attack->is_endless && now_ns() - start > SHORT_TIME + time_for(LATE))
		broken(t, "the call ended after %" PRIu64 " ns", now_ns() - start);
	if (t->attack->is_stopped)
		pthread_join(thread, NULL);
	mote_interrupt_unref(stop);
	return status;
}

/* Calls it; what the victim is then, may be restored. */
static void do_way(struct trial *t)
{
	mote_value result = mote_u64(1);
	mote_status status = call_attack(t, &result);

	if (!(end_of(status) & t->attack->ends))
		broken(t, "%s: %s", mote_status_name(status), status ? t->err.message : "");
	if (result.type != MOTE_VOID)
		broken(t, "there is a result of type %d", (int)result.type);
	if (status)
		judge_error(t, status);
	judge_poison(t, status);
	expect_ok(t, "restore", mote_sandbox_restore(t->victim, t->clean, &t->err));
}

static void try_way(struct trial *t)
{
	do_way(t);
	expect_answer(t, "the restored victim", t->victim, 0);
}

static void judge_memory(struct trial *t, const struct census *before, uint64_t peak)
{
	struct census after = census_take();

	const uint64_t files = t->folder ? FILES_GROWTH : 0;

	if (t->ledger.peak - peak > LIBRARY_GROWTH + files)
		broken(t, "the library allocated %" PRIu64 " bytes more", t->ledger.peak - peak);
	if (after.peak - before->now > t->guest_memory + PROCESS_GROWTH + files)
		broken(t, "the process grew by %" PRIu64 " bytes", after.peak - before->now);
	if (after.descriptors != before->descriptors)
		broken(t, "%u descriptors are open, %u were", after.descriptors,
		       before->descriptors);
	if (after.children != before->children)
		broken(t, "%u processes live, %u did", after.children, before->children);
}

/* All ways, or a sample without doubles that is spread over them: each step is a fixed stride that
 * has no divisor in common with their number. */
static uint64_t pick(uint64_t i, uint64_t ways, unsigned sample, uint64_t seed)
{
	uint64_t stride = UINT64_C(0x9e3779b1), a, b;

	if (!sample || sample >= ways)
		return i;
	do {
		stride++;
		for (a = stride, b = ways; b;) {
			uint64_t rest = a % b;
			a = b;
			b = rest;
		}
	} while (a != 1);
	return (uint64_t)((seed + i) % ways * (stride % ways) % ways);
}

/* The part of WAYS that a sweep of SWEEP has: one in so many, each time another one of those, so
 * that what the ways are made of, like ports and sizes, comes in all combinations somewhere. */
static unsigned sweep_ways(struct trial *t, uint64_t ways, volatile uint64_t *under_way)
{
	const char *given = getenv("MOTE_TEST_SWEEP");
	const uint64_t each = given && strcmp(given, "all") == 0 ? 1 : t->attack->sweep;
	uint64_t tried = 0;

	mote_sandbox_free(t->victim);
	t->victim = new_sandbox(t, SWEEP_CHECK);
	for (uint64_t i = 0; i < ways / each; i++, tried++) {
		t->way = i * each + i % each;
		*under_way = t->way + 1;
		do_way(t);
		if (tried % SWEEP_CHECK == SWEEP_CHECK - 1)
			expect_answer(t, "the restored victim", t->victim, 0);
	}
	return (unsigned)tried;
}

static unsigned try_ways(struct trial *t, volatile uint64_t *under_way)
{
	const char *given = getenv("MOTE_TEST_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
	struct places places = { .count = 0 };
	mote_value count = { .type = MOTE_VOID };
	unsigned sample = t->attack->sample;

	expect_ok(t, "ways", mote_call(t->victim, "Ways", MOTE_NO_ARGS, &count, &t->err));
	if (t->attack->place) {
		places_list(&places, t->clean, t->attack->place);
		count.as.u64 = places.count;
	}
	uint64_t ways = count.as.u64;
	if (ways < t->attack->ways)
		broken(t, "only %" PRIu64 " ways", ways);
	if (getenv("MOTE_TEST_QUICK") && (!sample || sample > 20))
		sample = 20;
	uint64_t tried = sample && sample < ways ? sample : ways;
	for (uint64_t i = 0; i < tried; i++) {
		uint64_t n = pick(i, ways, sample, seed);
		t->way = t->attack->place ? places.addresses[n] : n;
		*under_way = t->way + 1;
		try_way(t);
	}
	if (t->attack->sweep && !getenv("MOTE_TEST_QUICK"))
		tried += sweep_ways(t, ways, under_way);
	return (unsigned)tried;
}

unsigned trial_run(const struct attack *attack, const char *path, const char *backend,
		   const char *folder, volatile uint64_t *under_way)
{
	struct trial trial = { .attack = attack, .backend = backend, .folder = folder },
		     *t = &trial;

	open_trial(t, path);
	expect_answer(t, "the neighbour", t->neighbour, 0);
	expect_answer(t, "the victim", t->victim, 0);
	expect_ok(t, "restore", mote_sandbox_restore(t->victim, t->clean, &t->err));
	expect_answer(t, "the restored victim", t->victim, 0);
	struct neighbour_memory *memory = neighbour_remember(t->neighbour, t->clean);
	t->guest_memory = 2 * neighbour_size(memory);
	const uint64_t peak = t->ledger.peak;
	const struct census before = census_take();

	unsigned tried = try_ways(t, under_way);

	judge_memory(t, &before, peak);
	uint64_t where = neighbour_changed(memory, t->neighbour);
	if (where)
		broken(t, "the neighbour's memory changed at 0x%" PRIx64, where);
	expect_answer(t, "the neighbour", t->neighbour, 1);
	neighbour_forget(memory);
	close_trial(t);
	return tried;
}

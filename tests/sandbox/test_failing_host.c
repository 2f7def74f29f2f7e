/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole library on a host that fails: each allocation and each system call, one after the
 * other, in all that a program does with a runtime, an image and a sandbox. Whatever
 * fails ends in an error with a message or does not matter, poisons the sandbox or leaves it as
 * it was, and leaves nothing behind.
 */
#define _GNU_SOURCE
#include "mem/scratch_file.h"
#include "sandbox/life.h"

#include "hv/kvm/kvm.h"
#include "hv/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Where files are mapped, and how far apart. */
#define FILES_AT   UINT64_C(0x200000000000)
#define FILES_STEP UINT64_C(0x200000)

/* More than any scenario makes: one that never gets done would go on for ever. */
#define OPERATIONS_MAX 1000

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
static mote_status map_file(struct life *life, mote_error *err)
{
	struct scratch_file file = scratch_file(5000);
	char label[16];

	snprintf(label, sizeof label, "file %u", life->nfiles);
	mote_status status = mote_sandbox_map_file(
		life->sb, file.path, FILES_AT + life->nfiles * FILES_STEP, label, err);
	close(file.fd);
	assert_false(mote_sandbox_is_poisoned(life->sb));
	life->nfiles += !status;
	return status;
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
	int exit_status = -1;

	life->output_size = 0;
	memset(life->output, 0, sizeof life->output);
	mote_status status =
		mote_image_run(life->image,
			       MOTE_OPTIONS(mote_program_options, .argc = 2, .argv = arguments,
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

/* clang-format off */
static const struct scenario {
	const char *name;
	const char *guest;
	enum stage from; /* what there is before operations fail */
	mote_status (*step)(struct life *life, mote_error *err);
	mote_status want; /* of STEP, if nothing fails */
	struct {
		const char *const *benign;
		unsigned least; /* operations there must be */
	} kvm, process;
} scenarios[] = {
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
	{ "a call that calls back", "hostcalls", SANDBOX, call_back,
	  MOTE_OK, { none, 6 }, { none, 18 } },
	{ "a call that logs", "echo", SANDBOX, log_line,
	  MOTE_OK, { none, 2 }, { none, 6 } },
	{ "a call that fails", "echo", SANDBOX, report_error,
	  MOTE_E_GUEST_ERROR, { none, 1 }, { none, 3 } },
	{ "a call that crashes", "faults", SANDBOX, crash,
	  MOTE_E_GUEST_FAULT, { none, 1 }, { death, 3 } },
	{ "a system call", "libc", SANDBOX, ask_for_random_bytes,
	  MOTE_OK, { told, 3 }, { told, 7 } },
	{ "a file", "files", SANDBOX, map_file,
	  MOTE_OK, { none, 5 }, { hint_burial, 18 } },
	{ "a file that the host reads", "files", SANDBOX, map_and_read,
	  MOTE_OK, { none, 6 }, { hint_burial, 19 } },
	{ "a program", "prog", IMAGE, run_program,
	  MOTE_OK, { hint, 25 }, { all, 50 } },
	{ "the end", "files", SANDBOX, free_all,
	  MOTE_OK, { none, 0 }, { burial, 4 } },
	{ "a whole life", "files", NOTHING, live,
	  MOTE_OK, { hint, 65 }, { all, 80 } },
};
/* clang-format on */
enum { NSCENARIOS = sizeof scenarios / sizeof scenarios[0] };

/* How operations fail. What is only interrupted may be tried again. */
static const struct way {
	const char *name;
	enum fail_mode mode;
	int error;
} ways[] = {
	{ "once", FAIL_ONCE, EIO },
	{ "onwards", FAIL_ONWARDS, ENOMEM },
	{ "interrupted", FAIL_ONCE, EINTR },
};
enum { NWAYS = sizeof ways / sizeof ways[0] };

/* A test: all ways for a scenario on a backend. */
struct work {
	const struct scenario *scenario;
	const struct hv_backend *const *backends;
	const char *const *benign; /* NULL: any */
	unsigned least;
};

static bool is_benign(const struct work *work, const struct way *way, const char *failed)
{
	if (way->error == EINTR && strcmp(failed, "realloc") != 0)
		return true;
	if (!work->benign)
		return true;
	for (const char *const *benign = work->benign; *benign; benign++)
		if (strcmp(*benign, failed) == 0)
			return true;
	return false;
}

/* What is wrong with STATUS and ERR after FAILED, as a sentence, or NULL. */
static const char *find_flaw(const struct work *work, const struct way *way, const char *failed,
			     mote_status status, const mote_error *err)
{
	const mote_status want = work->scenario->want;

	if (want != MOTE_OK && status == MOTE_OK)
		return "it cannot have worked";
	if (status != MOTE_OK && (err->code != status || err->message[0] == '\0'))
		return "the error has another code, or no message";
	if (!failed)
		return status == want ? NULL : "nothing failed on demand";
	if (status == want)
		return is_benign(work, way, failed) ? NULL : "nobody noticed";
	if (strcmp(failed, "realloc") == 0 && status != MOTE_E_NOMEM)
		return "it is not MOTE_E_NOMEM";
	/* a guest process that is killed, because its host cannot go on, has crashed */
	if (status == MOTE_E_GUEST_FAULT && strstr(err->message, "the guest's process ended"))
		return NULL;
	return mote_status_class(status) == MOTE_CLASS_HOST ? NULL : "the host is not blamed";
}

/* With nothing failing any more: a sandbox is poisoned and says so, or it works. */
static void go_on(struct life *life, const struct scenario *scenario)
{
	mote_error err = { .message = "" };

	if (life->sb && mote_sandbox_is_poisoned(life->sb)) {
		assert_int_equal(mote_call(life->sb, "Any", MOTE_NO_ARGS, NULL, &err),
				 MOTE_E_STATE);
		assert_non_null(strstr(err.message, "the sandbox is poisoned: "));
		life_return_to(life, IMAGE);
	}
	life_return_to(life, scenario->from);
	if (scenario->from == NOTHING)
		return; /* of what failed nothing is left to go on with */
	life_reach(life, scenario->from);
	if (scenario->step(life, &err) != scenario->want)
		fail_msg("the second time, without a failure: %s", err.message);
}

/* Runs the scenario once; whether an operation has failed. */
static bool run_once(const struct work *work, const struct way *way, unsigned nth)
{
	const struct scenario *scenario = work->scenario;
	mote_error err = { .message = "" };
	struct life life;

	life_begin(&life, work->backends, scenario->guest);
	life_reach(&life, scenario->from);
	fail_from_here(nth, way->mode, way->error);
	mote_status status = scenario->step(&life, &err);
	const char *failed = fail_name();
	fail_from_here(0, FAIL_ONCE, 0);

	const char *flaw = find_flaw(work, way, failed, status, &err);
	go_on(&life, scenario);
	const char *leak = life_end(&life);
	if (flaw || leak)
		fail_msg("operation %u (%s) failed, %s: %s \"%s\": %s", nth,
			 failed ? failed : "none", way->name, mote_status_name(status), err.message,
			 flaw ? flaw : leak);
	return failed != NULL;
}

static void run_work(void **state)
{
	const struct work *work = *state;
	struct hv_check check;

	work->backends[0]->check(fail_host(0, FAIL_ONCE, 0), &check);
	if (!check.is_available) {
		print_message("SKIP: no %s here: %s\n", work->backends[0]->name, check.reason);
		skip();
	}
	for (int i = 0; i < NWAYS; i++) {
		unsigned nth = 1;
		while (nth <= OPERATIONS_MAX && run_once(work, &ways[i], nth))
			nth++;
		assert_in_range(nth - 1, work->least, OPERATIONS_MAX);
	}
}

static struct work work_of(const struct scenario *scenario, bool is_kvm)
{
	static const struct hv_backend *const kvm[] = { &hv_kvm, NULL };
	static const struct hv_backend *const process[] = { &hv_process, NULL };

	if (is_kvm)
		return (struct work){ scenario, kvm, scenario->kvm.benign, scenario->kvm.least };
	return (struct work){ scenario, process, scenario->process.benign,
			      scenario->process.least };
}

int main(void)
{
	static struct work works[2 * NSCENARIOS];
	static char names[2 * NSCENARIOS][64];
	struct CMUnitTest tests[2 * NSCENARIOS];

	for (size_t i = 0; i < 2 * NSCENARIOS; i++) {
		works[i] = work_of(&scenarios[i / 2], i % 2 == 0);
		snprintf(names[i], sizeof names[i], "%s [%s]", works[i].scenario->name,
			 works[i].backends[0]->name);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = run_work,
			.initial_state = &works[i],
		};
	}
	/* the macro of cmocka wants an array; this is what it expands to */
	return _cmocka_run_group_tests("failing host", tests, 2 * NSCENARIOS, life_prepare_program,
				       NULL);
}

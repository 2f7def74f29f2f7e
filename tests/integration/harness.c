/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs rows on every backend and variant. A failing row says where it failed before
 * cmocka says what: the assertions in it do not know the backend.
 */
#include "integration/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const backends[] = { "kvm", "process" };
static const char *const variants[] = { "glibc", "glibc-pie", "musl" };

enum { NBACKENDS = sizeof backends / sizeof backends[0] };
enum { NVARIANTS = sizeof variants / sizeof variants[0] };

/* One test: a row on a backend. */
struct work {
	const struct row *row;
	const char *backend;
	struct guest guest; /* of the variant under way */
	struct capture capture;
	bool is_under_way;
};

static void capture_log(void *user, mote_log_level level, const char *source, const char *message)
{
	struct capture *capture = user;
	size_t left = sizeof capture->log - capture->log_size;

	(void)level;
	int n = snprintf(capture->log + capture->log_size, left, "%s: %s\n", source, message);
	if (n > 0)
		capture->log_size += (size_t)n < left ? (size_t)n : left - 1;
}

void require_backend(const char *name)
{
	const char *only = getenv("MOTE_TEST_BACKEND");
	mote_backend_info info = { .size = sizeof info };

	if (only && strcmp(only, name) != 0) {
		print_message("SKIP: MOTE_TEST_BACKEND is %s\n", only);
		skip();
	}
	for (size_t i = 0; mote_backend_describe(i, &info, NULL) == MOTE_OK; i++) {
		if (strcmp(info.name, name) == 0 && info.is_available)
			return;
		if (strcmp(info.name, name) == 0)
			break;
		info = (mote_backend_info){ .size = sizeof info };
	}
	print_message("SKIP: no %s here: %s\n", name, info.reason);
	skip();
}

static void open_guest(struct work *work, const char *path)
{
	const struct row *row = work->row;
	struct guest *guest = &work->guest;
	const mote_runtime_options *options =
		MOTE_OPTIONS(mote_runtime_options, .backend = work->backend, .log = capture_log,
			     .log_user = &work->capture, .log_level = MOTE_LOG_TRACE);

	*guest =
		(struct guest){ .backend = work->backend, .path = path, .capture = &work->capture };
	snprintf(guest->where, sizeof guest->where, "%s, %s", work->backend,
		 strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	work->capture = (struct capture){ .log_size = 0 };
	work->is_under_way = true;
	EXPECT_STATUS(guest, mote_runtime_new(&guest->rt, options, &guest->err), MOTE_OK);
	EXPECT_STATUS(guest, mote_image_load_file(&guest->image, guest->rt, path, &guest->err),
		      MOTE_OK);
	mote_sandbox_options own = { .size = sizeof own };
	if (row->options)
		own = *row->options;
	own.restore_audit = 1;
	if (!row->no_sandbox)
		EXPECT_STATUS(guest, mote_sandbox_new(&guest->sb, guest->image, &own, &guest->err),
			      MOTE_OK);
}

static void close_guest(struct work *work)
{
	struct guest *guest = &work->guest;

	mote_sandbox_free(guest->sb);
	mote_image_unref(guest->image);
	mote_runtime_free(guest->rt);
	work->is_under_way = false;
}

/* Whether guests of VARIANT are wanted. */
static bool is_wanted(const char *variant)
{
	const char *only = getenv("MOTE_TEST_VARIANT");

	return !only || strcmp(only, variant) == 0;
}

static bool is_quick(void)
{
	return getenv("MOTE_TEST_QUICK") != NULL;
}

unsigned rounds(unsigned n)
{
	return is_quick() ? (n + 9) / 10 : n;
}

void skip_row(struct guest *guest, const char *why)
{
	print_message("SKIP: %s: %s\n", guest->where, why);
	guest->is_skipped = true;
	skip();
	abort(); /* skip() does not come back */
}

static void run_work(void **state)
{
	struct work *work = *state;
	const char *folder = getenv("MOTE_TEST_GUESTS");
	int ran = 0;

	if (!folder)
		fail_msg("MOTE_TEST_GUESTS must name the folder with the guests");
	require_backend(work->backend);
	for (int i = 0; i < NVARIANTS && !(is_quick() && ran); i++) {
		char path[512];
		snprintf(path, sizeof path, "%s/%s-%s", folder, work->row->guest, variants[i]);
		if (!is_wanted(variants[i]) || access(path, R_OK) != 0)
			continue;
		open_guest(work, path);
		work->row->test(&work->guest);
		close_guest(work);
		ran++;
	}
	if (ran == 0)
		fail_msg("no guest %s-* in %s", work->row->guest, folder);
}

/* After each test, also one that failed half-way. */
static int say_where(void **state)
{
	struct work *work = *state;

	if (work->is_under_way) {
		if (!work->guest.is_skipped)
			print_message("the failure was in %s; its log:\n%s", work->guest.where,
				      work->capture.log);
		close_guest(work);
	}
	return 0;
}

int harness_main(const struct row *rows, size_t count)
{
	struct work *works = calloc(count * NBACKENDS, sizeof *works);
	struct CMUnitTest *tests = calloc(count * NBACKENDS, sizeof *tests);
	char(*names)[128] = calloc(count * NBACKENDS, sizeof *names);

	if (!works || !tests || !names)
		return 1;
	for (size_t i = 0; i < count * NBACKENDS; i++) {
		works[i].row = &rows[i % count];
		works[i].backend = backends[i / count];
		snprintf(names[i], sizeof names[i], "%s [%s]", works[i].row->name,
			 works[i].backend);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = run_work,
			.teardown_func = say_where,
			.initial_state = &works[i],
		};
	}
	/* the macro of cmocka wants an array; this is what it expands to */
	int failed = _cmocka_run_group_tests("integration", tests, count * NBACKENDS, NULL, NULL);
	free(works);
	free(tests);
	free(names);
	return failed;
}

void expect_status(struct guest *guest, mote_status status, mote_status want, const char *file,
		   int line)
{
	if (status == want)
		return;
	print_message("%s: %s:%d: got %s, want %s; message: %s\n", guest->where, file, line,
		      mote_status_name(status), mote_status_name(want),
		      status ? guest->err.message : "(success)");
	_fail(file, line);
}

void expect_message(struct guest *guest, const char *text, const char *file, int line)
{
	if (strstr(guest->err.message, text))
		return;
	print_message("%s: %s:%d: the message \"%s\" lacks \"%s\"\n", guest->where, file, line,
		      guest->err.message, text);
	_fail(file, line);
}

mote_value call_well(struct guest *guest, const char *file, int line, const char *function,
		     const mote_value *args, size_t nargs)
{
	mote_value result;
	mote_status status = mote_call(guest->sb, function, args, nargs, &result, &guest->err);

	expect_status(guest, status, MOTE_OK, file, line);
	return result;
}

void call_badly(struct guest *guest, const char *file, int line, mote_status want, const char *text,
		const char *function, const mote_value *args, size_t nargs)
{
	mote_value result = mote_i32(1);
	mote_status status = mote_call(guest->sb, function, args, nargs, &result, &guest->err);

	expect_status(guest, status, want, file, line);
	expect_message(guest, text, file, line);
	assert_int_equal(result.type, MOTE_VOID);
	assert_int_equal(guest->err.code, want);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and frees what life.h says, with the public functions wherever they let
 * a test choose the system calls.
 */
#define _GNU_SOURCE
#include "sandbox/life.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *folder;

int life_prepare_program(void **state)
{
	(void)state;
	folder = getenv("MOTE_TEST_GUESTS");
	if (!folder)
		print_error("MOTE_TEST_GUESTS must name the folder with the guests\n");
	return folder && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0 ? 0 : -1;
}

static void take_line(void *user, mote_log_level level, const char *source, const char *message)
{
	struct life *life = user;

	(void)level;
	if (strcmp(source, "guest") == 0)
		snprintf(life->line, sizeof life->line, "%s", message);
}

void life_begin(struct life *life, const struct hv_backend *const *backends, const char *guest)
{
	*life = (struct life){ .host = fail_host(0, FAIL_ONCE, 0), .backends = backends };
	static const char *const endings[] = { "musl", "glibc", "hyper" };

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		snprintf(life->path, sizeof life->path, "%s/%s-%s", folder, guest, endings[i]);
		if (access(life->path, R_OK) == 0)
			break;
	}
}

mote_status life_make_runtime(struct life *life, mote_error *err)
{
	const mote_runtime_options *options = MOTE_OPTIONS(
		mote_runtime_options, .backend = life->may_pick ? NULL : life->backends[0]->name,
		.allow_weaker_isolation = true, .log = take_line, .log_user = life,
		.log_level = MOTE_LOG_TRACE, .realloc = life->host->realloc,
		.realloc_user = life->host->realloc_user);

	life->rt = (mote_runtime *)life; /* must become NULL */
	mote_status status = runtime_new(&life->rt, options, life->host->sys, life->backends, err);
	if (status)
		assert_null(life->rt);
	return status;
}

mote_status life_load_image(struct life *life, mote_error *err)
{
	life->image = (mote_image *)life;
	mote_status status = mote_image_load_file(&life->image, life->rt, life->path, err);
	if (status)
		assert_null(life->image);
	return status;
}

static mote_status return_zero(void *user, const mote_value *args, size_t nargs, mote_value *result,
			       mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)err;
	*result = mote_i32(0);
	return MOTE_OK;
}

static mote_status return_argument(void *user, const mote_value *args, size_t nargs,
				   mote_value *result, mote_error *err)
{
	(void)user, (void)nargs, (void)err;
	*result = args[0];
	return MOTE_OK;
}

static void count_drop(void *user)
{
	++*(unsigned *)user;
}

void life_options(struct life *life, mote_sandbox_options *options, mote_host_function functions[2])
{
	static const mote_type params[] = { MOTE_U32 };

	functions[0] = (mote_host_function){ "HostMain", return_zero, &life->ndropped,
					     count_drop, MOTE_I32,    0,
					     NULL };
	functions[1] = (mote_host_function){ "HostU32",  return_argument, &life->ndropped,
					     count_drop, MOTE_U32,        1,
					     params };
	*options = (mote_sandbox_options){ .size = sizeof *options,
					   .functions = functions,
					   .nfunctions = 2,
					   /* for the guest that copies */
					   .buffer_size =
						   strstr(life->path, "/echo-") ? 64 << 10 : 0 };
}

mote_status life_make_sandbox(struct life *life, mote_error *err)
{
	mote_sandbox_options options;
	mote_host_function functions[2];

	life_options(life, &options, functions);
	life->sb = (mote_sandbox *)life;
	life->ngiven += 2;
	life->nfiles = 0;
	mote_status status = mote_sandbox_new(&life->sb, life->image, &options, err);
	if (status)
		assert_null(life->sb);
	return status;
}

static mote_status make_snapshot(struct life *life, mote_error *err)
{
	mote_status status = mote_snapshot_take(&life->clean, life->sb, err);

	if (!status)
		status = mote_call(life->sb, "Count", MOTE_NO_ARGS, NULL, err);
	if (!status)
		status = mote_call(life->sb, "Touch", MOTE_ARGS(20u), NULL, err);
	return status;
}

void life_reach(struct life *life, enum stage stage)
{
	mote_error err = { .message = "" };
	mote_status status = MOTE_OK;

	if (stage >= RUNTIME && !life->rt)
		status = life_make_runtime(life, &err);
	if (!status && stage >= IMAGE && !life->image)
		status = life_load_image(life, &err);
	if (!status && stage >= SANDBOX && !life->sb)
		status = life_make_sandbox(life, &err);
	if (!status && stage >= SNAPSHOT && !life->clean)
		status = make_snapshot(life, &err);
	if (status)
		fail_msg("nothing fails on demand, but: %s", err.message);
}

void life_heal(struct life *life)
{
	mote_error err = { .message = "" };

	if (mote_sandbox_restore(life->sb, life->clean, &err))
		fail_msg("nothing fails on demand any more, but: %s", err.message);
	assert_false(mote_sandbox_is_poisoned(life->sb));
	life->nfiles = 0;
}

void life_return_to(struct life *life, enum stage stage)
{
	if (stage < SNAPSHOT) {
		mote_snapshot_unref(life->clean);
		life->clean = NULL;
	}
	if (stage < SANDBOX) {
		mote_sandbox_free(life->sb);
		life->sb = NULL;
	}
	if (stage < IMAGE) {
		mote_image_unref(life->image);
		life->image = NULL;
	}
	if (stage < RUNTIME) {
		mote_runtime_free(life->rt);
		life->rt = NULL;
	}
}

/* Whether all processes that descend from this one end within some seconds. */
static bool processes_end(void)
{
	const struct timespec nap = { .tv_nsec = 200000 };

	for (int i = 0; i < 15000; i++) {
		pid_t ended = waitpid(-1, NULL, WNOHANG | __WALL);
		if (ended < 0 && errno == ECHILD)
			return true;
		if (ended == 0)
			nanosleep(&nap, NULL);
	}
	return false;
}

const char *life_end(struct life *life)
{
	life_return_to(life, NOTHING);
	if (fail_leak())
		return fail_leak();
	if (life->ndropped != life->ngiven)
		return "drop_user was not called once for each host function";
	return processes_end() ? NULL : "a process is still there";
}

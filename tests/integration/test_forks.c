/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork() of the host: the child gets clean errors on everything that it inherited, can free it
 * all, and begins anew; the parent notices nothing, whatever the child does.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child that says what is wrong ends with this; exit status 0 is all well. */
enum { CHILD_FAILED = 9 };

/* cmocka belongs to the parent: what is wrong in a child is said, and it ends. */
#define CHILD_EXPECT(condition)                                                                    \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "%s:%d: in the child: %s: %s\n", __FILE__, __LINE__,            \
				#condition, err.message);                                          \
			_exit(CHILD_FAILED);                                                       \
		}                                                                                  \
	} while (0)

/* What the child must be told, with a way out. */
#define CHILD_IS_REFUSED(call)                                                                     \
	do {                                                                                       \
		err = (mote_error){ .message = "" };                                               \
		CHILD_EXPECT((call) == MOTE_E_STATE);                                              \
		CHILD_EXPECT(err.code == MOTE_E_STATE && strstr(err.message, "forked") &&          \
			     strstr(err.message, "mote_runtime_new()"));                           \
	} while (0)

static void expect_end(pid_t child, int want)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0)
		assert_int_equal(errno, EINTR);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("the child ended with status 0x%x", (unsigned)status);
}

static int32_t count(struct guest *g)
{
	return CALL(g, "Count", MOTE_NO_ARGS).as.i32;
}

/* All that a process can have of the library. */
struct things {
	mote_snapshot *clean;
	mote_pool *pool;
	mote_sandbox *pooled;
	mote_sandbox *spawned;
};

static void make_things(struct guest *g, struct things *things)
{
	EXPECT_STATUS(g, mote_snapshot_take(&things->clean, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g,
		      mote_pool_new(&things->pool, g->rt, things->clean,
				    MOTE_OPTIONS(mote_pool_options, .minimum = 2, .maximum = 3),
				    &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_pool_acquire(&things->pooled, things->pool, &g->err), MOTE_OK);
	EXPECT_STATUS(
		g,
		mote_sandbox_from_snapshot(&things->spawned, g->rt, things->clean, NULL, &g->err),
		MOTE_OK);
}

static void free_things(struct things *things)
{
	mote_pool_release(things->pool, things->pooled);
	mote_pool_free(things->pool);
	mote_sandbox_free(things->spawned);
	mote_snapshot_unref(things->clean);
}

static void visit_region(void *user, const mote_region_info *region)
{
	(void)region;
	++*(unsigned *)user;
}

/* Each function that could reach a guest of the parent's. */
static void use_everything(struct guest *g, const struct things *things)
{
	mote_error err = { .message = "" };
	mote_sandbox *sb = g->sb;
	mote_image *image = g->image;
	mote_snapshot *snapshot = things->clean;
	mote_pool *pool = things->pool;
	mote_value result;
	uint64_t word = 0;
	int exit_status = 7;

	CHILD_IS_REFUSED(mote_call(g->sb, "Count", MOTE_NO_ARGS, &result, &err));
	CHILD_EXPECT(result.type == MOTE_VOID);
	CHILD_IS_REFUSED(mote_call(g->sb, "NoSuchFunction", MOTE_NO_ARGS, NULL, &err));
	CHILD_IS_REFUSED(mote_sandbox_read(g->sb, 0, &word, sizeof word, &err));
	CHILD_IS_REFUSED(mote_sandbox_write(g->sb, 0, &word, sizeof word, &err));
	CHILD_IS_REFUSED(
		mote_sandbox_map_file(g->sb, "/bin/sh", UINT64_C(0x200000000000), NULL, &err));
	CHILD_IS_REFUSED(mote_sandbox_map_fd(g->sb, 0, UINT64_C(0x200000000000), NULL, &err));
	CHILD_IS_REFUSED(mote_sandbox_restore(g->sb, things->clean, &err));
	CHILD_IS_REFUSED(mote_snapshot_take(&snapshot, g->sb, &err));
	CHILD_EXPECT(!snapshot);
	CHILD_IS_REFUSED(mote_sandbox_new(&sb, g->image, NULL, &err));
	CHILD_EXPECT(!sb);
	CHILD_IS_REFUSED(mote_sandbox_from_snapshot(&sb, g->rt, things->clean, NULL, &err));
	CHILD_EXPECT(!sb);
	CHILD_IS_REFUSED(mote_pool_acquire(&sb, things->pool, &err));
	CHILD_EXPECT(!sb);
	CHILD_IS_REFUSED(mote_pool_new(&pool, g->rt, things->clean, NULL, &err));
	CHILD_EXPECT(!pool);
	CHILD_IS_REFUSED(mote_image_load_file(&image, g->rt, g->path, &err));
	CHILD_EXPECT(!image);
	image = g->image;
	CHILD_IS_REFUSED(mote_image_load_memory(&image, g->rt, "x", 1, &err));
	CHILD_EXPECT(!image);
	CHILD_IS_REFUSED(mote_image_run(g->image, NULL, &exit_status, &err));
	CHILD_EXPECT(exit_status == 0);
	CHILD_EXPECT(mote_call(g->sb, "Count", MOTE_NO_ARGS, NULL, NULL) == MOTE_E_STATE);
}

/* What needs no guest works. */
static void look_at_everything(struct guest *g, const struct things *things)
{
	mote_error err = { .message = "" };
	mote_pool_statistics statistics = { .size = sizeof statistics };
	unsigned nregions = 0;

	CHILD_EXPECT(strcmp(mote_runtime_backend(g->rt), g->backend) == 0);
	CHILD_EXPECT(mote_image_find_export(g->image, "Count"));
	CHILD_EXPECT(!mote_sandbox_is_poisoned(g->sb));
	CHILD_EXPECT(mote_image_layout(g->image, NULL, visit_region, &nregions, &err) == MOTE_OK);
	CHILD_EXPECT(nregions > 5);
	mote_pool_get_statistics(things->pool, &statistics);
	CHILD_EXPECT(statistics.in_use == 1 && statistics.idle == 1);
	mote_snapshot_unref(mote_snapshot_ref(things->clean));
}

static void free_everything(struct guest *g, struct things *things)
{
	free_things(things);
	mote_sandbox_free(g->sb);
	mote_image_unref(g->image);
	mote_runtime_free(g->rt);
}

/* The child as a user of its own. */
static void begin_anew(struct guest *g)
{
	const mote_runtime_options options = { .size = sizeof options,
					       .backend = g->backend,
					       .allow_weaker_isolation = true };
	mote_error err = { .message = "" };
	mote_snapshot *snapshot;
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;
	mote_value result;

	CHILD_EXPECT(mote_runtime_new(&rt, &options, &err) == MOTE_OK);
	CHILD_EXPECT(mote_image_load_file(&image, rt, g->path, &err) == MOTE_OK);
	CHILD_EXPECT(mote_sandbox_new(&sb, image, NULL, &err) == MOTE_OK);
	CHILD_EXPECT(mote_snapshot_take(&snapshot, sb, &err) == MOTE_OK);
	for (int i = 0; i < 10; i++) {
		CHILD_EXPECT(mote_call(sb, "Count", MOTE_NO_ARGS, &result, &err) == MOTE_OK);
		CHILD_EXPECT(result.as.i32 == 101);
		CHILD_EXPECT(mote_sandbox_restore(sb, snapshot, &err) == MOTE_OK);
	}
	mote_snapshot_unref(snapshot);
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
}

/* The parent as if nothing was. */
static void go_on(struct guest *g, const struct things *things)
{
	mote_sandbox *own = g->sb, *all[] = { g->sb, things->pooled, things->spawned };

	for (int i = 0; i < 30; i++) {
		g->sb = all[i % 3];
		assert_int_equal(count(g), 101);
		CALL(g, "Touch", MOTE_ARGS(mote_u32(20)));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, things->clean, &g->err), MOTE_OK);
	}
	g->sb = own;
}

static void the_child_is_refused_and_begins_anew(struct guest *g)
{
	struct things things;

	make_things(g, &things);
	go_on(g, &things);
	for (unsigned i = 0; i < rounds(10); i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			use_everything(g, &things);
			look_at_everything(g, &things);
			begin_anew(g);
			use_everything(g, &things);
			free_everything(g, &things);
			begin_anew(g);
			_exit(0);
		}
		go_on(g, &things); /* beside it */
		expect_end(child, 0);
		go_on(g, &things);
	}
	free_things(&things);
	assert_int_equal(count(g), 101);
}

static void the_parent_may_free_first(struct guest *g)
{
	struct things things;
	int wait[2];
	char byte;

	make_things(g, &things);
	assert_int_equal(pipe2(wait, O_CLOEXEC), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(wait[1]);
		(void)!read(wait[0], &byte, 1);
		use_everything(g, &things);
		look_at_everything(g, &things);
		free_everything(g, &things);
		_exit(0);
	}
	free_things(&things);
	mote_sandbox_free(g->sb);
	g->sb = NULL;
	close(wait[1]);
	close(wait[0]);
	expect_end(child, 0);
}

/* A grandchild is no original either, and a runtime of the child's is not the grandchild's. */
static void children_of_children_are_refused_too(struct guest *g)
{
	struct things things;

	make_things(g, &things);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		mote_error err = { .message = "" };
		const mote_runtime_options options = { .size = sizeof options,
						       .backend = g->backend,
						       .allow_weaker_isolation = true };
		mote_image *image = NULL;
		mote_runtime *rt;
		int status = -1;

		CHILD_EXPECT(mote_runtime_new(&rt, &options, &err) == MOTE_OK);
		/* not through the C library */
		pid_t grandchild = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
		if (grandchild == 0) {
			use_everything(g, &things);
			CHILD_IS_REFUSED(mote_image_load_file(&image, rt, g->path, &err));
			mote_runtime_free(rt);
			free_everything(g, &things);
			_exit(0);
		}
		CHILD_EXPECT(waitpid(grandchild, &status, 0) == grandchild && status == 0);
		CHILD_EXPECT(mote_image_load_file(&image, rt, g->path, &err) == MOTE_OK);
		mote_image_unref(image);
		mote_runtime_free(rt);
		_exit(0);
	}
	expect_end(child, 0);
	go_on(g, &things);
	free_things(&things);
}

/* Forks in the middle of a call, and who comes back as the child. */
static pid_t middle;
static pid_t fork_in_the_middle(void)
{
	middle = fork();
	return middle;
}

static mote_status forks(void *user, const mote_value *args, size_t nargs, mote_value *result,
			 mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)err;
	/* the child is to be late: the parent's guest runs meanwhile, and may be done */
	if (fork_in_the_middle() == 0)
		poll(NULL, 0, 30);
	*result = mote_i32(middle == 0 ? 666 : 7);
	return MOTE_OK;
}

static const mote_host_function functions[] = {
	{ .name = "Fails", .fn = forks, .result = MOTE_I32 },
};
static const mote_sandbox_options with_functions = {
	.size = sizeof with_functions,
	.functions = functions,
	.nfunctions = 1,
};

static void a_host_function_forks(struct guest *g)
{
	for (unsigned i = 0; i < rounds(10); i++) {
		mote_error err = { .message = "" };
		mote_value result;
		mote_status status = mote_call(g->sb, "CallFails", MOTE_NO_ARGS, &result, &err);

		if (middle == 0) {
			CHILD_EXPECT(status == MOTE_E_STATE);
			CHILD_EXPECT(strstr(err.message, "CallFails") &&
				     strstr(err.message, "forked"));
			CHILD_IS_REFUSED(mote_call(g->sb, "Count", MOTE_NO_ARGS, NULL, &err));
			mote_sandbox_free(g->sb);
			mote_image_unref(g->image);
			mote_runtime_free(g->rt);
			_exit(0);
		}
		if (status)
			fail_msg("%s: %s", g->where, err.message);
		assert_int_equal(result.as.i32, 7);
		int32_t first = count(g);
		for (int j = 1; j < 50; j++) {
			poll(NULL, 0, 1);
			assert_int_equal(count(g), first + j);
		}
		expect_end(middle, 0);
	}
}

static unsigned nlines;
static void forks_at_output(void *user, int stream, const void *data, size_t size)
{
	(void)user, (void)stream, (void)data, (void)size;
	if (++nlines == 3 && fork_in_the_middle() == 0)
		poll(NULL, 0, 30);
}

static const mote_sandbox_options with_output = {
	.size = sizeof with_output,
	.output = forks_at_output,
};

static void an_output_function_forks(struct guest *g)
{
	const mote_value line[] = { mote_i32(1), mote_str("a line\n") };

	for (unsigned i = 0; i < rounds(10); i++) {
		mote_error err = { .message = "" };
		mote_status status = MOTE_OK;

		nlines = 0;
		middle = -1;
		for (int j = 0; j < 5 && !status; j++)
			status = mote_call(g->sb, "Print", line, 2, NULL, &err);
		if (middle == 0) {
			CHILD_EXPECT(status == MOTE_E_STATE && strstr(err.message, "forked"));
			mote_sandbox_free(g->sb);
			mote_image_unref(g->image);
			mote_runtime_free(g->rt);
			_exit(0);
		}
		if (status)
			fail_msg("%s: %s", g->where, err.message);
		assert_int_equal(nlines, 5);
		for (int j = 0; j < 40; j++) {
			poll(NULL, 0, 1);
			CALL(g, "Print", line, 2);
		}
		expect_end(middle, 0);
	}
}

int main(void)
{
	static const struct row rows[] = {
		{ .name = "the child is refused and begins anew",
		  .guest = "state",
		  .test = the_child_is_refused_and_begins_anew },
		{ .name = "the parent may free first",
		  .guest = "state",
		  .test = the_parent_may_free_first },
		{ .name = "children of children are refused too",
		  .guest = "state",
		  .test = children_of_children_are_refused_too },
		{ .name = "a host function forks",
		  .guest = "state",
		  .test = a_host_function_forks,
		  .options = &with_functions },
		{ .name = "an output function forks",
		  .guest = "libc",
		  .test = an_output_function_forks,
		  .options = &with_output },
	};
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

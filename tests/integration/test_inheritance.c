/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the library takes of a process, and what a program that the process executes gets of it:
 * no descriptor, at whatever moment, so that neither a virtual machine nor a guest's memory ends
 * up in a program that knows nothing of them.
 *
 * As `test_inheritance list` this program is the one that is executed.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What src/sandbox/host_check_kernel.c tells users. */
enum { FILES_EACH = 6, MAPPINGS_EACH = 16 };

/* The executed program: one line for each descriptor that it has. */
static int list_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	char target[256];

	while (dir && (entry = readdir(dir))) {
		ssize_t size = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		if (size < 0 || strtol(entry->d_name, NULL, 10) == dirfd(dir))
			continue;
		target[size] = '\0';
		/* pipes and sockets have numbers, of which each run has others */
		target[strcspn(target, "[")] = '\0';
		printf("%s %s\n", entry->d_name, target);
	}
	if (!dir)
		return 1;
	closedir(dir);
	return 0;
}

/* Everything that the program says, in TEXT; false when it could not be run. */
static bool list_of_program(char *text, size_t size)
{
	int ends[2];
	size_t used = 0;
	ssize_t got;
	int status;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		execl("/proc/self/exe", "test_inheritance", "list", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while ((got = read(ends[0], text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	close(ends[0]);
	text[used] = '\0';
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* What the program gets of a process that has never called the library. */
static char list_before[4096];

static void expect_nothing_inherited(struct guest *g, const char *when)
{
	char list[4096];

	assert_true(list_of_program(list, sizeof list));
	if (strcmp(list, list_before) != 0)
		fail_msg("%s: %s, an executed program has the descriptors\n%sand not\n%s", g->where,
			 when, list, list_before);
}

static mote_sandbox *sandbox(struct guest *g)
{
	mote_sandbox *sb;

	EXPECT_STATUS(g, mote_sandbox_new(&sb, g->image, NULL, &g->err), MOTE_OK);
	return sb;
}

static mote_sandbox *sandbox_of(struct guest *g, mote_snapshot *snapshot)
{
	mote_sandbox *sb;

	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&sb, g->rt, snapshot, NULL, &g->err), MOTE_OK);
	return sb;
}

static void nothing_is_inherited(struct guest *g)
{
	mote_snapshot *snapshot;
	mote_pool *pool;

	expect_nothing_inherited(g, "with a sandbox");
	CALL(g, "EchoI32", MOTE_ARGS(1));
	expect_nothing_inherited(g, "after a call");
	EXPECT_STATUS(g, mote_sandbox_map_file(g->sb, g->path, 0x200000000000, "self", &g->err),
		      MOTE_OK);
	expect_nothing_inherited(g, "with a mapped file");
	int memory = memfd_create("lent", MFD_CLOEXEC);
	assert_int_equal(ftruncate(memory, 1), 0);
	EXPECT_STATUS(g, mote_sandbox_map_fd(g->sb, memory, 0x300000000000, "lent", &g->err),
		      MOTE_OK);
	close(memory);
	expect_nothing_inherited(g, "with memory of this process mapped");
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	expect_nothing_inherited(g, "with a snapshot");
	mote_sandbox *copy = sandbox_of(g, snapshot);
	expect_nothing_inherited(g, "with a sandbox of a snapshot");
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	expect_nothing_inherited(g, "after a restore");
	const mote_pool_options *options = MOTE_OPTIONS(mote_pool_options, .minimum = 2);
	EXPECT_STATUS(g, mote_pool_new(&pool, g->rt, snapshot, options, &g->err), MOTE_OK);
	expect_nothing_inherited(g, "with a pool");
	mote_pool_free(pool);
	mote_sandbox_free(copy);
	mote_snapshot_unref(snapshot);
}

/* Executes the program again and again while another thread makes and frees. */
struct executor {
	pthread_t thread;
	atomic_bool is_done;
	unsigned count;
	char trouble[4096];
};

static void *keep_executing(void *argument)
{
	struct executor *executor = argument;
	char list[4096];

	do {
		if (!list_of_program(list, sizeof list) || strcmp(list, list_before) != 0) {
			memcpy(executor->trouble, list, sizeof list);
			return NULL;
		}
		executor->count++;
	} while (!executor->is_done);
	return NULL;
}

static void nothing_is_inherited_while_sandboxes_are_made(struct guest *g)
{
	struct executor executor = { .count = 0 };

	assert_int_equal(pthread_create(&executor.thread, NULL, keep_executing, &executor), 0);
	for (unsigned i = 0; i < rounds(40); i++) {
		mote_snapshot *snapshot;
		mote_sandbox *sb = sandbox(g);
		EXPECT_STATUS(g, mote_snapshot_take(&snapshot, sb, &g->err), MOTE_OK);
		mote_sandbox_free(sandbox_of(g, snapshot));
		mote_snapshot_unref(snapshot);
		mote_sandbox_free(sb);
	}
	executor.is_done = true;
	pthread_join(executor.thread, NULL);
	if (executor.trouble[0])
		fail_msg("%s: after %u programs, one has the descriptors\n%sand not\n%s", g->where,
			 executor.count, executor.trouble, list_before);
	assert_true(executor.count > 0);
}

static unsigned count_lines(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned count = 0;
	int c;

	assert_non_null(file);
	while ((c = getc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return count;
}

static unsigned count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* The number of sandboxes that `mote doctor` says can be had is one that can. */
static void a_sandbox_takes_what_is_said(struct guest *g)
{
	enum { MANY = 16 };
	mote_sandbox *made[MANY], *copies[MANY];
	mote_snapshot *snapshot;

	const unsigned files = count_files(), mappings = count_lines("/proc/self/maps");
	for (unsigned i = 0; i < MANY; i++)
		made[i] = sandbox(g);
	assert_in_range(count_files(), files + MANY, files + MANY * FILES_EACH);
	assert_in_range(count_lines("/proc/self/maps"), mappings, mappings + MANY * MAPPINGS_EACH);
	for (unsigned i = 0; i < MANY; i++)
		mote_sandbox_free(made[i]);
	assert_int_equal(count_files(), files);

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	const unsigned before = count_files(), before_mappings = count_lines("/proc/self/maps");
	for (unsigned i = 0; i < MANY; i++)
		copies[i] = sandbox_of(g, snapshot);
	assert_in_range(count_files(), before + MANY, before + MANY * FILES_EACH);
	assert_in_range(count_lines("/proc/self/maps"), before_mappings,
			before_mappings + MANY * MAPPINGS_EACH);

	for (unsigned i = 0; i < MANY; i++)
		mote_sandbox_free(copies[i]);
	assert_int_equal(count_files(), before);
	mote_snapshot_unref(snapshot);
}

static const struct row rows[] = {
	{ "nothing is inherited", "echo", nothing_is_inherited, NULL, false },
	{ "nothing is inherited while sandboxes are made", "echo",
	  nothing_is_inherited_while_sandboxes_are_made, NULL, false },
	{ "a sandbox takes what is said", "echo", a_sandbox_takes_what_is_said, NULL, false },
};

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return list_descriptors();
	if (!list_of_program(list_before, sizeof list_before)) {
		fprintf(stderr, "this program cannot execute itself\n");
		return 1;
	}
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

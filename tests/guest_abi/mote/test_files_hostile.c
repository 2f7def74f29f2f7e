/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests, and hosts' folders, that want a guest to get out of what it was given, or its host to
 * wait: links, ".." without end, pipes, devices, magic links, names, and somebody who exchanges
 * folders while a guest opens files in them.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_host.h"
#include "guest_abi/mote/files_box.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static struct files_box box;

static int setup(void **state)
{
	(void)state;
	files_box_init(&box, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_box_fini(&box);
	return 0;
}

static void no_path_leads_out(void **state)
{
	(void)state;
	char absolute[64];
	static const char *const paths[] = {
		"/data/../out/secret",
		"/data/../../../../../../../../tmp",
		"/data/sub/../../out/secret",
		"/data/up/secret",
		"/data/up2",
		"/data/absolute",
		"/data/absolute_folder/secret",
		"/data/chain/out/secret",
		"/data/sub/./.././../out/./secret",
		"/data/etc",
		"/../out/secret",
		"../out/secret",
	};

	snprintf(absolute, sizeof absolute, "%s/out", box.top);
	link_at(&box, absolute, "in/absolute_folder");
	snprintf(absolute, sizeof absolute, "%s/out/secret", box.top);
	link_at(&box, absolute, "in/absolute");
	link_at(&box, "../out", "in/up");
	link_at(&box, "sub/../../out/secret", "in/up2");
	link_at(&box, "sub/dots", "in/chain");
	link_at(&box, "../..", "in/sub/dots");
	link_at(&box, "/etc/passwd", "in/etc");
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (strcmp(content_of(&box, paths[i]), "error 2") != 0 &&
		    strcmp(content_of(&box, paths[i]), "error 21") != 0)
			fail_msg("%s: %s", paths[i], content_of(&box, paths[i]));
		on_path(&box, SYS_unlink, paths[i], 0);
		put_it(&box, paths[i], "overwritten");
		on_paths(&box, SYS_rename, paths[i], "/data/taken");
	}
	assert_string_equal(host_text(&box, "out/secret"), "secret\n");
}

static void paths_are_bounded(void **state)
{
	(void)state;
	static char path[1 << 20];
	const uint64_t va = heap_of(&box) + (1 << 20);

	/* a mebibyte without an end */
	memset(path, 'a', sizeof path);
	assert_int_equal(guest_memory_write(box.pb.box.memory, va, path, sizeof path, 0, NULL), 0);
	assert_int_equal(CALL(&box.pb, SYS_openat, CWD, va, O_RDONLY), -ENAMETOOLONG);
	assert_int_equal(CALL(&box.pb, SYS_stat, va, BYTES), -ENAMETOOLONG);
	/* the last byte of memory is no end either */
	*(char *)at(&box.pb, BOX_DATA_END - 1) = 'x';
	assert_int_equal(CALL(&box.pb, SYS_openat, CWD, BOX_DATA_END - 1, O_RDONLY), -EFAULT);
	assert_int_equal(CALL(&box.pb, SYS_openat, CWD, BOX_NOWHERE, O_RDONLY), -EFAULT);
	/* a name that is too long, one that is not */
	path[256] = '\0';
	path[0] = '/';
	assert_int_equal(open_it(&box, path, O_RDONLY), -ENOENT);
	path[256] = 'a';
	path[257] = '\0';
	assert_int_equal(open_it(&box, path, O_RDONLY), -ENAMETOOLONG);
	/* 4095 bytes of ".." lead to the root, 4096 are too many */
	for (size_t i = 0; i < 4096; i += 3)
		memcpy(path + i, "/..", 3);
	memcpy(path + 4095 - 11, "/data/a.txt", 12);
	assert_string_equal(content_of(&box, path), "alpha\n");
	memcpy(path + 4096 - 11, "/data/a.txt", 12);
	assert_string_equal(content_of(&box, path), "error 36");
}

/* Links whose texts grow, and folders as deep as paths allow. */
static void depth_is_bounded(void **state)
{
	(void)state;
	char text[4200] = "";
	int64_t made = 0;
	unsigned depth = 0;

	assert_int_equal(on_path(&box, SYS_chdir, "/data", 0), 0);
	for (; (made = on_path(&box, SYS_mkdir, "d", 0755)) == 0; depth++)
		assert_int_equal(on_path(&box, SYS_chdir, "d", 0), 0);
	assert_true(made == -ENAMETOOLONG || made == -ENOSPC);
	assert_in_range(depth, 1000, 2048);
	for (size_t i = 0; i < 4000; i += 2)
		memcpy(text + i, "x/", 2);
	text[4000] = '\0';
	assert_int_equal(on_paths(&box, SYS_symlink, text, "/data/x"), 0);
	assert_string_equal(content_of(&box, "/data/x"), "error 36");
}

static void open_in_child(const char *path)
{
	alarm(10); /* who waits is ended */
	content_of(&box, path);
	_exit(strncmp(content_of(&box, path), "error 13", 8) == 0 ? 0 : 1);
}

/* Neither a reader nor a writer of a pipe is let go, and nobody waits for one. */
static void what_is_no_file_is_not_opened(void **state)
{
	(void)state;
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char path[64];
	int pipe_end;

	snprintf(path, sizeof path, "%s/pipe", box.root);
	assert_int_equal(mkfifo(path, 0666), 0);
	snprintf(name.sun_path, sizeof name.sun_path, "%s/socket", box.root);
	int server = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server, (struct sockaddr *)&name, sizeof name), 0);
	assert_int_equal(open_it(&box, "/data/pipe", O_RDONLY), -EACCES);
	assert_int_equal(open_it(&box, "/data/pipe", O_WRONLY), -EACCES);
	assert_int_equal(open_it(&box, "/data/pipe", O_RDWR | O_TRUNC), -EACCES);
	assert_int_equal(open_it(&box, "/data/socket", O_RDONLY), -EACCES);
	struct stat pipe_stat;
	const int root = open(box.root, O_PATH | O_DIRECTORY);
	int fd;
	assert_int_equal(host_file_find(&box.pb.box.host, root, "pipe", &fd, &pipe_stat), 0);
	close(fd);
	assert_int_equal(host_file_open(&box.pb.box.host, root, "pipe", &pipe_stat, &fd), -EACCES);
	close(root);
	/* had the guest been a reader, this would open */
	pipe_end = open(path, O_WRONLY | O_NONBLOCK);
	assert_true(pipe_end < 0 && errno == ENXIO);
	assert_int_equal(stat_it(&box, "/data/pipe").st_mode & S_IFMT, S_IFIFO);
	if (fork() == 0)
		open_in_child("/data/pipe");
	int status;
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	close(server);
}

static void give(const char *host)
{
	const mote_directory given = { .guest = "/x", .host = host };

	personality_box_fini(&box.pb);
	files_box_give(&box, &given, 1, 0, NULL);
}

static void devices_are_not_opened(void **state)
{
	(void)state;
	give("/dev");
	assert_string_equal(content_of(&box, "/x/null"), "error 13");
	assert_string_equal(content_of(&box, "/x/zero"), "error 13");
	assert_int_equal(stat_it(&box, "/x/null").st_rdev, 0);
}

/* /proc has links that lead anywhere without a path. Their texts are read, and lead nowhere. */
static void magic_links_are_not_followed(void **state)
{
	(void)state;
	static const char *const paths[] = {
		"/x/self/root/etc/passwd",
		"/x/self/cwd",
		"/x/self/exe",
		"/x/self/fd/0",
		"/x/self/fd/1",
		"/x/thread-self/root",
	};

	give("/proc");
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		/* or 21: "/"; or nothing: the guest's own /dev/null */
		const char *content = content_of(&box, paths[i]);
		if (*content && strncmp(content, "error 2", 7) != 0)
			fail_msg("%s: %s", paths[i], content);
	}
}

/* What the guest opens while THREAD exchanges a folder for a link that leads out. */
static atomic_bool is_over;

static void *exchange(void *nothing)
{
	char folder[64], link[64];

	(void)nothing;
	snprintf(folder, sizeof folder, "%s/flip", box.root);
	snprintf(link, sizeof link, "%s/link", box.root);
	for (int i = 0; i < 10000; i++)
		renameat2(AT_FDCWD, folder, AT_FDCWD, link, RENAME_EXCHANGE);
	is_over = true;
	return NULL;
}

static void nobody_gets_out_while_folders_are_exchanged(void **state)
{
	(void)state;
	pthread_t thread;
	unsigned inside = 0, refused = 0;
	char path[64];

	make_at(&box, "in/flip", NULL);
	make_at(&box, "in/flip/secret", "inside\n");
	link_at(&box, "../out", "in/link");
	snprintf(path, sizeof path, "%s/link", box.root);
	is_over = false;
	assert_int_equal(pthread_create(&thread, NULL, exchange, NULL), 0);
	while (!is_over) {
		const char *content = content_of(&box, "/data/flip/secret");
		inside += strcmp(content, "inside\n") == 0;
		refused += strncmp(content, "error", 5) == 0;
		if (strcmp(content, "inside\n") != 0 && strncmp(content, "error", 5) != 0)
			fail_msg("got out: %s", content);
		content = content_of(&box, "/data/flip/../flip/./secret");
		assert_true(strcmp(content, "secret\n") != 0);
		assert_true(strcmp(list_it(&box, "/data/flip/..", 4096), "error") != 0);
	}
	pthread_join(thread, NULL);
	assert_true(inside + refused > 0);
	print_message("%u times inside, %u refused\n", inside, refused);
}

/* The same with a file and a pipe: whatever is met, nobody waits. */
static void *exchange_pipe(void *nothing)
{
	char file[64], fifo[64];

	(void)nothing;
	snprintf(file, sizeof file, "%s/flip", box.root);
	snprintf(fifo, sizeof fifo, "%s/pipe", box.root);
	for (int i = 0; i < 10000; i++)
		renameat2(AT_FDCWD, file, AT_FDCWD, fifo, RENAME_EXCHANGE);
	is_over = true;
	return NULL;
}

static void nobody_waits_while_a_file_becomes_a_pipe(void **state)
{
	(void)state;
	pthread_t thread;
	char path[64];

	make_at(&box, "in/flip", "file\n");
	snprintf(path, sizeof path, "%s/pipe", box.root);
	assert_int_equal(mkfifo(path, 0666), 0);
	is_over = false;
	assert_int_equal(pthread_create(&thread, NULL, exchange_pipe, NULL), 0);
	while (!is_over) {
		const char *content = content_of(&box, "/data/flip");
		if (strcmp(content, "file\n") != 0 && strncmp(content, "error", 5) != 0)
			fail_msg("read: %s", content);
	}
	pthread_join(thread, NULL);
}

static void names_may_be_anything_but_have_a_slash(void **state)
{
	(void)state;
	static const char *const names[] = { "\n", "\x1b[2J", "\xff\xfe", " ", "-rf", "...", "\\" };
	char path[64];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "/tmp/%s", names[i]);
		assert_int_equal(put_it(&box, path, names[i]), 0);
		assert_string_equal(content_of(&box, path), names[i]);
	}
	assert_int_equal(box.pb.box.log.count, 0); /* nothing of it in the log */
}

/* Every call with every kind of wrong pointer, in every argument. */
static void pointers_are_checked_everywhere(void **state)
{
	(void)state;
	static const uint64_t numbers[] = {
		SYS_open,   SYS_stat,       SYS_lstat,      SYS_access,    SYS_rename,
		SYS_mkdir,  SYS_rmdir,      SYS_creat,      SYS_unlink,    SYS_symlink,
		SYS_chmod,  SYS_statfs,     SYS_getdents64, SYS_openat,    SYS_mkdirat,
		SYS_chdir,  SYS_newfstatat, SYS_unlinkat,   SYS_renameat,  SYS_symlinkat,
		SYS_statx,  SYS_readlinkat, SYS_fchmodat,   SYS_faccessat, SYS_utimensat,
		SYS_getcwd, SYS_readlink,   SYS_pread64,    SYS_pwrite64,  SYS_truncate,
		SYS_fcntl,  SYS_fstat,      SYS_faccessat2, SYS_renameat2, SYS_fstatfs,
	};
	static const uint64_t values[] = {
		0,
		1,
		3,
		BOX_NOWHERE,
		UINT64_MAX,
		MOTE_ADDRESS_END - 1,
		BOX_CONSTANT,
		(uint64_t)-100,
	};
	enum { N = sizeof values / sizeof values[0] };

	assert_int_equal(open_it(&box, "/data", O_RDONLY), 3);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		for (size_t v = 0; v < N * N * N * N; v++)
			CALL(&box.pb, numbers[i], values[v % N], values[v / N % N],
			     values[v / N / N % N], values[v / N / N / N]);
	assert_string_equal(host_text(&box, "in/a.txt"), "alpha\n");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(no_path_leads_out),
		TEST(paths_are_bounded),
		TEST(depth_is_bounded),
		TEST(what_is_no_file_is_not_opened),
		TEST(devices_are_not_opened),
		TEST(magic_links_are_not_followed),
		TEST(nobody_gets_out_while_folders_are_exchanged),
		TEST(nobody_waits_while_a_file_becomes_a_pipe),
		TEST(names_may_be_anything_but_have_a_slash),
		TEST(pointers_are_checked_everywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

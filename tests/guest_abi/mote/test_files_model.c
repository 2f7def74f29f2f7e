/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private directory beside a real one: what a guest does in the one is done in the other by
 * system calls of the host, and both must answer the same and look the same. Only renaming a
 * folder that the host has is different, which is left out of both.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"

#include <dirent.h>

/* Offsets and sizes are on both sides of a block's end. */
enum { OPERATIONS = 20000, SIZE_MAX_TRIED = 9000 };

static struct files_box box;
static uint32_t seed;

static uint32_t pick(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static const char *pick_path(void)
{
	static const char *const paths[] = { "a",   "b",   "d",     "d/a",  "d/b", "e",
					     "e/a", "d/e", "d/e/a", "a/x",  "f",   "f/a",
					     "n",   "n/a", "n/n",   "n/n/a" };

	return paths[pick(sizeof paths / sizeof paths[0])];
}

/* The same path for the host. */
static const char *real(const char *path)
{
	static char full[2][128];
	static unsigned turn;

	turn ^= 1;
	snprintf(full[turn], sizeof full[turn], "%s/copy/%s", box.top, path);
	return full[turn];
}

static const char *guests(const char *path)
{
	static char full[2][128];
	static unsigned turn;

	turn ^= 1;
	snprintf(full[turn], sizeof full[turn], "/data/%s", path);
	return full[turn];
}

static int64_t answer(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void agree(const char *what, const char *path, int64_t guest, int64_t host)
{
	if (host == -EEXIST && guest == -ENOTEMPTY)
		return; /* file systems of hosts say either */
	if (guest != host)
		fail_msg("%s %s: %lld in the guest, %lld outside", what, path, (long long)guest,
			 (long long)host);
}

static void write_both(const char *path)
{
	static const int flags[] = { 0, O_EXCL, O_TRUNC, O_APPEND };
	const int how = O_RDWR | (pick(3) ? O_CREAT : 0) | flags[pick(4)];
	const uint64_t size = pick(SIZE_MAX_TRIED), offset = pick(SIZE_MAX_TRIED);
	char bytes[SIZE_MAX_TRIED];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)pick(256);
	const uint64_t from = heap_of(&box) + 65536;
	assert_int_equal(guest_memory_write(box.pb.box.memory, from, bytes, size, 0, NULL), 0);
	const int64_t inside = open_it(&box, guests(path), how);
	const int outside = open(real(path), how, 0644);
	agree("open", path, inside < 0 ? inside : 0, outside < 0 ? -errno : 0);
	if (outside < 0)
		return;
	CALL(&box.pb, SYS_lseek, (uint64_t)inside, offset, SEEK_SET);
	lseek(outside, (off_t)offset, SEEK_SET);
	agree("write", path, CALL(&box.pb, SYS_write, (uint64_t)inside, from, size),
	      answer(write(outside, bytes, size)));
	agree("offset", path, CALL(&box.pb, SYS_lseek, (uint64_t)inside, 0, SEEK_CUR),
	      lseek(outside, 0, SEEK_CUR));
	CALL(&box.pb, SYS_close, (uint64_t)inside);
	close(outside);
}

static void read_both(const char *path)
{
	const uint64_t size = 2 * SIZE_MAX_TRIED, to = heap_of(&box) + 65536;
	char one[2 * SIZE_MAX_TRIED], two[2 * SIZE_MAX_TRIED];
	const uint64_t offset = pick(SIZE_MAX_TRIED);
	const int64_t inside = open_it(&box, guests(path), O_RDONLY);
	const int outside = open(real(path), O_RDONLY);

	agree("open", path, inside < 0 ? inside : 0, outside < 0 ? -errno : 0);
	if (outside < 0)
		return;
	int64_t n = CALL(&box.pb, SYS_pread64, (uint64_t)inside, to, size, offset);
	agree("read", path, n, answer(pread(outside, two, size, (off_t)offset)));
	if (n > 0) {
		assert_int_equal(guest_memory_read(box.pb.box.memory, to, one, (size_t)n, 0, NULL),
				 0);
		assert_memory_equal(one, two, (size_t)n);
	}
	CALL(&box.pb, SYS_close, (uint64_t)inside);
	close(outside);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds a word and a space to TEXT, of 256 bytes. */
static void append(char *text, const char *word)
{
	const size_t used = strlen(text), length = strlen(word);

	assert_true(length < 254 - used);
	memcpy(text + used, word, length);
	memcpy(text + used + length, " ", 2);
}

/* Sorted words. */
static void sort(char *text)
{
	char copy[256], *words[32];
	size_t n = 0;

	snprintf(copy, sizeof copy, "%s", text);
	for (char *at = copy; *at && n < 32;) {
		words[n++] = at;
		at += strcspn(at, " ");
		if (*at)
			*at++ = '\0';
	}
	qsort(words, n, sizeof words[0], by_name);
	*text = '\0';
	for (size_t i = 0; i < n; i++)
		append(text, words[i]);
}

static void list_both(const char *path)
{
	char one[256], two[256] = "";
	DIR *folder = opendir(real(path));

	if (!folder)
		return;
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.')
			append(two, entry->d_name);
	closedir(folder);
	snprintf(one, sizeof one, "%.255s", list_it(&box, guests(path), 32 + pick(200)));
	sort(one);
	sort(two);
	if (strcmp(one, two) != 0)
		fail_msg("%s has \"%s\" in the guest, \"%s\" outside", path, one, two);
}

static void stat_both(const char *path)
{
	struct stat two;
	const struct stat one = stat_it(&box, guests(path));

	if (lstat(real(path), &two) < 0) {
		assert_int_equal(one.st_size, -1);
		return;
	}
	agree("type of", path, one.st_mode & S_IFMT, two.st_mode & S_IFMT);
	if (!S_ISDIR(two.st_mode))
		agree("size of", path, one.st_size, two.st_size);
}

static void rename_both(const char *from, const char *to)
{
	int64_t inside = on_paths(&box, SYS_rename, guests(from), guests(to));

	if (inside == -EXDEV)
		return;
	int64_t outside = answer(rename(real(from), real(to)));
	/* where both names are wrong, either may be told of first */
	if (inside >= 0 || outside >= 0)
		agree("rename", from, inside, outside);
}

static void do_both(void)
{
	const char *path = pick_path(), *other = pick_path();

	switch (pick(10)) {
	case 0:
	case 1:
		write_both(path);
		break;
	case 2:
		agree("unlink", path, on_path(&box, SYS_unlink, guests(path), 0),
		      answer(unlink(real(path))));
		break;
	case 3:
		agree("mkdir", path, on_path(&box, SYS_mkdir, guests(path), 0755),
		      answer(mkdir(real(path), 0755)));
		break;
	case 4:
		agree("rmdir", path, on_path(&box, SYS_rmdir, guests(path), 0),
		      answer(rmdir(real(path))));
		break;
	case 5:
		rename_both(path, other);
		break;
	case 6: {
		const uint64_t size = pick(SIZE_MAX_TRIED);
		agree("truncate", path, on_path(&box, SYS_truncate, guests(path), size),
		      answer(truncate(real(path), (off_t)size)));
		break;
	}
	case 7:
		if (pick(4) == 0)
			agree("symlink", path, on_paths(&box, SYS_symlink, other, guests(path)),
			      answer(symlink(other, real(path))));
		break;
	case 8:
		list_both(path);
		stat_both(path);
		break;
	default:
		read_both(path);
	}
}

static void make_tree(const char *top)
{
	char path[64];
	char large[8200];

	memset(large, 'l', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	static const char *const folders[] = { "d", "d/e", "f" };
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof path, "%s/%s", top, folders[i]);
		make_at(&box, path, NULL);
	}
	snprintf(path, sizeof path, "%s/d/a", top);
	make_at(&box, path, large);
	snprintf(path, sizeof path, "%s/d/e/a", top);
	make_at(&box, path, "short");
	snprintf(path, sizeof path, "%s/b", top);
	make_at(&box, path, "");
}

static void a_private_directory_is_as_a_real_one(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 10; round++) {
		seed = round;
		files_box_make(&box);
		make_at(&box, "under", NULL);
		make_at(&box, "copy", NULL);
		make_tree("under");
		make_tree("copy");
		snprintf(box.root, sizeof box.root, "%s/under", box.top);
		const mote_directory given = { .guest = "/data",
					       .host = box.root,
					       .flags = MOTE_DIR_PRIVATE };
		files_box_give(&box, &given, 1, 0, NULL);
		for (unsigned i = 0; i < OPERATIONS / 10; i++)
			do_both();
		struct file_tree *tree = &box.pb.p.files.mounts[0].tree;
		file_tree_clear(tree);
		assert_int_equal(tree->used, 0);
		assert_string_equal(host_text(&box, "under/d/e/a"), "short");
		files_box_fini(&box);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_private_directory_is_as_a_real_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

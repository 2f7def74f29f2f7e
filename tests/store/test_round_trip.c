/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots that were saved and loaded are what they were: for guests, for hosts, for the tools of
 * others.
 */
#define _GNU_SOURCE
#include "bench/large_image.h"
#include "store/box.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096u

static const mote_sandbox_options sixteen_gib = { .size = sizeof sixteen_gib,
						  .heap_size = UINT64_C(16) << 30 };

/* For mote_snapshot_pages(). */
static void count_page(void *user, uint64_t address, const void *bytes)
{
	(void)address, (void)bytes;
	++*(uint64_t *)user;
}

static void guests_go_on_where_they_were(struct guest *g)
{
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	CALL(g, "Count", MOTE_NO_ARGS);
	CALL(g, "Keep", MOTE_ARGS(mote_u32(3 << 20), mote_u32(7)));
	CALL(g, "Touch", MOTE_ARGS(mote_u32(300)));
	box_save(&box, "one");
	for (int verify = 0; verify < 2; verify++) {
		EXPECT_STATUS(g, box_load(&box, "one", verify, &snapshot), MOTE_OK);
		mote_sandbox *sb = box_start(&box, snapshot);
		for (unsigned i = 0; i < rounds(50); i++) {
			assert_int_equal(box_call(&box, sb, "Count", MOTE_NO_ARGS), 102);
			assert_int_equal(box_call(&box, sb, "Kept", MOTE_NO_ARGS), 7);
			assert_int_equal(
				box_call(&box, sb, "Touch", MOTE_ARGS(mote_u32(310 + i % 3))),
				10 + i % 3);
			box_call(&box, sb, "Churn", MOTE_ARGS(mote_u32(100000 * (i % 7) + 1)));
			box_call(&box, sb, "Keep", MOTE_ARGS(mote_u32(2 << 20), mote_u32(9)));
			EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
		}
		mote_sandbox_free(sb);
		mote_snapshot_unref(snapshot);
	}
	box_fini(&box);
}

/* 16 GiB of which little is used are saved in a small file, and are themselves again. */
static void large_guests_are_saved_small(struct guest *g)
{
	const uint64_t area = UINT64_C(15) << 30, step = area / 20;
	uint64_t pages = 0;
	struct box box;

	box_init(&box, g);
	assert_true(CALL(g, "Reserve", MOTE_ARGS(mote_u64(area))).as.boolean);
	CALL(g, "Write", MOTE_ARGS(mote_u64(step), 7u));
	const uint64_t sum = CALL(g, "Sum", MOTE_ARGS(mote_u64(step))).as.u64;
	box_save(&box, "one");
	mote_snapshot *snapshot = box_loaded(&box, "one");
	EXPECT_STATUS(g, mote_snapshot_pages(snapshot, count_page, &pages, &g->err), MOTE_OK);
	assert_in_range(pages, 20, 2000);
	mote_sandbox *sb = box_start(&box, snapshot);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(box_call(&box, sb, "Sum", MOTE_ARGS(mote_u64(step))), sum);
		box_call(&box, sb, "Write", MOTE_ARGS(mote_u64(step), 8u));
		assert_int_equal(box_call(&box, sb, "Release", MOTE_NO_ARGS), 1);
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
	}
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

enum { IMAGE_SIZE = 12 << 20 };

/* A sandbox of the guest with as many bytes of data more, at *ADDRESS; the file and the image are
 * gone. */
static mote_sandbox *with_large_image(struct guest *g, bool is_writable, uint64_t *address)
{
	static unsigned char elf[4 << 20];
	char path[] = "/tmp/mote-large-XXXXXX";
	FILE *small = fopen(g->path, "rb");
	mote_image *image;
	mote_sandbox *sb;

	assert_non_null(small);
	const size_t size = fread(elf, 1, sizeof elf, small);
	fclose(small);
	close(mkstemp(path));
	assert_true(large_image_write(path, elf, size, IMAGE_SIZE, is_writable));
	EXPECT_STATUS(g, mote_image_load_file(&image, g->rt, path, &g->err), MOTE_OK);
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; mote_image_segment(image, i); i++)
		*address = mote_image_segment(image, i)->address;
	EXPECT_STATUS(g, mote_sandbox_new(&sb, image, NULL, &g->err), MOTE_OK);
	mote_image_unref(image);
	return sb;
}

static void save_large_image(struct guest *g, bool is_writable)
{
	mote_sandbox *first = g->sb;
	uint64_t address = 0, word = 0;
	struct box box;

	box_init(&box, g);
	g->sb = with_large_image(g, is_writable, &address);
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, address + 40960, &word, 8, &g->err), MOTE_OK);
	box_save(&box, "one");
	mote_sandbox_free(g->sb);
	g->sb = first;

	mote_snapshot *snapshot = box_loaded(&box, "one");
	mote_sandbox *sb = box_start(&box, snapshot);
	for (int i = 0; i < 2; i++) {
		for (uint64_t at = 0; at < IMAGE_SIZE; at += 40960) {
			EXPECT_STATUS(g, mote_sandbox_read(sb, address + at, &word, 8, &g->err),
				      MOTE_OK);
			assert_int_equal(word, at == 40960 ? 0 : large_image_word(at));
		}
		if (is_writable)
			EXPECT_STATUS(g,
				      mote_call(sb, "Poke",
						MOTE_ARGS(mote_u64(address + 81920), mote_u64(1)),
						NULL, &g->err),
				      MOTE_OK);
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
	}
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

/* All of the image is on the disk, and no file in memory has to be there. */
static void large_images_are_saved_whole(struct guest *g)
{
	save_large_image(g, true);
	save_large_image(g, false);
}

static void handlers_of_signals_are_saved(struct guest *g)
{
	struct box box;

	box_init(&box, g);
	CALL(g, "Handle", MOTE_NO_ARGS);
	CALL(g, "Overflow", MOTE_ARGS(mote_bool(true)));
	CALL(g, "Handle", MOTE_NO_ARGS);
	const int want = CALL(g, "Caught", MOTE_ARGS("nowhere")).as.i32;
	box_save(&box, "one");
	mote_snapshot *snapshot = box_loaded(&box, "one");
	mote_sandbox *sb = box_start(&box, snapshot);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(box_call(&box, sb, "Caught", MOTE_ARGS("nowhere")), want);
		assert_int_equal(box_call(&box, sb, "Overflow", MOTE_ARGS(mote_bool(false))), 1);
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
	}
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

static void guests_can_be_saved_again(struct guest *g)
{
	struct box box;
	mote_snapshot *again;

	box_init(&box, g);
	box_save(&box, "one");
	mote_snapshot *one = box_loaded(&box, "one");
	const unsigned blobs = box_count_blobs(&box);
	/* what was loaded, as it is: the same memory and description */
	EXPECT_STATUS(g, mote_snapshot_save(one, box.folder, "copy", &g->err), MOTE_OK);
	assert_in_range(box_count_blobs(&box), blobs, blobs + 1);

	mote_sandbox *sb = box_start(&box, one);
	box_call(&box, sb, "Count", MOTE_NO_ARGS);
	EXPECT_STATUS(g, mote_snapshot_take(&again, sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(again, box.folder, "two", &g->err), MOTE_OK);
	mote_snapshot_unref(again);
	mote_sandbox_free(sb);
	mote_snapshot_unref(one);

	again = box_loaded(&box, "two");
	sb = box_start(&box, again);
	assert_int_equal(box_call(&box, sb, "Count", MOTE_NO_ARGS), 102);
	mote_sandbox_free(sb);
	mote_snapshot_unref(again);
	again = box_loaded(&box, "copy");
	sb = box_start(&box, again);
	assert_int_equal(box_call(&box, sb, "Count", MOTE_NO_ARGS), 101);
	mote_sandbox_free(sb);
	mote_snapshot_unref(again);
	box_fini(&box);
}

static void a_sandbox_of_the_image_can_be_restored_to_it(struct guest *g)
{
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	CALL(g, "Count", MOTE_NO_ARGS);
	box_save(&box, "one");
	EXPECT_STATUS(g, mote_snapshot_load(&snapshot, g->rt, box.folder, "one", true, &g->err),
		      MOTE_OK);
	mote_snapshot *own;
	EXPECT_STATUS(g, mote_snapshot_take(&own, g->sb, &g->err), MOTE_OK);
	for (int i = 0; i < 10; i++) {
		CALL(g, "Count", MOTE_NO_ARGS);
		CALL(g, "Churn", MOTE_ARGS(mote_u32(300000)));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, i % 3 ? snapshot : own, &g->err),
			      MOTE_OK);
		assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.i32, 102);
	}
	mote_snapshot_unref(snapshot);
	mote_snapshot_unref(own);
	box_fini(&box);
}

static void pages_and_image_can_be_seen(struct guest *g)
{
	mote_snapshot *taken;
	struct box box;
	struct page_sum before = { 0 }, after = { 0 };

	box_init(&box, g);
	EXPECT_STATUS(g, mote_snapshot_take(&taken, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(taken, box.folder, "one", &g->err), MOTE_OK);
	mote_snapshot *loaded = box_loaded(&box, "one");
	EXPECT_STATUS(g, mote_snapshot_pages(taken, page_sum_add, &before, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_pages(loaded, page_sum_add, &after, &g->err), MOTE_OK);
	assert_true(before.pages > 5);
	assert_memory_equal(&before, &after, sizeof before);

	const mote_image *one = mote_snapshot_image(taken), *two = mote_snapshot_image(loaded);
	mote_image_info a = { .size = sizeof a }, b = { .size = sizeof b };
	EXPECT_STATUS(g, mote_image_describe(one, &a, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_image_describe(two, &b, &g->err), MOTE_OK);
	assert_true(a.file_bytes > 0);
	a.file_bytes = 0;
	assert_string_equal(a.guest_abi_version, b.guest_abi_version);
	a.guest_abi_version = b.guest_abi_version;
	assert_memory_equal(&a, &b, sizeof a);
	for (size_t i = 0; i < a.nexports; i++) {
		const mote_function_info *x = mote_image_export(one, i),
					 *y = mote_image_export(two, i);
		assert_string_equal(x->name, y->name);
		assert_int_equal(x->result, y->result);
		assert_int_equal(x->nparams, y->nparams);
		assert_memory_equal(x->params, y->params, x->nparams * sizeof x->params[0]);
		assert_ptr_equal(mote_image_find_export(two, x->name), y);
	}
	/* it has no file that a sandbox could be made of */
	mote_sandbox *sb;
	EXPECT_STATUS(g, mote_sandbox_new(&sb, (mote_image *)(uintptr_t)two, &box.options, &g->err),
		      MOTE_E_IMAGE);
	EXPECT_MESSAGE(g, "begin at the snapshot");
	mote_snapshot_unref(taken);
	mote_snapshot_unref(loaded);
	box_fini(&box);
}

/* What a folder lists, as text. */
struct listed {
	char text[1024];
	unsigned n;
};

static void note_info(void *user, const mote_stored_info *info)
{
	struct listed *all = user;
	const size_t used = strlen(all->text);

	assert_int_equal(strlen(info->digest), 71);
	assert_true(strncmp(info->guest, "state-", 6) == 0);
	assert_int_equal(strlen(info->created), 20);
	assert_true(info->stored_size > 0 && info->stored_size < info->memory_size);
	snprintf(all->text + used, sizeof all->text - used, "%s;", info->tag ? info->tag : "-");
	all->n++;
}

static void expect_list(struct box *box, const char *want)
{
	struct listed all = { .n = 0 };

	EXPECT_STATUS(box->g, mote_store_list(box->folder, note_info, &all, &box->g->err), MOTE_OK);
	assert_string_equal(all.text, want);
}

static uint64_t count_of(struct box *box, const char *tag)
{
	mote_snapshot *snapshot = box_loaded(box, tag);
	mote_sandbox *sb = box_start(box, snapshot);
	uint64_t count = box_call(box, sb, "Count", MOTE_NO_ARGS);

	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	return count;
}

static void tags_move(struct guest *g)
{
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	box_save(&box, "b");
	CALL(g, "Count", MOTE_NO_ARGS);
	box_save(&box, "a");
	expect_list(&box, "a;b;");
	assert_int_equal(count_of(&box, "a"), 102);
	assert_int_equal(count_of(&box, "b"), 101);

	CALL(g, "Count", MOTE_NO_ARGS);
	box_save(&box, "b");
	expect_list(&box, "a;b;-;");
	assert_int_equal(count_of(&box, "b"), 103);
	assert_int_equal(count_of(&box, "a"), 102);

	/* one snapshot, several tags, the same tag again */
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	const unsigned blobs = box_count_blobs(&box);
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "x_1.2-3", &g->err),
			      MOTE_OK);
		EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "y", &g->err), MOTE_OK);
	}
	/* memory once; manifests may tell different seconds */
	assert_in_range(box_count_blobs(&box), blobs, blobs + 8);
	assert_int_equal(count_of(&box, "x_1.2-3"), 103);
	mote_snapshot_unref(snapshot);

	EXPECT_STATUS(g, box_load(&box, "z", false, &snapshot), MOTE_E_INVALID);
	EXPECT_MESSAGE(g, "has no snapshot \"z\"; it has ");
	EXPECT_MESSAGE(g, "\"x_1.2-3\"");
	assert_null(snapshot);
	box_fini(&box);
}

static void note_digest(void *user, const mote_stored_info *info)
{
	snprintf(user, 72, "%s", info->digest);
}

static void digests_name_snapshots(struct guest *g)
{
	struct box box;
	char digest[72];
	mote_snapshot *snapshot;

	box_init(&box, g);
	box_save(&box, "one");
	EXPECT_STATUS(g, mote_store_list(box.folder, note_digest, digest, &g->err), MOTE_OK);
	assert_int_equal(count_of(&box, digest), 101);
	digest[70] = digest[70] == '0' ? '1' : '0';
	EXPECT_STATUS(g, box_load(&box, digest, false, &snapshot), MOTE_E_INVALID);
	box_fini(&box);
}

static void odd_tags_are_refused(struct guest *g)
{
	static const char *const odd[] = { "",     ".",   "..",       "-a",  ".a",  "a b", "a/b",
					   "../a", "a\n", "\xc3\xa4", "a:b", "a@b", "a\"" };
	char longest[130];
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
		EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, odd[i], &g->err),
			      MOTE_E_INVALID);
		EXPECT_MESSAGE(g, "cannot be a tag");
	}
	memset(longest, 'a', sizeof longest);
	longest[129] = '\0';
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, longest, &g->err),
		      MOTE_E_INVALID);
	longest[128] = '\0';
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, longest, &g->err), MOTE_OK);
	mote_snapshot_unref(snapshot);
	assert_int_equal(count_of(&box, longest), 101);
	box_fini(&box);
}

/* Several processes, each with a snapshot and tags of its own, at the same time. */
static void concurrent_saves_lose_nothing(struct guest *g)
{
	enum { PROCESSES = 4, TAGS = 5 };
	struct box box;
	mote_snapshot *snapshot;
	char want[256] = "", tag[16];

	box_init(&box, g);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	for (int p = 0; p < PROCESSES; p++) {
		if (fork() != 0)
			continue;
		for (int i = 0; i < TAGS; i++) {
			mote_error err;
			snprintf(tag, sizeof tag, "t%d%d", p, i);
			if (mote_snapshot_save(snapshot, box.folder, tag, &err)) {
				fprintf(stderr, "%s\n", err.message);
				_exit(1);
			}
		}
		_exit(0);
	}
	for (int p = 0; p < PROCESSES; p++) {
		int status;
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		for (int i = 0; i < TAGS; i++)
			snprintf(want + strlen(want), sizeof want - strlen(want), "t%d%d;", p, i);
	}
	mote_snapshot_unref(snapshot);
	expect_list(&box, want);
	box_fini(&box);
}

enum { READERS = 4 };

/* A thread with a sandbox of its own, that begins at a snapshot of all. */
struct reader {
	pthread_t thread;
	struct box *box;
	mote_snapshot *snapshot;
	uint64_t sum; /* of the snapshot's pages */
	bool is_well;
};

static void sum_page(void *user, uint64_t address, const void *bytes)
{
	uint64_t *sum = user;
	const unsigned char *at = bytes;

	for (unsigned i = 0; i < PAGE; i += 64)
		*sum = *sum * 31 + address + at[i];
}

static void *use_loaded(void *state)
{
	struct reader *reader = state;
	mote_value result = mote_i32(0);
	mote_sandbox *sb;

	if (mote_sandbox_from_snapshot(&sb, reader->box->rt, reader->snapshot,
				       &reader->box->options, NULL))
		return NULL;
	reader->is_well =
		mote_snapshot_pages(reader->snapshot, sum_page, &reader->sum, NULL) == MOTE_OK;
	for (int i = 0; reader->is_well && i < 10; i++)
		reader->is_well = mote_call(sb, "Touch", MOTE_ARGS(50u), NULL, NULL) == MOTE_OK &&
				  mote_call(sb, "Count", MOTE_NO_ARGS, &result, NULL) == MOTE_OK &&
				  result.as.i32 == 101 &&
				  mote_sandbox_restore(sb, reader->snapshot, NULL) == MOTE_OK;
	mote_sandbox_free(sb);
	return NULL;
}

/* Each page is read from the file when a thread needs it first. */
static void threads_share_what_was_loaded(struct guest *g)
{
	struct reader readers[READERS];
	struct box box;

	box_init(&box, g);
	box_save(&box, "one");
	mote_snapshot *snapshot = box_loaded(&box, "one");
	for (int i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .box = &box, .snapshot = snapshot };
		assert_int_equal(pthread_create(&readers[i].thread, NULL, use_loaded, &readers[i]),
				 0);
	}
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		assert_true(readers[i].is_well);
		assert_int_equal(readers[i].sum, readers[0].sum);
	}
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

/* Before anything is written. */
static void what_is_mapped_is_refused(struct guest *g, const char *text)
{
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "one", &g->err), MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, text);
	assert_int_equal(rmdir(box.folder), 0); /* nothing in it */
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

static void mapped_files_are_refused(struct guest *g)
{
	EXPECT_STATUS(
		g,
		mote_sandbox_map_file(g->sb, g->path, UINT64_C(0x700000000000), "model", &g->err),
		MOTE_OK);
	what_is_mapped_is_refused(g, "the snapshot has the mapped file \"model\", which cannot be "
				     "saved; take it before files are mapped");
}

static void mapped_memory_is_refused(struct guest *g)
{
	int memory = memfd_create("lent", MFD_CLOEXEC);

	assert_int_equal(ftruncate(memory, 1), 0);
	EXPECT_STATUS(
		g, mote_sandbox_map_fd(g->sb, memory, UINT64_C(0x700000000000), "board", &g->err),
		MOTE_OK);
	close(memory);
	what_is_mapped_is_refused(g, "the snapshot has the mapped file \"board\", which cannot be "
				     "saved; take it before files are mapped");
}

static void host_functions_must_be_given(struct guest *g)
{
	struct box box;
	mote_sandbox *sb;

	box_init(&box, g);
	box_save(&box, "one");
	mote_snapshot *snapshot = box_loaded(&box, "one");
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&sb, box.rt, snapshot, &box.options, &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "\"Fails\" is missing");
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

static mote_status fails(void *user, const mote_value *args, size_t nargs, mote_value *result,
			 mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)result, (void)err;
	return MOTE_E_INVALID;
}

static const mote_host_function functions[] = {
	{ .name = "Fails", .fn = fails, .result = MOTE_I32 },
};

static const mote_sandbox_options with_function = {
	.size = sizeof with_function,
	.functions = functions,
	.nfunctions = 1,
};

/* An image layout is for the tools of others too. */
static void skopeo_can_read_it(struct guest *g)
{
	char command[256];
	struct box box;

	if (system("command -v skopeo >/dev/null") != 0) {
		print_message("SKIP: no skopeo here (apt-get install skopeo)\n");
		skip();
	}
	box_init(&box, g);
	box_save(&box, "one");
	CALL(g, "Count", MOTE_NO_ARGS);
	box_save(&box, "two");
	static const char *const commands[] = {
		"skopeo inspect --raw oci:%s:one | grep -q mote.snapshot",
		"skopeo inspect oci:%s:two | grep -q amd64",
		"skopeo inspect --config oci:%s:two | grep -q amd64",
		"skopeo copy -q oci:%s:one oci:%1$s-copy:copied",
	};
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		snprintf(command, sizeof command, commands[i], box.folder);
		if (system(command) != 0)
			fail_msg("this failed: %s", command);
	}
	/* what was copied by others can be loaded */
	char own[sizeof box.folder], copy[sizeof box.folder + 8];
	snprintf(own, sizeof own, "%s", box.folder);
	snprintf(copy, sizeof copy, "%s-copy", box.folder);
	snprintf(command, sizeof command, "rm -rf %s && mv %s %s", own, copy, own);
	assert_int_equal(system(command), 0);
	assert_int_equal(count_of(&box, "copied"), 101);
	box_fini(&box);
}

static const mote_sandbox_options with_buffers = {
	.size = sizeof with_buffers,
	.buffer_size = 1 << 20,
};

static void note_buffer(void *user, const mote_region_info *region)
{
	if (strcmp(region->name, "result buffer") == 0)
		*(uint64_t *)user = region->size;
}

/* Buffers are as large, and empty. */
static void buffers_for_bulk_data_are_saved(struct guest *g)
{
	static uint8_t data[1 << 20];
	struct box box;
	mote_buffer *buffer;
	mote_value result;
	uint64_t size = 0;

	memset(data, 'x', sizeof data);
	box_init(&box, g);
	CALL(g, "CopyBytes", MOTE_ARGS(mote_bytes(data, sizeof data)));
	box_save(&box, "one");
	mote_snapshot *snapshot = box_loaded(&box, "one");
	mote_snapshot_layout(snapshot, note_buffer, &size);
	assert_int_equal(size, sizeof data);
	mote_sandbox *sb = box_start(&box, snapshot);
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(g, mote_buffer_new(&buffer, sb, sizeof data, &g->err), MOTE_OK);
		const uint8_t *first = mote_buffer_data(buffer);
		assert_true(first[0] == 0 && memcmp(first, first + 1, sizeof data - 1) == 0);
		mote_buffer_free(buffer);
		EXPECT_STATUS(g,
			      mote_call(sb, "CopyBytes", MOTE_ARGS(mote_bytes(data, sizeof data)),
					&result, &g->err),
			      MOTE_OK);
		assert_int_equal(result.as.bytes.len, sizeof data);
		assert_memory_equal(result.as.bytes.ptr, data, sizeof data);
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
	}
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

/* The file of a loaded snapshot may be cut at any time: its pages are looked at with care. */
static void receipts_know_the_pages_of_a_loaded_one(struct guest *g)
{
	struct box box;
	mote_receipt receipt = { .size = sizeof receipt };
	const mote_call_options *options = MOTE_OPTIONS(mote_call_options, .receipt = &receipt);
	uint64_t ten = 0;

	box_init(&box, g);
	CALL(g, "Touch", MOTE_ARGS(3u));
	box_save(&box, "one");
	mote_snapshot *snapshot = box_loaded(&box, "one");
	mote_sandbox *sb = box_start(&box, snapshot);
	for (uint32_t n = 10; n <= 20; n += 10) {
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
		EXPECT_STATUS(g, mote_call_with(sb, "Touch", MOTE_ARGS(n), options, NULL, &g->err),
			      MOTE_OK);
		if (!receipt.pages_are_known)
			break; /* as on old kernels */
		if (n == 10)
			ten = receipt.pages_dirtied;
	}
	if (receipt.pages_are_known) {
		assert_in_range(ten, 7, 7 + 3); /* three are as they were; stack and data */
		assert_int_equal(receipt.pages_dirtied, ten + 10);
	}
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

static const struct row rows[] = {
	{ "guests go on where they were", "state", guests_go_on_where_they_were, NULL, false },
	{ "large guests are saved small", "large", large_guests_are_saved_small, &sixteen_gib,
	  false },
	{ "large images are saved whole", "large", large_images_are_saved_whole, NULL, false },
	{ "handlers of signals are saved", "signals", handlers_of_signals_are_saved, NULL, false },
	{ "guests can be saved again", "state", guests_can_be_saved_again, NULL, false },
	{ "a sandbox of the image can be restored to it", "state",
	  a_sandbox_of_the_image_can_be_restored_to_it, NULL, false },
	{ "pages and image can be seen", "state", pages_and_image_can_be_seen, NULL, false },
	{ "tags move", "state", tags_move, NULL, false },
	{ "digests name snapshots", "state", digests_name_snapshots, NULL, false },
	{ "odd tags are refused", "state", odd_tags_are_refused, NULL, false },
	{ "concurrent saves lose nothing", "state", concurrent_saves_lose_nothing, NULL, false },
	{ "threads share what was loaded", "state", threads_share_what_was_loaded, NULL, false },
	{ "mapped files are refused", "state", mapped_files_are_refused, NULL, false },
	{ "mapped memory is refused", "state", mapped_memory_is_refused, NULL, false },
	{ "host functions must be given", "state", host_functions_must_be_given, &with_function,
	  false },
	{ "buffers for bulk data are saved", "echo", buffers_for_bulk_data_are_saved, &with_buffers,
	  false },
	{ "receipts know the pages of a loaded one", "state",
	  receipts_know_the_pages_of_a_loaded_one, NULL, false },
	{ "skopeo can read it", "state", skopeo_can_read_it, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

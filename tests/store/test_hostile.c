/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots on disk that an enemy has written, or changes while they are used: each is refused, or
 * harms only the guest that is in it.
 */
#define _GNU_SOURCE
#include "store/tried.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

/* Each beginning of each file, digests right or not. */
static void files_that_end_early_are_refused(struct guest *g)
{
	struct box box;
	size_t size;

	if (!tried_is_first(g))
		return;
	box_init(&box, g);
	box_save(&box, "one");
	char *names[] = { strdup("index.json"), strdup("oci-layout"), forge_manifest_name(&box),
			  forge_config_name(&box) };
	void (*const puts[])(const struct box *, const void *,
			     size_t) = { NULL, NULL, forge_manifest, forge_config };
	char *index = forge_read(&box, "index.json", NULL);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct tried tried = { .box = &box };
		char *text = forge_read(&box, names[i], &size);

		for (size_t n = 0; n < size; n++) {
			forge_write(&box, names[i], text, n);
			tried_use(&tried, names[i]);
			if (!puts[i])
				continue;
			forge_write(&box, names[i], text, size);
			puts[i](&box, text, n);
			tried_use(&tried, names[i]);
			forge_write(&box, "index.json", index, strlen(index));
		}
		assert_int_equal(tried.accepted, 0);
		forge_write(&box, names[i], text, size);
		tried_use(&tried, names[i]);
		assert_int_equal(tried.accepted, 1);
		free(text);
		free(names[i]);
	}
	free(index);
	box_fini(&box);
}

static void memory_of_another_size_is_refused(struct guest *g)
{
	struct box box;
	struct stat file;
	struct tried tried = { .box = &box };

	if (!tried_is_first(g))
		return;
	box_init(&box, g);
	box_save(&box, "one");
	const char *path = box_memory_path(&box);
	assert_int_equal(stat(path, &file), 0);
	for (off_t size = 0; size <= file.st_size + 2 * PAGE; size += 509) {
		assert_int_equal(truncate(path, size), 0);
		tried_use(&tried, "memory");
	}
	assert_int_equal(tried.accepted, 0);
	/* the manifest knows, but not the runs */
	char *name = forge_manifest_name(&box), *text = forge_read(&box, name, NULL);
	for (off_t size = 0; size < file.st_size; size += PAGE / 2) {
		json_object *manifest = json_tokener_parse(text);
		json_object *layer =
			json_object_array_get_idx(json_object_object_get(manifest, "layers"), 0);
		json_object_object_add(layer, "size", json_object_new_int64(size));
		const char *changed = json_object_to_json_string(manifest);
		forge_manifest(&box, changed, strlen(changed));
		assert_int_equal(truncate(path, size), 0);
		tried_use(&tried, "memory and manifest");
		json_object_put(manifest);
	}
	assert_int_equal(tried.accepted, 0);
	free(text);
	free(name);
	box_fini(&box);
}

static void flip(const char *path, off_t at)
{
	unsigned char byte;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void verifying_finds_each_change(struct guest *g)
{
	struct box box;
	struct stat file;
	mote_snapshot *snapshot;

	if (!tried_is_first(g))
		return;
	box_init(&box, g);
	box_save(&box, "one");
	const char *path = box_memory_path(&box);
	assert_int_equal(stat(path, &file), 0);
	for (off_t at = 0; at < file.st_size; at += PAGE / 2 - 1) {
		flip(path, at);
		EXPECT_STATUS(g, box_load(&box, "one", true, &snapshot), MOTE_E_SNAPSHOT);
		EXPECT_MESSAGE(g, "was changed");
		EXPECT_STATUS(g, box_load(&box, "one", false, &snapshot), MOTE_OK);
		mote_snapshot_unref(snapshot);
		flip(path, at);
	}
	EXPECT_STATUS(g, box_load(&box, "one", true, &snapshot), MOTE_OK);
	mote_snapshot_unref(snapshot);

	char *names[] = { forge_manifest_name(&box), forge_config_name(&box) };
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		free(forge_read(&box, names[i], &size));
		for (off_t at = 0; at < (off_t)size; at++) {
			char changed[512];
			snprintf(changed, sizeof changed, "%s", box_path(&box, names[i]));
			flip(changed, at);
			EXPECT_STATUS(g, box_load(&box, "one", false, &snapshot), MOTE_E_SNAPSHOT);
			EXPECT_MESSAGE(g, "was changed");
			flip(changed, at);
		}
		free(names[i]);
	}
	box_fini(&box);
}

/* Nobody who saves trusts what is there. */
static void a_blob_that_was_changed_is_replaced(struct guest *g)
{
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "one", &g->err), MOTE_OK);
	flip(box_memory_path(&box), 5000);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "one", &g->err), MOTE_OK);
	mote_snapshot_unref(snapshot);
	EXPECT_STATUS(g, box_load(&box, "one", true, &snapshot), MOTE_OK);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

/* Puts something else in the place of a file. */
static void with_a_link(const char *path, const char *moved)
{
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(symlink(moved, path), 0);
}

static void with_a_pipe(const char *path, const char *moved)
{
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void with_a_folder(const char *path, const char *moved)
{
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void with_nothing(const char *path, const char *moved)
{
	assert_int_equal(rename(path, moved), 0);
}

static void only_regular_files_in_place_are_read(struct guest *g)
{
	static void (*const replace[])(const char *, const char *) = { with_a_link, with_a_pipe,
								       with_a_folder,
								       with_nothing };
	struct box box;
	struct tried tried = { .box = &box };
	char path[640], moved[700];

	box_init(&box, g);
	box_save(&box, "one");
	char *names[] = {
		strdup("oci-layout"),    strdup("index.json"),    forge_manifest_name(&box),
		forge_config_name(&box), forge_memory_name(&box), strdup("blobs/sha256"),
		strdup("blobs")
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "%s", box_path(&box, names[i]));
		snprintf(moved, sizeof moved, "%s", box_path(&box, "moved"));
		for (size_t k = 0; k < sizeof replace / sizeof replace[0]; k++) {
			replace[k](path, moved);
			tried_use(&tried, names[i]);
			assert_int_equal(tried.accepted, 0);
			remove(path);
			assert_int_equal(rename(moved, path), 0);
		}
		free(names[i]);
	}
	tried_use(&tried, "as it was");
	assert_int_equal(tried.accepted, 1);
	box_fini(&box);
}

static void saving_follows_no_links(struct guest *g)
{
	struct box box, other;
	mote_snapshot *snapshot;
	char path[512];

	box_init(&box, g);
	box_init(&other, g);
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	snprintf(path, sizeof path, "%s", box_path(&box, "blobs"));
	assert_int_equal(symlink(other.folder, path), 0);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "one", &g->err), MOTE_E_SNAPSHOT);
	assert_int_equal(rmdir(other.folder), 0); /* it is empty */
	assert_int_equal(mkdir(other.folder, 0700), 0);
	assert_int_equal(remove(path), 0);
	/* other things in the folder */
	forge_write(&other, "letter.txt", "Dear", 4);
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, other.folder, "one", &g->err),
		      MOTE_E_SNAPSHOT);
	EXPECT_MESSAGE(g, "has other things in it (\"letter.txt\")");
	mote_snapshot_unref(snapshot);
	box_fini(&other);
	box_fini(&box);
}

/* All that can be done with a snapshot and its sandbox, when the file is not what it was: each may
 * fail, and says so. */
static void use_all(struct box *box, mote_snapshot *snapshot, mote_sandbox *sb)
{
	mote_error *err = &box->g->err;
	unsigned char page[PAGE];
	const mote_value many[] = { mote_u32(400) };
	mote_snapshot *again;
	mote_sandbox *other;
	mote_value result;

	for (int i = 0; i < 3; i++) {
		(void)!mote_call(sb, "Count", NULL, 0, &result, err);
		(void)!mote_call(sb, "Touch", many, 1, &result, err);
		(void)!mote_sandbox_read(sb, 0x400000, page, sizeof page, err);
		(void)!mote_sandbox_read(sb, 0x4a6000, page, sizeof page, err);
		(void)!mote_sandbox_write(sb, 0x4a6800, page, 100, err);
		if (mote_snapshot_take(&again, sb, err) == MOTE_OK)
			mote_snapshot_unref(again);
		(void)!mote_sandbox_restore(sb, snapshot, err);
		if (mote_sandbox_from_snapshot(&other, box->rt, snapshot, &box->options, err) ==
		    MOTE_OK) {
			(void)!mote_call(other, "Count", NULL, 0, &result, err);
			mote_sandbox_free(other);
		}
	}
}

static void change_under_use(struct guest *g, bool is_warm, off_t keep, bool regrow)
{
	struct box box;
	struct stat file;

	box_init(&box, g);
	box_save(&box, "one");
	const char *path = box_memory_path(&box);
	assert_int_equal(stat(path, &file), 0);
	mote_snapshot *snapshot = box_loaded(&box, "one");
	mote_sandbox *sb = box_start(&box, snapshot);
	for (int i = 0; is_warm && i < 3; i++) {
		assert_int_equal(box_call(&box, sb, "Count", MOTE_NO_ARGS), 101);
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
	}
	assert_int_equal(truncate(path, keep), 0);
	if (regrow)
		assert_int_equal(truncate(path, file.st_size), 0);
	use_all(&box, snapshot, sb);
	if (!regrow && keep == 0) {
		/* no restore can succeed, and each says why */
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_E_OS);
		EXPECT_MESSAGE(g, "was cut");
		mote_snapshot *again = snapshot;
		assert_int_not_equal(mote_snapshot_save(again, box.folder, "two", &g->err),
				     MOTE_OK);
	}
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
	box_fini(&box);
}

static void files_that_are_cut_hurt_the_guest_alone(struct guest *g)
{
	for (int warm = 0; warm < 2; warm++) {
		change_under_use(g, warm, 0, false);
		change_under_use(g, warm, 100 * PAGE, false);
		change_under_use(g, warm, 200 * PAGE + 17, false);
		change_under_use(g, warm, 0, true);
		change_under_use(g, warm, 150 * PAGE, true);
	}
}

/* Writes to and cuts a file for as long as it is told to. */
struct meddler {
	const char *path;
	off_t size;
	atomic_bool stops;
};

static void *meddle(void *user)
{
	struct meddler *meddler = user;
	unsigned seed = 1;
	int fd = open(meddler->path, O_RDWR | O_CLOEXEC);

	while (fd >= 0 && !atomic_load(&meddler->stops)) {
		const int n = rand_r(&seed);
		const off_t at = n % meddler->size;
		switch (n >> 8 & 3) {
		case 0:
			if (ftruncate(fd, at) < 0)
				return NULL;
			break;
		case 1:
			if (pwrite(fd, &n, sizeof n, at) < 0)
				return NULL;
			break;
		default:
			if (ftruncate(fd, meddler->size) < 0)
				return NULL;
		}
		usleep(200);
	}
	close(fd);
	return NULL;
}

static void files_that_change_all_the_time_hurt_the_guest_alone(struct guest *g)
{
	struct box box;
	struct stat file;
	pthread_t thread;
	mote_snapshot *snapshot;

	box_init(&box, g);
	box_save(&box, "one");
	struct meddler meddler = { .path = box_memory_path(&box) };
	assert_int_equal(stat(meddler.path, &file), 0);
	meddler.size = file.st_size;
	assert_int_equal(pthread_create(&thread, NULL, meddle, &meddler), 0);
	for (unsigned i = 0; i < rounds(30); i++) {
		if (box_load(&box, "one", i % 2, &snapshot))
			continue;
		mote_sandbox *sb;
		if (mote_sandbox_from_snapshot(&sb, box.rt, snapshot, &box.options, &g->err) ==
		    MOTE_OK) {
			use_all(&box, snapshot, sb);
			mote_sandbox_free(sb);
		}
		mote_snapshot_unref(snapshot);
	}
	atomic_store(&meddler.stops, true);
	pthread_join(thread, NULL);
	box_fini(&box);
}

/* A field of the config, another value for it, and what is said then. */
static const struct mismatch {
	const char *from, *to, *message;
} mismatches[] = {
	{ "\"format\":1", "\"format\":3", "has format 3; this library knows 1 to 2" },
	{ "\"format\":1", "\"format\":2,\"guest_abi\":\"hyperlight\"", "\"version\" is missing" },
	{ "\"format\":1", "\"format\":1,\"guest_abi\":\"moat\"",
	  "\"guest_abi\" is \"moat\", which" },
	{ "\"amd64\"", "\"arm64\"", "architecture \"arm64\"; this one is amd64" },
	{ "[\"pni\"", "[\"amx_tile9\",\"pni\"", "\"amx_tile9\", which this library does not know" },
	{ "[\"pni\"", "[\"xop\",\"pni\"", "the processor has xop, which this one lacks" },
	{ "\"abi_version\":1", "\"abi_version\":9", "speaks version 9 of the guest ABI" },
	{ "\"input_size\":131072", "\"input_size\":262144", "lays guests out in another way" },
	{ "\"output_size\":", "\"buffer_size\":1073741825,\"output_size\":",
	  "buffer_size is 1073741825; it may be at most 1073741824" },
	{ "\"output_size\":", "\"buffer_size\":\"much\",\"output_size\":",
	  "\"buffer_size\" is not a whole number" },
	{ "\"rights\":\"r-x\"", "\"rights\":\"rwx\"", "writable and executable" },
	{ "\"name\":\"Count\"", "\"name\":\"Touch\"", "exports \"Touch\" twice" },
	{ "\"result\":\"u64\"", "\"result\":\"u65\"", "\"result\" is not the name of a type" },
	{ "\"brk\":", "\"brk\":1152921504606846976,\"x\":", "the break is at 1152921504606846976" },
	{ "\"dispatch\":", "\"dispatch\":8,\"x\":", "is not in the guest's code" },
	{ "\"thread_pointer\":", "\"thread_pointer\":140737488355327,\"x\":",
	  "is not an address that a guest can have" },
	{ "\"runs\":[[", "\"runs\":[[65536,1,0],[", "is not memory that a snapshot can have" },
	{ "\"runs\":[[4194304,", "\"runs\":[[4194304,1,0],[4194304,", "overlaps another" },
	{ "\"stack_guard\":\"", "\"stack_guard\":\"0", "32 hexadecimal digits" },
	{ "\"signal_mask\":\"0x", "\"signal_mask\":\"0y", "a hexadecimal number" },
};

static const struct mismatch signal_mismatches[] = {
	{ "\"handlers\":[{\"signal\":4,", "\"handlers\":[{\"signal\":0,",
	  "\"signal\" is not a signal's number" },
	{ "\"handlers\":[{\"signal\":4,", "\"handlers\":[{\"signal\":65,", "\"signal\" is" },
	{ "\"handlers\":[{\"signal\":4,", "\"handlers\":[{\"signal\":9,",
	  "signals that no guest can have" },
	{ "\"handler\":", "\"handler\":140737488351232,\"x\":", "signals that no guest can have" },
	{ "\"restorer\":", "\"restorer\":140737488351232,\"x\":", "signals that no guest can have" },
	{ "\"pending\":\"0x", "\"pending\":\"0x1", "signals that no guest can have" },
	{ "\"stack_size\":0", "\"stack_size\":1", "signals that no guest can have" },
	{ "\"mask\":\"0x", "\"mask\":\"0y", "a hexadecimal number" },
	{ "\"flags\":", "\"flags\":4294967296,\"x\":", "\"flags\" is" },
};

static void refuse_each(struct guest *g, const struct mismatch *list, size_t count)
{
	struct box box;
	mote_snapshot *snapshot;

	box_init(&box, g);
	box_save(&box, "one");
	char *name = forge_config_name(&box), *text = forge_read(&box, name, NULL);
	for (size_t i = 0; i < count; i++) {
		const struct mismatch *row = &list[i];
		const char *at = strstr(text, row->from);
		char *changed;

		if (!at) {
			print_message("SKIP: there is no %s in this snapshot\n", row->from);
			continue;
		}
		assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, row->to,
				     at + strlen(row->from)) > 0);
		forge_config(&box, changed, strlen(changed));
		EXPECT_STATUS(g, box_load(&box, "one", false, &snapshot), MOTE_E_SNAPSHOT);
		EXPECT_MESSAGE(g, row->message);
		free(changed);
	}
	free(text);
	free(name);
	box_fini(&box);
}

static void each_mismatch_has_a_message(struct guest *g)
{
	refuse_each(g, mismatches, sizeof mismatches / sizeof mismatches[0]);
}

static void signals_that_cannot_be_are_refused(struct guest *g)
{
	CALL(g, "Handle", MOTE_NO_ARGS);
	refuse_each(g, signal_mismatches, sizeof signal_mismatches / sizeof signal_mismatches[0]);
}

static const struct row rows[] = {
	{ "each mismatch has a message", "state", each_mismatch_has_a_message, NULL, false },
	{ "signals that cannot be are refused", "signals", signals_that_cannot_be_are_refused, NULL,
	  false },
	{ "files that end early are refused", "state", files_that_end_early_are_refused, NULL,
	  false },
	{ "memory of another size is refused", "state", memory_of_another_size_is_refused, NULL,
	  false },
	{ "verifying finds each change", "state", verifying_finds_each_change, NULL, false },
	{ "a blob that was changed is replaced", "state", a_blob_that_was_changed_is_replaced, NULL,
	  false },
	{ "only regular files in place are read", "state", only_regular_files_in_place_are_read,
	  NULL, false },
	{ "saving follows no links", "state", saving_follows_no_links, NULL, false },
	{ "files that are cut hurt the guest alone", "state",
	  files_that_are_cut_hurt_the_guest_alone, NULL, false },
	{ "files that change all the time hurt the guest alone", "state",
	  files_that_change_all_the_time_hurt_the_guest_alone, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

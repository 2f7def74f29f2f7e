/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of hyperlight guests on disk: what was saved goes on elsewhere where it was, and what
 * an enemy writes there is refused or harms the guest alone.
 */
#define _GNU_SOURCE
#include "store/tried.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096u

static const char *guest_path;
static struct guest guest;
static struct box box;

static int make(void **state)
{
	struct guest *g = &guest;

	(void)state;
	*g = (struct guest){ .backend = "kvm", .path = guest_path };
	snprintf(g->where, sizeof g->where, "kvm, %s", strrchr(guest_path, '/') + 1);
	if (mote_runtime_new(&g->rt, MOTE_OPTIONS(mote_runtime_options, .backend = "kvm"),
			     &g->err)) {
		print_message("SKIP: %s\n", g->err.message);
		return 0;
	}
	EXPECT_STATUS(g, mote_image_load_file(&g->image, g->rt, guest_path, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, NULL, &g->err), MOTE_OK);
	box_init(&box, g);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	if (!guest.rt)
		return 0;
	box_fini(&box);
	mote_sandbox_free(guest.sb);
	mote_image_unref(guest.image);
	mote_runtime_free(guest.rt);
	return 0;
}

static struct guest *begin(void)
{
	if (!guest.rt)
		skip();
	return &guest;
}

static void guests_go_on_where_they_were(void **state)
{
	struct guest *g = begin();
	mote_snapshot *snapshot;

	(void)state;
	CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(5)));
	CALL(g, "Allocate", MOTE_ARGS(mote_i32(3000)));
	box_save(&box, "one");
	CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(5)));
	for (int verify = 0; verify < 2; verify++) {
		EXPECT_STATUS(g, box_load(&box, "one", verify, &snapshot), MOTE_OK);
		mote_sandbox *sb = box_start(&box, snapshot);
		for (int i = 0; i < 10; i++) {
			assert_int_equal(box_call(&box, sb, "GetStatic", MOTE_NO_ARGS), 5);
			box_call(&box, sb, "AddToStatic", MOTE_ARGS(mote_i32(2)));
			assert_int_equal(box_call(&box, sb, "GetStatic", MOTE_NO_ARGS), 7);
			box_call(&box, sb, "Allocate", MOTE_ARGS(mote_i32(2000)));
			assert_int_equal(box_call(&box, sb, "Generation", MOTE_NO_ARGS), 1);
			EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
		}
		mote_sandbox_free(sb);
		mote_snapshot_unref(snapshot);
	}
}

static void pages_and_image_can_be_seen(void **state)
{
	struct guest *g = begin();
	struct page_sum before = { 0 }, after = { 0 }, later = { 0 };
	mote_snapshot *taken, *next;

	(void)state;
	EXPECT_STATUS(g, mote_snapshot_take(&taken, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(taken, box.folder, "one", &g->err), MOTE_OK);
	mote_snapshot *loaded = box_loaded(&box, "one");
	EXPECT_STATUS(g, mote_snapshot_pages(taken, page_sum_add, &before, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_pages(loaded, page_sum_add, &after, &g->err), MOTE_OK);
	assert_true(before.pages > 5);
	assert_true(before.last > UINT64_C(0xfffffd0000000000)); /* its stack */
	assert_memory_equal(&before, &after, sizeof before);
	/* what a call changes is at the same addresses */
	CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(5)));
	EXPECT_STATUS(g, mote_snapshot_take(&next, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_pages(next, page_sum_add, &later, &g->err), MOTE_OK);
	assert_in_range(later.pages, before.pages, before.pages + 4);
	assert_true(later.value != before.value);
	mote_snapshot_unref(next);

	mote_image_info a = { .size = sizeof a }, b = { .size = sizeof b };
	EXPECT_STATUS(g, mote_image_describe(mote_snapshot_image(taken), &a, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_image_describe(mote_snapshot_image(loaded), &b, &g->err), MOTE_OK);
	assert_string_equal(b.guest_abi, "hyperlight");
	assert_string_equal(a.guest_abi_version, b.guest_abi_version);
	assert_false(b.lists_functions);
	assert_int_equal(a.is_pie, b.is_pie);
	assert_int_equal(a.entry, b.entry);
	mote_snapshot_unref(taken);
	mote_snapshot_unref(loaded);
}

static void guests_can_be_saved_again(void **state)
{
	struct guest *g = begin();
	mote_snapshot *again;

	(void)state;
	CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(5)));
	box_save(&box, "one");
	mote_snapshot *one = box_loaded(&box, "one");
	const unsigned blobs = box_count_blobs(&box);
	/* what was loaded, as it is: the same memory and description */
	EXPECT_STATUS(g, mote_snapshot_save(one, box.folder, "copy", &g->err), MOTE_OK);
	assert_in_range(box_count_blobs(&box), blobs, blobs + 1);

	mote_sandbox *sb = box_start(&box, one);
	box_call(&box, sb, "AddToStatic", MOTE_ARGS(mote_i32(6)));
	EXPECT_STATUS(g, mote_snapshot_take(&again, sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_save(again, box.folder, "two", &g->err), MOTE_OK);
	mote_snapshot_unref(again);
	mote_sandbox_free(sb);
	mote_snapshot_unref(one);

	again = box_loaded(&box, "two");
	sb = box_start(&box, again);
	assert_int_equal(box_call(&box, sb, "GetStatic", MOTE_NO_ARGS), 11);
	mote_sandbox_free(sb);
	mote_snapshot_unref(again);
}

static void a_sandbox_of_the_image_can_be_restored_to_it(void **state)
{
	struct guest *g = begin();
	mote_snapshot *snapshot, *own;

	(void)state;
	CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(5)));
	box_save(&box, "one");
	EXPECT_STATUS(g, mote_snapshot_load(&snapshot, g->rt, box.folder, "one", true, &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_take(&own, g->sb, &g->err), MOTE_OK);
	for (int i = 0; i < 6; i++) {
		CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(1)));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, i % 3 ? snapshot : own, &g->err),
			      MOTE_OK);
		assert_int_equal(CALL(g, "GetStatic", MOTE_NO_ARGS).as.i32, 5);
	}
	mote_snapshot_unref(snapshot);
	mote_snapshot_unref(own);
}

/* Where there is no ring 0 it is loaded, and not run. */
static void other_backends_load_it_and_make_no_sandbox(void **state)
{
	struct guest *g = begin();
	mote_runtime *rt;
	mote_snapshot *snapshot;
	mote_sandbox *sb;

	(void)state;
	box_save(&box, "one");
	EXPECT_STATUS(g,
		      mote_runtime_new(&rt,
				       MOTE_OPTIONS(mote_runtime_options, .backend = "process"),
				       &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_load(&snapshot, rt, box.folder, "one", true, &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&sb, rt, snapshot, NULL, &g->err),
		      MOTE_E_NO_HYPERVISOR);
	mote_snapshot_unref(snapshot);
	mote_runtime_free(rt);
}

static void files_that_are_cut_are_refused_or_do_not_matter(void **state)
{
	struct guest *g = begin();
	mote_snapshot *snapshot;
	struct stat file;

	(void)state;
	CALL(g, "AddToStatic", MOTE_ARGS(mote_i32(5)));
	box_save(&box, "one");
	const char *path = box_memory_path(&box);
	assert_int_equal(stat(path, &file), 0);
	snapshot = box_loaded(&box, "one");
	mote_sandbox *sb = box_start(&box, snapshot);
	struct tried tried = { .box = &box };
	for (off_t size = file.st_size - 1; size >= 0; size -= 5 * (off_t)PAGE - 1) {
		assert_int_equal(truncate(path, size), 0);
		tried_use(&tried, "memory");
	}
	assert_int_equal(tried.accepted, 0);
	/* who has it loaded has it */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(box_call(&box, sb, "GetStatic", MOTE_NO_ARGS), 5);
		EXPECT_STATUS(g, mote_sandbox_restore(sb, snapshot, &g->err), MOTE_OK);
	}
	EXPECT_STATUS(g, mote_snapshot_save(snapshot, box.folder, "two", &g->err), MOTE_OK);
	mote_sandbox_free(sb);
	mote_snapshot_unref(snapshot);
}

static void flip(const char *path, off_t at, unsigned char with)
{
	unsigned char byte;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= with;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void count_region(void *user, const mote_region_info *region)
{
	assert_true(region->size > 0 && region->name && region->slot);
	++*(unsigned *)user;
}

/* All that can be done with what an enemy wrote: each may fail, and the time is bounded. */
static void use_all(struct guest *g, mote_snapshot *snapshot)
{
	const mote_call_options *soon =
		MOTE_OPTIONS(mote_call_options, .timeout_ns = UINT64_C(300000000));
	struct page_sum sum = { 0 };
	unsigned char page[PAGE];
	unsigned nregions = 0;
	mote_snapshot *again;
	mote_sandbox *sb;

	(void)!mote_snapshot_pages(snapshot, page_sum_add, &sum, &g->err);
	mote_snapshot_layout(snapshot, count_region, &nregions);
	assert_in_range(nregions, 0, 2000);
	if (mote_sandbox_from_snapshot(&sb, box.rt, snapshot, &box.options, &g->err))
		return;
	for (int i = 0; i < 2; i++) {
		(void)!mote_sandbox_read(sb, 0x1000, page, sizeof page, &g->err);
		(void)!mote_sandbox_read(sb, UINT64_C(0xfffffffffffff000), page, sizeof page,
					 &g->err);
		if (mote_snapshot_take(&again, sb, &g->err) == MOTE_OK)
			mote_snapshot_unref(again);
		(void)!mote_call_with(sb, "GetStatic", MOTE_NO_ARGS, soon, NULL, &g->err);
		(void)!mote_sandbox_restore(sb, snapshot, &g->err);
	}
	mote_sandbox_free(sb);
}

/* The tables are the guest's, and the enemy's: the last pages of the file. */
static void tables_that_an_enemy_wrote_hurt_the_guest_alone(void **state)
{
	struct guest *g = begin();
	mote_snapshot *snapshot;
	struct stat file;
	unsigned seed = 7;

	(void)state;
	box_save(&box, "one");
	const char *path = box_memory_path(&box);
	assert_int_equal(stat(path, &file), 0);
	for (unsigned i = 0; i < rounds(60); i++) {
		const off_t back = 1 + rand_r(&seed) % (13 * (int)PAGE);
		const off_t at =
			i % 3 ? file.st_size - back - back % 8 : rand_r(&seed) % file.st_size;
		const unsigned char with = (unsigned char)(1 << rand_r(&seed) % 8);

		flip(path, at, with);
		EXPECT_STATUS(g, box_load(&box, "one", true, &snapshot), MOTE_E_SNAPSHOT);
		EXPECT_MESSAGE(g, "was changed");
		EXPECT_STATUS(g, box_load(&box, "one", false, &snapshot), MOTE_OK);
		use_all(g, snapshot);
		mote_snapshot_unref(snapshot);
		if (i % 2)
			flip(path, at, with); /* else damage adds up */
	}
}

/* A field of the config, another value for it, and what is said then. */
static const struct mismatch {
	const char *from, *to, *message;
} mismatches[] = {
	{ "\"format\":2", "\"format\":3", "has format 3; this library knows 1 to 2" },
	{ "\"hyperlight\"", "\"hyperbright\"", "\"guest_abi\" is \"hyperbright\", which" },
	{ "\"hyperlight\"", "\"mote\"", "\"abi_version\" is missing" },
	{ "\"hyperlight\"", "7", "\"guest_abi\" is not" },
	{ "\"guest_abi\":\"hyperlight\",", "", "\"guest_abi\" is missing" },
	{ "\"amd64\"", "\"arm64\"", "architecture \"arm64\"; this one is amd64" },
	{ "[\"pni\"", "[\"amx_tile9\",\"pni\"", "\"amx_tile9\", which this library does not know" },
	{ "[\"pni\"", "[\"xop\",\"pni\"", "the processor has xop, which this one lacks" },
	{ "\"version\":\"0.15.0\"", "\"version\":\"0.16.0\"", "built for version 0.16.0" },
	{ "\"image_size\":", "\"image_size\":1,\"x\":", "\"image_size\" is 0x1" },
	{ "\"data_size\":", "\"data_size\":4096,\"x\":", "a run of" },
	{ "\"tables_size\":", "\"tables_size\":8192,\"x\":", "a run of" },
	{ "\"scratch_size\":", "\"scratch_size\":4096,\"x\":", "scratch_size is 0x1000" },
	{ "\"runs\":[[4096,", "\"runs\":[[4096,1,0],[4096,", "a run of" },
	{ "\"cr4\":\"0x620\"", "\"cr4\":\"0x600\"", "\"cr4\" 0x600" },
	{ "\"cr0\":\"", "\"cr0\":\"0", "\"cr0\" is not a hexadecimal number" },
	{ "\"attributes\":\"0x", "\"attributes\":\"0xc09b\",\"x\":\"0x", "segment \"cs\"" },
	{ "\"attributes\":\"0x", "\"attributes\":\"0x1a09b\",\"x\":\"0x", "\"attributes\" is not" },
	{ "\"selector\":24", "\"selector\":65536", "\"selector\" is" },
	{ "\"limit\":103", "\"limit\":4294967296", "\"limit\" is" },
	{ "\"dispatch\":\"", "\"dispatch\":\"0x800000000000\",\"x\":\"", "\"dispatch\" 0x80000" },
	{ "\"stack\":\"", "\"stack\":\"0x8\",\"x\":\"", "\"stack\" 0x8 is no" },
	{ "\"generation\":", "\"generation\":9000000000000000000,\"x\":", "anybody counts" },
};

static void each_mismatch_has_a_message(void **state)
{
	struct guest *g = begin();
	mote_snapshot *snapshot;

	(void)state;
	box_save(&box, "one");
	char *name = forge_config_name(&box), *text = forge_read(&box, name, NULL);
	for (size_t i = 0; i < sizeof mismatches / sizeof mismatches[0]; i++) {
		const struct mismatch *row = &mismatches[i];
		const char *at = strstr(text, row->from);
		char *changed;

		if (!at)
			fail_msg("there is no %s in %s", row->from, text);
		assert_true(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, row->to,
				     at + strlen(row->from)) > 0);
		forge_config(&box, changed, strlen(changed));
		EXPECT_STATUS(g, box_load(&box, "one", false, &snapshot), MOTE_E_SNAPSHOT);
		EXPECT_MESSAGE(g, row->message);
		free(changed);
	}
	free(text);
	free(name);
}

/* Each STEPth change is tried. */
struct changes {
	struct tried tried;
	unsigned step, skipped;
};

static void try_changed(void *user, const char *changed, const char *path)
{
	struct changes *c = user;
	const unsigned seen = c->tried.refused + c->tried.accepted + c->skipped;

	if (seen % c->step) {
		c->skipped++;
		return;
	}
	forge_config(&box, changed, strlen(changed));
	tried_use(&c->tried, path);
}

static void each_field_that_is_wrong_is_refused_by_name_or_harmless(void **state)
{
	struct changes c = { .tried.box = &box, .step = 10 / rounds(10) };

	(void)state;
	(void)begin();
	box_save(&box, "one");
	char *name = forge_config_name(&box), *text = forge_read(&box, name, NULL);
	c.tried.text = text;
	const unsigned count = forge_each(text, try_changed, &c);
	assert_int_equal(c.tried.refused + c.tried.accepted + c.skipped, count);
	assert_true(c.tried.refused > (count - c.skipped) / 2);
	print_message("%u changes: %u refused, %u harmless, %u not tried\n", count, c.tried.refused,
		      c.tried.accepted, c.skipped);
	free(text);
	free(name);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
	const struct CMUnitTest tests[] = {
		TEST(guests_go_on_where_they_were),
		TEST(pages_and_image_can_be_seen),
		TEST(guests_can_be_saved_again),
		TEST(a_sandbox_of_the_image_can_be_restored_to_it),
		TEST(other_backends_load_it_and_make_no_sandbox),
		TEST(files_that_are_cut_are_refused_or_do_not_matter),
		TEST(tables_that_an_enemy_wrote_hurt_the_guest_alone),
		TEST(each_mismatch_has_a_message),
		TEST(each_field_that_is_wrong_is_refused_by_name_or_harmless),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}

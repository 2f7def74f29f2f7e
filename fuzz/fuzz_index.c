/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: index_read, index_entry, index_find, index_set, index_write, manifest_read,
 * manifest_add, tag_is_valid: what a directory says is refused with a reason, or can be looked up,
 * changed and written, and is then read the same. The directory is in memory.
 * Input: the contents of oci-layout, index.json and a manifest, and a tag, with a NUL behind each.
 * If the tag is none, one that the index has is given to something else.
 */
#include "fuzz/fake_folder.h"
#include "fuzz/fuzz.h"

#include "store/descriptor.h"
#include "store/index.h"

#define ENTRIES_MAX 64

static void check_refusal(mote_status status, const mote_error *err)
{
	CHECK(status == MOTE_E_SNAPSHOT || status == MOTE_E_LIMIT);
	CHECK(err->code == status && err->message[0]);
	CHECK(is_printable(err->message, sizeof err->message));
}

static void check_blob(const struct blob *blob)
{
	struct digest again;

	CHECK(digest_parse(&again, blob->digest.text) && blob->size <= INT64_MAX);
}

/* All entries; how many, or -1 after one that is malformed. */
static int read_entries(const struct index *index, struct index_entry *entries)
{
	int i = 0;

	for (const struct tree_node *node = index_first(index); node; node = node->next, i++) {
		mote_error err = { .code = MOTE_OK };
		mote_status status = index_entry(node, &entries[i], &err);

		if (status) {
			check_refusal(status, &err);
			return -1;
		}
		if (entries[i].is_manifest)
			check_blob(&entries[i].manifest);
		else
			CHECK(!entries[i].tag);
	}
	CHECK(i == (int)index->count);
	return i;
}

/* The first entry that has TAG. */
static const struct index_entry *find(const struct index_entry *entries, int count, const char *tag)
{
	for (int i = 0; i < count; i++)
		if (entries[i].tag && strcmp(entries[i].tag, tag) == 0)
			return &entries[i];
	return NULL;
}

/* What the index finds is what the list of entries has. */
static void check_find(const struct index *index, const struct index_entry *entries, int count)
{
	struct blob blob;

	for (int i = 0; i < count; i++) {
		struct digest digest;
		const char *tag = entries[i].tag;

		if (!entries[i].is_manifest)
			continue;
		CHECK(index_find(index, entries[i].manifest.digest.text, &blob, NULL) == MOTE_OK);
		CHECK(strcmp(blob.digest.text, entries[i].manifest.digest.text) == 0);
		if (!tag || digest_parse(&digest, tag)) /* a tag that looks like a digest is one */
			continue;
		CHECK(index_find(index, tag, &blob, NULL) == MOTE_OK);
		CHECK(strcmp(blob.digest.text, find(entries, count, tag)->manifest.digest.text) ==
		      0);
	}
	mote_error err = { .code = MOTE_OK };
	if (!find(entries, count, "no such tag")) {
		CHECK(index_find(index, "no such tag", &blob, &err) == MOTE_E_INVALID);
		CHECK(is_printable(err.message, sizeof err.message));
	}
}

/* Those that were there are there, but for TAG, which only the new one has. */
static void check_kept(const struct index_entry *before, int nbefore,
		       const struct index_entry *after, int nafter, const char *tag)
{
	for (int i = 0; i < nbefore; i++) {
		bool is_there = !before[i].is_manifest;
		const bool keeps_tag = before[i].tag && strcmp(before[i].tag, tag) != 0;

		for (int k = 0; k < nafter && !is_there; k++)
			is_there = strcmp(before[i].manifest.digest.text,
					  after[k].manifest.digest.text) == 0 &&
				   (!keeps_tag ||
				    (after[k].tag && strcmp(before[i].tag, after[k].tag) == 0));
		CHECK(is_there);
	}
}

/* Gives TAG to MANIFEST, writes the index, and reads it again. */
static void set_and_write(struct index *index, struct fake_folder *files, const char *tag,
			  const struct index_entry *before, int nbefore)
{
	static struct index_entry after[ENTRIES_MAX + 1];
	struct blob manifest = { .size = 4711 };
	struct index again;
	int with_tag = 0;

	memset(manifest.digest.text, 'a', 71);
	memcpy(manifest.digest.text, "sha256:", 7);
	mote_error err = { .code = MOTE_OK };
	mote_status status = index_set(index, tag, &manifest, &err);
	if (status) {
		/* annotations that are no object: nobody can be given a tag */
		check_refusal(status, &err);
		return;
	}
	CHECK(index_write(index, &files->folder, NULL) == MOTE_OK);
	CHECK(strcmp(files->written_name, "index.json") == 0);
	fake_folder_replace_index(files);
	CHECK(index_read(&again, &files->folder, false, NULL) == MOTE_OK);
	CHECK(again.count == index->count && again.count <= ENTRIES_MAX + 1);
	const int nafter = read_entries(&again, after);
	CHECK(nafter == (int)again.count);
	for (int i = 0; i < nafter; i++)
		with_tag += after[i].tag && strcmp(after[i].tag, tag) == 0;
	CHECK(with_tag == 1);
	CHECK(strcmp(find(after, nafter, tag)->manifest.digest.text, manifest.digest.text) == 0);
	check_kept(before, nbefore, after, nafter, tag);
	index_free(&again);
}

/* The index may forget what it has now. */
static void keep_tags(struct index_entry *entries, int count)
{
	for (int i = 0; i < count; i++)
		if (entries[i].tag)
			entries[i].tag = strdup(entries[i].tag);
}

static void free_tags(struct index_entry *entries, int count)
{
	for (int i = 0; i < count; i++)
		free((char *)(uintptr_t)entries[i].tag);
}

/* TAG, or else one that is taken; NULL if there is none. */
static const char *choose_tag(const char *tag, const struct index_entry *entries, int count)
{
	if (tag_is_valid(tag))
		return tag;
	for (int i = 0; i < count; i++)
		if (entries[i].tag && tag_is_valid(entries[i].tag))
			return entries[i].tag;
	return NULL;
}

static void one_index(struct fake_folder *files, const char *tag)
{
	static struct index_entry entries[ENTRIES_MAX];
	mote_error err = { .code = MOTE_OK };
	struct index index;
	mote_status status = index_read(&index, &files->folder, true, &err);

	if (status) {
		check_refusal(status, &err);
		CHECK(!index.tree.memory);
		return;
	}
	if (index.count <= ENTRIES_MAX) {
		const int count = read_entries(&index, entries);

		if (count >= 0) {
			check_find(&index, entries, count);
			keep_tags(entries, count);
			tag = choose_tag(tag, entries, count);
			if (tag)
				set_and_write(&index, files, tag, entries, count);
			free_tags(entries, count);
		}
	}
	index_free(&index);
}

static bool is_tag(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	const size_t size = strlen(text);

	return size >= 1 && size <= MOTE_MAX_TAG_SIZE && strspn(text, letters) == size &&
	       text[0] != '.' && text[0] != '-';
}

static void one_manifest(struct fake_folder *files)
{
	mote_error err = { .code = MOTE_OK };
	struct manifest manifest, again;
	struct blob blob;

	if (!files->files[FAKE_MANIFEST].bytes)
		return;
	fake_folder_manifest(files, &blob);
	mote_status status = manifest_read(&files->folder, &blob, &manifest, &err);
	if (status)
		check_refusal(status, &err);
	if (!status && manifest.is_ours) {
		check_blob(&manifest.config);
		check_blob(&manifest.memory);
		CHECK(strnlen(manifest.created, sizeof manifest.created) < sizeof manifest.created);
		CHECK(manifest_add(&files->folder, &manifest, "name", &blob, NULL) == MOTE_OK);
		fake_folder_replace_manifest(files);
		CHECK(manifest_read(&files->folder, &blob, &again, NULL) == MOTE_OK);
		CHECK(again.is_ours &&
		      memcmp(&again.config, &manifest.config, sizeof again.config) == 0);
		CHECK(memcmp(&again.memory, &manifest.memory, sizeof again.memory) == 0);
	}
	/* one byte more than the descriptor says, and another digest */
	blob.size++;
	CHECK(manifest_read(&files->folder, &blob, &manifest, NULL) == MOTE_E_SNAPSHOT);
	blob.size--;
	blob.digest.text[70] = blob.digest.text[70] == '0' ? '1' : '0';
	CHECK(manifest_read(&files->folder, &blob, &manifest, NULL) == MOTE_E_SNAPSHOT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake_folder files;
	const char *tag = fake_folder_init(&files, data, size);

	CHECK(tag_is_valid(tag) == is_tag(tag));
	one_manifest(&files);
	one_index(&files, tag);
	CHECK(files.nopen == 0);
	fake_folder_fini(&files);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ABI note and the export and import records. A record is checked whole before any of it
 * is used: who calls by a record relies on its types and prints its name.
 */
#include "image/records.h"

#include "abi/mote_abi.h"
#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

_Static_assert(MOTE_PARAMS_MAX == MOTE_MAX_PARAMS,
	       "records and the public API must agree on the number of parameters");

static mote_status check_abi_version(uint32_t version, mote_error *err)
{
	if (version == MOTE_ABI_VERSION)
		return MOTE_OK;
	return error_set(err, MOTE_E_ABI_MISMATCH,
			 "was built for version %" PRIu32
			 " of the guest ABI, this library speaks version %d; rebuild it with this "
			 "library's mote-guest",
			 version, MOTE_ABI_VERSION);
}

/* The version comes first for ever, so that it can be told of notes whose other fields this library
 * does not know. */
static mote_status read_version(const struct elf_note *note, uint32_t *out, mote_error *err)
{
	struct mote_note body = { 0, 0 };
	if (note->desc.size < sizeof body.abi_version)
		return error_set(err, MOTE_E_IMAGE, "its mote note has %zu bytes, want %zu",
				 note->desc.size, sizeof body);
	memcpy(&body.abi_version, note->desc.bytes, sizeof body.abi_version);
	mote_status status = check_abi_version(body.abi_version, err);
	if (status != MOTE_OK)
		return status;

	if (note->desc.size != sizeof body)
		return error_set(err, MOTE_E_IMAGE, "its mote note has %zu bytes, want %zu",
				 note->desc.size, sizeof body);
	memcpy(&body, note->desc.bytes, sizeof body);
	if (body.record_size != sizeof(struct mote_record))
		return error_set(err, MOTE_E_ABI_MISMATCH,
				 "has records of %" PRIu32 " bytes, guest ABI %d has %zu",
				 body.record_size, MOTE_ABI_VERSION, sizeof(struct mote_record));
	*out = body.abi_version;
	return MOTE_OK;
}

/* What comes behind the first 32 bits is for hosts to come. */
static mote_status read_features(const struct elf_note *note, uint32_t *out, mote_error *err)
{
	if (note->desc.size < sizeof *out)
		return error_set(err, MOTE_E_IMAGE, "its note of features has %zu bytes, want %zu",
				 note->desc.size, sizeof *out);
	memcpy(out, note->desc.bytes, sizeof *out);
	return MOTE_OK;
}

/* An elf_note_fn. USER is the struct abi_claims to fill in. */
static mote_status visit_note(void *user, const struct elf_note *note, mote_error *err)
{
	struct abi_claims *claims = user;

	if (note->name.size != sizeof MOTE_NOTE_NAME ||
	    memcmp(note->name.bytes, MOTE_NOTE_NAME, sizeof MOTE_NOTE_NAME) != 0)
		return MOTE_OK;
	if (note->type == MOTE_NOTE_TYPE)
		return read_version(note, &claims->version, err);
	if (note->type == MOTE_FEATURES_NOTE_TYPE)
		return read_features(note, &claims->features, err);
	return MOTE_OK;
}

mote_status records_read_abi(const struct elf *elf, struct abi_claims *out, mote_error *err)
{
	*out = (struct abi_claims){ 0 };
	mote_status status = elf_each_note(elf, visit_note, out, err);
	if (status != MOTE_OK)
		*out = (struct abi_claims){ 0 };
	return status;
}

/* One record, while it is checked. */
struct record_check {
	const char *what; /* "export" or "import" */
	size_t index;
	struct mote_record record;
	const char *name; /* in the file's bytes */
};

/* A name must be fit to print as it is: it ends up in messages and logs. */
static bool is_printable(const char *name, size_t length)
{
	char escaped[4 * MOTE_NAME_SIZE + 1];
	return text_escape(escaped, sizeof escaped, name, length) == length;
}

static mote_status check_name(const struct record_check *at, mote_error *err)
{
	size_t length = 0;
	while (length < MOTE_NAME_SIZE && at->name[length] != '\0')
		length++;
	if (length == 0)
		return error_set(err, MOTE_E_IMAGE, "%s %zu has no name", at->what, at->index);
	if (length == MOTE_NAME_SIZE)
		return error_set(err, MOTE_E_IMAGE,
				 "%s %zu has a name without end; names have 1 to %d bytes",
				 at->what, at->index, MOTE_NAME_SIZE - 1);
	if (!is_printable(at->name, length))
		return error_set(
			err, MOTE_E_IMAGE,
			"%s %zu has a name with control characters, backslashes or bytes that "
			"are not UTF-8",
			at->what, at->index);
	return MOTE_OK;
}

static mote_status check_types(const struct record_check *at, mote_error *err)
{
	const struct mote_record *record = &at->record;
	if (record->result > MOTE_BYTES)
		return error_set(err, MOTE_E_IMAGE,
				 "%s %zu (\"%s\") has result type %u, which does not exist",
				 at->what, at->index, at->name, record->result);
	if (record->nparams > MOTE_PARAMS_MAX)
		return error_set(err, MOTE_E_IMAGE,
				 "%s %zu (\"%s\") has %u parameters; the limit is %d", at->what,
				 at->index, at->name, record->nparams, MOTE_PARAMS_MAX);
	for (unsigned i = 0; i < MOTE_PARAMS_MAX; i++) {
		unsigned type = record->params[i];
		if (i < record->nparams ? type != MOTE_VOID && type <= MOTE_BYTES : type == 0)
			continue;
		return error_set(
			err, MOTE_E_IMAGE,
			"%s %zu (\"%s\") has %u parameters, of which number %u has type %u",
			at->what, at->index, at->name, record->nparams, i + 1, type);
	}
	return MOTE_OK;
}

static mote_status check_reserved(const struct record_check *at, mote_error *err)
{
	for (size_t i = 0; i < sizeof at->record.reserved; i++)
		if (at->record.reserved[i] != 0)
			return error_set(err, MOTE_E_IMAGE,
					 "%s %zu (\"%s\") has reserved byte %zu set to %u, want 0",
					 at->what, at->index, at->name, i, at->record.reserved[i]);
	return MOTE_OK;
}

static mote_status read_record(mote_function_info *out, const struct record_check *at,
			       mote_error *err)
{
	mote_status status = check_name(at, err);
	if (status == MOTE_OK)
		status = check_types(at, err);
	if (status == MOTE_OK)
		status = check_reserved(at, err);
	if (status != MOTE_OK)
		return status;

	out->name = at->name;
	out->result = (mote_type)at->record.result;
	out->nparams = at->record.nparams;
	for (unsigned i = 0; i < at->record.nparams; i++)
		out->params[i] = (mote_type)at->record.params[i];
	return MOTE_OK;
}

static mote_status check_section_size(const char *section, size_t size, mote_error *err)
{
	if (size % sizeof(struct mote_record) != 0)
		return error_set(err, MOTE_E_IMAGE,
				 "section %s has %zu bytes, no multiple of a record's %zu", section,
				 size, sizeof(struct mote_record));
	if (size / sizeof(struct mote_record) > MOTE_MAX_EXPORTS)
		return error_set(err, MOTE_E_IMAGE, "section %s has %zu records; the limit is %d",
				 section, size / sizeof(struct mote_record), MOTE_MAX_EXPORTS);
	return MOTE_OK;
}

mote_status records_read(struct records *out, const struct host *host, const struct elf *elf,
			 const char *section, const char *what, mote_error *err)
{
	*out = (struct records){ .count = 0 };
	struct elf_span span;
	mote_status status = elf_find_section(elf, section, &span, err);
	if (status == MOTE_OK)
		status = check_section_size(section, span.size, err);
	size_t count = span.size / sizeof(struct mote_record);
	if (status != MOTE_OK || count == 0)
		return status;

	mote_function_info *functions = host_alloc_array(host, count, sizeof *functions);
	if (!functions)
		return error_nomem(err, "function records", count * sizeof *functions);
	*out = (struct records){ .functions = functions, .count = count };
	for (size_t i = 0; i < count && status == MOTE_OK; i++) {
		const uint8_t *bytes = span.bytes + i * sizeof(struct mote_record);
		struct record_check at = { .what = what, .index = i };
		memcpy(&at.record, bytes, sizeof at.record);
		at.name = (const char *)bytes + offsetof(struct mote_record, name);
		status = read_record(&functions[i], &at, err);
	}
	if (status != MOTE_OK)
		records_fini(out, host);
	return status;
}

/* Moves the entry at ROOT down until both its children are no greater. */
static void sift_down(const mote_function_info **heap, size_t root, size_t count)
{
	const mote_function_info *entry = heap[root];
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count && strcmp(heap[child + 1]->name, heap[child]->name) > 0)
			child++;
		if (strcmp(heap[child]->name, entry->name) <= 0)
			break;
		heap[root] = heap[child];
	}
	heap[root] = entry;
}

/* Heap sort: n log n whatever order the guest chose, and no memory. qsort() may allocate. */
static void sort_by_name(const mote_function_info **list, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(list, i, count);
	for (size_t end = count; end-- > 1;) {
		const mote_function_info *greatest = list[0];
		list[0] = list[end];
		list[end] = greatest;
		sift_down(list, 0, end);
	}
}

mote_status records_index(struct records *records, const struct host *host, mote_error *err)
{
	size_t count = records->count;
	if (count == 0)
		return MOTE_OK;
	const mote_function_info **list = host_alloc_array(host, count, sizeof(*list));
	if (!list)
		return error_nomem(err, "the index of function names", count * sizeof(*list));
	for (size_t i = 0; i < count; i++)
		list[i] = &records->functions[i];
	sort_by_name(list, count);
	records->by_name = list;

	for (size_t i = 1; i < count; i++)
		if (strcmp(list[i - 1]->name, list[i]->name) == 0)
			return error_set(err, MOTE_E_IMAGE, "exports \"%s\" twice", list[i]->name);
	return MOTE_OK;
}

const mote_function_info *records_find(const struct records *records, const char *name)
{
	size_t low = 0;
	size_t high = records->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, records->by_name[middle]->name);
		if (order == 0)
			return records->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void records_fini(struct records *records, const struct host *host)
{
	host_free(host, (void *)records->by_name, records->count * sizeof(*records->by_name));
	host_free(host, records->functions, records->count * sizeof *records->functions);
	*records = (struct records){ .count = 0 };
}

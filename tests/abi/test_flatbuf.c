/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The FlatBuffers reader on a table made by hand, where each offset can be put
 * anywhere, and the writer's padding.
 */
#include "abi/flatbuf.h"
#include "fenced.h"

enum { SCALAR8, SCALAR32, SCALAR64, TEXT, VECTOR, TAG, VALUE, ABSENT, FIELDS };
enum { BLAME = 7 };

#define TABLE   32
#define TEXT_AT 72
#define LIST_AT 84
#define INNER   100
#define SIZE    112

/*
 * Vtable at 8, root table at 32 with a field of each kind, text at 72, vector of three u16 at 84, a
 * table with nothing but a forward vtable offset at 100, its vtable at 104.
 */
struct sample {
	uint32_t prefix, root;
	uint16_t vtable[2 + FIELDS];
	uint32_t unused;
	struct {
		int32_t vtable;
		uint32_t u32;
		uint64_t u64;
		uint32_t text, vector, value;
		uint8_t u8, tag;
		uint8_t zero[10];
	} table;
	uint32_t text_len;
	char text[8];
	uint32_t count;
	uint16_t elements[4];
	uint32_t gap;
	int32_t inner_vtable;
	uint16_t inner[4];
};

_Static_assert(offsetof(struct sample, table) == TABLE &&
		       offsetof(struct sample, inner_vtable) == INNER &&
		       offsetof(struct sample, text_len) == TEXT_AT &&
		       offsetof(struct sample, count) == LIST_AT && sizeof(struct sample) == SIZE,
	       "the comment above says where things are");

#define PLACE(field)  ((uint32_t)offsetof(struct sample, field))
#define SLOT(field)   ((uint16_t)(PLACE(table.field) - TABLE))
#define TO(at, field) ((uint32_t)((at)-PLACE(field)))

static struct sample make_sample(void)
{
	return (struct sample){
		.prefix = SIZE - 4,
		.root = TABLE - 4,
		.vtable = { 2 * (2 + FIELDS), 40, SLOT(u8), SLOT(u32), SLOT(u64), SLOT(text),
			    SLOT(vector), SLOT(tag), SLOT(value), 0 },
		.table = { .vtable = TABLE - 8,
			   .u32 = 0x12345678,
			   .u64 = UINT64_C(0x1122334455667788),
			   .text = TO(TEXT_AT, table.text),
			   .vector = TO(LIST_AT, table.vector),
			   .value = TO(INNER, table.value),
			   .u8 = 0x99,
			   .tag = 3 },
		.text_len = 5,
		.text = "hello",
		.count = 3,
		.elements = { 10, 20, 30 },
		.inner_vtable = INNER - (int32_t)PLACE(inner),
		.inner = { 4, 4 },
	};
}

static struct flatbuf_table open_sample(struct flatbuf_reader *r, const struct sample *sample)
{
	return flatbuf_root(r, fenced_copy(sample, SIZE), SIZE);
}

static void each_kind_of_field_is_read(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	struct flatbuf_table t = open_sample(&r, &sample);
	bool has_nul = true;
	uint64_t value;
	(void)state;

	assert_int_equal(flatbuf_u8(&r, &t, SCALAR8, BLAME), 0x99);
	assert_int_equal(flatbuf_u32(&r, &t, SCALAR32, BLAME), 0x12345678);
	assert_true(flatbuf_u64(&r, &t, SCALAR64, BLAME) == UINT64_C(0x1122334455667788));
	struct flatbuf_span text = flatbuf_string(&r, &t, TEXT, FLATBUF_REQUIRED, &has_nul, BLAME);
	assert_int_equal(text.count, 5);
	assert_string_equal((const char *)text.data, "hello");
	assert_false(has_nul);
	struct flatbuf_span list = flatbuf_vector(&r, &t, VECTOR, 2, BLAME);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.at, LIST_AT + 4);
	assert_memory_equal(list.data, sample.elements, 6);
	assert_int_equal(flatbuf_union(&r, &t, TAG, &value, BLAME), 3);
	struct flatbuf_table inner = flatbuf_table_behind(&r, value, BLAME);
	assert_int_equal(inner.at, INNER);
	assert_int_equal(inner.vtable, PLACE(inner));
	assert_int_equal(flatbuf_u32(&r, &inner, 0, BLAME), 0);
	assert_int_equal(r.status, FLATBUF_OK);
}

static void absent_fields_have_defaults(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	struct flatbuf_table t = open_sample(&r, &sample);
	bool has_nul;
	(void)state;

	/* One that the vtable has as 0, one that it is too short for, the last number of all. */
	static const unsigned ids[] = { ABSENT, FIELDS, 32766 };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(flatbuf_u8(&r, &t, ids[i], BLAME), 0);
		assert_int_equal(flatbuf_u32(&r, &t, ids[i], BLAME), 0);
		assert_int_equal(flatbuf_u64(&r, &t, ids[i], BLAME), 0);
		assert_int_equal(flatbuf_vector(&r, &t, ids[i], 8, BLAME).count, 0);
		struct flatbuf_span text =
			flatbuf_string(&r, &t, ids[i], FLATBUF_OPTIONAL, &has_nul, BLAME);
		assert_int_equal(text.count, 0);
		assert_string_equal((const char *)text.data, "");
	}
	assert_int_equal(r.status, FLATBUF_OK);
	flatbuf_string(&r, &t, ABSENT, FLATBUF_REQUIRED, &has_nul, BLAME);
	assert_int_equal(r.status, FLATBUF_MISSING);
	assert_int_equal(r.field, BLAME);
}

static void the_empty_table_has_no_fields(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	(void)state;
	open_sample(&r, &sample);
	struct flatbuf_table none = flatbuf_table_behind(&r, 0, BLAME);
	assert_int_equal(flatbuf_u32(&r, &none, 0, BLAME), 0);
	assert_int_equal(r.status, FLATBUF_OK);
}

static void the_first_failure_is_kept(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	struct flatbuf_table t = open_sample(&r, &sample);
	(void)state;
	flatbuf_fail(&r, 99, 1);
	flatbuf_fail(&r, 98, 2);
	flatbuf_u64(&r, &t, SCALAR32, 3);
	assert_int_equal(r.status, 99);
	assert_int_equal(r.field, 1);
}

/* VALUE goes to the 16 bits at AT; then field ID is read as a vector of WIDTH. */
static const struct {
	const char *what;
	size_t at;
	uint16_t value;
	unsigned width;
	enum flatbuf_status want;
} vector_rows[] = {
	{ "bytes", PLACE(count), 3, 1, FLATBUF_OK },
	{ "16 bits", PLACE(count), 3, 2, FLATBUF_OK },
	{ "32 bits", PLACE(count), 3, 4, FLATBUF_OK },
	{ "64 bits at a multiple of eight", PLACE(count), 3, 8, FLATBUF_OK },
	{ "64 bits four bytes off", PLACE(table.vector), TO(LIST_AT + 4, table.vector), 8,
	  FLATBUF_UNALIGNED },
	{ "up to the end", PLACE(count), 24, 1, FLATBUF_OK },
	{ "past the end", PLACE(count), 25, 1, FLATBUF_OUT_OF_BOUNDS },
	{ "up to the end by their width", PLACE(count), 3, 8, FLATBUF_OK },
	{ "past the end by their width", PLACE(count), 4, 8, FLATBUF_OUT_OF_BOUNDS },
	{ "a product of 2^32 does not wrap", PLACE(count) + 2, 0x2000, 8, FLATBUF_OUT_OF_BOUNDS },
	{ "length at the very end", PLACE(table.vector), TO(SIZE - 4, table.vector), 1,
	  FLATBUF_OK },
	{ "length past the end", PLACE(table.vector), TO(SIZE, table.vector), 1,
	  FLATBUF_OUT_OF_BOUNDS },
	{ "length at an odd place", PLACE(table.vector), TO(LIST_AT - 2, table.vector), 1,
	  FLATBUF_UNALIGNED },
	{ "offset in the vtable at the very end", PLACE(vtable[2 + VECTOR]), SIZE - TABLE - 4, 1,
	  FLATBUF_OUT_OF_BOUNDS },
	{ "offset in the vtable past the end", PLACE(vtable[2 + VECTOR]), SIZE - TABLE, 1,
	  FLATBUF_OUT_OF_BOUNDS },
	{ "offset in the vtable at its highest", PLACE(vtable[2 + VECTOR]), 0xfffc, 1,
	  FLATBUF_OUT_OF_BOUNDS },
};

static void vectors_are_bounded_and_aligned(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vector_rows) / sizeof(vector_rows[0]); i++) {
		struct sample sample = make_sample();
		struct flatbuf_reader r;
		memcpy((uint8_t *)&sample + vector_rows[i].at, &vector_rows[i].value, 2);
		if (vector_rows[i].at == PLACE(vtable[2 + VECTOR]))
			sample.inner[2] = 8; /* the offset that the field then has */
		struct flatbuf_table t = open_sample(&r, &sample);
		struct flatbuf_span span =
			flatbuf_vector(&r, &t, VECTOR, vector_rows[i].width, BLAME);
		if (r.status != vector_rows[i].want)
			fail_msg("%s: got %u", vector_rows[i].what, r.status);
		if (r.status != FLATBUF_OK)
			assert_int_equal(span.count, 0);
	}
}

static void strings_end_with_nul_inside_the_buffer(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	bool has_nul;
	(void)state;

	sample.table.text = TO(SIZE - 8, table.text);
	sample.inner[0] = 4; /* the length */
	sample.inner[1] = 0;
	memcpy(&sample.inner[2], "abcd", 4);
	struct flatbuf_table t = open_sample(&r, &sample);
	flatbuf_string(&r, &t, TEXT, FLATBUF_OPTIONAL, &has_nul, BLAME);
	assert_int_equal(r.status, FLATBUF_NO_NUL);

	sample.inner[0] = 3;
	t = open_sample(&r, &sample);
	flatbuf_string(&r, &t, TEXT, FLATBUF_OPTIONAL, &has_nul, BLAME);
	assert_int_equal(r.status, FLATBUF_NO_NUL);

	memcpy(&sample.inner[2], "a\0c\0", 4);
	t = open_sample(&r, &sample);
	struct flatbuf_span text = flatbuf_string(&r, &t, TEXT, FLATBUF_OPTIONAL, &has_nul, BLAME);
	assert_int_equal(r.status, FLATBUF_OK);
	assert_int_equal(text.count, 3);
	assert_true(has_nul);
}

static void what_is_visited_is_counted(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	struct flatbuf_table t = open_sample(&r, &sample);
	bool has_nul;
	(void)state;

	assert_true(r.budget == FLATBUF_SIZE_MAX);
	r.budget = 9;
	flatbuf_vector(&r, &t, VECTOR, 2, BLAME);
	assert_int_equal(r.budget, 3);
	assert_int_equal(flatbuf_vector(&r, &t, VECTOR, 1, BLAME).count, 3);
	assert_int_equal(r.budget, 0);
	assert_int_equal(r.status, FLATBUF_OK);
	assert_int_equal(flatbuf_string(&r, &t, TEXT, FLATBUF_REQUIRED, &has_nul, BLAME).count, 0);
	assert_int_equal(r.status, FLATBUF_TOO_BIG);
}

static void half_a_union_is_told_from_none(void **state)
{
	struct sample sample = make_sample();
	struct flatbuf_reader r;
	uint64_t value;
	(void)state;

	sample.vtable[2 + TAG] = 0;
	struct flatbuf_table t = open_sample(&r, &sample);
	assert_int_equal(flatbuf_union(&r, &t, TAG, &value, BLAME), 0);
	assert_int_equal(value, 0);
	assert_int_equal(r.status, FLATBUF_HALF_UNION);

	sample.vtable[2 + VALUE] = 0;
	t = open_sample(&r, &sample);
	flatbuf_union(&r, &t, TAG, &value, BLAME);
	assert_int_equal(r.status, FLATBUF_MISSING);

	sample = make_sample();
	sample.vtable[2 + VALUE] = 0;
	t = open_sample(&r, &sample);
	assert_int_equal(flatbuf_union(&r, &t, TAG, &value, BLAME), 0);
	assert_int_equal(r.status, FLATBUF_HALF_UNION);
}

static void blobs_are_padded_to_four_with_zeros(void **state)
{
	(void)state;
	for (uint64_t len = 0; len < 12; len++) {
		uint64_t want = len < 4 ? 8 : len < 8 ? 12 : 16;
		assert_int_equal(flatbuf_blob_size(len), want);
		struct flatbuf_writer w = { fenced_space(want), 0 };
		memset(w.to, 0xff, want);
		flatbuf_put_blob(&w, "abcdefghijkl", len);
		assert_int_equal(w.at, want);
		uint8_t expected[16] = { (uint8_t)len };
		memcpy(expected + 4, "abcdefghijkl", len);
		assert_memory_equal(w.to, expected, want);
	}
	assert_true(flatbuf_blob_size(FLATBUF_SIZE_MAX) == FLATBUF_SIZE_MAX + 5);
}

static void an_offset_counts_from_its_own_place(void **state)
{
	uint8_t to[8];
	struct flatbuf_writer w = { to, 0 };
	(void)state;

	memcpy(flatbuf_put(&w, 3), "abc", 3);
	flatbuf_put_offset(&w, 11);
	assert_int_equal(w.at, 7);
	assert_memory_equal(to, "abc\x08\0\0\0", 7);
}

static void padding_stops_where_it_should(void **state)
{
	uint8_t to[24];
	struct flatbuf_writer w = { to, 0 };
	static const uint8_t zeros[20];
	(void)state;

	memset(to, 0xff, sizeof(to));
	flatbuf_put(&w, 0);
	flatbuf_pad_to(&w, 20);
	assert_int_equal(w.at, 20);
	assert_memory_equal(to, zeros, 20);
	assert_int_equal(to[20], 0xff);
	flatbuf_pad_to(&w, 20);
	flatbuf_pad_to(&w, 3);
	assert_int_equal(w.at, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_field_is_read),
		cmocka_unit_test(absent_fields_have_defaults),
		cmocka_unit_test(the_empty_table_has_no_fields),
		cmocka_unit_test(the_first_failure_is_kept),
		cmocka_unit_test(vectors_are_bounded_and_aligned),
		cmocka_unit_test(strings_end_with_nul_inside_the_buffer),
		cmocka_unit_test(what_is_visited_is_counted),
		cmocka_unit_test(half_a_union_is_told_from_none),
		cmocka_unit_test(blobs_are_padded_to_four_with_zeros),
		cmocka_unit_test(an_offset_counts_from_its_own_place),
		cmocka_unit_test(padding_stops_where_it_should),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

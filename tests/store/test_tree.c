/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, read and written: what is none is refused at the byte that is wrong, and nothing that
 * another library refuses is taken; fields are looked up with their types and bounds; what is
 * written again is what was read; and each allocation may fail.
 */
#include "store/writer.h"

#include "tests/kit/fail.h"

#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static mote_error err;

/* SIZE bytes, with nothing behind the NUL. */
static mote_status parse_n(struct tree *tree, const char *bytes, size_t size)
{
	struct tree_reader reader = { .file = "file", .err = &err };
	char *copy = malloc(size + 1);

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	err = (mote_error){ .code = MOTE_OK };
	tree_parse(&reader, tree, fail_host(0, FAIL_ONCE, 0), &(struct text){ copy, size });
	free(copy);
	assert_int_equal(reader.status, err.code);
	assert_true(!tree->root == (reader.status != MOTE_OK));
	return reader.status;
}

static mote_status parse(struct tree *tree, const char *text)
{
	return parse_n(tree, text, strlen(text));
}

/* What TREE is when it is written; to be freed. */
static char *written(const struct tree *tree)
{
	struct writer writer;
	struct text text;

	writer_init(&writer, tree->host);
	writer_node(&writer, tree->root);
	assert_int_equal(writer_text(&writer, &text, &err), MOTE_OK);
	assert_int_equal(strlen(text.bytes), text.size);
	char *copy = strdup(text.bytes);
	writer_fini(&writer);
	return copy;
}

static const struct {
	const char *what;
	const char *text;
	const char *want; /* written again; NULL: as it is */
} accepted[] = {
	{ "nothing in it", "{}", NULL },
	{ "blanks everywhere", " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n",
	  "{\"a\":[1,2],\"b\":{}}" },
	{ "the three words", "{\"a\":[null,true,false]}", NULL },
	{ "numbers keep their digits",
	  "{\"a\":[0,-0,-1,10,1.50,1e5,1E+5,2.0e-07,99999999999999999999999999,-12.5e99]}", NULL },
	{ "an empty name, and an empty string", "{\"\":\"\"}", NULL },
	{ "one name twice, which nobody asks for", "{\"a\":1,\"a\":2}", NULL },
	{ "short escapes", "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	  "{\"a\":\"\\\"\\\\/\\b\\f\\n\\r\\t\"}" },
	{ "escapes of one to four bytes", "{\"a\":\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"}",
	  "{\"a\":\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}" },
	{ "the last character of each length",
	  "{\"a\":\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\ud800\\udc00\\udbff\\udfff\"}",
	  "{\"a\":"
	  "\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"}" },
	{ "characters beside the surrogates", "{\"a\":\"\\ud7ff\\ue000\"}",
	  "{\"a\":\"\xed\x9f\xbf\xee\x80\x80\"}" },
	{ "NUL and other control characters", "{\"\\u0000a\":\"\\u0000\\u001f\\u001B\"}",
	  "{\"\\u0000a\":\"\\u0000\\u001f\\u001b\"}" },
	{ "characters as they are", "{\"\xc3\xa9\":\"\xf0\x9f\x98\x80/\x7f\"}", NULL },
	{ "brackets and quotes in strings", "{\"{[,\":\"]}\\\",:\\\\\"}", NULL },
	{ "many values behind a quote in a string", "{\"a\":\"\\\"\",\"b\":[1,2,3,4,5,6,7,8,9]}",
	  NULL },
	{ "as deep as may be", "{\"a\":[[[[[[[[[[[1]]]]]]]]]]]}", NULL },
	{ "deep twice", "{\"a\":[[[[[[[[[[[]]]]]]]]]]],\"b\":[[[[[[[[[[[]]]]]]]]]]]}", NULL },
};

static void what_is_json_is_read_and_written_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
		const char *want = accepted[i].want ? accepted[i].want : accepted[i].text;
		struct tree tree;

		if (parse(&tree, accepted[i].text))
			fail_msg("%s: %s", accepted[i].what, err.message);
		char *text = written(&tree);
		if (strcmp(text, want) != 0)
			fail_msg("%s: written as %s", accepted[i].what, text);
		free(text);
		tree_free(&tree);
		assert_null(fail_leak());
	}
}

static const struct {
	const char *what;
	const char *text;
	const char *why; /* with the byte */
} refused[] = {
	{ "no byte", "", "byte 0: a value is missing" },
	{ "blanks alone", "  ", "byte 2: a value is missing" },
	{ "a list", "[]", "is not one JSON object" },
	{ "a number", "1", "is not one JSON object" },
	{ "a second object", "{}{}", "is not one JSON object" },
	{ "a comma behind it", "{},", "is not one JSON object" },
	{ "a comment", "{}/**/", "is not one JSON object" },
	{ "a byte order mark", "\xef\xbb\xbf{}", "byte 0: a value is missing" },
	{ "an object without end", "{", "byte 1: a name in quotes" },
	{ "an object that ends after a field", "{\"a\":1", "byte 6: a comma is missing" },
	{ "an object that ends after a comma", "{\"a\":1,", "byte 7: a name in quotes" },
	{ "a comma before the end", "{\"a\":1,}", "byte 7: a name in quotes" },
	{ "a comma first", "{,\"a\":1}", "byte 1: a name in quotes" },
	{ "no comma", "{\"a\":1 \"b\":2}", "byte 7: a comma is missing" },
	{ "two commas", "{\"a\":1,,\"b\":2}", "byte 7: a name in quotes" },
	{ "no colon", "{\"a\" 1}", "byte 5: a colon is missing" },
	{ "no value", "{\"a\":}", "byte 5: a value is missing" },
	{ "a name without quotes", "{a:1}", "byte 1: a name in quotes" },
	{ "single quotes", "{'a':1}", "byte 1: a name in quotes" },
	{ "the other bracket", "{\"a\":[1}", "byte 7: a comma is missing" },
	{ "the other bracket of an object", "{\"a\":1]", "byte 6: a comma is missing" },
	{ "a list that ends after a comma", "{\"a\":[1,]}", "byte 8: a value is missing" },
	{ "a list that begins with a comma", "{\"a\":[,1]}", "byte 6: a value is missing" },
	{ "a colon in a list", "{\"a\":[1:2]}", "byte 7: a comma is missing" },
	{ "too deep", "{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "byte 16: it is too deep" },
	{ "a word that there is not", "{\"a\":nul}", "byte 5: a value is missing" },
	{ "a word in capitals", "{\"a\":True}", "byte 5: a value is missing" },
	{ "a word that goes on", "{\"a\":truer}", "byte 9: a comma is missing" },
	{ "no number", "{\"a\":NaN}", "byte 5: a value is missing" },
	{ "infinity", "{\"a\":-Infinity}", "byte 6: a digit is missing" },
	{ "a sign alone", "{\"a\":-}", "byte 6: a digit is missing" },
	{ "a plus", "{\"a\":+1}", "byte 5: a value is missing" },
	{ "a zero in front", "{\"a\":01}", "byte 6: a comma is missing" },
	{ "a zero in front of a negative number", "{\"a\":-01}", "byte 7: a comma is missing" },
	{ "no digit before the point", "{\"a\":.5}", "byte 5: a value is missing" },
	{ "no digit behind the point", "{\"a\":1.}", "byte 7: a digit is missing" },
	{ "no exponent", "{\"a\":1e}", "byte 7: a digit is missing" },
	{ "no exponent but a sign", "{\"a\":1e+}", "byte 8: a digit is missing" },
	{ "a hexadecimal number", "{\"a\":0x10}", "byte 6: a comma is missing" },
	{ "a string without end", "{\"a", "byte 3: a string without end" },
	{ "a string that ends in a backslash", "{\"a\\", "byte 4: an escape that" },
	{ "a line break in a string", "{\"a\nb\":1}", "byte 3: a control character" },
	{ "the last control character in a string", "{\"a\x1f\":1}", "byte 3: a control" },
	{ "an escape that there is not", "{\"\\x41\":1}", "byte 3: an escape that" },
	{ "an escape of three digits", "{\"\\u123\":1}", "byte 7: a character that" },
	{ "an escape that ends", "{\"\\u12", "byte 6: a character that" },
	{ "no hexadecimal digit", "{\"\\u12g4\":1}", "byte 6: a character that" },
	{ "no hexadecimal digit, between the cases", "{\"\\u12@`\":1}",
	  "byte 6: a character that" },
	{ "half of a pair", "{\"\\ud800\":1}", "byte 8: a character that" },
	{ "the second half of a pair", "{\"\\udc00\":1}", "byte 8: a character that" },
	{ "half of a pair and a character", "{\"\\ud800\\u0041\":1}", "byte 14: a character that" },
	{ "two first halves", "{\"\\ud800\\ud800\":1}", "byte 14: a character that" },
	{ "half of a pair and no digits", "{\"\\ud800\\u\":1}", "byte 10: a character that" },
	{ "bytes that are no UTF-8", "{\"\xff\":1}", "no UTF-8 text" },
	{ "an overlong form", "{\"\xc0\xaf\":1}", "no UTF-8 text" },
	{ "a surrogate in UTF-8", "{\"\xed\xa0\x80\":1}", "no UTF-8 text" },
};

static void what_is_no_json_is_refused_where_it_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct tree tree;

		if (parse(&tree, refused[i].text) != MOTE_E_SNAPSHOT)
			fail_msg("%s is taken", refused[i].what);
		if (!strstr(err.message, refused[i].why))
			fail_msg("%s: %s", refused[i].what, err.message);
		assert_null(fail_leak());
	}
	struct tree tree;
	assert_int_equal(parse_n(&tree, "{}\0", 3), MOTE_E_SNAPSHOT);
	assert_int_equal(parse_n(&tree, "{\"a\0b\":1}", 9), MOTE_E_SNAPSHOT);
}

static bool json_c_takes(const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(TREE_DEPTH + 2);

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json_object *object = json_tokener_parse_ex(tokener, text, (int)size + 1);
	const bool is_taken = json_tokener_get_error(tokener) == json_tokener_success &&
			      json_object_is_type(object, json_type_object);
	json_object_put(object);
	json_tokener_free(tokener);
	return is_taken;
}

/* xorshift64 */
static uint32_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint32_t)(*seed >> 32);
}

static void nothing_is_taken_that_another_library_refuses(void **state)
{
	static const char from[] = "{\"a\":[1,-2.5e3,{\"b\":\"x\\n\\u00e9\"}],\"c\":null,\"d\":{}}";
	static const char letters[] = "{}[],:\"\\un0123456789abcdef-+.eE tf\x01\xc3\xa9";
	uint64_t seed = 42;
	unsigned taken = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char text[sizeof from];
		struct tree tree;

		memcpy(text, from, sizeof from);
		for (uint32_t n = 1 + next_random(&seed) % 3; n > 0; n--)
			text[next_random(&seed) % (sizeof from - 1)] =
				letters[next_random(&seed) % (sizeof letters - 1)];
		if (parse(&tree, text))
			continue;
		taken++;
		if (!json_c_takes(text, strlen(text)))
			fail_msg("taken: %s", text);
		/* and written, it is read as the same */
		char *once = written(&tree);
		tree_free(&tree);
		assert_int_equal(parse(&tree, once), MOTE_OK);
		char *twice = written(&tree);
		assert_string_equal(once, twice);
		free(once);
		free(twice);
		tree_free(&tree);
	}
	assert_in_range(taken, 1000, 99000);
}

static const char fields[] =
	"{\"zero\":0,\"max\":9223372036854775807,\"over\":9223372036854775808,"
	"\"all\":18446744073709551615,\"more\":18446744073709551616,"
	"\"much\":99999999999999999999999999,\"minus\":-1,\"none\":-0,\"half\":1.5,\"late\":10e3,"
	"\"yes\":true,\"no\":false,\"null\":null,\"text\":\"t\",\"nul\":\"a\\u0000b\","
	"\"list\":[1,\"s\",{}],\"empty\":[],\"object\":{\"in\":1},\"twice\":1,\"twice\":1}";

/* A reader of one field. */
static struct tree_reader reader_of(void)
{
	err = (mote_error){ .code = MOTE_OK };
	return (struct tree_reader){ .file = "file", .err = &err };
}

static void numbers_are_whole_and_within_their_bounds(void **state)
{
	static const struct {
		const char *key;
		uint64_t max, want;
		const char *why; /* NULL: it is taken */
	} rows[] = {
		{ "zero", 0, 0, NULL },
		{ "max", INT64_MAX, INT64_MAX, NULL },
		{ "max", INT64_MAX - 1, 0, "\"max\" is 9223372036854775807; it must be from 0 to" },
		{ "over", INT64_MAX, 0, "\"over\" is 9223372036854775808; it must be" },
		{ "all", UINT64_MAX, UINT64_MAX, NULL },
		{ "more", UINT64_MAX, 0, "it must be from 0 to 18446744073709551615" },
		{ "much", UINT64_MAX, 0, "\"much\" is 99999999999999999999999999; it must" },
		{ "minus", UINT64_MAX, 0, "\"minus\" is -1; it must be from 0" },
		{ "none", UINT64_MAX, 0, "\"none\" is -0; it must be from 0" },
		{ "half", UINT64_MAX, 0, "\"half\" is not a whole number" },
		{ "late", UINT64_MAX, 0, "\"late\" is not a whole number" },
		{ "text", UINT64_MAX, 0, "\"text\" is not a whole number" },
		{ "absent", UINT64_MAX, 0, "\"absent\" is missing" },
		{ "twice", UINT64_MAX, 0, "\"twice\" is there twice" },
		{ "tex", UINT64_MAX, 0, "\"tex\" is missing" },
	};
	struct tree tree;

	(void)state;
	assert_int_equal(parse(&tree, fields), MOTE_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct tree_reader reader = reader_of();
		uint64_t got = tree_number(&reader, tree.root, rows[i].key, rows[i].max);

		assert_int_equal(got, rows[i].want);
		assert_int_equal(reader.status, rows[i].why ? MOTE_E_SNAPSHOT : MOTE_OK);
		if (rows[i].why && !strstr(err.message, rows[i].why))
			fail_msg("%s: %s", rows[i].key, err.message);
	}
	tree_free(&tree);
}

/* Whether what was just read failed, with WHY in the message. */
static void expect(const struct tree_reader *reader, const char *why)
{
	assert_int_equal(reader->status, why ? MOTE_E_SNAPSHOT : MOTE_OK);
	if (why && !strstr(err.message, why))
		fail_msg("\"%s\", and not \"%s\"", err.message, why);
}

static void fields_have_their_type_or_fail(void **state)
{
	struct tree_reader reader;
	struct tree tree;
	size_t count;

	(void)state;
	assert_int_equal(parse(&tree, fields), MOTE_OK);
#define FIELD(want, why, call)                                                                     \
	(reader = reader_of(), assert_true((call) == (want)), expect(&reader, why))
	FIELD(true, NULL, tree_bool(&reader, tree.root, "yes"));
	FIELD(false, NULL, tree_bool(&reader, tree.root, "no"));
	FIELD(false, "\"null\" is not true or false", tree_bool(&reader, tree.root, "null"));
	FIELD(false, "\"absent\" is missing", tree_bool(&reader, tree.root, "absent"));
	FIELD('t', NULL, *tree_string(&reader, tree.root, "text"));
	FIELD('\0', "\"nul\" is not text without NUL bytes",
	      *tree_string(&reader, tree.root, "nul"));
	FIELD('\0', "\"zero\" is not a string", *tree_string(&reader, tree.root, "zero"));
	FIELD(NULL, "\"list\" is not an object", tree_field(&reader, tree.root, "list"));
	FIELD(NULL, "\"object\" is not a list", tree_list(&reader, tree.root, "object", 9, &count));
	FIELD(NULL, "\"list\" has 3 entries; 2 are the most",
	      tree_list(&reader, tree.root, "list", 2, &count));
	assert_int_equal(count, 0);
	FIELD(tree_find(tree.root, "list"), NULL, tree_list(&reader, tree.root, "list", 3, &count));
	assert_int_equal(count, 3);
	FIELD(NULL, NULL, tree_optional_string(&reader, tree.root, "absent"));
	FIELD(NULL, NULL, tree_optional_field(&reader, tree.root, "absent"));
	FIELD('t', NULL, *tree_optional_string(&reader, tree.root, "text"));
	FIELD(1, NULL, tree_optional_field(&reader, tree.root, "object")->size);
	FIELD('\0', "is not a string", *tree_optional_string(&reader, tree.root, "null"));
	FIELD(NULL, "is there twice", tree_optional_field(&reader, tree.root, "twice"));
	const struct tree_node *one = tree_find(tree.root, "list")->first;
	FIELD(1, NULL, tree_entry_number(&reader, one, "list"));
	FIELD('\0', "\"list\" is not a list of strings", *tree_entry_string(&reader, one, "list"));
	FIELD(NULL, "\"list\" is not a list of objects", tree_entry(&reader, one, "list"));
	FIELD('s', NULL, *tree_entry_string(&reader, one->next, "list"));
	FIELD(0, "whole numbers", tree_entry_number(&reader, one->next, "list"));
	FIELD(one->next->next, NULL, tree_entry(&reader, one->next->next, "list"));
#undef FIELD
	tree_free(&tree);
}

static void after_the_first_failure_nothing_is_read(void **state)
{
	struct tree_reader reader = reader_of();
	struct tree tree;
	size_t count;

	(void)state;
	assert_int_equal(parse(&tree, fields), MOTE_OK);
	reader = reader_of();
	tree_refuse(&reader, "first", "what it should be");
	assert_int_equal(tree_number(&reader, tree.root, "all", UINT64_MAX), 0);
	assert_false(tree_bool(&reader, tree.root, "yes"));
	assert_string_equal(tree_string(&reader, tree.root, "text"), "");
	assert_null(tree_field(&reader, tree.root, "object"));
	assert_null(tree_field(&reader, NULL, "object"));
	assert_null(tree_list(&reader, tree.root, "list", 3, &count));
	assert_int_equal(count, 0);
	assert_null(tree_entry(&reader, tree.root, "list"));
	tree_refuse_text(&reader, "last ", "\x1b", "");
	assert_string_equal(err.message, "file: \"first\" is not what it should be");
	reader = reader_of();
	tree_refuse_text(&reader, "it says ", "\x1b[2J", " there");
	assert_string_equal(err.message, "it says \"\\x1b[2J\" there");
	tree_free(&tree);
}

static void what_is_appended_and_removed_is_written(void **state)
{
	struct tree tree, other;

	(void)state;
	assert_int_equal(parse(&tree, "{\"list\":[1,2,3],\"o\":{}}"), MOTE_OK);
	struct tree_node *list = tree_find(tree.root, "list"), *o = tree_find(tree.root, "o");
	struct tree_node *two = list->first->next;

	tree_remove(list, two);
	assert_int_equal(list->size, 2);
	tree_append(list, two);
	assert_int_equal(list->size, 3);
	tree_remove(list, list->first);
	struct tree_reader reader = reader_of();
	tree_parse(&reader, &other, tree.host,
		   &(struct text){ (char[]){ "{\"n\":{\"x\":0}}" }, 13 });
	tree_append(o, other.root->first);
	char *text = written(&tree);
	assert_string_equal(text, "{\"list\":[3,2],\"o\":{\"n\":{\"x\":0}}}");
	free(text);
	tree_free(&tree);
	tree_free(&other);
	tree_free(&other); /* is nothing */
	assert_null(fail_leak());
}

static void memory_is_bounded_before_it_is_taken(void **state)
{
	const size_t size = 8u << 20;
	char *text = malloc(size + 1);
	struct tree tree;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < size; i += 2)
		memcpy(text + i, "[,", 2);
	assert_int_equal(parse_n(&tree, text, size), MOTE_E_SNAPSHOT);
	assert_non_null(strstr(err.message, "so many values that they would take"));
	/* the same in a string is one value */
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + size - 2, "\"}", 2);
	assert_int_equal(parse_n(&tree, text, size), MOTE_OK);
	assert_in_range(tree.memory_size, size, size + 1024);
	tree_free(&tree);
	free(text);
}

static void write_one(struct writer *writer)
{
	writer_open(writer, NULL);
	writer_string(writer, "quote", "a\"b\\c\x01/");
	writer_number(writer, "number", UINT64_MAX);
	writer_open_list(writer, "list");
	writer_bool(writer, NULL, true);
	writer_bool(writer, NULL, false);
	writer_open(writer, NULL);
	writer_close(writer);
	writer_string(writer, NULL, "[");
	writer_open_list(writer, NULL);
	writer_close_list(writer);
	writer_close_list(writer);
	writer_close(writer);
}

static void what_is_written_has_its_commas(void **state)
{
	struct writer writer;
	struct text text;

	(void)state;
	writer_init(&writer, fail_host(0, FAIL_ONCE, 0));
	write_one(&writer);
	assert_int_equal(writer_text(&writer, &text, &err), MOTE_OK);
	assert_string_equal(text.bytes,
			    "{\"quote\":\"a\\\"b\\\\c\\u0001/\",\"number\":18446744073709551615,"
			    "\"list\":[true,false,{},\"[\",[]]}");
	assert_int_equal(text.size, strlen(text.bytes));
	writer_fini(&writer);
	assert_null(fail_leak());
}

/* Writes enough to grow a few times, and reads it. */
static mote_status write_and_read(const struct host *host, void *user, mote_error *error)
{
	struct tree_reader reader = { .file = "file", .err = error };
	struct writer writer;
	struct tree tree = { 0 };
	struct text text;

	(void)user;
	writer_init(&writer, host);
	writer_open(&writer, NULL);
	writer_open_list(&writer, "list");
	for (uint64_t i = 0; i < 300; i++)
		writer_number(&writer, NULL, i);
	writer_close_list(&writer);
	writer_close(&writer);
	mote_status status = writer_text(&writer, &text, error);
	if (!status) {
		tree_parse(&reader, &tree, host, &text);
		status = reader.status;
	}
	if (!status)
		assert_int_equal(tree.root->first->size, 300);
	tree_free(&tree);
	writer_fini(&writer);
	return status;
}

static void each_allocation_may_fail(void **state)
{
	(void)state;
	fail_each_operation(write_and_read, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_json_is_read_and_written_the_same),
		cmocka_unit_test(what_is_no_json_is_refused_where_it_is_wrong),
		cmocka_unit_test(nothing_is_taken_that_another_library_refuses),
		cmocka_unit_test(numbers_are_whole_and_within_their_bounds),
		cmocka_unit_test(fields_have_their_type_or_fail),
		cmocka_unit_test(after_the_first_failure_nothing_is_read),
		cmocka_unit_test(what_is_appended_and_removed_is_written),
		cmocka_unit_test(memory_is_bounded_before_it_is_taken),
		cmocka_unit_test(what_is_written_has_its_commas),
		cmocka_unit_test(each_allocation_may_fail),
	};
	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}

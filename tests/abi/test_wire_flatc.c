/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flatc, the FlatBuffers compiler, as the oracle, with the schemas of wire.fbs: what it
 * builds from JSON we understand, what we write it prints as that JSON, and random
 * messages survive the way through both. Skipped, loudly, where flatc is missing.
 */
#define _GNU_SOURCE
#include "abi/wire.h"
#include "fenced.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char folder[64];  /* where the files of this run are */
static char schema[512]; /* wire.fbs, beside this file */
static bool has_flatc;

/* Runs flatc with arguments up to a NULL; its exit status, or -1 if there is no flatc. */
static int flatc(const char *const arguments[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	int error = posix_spawnp(&pid, "flatc", &actions, NULL, (char *const *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static const char *path_of(const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(path_of(name), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static size_t read_file(const char *name, void *to, size_t capacity)
{
	FILE *file = fopen(path_of(name), "rb");
	assert_non_null(file);
	size_t size = fread(to, 1, capacity, file);
	assert_true(size < capacity);
	fclose(file);
	return size;
}

/* DIRECTION is "--json" or "--binary": makes m.json from m.bin, or the reverse. */
static void convert(const char *root, const char *direction)
{
	char root_type[64], input[128];
	bool to_json = strcmp(direction, "--json") == 0;

	snprintf(root_type, sizeof(root_type), "mote.%s", root);
	snprintf(input, sizeof(input), "%s", path_of(to_json ? "m.bin" : "m.json"));
	const char *const arguments[] = { "flatc",
					  direction,
					  "--size-prefixed",
					  "--raw-binary",
					  "--strict-json",
					  "--defaults-json",
					  "--natural-utf8",
					  "--root-type",
					  root_type,
					  "-o",
					  folder,
					  schema,
					  to_json ? "--" : input,
					  to_json ? input : NULL,
					  NULL };
	assert_int_equal(flatc(arguments), 0);
}

static int find_flatc(void **state)
{
	const char *slash = strrchr(__FILE__, '/');
	const char *const version[] = { "flatc", "--version", NULL };
	(void)state;

	snprintf(schema, sizeof(schema), "%.*s/wire.fbs", slash ? (int)(slash - __FILE__) : 1,
		 slash ? __FILE__ : ".");
	has_flatc = flatc(version) == 0;
	snprintf(folder, sizeof(folder), "/tmp/mote-flatc-XXXXXX");
	if (access(schema, R_OK) != 0) {
		fprintf(stderr, "cannot read %s; run this test where it was compiled\n", schema);
		return -1;
	}
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(path_of("m.json"));
	unlink(path_of("m.bin"));
	return rmdir(folder);
}

/* Skips the calling test if there is no oracle. */
static void need_flatc(void)
{
	if (has_flatc)
		return;
	fprintf(stderr, "SKIPPED: no flatc here; messages were NOT compared with FlatBuffers' own "
			"compiler (install flatbuffers-compiler)\n");
	skip();
}

#define PARAM_JSON(tag, value) "{\"value_type\":\"" tag "\",\"value\":{\"value\":" value "}}"
#define CALL_JSON(name, params, kind, result)                                                      \
	"{\"function_name\":\"" name "\",\"parameters\":[" params "],"                             \
	"\"function_call_type\":\"" kind "\",\"expected_return_type\":\"" result "\"}"

static const struct {
	const char *json;
	struct wire_call call;
} calls[] = {
	{ CALL_JSON("Nothing", "", "guest", "hlvoid"),
	  { "Nothing", 7, WIRE_CALL_GUEST, MOTE_VOID, 0, { { .type = MOTE_VOID } } } },
	{ CALL_JSON("Host", PARAM_JSON("hlint", "-5"), "host", "hlint"),
	  { "Host", 4, WIRE_CALL_HOST, MOTE_I32, 1, { { MOTE_I32, .as.i32 = -5 } } } },
	{ CALL_JSON("F",
		    PARAM_JSON("hluint", "4294967295") "," PARAM_JSON("hllong",
								      "-9223372036854775808"),
		    "guest", "hluint"),
	  { "F",
	    1,
	    WIRE_CALL_GUEST,
	    MOTE_U32,
	    2,
	    { { MOTE_U32, .as.u32 = UINT32_MAX }, { MOTE_I64, .as.i64 = INT64_MIN } } } },
	{ CALL_JSON("F",
		    PARAM_JSON("hlulong", "18446744073709551615") "," PARAM_JSON("hlfloat", "1.5"),
		    "guest", "hllong"),
	  { "F",
	    1,
	    WIRE_CALL_GUEST,
	    MOTE_I64,
	    2,
	    { { MOTE_U64, .as.u64 = UINT64_MAX }, { MOTE_F32, .as.f32 = 1.5f } } } },
	{ CALL_JSON("F",
		    PARAM_JSON("hldouble", "-0.25") "," PARAM_JSON("hlbool", "true") "," PARAM_JSON(
			    "hlbool", "false"),
		    "guest", "hlulong"),
	  { "F",
	    1,
	    WIRE_CALL_GUEST,
	    MOTE_U64,
	    3,
	    { { MOTE_F64, .as.f64 = -0.25 },
	      { MOTE_BOOL, .as.boolean = true },
	      { MOTE_BOOL, .as.boolean = false } } } },
	{ CALL_JSON("F",
		    PARAM_JSON("hlstring", "\"h\xc3\xa9llo\"") "," PARAM_JSON("hlstring", "\"\""),
		    "guest", "hlfloat"),
	  { "F",
	    1,
	    WIRE_CALL_GUEST,
	    MOTE_F32,
	    2,
	    { { MOTE_STRING, .as.str = { "h\xc3\xa9llo", 6 } },
	      { MOTE_STRING, .as.str = { "", 0 } } } } },
	{ CALL_JSON("F", PARAM_JSON("hlvecbytes", "[0,255,7]") "," PARAM_JSON("hlvecbytes", "[]"),
		    "guest", "hldouble"),
	  { "F",
	    1,
	    WIRE_CALL_GUEST,
	    MOTE_F64,
	    2,
	    { { MOTE_BYTES, .as.bytes = { "\0\xff\7", 3 } },
	      { MOTE_BYTES, .as.bytes = { "", 0 } } } } },
	{ CALL_JSON("S", "", "guest", "hlstring"),
	  { "S", 1, WIRE_CALL_GUEST, MOTE_STRING, 0, { { .type = MOTE_VOID } } } },
	{ CALL_JSON("B", "", "guest", "hlbool"),
	  { "B", 1, WIRE_CALL_GUEST, MOTE_BOOL, 0, { { .type = MOTE_VOID } } } },
	{ CALL_JSON("V", "", "guest", "hlsizeprefixedbuffer"),
	  { "V", 1, WIRE_CALL_GUEST, MOTE_BYTES, 0, { { .type = MOTE_VOID } } } },
};

#define VALUE_JSON(tag, fields)                                                                    \
	"{\"result_type\":\"ReturnValueBox\",\"result\":{\"value_type\":\"" tag                    \
	"\",\"value\":{" fields "}}}"

static const struct {
	const char *json;
	struct wire_result result;
} results[] = {
	{ VALUE_JSON("hlint", "\"value\":-1"), { .value = { MOTE_I32, .as.i32 = -1 } } },
	{ VALUE_JSON("hluint", "\"value\":7"), { .value = { MOTE_U32, .as.u32 = 7 } } },
	{ VALUE_JSON("hllong", "\"value\":-7"), { .value = { MOTE_I64, .as.i64 = -7 } } },
	{ VALUE_JSON("hlulong", "\"value\":8"), { .value = { MOTE_U64, .as.u64 = 8 } } },
	{ VALUE_JSON("hlfloat", "\"value\":2.5"), { .value = { MOTE_F32, .as.f32 = 2.5f } } },
	{ VALUE_JSON("hldouble", "\"value\":0.125"), { .value = { MOTE_F64, .as.f64 = 0.125 } } },
	{ VALUE_JSON("hlstring", "\"value\":\"text\""),
	  { .value = { MOTE_STRING, .as.str = { "text", 4 } } } },
	{ VALUE_JSON("hlbool", "\"value\":true"), { .value = { MOTE_BOOL, .as.boolean = true } } },
	{ VALUE_JSON("hlvoid", ""), { .value = { .type = MOTE_VOID } } },
	{ VALUE_JSON("hlsizeprefixedbuffer", "\"size\":2,\"value\":[1,2]"),
	  { .value = { MOTE_BYTES, .as.bytes = { "\1\2", 2 } } } },
	{ "{\"result_type\":\"GuestError\",\"result\":{\"code\":4,\"message\":\"no\"}}",
	  { .is_error = true, .code = 4, .message = "no", .message_len = 2 } },
};

static const char log_json[] = "{\"message\":\"m\",\"source\":\"ss\",\"level\":\"Warning\","
			       "\"caller\":\"ccc\",\"source_file\":\"f.c\",\"line\":12}";
static const struct wire_log log_record = { { "m", 1 },   { "ss", 2 },     { "ccc", 3 },
					    { "f.c", 3 }, WIRE_LEVEL_WARN, 12 };

static const char functions_json[] =
	"{\"functions\":[{\"function_name\":\"Now\",\"parameters\":[],\"return_type\":\"hllong\"},"
	"{\"function_name\":\"Put\",\"parameters\":[\"hlstring\",\"hlvecbytes\",\"hlint\"],"
	"\"return_type\":\"hlvoid\"}]}";
static const struct wire_function functions[] = {
	{ "Now", 3, MOTE_I64, 0, { MOTE_VOID } },
	{ "Put", 3, MOTE_VOID, 3, { MOTE_STRING, MOTE_BYTES, MOTE_I32 } },
};

static bool same_value(const mote_value *a, const mote_value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case MOTE_STRING:
	case MOTE_BYTES:
		return a->as.bytes.len == b->as.bytes.len &&
		       memcmp(a->as.bytes.ptr, b->as.bytes.ptr, a->as.bytes.len) == 0;
	case MOTE_I64:
	case MOTE_U64:
	case MOTE_F64:
		return a->as.u64 == b->as.u64;
	case MOTE_BOOL:
		return a->as.boolean == b->as.boolean;
	case MOTE_VOID:
		return true;
	default:
		return a->as.u32 == b->as.u32;
	}
}

static bool same_call(const struct wire_call *a, const struct wire_call *b)
{
	bool same = a->name_len == b->name_len && memcmp(a->name, b->name, a->name_len) == 0 &&
		    a->kind == b->kind && a->result == b->result && a->nparams == b->nparams;
	for (size_t i = 0; same && i < a->nparams; i++)
		same = same_value(&a->params[i], &b->params[i]);
	return same;
}

static bool same_result(const struct wire_result *a, const struct wire_result *b)
{
	if (a->is_error != b->is_error)
		return false;
	if (!a->is_error)
		return same_value(&a->value, &b->value);
	return a->code == b->code && a->message_len == b->message_len &&
	       memcmp(a->message, b->message, a->message_len) == 0;
}

/* m.json without white space outside of strings. */
static const char *printed_json(void)
{
	static char text[8192];
	size_t size = read_file("m.json", text, sizeof(text)), kept = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"' && (i == 0 || text[i - 1] != '\\'))
			quoted = !quoted;
		if (quoted || (text[i] != ' ' && text[i] != '\n'))
			text[kept++] = text[i];
	}
	text[kept] = 0;
	return text;
}

static uint8_t built[8192];

static size_t build_from(const char *root, const char *json)
{
	write_file("m.json", json, strlen(json));
	convert(root, "--binary");
	return read_file("m.bin", built, sizeof(built));
}

static const char *print_as(const char *root, const uint8_t *message, size_t size)
{
	write_file("m.bin", message, size);
	convert(root, "--json");
	return printed_json();
}

static void what_flatc_builds_is_understood(void **state)
{
	struct wire_call call;
	struct wire_result result;
	struct wire_log log;
	struct wire_function list[2];
	size_t count;
	(void)state;
	need_flatc();

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		size_t size = build_from("FunctionCall", calls[i].json);
		struct wire_check check = wire_call_read(fenced_copy(built, size), size, &call);
		if (check.status != WIRE_OK || !same_call(&call, &calls[i].call))
			fail_msg("%s: %s", calls[i].json, wire_status_text(check.status));
	}
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		size_t size = build_from("FunctionCallResult", results[i].json);
		struct wire_check check = wire_result_read(fenced_copy(built, size), size, &result);
		if (check.status != WIRE_OK || !same_result(&result, &results[i].result))
			fail_msg("%s: %s", results[i].json, wire_status_text(check.status));
	}
	size_t size = build_from("GuestLogData", log_json);
	assert_int_equal(wire_log_read(fenced_copy(built, size), size, &log).status, WIRE_OK);
	assert_string_equal(log.message.ptr, "m");
	assert_string_equal(log.source.ptr, "ss");
	assert_string_equal(log.caller.ptr, "ccc");
	assert_string_equal(log.source_file.ptr, "f.c");
	assert_int_equal(log.level, WIRE_LEVEL_WARN);
	assert_int_equal(log.line, 12);

	size = build_from("HostFunctionDetails", functions_json);
	assert_int_equal(
		wire_functions_read(fenced_copy(built, size), size, list, 2, &count).status,
		WIRE_OK);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(list[i].name, functions[i].name);
		assert_int_equal(list[i].result, functions[i].result);
		assert_int_equal(list[i].nparams, functions[i].nparams);
		assert_memory_equal(list[i].params, functions[i].params,
				    functions[i].nparams * sizeof(mote_type));
	}
}

static void what_we_write_flatc_prints(void **state)
{
	uint8_t message[1024];
	(void)state;
	need_flatc();

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		size_t size = wire_call_write(message, sizeof(message), &calls[i].call);
		assert_string_equal(print_as("FunctionCall", message, size), calls[i].json);
	}
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		size_t size = wire_result_write(message, sizeof(message), &results[i].result);
		assert_string_equal(print_as("FunctionCallResult", message, size), results[i].json);
	}
	size_t size = wire_log_write(message, sizeof(message), &log_record);
	assert_string_equal(print_as("GuestLogData", message, size), log_json);
	size = wire_functions_write(message, sizeof(message), functions, 2);
	assert_string_equal(print_as("HostFunctionDetails", message, size), functions_json);
}

static void random_calls_survive_both_directions(void **state)
{
	static const char letters[] = "abc \"\\/\n\t\x7fXYZ";
	static char pool[WIRE_MAX_PARAMS][24];
	static uint8_t message[4096];
	struct wire_call call = { pool[0],   3, WIRE_CALL_HOST,
				  MOTE_VOID, 0, { { .type = MOTE_VOID } } },
			 got;
	(void)state;
	need_flatc();

	srand(20);
	for (unsigned round = 0; round < 40; round++) {
		call.nparams = (size_t)rand() % (WIRE_MAX_PARAMS + 1);
		call.result = (mote_type)(rand() % (MOTE_BYTES + 1));
		for (size_t i = 0; i < WIRE_MAX_PARAMS; i++) {
			size_t len = (size_t)rand() % sizeof(pool[i]);
			for (size_t k = 0; k < len; k++)
				pool[i][k] = letters[(size_t)rand() % (sizeof(letters) - 1)];
			mote_value *value = &call.params[i];
			*value = mote_strn(pool[i], len);
			value->type = (mote_type)(1 + rand() % MOTE_BYTES);
			if (value->type == MOTE_F32)
				*value = mote_f32((float)rand() / 1024);
			else if (value->type == MOTE_F64)
				*value = mote_f64(-(double)rand() / 4096);
			else if (value->type == MOTE_BOOL)
				*value = mote_bool(len & 1);
			else if (value->type != MOTE_STRING && value->type != MOTE_BYTES)
				value->as.u64 = (uint64_t)rand() * (uint64_t)rand() << (len & 7);
		}
		size_t size = wire_call_write(message, sizeof(message), &call);
		write_file("m.bin", message, size);
		convert("FunctionCall", "--json");
		convert("FunctionCall", "--binary");
		size = read_file("m.bin", built, sizeof(built));
		assert_int_equal(wire_call_read(fenced_copy(built, size), size, &got).status,
				 WIRE_OK);
		if (!same_call(&call, &got))
			fail_msg("round %u came back different: %s", round, printed_json());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_flatc_builds_is_understood),
		cmocka_unit_test(what_we_write_flatc_prints),
		cmocka_unit_test(random_calls_survive_both_directions),
	};
	return cmocka_run_group_tests(tests, find_flatc, remove_files);
}

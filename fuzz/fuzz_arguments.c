/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: options_parse, number_*, size_parse, mapping_parse, init_data_read,
 * stored_parse, argument_parse, value_print, value_json, suggestion_offer, terminal_escape: any
 * words are refused with a complaint, or mean what a simpler reading of them says.
 * Input: a byte that picks a command and a word, then words, with a NUL behind each. No file is
 * read.
 */
#define _GNU_SOURCE
#include "cli/command.h"
#include "cli/drawing.h"
#include "cli/file.h"
#include "cli/init_data.h"
#include "cli/json.h"
#include "cli/mapping.h"
#include "cli/number.h"
#include "cli/stored.h"
#include "cli/suggest.h"
#include "cli/terminal.h"
#include "cli/values.h"

#include "fuzz/fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>

#define WORDS_MAX 16

/* Commands that differ in what they take; all letters of main.c are there. */
static const struct command commands[] = {
	{ "call", "GUEST FUNCTION [ARG...]", "", "", "bdjmrvLRHSio", 2, INT_MAX, true, NULL },
	{ "take", "GUEST [--call FUNCTION [ARG...]]...", "", "", "CDbdjrvLRHSio", 1, 1, false,
	  NULL },
	{ "inspect", "GUEST", "", "", "bdjlsHSio", 1, 1, false, NULL },
	{ "run", "GUEST [ARG...]", "", "", "beIvLRHS", 1, INT_MAX, true, NULL },
	{ "bench", "", "", "", "bfjq", 0, 0, false, NULL },
	{ "diff", "DIR[:TAG] DIR[:TAG]", "", "", "byj", 2, 2, false, NULL },
};
#define NCOMMANDS (sizeof commands / sizeof commands[0])

/* What is printed to stderr, or elsewhere, during an input. */
static char printed[1 << 16];
static FILE *paper;

static void paper_begin(void)
{
	if (!paper)
		paper = fmemopen(printed, sizeof printed, "w");
	CHECK(paper);
	rewind(paper);
}

/* The text since paper_begin(), and its length. */
static size_t paper_end(void)
{
	fflush(paper);
	const long end = ftell(paper);

	CHECK(end >= 0 && (size_t)end < sizeof printed);
	printed[end] = '\0';
	return (size_t)end;
}

/* What is asked for here instead of a file: its own name. */
mote_status file_read(const char *path, size_t max, char **bytes, size_t *size, mote_error *err)
{
	CHECK(max > 0);
	(void)err;
	*bytes = strdup(path);
	*size = strlen(path);
	return *bytes ? MOTE_OK : MOTE_E_NOMEM;
}

static bool is_digits(const char *text, size_t size, bool is_hex)
{
	for (size_t i = 0; i < size; i++)
		if (is_hex ? !isxdigit((unsigned char)text[i]) : !isdigit((unsigned char)text[i]))
			return false;
	return size > 0;
}

/* As number_unsigned(), by the C library. */
static bool number_model(const char *word, uint64_t max, uint64_t *value)
{
	const bool is_hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
	const char *digits = word + (is_hex ? 2 : 0);

	if (!is_digits(digits, strlen(digits), is_hex))
		return false;
	errno = 0;
	*value = strtoull(digits, NULL, is_hex ? 16 : 10);
	return errno == 0 && *value <= max;
}

static void check_numbers(const char *word)
{
	const uint64_t bounds[] = { UINT64_MAX, UINT32_MAX, INT64_MAX, 255 };
	uint64_t value = 0, want = 0;
	int64_t negative = 0;

	for (size_t i = 0; i < 4; i++) {
		const bool is_number = number_unsigned(word, bounds[i], &value);

		CHECK(is_number == number_model(word, bounds[i], &want));
		CHECK(!is_number || value == want);
	}
	const bool has_sign = word[0] == '-';
	const bool fits = number_model(word + has_sign, (uint64_t)INT64_MAX + has_sign, &want);

	CHECK(number_signed(word, INT64_MIN, INT64_MAX, &negative) == fits);
	CHECK(!fits || (uint64_t)negative == (has_sign ? -want : want));
}

static void check_size(const char *word)
{
	static const char suffixes[] = "KMGT";
	const size_t length = strlen(word);
	const char *suffix = length > 1 ? strchr(suffixes, word[length - 1]) : NULL;
	char *number = strndup(word, suffix ? length - 1 : length);
	const unsigned shift = suffix ? 10 * (unsigned)(suffix - suffixes + 1) : 0;
	uint64_t size = 0, want = 0;

	CHECK(number);
	const bool is_size = number_model(number, UINT64_MAX >> shift, &want) && want > 0;
	CHECK(size_parse(word, &size) == is_size);
	CHECK(!is_size || size == want << shift);
	free(number);
}

static void check_mapping(const char *word)
{
	struct mapping mapping = { 0 };
	uint64_t address;

	if (!mapping_parse(&mapping, word))
		return;
	CHECK(mapping.path_length > 0 && word[mapping.path_length] == '@');
	const char *end = number_scan(word + mapping.path_length + 1, &address);
	CHECK(end && address == mapping.address);
	CHECK(mapping.label ? *end == ':' && mapping.label == end + 1 : *end == '\0');
}

/* FILE or FILE:rights; what comes back is the name of FILE. */
static void check_init_data(const char *word)
{
	mote_sandbox_options options = { 0 };

	CHECK(init_data_read(&options, word, NULL) == MOTE_OK);
	const size_t length = options.init_data_size;
	CHECK(strncmp(word, options.init_data, length) == 0);
	CHECK(word[length] == '\0' ? options.init_data_flags == 0 : word[length] == ':');
	CHECK(!(options.init_data_flags &
		~(uint64_t)(MOTE_INIT_DATA_WRITE | MOTE_INIT_DATA_EXECUTE)));
	init_data_free(&options);
}

static void check_stored(const char *word)
{
	struct stored stored;
	mote_error err;

	CHECK(stored_parse(&stored, word, &err) == MOTE_OK);
	const size_t length = strlen(stored.directory);
	CHECK(strncmp(word, stored.directory, length) == 0);
	CHECK(word[length] == '\0' ? strcmp(stored.tag, "latest") == 0
				   : word[length] == ':' && stored.tag == word + length + 1);
	stored_fini(&stored);
}

/* What reaches a terminal cannot steer it, and is short. */
static void check_terminal(const char *word)
{
	const size_t length = strlen(word);

	paper_begin();
	terminal_escape(paper, word, length);
	const size_t size = paper_end();
	CHECK(size >= length && size <= 4 * length);
	for (size_t i = 0; i < size; i++) {
		const unsigned char byte = (unsigned char)printed[i];
		CHECK(byte >= 0x20 ? byte != 0x7f : byte == '\n' || byte == '\t');
	}
	if (size == length)
		CHECK(memcmp(printed, word, size) == 0);
}

static void check_suggestion(const char *word)
{
	struct suggestion like = suggestion_for(word);

	suggestion_offer(&like, "inspect");
	suggestion_offer(&like, "call");
	suggestion_offer(&like, word);
	CHECK(strlen(word) > 63 || like.best);
	CHECK(strlen(word) > 63 || like.distance == 0);
}

/* A value that was printed is, as an argument, the same value. */
static void check_again(const mote_function_info *function, size_t index, const mote_value *value)
{
	struct argument again;
	mote_error err;

	paper_begin();
	value_print(paper, value, false);
	size_t size = paper_end();
	CHECK(size > 0 && printed[size - 1] == '\n');
	printed[size - 1] = '\0';
	CHECK(argument_parse(&again, function, index, printed, &err) == MOTE_OK);
	const mote_value *b = &again.value;
	if (value->type == MOTE_F32)
		CHECK(value->as.f32 == b->as.f32 || (isnan(value->as.f32) && isnan(b->as.f32)));
	else if (value->type == MOTE_F64)
		CHECK(value->as.f64 == b->as.f64 || (isnan(value->as.f64) && isnan(b->as.f64)));
	else if (value->type == MOTE_I32 || value->type == MOTE_U32)
		CHECK(value->as.u32 == b->as.u32);
	else if (value->type == MOTE_BOOL)
		CHECK(value->as.boolean == b->as.boolean);
	else
		CHECK(value->as.u64 == b->as.u64);
	argument_fini(&again);
}

static void check_bytes(const char *word, const mote_value *value)
{
	if (word[0] == '@') {
		CHECK(value->as.bytes.len == strlen(word + 1));
		return;
	}
	CHECK(strncmp(word, "hex:", 4) == 0);
	CHECK(value->as.bytes.len == strlen(word + 4) / 2 && strlen(word) % 2 == 0);
	paper_begin();
	value_print(paper, value, false);
	CHECK(strncasecmp(printed, word + 4, paper_end() - 1) == 0);
}

static void check_argument(const mote_function_info *function, size_t index, const char *word)
{
	struct argument argument;
	mote_error err = { .code = MOTE_OK };
	const mote_type type = function->params[index];
	const mote_status status = argument_parse(&argument, function, index, word, &err);

	if (status) {
		CHECK(status == MOTE_E_SIGNATURE && err.code == status && !argument.owned);
		CHECK(strstr(err.message, "want "));
		return;
	}
	CHECK(argument.value.type == type);
	if (type == MOTE_STRING)
		CHECK(argument.value.as.str.len <= strlen(word));
	else if (type == MOTE_BYTES)
		check_bytes(word, &argument.value);
	else
		check_again(function, index, &argument.value);
	struct json_object *json = value_json(&argument.value);
	/* a str need not be UTF-8 here: the library refuses it */
	CHECK(json && json_object_to_json_string(json));
	json_object_put(json);
	argument_fini(&argument);
}

static void check_arguments(const char *word)
{
	static const mote_function_info function = {
		.name = "f",
		.nparams = 9,
		.params = { MOTE_I32, MOTE_U32, MOTE_I64, MOTE_U64, MOTE_F32, MOTE_F64, MOTE_BOOL,
			    MOTE_STRING, MOTE_BYTES },
	};

	for (size_t i = 0; i < function.nparams; i++)
		check_argument(&function, i, word);
}

static void check_word(const char *word)
{
	check_numbers(word);
	check_size(word);
	check_mapping(word);
	check_init_data(word);
	check_stored(word);
	check_terminal(word);
	check_suggestion(word);
	check_arguments(word);
}

/* What was accepted is what the table of options promises. */
static void check_options(const struct options *options, const struct command *command, int first,
			  int argc)
{
	CHECK(first >= 1 && first <= argc);
	const int nargs = argc - (int)options->calls.count - first;

	if (!options->wants_help)
		CHECK(nargs >= command->nargs_min && nargs <= command->nargs_max);
	for (size_t i = 0; i < options->maps.count; i++)
		CHECK(mapping_parse(&(struct mapping){ 0 }, options->maps.words[i]));
	for (size_t i = 0; i < options->environment.count; i++)
		CHECK(strchr(options->environment.words[i], '=') > options->environment.words[i]);
	CHECK(!options->view || drawing_is_view(options->view));
	CHECK(options->calls.count == 0 || strcmp(options->calls.words[0], "--call") == 0);
	CHECK(strchr(command->accepts, 'j') || !options->wants_json);
	CHECK(strchr(command->accepts, 'L') || options->limits.exits == 0);
	CHECK(strchr(command->accepts, 'm') || options->maps.count == 0);
	CHECK(strchr(command->accepts, 'C') || options->calls.count == 0);
	CHECK(strchr(command->accepts, 'D') || !options->destination);
}

static void check_command_line(const struct command *command, int argc, char **argv)
{
	struct options options;
	FILE *before = stderr;

	optind = 0; /* getopt begins again */
	paper_begin();
	stderr = paper;
	const int first = options_parse(&options, command, argc, argv);
	stderr = before;
	const size_t size = paper_end();
	if (first < 0)
		CHECK(first == -1 && size > 0 && strstr(printed, "--help`\n"));
	else
		check_options(&options, command, first, argc);
	options_free(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[WORDS_MAX + 2] = { NULL };
	int argc = 1;

	if (size < 2 || size > 4096)
		return 0;
	const struct command *command = &commands[data[0] % NCOMMANDS];
	const size_t chosen = data[0] / NCOMMANDS; /* to be looked at from all sides */
	argv[0] = strdup("");                      /* which is replaced */
	data++;
	size--;
	for (; size > 0 && argc <= WORDS_MAX; argc++) {
		const uint8_t *end = memchr(data, 0, size);
		const size_t length = end ? (size_t)(end - data) : size;

		/* each word by itself, so that a sanitizer sees a byte more */
		argv[argc] = strndup((const char *)data, length);
		data += length + (end != NULL);
		size -= length + (end != NULL);
	}
	check_word(argv[1 + chosen % ((size_t)argc - 1)]);
	char *words[WORDS_MAX + 2];
	memcpy(words, argv, sizeof words);
	check_command_line(command, argc, words);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return 0;
}

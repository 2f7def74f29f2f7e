/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options: a table from which getopt_long() is fed and --help is printed, so that no
 * option is accepted without being documented, nor the other way round.
 */
#include "options.h"

#include "command.h"
#include "directory.h"
#include "drawing.h"
#include "mapping.h"
#include "number.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum option_kind {
	OPTION_FLAG,
	OPTION_TEXT,
	OPTION_SIZE,
	OPTION_VARIABLES,
	OPTION_LIMIT,
	OPTION_MS,
	OPTION_MAPS,
	OPTION_DIRECTORIES,
	OPTION_VIEW,
	OPTION_CALLS, /* taken before the others are parsed */
};

struct option_row {
	char key;    /* what commands name it by */
	char letter; /* what it is on the command line; 0: only its name */
	enum option_kind kind;
	size_t offset; /* in struct options; of a bool, string, size or list */
	const char *name;
	const char *value; /* its name in --help, NULL for a flag */
	const char *help;
};

/* In the order in which --help prints them. Where a command takes two with one letter, that is
 * the first one's, and the other has its name alone. */
#define FIELD(member) offsetof(struct options, member)
static const struct option_row rows[] = {
	{ 'D', 'o', OPTION_TEXT, FIELD(destination), "to", "DIR[:TAG]",
	  "the directory to save to, and the tag (default latest)" },
	{ 'C', 0, OPTION_CALLS, FIELD(calls), "call", "FUNCTION [ARG...]",
	  "call this first; may be repeated, behind all other options" },
	{ 'b', 'b', OPTION_TEXT, FIELD(backend), "backend", "NAME",
	  "what runs the guest: kvm or process (default: the best there is)" },
	{ 'R', 0, OPTION_TEXT, FIELD(require), "require", "CHECKS",
	  "only where these checks of `mote doctor` are ok: smt,swap" },
	{ 'A', 0, OPTION_TEXT, FIELD(guest_abi), "abi", "NAME",
	  "the guest ABI: mote or hyperlight (default: as the file says)" },
	{ 'H', 'H', OPTION_SIZE, FIELD(heap), "heap", "SIZE", "heap of the guest (default 64M)" },
	{ 'S', 'S', OPTION_SIZE, FIELD(stack), "stack", "SIZE",
	  "stack of the guest (default 1M, run 8M)" },
	{ 'X', 0, OPTION_SIZE, FIELD(scratch), "scratch", "SIZE",
	  "all that a hyperlight guest writes (default 288K)" },
	{ 'i', 'i', OPTION_SIZE, FIELD(input_size), "input", "SIZE",
	  "room for the arguments of a call (default 128K)" },
	{ 'o', 'o', OPTION_SIZE, FIELD(output_size), "output", "SIZE",
	  "room for the result of a call (default 128K)" },
	{ 'B', 0, OPTION_SIZE, FIELD(buffer_size), "buffer", "SIZE",
	  "buffers for long bytes, each way, that are not copied (default none)" },
	{ 'e', 'e', OPTION_VARIABLES, FIELD(environment), "env", "NAME=VALUE",
	  "a variable of the program's environment; may be repeated" },
	{ 'I', 0, OPTION_TEXT, FIELD(program_input), "stdin", "FILE",
	  "what the program reads from standard input; - is that of mote" },
	{ 'd', 'd', OPTION_TEXT, FIELD(init_data), "data", "FILE",
	  "init data for the guest: FILE, or FILE:rw or FILE:rx" },
	{ 'c', 'c', OPTION_TEXT, FIELD(core), "core", "FILE",
	  "when the guest crashes, write a core file, for gdb" },
	{ 'n', 'n', OPTION_FLAG, FIELD(wants_no_lines), "no-lines", NULL,
	  "do not read debug information, of which crashes tell lines" },
	{ 'f', 'f', OPTION_TEXT, FIELD(filter), "filter", "TEXT",
	  "measure only what has TEXT in its name" },
	{ 'E', 0, OPTION_TEXT, FIELD(suite), "suite", "NAME",
	  "what to measure: calls (the default) or programs" },
	{ 'j', 'j', OPTION_FLAG, FIELD(wants_json), "json", NULL, "print JSON" },
	{ 'l', 'l', OPTION_FLAG, FIELD(wants_layout), "layout", NULL,
	  "show where everything would lie in memory, too" },
	{ 'q', 'q', OPTION_FLAG, FIELD(wants_quick), "quick", NULL,
	  "measure for a second or two; the numbers are rough" },
	{ 'L', 0, OPTION_LIMIT, FIELD(limits), "limit", "NAME=NUMBER",
	  "exits, host_calls, output_bytes, log_lines or log_bytes of a call, or none" },
	{ 'T', 0, OPTION_MS, FIELD(timeout_ns), "timeout", "MS",
	  "stop it after so many milliseconds; also a main() before a call" },
	{ 'U', 0, OPTION_MS, FIELD(cpu_ns), "cpu", "MS",
	  "stop it after so many milliseconds of CPU time" },
	{ 'm', 'm', OPTION_MAPS, FIELD(maps), "map", "MAPPING",
	  "show the guest a file, FILE@ADDRESS[:LABEL]; may be repeated" },
	{ 'V', 0, OPTION_DIRECTORIES, FIELD(directories), "dir", "DIRECTORY",
	  "show the guest one, HOST:GUEST[:rw-private]; may be repeated" },
	{ 's', 's', OPTION_VIEW, FIELD(view), "svg", "VIEW",
	  "print a drawing of the memory instead: VIEW is guest or host" },
	{ 'P', 0, OPTION_FLAG, FIELD(wants_receipt), "receipt", NULL,
	  "say what the call or the program used, on stderr or in the JSON" },
	{ 'r', 'r', OPTION_FLAG, FIELD(wants_raw), "raw", NULL,
	  "print str and bytes results as they are, without a line end" },
	{ 'y', 'y', OPTION_TEXT, FIELD(symbols), "symbols", "GUEST",
	  "name the variables that differ, by the symbols of this file" },
	{ 'v', 'v', OPTION_FLAG, FIELD(is_verbose), "verbose", NULL,
	  "print the log of library and guest to stderr" },
	{ 'h', 'h', OPTION_FLAG, FIELD(wants_help), "help", NULL, "print this text" },
};
#define NROWS (sizeof rows / sizeof rows[0])

/* What getopt_long() returns for the name of the first row; letters are lower. */
enum { FIRST_NAME = 256 };

static bool accepts(const struct command *command, const struct option_row *row)
{
	return row->key == 'h' || strchr(command->accepts, row->key) != NULL;
}

/* What COMMAND means by LETTER; NULL if nothing. */
static const struct option_row *find_letter(const struct command *command, int letter)
{
	for (size_t i = 0; i < NROWS; i++)
		if (accepts(command, &rows[i]) && rows[i].letter == letter)
			return &rows[i];
	return NULL;
}

/* NULL for what getopt_long() complained about itself, '?'. */
static const struct option_row *find_row(const struct command *command, int found)
{
	return found >= FIRST_NAME ? &rows[found - FIRST_NAME] : find_letter(command, found);
}

bool size_parse(const char *text, uint64_t *size)
{
	static const char suffixes[] = "KMGT";
	const char *end = number_scan(text, size);
	if (!end)
		return false;
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);
		if (*size > UINT64_MAX >> shift)
			return false;
		*size <<= shift;
		end++;
	}
	return *end == '\0' && *size != 0;
}

/* There is room for every word of the command line. */
static void append(struct word_list *list, const char *word)
{
	list->words[list->count++] = word;
}

/* Whole milliseconds, more than none, as nanoseconds. */
static bool ms_parse(const char *text, uint64_t *ns)
{
	enum { NS_PER_MS = 1000000 };

	if (!number_unsigned(text, UINT64_MAX / NS_PER_MS, ns))
		return false;
	*ns *= NS_PER_MS;
	return *ns != 0;
}

/* Puts a value where its row says; false when it is not of the row's kind. */
static bool store(struct options *options, const struct option_row *row, const char *value)
{
	void *at = (char *)options + row->offset;
	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return true;
	case OPTION_TEXT:
		*(const char **)at = value;
		return true;
	case OPTION_SIZE:
		return size_parse(value, at);
	case OPTION_VARIABLES:
		append(at, value);
		return strchr(value, '=') > value;
	case OPTION_LIMIT:
		return limits_set(at, value);
	case OPTION_MS:
		return ms_parse(value, at);
	case OPTION_MAPS:
		append(at, value);
		return mapping_parse(&(struct mapping){ 0 }, value);
	case OPTION_DIRECTORIES:
		append(at, value);
		return directory_check(value);
	case OPTION_VIEW:
		*(const char **)at = value;
		return drawing_is_view(value);
	case OPTION_CALLS:
		break;
	}
	return false;
}

/* Feeds getopt_long(): LETTERS and LONGS have room for every row. */
static void list_accepted(const struct command *command, char *letters, struct option *longs)
{
	if (command->stops_at_guest)
		*letters++ = '+';
	for (size_t i = 0; i < NROWS; i++) {
		const char letter = rows[i].letter;
		if (!accepts(command, &rows[i]))
			continue;
		int has_value = rows[i].value ? required_argument : no_argument;
		if (letter) { /* if two have it, getopt_long() takes the first, too */
			*letters++ = letter;
			if (has_value)
				*letters++ = ':';
		}
		*longs++ = (struct option){ rows[i].name, has_value, NULL, FIRST_NAME + (int)i };
	}
	*letters = '\0';
	*longs = (struct option){ 0 };
}

/* What every complaint ends with. */
static int point_to_help(const struct command *command)
{
	fprintf(stderr, "try `mote %s --help`\n", command->name);
	return -1;
}

/* 0, or -1 after it has said that NARGS is not what COMMAND wants. */
static int check_count(const struct command *command, int nargs)
{
	if (nargs >= command->nargs_min && nargs <= command->nargs_max)
		return 0;
	fprintf(stderr, "mote %s: %s; usage: mote %s [OPTION...] %s\n", command->name,
		nargs < command->nargs_min ? "too few arguments" : "too many arguments",
		command->name, command->arguments);
	return point_to_help(command);
}

/* Takes the words from the first --call on off the command line; returns how many are left. */
static int split_calls(struct options *options, int argc, char **argv)
{
	int first = 1;

	while (first < argc && strcmp(argv[first], "--call") != 0)
		first++;
	for (int i = first; i < argc; i++)
		append(&options->calls, argv[i]);
	return first;
}

int options_parse(struct options *options, const struct command *command, int argc, char **argv)
{
	char letters[2 * NROWS + 2];
	struct option longs[NROWS + 1];
	char name[64];
	int found;

	*options = (struct options){ 0 };
	/* no more of them than words: store() need not check */
	options->environment.words = calloc((size_t)argc + 1, sizeof(char *));
	options->maps.words = calloc((size_t)argc + 1, sizeof(char *));
	options->directories.words = calloc((size_t)argc + 1, sizeof(char *));
	options->calls.words = calloc((size_t)argc + 1, sizeof(char *));
	if (!options->environment.words || !options->maps.words || !options->directories.words ||
	    !options->calls.words) {
		fputs("mote: out of memory\n", stderr);
		return -1;
	}
	if (strchr(command->accepts, 'C'))
		argc = split_calls(options, argc, argv);
	list_accepted(command, letters, longs);
	/* getopt_long() begins its messages with argv[0] */
	snprintf(name, sizeof name, "mote %s", command->name);
	argv[0] = name;
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct option_row *row = find_row(command, found);
		if (!row)
			return point_to_help(command);
		if (!store(options, row, optarg)) {
			fprintf(stderr, "mote %s: --%s %s: not a %s\n", command->name, row->name,
				optarg, row->value);
			return point_to_help(command);
		}
	}
	if (!options->wants_help && check_count(command, argc - optind))
		return -1;
	return optind;
}

void options_free(struct options *options)
{
	free((void *)options->environment.words);
	free((void *)options->maps.words);
	free((void *)options->directories.words);
	free((void *)options->calls.words);
	options->environment = options->maps = options->directories = options->calls =
		(struct word_list){ 0 };
}

void options_print_help(FILE *to, const struct command *command)
{
	fprintf(to, "usage: mote %s [OPTION...]%s%s\n\n%s\nOptions:\n", command->name,
		*command->arguments ? " " : "", command->arguments, command->about);
	for (size_t i = 0; i < NROWS; i++) {
		const char letter = rows[i].letter;
		char left[40], dash[] = { '-', letter, ',', '\0' };
		if (!accepts(command, &rows[i]))
			continue;
		snprintf(left, sizeof left, "--%s %s", rows[i].name,
			 rows[i].value ? rows[i].value : "");
		fprintf(to, "  %-3s %-18s %s\n",
			letter && find_letter(command, letter) == &rows[i] ? dash : "", left,
			rows[i].help);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the options of all commands, in one table and one struct.
 *
 * An option means the same wherever it is accepted; a command names those that it takes by
 * their letters. Strings in struct options are words of argv.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The values of an option that may be repeated. */
struct word_list {
	const char **words;
	size_t count;
};

struct options {
	const char *backend;                           /* -b; NULL: the best there is */
	const char *require;                           /* --require; NULL: nothing */
	const char *guest_abi;                         /* --abi; NULL: as the file says */
	uint64_t heap, stack, input_size, output_size; /* -H -S -i -o; 0: the library's default */
	uint64_t buffer_size;                          /* --buffer */
	uint64_t scratch;                              /* --scratch */
	struct limits limits;                          /* --limit */
	uint64_t timeout_ns, cpu_ns;                   /* --timeout --cpu; 0: no limit */
	struct word_list environment;                  /* -e */
	struct word_list maps;                         /* -m; see mapping.h */
	struct word_list directories;                  /* --dir; see directory.h */
	struct word_list calls;                        /* all words from the first --call on */
	const char *destination;                       /* -o of `snapshot take` */
	const char *symbols;                           /* -y */
	const char *init_data;                         /* -d; see init_data.h */
	const char *core;                              /* -c */
	const char *filter;                            /* -f */
	const char *suite;                             /* --suite; NULL: the first */
	const char *program_input;                     /* -I; a file, or "-" */
	const char *view;                              /* -s; see drawing.h */
	bool wants_json;                               /* -j */
	bool wants_layout;                             /* -l */
	bool wants_quick;                              /* -q */
	bool wants_raw;                                /* -r */
	bool wants_receipt;                            /* --receipt */
	bool wants_no_lines;                           /* -n */
	bool is_verbose;                               /* -v */
	bool wants_help;                               /* -h, of every command */
};

struct command;

/*
 * Parses the options of COMMAND, whose name is argv[0], and counts its arguments. Returns the
 * index of the first argument, or -1 after it has said on stderr what is wrong. argv may be
 * put in another order; OPTIONS points into it, and is freed with options_free() either way.
 */
int options_parse(struct options *options, const struct command *command, int argc, char **argv);

void options_free(struct options *options);

/* Prints what COMMAND is for and each option that it accepts. */
void options_print_help(FILE *to, const struct command *command);

/* Parses a size in bytes, with a suffix K, M, G or T (of 1024) or without. False when it
 * is none, is 0, or does not fit 64 bits. */
bool size_parse(const char *text, uint64_t *size);

#endif

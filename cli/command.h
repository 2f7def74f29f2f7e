/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - what the words behind `mote` do.
 *
 * A command is a row in the table of main.c: its name, what it wants, and a function. Options
 * are parsed and arguments counted before that function runs; what it returns is the exit
 * status of the program.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "options.h"

/* Exit statuses, the same for all commands but `run`: scripts branch on them. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_DIFFERENT = 1,   /* `snapshot diff` found differences */
	EXIT_USAGE = 2,       /* the command line: options, function name, arguments */
	EXIT_HOST = 3,        /* this machine: no hypervisor, memory, files */
	EXIT_IMAGE = 4,       /* the file is no guest, or no snapshot, that can be loaded */
	EXIT_GUEST_ERROR = 5, /* the guest function reported an error */
	EXIT_GUEST_CRASH = 6, /* the guest crashed, gave up or broke the protocol */
	/* `run` keeps the numbers below for the program, as shells and docker do. */
	EXIT_RUN_FAILED = 125,
	EXIT_RUN_CRASHED = 134,
};

struct command {
	const char *name;
	const char *arguments; /* for people: "GUEST FUNCTION [ARG...]" */
	const char *summary;   /* one line */
	const char *about;     /* paragraphs of the command's --help, each line ended */
	const char *accepts;   /* letters of the options, see options.h */
	int nargs_min, nargs_max;
	/* Everything behind the first argument is the guest's, dashes or not. */
	bool stops_at_guest;
	int (*run)(const struct options *options, int nargs, char **args);
};

/* The commands. ARGS are the words that are no options; there are as many as the table says. */
int doctor_command(const struct options *options, int nargs, char **args);
int inspect_command(const struct options *options, int nargs, char **args);
int call_command(const struct options *options, int nargs, char **args);
int run_command(const struct options *options, int nargs, char **args);
int bench_command(const struct options *options, int nargs, char **args);
int take_command(const struct options *options, int nargs, char **args);
int list_command(const struct options *options, int nargs, char **args);
int stored_command(const struct options *options, int nargs, char **args);
int verify_command(const struct options *options, int nargs, char **args);
int diff_command(const struct options *options, int nargs, char **args);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mote command: finds the subcommand in a table, parses its options, runs it, and
 * sees to it that what was printed has arrived.
 */
#include "command.h"
#include "suggest.h"

#include <mote/status.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which --help lists them: as someone new would try them. */
static const struct command commands[] = {
	{ "doctor", "", "what can run guests on this machine, and how to get more",
	  "Looks for each hypervisor that mote knows, says whether it works here, and if not what\n"
	  "is in the way and which command mends it. Changes nothing.\n"
	  "Exit status 0 when guests can run, 3 when nothing here can run them.\n",
	  "j", 0, 0, false, doctor_command },
	{ "inspect", "GUEST", "what is in a guest: kind, segments, functions with their types",
	  "Shows what kind of executable GUEST is, its segments, and the functions that it "
	  "exports\n"
	  "and imports. Nothing of it runs.\n",
	  "bdjlsHSio", 1, 1, false, inspect_command },
	{ "call", "GUEST FUNCTION [ARG...]", "call one function of a guest",
	  "Makes a sandbox of GUEST, calls FUNCTION in it, and prints its result. The types of "
	  "the\n"
	  "arguments are those of the function (see `mote inspect`):\n"
	  "  i32, u32, i64, u64   decimal, or hexadecimal behind 0x\n"
	  "  f32, f64             as in C\n"
	  "  bool                 true or false\n"
	  "  str                  as it is; @FILE for what is in a file, @@ for a first @\n"
	  "  bytes                hex:00ff, or @FILE\n"
	  "What the guest prints goes to stderr. Options come before GUEST. A file mapped with "
	  "--map\n"
	  "can be read and executed by the guest, which finds it by LABEL (or the file's name).\n"
	  "Exit status: 0; 2 wrong options, function or arguments; 3 this machine lacks "
	  "something;\n"
	  "4 GUEST cannot be loaded; 5 the function reported an error; 6 the guest crashed.\n",
	  "bdjmrvHSio", 2, INT_MAX, true, call_command },
	{ "run", "GUEST [ARG...]", "run a static Linux program in a sandbox",
	  "Runs GUEST, any static x86-64 Linux executable, as a program with these arguments. It "
	  "has\n"
	  "no files, no network, and only the environment that --env gives it. What it prints is\n"
	  "passed through. Options come before GUEST.\n"
	  "Exit status: the program's; 125 when mote failed, 134 when the program crashed.\n",
	  "bevHS", 1, INT_MAX, true, run_command },
	{ "bench", "", "measure calls and sandboxes on this machine",
	  "Measures the library on each backend that works here, the same without the library\n"
	  "(bare_...), and what else a program could do (process_...), in some ten seconds. "
	  "Ratios\n"
	  "of one run can be compared between machines, times cannot.\n",
	  "bfjq", 0, 0, false, bench_command },
};
#define NCOMMANDS (sizeof commands / sizeof commands[0])

static void print_help(FILE *to)
{
	fputs("usage: mote COMMAND [OPTION...] [ARG...]\n\n"
	      "Calls functions in untrusted code, each in its own micro virtual machine.\n\n"
	      "Commands:\n",
	      to);
	for (size_t i = 0; i < NCOMMANDS; i++)
		fprintf(to, "  %-9s%s\n", commands[i].name, commands[i].summary);
	fputs("\n`mote COMMAND --help` says more; so does mote(1). `mote --version` prints the "
	      "version.\n",
	      to);
}

static int no_such_command(const char *name)
{
	struct suggestion like = suggestion_for(name);

	for (size_t i = 0; i < NCOMMANDS; i++)
		suggestion_offer(&like, commands[i].name);
	fprintf(stderr, "mote: there is no command \"%s\"", name);
	if (like.best)
		fprintf(stderr, "; did you mean \"%s\"?", like.best);
	fputs("\ntry `mote --help`\n", stderr);
	return EXIT_USAGE;
}

/* Parses the options of COMMAND, named by argv[0], and runs it. */
static int run_row(const struct command *command, int argc, char **argv)
{
	struct options options;
	int status = EXIT_USAGE;
	int first = options_parse(&options, command, argc, argv);

	if (first >= 0 && options.wants_help) {
		options_print_help(stdout, command);
		status = EXIT_OK;
	} else if (first >= 0) {
		status = command->run(&options, argc - first, argv + first);
	} else if (command->run == run_command) {
		/* 2 could be the program's */
		status = EXIT_RUN_FAILED;
	}
	options_free(&options);
	return status;
}

/* By hand, not by getopt: an option of a command must not be taken for one of mote. */
static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("mote %s\n", mote_version());
		return EXIT_OK;
	}
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return run_row(&commands[i], argc - 1, argv + 1);
	return no_such_command(argv[1]);
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	/* A full disk shows when the buffer is written, at the end. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("mote: cannot write to standard output");
		return status ? status : EXIT_HOST;
	}
	return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mote command: finds the subcommand in a table, parses its options, runs it, and
 * sees to it that what was printed has arrived.
 */
#include "command.h"
#include "suggest.h"

#include <mote/status.h>

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct command snapshot_commands[] = {
	{ "snapshot take", "GUEST [--call FUNCTION [ARG...]]...",
	  "save the state of a guest, after main() and some calls",
	  "Makes a sandbox of GUEST (a file, or DIR:TAG to go on from a snapshot), makes the\n"
	  "calls in it, prints their results as `mote call` does, and saves a snapshot. When a\n"
	  "call fails, nothing is saved. All behind --call, up to the next, is the function's.\n"
	  "Exit status: as `mote call`.\n",
	  "CDAbcdjnrvLTUVRHSXioB", 1, 1, false, take_command },
	{ "snapshot list", "DIR", "the snapshots of a directory",
	  "Lists what is saved in DIR, by tag: when it was taken, how much is stored, the guest,\n"
	  "and the digest, by which it can be named as well as by its tag.\n",
	  "j", 1, 1, false, list_command },
	{ "snapshot inspect", "DIR[:TAG]", "what is in a snapshot: sizes, pages, functions",
	  "Shows the guest of a snapshot, the parts of its memory and how much of each is stored,\n"
	  "and the functions that it exports and imports. Nothing of it runs. TAG may also be a\n"
	  "digest.\n",
	  "bj", 1, 1, false, stored_command },
	{ "snapshot verify", "DIR[:TAG]", "compare a snapshot with its digests",
	  "Reads all of a snapshot and checks that each byte is what was saved.\n"
	  "Exit status: 0; 4 when something was changed, cut off, or cannot be used here.\n",
	  "bj", 1, 1, false, verify_command },
	{ "snapshot diff", "DIR[:TAG] DIR[:TAG]", "which pages and variables differ",
	  "Compares the memory of two snapshots. With --symbols and a file of the guest that is\n"
	  "not stripped, it names the variables that differ, with old and new bytes of small\n"
	  "ones.\n"
	  "Exit status: 0 all is the same; 1 something differs; others as `mote call`.\n",
	  "byj", 2, 2, false, diff_command },
};

/* In the order in which --help lists them: as someone new would try them. */
static const struct command commands[] = {
	{ "doctor", "", "what can run guests on this machine, and how to get more",
	  "Looks for each hypervisor that mote knows, says whether it works here, and if not what\n"
	  "is in the way and which command mends it; and looks at what else decides how well "
	  "guests\n"
	  "are confined: threads that share cores, flaws of the processor, limits. Changes "
	  "nothing.\n"
	  "Exit status 0 when guests can run, 3 when nothing here can run them.\n",
	  "j", 0, 0, false, doctor_command },
	{ "inspect", "GUEST", "what is in a guest: kind, segments, functions with their types",
	  "Shows what kind of executable GUEST is, its segments, and the functions that it "
	  "exports\n"
	  "and imports. Nothing of it runs.\n",
	  "AbdjlsHSXioB", 1, 1, false, inspect_command },
	{ "call", "GUEST FUNCTION [ARG...]", "call one function of a guest",
	  "Makes a sandbox of GUEST, a file or a saved snapshot (DIR:TAG), calls FUNCTION in it,\n"
	  "and prints its result. The types of the arguments are those of the function (see\n"
	  "`mote inspect`):\n"
	  "  i32, u32, i64, u64   decimal, or hexadecimal behind 0x\n"
	  "  f32, f64             as in C\n"
	  "  bool                 true or false\n"
	  "  str                  as it is; @FILE for what is in a file, @@ for a first @\n"
	  "  bytes                hex:00ff, or @FILE\n"
	  "Guests of the hyperlight ABI do not list their functions: there, a type comes before "
	  "the\n"
	  "argument, as in i64:1, bytes:@FILE. Without it a whole number is an i32, true and "
	  "false\n"
	  "are bool, hex:... is bytes, and all else str.\n"
	  "What the guest prints goes to stderr. Options come before GUEST. A file mapped with "
	  "--map\n"
	  "can be read and executed by the guest, which finds it by LABEL (or the file's name).\n"
	  "Exit status: 0; 2 wrong options, function or arguments; 3 this machine lacks "
	  "something;\n"
	  "4 GUEST cannot be loaded; 5 the function reported an error; 6 the guest crashed.\n",
	  "AbcdjmnrvLTUVRHSXioBP", 2, INT_MAX, true, call_command },
	{ "run", "GUEST [ARG...]", "run a static Linux program in a sandbox",
	  "Runs GUEST, any static x86-64 Linux executable, as a program with these arguments. It "
	  "has\n"
	  "no network, and only the directories, environment and input that --dir, --env and\n"
	  "--stdin give it. What it prints is passed through. When it fails, lines say which "
	  "system\n"
	  "calls it made that mote does not serve, and which paths it was not given. Options come\n"
	  "before GUEST. --dir HOST:GUEST[:ro] is read-only; with :rw-private[=SIZE] the program "
	  "may\n"
	  "change what it sees there, up to SIZE (64M), and the host's files stay as they are; an\n"
	  "empty HOST is an empty directory in memory, --dir :/tmp.\n"
	  "Exit status: the program's; 125 when mote failed, 134 when the program crashed.\n",
	  "AbceInvLPTUVRHS", 1, INT_MAX, true, run_command },
	{ "bench", "[GUEST FUNCTION [ARG...]]", "measure calls and sandboxes on this machine",
	  "Measures the library on each backend that works here, the same without the library\n"
	  "(bare_...), and what else a program could do (process_...), in about a minute.\n"
	  "Ratios of one run can be compared between machines, times cannot.\n"
	  "With --suite programs: programs in sandboxes beside the same as processes.\n"
	  "With GUEST and FUNCTION, as of `mote call`: that call, with and without a restore "
	  "behind\n"
	  "it, the restore alone, and new sandboxes of GUEST. Options come before GUEST.\n",
	  "AbdfjqEHSXioB", 0, INT_MAX, true, bench_command },
};

/* Commands that begin with the same words: those of mote alone, and those of one of its groups. */
struct group {
	const char *name;
	const char *summary;
	const char *about;
	const struct command *commands;
	size_t ncommands;
	const struct group *groups;
	size_t ngroups;
};

static const struct group groups[] = {
	{ .name = "mote snapshot",
	  .summary = "save the state of a guest, and look at what was saved",
	  .about = "Snapshots are saved in directories, as OCI image layouts, each under a tag; "
		   "where\n"
		   "none is given it is \"latest\". `mote call DIR:TAG FUNCTION` begins at one.\n",
	  .commands = snapshot_commands,
	  .ncommands = sizeof snapshot_commands / sizeof snapshot_commands[0] },
};

static const struct group mote = {
	.name = "mote",
	.about = "Calls functions in untrusted code, each in its own micro virtual machine.\n",
	.commands = commands,
	.ncommands = sizeof commands / sizeof commands[0],
	.groups = groups,
	.ngroups = sizeof groups / sizeof groups[0],
};

static const char *last_word(const char *name)
{
	const char *space = strrchr(name, ' ');

	return space ? space + 1 : name;
}

static void print_row(FILE *to, const char *name, const char *summary)
{
	fprintf(to, "  %-9s%s\n", last_word(name), summary);
}

static void print_help(FILE *to, const struct group *group)
{
	fprintf(to, "usage: %s COMMAND [OPTION...] [ARG...]\n\n%s\nCommands:\n", group->name,
		group->about);
	for (size_t i = 0; i < group->ncommands; i++)
		print_row(to, group->commands[i].name, group->commands[i].summary);
	for (size_t i = 0; i < group->ngroups; i++)
		print_row(to, group->groups[i].name, group->groups[i].summary);
	fprintf(to,
		"\n`%s COMMAND --help` says more; so does mote(1). `mote --version` prints the "
		"version.\n",
		group->name);
}

static int no_such_command(const struct group *group, const char *name)
{
	struct suggestion like = suggestion_for(name);

	for (size_t i = 0; i < group->ncommands; i++)
		suggestion_offer(&like, last_word(group->commands[i].name));
	for (size_t i = 0; i < group->ngroups; i++)
		suggestion_offer(&like, last_word(group->groups[i].name));
	fprintf(stderr, "%s: there is no command \"%s\"", group->name, name);
	if (like.best)
		fprintf(stderr, "; did you mean \"%s\"?", like.best);
	fprintf(stderr, "\ntry `%s --help`\n", group->name);
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
static int dispatch(const struct group *group, int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr, group);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout, group);
		return EXIT_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("mote %s\n", mote_version());
		return EXIT_OK;
	}
	for (size_t i = 0; i < group->ncommands; i++)
		if (strcmp(argv[1], last_word(group->commands[i].name)) == 0)
			return run_row(&group->commands[i], argc - 1, argv + 1);
	for (size_t i = 0; i < group->ngroups; i++)
		if (strcmp(argv[1], last_word(group->groups[i].name)) == 0)
			return dispatch(&group->groups[i], argc - 1, argv + 1);
	return no_such_command(group, argv[1]);
}

/*
 * Takes the places of those of the three streams that were closed when we began, so that no file of
 * ours gets one of their numbers, and what a guest prints. To write to the output is an error then;
 * whoever closed the messages wants none.
 */
static void hold_streams(void)
{
	static const int ways[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int stream = 0; stream < 3; stream++)
		if (fcntl(stream, F_GETFD) < 0 && open("/dev/null", ways[stream]) != stream)
			exit(EXIT_HOST);
}

int main(int argc, char **argv)
{
	hold_streams();
	int status = dispatch(&mote, argc, argv);

	/* A full disk shows when the buffer is written, at the end. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("mote: cannot write to standard output");
		return status ? status : EXIT_HOST;
	}
	return status;
}

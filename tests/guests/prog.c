/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain program, without the guest library: prints its arguments, environment and input,
 * echoes to both streams, and exits with the status that its last argument says. When the first is
 * "ask" it asks for what a sandbox does not have; when it is "stack", the second says how much of
 * it is used, and that is all. With "terminals" it exits with which of its streams are.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void ask(void)
{
	for (int i = 0; i < 3; i++)
		if (fopen("/etc/passwd", "r") || (i == 0 && socket(AF_INET, SOCK_STREAM, 0) >= 0))
			puts("there is one");
	syscall(100000);
}

/* Uses SIZE bytes of the stack. */
static int use_stack(size_t size)
{
	volatile char *bytes = __builtin_alloca(size);
	int sum = 0;

	for (size_t i = size; i >= 4096; i -= 4096)
		bytes[i - 1] = 0;
	for (size_t i = size; i >= 4096; i -= 4096)
		sum += bytes[i - 1];
	return sum;
}

int main(int argc, char **argv, char **envp)
{
	if (argc > 1 && strcmp(argv[1], "terminals") == 0)
		return isatty(0) + 2 * isatty(1) + 4 * isatty(2);
	if (argc > 2 && strcmp(argv[1], "stack") == 0)
		return use_stack(strtoul(argv[2], NULL, 10));
	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, argv[i]);
	for (int i = 0; envp[i]; i++)
		printf("envp[%d] = %s\n", i, envp[i]);
	for (char line[256]; fgets(line, sizeof line, stdin);)
		printf("input: %s", line);
	if (argc > 1 && strcmp(argv[1], "ask") == 0)
		ask();
	fprintf(stderr, "this goes to standard error\n");
	printf("no newline at the end");
	return argc > 1 ? (int)strtol(argv[argc - 1], NULL, 10) : 0;
}

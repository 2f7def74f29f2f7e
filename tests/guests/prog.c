/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain program, without the guest library: prints its arguments and environment,
 * echoes to both streams, and exits with the status that its last argument says.
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv, char **envp)
{
	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, argv[i]);
	for (int i = 0; envp[i]; i++)
		printf("envp[%d] = %s\n", i, envp[i]);
	fprintf(stderr, "this goes to standard error\n");
	printf("no newline at the end");
	return argc > 1 ? (int)strtol(argv[argc - 1], NULL, 10) : 0;
}

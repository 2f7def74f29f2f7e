/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain program that does not end well, in the way that its argument names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	volatile int *volatile nowhere = NULL;

	puts("until here");
	fflush(stdout);
	if (argc == 2 && strcmp(argv[1], "fault") == 0)
		*nowhere = 1;
	if (argc == 2 && strcmp(argv[1], "abort") == 0)
		abort();
	while (argc == 2 && strcmp(argv[1], "spin") == 0)
		;
	return 0;
}

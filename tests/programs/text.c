/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that never heard of mote: what C libraries do with numbers, text, time zones, memory
 * and streams. Prints the same wherever it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fnmatch.h>
#include <locale.h>
#include <math.h>
#include <regex.h>
#include <search.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void numbers(void)
{
	int list[] = { 5, 3, 9, 1, 7 }, a = 0, b = 0;
	char word[20] = "";
	double d = 0;

	qsort(list, 5, sizeof list[0], by_value);
	for (int i = 0; i < 5; i++)
		printf("%d ", list[i]);
	printf("%g %a %.17g\n", 1e100, 0.1, 0.1);
	int n = sscanf("12 0x1f word 2.5e3", "%d %i %19s %lf", &a, &b, word, &d);
	printf("%d: %d %d %s %g\n", n, a, b, word, d);
	errno = 0;
	const long most = strtol("99999999999999999999", NULL, 10);
	printf("%ld %d\n", most, errno == ERANGE);
	printf("%.6f %.6f\n", sin(a), pow(d, 0.5));
}

static void patterns(void)
{
	regmatch_t match[2] = { 0 };
	regex_t re;

	int made = regcomp(&re, "([a-z]+)[0-9]{2,}", REG_EXTENDED);
	int found = regexec(&re, "abc1 def234", 2, match, 0);
	printf("%d %d %d\n", made, found, (int)match[1].rm_so);
	regfree(&re);
	printf("%s %d\n", setlocale(LC_ALL, "C"), fnmatch("*.c", "x.c", 0));
}

static void times(void)
{
	const time_t then = 1700000000;
	struct tm tm = { .tm_year = 123, .tm_mon = 6, .tm_mday = 1 };
	char text[64];

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	strftime(text, sizeof text, "%F %T %Z", localtime(&then));
	printf("%s %lld\n", text, (long long)mktime(&tm));
}

static jmp_buf back;

static void memory(void)
{
	const size_t size = 10 << 20;
	char *text = NULL, *large = malloc(size);
	size_t length = 0;
	FILE *stream = open_memstream(&text, &length);

	memset(large, 1, size);
	large = realloc(large, 2 * size);
	printf("%d\n", large[size - 1]);
	free(large);
	fprintf(stream, "in memory");
	fclose(stream);
	printf("%s, %zu\n", text, length);
	free(text);
	if (setjmp(back))
		puts("jumped");
	else
		longjmp(back, 1);
}

int main(void)
{
	ENTRY entry = { "key", "found" };
	char line[64];

	numbers();
	patterns();
	times();
	memory();
	hcreate(10);
	hsearch(entry, ENTER);
	puts(hsearch(entry, FIND)->data);
	printf("%s, %s\n", strerror(ENOENT), fopen("/nowhere", "r") ? "opened" : "no file");
	while (fgets(line, sizeof line, stdin))
		printf("<%s", line);
	return 3;
}

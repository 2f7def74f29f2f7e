/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that guests give up, in each way there is: the host has it again, and who gets it next
 * finds zeroes.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static const mote_sandbox_options options = { .size = sizeof options, .heap_size = 256 * MIB };

/* KiB of memory that this process alone has. */
static uint64_t private_kib(struct guest *g)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	uint64_t sum = 0;

	if (!file)
		skip_row(g, "no /proc/self/smaps_rollup");
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "Private_Dirty:", 14) == 0)
			sum += strtoull(line + 14, NULL, 10);
	fclose(file);
	return sum;
}

/* And of the memory files that it has open: guests of the process backend have theirs there. */
static uint64_t file_kib(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t sum = 0;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		char path[300], target[64] = "";
		struct stat st;
		snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
		if (readlink(path, target, sizeof target - 1) > 0 &&
		    strncmp(target, "/memfd:", 7) == 0 && stat(path, &st) == 0)
			sum += (uint64_t)st.st_blocks / 2;
	}
	closedir(folder);
	return sum;
}

static void what_guests_give_up_is_the_hosts_again(struct guest *g)
{
	static const char *const ways[] = { "free",   "munmap",      "mremap",
					    "advice", "free advice", "brk" };

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		/* once, so that what stays is there */
		CALL(g, "UseAndGiveUp", MOTE_ARGS(mote_u64(MIB), ways[i]));
		const uint64_t before = private_kib(g) + file_kib();
		for (unsigned round = 0; round < 8; round++) {
			const int64_t dirty =
				CALL(g, "UseAndGiveUp", MOTE_ARGS(mote_u64(64 * MIB), ways[i]))
					.as.i64;
			if (dirty)
				fail_msg("%s: %s: %lld pages were not zero", g->where, ways[i],
					 (long long)dirty);
		}
		const uint64_t after = private_kib(g) + file_kib();
		if (after > before + 4096)
			fail_msg("%s: %s: %llu KiB, and then %llu", g->where, ways[i],
				 (unsigned long long)before, (unsigned long long)after);
	}
}

static const struct row rows[] = {
	{ "what guests give up is the host's again", "libc", what_guests_give_up_is_the_hosts_again,
	  &options, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sqlite example: queries from strangers, on a database from strangers. The file is mapped into
 * the guest, which can read it and nothing else; each query begins with the database just opened.
 *
 * Usage: sqlite [-b BACKEND] GUEST DATABASE SQL...
 */
#include <mote/mote.h>

#include <stdio.h>
#include <unistd.h>

/* Where the guest finds the database: far above all that it has itself. */
#define DATABASE_ADDRESS UINT64_C(0x200000000000)
#define RESULT_MAX       (1 << 20)
#define TIME_MAX         UINT64_C(2000000000) /* ns: two seconds */

/* For one query: CPU time, since a busy machine is not the guest's fault. */
static const mote_call_options limits = { .size = sizeof limits, .cpu_ns = TIME_MAX };
static mote_error err;

/* Runs each query from the state in CLEAN, and prints the table that it gives. */
static int query_each(mote_sandbox *sb, const mote_snapshot *clean, char **queries)
{
	mote_value table;

	for (; *queries; queries++) {
		if (mote_call_with(sb, "Query", MOTE_ARGS(*queries), &limits, &table, &err))
			printf("error: %s\n", err.message);
		else
			fwrite(table.as.bytes.ptr, 1, table.as.bytes.len, stdout);
		if (mote_sandbox_restore(sb, clean, &err))
			return 1;
	}
	return 0;
}

static int run(const char *backend, const char *guest, const char *database, char **queries)
{
	mote_runtime *rt = NULL;
	mote_image *image = NULL;
	mote_sandbox *sb = NULL;
	mote_snapshot *clean = NULL;

	int failed = mote_runtime_new(&rt,
				      MOTE_OPTIONS(mote_runtime_options, .backend = backend,
						   .allow_weaker_isolation = true),
				      &err) ||
		     mote_image_load_file(&image, rt, guest, &err) ||
		     mote_sandbox_new(&sb, image,
				      MOTE_OPTIONS(mote_sandbox_options, .output_size = RESULT_MAX),
				      &err) ||
		     mote_sandbox_map_file(sb, database, DATABASE_ADDRESS, "database", &err) ||
		     mote_call_with(sb, "Open", MOTE_ARGS("database"), &limits, NULL, &err) ||
		     mote_snapshot_take(&clean, sb, &err) || query_each(sb, clean, queries);
	if (failed)
		fprintf(stderr, "sqlite: %s\n", err.message);
	mote_snapshot_unref(clean);
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	return failed;
}

int main(int argc, char **argv)
{
	const char *backend = NULL; /* the best there is */
	int option;

	while ((option = getopt(argc, argv, "b:")) == 'b')
		backend = optarg;
	if (option != -1 || argc - optind < 3) {
		fprintf(stderr, "usage: sqlite [-b BACKEND] GUEST DATABASE SQL...\n");
		return 2;
	}
	argv += optind;
	return run(backend, argv[0], argv[1], argv + 2);
}

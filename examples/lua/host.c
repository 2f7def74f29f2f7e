/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lua example: plug-ins in Lua, from people whom nobody has to trust. The script is compiled
 * once; each call of its functions begins where that left the interpreter.
 *
 * Usage: lua [-b BACKEND] GUEST SCRIPT FUNCTION ARGUMENT...
 */
#include <mote/mote.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT_SIZE_MAX 65536
#define MEMORY_MAX      (16 << 20)
#define TIME_MAX        UINT64_C(500000000) /* ns: half a second */

/* For one call: CPU time, since a busy machine is not the guest's fault. */
static const mote_call_options limits = { .size = sizeof limits, .cpu_ns = TIME_MAX };
static mote_error err;

/* What a script can ask the host for. */
static mote_status get_setting(void *user, const mote_value *args, size_t nargs, mote_value *result,
			       mote_error *error)
{
	(void)user;
	(void)nargs;
	if (strcmp(args[0].as.str.ptr, "currency") != 0) {
		snprintf(error->message, sizeof error->message, "there is no setting \"%s\"",
			 args[0].as.str.ptr);
		return MOTE_E_INVALID;
	}
	*result = mote_str("EUR");
	return MOTE_OK;
}

static void print(void *user, int stream, const void *data, size_t size)
{
	(void)user;
	fwrite(data, 1, size, stream == 1 ? stdout : stderr);
}

/* The text of the file PATH, to be freed; NULL after a message. */
static char *read_script(const char *path)
{
	char *text = malloc(SCRIPT_SIZE_MAX);
	FILE *file = fopen(path, "r");

	if (!text || !file) {
		perror(path);
		goto failed;
	}
	size_t size = fread(text, 1, SCRIPT_SIZE_MAX, file);
	if (ferror(file) || size == SCRIPT_SIZE_MAX) {
		fprintf(stderr, "%s: cannot be read, or is too long\n", path);
		goto failed;
	}
	text[size] = '\0';
	fclose(file);
	return text;

failed:
	if (file)
		fclose(file);
	free(text);
	return NULL;
}

/* Calls FUNCTION with each of the arguments, each time from the state in CLEAN. */
static int call_each(mote_sandbox *sb, const mote_snapshot *clean, const char *function,
		     char **arguments)
{
	mote_value result;

	for (; *arguments; arguments++) {
		if (mote_call_with(sb, "Call", MOTE_ARGS(function, *arguments), &limits, &result,
				   &err))
			printf("error: %s\n", err.message);
		else
			printf("%s\n", result.as.str.ptr);
		/* What the script did, or was done to, is over; a crash is healed. */
		if (mote_sandbox_restore(sb, clean, &err))
			return 1;
	}
	return 0;
}

static int run(const char *backend, const char *guest, const char *name, const char *script,
	       char **rest)
{
	const mote_type text = MOTE_STRING;
	const mote_host_function functions[] = {
		{ .name = "Setting",
		  .fn = get_setting,
		  .result = MOTE_STRING,
		  .nparams = 1,
		  .params = &text },
	};
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
				      MOTE_OPTIONS(mote_sandbox_options, .heap_size = MEMORY_MAX,
						   .functions = functions, .nfunctions = 1,
						   .output = print),
				      &err) ||
		     mote_call_with(sb, "Load", MOTE_ARGS(name, script), &limits, NULL, &err) ||
		     mote_snapshot_take(&clean, sb, &err) ||
		     call_each(sb, clean, rest[0], rest + 1);
	if (failed)
		fprintf(stderr, "lua: %s\n", err.message);
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
		fprintf(stderr, "usage: lua [-b BACKEND] GUEST SCRIPT FUNCTION ARGUMENT...\n");
		return 2;
	}
	argv += optind;
	char *script = read_script(argv[1]);
	if (!script)
		return 1;
	int failed = run(backend, argv[0], argv[1], script, argv + 2);
	free(script);
	return failed;
}

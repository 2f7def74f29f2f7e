/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `soak [--seed N] [--threads N] SECONDS`: random sandboxes, calls, kills and restores on every
 * backend of this machine, by several threads each, until the time is over; and nothing grows.
 *
 * The time is cut into rounds. At the end of each the threads end and all that they made is freed;
 * what the process has then must be what it had after the second round. All that is random comes
 * from the seed, but not who is faster.
 */
#define _GNU_SOURCE
#include "soak/worker.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FOLDER_VARIABLE "MOTE_TEST_GUESTS"

/* What may be more at the end: the C library's heap has holes. A leak of a page an operation would
 * be more within a second. */
#define RSS_SLACK_KIB  8192
#define MAPPINGS_SLACK 64

enum { WORLDS = 4, ROUNDS = 6, WARM_UP = 2, DEFAULT_THREADS = 2 };

struct options {
	uint64_t seed;
	unsigned threads; /* a backend */
	unsigned seconds;
};

/* What a process has. */
struct holdings {
	long rss_kib, descriptors, mappings;
	long long allocated; /* by the library, on the heap */
};

struct soak {
	struct options options;
	struct world worlds[WORLDS];
	unsigned nworlds;
	struct worker workers[WORLDS][WORLD_THREADS];
	uint64_t operations; /* of rounds that are over */
	uint64_t start_ns;
	bool is_terminal;
	atomic_bool is_over; /* the round */
	atomic_bool is_done; /* all of it */
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void nap_ns(uint64_t ns)
{
	const struct timespec nap = { .tv_sec = (time_t)(ns / 1000000000),
				      .tv_nsec = (long)(ns % 1000000000) };

	nanosleep(&nap, NULL);
}

static long count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	long count = 0;

	for (int c; file && (c = fgetc(file)) != EOF;)
		count += c == '\n';
	if (file)
		fclose(file);
	return count;
}

static long count_entries(const char *path)
{
	DIR *folder = opendir(path);
	long count = 0;

	while (folder && readdir(folder))
		count++;
	if (folder)
		closedir(folder);
	return count;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	char line[128] = "";
	char *at = line;

	if (!file)
		return 0;
	if (!fgets(line, sizeof line, file))
		line[0] = '\0';
	fclose(file);
	(void)strtol(line, &at, 10);
	return strtol(at, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

/* To be asked when nobody else is at work. */
static struct holdings look(struct soak *soak)
{
	long long allocated = 0;

	for (unsigned i = 0; i < soak->nworlds; i++)
		allocated += atomic_load(&soak->worlds[i].allocated);
	malloc_trim(0);
	return (struct holdings){ resident_kib(), count_entries("/proc/self/fd"),
				  count_lines("/proc/self/maps"), allocated };
}

/* The library's processes are nobody's children: this one takes them in, and has to bury them. */
static void bury(void)
{
	while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
		;
}

static uint64_t operations(const struct soak *soak)
{
	uint64_t sum = soak->operations;

	for (unsigned i = 0; i < soak->nworlds; i++)
		for (unsigned j = 0; j < soak->options.threads; j++)
			sum += atomic_load(&soak->workers[i][j].operations);
	return sum;
}

static void tell(const struct soak *soak, unsigned round)
{
	const double seconds = (double)(now_ns() - soak->start_ns) / 1e9;
	const uint64_t done = operations(soak);

	if (!soak->is_terminal)
		return;
	fprintf(stderr,
		"\r\033[K%.0f of %u s, round %u of %d: %" PRIu64 " operations, %.0f a second, "
		"RSS %.1f MiB, %ld descriptors",
		seconds, soak->options.seconds, round + 1, ROUNDS, done, (double)done / seconds,
		(double)resident_kib() / 1024, count_entries("/proc/self/fd"));
	fflush(stderr);
}

static bool start_worker(struct soak *soak, unsigned world, unsigned number, unsigned round)
{
	struct worker *worker = &soak->workers[world][number];
	const uint64_t seed =
		soak->options.seed + (round * WORLDS + world) * WORLD_THREADS + number;

	memset(worker, 0, sizeof *worker);
	worker->world = &soak->worlds[world];
	worker->number = number;
	worker->random = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	worker->is_over = &soak->is_over;
	return pthread_create(&worker->thread, NULL, worker_run, worker) == 0;
}

/* A thread beside the workers, for as long as there are any: calls without an end wait for it. */
static void *kill_calls(void *state)
{
	struct soak *soak = state;
	uint64_t random = soak->options.seed | 1;

	while (!atomic_load(&soak->is_done)) {
		random = random * UINT64_C(6364136223846793005) + 1;
		nap_ns(random >> 43); /* up to 2 ms */
		for (unsigned i = 0; i < soak->nworlds; i++)
			world_kill(&soak->worlds[i]);
	}
	return NULL;
}

/* Until END, or until there is trouble. */
static void attend(struct soak *soak, unsigned round, uint64_t end)
{
	uint64_t tell_at = 0;

	for (uint64_t now; (now = now_ns()) < end && !atomic_load(&soak->is_over);) {
		nap_ns(end - now < 50000000 ? end - now : 50000000);
		bury();
		if (now < tell_at)
			continue;
		tell(soak, round);
		tell_at = now + 1000000000;
	}
	atomic_store(&soak->is_over, true);
}

static bool end_worker(const struct soak *soak, struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	if (worker->trouble[0])
		fprintf(stderr, "soak: %s, seed %" PRIu64 ", thread %u: %s\n",
			worker->world->backend, soak->options.seed, worker->number,
			worker->trouble);
	return !worker->trouble[0];
}

/* False: something was not as it should be, and was told. */
static bool run_round(struct soak *soak, unsigned round)
{
	const uint64_t end = soak->start_ns +
			     (uint64_t)soak->options.seconds * 1000000000 * (round + 1) / ROUNDS;
	bool is_well = true;

	atomic_store(&soak->is_over, false);
	for (unsigned i = 0; i < soak->nworlds; i++)
		for (unsigned j = 0; j < soak->options.threads; j++)
			if (!start_worker(soak, i, j, round))
				abort();
	attend(soak, round, end);
	for (unsigned i = 0; i < soak->nworlds; i++)
		for (unsigned j = 0; j < soak->options.threads; j++)
			is_well &= end_worker(soak, &soak->workers[i][j]);
	soak->operations = operations(soak);
	memset(soak->workers, 0, sizeof soak->workers);
	for (unsigned i = 0; i < soak->nworlds; i++)
		world_empty(&soak->worlds[i]);
	return is_well;
}

/* What grew is told. A sanitizer's own books grow, so that memory is not looked at then. */
static bool is_flat(const struct holdings *before, const struct holdings *after)
{
	const bool is_rss_flat = IS_SANITIZED || after->rss_kib <= before->rss_kib + RSS_SLACK_KIB;
	const bool is_heap_flat = after->allocated <= before->allocated;
	const bool is_rest_flat =
		after->descriptors <= before->descriptors &&
		(IS_SANITIZED || after->mappings <= before->mappings + MAPPINGS_SLACK);

	if (!is_rss_flat)
		fprintf(stderr, "soak: memory grew by more than %d KiB\n", RSS_SLACK_KIB);
	if (!is_heap_flat)
		fprintf(stderr, "soak: the library has %lld bytes allocated, and had %lld\n",
			after->allocated, before->allocated);
	if (!is_rest_flat)
		fprintf(stderr, "soak: descriptors or mappings (%ld -> %ld) grew\n",
			before->mappings, after->mappings);
	return is_rss_flat && is_heap_flat && is_rest_flat;
}

static bool run_rounds(struct soak *soak)
{
	struct holdings before = { 0 }, after = { 0 };
	bool is_well = true;

	for (unsigned round = 0; is_well && round < ROUNDS; round++) {
		is_well = run_round(soak, round);
		after = look(soak);
		if (round < WARM_UP)
			before = after;
	}
	if (soak->is_terminal)
		fputs("\r\033[K", stderr);
	is_well = is_well && is_flat(&before, &after);
	printf("as many operations as a day has at %.1f a second\n",
	       (double)soak->operations / (24 * 60 * 60));
	printf("%" PRIu64 " operations, RSS %ld -> %ld KiB, descriptors %ld -> %ld\n",
	       soak->operations, before.rss_kib, after.rss_kib, before.descriptors,
	       after.descriptors);
	return is_well;
}

static bool open_world(struct soak *soak, const char *backend)
{
	const char *folder = getenv(FOLDER_VARIABLE);
	mote_error err = { .message = "" };

	if (!folder) {
		fprintf(stderr, "soak: %s must name the folder with the guests\n", FOLDER_VARIABLE);
		return false;
	}
	bool is_open = world_open(&soak->worlds[soak->nworlds++], backend, folder, &err);
	if (!is_open)
		fprintf(stderr, "soak: %s: %s\n", backend, err.message);
	return is_open;
}

/* Every backend that works here, or the one that MOTE_TEST_BACKEND names. */
static bool open_worlds(struct soak *soak)
{
	const char *wanted = getenv("MOTE_TEST_BACKEND");
	mote_backend_info info = { .size = sizeof info };
	bool is_well = true;

	for (size_t i = 0;
	     is_well && soak->nworlds < WORLDS && mote_backend_describe(i, &info, NULL) == MOTE_OK;
	     i++) {
		if (wanted && strcmp(wanted, info.name) != 0)
			continue;
		if (info.is_available)
			is_well = open_world(soak, info.name);
		else
			printf("SKIP: no %s here: %s\n", info.name, info.reason);
	}
	return is_well && soak->nworlds > 0;
}

/* Whether all processes that the library made end within some seconds. */
static bool processes_end(void)
{
	for (int i = 0; i < 5000; i++) {
		bury();
		if (waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD)
			return true;
		nap_ns(1000000);
	}
	fprintf(stderr, "soak: a process is still there\n");
	return false;
}

static bool soak_all(struct soak *soak)
{
	pthread_t killer;
	bool is_well = open_worlds(soak);

	if (is_well && pthread_create(&killer, NULL, kill_calls, soak) == 0) {
		soak->start_ns = now_ns();
		is_well = run_rounds(soak);
		atomic_store(&soak->is_done, true);
		pthread_join(killer, NULL);
	}
	for (unsigned i = 0; i < soak->nworlds; i++)
		world_close(&soak->worlds[i]);
	return is_well && processes_end();
}

/* A number from LEAST to MOST; else false. */
static bool parse(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = text ? strtoull(text, &end, 10) : 0;
	return text && !errno && end != text && !*end && *number >= least && *number <= most;
}

static bool parse_all(char **args, struct options *options)
{
	uint64_t number;

	for (; *args && **args == '-'; args += 2) {
		if (strcmp(*args, "--seed") == 0 && parse(args[1], 0, UINT64_MAX, &number))
			options->seed = number;
		else if (strcmp(*args, "--threads") == 0 &&
			 parse(args[1], 1, WORLD_THREADS, &number))
			options->threads = (unsigned)number;
		else
			return false;
	}
	if (!*args || args[1] || !parse(*args, 1, 100000000, &number))
		return false;
	options->seconds = (unsigned)number;
	return true;
}

int main(int argc, char **argv)
{
	static struct soak soak;

	(void)argc;
	soak.options = (struct options){ .seed = now_ns(), .threads = DEFAULT_THREADS };
	if (!parse_all(argv + 1, &soak.options)) {
		fputs("usage: soak [--seed N] [--threads N] SECONDS\n", stderr);
		return 2;
	}
	soak.is_terminal = isatty(STDERR_FILENO);
	printf("seed %" PRIu64 ", %u threads a backend, %u s\n", soak.options.seed,
	       soak.options.threads, soak.options.seconds);
	fflush(stdout);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return 1;
	return soak_all(&soak) ? 0 : 1;
}

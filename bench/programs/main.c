/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program whose works are measured: one static executable. In a sandbox its works are called;
 * natively, as `programs serve`, it does what is asked for on standard input.
 */
#define _GNU_SOURCE
#include "bench/programs/main.h"
#include "bench/programs/work.h"

#include <mote/guest.h>

#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The linker's: where the entries begin and end. */
extern const struct work *const __start_bench_works[], *const __stop_bench_works[];

static const struct work *find(const char *name)
{
	for (const struct work *const *at = __start_bench_works; at < __stop_bench_works; at++)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	return NULL;
}

static uint64_t repeat(const struct work *work, uint32_t times)
{
	uint64_t sum = 0;

	while (times--)
		sum += work->run();
	return sum;
}

MOTE_EXPORT(bool, HasWork, str, name)
{
	return find(name) != NULL;
}

/* Both in one call would have the first run pay for what is done once. */
MOTE_EXPORT(bool, Prepare, str, name)
{
	const struct work *work = find(name);

	return work && work->prepare();
}

MOTE_EXPORT(u64, Run, str, name, u32, times)
{
	const struct work *work = find(name);

	return work ? repeat(work, times) : 0;
}

/* Nanoseconds of CLOCK. */
static uint64_t now(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

/* Once in a process of its own, which begins with the state that this one has. */
static uint64_t run_in_child(const struct work *work)
{
	uint64_t result = 0;
	int pipes[2], status = -1;

	if (pipe(pipes) < 0)
		return 0;
	pid_t child = fork();
	if (child == 0) {
		result = work->run();
		_exit(write(pipes[1], &result, sizeof result) == sizeof result ? 0 : 1);
	}
	if (child < 0 || read(pipes[0], &result, sizeof result) != sizeof result ||
	    waitpid(child, &status, 0) != child || status != 0)
		result = 0;
	close(pipes[0]);
	close(pipes[1]);
	return result;
}

static struct program_reply serve_one(const struct program_request *request)
{
	const struct work *work = find(request->name);
	struct program_reply reply = { .is_known = work != NULL };

	if (!work)
		return reply;
	if (request->action == PROGRAM_PREPARE) {
		reply.is_known = work->prepare();
		return reply;
	}
	const clockid_t clock =
		request->action == PROGRAM_FORK ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID;
	uint64_t start = now(clock);
	if (request->action == PROGRAM_RUN)
		reply.sum = repeat(work, request->times);
	else
		for (uint32_t i = 0; i < request->times; i++)
			reply.sum += run_in_child(work);
	reply.ns = now(clock) - start;
	return reply;
}

static int serve(void)
{
	struct program_request request;

	while (read(0, &request, sizeof request) == sizeof request) {
		struct program_reply reply = serve_one(&request);
		if (write(1, &reply, sizeof reply) != sizeof reply)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	return argc == 2 && strcmp(argv[1], "serve") == 0 ? serve() : 0;
}

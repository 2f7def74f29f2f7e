/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same isolation by other means: a process kept at hand, a process for each call, memory copied
 * whole. And the unit in which restoring is counted, a page copied.
 */
#include "bench/yardsticks.h"

#include "bench/bench.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

/* The child's whole life: until the pipe closes, for each byte the memory copied and the byte sent
 * back. */
static _Noreturn void echo(int from, int to, const struct pipe_peer *peer)
{
	char byte;

	while (read(from, &byte, 1) == 1) {
		if (peer->there)
			memcpy(peer->back, peer->there, MIB);
		if (write(to, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

/* Starts the child, with the memory of MODEL. */
static bool pipe_peer_start(struct pipe_peer *peer, const struct pipe_peer *model)
{
	int there[2], back[2];

	*peer = *model;
	if (pipe(there) < 0)
		return false;
	if (pipe(back) < 0)
		goto close_there;
	peer->child = fork();
	if (peer->child < 0)
		goto close_back;
	if (peer->child == 0) {
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1], peer);
	}
	close(there[0]);
	close(back[1]);
	peer->to = there[1];
	peer->from = back[0];
	return true;

close_back:
	close(back[0]);
	close(back[1]);
close_there:
	close(there[0]);
	close(there[1]);
	return false;
}

bool pipe_peer_init(struct pipe_peer *peer)
{
	return pipe_peer_start(peer, &(const struct pipe_peer){ 0 });
}

/* Waits for CHILD; whether it ended well. */
static bool ended_well(pid_t child)
{
	int status = 0;
	pid_t got;

	do
		got = waitpid(child, &status, 0);
	while (got < 0 && errno == EINTR);
	return got == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void pipe_peer_fini(struct pipe_peer *peer)
{
	close(peer->to);
	close(peer->from);
	ended_well(peer->child);
	if (peer->there)
		munmap(peer->there, 2 * MIB);
}

/* The child sees the memory because it is there before it. */
static bool share_memory(struct pipe_peer *peer)
{
	char *at = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	peer->there = at;
	peer->back = at + MIB;
	return true;
}

bool shared_peer_init(struct pipe_peer *peer)
{
	struct pipe_peer memory = { 0 };

	if (!share_memory(&memory))
		return false;
	if (pipe_peer_start(peer, &memory))
		return true;
	munmap(memory.there, 2 * MIB);
	return false;
}

uint64_t process_pipe_round_trip(void *state, unsigned n)
{
	struct pipe_peer *peer = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		char byte = 0;
		if (write(peer->to, &byte, 1) != 1 || read(peer->from, &byte, 1) != 1)
			return BENCH_FAILED;
	}
	return bench_clock() - start;
}

uint64_t process_1mib_in_1mib_out(void *state, unsigned n)
{
	struct pipe_peer *peer = state;
	static const char data[MIB];
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t start = bench_clock();
		memcpy(peer->there, data, MIB);
		if (process_pipe_round_trip(peer, 1) == BENCH_FAILED)
			return BENCH_FAILED;
		total += bench_clock() - start;
	}
	return total;
}

uint64_t process_spawn(void *state, unsigned n)
{
	(void)state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(0);
		if (child < 0 || !ended_well(child))
			return BENCH_FAILED;
	}
	return bench_clock() - start;
}

uint64_t process_spawn_exec(void *state, unsigned n)
{
	(void)state;
	char name[] = "true";
	char *arguments[] = { name, NULL };
	char *environment[] = { NULL };
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		pid_t child;
		if (posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environment) != 0 ||
		    !ended_well(child))
			return BENCH_FAILED;
	}
	return bench_clock() - start;
}

enum { PAGE = 4096, MEMORY = 64 << 20, FORKED_PAGES = 16 };

/* Pages of 4 KiB, as guests have them. */
static char *resident_memory(void)
{
	char *at = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	madvise(at, MEMORY, MADV_NOHUGEPAGE);
	memset(at, 1, MEMORY);
	return at;
}

bool memory_pair_init(struct memory_pair *pair)
{
	pair->a = resident_memory();
	pair->b = resident_memory();
	if (!pair->a || !pair->b)
		memory_pair_fini(pair);
	return pair->a != NULL;
}

void memory_pair_fini(struct memory_pair *pair)
{
	if (pair->a)
		munmap(pair->a, MEMORY);
	if (pair->b)
		munmap(pair->b, MEMORY);
	*pair = (struct memory_pair){ 0 };
}

uint64_t memcpy_pages(void *state, unsigned n)
{
	const struct scattered_copy *copy = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		for (size_t page = 0; page < copy->npages; page++)
			memcpy(copy->pair->a + 2 * page * PAGE, copy->pair->b + 2 * page * PAGE,
			       PAGE);
		__asm__ volatile("" : : "r"(copy->pair->a) : "memory");
	}
	return bench_clock() - start;
}

uint64_t memory_copy_64mib(void *state, unsigned n)
{
	const struct memory_pair *pair = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		memcpy(pair->a, pair->b, MEMORY);
		__asm__ volatile("" : : "r"(pair->a) : "memory");
	}
	return bench_clock() - start;
}

uint64_t fork_exit_wait(void *state, unsigned n)
{
	const struct memory_pair *pair = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		pid_t child = fork();
		if (child == 0) {
			for (size_t page = 0; page < FORKED_PAGES; page++)
				((volatile char *)pair->a)[2 * page * PAGE] = 2;
			_exit(0);
		}
		if (child < 0 || !ended_well(child))
			return BENCH_FAILED;
	}
	return bench_clock() - start;
}

uint64_t memcpy_1mib(void *state, unsigned n)
{
	(void)state;
	static char data[2][MIB];
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		memcpy(data[i & 1], data[~i & 1], MIB);
		__asm__ volatile("" : : "r"(data) : "memory");
	}
	return bench_clock() - start;
}

uint64_t memcpy_page(void *state, unsigned n)
{
	(void)state;
	static _Alignas(4096) char pages[2][4096];
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++) {
		memcpy(pages[i & 1], pages[~i & 1], sizeof pages[0]);
		/* The compiler must not see that nobody looks. */
		__asm__ volatile("" : : "r"(pages) : "memory");
	}
	return bench_clock() - start;
}

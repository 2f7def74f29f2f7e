/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks of shared memory under attack from other threads: a guest that scribbles over
 * buffers while they are popped, pushed and zeroed, and host threads that want at the same
 * time what only one can have. Meant for ThreadSanitizer and AddressSanitizer, too.
 */
#include "mem/shared_mem.h"

#include "abi/io_stack.h"
#include "kit/fail.h"
#include "kit/guest_side.h"
#include "mem/read_only_mem.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static struct shared_mem *make(uint64_t size)
{
	struct shared_mem *mem;
	assert_int_equal(
		shared_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), size, SHARED_MEM_PRIVATE, NULL),
		MOTE_OK);
	return mem;
}

static struct shared_mem *make_shared(uint64_t size)
{
	struct shared_mem *mem = make(size);
	assert_int_equal(shared_mem_share(mem, NULL), MOTE_OK);
	return mem;
}

static void drop(struct shared_mem *mem)
{
	shared_mem_unref(mem);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s", leak);
}

/* A guest that runs on another processor until it is stopped, TURN after TURN. */
struct guest {
	uint8_t *base;
	void (*turn)(uint8_t *base, uint64_t n);
	atomic_bool stop;
	atomic_ullong turns;
	pthread_t thread;
};

GUEST_SIDE static void *run_guest(void *argument)
{
	struct guest *guest = argument;
	uint64_t n = 0;

	while (!atomic_load_explicit(&guest->stop, memory_order_relaxed)) {
		guest->turn(guest->base, n++);
		atomic_store_explicit(&guest->turns, n, memory_order_relaxed);
	}
	return NULL;
}

static void guest_start(struct guest *guest, struct shared_mem *mem,
			void (*turn)(uint8_t *base, uint64_t n))
{
	guest->base = shared_mem_base(mem);
	guest->turn = turn;
	atomic_init(&guest->stop, false);
	atomic_init(&guest->turns, 0);
	assert_int_equal(shared_mem_run_begin(mem, NULL), MOTE_OK);
	assert_int_equal(pthread_create(&guest->thread, NULL, run_guest, guest), 0);
}

static void guest_stop(struct guest *guest, struct shared_mem *mem)
{
	atomic_store_explicit(&guest->stop, true, memory_order_relaxed);
	pthread_join(guest->thread, NULL);
	shared_mem_run_end(mem);
}

/* Whether a loop may end: after ROUNDS, but not before the guest had its turns, however busy the
 * machine is. */
static bool is_enough(const struct guest *guest, uint64_t round, uint64_t rounds)
{
	return round >= rounds && atomic_load_explicit(&guest->turns, memory_order_relaxed) > 1000;
}

/*
 * The I/O stack is the whole block, so that a byte too low or too high is a guard page. The
 * guest makes SP, back pointers and prefixes jump between sound and wild; two elements can
 * be on top, one of them up to the end of the block.
 */
enum { LOW_SP = 88, LOW_START = 40, CAPACITY = 512 };

GUEST_SIDE static void scribble_on_stack(uint8_t *base, uint64_t n)
{
	typedef volatile uint64_t __attribute__((aligned(1))) raw64;
	typedef volatile uint32_t __attribute__((aligned(1))) raw32;
	static const uint64_t pointers[] = { LOW_SP, 0,    PAGE, UINT64_MAX, LOW_SP, PAGE + 64, 8,
					     LOW_SP, PAGE, 7,    PAGE - 100, 9,      LOW_SP };
	static const uint64_t backs[] = { LOW_START,    8,          LOW_START, 9,
					  UINT64_MAX,   PAGE - 200, 0,         LOW_SP - 16,
					  LOW_START,    PAGE,       7,         PAGE - 16 - 8,
					  LOW_START + 1 };
	static const uint32_t prefixes[] = { 4, 36, 0xffffffff, 37, 500, 0, 0xfffffffb, 36 };

	*(raw64 *)(base + LOW_SP - 8) = backs[n % 13];
	*(raw64 *)(base + PAGE - 8) = backs[n % 11];
	*(raw32 *)(base + 8) = prefixes[n % 7];
	*(raw32 *)(base + LOW_START) = prefixes[n % 8];
	*(raw32 *)(base + PAGE - 200) = prefixes[n % 5];
	if (n & 1)
		*(raw64 *)base = pointers[n % 13];
	else
		__atomic_store_n((uint64_t *)(void *)base, pointers[n % 12], __ATOMIC_SEQ_CST);
}

/* What the host was told in one call: N bytes, or 0 and a fault. */
struct popped {
	uint64_t n;
	struct io_fault fault;
};

/* The number that is reported is the one that was judged: out of its range, whatever the guest
 * has put there since. */
static bool is_sound_fault(const struct io_fault *fault)
{
	return fault->status != IO_OK && (fault->found < fault->low || fault->found > fault->high);
}

/* Pops into CAPACITY bytes; what comes behind those that it filled must be as before. */
static struct popped pop_checked(const struct io_stack *stack, uint64_t capacity, bool raw)
{
	static uint8_t into[CAPACITY + 16];
	struct popped popped;
	uint32_t prefix;

	memset(into, 0x55, sizeof into);
	popped.n = raw ? io_stack_pop_raw(stack, into, capacity, &popped.fault)
		       : io_stack_pop(stack, into, capacity, &popped.fault);
	if (popped.n > capacity)
		fail_msg("popped %llu bytes into %llu", (unsigned long long)popped.n,
			 (unsigned long long)capacity);
	for (uint64_t i = popped.n; i < sizeof into; i++)
		if (into[i] != 0x55)
			fail_msg("byte %llu behind %llu popped ones was written",
				 (unsigned long long)i, (unsigned long long)popped.n);
	memcpy(&prefix, into, sizeof prefix);
	if (popped.n != 0 && !raw && prefix + UINT64_C(4) != popped.n)
		fail_msg("the prefix of %llu bytes says %u", (unsigned long long)popped.n, prefix);
	return popped;
}

static bool push_in_place(const struct io_stack *stack, const uint8_t *from, uint64_t size,
			  struct io_fault *fault)
{
	uint8_t *at = io_stack_reserve(stack, size, fault);

	if (!at)
		return false;
	assert_true(at >= stack->base + 8 && at <= stack->base + stack->size - size - 8);
	memcpy(at, from, size);
	io_stack_commit(stack, at, size);
	return true;
}

/* One use of the stack; whether it was let. */
static bool use_stack(const struct io_stack *stack, uint64_t round)
{
	static const uint8_t message[40] = { 36, 0, 0, 0, 'm' };
	struct popped popped = { .n = 0 };
	bool done;

	switch (round % 8) {
	case 0:
		io_stack_clear(stack);
		return true;
	case 1:
		done = io_stack_push(stack, message, sizeof message, &popped.fault);
		break;
	case 2:
		done = push_in_place(stack, message, sizeof message, &popped.fault);
		break;
	default:
		popped = pop_checked(stack, round % 3 ? CAPACITY : 40, round & 1);
		done = popped.n != 0;
	}
	if (!done && !is_sound_fault(&popped.fault))
		fail_msg("status %d with %llu, which is in its range %llu..%llu",
			 popped.fault.status, (unsigned long long)popped.fault.found,
			 (unsigned long long)popped.fault.low,
			 (unsigned long long)popped.fault.high);
	return done;
}

static void a_guest_that_scribbles_on_a_stack_gets_nothing_out_of_bounds(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE);
	struct io_stack stack = { shared_mem_base(mem), PAGE };
	struct guest guest;
	unsigned counts[8][2] = { { 0 } };
	bool seen = false;

	guest_start(&guest, mem, scribble_on_stack);
	for (uint64_t round = 0; !seen || !is_enough(&guest, round, 400000); round++) {
		counts[round % 8][use_stack(&stack, round)]++;
		/* Each use has to have met both kinds of guest, but clearing, which cannot fail. */
		seen = true;
		for (size_t i = 1; i < 8; i++)
			seen = seen && counts[i][false] && counts[i][true];
	}
	guest_stop(&guest, mem);
	drop(mem);
}

/* Numbers of all sizes, each of which the guest sets to one of two values in one store. */
#define PATTERN(k) ((k)&1 ? UINT64_C(0x1111111111111111) : UINT64_C(0x7777777777777777))

GUEST_SIDE static void flip_numbers(uint8_t *base, uint64_t n)
{
	for (size_t i = 0; i < 8; i++)
		__atomic_store_n((uint64_t *)(void *)base + i, PATTERN(n + i), __ATOMIC_RELAXED);
}

static bool is_pattern(uint64_t value, uint64_t mask)
{
	return value == (PATTERN(0) & mask) || value == (PATTERN(1) & mask);
}

static void numbers_are_the_guest_s_old_ones_or_new_ones(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE);
	struct guest guest;
	unsigned seen[2] = { 0, 0 };

	flip_numbers(shared_mem_base(mem), 0);
	guest_start(&guest, mem, flip_numbers);
	for (uint64_t round = 0; !seen[0] || !seen[1] || !is_enough(&guest, round, 200000);
	     round++) {
		uint64_t u64 = 0, at = round % 8 * 8;
		uint32_t u32 = 0;
		uint16_t u16 = 0;
		uint8_t u8 = 0;
		mote_status status = shared_mem_read_u64(mem, at, &u64, NULL);
		status |= shared_mem_read_u32(mem, at + 4, &u32, NULL);
		status |= shared_mem_read_u16(mem, at + 2, &u16, NULL);
		status |= shared_mem_read_u8(mem, at + 5, &u8, NULL);
		if (status || !is_pattern(u64, UINT64_MAX) || !is_pattern(u32, UINT32_MAX) ||
		    !is_pattern(u16, UINT16_MAX) || !is_pattern(u8, UINT8_MAX))
			fail_msg("round %u: 0x%llx, 0x%x, 0x%x, 0x%x, which nobody wrote",
				 (unsigned)round, (unsigned long long)u64, u32, u16, u8);
		seen[u64 == PATTERN(0)]++;
	}
	guest_stop(&guest, mem);
	drop(mem);
}

enum { WIDE = 40 * PAGE };

/* One byte a page and some all over the first, so that pages go and come back all the time. */
GUEST_SIDE static void touch_pages(uint8_t *base, uint64_t n)
{
	volatile uint8_t *at = base;

	for (size_t i = 0; i < WIDE; i += PAGE)
		at[i + n % PAGE] = 0x77;
	for (size_t i = 0; i < 256; i++)
		at[i] = n & 1 ? 0x11 : 0x77;
}

static bool is_one_of(const uint8_t *bytes, size_t size, const char *allowed, size_t count)
{
	for (size_t i = 0; i < size; i++)
		if (!memchr(allowed, bytes[i], count))
			return false;
	return true;
}

static void copies_fills_and_zeroing_go_on_under_a_guest_that_writes(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(WIDE);
	static uint8_t copy[300];
	static uint8_t ours[300];
	struct guest guest;

	memset(ours, 0x33, sizeof ours);
	guest_start(&guest, mem, touch_pages);
	for (uint64_t round = 0; !is_enough(&guest, round, 4000); round++) {
		uint64_t offset = round % 37;
		mote_status status = shared_mem_write(mem, offset, ours, round % 300, NULL);
		status |= shared_mem_fill(mem, offset + 5, 0x22, round % 290, NULL);
		status |= shared_mem_read(mem, offset, copy, sizeof copy, NULL);
		if (status || !is_one_of(copy, sizeof copy, "\x11\x22\x33\x77\x00", 5))
			fail_msg("round %u: status %d, or bytes that nobody wrote", (unsigned)round,
				 status);
		/* by hand, and by giving pages back under the guest's feet */
		assert_int_equal(shared_mem_zero(mem, offset, 2 * PAGE, NULL), MOTE_OK);
		assert_int_equal(shared_mem_zero(mem, offset, WIDE - 100, NULL), MOTE_OK);
		assert_int_equal(shared_mem_read(mem, WIDE / 2, copy, sizeof copy, NULL), MOTE_OK);
		assert_true(is_one_of(copy, sizeof copy, "\x77\x00", 2));
	}
	guest_stop(&guest, mem);
	drop(mem);
}

/* Two threads, each with something to try at the same moment, round for round. */
enum { RACE_ROUNDS = 10000 };

struct contender {
	mote_status (*attempt)(struct shared_mem *mem);
	void (*undo)(struct shared_mem *mem); /* after a success; may be NULL */
};

struct race {
	pthread_barrier_t barrier;
	atomic_uint arrived; /* in all rounds */
	struct shared_mem *mem;
	struct contender contenders[2];
	mote_status results[2];
	unsigned wins[2];
	unsigned wrong; /* rounds with other than one winner */
	/* makes the next round's block; NULL: they all have the same */
	struct shared_mem *(*renew)(void);
};

/* A barrier wakes one thread much later than the other; here both are awake when they meet, unless
 * the machine has no processor for one of them. */
static void meet(struct race *race)
{
	unsigned all = (atomic_fetch_add(&race->arrived, 1) | 1) + 1;

	for (unsigned spins = 0; atomic_load(&race->arrived) < all; spins++)
		if (spins > 1000)
			sched_yield();
}

static void one_round(struct race *race, size_t who)
{
	const struct contender *me = &race->contenders[who];

	meet(race);
	race->results[who] = me->attempt(race->mem);
	pthread_barrier_wait(&race->barrier);
	race->wins[who] += race->results[who] == MOTE_OK;
	if (race->results[who] == MOTE_OK && me->undo)
		me->undo(race->mem);
}

static void *second_contender(void *argument)
{
	struct race *race = argument;

	for (unsigned round = 0; round < RACE_ROUNDS; round++) {
		one_round(race, 1);
		pthread_barrier_wait(&race->barrier);
	}
	return NULL;
}

/* Runs the race. Of each round's two, one may win, and the other is told MOTE_E_STATE. */
static void run_race(struct race *race)
{
	pthread_t thread;

	assert_int_equal(pthread_barrier_init(&race->barrier, NULL, 2), 0);
	race->mem = race->renew();
	assert_int_equal(pthread_create(&thread, NULL, second_contender, race), 0);
	for (unsigned round = 0; round < RACE_ROUNDS; round++) {
		one_round(race, 0);
		pthread_barrier_wait(&race->barrier);
		race->wrong += race->results[0] + race->results[1] != MOTE_OK + MOTE_E_STATE;
		/* The other thread waits until this one comes back with the next block. */
		drop(race->mem);
		race->mem = round + 1 < RACE_ROUNDS ? race->renew() : NULL;
	}
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&race->barrier);
}

static struct shared_mem *renew_exclusive(void)
{
	return make(PAGE);
}

static struct shared_mem *renew_shared(void)
{
	return make_shared(PAGE);
}

static mote_status try_share(struct shared_mem *mem)
{
	mote_error err = { .code = MOTE_OK };
	mote_status status = shared_mem_share(mem, &err);

	return shared_mem_bytes(mem) || err.code != status ? MOTE_E_INVALID : status;
}

static mote_status try_lock(struct shared_mem *mem)
{
	uint8_t *bytes;
	mote_status status = shared_mem_lock(mem, &bytes, NULL);

	if (status == MOTE_OK)
		bytes[0]++;
	return status;
}

static mote_status try_run(struct shared_mem *mem)
{
	return shared_mem_run_begin(mem, NULL);
}

static const struct {
	const char *what;
	struct shared_mem *(*renew)(void);
	struct contender contenders[2];
} race_rows[] = {
	{ "two threads share a block",
	  renew_exclusive,
	  { { try_share, NULL }, { try_share, NULL } } },
	{ "two threads lock a block",
	  renew_shared,
	  { { try_lock, shared_mem_unlock }, { try_lock, shared_mem_unlock } } },
	{ "one thread locks what another runs",
	  renew_shared,
	  { { try_lock, shared_mem_unlock }, { try_run, shared_mem_run_end } } },
};

static void of_two_threads_that_exclude_each_other_one_wins(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof race_rows / sizeof race_rows[0]; i++) {
		struct race race = { .renew = race_rows[i].renew };
		memcpy(race.contenders, race_rows[i].contenders, sizeof race.contenders);
		run_race(&race);
		if (race.wrong)
			fail_msg("%s: not one winner in %u rounds of %d", race_rows[i].what,
				 race.wrong, RACE_ROUNDS);
		assert_int_equal(race.wins[0] + race.wins[1], RACE_ROUNDS);
	}
}

/*
 * The lock keeps what it promises: under it, plain bytes. Whoever gets it counts two numbers up
 * without any care, and a copy never meets them in between; ThreadSanitizer sees that the
 * gate orders them all.
 */
enum { COUNT_AT = 200, NTHREADS = 3, LOCKS = 2000 };

struct worker {
	struct shared_mem *mem;
	pthread_t thread;
	unsigned locked, refused, torn, unexpected;
};

static void count_under_lock(struct worker *worker)
{
	uint8_t *bytes;
	uint64_t pair[2];

	if (shared_mem_lock(worker->mem, &bytes, NULL) != MOTE_OK) {
		worker->refused++;
		return;
	}
	worker->locked++;
	for (size_t i = 0; i < 2; i++) {
		memcpy(&pair[i], bytes + COUNT_AT + 8 * i, 8);
		pair[i]++;
		memcpy(bytes + COUNT_AT + 8 * i, &pair[i], 8);
	}
	worker->unexpected += shared_mem_run_begin(worker->mem, NULL) != MOTE_E_STATE;
	worker->unexpected += shared_mem_write_u8(worker->mem, 0, 1, NULL) != MOTE_E_STATE;
	shared_mem_unlock(worker->mem);
}

static void copy_pair(struct worker *worker)
{
	uint64_t pair[2];
	mote_status status = shared_mem_read(worker->mem, COUNT_AT, pair, sizeof pair, NULL);

	worker->torn += status == MOTE_OK && pair[0] != pair[1];
	worker->unexpected += status != MOTE_OK && status != MOTE_E_STATE;
	/* Host threads may copy to the same place, too, in chunks or in bytes; a mixture is left. */
	for (uint64_t at = 16; at < 18; at++) {
		status = shared_mem_write(worker->mem, at, pair, sizeof pair, NULL);
		worker->unexpected += status != MOTE_OK && status != MOTE_E_STATE;
		status = shared_mem_read(worker->mem, at, pair, sizeof pair, NULL);
		worker->unexpected += status != MOTE_OK && status != MOTE_E_STATE;
	}
	if (shared_mem_run_begin(worker->mem, NULL) == MOTE_OK) {
		uint8_t *bytes;
		worker->unexpected += shared_mem_lock(worker->mem, &bytes, NULL) != MOTE_E_STATE;
		worker->unexpected += bytes != NULL;
		shared_mem_run_end(worker->mem);
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	/* Somebody without luck is refused some thousand times. */
	while (worker->locked < LOCKS && worker->refused < 50000000 && !worker->unexpected) {
		count_under_lock(worker);
		copy_pair(worker);
	}
	shared_mem_unref(worker->mem);
	return NULL;
}

static void what_is_done_under_the_lock_is_whole_for_everyone_else(void **state)
{
	(void)state;
	struct shared_mem *mem = make_shared(PAGE);
	struct worker workers[NTHREADS] = { { .locked = 0 } };
	uint64_t count;

	for (size_t i = 0; i < NTHREADS; i++) {
		workers[i].mem = shared_mem_ref(mem);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (size_t i = 0; i < NTHREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < NTHREADS; i++) {
		assert_int_equal(workers[i].torn, 0);
		assert_int_equal(workers[i].unexpected, 0);
	}
	assert_int_equal(shared_mem_read_u64(mem, COUNT_AT, &count, NULL), MOTE_OK);
	assert_int_equal(count, NTHREADS * LOCKS);
	drop(mem);
}

/* What has been written before sharing is there for whoever finds the block shared. */
static void *wait_and_read(void *argument)
{
	struct worker *worker = argument;
	uint64_t value = 0;

	while (shared_mem_run_begin(worker->mem, NULL) != MOTE_OK)
		worker->refused++;
	worker->unexpected += shared_mem_read_u64(worker->mem, 8, &value, NULL) != MOTE_OK;
	worker->torn += value != 42;
	shared_mem_run_end(worker->mem);
	shared_mem_unref(worker->mem);
	return NULL;
}

static void bytes_from_before_sharing_are_seen_after_it(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct shared_mem *mem = make(PAGE);
		struct worker worker = { .mem = shared_mem_ref(mem) };
		assert_int_equal(pthread_create(&worker.thread, NULL, wait_and_read, &worker), 0);
		uint64_t value = 42;
		memcpy(shared_mem_bytes(mem) + 8, &value, sizeof value);
		assert_int_equal(shared_mem_share(mem, NULL), MOTE_OK);
		/* The other thread may be the one that drops it last. */
		shared_mem_unref(mem);
		pthread_join(worker.thread, NULL);
		assert_int_equal(worker.torn + worker.unexpected, 0);
		assert_null(fail_leak());
	}
}

/* Everything that a read-only block must refuse, and what it allows, from many threads. */
static void *misuse_read_only(void *argument)
{
	struct worker *worker = argument;
	struct shared_mem *mem = worker->mem;

	for (unsigned round = 0; round < 2000; round++) {
		uint8_t *bytes, byte = 0;
		worker->unexpected += shared_mem_run_begin(mem, NULL) != MOTE_OK;
		worker->unexpected += shared_mem_share(mem, NULL) != MOTE_E_STATE;
		worker->unexpected += shared_mem_lock(mem, &bytes, NULL) != MOTE_E_STATE;
		worker->unexpected += shared_mem_write_u8(mem, 1, 1, NULL) != MOTE_E_STATE;
		worker->unexpected += shared_mem_fill(mem, 0, 1, PAGE, NULL) != MOTE_E_STATE;
		worker->unexpected += shared_mem_zero(mem, 0, PAGE, NULL) != MOTE_E_STATE;
		worker->unexpected += shared_mem_bytes(mem) != NULL;
		worker->unexpected += shared_mem_contents(mem)[PAGE - 1] != 0x5a;
		worker->unexpected += shared_mem_read_u8(mem, round, &byte, NULL) != MOTE_OK;
		worker->torn += byte != 0x5a;
		shared_mem_run_end(mem);
	}
	shared_mem_unref(mem);
	return NULL;
}

static void nobody_changes_a_read_only_block(void **state)
{
	(void)state;
	static uint8_t contents[PAGE];
	struct worker workers[NTHREADS] = { { .locked = 0 } };
	struct shared_mem *mem;

	memset(contents, 0x5a, sizeof contents);
	assert_int_equal(read_only_mem_new(&mem, fail_host(0, FAIL_ONCE, 0), contents, PAGE, PAGE,
					   SHARED_MEM_PRIVATE, NULL),
			 MOTE_OK);
	for (size_t i = 0; i < NTHREADS; i++) {
		workers[i].mem = shared_mem_ref(mem);
		assert_int_equal(
			pthread_create(&workers[i].thread, NULL, misuse_read_only, &workers[i]), 0);
	}
	for (size_t i = 0; i < NTHREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].torn, 0);
		assert_int_equal(workers[i].unexpected, 0);
	}
	drop(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_that_scribbles_on_a_stack_gets_nothing_out_of_bounds),
		cmocka_unit_test(numbers_are_the_guest_s_old_ones_or_new_ones),
		cmocka_unit_test(copies_fills_and_zeroing_go_on_under_a_guest_that_writes),
		cmocka_unit_test(of_two_threads_that_exclude_each_other_one_wins),
		cmocka_unit_test(what_is_done_under_the_lock_is_whole_for_everyone_else),
		cmocka_unit_test(bytes_from_before_sharing_are_seen_after_it),
		cmocka_unit_test(nobody_changes_a_read_only_block),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

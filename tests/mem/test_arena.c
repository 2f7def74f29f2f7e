/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena against a simple model: no page is given to two, every page arrives as zeroes,
 * contents stay while a page is in use, and nothing that a guest can ask for does harm.
 */
#include "mem/arena.h"

#include "kit/fail.h"
#include "mem/small_guest.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PAGE MOTE_PAGE_SIZE

enum { HEAP_PAGES = 512 };

static struct guest_memory *memory;
static struct arena arena;
static uint64_t heap, heap_end;

static int setup(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	config.nsegments = 0;
	config.heap_size = HEAP_PAGES * PAGE;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	if (guest_memory_new(&memory, host, &config, NULL, SHARED_MEM_PRIVATE, NULL) ||
	    arena_init(&arena, host, memory, NULL))
		return -1;
	heap = layout_get(guest_memory_layout(memory), REGION_HEAP)->va;
	heap_end = heap + HEAP_PAGES * PAGE;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	arena_fini(&arena);
	guest_memory_free(memory);
	return fail_leak() != NULL;
}

/* What the guest does with pages. */
static void put(uint64_t address, uint8_t value, size_t size)
{
	static uint8_t bytes[HEAP_PAGES * PAGE];
	memset(bytes, value, size);
	assert_int_equal(guest_memory_write(memory, address, bytes, size, REGION_WRITE, NULL),
			 MOTE_OK);
}

static bool holds(uint64_t address, uint8_t value, size_t size)
{
	static uint8_t bytes[HEAP_PAGES * PAGE];
	assert_int_equal(guest_memory_read(memory, address, bytes, size, REGION_READ, NULL),
			 MOTE_OK);
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

static uint64_t map(uint64_t npages)
{
	int64_t address = arena_map(&arena, 0, npages * PAGE, 0);
	assert_true(address > 0);
	return (uint64_t)address;
}

static void mappings_come_from_the_top_and_the_break_from_the_bottom(void **state)
{
	(void)state;
	assert_int_equal(arena_brk(&arena, 0), heap);
	assert_int_equal(map(1), heap_end - PAGE);
	assert_int_equal(map(3), heap_end - 4 * PAGE);
	assert_int_equal(arena_map(&arena, 0, 1, 0), heap_end - 5 * PAGE);
	assert_int_equal(arena_brk(&arena, heap + 1), heap + 1);
	assert_int_equal(arena_brk(&arena, heap + 10 * PAGE), heap + 10 * PAGE);
	assert_true(arena_is_used(&arena, heap, 10 * PAGE));
	assert_false(arena_is_used(&arena, heap, 10 * PAGE + 1));
}

static void the_break_stops_at_a_mapping(void **state)
{
	(void)state;
	uint64_t address = map(12);
	assert_int_equal(arena_brk(&arena, address), address);
	assert_int_equal(arena_brk(&arena, address + 1), address);
	assert_int_equal(arena_map(&arena, 0, 1, 0), -ENOMEM);
	assert_int_equal(arena_unmap(&arena, address, PAGE), 0);
	assert_int_equal(arena_brk(&arena, address + PAGE), address + PAGE);
}

static void the_break_refuses_what_is_not_in_the_heap(void **state)
{
	(void)state;
	static const uint64_t nonsense[] = { 0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63 };
	assert_int_equal(arena_brk(&arena, heap + 5000), heap + 5000);
	for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++)
		assert_int_equal(arena_brk(&arena, nonsense[i]), heap + 5000);
	assert_int_equal(arena_brk(&arena, heap - 1), heap + 5000);
	assert_int_equal(arena_brk(&arena, heap_end + 1), heap + 5000);
	assert_int_equal(arena_brk(&arena, heap_end), heap_end);
	assert_int_equal(arena_brk(&arena, heap), heap);
	assert_false(arena_is_used(&arena, heap, 1));
}

static void pages_given_up_come_back_as_zeroes(void **state)
{
	(void)state;
	static const uint64_t counts[] = { 1, 2, 15, 16, 17, 100 };
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		size_t size = counts[i] * PAGE;
		uint64_t address = map(counts[i]);
		put(address, 0xaa, size);
		assert_int_equal(arena_unmap(&arena, address, size), 0);
		assert_int_equal(map(counts[i]), address);
		assert_true(holds(address, 0, size));
		put(address, 0xbb, size);
		assert_int_equal(arena_unmap(&arena, address, size), 0);
	}
	assert_int_equal(arena_brk(&arena, heap + 3 * PAGE), heap + 3 * PAGE);
	put(heap, 0xcc, 3 * PAGE);
	assert_int_equal(arena_brk(&arena, heap + PAGE + 1), heap + PAGE + 1);
	assert_int_equal(arena_brk(&arena, heap + 3 * PAGE), heap + 3 * PAGE);
	assert_true(holds(heap, 0xcc, 2 * PAGE));
	assert_true(holds(heap + 2 * PAGE, 0, PAGE));
}

static void parts_of_a_mapping_can_be_given_up(void **state)
{
	(void)state;
	uint64_t address = map(10);
	put(address, 0x11, 10 * PAGE);
	assert_int_equal(arena_unmap(&arena, address + 3 * PAGE, 2 * PAGE), 0);
	assert_true(holds(address, 0x11, 3 * PAGE));
	assert_true(holds(address + 3 * PAGE, 0, 2 * PAGE));
	assert_true(holds(address + 5 * PAGE, 0x11, 5 * PAGE));
	assert_int_equal(map(2), address + 3 * PAGE);
	/* over used and free pages alike, twice */
	assert_int_equal(arena_unmap(&arena, heap, HEAP_PAGES * PAGE), 0);
	assert_int_equal(arena_unmap(&arena, heap, HEAP_PAGES * PAGE), 0);
	assert_int_equal(map(HEAP_PAGES), heap);
	assert_true(holds(heap, 0, HEAP_PAGES * PAGE));
}

static void hints_are_taken_when_free(void **state)
{
	(void)state;
	uint64_t wanted = heap + 100 * PAGE;
	assert_int_equal(arena_map(&arena, wanted, PAGE, 0), wanted);
	assert_int_equal(arena_map(&arena, wanted, PAGE, 0), heap_end - PAGE);
	assert_int_equal(arena_map(&arena, wanted - PAGE, 2 * PAGE, 0), heap_end - 3 * PAGE);
	assert_int_equal(arena_map(&arena, wanted + PAGE + 1, PAGE, 0), heap_end - 4 * PAGE);
	assert_int_equal(arena_map(&arena, 42 * PAGE, PAGE, 0), heap_end - 5 * PAGE);
	assert_int_equal(arena_map(&arena, UINT64_MAX, PAGE, 0), heap_end - 6 * PAGE);
	assert_int_equal(arena_map(&arena, UINT64_MAX - PAGE + 1, PAGE, 0), heap_end - 7 * PAGE);
}

static void fixed_mappings_replace_or_do_not(void **state)
{
	(void)state;
	uint64_t at = heap + 8 * PAGE;
	unsigned only_free = ARENA_FIXED | ARENA_NO_REPLACE;
	assert_int_equal(arena_map(&arena, at, 2 * PAGE, ARENA_FIXED), at);
	put(at, 0x22, 2 * PAGE);
	assert_int_equal(arena_map(&arena, at + PAGE, PAGE, only_free), -EEXIST);
	assert_true(holds(at, 0x22, 2 * PAGE));
	assert_int_equal(arena_map(&arena, at + 2 * PAGE, PAGE, only_free), at + 2 * PAGE);
	assert_int_equal(arena_map(&arena, at + PAGE, 2 * PAGE, ARENA_FIXED), at + PAGE);
	assert_true(holds(at, 0x22, PAGE));
	assert_true(holds(at + PAGE, 0, 2 * PAGE));
}

/* Arguments from nowhere, with the answer. Addresses are relative to the heap. */
enum call { MAP, MAP_FIXED_, UNMAP, ZERO, GROW, MOVE };
static const struct {
	const char *what;
	enum call call;
	uint64_t address, size, new_size;
	int want;
} hostile[] = {
	{ "map nothing", MAP, 0, 0, 0, -EINVAL },
	{ "map all but nothing", MAP, 0, UINT64_MAX, 0, -ENOMEM },
	{ "map a size that wraps", MAP, 0, UINT64_MAX - PAGE + 2, 0, -ENOMEM },
	{ "map more than the heap", MAP, 0, HEAP_PAGES *PAGE + 1, 0, -ENOMEM },
	{ "fixed, nothing", MAP_FIXED_, 0, 0, 0, -EINVAL },
	{ "fixed, unaligned", MAP_FIXED_, 1, PAGE, 0, -EINVAL },
	{ "fixed, below the heap", MAP_FIXED_, (uint64_t)-PAGE, PAGE, 0, -ENOMEM },
	{ "fixed, into the heap", MAP_FIXED_, (uint64_t)-PAGE, 2 * PAGE, 0, -ENOMEM },
	{ "fixed, out of the heap", MAP_FIXED_, (HEAP_PAGES - 1) * PAGE, PAGE + 1, 0, -ENOMEM },
	{ "fixed, behind the heap", MAP_FIXED_, HEAP_PAGES *PAGE, PAGE, 0, -ENOMEM },
	{ "fixed, wrapping", MAP_FIXED_, PAGE, UINT64_MAX, 0, -ENOMEM },
	{ "unmap nothing", UNMAP, 0, 0, 0, -EINVAL },
	{ "unmap unaligned", UNMAP, 8, PAGE, 0, -EINVAL },
	{ "unmap across the end", UNMAP, (HEAP_PAGES - 1) * PAGE, 2 * PAGE, 0, -EINVAL },
	{ "unmap wrapping", UNMAP, 0, UINT64_MAX, 0, -EINVAL },
	{ "unmap below", UNMAP, (uint64_t)-PAGE, PAGE, 0, -EINVAL },
	{ "zero unaligned", ZERO, 3, PAGE, 0, -EINVAL },
	{ "zero free pages", ZERO, 0, PAGE, 0, -ENOMEM },
	{ "zero wrapping", ZERO, 0, UINT64_MAX, 0, -ENOMEM },
	{ "grow unaligned", GROW, 1, PAGE, 2 * PAGE, -EINVAL },
	{ "grow nothing", GROW, 0, 0, PAGE, -EINVAL },
	{ "grow to nothing", GROW, 0, PAGE, 0, -EINVAL },
	{ "grow what is free", GROW, 0, PAGE, 2 * PAGE, -EFAULT },
	{ "grow wrapping", GROW, 0, UINT64_MAX, 1, -EFAULT },
	{ "grow the last page", GROW, (HEAP_PAGES - 1) * PAGE, PAGE, 2 * PAGE, -ENOMEM },
	{ "grow beyond the heap", GROW, (HEAP_PAGES - 1) * PAGE, PAGE, UINT64_MAX, -ENOMEM },
	{ "move to a size that wraps", MOVE, (HEAP_PAGES - 1) * PAGE, PAGE, UINT64_MAX, -ENOMEM },
	{ "move to the heap's size", MOVE, (HEAP_PAGES - 1) * PAGE, PAGE, HEAP_PAGES *PAGE,
	  -ENOMEM },
	{ "move out of the heap", MOVE, HEAP_PAGES *PAGE, PAGE, PAGE, -EFAULT },
};

static int64_t ask(size_t row)
{
	uint64_t address = heap + hostile[row].address;
	uint64_t size = hostile[row].size;
	uint64_t new_size = hostile[row].new_size;

	switch (hostile[row].call) {
	case MAP:
		return arena_map(&arena, 0, size, 0);
	case MAP_FIXED_:
		return arena_map(&arena, address, size, ARENA_FIXED);
	case UNMAP:
		return arena_unmap(&arena, address, size);
	case ZERO:
		return arena_zero(&arena, address, size);
	case GROW:
		return arena_remap(&arena, address, size, new_size, 0);
	case MOVE:
		return arena_remap(&arena, address, size, new_size, ARENA_MAY_MOVE);
	}
	return 0;
}

static void hostile_arguments_get_an_error_and_change_nothing(void **state)
{
	(void)state;
	uint64_t last = map(1); /* the last page of the heap is in use, and nothing else */
	put(last, 0x77, PAGE);
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		int64_t got = ask(i);
		if (got != hostile[i].want)
			fail_msg("%s: got %" PRId64 ", want %d", hostile[i].what, got,
				 hostile[i].want);
		assert_true(holds(last, 0x77, PAGE));
		assert_true(arena_is_used(&arena, last, PAGE));
		assert_int_equal(arena.nfree, HEAP_PAGES - 1);
	}
	assert_false(arena_is_used(&arena, UINT64_MAX, UINT64_MAX));
	assert_false(arena_is_used(&arena, last, UINT64_MAX));
	assert_false(arena_is_used(&arena, last + 1, UINT64_MAX));
	assert_false(arena_is_used(&arena, last + 1, PAGE));
	assert_true(arena_is_used(&arena, last + 1, PAGE - 1));
}

static void remapping_shrinks_grows_and_moves(void **state)
{
	(void)state;
	uint64_t at = heap + 50 * PAGE;
	assert_int_equal(arena_map(&arena, at, 4 * PAGE, ARENA_FIXED), at);
	put(at, 0x44, 4 * PAGE);
	assert_int_equal(arena_remap(&arena, at, 4 * PAGE, 4 * PAGE - 5, 0), at);
	assert_int_equal(arena_remap(&arena, at, 4 * PAGE, 2 * PAGE, 0), at);
	assert_false(arena_is_used(&arena, at + 2 * PAGE, PAGE));
	assert_int_equal(arena_remap(&arena, at, 2 * PAGE, 5 * PAGE, 0), at);
	assert_true(holds(at, 0x44, 2 * PAGE));
	assert_true(holds(at + 2 * PAGE, 0, 3 * PAGE));

	/* something is in the way */
	assert_int_equal(arena_map(&arena, at + 5 * PAGE, PAGE, ARENA_FIXED), at + 5 * PAGE);
	put(at + 2 * PAGE, 0x55, 3 * PAGE);
	assert_int_equal(arena_remap(&arena, at, 5 * PAGE, 6 * PAGE, 0), -ENOMEM);
	uint64_t to = heap_end - 7 * PAGE;
	assert_int_equal(arena_remap(&arena, at, 5 * PAGE, 7 * PAGE, ARENA_MAY_MOVE), to);
	assert_true(holds(to, 0x44, 2 * PAGE));
	assert_true(holds(to + 2 * PAGE, 0x55, 3 * PAGE));
	assert_true(holds(to + 5 * PAGE, 0, 2 * PAGE));
	assert_true(holds(at, 0, 5 * PAGE));
	assert_false(arena_is_used(&arena, at, 1));
	assert_true(arena_is_used(&arena, at + 5 * PAGE, PAGE));
}

static void zeroing_keeps_pages_in_use(void **state)
{
	(void)state;
	uint64_t at = map(20);
	put(at, 0x66, 20 * PAGE);
	assert_int_equal(arena_zero(&arena, at + PAGE, 18 * PAGE), 0);
	assert_true(holds(at, 0x66, PAGE));
	assert_true(holds(at + PAGE, 0, 18 * PAGE));
	assert_true(holds(at + 19 * PAGE, 0x66, PAGE));
	assert_true(arena_is_used(&arena, at, 20 * PAGE));
	assert_int_equal(arena_zero(&arena, at, 0), 0);
}

static void pages_that_cannot_be_zeroed_are_given_to_nobody(void **state)
{
	(void)state;
	uint64_t at = map(2);
	uint8_t *bytes;
	struct shared_mem *ram = guest_memory_ram(memory);
	put(at, 0x88, 2 * PAGE);
	assert_int_equal(shared_mem_lock(ram, &bytes, NULL), MOTE_OK);
	assert_int_equal(arena_unmap(&arena, at, 2 * PAGE), 0);
	assert_int_equal(arena_map(&arena, at, PAGE, ARENA_FIXED), -ENOMEM);
	assert_int_equal(arena_zero(&arena, at, PAGE), -ENOMEM);
	assert_int_equal(arena_remap(&arena, at, 2 * PAGE, PAGE, 0), at);
	shared_mem_unlock(ram);
	assert_true(arena_is_used(&arena, at, 2 * PAGE));
	assert_int_equal(map(1), at - PAGE);
	assert_int_equal(arena_unmap(&arena, at, 2 * PAGE), 0);
	assert_int_equal(map(2), at);
	assert_true(holds(at, 0, 2 * PAGE));
}

static void a_move_has_a_limit(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	struct guest_memory *large;
	struct arena big;
	struct host host;
	host_init(&host);
	config.nsegments = 0;
	config.heap_size = 4 * ARENA_MOVE_MAX;
	assert_int_equal(guest_memory_new(&large, &host, &config, NULL, SHARED_MEM_PRIVATE, NULL),
			 MOTE_OK);
	assert_int_equal(arena_init(&big, &host, large, NULL), MOTE_OK);
	int64_t at = arena_map(&big, 0, ARENA_MOVE_MAX + PAGE, 0);
	assert_true(at > 0);
	assert_int_equal(arena_remap(&big, (uint64_t)at, ARENA_MOVE_MAX + PAGE, 2 * ARENA_MOVE_MAX,
				     ARENA_MAY_MOVE),
			 -ENOMEM);
	assert_int_equal(arena_unmap(&big, (uint64_t)at, PAGE), 0);
	assert_true(arena_remap(&big, (uint64_t)at + PAGE, ARENA_MOVE_MAX, 2 * ARENA_MOVE_MAX,
				ARENA_MAY_MOVE) > 0);
	arena_fini(&big);
	guest_memory_free(large);
}

/* The model: what each page holds, or that it is free. A used page holds one value. */
enum { FREE = -1 };
static int model[HEAP_PAGES];
static uint64_t model_break; /* pages */
static uint64_t random_state = 88172645463325252u;

/* xorshift: the same sequence on every run. */
static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static bool model_is(uint64_t first, uint64_t count, bool used)
{
	if (first > HEAP_PAGES || count > HEAP_PAGES - first)
		return false;
	for (uint64_t i = first; i < first + count; i++)
		if ((model[i] != FREE) != used)
			return false;
	return true;
}

static int64_t model_place(uint64_t count)
{
	for (int64_t first = HEAP_PAGES - (int64_t)count; first >= 0; first--)
		if (model_is((uint64_t)first, count, false))
			return first;
	return -1;
}

static void model_set(uint64_t first, uint64_t count, int value)
{
	for (uint64_t i = first; i < first + count; i++)
		model[i] = value;
}

static void compare(uint64_t round)
{
	uint64_t nfree = 0;
	for (uint64_t i = 0; i < HEAP_PAGES; i++) {
		if (model[i] == FREE)
			nfree++;
		if (arena_is_used(&arena, heap + i * PAGE, PAGE) != (model[i] != FREE) ||
		    !holds(heap + i * PAGE, model[i] == FREE ? 0 : (uint8_t)model[i], PAGE))
			fail_msg("round %" PRIu64 ": page %" PRIu64 " is not as the model says",
				 round, i);
	}
	assert_int_equal(arena.nfree, nfree);
}

/* The guest writes to pages that are in use. */
static void scribble(uint64_t first, uint64_t count)
{
	for (uint64_t i = first; i < first + count; i++) {
		model[i] = (int)random_below(256);
		put(heap + i * PAGE, (uint8_t)model[i], PAGE);
	}
}

static void random_map(uint64_t first, uint64_t count)
{
	unsigned kind = (unsigned)random_below(4);
	uint64_t address = heap + first * PAGE;
	int64_t place = model_place(count);
	int64_t want = place < 0 ? -ENOMEM : (int64_t)heap + place * (int64_t)PAGE;
	unsigned flags = 0;

	if (kind == 0)
		address = 0;
	else if (kind == 1 && model_is(first, count, false))
		want = (int64_t)address;
	else if (kind == 2)
		flags = ARENA_FIXED;
	else if (kind == 3)
		flags = ARENA_FIXED | ARENA_NO_REPLACE;
	if (flags)
		want = first + count > HEAP_PAGES ? -ENOMEM : (int64_t)address;
	if (kind == 3 && want > 0 && !model_is(first, count, false))
		want = -EEXIST;

	int64_t got = arena_map(&arena, address, count * PAGE - random_below(PAGE), flags);
	assert_int_equal(got, want);
	if (got <= 0)
		return;
	first = ((uint64_t)got - heap) / PAGE;
	model_set(first, count, 0);
	scribble(first, random_below(count + 1));
}

static void random_unmap(uint64_t first, uint64_t count)
{
	bool inside = first + count <= HEAP_PAGES;
	int64_t got = arena_unmap(&arena, heap + first * PAGE, count * PAGE);
	assert_int_equal(got, inside ? 0 : -EINVAL);
	if (inside)
		model_set(first, count, FREE);
}

static void random_break(uint64_t first, uint64_t unused)
{
	(void)unused;
	bool grows = first > model_break;
	bool works = !grows || model_is(model_break, first - model_break, false);
	uint64_t got = arena_brk(&arena, heap + first * PAGE);
	assert_int_equal(got, heap + (works ? first : model_break) * PAGE);
	if (!works)
		return;
	if (grows) {
		model_set(model_break, first - model_break, 0);
		scribble(model_break, first - model_break);
	} else {
		model_set(first, model_break - first, FREE);
	}
	model_break = first;
}

static void random_remap(uint64_t first, uint64_t count)
{
	uint64_t more = 1 + random_below(40);
	unsigned flags = random_below(2) ? ARENA_MAY_MOVE : 0;
	int64_t place = flags ? model_place(more) : -1;
	int64_t want = (int64_t)(heap + first * PAGE);
	bool moves = false;

	if (!model_is(first, count, true)) {
		want = -EFAULT;
	} else if (more > count && !model_is(first + count, more - count, false)) {
		moves = place >= 0;
		want = moves ? (int64_t)heap + place * (int64_t)PAGE : -ENOMEM;
	}
	assert_int_equal(arena_remap(&arena, heap + first * PAGE, count * PAGE, more * PAGE, flags),
			 want);
	if (want < 0)
		return;
	if (moves) {
		model_set((uint64_t)place, more, 0);
		memcpy(model + place, model + first, count * sizeof model[0]);
		model_set(first, count, FREE);
	} else if (more < count) {
		model_set(first + more, count - more, FREE);
	} else {
		model_set(first + count, more - count, 0);
	}
}

static void random_zero(uint64_t first, uint64_t count)
{
	bool works = model_is(first, count, true);
	int64_t got = arena_zero(&arena, heap + first * PAGE, count * PAGE);
	assert_int_equal(got, works ? 0 : -ENOMEM);
	if (works)
		model_set(first, count, 0);
}

static void random_operations_agree_with_the_model(void **state)
{
	(void)state;
	static void (*const operations[])(uint64_t first, uint64_t count) = {
		random_map,   random_map,   random_unmap, random_unmap,
		random_break, random_remap, random_zero,
	};
	model_set(0, HEAP_PAGES, FREE);
	model_break = 0;
	for (uint64_t round = 0; round < 6000; round++) {
		uint64_t first = random_below(HEAP_PAGES);
		uint64_t count = 1 + random_below(round % 50 == 0 ? 300 : 24);
		operations[random_below(7)](first, count);
		if (round % 16 == 0)
			compare(round);
	}
	compare(6000);
}

static mote_status make(const struct host *host, void *user, mote_error *err)
{
	(void)user;
	struct arena other;
	mote_status status = arena_init(&other, host, memory, err);
	arena_fini(&other);
	return status;
}

/* A million calls that make, cut and give up areas: the host's memory is asked for nothing. */
static void areas_allocate_nothing(void **state)
{
	(void)state;
	const struct host *host = arena.host;

	arena.host = NULL; /* who allocates crashes */
	for (unsigned round = 0; round < 1000000 / HEAP_PAGES / 2; round++) {
		for (unsigned i = 0; i < HEAP_PAGES; i++)
			assert_int_equal(arena_map(&arena, 0, PAGE, 0), heap_end - (i + 1) * PAGE);
		assert_int_equal(arena_map(&arena, 0, PAGE, 0), -ENOMEM);
		for (uint64_t at = heap; at < heap_end; at += 2 * PAGE)
			assert_int_equal(arena_unmap(&arena, at, PAGE), 0);
		assert_int_equal(arena_map(&arena, 0, 2 * PAGE, 0), -ENOMEM);
		assert_int_equal(arena_unmap(&arena, heap, HEAP_PAGES * PAGE), 0);
	}
	arena.host = host;
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	struct host host;
	host_init(&host);
	config.nsegments = 0;
	assert_int_equal(guest_memory_new(&memory, &host, &config, NULL, SHARED_MEM_PRIVATE, NULL),
			 MOTE_OK);
	fail_each_operation(make, NULL, NULL);
	guest_memory_free(memory);
}

#define WITH_HEAP(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HEAP(mappings_come_from_the_top_and_the_break_from_the_bottom),
		WITH_HEAP(the_break_stops_at_a_mapping),
		WITH_HEAP(the_break_refuses_what_is_not_in_the_heap),
		WITH_HEAP(pages_given_up_come_back_as_zeroes),
		WITH_HEAP(parts_of_a_mapping_can_be_given_up),
		WITH_HEAP(hints_are_taken_when_free),
		WITH_HEAP(fixed_mappings_replace_or_do_not),
		WITH_HEAP(hostile_arguments_get_an_error_and_change_nothing),
		WITH_HEAP(remapping_shrinks_grows_and_moves),
		WITH_HEAP(zeroing_keeps_pages_in_use),
		WITH_HEAP(pages_that_cannot_be_zeroed_are_given_to_nobody),
		WITH_HEAP(random_operations_agree_with_the_model),
		WITH_HEAP(areas_allocate_nothing),
		cmocka_unit_test(a_move_has_a_limit),
		cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

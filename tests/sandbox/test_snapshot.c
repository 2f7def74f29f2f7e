/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore undoes of the host's own doing: the book-keeping of the heap, and what it wrote
 * into guest memory itself, which no hypervisor reports.
 */
#include "sandbox/sandbox_box.h"

#include "sandbox/snapshot.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define PAGE UINT64_C(4096)

/* Every test runs on both kinds of backend. */
static struct sandbox_box box;
static mote_snapshot *clean;

static mote_snapshot *take(void)
{
	mote_snapshot *snapshot;

	sandbox_box_expect(&box, mote_snapshot_take(&snapshot, box.sb, &box.err), MOTE_OK, NULL);
	return snapshot;
}

static int set_up(const struct hv_backend *backend)
{
	sandbox_box_init(&box, backend);
	sandbox_box_start(&box, NULL);
	clean = take();
	return 0;
}

static int setup_machine(void **state)
{
	(void)state;
	return set_up(&fake_machine);
}

static int setup_process(void **state)
{
	(void)state;
	return set_up(&fake_process);
}

static int teardown(void **state)
{
	(void)state;
	mote_snapshot_unref(clean);
	sandbox_box_fini(&box);
	return 0;
}

static void restore(const mote_snapshot *snapshot)
{
	sandbox_box_expect(&box, mote_sandbox_restore(box.sb, snapshot, &box.err), MOTE_OK, NULL);
}

/* The system call that the guest makes next, and what it got for the last one. */
static struct {
	uint64_t number, args[6];
	uint64_t result;
} asked;

static bool step_ask(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, asked.number, asked.args);
}

static bool step_take_answer(struct fake_vm *vm, struct hv_exit *exit)
{
	asked.result = vm->regs.rax;
	return step_done_void(vm, exit);
}

/* What the system call gives in a call of its own. */
static uint64_t ask(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	asked.number = number;
	memcpy(asked.args, (const uint64_t[6]){ a, b, c, d, UINT64_MAX }, sizeof asked.args);
	SET_STEPS(&box, step_ask, step_take_answer);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	return asked.result;
}

static uint64_t map(uint64_t size)
{
	uint64_t at = ask(SYS_mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	assert_true(at < MOTE_ADDRESS_END);
	return at;
}

static void unmap(uint64_t at, uint64_t size)
{
	assert_int_equal(ask(SYS_munmap, at, size, 0, 0), 0);
}

static uint64_t move_break(uint64_t to)
{
	return ask(SYS_brk, to, 0, 0, 0);
}

/* Byte by byte what SNAPSHOT has. */
static void expect_arena_of(const mote_snapshot *snapshot)
{
	struct arena_state now;
	const struct arena_state *want = &mote_snapshot_of(snapshot->guest)->arena;

	assert_int_equal(arena_save(&now, &mote_guest_of(box.sb->guest)->arena, NULL), MOTE_OK);
	assert_int_equal(now.brk, want->brk);
	assert_int_equal(now.nfree, want->nfree);
	assert_int_equal(now.ceiling, want->ceiling);
	assert_int_equal(now.npages, want->npages);
	assert_memory_equal(now.used, want->used, now.npages / 8);
	arena_state_fini(&now, &box.sb->rt->host);
}

static void what_was_mapped_is_free_again(void **state)
{
	(void)state;
	uint64_t first = 0;

	for (int i = 0; i < 3; i++) {
		const uint64_t at = map(10 * PAGE);
		assert_true(map(PAGE) != at);
		if (i == 0)
			first = at;
		assert_int_equal(at, first); /* nothing of the last round is in its way */
		restore(clean);
		expect_arena_of(clean);
	}
}

static void what_was_unmapped_is_in_use_again(void **state)
{
	(void)state;
	const uint64_t at = map(10 * PAGE);
	mote_snapshot *later = take();

	for (int i = 0; i < 3; i++) {
		unmap(at + 2 * PAGE, 3 * PAGE);
		restore(later);
		expect_arena_of(later);
		/* nobody else gets it */
		const uint64_t other = map(3 * PAGE);
		assert_true(other + 3 * PAGE <= at || other >= at + 10 * PAGE);
		restore(later);
	}
	mote_snapshot_unref(later);
}

static void the_break_goes_back(void **state)
{
	(void)state;
	const uint64_t start = move_break(0);

	assert_int_equal(move_break(start + 5 * PAGE + 1), start + 5 * PAGE + 1);
	mote_snapshot *later = take();
	assert_int_equal(move_break(start + 9 * PAGE), start + 9 * PAGE);
	restore(later);
	assert_int_equal(move_break(0), start + 5 * PAGE + 1);
	restore(clean);
	assert_int_equal(move_break(0), start);
	expect_arena_of(clean);
	/* and forth, without a change in between */
	restore(later);
	expect_arena_of(later);
	assert_int_equal(move_break(0), start + 5 * PAGE + 1);
	mote_snapshot_unref(later);
}

static bool step_done_bytes(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_result(vm, &(struct wire_result){ .value = mote_bytes("", 0) });
	return step_done(vm, exit);
}

/* How many bytes of the input buffer, behind its stack pointer, are not zero. */
static size_t count_input(void)
{
	static uint8_t bytes[1 << 20];
	const struct region *input =
		layout_get(guest_memory_layout(box_memory(&box)), REGION_INPUT);
	const size_t size = (size_t)input->size;
	size_t count = 0;

	assert_true(size <= sizeof bytes);
	assert_int_equal(mote_sandbox_read(box.sb, input->va, bytes, size, NULL), MOTE_OK);
	for (size_t i = IO_STACK_HEAD; i < size; i++)
		count += bytes[i] != 0;
	return count;
}

/* A guest that leaves its arguments where they are: the host wrote them, so the host forgets them. */
static void arguments_are_forgotten(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 100, 600, 1200, 1 };
	static char text[1201];
	mote_value args[11];

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		memset(text, 'a' + (int)i, sizeof text);
		text[lengths[i]] = '\0';
		for (size_t j = 0; j < 11; j++)
			args[j] = mote_str(text);
		SET_STEPS(&box, step_done_bytes);
		sandbox_box_expect(&box, sandbox_box_call(&box, "Mid", args, 11, NULL), MOTE_OK,
				   NULL);
		assert_in_range(count_input(), 11 * lengths[i] + 1, SIZE_MAX);
		restore(clean);
		assert_int_equal(count_input(), 0);
	}
}

static uint64_t written_pages;

/* The guest writes to the heap's first pages. */
static bool step_write_heap(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct layout *layout = guest_memory_layout(mote_guest_of(box.sb->guest)->memory);
	const struct region *heap = layout_get(layout, REGION_HEAP);

	for (uint64_t i = 0; i < written_pages; i++)
		*(char *)fake_at(vm, heap->va + i * PAGE) = 1;
	return step_done_void(vm, exit);
}

/* A backend that watches only where that pays is asked again when there is more, and no oftener. */
static void a_backend_that_knows_nothing_is_asked_as_pages_grow(void **state)
{
	(void)state;
	static const struct {
		uint64_t npages;
		unsigned watches;
	} rows[] = { { 0, 1 },   { 0, 0 },   { 10, 0 },   { 200, 1 },
		     { 200, 0 }, { 250, 0 }, { 1000, 1 }, { 0, 0 } };

	fake.loses_writes = true;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const unsigned before = fake.nwatches;
		written_pages = rows[i].npages;
		SET_STEPS(&box, step_write_heap);
		sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK,
				   NULL);
		restore(clean);
		assert_int_equal(fake.nwatches - before, rows[i].watches);
	}
	fake.loses_writes = false;
}

#define ON_BOTH(test)                                                                              \
	{ #test " [machine]", test, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#test " [process]", test, setup_process, teardown, NULL                            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(what_was_mapped_is_free_again),
		ON_BOTH(what_was_unmapped_is_in_use_again),
		ON_BOTH(the_break_goes_back),
		ON_BOTH(arguments_are_forgotten),
		cmocka_unit_test_setup_teardown(a_backend_that_knows_nothing_is_asked_as_pages_grow,
						setup_process, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

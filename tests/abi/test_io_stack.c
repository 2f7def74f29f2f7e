/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O buffers between two sides that do not trust each other: every value that
 * the other side can write is checked at its edges, reported with its numbers,
 * and read once, also while it is being changed.
 */
#include "abi/io_stack.h"
#include "fenced.h"
#include "kit/guest_side.h"

#include <pthread.h>
#include <stdatomic.h>

#define SIZE 256

static struct io_stack new_stack(uint64_t size)
{
	struct io_stack stack = { fenced_space(size), size };
	memset(stack.base, 0, size);
	io_stack_init(&stack);
	return stack;
}

static uint64_t get64(const struct io_stack *stack, uint64_t at)
{
	uint64_t value;
	memcpy(&value, stack->base + at, sizeof(value));
	return value;
}

static void set64(const struct io_stack *stack, uint64_t at, uint64_t value)
{
	memcpy(stack->base + at, &value, sizeof(value));
}

static void set32(const struct io_stack *stack, uint64_t at, uint32_t value)
{
	memcpy(stack->base + at, &value, sizeof(value));
}

static void assert_fault(const char *what, const struct io_fault *got, const struct io_fault *want)
{
	if (got->status != want->status || got->found != want->found || got->low != want->low ||
	    got->high != want->high)
		fail_msg("%s: got %s (%d) %llu outside %llu..%llu, want %s (%d) %llu outside "
			 "%llu..%llu",
			 what, io_status_text(got->status), got->status,
			 (unsigned long long)got->found, (unsigned long long)got->low,
			 (unsigned long long)got->high, io_status_text(want->status), want->status,
			 (unsigned long long)want->found, (unsigned long long)want->low,
			 (unsigned long long)want->high);
}

/* A message of LEN bytes with a right size prefix, its bytes all FILL. */
static const uint8_t *message(uint64_t len, uint8_t fill)
{
	static uint8_t bytes[SIZE];
	uint32_t prefix = (uint32_t)len - 4;
	memset(bytes, fill, sizeof(bytes));
	memcpy(bytes, &prefix, sizeof(prefix));
	return bytes;
}

static void elements_lie_as_the_format_says(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	(void)state;

	assert_int_equal(get64(&stack, 0), 8);
	assert_true(io_stack_push(&stack, message(12, 'a'), 12, &fault));
	assert_memory_equal(stack.base + 8, message(12, 'a'), 12);
	assert_int_equal(get64(&stack, 20), 8);
	assert_int_equal(get64(&stack, 0), 28);
	assert_true(io_stack_push(&stack, message(8, 'b'), 8, &fault));
	assert_int_equal(get64(&stack, 36), 28);
	assert_int_equal(get64(&stack, 0), 44);
}

static void what_was_pushed_last_is_popped_first_and_zeroed(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint8_t got[SIZE];
	static const uint8_t zeros[SIZE];
	(void)state;

	assert_true(io_stack_push(&stack, message(13, 'a'), 13, &fault));
	assert_true(io_stack_push(&stack, message(9, 'b'), 9, &fault));
	assert_int_equal(io_stack_pop(&stack, got, 9, &fault), 9);
	assert_memory_equal(got, message(9, 'b'), 9);
	assert_int_equal(get64(&stack, 0), 29);
	assert_memory_equal(stack.base + 29, zeros, SIZE - 29);
	assert_int_equal(io_stack_pop(&stack, got, sizeof(got), &fault), 13);
	assert_memory_equal(got, message(13, 'a'), 13);
	assert_int_equal(get64(&stack, 0), 8);
	assert_memory_equal(stack.base + 8, zeros, SIZE - 8);
	assert_int_equal(io_stack_pop(&stack, got, sizeof(got), &fault), 0);
	assert_fault("both popped", &fault, &(struct io_fault){ IO_EMPTY, 8, 16, SIZE });
}

static void a_message_shorter_than_its_element_is_popped_alone(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint8_t got[SIZE];
	(void)state;

	assert_true(io_stack_push(&stack, message(40, 'a'), 40, &fault));
	set32(&stack, 8, 6);
	memset(got, 0x55, sizeof(got));
	assert_int_equal(io_stack_pop(&stack, got, sizeof(got), &fault), 10);
	assert_memory_equal(got + 4, "aaaaaa\x55", 7);
	assert_int_equal(get64(&stack, 0), 8);
}

static void the_largest_element_fills_the_buffer(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint8_t got[SIZE];
	(void)state;

	assert_true(io_stack_push(&stack, message(SIZE - 16, 'a'), SIZE - 16, &fault));
	assert_int_equal(get64(&stack, 0), SIZE);
	assert_false(io_stack_push(&stack, message(8, 'b'), 8, &fault));
	assert_fault("full", &fault, &(struct io_fault){ IO_NO_SPACE, 8, 8, 0 });
	assert_int_equal(io_stack_pop(&stack, got, sizeof(got), &fault), SIZE - 16);
	assert_false(io_stack_push(&stack, message(SIZE - 15, 'a'), SIZE - 15, &fault));
	assert_fault("one byte too many", &fault,
		     &(struct io_fault){ IO_NO_SPACE, SIZE - 15, 8, SIZE - 16 });
}

static const struct {
	const char *what;
	uint64_t sp;
	uint64_t len;
	struct io_fault want;
} push_rows[] = {
	{ "stack pointer in the head", 7, 8, { IO_BAD_SP, 7, 8, SIZE } },
	{ "stack pointer 0", 0, 8, { IO_BAD_SP, 0, 8, SIZE } },
	{ "stack pointer at the end", SIZE, 8, { IO_NO_SPACE, 8, 8, 0 } },
	{ "stack pointer past the end", SIZE + 1, 8, { IO_BAD_SP, SIZE + 1, 8, SIZE } },
	{ "stack pointer -1", UINT64_MAX, 8, { IO_BAD_SP, UINT64_MAX, 8, SIZE } },
	{ "stack pointer that wraps with the length",
	  UINT64_MAX - 7,
	  16,
	  { IO_BAD_SP, UINT64_MAX - 7, 8, SIZE } },
	{ "nothing", 8, 0, { IO_TOO_SHORT, 0, 8, SIZE - 16 } },
	{ "seven bytes could never be popped", 8, 7, { IO_TOO_SHORT, 7, 8, SIZE - 16 } },
	{ "one byte too many", 8, SIZE - 15, { IO_NO_SPACE, SIZE - 15, 8, SIZE - 16 } },
	{ "length that wraps with the trailer",
	  8,
	  UINT64_MAX - 7,
	  { IO_NO_SPACE, UINT64_MAX - 7, 8, SIZE - 16 } },
	{ "length -1", 8, UINT64_MAX, { IO_NO_SPACE, UINT64_MAX, 8, SIZE - 16 } },
	{ "no room for the trailer", SIZE - 15, 8, { IO_NO_SPACE, 8, 8, 7 } },
	{ "less room than a trailer", SIZE - 7, 8, { IO_NO_SPACE, 8, 8, 0 } },
};

static void each_refusal_to_push_has_its_numbers(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	static const uint8_t zeros[SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof(push_rows) / sizeof(push_rows[0]); i++) {
		struct io_fault fault = { IO_OK, 0, 0, 0 };
		set64(&stack, 0, push_rows[i].sp);
		assert_null(io_stack_reserve(&stack, push_rows[i].len, &fault));
		assert_fault(push_rows[i].what, &fault, &push_rows[i].want);
		assert_false(io_stack_push(&stack, zeros, push_rows[i].len, &fault));
		assert_int_equal(get64(&stack, 0), push_rows[i].sp);
		assert_memory_equal(stack.base + 8, zeros, SIZE - 8);
	}
}

/* One element of 24 bytes at 8: back pointer at 32, SP 40. */
static const struct {
	const char *what;
	uint64_t sp;
	uint64_t back;
	uint32_t prefix;
	uint64_t capacity;
	struct io_fault want;
} pop_rows[] = {
	{ "empty", 8, 8, 20, SIZE, { IO_EMPTY, 8, 16, SIZE } },
	{ "stack pointer 0", 0, 8, 20, SIZE, { IO_BAD_POP_SP, 0, 16, SIZE } },
	{ "stack pointer in the head", 7, 8, 20, SIZE, { IO_BAD_POP_SP, 7, 16, SIZE } },
	{ "no room for a back pointer", 15, 8, 20, SIZE, { IO_BAD_POP_SP, 15, 16, SIZE } },
	{ "stack pointer past the end",
	  SIZE + 1,
	  8,
	  20,
	  SIZE,
	  { IO_BAD_POP_SP, SIZE + 1, 16, SIZE } },
	{ "stack pointer -1", UINT64_MAX, 8, 20, SIZE, { IO_BAD_POP_SP, UINT64_MAX, 16, SIZE } },
	{ "stack pointer 9000", 9000, 8, 20, SIZE, { IO_BAD_POP_SP, 9000, 16, SIZE } },
	{ "back pointer in the head", 40, 7, 20, SIZE, { IO_BAD_BACK, 7, 8, 24 } },
	{ "back pointer 0", 40, 0, 20, SIZE, { IO_BAD_BACK, 0, 8, 24 } },
	{ "seven bytes of data", 40, 25, 20, SIZE, { IO_BAD_BACK, 25, 8, 24 } },
	{ "back pointer at itself", 40, 32, 20, SIZE, { IO_BAD_BACK, 32, 8, 24 } },
	{ "back pointer -1", 40, UINT64_MAX, 20, SIZE, { IO_BAD_BACK, UINT64_MAX, 8, 24 } },
	{ "prefix that wraps",
	  40,
	  8,
	  0xfffffffc,
	  SIZE,
	  { IO_PREFIX_WRAPS, 0xfffffffc, 0, 0xfffffffb } },
	{ "prefix -1", 40, 8, 0xffffffff, SIZE, { IO_PREFIX_WRAPS, 0xffffffff, 0, 0xfffffffb } },
	{ "the highest prefix that does not wrap",
	  40,
	  8,
	  0xfffffffb,
	  SIZE,
	  { IO_PREFIX_TOO_BIG, 0xffffffff, 4, 24 } },
	{ "prefix over the back pointer", 40, 8, 21, SIZE, { IO_PREFIX_TOO_BIG, 25, 4, 24 } },
	{ "prefix of the next element too", 40, 16, 13, SIZE, { IO_PREFIX_TOO_BIG, 17, 4, 16 } },
	{ "no room at the caller's", 40, 8, 20, 23, { IO_NO_ROOM, 24, 4, 23 } },
};

static void each_refusal_to_pop_has_its_numbers_and_changes_nothing(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	uint8_t before[SIZE], got[SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof(pop_rows) / sizeof(pop_rows[0]); i++) {
		struct io_fault fault = { IO_OK, 0, 0, 0 };
		set64(&stack, 0, pop_rows[i].sp);
		set64(&stack, 32, pop_rows[i].back);
		set32(&stack, 8, 20);
		set32(&stack, pop_rows[i].back == 16 ? 16 : 8, pop_rows[i].prefix);
		memcpy(before, stack.base, SIZE);
		assert_int_equal(io_stack_pop(&stack, got, pop_rows[i].capacity, &fault), 0);
		assert_fault(pop_rows[i].what, &fault, &pop_rows[i].want);
		assert_memory_equal(stack.base, before, SIZE);
	}
}

static void the_lowest_stack_pointers_hold_no_element(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint8_t got[SIZE];
	(void)state;
	/* From 16 to 23 a back pointer fits, but no data before it. */
	for (uint64_t sp = 16; sp < 24; sp++) {
		set64(&stack, 8, 0);
		set64(&stack, sp - 8, 8);
		set64(&stack, 0, sp);
		assert_int_equal(io_stack_pop_raw(&stack, got, SIZE, &fault), 0);
		assert_int_equal(fault.status, sp == 16 ? IO_BAD_BACK : fault.status);
		assert_int_not_equal(fault.status, IO_OK);
		assert_int_equal(fault.low, sp >= 16 ? 8 : 16);
		assert_int_equal(fault.high, sp - 16);
	}
}

static void raw_elements_are_popped_whole(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint8_t got[SIZE];
	static const uint8_t zeros[SIZE];
	(void)state;

	assert_true(io_stack_push(&stack, "no prefix in here", 17, &fault));
	assert_int_equal(io_stack_pop_raw(&stack, got, 16, &fault), 0);
	assert_fault("no room", &fault, &(struct io_fault){ IO_NO_ROOM, 17, 8, 16 });
	assert_int_equal(io_stack_pop_raw(&stack, got, 17, &fault), 17);
	assert_memory_equal(got, "no prefix in here", 17);
	assert_int_equal(get64(&stack, 0), 8);
	assert_memory_equal(stack.base + 8, zeros, SIZE - 8);
	assert_int_equal(io_stack_pop_raw(&stack, got, SIZE, &fault), 0);
	assert_int_equal(fault.status, IO_EMPTY);
}

static void the_top_can_be_used_in_place(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint64_t len = 0;
	(void)state;

	assert_null(io_stack_peek(&stack, &len, &fault));
	assert_int_equal(fault.status, IO_EMPTY);
	assert_true(io_stack_push(&stack, message(16, 'a'), 16, &fault));
	assert_true(io_stack_push(&stack, message(24, 'b'), 24, &fault));
	assert_ptr_equal(io_stack_peek(&stack, &len, &fault), stack.base + 32);
	assert_int_equal(len, 24);
	assert_int_equal(get64(&stack, 0), 64);
	io_stack_drop(&stack, stack.base + 32);
	assert_ptr_equal(io_stack_peek(&stack, &len, &fault), stack.base + 8);
	assert_int_equal(len, 16);
	io_stack_drop(&stack, stack.base + 8);
	assert_null(io_stack_peek(&stack, &len, &fault));
	assert_int_equal(fault.status, IO_EMPTY);
	set64(&stack, 0, SIZE + 8);
	assert_null(io_stack_peek(&stack, &len, &fault));
	assert_int_equal(fault.status, IO_BAD_POP_SP);
}

static void an_element_is_written_in_place_and_seen_when_committed(void **state)
{
	struct io_stack stack = new_stack(SIZE);
	struct io_fault fault;
	uint8_t got[SIZE];
	(void)state;

	uint8_t *element = io_stack_reserve(&stack, 20, &fault);
	assert_ptr_equal(element, stack.base + 8);
	memcpy(element, message(20, 'a'), 20);
	assert_int_equal(io_stack_pop(&stack, got, SIZE, &fault), 0);
	assert_int_equal(fault.status, IO_EMPTY);
	/* Whatever the other side does to SP in between, the element is where it was written. */
	set64(&stack, 0, 100);
	io_stack_commit(&stack, element, 20);
	assert_int_equal(io_stack_pop(&stack, got, SIZE, &fault), 20);
	assert_memory_equal(got, message(20, 'a'), 20);
}

static void clearing_zeroes_what_was_used(void **state)
{
	static const uint64_t pointers[] = { 8, 40, SIZE, 0, 7, SIZE + 1, UINT64_MAX };
	static const uint8_t zeros[SIZE];
	struct io_stack stack = new_stack(SIZE);
	(void)state;
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		uint64_t used = pointers[i] == 8 ? 8 : pointers[i] == 40 ? 40 : SIZE;
		memset(stack.base, 0xaa, SIZE);
		set64(&stack, 0, pointers[i]);
		io_stack_clear(&stack);
		assert_int_equal(get64(&stack, 0), 8);
		assert_memory_equal(stack.base + 8, zeros, used - 8);
		for (uint64_t at = used; at < SIZE; at++)
			assert_int_equal(stack.base[at], 0xaa);
	}
}

static void a_buffer_of_any_size_and_content_is_safe(void **state)
{
	uint8_t got[64];
	(void)state;
	for (uint64_t size = 8; size <= 48; size++) {
		struct io_stack stack = new_stack(size);
		for (uint64_t sp = 0; sp <= size + 8; sp++) {
			for (uint64_t back = 0; back <= size + 8; back++) {
				struct io_fault fault = { IO_OK, 0, 0, 0 };
				memset(stack.base, 1, size);
				set64(&stack, 0, sp);
				if (sp >= 16 && sp <= size)
					set64(&stack, sp - 8, back);
				uint64_t n = io_stack_pop_raw(&stack, got, sizeof(got), &fault);
				bool sound = sp >= 24 && sp <= size && back >= 8 && back <= sp - 16;
				assert_int_equal(n, sound ? sp - back - 8 : 0);
				assert_int_equal(fault.status != IO_OK, !sound);
				io_stack_push(&stack, got, size, &fault);
			}
		}
	}
}

static void every_status_has_words(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= IO_NO_ROOM; i++)
		assert_non_null(io_status_text((enum io_status)i));
	assert_string_equal(io_status_text(IO_BAD_POP_SP), "stack pointer");
	assert_string_equal(io_status_text((enum io_status)(IO_NO_ROOM + 1)), "unknown value");
	assert_string_equal(io_status_text((enum io_status) - 1), "unknown value");
}

/*
 * The other side, while we pop: SP, back pointer and size prefix jump between sound and
 * wild. Volatile, so that each store happens.
 */
struct scribbler {
	struct io_stack stack;
	atomic_bool stop;
};

GUEST_SIDE static void *scribble(void *argument)
{
	struct scribbler *s = argument;
	typedef volatile uint64_t __attribute__((aligned(1))) raw64;
	typedef volatile uint32_t __attribute__((aligned(1))) raw32;
	static const uint64_t pointers[] = { 72, 0, 72, UINT64_MAX, 72, SIZE + 64 };
	static const uint64_t backs[] = { 8, 9, 8, 56, UINT64_MAX, 8, 0 };
	static const uint32_t prefixes[] = { 52, 0xffffffff, 4, 53, 52 };

	for (size_t i = 0; !atomic_load_explicit(&s->stop, memory_order_relaxed); i++) {
		*(raw64 *)s->stack.base = pointers[i % 6];
		*(raw64 *)(s->stack.base + 64) = backs[i % 7];
		*(raw32 *)(s->stack.base + 8) = prefixes[i % 5];
	}
	return NULL;
}

static void values_that_change_meanwhile_are_read_once(void **state)
{
	static struct scribbler s;
	pthread_t thread;
	unsigned popped = 0, refused = 0;
	(void)state;

	/* The buffer ends at a fence, and so does the caller's: each byte too far faults. */
	s.stack = new_stack(SIZE);
	uint8_t *own = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(own != MAP_FAILED);
	assert_int_equal(mprotect(own + 4096, 4096, PROT_NONE), 0);
	uint8_t *into = own + 4096 - 56;

	assert_int_equal(pthread_create(&thread, NULL, scribble, &s), 0);
	/* At least so long that the other thread had its turns, however busy the machine is. */
	for (unsigned round = 0; round < 1000000 || popped < 5 || refused < 5; round++) {
		struct io_fault fault;
		uint32_t prefix;
		uint64_t n = io_stack_pop(&s.stack, into, 56, &fault);
		if (n == 0) {
			refused++;
			/* The number reported is the number that was judged. */
			assert_true(fault.found < fault.low || fault.found > fault.high);
			continue;
		}
		popped++;
		memcpy(&prefix, into, sizeof(prefix));
		assert_int_equal(prefix, n - 4);
	}
	atomic_store(&s.stop, true);
	pthread_join(thread, NULL);
	munmap(own, 8192);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_lie_as_the_format_says),
		cmocka_unit_test(what_was_pushed_last_is_popped_first_and_zeroed),
		cmocka_unit_test(a_message_shorter_than_its_element_is_popped_alone),
		cmocka_unit_test(the_largest_element_fills_the_buffer),
		cmocka_unit_test(each_refusal_to_push_has_its_numbers),
		cmocka_unit_test(each_refusal_to_pop_has_its_numbers_and_changes_nothing),
		cmocka_unit_test(the_lowest_stack_pointers_hold_no_element),
		cmocka_unit_test(raw_elements_are_popped_whole),
		cmocka_unit_test(the_top_can_be_used_in_place),
		cmocka_unit_test(an_element_is_written_in_place_and_seen_when_committed),
		cmocka_unit_test(clearing_zeroes_what_was_used),
		cmocka_unit_test(a_buffer_of_any_size_and_content_is_safe),
		cmocka_unit_test(every_status_has_words),
		cmocka_unit_test(values_that_change_meanwhile_are_read_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

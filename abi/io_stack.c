/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The I/O buffers. Everything in them belongs to the other side too, so the rule
 * of this file is: a shared value is loaded by load32() or load64(), once, into a
 * local, and never looked at again in the buffer.
 */
#include "abi/io_stack.h"

#include <stdatomic.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the buffers are little-endian");

#define PREFIX_SIZE 4

/* At any address, and loaded or stored exactly once: volatile keeps the compiler from
 * going back to memory for a value that it has already. */
typedef volatile uint32_t __attribute__((aligned(1), may_alias)) shared32;
typedef volatile uint64_t __attribute__((aligned(1), may_alias)) shared64;

static uint32_t load32(const uint8_t *from)
{
	return *(const shared32 *)from;
}

static uint64_t load64(const uint8_t *from)
{
	return *(const shared64 *)from;
}

static void store64(uint8_t *to, uint64_t value)
{
	*(shared64 *)to = value;
}

/* Copies out of the buffer. Behind the fence the compiler may no longer read the source in
 * the place of the copy. */
static void copy_once(void *to, const uint8_t *from, uint64_t size)
{
	memcpy(to, from, size);
	atomic_signal_fence(memory_order_seq_cst);
}

static bool fail(struct io_fault *fault, enum io_status status, uint64_t found, uint64_t low,
		 uint64_t high)
{
	*fault = (struct io_fault){ status, found, low, high };
	return false;
}

const char *io_status_text(enum io_status status)
{
	static const char *const texts[] = {
		[IO_OK] = "nothing",
		[IO_BAD_SP] = "stack pointer",
		[IO_EMPTY] = "stack pointer",
		[IO_BAD_POP_SP] = "stack pointer",
		[IO_BAD_BACK] = "back pointer",
		[IO_PREFIX_WRAPS] = "size prefix",
		[IO_PREFIX_TOO_BIG] = "message size by its prefix",
		[IO_NO_SPACE] = "element size",
		[IO_TOO_SHORT] = "element size",
		[IO_NO_ROOM] = "message size",
	};
	return (unsigned)status < sizeof(texts) / sizeof(*texts) ? texts[status] : "unknown value";
}

void io_stack_init(const struct io_stack *stack)
{
	store64(stack->base, IO_STACK_HEAD);
}

void *io_stack_reserve(const struct io_stack *stack, uint64_t len, struct io_fault *fault)
{
	uint64_t sp = load64(stack->base);

	/* SP is the other side's as much as ours: also for a push it is only a claim. */
	if (sp < IO_STACK_HEAD || sp > stack->size) {
		fail(fault, IO_BAD_SP, sp, IO_STACK_HEAD, stack->size);
		return NULL;
	}
	uint64_t space = stack->size - sp;
	uint64_t room = space > IO_STACK_TRAILER ? space - IO_STACK_TRAILER : 0;
	if (len < IO_STACK_ELEMENT_MIN) {
		fail(fault, IO_TOO_SHORT, len, IO_STACK_ELEMENT_MIN, room);
		return NULL;
	}
	if (len > room) {
		fail(fault, IO_NO_SPACE, len, IO_STACK_ELEMENT_MIN, room);
		return NULL;
	}
	return stack->base + sp;
}

void io_stack_commit(const struct io_stack *stack, const void *element, uint64_t len)
{
	/* From the pointer, not from SP, which may have been changed since. */
	uint64_t start = (uint64_t)((const uint8_t *)element - stack->base);

	store64(stack->base + start + len, start);
	store64(stack->base, start + len + IO_STACK_TRAILER);
}

bool io_stack_push(const struct io_stack *stack, const void *from, uint64_t len,
		   struct io_fault *fault)
{
	void *element = io_stack_reserve(stack, len, fault);

	if (!element)
		return false;
	memcpy(element, from, len);
	io_stack_commit(stack, element, len);
	return true;
}

/* The top element: data at [start, start + len), its back pointer behind that, up to end. */
struct element {
	uint64_t start;
	uint64_t len;
	uint64_t end;
};

/*
 * Finds the top element. The back pointer is trusted only to lie where an element can start;
 * which one the other side means is its own affair, as all of the buffer is.
 */
static bool find_top(const struct io_stack *stack, struct element *top, struct io_fault *fault)
{
	const uint64_t lowest = IO_STACK_HEAD + IO_STACK_TRAILER;
	const uint64_t shortest = IO_STACK_ELEMENT_MIN + IO_STACK_TRAILER;
	uint64_t sp = load64(stack->base);

	if (sp == IO_STACK_HEAD)
		return fail(fault, IO_EMPTY, sp, lowest, stack->size);
	if (sp < lowest || sp > stack->size)
		return fail(fault, IO_BAD_POP_SP, sp, lowest, stack->size);
	_Static_assert(IO_STACK_ELEMENT_MIN <= IO_STACK_HEAD, "sp - shortest must not wrap");
	uint64_t back = load64(stack->base + sp - IO_STACK_TRAILER);
	if (back < IO_STACK_HEAD || back > sp - shortest)
		return fail(fault, IO_BAD_BACK, back, IO_STACK_HEAD, sp - shortest);
	*top = (struct element){ back, sp - back - IO_STACK_TRAILER, sp };
	return true;
}

/* Takes the element off, by the numbers that were checked, and leaves nothing of it: an old
 * message must not be found by whoever reads the buffer next. */
static void drop(const struct io_stack *stack, const struct element *top)
{
	store64(stack->base, top->start);
	memset(stack->base + top->start, 0, top->end - top->start);
}

uint64_t io_stack_pop(const struct io_stack *stack, void *into, uint64_t capacity,
		      struct io_fault *fault)
{
	struct element top;

	if (!find_top(stack, &top, fault))
		return 0;
	const uint8_t *data = stack->base + top.start;
	/* In the order in which each number is needed to judge the next. */
	uint32_t prefix = load32(data);
	uint64_t size = (uint64_t)prefix + PREFIX_SIZE;
	if (size > UINT32_MAX)
		return fail(fault, IO_PREFIX_WRAPS, prefix, 0, UINT32_MAX - PREFIX_SIZE);
	if (size > top.len)
		return fail(fault, IO_PREFIX_TOO_BIG, size, PREFIX_SIZE, top.len);
	if (size > capacity)
		return fail(fault, IO_NO_ROOM, size, PREFIX_SIZE, capacity);
	/* Not the prefix in the buffer, which may be another by now. */
	memcpy(into, &prefix, PREFIX_SIZE);
	copy_once((uint8_t *)into + PREFIX_SIZE, data + PREFIX_SIZE, prefix);
	drop(stack, &top);
	return size;
}

uint64_t io_stack_pop_raw(const struct io_stack *stack, void *into, uint64_t capacity,
			  struct io_fault *fault)
{
	struct element top;

	if (!find_top(stack, &top, fault))
		return 0;
	if (top.len > capacity)
		return fail(fault, IO_NO_ROOM, top.len, IO_STACK_ELEMENT_MIN, capacity);
	copy_once(into, stack->base + top.start, top.len);
	drop(stack, &top);
	return top.len;
}

const void *io_stack_peek(const struct io_stack *stack, uint64_t *len, struct io_fault *fault)
{
	struct element top;

	if (!find_top(stack, &top, fault))
		return NULL;
	*len = top.len;
	return stack->base + top.start;
}

void io_stack_drop(const struct io_stack *stack, const void *element)
{
	store64(stack->base, (uint64_t)((const uint8_t *)element - stack->base));
}

void io_stack_clear(const struct io_stack *stack)
{
	uint64_t sp = load64(stack->base);

	/* A wild pointer says nothing about how far the buffer was used. */
	if (sp < IO_STACK_HEAD || sp > stack->size)
		sp = stack->size;
	memset(stack->base + IO_STACK_HEAD, 0, sp - IO_STACK_HEAD);
	store64(stack->base, IO_STACK_HEAD);
}

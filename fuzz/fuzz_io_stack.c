/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: io_stack_pop, io_stack_pop_raw, io_stack_peek, io_stack_push, io_stack_clear,
 * on a buffer that a hostile side filled. Input: eight operations, a byte each, then the buffer.
 */
#include "abi/io_stack.h"

#include "fuzz/fuzz.h"

#define OPERATIONS 8

static uint64_t stack_pointer(const struct io_stack *stack)
{
	uint64_t sp;
	memcpy(&sp, stack->base, sizeof(sp));
	return sp;
}

/* A refusal names a number that is out of the range it names. */
static void check_fault(const struct io_fault *fault)
{
	CHECK(fault->status != IO_OK && fault->status <= IO_NO_ROOM);
	CHECK(fault->found < fault->low || fault->found > fault->high);
}

static void pop(const struct io_stack *stack, uint64_t capacity, bool raw)
{
	struct io_fault fault;
	uint8_t *into = malloc(capacity ? capacity : 1);
	uint8_t *before = malloc(stack->size);
	uint64_t sp = stack_pointer(stack), n;

	memcpy(before, stack->base, stack->size);
	n = raw ? io_stack_pop_raw(stack, into, capacity, &fault)
		: io_stack_pop(stack, into, capacity, &fault);
	if (n == 0) {
		check_fault(&fault);
		CHECK(memcmp(before, stack->base, stack->size) == 0);
	} else {
		uint64_t start = stack_pointer(stack);
		CHECK(n <= capacity && start >= 8 && start + 16 <= sp && n <= sp - 8 - start);
		CHECK(memcmp(into, before + start, n) == 0);
		for (uint64_t at = start; at < sp; at++)
			CHECK(stack->base[at] == 0);
	}
	free(into);
	free(before);
}

/* What was pushed is what is popped next. */
static void push_and_pop(const struct io_stack *stack, uint64_t len)
{
	struct io_fault fault;
	uint8_t bytes[64], back[64];

	memset(bytes, 0xa5, sizeof(bytes));
	if (!io_stack_push(stack, bytes, len, &fault)) {
		check_fault(&fault);
		return;
	}
	CHECK(io_stack_pop_raw(stack, back, sizeof(back), &fault) == len);
	CHECK(memcmp(bytes, back, len) == 0);
}

static void peek(const struct io_stack *stack)
{
	struct io_fault fault;
	uint64_t len;
	const uint8_t *top = io_stack_peek(stack, &len, &fault);

	if (!top)
		check_fault(&fault);
	else
		CHECK(top >= stack->base + 8 && len <= stack->size - 16 &&
		      (uint64_t)(top - stack->base) <= stack->size - 8 - len);
}

static void clear(const struct io_stack *stack)
{
	struct io_fault fault;

	io_stack_clear(stack);
	CHECK(stack_pointer(stack) == 8);
	CHECK(!io_stack_peek(stack, &(uint64_t){ 0 }, &fault) && fault.status == IO_EMPTY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < OPERATIONS + IO_STACK_HEAD)
		return 0;
	/* Exactly as large as the buffer is said to be, so that a sanitizer sees a byte more. */
	struct io_stack stack = { malloc(size - OPERATIONS), size - OPERATIONS };
	memcpy(stack.base, data + OPERATIONS, stack.size);
	for (size_t i = 0; i < OPERATIONS; i++) {
		unsigned argument = data[i] >> 3;
		switch (data[i] & 7) {
		case 0:
			peek(&stack);
			break;
		case 1:
			push_and_pop(&stack, argument);
			break;
		case 2:
			clear(&stack);
			break;
		case 3:
			pop(&stack, argument, true);
			break;
		case 4:
			pop(&stack, argument, false);
			break;
		case 5:
			pop(&stack, stack.size, true);
			break;
		default:
			pop(&stack, stack.size, false);
			break;
		}
	}
	free(stack.base);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_stack.h - the stack-shaped buffers through which messages travel.
 *
 * Two of them lie in guest memory: input (the host pushes, the guest pops) and output (the
 * reverse). A buffer of SIZE bytes:
 *
 *     0              u64: SP, the offset of the first free byte; 8 when empty
 *     8 ...          element: data, then u64: the offset where its data starts
 *     ...            element
 *     SP             free
 *
 * The other side may write any of this at any time. Each value is therefore read once,
 * checked by subtraction, and used from a register; popped data is copied once and
 * the copy is what callers see. Elements may start at any byte, so nothing here needs
 * alignment. Whatever is wrong is told with the numbers in a struct io_fault.
 *
 * A struct io_stack is a view: it owns nothing and may be copied. One thread at a time works
 * on a buffer (the other side aside).
 */
#ifndef ABI_IO_STACK_H
#define ABI_IO_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a buffer needs besides data: SP, and a back pointer an element. */
#define IO_STACK_HEAD    8
#define IO_STACK_TRAILER 8

/* The shortest data of an element, so that what is pushed can be popped. */
#define IO_STACK_ELEMENT_MIN 8

struct io_stack {
	uint8_t *base;
	uint64_t size; /* at least IO_STACK_HEAD */
};

/* FOUND is the number at fault, LOW and HIGH the range it should be in. */
enum io_status {
	IO_OK = 0,
	IO_BAD_SP,         /* the stack pointer, on push */
	IO_EMPTY,          /* on pop, SP is 8: nothing there */
	IO_BAD_POP_SP,     /* the stack pointer, on pop */
	IO_BAD_BACK,       /* the back pointer of the top element */
	IO_PREFIX_WRAPS,   /* the size prefix of the top element, near 2^32 */
	IO_PREFIX_TOO_BIG, /* the size by the prefix, against the element's */
	IO_NO_SPACE,       /* the bytes to push, against what still fits */
	IO_TOO_SHORT,      /* the bytes to push, against IO_STACK_ELEMENT_MIN */
	IO_NO_ROOM,        /* the bytes of the element, against the caller's buffer */
};

struct io_fault {
	enum io_status status;
	uint64_t found;
	uint64_t low;
	uint64_t high;
};

/* What FOUND of a fault of STATUS is, such as "stack pointer"; for any number. Static. */
const char *io_status_text(enum io_status status);

/* Makes the buffer empty. Data stays until it is overwritten: the memory is new. */
void io_stack_init(const struct io_stack *stack);

/*
 * Room for an element of LEN bytes, to be written in place and then committed; NULL and *FAULT
 * filled if there is none. Nothing is changed until io_stack_commit().
 */
void *io_stack_reserve(const struct io_stack *stack, uint64_t len, struct io_fault *fault);

/* Makes the LEN bytes at ELEMENT, both as for the last io_stack_reserve(), the top element. */
void io_stack_commit(const struct io_stack *stack, const void *element, uint64_t len);

/* Pushes a copy of LEN bytes. False and *FAULT filled if they do not fit. */
bool io_stack_push(const struct io_stack *stack, const void *from, uint64_t len,
		   struct io_fault *fault);

/*
 * Pops a size-prefixed message into the CAPACITY bytes at INTO, which the other side must
 * not reach. Returns its size, prefix included; the copy's prefix is the one that was checked.
 * 0 and *FAULT filled if the top element is not sound or does not fit: the buffer is then as it
 * was.
 */
uint64_t io_stack_pop(const struct io_stack *stack, void *into, uint64_t capacity,
		      struct io_fault *fault);

/* The same for the whole data of the element, whatever it is. */
uint64_t io_stack_pop_raw(const struct io_stack *stack, void *into, uint64_t capacity,
			  struct io_fault *fault);

/*
 * The top element in place, for a side that trusts the other (the guest): returns its
 * data and sets *LEN, or NULL with *FAULT filled. It stays until it is dropped.
 */
const void *io_stack_peek(const struct io_stack *stack, uint64_t *len, struct io_fault *fault);

/* Drops the top element, which io_stack_peek() returned. Its bytes stay behind. */
void io_stack_drop(const struct io_stack *stack, const void *element);

/* Zeroes everything that was used, as far as SP can be believed (else all of the buffer), and
 * makes the buffer empty. */
void io_stack_clear(const struct io_stack *stack);

#endif

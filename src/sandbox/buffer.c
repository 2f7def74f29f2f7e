/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffers for bulk data: which part of the argument buffer is whose, and which values travel in
 * one instead of in a message. What a guest says of its spans is in a message that was copied out;
 * it is checked to lie in a buffer, and nothing else about the bytes there is believed.
 */
#include "sandbox/sandbox.h"

#include <inttypes.h>
#include <string.h>

/* Pieces begin pages, so that none is noted for two; arguments of one call are packed closer. */
#define ALIGNMENT UINT64_C(64)

struct mote_buffer {
	mote_sandbox *sb;
	mote_buffer *next; /* by OFFSET, ascending */
	uint64_t offset;
	size_t size;
};

/* VALUE is at most MOTE_MAX_BUFFER_SIZE, which is whole pages. */
static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

static uint64_t end_of(const mote_buffer *buffer)
{
	return buffer ? round_up(buffer->offset + buffer->size, MOTE_PAGE_SIZE) : 0;
}

static mote_status check(const mote_sandbox *sb, size_t size, mote_error *err)
{
	if (size == 0)
		return error_set(err, MOTE_E_INVALID, "a buffer of 0 bytes");
	if (sb->is_running)
		return error_set(err, MOTE_E_STATE,
				 "the buffers are used by the call of \"%s\"; make one before it",
				 sb->function ? sb->function : "main");
	if (sb->buffers.arguments.size > 0)
		return runtime_check_fork(sb->rt, err);
	if (!(sb->image->features & MOTE_FEATURE_SPANS))
		return error_set(err, MOTE_E_STATE,
				 "%s was linked with a guest library that knows of no buffers; "
				 "link it anew",
				 sb->image->name);
	return error_set(err, MOTE_E_STATE,
			 "the sandbox has no buffers; set buffer_size in its options");
}

/* Finds the first gap of SIZE bytes: *AT is where its buffer goes into the list, and *OFFSET where
 * it begins. Else stores how large the largest is, and returns false. */
static bool find_gap(struct buffers *buffers, size_t size, mote_buffer ***at, uint64_t *offset,
		     uint64_t *largest)
{
	const mote_buffer *before = NULL;
	mote_buffer **link = &buffers->list;

	*largest = 0;
	for (;; before = *link, link = &(*link)->next) {
		const uint64_t from = end_of(before);
		const uint64_t end = *link ? (*link)->offset : buffers->arguments.size;

		*at = link;
		*offset = from;
		if (size <= end - from)
			return true;
		if (end - from > *largest)
			*largest = end - from;
		if (!*link)
			return false;
	}
}

mote_status mote_buffer_new(mote_buffer **out, mote_sandbox *sb, size_t size, mote_error *err)
{
	uint64_t offset, largest;
	mote_buffer **at;

	*out = NULL;
	mote_status status = check(sb, size, err);
	if (status)
		return status;
	if (!find_gap(&sb->buffers, size, &at, &offset, &largest))
		return error_set(err, MOTE_E_LIMIT,
				 "a buffer of %zu bytes: %" PRIu64 " of %" PRIu64
				 " are free in one piece; raise buffer_size",
				 size, largest, sb->buffers.arguments.size);
	mote_buffer *buffer = host_alloc(&sb->rt->host, sizeof *buffer);
	if (!buffer)
		return error_nomem(err, "a buffer", sizeof *buffer);
	*buffer = (mote_buffer){ .sb = sb, .next = *at, .offset = offset, .size = size };
	*at = buffer;
	*out = buffer;
	return MOTE_OK;
}

void *mote_buffer_data(mote_buffer *buffer)
{
	return buffer->sb->buffers.arguments.bytes + buffer->offset;
}

size_t mote_buffer_size(const mote_buffer *buffer)
{
	return buffer->size;
}

/* There are buffers, so that their ABI knows of them. */
static void note(mote_buffer *buffer)
{
	struct guest *guest = buffer->sb->guest;

	guest->abi->wrote_arguments(guest, buffer->offset, buffer->size);
}

void mote_buffer_free(mote_buffer *buffer)
{
	if (!buffer)
		return;
	mote_sandbox *sb = buffer->sb;
	mote_buffer **link = &sb->buffers.list;

	note(buffer); /* what is in there stays until a restore */
	while (*link != buffer)
		link = &(*link)->next;
	*link = buffer->next;
	host_free(&sb->rt->host, buffer, sizeof *buffer);
}

void buffers_note(mote_sandbox *sb)
{
	for (mote_buffer *buffer = sb->buffers.list; buffer; buffer = buffer->next)
		note(buffer);
}

void buffers_fini(mote_sandbox *sb)
{
	while (sb->buffers.list)
		mote_buffer_free(sb->buffers.list);
}

void buffers_begin(mote_sandbox *sb)
{
	const mote_buffer *last = sb->buffers.list;

	while (last && last->next)
		last = last->next;
	sb->buffers.used = end_of(last);
}

/* Whether the SIZE bytes from OFFSET on are in a buffer of CAPACITY. */
static bool is_inside(uint64_t offset, uint64_t size, uint64_t capacity)
{
	return offset <= capacity && size <= capacity - offset;
}

/* Whether VALUE lies in the argument buffer, and where. */
static bool is_placed(const struct buffers *buffers, const mote_value *value, uint64_t *offset)
{
	const struct bulk_buffer *arguments = &buffers->arguments;

	*offset = (uint64_t)((uintptr_t)value->as.bytes.ptr - (uintptr_t)arguments->bytes);
	return value->type == MOTE_BYTES && value->as.bytes.len > 0 &&
	       is_inside(*offset, value->as.bytes.len, arguments->size);
}

/* The processor has just come back from a guest, and has forgotten which pages are where: what it
 * looks up here while it copies the page before, it need not wait for then. */
static void copy(uint8_t *to, const uint8_t *from, size_t size)
{
	enum { AHEAD = 2 * MOTE_PAGE_SIZE };

	for (; size > MOTE_PAGE_SIZE; size -= MOTE_PAGE_SIZE) {
		__builtin_prefetch(from + AHEAD, 0);
		__builtin_prefetch(to + AHEAD, 1);
		memcpy(to, from, MOTE_PAGE_SIZE);
		to += MOTE_PAGE_SIZE;
		from += MOTE_PAGE_SIZE;
	}
	memcpy(to, from, size);
}

/* Copies VALUE to where there is room; false if it is short, or there is none. */
static bool place(mote_sandbox *sb, const mote_value *value, uint64_t *offset)
{
	const struct bulk_buffer *arguments = &sb->buffers.arguments;
	const uint64_t size = value->as.bytes.len;

	*offset = sb->buffers.used;
	if (value->type != MOTE_BYTES || size < MOTE_SPAN_MIN ||
	    !is_inside(*offset, size, arguments->size))
		return false;
	sb->guest->abi->wrote_arguments(sb->guest, *offset, size);
	copy(arguments->bytes + *offset, value->as.bytes.ptr, size);
	sb->buffers.used = round_up(*offset + size, ALIGNMENT);
	return true;
}

/* What lies there already, such as the result of the last call, is not to be overwritten. */
static void keep(struct buffers *buffers, const mote_value *values, size_t n)
{
	uint64_t offset;

	for (size_t i = 0; i < n; i++)
		if (is_placed(buffers, &values[i], &offset) &&
		    offset + values[i].as.bytes.len > buffers->used)
			buffers->used = round_up(offset + values[i].as.bytes.len, ALIGNMENT);
}

uint64_t buffers_send(mote_sandbox *sb, mote_value *values, size_t n, struct mote_span *spans)
{
	uint64_t which = 0, offset;

	if (sb->buffers.arguments.size == 0)
		return 0;
	keep(&sb->buffers, values, n);
	for (size_t i = 0; i < n; i++) {
		if (!is_placed(&sb->buffers, &values[i], &offset) &&
		    !place(sb, &values[i], &offset))
			continue;
		spans[i] = (struct mote_span){ sb->buffers.arguments.address + offset,
					       values[i].as.bytes.len };
		sb->account.bytes_in += spans[i].size;
		values[i] = mote_bytes(&spans[i], sizeof spans[i]);
		which |= UINT64_C(1) << i;
	}
	return which;
}

/* The host's address of a span, or NULL if it is not in a buffer. */
static const uint8_t *find(const struct buffers *buffers, const struct mote_span *span)
{
	const struct bulk_buffer *const both[] = { &buffers->results, &buffers->arguments };

	for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
		const uint64_t offset = span->address - both[i]->address;

		if (is_inside(offset, span->size, both[i]->size))
			return both[i]->bytes + offset;
	}
	return NULL;
}

static mote_status receive(mote_sandbox *sb, mote_value *value, const char *what, mote_error *err)
{
	struct mote_span span;

	if (value->type != MOTE_BYTES || value->as.bytes.len != sizeof span)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest sent a %s in a buffer, and the message does not have "
				 "the %zu bytes that say where",
				 what, sizeof span);
	memcpy(&span, value->as.bytes.ptr, sizeof span);
	const uint8_t *at = find(&sb->buffers, &span);
	if (!at)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest sent a %s of %" PRIu64 " bytes at 0x%" PRIx64
				 ", which is outside of its buffers",
				 what, span.size, span.address);
	sb->account.bytes_out += span.size;
	*value = mote_bytes(at, (size_t)span.size);
	return MOTE_OK;
}

mote_status buffers_receive(mote_sandbox *sb, mote_value *values, size_t n, uint64_t which,
			    const char *what, mote_error *err)
{
	if (sb->buffers.results.size == 0)
		return MOTE_OK;
	if (which >> n)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest sent a %s in a buffer, number %d of %zu", what,
				 64 - __builtin_clzll(which), n);
	for (size_t i = 0; i < n; i++) {
		mote_status status = MOTE_OK;

		if (which >> i & 1)
			status = receive(sb, &values[i], what, err);
		if (status)
			return status;
	}
	return MOTE_OK;
}

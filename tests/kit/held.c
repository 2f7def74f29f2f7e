/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Book-keeping of what the library holds. Fixed tables, so that the books themselves never
 * allocate; a test that outgrows them stops with a message.
 */
#include "tests/kit/held.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define FDS_MAX      1024
#define MAPPINGS_MAX 4096

/* In front of each allocation. Aligned, so that what follows is as malloc() gives it. */
struct block {
	_Alignas(max_align_t) size_t size;
	unsigned number; /* how many were allocated before */
	struct block *next, **link;
};

static struct {
	pthread_mutex_t lock;
	struct block *blocks;
	unsigned nblocks_ever;
	size_t bytes, peak;       /* in blocks: now, and at most so far */
	const char *fds[FDS_MAX]; /* who opened it; NULL: not open */
	struct {
		uintptr_t start, end;
	} mappings[MAPPINGS_MAX];
	size_t nmappings;
	int ntimers;
	char sentence[128];
} held = { .lock = PTHREAD_MUTEX_INITIALIZER };

void held_forget(void)
{
	pthread_mutex_lock(&held.lock);
	/* a block that outlives its scenario may still be freed: it must not touch the list */
	while (held.blocks) {
		struct block *block = held.blocks;
		held.blocks = block->next;
		block->link = NULL;
	}
	held.nblocks_ever = 0;
	held.bytes = held.peak = 0;
	memset(held.fds, 0, sizeof held.fds);
	held.nmappings = 0;
	held.ntimers = 0;
	pthread_mutex_unlock(&held.lock);
}

static bool describe_first(char *out, size_t size)
{
	if (held.blocks) {
		const struct block *last = held.blocks;
		while (last->next)
			last = last->next;
		snprintf(out, size, "allocation %u (%zu bytes) was not freed", last->number,
			 last->size);
		return true;
	}
	for (int fd = 0; fd < FDS_MAX; fd++)
		if (held.fds[fd]) {
			snprintf(out, size, "descriptor %d from %s was not closed", fd,
				 held.fds[fd]);
			return true;
		}
	if (held.nmappings > 0) {
		snprintf(out, size, "0x%zx bytes at %p were not unmapped",
			 held.mappings[0].end - held.mappings[0].start,
			 (void *)held.mappings[0].start);
		return true;
	}
	if (held.ntimers > 0) {
		snprintf(out, size, "%d timers were not deleted", held.ntimers);
		return true;
	}
	return false;
}

const char *held_first(void)
{
	pthread_mutex_lock(&held.lock);
	bool any = describe_first(held.sentence, sizeof held.sentence);
	pthread_mutex_unlock(&held.lock);
	return any ? held.sentence : NULL;
}

size_t held_peak(void)
{
	pthread_mutex_lock(&held.lock);
	const size_t peak = held.peak;
	pthread_mutex_unlock(&held.lock);
	return peak;
}

static void *take_block(size_t size)
{
	struct block *block = malloc(sizeof *block + size);
	if (!block)
		return NULL;
	memset(block + 1, 0xab, size);
	pthread_mutex_lock(&held.lock);
	*block = (struct block){ .size = size,
				 .number = ++held.nblocks_ever,
				 .next = held.blocks,
				 .link = &held.blocks };
	if (block->next)
		block->next->link = &block->next;
	held.blocks = block;
	held.bytes += size;
	if (held.bytes > held.peak)
		held.peak = held.bytes;
	pthread_mutex_unlock(&held.lock);
	return block + 1;
}

static void give_block(void *ptr, size_t size)
{
	struct block *block = (struct block *)ptr - 1;
	if (block->size != size)
		fail_msg("%zu bytes are freed as %zu", block->size, size);
	pthread_mutex_lock(&held.lock);
	if (block->link) {
		*block->link = block->next;
		if (block->next)
			block->next->link = block->link;
		held.bytes -= size;
	}
	pthread_mutex_unlock(&held.lock);
	memset(ptr, 0xcd, size);
	free(block);
}

void *held_realloc(void *ptr, size_t old_size, size_t new_size)
{
	void *taken = NULL;
	if (!ptr && old_size != 0)
		fail_msg("nothing is said to have %zu bytes", old_size);
	if (new_size > 0) {
		taken = take_block(new_size);
		if (!taken)
			return NULL;
		if (ptr)
			memcpy(taken, ptr, old_size < new_size ? old_size : new_size);
	}
	if (ptr)
		give_block(ptr, old_size);
	return taken;
}

void held_fd(int fd, const char *who)
{
	if (fd < 0 || fd >= FDS_MAX)
		fail_msg("%s gave descriptor %d; the books end at %d", who, fd, FDS_MAX);
	pthread_mutex_lock(&held.lock);
	held.fds[fd] = who;
	pthread_mutex_unlock(&held.lock);
}

void held_fd_closed(int fd)
{
	pthread_mutex_lock(&held.lock);
	bool known = fd >= 0 && fd < FDS_MAX && held.fds[fd];
	if (known)
		held.fds[fd] = NULL;
	pthread_mutex_unlock(&held.lock);
	if (!known)
		fail_msg("descriptor %d is closed, but was not opened or was closed before", fd);
}

void held_ioctl(int result, unsigned long request)
{
	if (request == KVM_CREATE_VM || request == KVM_CREATE_VCPU)
		held_fd(result, request == KVM_CREATE_VM ? "KVM_CREATE_VM" : "KVM_CREATE_VCPU");
}

void held_timer(void)
{
	pthread_mutex_lock(&held.lock);
	held.ntimers++;
	pthread_mutex_unlock(&held.lock);
}

void held_timer_deleted(void)
{
	pthread_mutex_lock(&held.lock);
	bool known = held.ntimers > 0;
	held.ntimers -= known;
	pthread_mutex_unlock(&held.lock);
	if (!known)
		fail_msg("a timer is deleted, and none was made");
}

void held_received(const struct msghdr *message)
{
	struct msghdr copy = *message; /* CMSG_NXTHDR wants it without const */
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&copy); c; c = CMSG_NXTHDR(&copy, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			held_fd(fd, "recvmsg");
		}
	}
}

/* Adds a mapping; the caller holds the lock. */
static void add_mapping(uintptr_t start, uintptr_t end)
{
	if (held.nmappings == MAPPINGS_MAX) {
		fprintf(stderr, "more than %d mappings; raise MAPPINGS_MAX\n", MAPPINGS_MAX);
		abort();
	}
	held.mappings[held.nmappings].start = start;
	held.mappings[held.nmappings].end = end;
	held.nmappings++;
}

/* Cuts START..END out of all mappings: what is left is up to one piece on each side. */
static void cut_mappings(uintptr_t start, uintptr_t end)
{
	for (size_t i = held.nmappings; i-- > 0;) {
		uintptr_t old_start = held.mappings[i].start;
		uintptr_t old_end = held.mappings[i].end;
		if (old_end <= start || end <= old_start)
			continue;
		held.mappings[i] = held.mappings[--held.nmappings];
		if (old_start < start)
			add_mapping(old_start, start);
		if (end < old_end)
			add_mapping(end, old_end);
	}
}

/* Sizes are rounded up to whole pages, as the kernel does. */
static uintptr_t mapping_end(const void *at, size_t size)
{
	return ((uintptr_t)at + size + 4095) & ~(uintptr_t)4095;
}

void held_mapped(const void *at, size_t size)
{
	pthread_mutex_lock(&held.lock);
	cut_mappings((uintptr_t)at, mapping_end(at, size));
	add_mapping((uintptr_t)at, mapping_end(at, size));
	pthread_mutex_unlock(&held.lock);
}

void held_unmapped(const void *at, size_t size)
{
	pthread_mutex_lock(&held.lock);
	cut_mappings((uintptr_t)at, mapping_end(at, size));
	pthread_mutex_unlock(&held.lock);
}

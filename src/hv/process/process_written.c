/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages a guest process has written. The kernel protects what is there when the watch begins
 * and takes the protection off at the first write, without a stop (userfaultfd, Linux 6.7); its
 * page map then tells what is not protected. That goes for pages that have no entry in the page
 * tables, too: swapped out, or never touched. So whatever cannot be shown to be clean is told, and
 * of those that were never touched only pages that the memory's file has.
 */
#define _GNU_SOURCE
#include "hv/process/process_internal.h"

#include "abi/mote_abi.h"
#include "mem/pagemap.h"

#include <errno.h>
#include <unistd.h>

/* A part of the guest's address space that it can write, and the file that is there. */
struct view {
	const struct process_vm *vm;
	const struct region *region;
	int fd;
	uint64_t offset; /* of its first byte, in FD */
};

/* From so many pages on that may have been written it pays to ask which of them exist. */
#define WORTH_ASKING (8 * MOTE_PAGE_SIZE)

/* Copying less than this back costs no more than finding out which of it to copy. */
#define WORTH_WATCHING (64 * MOTE_PAGE_SIZE)

/* Holes of less than 2 MiB between pages that exist are protected like these, lest they be asked
 * about each time. The tables that the kernel needs for that are there: its pages have them. */
#define HOLE_MOST (511 * MOTE_PAGE_SIZE)

static bool find_view(struct view *out, const struct process_vm *vm, size_t index)
{
	const struct region *region = &vm->views[index];
	const struct region *slot = process_vm_slot(vm->slots, vm->nslots, region);

	if (!slot || !(region->flags & slot->flags & REGION_WRITE))
		return false;
	*out = (struct view){ vm, region, (int)slot->host.file,
			      slot->host.offset + (region->gpa - slot->gpa) };
	return true;
}

static int scan(const struct process_vm *vm, struct pagemap_scan *scan)
{
	const struct sys *sys = vm->owner->base.host->sys;

	scan->size = sizeof *scan;
	scan->all_of = scan->returned = PAGEMAP_SCAN_WRITTEN;
	return sys->ioctl(vm->process.pagemap, PAGEMAP_SCAN, scan);
}

/* Addresses FROM to TO. */
static bool protect(const struct process_vm *vm, uint64_t from, uint64_t to)
{
	struct pagemap_scan all = {
		.flags = PAGEMAP_SCAN_PROTECTS | PAGEMAP_SCAN_INSISTS,
		.start = from,
		.end = to,
	};

	return scan(vm, &all) >= 0 && all.walked_to == to;
}

/* The first pages that VIEW's file has from address *FROM to before END: *FROM to *TO. None: both
 * are END. False: nobody knows. */
static bool find_pages(const struct view *view, uint64_t *from, uint64_t *to, uint64_t end)
{
	const struct sys *sys = view->vm->owner->base.host->sys;
	const uint64_t base = view->region->va - view->offset;
	const off_t data = sys->lseek(view->fd, (off_t)(*from - base), SEEK_DATA);

	if (data < 0 && errno != ENXIO)
		return false;
	const uint64_t at = data < 0 ? end : base + (uint64_t)data;

	*from = *to = end;
	if (at >= end)
		return true;
	const off_t hole = sys->lseek(view->fd, data, SEEK_HOLE);

	*from = at;
	if (hole > data && base + (uint64_t)hole < end)
		*to = base + (uint64_t)hole;
	return hole > data;
}

/* Where what is told goes. */
struct teller {
	void (*note)(void *user, uint64_t gpa);
	void *user;
};

static void tell(const struct teller *to, const struct view *view, uint64_t from, uint64_t end)
{
	for (uint64_t at = from; to && at < end; at += MOTE_PAGE_SIZE)
		to->note(to->user, view->region->gpa + (at - view->region->va));
}

/* Tells TO of the pages that exist from FROM to before END, and protects the holes; without TO it
 * protects the pages as well. */
static bool go_through(const struct view *view, uint64_t from, uint64_t end,
		       const struct teller *to)
{
	uint64_t last = from; /* what is before is done */

	for (uint64_t at = from, next; at < end; at = last = next) {
		if (!find_pages(view, &at, &next, end))
			return false;
		const uint64_t hole = at - last <= HOLE_MOST ? last : at;
		const uint64_t stop = to ? at : next;
		if (stop > hole && !protect(view->vm, hole, stop))
			return false;
		tell(to, view, at, next);
	}
	return true;
}

/* What may have been written from FROM to before END. */
static bool tell_range(const struct view *view, uint64_t from, uint64_t end,
		       const struct teller *to)
{
	if (end - from >= WORTH_ASKING)
		return go_through(view, from, end, to);
	tell(to, view, from, end);
	return true;
}

static bool tell_view(const struct view *view, const struct teller *to)
{
	enum { AT_ONCE = 128 };
	const uint64_t end = view->region->va + view->region->size;
	struct pagemap_range found[AT_ONCE];
	struct pagemap_scan part = {
		.walked_to = view->region->va,
		.end = end,
		.ranges = (uintptr_t)found,
		.capacity = AT_ONCE,
	};

	while (part.walked_to < end) {
		part.start = part.walked_to;
		const int n = scan(view->vm, &part);
		if (n < 0 || n > AT_ONCE || part.walked_to <= part.start)
			return false;
		for (int i = 0; i < n; i++)
			if (!tell_range(view, found[i].start, found[i].end, to))
				return false;
	}
	return true;
}

/* Whether the kernel says of addresses FROM to TO that all may have been written. */
static bool is_all_told(const struct process_vm *vm, uint64_t from, uint64_t to)
{
	struct pagemap_range found;
	struct pagemap_scan one = {
		.start = from, .end = to, .ranges = (uintptr_t)&found, .capacity = 1
	};

	return scan(vm, &one) == 1 && found.start == from && found.end == to;
}

/* A process that has died has no memory any more, of which nothing is told. Control memory, which
 * is never protected, would be. */
static bool is_alive(const struct process_vm *vm)
{
	return is_all_told(vm, MONITOR_CONTROL, MONITOR_CONTROL + MONITOR_CONTROL_SIZE);
}

/* Bytes of the pages that VIEW's file has; a few if nobody knows. */
static uint64_t existing(const struct view *view)
{
	const uint64_t end = view->region->va + view->region->size;
	uint64_t sum = 0;

	for (uint64_t at = view->region->va, next; at < end; at = next) {
		if (!find_pages(view, &at, &next, end))
			return 0;
		sum += next - at;
	}
	return sum;
}

/* Where nothing was protected yet, a kernel that does not tell of all cannot be relied on. */
static bool watch_view(const struct view *view, bool is_first)
{
	const uint64_t from = view->region->va, end = from + view->region->size;

	return (!is_first || is_all_told(view->vm, from, end)) && go_through(view, from, end, NULL);
}

/* Without what it takes, or if any of that fails, or for little memory, written() knows nothing. */
mote_status process_vm_watch(struct hv_vm *base, mote_error *err)
{
	struct process_vm *vm = (struct process_vm *)base;
	uint64_t size = 0;
	struct view view;

	(void)err;
	for (size_t i = 0; vm->process.pagemap >= 0 && i < vm->nviews; i++)
		if (find_view(&view, vm, i))
			size += existing(&view);
	bool works = size >= WORTH_WATCHING;
	for (size_t i = 0; works && i < vm->nviews; i++)
		if (find_view(&view, vm, i))
			works = watch_view(&view, !vm->is_watched);
	vm->is_watched = works;
	return MOTE_OK;
}

bool process_vm_written(struct hv_vm *base, void (*note)(void *user, uint64_t gpa), void *user)
{
	const struct process_vm *vm = (const struct process_vm *)base;
	const struct teller to = { note, user };
	struct view view;

	if (!vm->is_watched || vm->process.pagemap < 0)
		return false;
	for (size_t i = 0; i < vm->nviews; i++)
		if (find_view(&view, vm, i) && !tell_view(&view, &to))
			return false;
	return is_alive(vm);
}

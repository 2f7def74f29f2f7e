/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The set of written pages: a bit a page to know what is in it, and a list to go through it without
 * looking at the rest of memory.
 */
#include "mem/written_pages.h"

#include "abi/mote_abi.h"
#include "mem/page_bitmap.h"

#include <errno.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

mote_status written_pages_init(struct written_pages *pages, const struct host *host,
			       const uint8_t *base, uint64_t npages, mote_error *err)
{
	struct written_pages made = { .host = host, .base = base, .npages = npages };

	made.bits = page_bitmap_new(host, npages);
	*pages = made.bits ? made : (struct written_pages){ 0 };
	if (!made.bits)
		return error_nomem(err, "the map of written pages", (size_t)npages / 8);
	return MOTE_OK;
}

void written_pages_fini(struct written_pages *pages)
{
	if (!pages->host)
		return;
	host_free(pages->host, pages->list, pages->capacity * sizeof pages->list[0]);
	page_bitmap_free(pages->host, pages->bits, pages->npages);
	*pages = (struct written_pages){ 0 };
}

static bool grow(struct written_pages *pages)
{
	size_t capacity = pages->capacity ? 2 * pages->capacity : FIRST_CAPACITY;
	struct written_page *list;

	if (pages->count == WRITTEN_PAGES_MAX)
		return false;
	list = host_alloc_array(pages->host, capacity, sizeof list[0]);
	if (!list)
		return false;
	if (pages->count)
		memcpy(list, pages->list, pages->count * sizeof list[0]);
	host_free(pages->host, pages->list, pages->capacity * sizeof list[0]);
	pages->list = list;
	pages->capacity = capacity;
	return true;
}

void written_pages_add(struct written_pages *pages, uint64_t page, struct written_page what)
{
	if (pages->count == pages->capacity && !grow(pages)) {
		pages->is_lost = true;
		return;
	}
	pages->bits[page / 64] |= UINT64_C(1) << page % 64;
	pages->list[pages->count++] = what;
}

void written_pages_restore(const struct written_pages *pages)
{
	for (size_t i = 0; i < pages->count; i++) {
		const struct written_page *page = &pages->list[i];
		if (page->from)
			memcpy(page->to, page->from, MOTE_PAGE_SIZE);
		else
			memset(page->to, 0, MOTE_PAGE_SIZE);
	}
}

mote_status written_pages_restore_checked(const struct written_pages *pages, mote_error *err)
{
	enum { AT_ONCE = 64 };
	const struct sys *sys = pages->host->sys;
	struct iovec from[AT_ONCE], to[AT_ONCE];
	const uint8_t zeroes[MOTE_PAGE_SIZE] = { 0 };

	for (size_t done = 0, n; done < pages->count; done += n) {
		n = pages->count - done < AT_ONCE ? pages->count - done : AT_ONCE;
		for (size_t i = 0; i < n; i++) {
			const struct written_page *page = &pages->list[done + i];
			const uint8_t *bytes = page->from ? page->from : zeroes;
			from[i] = (struct iovec){ (void *)(uintptr_t)bytes, MOTE_PAGE_SIZE };
			to[i] = (struct iovec){ page->to, MOTE_PAGE_SIZE };
		}
		ssize_t copied = sys->process_vm_writev(sys->getpid(), from, n, to, n, 0);
		if (copied != (ssize_t)(n * MOTE_PAGE_SIZE))
			return error_os(err, copied < 0 ? errno : EFAULT,
					"cannot write guest memory that comes from a snapshot's "
					"file, which was cut");
	}
	return MOTE_OK;
}

void written_pages_clear(struct written_pages *pages)
{
	/* all bits that are set are of pages in the list */
	for (size_t i = 0; i < pages->count; i++)
		pages->bits[(uint64_t)(pages->list[i].to - pages->base) / MOTE_PAGE_SIZE / 64] = 0;
	pages->count = 0;
	pages->is_lost = false;
}

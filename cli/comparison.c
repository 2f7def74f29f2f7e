/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares two snapshots. Each is visited once, both by ascending address: so the pages of the first
 * are kept, and passed by while the second is visited, as when lists are merged. So are symbols.
 */
#include "comparison.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096 };

struct page {
	uint64_t address;
	unsigned char bytes[PAGE];
};

/* Pages of the first snapshot. */
struct pages {
	struct page *list;
	size_t count, capacity;
};

struct walk {
	struct comparison *comparison;
	struct pages pages;
	size_t next_page;     /* of the first snapshot that was not compared yet */
	size_t next_variable; /* those before it end below the pages that come */
	size_t ranges_capacity;
};

static const unsigned char zeroes[PAGE];

/* Room for one more behind COUNT of SIZE bytes. */
static void *grow(void *list, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return list;
	*capacity = *capacity ? 2 * *capacity : 64;
	list = realloc(list, *capacity * size);
	if (list)
		return list;
	fputs("mote: out of memory\n", stderr);
	exit(EXIT_HOST);
}

/* For mote_snapshot_pages(). */
static void keep_page(void *user, uint64_t address, const void *bytes)
{
	struct pages *pages = user;

	pages->list = grow(pages->list, pages->count, &pages->capacity, sizeof pages->list[0]);
	pages->list[pages->count].address = address;
	memcpy(pages->list[pages->count++].bytes, bytes, PAGE);
}

static void add_page(struct walk *walk, uint64_t address)
{
	struct comparison *all = walk->comparison;
	struct page_range *last = all->nranges ? &all->ranges[all->nranges - 1] : NULL;

	all->npages++;
	if (last && last->address + last->count * PAGE == address) {
		last->count++;
		return;
	}
	all->ranges =
		grow(all->ranges, all->nranges, &walk->ranges_capacity, sizeof all->ranges[0]);
	all->ranges[all->nranges++] = (struct page_range){ address, 1 };
}

/* The part of VARIABLE that is in the page at ADDRESS. */
static void compare_variable(struct variable *variable, uint64_t address, const unsigned char *old,
			     const unsigned char *new)
{
	const struct symbol *symbol = variable->symbol;
	/* offsets in the page and in the variable; one of them is 0 */
	const uint64_t at = symbol->address > address ? symbol->address - address : 0;
	const uint64_t skipped = symbol->address < address ? address - symbol->address : 0;
	uint64_t size = symbol->size - skipped;

	if (size > PAGE - at)
		size = PAGE - at;
	if (memcmp(old + at, new + at, size) != 0)
		variable->differs = true;
	if (symbol->size > VARIABLE_BYTES_MAX)
		return;
	memcpy(variable->old + skipped, old + at, size);
	memcpy(variable->new + skipped, new + at, size);
}

static bool ends_before(const struct symbol *symbol, uint64_t address)
{
	return symbol->address < address && symbol->size <= address - symbol->address;
}

/* A large variable keeps its place, and those behind it, until its end was passed. */
static void compare_variables(struct walk *walk, uint64_t address, const unsigned char *old,
			      const unsigned char *new)
{
	struct comparison *all = walk->comparison;

	while (walk->next_variable < all->nvariables &&
	       ends_before(all->variables[walk->next_variable].symbol, address))
		walk->next_variable++;
	for (size_t i = walk->next_variable; i < all->nvariables; i++) {
		const struct symbol *symbol = all->variables[i].symbol;
		if (symbol->address >= address + PAGE)
			break;
		if (!ends_before(symbol, address))
			compare_variable(&all->variables[i], address, old, new);
	}
}

/* Pages come by ascending address. */
static void compare_page(struct walk *walk, uint64_t address, const unsigned char *old,
			 const unsigned char *new)
{
	if (memcmp(old, new, PAGE) != 0)
		add_page(walk, address);
	compare_variables(walk, address, old, new);
}

/* What the first snapshot has below ADDRESS is zero in the second. */
static void pass_pages(struct walk *walk, uint64_t address)
{
	while (walk->next_page < walk->pages.count &&
	       walk->pages.list[walk->next_page].address < address) {
		const struct page *page = &walk->pages.list[walk->next_page++];
		compare_page(walk, page->address, page->bytes, zeroes);
	}
}

/* For mote_snapshot_pages(). */
static void visit_new(void *user, uint64_t address, const void *bytes)
{
	struct walk *walk = user;
	const unsigned char *old = zeroes;

	pass_pages(walk, address);
	if (walk->next_page < walk->pages.count &&
	    walk->pages.list[walk->next_page].address == address)
		old = walk->pages.list[walk->next_page++].bytes;
	compare_page(walk, address, old, bytes);
}

static void list_variables(struct comparison *comparison, const struct symbols *symbols)
{
	size_t capacity = 0;

	for (size_t i = 0; symbols && i < symbols->count; i++) {
		comparison->variables = grow(comparison->variables, comparison->nvariables,
					     &capacity, sizeof comparison->variables[0]);
		comparison->variables[comparison->nvariables++] =
			(struct variable){ .symbol = &symbols->list[i] };
	}
}

mote_status comparison_make(struct comparison *comparison, const mote_snapshot *a,
			    const mote_snapshot *b, const struct symbols *symbols, mote_error *err)
{
	struct walk walk = { .comparison = comparison };

	*comparison = (struct comparison){ 0 };
	list_variables(comparison, symbols);
	mote_status status = mote_snapshot_pages(a, keep_page, &walk.pages, err);
	if (!status)
		status = mote_snapshot_pages(b, visit_new, &walk, err);
	if (!status)
		pass_pages(&walk, UINT64_MAX);
	free(walk.pages.list);
	return status;
}

void comparison_fini(struct comparison *comparison)
{
	free(comparison->ranges);
	free(comparison->variables);
	*comparison = (struct comparison){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Variables by address, from what the library tells in another order.
 */
#include "symbols.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for twice as many each time that it is used up. */
static void add(void *user, const char *name, uint64_t address, uint64_t size, bool is_function)
{
	struct symbols *symbols = user;
	const size_t count = symbols->count;

	if (is_function)
		return;
	if ((count & (count - 1)) == 0) {
		void *list =
			realloc(symbols->list, (count ? 2 * count : 1) * sizeof symbols->list[0]);
		if (!list) {
			fputs("mote: out of memory\n", stderr);
			exit(EXIT_HOST);
		}
		symbols->list = list;
	}
	symbols->list[symbols->count++] = (struct symbol){ name, address, size };
}

static int compare(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return strcmp(a->name, b->name);
}

mote_status symbols_read(struct symbols *symbols, mote_runtime *rt, const char *path,
			 mote_error *err)
{
	*symbols = (struct symbols){ 0 };
	mote_status status = mote_image_load_file(&symbols->image, rt, path, err);

	if (!status)
		status = mote_image_symbols(symbols->image, add, symbols, err);
	if (symbols->count > 0)
		qsort(symbols->list, symbols->count, sizeof symbols->list[0], compare);
	return status;
}

void symbols_fini(struct symbols *symbols)
{
	free(symbols->list);
	mote_image_unref(symbols->image);
	*symbols = (struct symbols){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions by address. A table is not sorted and a crash is rare, so it is read from end to end,
 * and nothing of it is kept.
 */
#include "debug/functions.h"

/* Whether ADDRESS is in SYMBOL, by its size. Its end may wrap, so nothing is added. */
static bool contains(const struct elf_symbol *symbol, uint64_t address)
{
	return address - symbol->address < symbol->size;
}

static bool may_be_function(const struct elf_symbol *symbol)
{
	return symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC ||
	       symbol->type == STT_NOTYPE;
}

/* Names that linkers and people mean come before those of one file. */
static int rank(const struct elf_symbol *symbol)
{
	return symbol->binding == STB_GLOBAL ? 2 : symbol->binding == STB_WEAK ? 1 : 0;
}

/* Whether SYMBOL, which is at or before the address, says more of it than BEST. */
static bool is_better(const struct elf_symbol *symbol, const struct elf_symbol *best,
		      uint64_t address)
{
	const bool is_in = contains(symbol, address);

	if (!best->name || is_in != contains(best, address))
		return is_in || !best->name;
	if (symbol->address != best->address)
		return symbol->address > best->address;
	return rank(symbol) > rank(best);
}

/* Whether both addresses are in one executable segment. */
static bool share_segment(const struct elf *elf, uint64_t a, uint64_t b)
{
	for (size_t i = 0; i < elf->nsegments; i++) {
		const mote_segment_info *segment = &elf->segments[i];
		if (segment->executable && a - segment->address < segment->memory_size)
			return b - segment->address < segment->memory_size;
	}
	return false;
}

static void offer(const struct elf *elf, const struct elf_symbol *symbol, struct function_at *place)
{
	/* of one that has a size, what is behind it is not its own */
	if (symbol->address > place->address ||
	    (symbol->size > 0 && !contains(symbol, place->address)) ||
	    !is_better(symbol, &place->symbol, place->address) ||
	    !share_segment(elf, symbol->address, place->address))
		return;
	place->symbol = *symbol;
}

void functions_find(const struct elf *elf, struct function_at *places, size_t count)
{
	struct elf_symbols symbols;
	struct elf_symbol symbol;

	if (elf_find_symbols(elf, &symbols, NULL))
		return;
	for (size_t i = 0; i < symbols.count; i++) {
		if (!elf_symbol(&symbols, i, &symbol) || !may_be_function(&symbol))
			continue;
		for (size_t j = 0; j < count; j++)
			offer(elf, &symbol, &places[j]);
	}
}

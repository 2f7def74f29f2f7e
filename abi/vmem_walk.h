/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_walk.h - reading page tables: one address, or all that a range maps.
 *
 * The tables may be a hostile guest's. An entry that the processor would fault on -
 * reserved bits set, or a table where there is no memory - maps nothing. Tables may
 * form cycles and share tables a thousandfold, so a walk visits at most as many
 * tables as its caller allows.
 *
 * Rights are those of the processor: what the leaf and every table above it allow.
 */
#ifndef ABI_VMEM_WALK_H
#define ABI_VMEM_WALK_H

#include "abi/vmem.h"

/*
 * Looks up the page of VA in the tables of ROOT: RANGE becomes the rest of its page,
 * from VA itself (which need not be aligned) to the end of the page, large or small.
 * False if nothing is mapped there.
 */
VMEM_INLINE bool vmem_translate(const struct vmem_format *format, const struct vmem_ops *ops,
				void *memory, uint64_t root, uint64_t va, struct vmem_range *range)
{
	uint32_t rights = VMEM_RIGHTS;
	uint64_t pa = root;

	if (!vmem_is_canonical(format, va, va))
		return false;
#pragma GCC unroll 4 /* each level with its own constants: a page-fault handler runs this */
	for (unsigned level = format->levels; level-- > 0;) {
		const void *table = ops->table(memory, pa);

		if (!table)
			return false;
		uint64_t raw = vmem_load(format, table, vmem_index(format, level, va));
		struct vmem_entry entry = format->decode(level, raw);

		pa = entry.pa;
		rights &= entry.flags;
		if (entry.what == VMEM_TABLE)
			continue;
		if (entry.what != VMEM_LEAF)
			return false;
		uint64_t rest = vmem_rest(format, level, va);

		*range = (struct vmem_range){
			.va = va,
			.pa = pa + (vmem_span(format, level) - rest),
			.size = rest,
			.flags = vmem_effective(rights),
			.kind = entry.kind,
		};
		return true;
	}
	return false;
}

/* Where a walk is. Storage of the caller; MALFORMED may be read at any time, the rest is private. */
struct vmem_walk {
	uint64_t malformed; /* entries met that are present and yet map nothing */

	uint64_t va;   /* the next to look at */
	uint64_t last; /* the last byte of the range */
	uint64_t tables_left;
	bool is_done;
	unsigned level; /* of the table that VA is looked up in */
	struct vmem_step {
		const void *table;
		uint32_t rights; /* what the entries that lead here allow */
	} path[VMEM_MAX_LEVELS];
	struct vmem_entry child; /* the table to enter or to skip, after VMEM_AT_TABLE */
	struct vmem_range found; /* may still grow, so not yet reported; empty if SIZE is 0 */
};

/* What a walk met. */
enum vmem_event {
	VMEM_AT_TABLE, /* an entry that points to a table: enter it or skip it */
	VMEM_AT_RANGE, /* a range is complete: take it */
	VMEM_AT_END,   /* nothing is left but perhaps a range to take */
};

/* Goes on behind BYTES more, over the canonical hole, up to the table that is to be read next. */
VMEM_INLINE void vmem_walk_advance(struct vmem_walk *walk, const struct vmem_format *format,
				   uint64_t bytes)
{
	uint64_t next = walk->va + bytes;

	walk->is_done = next - 1 >= walk->last; /* not next > last: next may be 2^64 */
	if (next == format->low_half_size) {
		next = -format->low_half_size;
		walk->is_done |= format->high_half != VMEM_SAME_ROOT || next > walk->last;
	}
	walk->va = next;
	while (walk->level < format->levels - 1 && vmem_index(format, walk->level, next) == 0)
		walk->level++;
}

/* Skips what the entry at hand spans. */
VMEM_INLINE void vmem_walk_skip(struct vmem_walk *walk, const struct vmem_format *format)
{
	vmem_walk_advance(walk, format, vmem_rest(format, walk->level, walk->va));
}

/* Enters the table of VMEM_AT_TABLE. One that lies outside memory is skipped. */
VMEM_INLINE enum vmem_status vmem_walk_enter(struct vmem_walk *walk,
					     const struct vmem_format *format,
					     const struct vmem_ops *ops, void *memory)
{
	const void *table = ops->table(memory, walk->child.pa);

	if (!table) {
		walk->malformed++;
		vmem_walk_skip(walk, format);
		return VMEM_OK;
	}
	if (walk->tables_left == 0)
		return VMEM_LIMIT;
	walk->tables_left--;
	walk->level--;
	walk->path[walk->level] = (struct vmem_step){ table, walk->child.flags };
	return VMEM_OK;
}

/* Takes the range that is complete. False if there is none. */
VMEM_INLINE bool vmem_walk_take(struct vmem_walk *walk, struct vmem_range *range)
{
	bool is_any = walk->found.size > 0;

	*range = walk->found;
	walk->found.size = 0;
	return is_any;
}

/* How many bytes from VA on are mapped like the leaf RAW at VA, to physical addresses that follow
 * each other: entries that differ only in the address, which is most of a usual table. */
VMEM_INLINE uint64_t vmem_walk_run(const struct vmem_walk *walk, const struct vmem_format *format,
				   uint64_t raw)
{
	const void *table = walk->path[walk->level].table;
	unsigned index = vmem_index(format, walk->level, walk->va);
	uint64_t span = vmem_span(format, walk->level);
	uint64_t size = vmem_rest(format, walk->level, walk->va);
	/* To the end of the table, and of what is wanted; and the sum must not carry out of the
	 * address into other bits. */
	uint64_t more = vmem_entries(format) - 1 - index;
	uint64_t wanted = (walk->last - walk->va) / span + 1;
	uint64_t room = (format->address_mask - (raw & format->address_mask)) / span;

	if (more > wanted)
		more = wanted;
	if (more > room)
		more = room;
	for (; more > 0; more--, size += span) {
		raw += span;
		if (vmem_load(format, table, ++index) != raw)
			break;
	}
	return size;
}

/* Deals with the leaf RAW at the walk's address. True if that completes the range found before,
 * which must then be taken; the leaf is looked at again. */
VMEM_INLINE bool vmem_walk_leaf(struct vmem_walk *walk, const struct vmem_format *format,
				uint64_t raw, const struct vmem_entry *leaf, uint32_t rights)
{
	struct vmem_range *found = &walk->found;
	uint64_t rest = vmem_rest(format, walk->level, walk->va);
	uint64_t pa = leaf->pa + (vmem_span(format, walk->level) - rest);
	uint32_t flags = vmem_effective(rights);

	if (found->size > 0 &&
	    (found->va + found->size != walk->va || found->pa + found->size != pa ||
	     found->flags != flags || found->kind != leaf->kind))
		return true;
	if (found->size == 0)
		*found = (struct vmem_range){ walk->va, pa, 0, flags, leaf->kind };

	uint64_t run = vmem_walk_run(walk, format, raw);
	uint64_t wanted = walk->last - walk->va; /* less one: the whole space is 2^64 */

	found->size += run - 1 < wanted ? run : wanted + 1;
	vmem_walk_advance(walk, format, run);
	return false;
}

/* Goes on to the next event. */
VMEM_INLINE enum vmem_event vmem_walk_event(struct vmem_walk *walk,
					    const struct vmem_format *format)
{
	while (!walk->is_done) {
		const struct vmem_step *step = &walk->path[walk->level];
		unsigned index = vmem_index(format, walk->level, walk->va);
		uint64_t raw = vmem_load(format, step->table, index);
		struct vmem_entry entry = format->decode(walk->level, raw);

		entry.flags &= step->rights;
		if (entry.what == VMEM_TABLE) {
			walk->child = entry;
			return VMEM_AT_TABLE;
		}
		if (entry.what == VMEM_LEAF) {
			if (vmem_walk_leaf(walk, format, raw, &entry, entry.flags))
				return VMEM_AT_RANGE;
			continue;
		}
		if (entry.what == VMEM_MALFORMED)
			walk->malformed++;
		vmem_walk_skip(walk, format);
	}
	return VMEM_AT_END;
}

/*
 * Begins a walk of ROOT's tables, from the page of FIRST to the page of LAST.
 * Addresses in the canonical hole are skipped; where each half of the space has a
 * root of its own, the walk ends with the half it began in. MAX_TABLES bounds the
 * work: each visit of a table but the root counts, so for tables without aliases the
 * number of pages that could be tables is enough.
 */
VMEM_INLINE void vmem_walk_begin(struct vmem_walk *walk, const struct vmem_format *format,
				 const struct vmem_ops *ops, void *memory, uint64_t root,
				 uint64_t first, uint64_t last, uint64_t max_tables)
{
	const void *table = ops->table(memory, root);
	unsigned top = format->levels - 1;

	if (first >= format->low_half_size && first < -format->low_half_size)
		first = -format->low_half_size;
	*walk = (struct vmem_walk){
		.malformed = table ? 0 : 1,
		.va = first & ~(VMEM_PAGE_SIZE - 1),
		.last = last | (VMEM_PAGE_SIZE - 1),
		.tables_left = max_tables,
		.is_done = !table || first > last || !vmem_is_canonical(format, first, first),
		.level = top,
	};
	walk->path[top] = (struct vmem_step){ table, VMEM_RIGHTS };
}

/*
 * The next range of a walk, in the order of addresses: as large as can be, so no two
 * that follow each other could be one. VMEM_END: no more. VMEM_LIMIT: more tables
 * than the walk may visit; the walk is over.
 */
VMEM_INLINE enum vmem_status vmem_walk_next(struct vmem_walk *walk,
					    const struct vmem_format *format,
					    const struct vmem_ops *ops, void *memory,
					    struct vmem_range *range)
{
	while (vmem_walk_event(walk, format) == VMEM_AT_TABLE) {
		if (vmem_walk_enter(walk, format, ops, memory) != VMEM_OK)
			return VMEM_LIMIT;
	}
	return vmem_walk_take(walk, range) ? VMEM_OK : VMEM_END;
}

#endif

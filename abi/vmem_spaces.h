/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_spaces.h - several address spaces that have tables in common.
 *
 * The walk visits every table once. The first root that reaches one owns it and gets
 * its mappings reported; whoever meets it again, the same root included, gets a link
 * instead: "here is what root R has there". Links only ever lead back to what was
 * reported before, so a reader can rebuild the spaces in one pass, each range with
 * vmem_map() and each link with vmem_link().
 *
 * Because no table is visited twice, cycles and aliases cost a hostile guest's host
 * nothing: work is bounded by the tables that there are, and memory by the array that
 * the caller lends.
 */
#ifndef ABI_VMEM_SPACES_H
#define ABI_VMEM_SPACES_H

#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"

/* A table that was visited. All zero: a free slot. */
struct vmem_seen {
	uint64_t key; /* its address, its level and the rights that it is reached with */
	uint64_t va;  /* where it was met first */
	size_t root;  /* in that root, by number */
};

/* What is mapped in the root at hand from VA on, as much as one entry DEPTH steps from the root
 * spans (1: an entry of the root), is what root THEIR_ROOT has at THEIR_VA: the same table. */
struct vmem_link {
	unsigned depth;
	uint64_t va;
	size_t their_root;
	uint64_t their_va;
};

/* One thing found. */
struct vmem_item {
	size_t root; /* the number of the root that it belongs to */
	bool is_link;
	union {
		struct vmem_range range;
		struct vmem_link link;
	};
};

/* Where a walk of several spaces is. Storage of the caller; private but for WALK.MALFORMED, the
 * entries of the root at hand that map nothing. */
struct vmem_spaces {
	struct vmem_walk walk;
	const uint64_t *roots;
	size_t n_roots;
	size_t root;
	struct vmem_seen *seen;
	size_t n_slots;
	size_t n_used;
};

/* A look-up gives up after so many slots, so a guest that picks colliding tables gains nothing. */
#define VMEM_SEEN_PROBES 64

/* Finds the slot of KEY, or a free one for it; NULL if the array is half full or crowded there. */
VMEM_INLINE struct vmem_seen *vmem_seen_slot(struct vmem_spaces *spaces, uint64_t key)
{
	size_t mask = spaces->n_slots - 1;
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
	size_t slot = (size_t)(hash ^ (hash >> 32));

	for (unsigned i = 0; i < VMEM_SEEN_PROBES; i++, slot++) {
		struct vmem_seen *seen = &spaces->seen[slot & mask];

		if (seen->key == key)
			return seen;
		if (seen->key == 0)
			return spaces->n_used < spaces->n_slots / 2 ? seen : NULL;
	}
	return NULL;
}

/*
 * Begins a walk of the whole of each of ROOTS, in that order. SEEN is an array of
 * N_SLOTS elements, a power of two, for the time of the walk; twice as many as there
 * are tables is enough. ROOTS and SEEN stay the caller's.
 */
VMEM_INLINE void vmem_spaces_begin(struct vmem_spaces *spaces, const struct vmem_format *format,
				   const struct vmem_ops *ops, void *memory, const uint64_t *roots,
				   size_t n_roots, struct vmem_seen *seen, size_t n_slots)
{
	*spaces = (struct vmem_spaces){
		.roots = roots,
		.n_roots = n_roots,
		.seen = seen,
		.n_slots = n_slots,
	};
	for (size_t i = 0; i < n_slots; i++)
		seen[i] = (struct vmem_seen){ 0 };
	spaces->walk.is_done = true;
	if (n_roots > 0)
		vmem_walk_begin(&spaces->walk, format, ops, memory, roots[0], 0, UINT64_MAX,
				UINT64_MAX);
}

/* Deals with the table that the walk is at: enters it, or makes ITEM a link if it was seen before.
 * VMEM_END: entered, no item. */
VMEM_INLINE enum vmem_status vmem_spaces_table(struct vmem_spaces *spaces,
					       const struct vmem_format *format,
					       const struct vmem_ops *ops, void *memory,
					       struct vmem_item *item)
{
	struct vmem_walk *walk = &spaces->walk;
	/* A table that other rights lead to is another table: its mappings differ. */
	uint64_t key = walk->child.pa | (uint64_t)walk->child.flags << 4 | walk->level;
	struct vmem_seen *seen = vmem_seen_slot(spaces, key);
	unsigned level = walk->level;
	uint64_t va = walk->va;

	if (!seen)
		return VMEM_LIMIT;
	if (!seen->key) {
		if (vmem_walk_enter(walk, format, ops, memory) != VMEM_OK)
			return VMEM_LIMIT;
		if (walk->level < level) {
			*seen = (struct vmem_seen){ key, va, spaces->root };
			spaces->n_used++;
		}
		return VMEM_END;
	}

	/* What was found before it comes first. */
	item->is_link = !vmem_walk_take(walk, &item->range);
	if (item->is_link) {
		item->link = (struct vmem_link){ format->levels - level, va, seen->root, seen->va };
		vmem_walk_skip(walk, format);
	}
	return VMEM_OK;
}

/*
 * The next thing found: roots in their order, and in each the order of addresses.
 * VMEM_END: no more. VMEM_LIMIT: SEEN is too small for the tables that there are; the
 * walk is over.
 */
VMEM_INLINE enum vmem_status vmem_spaces_next(struct vmem_spaces *spaces,
					      const struct vmem_format *format,
					      const struct vmem_ops *ops, void *memory,
					      struct vmem_item *item)
{
	struct vmem_walk *walk = &spaces->walk;

	for (;;) {
		enum vmem_event event = vmem_walk_event(walk, format);

		item->root = spaces->root;
		item->is_link = false;
		if (event == VMEM_AT_TABLE) {
			enum vmem_status status =
				vmem_spaces_table(spaces, format, ops, memory, item);

			if (status != VMEM_END)
				return status;
			continue;
		}
		if (vmem_walk_take(walk, &item->range))
			return VMEM_OK;
		if (spaces->n_roots - spaces->root <= 1)
			return VMEM_END;
		spaces->root++;
		vmem_walk_begin(walk, format, ops, memory, spaces->roots[spaces->root], 0,
				UINT64_MAX, UINT64_MAX);
	}
}

/* Finds the entry that THEIR_ROOT has for VA at LEVEL; where a larger leaf spans it, the leaf that
 * would take its place. 0 if nothing is there. */
VMEM_INLINE enum vmem_status vmem_find_entry(const struct vmem_format *format,
					     const struct vmem_ops *ops, void *memory,
					     uint64_t root, uint64_t va, unsigned bottom,
					     uint64_t *raw)
{
	uint64_t pa = root;

	*raw = 0;
	for (unsigned level = format->levels; level-- > bottom;) {
		const void *table = ops->table(memory, pa);

		if (!table)
			return VMEM_BAD_TABLE;
		uint64_t here = vmem_load(format, table, vmem_index(format, level, va));
		struct vmem_entry entry = format->decode(level, here);

		if (level == bottom)
			*raw = here;
		if (entry.what == VMEM_LEAF && level > bottom)
			*raw = format->leaf_entry(bottom,
						  entry.pa + (va & (vmem_span(format, level) - 1)),
						  vmem_effective(entry.flags), entry.kind);
		if (entry.what != VMEM_TABLE)
			break;
		pa = entry.pa;
	}
	return VMEM_OK;
}

/*
 * Rebuilds LINK in the tables of ROOT, which may be THEIR_ROOT itself: from now on
 * both share what THEIR_ROOT has at LINK's address. That must have been rebuilt
 * before; where nothing is, nothing is linked. THEIR_ROOT is the rebuilt one, not the
 * one that was walked. Failures are those of vmem_map().
 */
VMEM_INLINE enum vmem_status vmem_link(const struct vmem_format *format, const struct vmem_ops *ops,
				       void *memory, uint64_t *root, uint64_t their_root,
				       const struct vmem_link *link)
{
	struct vmem_path path = { .va = link->va };
	unsigned bottom = format->levels - link->depth;
	unsigned level = format->levels - 1;
	uint64_t raw;
	enum vmem_status status =
		vmem_find_entry(format, ops, memory, their_root, link->their_va, bottom, &raw);

	if (status != VMEM_OK || raw == 0)
		return status;

	/* What the entry lets pass, the tables above it must let pass too. */
	uint32_t flags = format->decode(bottom, raw).flags;

	path.table[level] = *root;
	for (; level > bottom; level--) {
		struct vmem_entry entry;

		status = vmem_look(format, ops, memory, &path, level, &entry);
		if (status == VMEM_OK)
			status = vmem_step_down(format, ops, memory, root, &path, level, entry,
						flags);
		if (status != VMEM_OK)
			return status;
	}
	return vmem_put(format, ops, memory, root, &path, bottom, raw);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_map.h - changing page tables, and counting the tables that a layout needs.
 *
 * The tables written here were made here, by the host or by a guest for itself.
 * They are still read as a stranger's would be: a table outside memory is a status,
 * never an access.
 *
 * Leaves decide what is allowed; a table entry allows whatever a leaf below it needs.
 */
#ifndef ABI_VMEM_MAP_H
#define ABI_VMEM_MAP_H

#include "abi/vmem.h"

/* The way from the root to the entry for VA: TABLE[level] for each level that was reached. */
struct vmem_path {
	uint64_t va;
	uint64_t table[VMEM_MAX_LEVELS];
};

/* Makes the table at LEVEL writable. If it had to move, its parent must point to the copy, so the
 * parent is made writable in turn, and so on: up to the first that stays, or past the root. Until
 * the last step nothing points to the copies, so a failure changes nothing. */
VMEM_INLINE enum vmem_status vmem_make_writable(const struct vmem_format *format,
						const struct vmem_ops *ops, void *memory,
						uint64_t *root, struct vmem_path *path,
						unsigned bottom)
{
	if (!ops->move)
		return VMEM_OK;
	for (unsigned level = bottom; level < format->levels; level++) {
		uint64_t old = path->table[level];
		uint64_t now = ops->move(memory, old);
		void *table = now == VMEM_NO_TABLE ? NULL : ops->table(memory, now);

		if (!table)
			return VMEM_OUT_OF_TABLES;
		path->table[level] = now;
		if (level > bottom) {
			unsigned index = vmem_index(format, level, path->va);
			uint64_t raw = vmem_load(format, table, index) & ~format->address_mask;

			vmem_store(format, table, index, raw | path->table[level - 1]);
		}
		if (now == old)
			return VMEM_OK;
	}
	*root = path->table[format->levels - 1];
	return VMEM_OK;
}

/* Writes the entry for PATH's address in the table at LEVEL. */
VMEM_INLINE enum vmem_status vmem_put(const struct vmem_format *format, const struct vmem_ops *ops,
				      void *memory, uint64_t *root, struct vmem_path *path,
				      unsigned level, uint64_t raw)
{
	enum vmem_status status = vmem_make_writable(format, ops, memory, root, path, level);

	if (status != VMEM_OK)
		return status;
	vmem_store(format, ops->table(memory, path->table[level]),
		   vmem_index(format, level, path->va), raw);
	return VMEM_OK;
}

/* A fresh table for LEVEL; one that takes the place of the large LEAF (NULL: of nothing) maps what
 * that mapped. The answer is its address or VMEM_NO_TABLE. */
VMEM_INLINE uint64_t vmem_new_table(const struct vmem_format *format, const struct vmem_ops *ops,
				    void *memory, unsigned level, const struct vmem_entry *leaf)
{
	uint64_t pa = ops->alloc(memory);
	void *table = pa == VMEM_NO_TABLE ? NULL : ops->table(memory, pa);

	if (!table)
		return VMEM_NO_TABLE;
	if (!leaf)
		return pa;

	uint32_t flags = vmem_effective(leaf->flags);
	uint64_t raw = format->leaf_entry(level, leaf->pa, flags, leaf->kind);

	for (unsigned i = 0; i < vmem_entries(format); i++)
		vmem_store(format, table, i, raw + i * vmem_span(format, level));
	return pa;
}

/* Steps from LEVEL into the table below it, which is made if there is none, and which will allow
 * what FLAGS allow. ENTRY is what LEVEL's table holds for PATH's address. */
VMEM_INLINE enum vmem_status vmem_step_down(const struct vmem_format *format,
					    const struct vmem_ops *ops, void *memory,
					    uint64_t *root, struct vmem_path *path, unsigned level,
					    struct vmem_entry entry, uint32_t flags)
{
	bool is_leaf = entry.what == VMEM_LEAF;
	uint64_t child = entry.pa;

	flags &= VMEM_WRITE | VMEM_EXEC | VMEM_USER;
	if (entry.what == VMEM_MALFORMED)
		return VMEM_BAD_TABLE;
	if (entry.what != VMEM_TABLE)
		child = vmem_new_table(format, ops, memory, level - 1, is_leaf ? &entry : NULL);
	if (child == VMEM_NO_TABLE)
		return VMEM_OUT_OF_TABLES;
	path->table[level - 1] = child;
	if (entry.what == VMEM_TABLE && !(flags & ~entry.flags))
		return VMEM_OK;
	return vmem_put(format, ops, memory, root, path, level,
			format->table_entry(child, entry.flags | flags));
}

/* Reads and decodes the entry for PATH's address in the table at LEVEL. */
VMEM_INLINE enum vmem_status vmem_look(const struct vmem_format *format, const struct vmem_ops *ops,
				       void *memory, const struct vmem_path *path, unsigned level,
				       struct vmem_entry *entry)
{
	const void *table = ops->table(memory, path->table[level]);

	if (!table)
		return VMEM_BAD_TABLE;
	*entry = format->decode(level,
				vmem_load(format, table, vmem_index(format, level, path->va)));
	return VMEM_OK;
}

/* Tells if FLAGS permit leaves at LEVEL. */
VMEM_INLINE bool vmem_may_be_leaf(const struct vmem_format *format, unsigned level, uint32_t flags)
{
	if (level == 0)
		return true;
	return level <= format->largest_leaf && (flags & (level == 1 ? VMEM_LARGE : VMEM_HUGE));
}

/* The level of the largest leaf that the beginning of RANGE may be mapped with. */
VMEM_INLINE unsigned vmem_leaf_level(const struct vmem_format *format,
				     const struct vmem_range *range)
{
	unsigned level = format->largest_leaf;

	for (; level > 0; level--) {
		uint64_t span = vmem_span(format, level);

		if (vmem_may_be_leaf(format, level, range->flags) &&
		    !((range->va | range->pa) & (span - 1)) && range->size >= span)
			break;
	}
	return level;
}

/* Writes the leaves of RANGE that fall in one table at LEVEL; answers how many. */
VMEM_INLINE uint64_t vmem_fill(const struct vmem_format *format, void *table, unsigned level,
			       const struct vmem_range *range)
{
	unsigned index = vmem_index(format, level, range->va);
	uint64_t room = vmem_entries(format) - index;
	uint64_t wanted = range->size >> vmem_shift(format, level);
	uint64_t count = wanted < room ? wanted : room;
	uint64_t raw = format->leaf_entry(level, range->pa, range->flags, range->kind);
	uint64_t step = range->kind == VMEM_UNMAPPED ? 0 : vmem_span(format, level);

	for (uint64_t i = 0; i < count; i++, raw += step)
		vmem_store(format, table, index + (unsigned)i, raw);
	return count;
}

/* Maps the beginning of RANGE, as much as one table holds, and sets DONE to its size. */
VMEM_INLINE enum vmem_status vmem_map_some(const struct vmem_format *format,
					   const struct vmem_ops *ops, void *memory, uint64_t *root,
					   const struct vmem_range *range, uint64_t *done)
{
	struct vmem_path path = { .va = range->va };
	unsigned bottom = vmem_leaf_level(format, range);
	unsigned level = format->levels - 1;
	enum vmem_status status;

	path.table[level] = *root;
	for (; level > bottom; level--) {
		uint64_t rest = vmem_rest(format, level, range->va);
		bool whole = rest == vmem_span(format, level) && rest <= range->size;
		struct vmem_entry entry;

		status = vmem_look(format, ops, memory, &path, level, &entry);
		if (status != VMEM_OK)
			return status;
		/* Unmapping makes no tables where there is nothing to unmap, or all of it. */
		if (range->kind == VMEM_UNMAPPED &&
		    (entry.what == VMEM_ABSENT || (entry.what == VMEM_LEAF && whole))) {
			*done = rest < range->size ? rest : range->size;
			if (entry.what == VMEM_ABSENT)
				return VMEM_OK;
			return vmem_put(format, ops, memory, root, &path, level, 0);
		}
		status = vmem_step_down(format, ops, memory, root, &path, level, entry,
					range->flags);
		if (status != VMEM_OK)
			return status;
	}

	status = vmem_make_writable(format, ops, memory, root, &path, level);
	if (status != VMEM_OK)
		return status;
	void *table = ops->table(memory, path.table[level]);

	if (!table)
		return VMEM_BAD_TABLE;
	*done = vmem_fill(format, table, level, range) << vmem_shift(format, level);
	return VMEM_OK;
}

/* Tells if RANGE can be mapped in FORMAT at all. */
VMEM_INLINE bool vmem_range_is_valid(const struct vmem_format *format,
				     const struct vmem_range *range)
{
	if ((range->va | range->size) & (VMEM_PAGE_SIZE - 1) || range->size == 0 ||
	    !vmem_is_canonical(format, range->va, range->va + (range->size - 1)))
		return false;
	if (range->kind == VMEM_UNMAPPED)
		return true;
	return !(range->pa & (VMEM_PAGE_SIZE - 1)) && range->size <= format->physical_size &&
	       range->pa <= format->physical_size - range->size;
}

/*
 * Maps RANGE in the tables of ROOT, whatever was mapped there before; unmaps it if
 * its kind says so. ROOT changes if the root had to move. Large leaves that are in
 * the way are split; tables that a large leaf replaces are lost to the caller.
 *
 * VMEM_BAD_RANGE: nothing was changed. VMEM_OUT_OF_TABLES and VMEM_BAD_TABLE: a
 * first part of RANGE is mapped, page by page as asked, the rest is as it was; after
 * making room the same call may be repeated.
 */
VMEM_INLINE enum vmem_status vmem_map(const struct vmem_format *format, const struct vmem_ops *ops,
				      void *memory, uint64_t *root, const struct vmem_range *range)
{
	struct vmem_range left = *range;

	if (!vmem_range_is_valid(format, range))
		return VMEM_BAD_RANGE;
	if (left.kind == VMEM_UNMAPPED)
		left.pa = left.va; /* as aligned as can be */
	while (left.size > 0) {
		uint64_t done = 0;
		enum vmem_status status = vmem_map_some(format, ops, memory, root, &left, &done);

		if (status != VMEM_OK)
			return status;
		left.va += done;
		left.pa += done;
		left.size -= done;
	}
	return VMEM_OK;
}

/* Counts the tables at LEVEL for SIZE bytes at VA. LAST is the number of the last table that was
 * counted at this level: neighbours in the same table are counted once. */
VMEM_INLINE uint64_t vmem_count_piece(const struct vmem_format *format, unsigned level, uint64_t va,
				      uint64_t size, uint64_t *last)
{
	unsigned shift = vmem_shift(format, level + 1);
	uint64_t first = va >> shift;
	uint64_t again = first == *last;

	if (size == 0)
		return 0;
	*last = (va + (size - 1)) >> shift;
	return *last - first + 1 - again;
}

/* Counts the tables at LEVEL for RANGE: where larger leaves do, only for its two ends. */
VMEM_INLINE uint64_t vmem_count_level(const struct vmem_format *format, unsigned level,
				      const struct vmem_range *range, uint64_t *last)
{
	uint64_t head = range->size;
	uint64_t body = 0;

	for (unsigned large = level + 1; large <= format->largest_leaf && !body; large++) {
		uint64_t span = vmem_span(format, large);
		uint64_t gap = -range->va & (span - 1);

		if (!vmem_may_be_leaf(format, large, range->flags) || range->size < gap ||
		    (range->va ^ range->pa) & (span - 1))
			continue;
		body = (range->size - gap) & ~(span - 1);
		if (body)
			head = gap;
	}
	return vmem_count_piece(format, level, range->va, head, last) +
	       vmem_count_piece(format, level, range->va + head + body, range->size - head - body,
				last);
}

/*
 * How many pages of tables, root included, vmem_map() takes for all of RANGES in
 * fresh tables: exactly, if they are sorted by address and do not overlap, otherwise
 * at most so many. The ranges must be valid.
 */
static inline uint64_t vmem_count_tables(const struct vmem_format *format,
					 const struct vmem_range *ranges, size_t n_ranges)
{
	uint64_t count = 1;

	for (unsigned level = 0; level < format->levels - 1; level++) {
		uint64_t last = UINT64_MAX; /* no table's number */

		for (size_t i = 0; i < n_ranges; i++)
			count += vmem_count_level(format, level, &ranges[i], &last);
	}
	return count;
}

#endif

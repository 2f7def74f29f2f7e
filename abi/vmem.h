/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem.h - page tables: the words that mapping, walking and the formats share.
 *
 * One source serves the host, which builds a guest's tables in a buffer and reads
 * the tables of a hostile guest, and a ring-0 guest, which changes its own. It is
 * split like this:
 *
 *     vmem.h                          ranges, statuses, the two contracts below
 *     vmem_amd64.h _i686.h _aarch64.h what an entry looks like: a vmem_format each
 *     vmem_flat.h                     tables in one plain buffer: vmem_ops for it
 *     vmem_map.h                      changing tables; how many tables are needed
 *     vmem_walk.h                     reading tables: one address, or a range
 *     vmem_spaces.h                   several roots with tables in common
 *
 * Everything is an inline function of a format and of the operations that reach
 * table memory. Pass both as the address of a constant: the compiler then folds
 * them away, and a host's bounds check, a guest's direct access, or the absence of
 * moving tables cost what hand-written code would. A caller that maps in several
 * places wraps the call in a function of its own, because each call is a copy.
 *
 * Levels are counted from the pages up: level 0 tables hold 4 KiB leaves, and the
 * root is at level LEVELS - 1. A table is always one page. Addresses are guest
 * addresses. Nothing here flushes a TLB: after it replaces a mapping that was in
 * use, a guest must do so itself.
 *
 * No locking: one thread at a time for a set of tables, and no vCPU running on
 * tables that are being changed by the host.
 */
#ifndef ABI_VMEM_H
#define ABI_VMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMEM_PAGE_SIZE  UINT64_C(4096)
#define VMEM_PAGE_SHIFT 12
#define VMEM_MAX_LEVELS 4

/* What a mapping is. */
enum vmem_kind {
	VMEM_UNMAPPED, /* no access; mapping it removes what was there */
	VMEM_BASIC,
	/* Not writable to the processor, marked in a bit that is the software's: the first write
	 * gets a private copy of the page. Software alone gives it that meaning. */
	VMEM_COW,
};

/* What a mapping allows, and how it may be made. Every mapping can be read. */
enum {
	VMEM_WRITE = 1 << 0, /* never together with VMEM_COW */
	VMEM_EXEC = 1 << 1,  /* i686 cannot refuse it: walks there always report it */
	VMEM_USER = 1 << 2,  /* for user mode as well; on aarch64 user code is not for EL1 */

	/* For vmem_map() alone: leaves one level up (2 MiB, on i686 4 MiB) and two levels up
	 * (1 GiB) may be used where virtual and physical alignment allow. */
	VMEM_LARGE = 1 << 3,
	VMEM_HUGE = 1 << 4,

	/* Between walk and format alone: aarch64 says separately what the kernel may execute. */
	VMEM_KERNEL_EXEC = 1 << 5,
	VMEM_RIGHTS = VMEM_WRITE | VMEM_EXEC | VMEM_USER | VMEM_KERNEL_EXEC,
};

/* A piece of address space that is mapped in one way: all fields are multiples of a page. A range
 * may end with the last byte of the address space, but not go past it. PA means nothing when
 * KIND is VMEM_UNMAPPED. */
struct vmem_range {
	uint64_t va;
	uint64_t pa;
	uint64_t size;
	uint32_t flags;
	enum vmem_kind kind;
};

enum vmem_status {
	VMEM_OK,
	VMEM_END,           /* a walk has reported everything */
	VMEM_BAD_RANGE,     /* not page-aligned, past the end, or across the canonical hole */
	VMEM_BAD_TABLE,     /* a table outside memory or with reserved bits is in the way */
	VMEM_OUT_OF_TABLES, /* no page is left for a table */
	VMEM_LIMIT,         /* the tables ask for more work than the caller allows */
};

/* What vmem_ops say instead of the address of a table. */
#define VMEM_NO_TABLE UINT64_MAX

/*
 * How to reach table memory. MEMORY is the caller's, handed through. A physical
 * address may come from a hostile guest: whatever its value, the answer must be
 * right.
 */
struct vmem_ops {
	/* The page of the table at PA, aligned to 8 bytes, or NULL if no page of memory is there.
	 * The pointer must stay good: a walk keeps the tables on its way from call to call. */
	void *(*table)(void *memory, uint64_t pa);

	/* Mapping only: the physical address of a fresh page full of zeroes, or VMEM_NO_TABLE. */
	uint64_t (*alloc)(void *memory);

	/* Mapping only: called before the table at PA is written. It answers PA if that may be
	 * written in place; otherwise it copies the table and answers with the address of the copy
	 * (or VMEM_NO_TABLE), and the parents are made to point there, up to the root. NULL where
	 * tables never move. */
	uint64_t (*move)(void *memory, uint64_t pa);
};

enum vmem_entry_kind {
	VMEM_ABSENT,
	VMEM_LEAF,
	VMEM_TABLE,
	VMEM_MALFORMED, /* present, but the processor would fault on it: reserved bits */
};

/* An entry, decoded. For a table FLAGS are what it lets the leaves below it allow. */
struct vmem_entry {
	enum vmem_entry_kind what;
	enum vmem_kind kind; /* of a leaf */
	uint32_t flags;
	uint64_t pa;
};

/* Whether as many virtual addresses as in the low half lie at the end of the 64-bit space too. */
enum vmem_high_half {
	VMEM_NO_HIGH_HALF,
	VMEM_SAME_ROOT, /* yes, in the same tables */
	VMEM_OWN_ROOT,  /* yes, in tables of their own */
};

/* What page tables look like on one architecture. */
struct vmem_format {
	const char *name;
	unsigned levels;
	unsigned index_bits; /* of an address, for each level */
	unsigned entry_size;
	unsigned largest_leaf;  /* the highest level with leaves */
	uint64_t address_mask;  /* of a table's address in an entry */
	uint64_t physical_size; /* one past the last physical address */
	uint64_t low_half_size; /* virtual addresses go from 0 to here */
	enum vmem_high_half high_half;

	/* Entries have the accessed bit set, and leaves the dirty bit, where there are such: the
	 * processor then never writes to the tables. FLAGS of a table entry: VMEM_USER if a leaf
	 * below has it. */
	uint64_t (*table_entry)(uint64_t pa, uint32_t flags);
	uint64_t (*leaf_entry)(unsigned level, uint64_t pa, uint32_t flags, enum vmem_kind kind);
	struct vmem_entry (*decode)(unsigned level, uint64_t raw);
};

/* Inlined whatever the compiler's opinion: only then are format and operations constants. */
#define VMEM_INLINE static inline __attribute__((always_inline))

/* How far an address must be shifted to find its index at LEVEL. */
VMEM_INLINE unsigned vmem_shift(const struct vmem_format *format, unsigned level)
{
	return VMEM_PAGE_SHIFT + format->index_bits * level;
}

/* The bytes that one entry at LEVEL spans. */
VMEM_INLINE uint64_t vmem_span(const struct vmem_format *format, unsigned level)
{
	return UINT64_C(1) << vmem_shift(format, level);
}

VMEM_INLINE unsigned vmem_entries(const struct vmem_format *format)
{
	return 1U << format->index_bits;
}

VMEM_INLINE unsigned vmem_index(const struct vmem_format *format, unsigned level, uint64_t va)
{
	return (unsigned)(va >> vmem_shift(format, level)) & (vmem_entries(format) - 1);
}

/* Bytes from VA to the end of the entry at LEVEL that spans it. */
VMEM_INLINE uint64_t vmem_rest(const struct vmem_format *format, unsigned level, uint64_t va)
{
	uint64_t span = vmem_span(format, level);

	return span - (va & (span - 1));
}

/* Reads an entry, once: a guest may change it meanwhile. */
VMEM_INLINE uint64_t vmem_load(const struct vmem_format *format, const void *table, unsigned index)
{
	if (format->entry_size == sizeof(uint32_t))
		return ((const volatile uint32_t *)table)[index];
	return ((const volatile uint64_t *)table)[index];
}

/* Writes an entry with a single store: the processor may be walking the table. */
VMEM_INLINE void vmem_store(const struct vmem_format *format, void *table, unsigned index,
			    uint64_t raw)
{
	if (format->entry_size == sizeof(uint32_t))
		((volatile uint32_t *)table)[index] = (uint32_t)raw;
	else
		((volatile uint64_t *)table)[index] = raw;
}

/* What FLAGS allow in the end: of the two rights to execute, the one of the mode that the page is
 * for. */
VMEM_INLINE uint32_t vmem_effective(uint32_t flags)
{
	uint32_t rights = flags & (VMEM_WRITE | VMEM_USER);

	return rights |
	       (flags & (flags & VMEM_USER ? VMEM_EXEC : VMEM_KERNEL_EXEC) ? VMEM_EXEC : 0);
}

/* Tells if the bytes VA to LAST, both included, lie in one half of the address space. */
VMEM_INLINE bool vmem_is_canonical(const struct vmem_format *format, uint64_t va, uint64_t last)
{
	if (va > last)
		return false;
	return last < format->low_half_size ||
	       (format->high_half != VMEM_NO_HIGH_HALF && va >= -format->low_half_size);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of each format, bit by bit: what is written, and what is made of what a
 * guest may have written. The numbers are the manuals', written out.
 */
#include "tests/abi/vmem_fixture.h"

#define NX  (UINT64_C(1) << 63)
#define PXN (UINT64_C(1) << 53)
#define UXN (UINT64_C(1) << 54)

#define R_X  (VMEM_EXEC | VMEM_KERNEL_EXEC)
#define RWX  (VMEM_WRITE | R_X)
#define RWXU (RWX | VMEM_USER)

static const struct {
	const char *what;
	const struct vmem_format *format;
	unsigned level;
	uint64_t pa;
	uint32_t flags;
	enum vmem_kind kind;
	uint64_t want;
} leaves[] = {
	{ "read-only data", &vmem_amd64, 0, 0x5000, 0, VMEM_BASIC, 0x5061 | NX },
	{ "data", &vmem_amd64, 0, 0x5000, VMEM_WRITE, VMEM_BASIC, 0x5063 | NX },
	{ "code", &vmem_amd64, 0, 0x5000, VMEM_EXEC, VMEM_BASIC, 0x5061 },
	{ "user code", &vmem_amd64, 0, 0x5000, VMEM_EXEC | VMEM_USER, VMEM_BASIC, 0x5065 },
	{ "copy-on-write data", &vmem_amd64, 0, 0x5000, 0, VMEM_COW, 0x5261 | NX },
	{ "copy-on-write is never writable", &vmem_amd64, 0, 0x5000, VMEM_WRITE | VMEM_EXEC,
	  VMEM_COW, 0x5261 },
	{ "unmapped", &vmem_amd64, 0, 0x5000, VMEM_WRITE, VMEM_UNMAPPED, 0 },
	{ "2 MiB", &vmem_amd64, 1, 0x200000, VMEM_WRITE, VMEM_BASIC, 0x2000e3 | NX },
	{ "1 GiB", &vmem_amd64, 2, 0x40000000, VMEM_EXEC, VMEM_BASIC, 0x400000e1 },
	{ "the last page there is", &vmem_amd64, 0, 0xffffffffff000, VMEM_EXEC, VMEM_BASIC,
	  0xffffffffff061 },

	{ "read-only", &vmem_i686, 0, 0x5000, 0, VMEM_BASIC, 0x5061 },
	{ "user data", &vmem_i686, 0, 0x5000, VMEM_WRITE | VMEM_USER, VMEM_BASIC, 0x5067 },
	{ "copy-on-write", &vmem_i686, 0, 0x5000, VMEM_WRITE, VMEM_COW, 0x5261 },
	{ "unmapped", &vmem_i686, 0, 0x5000, 0, VMEM_UNMAPPED, 0 },
	{ "4 MiB", &vmem_i686, 1, 0x400000, VMEM_WRITE, VMEM_BASIC, 0x4000e3 },

	{ "read-only data", &vmem_aarch64, 0, 0x5000, 0, VMEM_BASIC, 0x5783 | PXN | UXN },
	{ "data", &vmem_aarch64, 0, 0x5000, VMEM_WRITE, VMEM_BASIC, 0x5703 | PXN | UXN },
	{ "kernel code", &vmem_aarch64, 0, 0x5000, VMEM_EXEC, VMEM_BASIC, 0x5783 | UXN },
	{ "user code", &vmem_aarch64, 0, 0x5000, VMEM_EXEC | VMEM_USER, VMEM_BASIC, 0x57c3 | PXN },
	{ "copy-on-write", &vmem_aarch64, 0, 0x5000, VMEM_WRITE, VMEM_COW,
	  0x5783 | PXN | UXN | UINT64_C(1) << 55 },
	{ "unmapped", &vmem_aarch64, 0, 0x5000, 0, VMEM_UNMAPPED, 0 },
	{ "2 MiB", &vmem_aarch64, 1, 0x200000, VMEM_WRITE, VMEM_BASIC, 0x200701 | PXN | UXN },
	{ "1 GiB", &vmem_aarch64, 2, 0x40000000, VMEM_EXEC, VMEM_BASIC, 0x40000781 | UXN },
};

static void leaves_are_written_to_the_bit(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(leaves); i++) {
		uint64_t got = leaves[i].format->leaf_entry(leaves[i].level, leaves[i].pa,
							    leaves[i].flags, leaves[i].kind);

		if (got != leaves[i].want)
			fail_msg("%s, %s: got %" PRIx64 ", want %" PRIx64, leaves[i].format->name,
				 leaves[i].what, got, leaves[i].want);
	}
}

static void tables_are_written_to_the_bit(void **state)
{
	(void)state;
	assert_int_equal(vmem_amd64.table_entry(0x7000, VMEM_WRITE), 0x7023);
	assert_int_equal(vmem_amd64.table_entry(0x7000, VMEM_USER), 0x7027);
	assert_int_equal(vmem_i686.table_entry(0x7000, 0), 0x7027);
	assert_int_equal(vmem_aarch64.table_entry(0x7000, VMEM_USER), 0x7003);
}

static const struct {
	const char *what;
	const struct vmem_format *format;
	unsigned level;
	uint64_t raw;
	struct vmem_entry want;
} rows[] = {
	{ "nothing", &vmem_amd64, 0, 0, { VMEM_ABSENT, 0, 0, 0 } },
	{ "all but present", &vmem_amd64, 0, ~UINT64_C(1), { VMEM_ABSENT, 0, 0, 0 } },
	{ "a table", &vmem_amd64, 3, 0x7023, { VMEM_TABLE, 0, RWX, 0x7000 } },
	{ "a table for users", &vmem_amd64, 1, 0x7007, { VMEM_TABLE, 0, RWXU, 0x7000 } },
	{ "a table that nothing may execute or write below",
	  &vmem_amd64,
	  2,
	  0x7001 | NX,
	  { VMEM_TABLE, 0, 0, 0x7000 } },
	{ "a page, never accessed", &vmem_amd64, 0, 0x5003, { VMEM_LEAF, VMEM_BASIC, RWX, 0x5000 } },
	{ "all that software may set in a page",
	  &vmem_amd64,
	  0,
	  UINT64_C(0x7ff0000000005ff9),
	  { VMEM_LEAF, VMEM_BASIC, R_X, 0x5000 } },
	{ "bit 7 of a page is an attribute",
	  &vmem_amd64,
	  0,
	  0x5081,
	  { VMEM_LEAF, VMEM_BASIC, R_X, 0x5000 } },
	{ "copy-on-write is not writable, whatever the bit says",
	  &vmem_amd64,
	  0,
	  0x5263,
	  { VMEM_LEAF, VMEM_COW, R_X, 0x5000 } },
	{ "copy-on-write needs the other software bits clear",
	  &vmem_amd64,
	  0,
	  0x5661,
	  { VMEM_LEAF, VMEM_BASIC, R_X, 0x5000 } },
	{ "2 MiB", &vmem_amd64, 1, 0x2000e3 | NX, { VMEM_LEAF, VMEM_BASIC, VMEM_WRITE, 0x200000 } },
	{ "bit 12 of 2 MiB is an attribute",
	  &vmem_amd64,
	  1,
	  0x201081,
	  { VMEM_LEAF, VMEM_BASIC, R_X, 0x200000 } },
	{ "2 MiB, unaligned by a page", &vmem_amd64, 1, 0x202081, { .what = VMEM_MALFORMED } },
	{ "2 MiB, unaligned by half", &vmem_amd64, 1, 0x300081, { .what = VMEM_MALFORMED } },
	{ "1 GiB", &vmem_amd64, 2, 0x400000e1, { VMEM_LEAF, VMEM_BASIC, R_X, 0x40000000 } },
	{ "1 GiB, unaligned by 2 MiB", &vmem_amd64, 2, 0x40200081, { .what = VMEM_MALFORMED } },
	{ "no 512 GiB pages", &vmem_amd64, 3, 0x81, { .what = VMEM_MALFORMED } },

	{ "nothing", &vmem_i686, 1, 0xfffffffe, { VMEM_ABSENT, 0, 0, 0 } },
	{ "a table", &vmem_i686, 1, 0x7027, { VMEM_TABLE, 0, RWXU, 0x7000 } },
	{ "a table, supervisor, read-only", &vmem_i686, 1, 0x7001, { VMEM_TABLE, 0, R_X, 0x7000 } },
	{ "the last page", &vmem_i686, 0, 0xfffff067, { VMEM_LEAF, VMEM_BASIC, RWXU, 0xfffff000 } },
	{ "copy-on-write", &vmem_i686, 0, 0x5263, { VMEM_LEAF, VMEM_COW, R_X, 0x5000 } },
	{ "not copy-on-write", &vmem_i686, 0, 0x5a61, { VMEM_LEAF, VMEM_BASIC, R_X, 0x5000 } },
	{ "4 MiB", &vmem_i686, 1, 0x4000e3, { VMEM_LEAF, VMEM_BASIC, RWX, 0x400000 } },
	{ "bit 12 of 4 MiB is an attribute",
	  &vmem_i686,
	  1,
	  0x401081,
	  { VMEM_LEAF, VMEM_BASIC, R_X, 0x400000 } },
	{ "4 MiB above 4 GiB", &vmem_i686, 1, 0x402081, { .what = VMEM_MALFORMED } },
	{ "4 MiB with bit 21", &vmem_i686, 1, 0x600081, { .what = VMEM_MALFORMED } },

	{ "nothing", &vmem_aarch64, 0, 0x5702, { VMEM_ABSENT, 0, 0, 0 } },
	{ "a table", &vmem_aarch64, 3, 0x7003, { VMEM_TABLE, 0, RWXU, 0x7000 } },
	{ "a table, read-only below",
	  &vmem_aarch64,
	  1,
	  0x7003 | UINT64_C(1) << 62,
	  { VMEM_TABLE, 0, RWXU & ~(uint32_t)VMEM_WRITE, 0x7000 } },
	{ "a table, no users below",
	  &vmem_aarch64,
	  1,
	  0x7003 | UINT64_C(1) << 61,
	  { VMEM_TABLE, 0, RWX, 0x7000 } },
	{ "a table, no user code below",
	  &vmem_aarch64,
	  1,
	  0x7003 | UINT64_C(1) << 60,
	  { VMEM_TABLE, 0, RWXU & ~(uint32_t)VMEM_EXEC, 0x7000 } },
	{ "a table, no kernel code below",
	  &vmem_aarch64,
	  1,
	  0x7003 | UINT64_C(1) << 59,
	  { VMEM_TABLE, 0, RWXU & ~(uint32_t)VMEM_KERNEL_EXEC, 0x7000 } },
	{ "a table at a 52-bit address",
	  &vmem_aarch64,
	  1,
	  0x7003 | UINT64_C(1) << 48,
	  { .what = VMEM_MALFORMED } },
	{ "user code",
	  &vmem_aarch64,
	  0,
	  0x57c3 | PXN,
	  { VMEM_LEAF, VMEM_BASIC, VMEM_USER | VMEM_EXEC, 0x5000 } },
	{ "kernel data, another memory type and not shareable",
	  &vmem_aarch64,
	  0,
	  0x540f | PXN | UXN,
	  { VMEM_LEAF, VMEM_BASIC, VMEM_WRITE, 0x5000 } },
	{ "copy-on-write",
	  &vmem_aarch64,
	  0,
	  0x5703 | UXN | UINT64_C(1) << 55,
	  { VMEM_LEAF, VMEM_COW, VMEM_KERNEL_EXEC, 0x5000 } },
	{ "not copy-on-write",
	  &vmem_aarch64,
	  0,
	  0x5783 | UXN | UINT64_C(3) << 55,
	  { VMEM_LEAF, VMEM_BASIC, VMEM_KERNEL_EXEC, 0x5000 } },
	{ "2 MiB", &vmem_aarch64, 1, 0x200701, { VMEM_LEAF, VMEM_BASIC, RWX, 0x200000 } },
	{ "1 GiB", &vmem_aarch64, 2, 0x40000701, { VMEM_LEAF, VMEM_BASIC, RWX, 0x40000000 } },
	{ "2 MiB, unaligned", &vmem_aarch64, 1, 0x201701, { .what = VMEM_MALFORMED } },
	{ "no blocks in the root", &vmem_aarch64, 3, 0x701, { .what = VMEM_MALFORMED } },
	{ "no blocks among pages", &vmem_aarch64, 0, 0x5701, { .what = VMEM_MALFORMED } },
	{ "without the access flag it faults",
	  &vmem_aarch64,
	  0,
	  0x5303,
	  { .what = VMEM_MALFORMED } },
	{ "a page at a 52-bit address",
	  &vmem_aarch64,
	  0,
	  0x5703 | UINT64_C(8) << 48,
	  { .what = VMEM_MALFORMED } },
};

static void entries_are_read_as_the_processor_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct vmem_entry *want = &rows[i].want;
		struct vmem_entry got = rows[i].format->decode(rows[i].level, rows[i].raw);

		if (got.what != want->what)
			fail_msg("%s, %s: it is a %d, want %d", rows[i].format->name, rows[i].what,
				 got.what, want->what);
		if (want->what == VMEM_MALFORMED || want->what == VMEM_ABSENT)
			continue;
		if (got.flags != want->flags || got.pa != want->pa || got.kind != want->kind)
			fail_msg("%s, %s: got %" PRIx64 " %x %d", rows[i].format->name,
				 rows[i].what, got.pa, got.flags, got.kind);
	}
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(leaves); i++) {
		const struct vmem_format *format = leaves[i].format;
		struct vmem_range range = { .flags = leaves[i].flags, .kind = leaves[i].kind };
		struct vmem_entry got = format->decode(leaves[i].level, leaves[i].want);

		if (leaves[i].kind == VMEM_UNMAPPED) {
			assert_int_equal(got.what, VMEM_ABSENT);
			continue;
		}
		assert_int_equal(got.what, VMEM_LEAF);
		assert_int_equal(got.kind, leaves[i].kind);
		assert_int_equal(got.pa, leaves[i].pa);
		assert_int_equal(vmem_effective(got.flags), reported_flags(format, &range));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_are_written_to_the_bit),
		cmocka_unit_test(tables_are_written_to_the_bit),
		cmocka_unit_test(entries_are_read_as_the_processor_does),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

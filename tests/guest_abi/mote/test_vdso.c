/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO as C libraries see it: what its tables say, and what its functions do, run in this
 * process at the addresses that guests have them at.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/machine_box.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <x86intrin.h>

#define S UINT64_C(1000000000)

static char *const page = (char *)(uintptr_t)MOTE_HYPERCALL_PAGE;
static struct mote_clock *const shown = (struct mote_clock *)(uintptr_t)MOTE_CLOCK;
static bool is_mapped;

/* The hypercall page and the start block's, where they belong. */
static int setup(void **state)
{
	(void)state;
	void *at = mmap(page, 2 * MOTE_PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	is_mapped = at == page;
	if (is_mapped)
		supervisor_build_hypercall_page(
			page, (struct machine_ways){ WAY_OUT_PORT, SYSCALL_RING0 });
	return 0;
}

static void require_page(void)
{
	if (!is_mapped) {
		print_message("SKIP: nothing can be mapped at 0x10000 here\n");
		skip();
	}
}

static void tables_lead_to_the_functions(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint64_t offset;
	} want[] = {
		{ "__vdso_clock_gettime", MOTE_VDSO_GETTIME },
		{ "__vdso_gettimeofday", MOTE_VDSO_GETTIMEOFDAY },
		{ "__vdso_time", MOTE_VDSO_TIME },
	};
	require_page();
	const char *base = page + MOTE_VDSO;
	const Elf64_Ehdr *head = (const void *)base;
	const Elf64_Phdr *phdr = (const void *)(base + head->e_phoff);
	uint64_t at[20] = { 0 };

	assert_memory_equal(head->e_ident, ELFMAG, SELFMAG);
	assert_int_equal(head->e_type, ET_DYN);
	assert_int_equal(head->e_machine, EM_X86_64);
	assert_int_equal(head->e_phentsize, sizeof *phdr);
	assert_int_equal(head->e_phnum, 2);
	assert_int_equal(phdr[0].p_type, PT_LOAD);
	assert_int_equal(phdr[0].p_vaddr, 0);
	assert_int_equal(phdr[0].p_offset, 0);
	assert_int_equal(phdr[0].p_memsz, MOTE_PAGE_SIZE - MOTE_VDSO);
	assert_int_equal(phdr[1].p_type, PT_DYNAMIC);
	for (const Elf64_Dyn *d = (const void *)(base + phdr[1].p_vaddr); d->d_tag; d++)
		at[d->d_tag < 20 ? d->d_tag : 0] = d->d_un.d_val;
	const uint32_t *hash = (const void *)(base + at[DT_HASH]);
	const Elf64_Sym *symbols = (const void *)(base + at[DT_SYMTAB]);
	const char *names = base + at[DT_STRTAB];
	assert_int_equal(hash[0], 1); /* one bucket, in which all are */
	assert_int_equal(hash[1], 4);
	assert_string_equal(names + at[DT_SONAME], "linux-vdso.so.1");
	size_t n = 0;
	for (uint32_t i = hash[2]; i; i = hash[3 + i], n++) {
		assert_string_equal(names + symbols[i].st_name, want[n].name);
		assert_int_equal(symbols[i].st_value, want[n].offset - MOTE_VDSO);
		assert_int_equal(ELF64_ST_TYPE(symbols[i].st_info), STT_FUNC);
		assert_int_not_equal(symbols[i].st_shndx, SHN_UNDEF);
		assert_true(symbols[i].st_name < at[DT_STRSZ]);
	}
	assert_int_equal(n, 3);
	for (uint64_t i = MOTE_VDSO_TIME + symbols[3].st_size; i < MOTE_PAGE_SIZE; i++)
		assert_int_equal((uint8_t)page[i], 0xcc);
}

typedef int (*gettime_fn)(clockid_t clock, struct timespec *to);
typedef int (*gettimeofday_fn)(struct timeval *to, void *zone);
typedef int64_t (*time_fn)(int64_t *to);

#define FUNCTION(type, offset) ((type)(uintptr_t)(page + (offset)))

/* A clock that was right AGO ticks ago, with half a nanosecond a tick. */
static void show(uint64_t ago, uint64_t valid)
{
	*shown = (struct mote_clock){ .tsc = __rdtsc() - ago,
				      .valid = valid,
				      .factor = UINT64_C(1) << 31,
				      .times = { { 1000, 999999000 }, { 5, 7 } } };
}

static void functions_count_from_what_is_shown(void **state)
{
	(void)state;
	struct timespec now;
	struct timeval tv;
	int64_t seconds;

	require_page();
	show(2000, UINT64_MAX);
	assert_int_equal(FUNCTION(gettime_fn, MOTE_VDSO_GETTIME)(CLOCK_REALTIME, &now), 0);
	assert_int_equal(now.tv_sec, 1001); /* 1000 ns and more have passed */
	assert_in_range(now.tv_nsec, 0, S / 2);
	assert_int_equal(FUNCTION(gettime_fn, MOTE_VDSO_GETTIME)(CLOCK_MONOTONIC, &now), 0);
	assert_int_equal(now.tv_sec, 5);
	assert_in_range(now.tv_nsec, 1007, S / 2);
	assert_int_equal(FUNCTION(gettimeofday_fn, MOTE_VDSO_GETTIMEOFDAY)(&tv, NULL), 0);
	assert_int_equal(tv.tv_sec, 1001);
	assert_in_range(tv.tv_usec, 0, 500000);
	assert_int_equal(FUNCTION(gettimeofday_fn, MOTE_VDSO_GETTIMEOFDAY)(NULL, NULL), 0);
	assert_int_equal(FUNCTION(time_fn, MOTE_VDSO_TIME)(&seconds), 1001);
	assert_int_equal(seconds, 1001);
	assert_int_equal(FUNCTION(time_fn, MOTE_VDSO_TIME)(NULL), 1001);
}

/* Then it is the kernel's, here this process's. */
static void what_is_not_shown_is_asked_for(void **state)
{
	(void)state;
	const gettime_fn gettime = FUNCTION(gettime_fn, MOTE_VDSO_GETTIME);
	struct timespec now;

	require_page();
	memset(shown, 0, sizeof *shown);
	assert_int_equal(gettime(CLOCK_REALTIME, &now), 0);
	assert_true(now.tv_sec > 1577836800);
	show(2000, 1000);
	assert_int_equal(gettime(CLOCK_REALTIME, &now), 0);
	assert_true(now.tv_sec > 1577836800);
	/* the counter was further then: another machine's */
	show(-(uint64_t)S * 60, S);
	assert_int_equal(gettime(CLOCK_REALTIME, &now), 0);
	assert_true(now.tv_sec > 1577836800);
	show(2000, UINT64_MAX);
	assert_int_equal(gettime(CLOCK_BOOTTIME, &now), 0);
	assert_int_equal(gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
	assert_int_equal(gettime(12345, &now), -EINVAL);
	assert_int_equal(gettime(-1, &now), -EINVAL);
	memset(shown, 0, sizeof *shown);
	assert_true(FUNCTION(time_fn, MOTE_VDSO_TIME)(NULL) > 1577836800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_lead_to_the_functions),
		cmocka_unit_test(functions_count_from_what_is_shown),
		cmocka_unit_test(what_is_not_shown_is_asked_for),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}

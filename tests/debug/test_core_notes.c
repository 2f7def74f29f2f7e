/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes of core files, read with the structs of this machine's C library: the library writes
 * them by its own.
 */
#include "debug/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>
#include <signal.h>
#include <sys/procfs.h>

static struct mote_image image = {
	.name = "a-guest-with-a-name-that-is-long-and-goes-on-for-more-than-80-bytes-so-that-it-is-"
		"cut",
	.elf = { .entry = 0x401000, .phdr_address = 0x400040, .header = { .e_phnum = 7 } },
};

static const struct core core = {
	.image = &image,
	.regs = { .rax = 1,
		  .rbx = 2,
		  .rcx = 3,
		  .rdx = 4,
		  .rsi = 5,
		  .rdi = 6,
		  .rsp = 7,
		  .rbp = 8,
		  .r8 = 9,
		  .r9 = 10,
		  .r10 = 11,
		  .r11 = 12,
		  .r12 = 13,
		  .r13 = 14,
		  .r14 = 15,
		  .r15 = 16,
		  .rip = 17,
		  .rflags = 18 },
	.fs_base = 19,
	.signal = SIGSEGV,
	.fault_address = 0x123456789a,
};

/* The contents of the note TYPE, which must have SIZE bytes (0: any), in one of them all. */
static const void *note(const uint8_t *notes, size_t all, uint32_t type, size_t size)
{
	for (size_t at = 0; at < all;) {
		Elf64_Nhdr header;
		memcpy(&header, notes + at, sizeof header);
		assert_int_equal(header.n_namesz, 5);
		assert_string_equal((const char *)notes + at + sizeof header, "CORE");
		if (header.n_type == type) {
			assert_true(!size || header.n_descsz == size);
			return notes + at + sizeof header + 8;
		}
		at += sizeof header + 8 + ((header.n_descsz + 3) & ~3u);
	}
	fail_msg("there is no note of type 0x%x", type);
	return NULL;
}

static void registers_are_where_debuggers_look(void **state)
{
	(void)state;
	uint8_t notes[CORE_NOTES_SIZE] = { 0 };
	struct elf_prstatus status;
	const size_t size = core_notes(&core, notes);
	assert_in_range(size, 1, CORE_NOTES_SIZE);
	memcpy(&status, note(notes, size, NT_PRSTATUS, sizeof status), sizeof status);

	assert_int_equal(status.pr_info.si_signo, SIGSEGV);
	assert_int_equal(status.pr_cursig, SIGSEGV);
	assert_int_not_equal(status.pr_pid, 0);
	/* in the order of struct user_regs_struct */
	const unsigned long long want[] = { 16, 15, 14, 13, 8, 2, 12, 11, 10, 9, 1, 3, 4, 5, 6 };
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
		assert_int_equal(status.pr_reg[i], want[i]);
	assert_int_equal(status.pr_reg[16], 17); /* rip */
	assert_int_equal(status.pr_reg[17], 0x33);
	assert_int_equal(status.pr_reg[18], 18); /* flags */
	assert_int_equal(status.pr_reg[19], 7);  /* rsp */
	assert_int_equal(status.pr_reg[21], 19); /* fs base */
}

static void names_are_cut_and_ended(void **state)
{
	(void)state;
	uint8_t notes[CORE_NOTES_SIZE] = { 0 };
	struct elf_prpsinfo info;
	const size_t size = core_notes(&core, notes);
	memcpy(&info, note(notes, size, NT_PRPSINFO, sizeof info), sizeof info);

	assert_memory_equal(info.pr_fname, "a-guest-with-a-", 16);
	assert_int_equal(strnlen(info.pr_psargs, sizeof info.pr_psargs), sizeof info.pr_psargs - 1);
	assert_memory_equal(info.pr_psargs, image.name, sizeof info.pr_psargs - 1);
}

static void the_fault_is_told(void **state)
{
	(void)state;
	uint8_t notes[CORE_NOTES_SIZE] = { 0 };
	siginfo_t info;
	const size_t size = core_notes(&core, notes);
	memcpy(&info, note(notes, size, NT_SIGINFO, sizeof info), sizeof info);

	assert_int_equal(info.si_signo, SIGSEGV);
	assert_int_equal(info.si_code, SEGV_MAPERR);
	assert_true((uint64_t)(uintptr_t)info.si_addr == core.fault_address);
}

static uint64_t auxv(const struct core *of, uint64_t type)
{
	uint8_t notes[CORE_NOTES_SIZE] = { 0 };
	const size_t size = core_notes(of, notes);
	const uint8_t *at = note(notes, size, NT_AUXV, 0);
	uint64_t entry[2];

	for (;; at += sizeof entry) {
		memcpy(entry, at, sizeof entry);
		if (entry[0] == type)
			return entry[1];
		if (entry[0] == AT_NULL)
			return 0;
	}
}

static void the_program_is_found(void **state)
{
	(void)state;
	assert_int_equal(auxv(&core, AT_ENTRY), 0x401000);
	assert_int_equal(auxv(&core, AT_PHDR), 0x400040);
	assert_int_equal(auxv(&core, AT_PHNUM), 7);
	assert_int_equal(auxv(&core, AT_PHENT), sizeof(Elf64_Phdr));

	struct mote_image without = image;
	without.elf.phdr_address = 0;
	struct core other = core;
	other.image = &without;
	assert_int_equal(auxv(&other, AT_PHDR), 0);
	assert_int_equal(auxv(&other, AT_ENTRY), 0x401000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_are_where_debuggers_look),
		cmocka_unit_test(names_are_cut_and_ended),
		cmocka_unit_test(the_fault_is_told),
		cmocka_unit_test(the_program_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

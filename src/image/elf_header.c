/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF header: what makes a file a static x86-64 Linux executable, with a message for
 * each thing that people load instead. Nothing here looks at segments.
 */
#include "image/elf_steps.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* What people load by mistake, by the bytes it starts with. */
static const struct {
	const char *magic;
	size_t size;
	const char *what;
} other_files[] = {
	{ "#!", 2, "a script" },
	{ "MZ", 2, "a Windows executable" },
	{ "!<arch>\n", 8, "a static library" },
	{ "\xcf\xfa\xed\xfe", 4, "a macOS executable" },
	{ "\0asm", 4, "a WebAssembly module" },
	{ "\x1f\x8b", 2, "a gzip file" },
};

static mote_status refuse_other_file(const struct elf *elf, mote_error *err)
{
	for (size_t i = 0; i < sizeof other_files / sizeof other_files[0]; i++)
		if (elf->size >= other_files[i].size &&
		    memcmp(elf->bytes, other_files[i].magic, other_files[i].size) == 0)
			return error_set(err, MOTE_E_IMAGE,
					 "is %s; mote guests are static x86-64 ELF executables",
					 other_files[i].what);
	return error_set(err, MOTE_E_IMAGE,
			 "is not an ELF file; mote guests are static x86-64 ELF executables");
}

static mote_status refuse_cut_header(const struct elf *elf, mote_error *err)
{
	return error_set(err, MOTE_E_IMAGE, "is cut off after %zu bytes, in the ELF header",
			 elf->size);
}

/* The first 16 bytes, which mean the same in every ELF file. */
static mote_status check_ident(const struct elf *elf, mote_error *err)
{
	const uint8_t *ident = elf->bytes;
	if (elf->size < SELFMAG || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0)
		return refuse_other_file(elf, err);
	if (elf->size < EI_NIDENT)
		return refuse_cut_header(elf, err);
	if (ident[EI_CLASS] == ELFCLASS32)
		return error_set(err, MOTE_E_IMAGE,
				 "is a 32-bit ELF file; mote guests are 64-bit (-m64)");
	if (ident[EI_CLASS] != ELFCLASS64)
		return error_set(err, MOTE_E_IMAGE, "has ELF class %u, want 2 (64-bit)",
				 ident[EI_CLASS]);
	if (ident[EI_DATA] != ELFDATA2LSB)
		return error_set(err, MOTE_E_IMAGE, "has byte order %u, want 1 (little-endian)",
				 ident[EI_DATA]);
	if (ident[EI_VERSION] != EV_CURRENT)
		return error_set(err, MOTE_E_IMAGE, "has ELF version %u, want 1",
				 ident[EI_VERSION]);
	/* static programs with indirect functions are marked as GNU */
	if (ident[EI_OSABI] != ELFOSABI_SYSV && ident[EI_OSABI] != ELFOSABI_GNU)
		return error_set(err, MOTE_E_IMAGE,
				 "is for the system with ELF OS number %u; mote guests are Linux "
				 "executables (0 or 3)",
				 ident[EI_OSABI]);
	return MOTE_OK;
}

static const struct {
	Elf64_Half machine;
	const char *name;
} machine_names[] = {
	{ EM_386, "i386" },
	{ EM_ARM, "arm" },
	{ EM_AARCH64, "aarch64" },
	{ EM_RISCV, "riscv" },
	{ EM_PPC64, "ppc64" },
	{ EM_S390, "s390" },
	{ EM_LOONGARCH, "loongarch" },
	{ EM_MIPS, "mips" },
};

static mote_status check_machine(Elf64_Half machine, mote_error *err)
{
	if (machine == EM_X86_64)
		return MOTE_OK;
	for (size_t i = 0; i < sizeof machine_names / sizeof machine_names[0]; i++)
		if (machine_names[i].machine == machine)
			return error_set(err, MOTE_E_IMAGE, "is for %s; mote guests are x86-64",
					 machine_names[i].name);
	return error_set(err, MOTE_E_IMAGE, "is for machine %u; mote guests are x86-64 (62)",
			 machine);
}

static mote_status check_type(Elf64_Half type, mote_error *err)
{
	switch (type) {
	case ET_EXEC:
	case ET_DYN:
		return MOTE_OK;
	case ET_REL:
		return error_set(err, MOTE_E_IMAGE,
				 "is a relocatable object; link it (cc -static) first");
	case ET_CORE:
		return error_set(err, MOTE_E_IMAGE, "is a core dump; mote guests are executables");
	default:
		return error_set(err, MOTE_E_IMAGE, "has ELF type %u, want 2 (executable) or 3",
				 type);
	}
}

mote_status elf_check_header(struct elf *elf, mote_error *err)
{
	mote_status status = check_ident(elf, err);
	if (status != MOTE_OK)
		return status;
	if (elf->size < sizeof elf->header)
		return refuse_cut_header(elf, err);
	memcpy(&elf->header, elf->bytes, sizeof elf->header);

	status = check_machine(elf->header.e_machine, err);
	if (status == MOTE_OK)
		status = check_type(elf->header.e_type, err);
	if (status == MOTE_OK && elf->header.e_version != EV_CURRENT)
		status = error_set(err, MOTE_E_IMAGE, "has e_version %" PRIu32 ", want 1",
				   elf->header.e_version);
	return status;
}

mote_status elf_check_program_headers(const struct elf *elf, mote_error *err)
{
	const Elf64_Ehdr *header = &elf->header;
	if (header->e_phnum == 0)
		return error_set(err, MOTE_E_IMAGE, "has no program headers, so nothing to load");
	if (header->e_phnum > MOTE_MAX_SEGMENTS)
		return error_set(err, MOTE_E_IMAGE, "has %u program headers; the limit is %u",
				 header->e_phnum, MOTE_MAX_SEGMENTS);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return error_set(err, MOTE_E_IMAGE, "has program headers of %u bytes, want %zu",
				 header->e_phentsize, sizeof(Elf64_Phdr));

	size_t size = header->e_phnum * sizeof(Elf64_Phdr);
	if (!elf_has_bytes(elf, header->e_phoff, size))
		return error_set(err, MOTE_E_IMAGE,
				 "has %zu bytes of program headers at offset 0x%" PRIx64
				 ", past the end of the file (0x%zx bytes)",
				 size, header->e_phoff, elf->size);
	return MOTE_OK;
}

/* The file names the interpreter; it is shown as far as it is plain ASCII. */
static mote_status refuse_dynamic(const struct elf *elf, const Elf64_Phdr *interp, mote_error *err)
{
	char name[64] = "?";
	size_t length = 0;
	if (elf_has_bytes(elf, interp->p_offset, interp->p_filesz)) {
		const uint8_t *from = elf->bytes + interp->p_offset;
		while (length < interp->p_filesz && length < sizeof name - 1 &&
		       from[length] > 0x20 && from[length] < 0x7f) {
			name[length] = (char)from[length];
			length++;
		}
		name[length] = '\0';
	}
	return error_set(err, MOTE_E_IMAGE,
			 "is a dynamic executable (interpreter %s); link it with -static", name);
}

/* A PIE that needs shared libraries but names no interpreter: a shared library. */
static bool needs_libraries(const struct elf *elf, const Elf64_Phdr *dynamic)
{
	if (!elf_has_bytes(elf, dynamic->p_offset, dynamic->p_filesz))
		return false;
	for (uint64_t at = 0; dynamic->p_filesz - at >= sizeof(Elf64_Dyn);
	     at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn entry;
		memcpy(&entry, elf->bytes + dynamic->p_offset + at, sizeof entry);
		if (entry.d_tag == DT_NULL)
			return false;
		if (entry.d_tag == DT_NEEDED)
			return true;
	}
	return false;
}

mote_status elf_check_static(const struct elf *elf, mote_error *err)
{
	bool is_library = elf->is_pie && elf->header.e_entry == 0;
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		Elf64_Phdr phdr = elf_program_header(elf, i);
		if (phdr.p_type == PT_INTERP)
			return refuse_dynamic(elf, &phdr, err);
		if (phdr.p_type == PT_DYNAMIC && needs_libraries(elf, &phdr))
			is_library = true;
	}
	if (is_library)
		return error_set(
			err, MOTE_E_IMAGE,
			"is a shared library; mote guests are executables (link with -static)");
	return MOTE_OK;
}

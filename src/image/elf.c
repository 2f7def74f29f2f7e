/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ELF header, program headers and segments. First everything is checked that makes a file
 * a static x86-64 Linux executable, with a message that tells the user what he has
 * instead; then each segment. Numbers of the file are compared by subtraction only: the
 * sum of two of them can wrap.
 */
#include "image/elf.h"

#include "abi/mote_abi.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

#define RANGE "0x%" PRIx64 "..0x%" PRIx64

bool elf_has_bytes(const struct elf *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->size && size <= elf->size - offset;
}

Elf64_Phdr elf_program_header(const struct elf *elf, size_t index)
{
	Elf64_Phdr phdr;
	memcpy(&phdr, elf->bytes + elf->header.e_phoff + index * sizeof phdr, sizeof phdr);
	return phdr;
}

static bool is_in_file(const struct elf *elf, const Elf64_Phdr *phdr)
{
	return elf_has_bytes(elf, phdr->p_offset, phdr->p_filesz);
}

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

static mote_status check_header(struct elf *elf, mote_error *err)
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

static mote_status check_program_headers(const struct elf *elf, mote_error *err)
{
	const Elf64_Ehdr *header = &elf->header;
	if (header->e_phnum == 0)
		return error_set(err, MOTE_E_IMAGE, "has no program headers, so nothing to load");
	if (header->e_phnum > ELF_PROGRAM_HEADERS_MAX)
		return error_set(err, MOTE_E_IMAGE, "has %u program headers; the limit is %u",
				 header->e_phnum, ELF_PROGRAM_HEADERS_MAX);
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
	if (is_in_file(elf, interp)) {
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
	if (!is_in_file(elf, dynamic))
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

/* Says what a dynamic program or a library is before anything else is found wrong with it. */
static mote_status check_static(const struct elf *elf, mote_error *err)
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

static uint64_t page_start(uint64_t address)
{
	return address & ~(MOTE_PAGE_SIZE - 1);
}

static uint64_t page_end(const mote_segment_info *segment)
{
	/* cannot wrap: segments end at or below MOTE_ADDRESS_END */
	return page_start(segment->address + segment->memory_size + MOTE_PAGE_SIZE - 1);
}

/* That the INDEX-th segment's bytes are in the file and fit its memory. */
static mote_status check_segment_file(const struct elf *elf, size_t index, const Elf64_Phdr *phdr,
				      mote_error *err)
{
	if (!is_in_file(elf, phdr))
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has 0x%" PRIx64 " bytes at offset 0x%" PRIx64
				 ", past the end of the file (0x%zx bytes)",
				 index, phdr->p_filesz, phdr->p_offset, elf->size);
	if (phdr->p_filesz > phdr->p_memsz)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has 0x%" PRIx64
				 " bytes in the file, more than its 0x%" PRIx64 " in memory",
				 index, phdr->p_filesz, phdr->p_memsz);
	/* Linux asks for the same, because it maps pages of the file. */
	if (phdr->p_filesz > 0 && (phdr->p_vaddr - phdr->p_offset) % MOTE_PAGE_SIZE != 0)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu is at 0x%" PRIx64 " and at offset 0x%" PRIx64
				 " in the file, which differ within a page",
				 index, phdr->p_vaddr, phdr->p_offset);
	return MOTE_OK;
}

/* That the INDEX-th segment lies where a guest may have memory, once the bias is added. */
static mote_status check_segment_address(const struct elf *elf, size_t index,
					 const Elf64_Phdr *phdr, mote_error *err)
{
	uint64_t room = MOTE_ADDRESS_END - elf->bias;
	if (phdr->p_vaddr > room || phdr->p_memsz > room - phdr->p_vaddr)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has 0x%" PRIx64 " bytes of memory at 0x%" PRIx64
				 ", past the end of guest addresses (0x%" PRIx64 ")",
				 index, phdr->p_memsz, phdr->p_vaddr, room);
	uint64_t start = elf->bias + phdr->p_vaddr;
	if (start < MOTE_WINDOW_END)
		return error_set(
			err, MOTE_E_IMAGE,
			"segment %zu at " RANGE " reaches below 0x%" PRIx64
			", which the host keeps; link it higher (-Wl,-Ttext-segment=0x400000)",
			index, start, start + phdr->p_memsz, MOTE_WINDOW_END);
	if (phdr->p_align > 1 && elf->bias % phdr->p_align != 0)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu wants alignment 0x%" PRIx64
				 ", but a static PIE is loaded at 0x%" PRIx64,
				 index, phdr->p_align, elf->bias);
	return MOTE_OK;
}

/* That SEGMENT, the next one, starts on a page above all before it. */
static mote_status check_segment_order(const struct elf *elf, const mote_segment_info *segment,
				       mote_error *err)
{
	if (elf->nsegments == 0)
		return MOTE_OK;
	size_t index = elf->nsegments;
	const mote_segment_info *last = &elf->segments[index - 1];
	uint64_t end = segment->address + segment->memory_size;
	uint64_t last_end = last->address + last->memory_size;

	if (end <= last->address)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at " RANGE " lies below segment %zu at " RANGE
				 "; segments must ascend",
				 index, segment->address, end, index - 1, last->address, last_end);
	if (segment->address < last_end)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at " RANGE " overlaps segment %zu at " RANGE, index,
				 segment->address, end, index - 1, last->address, last_end);
	if (page_start(segment->address) < page_end(last))
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at " RANGE " shares a page with segment %zu at " RANGE
				 "; link with -Wl,-z,separate-code",
				 index, segment->address, end, index - 1, last->address, last_end);
	return MOTE_OK;
}

static mote_status add_segment(struct elf *elf, const Elf64_Phdr *phdr, mote_error *err)
{
	size_t index = elf->nsegments;
	mote_status status = check_segment_file(elf, index, phdr, err);
	if (status == MOTE_OK)
		status = check_segment_address(elf, index, phdr, err);
	if (status != MOTE_OK)
		return status;

	mote_segment_info segment = {
		.address = elf->bias + phdr->p_vaddr,
		.memory_size = phdr->p_memsz,
		.file_size = phdr->p_filesz,
		.file_offset = phdr->p_offset,
		.readable = phdr->p_flags & PF_R,
		.writable = phdr->p_flags & PF_W,
		.executable = phdr->p_flags & PF_X,
	};
	if (segment.writable && segment.executable)
		return error_set(
			err, MOTE_E_IMAGE,
			"segment %zu at " RANGE
			" is writable and executable; a guest segment may be one of the two",
			index, segment.address, segment.address + segment.memory_size);
	status = check_segment_order(elf, &segment, err);
	if (status == MOTE_OK)
		elf->segments[elf->nsegments++] = segment;
	return status;
}

static mote_status add_segments(struct elf *elf, mote_error *err)
{
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		Elf64_Phdr phdr = elf_program_header(elf, i);
		if (phdr.p_type != PT_LOAD || (phdr.p_memsz == 0 && phdr.p_filesz == 0))
			continue;
		mote_status status = add_segment(elf, &phdr, err);
		if (status != MOTE_OK)
			return status;
	}
	if (elf->nsegments == 0)
		return error_set(err, MOTE_E_IMAGE, "has no loadable segment");
	return MOTE_OK;
}

static mote_status find_entry(struct elf *elf, mote_error *err)
{
	elf->entry = elf->bias + elf->header.e_entry;
	for (size_t i = 0; i < elf->nsegments; i++) {
		const mote_segment_info *segment = &elf->segments[i];
		if (segment->executable && elf->entry >= segment->address &&
		    elf->entry - segment->address < segment->memory_size)
			return MOTE_OK;
	}
	return error_set(err, MOTE_E_IMAGE, "entry 0x%" PRIx64 " is in no executable segment",
			 elf->entry);
}

/* The C library finds its thread-local data by way of the program headers in memory. */
static mote_status find_phdr_address(struct elf *elf, mote_error *err)
{
	uint64_t offset = elf->header.e_phoff;
	size_t size = elf->header.e_phnum * sizeof(Elf64_Phdr);
	for (size_t i = 0; i < elf->nsegments; i++) {
		const mote_segment_info *segment = &elf->segments[i];
		if (offset < segment->file_offset)
			continue;
		uint64_t skip = offset - segment->file_offset;
		if (skip <= segment->file_size && size <= segment->file_size - skip) {
			elf->phdr_address = segment->address + skip;
			return MOTE_OK;
		}
	}
	return error_set(err, MOTE_E_IMAGE,
			 "program headers at offset 0x%" PRIx64
			 " are in no loaded segment; a linker script must keep them (PHDRS)",
			 offset);
}

mote_status elf_parse(struct elf *elf, const void *bytes, size_t size, mote_error *err)
{
	*elf = (struct elf){ .bytes = bytes, .size = size };
	mote_status status = check_header(elf, err);
	if (status == MOTE_OK)
		status = check_program_headers(elf, err);
	if (status != MOTE_OK)
		return status;

	elf->is_pie = elf->header.e_type == ET_DYN;
	elf->bias = elf->is_pie ? MOTE_PIE_BASE : 0;
	status = check_static(elf, err);
	if (status == MOTE_OK)
		status = add_segments(elf, err);
	if (status == MOTE_OK)
		status = find_entry(elf, err);
	if (status == MOTE_OK)
		status = find_phdr_address(elf, err);
	return status;
}

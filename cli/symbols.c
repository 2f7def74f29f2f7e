/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbol tables of ELF files. The file may be anything: each offset is checked before it is
 * followed, and structures are copied out, since they need not be aligned.
 */
#include "symbols.h"

#include "file.h"
#include "report.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* A guest with debug information; libraries make large ones. */
#define FILE_MAX (UINT64_C(1) << 30)

struct elf {
	const char *path; /* for messages */
	const char *bytes;
	size_t size;
	Elf64_Ehdr header;
};

static mote_status malformed(const struct elf *elf, const char *what, mote_error *err)
{
	return fail(err, MOTE_E_IMAGE, "%.300s: %s", elf->path, what);
}

/* Whether COUNT things of SIZE bytes are in the file at OFFSET. */
static bool is_inside(const struct elf *elf, uint64_t offset, uint64_t count, uint64_t size)
{
	return offset <= elf->size && count <= (elf->size - offset) / size;
}

static Elf64_Shdr section(const struct elf *elf, size_t index)
{
	Elf64_Shdr result;

	memcpy(&result, elf->bytes + elf->header.e_shoff + index * sizeof result, sizeof result);
	return result;
}

static mote_status read_header(struct elf *elf, mote_error *err)
{
	if (!is_inside(elf, 0, 1, sizeof elf->header))
		return malformed(elf, "is no ELF file", err);
	memcpy(&elf->header, elf->bytes, sizeof elf->header);
	if (memcmp(elf->header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf->header.e_ident[EI_DATA] != ELFDATA2LSB || elf->header.e_machine != EM_X86_64)
		return malformed(elf, "is no ELF file for x86-64", err);
	if (elf->header.e_shentsize != sizeof(Elf64_Shdr) ||
	    !is_inside(elf, elf->header.e_shoff, elf->header.e_shnum, sizeof(Elf64_Shdr)))
		return malformed(elf, "its section headers are not in the file", err);
	return MOTE_OK;
}

static int compare(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* TABLE and NAMES are in the file, and NAMES ends with a NUL. */
static mote_status collect(struct symbols *symbols, const struct elf *elf, const Elf64_Shdr *table,
			   const Elf64_Shdr *names, uint64_t pie_base, mote_error *err)
{
	const uint64_t base = elf->header.e_type == ET_DYN ? pie_base : 0;
	const uint64_t count = table->sh_size / sizeof(Elf64_Sym);

	symbols->list = calloc((size_t)count + 1, sizeof symbols->list[0]);
	if (!symbols->list)
		return fail(err, MOTE_E_NOMEM, "out of memory");
	for (uint64_t i = 0; i < count; i++) {
		Elf64_Sym symbol;
		memcpy(&symbol, elf->bytes + table->sh_offset + i * sizeof symbol, sizeof symbol);
		if (ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF ||
		    symbol.st_name >= names->sh_size)
			continue;
		symbols->list[symbols->count++] = (struct symbol){
			.name = elf->bytes + names->sh_offset + symbol.st_name,
			.address = base + symbol.st_value,
			.size = symbol.st_size,
		};
	}
	qsort(symbols->list, symbols->count, sizeof symbols->list[0], compare);
	return MOTE_OK;
}

static mote_status find_table(struct symbols *symbols, struct elf *elf, uint64_t pie_base,
			      mote_error *err)
{
	for (size_t i = 0; i < elf->header.e_shnum; i++) {
		const Elf64_Shdr table = section(elf, i);
		if (table.sh_type != SHT_SYMTAB)
			continue;
		if (table.sh_link >= elf->header.e_shnum)
			return malformed(elf, "its symbol table has no names", err);
		const Elf64_Shdr names = section(elf, table.sh_link);
		if (!is_inside(elf, table.sh_offset, table.sh_size, 1) ||
		    !is_inside(elf, names.sh_offset, names.sh_size, 1) || names.sh_size == 0 ||
		    elf->bytes[names.sh_offset + names.sh_size - 1] != '\0')
			return malformed(elf, "its symbol table is not in the file", err);
		return collect(symbols, elf, &table, &names, pie_base, err);
	}
	return malformed(elf, "has no symbol table; it was stripped", err);
}

mote_status symbols_read(struct symbols *symbols, const char *path, uint64_t pie_base,
			 mote_error *err)
{
	struct elf elf = { .path = path };

	*symbols = (struct symbols){ 0 };
	mote_status status = file_read(path, FILE_MAX, &symbols->bytes, &elf.size, err);
	if (status)
		return status;
	elf.bytes = symbols->bytes;
	status = read_header(&elf, err);
	return status ? status : find_table(symbols, &elf, pie_base, err);
}

void symbols_fini(struct symbols *symbols)
{
	free(symbols->list);
	free(symbols->bytes);
	*symbols = (struct symbols){ 0 };
}

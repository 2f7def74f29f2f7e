/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines, inlined functions and frames by libdw. All of its functions that are used are listed once
 * below; they are found when a runtime is made. The file is the image's copy in memory: nothing is
 * opened.
 */
#include "debug/libdw.h"

#include <dlfcn.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#define LIBRARY "libdw.so.1"

#define FUNCTIONS(X)                                                                               \
	X(dwarf_attr)                                                                              \
	X(dwarf_cfi_addrframe)                                                                     \
	X(dwarf_diename)                                                                           \
	X(dwarf_filesrc)                                                                           \
	X(dwarf_formstring)                                                                        \
	X(dwarf_formudata)                                                                         \
	X(dwarf_get_units)                                                                         \
	X(dwarf_getscopes)                                                                         \
	X(dwarf_getscopes_die)                                                                     \
	X(dwarf_getsrc_die)                                                                        \
	X(dwarf_getsrcfiles)                                                                       \
	X(dwarf_haspc)                                                                             \
	X(dwarf_lineno)                                                                            \
	X(dwarf_linesrc)                                                                           \
	X(dwarf_tag)                                                                               \
	X(dwfl_attach_state)                                                                       \
	X(dwfl_begin)                                                                              \
	X(dwfl_end)                                                                                \
	X(dwfl_frame_pc)                                                                           \
	X(dwfl_getthread_frames)                                                                   \
	X(dwfl_module_dwarf_cfi)                                                                   \
	X(dwfl_module_eh_cfi)                                                                      \
	X(dwfl_module_getdwarf)                                                                    \
	X(dwfl_module_info)                                                                        \
	X(dwfl_report_begin)                                                                       \
	X(dwfl_report_end)                                                                         \
	X(dwfl_report_module)                                                                      \
	X(dwfl_thread_state_registers)                                                             \
	X(elf_memory)                                                                              \
	X(elf_version)

struct libdw {
	const struct host *host;
	void *library;
#define X(name) __typeof__(name) *name;
	FUNCTIONS(X)
#undef X
};

struct libdw_reader {
	const struct libdw *lib;
	const struct elf *elf;
	Dwfl *dwfl;
	Dwfl_Module *module;
	Dwarf *info;     /* NULL: only frames are described */
	Dwarf_Addr bias; /* guest address less address in INFO */
};

/* The walk of a stack, for libdw's callbacks. */
struct libdw_steps {
	const struct libdw_reader *reader;
	struct guest *guest;
	struct hv_regs regs;
	struct frame *frames;
	size_t count;
};

static bool find_functions(struct libdw *libdw)
{
	void *found;

	/* ISO C knows no way from an object pointer to a function pointer; POSIX promises one */
#define X(name)                                                                                    \
	found = dlsym(libdw->library, #name);                                                      \
	if (!found)                                                                                \
		return false;                                                                      \
	memcpy(&libdw->name, &found, sizeof found);
	FUNCTIONS(X)
#undef X
	return libdw->elf_version(EV_CURRENT) != EV_NONE;
}

struct libdw *libdw_new(const struct host *host)
{
	struct libdw *libdw = host_alloc(host, sizeof *libdw);

	if (!libdw)
		return NULL;
	libdw->host = host;
	libdw->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (libdw->library && find_functions(libdw))
		return libdw;
	host_log(host, MOTE_LOG_INFO,
		 "no lines in crash reports: cannot use " LIBRARY "; install libdw1 (elfutils)");
	libdw_free(libdw);
	return NULL;
}

void libdw_free(struct libdw *libdw)
{
	if (!libdw)
		return;
	if (libdw->library)
		dlclose(libdw->library);
	host_free(libdw->host, libdw, sizeof *libdw);
}

/* A callback of libdw's: the file is in memory. */
static int give_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **out)
{
	const struct libdw_reader *reader = *user;

	(void)module;
	(void)name;
	(void)base;
	*file_name = NULL;
	/* libelf wants to be able to write, and does so only to files for linking */
	*out = reader->lib->elf_memory((char *)(uintptr_t)reader->elf->bytes, reader->elf->size);
	return -1;
}

/* Another: a separate file with debug information is never looked for. */
static int refuse_file(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
		       const char *file_name, const char *link, GElf_Word checksum, char **out)
{
	(void)module;
	(void)user;
	(void)name;
	(void)base;
	(void)file_name;
	(void)link;
	(void)checksum;
	*out = NULL;
	return -1;
}

/* Whether nothing makes libdw open other files, which the guest's could name. */
static bool is_self_contained(const struct libdw_reader *reader, Dwarf *info)
{
	Dwarf_CU *unit = NULL;
	uint8_t type;
	Dwarf_Half version;
	Dwarf_Die die;

	while (reader->lib->dwarf_get_units(info, unit, &unit, &version, &type, &die, NULL) == 0)
		if (type == DW_UT_skeleton || type == DW_UT_split_compile)
			return false;
	return true;
}

static bool has_other_file(const struct elf *elf)
{
	struct elf_span link;

	return elf_find_section(elf, ".gnu_debugaltlink", &link, NULL) || link.bytes;
}

/* Where libdw is to believe that the file's first segment begins: it aligns that itself. */
static Dwarf_Addr module_start(const struct elf *elf)
{
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(elf, i);
		if (phdr.p_type == PT_LOAD)
			return elf->bias + (phdr.p_vaddr & -phdr.p_align);
	}
	return elf->bias;
}

static bool open_module(struct libdw_reader *reader)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = give_elf,
		.find_debuginfo = refuse_file,
	};
	const struct libdw *lib = reader->lib;
	const mote_segment_info *last = &reader->elf->segments[reader->elf->nsegments - 1];
	void **user;

	reader->dwfl = lib->dwfl_begin(&callbacks);
	if (!reader->dwfl)
		return false;
	lib->dwfl_report_begin(reader->dwfl);
	reader->module = lib->dwfl_report_module(reader->dwfl, "guest", module_start(reader->elf),
						 last->address + last->memory_size);
	if (!reader->module ||
	    !lib->dwfl_module_info(reader->module, &user, NULL, NULL, NULL, NULL, NULL, NULL))
		return false;
	*user = reader;
	lib->dwfl_report_end(reader->dwfl, NULL, NULL);
	reader->info = lib->dwfl_module_getdwarf(reader->module, &reader->bias);
	if (reader->info && !is_self_contained(reader, reader->info))
		reader->info = NULL;
	return true;
}

struct libdw_reader *libdw_begin(const struct libdw *libdw, const struct elf *elf)
{
	if (!libdw || !elf->bytes || elf->nsegments == 0 || has_other_file(elf))
		return NULL;
	struct libdw_reader *reader = host_alloc(libdw->host, sizeof *reader);
	if (!reader)
		return NULL;
	*reader = (struct libdw_reader){ .lib = libdw, .elf = elf };
	if (open_module(reader))
		return reader;
	libdw_end(reader);
	return NULL;
}

void libdw_end(struct libdw_reader *reader)
{
	if (!reader)
		return;
	if (reader->dwfl)
		reader->lib->dwfl_end(reader->dwfl);
	host_free(reader->lib->host, reader, sizeof *reader);
}

/* The unit whose code ADDRESS is in, which has DIE. */
static bool find_unit(const struct libdw_reader *reader, Dwarf_Addr address, Dwarf_Die *die)
{
	Dwarf_CU *unit = NULL;

	while (reader->lib->dwarf_get_units(reader->info, unit, &unit, NULL, NULL, die, NULL) == 0)
		if (reader->lib->dwarf_haspc(die, address) > 0)
			return true;
	return false;
}

/* Where the code of the inlined function DIE was called from, in the unit of UNIT. */
static void find_call(const struct libdw *lib, Dwarf_Die *unit, Dwarf_Die *die,
		      struct libdw_place *place)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word number;
	size_t nfiles;

	if (lib->dwarf_formudata(lib->dwarf_attr(die, DW_AT_call_line, &attribute), &number) == 0)
		place->line = (uint32_t)number;
	if (lib->dwarf_formudata(lib->dwarf_attr(die, DW_AT_call_file, &attribute), &number) == 0 &&
	    lib->dwarf_getsrcfiles(unit, &files, &nfiles) == 0 && number < nfiles)
		place->file = lib->dwarf_filesrc(files, (size_t)number, NULL, NULL);
}

/* Goes from DIES[0] outwards, to the function that is not inlined. */
static size_t list_places(const struct libdw *lib, Dwarf_Die *unit, Dwarf_Die *dies, int ndies,
			  struct libdw_place *places)
{
	size_t count = 0;

	for (int i = 0; i < ndies && count < LIBDW_INLINED_MAX; i++) {
		const int tag = lib->dwarf_tag(&dies[i]);
		if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram)
			continue;
		places[count++].function = lib->dwarf_diename(&dies[i]);
		if (tag == DW_TAG_subprogram || count == LIBDW_INLINED_MAX)
			break;
		places[count] = (struct libdw_place){ 0 };
		find_call(lib, unit, &dies[i], &places[count]);
	}
	return count;
}

size_t libdw_find(struct libdw_reader *reader, uint64_t address, struct libdw_place *places)
{
	const struct libdw *lib = reader->lib;
	Dwarf_Die unit, *scopes = NULL, *dies = NULL;
	size_t count = 0;
	int number;

	address -= reader->bias;
	if (!reader->info || !find_unit(reader, address, &unit))
		return 0;
	places[0] = (struct libdw_place){ 0 };
	Dwarf_Line *line = lib->dwarf_getsrc_die(&unit, address);
	if (line && lib->dwarf_lineno(line, &number) == 0)
		places[0].line = (uint32_t)number;
	if (line)
		places[0].file = lib->dwarf_linesrc(line, NULL, NULL);
	/* scopes are those of the source text; the innermost one's parents are those of the code */
	if (lib->dwarf_getscopes(&unit, address, &scopes) > 0) {
		const int ndies = lib->dwarf_getscopes_die(&scopes[0], &dies);
		count = list_places(lib, &unit, dies, ndies, places);
	}
	free(scopes);
	free(dies);
	return count ? count : line != NULL;
}

/* A callback: the guest is one thread. */
static pid_t next_thread(Dwfl *dwfl, void *user, void **thread)
{
	(void)dwfl;
	if (*thread)
		return 0;
	*thread = user;
	return 1;
}

static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *user)
{
	struct libdw_steps *steps = user;

	(void)dwfl;
	return steps->guest->abi->read(steps->guest, address, word, sizeof *word, NULL) == MOTE_OK;
}

/* In the order of the System V ABI for x86-64, figure 3.36; the last is the return address. */
static bool give_registers(Dwfl_Thread *thread, void *user)
{
	const struct libdw_steps *steps = user;
	const struct hv_regs *regs = &steps->regs;
	const Dwarf_Word words[] = {
		regs->rax, regs->rdx, regs->rcx, regs->rbx, regs->rsi, regs->rdi,
		regs->rbp, regs->rsp, regs->r8,  regs->r9,  regs->r10, regs->r11,
		regs->r12, regs->r13, regs->r14, regs->r15, regs->rip,
	};

	return steps->reader->lib->dwfl_thread_state_registers(
		thread, 0, sizeof words / sizeof words[0], words);
}

/* Whether the file says how to go on from ADDRESS. Where it does not, libdw follows frame pointers,
 * whether there are any or not. */
static bool is_described(const struct libdw_reader *reader, Dwarf_Addr address)
{
	const struct libdw *lib = reader->lib;
	Dwarf_Addr bias[2] = { 0, 0 };
	Dwarf_CFI *const tables[2] = { lib->dwfl_module_eh_cfi(reader->module, &bias[0]),
				       lib->dwfl_module_dwarf_cfi(reader->module, &bias[1]) };
	Dwarf_Frame *frame;

	for (size_t i = 0; i < 2; i++) {
		if (!tables[i] || lib->dwarf_cfi_addrframe(tables[i], address - bias[i], &frame))
			continue;
		free(frame);
		return true;
	}
	return false;
}

static int add_frame(Dwfl_Frame *frame, void *user)
{
	struct libdw_steps *steps = user;
	const struct libdw_reader *reader = steps->reader;
	Dwarf_Addr address;
	bool is_first;

	if (steps->count == MOTE_MAX_FRAMES ||
	    !reader->lib->dwfl_frame_pc(frame, &address, &is_first) ||
	    !frames_is_code(steps->guest, address))
		return DWARF_CB_ABORT;
	steps->frames[steps->count++] = (struct frame){ .address = address };
	return is_described(reader, address - !is_first) ? DWARF_CB_OK : DWARF_CB_ABORT;
}

size_t libdw_walk(struct libdw_reader *reader, struct guest *guest,
		  const struct frames_start *start, struct frame *frames, size_t wanted)
{
	static const Dwfl_Thread_Callbacks callbacks = {
		.next_thread = next_thread,
		.memory_read = read_word,
		.set_initial_registers = give_registers,
	};
	struct libdw_steps steps = {
		.reader = reader,
		.guest = guest,
		.regs = start->regs,
		.frames = frames,
	};

	if (frames_undo_call(guest, &steps.regs))
		frames[steps.count++] = (struct frame){ .address = start->regs.rip };
	const size_t before = steps.count;
	const bool is_whole =
		reader->lib->dwfl_attach_state(reader->dwfl, NULL, 1, &callbacks, &steps) &&
		reader->lib->dwfl_getthread_frames(reader->dwfl, 1, add_frame, &steps) == 0;
	if (steps.count == before)
		return frames_walk(guest, start, frames, wanted);
	return is_whole ? steps.count : frames_guess_rest(guest, start, frames, steps.count);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: frames_walk, frames_guess_rest, frames_undo_call, mote_abi.stopped,
 * functions_find, elf_find_symbols, elf_symbol, backtrace_visit, backtrace_describe, core_write,
 * core_notes: whatever registers, stack, symbols and section headers say, each frame is code, names
 * are those that a simpler reading of the table finds, all text can be shown, and a core file has
 * the guest's memory and registers, or is not there. Files are in memory, and their system calls
 * may fail. Input: which system call fails, registers, words of the stack, code, damage to section
 * headers, symbols, and their names.
 */
#include "fuzz/fuzz.h"

#include "debug/backtrace.h"
#include "debug/core.h"
#include "debug/functions.h"
#include "guest_abi/mote/guest.h"

#include "abi/mote_abi.h"

#include <errno.h>

#define CODE         UINT64_C(0x400000)
#define CODE_SIZE    UINT64_C(0x1800) /* the rest of its last page has no bytes of the file */
#define MORE         UINT64_C(0x601000)
#define MORE_SIZE    UINT64_C(0x1000)
#define STACK_SIZE   UINT64_C(0x10000)
#define SYMBOLS_MAX  64
#define CHOSEN_WORDS 512 /* the words of the stack that inputs choose: its last ones */
#define FILE_SIZE    (4 << 20)
#define DISK_FD      (1 << 20)

static const mote_segment_info segments[] = {
	{ .address = CODE, .memory_size = CODE_SIZE, .readable = true, .executable = true },
	{ .address = 0x403000, .memory_size = 0x2000, .readable = true, .writable = true },
	{ .address = MORE, .memory_size = MORE_SIZE, .readable = true, .executable = true },
};
enum { NSEGMENTS = sizeof segments / sizeof segments[0] };

/* Made once; the stack's chosen words and the code are another for each input. */
static struct host host;
static struct guest_memory *memory;
static uint64_t stack; /* the address of the first chosen word */
static uint8_t firmware[FIRMWARE_SIZE];
static const uint8_t *const hypercall_page = firmware + SUPERVISOR_BLOCK_SIZE;
static struct hv_regs stopped; /* with all that ran of the machine */
static struct hv_vm vm = { .regs = &stopped };
static const struct guest_platform platform = { .firmware = { .host = firmware } };
static struct mote_guest guest = {
	.guest = { .abi = &mote_abi },
	.host = &host,
	.platform = &platform,
	.machine = { .vm = &vm },
};

/* The core file. */
static struct {
	uint8_t bytes[FILE_SIZE];
	uint64_t size, at;
	bool is_open, is_there, is_renamed;
	struct {
		uint64_t at, size;
	} written[256]; /* the rest is zero */
	size_t nwritten;
	unsigned fails_in; /* so many operations go well before one fails; 0: none does */
	bool has_failed;
} disk;

static bool fails(void)
{
	if (disk.fails_in == 0 || --disk.fails_in > 0)
		return false;
	disk.has_failed = true;
	errno = ENOSPC;
	return true;
}

static void disk_empty(unsigned fails_in)
{
	while (disk.nwritten > 0) {
		disk.nwritten--;
		memset(disk.bytes + disk.written[disk.nwritten].at, 0,
		       disk.written[disk.nwritten].size);
	}
	disk.at = disk.size = 0;
	disk.is_open = disk.is_there = disk.is_renamed = disk.has_failed = false;
	disk.fails_in = fails_in;
}

static int disk_openat(int folder, const char *name, int flags, mode_t mode)
{
	(void)folder, (void)flags;
	CHECK(!disk.is_there && mode == 0600 && strncmp(name, "core.", 5) == 0);
	if (fails())
		return -1;
	disk.is_open = disk.is_there = true;
	return DISK_FD;
}

static int disk_ftruncate(int fd, off_t size)
{
	CHECK(fd == DISK_FD && size >= 0 && size <= FILE_SIZE);
	if (fails())
		return -1;
	disk.size = (uint64_t)size;
	return 0;
}

static off_t disk_lseek(int fd, off_t offset, int whence)
{
	(void)whence;
	CHECK(fd == DISK_FD && offset >= 0 && (uint64_t)offset <= disk.size);
	if (fails())
		return -1;
	disk.at = (uint64_t)offset;
	return offset;
}

/* Half of it at a time. */
static ssize_t disk_write(int fd, const void *from, size_t size)
{
	CHECK(fd == DISK_FD);
	if (fails())
		return -1;
	size = size / 2 + 1 < size ? size / 2 + 1 : size;
	CHECK(size <= disk.size - disk.at); /* it is as long as was said */
	memcpy(disk.bytes + disk.at, from, size);
	CHECK(disk.nwritten < sizeof disk.written / sizeof disk.written[0]);
	disk.written[disk.nwritten].at = disk.at;
	disk.written[disk.nwritten++].size = size;
	disk.at += size;
	return (ssize_t)size;
}

static int disk_close(int fd)
{
	if (fd != DISK_FD)
		return sys_native->close(fd); /* what the memory was asked about */
	CHECK(disk.is_open);
	disk.is_open = false;
	return fails() ? -1 : 0;
}

static int disk_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	(void)from_folder, (void)to_folder, (void)from;
	CHECK(disk.is_there && !disk.is_open && strcmp(to, "core") == 0);
	if (fails())
		return -1;
	disk.is_renamed = true;
	return 0;
}

static int disk_unlinkat(int folder, const char *name, int flags)
{
	(void)folder, (void)name, (void)flags;
	CHECK(!disk.is_renamed);
	disk.is_there = false;
	return 0;
}

static void make(void)
{
	static struct sys sys;
	const struct layout_config config = {
		.segments = segments,
		.nsegments = NSEGMENTS,
		.heap_size = 0x10000,
		.stack_size = STACK_SIZE,
		.input_size = 0x2000,
		.output_size = 0x2000,
		.supervisor_size = 0x4000,
		.exception_stack = MOTE_SUPERVISOR_BASE + 0x8000,
	};

	host_init(&host);
	sys = *host.sys;
	sys.openat = disk_openat;
	sys.ftruncate = disk_ftruncate;
	sys.lseek = disk_lseek;
	sys.write = disk_write;
	sys.close = disk_close;
	sys.renameat = disk_renameat;
	sys.unlinkat = disk_unlinkat;
	CHECK(guest_memory_new(&memory, &host, &config, NULL, SHARED_MEM_PRIVATE, NULL) == MOTE_OK);
	host.sys = &sys;
	const struct region *region = layout_get(guest_memory_layout(memory), REGION_STACK);
	stack = region->va + region->size - CHOSEN_WORDS * 8;
	memset(firmware, 0x90, sizeof firmware);
	guest.memory = memory;
}

/* Somewhere near what matters, or anywhere. */
static uint64_t take_address(struct input *input)
{
	const uint64_t how = take(input, 1);

	switch (how % 8) {
	case 0:
		return CODE + take(input, 2) % (CODE_SIZE + 0x1000);
	case 1:
		return MORE + (uint64_t)(int64_t)(int16_t)take(input, 2);
	case 2:
	case 3: /* words that are in their place */
		return stack + take(input, 2) % (CHOSEN_WORDS + 2) * 8;
	case 4:
		return stack + CHOSEN_WORDS * 8 - take(input, 3) % (STACK_SIZE + 0x20000);
	case 5:
		return MOTE_HYPERCALL_PAGE + take(input, 2) % 0x4000;
	case 6:
		return 0;
	default:
		return take_number(input);
	}
}

static void write_words(const uint64_t *words)
{
	CHECK(guest_memory_write(memory, stack, words, CHOSEN_WORDS * sizeof *words, REGION_WRITE,
				 NULL) == MOTE_OK);
}

/* Words at places that the input names. */
static void fill_stack(struct input *input)
{
	static uint64_t words[CHOSEN_WORDS];
	const uint64_t count = take(input, 1) % 64;

	memset(words, 0, sizeof words);
	for (uint64_t i = 0; i < count; i++) {
		const size_t at = (size_t)(take(input, 2) % CHOSEN_WORDS);
		words[at] = take_address(input);
	}
	write_words(words);
}

/* Calls everywhere, of two kinds, but for a few bytes of the input's. */
static void fill_code(struct input *input)
{
	static const uint8_t calls[16] = { 0xe8, 0, 0, 0, 0, 0xff, 0xd0, 0x90, 0xff, 0x15 };
	uint8_t code[256];
	size_t got;

	for (size_t i = 0; i < sizeof code; i++)
		code[i] = calls[i % sizeof calls];
	const uint8_t *bytes = take_bytes(input, (size_t)take(input, 1) % 32, &got);
	if (got > 0)
		memcpy(code + 128, bytes, got);
	CHECK(guest_memory_write(memory, CODE, code, sizeof code, 0, NULL) == MOTE_OK);
	CHECK(guest_memory_write(memory, MORE, code, sizeof code, 0, NULL) == MOTE_OK);
}

/* A file of nothing but symbols: headers, the table, names. */
enum { NULL_SECTION, SYMBOLS, NAMES, SECTION_NAMES, NSECTIONS };
#define HEADERS_AT UINT64_C(8) /* at 0 there are none */
#define SYMBOLS_AT (HEADERS_AT + NSECTIONS * sizeof(Elf64_Shdr))

static Elf64_Sym take_symbol(struct input *input)
{
	Elf64_Sym symbol = { 0 };

	symbol.st_name = (Elf64_Word)take(input, 1);
	symbol.st_info = (unsigned char)take(input, 1);
	symbol.st_shndx = (Elf64_Half)(take(input, 1) % 2);
	symbol.st_value = take_address(input);
	symbol.st_size = take_number(input);
	return symbol;
}

/* Headers as they should be, but for a few numbers. What is left of the input are names. */
static void make_headers(Elf64_Shdr *headers, size_t nsymbols, struct input *input)
{
	struct {
		size_t at;
		uint64_t value;
	} damage[3];
	const size_t ndamages = (size_t)take(input, 1) % 4;

	for (size_t i = 0; i < ndamages; i++) {
		damage[i].at = (size_t)take(input, 1) % (NSECTIONS * sizeof *headers - 7);
		damage[i].value = take_number(input);
	}
	headers[SYMBOLS] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
					 .sh_offset = SYMBOLS_AT,
					 .sh_size = nsymbols * sizeof(Elf64_Sym),
					 .sh_link = NAMES };
	headers[NAMES] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
				       .sh_offset = SYMBOLS_AT + headers[SYMBOLS].sh_size,
				       .sh_size = input->left + 1 };
	headers[SECTION_NAMES] = headers[NAMES];
	for (size_t i = 0; i < ndamages; i++)
		memcpy((uint8_t *)headers + damage[i].at, &damage[i].value, 8);
}

/* In a block of its own size, to be freed. */
static uint8_t *make_elf(struct elf *elf, struct input *input)
{
	Elf64_Shdr headers[NSECTIONS] = { { 0 } };
	Elf64_Sym symbols[SYMBOLS_MAX];
	const uint64_t bias = take(input, 1) % 4 == 1 ? CODE : 0;
	const size_t nsymbols = (size_t)take(input, 1) % (SYMBOLS_MAX + 1);

	for (size_t i = 0; i < nsymbols; i++)
		symbols[i] = take_symbol(input);
	make_headers(headers, nsymbols, input);
	const size_t names_at = SYMBOLS_AT + nsymbols * sizeof symbols[0];
	*elf = (struct elf){ .size = names_at + input->left + 1,
			     .header = { .e_shoff = HEADERS_AT,
					 .e_shnum = NSECTIONS,
					 .e_shentsize = sizeof(Elf64_Shdr),
					 .e_shstrndx = SECTION_NAMES,
					 .e_phnum = NSEGMENTS },
			     .bias = bias,
			     .entry = CODE,
			     .nsegments = NSEGMENTS };
	memcpy(elf->segments, segments, sizeof segments);
	uint8_t *bytes = calloc(1, elf->size);
	CHECK(bytes);
	memcpy(bytes + HEADERS_AT, headers, sizeof headers);
	memcpy(bytes + SYMBOLS_AT, symbols, nsymbols * sizeof symbols[0]);
	if (input->left > 0)
		memcpy(bytes + names_at, input->at, input->left);
	elf->bytes = bytes;
	return bytes;
}

/* How well a symbol fits: in that order of weight. */
struct fit {
	int is_any, is_in;
	uint64_t address;
	int rank;
};

static bool is_less(struct fit a, struct fit b)
{
	if (a.is_any != b.is_any)
		return a.is_any < b.is_any;
	if (a.is_in != b.is_in)
		return a.is_in < b.is_in;
	return a.address != b.address ? a.address < b.address : a.rank < b.rank;
}

/* The executable segment of ADDRESS, or NSEGMENTS. */
static size_t segment_of(uint64_t address)
{
	for (size_t i = 0; i < NSEGMENTS; i++)
		if (segments[i].executable && address >= segments[i].address &&
		    address < segments[i].address + segments[i].memory_size)
			return i;
	return NSEGMENTS;
}

static struct fit fit_of(const struct elf_symbol *symbol, uint64_t address)
{
	struct fit fit = {
		.is_in = address >= symbol->address && address - symbol->address < symbol->size,
		.address = symbol->address,
		.rank = symbol->binding == STB_GLOBAL ? 2 : symbol->binding == STB_WEAK,
	};

	fit.is_any = symbol->name && symbol->address <= address && (fit.is_in || !symbol->size) &&
		     segment_of(address) < NSEGMENTS &&
		     segment_of(address) == segment_of(symbol->address) &&
		     (symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC ||
		      symbol->type == STT_NOTYPE);
	return fit;
}

/* FOUND is as good as the best of the table. */
static void check_symbol(const struct elf *elf, uint64_t address, const struct elf_symbol *found)
{
	struct elf_symbols symbols;
	struct elf_symbol symbol;
	struct fit best = { 0 };
	mote_error err = { .message = "" };

	if (elf_find_symbols(elf, &symbols, &err)) {
		CHECK(err.code == MOTE_E_IMAGE && symbols.count == 0);
		CHECK(is_printable(err.message, sizeof err.message));
	}
	for (size_t i = 0; i < symbols.count; i++) {
		if (!elf_symbol(&symbols, i, &symbol))
			continue;
		CHECK(symbol.name[0] && strlen(symbol.name) <= elf->size);
		const struct fit fit = fit_of(&symbol, address);
		if (fit.is_any && is_less(best, fit))
			best = fit;
	}
	CHECK(best.is_any == (found->name != NULL));
	if (found->name) {
		const struct fit fit = fit_of(found, address);
		CHECK(fit.is_any && !is_less(fit, best) && !is_less(best, fit));
	}
}

/* The frames, and what has been visited of them. */
struct seen {
	const struct elf *elf;
	struct frame frames[MOTE_MAX_FRAMES];
	size_t count, nvisited;
};

static void visit(void *user, const mote_frame_info *info)
{
	struct seen *seen = user;

	CHECK(seen->nvisited < seen->count);
	const struct frame *frame = &seen->frames[seen->nvisited];
	struct function_at place = { .address = frame->address - (seen->nvisited > 0) };
	CHECK(info->address == frame->address && info->is_guess == frame->is_guess);
	CHECK(!info->is_inlined && !info->file && info->line == 0);
	functions_find(seen->elf, &place, 1);
	check_symbol(seen->elf, place.address, &place.symbol);
	CHECK(!info->function == !place.symbol.name);
	if (info->function) {
		CHECK(is_printable(info->function, BACKTRACE_NAME_SIZE));
		CHECK(info->offset == info->address - place.symbol.address);
	}
	seen->nvisited++;
}

static void check_frames(const struct frame *frames, size_t count, uint64_t rip)
{
	CHECK(count >= 1 && count <= MOTE_MAX_FRAMES);
	CHECK(frames[0].address == rip && !frames[0].is_guess);
	for (size_t i = 1; i < count; i++)
		CHECK(frames_is_code(&guest.guest, frames[i].address));
}

/* Those that are no guesses are what frame pointers say, which ascend. */
static void check_chain(const struct frame *frames, size_t count, struct hv_regs regs)
{
	const bool is_lost = frames_undo_call(&guest.guest, &regs);
	uint64_t frame = regs.rbp, end = regs.rsp, words[2];

	for (size_t i = 1 + is_lost; i < count; i++) {
		if (frames[i].is_guess)
			continue;
		CHECK(frame >= end && frame % 8 == 0);
		CHECK(guest_memory_read(memory, frame, words, sizeof words, REGION_READ, NULL) ==
		      MOTE_OK);
		CHECK(words[1] == frames[i].address);
		end = frame + sizeof words;
		frame = words[0];
	}
}

static void check_backtrace(const struct stopped_guest *at)
{
	char text[BACKTRACE_TEXT_SIZE];
	struct seen seen = { .elf = at->elf };
	struct frame more[MOTE_MAX_FRAMES];
	struct hv_regs regs = at->start.regs;

	seen.count = frames_walk(&guest.guest, &at->start, seen.frames, MOTE_MAX_FRAMES);
	check_frames(seen.frames, seen.count, regs.rip);
	check_chain(seen.frames, seen.count, regs);
	backtrace_visit(at, visit, &seen);
	CHECK(seen.nvisited == seen.count);

	const size_t few = frames_walk(&guest.guest, &at->start, more, 2);
	CHECK(few == (seen.count < 2 ? seen.count : 2));
	for (size_t i = 0; i < few; i++)
		CHECK(more[i].address == seen.frames[i].address &&
		      more[i].is_guess == seen.frames[i].is_guess);

	memset(text, 'x', sizeof text);
	backtrace_describe(at, text);
	CHECK(is_printable(text, sizeof text));

	/* as after debug information that ended early */
	memcpy(more, seen.frames, sizeof more);
	const size_t known = (seen.count + 1) / 2;
	const size_t count = frames_guess_rest(&guest.guest, &at->start, more, known);
	CHECK(count >= known);
	check_frames(more, count, regs.rip);
	for (size_t i = known; i < count; i++)
		CHECK(more[i].is_guess);

	if (frames_undo_call(&guest.guest, &regs))
		CHECK(!frames_is_code(&guest.guest, at->start.regs.rip) &&
		      frames_is_code(&guest.guest, regs.rip) &&
		      regs.rsp == at->start.regs.rsp + sizeof(uint64_t));
	else
		CHECK(memcmp(&regs, &at->start.regs, sizeof regs) == 0);
}

/* The heap, which is large and empty, is looked at once. */
static void check_segment(const Elf64_Phdr *header)
{
	static uint8_t page[MOTE_PAGE_SIZE];
	static bool has_seen_heap;

	CHECK(header->p_filesz == header->p_memsz && header->p_offset % MOTE_PAGE_SIZE == 0);
	CHECK(header->p_offset <= disk.size && header->p_filesz <= disk.size - header->p_offset);
	if (header->p_filesz > UINT64_C(1) << 20) {
		if (has_seen_heap)
			return;
		has_seen_heap = true;
	}
	for (uint64_t at = 0; at < header->p_filesz; at += sizeof page) {
		const uint8_t *want = page;

		if (header->p_vaddr == MOTE_HYPERCALL_PAGE)
			want = hypercall_page;
		else
			CHECK(guest_memory_read(memory, header->p_vaddr + at, page, sizeof page, 0,
						NULL) == MOTE_OK);
		CHECK(memcmp(disk.bytes + header->p_offset + at, want, sizeof page) == 0);
	}
}

/* All of the file, which begins with the notes. */
static void check_file(const struct core *core)
{
	Elf64_Ehdr header;
	uint64_t in_file = 0, in_guest = 0, registers[2];
	const struct region *region;

	memcpy(&header, disk.bytes, sizeof header);
	CHECK(header.e_type == ET_CORE && header.e_phnum >= 2);
	for (size_t i = 1; i < header.e_phnum; i++) {
		Elf64_Phdr segment;
		memcpy(&segment, disk.bytes + header.e_phoff + i * sizeof segment, sizeof segment);
		check_segment(&segment);
		in_file += segment.p_filesz;
	}
	for (size_t i = 0; (region = layout_mapped(guest_memory_layout(memory), i)); i++)
		if (region->is_user && region->kind != REGION_DOORBELL)
			in_guest += region->size;
	CHECK(in_file == in_guest);
	/* of the first note, the registers: struct elf_prstatus */
	const uint8_t *status = disk.bytes + header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr) +
				sizeof(Elf64_Nhdr) + 8;
	memcpy(&registers[0], status + 112 + 16 * 8, 8);
	memcpy(&registers[1], status + 112 + 19 * 8, 8);
	CHECK(registers[0] == core->regs.rip && registers[1] == core->regs.rsp);
}

/* FAILS_IN is the number of the system call that fails, 0: none. */
static void check_core(const struct core *core, unsigned fails_in)
{
	mote_error err = { .code = MOTE_OK };

	disk_empty(fails_in);
	mote_status status = core_write(core, "core", &err);
	CHECK((status == MOTE_OK) == !disk.has_failed && !disk.is_open);
	CHECK(disk.is_there == (status == MOTE_OK) && disk.is_renamed == disk.is_there);
	if (status)
		CHECK(status == MOTE_E_OS && err.code == status && err.os_error == ENOSPC &&
		      is_printable(err.message, sizeof err.message));
	else
		check_file(core);
}

static struct hv_regs take_regs(struct input *input)
{
	struct hv_regs regs = { 0 };

	regs.rip = take_address(input);
	regs.rsp = take_address(input);
	regs.rbp = take_address(input);
	regs.rcx = take_address(input);
	stopped = regs;
	const struct hv_regs own = mote_abi.stopped(&guest.guest);
	CHECK(own.rip == regs.rip || own.rip == regs.rcx);
	return own;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	static struct mote_image image;
	struct elf elf;

	if (!memory)
		make();
	/* a core file takes longer than all the rest */
	const unsigned how = (unsigned)take(&input, 1);
	const struct hv_regs regs = take_regs(&input);
	const uint64_t stack_end = take_address(&input);
	fill_stack(&input);
	fill_code(&input);
	uint8_t *bytes = make_elf(&elf, &input);
	check_backtrace(
		&(struct stopped_guest){ .guest = &guest.guest,
					 .elf = &elf,
					 .start = { .regs = regs, .stack_end = stack_end } });
	if (how % 32 == 1) {
		image.elf = elf;
		size_t n = input.left < sizeof image.name - 1 ? input.left : sizeof image.name - 1;
		memset(image.name, 0, sizeof image.name);
		if (n > 0)
			memcpy(image.name, input.at, n);
		check_core(&(struct core){ .host = &host,
					   .guest = &guest.guest,
					   .image = &image,
					   .regs = regs },
			   how / 32);
	}
	free(bytes);
	return 0;
}

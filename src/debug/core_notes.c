/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The notes of a core file: structs of the x86-64 Linux kernel, which are the guest's, whatever the
 * host is, so they are written down here and not taken from the host's headers.
 */
#include "debug/core.h"

#include "abi/mote_abi.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

/* struct elf_prstatus. What is not set here is about processes, which guests are not. */
struct prstatus {
	int32_t signal, code, error;
	uint16_t current_signal;
	uint64_t pending, held;
	int32_t pid, parent, group, session;
	uint64_t times[8];
	struct {
		uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
		uint64_t orig_rax, rip, cs, rflags, rsp, ss, fs_base, gs_base, ds, es, fs, gs;
	} regs;
	int32_t has_fpu;
};
_Static_assert(offsetof(struct prstatus, pid) == 32 && offsetof(struct prstatus, regs) == 112 &&
		       sizeof(struct prstatus) == 336,
	       "debuggers find registers at these places of NT_PRSTATUS");

/* struct elf_prpsinfo */
struct prpsinfo {
	char state, state_name, zombie, nice;
	uint64_t flags;
	uint32_t uid, gid;
	int32_t pid, parent, group, session;
	char name[16];
	char arguments[80];
};
_Static_assert(offsetof(struct prpsinfo, name) == 40 && sizeof(struct prpsinfo) == 136,
	       "debuggers find names at these places of NT_PRPSINFO");

/* siginfo_t, as far as faults need it */
struct siginfo {
	int32_t signal, error, code, padding;
	uint64_t address;
	uint8_t rest[104];
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo_t has 128 bytes on every Linux");

/* Any number but 0 will do: gdb shows it as the thread's. */
enum { GUEST_PID = 1 };

/* The selectors that Linux gives programs: they tell debuggers that the code is 64-bit. */
enum { LINUX_CODE = 0x33, LINUX_DATA = 0x2b };

static uint8_t *put_note(uint8_t *at, uint32_t type, const void *bytes, size_t size)
{
	static const char name[8] = "CORE";
	const Elf64_Nhdr header = { .n_namesz = 5, .n_descsz = (uint32_t)size, .n_type = type };

	memcpy(at, &header, sizeof header);
	memcpy(at + sizeof header, name, sizeof name);
	memcpy(at + sizeof header + sizeof name, bytes, size);
	return at + sizeof header + sizeof name + ((size + 3) & ~(size_t)3);
}

static uint8_t *put_prstatus(uint8_t *at, const struct core *core)
{
	const struct hv_regs *r = &core->regs;
	const struct prstatus status = {
		.signal = core->signal,
		.current_signal = (uint16_t)core->signal,
		.pid = GUEST_PID,
		.group = GUEST_PID,
		.session = GUEST_PID,
		.regs = {
			.r15 = r->r15, .r14 = r->r14, .r13 = r->r13, .r12 = r->r12,
			.rbp = r->rbp, .rbx = r->rbx, .r11 = r->r11, .r10 = r->r10,
			.r9 = r->r9, .r8 = r->r8, .rax = r->rax, .rcx = r->rcx,
			.rdx = r->rdx, .rsi = r->rsi, .rdi = r->rdi,
			.orig_rax = UINT64_MAX, /* it is in no system call that could be restarted */
			.rip = r->rip, .cs = LINUX_CODE, .rflags = r->rflags,
			.rsp = r->rsp, .ss = LINUX_DATA, .fs_base = core->fs_base,
		},
	};

	return put_note(at, NT_PRSTATUS, &status, sizeof status);
}

/* GDB compares the first argument with the name of the file that it is given. */
static uint8_t *put_prpsinfo(uint8_t *at, const struct core *core)
{
	struct prpsinfo info = { .state_name = 'R', .pid = GUEST_PID };
	const size_t length = strlen(core->image->name);

	memcpy(info.name, core->image->name,
	       length < sizeof info.name ? length : sizeof info.name - 1);
	memcpy(info.arguments, core->image->name,
	       length < sizeof info.arguments ? length : sizeof info.arguments - 1);
	return put_note(at, NT_PRPSINFO, &info, sizeof info);
}

static uint8_t *put_siginfo(uint8_t *at, const struct core *core)
{
	const struct siginfo info = {
		.signal = core->signal,
		.code = core->signal ? 1 : 0, /* the first of each signal: SEGV_MAPERR and such */
		.address = core->fault_address,
	};

	return put_note(at, NT_SIGINFO, &info, sizeof info);
}

/* Where the program is: a debugger moves the symbols of a static PIE by the entry point. */
static uint8_t *put_auxv(uint8_t *at, const struct core *core)
{
	const struct elf *elf = &core->image->elf;
	const uint64_t entries[][2] = {
		{ AT_PAGESZ, MOTE_PAGE_SIZE },
		{ AT_BASE, 0 },
		{ AT_ENTRY, elf->entry },
		/* an image without its file knows no program headers */
		{ elf->phdr_address ? AT_PHDR : AT_IGNORE, elf->phdr_address },
		{ elf->phdr_address ? AT_PHENT : AT_IGNORE, sizeof(Elf64_Phdr) },
		{ elf->phdr_address ? AT_PHNUM : AT_IGNORE, elf->header.e_phnum },
		{ AT_NULL, 0 },
	};

	return put_note(at, NT_AUXV, entries, sizeof entries);
}

_Static_assert(sizeof(struct prstatus) + sizeof(struct prpsinfo) + sizeof(struct siginfo) + 7 * 16 +
			       4 * 20 <=
		       CORE_NOTES_SIZE,
	       "all notes fit into the caller's storage");

size_t core_notes(const struct core *core, uint8_t *notes)
{
	uint8_t *at = put_prstatus(notes, core);

	at = put_prpsinfo(at, core);
	at = put_siginfo(at, core);
	at = put_auxv(at, core);
	return (size_t)(at - notes);
}

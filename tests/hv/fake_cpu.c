/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processor of fake.h: page tables, descriptors, exceptions and the few instructions that
 * the library writes into guests, all from the manuals (Intel SDM volume 3A, chapters 4, 6
 * and 7; volume 2) and not from the library's headers, so that a mistake shows.
 */
#include "hv/fake.h"

#include "abi/mote_abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_FETCH = 16 };
enum { VECTOR_UD = 6, VECTOR_GP = 13, VECTOR_PF = 14, VECTOR_BP = 3 };

/* What came of an instruction. */
enum step { STEP_ON, STEP_EXIT };

/* Walks the page tables for VA. ACCESS are the bits of a page fault's error code that say
 * what for. Returns true with *GPA, or false with *CODE, the error code. */
static bool walk(struct fake_vm *vm, uint64_t va, uint32_t access, uint64_t *gpa, uint32_t *code)
{
	uint64_t entry = vm->cpu.cr3, rights = 6, no_execute = 0;
	int level = 4;

	*code = access;
	while (level-- > 0) {
		const unsigned shift = 12 + 9 * (unsigned)level;
		const uint64_t table = entry & UINT64_C(0xffffffffff000);
		const uint64_t *at = fake_physical(vm, table + (va >> shift & 511) * 8, 8);
		assert_non_null(at);
		entry = *at;
		if (!(entry & 1))
			return false;
		rights &= entry;
		no_execute |= entry >> 63;
		if (level == 0 || (entry & 0x80)) {
			const uint64_t page = UINT64_C(1) << shift;
			*gpa = (entry & UINT64_C(0xffffffffff000) & ~(page - 1)) |
			       (va & (page - 1));
			break;
		}
	}
	*code |= PF_PRESENT;
	if ((access & PF_USER) && !(rights & 4))
		return false;
	if ((access & PF_WRITE) && !(rights & 2))
		return false;
	return !(access & PF_FETCH) || !no_execute;
}

static uint32_t user_bit(const struct fake_vm *vm)
{
	return vm->ring == 3 ? PF_USER : 0;
}

/* What a processor does with an exception that it cannot deliver, in short. */
static enum step shut_down(struct hv_exit *exit)
{
	exit->kind = HV_EXIT_SHUTDOWN;
	return STEP_EXIT;
}

/* SIZE bytes of the supervisor's at VA, within a page; NULL if they are not mapped for it. */
static void *supervisor_at(struct fake_vm *vm, uint64_t va, uint32_t access, size_t size)
{
	uint64_t gpa;
	uint32_t code;
	return walk(vm, va, access, &gpa, &code) ? fake_physical(vm, gpa, size) : NULL;
}

static bool has_error_code(uint8_t vector)
{
	return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 ||
	       vector == 29 || vector == 30;
}

/* Delivers VECTOR as section 6.14 says: the gate, its interrupt stack, the frame. */
static enum step deliver(struct fake_vm *vm, struct hv_exit *exit, uint8_t vector, uint64_t code)
{
	struct hv_regs *regs = &vm->regs;
	const uint8_t *gate = supervisor_at(vm, vm->cpu.idt_base + vector * 16u, 0, 16);

	if (!gate || vector * 16u + 15u > vm->cpu.idt_limit || (gate[5] & 0x9f) != 0x8e)
		return shut_down(exit);
	const unsigned ist = gate[4] & 7;
	uint64_t stub = 0, rsp = 0;
	uint16_t low, middle;
	uint32_t high;
	memcpy(&low, gate, 2);
	memcpy(&middle, gate + 6, 2);
	memcpy(&high, gate + 8, 4);
	stub = low | (uint64_t)middle << 16 | (uint64_t)high << 32;
	/* rsp0 is at 4, interrupt stack N at 28 + 8 N */
	const void *top = supervisor_at(vm, vm->cpu.task.base + (ist ? 28 + 8 * ist : 4), 0, 8);
	if (!top)
		return shut_down(exit);
	memcpy(&rsp, top, 8);
	rsp &= ~UINT64_C(15);

	const uint64_t frame[] = { code,         regs->rip, vm->cpu.code.selector,
				   regs->rflags, regs->rsp, vm->cpu.data.selector };
	const size_t skip = has_error_code(vector) ? 0 : 1;
	rsp -= sizeof frame - skip * 8;
	void *to = supervisor_at(vm, rsp, PF_WRITE, sizeof frame - skip * 8);
	if (!to)
		return shut_down(exit);
	memcpy(to, frame + skip, sizeof frame - skip * 8);
	regs->rsp = rsp;
	regs->rip = stub;
	regs->rflags &= ~(UINT64_C(1) << 8 | 1u << 9 | 1u << 14 | 1u << 16); /* TF IF NT RF */
	vm->ring = 0;
	return STEP_ON;
}

bool fake_exception(struct fake_vm *vm, struct hv_exit *exit, uint8_t vector, uint32_t error_code,
		    uint64_t address)
{
	if (vector == VECTOR_PF)
		vm->fault_address = address;
	if (fake_is_machine(vm))
		return deliver(vm, exit, vector, error_code) == STEP_EXIT;
	*exit = (struct hv_exit){ .kind = HV_EXIT_EXCEPTION };
	exit->u.exception.vector = vector;
	exit->u.exception.error_code = error_code;
	exit->u.exception.address = address;
	exit->u.exception.rip = vm->regs.rip;
	return true;
}

/* Where the syscall instruction leads, with RIP behind it. */
static enum step enter_syscall(struct fake_vm *vm, struct hv_exit *exit)
{
	struct hv_regs *regs = &vm->regs;

	if (fake.syscall == FAKE_SYSCALL_UNDEFINED || !(vm->cpu.efer & 1))
		return deliver(vm, exit, VECTOR_UD, 0);
	regs->rcx = regs->rip;
	regs->r11 = regs->rflags;
	regs->rflags &= ~vm->cpu.syscall_mask;
	regs->rip = vm->cpu.lstar;
	if (fake.syscall == FAKE_SYSCALL_RING0)
		vm->ring = 0;
	return STEP_ON;
}

bool fake_system_call(struct fake_vm *vm, struct hv_exit *exit, uint64_t number,
		      const uint64_t args[6])
{
	struct hv_regs *regs = &vm->regs;

	regs->rax = number;
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
	if (fake_is_machine(vm))
		return enter_syscall(vm, exit) == STEP_EXIT;
	exit->kind = HV_EXIT_SYSCALL;
	return true;
}

/* Whether the TSS lets ring 3 write a byte to PORT: section 19.5.2. */
static bool port_map_permits(struct fake_vm *vm, uint8_t port)
{
	const uint64_t tss = vm->cpu.task.base;
	const void *offset_at = supervisor_at(vm, tss + 102, 0, 2);
	uint16_t offset;

	assert_non_null(offset_at);
	memcpy(&offset, offset_at, sizeof offset);
	/* the processor reads two bytes, and both must be within the limit */
	if (offset + port / 8u + 1u > vm->cpu.task.limit)
		return false;
	const uint8_t *map = supervisor_at(vm, tss + offset + port / 8u, 0, 2);
	assert_non_null(map);
	return !(map[0] >> port % 8 & 1);
}

static enum step out(struct fake_vm *vm, struct hv_exit *exit, uint8_t port)
{
	const bool has_iopl = (vm->regs.rflags >> 12 & 3) == 3;

	if (vm->ring != 0 && !(fake.obeys_iopl && has_iopl) &&
	    !(fake.obeys_port_map && port_map_permits(vm, port))) {
		vm->regs.rip -= 2;
		return deliver(vm, exit, VECTOR_GP, 0);
	}
	*exit = (struct hv_exit){ .kind = HV_EXIT_PORT };
	exit->u.port.port = port;
	exit->u.port.size = 1;
	exit->u.port.is_write = true;
	exit->u.port.value = (uint8_t)vm->regs.rax;
	return STEP_EXIT;
}

/* `mov %eax, ADDRESS`, which only the doorbell page is for. */
static enum step store(struct fake_vm *vm, struct hv_exit *exit, uint32_t address)
{
	uint64_t gpa;
	uint32_t code;

	if (!walk(vm, address, PF_WRITE | user_bit(vm), &gpa, &code)) {
		vm->fault_address = address;
		return deliver(vm, exit, VECTOR_PF, code);
	}
	assert_null(fake_physical(vm, gpa, 1));
	if (!fake.has_mmio) {
		exit->kind = HV_EXIT_UNSUPPORTED;
		exit->u.detail = 1;
		return STEP_EXIT;
	}
	*exit = (struct hv_exit){ .kind = HV_EXIT_MMIO };
	exit->u.mmio.gpa = gpa;
	exit->u.mmio.size = 4;
	exit->u.mmio.is_write = true;
	exit->u.mmio.value = (uint32_t)vm->regs.rax;
	return STEP_EXIT;
}

static uint32_t immediate(const uint8_t *code)
{
	uint32_t value;
	memcpy(&value, code, sizeof value);
	return value;
}

/* The instructions that only the start of a call has. */
static bool execute_start(struct fake_vm *vm, const uint8_t *code)
{
	struct hv_regs *regs = &vm->regs;
	static const uint8_t empty[512 + 64 - 28];

	if (code[0] == 0xba) { /* mov $imm32, %edx */
		regs->rdx = immediate(code + 1);
		regs->rip += 5;
	} else if (code[0] == 0x0f && code[1] == 0xae && code[2] == 0x2c) { /* xrstor disp32 */
		const uint8_t *area = fake_at(vm, immediate(code + 4));
		assert_int_equal(immediate(code + 4) % 64, 0);
		assert_true((uint32_t)regs->rax == UINT32_MAX && (uint32_t)regs->rdx == UINT32_MAX);
		assert_int_equal(immediate(area + 24), 0x1f80);
		assert_memory_equal(area + 28, empty, sizeof empty);
		vm->vectors = 0;
		regs->rip += 8;
	} else if (code[0] == 0x8e && (code[1] == 0xd8 || code[1] == 0xc0 || code[1] == 0xe8)) {
		assert_int_equal((uint32_t)regs->rax, 0); /* mov %eax, to ds, es or gs */
		regs->rip += 2;
	} else if (code[0] == 0xdb && code[1] == 0xe3) { /* fninit */
		regs->rip += 2;
	} else if (code[0] == 0x41 && code[1] == 0xff && code[2] == 0xe3) { /* jmp *%r11 */
		regs->rip = regs->r11;
	} else {
		return false;
	}
	return true;
}

/* One instruction of the library's. CODE is what stands at rip: at least 8 bytes. */
static enum step execute(struct fake_vm *vm, struct hv_exit *exit, const uint8_t *code)
{
	struct hv_regs *regs = &vm->regs;
	const uint64_t start = regs->rip;

	switch (code[0]) {
	case 0xb8: /* mov $imm32, %eax */
		regs->rax = immediate(code + 1);
		regs->rip += 5;
		return STEP_ON;
	case 0xc3: /* ret */
		memcpy(&regs->rip, fake_at(vm, regs->rsp), 8);
		regs->rsp += 8;
		return STEP_ON;
	case 0xcc: /* int3 */
		regs->rip += 1;
		return deliver(vm, exit, VECTOR_BP, 0);
	case 0xe6: /* out %al, $imm8 */
		regs->rip += 2;
		return out(vm, exit, code[1]);
	case 0xf4: /* hlt */
		if (vm->ring != 0)
			return deliver(vm, exit, VECTOR_GP, 0);
		regs->rip += 1;
		exit->kind = HV_EXIT_HALT;
		return STEP_EXIT;
	case 0xeb: /* jmp rel8 */
		regs->rip += 2 + (uint64_t)(int64_t)(int8_t)code[1];
		return STEP_ON;
	default:
		break;
	}
	if (code[0] == 0xff && code[1] == 0xd0) { /* call *%rax */
		const uint64_t back = start + 2;
		regs->rsp -= sizeof back;
		memcpy(fake_at(vm, regs->rsp), &back, sizeof back);
		regs->rip = regs->rax;
		return STEP_ON;
	}
	if (code[0] == 0xff && code[1] == 0xe1) { /* jmp *%rcx */
		regs->rip = regs->rcx;
		return STEP_ON;
	}
	if (code[0] == 0x89 && code[1] == 0x04 && code[2] == 0x25) { /* mov %eax, disp32 */
		regs->rip += 7;
		return store(vm, exit, immediate(code + 3));
	}
	if (code[0] == 0x0f && code[1] == 0x05) { /* syscall */
		regs->rip += 2;
		return enter_syscall(vm, exit);
	}
	if (code[0] == 0x48 && code[1] == 0x0f && code[2] == 0x07 && vm->ring == 0) { /* sysretq */
		regs->rip = regs->rcx;
		regs->rflags = regs->r11;
		vm->ring = 3;
		return STEP_ON;
	}
	if (execute_start(vm, code))
		return STEP_ON;
	return deliver(vm, exit, VECTOR_UD, 0);
}

/* The code at rip, or NULL after a fault. */
static const uint8_t *fetch(struct fake_vm *vm, struct hv_exit *exit, enum step *step)
{
	static _Thread_local uint8_t code[8];
	const uint64_t rip = vm->regs.rip;
	uint64_t gpa;
	uint32_t fault;

	if (!fake_is_machine(vm))
		return fake_at(vm, rip);
	if (!walk(vm, rip, PF_FETCH | user_bit(vm), &gpa, &fault)) {
		vm->fault_address = rip;
		*step = deliver(vm, exit, VECTOR_PF, fault);
		return NULL;
	}
	/* no instruction of ours crosses a page */
	const size_t left = (size_t)(4096 - (rip & 4095));
	const void *from = fake_physical(vm, gpa, 1);
	assert_non_null(from);
	memset(code, 0xcc, sizeof code);
	memcpy(code, from, left < sizeof code ? left : sizeof code);
	return code;
}

void fake_cpu_run(struct fake_vm *vm, struct hv_exit *exit)
{
	enum { STEPS_MAX = 100000 };

	for (int i = 0; i < STEPS_MAX; i++) {
		enum step step = STEP_ON;
		const uint8_t *code = fetch(vm, exit, &step);
		/* without a machine there is no code of the library's to run */
		if (code && (code[0] == 0 || !fake_is_machine(vm)) && fake.guest) {
			if (vm->ring != 3)
				fail_msg("the guest runs in ring 0");
			if (fake.guest(vm, exit))
				return;
			continue;
		}
		if (code)
			step = execute(vm, exit, code);
		if (step == STEP_EXIT)
			return;
	}
	fail_msg("the guest never gets done");
}

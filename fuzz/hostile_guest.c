/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of hostile_guest.h. Where the fake processor has no answer (it fails the test that a
 * guest of the tests would be part of), the guest does not go: it calls the hypercall page on a
 * stack that is there.
 */
#define _GNU_SOURCE
#include "fuzz/hostile_guest.h"

#include "abi/io_stack.h"
#include "abi/mote_abi.h"
#include "abi/wire.h"
#include "tests/kit/tiny_elf.h"

#include <stddef.h>
#include <sys/syscall.h>

/* More than any input of sensible length has. */
#define STEPS_MAX 256
#define CODE      (TINY_ADDRESS + TINY_CODE * MOTE_PAGE_SIZE + offsetof(struct tiny_elf, code))
#define DATA      (TINY_ADDRESS + TINY_DATA * MOTE_PAGE_SIZE)

static struct mote_start_block start_block(struct fake_vm *vm)
{
	struct mote_start_block block;

	memcpy(&block, fake_at(vm, MOTE_START_BLOCK), sizeof block);
	return block;
}

static void note(struct hostile_guest *guest, uint64_t gpa)
{
	const uint64_t page = gpa & ~(MOTE_PAGE_SIZE - 1);

	for (size_t i = 0; i < guest->nwritten; i++)
		if (guest->written[i] == page)
			return;
	if (guest->nwritten == HOSTILE_PAGES)
		guest->is_list_full = true;
	else
		guest->written[guest->nwritten++] = page;
}

/* The host's address of SIZE bytes that ring 3 may write, all in one page; NULL if there are none.
 * They are listed as written. */
static uint8_t *writable(struct fake_vm *vm, uint64_t va, size_t size)
{
	if (va % MOTE_PAGE_SIZE + size > MOTE_PAGE_SIZE)
		return NULL;
	for (size_t i = 0; i < vm->nviews; i++) {
		const struct region *view = &vm->views[i];

		if (va - view->va >= view->size)
			continue;
		if (!(view->flags & REGION_WRITE) || !fake_physical(vm, view->gpa, 1))
			return NULL;
		note(fake.user, view->gpa + (va - view->va));
		return fake_physical(vm, view->gpa + (va - view->va), size);
	}
	return NULL;
}

/* Places that a guest knows, and others. */
static uint64_t take_place(struct fake_vm *vm, struct input *input)
{
	const struct mote_start_block block = start_block(vm);
	const uint64_t places[] = {
		block.output_address,
		block.output_address + block.output_size - 8,
		block.input_address,
		block.input_address + block.input_size - 8,
		block.heap_address,
		block.heap_address + block.heap_size - MOTE_PAGE_SIZE,
		block.stack_address,
		block.stack_address + block.stack_size - 64,
		DATA,
		CODE,
		MOTE_START_BLOCK,
		MOTE_HYPERCALL_PAGE,
		MOTE_DOORBELL_PAGE,
		MOTE_FUNCTION_TABLE,
		MOTE_SUPERVISOR_BASE,
		MOTE_ADDRESS_END - 8,
	};
	const uint64_t how = take(input, 1);

	if (how & 0x80)
		return take_number(input);
	return places[how % (sizeof places / sizeof places[0])] +
	       (how & 0x40 ? (uint64_t)(int64_t)(int8_t)take(input, 1) : 0);
}

mote_value hostile_value(struct input *input, mote_type type)
{
	const uint64_t how = take(input, 1);
	mote_value value = { .type = type };
	size_t got;

	if (type == MOTE_VOID)
		value.type = (mote_type)(how % 10);
	if (value.type == MOTE_STRING || value.type == MOTE_BYTES) {
		const uint8_t *bytes = take_bytes(input, how >> 4, &got);
		value.as.bytes.ptr = how & 1 && got == 0 ? NULL : bytes;
		value.as.bytes.len = got;
	} else if (value.type == MOTE_BOOL) {
		value.as.boolean = how & 0x80;
	} else if (value.type != MOTE_VOID) {
		value.as.u64 = take_number(input);
	}
	return value;
}

/* Pushes a message if the guest's own buffer still works. */
static void push(struct fake_vm *vm, const void *message, size_t size)
{
	const struct mote_start_block block = start_block(vm);
	const struct io_stack output = { writable(vm, block.output_address, 8), block.output_size };
	struct io_fault fault;

	if (!output.base || size == 0)
		return;
	for (uint64_t at = 0; at < block.output_size; at += MOTE_PAGE_SIZE)
		writable(vm, block.output_address + at, 8);
	io_stack_push(&output, message, size, &fault);
}

static uint8_t message[4096];

/* Bytes that may be a span: in a buffer, or nearly. */
static mote_value take_span(struct fake_vm *vm, struct input *input, struct mote_span *span)
{
	const struct mote_start_block block = start_block(vm);
	const uint64_t how = take(input, 1);
	const uint64_t bases[] = { block.results_address, block.arguments_address,
				   block.results_address + block.buffer_size,
				   take_place(vm, input) };

	*span = (struct mote_span){ bases[how & 3] + (how & 4 ? take_number(input) : 0),
				    how & 8 ? take_number(input) : block.buffer_size };
	return mote_bytes(span, how & 0xf0 ? sizeof *span : how & 0x1f);
}

static void push_result(struct fake_vm *vm, struct input *input)
{
	const uint64_t how = take(input, 1);
	struct wire_result result = { .is_error = how & 1 };
	struct mote_span span;
	size_t got;

	if (result.is_error) {
		result.code = take_number(input);
		result.message = (const char *)take_bytes(input, how >> 3, &got);
		result.message_len = got;
	} else if (how & 2) {
		result.value = take_span(vm, input, &span);
	} else {
		result.value = hostile_value(input, MOTE_VOID);
	}
	push(vm, message, wire_result_write(message, sizeof message, &result));
}

/* Returns which parameters are to be spans. */
static uint64_t push_call(struct fake_vm *vm, struct input *input)
{
	static const char *const names[] = { "Echo", "Fail", "Pick", "Zoo", "Pic", "\x01\xff", "" };
	const uint64_t how = take(input, 1);
	struct wire_call call = {
		.name = names[how % (sizeof names / sizeof names[0])],
		.kind = how & 0x40 ? WIRE_CALL_GUEST : WIRE_CALL_HOST,
		.result = (mote_type)(take(input, 1) % 10),
		.nparams = how >> 3 & 7,
	};

	struct mote_span spans[8];

	call.name_len = strlen(call.name);
	for (size_t i = 0; i < call.nparams; i++)
		call.params[i] = how & 0x80 ? take_span(vm, input, &spans[i])
					    : hostile_value(input, MOTE_VOID);
	push(vm, message, wire_call_write(message, sizeof message, &call));
	return how & 0x80 ? (UINT64_C(1) << call.nparams) - 1 : 0;
}

static struct wire_text take_text(struct input *input)
{
	size_t got;
	const uint8_t *bytes = take_bytes(input, take(input, 1) % 32, &got);

	return (struct wire_text){ (const char *)bytes, got };
}

static void push_log(struct fake_vm *vm, struct input *input)
{
	struct wire_log log = {
		.level = (enum wire_level)(take(input, 1) % 8),
		.message = take_text(input),
	};

	log.source = log.caller = log.source_file = (struct wire_text){ "", 0 };
	push(vm, message, wire_log_write(message, sizeof message, &log));
}

/* Breaks the last message, or anything else. */
static void write_bytes(struct fake_vm *vm, struct input *input)
{
	const uint64_t place = take_place(vm, input);
	size_t got;
	const uint8_t *bytes = take_bytes(input, take(input, 1) % 64, &got);
	uint8_t *to = writable(vm, place, got);

	if (to && got > 0)
		memcpy(to, bytes, got);
}

/* The number at the head of a buffer. */
static void write_head(struct fake_vm *vm, struct input *input)
{
	const struct mote_start_block block = start_block(vm);
	const uint64_t how = take(input, 1), number = take_number(input);
	uint8_t *to = writable(vm, how & 1 ? block.input_address : block.output_address, 8);

	if (to)
		memcpy(to, &number, sizeof number);
}

static bool hypercall(struct fake_vm *vm, struct hv_exit *exit, uint64_t operation, uint64_t rsi,
		      uint64_t rdx, uint64_t rcx)
{
	struct hostile_guest *guest = fake.user;

	if (!writable(vm, vm->regs.rsp - 8, 8))
		vm->regs.rsp = guest->stack;
	writable(vm, vm->regs.rsp - 8, 8);
	return fake_hypercall(vm, exit, operation, rsi, rdx, rcx);
}

static bool take_hypercall(struct fake_vm *vm, struct hv_exit *exit, struct input *input)
{
	const uint64_t how = take(input, 1);
	const uint64_t operation = how < 0xf0 ? how % 5 : take_number(input);

	if (operation != MOTE_HC_READY)
		return hypercall(vm, exit, operation, how & 0x80 ? how : how & 1, how >> 1 & 1, 0);
	const uint64_t rsi = take_place(vm, input), rdx = take_place(vm, input);
	return hypercall(vm, exit, operation, rsi, rdx, take(input, 1));
}

static bool take_system_call(struct fake_vm *vm, struct hv_exit *exit, struct input *input)
{
	static const uint64_t numbers[] = {
		SYS_write,  SYS_writev,    SYS_brk,   SYS_mmap,       SYS_munmap,
		SYS_mremap, SYS_madvise,   SYS_poll,  SYS_arch_prctl, SYS_exit_group,
		SYS_kill,   SYS_getrandom, SYS_fstat, SYS_newfstatat, SYS_rt_sigprocmask,
		SYS_uname,  SYS_prlimit64,
	};
	const uint64_t how = take(input, 1);
	const uint64_t number = how < 0xc0 ? numbers[how % (sizeof numbers / sizeof numbers[0])]
					   : take_number(input);
	uint64_t args[6] = { 0 };

	for (int i = 0; i < 4; i++)
		args[i] = take(input, 1) & 1 ? take_place(vm, input) : take_number(input);
	return fake_system_call(vm, exit, number, args);
}

static bool take_exception(struct fake_vm *vm, struct hv_exit *exit, struct input *input)
{
	const uint8_t vector = (uint8_t)take(input, 1);
	const uint32_t code = (uint32_t)take(input, 1);

	return fake_exception(vm, exit, vector, code, take_place(vm, input));
}

/* What a hypervisor may report, and what none does. */
static bool take_exit(struct fake_vm *vm, struct hv_exit *exit, struct input *input)
{
	const uint64_t how = take(input, 1), size = take(input, 1);

	memset(exit, 0, sizeof *exit);
	exit->kind = (enum hv_exit_kind)(how % (HV_EXIT_DIED + 2));
	if (exit->kind == HV_EXIT_PORT) {
		exit->u.port.port =
			(uint16_t)(how & 0x80 ? take_number(input) : 0xe0 + size / 8 % 4);
		exit->u.port.size = (uint8_t)(1 + size % 4);
		exit->u.port.is_write = !(how & 0x40);
	} else if (exit->kind == HV_EXIT_MMIO) {
		exit->u.mmio.gpa = take_number(input);
		exit->u.mmio.size = (uint8_t)(1 + size % 8);
		exit->u.mmio.is_write = !(how & 0x40);
	} else if (exit->kind == HV_EXIT_EXCEPTION) {
		exit->u.exception.vector = (uint8_t)size;
		exit->u.exception.address = take_place(vm, input);
		exit->u.exception.rip = vm->regs.rip;
	} else {
		exit->u.detail = size;
	}
	/* where the fake finds the guest again, should the host let it go on */
	vm->regs.rip = CODE;
	vm->regs.rcx = how & 0x20 ? take_number(input) : CODE;
	return true;
}

static void scribble(struct fake_vm *vm, struct input *input)
{
	uint64_t *const registers[] = { &vm->regs.rbx, &vm->regs.rbp, &vm->regs.rsp, &vm->regs.r12,
					&vm->regs.r15, &vm->vectors,  &vm->regs.r11 };
	const uint64_t which = take(input, 1) % 8;

	if (which == 7)
		vm->fs_base = take_number(input) % MOTE_ADDRESS_END;
	else
		*registers[which] = take_place(vm, input);
}

/* To where it cannot execute; a machine faults there, and a process would be told. */
static bool jump(struct fake_vm *vm, struct hv_exit *exit, struct input *input)
{
	const uint64_t place = take_place(vm, input);

	if (place / MOTE_PAGE_SIZE == MOTE_HYPERCALL_PAGE / MOTE_PAGE_SIZE)
		return false;
	if (!fake_is_machine(vm))
		return fake_exception(vm, exit, 14, 0x14, place);
	vm->regs.rip = place;
	return false;
}

/* One step. What comes back is a fake_guest's; false as well if the guest goes on. */
static bool step(struct fake_vm *vm, struct hv_exit *exit, struct input *input)
{
	switch (take(input, 1) % 12) {
	case 0:
		push_result(vm, input);
		return false;
	case 1:
		return hypercall(vm, exit, MOTE_HC_HOST_CALL, push_call(vm, input), 1, 0);
	case 2:
		push_log(vm, input);
		return hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
	case 3:
		write_bytes(vm, input);
		return false;
	case 4:
		write_head(vm, input);
		return false;
	case 5:
	case 6:
		return take_hypercall(vm, exit, input);
	case 7:
	case 8:
		return take_system_call(vm, exit, input);
	case 9:
		return take_exception(vm, exit, input);
	case 10:
		return take_exit(vm, exit, input);
	default:
		if (take(input, 1) & 1)
			return jump(vm, exit, input);
		scribble(vm, input);
		return false;
	}
}

/* Add: as the guest library does it. */
static bool answer(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct mote_start_block block = start_block(vm);
	const struct io_stack input = { writable(vm, block.input_address, 8), block.input_size };
	struct wire_result result = { .value = { .type = MOTE_I32 } };
	struct io_fault fault;
	struct wire_call call;
	const uint64_t size = io_stack_pop(&input, message, sizeof message, &fault);

	CHECK(size > 0 && wire_call_read(message, size, &call).status == WIRE_OK);
	CHECK(call.kind == WIRE_CALL_GUEST && call.nparams == 2 && strcmp(call.name, "Add") == 0);
	result.value.as.i32 = call.params[0].as.i32 + call.params[1].as.i32;
	push(vm, message, wire_result_write(message, sizeof message, &result));
	return hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
}

bool hostile_guest_runs(struct fake_vm *vm, struct hv_exit *exit)
{
	struct hostile_guest *guest = fake.user;

	if (guest->mood == MOOD_READY) {
		const struct mote_start_block block = start_block(vm);

		guest->stack = block.stack_address + block.stack_size - 64;
		return hypercall(vm, exit, MOTE_HC_READY, CODE, guest->stack, 0);
	}
	if (guest->mood == MOOD_GOOD)
		return answer(vm, exit);
	if (guest->input->left == 0 || ++guest->nsteps > STEPS_MAX)
		return hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
	return step(vm, exit, guest->input);
}

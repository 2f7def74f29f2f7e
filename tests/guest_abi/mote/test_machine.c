/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machines: what they tell the backend, how each raw exit is read, and that a new start is a
 * new start. The fake processor makes the exits that guests cause by instructions; the
 * others are forged, as a hostile guest or a broken hypervisor might.
 */
#include "guest_abi/mote/machine_box.h"

#include <string.h>
#include <sys/mman.h>

static const struct machine_ways by_port = { WAY_OUT_PORT, SYSCALL_RING0 };
static const struct machine_ways by_mmio = { WAY_OUT_MMIO, SYSCALL_RING3 };

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void firmware_is_supervisor_block_and_hypercall_page(void **state)
{
	(void)state;
	static uint8_t block[SUPERVISOR_BLOCK_SIZE], page[MOTE_PAGE_SIZE];
	struct host host;
	struct firmware firmware;

	host_init(&host);
	supervisor_build(block);
	supervisor_build_hypercall_page(page, by_mmio);
	assert_int_equal(firmware_init(&firmware, &host, by_mmio, NULL), MOTE_OK);
	assert_memory_equal(firmware.host, block, sizeof block);
	assert_memory_equal((char *)firmware.host + sizeof block, page, sizeof page);
	assert_int_equal((uintptr_t)firmware.host % MOTE_PAGE_SIZE, 0);
	assert_int_equal(firmware.ways.hypercall, WAY_OUT_MMIO);
	firmware_fini(&firmware);
	firmware_fini(&firmware); /* again is fine */
}

static void *no_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	(void)at, (void)size, (void)prot, (void)flags, (void)fd, (void)offset;
	return MAP_FAILED;
}

static void firmware_without_memory_is_an_error(void **state)
{
	(void)state;
	struct sys sys = sys_linux;
	struct host host;
	struct firmware firmware;
	mote_error err;

	host_init(&host);
	host.sys = &sys;
	sys.mmap = no_mmap;
	assert_int_equal(firmware_init(&firmware, &host, by_port, &err), MOTE_E_NOMEM);
	assert_non_null(strstr(err.message, "20480 bytes of firmware"));
	firmware_fini(&firmware);
	assert_int_equal(firmware_init(&firmware, &host, by_port, NULL), MOTE_E_NOMEM);
}

static void the_backend_gets_firmware_and_ram(void **state)
{
	(void)state;
	const struct hv_backend *const backends[] = { &fake_machine, &fake_process };

	for (size_t i = 0; i < 2; i++) {
		struct box box;
		box_init(&box, backends[i], by_port, NULL);
		const struct region *slots = box.vm->slots;
		const struct layout *layout = guest_memory_layout(box.memory);
		struct shared_mem *ram = guest_memory_ram(box.memory);

		assert_int_equal(box.vm->nslots, 2);
		assert_int_equal(slots[0].gpa, LAYOUT_FIRMWARE_GPA);
		assert_int_equal(slots[0].size, FIRMWARE_SIZE);
		assert_ptr_equal(region_bytes(&slots[0]), box.firmware.host);
		assert_int_equal(slots[0].flags, REGION_READ | REGION_EXECUTE);
		assert_int_equal(slots[0].host.file, -1);
		assert_int_equal(slots[1].gpa, LAYOUT_RAM_GPA);
		assert_int_equal(slots[1].size, layout->ram.size);
		assert_ptr_equal(region_bytes(&slots[1]), shared_mem_base(ram));
		assert_true(slots[1].flags & REGION_WRITE);
		assert_int_equal(slots[1].host.file, shared_mem_fd(ram));
		assert_int_equal(slots[1].host.file >= 0, backends[i]->needs_fd);
		assert_int_equal(slots[1].host.offset, 0);
		box_fini(&box);
	}
}

static void views_are_what_ring_3_sees_but_for_the_doorbell(void **state)
{
	(void)state;
	struct box box;
	size_t n = 0;
	const struct region *region;

	box_init(&box, &fake_process, by_port, NULL);
	const struct layout *layout = guest_memory_layout(box.memory);
	for (size_t i = 0; (region = layout_mapped(layout, i)); i++) {
		const struct region *view = &box.vm->views[n];
		if (!region->is_user || region->va == MOTE_DOORBELL_PAGE)
			continue;
		assert_true(view->va == region->va && view->gpa == region->gpa &&
			    view->size == region->size);
		assert_int_equal(view->flags, region->flags);
		n++;
	}
	assert_int_equal(box.vm->nviews, n);
	/* hypercall page, start block, mapping table, three segments, heap, stack, input, output */
	assert_int_equal(n, 10);
	box_fini(&box);
}

static void the_vcpu_starts_at_the_entry(void **state)
{
	(void)state;
	struct box box;

	box_init(&box, &fake_machine, (struct machine_ways){ WAY_OUT_IOPL, SYSCALL_RING3 }, NULL);
	const struct hv_cpu_state want = supervisor_cpu_state(
		box.firmware.ways, guest_memory_root(box.memory), BOX_CODE, box.rsp);
	assert_memory_equal(&box.vm->cpu.regs, &want.regs, sizeof want.regs);
	assert_int_equal(box.vm->cpu.cr3, guest_memory_root(box.memory));
	assert_int_equal(box.vm->cpu.lstar, want.lstar);
	box_fini(&box);
}

static void a_machine_that_cannot_be_made_is_an_error(void **state)
{
	(void)state;
	struct box box;
	struct machine machine;
	mote_error err;

	box_init(&box, &fake_machine, by_port, NULL);
	fake.vm_new_fails = MOTE_E_OS;
	assert_int_equal(
		machine_init(&machine, box.hv, box.memory, &box.firmware, BOX_CODE, 0, &err),
		MOTE_E_OS);
	assert_string_equal(err.message, "the fake makes no machine");
	machine_fini(&machine);
	box_fini(&box);
	machine_fini(&box.machine); /* again is fine */
}

static bool say_hello(struct fake_vm *vm, struct hv_exit *exit)
{
	uint64_t *back = fake.user;

	if (back)
		*back = vm->regs.rax;
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 5, 6, 7);
}

/* On each backend, by each way out that it can be made to use. */
static const struct way {
	const struct hv_backend *backend;
	struct machine_ways ways;
} all_ways[] = {
	{ &fake_machine, { WAY_OUT_PORT, SYSCALL_RING0 } },
	{ &fake_machine, { WAY_OUT_IOPL, SYSCALL_RING0 } },
	{ &fake_machine, { WAY_OUT_MMIO, SYSCALL_RING0 } },
	{ &fake_machine, { WAY_OUT_PORT, SYSCALL_RING3 } },
	{ &fake_machine, { WAY_OUT_MMIO, SYSCALL_RING3 } },
	{ &fake_process, { WAY_OUT_PORT, SYSCALL_RING0 } },
};
#define NWAYS (sizeof all_ways / sizeof all_ways[0])

/* A processor that has these ways and no other. */
static void open_way(struct box *box, const struct way *way)
{
	fake_reset();
	fake.obeys_port_map = way->ways.hypercall == WAY_OUT_PORT;
	fake.obeys_iopl = way->ways.hypercall == WAY_OUT_IOPL;
	fake.syscall = way->ways.syscall == SYSCALL_RING0 ? FAKE_SYSCALL_RING0 : FAKE_SYSCALL_RING3;
	box_init(box, way->backend, way->ways, NULL);
}

static void hypercalls_arrive_by_every_way_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < NWAYS; i++) {
		struct box box;
		uint64_t back = 0;
		open_way(&box, &all_ways[i]);
		fake.guest = say_hello;
		fake.user = &back;
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		for (uint64_t answer = 1; answer < 4; answer++) {
			assert_int_equal(box.vm->regs.rdi, MOTE_HC_LOG);
			assert_int_equal(box.vm->regs.rsi, 5);
			assert_int_equal(box.vm->regs.rdx, 6);
			assert_int_equal(box.vm->regs.rcx, 7);
			/* and the guest goes on behind its call, with the answer */
			machine_return(&box.machine, answer);
			assert_true(box.vm->base.regs_changed);
			assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
			assert_int_equal(back, answer);
		}
		box_fini(&box);
	}
}

static bool system_call(struct fake_vm *vm, struct hv_exit *exit)
{
	static const uint64_t args[6] = { 1, 2, 3, 4, 5, 6 };
	uint64_t *back = fake.user;

	*back = vm->regs.rax;
	return fake_system_call(vm, exit, 39, args);
}

static void system_calls_arrive_in_every_ring(void **state)
{
	(void)state;
	for (size_t i = 0; i < NWAYS; i++) {
		struct box box;
		uint64_t back = 99;
		open_way(&box, &all_ways[i]);
		fake.guest = system_call;
		fake.user = &back;
		assert_int_equal(box_run(&box).kind, HV_EXIT_SYSCALL);
		const struct hv_regs *regs = &box.vm->regs;
		assert_int_equal(regs->rax, 39);
		assert_true(regs->rdi == 1 && regs->rsi == 2 && regs->rdx == 3 && regs->r10 == 4 &&
			    regs->r8 == 5 && regs->r9 == 6);
		/* the guest goes on behind the instruction, with the result, in ring 3 */
		machine_return(&box.machine, (uint64_t)-38);
		assert_int_equal(box_run(&box).kind, HV_EXIT_SYSCALL);
		assert_true(back == (uint64_t)-38);
		assert_int_equal(fake.nresets, 0);
		box_fini(&box);
	}
}

static void only_byte_writes_to_our_ports_count(void **state)
{
	(void)state;
	static const struct {
		uint16_t port;
		uint8_t size;
		bool is_write;
		enum hv_exit_kind want;
	} rows[] = {
		{ MOTE_PORT_HYPERCALL, 1, true, HV_EXIT_HYPERCALL },
		{ MOTE_PORT_SYSCALL, 1, true, HV_EXIT_SYSCALL },
		{ MOTE_PORT_HYPERCALL, 2, true, HV_EXIT_PORT },
		{ MOTE_PORT_HYPERCALL, 4, true, HV_EXIT_PORT },
		{ MOTE_PORT_HYPERCALL, 1, false, HV_EXIT_PORT },
		{ MOTE_PORT_SYSCALL, 2, true, HV_EXIT_PORT },
		{ MOTE_PORT_SYSCALL, 1, false, HV_EXIT_PORT },
		{ MOTE_PORT_EXCEPTION, 1, false, HV_EXIT_PORT },
		{ MOTE_PORT_EXCEPTION, 1, true, HV_EXIT_PORT }, /* not from a stub */
		{ MOTE_PORT_HYPERCALL - 1, 1, true, HV_EXIT_PORT },
		{ MOTE_PORT_EXCEPTION + 1, 1, true, HV_EXIT_PORT },
		{ 0, 1, true, HV_EXIT_PORT },
		{ 0xffff, 1, true, HV_EXIT_PORT },
	};
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hv_exit event =
			run_forgery(&box, port_exit(rows[i].port, rows[i].size, rows[i].is_write));
		if (event.kind != rows[i].want)
			fail_msg("row %zu is read as an exit of kind %d", i, (int)event.kind);
	}
	box_fini(&box);
}

static void the_exception_port_counts_in_the_stubs_alone(void **state)
{
	(void)state;
	const uint64_t stubs = SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET;
	const struct {
		uint64_t rip;
		int vector; /* -1: no exception */
	} rows[] = {
		{ stubs - 1, -1 },     { stubs, 0 },
		{ stubs + 2, 0 },      { stubs + 15, 0 },
		{ stubs + 16, 1 },     { stubs + 3 * 16 + 2, 3 },
		{ stubs + 4095, 255 }, { stubs + 4096, -1 },
		{ BOX_CODE, -1 },      { 0, -1 },
		{ UINT64_MAX, -1 },    { stubs + (UINT64_C(1) << 32), -1 },
	};
	struct forgery forgery = port_exit(MOTE_PORT_EXCEPTION, 1, true);
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		forgery.rip = rows[i].rip;
		struct hv_exit event = run_forgery(&box, forgery);
		if (rows[i].vector < 0) {
			assert_int_equal(event.kind, HV_EXIT_PORT);
		} else {
			assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
			assert_int_equal(event.u.exception.vector, rows[i].vector);
		}
	}
	box_fini(&box);
}

/* What the guest's instruction faults with. */
struct fault {
	uint8_t vector;
	uint32_t code;
	uint64_t address;
};

static bool do_fault(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct fault *fault = fake.user;
	vm->regs.rip = BOX_CODE + 0x123;
	vm->regs.rax = 0x1111;
	vm->regs.rflags |= 0x301; /* trap, interrupt, carry */
	return fake_exception(vm, exit, fault->vector, fault->code, fault->address);
}

static void exceptions_tell_vector_code_address_and_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < NWAYS; i++) {
		struct box box;
		open_way(&box, &all_ways[i]);
		for (unsigned vector = 0; vector < 256; vector++) {
			struct fault fault = { (uint8_t)vector, 0x12345678, 0x5555 };
			fake.guest = do_fault;
			fake.user = &fault;
			assert_int_equal(machine_reset(&box.machine, 0, NULL), MOTE_OK);
			machine_start(&box.machine, BOX_CODE, box.rsp, 0, 0);
			struct hv_exit event = box_run(&box);
			assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
			assert_int_equal(event.u.exception.vector, vector);
			assert_int_equal(event.u.exception.rip, BOX_CODE + 0x123);
			if (fake_is_machine(box.vm)) {
				assert_int_equal(event.u.exception.error_code,
						 exception_has_error_code(vector) ? 0x12345678 : 0);
				assert_int_equal(event.u.exception.address,
						 vector == 14 ? 0x5555 : 0);
			}
			/* the registers are the guest's, not the stub's */
			assert_int_equal(box.vm->regs.rip, BOX_CODE + 0x123);
			assert_int_equal(box.vm->regs.rsp, box.rsp);
			assert_int_equal(box.vm->regs.rflags,
					 supervisor_rflags(box.machine.ways) | 0x301);
			assert_int_equal(box.vm->regs.rax, 0x1111);
		}
		box_fini(&box);
	}
}

static uint64_t exception_stack_gpa(const struct box *box)
{
	return layout_get(guest_memory_layout(box->memory), REGION_EXCEPTION_STACK)->gpa;
}

static void an_error_code_of_64_bits_is_cut(void **state)
{
	(void)state;
	struct box box;
	box_init(&box, &fake_machine, by_port, NULL);
	/* all of the page that frames are pushed on, as if the processor had */
	memset(fake_physical(box.vm, exception_stack_gpa(&box), MOTE_PAGE_SIZE), 0xff,
	       MOTE_PAGE_SIZE);
	struct forgery forgery = port_exit(MOTE_PORT_EXCEPTION, 1, true);
	forgery.rip = SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET + 13 * SUPERVISOR_STUB_SIZE;
	struct hv_exit event = run_forgery(&box, forgery);
	assert_int_equal(event.u.exception.error_code, UINT32_MAX);
	assert_int_equal(event.u.exception.rip, UINT64_MAX);
	assert_int_equal(box.vm->regs.rsp, UINT64_MAX);
	box_fini(&box);
}

static void only_our_stores_to_the_doorbell_count(void **state)
{
	(void)state;
	const uint64_t bell = LAYOUT_DOORBELL_GPA;
	const struct {
		uint64_t gpa;
		uint8_t size;
		bool is_write;
		enum hv_exit_kind by_mmio; /* what it is where stores are the way out */
	} rows[] = {
		{ bell + MOTE_DOORBELL_HYPERCALL, 4, true, HV_EXIT_HYPERCALL },
		{ bell + MOTE_DOORBELL_SYSCALL, 4, true, HV_EXIT_SYSCALL },
		{ bell + MOTE_DOORBELL_HYPERCALL, 4, false, HV_EXIT_MMIO },
		{ bell + MOTE_DOORBELL_SYSCALL, 4, false, HV_EXIT_MMIO },
		{ bell + MOTE_DOORBELL_HYPERCALL, 1, true, HV_EXIT_MMIO },
		{ bell + MOTE_DOORBELL_HYPERCALL, 8, true, HV_EXIT_MMIO },
		{ bell + MOTE_DOORBELL_SYSCALL, 8, true, HV_EXIT_MMIO },
		{ bell + MOTE_DOORBELL_HYPERCALL + 4, 4, true, HV_EXIT_MMIO },
		{ bell + MOTE_DOORBELL_SYSCALL + 4, 4, true, HV_EXIT_MMIO },
		{ bell - 4, 4, true, HV_EXIT_MMIO },
		{ bell + 0x1000, 4, true, HV_EXIT_MMIO },
		{ bell + (UINT64_C(1) << 32), 4, true, HV_EXIT_MMIO },
		{ 0, 4, true, HV_EXIT_MMIO },
	};
	struct box box;

	for (int other = 0; other < 2; other++) {
		box_init(&box, &fake_machine, other ? by_port : by_mmio, NULL);
		for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
			struct hv_exit event = run_forgery(
				&box, mmio_exit(rows[i].gpa, rows[i].size, rows[i].is_write));
			/* where they are not the way out, a guest has nothing to store there */
			if (event.kind != (other ? HV_EXIT_MMIO : rows[i].by_mmio))
				fail_msg("row %zu is read as an exit of kind %d", i,
					 (int)event.kind);
		}
		box_fini(&box);
	}
}

static void a_forged_return_address_is_a_fault(void **state)
{
	(void)state;
	static const struct {
		uint64_t rcx;
		bool is_fine;
	} rows[] = {
		{ 0, true }, /* the guest's own affair: it faults there */
		{ BOX_CODE, true },
		{ MOTE_ADDRESS_END - 1, true },
		{ MOTE_ADDRESS_END, false },
		{ UINT64_C(0x7fffffffffff), false },
		{ UINT64_C(0x800000000000), false }, /* not canonical: no processor enters */
		{ UINT64_C(0xffff800000000000), false },
		{ UINT64_MAX, false },
	};
	struct box box;

	box_init(&box, &fake_machine, by_mmio, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct forgery forgery =
			mmio_exit(LAYOUT_DOORBELL_GPA + MOTE_DOORBELL_SYSCALL, 4, true);
		forgery.rcx = rows[i].rcx;
		memset(&forgery.exit.u.mmio.value, 0xff, sizeof forgery.exit.u.mmio.value);
		struct hv_exit event = run_forgery(&box, forgery);
		if (rows[i].is_fine) {
			assert_int_equal(event.kind, HV_EXIT_SYSCALL);
			assert_true(box.vm->regs.rip == rows[i].rcx);
			continue;
		}
		assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
		assert_int_equal(event.u.exception.vector, 13);
		assert_int_equal(event.u.exception.error_code, 0);
		assert_int_equal(event.u.exception.address, 0);
		assert_int_equal(event.u.exception.rip, BOX_CODE + 8);
		assert_int_equal(box.vm->regs.rip, BOX_CODE + 8);
	}
	box_fini(&box);
}

/* What the guest's first instruction finds. */
static bool look(struct fake_vm *vm, struct hv_exit *exit)
{
	struct fake_vm *seen = fake.user;

	*seen = *vm;
	return fake_hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
}

static void a_start_sets_every_register(void **state)
{
	(void)state;
	for (size_t i = 0; i < NWAYS; i++) {
		struct fake_vm seen;
		struct box box;
		open_way(&box, &all_ways[i]);
		fake.guest = look;
		fake.user = &seen;
		memset(&box.vm->regs, 0xab, sizeof box.vm->regs);
		box.vm->vectors = 0xabab;
		machine_start(&box.machine, BOX_CODE + 0x123, box.rsp - 16, 0x789, 0x5);
		assert_true(box.vm->base.regs_changed);
		/* by the code that clears vector registers, where the host cannot */
		const bool is_machine = fake_is_machine(box.vm);
		assert_int_equal(box.vm->regs.rip, is_machine
							   ? MOTE_HYPERCALL_PAGE + MOTE_START_ENTRY
							   : BOX_CODE + 0x123);
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		const struct hv_regs want = { .rip = BOX_CODE + 0x123,
					      .rsp = box.rsp - 16,
					      .rdi = 0x789,
					      .rsi = 0x5,
					      .r11 = is_machine ? BOX_CODE + 0x123 : 0,
					      .rflags = supervisor_rflags(all_ways[i].ways) };
		assert_memory_equal(&seen.regs, &want, sizeof want);
		if (is_machine)
			assert_int_equal(seen.vectors, 0);
		assert_int_equal(fake.nresets, 0);
		box_fini(&box);
	}
}

static void a_start_anywhere_is_the_guests_own_affair(void **state)
{
	(void)state;
	static const uint64_t entries[] = { 0, BOX_DATA, MOTE_ADDRESS_END - 1, SUPERVISOR_BLOCK };
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		assert_int_equal(machine_reset(&box.machine, 0, NULL), MOTE_OK);
		machine_start(&box.machine, entries[i], box.rsp, 0, 0);
		struct hv_exit event = box_run(&box);
		assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
		assert_int_equal(event.u.exception.vector, 14);
		assert_true(event.u.exception.rip == entries[i]);
	}
	box_fini(&box);
}

#define FORGED(kind_)                                                                              \
	forge, &(struct forgery)                                                                   \
	{                                                                                          \
		.exit = {.kind = (kind_) }                                                         \
	}
static struct fault undefined = { 6, 0, 0 };
static uint64_t unused;

/* How the guest ended, and whether its machine can still be used then. */
static const struct ending {
	const char *what;
	fake_guest guest;
	void *user;
	bool is_over;
} endings[] = {
	{ "hypercall", say_hello, NULL, false },
	{ "fault", do_fault, &undefined, false },
	{ "system call", system_call, &unused, false },
	{ "halt", FORGED(HV_EXIT_HALT), false },
	{ "triple fault", FORGED(HV_EXIT_SHUTDOWN), true },
	{ "an instruction that cannot be run", FORGED(HV_EXIT_UNSUPPORTED), true },
	{ "memory that is gone", FORGED(HV_EXIT_NO_MEMORY), true },
	{ "death", FORGED(HV_EXIT_DIED), true },
};
enum { ENDINGS = sizeof endings / sizeof endings[0] };

static void end_by(struct box *box, const struct ending *ending)
{
	fake.guest = ending->guest;
	fake.user = ending->user;
	machine_start(&box->machine, BOX_CODE, box->rsp, 0, 0);
	box_run(box);
	box->vm->vectors = 0xabab; /* a new machine has none */
}

/* That the machine starts in ring 3 with FS_BASE, and whether it is another than before. */
static void expect_usable(struct box *box, const char *what, uint64_t fs_base, bool is_new)
{
	struct fake_vm seen;

	box->vm = (struct fake_vm *)box->machine.vm;
	if ((box->vm->vectors == 0) != is_new)
		fail_msg("%s: the machine was %smade anew", what, is_new ? "not " : "");
	fake.guest = look;
	fake.user = &seen;
	machine_start(&box->machine, BOX_CODE, box->rsp, 5, 0);
	assert_int_equal(box_run(box).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(seen.ring, 3);
	assert_int_equal(seen.fs_base, fs_base);
	assert_int_equal(seen.regs.rdi, 5);
	assert_int_equal(seen.vectors, 0);
	assert_int_equal(fake.nvms, 1);
}

static void a_reset_makes_a_machine_usable_after_every_end(void **state)
{
	(void)state;
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < ENDINGS; i++) {
		end_by(&box, &endings[i]);
		fake.nresets = 0;
		if (machine_reset(&box.machine, 0x1000 + i, NULL))
			fail_msg("%s", endings[i].what);
		assert_int_equal(fake.nresets, !endings[i].is_over);
		expect_usable(&box, endings[i].what, 0x1000 + i, endings[i].is_over);
	}
	box_fini(&box);
}

static void a_process_is_reset_by_its_next_start(void **state)
{
	(void)state;
	struct box box;

	box_init(&box, &fake_process, by_port, NULL);
	for (size_t i = 0; i < ENDINGS; i++) {
		end_by(&box, &endings[i]);
		assert_int_equal(machine_reset(&box.machine, 0x1000 + i, NULL), MOTE_OK);
		assert_int_equal(fake.nresets, 0);
		box.vm = (struct fake_vm *)box.machine.vm;
		assert_int_equal(box.vm->vectors == 0, endings[i].is_over);
		assert_int_equal(box.vm->fs_base, 0x1000 + i);
		assert_int_equal(fake.nvms, 1);
	}
	box_fini(&box);
}

static void a_machine_that_cannot_be_reset_is_made_anew(void **state)
{
	(void)state;
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	end_by(&box, &endings[0]);
	fake.reset_fails = MOTE_E_OS;
	assert_int_equal(machine_reset(&box.machine, 0x77, NULL), MOTE_OK);
	fake.reset_fails = MOTE_OK;
	expect_usable(&box, "a reset that failed", 0x77, true);
	/* so is one whose run failed */
	struct hv_exit event;
	fake.run_fails = MOTE_E_OS;
	assert_int_equal(machine_run(&box.machine, &event, NULL), MOTE_E_OS);
	fake.run_fails = MOTE_OK;
	box.vm->vectors = 0xabab;
	assert_int_equal(machine_reset(&box.machine, 0x88, NULL), MOTE_OK);
	expect_usable(&box, "a run that failed", 0x88, true);
	/* and once is enough */
	box.vm->vectors = 0xabab;
	assert_int_equal(machine_reset(&box.machine, 0x99, NULL), MOTE_OK);
	expect_usable(&box, "a new machine", 0x99, false);
	box_fini(&box);
}

static uint64_t offsets[8];
static size_t noffsets;
static void note_offset(void *user, uint64_t offset)
{
	assert_ptr_equal(user, offsets);
	assert_in_range(noffsets, 0, 7);
	offsets[noffsets++] = offset;
}

static bool written(struct box *box)
{
	noffsets = 0;
	return machine_written(&box->machine, note_offset, offsets);
}

static void a_machine_that_cannot_be_made_anew_may_be_tried_again(void **state)
{
	(void)state;
	struct box box;
	mote_error err;

	box_init(&box, &fake_machine, by_port, NULL);
	for (int whole = 0; whole < 2; whole++) {
		fake.vm_new_fails = MOTE_E_NOMEM;
		if (whole)
			assert_int_equal(machine_renew(&box.machine, 1, &err), MOTE_E_NOMEM);
		if (!whole)
			end_by(&box, &endings[4]);
		assert_int_equal(machine_reset(&box.machine, 1, &err), MOTE_E_NOMEM);
		assert_string_equal(err.message, "the fake makes no machine");
		assert_int_equal(machine_reset(&box.machine, 1, NULL), MOTE_E_NOMEM);
		assert_null(box.machine.vm);
		assert_int_equal(fake.nvms, 0);
		assert_false(written(&box));
		fake.vm_new_fails = MOTE_OK;
		assert_int_equal(machine_reset(&box.machine, 0x55, &err), MOTE_OK);
		expect_usable(&box, "the second try", 0x55, true);
	}
	box_fini(&box);
}

static void written_pages_are_told_as_offsets_into_ram(void **state)
{
	(void)state;
	const struct hv_backend *const backends[] = { &fake_machine, &fake_process };

	for (size_t i = 0; i < 2; i++) {
		struct box box;
		box_init(&box, backends[i], by_port, NULL);
		const struct region *ram = &guest_memory_layout(box.memory)->ram;
		const uint64_t pages[] = { ram->gpa, ram->gpa + 0x5000,
					   ram->gpa + ram->size - 0x1000,
					   /* not RAM */
					   ram->gpa - 0x1000, ram->gpa + ram->size, 0, UINT64_MAX };
		assert_false(written(&box)); /* nobody watches */
		assert_int_equal(machine_watch(&box.machine, NULL), MOTE_OK);
		assert_true(written(&box));
		assert_int_equal(noffsets, 0);
		fake.written = pages;
		fake.nwritten = sizeof pages / sizeof pages[0];
		assert_true(written(&box));
		assert_int_equal(noffsets, 3);
		assert_true(offsets[0] == 0 && offsets[1] == 0x5000 &&
			    offsets[2] == ram->size - 0x1000);
		fake.loses_writes = true;
		assert_false(written(&box));
		fake.loses_writes = false;
		box_fini(&box);
	}
}

static void a_machine_that_is_made_anew_is_watched_if_the_old_one_was(void **state)
{
	(void)state;
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	assert_int_equal(machine_renew(&box.machine, 0, NULL), MOTE_OK);
	assert_false(((struct fake_vm *)box.machine.vm)->is_watched);
	assert_int_equal(machine_watch(&box.machine, NULL), MOTE_OK);
	assert_int_equal(machine_renew(&box.machine, 0, NULL), MOTE_OK);
	assert_true(((struct fake_vm *)box.machine.vm)->is_watched);
	/* nothing is known after a failure */
	mote_error err;
	fake.watch_fails = MOTE_E_OS;
	assert_int_equal(machine_watch(&box.machine, &err), MOTE_E_OS);
	assert_string_equal(err.message, "the fake watches nothing");
	assert_int_equal(machine_renew(&box.machine, 0, NULL), MOTE_OK);
	assert_false(((struct fake_vm *)box.machine.vm)->is_watched);
	fake.watch_fails = MOTE_OK;
	machine_fini(&box.machine);
	assert_int_equal(
		machine_init_watched(&box.machine, box.hv, box.memory, &box.firmware, 0x1234, NULL),
		MOTE_OK);
	assert_true(((struct fake_vm *)box.machine.vm)->is_watched);
	assert_int_equal(((struct fake_vm *)box.machine.vm)->fs_base, 0x1234);
	box_fini(&box);
}

static void other_exits_arrive_as_they_are(void **state)
{
	(void)state;
	static const enum hv_exit_kind kinds[] = {
		HV_EXIT_HALT,    HV_EXIT_SHUTDOWN,  HV_EXIT_UNSUPPORTED, HV_EXIT_HYPERCALL,
		HV_EXIT_SYSCALL, HV_EXIT_EXCEPTION, HV_EXIT_NO_MEMORY,   HV_EXIT_DIED,
	};
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct hv_exit exit = { .kind = kinds[i], .u.detail = 0x77 };
		struct hv_exit event = run_forgery(&box, (struct forgery){ .exit = exit });
		assert_int_equal(event.kind, kinds[i]);
		assert_int_equal(event.u.detail, 0x77);
	}
	fake.interrupts = 1;
	assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	box_fini(&box);
}

static void a_run_that_fails_is_an_error(void **state)
{
	(void)state;
	struct box box;
	struct hv_exit event;
	mote_error err;

	box_init(&box, &fake_machine, by_port, NULL);
	fake.run_fails = MOTE_E_OS;
	assert_int_equal(machine_run(&box.machine, &event, &err), MOTE_E_OS);
	assert_string_equal(err.message, "the fake does not run");
	assert_int_equal(machine_run(&box.machine, &event, NULL), MOTE_E_OS);
	box_fini(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(firmware_is_supervisor_block_and_hypercall_page, reset),
		cmocka_unit_test_setup(firmware_without_memory_is_an_error, reset),
		cmocka_unit_test_setup(the_backend_gets_firmware_and_ram, reset),
		cmocka_unit_test_setup(views_are_what_ring_3_sees_but_for_the_doorbell, reset),
		cmocka_unit_test_setup(the_vcpu_starts_at_the_entry, reset),
		cmocka_unit_test_setup(a_machine_that_cannot_be_made_is_an_error, reset),
		cmocka_unit_test_setup(hypercalls_arrive_by_every_way_out, reset),
		cmocka_unit_test_setup(system_calls_arrive_in_every_ring, reset),
		cmocka_unit_test_setup(only_byte_writes_to_our_ports_count, reset),
		cmocka_unit_test_setup(the_exception_port_counts_in_the_stubs_alone, reset),
		cmocka_unit_test_setup(exceptions_tell_vector_code_address_and_place, reset),
		cmocka_unit_test_setup(an_error_code_of_64_bits_is_cut, reset),
		cmocka_unit_test_setup(only_our_stores_to_the_doorbell_count, reset),
		cmocka_unit_test_setup(a_forged_return_address_is_a_fault, reset),
		cmocka_unit_test_setup(a_start_sets_every_register, reset),
		cmocka_unit_test_setup(a_start_anywhere_is_the_guests_own_affair, reset),
		cmocka_unit_test_setup(a_reset_makes_a_machine_usable_after_every_end, reset),
		cmocka_unit_test_setup(a_process_is_reset_by_its_next_start, reset),
		cmocka_unit_test_setup(a_machine_that_cannot_be_reset_is_made_anew, reset),
		cmocka_unit_test_setup(a_machine_that_cannot_be_made_anew_may_be_tried_again,
				       reset),
		cmocka_unit_test_setup(written_pages_are_told_as_offsets_into_ram, reset),
		cmocka_unit_test_setup(a_machine_that_is_made_anew_is_watched_if_the_old_one_was,
				       reset),
		cmocka_unit_test_setup(other_exits_arrive_as_they_are, reset),
		cmocka_unit_test_setup(a_run_that_fails_is_an_error, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fake backends but for the processor: opening, virtual machines, and what a test's
 * guest does in terms of it. Everything is allocated through the host, so that a test which
 * makes allocations fail covers it too.
 */
#include "hv/fake.h"

#include "abi/mote_abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fake fake;

void fake_reset(void)
{
	fake = (struct fake){
		.obeys_port_map = true,
		.obeys_iopl = true,
		.has_mmio = true,
		.check = { .is_available = true, .reason = "found", .details = "a fake" },
	};
}

bool fake_is_machine(const struct fake_vm *vm)
{
	return vm->base.ops == &fake_machine;
}

static void fake_check(const struct host *host, struct hv_check *check)
{
	(void)host;
	fake.nchecks++;
	*check = fake.check;
}

static mote_status fake_open(struct hv **out, const struct hv_backend *ops, const struct host *host,
			     mote_error *err)
{
	*out = NULL;
	if (fake.open_fails)
		return error_set(err, fake.open_fails, "the fake does not open");
	struct hv *hv = host_alloc(host, sizeof *hv);
	if (!hv)
		return error_nomem(err, "the fake", sizeof *hv);
	*hv = (struct hv){ .ops = ops, .host = host };
	fake.nopen++;
	*out = hv;
	return MOTE_OK;
}

static mote_status open_machine(struct hv **out, const struct host *host, mote_error *err)
{
	return fake_open(out, &fake_machine, host, err);
}

static mote_status open_process(struct hv **out, const struct host *host, mote_error *err)
{
	return fake_open(out, &fake_process, host, err);
}

static void fake_close(struct hv *hv)
{
	fake.nopen--;
	host_free(hv->host, hv, sizeof *hv);
}

/* A VM and its host, which struct hv_vm has no room for. */
struct fake_vm_block {
	struct fake_vm vm;
	const struct host *host;
};

static mote_status fake_vm_new(struct hv_vm **out, struct hv *hv, const struct hv_vm_config *config,
			       mote_error *err)
{
	*out = NULL;
	if (fake.vm_new_fails)
		return error_set(err, fake.vm_new_fails, "the fake makes no machine");
	for (size_t i = 0; i < config->nviews; i++)
		if (fake.tells_nothing && config->views[i].flags & REGION_MISSING)
			return error_set(err, MOTE_E_OS, "the fake cannot tell of missing pages");
	assert_in_range(config->nslots, 1, FAKE_SLOTS_MAX);
	assert_in_range(config->nviews, 1, FAKE_VIEWS_MAX);
	struct fake_vm_block *block = host_alloc(hv->host, sizeof *block);
	if (!block)
		return error_nomem(err, "the fake's machine", sizeof *block);
	block->host = hv->host;
	block->vm = (struct fake_vm){
		.base = { .ops = hv->ops, .regs = &block->vm.regs },
		.regs = config->cpu->regs,
		.nslots = config->nslots,
		.nviews = config->nviews,
		.cpu = *config->cpu,
		.ring = 3,
		.fs_base = config->cpu->fs_base,
		.is_watched = config->is_watched,
	};
	memcpy(block->vm.slots, config->slots, config->nslots * sizeof config->slots[0]);
	memcpy(block->vm.views, config->views, config->nviews * sizeof config->views[0]);
	fake.nvms++;
	*out = &block->vm.base;
	return MOTE_OK;
}

static void fake_vm_free(struct hv_vm *base)
{
	if (!base)
		return;
	struct fake_vm_block *block = (struct fake_vm_block *)base;
	fake.nvms--;
	host_free(block->host, block, sizeof *block);
}

static mote_status fake_map(struct hv_vm *base, const struct region *region, mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	if (fake.map_fails)
		return error_set(err, fake.map_fails, "the fake maps nothing");
	if (vm->nslots == FAKE_SLOTS_MAX || vm->nviews == FAKE_VIEWS_MAX)
		return error_set(err, MOTE_E_LIMIT, "the fake has %zu slots", vm->nslots);
	vm->slots[vm->nslots++] = *region;
	vm->views[vm->nviews++] = *region;
	return MOTE_OK;
}

static mote_status fake_arm(struct hv_vm *base, mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	if (fake.arm_fails)
		return error_set(err, fake.arm_fails, "the fake cannot be armed");
	assert_false(vm->is_armed);
	vm->is_armed = true;
	fake.narms++;
	fake.narmed++;
	return MOTE_OK;
}

static void fake_disarm(struct hv_vm *base)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	assert_true(vm->is_armed);
	vm->is_armed = false;
	vm->alarm = 0;
	atomic_store(&vm->was_kicked, false);
	fake.narmed--;
}

static void fake_kick(struct hv_vm *base)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	assert_true(vm->is_armed);
	fake.nkicks++;
	atomic_store(&vm->was_kicked, true);
	if (fake.kick_us)
		usleep(fake.kick_us);
	assert_true(vm->is_armed); /* still */
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static mote_status fake_set_alarm(struct hv_vm *base, uint64_t ns, mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	if (fake.alarm_fails)
		return error_set(err, fake.alarm_fails, "the fake has no alarm");
	assert_true(vm->is_armed);
	vm->alarm = ns ? clock_ns() + ns : 0;
	return MOTE_OK;
}

static uint64_t fake_cpu_time(const struct hv_vm *base)
{
	(void)base;
	return fake.cpu_time;
}

static bool take_kick(struct fake_vm *vm)
{
	if (vm->alarm && clock_ns() >= vm->alarm) {
		vm->alarm = 0;
		return true;
	}
	return atomic_exchange(&vm->was_kicked, false);
}

bool fake_spin(struct fake_vm *vm, struct hv_exit *exit)
{
	while (!take_kick(vm))
		;
	exit->kind = HV_EXIT_INTERRUPTED;
	return true;
}

/* What comes early is told of by the next run, as it was. */
static void fake_wait(struct hv_vm *base, uint64_t ns)
{
	struct fake_vm *vm = (struct fake_vm *)base;
	const uint64_t end = clock_ns() + ns;

	fake.nwaits++;
	while (clock_ns() < end && !take_kick(vm))
		usleep(100);
}

static mote_status fake_run(struct hv_vm *base, struct hv_exit *exit, mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	fake.nruns++;
	base->regs_changed = false;
	memset(exit, 0xab, sizeof *exit); /* who reads what was not set sees it */
	if (fake.run_fails)
		return error_set(err, fake.run_fails, "the fake does not run");
	if (fake.interrupts > 0 || take_kick(vm)) {
		fake.interrupts -= fake.interrupts > 0;
		exit->kind = HV_EXIT_INTERRUPTED;
		return MOTE_OK;
	}
	fake_cpu_run(vm, exit);
	return MOTE_OK;
}

static uint64_t fake_fs_base(const struct hv_vm *base)
{
	return ((const struct fake_vm *)base)->fs_base;
}

static void fake_set_fs_base(struct hv_vm *base, uint64_t fs_base)
{
	((struct fake_vm *)base)->fs_base = fs_base;
}

static uint64_t fake_fault_address(const struct hv_vm *base)
{
	return ((const struct fake_vm *)base)->fault_address;
}

static mote_status fake_vm_reset(struct hv_vm *base, mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	if (fake.reset_fails)
		return error_set(err, fake.reset_fails, "the fake resets nothing");
	fake.nresets++;
	vm->ring = 3;
	vm->fs_base = vm->cpu.fs_base;
	return MOTE_OK;
}

static mote_status fake_vectors(struct hv_vm *base, struct hv_vectors *to, mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	if (fake.vectors_fail)
		return error_set(err, fake.vectors_fail, "the fake has no vectors");
	hv_vectors_init(to);
	memcpy(to->area + FAKE_VECTORS, &vm->vectors, sizeof vm->vectors);
	return MOTE_OK;
}

static mote_status fake_resume(struct hv_vm *base, const struct hv_vectors *vectors,
			       mote_error *err)
{
	struct fake_vm *vm = (struct fake_vm *)base;

	if (fake.vectors_fail)
		return error_set(err, fake.vectors_fail, "the fake does not resume");
	vm->ring = 3;
	vm->vectors = 0;
	if (vectors)
		memcpy(&vm->vectors, vectors->area + FAKE_VECTORS, sizeof vm->vectors);
	base->regs_changed = true;
	return MOTE_OK;
}

static mote_status fake_watch(struct hv_vm *base, mote_error *err)
{
	if (fake.watch_fails)
		return error_set(err, fake.watch_fails, "the fake watches nothing");
	fake.nwatches++;
	((struct fake_vm *)base)->is_watched = true;
	return MOTE_OK;
}

static bool fake_written(struct hv_vm *base, void (*note)(void *user, uint64_t gpa), void *user)
{
	if (!((struct fake_vm *)base)->is_watched || fake.loses_writes)
		return false;
	for (size_t i = 0; i < fake.nwritten; i++)
		note(user, fake.written[i]);
	if (fake.nwritten > 0) /* which no test with threads has */
		fake.nwritten = 0;
	return true;
}

void *fake_physical(struct fake_vm *vm, uint64_t gpa, size_t size)
{
	for (size_t i = 0; i < vm->nslots; i++) {
		const struct region *slot = &vm->slots[i];
		uint64_t inside = gpa - slot->gpa;
		if (inside < slot->size && size <= slot->size - inside)
			return (char *)region_bytes(slot) + inside;
	}
	return NULL;
}

void *fake_at(struct fake_vm *vm, uint64_t va)
{
	for (size_t i = 0; i < vm->nviews; i++) {
		const struct region *view = &vm->views[i];
		if (va - view->va < view->size)
			return fake_physical(vm, view->gpa + (va - view->va), 1);
	}
	fail_msg("the guest has nothing at 0x%llx", (unsigned long long)va);
	return NULL;
}

bool fake_hypercall(struct fake_vm *vm, struct hv_exit *exit, uint64_t operation, uint64_t rsi,
		    uint64_t rdx, uint64_t rcx)
{
	struct hv_regs *regs = &vm->regs;
	const uint64_t back = regs->rip;

	regs->rax = UINT64_C(0xbadbadbad);
	regs->rdi = operation;
	regs->rsi = rsi;
	regs->rdx = rdx;
	regs->rcx = rcx;
	if (!fake_is_machine(vm)) {
		exit->kind = HV_EXIT_HYPERCALL;
		return true;
	}
	regs->rsp -= sizeof back; /* as `call` does */
	memcpy(fake_at(vm, regs->rsp), &back, sizeof back);
	regs->rip = MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY;
	return false;
}

const struct hv_backend fake_machine = {
	.name = "fake",
	.is_hardware = true,
	.check = fake_check,
	.open = open_machine,
	.close = fake_close,
	.vm_new = fake_vm_new,
	.vm_free = fake_vm_free,
	.map = fake_map,
	.run = fake_run,
	.arm = fake_arm,
	.disarm = fake_disarm,
	.kick = fake_kick,
	.set_alarm = fake_set_alarm,
	.wait = fake_wait,
	.fs_base = fake_fs_base,
	.set_fs_base = fake_set_fs_base,
	.vectors = fake_vectors,
	.resume = fake_resume,
	.watch = fake_watch,
	.written = fake_written,
	.fault_address = fake_fault_address,
	.reset = fake_vm_reset,
};

const struct hv_backend fake_process = {
	.name = "fake-process",
	.needs_fd = true,
	.check = fake_check,
	.open = open_process,
	.close = fake_close,
	.vm_new = fake_vm_new,
	.vm_free = fake_vm_free,
	.map = fake_map,
	.run = fake_run,
	.arm = fake_arm,
	.disarm = fake_disarm,
	.kick = fake_kick,
	.set_alarm = fake_set_alarm,
	.wait = fake_wait,
	.cpu_time = fake_cpu_time,
	.fs_base = fake_fs_base,
	.set_fs_base = fake_set_fs_base,
	.vectors = fake_vectors,
	.resume = fake_resume,
	.watch = fake_watch,
	.written = fake_written,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime of fake_runtime.h, and what becomes of a snapshot that is loaded there. The guest is
 * a function here: it is ready, and then answers each call with a result of the right type.
 */
#define _GNU_SOURCE
#include "fuzz/fake_runtime.h"

#include "abi/hyperlight.h"
#include "fuzz/fuzz.h"
#include "guest_abi/mote/guest.h"
#include "hv/cpu_features.h"
#include "sandbox/snapshot.h"
#include "tests/hv/fake.h"
#include "tests/kit/tiny_elf.h"

#include <sys/mman.h>
#include <unistd.h>

/* Guests of more than this are loaded but not made. */
#define MEMORY_MAX (UINT64_C(16) << 20)

/* The linker puts the first in the place of cpu_features(), which the second is then. */
uint64_t __wrap_cpu_features(void);
uint64_t __real_cpu_features(void);

/* Once is enough. */
uint64_t __wrap_cpu_features(void)
{
	static uint64_t features;

	if (!features)
		features = __real_cpu_features();
	return features;
}

/* What fake.user points to: the function that is called, NULL for main(). */
struct running {
	const mote_function_info *function;
};

static void push_result(struct fake_vm *vm, mote_type type)
{
	struct mote_start_block block;
	struct wire_result result = { .value = { .type = type } };
	uint8_t message[256];
	struct io_fault fault;

	memcpy(&block, fake_at(vm, MOTE_START_BLOCK), sizeof block);
	const struct io_stack output = { fake_at(vm, block.output_address), block.output_size };
	if (type == MOTE_STRING || type == MOTE_BYTES)
		result.value.as.str.ptr = "";
	CHECK(io_stack_push(&output, message, wire_result_write(message, sizeof message, &result),
			    &fault));
}

static bool guest_runs(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct running *guest = fake.user;
	const uint64_t code =
		TINY_ADDRESS + TINY_CODE * MOTE_PAGE_SIZE + offsetof(struct tiny_elf, code);

	if (!guest->function)
		return fake_hypercall(vm, exit, MOTE_HC_READY, code, vm->regs.rsp, 0);
	push_result(vm, guest->function->result);
	return fake_hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
}

static struct running running;

/* To a file that can change, as those on disks are. */
static void copy_pages(struct fake_runtime *fake_rt)
{
	struct snapshot_parts parts;
	uint8_t page[MOTE_PAGE_SIZE];

	CHECK(mote_private_snapshot_open(&parts, fake_rt->snapshot, NULL) == MOTE_OK);
	fake_rt->pages = memfd_create("pages", MFD_CLOEXEC);
	fake_rt->npages = parts.file_size / MOTE_PAGE_SIZE;
	for (off_t at = 0; at < (off_t)parts.file_size; at += (off_t)sizeof page) {
		CHECK(pread(parts.fd, page, sizeof page, at) == (ssize_t)sizeof page);
		CHECK(pwrite(fake_rt->pages, page, sizeof page, at) == (ssize_t)sizeof page);
	}
	mote_private_snapshot_close(&parts, fake_rt->snapshot);
}

static void make(struct fake_runtime *fake_rt)
{
	static const struct hv_backend *const backends[] = { &fake_process, NULL };
	const mote_runtime_options *options =
		MOTE_OPTIONS(mote_runtime_options, .backend = fake_process.name);
	const mote_sandbox_options *sizes =
		MOTE_OPTIONS(mote_sandbox_options, .heap_size = 2 << 20, .stack_size = 4096,
			     .input_size = 4096, .output_size = 4096);
	struct tiny_elf elf;
	mote_sandbox *sb;

	fake_reset();
	fake.guest = guest_runs;
	fake.user = &running;
	tiny_elf_init(&elf);
	CHECK(runtime_new(&fake_rt->rt, options, &sys_linux, backends, NULL) == MOTE_OK);
	fake_rt->host = &fake_rt->rt->host;
	CHECK(mote_image_load_memory(&fake_rt->image, fake_rt->rt, &elf, sizeof elf, NULL) ==
	      MOTE_OK);
	CHECK(mote_sandbox_new(&sb, fake_rt->image, sizes, NULL) == MOTE_OK);
	CHECK(mote_snapshot_take(&fake_rt->snapshot, sb, NULL) == MOTE_OK);
	mote_sandbox_free(sb);
	copy_pages(fake_rt);
}

const struct fake_runtime *fake_runtime(void)
{
	static struct fake_runtime fake_rt;

	if (!fake_rt.rt)
		make(&fake_rt);
	running.function = NULL;
	return &fake_rt;
}

/* A page of the snapshot is what the guest finds there. */
static void compare_page(void *user, uint64_t address, const void *bytes)
{
	uint8_t page[MOTE_PAGE_SIZE];

	CHECK(mote_sandbox_read(user, address, page, sizeof page, NULL) == MOTE_OK);
	/* but for the buffers, which are emptied: their pointers are there */
	CHECK(memcmp(page + 8, (const uint8_t *)bytes + 8, sizeof page - 8) == 0);
}

static void call(mote_sandbox *sb, const mote_function_info *function)
{
	mote_value arguments[MOTE_MAX_PARAMS] = { 0 }, result;
	mote_error err;

	for (uint32_t i = 0; i < function->nparams; i++)
		arguments[i].type = function->params[i];
	running.function = function;
	mote_status status =
		mote_call(sb, function->name, arguments, function->nparams, &result, &err);
	/* the buffers may be small, and the stack's guard may not be in the pages */
	CHECK(status == MOTE_OK ? result.type == function->result
				: status == MOTE_E_LIMIT || status == MOTE_E_GUEST_FAULT);
	CHECK(mote_sandbox_is_poisoned(sb) == (status == MOTE_E_GUEST_FAULT));
}

static mote_host_function *make_functions(const struct snapshot_parts *parts)
{
	mote_host_function *list = calloc(parts->nhost_functions + 1, sizeof list[0]);

	CHECK(list);
	for (size_t i = 0; i < parts->nhost_functions; i++) {
		const mote_function_info *function = &parts->host_functions[i];
		list[i] = (mote_host_function){
			.name = function->name,
			.params = function->params,
			.nparams = function->nparams,
			.result = function->result,
			.fn = (mote_host_fn)1, /* which no guest calls */
		};
	}
	return list;
}

static void use(const struct fake_runtime *fake_rt, mote_snapshot *snapshot,
		const struct snapshot_parts *parts)
{
	mote_host_function *functions = make_functions(parts);
	const mote_sandbox_options *options = MOTE_OPTIONS(
		mote_sandbox_options, .functions = functions, .nfunctions = parts->nhost_functions);
	mote_sandbox *sb;

	CHECK(mote_sandbox_from_snapshot(&sb, fake_rt->rt, snapshot, options, NULL) == MOTE_OK);
	free(functions);
	CHECK(mote_snapshot_pages(snapshot, compare_page, sb, NULL) == MOTE_OK);
	for (int i = 0; i < 2 && parts->nexports > 0; i++) {
		call(sb, &parts->exports[0]);
		CHECK(mote_sandbox_restore(sb, snapshot, NULL) == MOTE_OK);
		CHECK(mote_snapshot_pages(snapshot, compare_page, sb, NULL) == MOTE_OK);
	}
	mote_sandbox_free(sb);
}

/* What the rest of the library takes for granted of a snapshot that was loaded. */
static void check_sound(const struct mote_guest_snapshot *snapshot, uint64_t file_pages)
{
	const struct memory_snapshot *memory = snapshot->memory;
	const uint64_t npages = memory->layout.ram.size / MOTE_PAGE_SIZE;
	const struct arena_state *arena = &snapshot->arena;
	uint64_t end = 0, nused = 0;

	for (size_t i = 0; i < memory->nruns; i++) {
		const struct page_run *run = &memory->runs[i];

		CHECK(run->count > 0 && run->first >= end && run->first < npages);
		CHECK(run->count <= npages - run->first && run->file_page <= file_pages);
		CHECK(run->count <= file_pages - run->file_page);
		end = run->first + run->count;
	}
	for (size_t i = 0; i < arena->npages; i++)
		nused += arena->used[i / 64] >> i % 64 & 1;
	CHECK(arena->nfree == arena->npages - nused);
	CHECK(arena->brk <= arena->npages * MOTE_PAGE_SIZE);
	CHECK(snapshot->fs_base < MOTE_ADDRESS_END && snapshot->call_stack < MOTE_ADDRESS_END);
}

const struct snapshot_parts *fake_hyperlight_parts(const struct fake_runtime *fake_rt)
{
	static const mote_segment_info segment = { .address = HYPERLIGHT_BASE,
						   .memory_size = MOTE_PAGE_SIZE,
						   .readable = true,
						   .executable = true };
	static struct snapshot_run runs[2];
	static const struct snapshot_parts all = {
		.guest_abi = "hyperlight",
		.guest_version = HYPERLIGHT_VERSION,
		.hyperlight = { .input_size = HYPERLIGHT_BUFFER_MIN,
				.output_size = HYPERLIGHT_BUFFER_MIN,
				.heap_size = MOTE_PAGE_SIZE,
				.scratch_size = 64 * MOTE_PAGE_SIZE,
				.image_size = MOTE_PAGE_SIZE,
				.data_size = 8 * MOTE_PAGE_SIZE,
				.tables_size = 4 * MOTE_PAGE_SIZE,
				.dispatch = HYPERLIGHT_BASE,
				.stack = HYPERLIGHT_STACK_TOP_GVA,
				.system = { .cs = { .limit = 0xfffff,
						    .selector = 8,
						    .type = 11,
						    .present = true,
						    .is_code_or_data = true,
						    .is_long = true },
					    .tr = { .limit = 103,
						    .selector = 24,
						    .type = 11,
						    .present = true },
					    .gdt_base = HYPERLIGHT_DESCRIPTORS_GVA,
					    .gdt_limit = 39,
					    .cr0 = 0x80050033,
					    .cr4 = 0x620,
					    .efer = 0xd01 } },
		.name = "guest",
		.is_pie = true,
		.entry = HYPERLIGHT_BASE,
		.segments = &segment,
		.nsegments = 1,
		.cpu_features = 1,
		.memory_size = 72 * MOTE_PAGE_SIZE,
		.runs = runs,
		.nruns = sizeof runs / sizeof runs[0],
		.generation = 3,
	};
	CHECK(fake_rt->npages >= 3);
	runs[0] = (struct snapshot_run){ HYPERLIGHT_BASE, 2, 0 };
	runs[1] = (struct snapshot_run){ HYPERLIGHT_BASE + 8 * MOTE_PAGE_SIZE, 1, 2 };
	return &all;
}

/* For mote_snapshot_pages(). */
static void ignore_page(void *user, uint64_t address, const void *bytes)
{
	(void)user;
	CHECK(address % MOTE_PAGE_SIZE == 0 && bytes);
}

/* For mote_snapshot_layout(). */
static void check_region(void *user, const mote_region_info *region)
{
	(void)user;
	CHECK(region->size > 0 && region->name && region->slot);
}

/* What is saved of SNAPSHOT is what was loaded. */
static void use_hyperlight(const struct fake_runtime *fake_rt, mote_snapshot *snapshot,
			   const struct snapshot_parts *parts)
{
	const struct hyperlight_parts *one = &parts->hyperlight;
	struct snapshot_parts again;
	mote_sandbox *sb;

	CHECK(mote_sandbox_from_snapshot(&sb, fake_rt->rt, snapshot, NULL, NULL) != MOTE_OK);
	if (one->data_size > MEMORY_MAX)
		return;
	(void)!mote_snapshot_pages(snapshot, ignore_page, NULL, NULL);
	mote_snapshot_layout(snapshot, check_region, NULL);
	CHECK(mote_private_snapshot_open(&again, snapshot, NULL) == MOTE_OK);
	CHECK(strcmp(again.guest_abi, parts->guest_abi) == 0);
	CHECK(strcmp(again.guest_version, parts->guest_version) == 0);
	CHECK(again.generation == parts->generation && again.cpu_features == parts->cpu_features);
	CHECK(again.hyperlight.dispatch == one->dispatch && again.hyperlight.stack == one->stack);
	CHECK(again.hyperlight.scratch_size == one->scratch_size);
	CHECK(again.hyperlight.image_size == one->image_size);
	CHECK(again.hyperlight.data_size == one->data_size);
	CHECK(again.hyperlight.tables_size == one->tables_size);
	CHECK(again.hyperlight.system.cr0 == one->system.cr0 && again.hyperlight.system.cr2 == 0);
	for (size_t i = 0; i < again.nruns; i++) {
		const uint64_t at = again.runs[i].address - HYPERLIGHT_BASE;

		CHECK(at + again.runs[i].count * MOTE_PAGE_SIZE <=
		      one->data_size + one->tables_size);
	}
	mote_private_snapshot_close(&again, snapshot);
}

void fake_runtime_load(const struct fake_runtime *fake_rt, const struct snapshot_parts *parts,
		       bool makes_sandboxes)
{
	struct snapshot_parts given = *parts;
	mote_error err = { .code = MOTE_OK };
	mote_snapshot *snapshot;
	int fd = dup(fake_rt->pages);

	CHECK(fd >= 0);
	given.file_size = fake_rt->npages * MOTE_PAGE_SIZE;
	mote_status status = mote_private_snapshot_make(&snapshot, fake_rt->rt, &given, fd, &err);
	CHECK((status == MOTE_OK) == (snapshot != NULL));
	if (status) {
		CHECK(status == MOTE_E_SNAPSHOT && err.code == status && err.message[0]);
		CHECK(is_printable(err.message, sizeof err.message));
		close(fd);
		return;
	}
	if (strcmp(given.guest_abi, "mote") != 0) {
		use_hyperlight(fake_rt, snapshot, &given);
		mote_snapshot_unref(snapshot);
		return;
	}
	const struct mote_guest_snapshot *guest = mote_snapshot_of(snapshot->guest);
	const bool is_small = guest->memory->layout.ram.size <= MEMORY_MAX;
	if (is_small)
		check_sound(guest, fake_rt->npages);
	if (makes_sandboxes && is_small)
		use(fake_rt, snapshot, &given);
	mote_snapshot_unref(snapshot);
}

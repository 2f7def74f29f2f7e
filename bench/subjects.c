/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of all that is measured, and what must be open for it.
 */
#include "bench/subjects.h"

#include "bench/bulk.h"
#include "bench/interrupts.h"
#include "bench/library.h"
#include "bench/loaded.h"
#include "bench/snapshots.h"
#include "bench/stored.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows of guests of the hyperlight ABI on KVM. */
#define HYPERLIGHT_LABEL "hyperlight"

/* What there is to measure on each backend; some of it of mote guests alone. */
static const struct {
	const char *name;
	uint64_t (*run)(void *state, unsigned n);
	bool is_count, is_of_mote;
} library_rows[] = {
	{ "call", call, false, false },
	{ "call_with_host_function", call_with_host_function, false, false },
	{ "call_with_timeout", call_with_timeout, false, false },
	{ "call_with_interrupt", call_with_interrupt, false, false },
	{ "interrupt_latency", interrupt_latency, false, false },
	{ "call_24k_in_8k_out", call_24k_in_8k_out, false, false },
	{ "syscall_in_guest", syscall_in_guest, false, true },
	{ "create_initialized", create_initialized, false, false },
	{ "create_initialized_glibc", create_initialized_glibc, false, true },
	{ "create_from_image", create_from_image, false, false },
	{ "create_16gib", create_16gib, false, true },
	{ "destroy", destroy, false, false },
	{ "exits_per_call", exits_per_call, true, false },
	{ "ioctls_per_call", ioctls_per_call, true, false },
};

/* What there is to measure without any. */
static const struct {
	const char *name;
	uint64_t (*run)(void *state, unsigned n);
} memory_rows[] = {
	{ "map_1gib_4k", map_1gib_4k },   { "walk_1gib_4k", walk_1gib_4k },
	{ "push_pop_64b", push_pop_64b }, { "shared_copy_16mib", shared_copy_16mib },
	{ "memcpy_16mib", memcpy_16mib },
};

/* What there is to measure of snapshots on each backend, and of sandboxes that dirty pages: in the
 * order of dirtied_pages. */
static const struct {
	const char *name;
	uint64_t (*run)(void *state, unsigned n);
	bool is_of_mote;
} snapshot_rows[] = {
	{ "snapshot_take", snapshot_take, false },
	{ "sandbox_from_snapshot", sandbox_from_snapshot, false },
	{ "sandbox_from_snapshot_1gib", sandbox_from_snapshot_1gib, true },
	{ "pool_acquire", pool_acquire, false },
};
static const struct {
	const char *restore, *call_with_restore;
} dirtying_rows[DIRTYINGS] = {
	{ "restore/0", "call_with_restore/0" },       { "restore/1", "call_with_restore/1" },
	{ "restore/16", "call_with_restore/16" },     { "restore/256", "call_with_restore/256" },
	{ "restore/4096", "call_with_restore/4096" },
};

/* What there is to measure of bulk data on each backend. */
static const struct {
	const char *name, *unit;
	uint64_t (*run)(void *state, unsigned n);
} bulk_rows[] = {
	{ "call_1mib_in_1mib_out", NULL, call_1mib_in_1mib_out },
	{ "call_1mib_in_place", NULL, call_1mib_in_place },
	{ "call_1mib_by_message", NULL, call_1mib_by_message },
	{ "call_1mib_with_restore", NULL, call_1mib_with_restore },
	{ "call_1mib_ratio", "x", call_1mib_ratio },
};

/* What is counted there, where a hypervisor tells which pages are written. */
static const struct {
	const char *name, *unit;
	uint64_t (*run)(void *state, unsigned n);
} counted_rows[] = {
	{ "ioctls_per_call_restore", NULL, ioctls_per_call_restore },
	{ "faults_per_call_restore", NULL, faults_per_call_restore },
	{ "private_kib_per_sandbox", "KiB", private_kib_per_sandbox },
};
enum { COUNTED = sizeof counted_rows / sizeof counted_rows[0] };

static const struct {
	const char *name;
	unsigned npages;
} copy_rows[SUBJECTS_COPIES] = {
	{ "memcpy_pages/1", 1 },
	{ "memcpy_pages/16", 16 },
	{ "memcpy_pages/256", 256 },
	{ "memcpy_pages/4096", 4096 },
};

static bool is_wanted(const char *name, const char *filter)
{
	return !filter || strstr(name, filter);
}

/* Adds a subject, unless the filter is against it. */
static void add(struct subjects *subjects, const char *filter, struct bench bench)
{
	if (subjects->count < SUBJECTS_MAX && is_wanted(bench.name, filter))
		subjects->benches[subjects->count++] = bench;
}

static void add_row(struct subjects *subjects, const char *filter, const char *name,
		    const char *backend, uint64_t (*run)(void *state, unsigned n), void *state)
{
	add(subjects, filter,
	    (struct bench){ .name = name, .backend = backend, .run = run, .state = state });
}

/* Counted as soon as it is begun, so that subjects_close() finds what there is of it. LABEL NULL:
 * the backend's name. */
static mote_status open_guest(struct subjects *subjects, const char *name, const char *label,
			      const struct measured_guest *guest, mote_error *err)
{
	struct measured_backend *backend = &subjects->backends[subjects->nbackends++];

	mote_status status = mote_runtime_new(
		&backend->rt, MOTE_OPTIONS(mote_runtime_options, .backend = name), err);
	if (status)
		return status;
	backend->name = mote_runtime_backend(backend->rt);
	backend->label = label ? label : backend->name;
	backend->guest = guest;
	status = mote_image_load_memory(&backend->image, backend->rt, guest->elf,
					(size_t)(guest->end - guest->elf), err);
	if (!status)
		status = library_sandbox(&backend->sb, backend, backend->image, err);
	return status;
}

/* With guests of mote's own ABI; and of the other one, where there is a ring 0 for them. */
static mote_status open_backend(struct subjects *subjects, const char *name, mote_error *err)
{
	mote_status status = open_guest(subjects, name, NULL, &mote_guest, err);

	if (!status && strcmp(subjects->backends[subjects->nbackends - 1].name, "kvm") == 0)
		status = open_guest(subjects, "kvm", HYPERLIGHT_LABEL, &hyperlight_guest, err);
	return status;
}

/* WANTED, or every backend that says that it works here. */
static mote_status open_backends(struct subjects *subjects, const char *wanted, mote_error *err)
{
	mote_backend_info info = { .size = sizeof info };

	if (wanted)
		return open_backend(subjects, wanted, err);
	for (size_t i = 0; subjects->nbackends < SUBJECTS_BACKENDS_MAX &&
			   mote_backend_describe(i, &info, NULL) == MOTE_OK;
	     i++) {
		mote_status status =
			info.is_available ? open_backend(subjects, info.name, err) : MOTE_OK;
		if (status)
			return status;
	}
	return MOTE_OK;
}

static mote_status bare_kvm_failed(const char *what, mote_error *err)
{
	*err = (mote_error){ .code = MOTE_E_OS, .os_error = errno };
	snprintf(err->message, sizeof err->message, "bare KVM: %s: %s", what, strerror(errno));
	return MOTE_E_OS;
}

/* The floor under the library on KVM. */
static mote_status add_bare_kvm(struct subjects *subjects, const char *filter, mote_error *err)
{
	const char *failure = bare_kvm_init(&subjects->kvm);
	if (failure)
		return bare_kvm_failed(failure, err);
	subjects->has_kvm = true;
	subjects->exits.kvm = &subjects->kvm;
	if (!bare_vm_init(&subjects->exits.vm, &subjects->kvm, BARE_RAM_SIZE))
		return bare_kvm_failed("cannot make a machine", err);
	add(subjects, filter,
	    (struct bench){ .name = "bare_exit",
			    .backend = "kvm",
			    .run = bare_exit,
			    .state = &subjects->exits });
	add(subjects, filter,
	    (struct bench){ .name = "bare_create",
			    .backend = "kvm",
			    .run = bare_create,
			    .state = &subjects->kvm });
	add(subjects, filter,
	    (struct bench){ .name = "bare_create_1gib",
			    .backend = "kvm",
			    .run = bare_create_1gib,
			    .state = &subjects->kvm });
	add(subjects, filter,
	    (struct bench){ .name = "bare_create_16gib",
			    .backend = "kvm",
			    .run = bare_create_16gib,
			    .state = &subjects->kvm });
	add(subjects, filter,
	    (struct bench){ .name = "bare_destroy",
			    .backend = "kvm",
			    .run = bare_destroy,
			    .state = &subjects->kvm });
	return MOTE_OK;
}

static mote_status add_library(struct subjects *subjects, const char *filter,
			       struct measured_backend *backend, mote_error *err)
{
	const bool is_mote = backend->guest->is_mote;
	mote_status status = MOTE_OK;

	if (is_mote && strcmp(backend->name, "kvm") == 0)
		status = add_bare_kvm(subjects, filter, err);
	for (size_t i = 0; i < sizeof library_rows / sizeof library_rows[0]; i++) {
		if (library_rows[i].is_of_mote && !is_mote)
			continue;
		add(subjects, filter,
		    (struct bench){ .name = library_rows[i].name,
				    .backend = backend->label,
				    .run = library_rows[i].run,
				    .state = backend,
				    .is_count = library_rows[i].is_count });
	}
	return status;
}

/* Without a process to talk to, its row is missing; nothing else needs it. */
static void add_yardsticks(struct subjects *subjects, const char *filter)
{
	subjects->has_peer = pipe_peer_init(&subjects->peer);
	if (subjects->has_peer)
		add(subjects, filter,
		    (struct bench){ .name = "process_pipe_round_trip",
				    .backend = "none",
				    .run = process_pipe_round_trip,
				    .state = &subjects->peer });
	subjects->has_shared_peer = shared_peer_init(&subjects->shared_peer);
	if (subjects->has_shared_peer)
		add_row(subjects, filter, "process_1mib_in_1mib_out", "none",
			process_1mib_in_1mib_out, &subjects->shared_peer);
	add_row(subjects, filter, "memcpy_1mib", "none", memcpy_1mib, NULL);
	add(subjects, filter,
	    (struct bench){ .name = "process_spawn", .backend = "none", .run = process_spawn });
	add(subjects, filter,
	    (struct bench){
		    .name = "process_spawn_exec", .backend = "none", .run = process_spawn_exec });
	add(subjects, filter,
	    (struct bench){ .name = "memcpy_page", .backend = "none", .run = memcpy_page });
}

static mote_status no_memory(mote_error *err)
{
	*err = (mote_error){ .code = MOTE_E_NOMEM, .message = "no memory to copy and map" };
	return MOTE_E_NOMEM;
}

/* Whatever of snapshots is measured on BACKEND, without a state. */
static void add_snapshot_rows(struct subjects *subjects, const char *filter,
			      const struct measured_backend *backend, struct snapshot_bench *bench)
{
	for (size_t i = 0; i < sizeof snapshot_rows / sizeof snapshot_rows[0]; i++)
		if (backend->guest->is_mote || !snapshot_rows[i].is_of_mote)
			add_row(subjects, filter, snapshot_rows[i].name, backend->label,
				snapshot_rows[i].run, bench);
	/* where ring 0 is interpreted, copies of hundreds of pages take a guest seconds */
	const size_t dirtyings = backend->guest->is_mote ? DIRTYINGS : DIRTYINGS - 2;
	for (size_t i = 0; i < dirtyings; i++)
		add_row(subjects, filter, dirtying_rows[i].restore, backend->label, restore,
			&bench->dirtyings[i]);
	for (size_t i = 0; i < dirtyings; i++)
		add_row(subjects, filter, dirtying_rows[i].call_with_restore, backend->label,
			call_with_restore, &bench->dirtyings[i]);
}

/* Its sandboxes are only made if there is something to do for them. */
static mote_status add_snapshots(struct subjects *subjects, const char *filter, size_t index,
				 mote_error *err)
{
	struct measured_backend *backend = &subjects->backends[index];
	struct snapshot_bench *bench = calloc(1, sizeof *bench);
	const size_t before = subjects->count;

	if (!bench)
		return no_memory(err);
	add_snapshot_rows(subjects, filter, backend, bench);
	if (subjects->count == before) {
		free(bench);
		return MOTE_OK;
	}
	subjects->snapshots[index] = bench;
	if (snapshot_bench_init(bench, backend))
		return MOTE_OK;
	*err = backend->err;
	return err->code;
}

/* Its sandboxes are only made if there is something to do for them. */
static mote_status add_bulk(struct subjects *subjects, const char *filter, size_t index,
			    mote_error *err)
{
	struct measured_backend *backend = &subjects->backends[index];
	struct bulk_bench *bulk = calloc(1, sizeof *bulk);
	const size_t before = subjects->count;

	if (!bulk)
		return no_memory(err);
	for (size_t i = 0; i < sizeof bulk_rows / sizeof bulk_rows[0]; i++)
		add(subjects, filter,
		    (struct bench){ .name = bulk_rows[i].name,
				    .backend = backend->label,
				    .run = bulk_rows[i].run,
				    .state = bulk,
				    .is_count = bulk_rows[i].unit,
				    .unit = bulk_rows[i].unit });
	if (subjects->count == before) {
		free(bulk);
		return MOTE_OK;
	}
	subjects->bulk[index] = bulk;
	if (bulk_bench_init(bulk, backend))
		return MOTE_OK;
	*err = backend->err;
	return err->code;
}

static mote_status add_counted(struct subjects *subjects, const char *filter,
			       struct measured_backend *backend, mote_error *err)
{
	subjects->counted = calloc(COUNTED, sizeof subjects->counted[0]);
	if (!subjects->counted)
		return no_memory(err);
	for (size_t i = 0; i < COUNTED; i++) {
		subjects->counted[i].backend = backend;
		add(subjects, filter,
		    (struct bench){ .name = counted_rows[i].name,
				    .backend = backend->label,
				    .run = counted_rows[i].run,
				    .state = &subjects->counted[i],
				    .is_count = true,
				    .unit = counted_rows[i].unit });
	}
	return MOTE_OK;
}

/* Its 128 MiB are only taken if something is measured in them. */
static mote_status add_copies(struct subjects *subjects, const char *filter, mote_error *err)
{
	struct memory_pair *pair = &subjects->pair;
	const size_t before = subjects->count;

	for (size_t i = 0; i < SUBJECTS_COPIES; i++) {
		subjects->copies[i] = (struct scattered_copy){ pair, copy_rows[i].npages };
		add_row(subjects, filter, copy_rows[i].name, "none", memcpy_pages,
			&subjects->copies[i]);
	}
	add_row(subjects, filter, "memory_copy_64mib", "none", memory_copy_64mib, pair);
	add_row(subjects, filter, "fork_exit_wait", "none", fork_exit_wait, pair);
	return subjects->count == before || memory_pair_init(pair) ? MOTE_OK : no_memory(err);
}

/* Its 34 MiB are only taken if something is measured in them. */
static mote_status add_memory(struct subjects *subjects, const char *filter, mote_error *err)
{
	for (size_t i = 0; i < sizeof memory_rows / sizeof memory_rows[0]; i++) {
		if (!is_wanted(memory_rows[i].name, filter))
			continue;
		if (!subjects->memory)
			subjects->memory = memory_bench_new();
		if (!subjects->memory)
			return no_memory(err);
		add(subjects, filter,
		    (struct bench){ .name = memory_rows[i].name,
				    .backend = "none",
				    .run = memory_rows[i].run,
				    .state = subjects->memory });
	}
	return MOTE_OK;
}

static void add_large(struct subjects *subjects, const char *filter, const char *backend,
		      struct loaded_bench *bench)
{
	struct large_guest *variables = &bench->variables, *constants = &bench->constants;

	add_row(subjects, filter, "create_from_image_256mib", backend, create_from_large_image,
		variables);
	add_row(subjects, filter, "create_from_image_256mib_ro", backend, create_from_large_image,
		constants);
	add_row(subjects, filter, "snapshot_take_256mib", backend, large_snapshot_take, variables);
	add_row(subjects, filter, "snapshot_take_256mib_ro", backend, large_snapshot_take,
		constants);
	add_row(subjects, filter, "from_snapshot_256mib", backend, sandbox_from_large_snapshot,
		variables);
	add_row(subjects, filter, "from_snapshot_256mib_ro", backend, sandbox_from_large_snapshot,
		constants);
}

/* Its 1 GiB is only made if something is measured with it. */
static mote_status add_loaded(struct subjects *subjects, const char *filter,
			      struct measured_backend *backend, mote_error *err)
{
	struct loaded_bench *bench = calloc(1, sizeof *bench);
	const size_t before = subjects->count;

	if (!bench)
		return no_memory(err);
	add_row(subjects, filter, "load_image_small", backend->name, load_image_small, bench);
	add_row(subjects, filter, "load_image_256mib", backend->name, load_image_256mib, bench);
	add_large(subjects, filter, backend->name, bench);
	if (subjects->count == before) {
		free(bench);
		return MOTE_OK;
	}
	subjects->loaded = bench;
	if (loaded_bench_init(bench, backend))
		return MOTE_OK;
	*err = backend->err;
	return err->code;
}

/* What is on disk is the same for all backends: one will do. Its 256 MiB are only made if they are
 * loaded. */
static mote_status add_stored(struct subjects *subjects, const char *filter,
			      struct measured_backend *backend, mote_error *err)
{
	const size_t before = subjects->count;

	subjects->stored = calloc(1, sizeof *subjects->stored);
	if (!subjects->stored)
		return no_memory(err);
	add_row(subjects, filter, "load_snapshot/256MiB", backend->name, load_snapshot,
		subjects->stored);
	add_row(subjects, filter, "load_snapshot_verified/256MiB", backend->name,
		load_snapshot_verified, subjects->stored);
	/* without room for it the rest is measured, and its own subjects fail */
	if (subjects->count > before && !stored_bench_init(subjects->stored, backend))
		stored_bench_fini(subjects->stored);
	return MOTE_OK;
}

mote_status subjects_open(struct subjects *subjects, const char *backend, const char *filter,
			  mote_error *err)
{
	*subjects = (struct subjects){ 0 };
	/* First, before there is anything that its child could hold open. */
	add_yardsticks(subjects, filter);
	mote_status status = add_memory(subjects, filter, err);
	if (!status)
		status = add_copies(subjects, filter, err);
	if (!status)
		status = open_backends(subjects, backend, err);
	for (size_t i = 0; !status && i < subjects->nbackends; i++)
		status = add_library(subjects, filter, &subjects->backends[i], err);
	for (size_t i = 0; !status && i < subjects->nbackends; i++)
		status = add_snapshots(subjects, filter, i, err);
	if (!status && subjects->nbackends > 0)
		status = add_loaded(subjects, filter, &subjects->backends[0], err);
	for (size_t i = 0; !status && i < subjects->nbackends; i++)
		if (subjects->backends[i].guest->is_mote)
			status = add_bulk(subjects, filter, i, err);
	for (size_t i = 0; !status && i < subjects->nbackends; i++)
		if (strcmp(subjects->backends[i].label, "kvm") == 0)
			status = add_counted(subjects, filter, &subjects->backends[i], err);
	if (!status && subjects->nbackends > 0)
		status = add_stored(subjects, filter, &subjects->backends[0], err);
	return status;
}

const mote_error *subjects_failure(const struct subjects *subjects)
{
	for (size_t i = 0; i < subjects->nbackends; i++)
		if (subjects->backends[i].err.code)
			return &subjects->backends[i].err;
	return NULL;
}

void subjects_close(struct subjects *subjects)
{
	if (subjects->has_kvm) {
		bare_vm_fini(&subjects->exits.vm);
		bare_kvm_fini(&subjects->kvm);
	}
	if (subjects->loaded)
		loaded_bench_fini(subjects->loaded);
	free(subjects->loaded);
	for (size_t i = 0; i < subjects->nbackends; i++) {
		if (subjects->snapshots[i])
			snapshot_bench_fini(subjects->snapshots[i]);
		free(subjects->snapshots[i]);
		if (subjects->bulk[i])
			bulk_bench_fini(subjects->bulk[i]);
		free(subjects->bulk[i]);
		mote_sandbox_free(subjects->backends[i].sb);
		mote_image_unref(subjects->backends[i].image);
		mote_runtime_free(subjects->backends[i].rt);
	}
	free(subjects->counted);
	if (subjects->stored)
		stored_bench_fini(subjects->stored);
	free(subjects->stored);
	memory_pair_fini(&subjects->pair);
	memory_bench_free(subjects->memory);
	/* the second child holds the first one's pipes open */
	if (subjects->has_shared_peer)
		pipe_peer_fini(&subjects->shared_peer);
	if (subjects->has_peer)
		pipe_peer_fini(&subjects->peer);
}

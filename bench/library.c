/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures the library through its public API, as its users see it.
 */
#include "bench/library.h"

#include "bench/counts.h"

#define BIG_SIZE       24576
#define BUFFER_SIZE    65536
#define CALLS_OF_GUEST 50 /* system calls in one call: they hide what the call costs */

/* The host's side of AddByHost. */
static mote_status host_add(void *user, const mote_value *args, size_t nargs, mote_value *result,
			    mote_error *err)
{
	(void)user;
	(void)nargs;
	(void)err;
	*result = mote_i32(args[0].as.i32 + args[1].as.i32);
	return MOTE_OK;
}

static const mote_type params[] = { MOTE_I32, MOTE_I32 };
static const mote_host_function functions[] = {
	{ .name = "HostAdd", .fn = host_add, .result = MOTE_I32, .nparams = 2, .params = params },
};
const mote_sandbox_options library_options = {
	.size = sizeof library_options,
	.functions = functions,
	.nfunctions = 1,
};

/* As large buffers as mote guests have, and scratch for them, and for a page for each that the
 * guest writes to. */
static const mote_sandbox_options hyperlight_options = {
	.size = sizeof hyperlight_options,
	.input_size = BUFFER_SIZE,
	.output_size = BUFFER_SIZE,
	.functions = functions,
	.nfunctions = 1,
	.heap_size = UINT64_C(4) << 20,
	.scratch_size = UINT64_C(2) << 20,
};

const struct measured_guest mote_guest = {
	.elf = bench_guest,
	.end = bench_guest_end,
	.options = &library_options,
	.filled = 4096,
	.is_mote = true,
};
const struct measured_guest hyperlight_guest = {
	.elf = bench_hyperlight_guest,
	.end = bench_hyperlight_guest_end,
	.options = &hyperlight_options,
	.filled = 64,
};

mote_status library_sandbox(mote_sandbox **out, struct measured_backend *backend, mote_image *image,
			    mote_error *err)
{
	return mote_sandbox_new(out, image, backend->guest->options, err);
}

bool library_open(struct measured_backend *own, const struct measured_backend *like)
{
	const struct measured_guest *guest = like->guest;

	*own = (struct measured_backend){ .name = like->name, .guest = guest };
	return !mote_runtime_new(&own->rt, MOTE_OPTIONS(mote_runtime_options, .backend = own->name),
				 &own->err) &&
	       !mote_image_load_memory(&own->image, own->rt, guest->elf,
				       (size_t)(guest->end - guest->elf), &own->err);
}

/* N calls of FUNCTION in the sandbox of BACKEND: nanoseconds, or BENCH_FAILED. */
static uint64_t time_calls(struct measured_backend *backend, const char *function,
			   const mote_value *args, size_t nargs, unsigned n)
{
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (mote_call(backend->sb, function, args, nargs, NULL, &backend->err))
			return BENCH_FAILED;
	return bench_clock() - start;
}

uint64_t call(void *state, unsigned n)
{
	return time_calls(state, "Add", MOTE_ARGS(2, 3), n);
}

uint64_t call_with_host_function(void *state, unsigned n)
{
	return time_calls(state, "AddByHost", MOTE_ARGS(2, 3), n);
}

uint64_t call_24k_in_8k_out(void *state, unsigned n)
{
	static const char data[BIG_SIZE];
	return time_calls(state, "Shrink", MOTE_ARGS(mote_bytes(data, sizeof data)), n);
}

uint64_t syscall_in_guest(void *state, unsigned n)
{
	uint64_t ns = time_calls(state, "SystemCalls", MOTE_ARGS((unsigned)CALLS_OF_GUEST), n);
	return ns == BENCH_FAILED ? ns : ns / CALLS_OF_GUEST;
}

/* What frees a sandbox is not counted: see destroy. */
static uint64_t time_creation(struct measured_backend *backend, const unsigned char *elf,
			      const unsigned char *end, unsigned n)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_image *image;
		mote_sandbox *sb = NULL;
		uint64_t start = bench_clock();
		mote_status status = mote_image_load_memory(&image, backend->rt, elf,
							    (size_t)(end - elf), &backend->err);
		if (!status)
			status = library_sandbox(&sb, backend, image, &backend->err);
		total += bench_clock() - start;
		mote_sandbox_free(sb);
		mote_image_unref(image);
		if (status)
			return BENCH_FAILED;
	}
	return total;
}

uint64_t create_initialized(void *state, unsigned n)
{
	const struct measured_backend *backend = state;

	return time_creation(state, backend->guest->elf, backend->guest->end, n);
}

uint64_t create_initialized_glibc(void *state, unsigned n)
{
	return time_creation(state, bench_glibc_guest, bench_glibc_guest_end, n);
}

/* Makes and ends N sandboxes; adds up the one part or the other. */
static uint64_t time_lives(struct measured_backend *backend, const mote_sandbox_options *options,
			   unsigned n, bool wants_end)
{
	uint64_t beginnings = 0, ends = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_sandbox *sb;
		uint64_t start = bench_clock();
		if (mote_sandbox_new(&sb, backend->image, options, &backend->err))
			return BENCH_FAILED;
		uint64_t ready = bench_clock();
		mote_sandbox_free(sb);
		beginnings += ready - start;
		ends += bench_clock() - ready;
	}
	return wants_end ? ends : beginnings;
}

uint64_t create_from_image(void *state, unsigned n)
{
	const struct measured_backend *backend = state;

	return time_lives(state, backend->guest->options, n, false);
}

uint64_t create_16gib(void *state, unsigned n)
{
	mote_sandbox_options options = library_options;

	options.heap_size = UINT64_C(16) << 30;
	return time_lives(state, &options, n, false);
}

uint64_t destroy(void *state, unsigned n)
{
	const struct measured_backend *backend = state;

	return time_lives(state, backend->guest->options, n, true);
}

/* What make_counted_calls() needs to know. */
struct counted_calls {
	const struct measured_backend *backend;
	unsigned n;
};

/* In a process of its own: a runtime of its own, a call to warm up, and the calls that count. */
static bool make_counted_calls(void *state)
{
	const struct counted_calls *calls = state;
	struct measured_backend own;

	if (!library_open(&own, calls->backend) ||
	    library_sandbox(&own.sb, &own, own.image, NULL) || call(&own, 1) == BENCH_FAILED)
		return false;
	system_calls_mark();
	uint64_t ns = call(&own, calls->n);
	system_calls_mark();
	return ns != BENCH_FAILED;
}

static bool count_calls(struct measured_backend *backend, unsigned n, struct system_calls *counts)
{
	struct counted_calls calls = { backend, n };

	if (system_calls_count(counts, make_counted_calls, &calls))
		return true;
	backend->err = (mote_error){ .code = MOTE_E_OS,
				     .message = "cannot count system calls: is ptrace allowed?" };
	return false;
}

uint64_t exits_per_call(void *state, unsigned n)
{
	struct system_calls counts;
	return count_calls(state, n, &counts) ? counts.exits : BENCH_FAILED;
}

uint64_t ioctls_per_call(void *state, unsigned n)
{
	struct system_calls counts;
	return count_calls(state, n, &counts) ? counts.ioctls : BENCH_FAILED;
}

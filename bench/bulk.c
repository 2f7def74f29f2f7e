/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures bulk data through the library's public API.
 */
#include "bench/bulk.h"

#include "bench/library.h"

#include <stdlib.h>
#include <string.h>

#define MIB              (1u << 20)
#define SAMPLES_OF_RATIO 101

bool bulk_bench_init(struct bulk_bench *bench, struct measured_backend *backend)
{
	mote_sandbox_options options = library_options;
	mote_error *err = &backend->err;

	*bench = (struct bulk_bench){ .backend = backend, .data = malloc(MIB) };
	if (!bench->data) {
		*err = (mote_error){ .code = MOTE_E_NOMEM, .message = "no memory to pass on" };
		return false;
	}
	memset(bench->data, 1, MIB);
	options.input_size = options.output_size = 2 * MIB;
	mote_status status = mote_sandbox_new(&bench->messages, backend->image, &options, err);

	options.input_size = options.output_size = 0;
	options.buffer_size = 2 * MIB;
	if (!status)
		status = mote_sandbox_new(&bench->sb, backend->image, &options, err);
	if (!status)
		status = mote_sandbox_new(&bench->restored, backend->image, &options, err);
	if (!status)
		status = mote_snapshot_take(&bench->snapshot, bench->restored, err);
	if (!status)
		status = mote_buffer_new(&bench->buffer, bench->sb, MIB, err);
	if (status)
		return false;
	memset(mote_buffer_data(bench->buffer), 1, MIB);
	return true;
}

void bulk_bench_fini(struct bulk_bench *bench)
{
	mote_snapshot_unref(bench->snapshot);
	mote_sandbox_free(bench->restored);
	mote_sandbox_free(bench->sb);
	mote_sandbox_free(bench->messages);
	free(bench->data);
}

/* The result is not looked at: it is there to be read. */
static bool copy(struct bulk_bench *bench, mote_sandbox *sb, const void *data)
{
	mote_value result;

	return !mote_call(sb, "Copy", MOTE_ARGS(mote_bytes(data, MIB)), &result,
			  &bench->backend->err) &&
	       result.as.bytes.len == MIB;
}

static uint64_t time_copies(struct bulk_bench *bench, mote_sandbox *sb, const void *data,
			    unsigned n)
{
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!copy(bench, sb, data))
			return BENCH_FAILED;
	return bench_clock() - start;
}

uint64_t call_1mib_in_1mib_out(void *state, unsigned n)
{
	struct bulk_bench *bench = state;
	return time_copies(bench, bench->sb, bench->data, n);
}

uint64_t call_1mib_in_place(void *state, unsigned n)
{
	struct bulk_bench *bench = state;
	return time_copies(bench, bench->sb, mote_buffer_data(bench->buffer), n);
}

uint64_t call_1mib_by_message(void *state, unsigned n)
{
	struct bulk_bench *bench = state;
	return time_copies(bench, bench->messages, bench->data, n);
}

uint64_t call_1mib_with_restore(void *state, unsigned n)
{
	struct bulk_bench *bench = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!copy(bench, bench->restored, bench->data) ||
		    mote_sandbox_restore(bench->restored, bench->snapshot, &bench->backend->err))
			return BENCH_FAILED;
	return bench_clock() - start;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* Of SAMPLES_OF_RATIO runs; BENCH_FAILED if one failed, which is longer than any other takes. */
static uint64_t median_of(uint64_t (*run)(void *state, unsigned n), void *state)
{
	uint64_t samples[SAMPLES_OF_RATIO];

	for (size_t i = 0; i < SAMPLES_OF_RATIO; i++) {
		samples[i] = run(state, 1);
		if (samples[i] == BENCH_FAILED)
			return BENCH_FAILED;
	}
	qsort(samples, SAMPLES_OF_RATIO, sizeof samples[0], compare);
	return samples[SAMPLES_OF_RATIO / 2];
}

uint64_t call_1mib_ratio(void *state, unsigned n)
{
	struct bulk_bench *bench = state;
	const uint64_t bulk = median_of(call_1mib_in_1mib_out, bench);
	const uint64_t empty = median_of(call, bench->backend);
	const uint64_t copy_once = median_of(memcpy_1mib, NULL);

	if (bulk == BENCH_FAILED || empty == BENCH_FAILED)
		return BENCH_FAILED;
	return n * bulk / (empty + 2 * copy_once);
}

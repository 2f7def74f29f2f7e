/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures images of large files through the public API.
 */
#define _GNU_SOURCE
#include "bench/loaded.h"

#include "bench/large_image.h"
#include "bench/library.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DATA_SIZE (UINT64_C(256) << 20)

struct path {
	char text[32];
};

static struct path path_of(int fd)
{
	struct path path;

	snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", fd);
	return path;
}

/* The guest in a file; -1 and errno if that cannot be. */
static int make_small(void)
{
	const size_t size = (size_t)(bench_guest_end - bench_guest);
	int fd = memfd_create("bench-guest", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bench_guest, size) == (ssize_t)size)
		return fd;
	close(fd);
	return -1;
}

static int make_large(bool is_writable)
{
	int fd = memfd_create("bench-large-guest", MFD_CLOEXEC);

	if (fd < 0 ||
	    large_image_write(path_of(fd).text, bench_guest,
			      (size_t)(bench_guest_end - bench_guest), DATA_SIZE, is_writable))
		return fd;
	close(fd);
	return -1;
}

static mote_status init_large(struct large_guest *guest, struct measured_backend *backend,
			      bool is_writable)
{
	*guest = (struct large_guest){ .backend = backend, .file = make_large(is_writable) };
	if (guest->file >= 0)
		return mote_image_load_file(&guest->image, backend->rt, path_of(guest->file).text,
					    &backend->err);
	backend->err = (mote_error){ .code = MOTE_E_OS, .os_error = errno };
	snprintf(backend->err.message, sizeof backend->err.message,
		 "a guest of 256 MiB cannot be written: %s", strerror(errno));
	return MOTE_E_OS;
}

static void fini_large(struct large_guest *guest)
{
	mote_snapshot_unref(guest->snapshot);
	mote_sandbox_free(guest->sb);
	mote_image_unref(guest->image);
	if (guest->file >= 0)
		close(guest->file);
	*guest = (struct large_guest){ .file = -1 };
}

bool loaded_bench_init(struct loaded_bench *bench, struct measured_backend *backend)
{
	*bench = (struct loaded_bench){ .backend = backend, .small = make_small() };
	bench->constants.file = -1;
	return bench->small >= 0 && !init_large(&bench->variables, backend, true) &&
	       !init_large(&bench->constants, backend, false);
}

void loaded_bench_fini(struct loaded_bench *bench)
{
	fini_large(&bench->variables);
	fini_large(&bench->constants);
	if (bench->small >= 0)
		close(bench->small);
	bench->small = -1;
}

static uint64_t time_loads(struct measured_backend *backend, int fd, unsigned n)
{
	const struct path path = path_of(fd);
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_image *image;
		uint64_t start = bench_clock();
		if (mote_image_load_file(&image, backend->rt, path.text, &backend->err))
			return BENCH_FAILED;
		total += bench_clock() - start;
		mote_image_unref(image);
	}
	return total;
}

uint64_t load_image_small(void *state, unsigned n)
{
	struct loaded_bench *bench = state;
	return time_loads(bench->backend, bench->small, n);
}

uint64_t load_image_256mib(void *state, unsigned n)
{
	struct loaded_bench *bench = state;
	return time_loads(bench->backend, bench->variables.file, n);
}

uint64_t create_from_large_image(void *state, unsigned n)
{
	struct large_guest *guest = state;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		mote_sandbox *sb;
		uint64_t start = bench_clock();
		if (library_sandbox(&sb, guest->backend, guest->image, &guest->backend->err))
			return BENCH_FAILED;
		total += bench_clock() - start;
		mote_sandbox_free(sb);
	}
	return total;
}

uint64_t large_snapshot_take(void *state, unsigned n)
{
	struct large_guest *guest = state;
	uint64_t total = 0;

	if (!guest->sb &&
	    library_sandbox(&guest->sb, guest->backend, guest->image, &guest->backend->err))
		return BENCH_FAILED;
	for (unsigned i = 0; i < n; i++) {
		uint64_t start = bench_clock();
		mote_snapshot_unref(guest->snapshot);
		if (mote_snapshot_take(&guest->snapshot, guest->sb, &guest->backend->err))
			return BENCH_FAILED;
		total += bench_clock() - start;
	}
	return total;
}

uint64_t sandbox_from_large_snapshot(void *state, unsigned n)
{
	struct large_guest *guest = state;
	uint64_t total = 0;

	if (!guest->snapshot && large_snapshot_take(state, 1) == BENCH_FAILED)
		return BENCH_FAILED;
	for (unsigned i = 0; i < n; i++) {
		mote_sandbox *sb;
		uint64_t start = bench_clock();
		if (mote_sandbox_from_snapshot(&sb, guest->backend->rt, guest->snapshot,
					       &library_options, &guest->backend->err))
			return BENCH_FAILED;
		total += bench_clock() - start;
		mote_sandbox_free(sb);
	}
	return total;
}

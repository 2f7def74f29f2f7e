/* SPDX-License-Identifier: Apache-2.0 */
/*
 * library.h - the library's own subjects, for struct bench. STATE of each is a struct
 * measured_backend, whose ERR they fill when they fail.
 */
#ifndef BENCH_LIBRARY_H
#define BENCH_LIBRARY_H

#include "bench/subjects.h"

/* The guest that all of them call, made with the smallest libc at hand, and with glibc; and for the
 * hyperlight ABI. */
extern const unsigned char bench_guest[], bench_guest_end[];
extern const unsigned char bench_glibc_guest[], bench_glibc_guest_end[];
extern const unsigned char bench_hyperlight_guest[], bench_hyperlight_guest_end[];

/* A guest, and the options of its sandboxes, with the host function that it wants. */
struct measured_guest {
	const unsigned char *elf, *end;
	const mote_sandbox_options *options;
	unsigned filled; /* pages, by FillPages, to be dirtied */
	bool is_mote;
};
extern const struct measured_guest mote_guest, hyperlight_guest;

/* Of sandboxes of mote guests. */
extern const mote_sandbox_options library_options;

/* Makes a runtime on the backend, and the image of the guest, both as LIKE has them: for a process
 * of its own, which nobody closes them in. */
bool library_open(struct measured_backend *own, const struct measured_backend *like);

/* Makes a sandbox of the guest of BACKEND, or of the guest IMAGE with the same options. */
mote_status library_sandbox(mote_sandbox **out, struct measured_backend *backend, mote_image *image,
			    mote_error *err);

/* A call of a function that adds two numbers; of one that lets the host add them; of one that gets
 * 24 KiB and gives back 8 KiB. */
uint64_t call(void *state, unsigned n);
uint64_t call_with_host_function(void *state, unsigned n);
uint64_t call_24k_in_8k_out(void *state, unsigned n);

/* From a guest file's bytes, and from an image, to the point where a call could follow, which
 * includes what the guest's libc does at its start; and the end of such a sandbox. */
uint64_t create_initialized(void *state, unsigned n);
uint64_t create_initialized_glibc(void *state, unsigned n);
uint64_t create_from_image(void *state, unsigned n);
uint64_t create_16gib(void *state, unsigned n); /* with a heap of that size */
uint64_t destroy(void *state, unsigned n);

/* A system call of the guest. */
uint64_t syscall_in_guest(void *state, unsigned n);

/* What N calls of `call` make of exits and ioctls. */
uint64_t exits_per_call(void *state, unsigned n);
uint64_t ioctls_per_call(void *state, unsigned n);

#endif

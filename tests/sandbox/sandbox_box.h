/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_box.h - sandboxes whose guests are lists of C functions, for the tests of
 * src/sandbox: a tiny image on a fake backend.
 *
 * A guest is a list of steps. Each time the guest's code would run, the next step runs
 * instead, and does one thing: a hypercall, a system call, a fault (hv/fake.h). The first
 * one is main() unless a test says otherwise, and says that the guest is ready.
 */
#ifndef SANDBOX_SANDBOX_BOX_H
#define SANDBOX_SANDBOX_BOX_H

#include "abi/io_stack.h"
#include "abi/wire.h"
#include "guest_abi/mote/guest.h"
#include "hv/fake.h"
#include "kit/tiny_elf.h"
#include "sandbox/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BOX_LINES 16
#define BOX_STEPS 16

struct sandbox_box {
	const struct hv_backend *backend;
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;
	mote_error err;

	fake_guest steps[BOX_STEPS]; /* what the guest does */
	size_t nsteps, next;
	struct {
		mote_log_level level;
		char text[1100]; /* "guest: hello" */
	} lines[BOX_LINES];
	size_t nlines;
};

/* A runtime on BACKEND and the tiny image; no sandbox yet. Ends the test when it cannot. */
void sandbox_box_init(struct sandbox_box *box, const struct hv_backend *backend);

/* Frees all there is, and sees that nothing of the backend is left. */
void sandbox_box_fini(struct sandbox_box *box);

/* The guest is to take these steps from now on, and then none. */
#define SET_STEPS(box, ...)                                                                        \
	sandbox_box_set(box, (const fake_guest[]){ __VA_ARGS__ },                                  \
			sizeof((const fake_guest[]){ __VA_ARGS__ }) / sizeof(fake_guest))
void sandbox_box_set(struct sandbox_box *box, const fake_guest *steps, size_t count);

/* Makes a sandbox with OPTIONS whose main() is ready at once. */
void sandbox_box_start(struct sandbox_box *box, const mote_sandbox_options *options);

/* Calls a function of the guest: what mote_call() gives, with the box's err. */
mote_status sandbox_box_call(struct sandbox_box *box, const char *function, const mote_value *args,
			     size_t nargs, mote_value *result);

/* Fails the test unless STATUS is WANT and the message holds TEXT (any if that is NULL). */
void sandbox_box_expect(const struct sandbox_box *box, mote_status status, mote_status want,
			const char *text);

/* Steps for guests. */

/* main() returned 0: the guest takes calls. */
bool step_ready(struct fake_vm *vm, struct hv_exit *exit);

/* The call is over; whatever lies on the output buffer is the result. */
bool step_done(struct fake_vm *vm, struct hv_exit *exit);

/* The call is over and its result is void. */
bool step_done_void(struct fake_vm *vm, struct hv_exit *exit);

/* For steps: where the guest's code is. */
#define GUEST_CODE (TINY_ADDRESS + TINY_CODE * MOTE_PAGE_SIZE + offsetof(struct tiny_elf, code))
#define GUEST_DATA (TINY_ADDRESS + TINY_DATA * MOTE_PAGE_SIZE + offsetof(struct tiny_elf, exports))

/* The guest's start block, a copy. */
struct mote_start_block guest_start_block(struct fake_vm *vm);

/* The guest's buffers, by what its start block says. */
struct io_stack guest_input(struct fake_vm *vm);
struct io_stack guest_output(struct fake_vm *vm);

/* Pushes SIZE bytes to the output buffer, or messages. */
void guest_push(struct fake_vm *vm, const void *bytes, size_t size);
void guest_push_result(struct fake_vm *vm, const struct wire_result *result);
void guest_push_call(struct fake_vm *vm, const struct wire_call *call);
void guest_push_log(struct fake_vm *vm, const struct wire_log *log);

/* Pops what the host pushed last; lives until the next pop. */
struct wire_result guest_pop_result(struct fake_vm *vm);

/* The memory of the box's guest. */
static inline struct guest_memory *box_memory(const struct sandbox_box *box)
{
	return mote_guest_of(box->sb->guest)->memory;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - the inside of a mote_sandbox, and who does what with it.
 *
 * image.c           loading images, and their layouts
 * sandbox.c         makes and frees sandboxes, reads and writes guest memory
 * files.c           mapping files into guests
 * call.c            one call: arguments in, result out
 * buffer.c          the buffers beside the messages: who has which part, what goes that way
 * events.c          the run loop: what the guest does between start and result
 * stop.c            what ends a run that does not end by itself: limits
 * interrupt.c       and other threads
 * host_functions.c  the functions that the guest may call
 * pool.c            sandboxes of one snapshot, kept ready
 * receipt.c         what a call used
 * program.c         an image as a program, from entry to exit
 * crash.c           where a guest stood, for back-traces and core files
 * snapshot.c        taking and restoring snapshots
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "abi/io_stack.h"
#include "abi/mote_abi.h"
#include "abi/wire.h"
#include "guest_abi/guest_abi.h"
#include "image/image.h"
#include "sandbox/runtime.h"

#include <mote/buffer.h>
#include <mote/call.h>
#include <mote/sandbox.h>

/* A registered host function, with copies of what its owner gave. */
struct host_function {
	char name[MOTE_NAME_SIZE];
	mote_host_fn fn;
	void *user;
	void (*drop_user)(void *user);
	mote_type result;
	uint32_t nparams;
	mote_type params[MOTE_MAX_PARAMS];
};

/* Sorted by name. */
struct host_functions {
	struct host_function *list;
	size_t count;
};

/* What ends a run of the guest that does not end by itself. 0: nothing. */
struct time_limits {
	uint64_t timeout_ns;      /* wall clock */
	uint64_t cpu_ns;          /* CPU time of the guest and of host functions */
	const char *timeout_name; /* of the option that TIMEOUT_NS is, for messages */
};

/* The buffers for bulk data. Nothing of it is the guest's to say. */
struct buffers {
	struct bulk_buffer arguments, results; /* as the guest has them */
	mote_buffer *list;                     /* of the sandbox's user, by offset */
	/* Of the call under way: arguments are free from here on. */
	uint64_t used;
};

struct mote_sandbox {
	mote_runtime *rt;
	mote_image *image; /* a reference of its own */
	struct guest *guest;
	struct account account; /* of the run under way, or the last one */
	struct streams streams;
	struct host_functions functions;
	struct buffers buffers;

	/* The message that was popped last: the private copy that results and arguments of host
	 * functions point into. As large as the output buffer, but only touched as far as used. */
	void *message;
	size_t message_capacity;

	const char *function; /* of the call under way, for messages; NULL between calls */
	uint64_t done_spans;  /* of the last result */
	int exit_status;      /* of the program, if it has ended */
	/* The run under way. */
	struct time_limits time;
	struct run_start {
		uint64_t clock_ns, cpu_ns; /* when it began; only those that TIME needs */
	} start;
	bool is_armed;             /* the machine can be kicked */
	const mote_sandbox *outer; /* the sandbox whose host function calls this one; NULL */

	struct mote_interrupt *interrupt; /* NULL until somebody wants it */
	bool is_running;
	bool is_poisoned;
	char poison[MOTE_ERROR_MESSAGE_SIZE]; /* what poisoned it */
	mote_crash_fn crashed;                /* told of that; NULL: nobody */
	void *crashed_user;
	struct {
		int signal; /* that the guest died of, or would have on Linux; 0: of none */
		uint64_t address;
	} fault;
};

/* How a run of the guest ended. */
enum run_end {
	RUN_READY, /* main() returned; the guest waits for calls */
	RUN_DONE,  /* a call is over and its result is on the output buffer */
	RUN_EXIT,  /* the program exited; see exit_status */
};

/*
 * Runs the guest until it is READY, DONE or EXITed; anything else is an error. Serves hypercalls
 * and system calls on the way. On failure the sandbox is poisoned. LIMITS may be NULL: none.
 */
mote_status sandbox_run(mote_sandbox *sb, const struct time_limits *limits, enum run_end *end,
			mote_error *err);

/*
 * Before a run of the guest: starts the clocks of sb->time, and lets others interrupt it. Takes
 * no system call if there are no limits, and nobody who could. Errors, after which nothing has
 * changed: MOTE_E_STATE (the signal that it takes is the program's own), MOTE_E_OS.
 */
mote_status stop_begin(mote_sandbox *sb, mote_error *err);

/* The machine of SB's guest; NULL: it could not be made again. */
static inline struct hv_vm *sandbox_vm(const mote_sandbox *sb)
{
	return sb->guest->abi->vm(sb->guest);
}

/* Nanoseconds on CLOCK; and of CPU time that SB's guest has used, but for those that count as this
 * thread's. */
uint64_t sandbox_clock_ns(const mote_sandbox *sb, clockid_t clock);
uint64_t sandbox_guest_cpu_ns(const mote_sandbox *sb);

/* MOTE_E_CANCELED or MOTE_E_TIMEOUT if the run is to end here; MOTE_OK if it may go on. */
mote_status stop_check(mote_sandbox *sb, mote_error *err);

/* The guest waits: does so for it, until UNTIL on CLOCK_MONOTONIC at most; returns as stop_check().
 */
mote_status stop_wait(mote_sandbox *sb, uint64_t until, mote_error *err);

/* The guest has a new timer: from now on the machine gives the run loop a turn when it is over.
 * Errors: as stop_begin(), and as stop_check(). */
mote_status stop_add_timer(mote_sandbox *sb, mote_error *err);

/* After a run that ended with STATUS and ERR: what it ends with, MOTE_E_CANCELED if somebody was
 * told so. After it nobody can interrupt any more. */
mote_status stop_end(mote_sandbox *sb, mote_status status, mote_error *err);

/* Poisons SB with the message of ERR, or with a text for STATUS, and tells who wants to know;
 * returns STATUS. */
mote_status sandbox_poison(mote_sandbox *sb, mote_status status, const mote_error *err);

/* Pops a message of the guest into sb->message. 0 and ERR filled (MOTE_E_GUEST_PROTOCOL) when
 * the buffer is not sound. WHAT names the message. */
size_t sandbox_pop(mote_sandbox *sb, const char *what, mote_error *err);

/* SIZE bytes for the guest were written at AT, in INPUT. */
static inline void sandbox_wrote_input(mote_sandbox *sb, const struct io_stack *input,
				       const void *at, size_t size)
{
	const uint64_t offset = (uint64_t)((const uint8_t *)at - input->base);

	if (sb->guest->abi->wrote_input)
		sb->guest->abi->wrote_input(sb->guest, offset + size + IO_STACK_TRAILER);
}

/* After RUN_DONE: pops the result of FUNCTION, which must be of TYPE (NULL: of any), into VALUE.
 * Errors: MOTE_E_GUEST_ERROR (the guest reported one), MOTE_E_GUEST_PROTOCOL. */
mote_status sandbox_pop_result(mote_sandbox *sb, const char *function, const mote_type *type,
			       mote_value *value, mote_error *err);

/* Fills ERR for a message that CHECK found unsound; returns MOTE_E_GUEST_PROTOCOL. */
mote_status sandbox_bad_message(const char *what, struct wire_check check, mote_error *err);

/* Serves EVENT, a GUEST_HOST_CALL: pops the call, runs the function, and pushes its result.
 * Failures of the function go to the guest as a result; an error here means that the guest broke
 * the protocol. */
mote_status sandbox_host_call(mote_sandbox *sb, const struct guest_event *event, mote_error *err);

/*
 * Lets those of the N values, to be sent to the guest, be spans that lie in the argument buffer, or
 * are long enough and fit there; the others stay as they are. SPANS, one for each value, must live
 * until the message is written. Returns a bit for each span (bit 0 for the first value).
 */
uint64_t buffers_send(mote_sandbox *sb, mote_value *values, size_t n, struct mote_span *spans);

/* Where the call that begins may have arguments: behind what is the user's. */
void buffers_begin(mote_sandbox *sb);

/*
 * Makes bytes in the buffers of those of the N values that came from the guest as spans, by the
 * bits of WHICH; they may be looked at in place until the guest runs again. WHAT names a value in
 * messages. Without buffers nothing is a span, whatever the guest says. Errors:
 * MOTE_E_GUEST_PROTOCOL.
 */
mote_status buffers_receive(mote_sandbox *sb, mote_value *values, size_t n, uint64_t which,
			    const char *what, mote_error *err);

/* Before a restore: notes what the user may have written to. */
void buffers_note(mote_sandbox *sb);

/* Frees all buffers of the user. */
void buffers_fini(mote_sandbox *sb);

/* Copies the functions. On failure nothing is kept, but drop_user is still the caller's. */
mote_status host_functions_init(struct host_functions *functions, const struct host *host,
				const mote_host_function *given, size_t count, mote_error *err);

/* Calls each drop_user and frees the list. */
void host_functions_fini(struct host_functions *functions, const struct host *host);

/* Copies names and types alone. Errors: MOTE_E_NOMEM. */
mote_status host_functions_copy(struct host_functions *to, const struct host_functions *from,
				const struct host *host, mote_error *err);

/* NULL if GIVEN has the same names and types as WANTED; else what is wrong with the function *NAME.
 */
const char *host_functions_difference(const struct host_functions *wanted,
				      const struct host_functions *given, const char **name);

/* Calls the drop_user of each function that was not taken over. */
void sandbox_drop_users(const mote_sandbox_options *options);

/* Stores names and types as a list that points into FUNCTIONS; to be freed with host_free(), with
 * the size that it has. NULL if there are none. Errors: MOTE_E_NOMEM. */
mote_status host_functions_list(mote_function_info **out, const struct host_functions *functions,
				const struct host *host, mote_error *err);

/* The function of that name, or NULL. */
const struct host_function *host_functions_find(const struct host_functions *functions,
						const char *name);

/* Whether VALUE is one that the library may pass on as TYPE. WHY says what is wrong. */
bool value_is(const mote_value *value, mote_type type, const char **why);

/* The runtime that IMAGE was loaded with: an image's host is its runtime's. */
mote_runtime *image_runtime(const mote_image *image);

/* What IMAGE's guests agree on with the host. */
const struct guest_abi *image_abi(const mote_image *image);

/* What mote_sandbox_options and mote_program_options come down to. */
struct sandbox_plan {
	struct guest_plan guest; /* but for what the sandbox gives to it */
	mote_output_fn output;
	void *output_user;
	const char *input; /* of a program; the embedder's */
	size_t input_size;
	unsigned pipes; /* as in mote_program_options */
	struct account_limits account_limits;
	mote_crash_fn crashed;
	void *crashed_user;
	struct time_limits time; /* of main(), or of the program */
};

/* What OPTIONS, which are of the library's size, say of a sandbox wherever it begins. */
struct sandbox_plan sandbox_plan_anywhere(const mote_sandbox_options *options);

/* Stores the plan of a sandbox of IMAGE with OPTIONS, which are of the library's size, but for its
 * arguments and functions. Errors: MOTE_E_INVALID (init data that cannot be). */
mote_status sandbox_plan_from(struct sandbox_plan *plan, const mote_image *image,
			      const mote_sandbox_options *options, mote_error *err);

/* Makes a sandbox up to the point where its program would start, or where its snapshot was taken.
 * It takes over FUNCTIONS, whatever comes of it; NULL: there are none. */
mote_status sandbox_make(mote_sandbox **out, mote_image *image, const struct sandbox_plan *plan,
			 struct host_functions *functions, mote_error *err);

#endif

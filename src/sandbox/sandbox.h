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
#include "abi/wire.h"
#include "guest_abi/mote/personality.h"
#include "image/image.h"
#include "mem/arena.h"
#include "mem/guest_memory.h"
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
	struct bulk_buffer arguments, results; /* as guest_memory_buffer() has them */
	mote_buffer *list;                     /* of the sandbox's user, by offset */
	/* Of the call under way: arguments are free from here on. */
	uint64_t used;
};

struct mote_sandbox {
	mote_runtime *rt;
	mote_image *image; /* a reference of its own */
	struct guest_memory *memory;
	struct machine machine;
	struct arena arena;
	struct personality personality;
	struct account account; /* of the run under way, or the last one */
	struct host_functions functions;
	struct buffers buffers;

	/* Where the guest takes calls, as it said when its main() returned. */
	uint64_t dispatch;
	uint64_t call_stack;

	/* For snapshots. */
	struct layout_config config; /* what MEMORY was made from; its segments are IMAGE's */
	uint64_t base_arena_changes; /* arena.changes when the arena was as in MEMORY's snapshot */
	uint64_t max_mappings;
	uint64_t audit_interval; /* restores between two audits; 0: none */
	uint64_t nrestores;
	uint64_t generation; /* what the guest is told: another after each restore */
	struct {
		uint32_t restores, interval; /* since the written pages were learned; till again */
		size_t count;                /* of pages, when they were learned last */
	} learn;

	/* The message that was popped last: the private copy that results and arguments of host
	 * functions point into. As large as the output buffer, but only touched as far as used. */
	void *message;
	size_t message_capacity;

	const char *function; /* of the call under way, for messages; NULL between calls */
	uint64_t done_spans;  /* rsi of the last MOTE_HC_DONE */
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
	RUN_EXIT,  /* the program exited; see personality.exit_status */
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

/* Nanoseconds on CLOCK; and of CPU time that SB's guest has used, but for those that count as this
 * thread's. */
uint64_t sandbox_clock_ns(const mote_sandbox *sb, clockid_t clock);
uint64_t sandbox_guest_cpu_ns(const mote_sandbox *sb);

/* MOTE_E_CANCELED or MOTE_E_TIMEOUT if the run is to end here; MOTE_OK if it may go on. */
mote_status stop_check(mote_sandbox *sb, mote_error *err);

/* The guest waits: does so for it, until the wait is over or what ends the run; returns as
 * stop_check(). */
mote_status stop_wait(mote_sandbox *sb, mote_error *err);

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

/* After RUN_DONE: pops the result of FUNCTION, which must be of TYPE, into VALUE. Errors:
 * MOTE_E_GUEST_ERROR (the guest reported one), MOTE_E_GUEST_PROTOCOL. */
mote_status sandbox_pop_result(mote_sandbox *sb, const char *function, mote_type type,
			       mote_value *value, mote_error *err);

/* Fills ERR for a message that CHECK found unsound; returns MOTE_E_GUEST_PROTOCOL. */
mote_status sandbox_bad_message(const char *what, struct wire_check check, mote_error *err);

/* Serves MOTE_HC_HOST_CALL: pops the call, runs the function, pushes its result and stores what the
 * guest gets in rax. Failures of the function go to the guest as a result; an error here means that
 * the guest broke the protocol. */
mote_status sandbox_host_call(mote_sandbox *sb, uint64_t *rax, mote_error *err);

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

/* Writes the function table of a guest with MEMORY, whose layout has room for FUNCTIONS. */
mote_status host_functions_publish(const struct host_functions *functions,
				   struct guest_memory *memory, mote_error *err);

/* The function of that name, or NULL. */
const struct host_function *host_functions_find(const struct host_functions *functions,
						const char *name);

/* Whether VALUE is one that the library may pass on as TYPE. WHY says what is wrong. */
bool value_is(const mote_value *value, mote_type type, const char **why);

/* The runtime that IMAGE was loaded with: an image's host is its runtime's. */
mote_runtime *image_runtime(const mote_image *image);

/* Fails with MOTE_E_ABI_MISMATCH for images of guest ABIs that sandboxes do not have yet. */
mote_status image_check_abi(const mote_image *image, mote_error *err);

/* What mote_sandbox_options and mote_program_options come down to. */
struct sandbox_plan {
	uint64_t heap_size, stack_size, input_size, output_size; /* 0: the default */
	uint64_t buffer_size;
	const void *init_data;
	size_t init_data_size;
	unsigned init_data_rights; /* as in struct layout_config */
	size_t nfunctions;
	mote_output_fn output;
	void *output_user;
	struct account_limits account_limits;
	uint64_t max_mappings; /* 0: the default */
	mote_crash_fn crashed;
	void *crashed_user;
	uint64_t audit_interval;
	struct time_limits time; /* of main(), or of the program */
	/* The guest is told of the host: it takes calls when its main() has returned. A program is
	 * not told, and ends. */
	bool takes_calls;
	struct files_plan files;
	size_t argc, envc;
	const char *const *argv;
	const char *const *envp;
	/* Where the sandbox begins; NULL: at its entry point. All but OUTPUT and limits is in
	 * there then. */
	const struct mote_snapshot *snapshot;
};

/* What OPTIONS, which are of the library's size, say of a sandbox wherever it begins. */
struct sandbox_plan sandbox_plan_anywhere(const mote_sandbox_options *options);

/* Stores the plan of a sandbox with OPTIONS, which are of the library's size, but for its
 * arguments. Errors: MOTE_E_INVALID (init data that cannot be). */
mote_status sandbox_plan_from(struct sandbox_plan *plan, const mote_sandbox_options *options,
			      mote_error *err);

/* Where everything lies in a guest of IMAGE with these sizes. */
struct layout_config sandbox_layout_config(const mote_image *image,
					   const struct sandbox_plan *plan);

/* Whether SB may have COUNT mapped files. Errors: MOTE_E_LIMIT. */
mote_status sandbox_check_mappings(const mote_sandbox *sb, size_t count, mote_error *err);

/* Makes a sandbox, its functions not yet set nor published, up to the point where its program would
 * start. */
mote_status sandbox_make(mote_sandbox **out, mote_image *image, const struct sandbox_plan *plan,
			 mote_error *err);

#endif

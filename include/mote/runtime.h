/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/runtime.h - what one process, or one subsystem of it, sets up once.
 *
 * A runtime picks the backend (the hypervisor or its replacement) and carries
 * the log callback and the allocator. There is no global state: two runtimes in
 * one process know nothing of each other.
 *
 * Threads: a runtime may be used from any thread at any time. Free it last,
 * when no image and no sandbox made from it is left.
 */
#ifndef MOTE_RUNTIME_H
#define MOTE_RUNTIME_H

#include <mote/status.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_runtime mote_runtime;

typedef enum mote_log_level {
	MOTE_LOG_ERROR,
	MOTE_LOG_WARN,
	MOTE_LOG_INFO,
	MOTE_LOG_DEBUG,
	MOTE_LOG_TRACE,
} mote_log_level;

/* An options argument written in place; every field left out is 0, its default:
 *     MOTE_OPTIONS(mote_sandbox_options, .heap_size = 1 << 20)
 * Options structs only ever grow at their end. A library that is older than its
 * caller accepts unknown fields that are 0 and refuses others (MOTE_E_OPTION). */
#define MOTE_OPTIONS(T, ...) (&(T){ .size = sizeof(T), __VA_ARGS__ })

typedef struct mote_runtime_options {
	size_t size; /* sizeof(mote_runtime_options); set by the macro */
	/* "kvm" or "process"; NULL: hardware isolation or fail */
	const char *backend;
	/* with backend NULL: fall back to "process", which isolates as a process
	 * does and not as a machine does, where no hypervisor can be used */
	bool allow_weaker_isolation;
	/* Lines above this level are not made. The default, 0, is MOTE_LOG_ERROR. */
	mote_log_level log_level;
	/*
	 * Called for each log line, from the thread that works on the sandbox; NULL:
	 * silence. SOURCE is "host" or "guest"; both strings are UTF-8, end with a
	 * NUL, and live until the callback returns. Control characters that a guest
	 * wrote arrive escaped (\x1b). Must not call into the library.
	 */
	void (*log)(void *user, mote_log_level level, const char *source, const char *message);
	void *log_user;
	/*
	 * All allocations of the library, but not guest memory, which is mapped.
	 * NEW_SIZE 0 frees PTR; PTR NULL (OLD_SIZE 0) allocates; a failure returns
	 * NULL and leaves PTR as it is. Called from any thread. NULL: malloc.
	 */
	void *(*realloc)(void *user, void *ptr, size_t old_size, size_t new_size);
	void *realloc_user;
	/* Names of host checks (mote/host_check.h), separated by commas: "mitigations,smt".
	 * No runtime is made on a machine that does not pass them all, which is what
	 * MOTE_HOST_OK says and nothing else does. NULL: none is made. */
	const char *require;
	/*
	 * With the backend "kvm": the signal that stops guests for time limits and
	 * mote_interrupt_kill(); 0: SIGRTMAX - 2. Its handler is set process-wide: at once when a
	 * signal is given here, else when a guest is first run that can be stopped, and stays,
	 * until the process ends. Runtimes can share a signal. It comes only to threads that run
	 * such guests, once or twice for each that is stopped, mostly in the guest and sometimes in
	 * a host function, whose system calls are restarted then (SA_RESTART), but for those that
	 * no signal restarts, such as poll(). A thread may block it: it is let through while a
	 * guest runs that can be stopped.
	 */
	int interrupt_signal;
	/*
	 * Source lines in messages of crashes and in back-traces, from the debug information in
	 * guest files, where elfutils is installed (libdw.so.1, loaded by mote_runtime_new()). Off
	 * by default: it lets a large parser loose on the guest's file, in this process, whenever a
	 * guest crashes; a file made for the purpose may find a flaw in it, or keep it busy. Names
	 * of functions come from the symbol table either way, which the library reads itself. For
	 * guests that you have compiled. What libdw needs it gets from malloc, whatever realloc is.
	 */
	bool debug_info;
	/*
	 * No vDSO for guests: each clock_gettime() leaves the machine. By default guests read
	 * CLOCK_REALTIME and CLOCK_MONOTONIC from the processor's time-stamp counter, where the
	 * kernel does so too. This takes the comfort, not the counter: whoever can run code can
	 * read that.
	 */
	bool no_fast_clock;
} mote_runtime_options;

/*
 * Makes a runtime. OPTIONS may be NULL. The strings in OPTIONS are not kept.
 * Errors: MOTE_E_NO_HYPERVISOR when no backend that the options allow can be
 * used (the message says how to get one), MOTE_E_INVALID for a backend name that
 * this library does not know or a check that it does not have, MOTE_E_HOST_CHECK
 * for a check that this machine does not pass, MOTE_E_OPTION, MOTE_E_STATE
 * (interrupt_signal has a handler), MOTE_E_NOMEM, MOTE_E_OS.
 */
MOTE_API MOTE_NODISCARD mote_status mote_runtime_new(mote_runtime **out,
						     const mote_runtime_options *options,
						     mote_error *err);

/* Frees a runtime. NULL is fine. Images and sandboxes made from it must be gone. */
MOTE_API void mote_runtime_free(mote_runtime *rt);

/* The name of the backend that was chosen, "kvm" or "process". Lives as long as RT. */
MOTE_API const char *mote_runtime_backend(const mote_runtime *rt);

/* What a backend is on this machine. Strings are static or live in the struct. */
typedef struct mote_backend_info {
	size_t size;       /* sizeof(mote_backend_info); set by the caller */
	const char *name;  /* "kvm", "process" */
	bool is_available; /* a runtime with this backend would work now */
	bool is_hardware;  /* isolates by hardware virtualization */
	char reason[256];  /* "found", or what is missing, in one line */
	char remedy[256];  /* the command or step that mends it; "" when available */
	char details[256]; /* version, capabilities and choices, in one line */
} mote_backend_info;

/*
 * Describes the INDEX-th backend that this library was built with, best first.
 * Probes the machine (about a millisecond). Returns MOTE_E_INVALID past the last one, so a
 * loop from 0 lists them all. Never changes the machine.
 */
MOTE_API MOTE_NODISCARD mote_status mote_backend_describe(size_t index, mote_backend_info *info,
							  mote_error *err);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_RUNTIME_H */

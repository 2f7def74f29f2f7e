/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/sandbox.h - one guest in one virtual machine.
 *
 * A sandbox is made from an image: its main() has run and returned when
 * mote_sandbox_new() returns, and the guest waits for calls. Its state persists
 * from call to call.
 *
 * Threads: one thread at a time may use a sandbox; it may move from thread to
 * thread between calls (hand it over with the usual synchronization).
 */
#ifndef MOTE_SANDBOX_H
#define MOTE_SANDBOX_H

#include <mote/files.h>
#include <mote/image.h>
#include <mote/receipt.h>
#include <mote/status.h>
#include <mote/value.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_sandbox mote_sandbox;

/*
 * A host function: what a guest may call. ARGS has the types given at
 * registration, checked by the library; its strings and bytes live until the
 * function returns. RESULT arrives as a void value; set it to the registered type.
 * What RESULT points at must live until the function is called again or the
 * sandbox is freed; the library copies it right after the return.
 *
 * On failure return a status other than MOTE_OK and fill ERR->message; the guest
 * call ends and its caller receives MOTE_E_GUEST_ERROR with that message.
 *
 * Runs on the thread that called the guest, while that call is under way. It may
 * block. It must not use the sandbox that called it: a call back into it fails
 * with MOTE_E_STATE. And it must return: an exception of C++ that leaves it ends the program by
 * std::terminate(), a longjmp() out of it leaves the sandbox neither usable nor free to go, as does
 * pthread_cancel() of its thread.
 */
typedef mote_status (*mote_host_fn)(void *user, const mote_value *args, size_t nargs,
				    mote_value *result, mote_error *err);

typedef struct mote_host_function {
	const char *name; /* 1 to 63 bytes; copied */
	mote_host_fn fn;
	void *user;
	void (*drop_user)(void *user); /* NULL, or called once when the sandbox goes */
	mote_type result;
	uint32_t nparams;        /* 0 to MOTE_MAX_PARAMS */
	const mote_type *params; /* copied */
} mote_host_function;

/* Where the guest's standard output (STREAM 1) and error (2) go. DATA is raw, SIZE
 * bytes, as the guest wrote it. Called on the thread that runs the guest. */
typedef void (*mote_output_fn)(void *user, int stream, const void *data, size_t size);

/*
 * Told that SB is poisoned from now on, whatever its guest did (STATUS is of class 5), before the
 * call that it happened in returns: what a crash leaves can be looked at here (mote/crash.h,
 * mote_sandbox_read()) even where the sandbox is gone afterwards, as it is if main() crashes. On
 * the thread that ran the guest. It must not free, restore or call SB.
 */
typedef void (*mote_crash_fn)(void *user, mote_sandbox *sb, mote_status status);

/* Sizes and numbers are limited: mote/limits.h. */
typedef struct mote_sandbox_options {
	size_t size;          /* sizeof(mote_sandbox_options); set by the macro */
	uint64_t heap_size;   /* bytes; 0: 64 MiB; rounded up to 2 MiB; at most 1 TiB */
	uint64_t stack_size;  /* bytes; 0: 1 MiB; rounded up to 4 KiB; at most 1 GiB */
	uint64_t input_size;  /* bytes of the input buffer; 0: 128 KiB; at most 64 MiB */
	uint64_t output_size; /* bytes of the output buffer; 0: 128 KiB; at most 64 MiB */
	const mote_host_function *functions;
	size_t nfunctions; /* at most 1024 */
	/* NULL: lines go to the runtime's log callback with source "guest" */
	mote_output_fn output;
	void *output_user;
	/* Copied into the guest's memory before main() runs; found by mote_guest_init_data() in
	 * mote/guest.h. May be freed as soon as the sandbox is made. */
	const void *init_data;
	size_t init_data_size;    /* bytes; 0: none; at most 1 GiB */
	uint64_t init_data_flags; /* 0: the guest can only read it; or one of those below */
	/* Each so many restores, all memory and registers are compared with the snapshot; a
	 * difference makes the restore fail. 0: never; 1: each. For tests and for the wary: it
	 * takes a millisecond and more. */
	uint64_t restore_audit;
	/*
	 * What each call may use, and main(), in exits from the machine (host calls, system calls
	 * and log records are exits; so is the end of the call), calls of host functions, and bytes
	 * for OUTPUT. One more ends the call with MOTE_E_GUEST_LIMIT, which poisons the sandbox.
	 * 0: the default of mote/limits.h; MOTE_NO_LIMIT: as many as it likes.
	 */
	uint64_t max_exits;        /* 0: no limit */
	uint64_t max_host_calls;   /* 0: 1000000 */
	uint64_t max_output_bytes; /* 0: 64 MiB */
	/* Lines of the guest that each call may send to the log, and their bytes. What comes after
	 * them is dropped, and a line from "host" tells how much that was; the call goes on. */
	uint64_t max_log_lines; /* 0: 10000 */
	uint64_t max_log_bytes; /* 0: 1 MiB */
	/* How long main() may take, by the clock on the wall, in nanoseconds; 0: for ever. A
	 * sandbox that begins at a snapshot runs no main(). */
	uint64_t start_timeout_ns;
	/* Files that can be mapped, those of a snapshot that it is restored to included. 0: 32,
	 * which is also the most. */
	uint64_t max_mappings;
	mote_crash_fn crashed; /* NULL: nobody is told */
	void *crashed_user;
	/* Bytes of each of two buffers, one there and one back, in which bytes of 4 KiB and more
	 * travel without being part of a message, and which mote/buffer.h can fill in place. 0:
	 * none; rounded up to 4 KiB; at most 1 GiB. What is not touched costs address space only.
	 * Guests that were built with a guest library that knows of no such thing get none. */
	uint64_t buffer_size;
	/* What the guest has of files: nothing, unless it is given directories (mote/files.h). One
	 * that begins at a snapshot needs those that the snapshot was taken with, by their guest
	 * paths. */
	const mote_directory *directories;
	size_t ndirectories;     /* at most 64 */
	uint64_t max_open_files; /* descriptors, with the three streams; 0: 64; at most 1024 */
	/* Of a guest of the hyperlight ABI: the bytes of all that it writes, its stack and the
	 * buffers included; 0: 288 KiB; a multiple of 4 KiB; at most 4 KiB less than 16 GiB. Others
	 * have no use for it. */
	uint64_t scratch_size;
} mote_sandbox_options;

/* What a guest may do with its init data, besides reading. A mote guest never both. */
enum {
	MOTE_INIT_DATA_WRITE = 2,
	MOTE_INIT_DATA_EXECUTE = 4,
};

/*
 * Makes a sandbox and runs the guest's main(). OPTIONS may be NULL. The drop_user
 * of each function is called when the sandbox is freed, and also when this fails.
 * Errors: MOTE_E_INVALID (an option out of its range, two functions of one name, init data that is
 * NULL or both writable and executable),
 * MOTE_E_OPTION, MOTE_E_OS (a directory cannot be opened, or the kernel is older than Linux 5.6 and
 * cannot keep guests in one), MOTE_E_IMAGE (the image is not a mote guest, or does not fit the
 * address space with these sizes), MOTE_E_ABI_MISMATCH (of another guest ABI), MOTE_E_GUEST_ERROR
 * (main() failed, or a host function that it called), MOTE_E_GUEST_ABORT (main() called exit or
 * abort, or returned other than 0), MOTE_E_GUEST_FAULT, MOTE_E_GUEST_LIMIT, MOTE_E_TIMEOUT
 * (start_timeout_ns), MOTE_E_STATE (see interrupt_signal in mote/runtime.h), MOTE_E_NOMEM,
 * MOTE_E_OS.
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_new(mote_sandbox **out, mote_image *image,
						     const mote_sandbox_options *options,
						     mote_error *err);

/* Ends the virtual machine and frees all that belongs to it. NULL is fine. Not from
 * a host function of this sandbox. */
MOTE_API void mote_sandbox_free(mote_sandbox *sb);

/* Whether a call ended half-way (status class 5), so that the sandbox takes no more. */
MOTE_API bool mote_sandbox_is_poisoned(const mote_sandbox *sb);

/*
 * Copies SIZE bytes of guest memory, by guest virtual address, between calls. The
 * whole range must be mapped for the guest; a write may also reach pages that the
 * guest itself can only read, but not into mapped files. Nothing is copied on failure.
 * Errors: MOTE_E_INVALID (the message names the first byte that is not mapped),
 * MOTE_E_STATE (a call is under way), MOTE_E_OS (what was read is gone from a mapped
 * file; TO may be changed then).
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_read(mote_sandbox *sb, uint64_t address, void *to,
						      size_t size, mote_error *err);
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_write(mote_sandbox *sb, uint64_t address,
						       const void *from, size_t size,
						       mote_error *err);

/*
 * Maps the regular file PATH into the guest's memory at ADDRESS, between calls: it may read
 * and execute it, not write to it, and finds it by its label (mote_mapping_find() in
 * mote/guest.h). Nothing ever writes to the file, so that sandboxes can share one. It stays mapped
 * until the sandbox is freed; a sandbox can have max_mappings files, and files of together 64 GiB
 * always fit.
 *
 * ADDRESS is a multiple of 4096 where the guest has nothing yet; mote_image_layout() lists what it
 * has, and a refusal says from where on all is free. LABEL is 1 to 63 bytes of UTF-8
 * without control characters, and no other file's; NULL stands for the file's name, cut to
 * 63 bytes. The last page is filled up with zeroes. PATH may be renamed or removed afterwards.
 *
 * The guest sees the file's pages, not a copy: a change that others make to the file may show in
 * the guest at any time, or never. If they cut it short, a guest that touches what is gone
 * ends with MOTE_E_GUEST_FAULT, with the label in the message, and nobody else is harmed. Map files
 * that stay as they are: replace them by renaming a new one to the old name.
 *
 * Errors: MOTE_E_INVALID (address, label, or a file that is none, is empty or does not fit; an
 * overlap, with both ranges in the message), MOTE_E_LIMIT, MOTE_E_STATE (a call is under way, the
 * sandbox is poisoned), MOTE_E_NOMEM, MOTE_E_OS (the file cannot be opened; with the backend
 * "process" also: its file system is mounted noexec). Nothing has changed then.
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_map_file(mote_sandbox *sb, const char *path,
							  uint64_t address, const char *label,
							  mote_error *err);

/*
 * The same for what the descriptor FD has open, from its beginning: a regular file, or memory of
 * the host's program, made with memfd_create(). It is not copied: what the program writes there, by
 * write() or by a shared mapping of its own, the guest sees from then on, in the middle of a call
 * too. So do sandboxes that begin at a snapshot; those of hyperlight guests have a copy.
 *
 * FD must be open for reading. It stays the caller's, and may be closed afterwards. LABEL is as
 * above; NULL stands for "descriptor FD", with the number. Memory with the seal F_SEAL_SHRINK
 * cannot be cut short.
 *
 * Errors: as above; MOTE_E_OS also if FD is not open, or not for reading.
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_map_fd(mote_sandbox *sb, int fd, uint64_t address,
							const char *label, mote_error *err);

typedef struct mote_program_options {
	size_t size;                    /* sizeof(mote_program_options); set by the macro */
	uint64_t heap_size, stack_size; /* as in mote_sandbox_options, but a stack of 8 MiB */
	size_t argc;                    /* the program's arguments, argv[0] included */
	const char *const *argv;
	size_t envc; /* its environment, "NAME=value" */
	const char *const *envp;
	mote_output_fn output; /* as in mote_sandbox_options */
	void *output_user;
	/* as in mote_sandbox_options; the program counts as one call */
	uint64_t max_exits, max_output_bytes, max_log_lines, max_log_bytes;
	/* What it reads from its standard input, which ends then; not copied. */
	const void *input;
	size_t input_size;
	/* Called when the program has ended, however it did, for each system call that it made and
	 * that is not served, ascending: TIMES it was answered with ENOSYS, at most 65535. NAME is
	 * the kernel's, or NULL for a number without one; 511 stands for all from there on. */
	void (*refused)(void *user, uint64_t number, const char *name, uint64_t times);
	void *refused_user;
	uint64_t timeout_ns, cpu_ns; /* as in mote_call_options */
	mote_crash_fn crashed;       /* as in mote_sandbox_options */
	void *crashed_user;
	mote_receipt *receipt;             /* filled in; its size is the caller's to set */
	const mote_directory *directories; /* as in mote_sandbox_options */
	size_t ndirectories;
	uint64_t max_open_files;
	/* Called when the program has ended, however it did, for each of the first 16 paths that it
	 * asked for and that no directory has: absolute, TIMES it did so. What is in PATH is the
	 * guest's choice: escape it before a terminal shows it. */
	void (*refused_path)(void *user, const char *path, uint64_t times);
	void *refused_path_user;
	/* Which outputs are pipes to the program, not terminals: 1 << 1 for standard output, 1 << 2
	 * for standard error. C libraries write to a terminal line by line, and to a pipe in
	 * blocks: a tenth of the time or less; and what they have not written yet is lost if the
	 * program crashes or is stopped. */
	unsigned pipes;
} mote_program_options;

/*
 * Runs an image as a program, from its entry point to its exit, in a virtual
 * machine of its own, and stores its exit status (0 to 255). The image need not
 * be a mote guest: any static Linux executable will do.
 * Errors: as mote_sandbox_new(); MOTE_E_GUEST_ABORT when a signal such as SIGABRT
 * that the program sent itself ended it; MOTE_E_TIMEOUT.
 */
MOTE_API MOTE_NODISCARD mote_status mote_image_run(mote_image *image,
						   const mote_program_options *options,
						   int *exit_status, mote_error *err);

/* One range of a guest's address space, for people and tools. */
typedef struct mote_region_info {
	const char *name;  /* "code", "heap", ...; static */
	uint64_t address;  /* guest virtual address, 0 when the guest has no view of it */
	uint64_t physical; /* guest physical address */
	uint64_t size;     /* bytes */
	bool readable, writable, executable; /* by the guest's own code */
	/* The piece of guest physical memory that it is part of: "firmware", which all sandboxes of
	 * a runtime share and none can write, or "RAM"; in a guest of the hyperlight ABI "snapshot",
	 * which all that began at it share and none can write, though the guest gets a copy of what
	 * it writes to, or "scratch", where these are. NULL if nothing is behind it. Static. */
	const char *slot;
} mote_region_info;

/*
 * Computes where everything would lie in a sandbox of these options, without
 * making one. Calls VISIT for each range in the order of their physical addresses.
 * Errors: as mote_sandbox_new() for options and images that do not fit.
 */
MOTE_API MOTE_NODISCARD mote_status mote_image_layout(
	const mote_image *image, const mote_sandbox_options *options,
	void (*visit)(void *user, const mote_region_info *region), void *user, mote_error *err);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_SANDBOX_H */

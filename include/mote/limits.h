/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/limits.h - every limit of the library: the default where an option chooses, and the most
 * that is possible.
 *
 * An option that is 0 stands for its default. One above its maximum is refused with MOTE_E_INVALID
 * or MOTE_E_LIMIT and a message that names the option, what was asked for, and the maximum. Sizes
 * are in bytes. docs/limits.md has the table: what happens at each limit, and what raises it.
 */
#ifndef MOTE_LIMITS_H
#define MOTE_LIMITS_H

#include <mote/status.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Memory of a sandbox: mote_sandbox_options, mote_program_options. */
#define MOTE_DEFAULT_HEAP_SIZE   (UINT64_C(64) << 20)
#define MOTE_MAX_HEAP_SIZE       (UINT64_C(1) << 40)
#define MOTE_DEFAULT_STACK_SIZE  (UINT64_C(1) << 20)
#define MOTE_MAX_STACK_SIZE      (UINT64_C(1) << 30)
#define MOTE_DEFAULT_INPUT_SIZE  (UINT64_C(128) << 10)
#define MOTE_MAX_INPUT_SIZE      (UINT64_C(64) << 20)
#define MOTE_DEFAULT_OUTPUT_SIZE (UINT64_C(128) << 10)
#define MOTE_MAX_OUTPUT_SIZE     (UINT64_C(64) << 20)
#define MOTE_MAX_BUFFER_SIZE     (UINT64_C(1) << 30)
#define MOTE_MAX_INIT_DATA_SIZE  (UINT64_C(1) << 30)

/* The stack of a program, which may expect what Linux gives: mote_program_options. */
#define MOTE_DEFAULT_PROGRAM_STACK_SIZE (UINT64_C(8) << 20)
#define MOTE_MAX_PROGRAM_STACK_SIZE     (UINT64_C(1) << 30)

/* Of guests of the hyperlight ABI: all that they write. */
#define MOTE_DEFAULT_SCRATCH_SIZE (UINT64_C(288) << 10)
#define MOTE_MAX_SCRATCH_SIZE     (UINT64_C(16777212) << 10)

/* Mapped files: so many a sandbox; and together so many bytes that always fit. */
#define MOTE_DEFAULT_MAPPINGS 32
#define MOTE_MAX_MAPPINGS     32
#define MOTE_MAX_MAPPED_SIZE  (UINT64_C(64) << 30)
#define MOTE_MAX_LABEL_SIZE   63

/* Files of a guest (mote/files.h): directories that it is given, files that it has open, and
 * bytes of memory for what it changes in one directory. */
#define MOTE_MAX_DIRECTORIES         64
#define MOTE_DEFAULT_OPEN_FILES      64
#define MOTE_MAX_OPEN_FILES          1024
#define MOTE_DEFAULT_DIRECTORY_BYTES (UINT64_C(64) << 20)
#define MOTE_MAX_DIRECTORY_BYTES     (UINT64_C(1) << 40)

/* Functions: of the host, that a guest may call; parameters of any; bytes of a name. */
#define MOTE_MAX_HOST_FUNCTIONS 1024
#define MOTE_MAX_PARAMS         11
#define MOTE_MAX_NAME_SIZE      63

/* Images: the file, what it needs in memory, its program headers, and functions that it exports,
 * or imports. */
#define MOTE_MAX_IMAGE_FILE_SIZE (UINT64_C(2) << 30)
#define MOTE_MAX_IMAGE_SIZE      (UINT64_C(4) << 30)
#define MOTE_MAX_SEGMENTS        64
#define MOTE_MAX_EXPORTS         65536

/* Programs: arguments, and variables of the environment. Together they may take a quarter of the
 * stack. */
#define MOTE_MAX_ARGUMENTS 1048576

/* Crashes: frames of a back-trace, and symbols of an image that are looked at. */
#define MOTE_MAX_FRAMES  64
#define MOTE_MAX_SYMBOLS 4194304

/* Sandboxes of a pool. */
#define MOTE_DEFAULT_POOL_MAXIMUM 64
#define MOTE_MAX_POOL_MAXIMUM     65536

/* Snapshots on disk: bytes of a tag, snapshots in a directory, bytes of a file of metadata, and of
 * what such a file becomes in memory while it is read. */
#define MOTE_MAX_TAG_SIZE         128
#define MOTE_MAX_STORED_SNAPSHOTS 16384
#define MOTE_MAX_METADATA_SIZE    (UINT64_C(8) << 20)
#define MOTE_MAX_METADATA_MEMORY  (UINT64_C(256) << 20)

/* What a call may use of its host. main() counts as a call, and so does a program. An exit costs
 * the host time and nothing else, and time has limits of its own: so their number has none by
 * default. */
#define MOTE_NO_LIMIT                 UINT64_MAX
#define MOTE_DEFAULT_MAX_EXITS        MOTE_NO_LIMIT
#define MOTE_DEFAULT_MAX_HOST_CALLS   1000000
#define MOTE_DEFAULT_MAX_OUTPUT_BYTES (UINT64_C(64) << 20)
#define MOTE_DEFAULT_MAX_LOG_LINES    10000
#define MOTE_DEFAULT_MAX_LOG_BYTES    (UINT64_C(1) << 20)

/* A limit on what a call may use, by the option that sets it. */
typedef enum mote_limit {
	MOTE_LIMIT_NONE,
	MOTE_LIMIT_TIMEOUT,      /* timeout_ns of the call */
	MOTE_LIMIT_CPU,          /* cpu_ns of the call */
	MOTE_LIMIT_EXITS,        /* max_exits of the sandbox, as those that follow */
	MOTE_LIMIT_HOST_CALLS,   /* max_host_calls */
	MOTE_LIMIT_OUTPUT_BYTES, /* max_output_bytes */
	MOTE_LIMIT_LOG_LINES,    /* max_log_lines */
	MOTE_LIMIT_LOG_BYTES,    /* max_log_bytes */
} mote_limit;

/* The option of a limit, such as "max_exits"; "none" for MOTE_LIMIT_NONE, "?" for a number that
 * this version does not know. A static string. Any thread. */
MOTE_API const char *mote_limit_name(mote_limit limit);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_LIMITS_H */

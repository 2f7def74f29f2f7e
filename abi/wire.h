/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the messages between host and guest.
 *
 * A call, a result, a log record, and a list of function definitions; FlatBuffers
 * with a size prefix, byte-compatible with the schemas in tests/abi/wire.fbs. Host
 * and guest compile the same source; it is freestanding and allocates nothing.
 *
 * Writing: wire_X_size() first, then wire_X_write() into that many bytes, such as those
 * that io_stack_reserve() gives. It writes forward and never reads the destination,
 * which may be memory that the other side is changing. Sizes are multiples of eight, so
 * elements on a stack stay aligned.
 *
 * Reading: wire_X_read() verifies the whole message, then points *OUT into it. FROM must be a
 * private copy (io_stack_pop() makes one) or trusted, and must outlive OUT. On failure OUT
 * is all zero. Bytes behind the message are ignored.
 *
 * Text that is looked up or handed to programs (names, string values) must be UTF-8
 * without NUL bytes; text for people (error messages, log records) may hold NUL bytes.
 *
 * All functions are pure; any thread.
 */
#ifndef ABI_WIRE_H
#define ABI_WIRE_H

#include <mote/value.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parameters of a call. Longer lists are refused, not cut. */
#define WIRE_MAX_PARAMS 11

/* The longest message. Below 2^31, where verifiers stop, by what they count twice. */
#define WIRE_MAX_SIZE UINT64_C(0x7ffff000)

/*
 * What can be wrong with a message: X(name, sentence). The first eight are those of
 * flatbuf.h, in the same order.
 */
#define WIRE_STATUSES(X)                                                                           \
	X(OK, "the message is sound")                                                              \
	X(OUT_OF_BOUNDS, "an offset or length leads out of the message")                           \
	X(UNALIGNED, "it lies at an offset that its type forbids")                                 \
	X(MISSING, "it is required but absent")                                                    \
	X(NO_NUL, "the string has no NUL behind it")                                               \
	X(NOT_UTF8, "the string is not UTF-8")                                                     \
	X(HALF_UNION, "a union has only one of tag and value")                                     \
	X(TOO_BIG, "the message or what it refers to exceeds 2 GiB")                               \
	X(HAS_NUL, "the string has a NUL byte inside")                                             \
	X(UNKNOWN_TYPE, "the number stands for no type")                                           \
	X(UNKNOWN_KIND, "the number stands for no kind of message")                                \
	X(UNKNOWN_LEVEL, "the number stands for no log level")                                     \
	X(TOO_MANY, "there are more elements than the reader takes")

enum wire_status {
#define WIRE_STATUS_NAME(name, text) WIRE_##name,
	WIRE_STATUSES(WIRE_STATUS_NAME)
#undef WIRE_STATUS_NAME
};

/* The fields that a status can be about: X(name, text). */
#define WIRE_FIELDS(X)                                                                             \
	X(ROOT, "root table")                                                                      \
	X(NAME, "function name")                                                                   \
	X(KIND, "call kind")                                                                       \
	X(RESULT_TYPE, "result type")                                                              \
	X(PARAMS, "parameter list")                                                                \
	X(PARAM, "parameter")                                                                      \
	X(RESULT, "result")                                                                        \
	X(VALUE, "result value")                                                                   \
	X(CODE, "error code")                                                                      \
	X(MESSAGE, "message")                                                                      \
	X(SOURCE, "source")                                                                        \
	X(LEVEL, "level")                                                                          \
	X(CALLER, "caller")                                                                        \
	X(SOURCE_FILE, "source file")                                                              \
	X(LINE, "line")                                                                            \
	X(FUNCTIONS, "function list")

enum wire_field {
#define WIRE_FIELD_NAME(name, text) WIRE_FIELD_##name,
	WIRE_FIELDS(WIRE_FIELD_NAME)
#undef WIRE_FIELD_NAME
};

/* A sentence about STATUS with "it" for the field, and the words for FIELD; for any
 * number at all. Both are static. */
const char *wire_status_text(enum wire_status status);
const char *wire_field_text(enum wire_field field);

/* What reading found. INDEX counts parameters (WIRE_FIELD_PARAM), or functions when a list
 * of those was read, from 0. */
struct wire_check {
	enum wire_status status;
	enum wire_field field;
	uint32_t index;
};

/* A function call: host to guest, or guest to host. */
enum wire_call_kind {
	WIRE_CALL_GUEST = 1, /* a function of the guest */
	WIRE_CALL_HOST = 2,  /* a function of the host */
};

struct wire_call {
	const char *name; /* NUL-terminated when read */
	size_t name_len;
	enum wire_call_kind kind;
	mote_type result;
	size_t nparams;
	mote_value params[WIRE_MAX_PARAMS]; /* only the first NPARAMS are defined */
};

/*
 * The size of the message for CALL, or 0 when it cannot be represented: too many
 * parameters, a parameter of no type, an unknown kind or result type, over
 * WIRE_MAX_SIZE. Text is not checked.
 */
size_t wire_call_size(const struct wire_call *call);

/* Writes CALL to the CAPACITY bytes at TO. Returns its size, or 0 when it is longer than
 * CAPACITY or cannot be represented; then nothing was written. */
size_t wire_call_write(void *to, size_t capacity, const struct wire_call *call);

/* Reads a call from SIZE bytes at FROM. Strings point into FROM. */
struct wire_check wire_call_read(const void *from, size_t size, struct wire_call *out);

/* The error codes that both sides know; others arrive as they are. */
enum wire_code {
	WIRE_CODE_NO_SUCH_FUNCTION = 4,
	WIRE_CODE_PARAM_COUNT = 5,
	WIRE_CODE_UNKNOWN = 8,
	WIRE_CODE_OUT_OF_MEMORY = 13,
	WIRE_CODE_PARAM_TYPE = 14,
	WIRE_CODE_GUEST_ERROR = 15,
	WIRE_CODE_HOST_ERROR = 17,
};

/* What a call came to: a value, or an error. */
struct wire_result {
	bool is_error;
	mote_value value; /* when !is_error */
	uint64_t code;    /* these when is_error */
	const char *message;
	size_t message_len;
};

/* As wire_call_size(), wire_call_write() and wire_call_read(). */
size_t wire_result_size(const struct wire_result *result);
size_t wire_result_write(void *to, size_t capacity, const struct wire_result *result);
struct wire_check wire_result_read(const void *from, size_t size, struct wire_result *out);

/* Log levels on the wire. */
enum wire_level {
	WIRE_LEVEL_TRACE = 0,
	WIRE_LEVEL_DEBUG,
	WIRE_LEVEL_INFO,
	WIRE_LEVEL_WARN,
	WIRE_LEVEL_ERROR,
	WIRE_LEVEL_CRITICAL,
	WIRE_LEVEL_NONE,
};

struct wire_text {
	const char *ptr; /* NUL-terminated when read */
	size_t len;
};

/* A line for the host's log. All four texts must be there, if only empty. */
struct wire_log {
	struct wire_text message;
	struct wire_text source;
	struct wire_text caller;
	struct wire_text source_file;
	enum wire_level level;
	uint32_t line;
};

/* As wire_call_size(), wire_call_write() and wire_call_read(). */
size_t wire_log_size(const struct wire_log *log);
size_t wire_log_write(void *to, size_t capacity, const struct wire_log *log);
struct wire_check wire_log_read(const void *from, size_t size, struct wire_log *out);

/* The definition of a function that the host offers. */
struct wire_function {
	const char *name; /* NUL-terminated when read */
	size_t name_len;
	mote_type result;
	size_t nparams;
	mote_type params[WIRE_MAX_PARAMS];
};

/* The most functions in a list; no verifier takes more than a million tables. */
#define WIRE_MAX_FUNCTIONS 65536

/* As wire_call_size(), for COUNT definitions; the order is kept. */
size_t wire_functions_size(const struct wire_function *functions, size_t count);

/* As wire_call_write(). */
size_t wire_functions_write(void *to, size_t capacity, const struct wire_function *functions,
			    size_t count);

/* Reads a list into the CAPACITY elements at OUT; *COUNT is how many there are, also when
 * they do not fit (WIRE_TOO_MANY), and 0 on other failures. OUT is then undefined. */
struct wire_check wire_functions_read(const void *from, size_t size, struct wire_function *out,
				      size_t capacity, size_t *count);

#endif

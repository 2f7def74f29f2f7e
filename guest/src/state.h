/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what the parts of the guest library share.
 *
 * The library lives in one object file whose only global names are those of
 * mote/guest.h and __wrap_main, so that nothing here can clash with the guest's names.
 * It is built without sanitizers, stack protector or fortified calls and needs of
 * libc only what each has: memcpy and its kin, strlen, getauxval; so the same object
 * serves glibc and musl.
 *
 * There is one thread. A call can end anywhere (mote_guest_fail(), a failing host
 * call): the machine leaves and the next call starts afresh at dispatch, on the
 * stack pointer that was handed over once. So nothing may be half-done across a call
 * of the guest's code.
 */
#ifndef GUEST_STATE_H
#define GUEST_STATE_H

#include "abi/io_stack.h"
#include "abi/mote_abi.h"
#include "abi/wire.h"

#include <mote/guest.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest text that the library itself makes or passes on, with its NUL. */
#define TEXT_SIZE 512

/* The block that the host set up; NULL outside of a sandbox. */
const struct mote_start_block *start_block(void);

/* The buffers. Only inside of a sandbox. */
struct io_stack input_buffer(void);
struct io_stack output_buffer(void);

/* The name of the function that the host called: "" until it is known, NULL before the first
 * call. */
extern const char *current_function;

/* Leaves the machine: operation and operands of enum mote_hypercall. */
uint64_t hypercall(enum mote_hypercall operation, uint64_t a, uint64_t b, uint64_t c);

/* Puts RESULT on the output buffer and ends the call; with an error if there is no room for it.
 * Only while a call is under way. */
_Noreturn void call_end(const struct wire_result *result);

/* Ends the call with an error and a text of LEN bytes of UTF-8, or without a call the program:
 * see mote_guest_fail(). */
_Noreturn void call_fail(uint64_t code, const char *text, size_t len);

/* The same with a text from text_format(). */
_Noreturn void call_fail_format(uint64_t code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Makes the value of TYPE at FROM ready to be sent. What it points at is not copied. Returns NULL,
 * or what is wrong with it ("is NULL"). */
const char *value_to_send(mote_value *to, mote_type type, const struct mote_guest_value *from);

/*
 * Makes spans (abi/mote_abi.h) of those of the N values that lie in a buffer, or are long enough
 * and fit the result buffer, where they are copied to. SPANS, one for each value, must live until
 * the message is written. Returns a bit for each span. After it mote_guest_result_buffer() may give
 * out what the copies lie in.
 */
uint64_t spans_send(mote_value *values, size_t n, struct mote_span *spans);

/* Makes bytes of those of the N values that the host sent as spans, by the bits of WHICH. Returns
 * false if they cannot be spans. */
bool spans_receive(mote_value *values, size_t n, uint64_t which);

/* Takes back all that mote_guest_result_buffer() gave out. */
void spans_reset(void);

/* Releases all that mote_alloc() gave out, but keeps the memory for the calls to come. */
void arena_reset(void);

/*
 * Copies the text FROM, of LEN bytes, to the SIZE bytes at TO: cut between characters where it is
 * too long, terminated, and with '?' for each byte that is not ASCII if it is not UTF-8. Returns
 * its length.
 */
size_t text_copy(char *to, size_t size, const char *from, size_t len);

/* Formats into the SIZE bytes at TO, cut and terminated; knows %s and %lu. Returns the length. Here
 * because printf() is large, and not every guest has it. */
size_t text_format(char *to, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* Where the host's calls begin: RDI is the index of an export record, RSI says which parameters are
 * spans. In entry.S; continues in dispatch(). */
void dispatch_entry(void);
_Noreturn void dispatch(uint64_t index, uint64_t which);

/* The bounds of the section, from the linker; both NULL in a guest without exports. */
extern const struct mote_guest_record __start_mote_exports[]
	__attribute__((weak, visibility("hidden")));
extern const struct mote_guest_record __stop_mote_exports[]
	__attribute__((weak, visibility("hidden")));

/* The export that a call is for: the host gave its index, and the message has its name. Ends the
 * call if there is none. */
const struct mote_guest_record *export_find(uint64_t index, const char *name);

/* Runs the functions of mote_guest_on_restore() if memory was restored since they last ran. Only
 * while a call is under way. */
void restore_notice(void);

/* Remembers the floating-point control words, and puts the unit into that state. */
void fpu_save(void);
void fpu_restore(void);

/* Fresh memory of SIZE bytes, whole pages, that nobody gives back; NULL if there is none. */
void *memory_take(size_t size);

/* Ends the program with a message of LEN bytes, while no call is under way. */
_Noreturn void program_end(const char *text, size_t len);

/* The same at any time, with a code for the host. */
_Noreturn void program_abort(uint8_t code, const char *text, size_t len);

/* Shows TEXT to whoever runs the program outside of a sandbox. */
void program_print(const char *text, size_t len);

/* Whether a line of LEVEL is to go to the host at all. */
bool log_is_wanted(mote_log_level level);

#endif

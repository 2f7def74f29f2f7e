/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - guest text made fit for people's eyes.
 *
 * Text from a guest may hold terminal escapes, line breaks that forge log lines,
 * or bytes that are no UTF-8. Everything of a guest that ends up in an error or a
 * log line goes through here. Pure functions; any thread.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes SIZE bytes of TEXT to OUT, at most CAPACITY bytes with the final NUL,
 * cut at a whole character. Control characters (C0, DEL, C1) and bytes that are not
 * UTF-8 become \xNN, a backslash \\. Returns the length without the NUL.
 */
size_t text_escape(char *out, size_t capacity, const char *text, size_t size);

/* The length (1 to 4) of the well-formed UTF-8 character at TEXT, of which SIZE
 * bytes remain, or 0. Overlong forms and surrogates are not well-formed. */
size_t text_utf8_length(const char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terminal.h - text of a guest on its way to a person.
 *
 * A guest may write escape sequences that retitle a terminal, forge lines, or worse. To a
 * terminal such text goes with its control characters made visible; to a file or pipe it goes as
 * it is.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stddef.h>
#include <stdio.h>

/* The length of the character at TEXT, of which SIZE bytes remain, if it is whole UTF-8 and no
 * control character but a line end or a tab; else 0. */
size_t terminal_harmless(const char *text, size_t size);

/* Writes SIZE bytes of foreign TEXT to TO, harmless if that is a terminal. */
void terminal_write(FILE *to, const char *text, size_t size);

/* The same, harmless whatever TO is: bytes of other characters become \xNN. */
void terminal_escape(FILE *to, const char *text, size_t size);

#endif

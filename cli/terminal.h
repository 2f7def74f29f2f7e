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

/* Writes SIZE bytes of foreign TEXT to TO, harmless if that is a terminal. */
void terminal_write(FILE *to, const char *text, size_t size);

/* The same, harmless whatever TO is. Line ends and tabs remain; other control characters, and
 * bytes that are no UTF-8 begin or continuation, become \xNN. */
void terminal_escape(FILE *to, const char *text, size_t size);

#endif

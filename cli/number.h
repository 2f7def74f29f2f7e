/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.h - whole numbers from words, without the surprises of strtoul(): no leading
 * space, no octal, no sign that wraps around, no overflow that goes unseen.
 */
#ifndef CLI_NUMBER_H
#define CLI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Reads decimal digits, or hexadecimal ones behind 0x, at TEXT. Returns what follows them, or
 * NULL when there are none or they do not fit 64 bits. */
const char *number_scan(const char *text, uint64_t *value);

/* All of TEXT as a signed number from MIN to MAX, with a '-' or without. */
bool number_signed(const char *text, int64_t min, int64_t max, int64_t *value);

/* All of TEXT as a number from 0 to MAX. */
bool number_unsigned(const char *text, uint64_t max, uint64_t *value);

#endif

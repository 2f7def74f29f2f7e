/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - whether bytes are text.
 *
 * Both sides check every string that crosses the boundary with this one function:
 * the host what guests wrote, the guest library what the host sent, and the API
 * what a program passes in. Pure; any thread; reads exactly SIZE bytes.
 */
#ifndef ABI_UTF8_H
#define ABI_UTF8_H

#include <stddef.h>

enum utf8_verdict {
	UTF8_TEXT = 0,  /* well-formed, and no byte is NUL */
	UTF8_WITH_NUL,  /* well-formed, but a C string would end early */
	UTF8_MALFORMED, /* overlong forms, surrogates and values over U+10FFFF included */
};

/* Judges the SIZE bytes at TEXT; TEXT may be NULL when SIZE is 0. */
enum utf8_verdict utf8_check(const void *text, size_t size);

#endif

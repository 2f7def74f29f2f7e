/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h for clang's analyzer alone (tools/check-tidy puts it in front of the real one): it sees
 * one file at a time, and would follow the path on which a failure returns MOTE_OK.
 */
#ifndef ANALYZER_BASE_ERROR_H
#define ANALYZER_BASE_ERROR_H

#include_next "base/error.h"

/* The functions return the code they are given; error_os() picks one of two. */
#define error_set(err, code, ...)    ((void)error_set(err, code, __VA_ARGS__), code)
#define error_os(err, os_error, ...) ((void)error_os(err, os_error, __VA_ARGS__), MOTE_E_OS)
#define error_nomem(err, what, size) ((void)error_nomem(err, what, size), MOTE_E_NOMEM)

#endif

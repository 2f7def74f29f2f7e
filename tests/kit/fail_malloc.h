/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail_malloc.h - allocations of the libraries that a program uses, as operations of fail.h.
 *
 * A program that is linked with fail_malloc.c has malloc(), calloc() and realloc() of its own. Those
 * that other libraries call are operations named "malloc", which fail when their turn comes; the
 * program's own code, and with it the library's, which allocates by its struct host, is let pass.
 */
#ifndef KIT_FAIL_MALLOC_H
#define KIT_FAIL_MALLOC_H

#include <stdbool.h>

/* Whether to count, from now on. A program begins without. */
void fail_malloc_count(bool is_counted);

#endif

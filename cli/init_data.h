/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init_data.h - init data for guests, from the word of --data: FILE[:RIGHTS].
 */
#ifndef CLI_INIT_DATA_H
#define CLI_INIT_DATA_H

#include <mote/sandbox.h>

/*
 * Reads the file that WORD names into OPTIONS, with its rights: r, rw or rx behind the last colon,
 * or r alone where there are none. WORD may be NULL: nothing is done. The bytes are to be freed by
 * init_data_free() when no sandbox is to be made any more, also after a failure.
 */
mote_status init_data_read(mote_sandbox_options *options, const char *word, mote_error *err);

/* Frees what init_data_read() has put into OPTIONS. */
void init_data_free(mote_sandbox_options *options);

#endif

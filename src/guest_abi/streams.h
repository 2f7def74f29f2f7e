/* SPDX-License-Identifier: Apache-2.0 */
/*
 * streams.h - the three streams that a guest begins with: an input that the embedder gave, and two
 * outputs that go to its callback or, line by line, to the log.
 *
 * Threads: as its sandbox.
 */
#ifndef GUEST_ABI_STREAMS_H
#define GUEST_ABI_STREAMS_H

#include "guest_abi/account.h"

#include <mote/sandbox.h>

#define STREAMS_LINE_SIZE 512

/* One of the guest's two output streams, gathered into lines for the log. */
struct output_line {
	size_t used;
	char text[STREAMS_LINE_SIZE];
};

struct streams {
	const struct host *host;
	struct account *account;
	mote_output_fn output; /* NULL: lines for the log */
	void *output_user;
	unsigned pipes; /* as in mote_program_options */
	struct output_line lines[2];
	struct {
		const char *bytes; /* what is left of standard input; the embedder's */
		size_t size;
	} input;
};

/* Takes at most SIZE bytes of the input, and returns how many; 0 at its end. */
size_t streams_read(struct streams *streams, void *to, size_t size);

/* Gives the SIZE bytes of the input back that were taken last. */
void streams_unread(struct streams *streams, size_t size);

/* SIZE bytes for STREAM, 1 or 2. What is over the account's limit goes nowhere. */
void streams_write(struct streams *streams, unsigned stream, const char *text, size_t size);

/* Sends what was printed without a line end yet to the log. */
void streams_flush(struct streams *streams);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness.h - tests that run guests, on every backend and in every build of a guest.
 *
 * A test program has a table of rows and hands it to harness_main(). Each row becomes one
 * test a backend, named "row [kvm]"; a backend that this machine lacks makes a skip that
 * says why. The row's function is called once for each variant of its guest that was built
 * (glibc, glibc-pie, musl), with a fresh sandbox.
 *
 * Guests are files named GUEST-VARIANT in the folder that the environment variable
 * MOTE_TEST_GUESTS names. MOTE_TEST_BACKEND, if set, is the only backend that is tried, and
 * MOTE_TEST_VARIANT the only variant, for tests of what does not depend on it. For
 * machines that are emulated, MOTE_TEST_QUICK makes do with one variant and fewer rounds.
 */
#ifndef TESTS_INTEGRATION_HARNESS_H
#define TESTS_INTEGRATION_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <mote/mote.h>

/* What a guest and the library said while a row ran. */
struct capture {
	char log[16384]; /* lines "host: ..." and "guest: ...", each with a line end */
	size_t log_size;
};

struct guest {
	const char *backend;
	const char *path;
	char where[640]; /* "kvm, echo-musl", for messages */
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb; /* NULL if the row has no_sandbox */
	mote_error err;   /* for the row's calls */
	struct capture *capture;
	bool is_skipped;
};

struct row {
	const char *name;
	const char *guest; /* "echo" */
	void (*test)(struct guest *guest);
	/* For sandboxes: NULL, or the options to make them with. Each restore is audited. */
	const mote_sandbox_options *options;
	bool no_sandbox; /* the row makes its own, or none */
};

/* Runs all rows; returns what main() is to return. */
int harness_main(const struct row *rows, size_t count);

/* Ends the row without a verdict, and says WHY. Does not return. */
_Noreturn void skip_row(struct guest *guest, const char *why);

/* Skips the test, with the reason, when the backend does not work here or is not wanted. */
void require_backend(const char *name);

/* How many of N rounds to do: all, or in a quick run a tenth. */
unsigned rounds(unsigned n);

/* Fails the test when STATUS is not WANT, with the message of guest->err. */
#define EXPECT_STATUS(guest, status, want) expect_status(guest, status, want, __FILE__, __LINE__)
void expect_status(struct guest *guest, mote_status status, mote_status want, const char *file,
		   int line);

/* Fails the test unless the message of guest->err contains TEXT. */
#define EXPECT_MESSAGE(guest, text) expect_message(guest, text, __FILE__, __LINE__)
void expect_message(struct guest *guest, const char *text, const char *file, int line);

/* A call that must succeed; its result. */
#define CALL(guest, ...) call_well(guest, __FILE__, __LINE__, __VA_ARGS__)
mote_value call_well(struct guest *guest, const char *file, int line, const char *function,
		     const mote_value *args, size_t nargs);

/* A call that must fail with WANT and a message that contains TEXT. */
#define CALL_FAILS(guest, want, text, ...)                                                         \
	call_badly(guest, __FILE__, __LINE__, want, text, __VA_ARGS__)
void call_badly(struct guest *guest, const char *file, int line, mote_status want, const char *text,
		const char *function, const mote_value *args, size_t nargs);

#endif

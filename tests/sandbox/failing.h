/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failing.h - scenarios on a host that fails.
 *
 * A scenario is a step from a stage of a life (life.h) on. It is run once for each of its
 * operations and each way to fail, on each backend; and after each run once more, with nothing
 * failing. Whatever fails must end in an error with a message or be benign, poison the sandbox or
 * leave it as it was, and leave nothing behind.
 */
#ifndef SANDBOX_FAILING_H
#define SANDBOX_FAILING_H

#include "sandbox/life.h"

#define SCENARIOS_MAX 32

struct scenario {
	const char *name;
	const char *guest;
	enum stage from; /* what there is before operations fail */
	mote_status (*step)(struct life *life, mote_error *err);
	mote_status want; /* of STEP, if nothing fails */
	struct {
		const char *const *benign; /* operations whose failure may go unnoticed; NULL: all */
		unsigned least;            /* operations there must be */
	} kvm, process;                    /* all zero: the guest does not run there */
};

/* The body of main() of a program with such tests; COUNT up to SCENARIOS_MAX. */
int failing_main(const struct scenario *scenarios, size_t count);

#endif

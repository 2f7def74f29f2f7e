/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exports.h - what the guest's and the host's side of these tests share besides calls.
 */
#ifndef TESTS_GUEST_EXPORTS_H
#define TESTS_GUEST_EXPORTS_H

/* What the guest's functions saw, for what a result cannot say. */
struct seen {
	unsigned calls;
	const void *pointer;
};
extern struct seen seen;

/* Uses of the library while no call is under way. */
void native_log(void);
void native_host_call(void);
void native_fail(void);
void native_abort(void);

#endif

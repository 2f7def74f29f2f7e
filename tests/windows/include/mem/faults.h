/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.h - seeing a memory access fault, on Windows: a handler that sees it first takes the
 * thread back to where it was before.
 */
#ifndef TESTS_WINDOWS_FAULTS_H
#define TESTS_WINDOWS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>
#include <windows.h>

enum access { ACCESS_READ, ACCESS_WRITE };

static struct {
	volatile uint8_t *at;
	CONTEXT before;
	volatile bool seen;
} fault;

static inline LONG CALLBACK fault_see(EXCEPTION_POINTERS *exception)
{
	const EXCEPTION_RECORD *record = exception->ExceptionRecord;

	if (record->ExceptionCode != EXCEPTION_ACCESS_VIOLATION ||
	    record->ExceptionInformation[1] != (ULONG_PTR)fault.at)
		return EXCEPTION_CONTINUE_SEARCH;
	fault.seen = true;
	*exception->ContextRecord = fault.before;
	return EXCEPTION_CONTINUE_EXECUTION;
}

/* Whether ACCESS to the byte at AT is an access violation. One thread at a time. */
static inline bool faults(volatile uint8_t *at, enum access access)
{
	void *handler = AddVectoredExceptionHandler(1, fault_see);

	fault.at = at;
	fault.seen = false;
	RtlCaptureContext(&fault.before);
	if (!fault.seen) {
		if (access == ACCESS_WRITE)
			*at = 1;
		else
			(void)*at;
	}
	RemoveVectoredExceptionHandler(handler);
	return fault.seen;
}

#endif

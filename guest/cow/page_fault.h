/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_fault.h - copy-on-write inside the guest: the handler of vector 14 of a guest
 * that runs in ring 0 on a read-only snapshot.
 *
 * To use it, before the first write to a copy-on-write page:
 *  - vector 14 leads to cow_page_fault_entry by an interrupt gate;
 *  - the gate has a stack of its own (IST) that no fault can hit: the top of scratch,
 *    SCRATCH_EXCEPTION_STACK;
 *  - CR0.WP is set, and code and constants of this module are mapped.
 *
 * The first write to a copy-on-write page takes a page of scratch, copies, and maps it
 * writable, with the same right to execute. Tables that still lie in the snapshot move to
 * scratch on the way, the root too. Anything else that faults ends the guest with a message to
 * the host: code SCRATCH_ABORT_EXCEPTION, vector 14, and a text with the address. One vCPU.
 *
 * No general register but those that the interrupted code gets back is touched, and no other kind
 * at all: the code in here is compiled without SSE.
 */
#ifndef GUEST_COW_PAGE_FAULT_H
#define GUEST_COW_PAGE_FAULT_H

#include <stdint.h>

/* What vector 14 leads to. Not to be called. */
void cow_page_fault_entry(void);

/* Makes the write to ADDRESS possible or ends the guest. ERROR_CODE is the processor's, RIP the
 * instruction's. Called by the entry; by a guest with an entry of its own in its place. */
void cow_page_fault(uint64_t address, uint64_t error_code, uint64_t rip);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping a call from another thread. No locks, so that a signal handler may do it too.
 */
#include "sandbox/interrupt.h"

#include "sandbox/sandbox.h"

mote_interrupt *mote_interrupt_of(mote_sandbox *sb)
{
	if (!sb->interrupt) {
		sb->interrupt = host_alloc(&sb->rt->host, sizeof *sb->interrupt);
		if (!sb->interrupt)
			return NULL;
		sb->interrupt->host = &sb->rt->host;
		atomic_init(&sb->interrupt->nrefs, 1);
		atomic_init(&sb->interrupt->state, INTERRUPT_IDLE);
	}
	atomic_fetch_add_explicit(&sb->interrupt->nrefs, 1, memory_order_relaxed);
	return sb->interrupt;
}

bool mote_interrupt_kill(mote_interrupt *interrupt)
{
	unsigned state = INTERRUPT_RUNNING;

	if (!atomic_compare_exchange_strong(&interrupt->state, &state, INTERRUPT_KICKING))
		return false;
	interrupt->vm->ops->kick(interrupt->vm);
	atomic_store(&interrupt->state, INTERRUPT_CANCELED);
	return true;
}

void mote_interrupt_unref(mote_interrupt *interrupt)
{
	if (!interrupt ||
	    atomic_fetch_sub_explicit(&interrupt->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	host_free(interrupt->host, interrupt, sizeof *interrupt);
}

bool interrupt_is_wanted(const struct mote_interrupt *interrupt)
{
	return interrupt && atomic_load_explicit(&interrupt->nrefs, memory_order_relaxed) > 1;
}

void interrupt_begin(struct mote_interrupt *interrupt, struct hv_vm *vm)
{
	interrupt->vm = vm;
	atomic_store(&interrupt->state, INTERRUPT_RUNNING);
}

bool interrupt_is_canceled(const struct mote_interrupt *interrupt)
{
	const unsigned state = atomic_load(&interrupt->state);

	return state == INTERRUPT_KICKING || state == INTERRUPT_CANCELED;
}

/* A kick takes a microsecond, unless the killer loses its processor: then it gets ours. */
static void await_kick(struct mote_interrupt *interrupt)
{
	enum { SPINS = 1000 };

	for (int i = 0; atomic_load(&interrupt->state) == INTERRUPT_KICKING; i++)
		if (i >= SPINS)
			interrupt->host->sys->poll(NULL, 0, 1);
}

bool interrupt_end(struct mote_interrupt *interrupt)
{
	unsigned state = INTERRUPT_RUNNING;

	if (atomic_compare_exchange_strong(&interrupt->state, &state, INTERRUPT_IDLE) ||
	    state == INTERRUPT_IDLE)
		return false;
	/* the thread that kicks is not there in a forked copy */
	if (!host_is_forked(interrupt->host))
		await_kick(interrupt);
	atomic_store(&interrupt->state, INTERRUPT_IDLE);
	return true;
}

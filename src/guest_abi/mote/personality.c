/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a guest's system call apart, serves it from the table, and puts the result
 * back. The table is syscalls.def: what has no handler there answers ENOSYS.
 */
#include "guest_abi/mote/syscall_names.h"
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <inttypes.h>

/* What serves a call: its place in the list of handlers; 0: nothing does. */
enum {
	SERVED_BY_NOTHING,
#define SERVED(number, name, handler, how)   SERVES_##name,
#define DECLINED(number, name, handler, why) SERVES_##name,
#define REFUSED(number, name, why)
#include "guest_abi/mote/syscalls.def"
	NHANDLERS
};
_Static_assert(NHANDLERS <= UINT8_MAX, "the list of handlers is indexed by bytes");

static const uint8_t served_by[PERSONALITY_SYSCALL_END] = {
#define SERVED(number, name, handler, how)   [number] = SERVES_##name,
#define DECLINED(number, name, handler, why) [number] = SERVES_##name,
#define REFUSED(number, name, why)
#include "guest_abi/mote/syscalls.def"
};

static const syscall_handler handlers[NHANDLERS] = {
#define SERVED(number, name, handler, how)   [SERVES_##name] = handler,
#define DECLINED(number, name, handler, why) [SERVES_##name] = handler,
#define REFUSED(number, name, why)
#include "guest_abi/mote/syscalls.def"
};

int64_t syscall_copy_in(struct personality *p, void *to, uint64_t address, size_t size)
{
	return guest_memory_read(p->memory, address, to, size, REGION_READ, NULL) ? -EFAULT : 0;
}

int64_t syscall_copy_out(struct personality *p, uint64_t address, const void *from, size_t size)
{
	return guest_memory_write(p->memory, address, from, size, REGION_WRITE, NULL) ? -EFAULT : 0;
}

/* Not served. Said once a number, so that a guest cannot fill the log with it. */
static int64_t refuse(struct personality *p, uint64_t number)
{
	uint64_t slot = number < PERSONALITY_SYSCALL_END ? number : PERSONALITY_SYSCALL_END - 1;
	const char *name = syscall_name(number);

	if (!p->refused[slot])
		host_log(p->host, MOTE_LOG_INFO,
			 "guest made system call %" PRIu64 "%s%s%s, which is not served: ENOSYS",
			 number, name ? " (" : "", name ? name : "", name ? ")" : "");
	if (p->refused[slot] < UINT16_MAX)
		p->refused[slot]++;
	return -ENOSYS;
}

void personality_reset(struct personality *p, const struct signals *signals)
{
	p->state = PROGRAM_RUNNING;
	p->exit_status = 0;
	p->end_signal = 0;
	p->wait = (struct waiting){ 0 };
	p->timer = (struct guest_timer){ 0 };
	p->queued.signal = 0;
	signals_copy(&p->signals, signals);
}

void personality_syscall(struct personality *p)
{
	const struct hv_regs *regs = p->machine->vm->regs;
	const uint64_t args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
	const uint64_t number = regs->rax;
	syscall_handler handler =
		number < PERSONALITY_SYSCALL_END ? handlers[served_by[number]] : NULL;

	p->account->system_calls++;
	int64_t result = handler ? handler(p, args) : refuse(p, number);
	/* the embedder's output function may have forked: registers are shared with the kernel */
	if (p->state != PROGRAM_RUNNING || host_is_forked(p->host))
		return;
	if (!p->is_resumed)
		machine_return(p->machine, (uint64_t)result);
	if (!p->wait.until && (p->signals.pending & ~p->signals.mask)) {
		const struct hv_regs now = p->is_resumed ? *regs : machine_syscall_regs(p->machine);
		signals_deliver(p, &now);
	}
	p->is_resumed = false;
}

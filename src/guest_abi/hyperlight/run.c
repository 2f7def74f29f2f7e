/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls, and what the exits of a guest's machine mean. A guest leaves by writing to ports; all else
 * ends it.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define RFLAGS_FIXED UINT64_C(2)
#define RFLAGS_ZERO  UINT64_C(0x40)

#define VECTOR_PAGE_FAULT 14

mote_status hyperlight_call(struct guest *base, uint64_t export_number, uint64_t spans,
			    mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;

	(void)export_number;
	(void)spans;
	*guest->vm->regs = (struct hv_regs){
		.rip = guest->dispatch,
		.rsp = guest->stack,
		.rflags = RFLAGS_FIXED | (guest->wants_flush ? RFLAGS_ZERO : 0),
	};
	guest->vm->regs_changed = true;
	guest->wants_flush = false;
	guest->is_idle = false;
	guest->abort.size = 0;
	return guest->has_run ? guest->system->clear_vectors(guest->vm, err) : MOTE_OK;
}

static void end(struct hyperlight_guest *guest, struct guest_event *event, mote_status status,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The guest cannot go on, in words of ours. */
static void end(struct hyperlight_guest *guest, struct guest_event *event, mote_status status,
		const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	guest_event_end(event, status, guest->text, sizeof guest->text, format, arguments);
	va_end(arguments);
	event->pc = hyperlight_stopped(&guest->guest).rip;
	event->is_at_pc = status == MOTE_E_GUEST_FAULT;
	event->signal = event->is_at_pc ? SIGSEGV : 0;
}

/* UTF-8 for CHARACTER; 0 bytes if it is none. */
static size_t encode(uint32_t character, char to[4])
{
	if (character < 0x80) {
		to[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		to[0] = (char)(0xc0 | character >> 6);
		to[1] = (char)(0x80 | (character & 0x3f));
		return 2;
	}
	if (character < 0x10000) {
		to[0] = (char)(0xe0 | character >> 12);
		to[1] = (char)(0x80 | (character >> 6 & 0x3f));
		to[2] = (char)(0x80 | (character & 0x3f));
		return character < 0xd800 || character > 0xdfff ? 3 : 0;
	}
	to[0] = (char)(0xf0 | (character >> 18 & 7));
	to[1] = (char)(0x80 | (character >> 12 & 0x3f));
	to[2] = (char)(0x80 | (character >> 6 & 0x3f));
	to[3] = (char)(0x80 | (character & 0x3f));
	return character <= 0x10ffff ? 4 : 0;
}

static void print(struct hyperlight_guest *guest, uint32_t character, struct guest_event *event)
{
	const size_t size = encode(character, guest->text);

	if (size == 0) {
		end(guest, event, MOTE_E_GUEST_PROTOCOL,
		    "the guest printed 0x%" PRIx32 ", which is no character", character);
		return;
	}
	*event = (struct guest_event){
		.kind = GUEST_OUTPUT, .stream = 2, .text = guest->text, .text_size = size
	};
}

/* The end of a call, or of the start: then the guest says where calls begin. */
static void halt(struct hyperlight_guest *guest, struct guest_event *event)
{
	const struct hv_regs *regs = guest->vm->regs;

	*event = (struct guest_event){ .kind = GUEST_DONE };
	if (guest->is_ready) {
		guest->is_idle = true;
		return;
	}
	if (regs->rsp % 16) {
		end(guest, event, MOTE_E_GUEST_PROTOCOL,
		    "the guest is ready with stack pointer 0x%" PRIx64
		    ", which is no multiple of 16",
		    regs->rsp);
		return;
	}
	guest->is_ready = true;
	guest->is_idle = true;
	guest->dispatch = regs->rax;
	guest->stack = regs->rsp;
	event->kind = GUEST_READY;
}

/* The guest gives up by itself; for an exception it says where that was, and so does its stack. */
static bool take_abort(struct hyperlight_guest *guest, uint32_t dword, struct guest_event *event)
{
	struct hv_system system;

	if (!hyperlight_abort_take(&guest->abort, dword, event))
		return false;
	event->pc = hyperlight_stopped(&guest->guest).rip;
	if (guest->abort.vector == VECTOR_PAGE_FAULT) {
		guest->system->get(guest->vm, &system);
		event->address = system.cr2;
	}
	return true;
}

/* False: the guest goes on, and nothing happened that anybody must see. */
static bool decode_port(struct hyperlight_guest *guest, const struct hv_exit *exit,
			struct guest_event *event)
{
	*event = (struct guest_event){ .kind = GUEST_LOG };
	if (!exit->u.port.is_write) {
		end(guest, event, MOTE_E_GUEST_PROTOCOL,
		    "the guest read port 0x%x; guests of its ABI only write to ports",
		    exit->u.port.port);
		return true;
	}
	switch (exit->u.port.port) {
	case HYPERLIGHT_PORT_LOG:
		return true;
	case HYPERLIGHT_PORT_CALL:
		event->kind = GUEST_HOST_CALL;
		return true;
	case HYPERLIGHT_PORT_PRINT:
		print(guest, exit->u.port.value, event);
		return true;
	case SCRATCH_PORT_ABORT:
		return take_abort(guest, exit->u.port.value, event);
	case SCRATCH_PORT_HALT:
		halt(guest, event);
		return true;
	default:
		end(guest, event, MOTE_E_GUEST_PROTOCOL,
		    "the guest wrote to port 0x%x, which means nothing", exit->u.port.port);
		return true;
	}
}

static bool decode(struct hyperlight_guest *guest, const struct hv_exit *exit,
		   struct guest_event *event)
{
	switch (exit->kind) {
	case HV_EXIT_PORT:
		return decode_port(guest, exit, event);
	case HV_EXIT_HALT:
		halt(guest, event);
		return true;
	case HV_EXIT_INTERRUPTED:
		*event = (struct guest_event){ .kind = GUEST_INTERRUPTED };
		return true;
	case HV_EXIT_MMIO:
		end(guest, event, MOTE_E_GUEST_FAULT,
		    "the guest %s physical address 0x%" PRIx64 ", where it may not",
		    exit->u.mmio.is_write ? "wrote to" : "read", exit->u.mmio.gpa);
		event->address = exit->u.mmio.gpa;
		return true;
	case HV_EXIT_SHUTDOWN:
		end(guest, event, MOTE_E_GUEST_FAULT,
		    "an exception while the guest's own handler "
		    "of exceptions began (triple fault)");
		return true;
	case HV_EXIT_UNSUPPORTED:
		end(guest, event, MOTE_E_GUEST_FAULT,
		    "an instruction that the hypervisor does not run in ring 0 (%" PRIu64
		    "); some need -mgeneral-regs-only",
		    exit->u.detail);
		event->signal = SIGILL;
		return true;
	case HV_EXIT_NO_MEMORY:
		end(guest, event, MOTE_E_GUEST_FAULT,
		    "the guest used a page that is no longer in "
		    "a mapped file, because that was cut");
		event->signal = SIGBUS;
		return true;
	default:
		end(guest, event, MOTE_E_GUEST_FAULT, "the guest's machine stopped (%d)",
		    (int)exit->kind);
		return true;
	}
}

mote_status hyperlight_run(struct guest *base, struct guest_event *event, mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;

	for (;;) {
		struct hv_exit exit = { .kind = HV_EXIT_DIED };
		mote_status status = shared_mem_run_begin(guest->scratch, err);

		if (status)
			return status;
		guest->has_run = true;
		status = guest->hv->ops->run(guest->vm, &exit, err);
		shared_mem_run_end(guest->scratch);
		guest->is_broken = status != MOTE_OK;
		/* if the machine stopped for a reason of its own, ring 0 can be that */
		if (status && exit.kind == HV_EXIT_DIED)
			return status;
		if (exit.kind != HV_EXIT_INTERRUPTED && !account_exit(guest->account)) {
			*event = (struct guest_event){ .kind = GUEST_LIMIT };
			return MOTE_OK;
		}
		if (decode(guest, &exit, event))
			return MOTE_OK;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run loop: from the moment a guest starts until it is ready for calls, done with
 * one, or ended. Everything a guest can do on the way is an event here, and every
 * event that no guest may cause ends in a poisoned sandbox.
 */
#include "sandbox/crash.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

mote_status sandbox_poison(mote_sandbox *sb, mote_status status, const mote_error *err)
{
	sb->is_poisoned = true;
	snprintf(sb->poison, sizeof sb->poison, "%s",
		 err ? err->message : mote_status_name(status));
	if (sb->crashed && mote_status_class(status) == MOTE_CLASS_POISON)
		sb->crashed(sb->crashed_user, sb, status);
	return status;
}

mote_status sandbox_bad_message(const char *what, struct wire_check check, mote_error *err)
{
	return error_set(err, MOTE_E_GUEST_PROTOCOL,
			 "the guest sent a malformed %s: %s %" PRIu32 ": %s", what,
			 wire_field_text(check.field), check.index, wire_status_text(check.status));
}

size_t sandbox_pop(mote_sandbox *sb, const char *what, mote_error *err)
{
	struct io_stack output = sb->guest->abi->output(sb->guest);
	struct io_fault fault;
	uint64_t size = io_stack_pop(&output, sb->message, sb->message_capacity, &fault);
	sb->account.bytes_out += size;
	if (!size)
		error_set(err, MOTE_E_GUEST_PROTOCOL,
			  "the guest's output buffer holds no %s: %s is 0x%" PRIx64
			  ", outside of 0x%" PRIx64 "..0x%" PRIx64,
			  what, io_status_text(fault.status), fault.found, fault.low, fault.high);
	return (size_t)size;
}

static mote_log_level log_level(enum wire_level level)
{
	static const mote_log_level levels[] = {
		[WIRE_LEVEL_TRACE] = MOTE_LOG_TRACE, [WIRE_LEVEL_DEBUG] = MOTE_LOG_DEBUG,
		[WIRE_LEVEL_INFO] = MOTE_LOG_INFO,   [WIRE_LEVEL_WARN] = MOTE_LOG_WARN,
		[WIRE_LEVEL_ERROR] = MOTE_LOG_ERROR, [WIRE_LEVEL_CRITICAL] = MOTE_LOG_ERROR,
		[WIRE_LEVEL_NONE] = MOTE_LOG_TRACE,
	};
	return levels[level];
}

static mote_status serve_log(mote_sandbox *sb, mote_error *err)
{
	struct wire_log log;
	size_t size = sandbox_pop(sb, "log record", err);
	if (!size)
		return MOTE_E_GUEST_PROTOCOL;
	struct wire_check check = wire_log_read(sb->message, size, &log);
	if (check.status)
		return sandbox_bad_message("log record", check, err);
	account_log(&sb->account, &sb->rt->host, log_level(log.level), log.message.ptr,
		    log.message.len);
	return runtime_check_fork(sb->rt, err);
}

static mote_status ended(mote_sandbox *sb, const struct guest_event *event, mote_error *err)
{
	char text[MOTE_ERROR_MESSAGE_SIZE], place[BACKTRACE_TEXT_SIZE];

	text_escape(text, sizeof text, event->text, event->text_size);
	sb->fault.signal = event->signal;
	sb->fault.address = event->address;
	if (event->is_at_pc) {
		crash_describe(sb, event->pc, place);
		error_set(err, event->status, "%s, %s", text, place);
	} else {
		error_set(err, event->status, "%s", text);
	}
	err->guest_pc = event->pc;
	err->guest_address = event->address;
	err->guest_code = event->code;
	return event->status;
}

/* Whether the run is over; *STATUS then says how. */
static bool serve(mote_sandbox *sb, const struct guest_event *event, enum run_end *end,
		  mote_status *status, mote_error *err)
{
	switch (event->kind) {
	case GUEST_READY:
		*end = RUN_READY;
		return true;
	case GUEST_DONE:
		*end = RUN_DONE;
		sb->done_spans = event->spans;
		return true;
	case GUEST_EXIT:
		*end = RUN_EXIT;
		sb->exit_status = (int)event->code;
		return true;
	case GUEST_HOST_CALL:
		*status = sandbox_host_call(sb, event, err);
		break;
	case GUEST_LOG:
		*status = serve_log(sb, err);
		break;
	case GUEST_OUTPUT:
		streams_write(&sb->streams, (unsigned)event->stream, event->text, event->text_size);
		*status = account_check(&sb->account, err);
		break;
	case GUEST_TIMER:
		*status = stop_add_timer(sb, err);
		break;
	case GUEST_SLEEP:
		*status = stop_wait(sb, event->until, err);
		break;
	case GUEST_INTERRUPTED:
		*status = stop_check(sb, err);
		break; /* or a signal of the embedder's; go on */
	case GUEST_LIMIT:
		*status = account_check(&sb->account, err);
		break;
	case GUEST_ENDED:
		/* stopping a guest can cost its process */
		*status = event->is_gone ? stop_check(sb, err) : MOTE_OK;
		if (!*status)
			*status = ended(sb, event, err);
		break;
	}
	return *status != MOTE_OK;
}

static mote_status run_until_end(mote_sandbox *sb, enum run_end *end, mote_error *err)
{
	const struct guest_abi *abi = sb->guest->abi;
	struct guest_event event;
	mote_status status;

	do {
		status = runtime_check_fork(sb->rt, err);
		if (!status)
			status = abi->run(sb->guest, &event, err);
	} while (!status && !serve(sb, &event, end, &status, err));
	return status;
}

mote_status sandbox_run(mote_sandbox *sb, const struct time_limits *limits, enum run_end *end,
			mote_error *err)
{
	mote_error local;
	if (!err)
		err = &local;
	sb->time = limits ? *limits : (struct time_limits){ 0 };
	mote_status status = stop_begin(sb, err);
	if (status) {
		if (sb->function)
			error_prefix(err, "call \"%s\": ", sb->function);
		return status;
	}
	sb->is_running = true;
	status = stop_end(sb, run_until_end(sb, end, err), err);
	sb->is_running = false;
	streams_flush(&sb->streams);
	account_end(&sb->account, &sb->rt->host);
	if (!status)
		return MOTE_OK;
	if (sb->function)
		error_prefix(err, "call \"%s\": ", sb->function);
	return sandbox_poison(sb, status, err);
}

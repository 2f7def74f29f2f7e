/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a guest stood: the public functions of mote/crash.h. A sandbox that is poisoned keeps its
 * registers and memory until it is restored, so that nothing is copied when a guest crashes.
 */
#include "sandbox/crash.h"

#include "debug/core.h"

static struct stopped_guest stopped_guest(const mote_sandbox *sb)
{
	return (struct stopped_guest){
		.guest = sb->guest,
		.elf = &sb->image->elf,
		.libdw = sb->rt->libdw,
		.start = { sb->guest->abi->stopped(sb->guest),
			   sb->guest->abi->call_stack(sb->guest) },
	};
}

void crash_describe(mote_sandbox *sb, uint64_t pc, char text[BACKTRACE_TEXT_SIZE])
{
	struct stopped_guest guest = stopped_guest(sb);

	guest.start.regs.rip = pc;
	backtrace_describe(&guest, text);
}

/* Whether SB's guest stands still and there is something to see. */
static mote_status check_stopped(const mote_sandbox *sb, const char *what, mote_error *err)
{
	if (sb->is_running)
		return error_set(err, MOTE_E_STATE, "no %s while \"%s\" runs", what,
				 sb->function ? sb->function : "main");
	if (!sandbox_vm(sb))
		return error_set(err, MOTE_E_STATE,
				 "no %s: the virtual machine is gone, it could not be made anew",
				 what);
	return runtime_check_fork(sb->rt, err);
}

mote_status mote_sandbox_backtrace(mote_sandbox *sb,
				   void (*visit)(void *user, const mote_frame_info *frame),
				   void *user, mote_error *err)
{
	mote_status status = check_stopped(sb, "back-trace", err);
	if (status)
		return status;
	const struct stopped_guest guest = stopped_guest(sb);
	backtrace_visit(&guest, visit, user);
	return MOTE_OK;
}

mote_status mote_sandbox_core(mote_sandbox *sb, const char *path, mote_error *err)
{
	mote_status status = check_stopped(sb, "core file", err);
	if (status)
		return status;
	const struct core core = {
		.host = &sb->rt->host,
		.guest = sb->guest,
		.image = sb->image,
		.regs = sb->guest->abi->stopped(sb->guest),
		.fs_base = sb->guest->abi->fs_base(sb->guest),
		.signal = sb->fault.signal,
		.fault_address = sb->fault.address,
	};
	return core_write(&core, path, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of the launcher: starting it from the embedded image, and asking it for guest
 * processes and their ends.
 */
#define _GNU_SOURCE
#include "hv/process/launcher.h"

#include "hv/process/message.h"
#include "hv/process/monitor_image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

/* From headers newer than some C libraries. */
#define MEMFD_EXECUTABLE 0x10u

static const char *const steps[] = {
	[MONITOR_STEP_FEATURES] = "use rdfsbase, which this processor or kernel lacks",
	[MONITOR_STEP_PRIVILEGES] = "give up its privileges (no_new_privs, close_range)",
	[MONITOR_STEP_FORK] = "fork",
	[MONITOR_STEP_CONTROL] = "map its control block",
	[MONITOR_STEP_VIEWS] = "map the guest's memory where the guest wants it",
	[MONITOR_STEP_MISSING] = "be told of missing pages (userfaultfd)",
	[MONITOR_STEP_HYPERCALL_PAGE] = "map the hypercall page at address 0x10000",
	[MONITOR_STEP_SIGNALS] = "set its signal handlers",
	[MONITOR_STEP_FILTER] = "install a seccomp filter with a listener",
	[MONITOR_STEP_PIDFD] = "open a pidfd",
	[MONITOR_STEP_LIMITS] = "lower its resource limits",
};

static mote_status step_error(const struct monitor_reply *reply, mote_error *err)
{
	const char *what = NULL;

	if (reply->step < sizeof steps / sizeof steps[0])
		what = steps[reply->step];
	return error_os(err, reply->os_error, "process backend: the guest process cannot %s",
			what ? what : "be set up");
}

/* Writes the monitor to an executable file in memory. */
static int write_image(const struct host *host)
{
	const struct sys *sys = host->sys;
	int fd = sys->memfd_create("mote-monitor", MFD_CLOEXEC | MEMFD_EXECUTABLE);

	if (fd < 0 && errno == EINVAL) /* before Linux 6.3 every memory file is executable */
		fd = sys->memfd_create("mote-monitor", MFD_CLOEXEC);
	if (fd < 0 || sys_write_all(sys, fd, monitor_image, monitor_image_size) == 0)
		return fd;
	int os_error = errno;
	sys->close(fd);
	errno = os_error;
	return -1;
}

/* Sends REQUEST and waits for its reply. 0, or -1 and errno. */
static int ask(struct launcher *launcher, struct monitor_request request, const int *files,
	       size_t nfiles, struct monitor_reply *reply)
{
	const struct host *host = launcher->host;
	int rc, os_error;

	pthread_mutex_lock(&launcher->lock);
	request.serial = ++launcher->serial;
	rc = message_send(host, launcher->socket, &request, files, nfiles);
	/* A reply to another one came too late for it. */
	do
		rc = rc < 0 ? rc : message_receive(host, launcher->socket, reply, NULL, 0);
	while (rc == 0 && reply->serial != request.serial);
	os_error = errno;
	pthread_mutex_unlock(&launcher->lock);
	errno = os_error;
	return rc;
}

/* Tells the launcher who its host is: it ends when that process does. */
static mote_status greet(struct launcher *launcher, mote_error *err)
{
	const struct sys *sys = launcher->host->sys;
	const struct monitor_request hello = { .kind = MONITOR_HELLO };
	struct monitor_reply reply;
	int self = sys->pidfd_open(sys->getpid());

	if (self < 0)
		return error_os(err, errno, "process backend: pidfd_open failed");
	int rc = ask(launcher, hello, &self, 1, &reply);
	int os_error = errno;
	sys->close(self);
	if (rc < 0)
		return error_os(err, os_error, "process backend: the launcher does not answer");
	return reply.step == MONITOR_STEP_DONE ? MOTE_OK : step_error(&reply, err);
}

static mote_status start_program(struct launcher *launcher, int program, mote_error *err)
{
	const struct sys *sys = launcher->host->sys;
	int sockets[2];

	if (message_socketpair(launcher->host, sockets) < 0)
		return error_os(err, errno, "process backend: socketpair failed");
	launcher->socket = sockets[0];
	int rc = sys->spawn_orphan(program, sockets[1]);
	int os_error = errno;
	sys->close(sockets[1]);
	if (rc < 0)
		return error_os(err, os_error,
				"process backend: the launcher, a file in memory, cannot be run");
	return greet(launcher, err);
}

mote_status launcher_start(struct launcher *launcher, const struct host *host, mote_error *err)
{
	mote_status status;
	int program;

	launcher->host = host;
	launcher->socket = -1;
	pthread_mutex_init(&launcher->lock, NULL);
	program = write_image(host);
	if (program < 0) {
		status = error_os(err, errno,
				  "process backend: cannot make an executable file in memory");
	} else {
		status = start_program(launcher, program, err);
		host->sys->close(program);
	}
	if (status)
		launcher_stop(launcher);
	return status;
}

void launcher_stop(struct launcher *launcher)
{
	const struct monitor_request quit = { .kind = MONITOR_QUIT };

	/* A forked copy of the host may hold the socket open: closing is not enough. Nor must such
	 * a copy dismiss the launcher, which serves the original. */
	if (launcher->socket >= 0 && !host_is_forked(launcher->host))
		message_send(launcher->host, launcher->socket, &quit, NULL, 0);
	if (launcher->socket >= 0)
		launcher->host->sys->close(launcher->socket);
	launcher->socket = -1;
	pthread_mutex_destroy(&launcher->lock);
}

/* The new process answers itself, over a socket of its own: its death shows at once. */
static mote_status await_process(struct launcher *launcher, struct guest_process *process,
				 int socket, mote_error *err)
{
	struct monitor_reply reply;
	int files[4];

	if (message_receive(launcher->host, socket, &reply, files, 4) < 0)
		return error_os(err, errno, "process backend: a new guest process died");
	process->listener = files[0];
	process->pidfd = files[1];
	process->watch = files[2];
	process->pagemap = files[3];
	if (reply.step != MONITOR_STEP_DONE)
		return step_error(&reply, err);
	if (process->listener < 0 || process->pidfd < 0)
		return error_os(err, EMFILE, "process backend: a guest process needs two");
	return MOTE_OK;
}

/* As launcher_spawn(), but on failure PROCESS may be half made. SOCKETS: ours, the process's. */
static mote_status spawn(struct launcher *launcher, struct guest_process *process,
			 const int sockets[2], int control, const int *slots, size_t nslots,
			 mote_error *err)
{
	const struct monitor_request request = { .kind = MONITOR_SPAWN };
	struct monitor_reply reply;
	int files[MONITOR_SLOTS_MAX + 2] = { sockets[1], control };
	int rc, os_error;

	memcpy(files + 2, slots, nslots * sizeof *slots);
	rc = ask(launcher, request, files, 2 + nslots, &reply);
	os_error = errno;
	launcher->host->sys->close(sockets[1]); /* or the death of the process would not show */
	if (rc < 0)
		return error_os(err, os_error, "process backend: the launcher does not answer");
	if (reply.step != MONITOR_STEP_DONE)
		return step_error(&reply, err);
	process->pid = reply.pid;
	return await_process(launcher, process, sockets[0], err);
}

mote_status launcher_spawn(struct launcher *launcher, struct guest_process *out, int control,
			   const int *slots, size_t nslots, mote_error *err)
{
	mote_status status;
	int sockets[2];

	*out = GUEST_PROCESS_NONE;
	if (message_socketpair(launcher->host, sockets) < 0)
		return error_os(err, errno, "process backend: socketpair failed");
	status = spawn(launcher, out, sockets, control, slots, nslots, err);
	launcher->host->sys->close(sockets[0]);
	if (status)
		launcher_reap(launcher, out);
	return status;
}

int launcher_reap(struct launcher *launcher, struct guest_process *process)
{
	const struct monitor_request request = { .kind = MONITOR_REAP, .pid = process->pid };
	const struct sys *sys = launcher->host->sys;
	struct monitor_reply reply = { 0 };
	bool was_signal;

	const bool is_ours = process->pid != 0 && !host_is_forked(launcher->host);

	if (is_ours && ask(launcher, request, NULL, 0, &reply) < 0 && process->pidfd >= 0)
		sys->pidfd_send_signal(process->pidfd, SIGKILL);
	if (process->listener >= 0)
		sys->close(process->listener);
	if (process->pidfd >= 0)
		sys->close(process->pidfd);
	if (process->watch >= 0)
		sys->close(process->watch);
	if (process->pagemap >= 0)
		sys->close(process->pagemap);
	*process = GUEST_PROCESS_NONE;
	was_signal = reply.code == CLD_KILLED || reply.code == CLD_DUMPED;
	return was_signal ? reply.status : 0;
}

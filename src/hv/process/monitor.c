/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: a static program without a C library, in one copy for each runtime.
 *
 * It starts as the launcher, which forks guest processes on request and ends
 * with the host. A guest process maps its virtual machine's memory, hands its
 * seccomp listener to the host, gives up everything else and stops for the first time;
 * from then on only monitor_entry.S runs, and the guest.
 */
#include "abi/mote_abi.h"
#include "hv/process/monitor_abi.h"
#include "hv/process/monitor_call.h"

#include <asm/unistd.h>
#include <linux/audit.h>
#include <linux/auxvec.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/filter.h>
#include <linux/ioctl.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <stdbool.h>

/* From headers that belong to the C library. */
enum {
	PROT_READ = 1,
	PROT_WRITE = 2,
	PROT_EXEC = 4,
	MAP_SHARED = 0x01,
	MAP_PRIVATE = 0x02,
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	MAP_FIXED_NOREPLACE = 0x100000,
	SIGILL = 4,
	SIGTRAP = 5,
	SIGBUS = 7,
	SIGFPE = 8,
	SIGKILL = 9,
	SIGSEGV = 11,
	SIGCHLD = 17,
	SIGURG = 23,
	SIGSYS = 31,
	SA_SIGINFO = 0x4,
	SA_ONSTACK = 0x08000000,
	SA_RESTART = 0x10000000,
	SA_RESTORER = 0x04000000,
	SIG_SETMASK = 2,
	RLIMIT_CORE = 4,
	RLIMIT_NPROC = 6,
	RLIMIT_NOFILE = 7,
	SOL_SOCKET = 1,
	SCM_RIGHTS = 1,
	MSG_NOSIGNAL = 0x4000,
	MSG_CMSG_CLOEXEC = 0x40000000,
	SCHED_OTHER = 0,
	POLLIN = 1,
	P_PID = 1,
	WEXITED = 4,
	O_RDONLY = 0,
	O_CLOEXEC = 0x80000,
	FSGSBASE_USABLE = 2, /* in AT_HWCAP2 */
};

struct io_vector {
	void *base;
	size_t size;
};

struct message_head {
	void *name;
	uint32_t name_size, name_padding;
	struct io_vector *parts;
	size_t nparts;
	void *control;
	size_t control_size;
	uint32_t flags, flags_padding;
};

#define FILES_MAX (MONITOR_SLOTS_MAX + 2)

/* One control message with descriptors. */
struct message_files {
	size_t size;
	int32_t level, type;
	int32_t files[FILES_MAX];
};
_Static_assert(offsetof(struct message_files, files) == 16, "the kernel's struct cmsghdr");

struct poll_entry {
	int32_t file;
	int16_t events, revents;
};

struct kernel_action {
	void (*handler)(void);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

/* A message with descriptors, received or to send. */
struct parcel {
	struct io_vector part;
	struct message_files rights;
	size_t nfiles;
};

/* monitor_entry.S. Hidden: reached without a table of addresses. */
#pragma GCC visibility push(hidden)
extern struct monitor_control monitor_control;
extern const char monitor_hypercall_page[], monitor_hypercall_page_end[];
extern const char monitor_vdso[], monitor_vdso_end[];
void monitor_signal(void);
_Noreturn void monitor_seal(const struct sock_fprog *filter);
_Noreturn void monitor_main(const uint64_t *stack);
#pragma GCC visibility pop

/* The launcher's data: guest processes start with a copy and then unmap it. */
static struct parcel request_parcel;
static struct parcel reply_parcel;

enum { LAUNCHER_SOCKET = 0 };

_Noreturn static void quit(void)
{
	for (;;)
		call4(__NR_exit_group, 0, 0, 0, 0);
}

/* Sends REPLY with the descriptors in reply_parcel, and empties that. */
static void send_reply(int socket, struct monitor_reply *reply)
{
	struct parcel *p = &reply_parcel;
	size_t rights_size = 16 + sizeof p->rights.files[0] * p->nfiles;
	struct message_head head;

	p->part.base = reply;
	p->part.size = sizeof *reply;
	p->rights.size = rights_size;
	p->rights.level = SOL_SOCKET;
	p->rights.type = SCM_RIGHTS;
	head.name = NULL;
	head.name_size = 0;
	head.parts = &p->part;
	head.nparts = 1;
	head.control = p->nfiles > 0 ? &p->rights : NULL;
	head.control_size = p->nfiles > 0 ? rights_size : 0;
	head.flags = 0;
	while (call4(__NR_sendmsg, socket, (long)&head, MSG_NOSIGNAL, 0) == -EINTR)
		;
	p->nfiles = 0;
}

/* Receives into REQUEST and request_parcel. Returns false at the end of the stream. */
static bool receive_request(struct monitor_request *request)
{
	struct parcel *p = &request_parcel;
	struct message_head head;
	long got;

	p->part.base = request;
	p->part.size = sizeof *request;
	head.name = NULL;
	head.name_size = 0;
	head.parts = &p->part;
	head.nparts = 1;
	head.control = &p->rights;
	head.control_size = sizeof p->rights;
	head.flags = 0;
	do
		got = call4(__NR_recvmsg, LAUNCHER_SOCKET, (long)&head, MSG_CMSG_CLOEXEC, 0);
	while (got == -EINTR);
	p->nfiles = head.control_size >= 16 ? (p->rights.size - 16) / sizeof(int32_t) : 0;
	return got == (long)sizeof *request;
}

_Noreturn static void fail(int socket, enum monitor_step step, long result)
{
	struct monitor_reply reply = { 0 };

	reply.step = step;
	reply.os_error = (int32_t)-result;
	send_reply(socket, &reply);
	quit();
}

static long map(uint64_t at, uint64_t size, long protection, long flags, long file, uint64_t offset)
{
	long got = call6(__NR_mmap, (long)at, (long)size, protection, flags, file, (long)offset);

	if (got < 0 && got > -4096)
		return got;
	return got == (long)at ? 0 : -EEXIST; /* kernels before 4.17 take it for a hint */
}

/* Features of userfaultfd from Linux 6.7 on: pages of files in memory can be protected, and the
 * kernel takes that off at the first write without asking anybody. */
#define WATCHES_WRITES (UINT64_C(1) << 12 | UINT64_C(1) << 15)

/* What watches pages, as long as it is open somewhere. */
struct watch {
	long file; /* or a negative number */
	bool is_needed, tells_writes;
};

static struct watch open_watch(void)
{
	const uint64_t missing = UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MISSING_SHMEM;
	struct uffdio_api api = { .api = UFFD_API, .features = missing | WATCHES_WRITES };
	struct watch watch = { .file = call4(__NR_userfaultfd, UFFD_USER_MODE_ONLY, 0, 0, 0) };
	long result;

	if (watch.file < 0)
		return watch;
	watch.tells_writes = call4(__NR_ioctl, watch.file, UFFDIO_API, (long)&api, 0) == 0;
	if (watch.tells_writes)
		return watch;
	api.api = UFFD_API;
	api.features = missing;
	result = call4(__NR_ioctl, watch.file, UFFDIO_API, (long)&api, 0);
	if (result < 0)
		watch.file = result;
	return watch;
}

/* Has pages that are in no file yet be SIGBUS where VIEW says: memory's own zeroes would not tell
 * the host of anything. And has the kernel be ready to protect what can be written. */
static void watch_view(int socket, const struct monitor_view *view, struct watch *watch)
{
	struct uffdio_register range = { .range = { view->address, view->size } };
	long result = watch->file;

	if (view->is_missing)
		range.mode |= UFFDIO_REGISTER_MODE_MISSING;
	if (watch->tells_writes && view->protection & PROT_WRITE)
		range.mode |= UFFDIO_REGISTER_MODE_WP;
	if (range.mode == 0)
		return;
	if (result >= 0)
		result = call4(__NR_ioctl, watch->file, UFFDIO_REGISTER, (long)&range, 0);
	if (result < 0 && view->is_missing)
		fail(socket, MONITOR_STEP_MISSING, result);
	watch->is_needed |= view->is_missing != 0;
	watch->tells_writes &= result >= 0;
}

/* FILES: the control memory, then the slots. */
static struct watch map_views(int socket, const int32_t *files)
{
	const struct monitor_view *view = (const struct monitor_view *)MONITOR_VIEWS;
	struct watch watch = { .file = -1 };
	uint64_t size;
	long result;

	result = map(MONITOR_CONTROL, MONITOR_CONTROL_SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED_NOREPLACE, files[0], 0);
	if (result != 0)
		fail(socket, MONITOR_STEP_CONTROL, result);
	size = monitor_control.nviews * sizeof *view;
	if (size == 0)
		return watch;
	watch = open_watch();
	result = map(MONITOR_VIEWS, size, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, files[0],
		     MONITOR_CONTROL_SIZE);
	if (result != 0)
		fail(socket, MONITOR_STEP_CONTROL, result);
	for (uint64_t i = 0; i < monitor_control.nviews; i++) {
		result = map(view[i].address, view[i].size, view[i].protection,
			     (long)view[i].sharing | MAP_FIXED_NOREPLACE, files[1 + view[i].file],
			     view[i].offset);
		if (result != 0)
			fail(socket, MONITOR_STEP_VIEWS, result);
		watch_view(socket, &view[i], &watch);
	}
	call4(__NR_munmap, MONITOR_VIEWS, (long)size, 0, 0);
	return watch;
}

static void copy(uint64_t to, const char *from, const char *end)
{
	for (volatile char *at = (volatile char *)to; from < end;)
		*at++ = *from++;
}

/* Over the view of the hypercall page, whose memory has no meaning here. */
static void map_hypercall_page(int socket)
{
	const uint8_t trap = 0xcc; /* int3: nothing else there is to be run */
	long result;

	result = map(MOTE_HYPERCALL_PAGE, MOTE_PAGE_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (result == 0) {
		for (size_t i = 0; i < MOTE_PAGE_SIZE; i++)
			((volatile uint8_t *)MOTE_HYPERCALL_PAGE)[i] = trap;
		copy(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY, monitor_hypercall_page,
		     monitor_hypercall_page_end);
		copy(MOTE_HYPERCALL_PAGE + MOTE_VDSO, monitor_vdso, monitor_vdso_end);
		result = call4(__NR_mprotect, MOTE_HYPERCALL_PAGE, MOTE_PAGE_SIZE,
			       PROT_READ | PROT_EXEC, 0);
	}
	if (result != 0)
		fail(socket, MONITOR_STEP_HYPERCALL_PAGE, result);
}

static void set_signals(int socket)
{
	static const int8_t signals[] = { SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGURG, SIGSYS };
	struct {
		uint64_t base;
		uint32_t flags, padding;
		uint64_t size;
	} stack = { MONITOR_CONTROL + MONITOR_STACK_OFFSET, 0, 0, MONITOR_STACK_SIZE };
	struct kernel_action action;
	uint64_t none = 0;
	long result;

	action.handler = monitor_signal;
	/* SA_RESTART: a stop that a signal cuts in two goes on when that was dealt with. */
	action.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_RESTORER;
	action.restorer = monitor_signal; /* never used */
	action.mask = ~UINT64_C(0);
	result = call4(__NR_sigaltstack, (long)&stack, 0, 0, 0);
	for (size_t i = 0; i < sizeof signals && result == 0; i++)
		result = call4(__NR_rt_sigaction, signals[i], (long)&action, 0, sizeof none);
	if (result == 0)
		result = call4(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof none);
	if (result != 0)
		fail(socket, MONITOR_STEP_SIGNALS, result);
}

static void set_limits(int socket)
{
	static const int8_t limits[] = { RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_NOFILE };
	static const uint64_t zero[2] = { 0, 0 };
	long result = 0;

	for (size_t i = 0; i < sizeof limits && result == 0; i++)
		result = call4(__NR_setrlimit, limits[i], (long)zero, 0, 0);
	if (result != 0)
		fail(socket, MONITOR_STEP_LIMITS, result);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_IP_HIGH                                                                               \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4)
#define IF(value, skip_then, skip_else)                                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip_then, skip_else)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define LOW(address)   ((uint32_t)((address)&0xffffffff))
#define HIGH(address)  ((uint32_t)((address) >> 32))

/* The first filter hands the stop call to the host and lets all else through, for now. */
static const struct sock_filter listener_code[] = {
	LOAD_IP_HIGH,
	IF(HIGH(MONITOR_STOPPED), 0, 5),
	LOAD(instruction_pointer),
	IF(LOW(MONITOR_STOPPED), 0, 3),
	LOAD(nr),
	IF(MONITOR_STOP_CALL, 0, 1),
	ANSWER(SECCOMP_RET_USER_NOTIF),
	ANSWER(SECCOMP_RET_ALLOW),
};
static const struct sock_fprog listener_filter = {
	sizeof listener_code / sizeof listener_code[0],
	(struct sock_filter *)listener_code,
};

/* The second: two system calls from one place each, by 64-bit code; the rest becomes a signal.
 * Where both have a say the kernel takes the stricter, so this one cannot be undone. */
static const struct sock_filter seal_code[] = {
	LOAD(arch),
	IF(AUDIT_ARCH_X86_64, 0, 9),
	LOAD_IP_HIGH,
	IF(HIGH(MONITOR_TEXT), 0, 7),
	LOAD(instruction_pointer),
	IF(LOW(MONITOR_STOPPED), 3, 0),
	IF(LOW(MONITOR_RETURNED), 0, 4),
	LOAD(nr),
	IF(MONITOR_RETURN_CALL, 3, 2),
	LOAD(nr),
	IF(MONITOR_STOP_CALL, 1, 0),
	ANSWER(SECCOMP_RET_TRAP),
	ANSWER(SECCOMP_RET_ALLOW),
};
static const struct sock_fprog seal_filter = {
	sizeof seal_code / sizeof seal_code[0],
	(struct sock_filter *)seal_code,
};

static int open_listener(int socket)
{
	long result = call4(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    (long)&listener_filter, 0);

	if (result < 0)
		fail(socket, MONITOR_STEP_FILTER, result);
	return (int)result;
}

/* Where the host reads which of our pages were written; negative if there is no such thing. The
 * files of a process that cannot be dumped are root's. */
static long open_pagemap(void)
{
	long result;

	call4(__NR_prctl, PR_SET_DUMPABLE, 1, 0, 0);
	result = call4(__NR_open, (long)"/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0, 0);
	if (call4(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0) != 0)
		quit();
	return result;
}

/* Hands the host what it needs: how to hear of stops, how to kill this process, and what keeps
 * pages watched. */
static void send_ready(int socket, int listener, const struct watch *watch)
{
	struct monitor_reply reply = { 0 };
	long pidfd = call4(__NR_pidfd_open, call4(__NR_getpid, 0, 0, 0, 0), 0, 0, 0);

	if (pidfd < 0)
		fail(socket, MONITOR_STEP_PIDFD, pidfd);
	reply_parcel.rights.files[0] = listener;
	reply_parcel.rights.files[1] = (int32_t)pidfd;
	reply_parcel.rights.files[2] = (int32_t)watch->file;
	reply_parcel.rights.files[3] = watch->tells_writes ? (int32_t)open_pagemap() : -1;
	reply_parcel.nfiles = reply_parcel.rights.files[3] >= 0 ? 4 : watch->is_needed ? 3 : 2;
	send_reply(socket, &reply);
}

/* A guest process, from the fork on. FILES: socket, control memory, slots. */
_Noreturn static void become_guest(const int32_t *files, long launcher)
{
	int socket = files[0];
	int listener;
	struct watch watch;

	call4(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);
	if (call4(__NR_getppid, 0, 0, 0, 0) != launcher)
		quit();
	call4(__NR_prctl, PR_SET_NAME, (long)"mote-guest", 0, 0);
	watch = map_views(socket, files + 1);
	map_hypercall_page(socket);
	set_signals(socket);
	listener = open_listener(socket);
	send_ready(socket, listener, &watch);
	set_limits(socket);
	if (call4(__NR_close_range, 0, UINT32_MAX, 0, 0) != 0)
		quit();
	monitor_seal(&seal_filter);
}

static void close_files(const struct parcel *p)
{
	for (size_t i = 0; i < p->nfiles; i++)
		call4(__NR_close, p->rights.files[i], 0, 0, 0);
}

static void spawn(uint32_t serial, long self)
{
	const int32_t *files = request_parcel.rights.files;
	struct monitor_reply reply = { .serial = serial };
	long pid;

	if (request_parcel.nfiles < 2)
		quit();
	pid = call4(__NR_clone, SIGCHLD, 0, 0, 0);
	if (pid == 0)
		become_guest(files, self);
	if (pid > 0) {
		reply.pid = (int32_t)pid;
	} else {
		reply.step = MONITOR_STEP_FORK;
		reply.os_error = (int32_t)-pid;
	}
	close_files(&request_parcel);
	send_reply(LAUNCHER_SOCKET, &reply);
}

static void reap(uint32_t serial, int32_t pid)
{
	struct {
		int32_t signal, os_error, code, padding, pid, uid, status;
		uint8_t rest[128];
	} info;
	struct monitor_reply reply = { .serial = serial };
	long result;

	call4(__NR_kill, pid, SIGKILL, 0, 0);
	do
		result = call6(__NR_waitid, P_PID, pid, (long)&info, WEXITED, 0, 0);
	while (result == -EINTR);
	if (result == 0) {
		reply.code = info.code;
		reply.status = info.status;
	}
	send_reply(LAUNCHER_SOCKET, &reply);
}

/* Waits for the next request; returns when there is one. Ends with the host, even
 * if a fork of it keeps the other end of the socket open. */
static void await_request(int host)
{
	struct poll_entry entries[2] = { { LAUNCHER_SOCKET, POLLIN, 0 }, { host, POLLIN, 0 } };

	while (call4(__NR_poll, (long)entries, 2, -1, 0) < 0)
		;
	if (entries[1].revents != 0)
		quit();
}

/* Gives up what no guest process may inherit. */
static long drop_privileges(void)
{
	struct kernel_action default_action = { 0 };
	const int32_t no_priority = 0;
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 }, { 0 } };
	long result;

	call4(__NR_setsid, 0, 0, 0, 0);
	call4(__NR_chdir, (long)"/", 0, 0, 0);
	/* A thread with real-time priority may start us; an endless guest must not have it. */
	call4(__NR_sched_setscheduler, 0, SCHED_OTHER, (long)&no_priority, 0);
	call4(__NR_prctl, PR_SET_NAME, (long)"mote-launcher", 0, 0);
	/* A host that ignores SIGCHLD must not keep us from waiting. */
	call4(__NR_rt_sigaction, SIGCHLD, (long)&default_action, 0, sizeof(uint64_t));
	result = call6(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0);
	if (result == 0)
		result = call4(__NR_prctl, PR_SET_DUMPABLE, 0, 0, 0);
	if (result == 0)
		result = call4(__NR_capset, (long)&head, (long)none, 0, 0);
	if (result == 0)
		result = call4(__NR_close_range, 1, UINT32_MAX, 0, 0);
	return result;
}

/* Unmaps the stack that the kernel gave us, vdso and its data: everything outside the
 * monitor's range. Page by page around the vdso, for kernels that seal it. */
static void unmap_rest(uint64_t vdso)
{
	const uint64_t around = 0x10000;
	uint64_t first = (vdso & ~(MOTE_PAGE_SIZE - 1)) - around;
	uint64_t last = first + 2 * around;

	if (vdso < MONITOR_END + around || vdso > MONITOR_USER_END - 2 * around)
		first = last = MONITOR_END;
	call4(__NR_munmap, 0, MONITOR_TEXT, 0, 0);
	call4(__NR_munmap, MONITOR_END, (long)(first - MONITOR_END), 0, 0);
	for (uint64_t at = first; at < last; at += MOTE_PAGE_SIZE)
		call4(__NR_munmap, (long)at, MOTE_PAGE_SIZE, 0, 0);
	call4(__NR_munmap, (long)last, (long)(MONITOR_USER_END - last), 0, 0);
}

/* The value of entry TYPE of the auxiliary vector, 0 when there is none. */
static uint64_t auxiliary(const uint64_t *stack, uint64_t type)
{
	const uint64_t *at = stack + 1 + stack[0] + 1;

	while (*at++ != 0)
		;
	for (; at[0] != AT_NULL; at += 2)
		if (at[0] == type)
			return at[1];
	return 0;
}

/* Entry of the program: STACK as the kernel made it. */
void monitor_main(const uint64_t *stack)
{
	uint64_t features = auxiliary(stack, AT_HWCAP2), vdso = auxiliary(stack, AT_SYSINFO_EHDR);
	struct monitor_request request;
	struct monitor_reply reply = { 0 };
	long self, result;
	int host;

	result = drop_privileges();
	unmap_rest(vdso);
	if (!receive_request(&request) || request.kind != MONITOR_HELLO ||
	    request_parcel.nfiles != 1)
		quit();
	host = request_parcel.rights.files[0];
	if (result != 0)
		fail(LAUNCHER_SOCKET, MONITOR_STEP_PRIVILEGES, result);
	if ((features & FSGSBASE_USABLE) == 0)
		fail(LAUNCHER_SOCKET, MONITOR_STEP_FEATURES, -ENOSYS);
	reply.serial = request.serial;
	send_reply(LAUNCHER_SOCKET, &reply);
	self = call4(__NR_getpid, 0, 0, 0, 0);
	for (;;) {
		await_request(host);
		if (!receive_request(&request) || request.kind == MONITOR_QUIT)
			quit();
		if (request.kind == MONITOR_REAP)
			reap(request.serial, request.pid);
		else
			spawn(request.serial, self);
	}
}

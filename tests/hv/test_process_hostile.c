/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that try to get out of the process backend, to fool the host, or to spoil what comes
 * after them: through the monitor's own instructions, by other ways to system
 * calls, by forged stops and signal frames.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "hv/process/monitor_image.h"
#include "hv/process/process_internal.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

static struct host host;
static struct hv *hv;

static int open_backend(void **state)
{
	mote_error error;
	(void)state;
	host_init(&host);
	if (hv_process.open(&hv, &host, &error) == MOTE_OK)
		return 0;
	print_error("%s\n", error.message);
	return -1;
}

static int close_backend(void **state)
{
	(void)state;
	hv_process.close(hv);
	return 0;
}

static pid_t pid_of(const struct box *box)
{
	return ((const struct process_vm *)box->vm)->process.pid;
}

/* The first SIZE - 1 bytes of /proc/PID/NAME; "" when we may not read it. */
static void read_proc(pid_t pid, const char *name, char *text, size_t size)
{
	char path[64];
	size_t got = 0;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	FILE *file = fopen(path, "r");
	if (file) {
		got = fread(text, 1, size - 1, file);
		fclose(file);
	}
	text[got] = '\0';
}

static void assert_status_line(const char *status, const char *line)
{
	if (!strstr(status, line))
		fail_msg("no line \"%s\" in the status of the guest process:\n%s", line, status);
}

static void a_guest_process_has_nothing(void **state)
{
	char text[16384];
	struct box box;
	(void)state;

	box_open(&box, hv);
	read_proc(pid_of(&box), "status", text, sizeof text);
	assert_status_line(text, "Name:\tmote-guest\n");
	assert_status_line(text, "Seccomp:\t2\n");
	assert_status_line(text, "NoNewPrivs:\t1\n");
	assert_status_line(text, "CapEff:\t0000000000000000\n");
	assert_status_line(text, "CapPrm:\t0000000000000000\n");
	assert_status_line(text, "Threads:\t1\n");
	assert_status_line(text, "FDSize:\t");

	read_proc(pid_of(&box), "limits", text, sizeof text);
	assert_non_null(strstr(text, "Max open files            0 "));
	assert_non_null(strstr(text, "Max core file size        0 "));
	box_close(&box);
}

/* Only root may look: the process is not dumpable. */
static void a_guest_process_maps_its_views_and_the_monitor(void **state)
{
	static const uint64_t known[] = { 0x10000,   BOX_CODE,     BOX_DATA,       BOX_CONSTANT,
					  BOX_STACK, MONITOR_TEXT, MONITOR_CONTROL };
	char text[16384], *line, *rest = text;
	size_t found = 0;
	struct box box;
	(void)state;

	box_open(&box, hv);
	read_proc(pid_of(&box), "maps", text, sizeof text);
	box_close(&box);
	if (text[0] == '\0') {
		print_message("SKIPPED: may not read the guest process's maps; run as root\n");
		skip();
	}
	while ((line = strtok_r(rest, "\n", &rest))) {
		uint64_t start = strtoull(line, NULL, 16);
		if (strstr(line, "[vsyscall]"))
			continue;
		if (strstr(line, "[vdso]") || strstr(line, "[vvar"))
			continue; /* kernels that seal them; above all views */
		if (found == sizeof known / sizeof known[0] || start != known[found])
			fail_msg("the guest process maps: %s", line);
		found++;
	}
	assert_int_equal(found, sizeof known / sizeof known[0]);
}

static void a_guest_process_has_no_descriptors(void **state)
{
	struct dirent *entry;
	char path[64];
	struct box box;
	(void)state;

	box_open(&box, hv);
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid_of(&box));
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			fail_msg("the guest process has descriptor %s", entry->d_name);
	box_close(&box);
	if (!dir) {
		print_message("SKIPPED: may not read %s; run as root\n", path);
		skip();
	}
	closedir(dir);
}

/* Addresses of all system call instructions in the monitor, whatever they were meant for. */
static size_t find_sites(uint64_t *sites, size_t capacity)
{
	Elf64_Ehdr header;
	Elf64_Phdr text;
	size_t n = 0;

	memcpy(&header, monitor_image, sizeof header);
	memcpy(&text, monitor_image + header.e_phoff, sizeof text);
	assert_int_equal(text.p_vaddr, MONITOR_TEXT);
	for (size_t i = 0; i + 1 < text.p_filesz; i++)
		if (memcmp(monitor_image + text.p_offset + i, "\x0f\x05", 2) == 0 && n < capacity)
			sites[n++] = text.p_vaddr + i;
	assert_in_range(n, 3, capacity - 1);
	return n;
}

#define MARKER "/tmp/mote-test-marker"

/* Two calls of the kernel's own tracing, uretprobe and uprobe, pass all filters since Linux 6.14
 * and 6.18. They take no arguments and refuse to work outside of pages that only the
 * kernel maps: the first with SIGILL, the second with ENXIO. */
static bool is_tracing(uint64_t number)
{
	return number == 335 || number == 336;
}

/* Whether this is one of the two calls that pass. */
static bool is_door(uint64_t site, uint64_t number)
{
	return is_tracing(number) || (site + 2 == MONITOR_STOPPED && number == MONITOR_STOP_CALL) ||
	       (site + 2 == MONITOR_RETURNED && number == MONITOR_RETURN_CALL);
}

static void try_call(struct box *box, uint64_t site, uint64_t number)
{
	box_set(box, "hypercall", BOX_DATA); /* the path */
	box->vm->regs->rip = site;
	box->vm->regs->rax = number;
	box->vm->regs->rsi = 0777 | 0100; /* mode, or O_CREAT and permissions */
	box->vm->regs->rdx = BOX_DATA;
	box->vm->regs->r10 = BOX_DATA + 64;
	box->vm->regs->r8 = BOX_DATA + 128;
	box->vm->regs->r9 = 4096;
	struct hv_exit event = box_run(box);
	if (event.kind == HV_EXIT_SYSCALL && box->vm->regs->rax == number &&
	    box->vm->regs->rip == site + 2)
		return;
	fail_msg("call %lu at 0x%lx: exit %d, rax 0x%lx", (unsigned long)number,
		 (unsigned long)site, event.kind, (unsigned long)box->vm->regs->rax);
}

/* Past all numbers of Linux, those of x32 (from 512) among them. */
#define NUMBERS_END 1024
#define X32_BIT     UINT64_C(0x40000000)

static const uint64_t odd_numbers[] = { UINT64_MAX,
					UINT64_MAX - 1,
					UINT64_MAX - 39,
					UINT64_C(1) << 63,
					UINT32_MAX,
					UINT32_MAX - 39,
					0x80000027,
					0xc0000027,
					0x7fffffff,
					0x20000027,
					UINT64_C(0x100000027),
					UINT64_C(0xffffffff00000027) };

/* All numbers, with and without the mark of x32, and odd ones. The kernel looks at 32 bits. */
static void try_all(struct box *box, uint64_t site, uint64_t end)
{
	for (uint64_t number = 0; number < end; number++) {
		if (!is_door(site, number))
			try_call(box, site, number);
		try_call(box, site, number | X32_BIT);
	}
	for (size_t i = 0; i < sizeof odd_numbers / sizeof odd_numbers[0]; i++)
		if (!is_door(site, (uint32_t)odd_numbers[i]))
			try_call(box, site, odd_numbers[i]);
}

static void no_system_call_of_the_monitor_serves_the_guest(void **state)
{
	static char before[16384], after[16384];
	uint64_t sites[128];
	size_t n = find_sites(sites, 128);
	struct box box;
	(void)state;

	unlink(MARKER);
	box_open(&box, hv);
	memcpy(box.data, MARKER, sizeof MARKER);
	read_proc(pid_of(&box), "maps", before, sizeof before);
	for (size_t i = 0; i < n; i++)
		try_all(&box, sites[i], 600);
	read_proc(pid_of(&box), "maps", after, sizeof after);
	assert_string_equal(before, after);
	assert_int_equal(access(MARKER, F_OK), -1);
	assert_int_equal(access("/proc/self/cwd/" MARKER, F_OK), -1);
	box_close(&box);
}

static void the_guests_own_system_calls_all_come_to_the_host(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	memcpy(box.data, MARKER, sizeof MARKER);
	try_all(&box, box_address("syscall"), NUMBERS_END);
	assert_int_equal(access(MARKER, F_OK), -1);
	box_close(&box);
}

static void the_kernels_tracing_calls_do_nothing(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (uint64_t number = 335; number <= 336; number++) {
		box_set(&box, "syscall", 0);
		box.vm->regs->rax = number;
		struct hv_exit event = box_run(&box);
		if (event.kind == HV_EXIT_EXCEPTION)
			assert_int_equal(event.u.exception.vector, 6);
		else if (event.kind == HV_EXIT_HYPERCALL)
			assert_int_equal((int64_t)box.vm->regs->rax, -ENXIO);
		else
			assert_int_equal(event.kind, HV_EXIT_SYSCALL);
	}
	box_close(&box);
}

static const struct {
	const char *what, *routine, *target;
	uint64_t address; /* without a target */
	bool has_numbers; /* each is another call, in rax */
} detours[] = {
	{ "int 0x80", "int80", NULL, 0, true },
	{ "sysenter", "sysenter", NULL, 0, true },
	{ "int 0x80 from 32-bit code", "compatible", "int80_32", 0, true },
	{ "syscall from 32-bit code", "compatible", "syscall_32", 0, true },
	{ "sysenter from 32-bit code", "compatible", "sysenter_32", 0, true },
	{ "a fault in 32-bit code", "compatible", "undefined_32", 0, false },
	{ "gettimeofday of the vsyscall page", "vsyscall", NULL, 0xffffffffff600000, false },
	{ "time of the vsyscall page", "vsyscall", NULL, 0xffffffffff600400, false },
	{ "getcpu of the vsyscall page", "vsyscall", NULL, 0xffffffffff600800, false },
	{ "the middle of the vsyscall page", "vsyscall", NULL, 0xffffffffff600802, false },
	{ "the end of the vsyscall page", "vsyscall", NULL, 0xffffffffff600fff, false },
};

/* What the kernel would have done would show in rax, and in where the guest stands. */
static void try_detour(struct box *box, size_t row, uint64_t number)
{
	box_set(box, detours[row].routine,
		detours[row].target ? box_address(detours[row].target) : detours[row].address);
	/* 32-bit code has its sixth argument on the stack, and the kernel looks there first. */
	box->vm->regs->rsp = BOX_DATA + 0x8000;
	box->vm->regs->rax = number;
	struct hv_exit event = box_run(box);
	if (event.kind != HV_EXIT_EXCEPTION)
		fail_msg("%s, number %lu: exit %d", detours[row].what, (unsigned long)number,
			 event.kind);
	if ((uint32_t)box->vm->regs->rax != (uint32_t)number)
		fail_msg("%s, number %lu: rax 0x%lx", detours[row].what, (unsigned long)number,
			 (unsigned long)box->vm->regs->rax);
}

static void other_ways_to_the_kernel_are_faults(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (size_t i = 0; i < sizeof detours / sizeof detours[0]; i++) {
		for (uint64_t number = 0; number < NUMBERS_END; number++)
			if (number == 39 || detours[i].has_numbers)
				try_detour(&box, i, number);
		/* And 64-bit code runs again afterwards. */
		assert_int_equal(box_start(&box, "show", 1).kind, HV_EXIT_HYPERCALL);
		assert_int_equal(box.vm->regs->rdi, 1);
	}
	box_close(&box);
}

/* After whatever, the sandbox serves its next call, faults included, unless it died. */
static void assert_healed(struct box *box)
{
	assert_int_equal(box_start(box, "show", 77).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(box->vm->regs->rdi, 77);
	struct hv_exit event = box_start(box, "read_unmapped", 0);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.vector, 14);
	assert_int_equal(box_start(box, "syscall", 0).kind, HV_EXIT_SYSCALL);
}

static void a_guest_that_fills_the_monitors_memory_hurts_itself(void **state)
{
	static const struct {
		uint64_t start, size;
	} areas[] = {
		{ MONITOR_CONTROL, MONITOR_STACK_OFFSET },
		{ MONITOR_CONTROL + MONITOR_STACK_OFFSET, MONITOR_STACK_SIZE },
		{ MONITOR_CONTROL, MONITOR_CONTROL_SIZE },
	};
	static const uint8_t fills[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++)
		for (size_t j = 0; j < sizeof fills; j++)
			for (uint64_t then = 0; then < 3; then++) {
				box_set(&box, "scribble", areas[i].start);
				box.vm->regs->rsi = areas[i].size;
				box.vm->regs->rdx = fills[j];
				box.vm->regs->rcx = then;
				struct hv_exit event = box_run(&box);
				assert_in_range(event.kind, HV_EXIT_HYPERCALL, HV_EXIT_EXCEPTION);
				assert_healed(&box);
			}
	box_close(&box);
}

/* Jumps to the stop call itself with these arguments. */
static struct hv_exit forge_stop(struct box *box, const uint64_t arguments[4])
{
	box_set(box, "show", arguments[0]);
	box->vm->regs->rip = MONITOR_STOPPED - 2;
	box->vm->regs->rax = MONITOR_STOP_CALL;
	box->vm->regs->rsi = arguments[1];
	box->vm->regs->rdx = arguments[2];
	box->vm->regs->r10 = arguments[3];
	return box_run(box);
}

static void forged_stops_are_bounded(void **state)
{
	static const uint64_t causes[] = {
		0,  MONITOR_STOP_START, MONITOR_STOP_HYPERCALL, 4, 5, 7, 8, 11, 23, 31, 9,
		64, ~UINT64_C(0)
	};
	const uint64_t stack = MONITOR_CONTROL + MONITOR_STACK_OFFSET;
	const uint64_t end = stack + MONITOR_STACK_SIZE;
	const uint64_t addresses[] = {
		0,
		stack,
		stack - 1,
		end,
		end - 1,
		end - sizeof(struct monitor_siginfo),
		end - sizeof(struct monitor_siginfo) + 1,
		end - sizeof(struct monitor_context),
		end - sizeof(struct monitor_context) + 1,
		stack + 3,
		MONITOR_CONTROL,
		~UINT64_C(0),
		UINT64_C(1) << 63,
	};
	const size_t n = sizeof addresses / sizeof addresses[0];
	size_t deaths = 0, stops = 0;
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
		for (size_t j = 0; j < n; j++)
			for (size_t k = 0; k < n; k++) {
				const uint64_t arguments[] = { causes[i], addresses[j],
							       addresses[k], addresses[j] };
				/* A kick that nobody sent goes on at once, in zeros. */
				struct hv_exit event = forge_stop(&box, arguments);
				stops++;
				if (event.kind != HV_EXIT_DIED)
					continue;
				deaths++;
				/* We killed it, or its own garbage did. */
				assert_true(event.u.detail == SIGKILL || event.u.detail == SIGSEGV);
				box_close(&box);
				box_open(&box, hv);
			}
	assert_in_range(deaths, 1, stops - 1);
	assert_healed(&box);
	box_close(&box);
}

/* Writes a signal context for the guest's own rt_sigreturn to its data. */
static struct monitor_context *forge_context(struct box *box, const char *target)
{
	struct monitor_context *context = (struct monitor_context *)(void *)(box->data + 0x1000);

	memset(context, 0, sizeof *context);
	context->rip = box_address(target);
	context->rsp = BOX_STACK_TOP;
	context->rflags = 2;
	context->cs = 0x33;
	context->ss = 0x2b;
	return context;
}

static struct hv_exit return_from_forged(struct box *box)
{
	box_set(box, "sigreturn", MONITOR_RETURNED - 2);
	box->vm->regs->rsi = BOX_DATA + 0x1000;
	return box_run(box);
}

static void a_forged_signal_return_does_not_outlive_its_call(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	/* All signals blocked, and the signal stack over the stack of the next call. */
	struct monitor_context *context = forge_context(&box, "show");
	context->signal_mask = ~UINT64_C(0);
	context->stack_base = BOX_STACK;
	context->stack_size = BOX_STACK_SIZE;
	context->rsp = BOX_DATA + 0x800;
	assert_int_equal(return_from_forged(&box).kind, HV_EXIT_HYPERCALL);
	assert_healed(&box);
	box_close(&box);
}

static const struct {
	const char *what;
	uint64_t mask, stack_base, stack_size;
	const char *then;
} forgeries[] = {
	{ "faults with its signal blocked", ~UINT64_C(0), 0, 0, "undefined" },
	{ "makes a system call with SIGSYS blocked", ~UINT64_C(0), 0, 0, "syscall" },
	{ "faults on a signal stack of its own", 0, BOX_DATA + 0x4000, 0x8000, "undefined" },
	{ "faults on a signal stack that is not writable", 0, BOX_CONSTANT, 0x8000, "undefined" },
	{ "faults on a signal stack that is not there", 0, BOX_UNMAPPED, 0x8000, "undefined" },
	{ "jumps to an address without meaning", 0, 0, 0, NULL },
};

static void a_guest_that_breaks_its_signals_dies_of_it(void **state)
{
	struct box box;
	(void)state;

	for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
		box_open(&box, hv);
		struct monitor_context *context = forge_context(&box, "undefined");
		context->signal_mask = forgeries[i].mask;
		context->stack_base = forgeries[i].stack_base;
		context->stack_size = forgeries[i].stack_size;
		if (forgeries[i].then)
			context->rip = box_address(forgeries[i].then);
		else
			context->rip = UINT64_C(1) << 62;
		struct hv_exit event = return_from_forged(&box);
		if (forgeries[i].then && event.kind != HV_EXIT_DIED)
			fail_msg("a guest that %s: exit %d", forgeries[i].what, event.kind);
		if (!forgeries[i].then)
			assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
		else
			assert_int_equal(box_run(&box).kind, HV_EXIT_DIED); /* and stays dead */
		box_close(&box);
	}
}

static void a_signal_return_without_a_frame_is_a_fault(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	box_set(&box, "sigreturn", MONITOR_RETURNED - 2);
	box.vm->regs->rsi = BOX_UNMAPPED;
	assert_int_equal(box_run(&box).kind, HV_EXIT_EXCEPTION);
	assert_healed(&box);
	box_close(&box);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* Lets signals come to this process: those of a timer, every so many microseconds; 0 ends it. */
static void set_timer(suseconds_t interval)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	const struct itimerval timer = { { 0, interval }, { 0, interval } };

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Some of these jumps end in a loop; the timer gets us out. */
static void jumping_anywhere_into_the_monitor_is_harmless(void **state)
{
	Elf64_Ehdr header;
	Elf64_Phdr text;
	struct box box;
	size_t deaths = 0;
	(void)state;

	memcpy(&header, monitor_image, sizeof header);
	memcpy(&text, monitor_image + header.e_phoff, sizeof text);
	box_open(&box, hv);
	set_timer(10000);
	for (uint64_t offset = 0; offset < text.p_memsz; offset++) {
		box_set(&box, "show", 0);
		box.vm->regs->rip = MONITOR_TEXT + offset;
		struct hv_exit event = box_run(&box);
		if (event.kind != HV_EXIT_DIED)
			continue;
		deaths++;
		box_close(&box);
		box_open(&box, hv);
	}
	set_timer(0);
	print_message("%zu jumps, %zu deaths\n", (size_t)text.p_memsz, deaths);
	assert_healed(&box);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_process_has_nothing),
		cmocka_unit_test(a_guest_process_maps_its_views_and_the_monitor),
		cmocka_unit_test(a_guest_process_has_no_descriptors),
		cmocka_unit_test(no_system_call_of_the_monitor_serves_the_guest),
		cmocka_unit_test(the_guests_own_system_calls_all_come_to_the_host),
		cmocka_unit_test(the_kernels_tracing_calls_do_nothing),
		cmocka_unit_test(other_ways_to_the_kernel_are_faults),
		cmocka_unit_test(a_guest_that_fills_the_monitors_memory_hurts_itself),
		cmocka_unit_test(forged_stops_are_bounded),
		cmocka_unit_test(a_forged_signal_return_does_not_outlive_its_call),
		cmocka_unit_test(a_guest_that_breaks_its_signals_dies_of_it),
		cmocka_unit_test(a_signal_return_without_a_frame_is_a_fault),
		cmocka_unit_test(jumping_anywhere_into_the_monitor_is_harmless),
	};
	return cmocka_run_group_tests_name("hv/process_hostile", tests, open_backend,
					   close_backend);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cutting the runs of guest processes short: kicks at each moment, alarms, and what they leave
 * behind.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "hv/process/process_internal.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

static struct host host;
static struct sys sys;
static struct hv *hv;
static struct box box;
static mote_error err;

static int open_backend(void **state)
{
	(void)state;
	host_init(&host);
	sys = sys_linux;
	host.sys = &sys;
	if (hv_process.open(&hv, &host, &err) == MOTE_OK)
		return 0;
	print_error("%s\n", err.message);
	return -1;
}

static int close_backend(void **state)
{
	(void)state;
	hv_process.close(hv);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	sys = sys_linux;
	box_open(&box, hv);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sys = sys_linux;
	box_close(&box);
	return 0;
}

static void arm(void)
{
	if (hv_process.arm(box.vm, &err))
		fail_msg("%s", err.message);
}

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static unsigned nturns;

/* Counts the answers that let a guest go on. */
static int counting_ioctl(int fd, unsigned long request, void *argument)
{
	nturns += request == SECCOMP_IOCTL_NOTIF_SEND;
	return sys_linux.ioctl(fd, request, argument);
}

static void a_kick_before_the_run_comes_before_the_guest(void **state)
{
	(void)state;
	arm();
	box_set(&box, "store_loop", 0);
	hv_process.kick(box.vm);
	hv_process.kick(box.vm);
	nturns = 0;
	sys.ioctl = counting_ioctl;
	assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	assert_int_equal(nturns, 0);
	box_set(&box, "hypercall", 3);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	hv_process.disarm(box.vm);
}

static void a_kick_is_for_one_call(void **state)
{
	(void)state;
	box_set(&box, "show", 1);
	for (int i = 0; i < 3; i++) {
		arm();
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		hv_process.kick(box.vm);
		hv_process.disarm(box.vm);
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	}
}

static void *kick_soon(void *state)
{
	(void)state;
	usleep(20000);
	hv_process.kick(box.vm);
	return NULL;
}

static void a_kick_stops_an_endless_guest(void **state)
{
	(void)state;
	arm();
	box_set(&box, "loop", 5);
	for (int i = 0; i < 5; i++) {
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, kick_soon, NULL), 0);
		assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
		pthread_join(thread, NULL);
		assert_in_range(box.vm->regs->rip, box_address("loop"), box_address("loop") + 15);
		assert_int_equal(box.vm->regs->rdi, 5);
	}
	hv_process.disarm(box.vm);
}

static void alarms_go_off_in_time(void **state)
{
	(void)state;
	arm();
	box_set(&box, "loop", 5);
	for (int i = 0; i < 3; i++) {
		const uint64_t start = clock_ns();
		assert_int_equal(hv_process.set_alarm(box.vm, 20 * MS, &err), MOTE_OK);
		assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
		assert_in_range(clock_ns() - start, 20 * MS, 5000 * MS);
	}
	/* once each */
	box_set(&box, "show", 1);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	/* one that is over before the guest gets its turn */
	nturns = 0;
	sys.ioctl = counting_ioctl;
	assert_int_equal(hv_process.set_alarm(box.vm, 1, &err), MOTE_OK);
	assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	assert_int_equal(nturns, 0);
	/* none, far away, and taken back */
	static const uint64_t far[] = { 0, UINT64_MAX, 1000000000 * MS };
	box_set(&box, "show", 1);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(hv_process.set_alarm(box.vm, 1, &err), MOTE_OK);
		assert_int_equal(hv_process.set_alarm(box.vm, far[i], &err), MOTE_OK);
		for (int j = 0; j < 5; j++)
			assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	}
	assert_int_equal(hv_process.set_alarm(box.vm, 1, &err), MOTE_OK);
	hv_process.disarm(box.vm);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	arm();
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL); /* it was for the call before */
	hv_process.disarm(box.vm);
}

/* Kicks at all moments: nothing may be lost, repeated or changed by them. */
static atomic_bool is_done;

static void *kick_often(void *state)
{
	unsigned seed = 1;

	(void)state;
	while (!atomic_load(&is_done)) {
		usleep((useconds_t)(rand_r(&seed) % 200));
		hv_process.kick(box.vm);
	}
	return NULL;
}

static void kicks_do_not_disturb_a_working_guest(void **state)
{
	static const char *const routines[] = { "count", "count_syscalls" };
	static const enum hv_exit_kind kinds[] = { HV_EXIT_HYPERCALL, HV_EXIT_SYSCALL };
	pthread_t thread;
	(void)state;

	arm();
	atomic_store(&is_done, false);
	assert_int_equal(pthread_create(&thread, NULL, kick_often, NULL), 0);
	for (size_t i = 0; i < 2; i++) {
		uint64_t interruptions = 0;
		box_set(&box, routines[i], 0x1234500000000);
		for (uint64_t n = 0; n < 5000;) {
			struct hv_exit event = box_run(&box);
			if (event.kind == HV_EXIT_INTERRUPTED) {
				interruptions++;
				continue;
			}
			if (event.kind != kinds[i] || box.vm->regs->rbx != n)
				fail_msg("%s %lu: exit %d, vector %d, count %lu", routines[i],
					 (unsigned long)n, event.kind, event.u.exception.vector,
					 (unsigned long)box.vm->regs->rbx);
			n++;
			box.vm->regs->rax = n;
			box.vm->regs_changed = true;
		}
		assert_true(interruptions > 0);
	}
	atomic_store(&is_done, true);
	pthread_join(thread, NULL);
	hv_process.disarm(box.vm);
}

/* A kick whose descriptor is seen, but which has not yet said so, is not told of twice. */
static void a_kick_is_told_of_once(void **state)
{
	(void)state;
	unsigned interruptions = 0;

	arm();
	box_set(&box, "show", 1);
	for (int i = 0; i < 300; i++) {
		hv_process.kick(box.vm);
		while (box_run(&box).kind == HV_EXIT_INTERRUPTED)
			interruptions++;
	}
	assert_int_equal(interruptions, 300);
	hv_process.disarm(box.vm);
}

static void a_guests_cpu_time_is_its_own(void **state)
{
	(void)state;
	struct timespec before, after;

	arm();
	box_set(&box, "loop", 5);
	const uint64_t start = hv_process.cpu_time(box.vm);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	uint64_t used = 0;
	for (int i = 0; i < 100 && used < 20 * MS; i++) {
		assert_int_equal(hv_process.set_alarm(box.vm, 20 * MS, &err), MOTE_OK);
		assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
		used = hv_process.cpu_time(box.vm) - start;
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
	assert_true(used >= 20 * MS);
	/* ours is another */
	assert_true((uint64_t)(after.tv_sec - before.tv_sec) * 1000 * MS + (uint64_t)after.tv_nsec -
			    (uint64_t)before.tv_nsec <
		    used);
	hv_process.disarm(box.vm);
	usleep(20000);
	assert_true(hv_process.cpu_time(box.vm) - start < used + 10 * MS); /* it stands still */
}

static void what_a_dead_guest_has_used_is_still_known(void **state)
{
	(void)state;
	struct process_vm *vm = (struct process_vm *)box.vm;

	arm();
	box_set(&box, "loop", 5);
	assert_int_equal(hv_process.set_alarm(box.vm, 20 * MS, &err), MOTE_OK);
	assert_int_equal(box_run(&box).kind, HV_EXIT_INTERRUPTED);
	const uint64_t used = hv_process.cpu_time(box.vm);
	assert_true(used > 0);
	assert_int_equal(sys_linux.pidfd_send_signal(vm->process.pidfd, SIGKILL), 0);
	assert_int_equal(box_run(&box).kind, HV_EXIT_DIED);
	assert_true(hv_process.cpu_time(box.vm) >= used);
	hv_process.disarm(box.vm);
}

static int no_eventfd(unsigned value, int flags)
{
	(void)value, (void)flags;
	errno = EMFILE;
	return -1;
}

static void no_descriptor_is_an_error(void **state)
{
	(void)state;
	sys.eventfd = no_eventfd;
	assert_int_equal(hv_process.arm(box.vm, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "no descriptor to interrupt a guest by"));
	assert_int_equal(box_start(&box, "show", 6).kind, HV_EXIT_HYPERCALL);
	sys.eventfd = sys_linux.eventfd;
	arm();
	hv_process.disarm(box.vm);
}

#define IN(test)                                                                                   \
	{                                                                                          \
#test, test, setup, teardown, NULL                                                 \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(a_kick_before_the_run_comes_before_the_guest),
		IN(a_kick_is_for_one_call),
		IN(a_kick_stops_an_endless_guest),
		IN(alarms_go_off_in_time),
		IN(kicks_do_not_disturb_a_working_guest),
		IN(a_kick_is_told_of_once),
		IN(a_guests_cpu_time_is_its_own),
		IN(what_a_dead_guest_has_used_is_still_known),
		IN(no_descriptor_is_an_error),
	};
	return cmocka_run_group_tests_name("hv/process_kick", tests, open_backend, close_backend);
}

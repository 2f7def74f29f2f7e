/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What calls are compared with must itself work: the bare machine leaves, again and
 * again, by the way it says; the other processes answer, and are gone afterwards.
 */
#include "bench/bare_kvm.h"
#include "bench/bench.h"
#include "bench/yardsticks.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Opens KVM, or skips the case with the reason. */
static void need_kvm(struct bare_kvm *kvm)
{
	if (access("/dev/kvm", R_OK | W_OK) == 0) {
		assert_null(bare_kvm_init(kvm));
		return;
	}
	printf("SKIP /dev/kvm: %s\n", strerror(errno));
	skip();
}

static void a_bare_machine_leaves_each_time(void **unused)
{
	(void)unused;
	struct bare_kvm kvm;
	need_kvm(&kvm);
	struct bare_exit_state exits = { .kvm = &kvm };

	assert_true(bare_vm_init(&exits.vm, &kvm, BARE_RAM_SIZE));
	for (int i = 0; i < 100; i++)
		assert_true(bare_vm_exit(&exits.vm, &kvm));
	assert_true(bare_exit(&exits, 100) != BENCH_FAILED);
	bare_vm_fini(&exits.vm);

	printf("guests leave by: %s\n", bare_kvm_way(&kvm));
	bare_kvm_fini(&kvm);
}

static void a_machine_that_leaves_otherwise_is_a_failure(void **unused)
{
	(void)unused;
	struct bare_kvm kvm;
	need_kvm(&kvm);
	struct bare_exit_state exits = { .kvm = &kvm };

	memset(kvm.firmware, 0xcc, 16); /* int3, and no handler */
	assert_true(bare_vm_init(&exits.vm, &kvm, BARE_RAM_SIZE));
	assert_true(bare_exit(&exits, 1) == BENCH_FAILED);
	bare_vm_fini(&exits.vm);
	assert_true(bare_create(&kvm, 1) == BENCH_FAILED);
	bare_kvm_fini(&kvm);
}

static void lives_of_machines_leave_nothing(void **unused)
{
	(void)unused;
	struct bare_kvm kvm;
	need_kvm(&kvm);
	int before = dup(0);

	assert_true(bare_create(&kvm, 3) != BENCH_FAILED);
	assert_true(bare_create_1gib(&kvm, 3) != BENCH_FAILED);
	assert_true(bare_destroy(&kvm, 3) != BENCH_FAILED);
	int after = dup(0);
	assert_int_equal(after, before + 1);
	close(before);
	close(after);
	bare_kvm_fini(&kvm);
}

static void init_says_what_fails(void **unused)
{
	(void)unused;
	struct bare_kvm kvm;
	struct rlimit before;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	const char *failure = bare_kvm_init(&kvm);
	int saved = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_string_equal(failure, "cannot open /dev/kvm");
	assert_true(saved == EMFILE || saved == ENOENT || saved == EACCES);
}

static void a_peer_answers_and_ends(void **unused)
{
	(void)unused;
	struct pipe_peer peer;

	assert_true(pipe_peer_init(&peer));
	assert_true(process_pipe_round_trip(&peer, 10) != BENCH_FAILED);
	pipe_peer_fini(&peer);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void spawned_processes_end(void **unused)
{
	(void)unused;
	assert_true(process_spawn(NULL, 2) != BENCH_FAILED);
	assert_true(process_spawn_exec(NULL, 2) != BENCH_FAILED);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void a_page_takes_time_to_copy(void **unused)
{
	(void)unused;
	assert_true(memcpy_page(NULL, 100000) > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_machine_leaves_each_time),
		cmocka_unit_test(a_machine_that_leaves_otherwise_is_a_failure),
		cmocka_unit_test(lives_of_machines_leave_nothing),
		cmocka_unit_test(init_says_what_fails),
		cmocka_unit_test(a_peer_answers_and_ends),
		cmocka_unit_test(spawned_processes_end),
		cmocka_unit_test(a_page_takes_time_to_copy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

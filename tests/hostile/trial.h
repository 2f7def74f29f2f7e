/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial.h - one attack on one backend, judged by the rule that holds for all.
 *
 * A victim and its neighbour begin at one snapshot. Whatever the victim's guest does:
 *
 *   - the host process does not crash, and each call ends before its deadline;
 *   - the library allocates no more than a bound, nor does the process grow by more than the
 *     guest's own memory; no descriptor and no process is left over;
 *   - the call ends in one of the ways that the table allows; an error has a message that names
 *     the function and the cause, in clean UTF-8, and so is every line of the log;
 *   - the sandbox is poisoned if and only if the error's class says so, and then refuses calls;
 *     if it is not, it works as before;
 *   - a restore brings back each byte and each register (the library's own audit compares them),
 * and the guest's honest work has the right result again;
 *   - the folder that it was given is as it was, and what lies beside that was not seen;
 *   - the neighbour's memory is what it was, and its work has the right result.
 *
 * A sweep is for attacks of very many ways, of which a sample goes through all of that. It calls
 * many more, each of them with MOTE_TEST_SWEEP=all: how each call ends, its message and its poison
 * are judged as above, but only each SWEEP_CHECK-th restore is compared and followed by work.
 */
#ifndef TESTS_HOSTILE_TRIAL_H
#define TESTS_HOSTILE_TRIAL_H

#include "hostile/attacks.h"

#include <stdint.h>

/*
 * Tries ATTACK, the program in the file PATH, on BACKEND, with FOLDER of the host as "/data", which
 * it cannot change, and "/mine", which it can, or NULL; returns how many ways were tried. When
 * the rule was broken it says so on standard error and ends the process with status 1: to be called
 * in a process of its own, which is killed when a call hangs. *UNDER_WAY is the way being tried,
 * plus 1.
 */
unsigned trial_run(const struct attack *attack, const char *path, const char *backend,
		   const char *folder, volatile uint64_t *under_way);

#endif

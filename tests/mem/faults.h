/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.h - seeing a memory access fault: in a child process, so that the test goes on.
 */
#ifndef TESTS_MEM_FAULTS_H
#define TESTS_MEM_FAULTS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

enum access { ACCESS_READ, ACCESS_WRITE };

/* Whether ACCESS to the byte at AT ends a process with SIGSEGV. Children see private and shared
 * mappings of ours alike. */
static inline bool faults(volatile uint8_t *at, enum access access)
{
	pid_t child = fork();
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own handler */
		if (access == ACCESS_WRITE)
			*at = 1;
		else
			(void)*at;
		_exit(0);
	}
	int status = 0;
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stop.h - what a stop of a guest process means, and how it goes on.
 *
 * The kernel holds the process between a stop and its answer, so the control memory that these
 * functions get does not change under them; but a hostile guest wrote all of it, and
 * chose the stop's arguments. Pure functions over that memory.
 */
#ifndef HV_PROCESS_STOP_H
#define HV_PROCESS_STOP_H

#include "hv/hv.h"
#include "hv/process/monitor_abi.h"

/* The signal by which the host interrupts a running guest. */
#define STOP_KICK SIGURG

/* The arguments of the stop call: see MONITOR_STOP_START. */
struct stop {
	uint64_t cause, siginfo, context, fs_base;
};

/*
 * Reads STOP from CONTROL (MONITOR_CONTROL_SIZE bytes): registers to REGS and the event to
 * EXIT, where a kick, and any other signal that somebody sent, is HV_EXIT_INTERRUPTED.
 * Returns false for a stop that the monitor does not make; there is nothing in it then.
 */
bool stop_read(const struct stop *stop, const char *control, struct hv_regs *regs,
	       struct hv_exit *exit);

/*
 * Writes to CONTROL how the process goes on after STOP: with GIVEN and FS_BASE. IS_CLEAN resets
 * all that is not in them, as at the start of a program. STOP must be one that stop_read()
 * took, or IS_CLEAN set. Returns the answer to the stop call.
 */
uint64_t stop_answer(const struct stop *stop, char *control, const struct hv_regs *given,
		     uint64_t fs_base, bool is_clean);

/*
 * Reads the vector registers of STOP, which stop_read() took for a signal's, from CONTROL; and
 * writes VECTORS there (NULL: the kernel resets them) for an answer that is not clean. False: the
 * stop has none.
 */
bool stop_vectors(const struct stop *stop, const char *control, struct hv_vectors *to);
bool stop_set_vectors(const struct stop *stop, char *control, const struct hv_vectors *vectors);

/*
 * Whether the answer written last did not reach the process, although the kernel took it: the
 * kernel drops one that meets a signal, or a freeze, on its way. The stop that came instead is to
 * get it.
 */
bool stop_is_unanswered(const char *control);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - the process backend: guests without a hypervisor.
 *
 * A guest runs in a process of its own, which has nothing mapped but the guest's memory and can
 * make no system call: each one, and each fault, stops it and becomes an exit. It
 * isolates as well as a process without system calls does, not as a machine does. See
 * docs/process-backend.md.
 *
 * Besides what hv.h says: views must end below MONITOR_TEXT (monitor_abi.h); the
 * hypercall page is this backend's own, whatever a view puts there; and when the host moves
 * rip after an exit, the guest goes on there with its vector, floating point and
 * segment registers as new.
 */
#ifndef HV_PROCESS_PROCESS_H
#define HV_PROCESS_PROCESS_H

#include "hv/hv.h"

extern const struct hv_backend hv_process;

#endif

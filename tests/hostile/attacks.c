/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attacks, by family. What the emulated processor of the metal world, the real one and the
 * one of a nested hypervisor do not agree on may end in several ways; none may go beyond them.
 */
#include "hostile/attacks.h"

#define REFUSED "general protection fault|invalid instruction"
#define CAUGHT                                                                                     \
	REFUSED "|page fault|stack-segment fault|segment not present|debug exception|breakpoint|"  \
		"overflow|divide error|arithmetic error|misaligned access"
#define MALFORMED "malformed|holds no|result is|guest call where|no room in its input"
#define GUEST     "|guest error"
#define UNMAPPED  "page fault|general protection fault"
#define DOORBELL  "|in the doorbell page|the hypervisor cannot run"
#define CALLED    "|hypercall|holds no|malformed|port 0x"

const struct attack attacks[] = {
	/* instructions */
	{ "halt", FAULT, REFUSED, .ways = 1 },
	{ "interrupt_flag", FAULT | FINE, REFUSED, .ways = 5 },
	{ "ports", FAULT, REFUSED "|port 0x", .ways = 393216, .sample = 3000,
	  .sweep = 6 }, /* each port at least once */
	{ "own_ports", FAULT | PROTOCOL | FINE, REFUSED "|port 0x|hypercall", .ways = 9 },
	{ "string_ports", FAULT | PROTOCOL | LIMIT | FINE,
	  CAUGHT CALLED DOORBELL "|raise max_exits", .ways = 18 },
	{ "interrupts", FAULT | FINE, CAUGHT, .ways = 259 },
	{ "system_enter", FAULT, CAUGHT, .ways = 9 },
	{ "hypervisor_calls", FAULT | FINE, REFUSED, .ways = 25 },
	{ "privileged", FAULT, REFUSED, .ways = 19 },
	{ "cpuid", FINE, "", .ways = 4 },
	{ "model_registers", FAULT, REFUSED, .ways = 100 },
	{ "counters", FAULT, REFUSED, .ways = 9 },
	{ "extended_state", FAULT, REFUSED, .ways = 18 },
	{ "restored_state", FAULT | FINE, CAUGHT, .ways = 15 },
	{ "control_registers", FAULT, REFUSED, .ways = 64 },
	{ "debug_registers", FAULT, REFUSED, .ways = 64 },
	{ "descriptor_tables", FAULT, REFUSED, .ways = 7 },
	{ "descriptors_told", FAULT | FINE, CAUGHT DOORBELL, .ways = 16 },
	{ "segments", FAULT | FINE, CAUGHT, .ways = 200, .spoils = true },
	{ "thread_pointers", FAULT | FINE, CAUGHT DOORBELL, .ways = 60, .spoils = true },
	{ "jumps", FAULT, CAUGHT, .ways = 120 },
	{ "flags", FAULT | PROTOCOL | FINE, CAUGHT "|malformed", .ways = 256, .spoils = true },
	{ "single_step", FAULT | PROTOCOL | FINE, CAUGHT CALLED DOORBELL, .ways = 23 },
	{ "stack_pointers", FAULT | PROTOCOL, CAUGHT CALLED DOORBELL, .ways = 144 },
	{ "nested_faults", FAULT | FINE, CAUGHT, .ways = 15 },
	{ "cache_lines", FAULT | FINE, CAUGHT DOORBELL, .ways = 24 },

	/* memory */
	{ "stray_load", FAULT, UNMAPPED DOORBELL, .ways = 500, .place = NOT_READABLE },
	{ "stray_store", FAULT, UNMAPPED, .ways = 500, .place = NOT_WRITABLE },
	{ "stray_jump", FAULT, UNMAPPED DOORBELL, .ways = 500, .place = NOT_EXECUTABLE },
	{ "stray_pointers", FINE, "", .ways = 500, .place = NOT_READABLE },
	{ "stray_results", FINE, "", .ways = 500, .place = NOT_WRITABLE },
	{ "changed_rights", FAULT, "page fault", .ways = 9 },
	{ "doorbell_stores", FAULT | PROTOCOL | FINE, CAUGHT CALLED DOORBELL, .ways = 600 },
	{ "doorbell_loads", FAULT, CAUGHT DOORBELL, .ways = 16 },
	/* the vDSO is there too, and returns */
	{ "host_code_entries", FAULT | PROTOCOL | FINE, CAUGHT CALLED DOORBELL, .ways = 4096,
	  .sample = 700, .spoils = true },

	/* messages and buffers */
	{ "output_pointers", PROTOCOL | FINE, MALFORMED, .ways = 80 },
	{ "back_pointers", PROTOCOL | FINE, MALFORMED, .ways = 40 },
	{ "size_prefixes", PROTOCOL, MALFORMED, .ways = 120 },
	{ "result_bytes", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 2880, .sample = 1000 },
	{ "error_bytes", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 2880, .sample = 1000 },
	{ "host_call_bytes", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 2880,
	  .sample = 1000 },
	{ "log_bytes", PROTOCOL | FINE, MALFORMED, .ways = 2880, .sample = 1000 },
	{ "spans", PROTOCOL | ERROR | FINE, MALFORMED GUEST "|in a buffer|outside of its buffers",
	  .ways = 2304, .sample = 1000 },
	{ "replies", PROTOCOL, MALFORMED, .ways = 16 },
	{ "two_replies", FINE, "", .ways = 1 },
	{ "noise", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 100000, .sample = 1000 },
	{ "hypercalls", PROTOCOL | FINE | ABORT, MALFORMED "|hypercall|twice", .ways = 120 },
	{ "strings", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 120 },
	{ "endless_strings", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 200 },
	{ "host_functions", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 18 },
	{ "input_buffers", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 80, .spoils = true },
	{ "full_output", PROTOCOL | ERROR | FINE, MALFORMED GUEST, .ways = 40, .spoils = true },

	/* system calls */
	{ "system_calls", FINE | ABORT | FAULT,
	  "exit(|itself with signal|invalid instruction|a deadlock", .ways = 6000, .sample = 1500,
	  .spoils = true },
	{ "system_call_pointers", FINE | FAULT | ABORT, CAUGHT "|a deadlock", .ways = 1008,
	  .sample = 700, .spoils = true },
	{ "address_space", FINE | FAULT, "page fault", .ways = 45, .spoils = true },
	{ "file_paths", FINE | LIMIT, "raise max_", .ways = 400, .has_files = true },
	{ "file_storms", FINE | LIMIT, "raise max_", .ways = 20, .has_files = true },
	{ "file_calls", FINE | LIMIT | FAULT, CAUGHT "|raise max_", .ways = 2000, .sample = 400,
	  .has_files = true, .spoils = true },
	{ "ends", FINE | ABORT, "exit(|itself with signal", .ways = 400 },

	/* too much */
	{ "heap", FINE | ERROR, "memory", .ways = 24, .spoils = true },
	{ "heap_pieces", FINE | ERROR, "memory", .ways = 5, .spoils = true },
	{ "stack", FAULT, "guard", .ways = 7 },
	{ "floods", LIMIT, "raise max_", .ways = 5 },
	{ "endless", TIMEOUT | FAULT | ABORT, "timeout_ns|page fault|a deadlock" DOORBELL,
	  .ways = 14, .is_endless = true },
	{ "stopped", CANCELED, "mote_interrupt_kill", .ways = 2, .is_stopped = true },
};

const size_t attacks_count = sizeof attacks / sizeof attacks[0];

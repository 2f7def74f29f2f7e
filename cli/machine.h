/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - the facts about a machine that decide how well hypervisors run on it.
 */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

struct machine_facts {
	char cpu[128];    /* model, "" when unknown */
	char kernel[128]; /* name and release */
	/* The processor says that it is a hypervisor's: KVM in here is nested. */
	bool is_virtual;
	bool has_vmx, has_svm;  /* hardware virtualization, Intel's and AMD's */
	const char *kvm_module; /* "kvm_intel", "kvm_amd" or NULL when none is loaded; static */
	/* What the module says of second-level paging (ept, npt): 'Y', 'N', or '?' when nothing. */
	char second_level_paging;
};

/* Reads the facts from proc/cpuinfo and sys/module below ROOT: "" for this machine. What
 * cannot be read stays unknown. */
void machine_read(struct machine_facts *facts, const char *root);

/* What FACTS, and whether KVM works, mean for sandboxes: a sentence, static. */
const char *machine_verdict(const struct machine_facts *facts, bool has_kvm);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learns about the machine from the files that the kernel has for it.
 */
#include "machine.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* The text behind "KEY<blanks>: " when LINE is that line of /proc/cpuinfo, else NULL. */
static char *value_of(char *line, const char *key)
{
	size_t length = strlen(key);
	if (strncmp(line, key, length) != 0)
		return NULL;
	char *colon = line + length + strspn(line + length, " \t");
	if (*colon != ':')
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return colon + 1 + strspn(colon + 1, " ");
}

/* Whole words: "svm_lock" is not "svm". */
static void read_flags(struct machine_facts *facts, char *flags)
{
	char *rest;
	for (char *flag = strtok_r(flags, " ", &rest); flag; flag = strtok_r(NULL, " ", &rest)) {
		facts->is_virtual |= strcmp(flag, "hypervisor") == 0;
		facts->has_vmx |= strcmp(flag, "vmx") == 0;
		facts->has_svm |= strcmp(flag, "svm") == 0;
	}
}

/* The first processor stands for all. */
static void read_cpu(struct machine_facts *facts, const char *root)
{
	char path[256], line[8192]; /* flags are 2 KiB and grow */

	snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof line, file) && line[0] != '\n') {
		char *value = value_of(line, "model name");
		if (value)
			snprintf(facts->cpu, sizeof facts->cpu, "%s", value);
		value = value_of(line, "flags");
		if (value)
			read_flags(facts, value);
	}
	fclose(file);
}

/* The first letter of a module's parameter (Y, N, 1, 0), or '?'. */
static char read_parameter(const char *root, const char *module, const char *parameter)
{
	char path[256];

	snprintf(path, sizeof path, "%s/sys/module/%s/parameters/%s", root, module, parameter);
	FILE *file = fopen(path, "re");
	if (!file)
		return '?';
	int letter = getc(file);
	fclose(file);
	if (letter == 'Y' || letter == '1')
		return 'Y';
	return letter == 'N' || letter == '0' ? 'N' : '?';
}

/* Both modules may be there; at most one has a parameter that can be read. */
static void read_module(struct machine_facts *facts, const char *root)
{
	static const struct {
		const char *module, *paging;
	} rows[] = { { "kvm_intel", "ept" }, { "kvm_amd", "npt" } };

	facts->second_level_paging = '?';
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char letter = read_parameter(root, rows[i].module, rows[i].paging);
		if (letter == '?')
			continue;
		facts->kvm_module = rows[i].module;
		facts->second_level_paging = letter;
	}
}

void machine_read(struct machine_facts *facts, const char *root)
{
	struct utsname name;

	*facts = (struct machine_facts){ 0 };
	if (uname(&name) == 0)
		snprintf(facts->kernel, sizeof facts->kernel, "%.60s %.60s", name.sysname,
			 name.release);
	read_cpu(facts, root);
	read_module(facts, root);
}

const char *machine_verdict(const struct machine_facts *facts, bool has_kvm)
{
	bool has_hardware = facts->has_vmx || facts->has_svm;

	if (!facts->is_virtual && !has_hardware)
		return "a machine without hardware virtualization, or it is off in the firmware";
	if (!facts->is_virtual)
		return facts->second_level_paging == 'N'
			       ? "a physical machine, but KVM does without second-level paging, "
				 "which is slow"
			       : "a physical machine with hardware virtualization";
	if (has_hardware)
		return facts->second_level_paging == 'N'
			       ? "a virtual machine; KVM in it is nested and without second-level "
				 "paging, so exits are slow"
			       : "a virtual machine; KVM in it is nested";
	return has_kvm ? "a virtual machine; KVM in it is nested and does without hardware "
			 "virtualization, so exits are slow"
		       : "a virtual machine whose hypervisor passes no virtualization on";
}

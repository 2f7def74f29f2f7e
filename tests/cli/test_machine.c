/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What doctor reads off machines that are not this one: each is a folder with the files that
 * its kernel would show.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/machine.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Writes TEXT to the file PATH below ROOT, with the folders that it needs. */
static void plant(const char *root, const char *path, const char *text)
{
	char name[256];

	snprintf(name, sizeof name, "%s/%s", root, path);
	for (char *slash = strchr(name + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(name, 0755);
		*slash = '/';
	}
	FILE *file = fopen(name, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	fclose(file);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

struct machine_row {
	const char *what;
	const char *cpuinfo;                    /* NULL: there is none */
	const char *module, *parameter, *value; /* NULL: none is loaded */
	bool has_kvm;
	/* what is found */
	const char *cpu;
	bool is_virtual;
	const char *kvm_module;
	char second_level_paging;
	const char *verdict; /* part of it */
};

#define CPU(flags) "processor\t: 0\nmodel name\t: Test CPU 3000\nflags\t\t: fpu " flags "\n\n"

static const struct machine_row rows[] = {
	{ "a server with Intel's", CPU("vmx lm"), "kvm_intel", "ept", "Y\n", true, "Test CPU 3000",
	  false, "kvm_intel", 'Y', "a physical machine with hardware virtualization" },
	{ "a server with AMD's", CPU("lm svm"), "kvm_amd", "npt", "1\n", true, "Test CPU 3000",
	  false, "kvm_amd", 'Y', "a physical machine with hardware virtualization" },
	{ "a server with paging switched off", CPU("svm"), "kvm_amd", "npt", "0\n", true,
	  "Test CPU 3000", false, "kvm_amd", 'N', "does without second-level paging" },
	{ "a server without the module", CPU("svm"), NULL, NULL, NULL, false, "Test CPU 3000",
	  false, NULL, '?', "a physical machine with hardware virtualization" },
	{ "a server with it switched off", CPU("lm"), NULL, NULL, NULL, false, "Test CPU 3000",
	  false, NULL, '?', "off in the firmware" },
	{ "a virtual machine with nesting", CPU("vmx hypervisor"), "kvm_intel", "ept", "Y\n", true,
	  "Test CPU 3000", true, "kvm_intel", 'Y', "KVM in it is nested" },
	{ "a virtual machine without second-level paging", CPU("hypervisor vmx"), "kvm_intel",
	  "ept", "N\n", true, "Test CPU 3000", true, "kvm_intel", 'N',
	  "without second-level paging" },
	{ "a virtual machine with KVM in software", CPU("hypervisor"), NULL, NULL, NULL, true,
	  "Test CPU 3000", true, NULL, '?', "does without hardware virtualization" },
	{ "a virtual machine without nesting", CPU("hypervisor"), NULL, NULL, NULL, false,
	  "Test CPU 3000", true, NULL, '?', "passes no virtualization on" },
	{ "flags that only begin alike", CPU("vmxoff svm_lock hypervisors"), NULL, NULL, NULL,
	  false, "Test CPU 3000", false, NULL, '?', "off in the firmware" },
	{ "keys that only begin alike",
	  "model name extra: no\nmodel\t: 1\nflagship: vmx\nflags: svm\n", NULL, NULL, NULL, true,
	  "", false, NULL, '?', "a physical machine with hardware virtualization" },
	{ "only the first processor counts",
	  CPU("lm") "processor: 1\nmodel name: Other\nflags: svm\n", NULL, NULL, NULL, false,
	  "Test CPU 3000", false, NULL, '?', "off in the firmware" },
	{ "an empty cpuinfo", "", NULL, NULL, NULL, false, "", false, NULL, '?',
	  "off in the firmware" },
	{ "no files at all", NULL, NULL, NULL, NULL, false, "", false, NULL, '?',
	  "off in the firmware" },
	{ "a parameter in no known letter", CPU("svm"), "kvm_amd", "npt", "?\n", true,
	  "Test CPU 3000", false, NULL, '?', "a physical machine" },
	{ "an empty parameter", CPU("svm"), "kvm_amd", "npt", "", true, "Test CPU 3000", false,
	  NULL, '?', "a physical machine" },
};

static void check_row(const struct machine_row *row, const char *root)
{
	struct machine_facts facts;
	char path[128];

	if (row->cpuinfo)
		plant(root, "proc/cpuinfo", row->cpuinfo);
	if (row->module) {
		snprintf(path, sizeof path, "sys/module/%s/parameters/%s", row->module,
			 row->parameter);
		plant(root, path, row->value);
	}
	machine_read(&facts, root);
	assert_string_equal(facts.cpu, row->cpu);
	assert_int_equal(facts.is_virtual, row->is_virtual);
	if (row->kvm_module)
		assert_string_equal(facts.kvm_module, row->kvm_module);
	else
		assert_null(facts.kvm_module);
	assert_int_equal(facts.second_level_paging, row->second_level_paging);
	if (!strstr(machine_verdict(&facts, row->has_kvm), row->verdict))
		fail_msg("%s: %s", row->what, machine_verdict(&facts, row->has_kvm));
}

static void machines_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char root[] = "/tmp/mote-test-XXXXXX";
		assert_non_null(mkdtemp(root));
		check_row(&rows[i], root);
		assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	}
}

static void a_name_that_is_too_long_is_cut(void **state)
{
	char root[] = "/tmp/mote-test-XXXXXX";
	char cpuinfo[600] = "model name: ";
	struct machine_facts facts;

	(void)state;
	memset(cpuinfo + strlen(cpuinfo), 'x', 500);
	assert_non_null(mkdtemp(root));
	plant(root, "proc/cpuinfo", cpuinfo);
	machine_read(&facts, root);
	assert_int_equal(strlen(facts.cpu), sizeof facts.cpu - 1);
	assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machines_are_told_apart),
		cmocka_unit_test(a_name_that_is_too_long_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

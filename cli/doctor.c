/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote doctor`: what can run guests on this machine, how fit it is for that, what is in the way of
 * the rest, and what would mend it. Succeeds when something can.
 */
#include "command.h"
#include "json.h"
#include "machine.h"

#include <mote/host_check.h>
#include <mote/runtime.h>

#include <string.h>

/* More than the library has. */
#define BACKENDS_MAX 16
#define CHECKS_MAX   64

struct findings {
	struct machine_facts machine;
	mote_backend_info backends[BACKENDS_MAX];
	size_t nbackends;
	mote_host_check_info checks[CHECKS_MAX];
	size_t nchecks;
	const char *best; /* name of the first backend that works, or NULL */
};

/* Asks the library for one check after the other, up to the last. */
static void make_checks(struct findings *findings)
{
	for (size_t i = 0; i < CHECKS_MAX; i++) {
		mote_host_check_info *info = &findings->checks[i];
		info->size = sizeof *info;
		if (mote_host_check(i, info, NULL) != MOTE_OK)
			break;
		findings->nchecks++;
	}
}

/* The same for backends. */
static void examine(struct findings *findings)
{
	*findings = (struct findings){ 0 };
	machine_read(&findings->machine, "");
	make_checks(findings);
	for (size_t i = 0; i < BACKENDS_MAX; i++) {
		mote_backend_info *info = &findings->backends[i];
		info->size = sizeof *info;
		if (mote_backend_describe(i, info, NULL) != MOTE_OK)
			break;
		findings->nbackends++;
		if (info->is_available && !findings->best)
			findings->best = info->name;
	}
}

/* What the machine is like depends on whether KVM works, not on what the processor says alone. */
static bool has_kvm(const struct findings *findings)
{
	for (size_t i = 0; i < findings->nbackends; i++)
		if (strcmp(findings->backends[i].name, "kvm") == 0)
			return findings->backends[i].is_available;
	return false;
}

static void print_machine(const struct findings *findings)
{
	const struct machine_facts *machine = &findings->machine;

	printf("%-9s%s\n", "mote", mote_version());
	printf("%-9s%s\n", "kernel", machine->kernel);
	printf("%-9s%s\n", "cpu", *machine->cpu ? machine->cpu : "unknown");
	printf("%-9s%s\n", "machine", machine_verdict(machine, has_kvm(findings)));
}

static void print_backend(const mote_backend_info *info)
{
	printf("%-9s%s\n", info->name, info->reason);
	if (*info->details)
		printf("%-9s%s\n", "", info->details);
	if (*info->remedy)
		printf("%-9sto mend it: %s\n", "", info->remedy);
}

static void print_check(const mote_host_check_info *info)
{
	printf("%-9s%-15s%s\n", mote_host_state_name(info->state), info->name, info->found);
	if (*info->remedy)
		printf("%-24sto mend it: %s\n", "", info->remedy);
}

static void print_text(const struct findings *findings)
{
	print_machine(findings);
	for (size_t i = 0; i < findings->nbackends; i++)
		print_backend(&findings->backends[i]);
	putchar('\n');
	for (size_t i = 0; i < findings->nchecks; i++)
		print_check(&findings->checks[i]);
	if (findings->best)
		printf("\nguests run here, by %s\n", findings->best);
	else
		printf("\nno guest can run here\n");
}

/* What is not known is null. */
static struct json_object *machine_json(const struct machine_facts *machine)
{
	struct json_object *json = json_map();
	char paging = machine->second_level_paging;

	json_add(json, "kernel", json_text(machine->kernel));
	json_add(json, "cpu", json_text(machine->cpu));
	json_add(json, "is_virtual", json_flag(machine->is_virtual));
	json_add(json, "has_virtualization", json_flag(machine->has_vmx || machine->has_svm));
	json_add(json, "kvm_module", machine->kvm_module ? json_text(machine->kvm_module) : NULL);
	json_add(json, "second_level_paging", paging == '?' ? NULL : json_flag(paging == 'Y'));
	return json;
}

static struct json_object *backend_json(const mote_backend_info *info)
{
	struct json_object *json = json_map();

	json_add(json, "name", json_text(info->name));
	json_add(json, "is_available", json_flag(info->is_available));
	json_add(json, "is_hardware", json_flag(info->is_hardware));
	json_add(json, "reason", json_text(info->reason));
	json_add(json, "remedy", json_text(info->remedy));
	json_add(json, "details", json_text(info->details));
	return json;
}

static struct json_object *check_json(const mote_host_check_info *info)
{
	struct json_object *json = json_map();

	json_add(json, "name", json_text(info->name));
	json_add(json, "state", json_text(mote_host_state_name(info->state)));
	json_add(json, "found", json_text(info->found));
	json_add(json, "remedy", json_text(info->remedy));
	return json;
}

static void print_json(const struct findings *findings)
{
	struct json_object *json = json_map(), *backends = json_list(), *checks = json_list();

	json_add(json, "version", json_text(mote_version()));
	json_add(json, "machine", machine_json(&findings->machine));
	for (size_t i = 0; i < findings->nbackends; i++)
		json_append(backends, backend_json(&findings->backends[i]));
	json_add(json, "backends", backends);
	for (size_t i = 0; i < findings->nchecks; i++)
		json_append(checks, check_json(&findings->checks[i]));
	json_add(json, "checks", checks);
	json_add(json, "best", findings->best ? json_text(findings->best) : NULL);
	json_print(stdout, json);
}

int doctor_command(const struct options *options, int nargs, char **args)
{
	struct findings findings;

	(void)nargs;
	(void)args;
	examine(&findings);
	if (options->wants_json)
		print_json(&findings);
	else
		print_text(&findings);
	return findings.best ? EXIT_OK : EXIT_HOST;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes runtimes: picks the backend that the options allow, opens it, and finds
 * out by a probe how guests get out on this machine.
 */
#include "sandbox/runtime.h"

#include "base/options.h"
#include "sandbox/host_check.h"

#include <stdio.h>
#include <string.h>

static void set_host(struct host *host, const mote_runtime_options *options, const struct sys *sys)
{
	host_init(host);
	host->sys = sys;
	host->log = options->log;
	host->log_user = options->log_user;
	host->log_level = options->log_level;
	host->interrupt_signal = options->interrupt_signal;
	if (options->realloc) {
		host->realloc = options->realloc;
		host->realloc_user = options->realloc_user;
	}
}

static const struct hv_backend *find_backend(const struct hv_backend *const *backends,
					     const char *name)
{
	for (; *backends; backends++)
		if (strcmp((*backends)->name, name) == 0)
			return *backends;
	return NULL;
}

/* The first backend of that strength that works; REASON says why others did not. */
static const struct hv_backend *find_available(const struct host *host,
					       const struct hv_backend *const *backends,
					       bool is_hardware, struct hv_check *first)
{
	bool has_first = false;
	for (; *backends; backends++) {
		struct hv_check check;
		if ((*backends)->is_hardware != is_hardware)
			continue;
		(*backends)->check(host, &check);
		if (check.is_available)
			return *backends;
		if (!has_first)
			*first = check;
		has_first = true;
	}
	if (!has_first)
		*first = (struct hv_check){ .reason = "this library was built without one" };
	return NULL;
}

static mote_status choose(const struct hv_backend **out, const struct host *host,
			  const mote_runtime_options *options,
			  const struct hv_backend *const *backends, mote_error *err)
{
	if (options->backend) {
		*out = find_backend(backends, options->backend);
		if (*out)
			return MOTE_OK;
		return error_set(err, MOTE_E_INVALID,
				 "backend \"%s\" does not exist; `mote doctor` lists those that do",
				 options->backend);
	}

	struct hv_check why, why_weaker;
	*out = find_available(host, backends, true, &why);
	if (*out)
		return MOTE_OK;
	if (!options->allow_weaker_isolation)
		return error_set(err, MOTE_E_NO_HYPERVISOR,
				 "no hypervisor: %s; %s; or set allow_weaker_isolation to run "
				 "guests in a process of their own",
				 why.reason, why.remedy);
	*out = find_available(host, backends, false, &why_weaker);
	if (*out)
		return MOTE_OK;
	return error_set(err, MOTE_E_NO_HYPERVISOR,
			 "no backend works here: %s; and for weaker isolation: %s; %s", why.reason,
			 why_weaker.reason, why_weaker.remedy);
}

static mote_status open_backend(mote_runtime *rt, const struct hv_backend *backend, bool has_clock,
				mote_error *err)
{
	mote_status status = backend->open(&rt->hv, &rt->host, err);

	for (size_t i = 0; !status && guest_abis[i]; i++)
		if (guest_abis[i]->platform_new)
			status = guest_abis[i]->platform_new(&rt->platforms[i], rt->hv, has_clock,
							     err);
	return status;
}

const struct guest_platform *runtime_platform(const mote_runtime *rt, const struct guest_abi *abi)
{
	size_t i = 0;

	while (guest_abis[i] != abi)
		i++;
	return rt->platforms[i];
}

mote_status runtime_new(mote_runtime **out, const mote_runtime_options *given,
			const struct sys *sys, const struct hv_backend *const *backends,
			mote_error *err)
{
	mote_runtime_options options;
	struct host host;
	const struct hv_backend *backend;

	*out = NULL;
	mote_status status =
		options_copy(&options, sizeof options, given, "mote_runtime_options", err);
	if (status)
		return status;
	set_host(&host, &options, sys);
	const struct host_view view = { .host = &host, .backends = backends };
	status = host_require(&view, options.require, err);
	if (!status)
		status = choose(&backend, &host, &options, backends, err);
	if (status)
		return status;

	mote_runtime *rt = host_alloc(&host, sizeof *rt);
	if (!rt)
		return error_nomem(err, "a runtime", sizeof *rt);
	rt->host = host;
	status = host_watch_forks(&rt->host, err);
	if (!status)
		status = open_backend(rt, backend, !options.no_fast_clock, err);
	if (status) {
		mote_runtime_free(rt);
		return status;
	}
	if (options.debug_info)
		rt->libdw = libdw_new(&rt->host);
	*out = rt;
	return MOTE_OK;
}

mote_status mote_runtime_new(mote_runtime **out, const mote_runtime_options *options,
			     mote_error *err)
{
	return runtime_new(out, options, &sys_linux, hv_backends, err);
}

void mote_runtime_free(mote_runtime *rt)
{
	if (!rt)
		return;
	struct host host = rt->host;
	libdw_free(rt->libdw);
	for (size_t i = 0; guest_abis[i]; i++)
		if (guest_abis[i]->platform_free)
			guest_abis[i]->platform_free(rt->platforms[i]);
	if (rt->hv)
		rt->hv->ops->close(rt->hv);
	host_free(&host, rt, sizeof *rt);
	host_unwatch_forks(&host);
}

mote_status runtime_refuse_fork(mote_error *err)
{
	return error_set(
		err, MOTE_E_STATE,
		"this process was forked from the one that made the runtime, and cannot use "
		"what is that one's; make a runtime of its own with mote_runtime_new()");
}

const char *mote_runtime_backend(const mote_runtime *rt)
{
	return rt->hv->ops->name;
}

/* How guests get out, added to the details of a backend that is a machine. */
static void describe_ways(const struct host *host, const struct hv_backend *backend, char *details,
			  size_t size)
{
	struct hv *hv = NULL;
	char ways[128];

	if (backend->open(&hv, host, NULL))
		return;
	for (size_t i = 0; guest_abis[i]; i++) {
		const size_t used = strlen(details);

		if (guest_abis[i]->platform_describe &&
		    guest_abis[i]->platform_describe(hv, ways, sizeof ways))
			snprintf(details + used, size - used, "%s%s", used ? ", " : "", ways);
	}
	hv->ops->close(hv);
}

mote_status mote_backend_describe(size_t index, mote_backend_info *info, mote_error *err)
{
	struct host host;
	struct hv_check check;

	for (size_t i = 0; i <= index; i++)
		if (!hv_backends[i])
			return error_set(err, MOTE_E_INVALID,
					 "there is no backend %zu; this library has %zu", index, i);
	const struct hv_backend *backend = hv_backends[index];
	host_init(&host);
	backend->check(&host, &check);
	if (check.is_available && backend->is_hardware)
		describe_ways(&host, backend, check.details, sizeof check.details);

	mote_backend_info all = {
		.name = backend->name,
		.is_available = check.is_available,
		.is_hardware = backend->is_hardware,
	};
	_Static_assert(sizeof all.reason == sizeof check.reason, "texts are copied whole");
	memcpy(all.reason, check.reason, sizeof all.reason);
	memcpy(all.remedy, check.remedy, sizeof all.remedy);
	memcpy(all.details, check.details, sizeof all.details);
	return options_fill(info, &all, sizeof all, "mote_backend_info", err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of host checks, in the order in which they are shown, and runtimes' requirements.
 */
#define _GNU_SOURCE
#include "sandbox/host_check.h"

#include "base/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* include/mote/host_check.h has the same list, with what each is for. */
static const struct check {
	const char *name;
	host_check_fn *look;
} checks[] = {
	{ "kvm", check_kvm },
	{ "kvm_device", check_kvm_device },
	{ "process", check_process },
	{ "nested", check_nested },
	{ "paging", check_paging },
	{ "smt", check_smt },
	{ "mitigations", check_mitigations },
	{ "ksm", check_ksm },
	{ "swap", check_swap },
	{ "core_dumps", check_core_dumps },
	{ "overcommit", check_overcommit },
	{ "max_map_count", check_max_map_count },
	{ "limits", check_limits },
};
enum { NCHECKS = sizeof checks / sizeof checks[0] };

const char *mote_host_state_name(mote_host_state state)
{
	static const char *const names[] = { "ok", "warn", "fail", "unknown" };

	return (unsigned)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

void host_found(mote_host_check_info *info, mote_host_state state, const char *remedy,
		const char *format, ...)
{
	va_list arguments;

	info->state = state;
	va_start(arguments, format);
	vsnprintf(info->found, sizeof info->found, format, arguments);
	va_end(arguments);
	snprintf(info->remedy, sizeof info->remedy, "%s", state == MOTE_HOST_OK ? "" : remedy);
}

/* Files of /proc and /sys may come in pieces. Returns the bytes read, or -1 and errno. */
static ssize_t read_all(const struct sys *sys, int fd, char *to, size_t size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t got = sys->read(fd, to + used, size - used);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

bool host_read(const struct host *host, const char *path, char *text, size_t size)
{
	text[0] = '\0';
	int fd = host->sys->open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t used = read_all(host->sys, fd, text, size - 1);
	int os_error = used < 0 ? errno : ENODATA;
	host->sys->close(fd);
	while (used > 0 && strchr(" \n", text[used - 1]))
		used--;
	text[used > 0 ? used : 0] = '\0';
	errno = os_error;
	return used > 0;
}

bool host_lacks(const struct host *host, const char *path, const char *folder)
{
	int fd = host->sys->open(path, O_PATH | O_CLOEXEC);
	bool lacks = fd < 0 && errno == ENOENT;

	if (fd >= 0)
		host->sys->close(fd);
	if (!lacks)
		return false;
	fd = host->sys->open(folder, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		host->sys->close(fd);
	return fd >= 0;
}

bool host_read_number(const struct host *host, const char *path, uint64_t *number)
{
	char text[32], *end;

	if (!host_read(host, path, text, sizeof text))
		return false;
	*number = strtoull(text, &end, 10);
	return *end == '\0';
}

static void make_check(const struct host_view *view, const struct check *check,
		       mote_host_check_info *info)
{
	*info = (mote_host_check_info){ .name = check->name };
	check->look(view, info);
}

mote_status host_check(const struct host_view *view, size_t index, mote_host_check_info *info,
		       mote_error *err)
{
	mote_host_check_info all;

	if (index >= NCHECKS)
		return error_set(err, MOTE_E_INVALID,
				 "there is no host check %zu; this library has %d", index,
				 (int)NCHECKS);
	make_check(view, &checks[index], &all);
	return options_fill(info, &all, sizeof all, "mote_host_check_info", err);
}

mote_status mote_host_check(size_t index, mote_host_check_info *info, mote_error *err)
{
	struct host host;
	const struct host_view view = { .host = &host, .backends = hv_backends };

	host_init(&host);
	return host_check(&view, index, info, err);
}

static const struct check *find_check(const char *name, size_t length)
{
	for (size_t i = 0; i < NCHECKS; i++)
		if (strlen(checks[i].name) == length && memcmp(checks[i].name, name, length) == 0)
			return &checks[i];
	return NULL;
}

static mote_status refuse_name(const char *name, size_t length, mote_error *err)
{
	char all[256];
	size_t used = 0;

	for (size_t i = 0; i < NCHECKS && used < sizeof all; i++)
		used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "",
					 checks[i].name);
	return error_set(err, MOTE_E_INVALID, "host check \"%.*s\" does not exist; there are %s",
			 (int)(length < 64 ? length : 64), name, all);
}

static mote_status require_one(const struct host_view *view, const struct check *check,
			       mote_error *err)
{
	mote_host_check_info info;

	make_check(view, check, &info);
	if (info.state == MOTE_HOST_OK)
		return MOTE_OK;
	return error_set(err, MOTE_E_HOST_CHECK, "this machine does not pass \"%s\": %s; %s",
			 info.name, info.found, info.remedy);
}

/* All names are looked up before any check is made: a wrong one is a mistake everywhere. */
mote_status host_require(const struct host_view *view, const char *names, mote_error *err)
{
	bool is_required[NCHECKS] = { false };

	if (!names || !names[0])
		return MOTE_OK;
	for (const char *name = names;; name++) {
		size_t length = strcspn(name, ",");
		const struct check *check = find_check(name, length);
		if (!check)
			return refuse_name(name, length, err);
		is_required[check - checks] = true;
		name += length;
		if (*name == '\0')
			break;
	}
	mote_status status = MOTE_OK;
	for (size_t i = 0; i < NCHECKS && !status; i++)
		if (is_required[i])
			status = require_one(view, &checks[i], err);
	return status;
}

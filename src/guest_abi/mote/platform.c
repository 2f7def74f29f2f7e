/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guests of a runtime share: code and tables that get them out of their machines in the
 * way that works here, and the clock that they begin with.
 */
#include "guest_abi/mote/guest.h"

#include <stdio.h>

mote_status mote_platform_new(struct guest_platform **out, struct hv *hv, bool has_clock,
			      mote_error *err)
{
	const struct host *host = hv->host;
	struct machine_ways ways;

	*out = NULL;
	struct guest_platform *platform = host_alloc(host, sizeof *platform);
	if (!platform)
		return error_nomem(err, "what guests share", sizeof *platform);
	platform->firmware.owner = host;
	mote_status status = machine_probe(&ways, hv, err);
	if (!status)
		status = firmware_init(&platform->firmware, host, ways, err);
	if (!status && has_clock)
		status = clock_learn(&platform->firmware.clock, host, err);
	if (status) {
		platform->firmware.owner = host; /* firmware_init() may have failed */
		mote_platform_free(platform);
		return status;
	}
	*out = platform;
	return MOTE_OK;
}

void mote_platform_free(struct guest_platform *platform)
{
	if (!platform)
		return;
	const struct host *host = platform->firmware.owner;
	firmware_fini(&platform->firmware);
	host_free(host, platform, sizeof *platform);
}

bool mote_platform_describe(struct hv *hv, char *text, size_t size)
{
	struct machine_ways ways;

	if (machine_probe(&ways, hv, NULL))
		return false;
	snprintf(text, size, "hypercall by %s, syscall arrives in %s", way_out_name(ways.hypercall),
		 syscall_ring_name(ways.syscall));
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a snapshot apart, for saving it, as far as that is the same for guests of every ABI.
 */
#include "guest_abi/snapshot_parts.h"

#include "hv/cpu_features.h"
#include "mem/memory_snapshot.h"
#include "mem/sealed_file.h"
#include "sandbox/snapshot.h"

const struct host *mote_private_host(const mote_runtime *rt)
{
	return &rt->host;
}

const struct host *mote_private_snapshot_host(const mote_snapshot *snapshot)
{
	return &snapshot->rt->host;
}

const char *mote_private_cpu_feature(unsigned bit)
{
	return cpu_feature_name(bit);
}

static void describe_guest(struct snapshot_parts *parts, const mote_snapshot *snapshot)
{
	const mote_image *image = snapshot->image;

	parts->name = image->name;
	parts->guest_abi = snapshot->guest->abi->name;
	parts->guest_version = image->abi_text;
	parts->is_pie = image->elf.is_pie;
	parts->entry = image->elf.entry;
	parts->segments = image->elf.segments;
	parts->nsegments = image->elf.nsegments;
	parts->exports = image->exports.functions;
	parts->nexports = image->exports.count;
	parts->imports = image->imports.functions;
	parts->nimports = image->imports.count;
}

mote_status mote_private_snapshot_open(struct snapshot_parts *parts, const mote_snapshot *snapshot,
				       mote_error *err)
{
	const struct guest_abi *abi = snapshot->guest->abi;
	mote_function_info *functions;

	*parts = (struct snapshot_parts){ .fd = -1 };
	describe_guest(parts, snapshot);
	mote_status status =
		host_functions_list(&functions, &snapshot->functions, &snapshot->rt->host, err);
	parts->host_functions = functions;
	parts->nhost_functions = functions ? snapshot->functions.count : 0;
	if (!status)
		status = abi->parts_open(parts, snapshot->guest, err);
	if (status)
		mote_private_snapshot_close(parts, snapshot);
	return status;
}

void mote_private_snapshot_close(struct snapshot_parts *parts, const mote_snapshot *snapshot)
{
	const struct host *host = &snapshot->rt->host;

	host_free(host, (void *)(uintptr_t)parts->host_functions,
		  parts->nhost_functions * sizeof parts->host_functions[0]);
	host_free(host, (void *)(uintptr_t)parts->mote.used,
		  parts->mote.nused * sizeof parts->mote.used[0]);
	host_free(host, (void *)(uintptr_t)parts->runs, parts->nruns * sizeof parts->runs[0]);
	memory_snapshot_unref(parts->memory);
	sealed_file_unref(parts->pages);
	*parts = (struct snapshot_parts){ .fd = -1 };
}

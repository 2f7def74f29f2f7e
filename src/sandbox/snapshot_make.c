/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a snapshot together from parts that anybody may have written. Each is checked before it is
 * used, in the order in which they depend on each other; what is the same for guests of every ABI
 * here, and the rest by the operations of the guest's.
 */
#include "guest_abi/snapshot_parts.h"

#include "abi/utf8.h"
#include "guest_abi/abis.h"
#include "hv/cpu_features.h"
#include "image/image_parts.h"
#include "sandbox/snapshot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mote_status check_machine(const struct snapshot_parts *parts, mote_error *err)
{
	const uint64_t missing = parts->cpu_features & ~cpu_features();

	for (unsigned bit = 0; bit < 64; bit++)
		if (missing >> bit & 1)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "the snapshot was taken where the processor has %s, which "
					 "this one lacks; take it anew here",
					 cpu_feature_name(bit) ? cpu_feature_name(bit)
							       : "something unknown");
	return MOTE_OK;
}

static mote_status make_image(mote_snapshot *snapshot, const struct snapshot_parts *parts,
			      const struct guest_abi *abi, mote_error *err)
{
	const bool is_mote = abi == guest_abis[0];
	const struct image_parts image = {
		.name = parts->name,
		.abi_version = is_mote ? parts->mote.abi_version : 0,
		.is_pie = parts->is_pie,
		.entry = parts->entry,
		.segments = parts->segments,
		.nsegments = parts->nsegments,
		.exports = parts->exports,
		.nexports = parts->nexports,
		.imports = parts->imports,
		.nimports = parts->nimports,
	};

	mote_status status = image_from_parts(&snapshot->image, &snapshot->rt->host, &image, err);
	if (status)
		return status;
	snapshot->image->abi = abi;
	snapshot->image->hides_functions = !abi->lists_exports;
	if (is_mote)
		return MOTE_OK;
	snapshot->image->abi_name = abi->name;
	snprintf(snapshot->image->abi_text, sizeof snapshot->image->abi_text, "%s",
		 parts->guest_version);
	return MOTE_OK;
}

static mote_status check_host_function(const mote_function_info *function, size_t index,
				       mote_error *err)
{
	const size_t length = strnlen(function->name, MOTE_NAME_SIZE);
	bool is_sound = length > 0 && length < MOTE_NAME_SIZE &&
			!utf8_check(function->name, length) && function->result <= MOTE_BYTES &&
			function->nparams <= MOTE_MAX_PARAMS;

	for (uint32_t i = 0; is_sound && i < function->nparams; i++)
		is_sound = function->params[i] != MOTE_VOID && function->params[i] <= MOTE_BYTES;
	if (is_sound)
		return MOTE_OK;
	return error_set(err, MOTE_E_SNAPSHOT,
			 "host function %zu has a name or types that no host function can have",
			 index);
}

static mote_status make_functions(mote_snapshot *snapshot, const struct snapshot_parts *parts,
				  mote_error *err)
{
	const size_t count = parts->nhost_functions;
	struct host_function *list;

	if (count > MOTE_FUNCTIONS_MAX)
		return error_set(err, MOTE_E_SNAPSHOT, "%zu host functions; at most %d", count,
				 MOTE_FUNCTIONS_MAX);
	if (count == 0)
		return MOTE_OK;
	list = host_alloc_array(&snapshot->rt->host, count, sizeof list[0]);
	if (!list)
		return error_nomem(err, "host functions", count * sizeof list[0]);
	snapshot->functions.list = list;
	snapshot->functions.count = count;
	for (size_t i = 0; i < count; i++) {
		const mote_function_info *function = &parts->host_functions[i];
		mote_status status = check_host_function(function, i, err);
		if (status)
			return status;
		memcpy(list[i].name, function->name, strlen(function->name));
		list[i].result = function->result;
		list[i].nparams = function->nparams;
		memcpy(list[i].params, function->params, sizeof list[i].params);
		if (i > 0 && strcmp(list[i - 1].name, list[i].name) >= 0)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "host functions are not in the order of their names, each "
					 "once: %zu",
					 i);
	}
	return MOTE_OK;
}

static mote_status make(mote_snapshot *snapshot, const struct snapshot_parts *parts, int fd,
			mote_error *err)
{
	const struct guest_abi *abi = guest_abi_find(parts->guest_abi);
	mote_status status = check_machine(parts, err);

	if (!status && !abi)
		status = error_set(err, MOTE_E_SNAPSHOT, GUEST_ABI_UNKNOWN, parts->guest_abi);
	if (!status)
		status = make_image(snapshot, parts, abi, err);
	if (!status)
		status = make_functions(snapshot, parts, err);
	if (!status)
		status = abi->parts_make(&snapshot->guest, snapshot->image, parts, fd, err);
	return status;
}

mote_status mote_private_snapshot_make(mote_snapshot **out, mote_runtime *rt,
				       const struct snapshot_parts *parts, int fd, mote_error *err)
{
	mote_snapshot *snapshot = host_alloc(&rt->host, sizeof *snapshot);

	*out = NULL;
	if (!snapshot)
		return error_nomem(err, "a snapshot", sizeof *snapshot);
	atomic_init(&snapshot->nrefs, 1);
	snapshot->rt = rt;
	mote_status status = make(snapshot, parts, fd, err);
	if (status) {
		mote_snapshot_unref(snapshot);
		return status;
	}
	*out = snapshot;
	return MOTE_OK;
}

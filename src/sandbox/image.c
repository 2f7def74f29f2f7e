/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What joins images and runtimes: loading with a runtime's services, and the layout
 * that sandboxes of an image would have.
 */
#include "base/options.h"
#include "sandbox/sandbox.h"

#include <stddef.h>

mote_runtime *image_runtime(const mote_image *image)
{
	return (mote_runtime *)((char *)image->host - offsetof(mote_runtime, host));
}

mote_status mote_image_load_file(mote_image **out, mote_runtime *rt, const char *path,
				 mote_error *err)
{
	*out = NULL;
	mote_status status = runtime_check_fork(rt, err);
	return status ? status : image_load_file(out, &rt->host, path, err);
}

mote_status mote_image_load_memory(mote_image **out, mote_runtime *rt, const void *elf, size_t size,
				   mote_error *err)
{
	*out = NULL;
	mote_status status = runtime_check_fork(rt, err);
	return status ? status : image_load_memory(out, &rt->host, elf, size, err);
}

mote_status mote_image_layout(const mote_image *image, const mote_sandbox_options *given,
			      void (*visit)(void *user, const mote_region_info *region), void *user,
			      mote_error *err)
{
	mote_sandbox_options options;
	struct layout layout;

	mote_status status =
		options_copy(&options, sizeof options, given, "mote_sandbox_options", err);
	if (status)
		return status;
	struct sandbox_plan plan;
	status = sandbox_plan_from(&plan, &options, err);
	if (status)
		return status;
	const struct layout_config config = sandbox_layout_config(image, &plan);
	status = layout_compute(&layout, &config, err);
	if (!status)
		layout_visit(&layout, visit, user);
	return status;
}

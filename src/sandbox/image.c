/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What joins images, guest ABIs and runtimes: loading with a runtime's services, by the ABI that
 * the file is for, and the layout that sandboxes of an image would have.
 */
#include "base/error.h"
#include "base/options.h"
#include "guest_abi/abis.h"
#include "sandbox/sandbox.h"

#include <stddef.h>

mote_runtime *image_runtime(const mote_image *image)
{
	return (mote_runtime *)((char *)image->host - offsetof(mote_runtime, host));
}

/* What loading from a file and from memory end with. */
static mote_status finish(mote_image **out, struct mote_image *image, const char *guest_abi,
			  mote_error *err)
{
	const mote_status status = guest_abi_parse(image, guest_abi, err);

	if (status)
		mote_image_unref(image);
	else
		*out = image;
	return status;
}

mote_status mote_image_load_file_as(mote_image **out, mote_runtime *rt, const char *path,
				    const char *guest_abi, mote_error *err)
{
	struct mote_image *image;

	*out = NULL;
	mote_status status = runtime_check_fork(rt, err);
	if (!status)
		status = image_open_file(&image, &rt->host, path, err);
	return status ? status : finish(out, image, guest_abi, err);
}

mote_status mote_image_load_memory_as(mote_image **out, mote_runtime *rt, const void *elf,
				      size_t size, const char *guest_abi, mote_error *err)
{
	struct mote_image *image;

	*out = NULL;
	mote_status status = runtime_check_fork(rt, err);
	if (!status)
		status = image_open_memory(&image, &rt->host, elf, size, err);
	return status ? status : finish(out, image, guest_abi, err);
}

mote_status mote_image_load_file(mote_image **out, mote_runtime *rt, const char *path,
				 mote_error *err)
{
	return mote_image_load_file_as(out, rt, path, NULL, err);
}

mote_status mote_image_load_memory(mote_image **out, mote_runtime *rt, const void *elf, size_t size,
				   mote_error *err)
{
	return mote_image_load_memory_as(out, rt, elf, size, NULL, err);
}

const struct guest_abi *image_abi(const mote_image *image)
{
	return image->abi ? image->abi : guest_abis[0];
}

mote_status mote_image_layout(const mote_image *image, const mote_sandbox_options *given,
			      void (*visit)(void *user, const mote_region_info *region), void *user,
			      mote_error *err)
{
	mote_sandbox_options options;

	mote_status status =
		options_copy(&options, sizeof options, given, "mote_sandbox_options", err);
	if (status)
		return status;
	struct sandbox_plan plan;
	status = sandbox_plan_from(&plan, image, &options, err);
	if (status)
		return status;
	return image_abi(image)->describe(&plan.guest.start, plan.guest.nfunctions, visit, user,
					  err);
}

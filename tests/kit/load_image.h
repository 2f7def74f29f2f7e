/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load_image.h - images of mote guests and of programs, opened and parsed in one step, on a host of
 * the test's own. What mote_image_load_file() and its sisters do besides is to choose the guest ABI.
 */
#ifndef KIT_LOAD_IMAGE_H
#define KIT_LOAD_IMAGE_H

#include "image/image.h"

/* *OUT is NULL on failure. Errors: those of mote_image_load_file(). */
mote_status load_image_file(struct mote_image **out, const struct host *host, const char *path,
			    mote_error *err);
mote_status load_image_memory(struct mote_image **out, const struct host *host, const void *elf,
			      size_t size, mote_error *err);

#endif

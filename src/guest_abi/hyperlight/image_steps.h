/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_steps.h - the steps of hyperlight_image_parse() that have files of their own. For those
 * files only; errors as in image.h.
 */
#ifndef GUEST_ABI_HYPERLIGHT_IMAGE_STEPS_H
#define GUEST_ABI_HYPERLIGHT_IMAGE_STEPS_H

#include "guest_abi/hyperlight/image.h"

/* Fills in the version. Needs the ELF header alone. */
mote_status hyperlight_image_read_version(struct hyperlight_image *image, mote_error *err);

/* Fills in and checks the relocations. Needs the extent, and that segments are in the file. */
mote_status hyperlight_image_find_relocations(struct hyperlight_image *image, mote_error *err);

/* Applies the relocations to the image's bytes at TO. */
void hyperlight_image_relocate(const struct hyperlight_image *image, uint8_t *to);

#endif

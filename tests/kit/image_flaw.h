/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_flaw.h - what must hold of every image that loads, whatever its file was.
 *
 * For the tests that load broken files and for the fuzzer: they cannot know the right
 * answer, but they can see a wrong one.
 */
#ifndef KIT_IMAGE_FLAW_H
#define KIT_IMAGE_FLAW_H

#include "image/image.h"

/* The promise of image.h and elf.h that IMAGE breaks, as a sentence, or NULL. Reads every byte
 * that the promises let others read. */
const char *image_flaw(const struct mote_image *image);

#endif

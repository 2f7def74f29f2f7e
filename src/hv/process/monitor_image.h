/* SPDX-License-Identifier: Apache-2.0 */
/* monitor_image.h - the monitor program, embedded by the build (embed.py). */
#ifndef HV_PROCESS_MONITOR_IMAGE_H
#define HV_PROCESS_MONITOR_IMAGE_H

#include <stddef.h>

/* An ELF executable of monitor_image_size bytes. */
extern const unsigned char monitor_image[];
extern const size_t monitor_image_size;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regions.h - initializers for the regions that tests give to backends, constant if what they
 * are given is.
 */
#ifndef HV_REGIONS_H
#define HV_REGIONS_H

#include "mem/region.h"

/* Memory: SIZE_ bytes at BYTES, which FILE_ also has, from 0 on, unless it is -1. */
#define SLOT(gpa_, size_, flags_, bytes_, file_)                                                   \
	{                                                                                          \
		.gpa = (gpa_), .size = (size_), .flags = (flags_),                                 \
		.host = { .base = (bytes_), .size = (size_), .file = (file_) },                    \
	}

/* What ring 3 sees of it. */
#define VIEW(va_, gpa_, size_, flags_)                                                             \
	{                                                                                          \
		.va = (va_), .gpa = (gpa_), .size = (size_), .flags = (flags_), .is_user = true    \
	}

#define READ_WRITE   (REGION_READ | REGION_WRITE)
#define READ_EXECUTE (REGION_READ | REGION_EXECUTE)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * small_guest.h - an image of a few segments for the tests of layouts and guest memory.
 */
#ifndef TESTS_MEM_SMALL_GUEST_H
#define TESTS_MEM_SMALL_GUEST_H

#include "mem/layout.h"

#define SMALL_CODE      UINT64_C(0x400000)
#define SMALL_DATA      UINT64_C(0x403000) /* right behind the code: copies may cross */
#define SMALL_RODATA    UINT64_C(0x601000)
#define SMALL_NSEGMENTS 3

/* Code with an odd size, data that begins in the middle of a page, constants elsewhere. */
static const mote_segment_info small_segments[SMALL_NSEGMENTS] = {
	{ .address = SMALL_CODE,
	  .memory_size = 0x2345,
	  .file_size = 0x2345,
	  .file_offset = 0,
	  .readable = true,
	  .executable = true },
	{ .address = SMALL_DATA + 0x123,
	  .memory_size = 0x5000,
	  .file_size = 0x321,
	  .file_offset = 0x2500,
	  .readable = true,
	  .writable = true },
	{ .address = SMALL_RODATA,
	  .memory_size = 0x1000,
	  .file_size = 0x10,
	  .file_offset = 0x2400,
	  .readable = true },
};

/* All sizes are the defaults. */
static const struct layout_config small_config = {
	.segments = small_segments,
	.nsegments = SMALL_NSEGMENTS,
	.supervisor_size = 0x4000,
	.exception_stack = MOTE_SUPERVISOR_BASE + 0x8000,
};

#endif

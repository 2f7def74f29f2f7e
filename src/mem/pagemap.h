/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagemap.h - /proc/PID/pagemap, which tells of the pages of a process: what both who asks about
 * this process and who asks about another need.
 *
 * Formats: Linux, Documentation/admin-guide/mm/pagemap.rst.
 */
#ifndef MEM_PAGEMAP_H
#define MEM_PAGEMAP_H

#include <stdint.h>
#include <sys/ioctl.h>

/* From Linux 6.7 on: ranges of pages, in a time that depends on them alone. */
struct pagemap_scan {
	uint64_t size, flags, start, end, walked_to, ranges, capacity, most;
	uint64_t inverted, all_of, any_of, returned;
};
struct pagemap_range {
	uint64_t start, end, categories;
};
#define PAGEMAP_SCAN _IOWR('f', 16, struct pagemap_scan)

/* Flags: pages that fit are protected; it is an error if they cannot be. */
#define PAGEMAP_SCAN_PROTECTS UINT64_C(1)
#define PAGEMAP_SCAN_INSISTS  UINT64_C(2)

/* Categories. */
#define PAGEMAP_SCAN_WRITTEN (UINT64_C(1) << 1) /* since they were protected, if ever */
#define PAGEMAP_SCAN_OF_FILE (UINT64_C(1) << 2)
#define PAGEMAP_SCAN_USED    (UINT64_C(3) << 3) /* in memory, swapped out */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_internal.h - what the parts of the description of a snapshot share: those of every guest,
 * in config_read.c and config_write.c, which have mote's own as well, and those of guests of the
 * hyperlight ABI, in config_hyperlight.c. Used by nothing else.
 */
#ifndef STORE_CONFIG_INTERNAL_H
#define STORE_CONFIG_INTERNAL_H

#include "store/config.h"
#include "store/writer.h"

#define CONFIG_ABI_MOTE       "mote"
#define CONFIG_ABI_HYPERLIGHT "hyperlight"

/* Numbers that are addresses or bits, as "0x...". Failures are the reader's. */
uint64_t config_read_hex(struct tree_reader *reader, const struct tree_node *object,
			 const char *key);
void config_add_hex(struct writer *writer, const char *key, uint64_t value);

/* The pages of PARTS, a field of MEMORY. The list is config_free()'s. */
void config_read_runs(struct tree_reader *reader, const struct tree_node *memory,
		      const struct host *host, struct snapshot_parts *parts);
void config_add_runs(struct writer *writer, const struct snapshot_parts *parts);

/* What only a hyperlight guest has, of the objects "guest", "memory" and "start". */
void config_read_hyperlight(struct tree_reader *reader, const struct tree_node *snapshot,
			    const struct host *host, struct snapshot_parts *parts);
void config_add_hyperlight_memory(struct writer *writer, const struct snapshot_parts *parts);
void config_add_hyperlight_start(struct writer *writer, const struct snapshot_parts *parts);

#endif

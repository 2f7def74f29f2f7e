/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_layers.h - between file_layers.c, which finds and opens what is in the layers of a mount,
 * and file_changes.c, which changes the upper one: a tree in memory.
 */
#ifndef GUEST_ABI_MOTE_FILE_LAYERS_H
#define GUEST_ABI_MOTE_FILE_LAYERS_H

#include "guest_abi/mote/files.h"

/* The node of PLACE, which is a regular file of the host as long as no node hides it. */
int64_t layers_adopt(struct files *files, struct place *place, struct file_node **out);

/* Makes a node where nothing is. */
int64_t layers_add(struct files *files, struct place *place, enum node_kind kind, uint32_t mode,
		   const char *text, struct file_node **out);

/* As mount_ops. */
int64_t layers_make(struct files *files, struct place *place, enum node_kind kind, uint32_t mode,
		    const char *text);
int64_t layers_remove(struct files *files, struct place *place, bool is_folder);
int64_t layers_rename(struct files *files, struct place *from, struct place *to);
int64_t layers_change(struct files *files, struct place *place, const uint32_t *mode,
		      const struct timespec *modified);

/* 1 if the folder at PLACE has an entry, 0 if it has none. */
int64_t layers_has_entries(struct files *files, struct place *place);

/* What stat() tells of a node of MOUNT. */
void layers_stat_node(const struct mount *mount, const struct file_node *node, struct stat *to);

#endif

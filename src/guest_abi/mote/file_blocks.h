/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_blocks.h - what file_tree.c and file_blocks.c share: memory that is charged to a tree, and
 * the blocks that the contents of a file are in.
 */
#ifndef GUEST_ABI_MOTE_FILE_BLOCKS_H
#define GUEST_ABI_MOTE_FILE_BLOCKS_H

#include "guest_abi/mote/file_tree.h"

/* SIZE zeroed bytes, or NULL and *ERROR: -ENOSPC (over the tree's limit), -ENOMEM. */
void *file_tree_alloc(struct file_tree *tree, uint64_t size, int *error);

/* Gives them back. NULL is fine. */
void file_tree_free(struct file_tree *tree, void *ptr, uint64_t size);

/* Frees the blocks of a file from number FIRST on. */
void file_blocks_free(struct file_tree *tree, struct file_node *node, uint64_t first);

/* Gives NODE the blocks of FROM, which is another tree's. 0, -ENOMEM, -ENOSPC. */
int file_blocks_share(struct file_tree *tree, struct file_node *node, const struct file_node *from);

/* Whether nothing of a file, which has its name, was changed since it was taken from below. */
bool file_node_is_as_below(const struct file_node *node);

#endif

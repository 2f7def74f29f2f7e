/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contents of files in memory. Blocks that were never written are not there: they are
 * zero, or show the host's file below. A block is copied up when its first byte is written.
 */
#include "guest_abi/mote/file_blocks.h"

#include <errno.h>
#include <string.h>
#include <time.h>

void file_node_touch(struct file_tree *tree, struct file_node *node)
{
	tree->changes++;
	tree->host->sys->clock_gettime(CLOCK_REALTIME, &node->modified);
}

void file_node_change(struct file_tree *tree, struct file_node *node)
{
	tree->changes++;
	node->is_changed = true;
}

/* Gives a reference back, not what the block is charged for. */
static void unref_block(struct file_tree *tree, struct file_block *block)
{
	if (atomic_fetch_sub_explicit(&block->nrefs, 1, memory_order_acq_rel) == 1)
		host_free(tree->host, block, sizeof *block);
}

void file_blocks_free(struct file_tree *tree, struct file_node *node, uint64_t first)
{
	for (uint64_t i = first; i < node->nblocks; i++) {
		if (!node->blocks[i])
			continue;
		unref_block(tree, node->blocks[i]);
		tree->used -= sizeof *node->blocks[i];
		node->blocks[i] = NULL;
	}
}

int file_blocks_share(struct file_tree *tree, struct file_node *node, const struct file_node *from)
{
	int error = 0;

	if (from->nblocks)
		node->blocks =
			file_tree_alloc(tree, from->nblocks * sizeof node->blocks[0], &error);
	if (!node->blocks)
		return error;
	node->nblocks = from->nblocks;
	for (uint64_t i = 0; i < from->nblocks; i++) {
		if (!from->blocks[i])
			continue;
		atomic_fetch_add_explicit(&from->blocks[i]->nrefs, 1, memory_order_relaxed);
		node->blocks[i] = from->blocks[i];
		tree->used += sizeof *node->blocks[i];
	}
	return 0;
}

bool file_node_is_as_below(const struct file_node *node)
{
	char path[4096];

	if (!node->text || node->is_changed || node->size != node->below_size)
		return false;
	for (uint64_t i = 0; i < node->nblocks; i++)
		if (node->blocks[i])
			return false;
	file_node_path(node, path, sizeof path);
	return strcmp(path, node->text) == 0;
}

/* What is below, and zeroes where nothing is. */
static int64_t read_below(struct file_tree *tree, const struct file_node *node, uint64_t at,
			  void *to, size_t size)
{
	ssize_t done = 0;

	if (node->fd >= 0 && at < node->below_size) {
		const uint64_t left = node->below_size - at;
		/* fewer if it was cut since */
		done = sys_pread_all(tree->host->sys, node->fd, to,
				     size < left ? size : (size_t)left, at);
	}
	if (done < 0)
		return -errno;
	memset((char *)to + done, 0, size - (size_t)done);
	return (int64_t)size;
}

int64_t file_node_read(struct file_tree *tree, struct file_node *node, uint64_t at, void *to,
		       size_t size)
{
	if (at >= node->size)
		return 0;
	if (size > node->size - at)
		size = (size_t)(node->size - at);
	for (size_t done = 0; done < size;) {
		const uint64_t index = (at + done) / FILE_BLOCK_SIZE;
		const size_t within = (size_t)((at + done) % FILE_BLOCK_SIZE);
		size_t n = FILE_BLOCK_SIZE - within;

		n = n < size - done ? n : size - done;
		if (index < node->nblocks && node->blocks[index]) {
			memcpy((char *)to + done, node->blocks[index]->bytes + within, n);
		} else {
			int64_t got = read_below(tree, node, at + done, (char *)to + done, n);
			if (got < 0)
				return done ? (int64_t)done : got;
		}
		done += n;
	}
	return (int64_t)size;
}

/* Room for so many blocks, at least doubled. */
static int grow_table(struct file_tree *tree, struct file_node *node, uint64_t nblocks)
{
	const uint64_t old = node->nblocks * sizeof node->blocks[0];
	int error;

	if (nblocks <= node->nblocks)
		return 0;
	if (nblocks < 2 * node->nblocks)
		nblocks = 2 * node->nblocks;
	struct file_block **table = file_tree_alloc(tree, nblocks * sizeof table[0], &error);
	if (!table)
		return error;
	if (old)
		memcpy(table, node->blocks, old);
	file_tree_free(tree, node->blocks, old);
	node->blocks = table;
	node->nblocks = nblocks;
	return 0;
}

/* How large NODE may become: its table of blocks is memory, too. */
static uint64_t largest(const struct file_tree *tree, const struct file_node *node)
{
	return node->below_size > tree->limit ? node->below_size : tree->limit;
}

/* Makes a block that others have, too, the tree's own: it stays charged as it is. -ENOMEM. */
static int unshare(struct file_tree *tree, struct file_block **at)
{
	struct file_block *old = *at;

	if (atomic_load_explicit(&old->nrefs, memory_order_acquire) == 1)
		return 0;
	struct file_block *block = host_alloc(tree->host, sizeof *block);
	if (!block)
		return -ENOMEM;
	atomic_init(&block->nrefs, 1);
	memcpy(block->bytes, old->bytes, sizeof block->bytes);
	unref_block(tree, old);
	*at = block;
	return 0;
}

static int copy_up(struct file_tree *tree, struct file_node *node, uint64_t index)
{
	int error;
	struct file_block *block = file_tree_alloc(tree, sizeof *block, &error);

	if (!block)
		return error;
	atomic_init(&block->nrefs, 1);
	int64_t n = read_below(tree, node, index * FILE_BLOCK_SIZE, block->bytes, FILE_BLOCK_SIZE);
	if (n < 0) {
		file_tree_free(tree, block, sizeof *block);
		return (int)n;
	}
	node->blocks[index] = block;
	return 0;
}

/* The bytes of the block of number INDEX, for writing. */
static uint8_t *own_block(struct file_tree *tree, struct file_node *node, uint64_t index,
			  int *error)
{
	*error = grow_table(tree, node, index + 1);
	if (*error)
		return NULL;
	*error = node->blocks[index] ? unshare(tree, &node->blocks[index])
				     : copy_up(tree, node, index);
	return *error ? NULL : node->blocks[index]->bytes;
}

int64_t file_node_write(struct file_tree *tree, struct file_node *node, uint64_t at,
			const void *from, size_t size)
{
	size_t done = 0;
	int error = 0;

	if (size && (at >= largest(tree, node) || size > largest(tree, node) - at))
		return -EFBIG;
	while (done < size) {
		const size_t within = (size_t)((at + done) % FILE_BLOCK_SIZE);
		size_t n = FILE_BLOCK_SIZE - within;
		uint8_t *block = own_block(tree, node, (at + done) / FILE_BLOCK_SIZE, &error);

		if (!block)
			break;
		n = n < size - done ? n : size - done;
		memcpy(block + within, (const char *)from + done, n);
		done += n;
		if (at + done > node->size)
			node->size = at + done;
	}
	file_node_touch(tree, node);
	return done ? (int64_t)done : error;
}

int file_node_resize(struct file_tree *tree, struct file_node *node, uint64_t size)
{
	const uint64_t last = size / FILE_BLOCK_SIZE;
	const size_t within = (size_t)(size % FILE_BLOCK_SIZE);
	const bool is_cut =
		size < node->size && within && last < node->nblocks && node->blocks[last];

	if (size > node->size && size > largest(tree, node))
		return -EFBIG;
	int error = is_cut ? unshare(tree, &node->blocks[last]) : 0;
	if (error)
		return error;
	if (size < node->size) { /* what is cut off must be zero when it comes back */
		file_blocks_free(tree, node, last + (within != 0));
		if (is_cut)
			memset(node->blocks[last]->bytes + within, 0, FILE_BLOCK_SIZE - within);
		if (node->below_size > size) {
			node->below_size = size;
			node->is_changed = true;
		}
	}
	node->size = size;
	file_node_touch(tree, node);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_tree.h - files and folders in the host's memory: what a guest wrote.
 *
 * A tree stands alone, or lies over a directory of the host, which it hides or lets through:
 * a folder that is merged shows what is below it, a node of kind NODE_GONE hides it, and a
 * file may have its unwritten blocks there. All that a guest makes grow is charged to the tree,
 * names and tables too, and refused with -ENOSPC beyond its limit.
 *
 * Functions return 0 or a negative errno value. Threads: as its sandbox.
 */
#ifndef GUEST_ABI_MOTE_FILE_TREE_H
#define GUEST_ABI_MOTE_FILE_TREE_H

#include "base/host.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define FILE_BLOCK_SIZE 4096

/* A piece of what is in a file. Trees that are copies of each other share those that neither has
 * written to since; who does, and is not alone, gets one of its own. */
struct file_block {
	atomic_uint nrefs;
	uint8_t bytes[FILE_BLOCK_SIZE];
};

enum node_kind { NODE_FOLDER, NODE_FILE, NODE_LINK, NODE_GONE };

struct file_node {
	enum node_kind kind;
	bool is_merged;  /* folder: what the host has there shows through */
	bool is_changed; /* file: in other ways than by blocks, since it was taken from below */
	bool is_linked;  /* it has a name; without one it lives until nobody has it open */
	uint32_t nopen;
	uint32_t mode; /* permissions */
	uint64_t id;   /* ascending among the children of a folder */
	struct timespec modified;
	struct file_node *parent, *first, *last, *next, *previous, *same_bucket;
	char *name;
	char *text;  /* link: its target; file: the path of the host's file below, or NULL */
	int fd;      /* of the file below, while somebody has the node open; else -1 */
	ino_t below; /* its inode number */
	uint64_t below_size; /* so much of it shows */
	uint64_t size;
	struct file_block **blocks; /* NULL: as below, or zero */
	uint64_t nblocks;           /* room in BLOCKS */
};

struct file_tree {
	const struct host *host;
	struct file_node root;
	struct file_node **buckets; /* by parent and name; NULL while there are none */
	size_t nbuckets, nnodes;    /* the former grow with the latter, where there is room */
	uint64_t used, limit;       /* bytes; what is shared counts for each tree */
	uint64_t changes;           /* counts file_node_touch() and file_node_change() */
	uint64_t next_id;
};

/* An empty tree; IS_MERGED: over a directory of the host. */
void file_tree_init(struct file_tree *tree, const struct host *host, uint64_t limit,
		    bool is_merged);

/* Makes it empty again. Nobody may have a node open. */
void file_tree_clear(struct file_tree *tree);

/* Makes TO, which is empty and has room for it, what FROM is: with its numbers, times and use of
 * memory, but without nodes that have no name. Any number of threads may copy from one tree that
 * nobody changes. -ENOMEM: TO has a part of it. */
int file_tree_copy(struct file_tree *to, const struct file_tree *from);

/* The child of FOLDER whose name is the first SIZE bytes of NAME, also if it is GONE; or NULL. */
struct file_node *file_tree_find(const struct file_tree *tree, const struct file_node *folder,
				 const char *name, size_t size);

/* Adds a child to FOLDER, in the place of one of that name, if there is one, which is removed.
 * TEXT, which may be NULL, is copied. */
int file_tree_add(struct file_tree *tree, struct file_node *folder, const char *name, size_t size,
		  enum node_kind kind, const char *text, struct file_node **out);

/* Takes NODE and its children, if it has any, which are all GONE, away. One that is open lives on
 * without a name until file_tree_release(). */
void file_tree_remove(struct file_tree *tree, struct file_node *node);

/* Exchanges folders and names of two nodes, of which neither is in the other. */
void file_tree_swap(struct file_tree *tree, struct file_node *a, struct file_node *b);

/* NODE was closed: frees it if nobody can reach it any more. */
void file_tree_release(struct file_tree *tree, struct file_node *node);

/* The contents of a file, whose NODE->fd is open if anything of it is below. Reads are cut at
 * the end; both return how many bytes they moved. */
int64_t file_node_read(struct file_tree *tree, struct file_node *node, uint64_t at, void *to,
		       size_t size);
int64_t file_node_write(struct file_tree *tree, struct file_node *node, uint64_t at,
			const void *from, size_t size);

/* Cuts a file, or fills it up with zeroes. -EFBIG: larger than what is below, and than the tree's
 * limit. */
int file_node_resize(struct file_tree *tree, struct file_node *node, uint64_t size);

/* The file was changed just now. */
void file_node_touch(struct file_tree *tree, struct file_node *node);

/* Something else of NODE changes than its contents and names. */
void file_node_change(struct file_tree *tree, struct file_node *node);

/* The first node that makes a difference to what is below, or NULL. */
const struct file_node *file_tree_difference(const struct file_tree *tree);

/* The path of NODE from the tree's root on, without a slash before it, cut to SIZE bytes. */
void file_node_path(const struct file_node *node, char *path, size_t size);

#endif

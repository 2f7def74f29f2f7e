/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps the nodes of a tree: names, children in the order in which they came, and a table to
 * find them by. What is in files is in file_blocks.c.
 */
#include "guest_abi/mote/file_tree.h"

#include "guest_abi/mote/file_blocks.h"

#include <errno.h>
#include <string.h>

void *file_tree_alloc(struct file_tree *tree, uint64_t size, int *error)
{
	void *ptr = NULL;

	*error = size > tree->limit - tree->used ? -ENOSPC : 0;
	if (!*error && !(ptr = host_alloc(tree->host, size)))
		*error = -ENOMEM;
	if (ptr)
		tree->used += size;
	return ptr;
}

void file_tree_free(struct file_tree *tree, void *ptr, uint64_t size)
{
	if (ptr)
		tree->used -= size;
	host_free(tree->host, ptr, size);
}

static void free_text(struct file_tree *tree, char *text)
{
	if (text)
		file_tree_free(tree, text, strlen(text) + 1);
}

static char *copy_text(struct file_tree *tree, const char *text, size_t size, int *error)
{
	char *copy = file_tree_alloc(tree, size + 1, error);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void file_tree_init(struct file_tree *tree, const struct host *host, uint64_t limit, bool is_merged)
{
	*tree = (struct file_tree){
		.host = host,
		.root = { .kind = NODE_FOLDER,
			  .is_merged = is_merged,
			  .is_linked = true,
			  .mode = 0755,
			  .fd = -1 },
		.limit = limit,
	};
	if (!is_merged) /* one that lies over nothing was made now */
		file_node_touch(tree, &tree->root);
}

/* They double: a power of 2. */
#define FIRST_BUCKETS 256

static size_t bucket_of(const struct file_tree *tree, const struct file_node *folder,
			const char *name, size_t size)
{
	uint64_t hash = (uint64_t)(uintptr_t)folder >> 4;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (uint8_t)name[i]) * UINT64_C(0x100000001b3);
	return (size_t)(hash >> 32 ^ hash) & (tree->nbuckets - 1);
}

struct file_node *file_tree_find(const struct file_tree *tree, const struct file_node *folder,
				 const char *name, size_t size)
{
	if (!tree->buckets)
		return NULL;
	struct file_node *node = tree->buckets[bucket_of(tree, folder, name, size)];
	while (node && !(node->parent == folder && strlen(node->name) == size &&
			 memcmp(node->name, name, size) == 0))
		node = node->same_bucket;
	return node;
}

/* Makes NODE, whose name is set, the last child of FOLDER. */
static void link_node(struct file_tree *tree, struct file_node *node, struct file_node *folder)
{
	struct file_node **bucket =
		&tree->buckets[bucket_of(tree, folder, node->name, strlen(node->name))];

	tree->nnodes++;
	node->id = ++tree->next_id;
	node->is_linked = true;
	node->parent = folder;
	node->previous = folder->last;
	node->next = NULL;
	*(folder->last ? &folder->last->next : &folder->first) = node;
	folder->last = node;
	node->same_bucket = *bucket;
	*bucket = node;
}

static void unlink_node(struct file_tree *tree, struct file_node *node)
{
	struct file_node *folder = node->parent;
	struct file_node **at =
		&tree->buckets[bucket_of(tree, folder, node->name, strlen(node->name))];

	tree->nnodes--;
	while (*at != node)
		at = &(*at)->same_bucket;
	*at = node->same_bucket;
	*(node->previous ? &node->previous->next : &folder->first) = node->next;
	*(node->next ? &node->next->previous : &folder->last) = node->previous;
	node->parent = node->next = node->previous = node->same_bucket = NULL;
	node->is_linked = false;
}

/* Twice as many buckets, so that no guest makes the host search for long. */
static int grow_buckets(struct file_tree *tree)
{
	struct file_node **old = tree->buckets;
	const size_t nold = tree->nbuckets, count = nold ? 2 * nold : FIRST_BUCKETS;
	int error;
	struct file_node **buckets = file_tree_alloc(tree, count * sizeof buckets[0], &error);

	if (!buckets)
		return error;
	tree->buckets = buckets;
	tree->nbuckets = count;
	for (size_t i = 0; i < nold; i++)
		for (struct file_node *node = old[i], *next; node; node = next) {
			struct file_node **bucket = &buckets[bucket_of(
				tree, node->parent, node->name, strlen(node->name))];
			next = node->same_bucket;
			node->same_bucket = *bucket;
			*bucket = node;
		}
	file_tree_free(tree, old, nold * sizeof old[0]);
	return 0;
}

static void free_node(struct file_tree *tree, struct file_node *node)
{
	file_blocks_free(tree, node, 0);
	file_tree_free(tree, node->blocks, node->nblocks * sizeof node->blocks[0]);
	free_text(tree, node->name);
	free_text(tree, node->text);
	file_tree_free(tree, node, sizeof *node);
}

/* A node that is in no folder yet. */
static struct file_node *make_node(struct file_tree *tree, enum node_kind kind, const char *name,
				   size_t size, const char *text, int *error)
{
	struct file_node *node = file_tree_alloc(tree, sizeof *node, error);

	if (!node)
		return NULL;
	node->kind = kind;
	node->fd = -1;
	node->name = copy_text(tree, name, size, error);
	if (!*error && text)
		node->text = copy_text(tree, text, strlen(text), error);
	if (!*error)
		return node;
	free_node(tree, node);
	return NULL;
}

int file_tree_add(struct file_tree *tree, struct file_node *folder, const char *name, size_t size,
		  enum node_kind kind, const char *text, struct file_node **out)
{
	struct file_node *old = file_tree_find(tree, folder, name, size);
	int error = 0;

	*out = NULL;
	if (tree->nnodes >= tree->nbuckets)
		error = grow_buckets(tree);
	if (error && !tree->buckets)
		return error;
	struct file_node *node = make_node(tree, kind, name, size, text, &error);
	if (!node)
		return error;
	if (old)
		file_tree_remove(tree, old);
	link_node(tree, node, folder);
	file_node_touch(tree, node);
	*out = node;
	return 0;
}

void file_tree_remove(struct file_tree *tree, struct file_node *node)
{
	while (node->first)
		file_tree_remove(tree, node->first);
	unlink_node(tree, node);
	file_tree_release(tree, node);
}

void file_tree_release(struct file_tree *tree, struct file_node *node)
{
	if (!node->is_linked && node->nopen == 0)
		free_node(tree, node);
}

void file_tree_swap(struct file_tree *tree, struct file_node *a, struct file_node *b)
{
	struct file_node *folder_a = a->parent, *folder_b = b->parent;
	char *name = a->name;

	unlink_node(tree, a);
	unlink_node(tree, b);
	a->name = b->name;
	b->name = name;
	link_node(tree, a, folder_b);
	link_node(tree, b, folder_a);
}

/* From the leaves up; a tree is as deep as paths are long. */
void file_tree_clear(struct file_tree *tree)
{
	struct file_node *node = &tree->root;

	while (node->first || node != &tree->root) {
		if (node->first) {
			node = node->first;
			continue;
		}
		struct file_node *parent = node->parent;
		unlink_node(tree, node);
		free_node(tree, node);
		node = parent;
	}
	file_tree_free(tree, tree->buckets, tree->nbuckets * sizeof tree->buckets[0]);
	tree->buckets = NULL;
	tree->nbuckets = 0;
}

/* The same node in FOLDER of another tree, without its children. */
static int copy_node(struct file_tree *to, struct file_node *folder, const struct file_node *from,
		     struct file_node **out)
{
	int error;
	struct file_node *node =
		make_node(to, from->kind, from->name, strlen(from->name), from->text, &error);

	if (!node)
		return error;
	link_node(to, node, folder);
	node->id = from->id;
	node->is_merged = from->is_merged;
	node->is_changed = from->is_changed;
	node->mode = from->mode;
	node->modified = from->modified;
	node->below = from->below;
	node->below_size = from->below_size;
	node->size = from->size;
	*out = node;
	return file_blocks_share(to, node, from);
}

int file_tree_copy(struct file_tree *to, const struct file_tree *from)
{
	const struct file_node *node = from->root.first;
	struct file_node *folder = &to->root, *copy = NULL;
	int error = 0;

	to->root.mode = from->root.mode;
	to->root.modified = from->root.modified;
	if (from->buckets) /* as many, so that the copy takes as much as what it is of */
		to->buckets = file_tree_alloc(to, from->nbuckets * sizeof to->buckets[0], &error);
	to->nbuckets = to->buckets ? from->nbuckets : 0;
	while (node && to->buckets && !error) { /* there are no nodes without them */
		error = copy_node(to, folder, node, &copy);
		if (node->first) {
			node = node->first;
			folder = copy;
			continue;
		}
		while (node->parent && !node->next) {
			node = node->parent;
			folder = folder->parent;
		}
		node = node->next;
	}
	to->next_id = from->next_id;
	return error;
}

/* A merged folder shows what is below, and a file without blocks of its own is what is below. */
static bool differs(const struct file_node *node)
{
	if (node->kind == NODE_FOLDER)
		return !node->is_merged;
	return node->kind != NODE_FILE || !file_node_is_as_below(node);
}

/* The node that comes after NODE, which is the whole tree's next to come; NULL at the end. */
static const struct file_node *following(const struct file_node *node)
{
	if (node->first)
		return node->first;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

const struct file_node *file_tree_difference(const struct file_tree *tree)
{
	const struct file_node *node = following(&tree->root);

	while (node && !differs(node))
		node = following(node);
	return node;
}

void file_node_path(const struct file_node *node, char *path, size_t size)
{
	size_t at = size - 1;

	path[at] = '\0';
	for (; node->parent; node = node->parent) {
		const size_t length = strlen(node->name);
		if (length + 1 > at)
			break;
		if (path[at])
			path[--at] = '/';
		at -= length;
		memcpy(path + at, node->name, length);
	}
	memmove(path, path + at, size - at);
}

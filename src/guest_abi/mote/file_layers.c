/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of two layers: a tree in memory over a directory of the host, of which either may be
 * missing. A read-only directory is one with an empty tree that stays empty.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_layers.h"

#include "guest_abi/mote/file_host.h"
#include "guest_abi/mote/file_listing.h"
#include "guest_abi/mote/file_paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Entries of a folder: two for itself, those of the tree by their numbers, those of the host. */
#define FIRST_NODE UINT64_C(2)
#define FIRST_HOST (UINT64_C(1) << 40)

static mode_t type_of(const struct file_node *node)
{
	return node->kind == NODE_FOLDER ? S_IFDIR : node->kind == NODE_LINK ? S_IFLNK : S_IFREG;
}

/* Numbers of nodes are above those that file systems of hosts have. */
static ino_t inode_of(const struct file_node *node)
{
	return node->below ? node->below : (UINT64_C(1) << 63 | node->id);
}

void layers_stat_node(const struct mount *mount, const struct file_node *node, struct stat *to)
{
	*to = (struct stat){
		.st_ino = inode_of(node),
		.st_mode = type_of(node) | node->mode,
		.st_nlink = node->is_linked ? 1 : 0,
		.st_size = (off_t)node->size,
		.st_blksize = FILE_BLOCK_SIZE,
		.st_blocks = (blkcnt_t)((node->size + 511) / 512),
		.st_atim = node->modified,
		.st_mtim = node->modified,
		.st_ctim = node->modified,
	};
	files_dress(mount, to);
}

static int64_t find_host(struct files *files, struct place *place, bool follows, char *link)
{
	const struct mount *mount = place->mount;
	const char *below = place_below(place);
	int error = host_file_find(files->host, mount->fd, below, &place->fd, &place->stat);

	if (error == -ELOOP) {
		error = host_file_find_link(files->host, mount->fd, below, &place->link_end, link,
					    FILES_PATH_SIZE);
		place->link_end += (size_t)(below - place->path);
		return error ? error : 1;
	}
	if (error == -ENOENT) {
		place->missing = error;
		return 0;
	}
	if (!error && follows && S_ISLNK(place->stat.st_mode)) {
		error = host_file_read_link(files->host, place->fd, link, FILES_PATH_SIZE);
		place_drop(files, place);
		place->link_end = strlen(place->path);
		return error ? error : 1;
	}
	return error;
}

static int64_t find(struct files *files, struct place *place, bool follows, char *link)
{
	struct mount *mount = place->mount;
	struct file_node *node = &mount->tree.root;
	const char *at = place_below(place);

	while (*at) {
		const size_t length = strcspn(at, "/");
		const bool is_merged = node->is_merged;

		if (node->kind != NODE_FOLDER)
			return -ENOTDIR;
		node = file_tree_find(&mount->tree, node, at, length);
		if (!node && is_merged)
			return find_host(files, place, follows, link);
		if (!node || node->kind == NODE_GONE) {
			place->missing = -ENOENT;
			return 0;
		}
		at += length;
		if (node->kind == NODE_LINK && (*at || follows)) {
			memcpy(link, node->text, strlen(node->text) + 1);
			place->link_end = (size_t)(at - place->path);
			return 1;
		}
		at += *at == '/';
	}
	if (node == &mount->tree.root && node->is_merged)
		return find_host(files, place, follows, link);
	place->node = node;
	layers_stat_node(mount, node, &place->stat);
	return 0;
}

static int64_t read_host(struct files *files, struct open_file *file, uint64_t at, void *to,
			 size_t size)
{
	ssize_t n = files->host->sys->pread(file->fd, to, size, (off_t)at);

	return n < 0 ? -errno : n;
}

static int64_t stat_host(struct files *files, struct open_file *file, struct stat *to)
{
	if (files->host->sys->fstat(file->fd, to) < 0)
		return -errno;
	files_dress(file->mount, to);
	return 0;
}

static void close_host(struct files *files, struct open_file *file)
{
	files->host->sys->close(file->fd);
}

static const struct file_ops host_file_ops = {
	.read = read_host,
	.stat = stat_host,
	.close = close_host,
	.is_seekable = true,
};

static int64_t read_node(struct files *files, struct open_file *file, uint64_t at, void *to,
			 size_t size)
{
	(void)files;
	return file_node_read(&file->mount->tree, file->node, at, to, size);
}

static int64_t write_node(struct files *files, struct open_file *file, uint64_t at,
			  const void *from, size_t size)
{
	(void)files;
	return file_node_write(&file->mount->tree, file->node, at, from, size);
}

static int64_t resize_node(struct files *files, struct open_file *file, uint64_t size)
{
	(void)files;
	return file_node_resize(&file->mount->tree, file->node, size);
}

static int64_t stat_node(struct files *files, struct open_file *file, struct stat *to)
{
	(void)files;
	layers_stat_node(file->mount, file->node, to);
	return 0;
}

static void close_node(struct files *files, struct open_file *file)
{
	struct file_node *node = file->node;

	if (--node->nopen == 0 && node->fd >= 0) {
		files->host->sys->close(node->fd);
		node->fd = -1;
	}
	file_tree_release(&file->mount->tree, node);
}

static const struct file_ops node_ops = {
	.read = read_node,
	.write = write_node,
	.stat = stat_node,
	.resize = resize_node,
	.close = close_node,
	.is_seekable = true,
};

/* Folders. Each of both layers may be missing: node, or descriptor. */

/* The first from number ID on. LAST may be NULL, or one that comes before: where to search from. */
static const struct file_node *node_from(const struct file_node *folder, uint64_t id,
					 const struct file_node *last)
{
	const struct file_node *node = last && last->id < id ? last : folder->first;

	while (node && (node->id < id || node->kind == NODE_GONE))
		node = node->next;
	return node;
}

static void name_entry(struct file_entry *entry, const char *name)
{
	entry->length = strlen(name);
	memcpy(entry->name, name, entry->length + 1);
}

static int64_t host_entry(struct files *files, struct open_file *file, uint64_t at,
			  struct file_entry *entry)
{
	for (;; at++) {
		int64_t found = file_listing_entry(files->host, file->listing, file->fd,
						   at - FIRST_HOST, entry);
		if (found <= 0)
			return found;
		entry->next = at + 1;
		if (!file->node ||
		    !file_tree_find(&file->mount->tree, file->node, entry->name, entry->length))
			return 1;
	}
}

static int64_t folder_entry(struct files *files, struct open_file *file, struct file_entry *entry)
{
	const uint64_t at = file->offset;
	const struct file_node *last = entry->node;

	*entry = (struct file_entry){ .type = DT_DIR, .next = at + 1, .inode = 1 };
	if (at < FIRST_NODE) {
		name_entry(entry, at == 0 ? "." : "..");
		return 1;
	}
	const struct file_node *node =
		file->node && at < FIRST_HOST ? node_from(file->node, at - FIRST_NODE, last) : NULL;
	if (node) {
		name_entry(entry, node->name);
		entry->inode = inode_of(node);
		entry->type = (uint8_t)IFTODT(type_of(node));
		entry->next = FIRST_NODE + node->id + 1;
		entry->node = node;
		return 1;
	}
	if (file->fd < 0)
		return 0;
	return host_entry(files, file, at < FIRST_HOST ? FIRST_HOST : at, entry);
}

static int64_t stat_folder(struct files *files, struct open_file *file, struct stat *to)
{
	/* the mount itself is the host's, if it has one there */
	if (!file->node || (file->fd >= 0 && !file->node->parent))
		return stat_host(files, file, to);
	return stat_node(files, file, to);
}

static void close_folder(struct files *files, struct open_file *file)
{
	file_listing_free(files->host, file->listing);
	if (file->fd >= 0)
		files->host->sys->close(file->fd);
	if (file->node)
		close_node(files, file);
}

static const struct file_ops folder_ops = {
	.entry = folder_entry,
	.stat = stat_folder,
	.close = close_folder,
	.is_seekable = true,
};

/* What the host has where a merged folder is. */
static int64_t open_below(struct files *files, const struct place *place, int *fd)
{
	struct stat stat;
	int look;
	const char *below = place_below(place);
	int error = host_file_find(files->host, place->mount->fd, below, &look, &stat);

	if (error)
		return error;
	error = host_file_open(files->host, place->mount->fd, below, &stat, fd);
	files->host->sys->close(look);
	return error;
}

static int64_t open_folder(struct files *files, struct place *place, struct open_file *file)
{
	const bool is_root = !*place_below(place), is_hosts = !is_root && !place->node;
	struct file_node *node = is_root ? &place->mount->tree.root : place->node;
	int64_t failed = 0;

	file->listing = file_listing_new(files->host);
	if (!file->listing)
		return -ENOMEM;
	if (is_hosts)
		failed = host_file_open(files->host, place->mount->fd, place_below(place),
					&place->stat, &file->fd);
	else if (node->is_merged)
		failed = open_below(files, place, &file->fd);
	if (failed) {
		file_listing_free(files->host, file->listing);
		return failed;
	}
	file->node = node;
	if (!is_hosts)
		node->nopen++;
	file->ops = &folder_ops;
	return 0;
}

/* What is below it must be the file that it was when the node was made. */
static int64_t open_node(struct files *files, struct mount *mount, struct file_node *node,
			 struct open_file *file)
{
	if (node->below_size && node->nopen == 0) {
		struct stat stat;
		int look;
		int error = host_file_find(files->host, mount->fd, node->text, &look, &stat);
		if (error)
			return error;
		error = stat.st_ino == node->below ? host_file_open(files->host, mount->fd,
								    node->text, &stat, &node->fd)
						   : -ESTALE;
		files->host->sys->close(look);
		if (error)
			return error;
	}
	file->node = node;
	file->ops = &node_ops;
	node->nopen++;
	return 0;
}

static int64_t open_host(struct files *files, const struct place *place, struct open_file *file)
{
	int error = host_file_open(files->host, place->mount->fd, place_below(place), &place->stat,
				   &file->fd);

	if (!error)
		file->ops = &host_file_ops;
	return error;
}

static int64_t open_file(struct files *files, struct place *place, int flags,
			 struct open_file *file)
{
	struct file_node *node = place->node;
	const bool changes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

	if (!S_ISREG(place->stat.st_mode))
		return S_ISLNK(place->stat.st_mode) ? -ELOOP : -EACCES;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	if (changes && !place->mount->is_writable)
		return -EROFS;
	if (!node && !changes)
		return open_host(files, place, file);
	int64_t failed = node ? 0 : layers_adopt(files, place, &node);
	if (!failed)
		failed = open_node(files, place->mount, node, file);
	if (!failed && flags & O_TRUNC)
		failed = file_node_resize(&place->mount->tree, node, 0);
	return failed;
}

static int64_t open_place(struct files *files, struct place *place, int flags, uint32_t mode,
			  struct open_file *file)
{
	struct file_node *node;

	if (place->missing) {
		if (!(flags & O_CREAT))
			return place->missing;
		int64_t failed = layers_add(files, place, NODE_FILE, mode, NULL, &node);
		return failed ? failed : open_node(files, place->mount, node, file);
	}
	if (flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (!S_ISDIR(place->stat.st_mode))
		return open_file(files, place, flags, file);
	if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC))
		return -EISDIR;
	return open_folder(files, place, file);
}

static int64_t read_link(struct files *files, struct place *place, char *to, size_t size)
{
	char text[FILES_PATH_SIZE];
	int error;

	if (!S_ISLNK(place->stat.st_mode))
		return -EINVAL;
	if (place->node)
		memcpy(text, place->node->text, strlen(place->node->text) + 1);
	else if ((error = host_file_read_link(files->host, place->fd, text, sizeof text)))
		return error;
	const size_t length = strlen(text);
	const size_t n = length < size ? length : size;
	memcpy(to, text, n);
	return (int64_t)n;
}

int64_t layers_has_entries(struct files *files, struct place *place)
{
	struct open_file folder = { .mount = place->mount, .fd = -1, .offset = FIRST_NODE };
	struct file_entry entry = { .node = NULL };
	int64_t found = open_folder(files, place, &folder);

	if (found)
		return found;
	do {
		found = folder_entry(files, &folder, &entry);
		folder.offset = entry.next;
	} while (found > 0 && (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0));
	close_folder(files, &folder);
	return found;
}

const struct mount_ops layers_ops = {
	.find = find,
	.open = open_place,
	.make = layers_make,
	.remove = layers_remove,
	.rename = layers_rename,
	.change = layers_change,
	.read_link = read_link,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes what a guest sees in a mount of two layers, in the upper one: what is below it stays as
 * it is. What can fail comes first, so that a change is made whole or not at all.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_layers.h"

#include "guest_abi/mote/file_host.h"
#include "guest_abi/mote/file_paths.h"

#include <errno.h>
#include <string.h>

/* The folder that a change is made in, and the name there. */
struct spot {
	struct file_node *folder;
	const char *name;
	size_t length;
};

/* A node for the folder that the host has at the first LENGTH bytes of BELOW. */
static int64_t adopt_folder(struct files *files, struct mount *mount, struct file_node *parent,
			    const char *below, size_t length, struct file_node **out)
{
	char path[FILES_PATH_SIZE];
	const char *name = below + length;
	struct stat stat;
	int fd;

	memcpy(path, below, length);
	path[length] = '\0';
	while (name > below && name[-1] != '/')
		name--;
	int error = host_file_find(files->host, mount->fd, path, &fd, &stat);
	if (error)
		return error;
	files->host->sys->close(fd);
	if (!S_ISDIR(stat.st_mode))
		return -ENOTDIR;
	error = file_tree_add(&mount->tree, parent, name, (size_t)(below + length - name),
			      NODE_FOLDER, NULL, out);
	if (error)
		return error;
	(*out)->is_merged = true;
	(*out)->mode = stat.st_mode & 0777;
	(*out)->modified = stat.st_mtim;
	(*out)->below = stat.st_ino;
	return 0;
}

/* Finds the folder of PLACE in the tree; those on the way that only the host has are added. */
static int64_t find_spot(struct files *files, const struct place *place, struct spot *spot)
{
	struct mount *mount = place->mount;
	const char *below = place_below(place), *at = below;
	struct file_node *folder = &mount->tree.root;

	if (!mount->is_writable)
		return -EROFS;
	for (size_t length; at[length = strcspn(at, "/")]; at += length + 1) {
		struct file_node *node = file_tree_find(&mount->tree, folder, at, length);
		int64_t failed = 0;

		if (!node && folder->is_merged)
			failed = adopt_folder(files, mount, folder, below,
					      (size_t)(at - below) + length, &node);
		if (failed)
			return failed;
		if (!node || node->kind == NODE_GONE)
			return -ENOENT;
		if (node->kind != NODE_FOLDER)
			return -ENOTDIR;
		folder = node;
	}
	*spot = (struct spot){ folder, at, strlen(at) };
	return 0;
}

int64_t layers_adopt(struct files *files, struct place *place, struct file_node **out)
{
	struct spot spot;
	int64_t failed = find_spot(files, place, &spot);

	if (!failed)
		failed = file_tree_add(&place->mount->tree, spot.folder, spot.name, spot.length,
				       NODE_FILE, place_below(place), out);
	if (failed)
		return failed;
	(*out)->mode = place->stat.st_mode & 0777;
	(*out)->modified = place->stat.st_mtim;
	(*out)->below = place->stat.st_ino;
	(*out)->below_size = (*out)->size = (uint64_t)place->stat.st_size;
	place->node = *out;
	return 0;
}

int64_t layers_add(struct files *files, struct place *place, enum node_kind kind, uint32_t mode,
		   const char *text, struct file_node **out)
{
	struct spot spot;
	int64_t failed = find_spot(files, place, &spot);

	if (!failed)
		failed = file_tree_add(&place->mount->tree, spot.folder, spot.name, spot.length,
				       kind, text, out);
	if (failed)
		return failed;
	(*out)->mode = mode & 0777;
	if (kind == NODE_LINK)
		(*out)->size = strlen(text);
	file_node_touch(&place->mount->tree, spot.folder);
	return 0;
}

int64_t layers_make(struct files *files, struct place *place, enum node_kind kind, uint32_t mode,
		    const char *text)
{
	struct file_node *node;

	return place->missing ? layers_add(files, place, kind, mode, text, &node) : -EEXIST;
}

/* Whether the host has anything of that name, which the tree must then hide. */
static bool is_below(struct files *files, const struct place *place, const struct spot *spot)
{
	struct stat stat;
	int fd;

	if (!spot->folder->is_merged ||
	    host_file_find(files->host, place->mount->fd, place_below(place), &fd, &stat))
		return false;
	files->host->sys->close(fd);
	return true;
}

/* Takes away what is at the place, and hides what is below it. */
static int64_t take_away(struct files *files, struct place *place, const struct spot *spot)
{
	struct file_tree *tree = &place->mount->tree;
	struct file_node *gone;
	int error = 0;

	if (is_below(files, place, spot))
		error = file_tree_add(tree, spot->folder, spot->name, spot->length, NODE_GONE, NULL,
				      &gone);
	else
		file_tree_remove(tree, place->node);
	if (!error)
		file_node_touch(tree, spot->folder);
	return error;
}

/* Whether what is at PLACE can be removed as a folder, or as something else. */
static int64_t check_removal(struct files *files, struct place *place, bool is_folder)
{
	if (place->missing)
		return place->missing;
	if (!*place_below(place))
		return -EBUSY;
	if (!place->mount->is_writable)
		return -EROFS;
	if (!S_ISDIR(place->stat.st_mode))
		return is_folder ? -ENOTDIR : 0;
	if (!is_folder)
		return -EISDIR;
	int64_t has = layers_has_entries(files, place);
	return has > 0 ? -ENOTEMPTY : has;
}

int64_t layers_remove(struct files *files, struct place *place, bool is_folder)
{
	struct spot spot;
	int64_t failed = check_removal(files, place, is_folder);

	if (!failed)
		failed = find_spot(files, place, &spot);
	return failed ? failed : take_away(files, place, &spot);
}

/* What a rename needs to know of what it moves; a folder of the host stays where it is. */
static int64_t prepare_move(struct files *files, struct place *from, struct file_node **node)
{
	*node = from->node;
	if (*node)
		return (*node)->kind == NODE_FOLDER && (*node)->is_merged ? -EXDEV : 0;
	return S_ISREG(from->stat.st_mode) ? layers_adopt(files, from, node) : -EXDEV;
}

static bool is_inside(const char *path, const char *folder)
{
	const size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static int64_t check_move(struct files *files, struct place *from, struct place *to)
{
	if (from->missing)
		return from->missing;
	if (!*place_below(from) || !*place_below(to))
		return -EBUSY;
	if (is_inside(to->path, from->path))
		return -EINVAL;
	if (is_inside(from->path, to->path))
		return -ENOTEMPTY;
	return to->missing ? 0 : check_removal(files, to, S_ISDIR(from->stat.st_mode));
}

/* What hides the target is made first; then nothing can fail, and it hides the source. */
int64_t layers_rename(struct files *files, struct place *from, struct place *to)
{
	struct file_tree *tree = &from->mount->tree;
	struct spot source, target;
	struct file_node *node, *gone;

	if (!from->missing && strcmp(from->path, to->path) == 0)
		return 0;
	int64_t failed = check_move(files, from, to);
	if (!failed)
		failed = find_spot(files, from, &source);
	if (!failed)
		failed = find_spot(files, to, &target);
	if (!failed)
		failed = prepare_move(files, from, &node);
	if (!failed)
		failed = file_tree_add(tree, target.folder, target.name, target.length, NODE_GONE,
				       NULL, &gone);
	if (failed)
		return failed;
	file_tree_swap(tree, node, gone);
	file_node_change(tree, node);
	if (!is_below(files, from, &source))
		file_tree_remove(tree, gone);
	file_node_touch(tree, source.folder);
	file_node_touch(tree, target.folder);
	return 0;
}

int64_t layers_change(struct files *files, struct place *place, const uint32_t *mode,
		      const struct timespec *modified)
{
	struct file_node *node = place->node;

	if (place->missing)
		return place->missing;
	if (!place->mount->is_writable)
		return -EROFS;
	if (!node && S_ISREG(place->stat.st_mode)) {
		int64_t failed = layers_adopt(files, place, &node);
		if (failed)
			return failed;
	}
	if (!node) /* a folder of the host, or the mount itself: as they are */
		return 0;
	file_node_change(&place->mount->tree, node);
	if (mode)
		node->mode = *mode & 0777;
	if (modified)
		node->modified = *modified;
	return 0;
}

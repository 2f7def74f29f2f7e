/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saves and restores the descriptors of a guest. Most guests have three, which nothing is done for.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_state.h"

#include "base/text.h"
#include "guest_abi/mote/file_paths.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { SAVED_CLOSED, SAVED_STREAM, SAVED_OPEN = SAVED_STREAM + 3 };

static mote_status copy_string(char **to, const char *text, const struct host *host,
			       mote_error *err)
{
	const size_t size = strlen(text) + 1;

	*to = host_alloc(host, size);
	if (!*to)
		return error_nomem(err, "a path of a guest", size);
	memcpy(*to, text, size);
	return MOTE_OK;
}

static void free_string(char *text, const struct host *host)
{
	host_free(host, text, text ? strlen(text) + 1 : 0);
}

static mote_status make_array(void *to, size_t count, size_t size, const struct host *host,
			      mote_error *err)
{
	void **array = to;

	*array = count ? host_alloc_array(host, count, size) : NULL;
	if (count && !*array)
		return error_nomem(err, "a guest's open files", count * size);
	return MOTE_OK;
}

void files_state_init(struct files_state *state)
{
	*state = (struct files_state){ .is_fresh = true, .mask = 022 };
}

/* PATH is the guest's choice. */
static mote_status refuse(const char *what, const char *path, mote_error *err)
{
	char text[256];

	text_escape(text, sizeof text, path, strlen(path));
	return error_set(err, MOTE_E_STATE,
			 "cannot take a snapshot: the guest has %s %s, which is not kept; take it "
			 "before it does so, or undo that first",
			 what, text);
}

/* Remembers the first path that the guest has changed. */
static mote_status note_change(struct files_state *state, const struct mount *mount,
			       const struct host *host, mote_error *err)
{
	const struct file_node *node = file_tree_difference(&mount->tree);
	char path[FILES_PATH_SIZE];
	size_t length = mount->length;

	if (!node || state->changed)
		return MOTE_OK;
	memcpy(path, mount->path, length);
	path[length++] = '/';
	file_node_path(node, path + length, sizeof path - length);
	return copy_string(&state->changed, path, host, err);
}

static mote_status copy_tree(struct file_tree *to, const struct file_tree *from, mote_error *err)
{
	if (!file_tree_copy(to, from))
		return MOTE_OK;
	return error_nomem(err, "the files that a guest has changed", (size_t)from->used);
}

static mote_status save_mounts(struct files_state *state, const struct files *files,
			       mote_error *err)
{
	mote_status status = make_array(&state->mounts, files->nmounts, sizeof state->mounts[0],
					files->host, err);

	if (!status)
		state->nmounts = files->nmounts;
	for (size_t i = 0; !status && i < files->nmounts; i++) {
		const struct mount *mount = &files->mounts[i];
		struct saved_mount *saved = &state->mounts[i];
		saved->is_writable = mount->is_writable;
		saved->has_host = mount->fd >= 0;
		saved->is_system = mount->system.look != NULL;
		status = copy_string(&saved->path, mount->path, files->host, err);
		file_tree_init(&saved->tree, files->host, mount->tree.limit, saved->has_host);
		if (!status)
			status = copy_tree(&saved->tree, &mount->tree, err);
		if (!status)
			status = note_change(state, mount, files->host, err);
	}
	return status;
}

/* The number of FILE in the table of a state; *IS_FIRST: no descriptor below FD has it. */
static uint32_t number_of(const struct files_state *state, const struct files *files, size_t fd,
			  bool *is_first)
{
	const struct open_file *file = files->table[fd].file;

	*is_first = false;
	if (!file)
		return SAVED_CLOSED;
	if (!file->path)
		return SAVED_STREAM + file->stream;
	for (size_t i = 0; i < fd; i++)
		if (files->table[i].file == file)
			return state->table[i].file;
	*is_first = true;
	return SAVED_OPEN + (uint32_t)state->nopen;
}

static mote_status save_file(struct files_state *state, const struct files *files,
			     const struct open_file *file, mote_error *err)
{
	struct saved_file *saved = &state->open[state->nopen++];

	saved->flags = file->flags;
	saved->offset = file->offset;
	saved->is_folder = file->ops->entry != NULL;
	if (file->mount && file->mount->system.look && !saved->is_folder)
		return refuse("open", file->path, err);
	if (file->node && !file->node->is_linked)
		return refuse("open, and removed,", file->path, err);
	return copy_string(&saved->path, file->path, files->host, err);
}

static size_t count_descriptors(const struct files *files)
{
	size_t n = files->capacity;

	while (n && !files->table[n - 1].file)
		n--;
	return n;
}

static mote_status save_table(struct files_state *state, const struct files *files, mote_error *err)
{
	const struct host *host = files->host;

	state->ntable = count_descriptors(files);
	mote_status status =
		make_array(&state->table, state->ntable, sizeof state->table[0], host, err);
	if (!status)
		status = make_array(&state->open, state->ntable, sizeof state->open[0], host, err);
	for (size_t i = 0; !status && i < state->ntable; i++) {
		bool is_first;
		state->table[i].file = number_of(state, files, i, &is_first);
		state->table[i].closes_on_exec = files->table[i].closes_on_exec;
		if (is_first)
			status = save_file(state, files, files->table[i].file, err);
	}
	return status;
}

mote_status files_save(struct files_state *state, const struct files *files, mote_error *err)
{
	*state = (struct files_state){ .mask = files->mask };
	mote_status status = save_mounts(state, files, err);
	if (!status)
		status = save_table(state, files, err);
	if (!status && files->folder)
		status = copy_string(&state->folder, files->folder, files->host, err);
	return status;
}

void files_state_fini(struct files_state *state, const struct host *host)
{
	for (size_t i = 0; i < state->nmounts; i++) {
		free_string(state->mounts[i].path, host);
		if (state->mounts[i].tree.host)
			file_tree_clear(&state->mounts[i].tree);
	}
	for (size_t i = 0; i < state->nopen; i++)
		free_string(state->open[i].path, host);
	free_string(state->folder, host);
	free_string(state->changed, host);
	host_free(host, state->mounts, state->nmounts * sizeof state->mounts[0]);
	host_free(host, state->open, state->ntable * sizeof state->open[0]);
	host_free(host, state->table, state->ntable * sizeof state->table[0]);
	files_state_init(state);
}

const char *files_state_difference(const struct files_state *state)
{
	if (state->nopen)
		return state->open[0].path;
	if (state->folder && strcmp(state->folder, "/") != 0)
		return state->folder;
	for (size_t i = 0; i < state->ntable; i++)
		if (state->table[i].file != SAVED_STREAM + i)
			return "something else than the standard streams";
	return !state->is_fresh && state->ntable != 3 ? "something else than the standard streams"
						      : NULL;
}

mote_status files_check(const struct files *files, const struct files_state *state, mote_error *err)
{
	for (size_t i = 0; i < state->nmounts; i++) {
		const struct saved_mount *saved = &state->mounts[i];
		const struct mount *mount = files_mount(files, saved->path, strlen(saved->path));
		const char *path = *saved->path ? saved->path : "/";

		if (!mount)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "the snapshot was taken with a directory at %.200s, which "
					 "this sandbox is not given; add it to directories",
					 path);
		if (mount->is_writable != saved->is_writable ||
		    (mount->fd >= 0) != saved->has_host ||
		    (mount->system.look != NULL) != saved->is_system)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "the snapshot was taken with %s directory %s at %.200s; "
					 "this sandbox has another kind there",
					 saved->is_writable ? "a private" : "a read-only",
					 saved->has_host    ? "of the host"
					 : saved->is_system ? "of the program's"
							    : "in memory",
					 path);
		if (saved->tree.used > mount->tree.limit)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "the snapshot has %" PRIu64
					 " bytes of changes at %.200s, and "
					 "max_bytes of this sandbox's directory is %" PRIu64,
					 saved->tree.used, path, mount->tree.limit);
	}
	if (state->ntable > files->capacity)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot uses descriptor %zu, and max_open_files is %zu",
				 state->ntable - 1, files->capacity);
	return MOTE_OK;
}

static void rewind_all(struct files *files, const struct files_state *state)
{
	for (size_t i = 0; i < state->ntable; i++) {
		struct open_file *file = files->table[i].file;
		files->table[i].closes_on_exec = state->table[i].closes_on_exec;
		if (state->table[i].file < SAVED_OPEN)
			continue;
		file->offset = state->open[state->table[i].file - SAVED_OPEN].offset;
		file->flags = state->open[state->table[i].file - SAVED_OPEN].flags;
	}
}

static void forget_all(struct files *files)
{
	for (size_t i = 0; i < files->capacity; i++)
		files_close(files, i);
	for (size_t i = 0; i < files->nmounts; i++)
		file_tree_clear(&files->mounts[i].tree);
}

static mote_status restore_trees(struct files *files, const struct files_state *state,
				 mote_error *err)
{
	mote_status status = MOTE_OK;

	for (size_t i = 0; !status && i < state->nmounts; i++) {
		const struct saved_mount *saved = &state->mounts[i];
		struct mount *mount = files_mount(files, saved->path, strlen(saved->path));
		status = copy_tree(&mount->tree, &saved->tree, err);
	}
	return status;
}

/* Opens a file again, at the lowest descriptor that is free, which is what FD is. */
static mote_status reopen(struct files *files, const struct saved_file *saved, size_t fd,
			  mote_error *err)
{
	char text[256];
	int64_t opened = files_open(files, 0, saved->path, saved->flags, 0);

	if (opened == (int64_t)fd) {
		struct open_file *file = files->table[fd].file;
		file->offset = saved->offset;
		if ((file->ops->entry != NULL) == saved->is_folder)
			return MOTE_OK;
		opened = saved->is_folder ? -ENOTDIR : -EISDIR;
	}
	text_escape(text, sizeof text, saved->path, strlen(saved->path));
	if (opened == -ENOMEM)
		return error_nomem(err, "a file that is opened again", sizeof(struct open_file));
	error_os(err, (int)-opened, "cannot open %s, which the snapshot has open, again", text);
	if (err)
		err->code = MOTE_E_SNAPSHOT;
	return MOTE_E_SNAPSHOT;
}

/*
 * Descriptors from the first on, so that each file is opened where it has to be: those that the
 * snapshot has closed are filled meanwhile.
 */
static mote_status restore_table(struct files *files, const struct files_state *state,
				 mote_error *err)
{
	size_t nopened = 0;

	for (size_t fd = 0; fd < state->ntable; fd++) {
		const uint32_t number = state->table[fd].file;
		struct open_file *file = &files->standard[0];

		if (number == SAVED_OPEN + nopened) {
			mote_status status = reopen(files, &state->open[nopened++], fd, err);
			if (status)
				return status;
			files->table[fd].closes_on_exec = state->table[fd].closes_on_exec;
			continue;
		}
		if (number >= SAVED_STREAM && number < SAVED_OPEN)
			file = &files->standard[number - SAVED_STREAM];
		for (size_t i = 0; number >= SAVED_OPEN && i < fd; i++)
			if (state->table[i].file == number)
				file = files->table[i].file;
		files_put(files, fd, open_file_ref(file), state->table[fd].closes_on_exec);
	}
	for (size_t fd = 0; fd < state->ntable; fd++)
		if (state->table[fd].file == SAVED_CLOSED)
			files_close(files, fd);
	return MOTE_OK;
}

mote_status files_restore(struct files *files, const struct files_state *state, bool is_base,
			  mote_error *err)
{
	files->mask = state->mask;
	if (is_base && files_changes(files) == files->base_changes) {
		rewind_all(files, state);
		return MOTE_OK;
	}
	forget_all(files);
	mote_status status = restore_trees(files, state, err);
	for (size_t fd = 0; state->is_fresh && fd < 3; fd++)
		files_put(files, fd, open_file_ref(&files->standard[fd]), false);
	if (!status)
		status = restore_table(files, state, err);
	if (!status && files_enter(files, state->folder ? state->folder : "/"))
		status = error_nomem(err, "the guest's working folder", FILES_PATH_SIZE);
	files->base_changes = files_changes(files);
	return status;
}

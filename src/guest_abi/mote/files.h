/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - the descriptors of a guest, and the files that its embedder gave it.
 *
 * What a guest can name is a list of mounts: directories at absolute paths of the guest's. A path
 * from the guest is made absolute and normalised here, by its text; its longest mount serves
 * it. Nothing else reaches the host's file system, and nothing here ever writes to it.
 *
 * Where a guest's file is concerned, functions return what the kernel would: a result, or a
 * negative errno value. Paths of the guest are copied once, and bounded.
 *
 * Threads: as its sandbox.
 */
#ifndef GUEST_ABI_MOTE_FILES_H
#define GUEST_ABI_MOTE_FILES_H

#include "base/error.h"
#include "guest_abi/directories.h"
#include "guest_abi/mote/file_tree.h"
#include "guest_abi/streams.h"

#include <mote/files.h>

#define FILES_PATH_SIZE   4096 /* with the NUL */
#define FILES_NAME_MAX    255
#define FILES_REFUSED_MAX 16

struct files;
struct open_file;
struct place;

/* What a folder has: one entry. */
struct file_entry {
	char name[FILES_NAME_MAX + 1];
	size_t length;
	uint64_t inode;
	uint8_t type;                 /* DT_REG and the like */
	uint64_t next;                /* the offset to go on at */
	const struct file_node *node; /* which one it is, if it is one; the next is found from it */
};

/* What can be done with an open file; NULL where it cannot. Offsets and sizes are sound. */
struct file_ops {
	int64_t (*read)(struct files *files, struct open_file *file, uint64_t at, void *to,
			size_t size);
	int64_t (*write)(struct files *files, struct open_file *file, uint64_t at, const void *from,
			 size_t size);
	/* The entry at the file's offset: 1; 0 at the end. ENTRY is the one before, or all 0. */
	int64_t (*entry)(struct files *files, struct open_file *file, struct file_entry *entry);
	int64_t (*stat)(struct files *files, struct open_file *file, struct stat *to);
	int64_t (*resize)(struct files *files, struct open_file *file, uint64_t size);
	void (*close)(struct files *files, struct open_file *file);
	bool is_seekable;
};

/* An open file, which several descriptors may share. */
struct open_file {
	const struct file_ops *ops;
	uint32_t nrefs;
	int flags; /* of open() */
	uint64_t offset;
	struct mount *mount;    /* NULL: a stream, or a folder that only leads to mounts */
	char *path;             /* the guest's; NULL: a stream */
	int fd;                 /* of the host; -1 */
	struct file_node *node; /* NULL: none */
	struct file_listing *listing;
	void *handle; /* of a mote_file_system */
	unsigned stream;
};

/* What the guest finds beneath a path. */
struct mount {
	const struct mount_ops *ops;
	char *path;       /* the guest's, without a slash at its end: "" is the root */
	size_t length;    /* of PATH */
	char *host_path;  /* for messages; NULL: none */
	int fd;           /* of the host's directory; -1: there is none */
	bool is_writable; /* into TREE */
	unsigned number;  /* of its device */
	struct file_tree tree;
	mote_file_system system; /* if it is one; all 0 else */
	void *user;              /* of its functions */
};

/* What a path leads to. */
struct place {
	struct mount *mount;        /* NULL: no mount has it; a device, or a folder above mounts */
	struct file_node *node;     /* in the mount's tree */
	int fd;                     /* of the host, for nothing but to hold it; -1 */
	int missing;                /* 0: it is there, and STAT tells what; or -ENOENT */
	struct stat stat;           /* as it was found; files_dress() is for guests */
	char path[FILES_PATH_SIZE]; /* absolute, without "." and ".." and links on the way */
	size_t link_end;            /* so much of PATH is a symbolic link; see mount_ops.find */
};

/* What mounts do. Of a place, PATH is set, and what find() found. */
struct mount_ops {
	/* Fills the place. 1: a link is in the way, whose text is in LINK (FILES_PATH_SIZE bytes).
	 * A link at the end is only in the way if FOLLOWS. */
	int64_t (*find)(struct files *files, struct place *place, bool follows, char *link);
	/* Opens what is there, or makes it, as FLAGS say. FILE has mount and path. */
	int64_t (*open)(struct files *files, struct place *place, int flags, uint32_t mode,
			struct open_file *file);
	/* Makes a folder, or a link to TEXT, where nothing is. */
	int64_t (*make)(struct files *files, struct place *place, enum node_kind kind,
			uint32_t mode, const char *text);
	int64_t (*remove)(struct files *files, struct place *place, bool is_folder);
	int64_t (*rename)(struct files *files, struct place *from, struct place *to);
	/* Sets permissions and time; NULL: leaves them. */
	int64_t (*change)(struct files *files, struct place *place, const uint32_t *mode,
			  const struct timespec *modified);
	/* A link's text, at most SIZE bytes of it. */
	int64_t (*read_link)(struct files *files, struct place *place, char *to, size_t size);
};

struct descriptor {
	struct open_file *file; /* NULL: closed */
	bool closes_on_exec;    /* told, not done */
};

struct files {
	const struct host *host;
	struct streams *streams;
	struct mount *mounts;
	size_t nmounts;
	struct descriptor *table;
	size_t capacity;
	struct open_file standard[3];
	char *folder; /* the guest's working one; NULL: "/" */
	uint32_t mask;
	uint64_t changes; /* so many times did a descriptor get another file, or the guest a folder */
	uint64_t base_changes; /* files_changes() when they were as in the sandbox's snapshot */
	/* Paths that no mount has, and how often the guest asked for them. */
	struct refused_path {
		char *path;
		uint32_t times;
	} refused[FILES_REFUSED_MAX];
};

/*
 * Opens the directories of PLAN; STREAMS are descriptors 0, 1 and 2. HOST and STREAMS must
 * outlive FILES. Errors: MOTE_E_INVALID (by the option), MOTE_E_OS (a directory that cannot be
 * opened, a kernel that cannot open beneath one), MOTE_E_NOMEM. files_fini() is fine, and needed,
 * either way.
 */
mote_status files_init(struct files *files, const struct host *host, struct streams *streams,
		       const struct files_plan *plan, mote_error *err);
void files_fini(struct files *files);

/* The file behind descriptor FD, or NULL. */
struct open_file *files_get(const struct files *files, uint64_t fd);

/* A descriptor, the lowest from LOWEST on, for FILE, whose reference goes to it. -EMFILE, and the
 * reference is the caller's. */
int64_t files_add(struct files *files, struct open_file *file, uint64_t lowest,
		  bool closes_on_exec);

/* Gives descriptor FD, which is in range, to FILE, as files_add() does, closing what it was. */
void files_put(struct files *files, uint64_t fd, struct open_file *file, bool closes_on_exec);

/* Closes a descriptor. 0, or -EBADF. */
int64_t files_close(struct files *files, uint64_t fd);

/* Another reference, and one given back: with the last the file is closed. */
struct open_file *open_file_ref(struct open_file *file);
void open_file_unref(struct files *files, struct open_file *file);

/* Opens PATH from FOLDER on (file_paths.h) with the flags and mode of openat(). A descriptor. */
int64_t files_open(struct files *files, uint64_t folder, const char *path, int flags,
		   uint32_t mode);

/* Changes the working folder to the guest's PATH, absolute and normalised. */
int64_t files_enter(struct files *files, const char *path);

/* How often anything was changed that a snapshot keeps, but for offsets and flags. */
uint64_t files_changes(const struct files *files);

/* The mount of that path, which is the guest's, without a slash at its end. NULL: none. */
struct mount *files_mount(const struct files *files, const char *path, size_t length);

/* Makes what stat() tells of a file of MOUNT, which may be NULL, what the guest is told: its own,
 * and nobody's to write where the mount is read-only. */
void files_dress(const struct mount *mount, struct stat *to);

/* A folder that is nowhere, but leads to mounts and devices; see file_branches.c. */
extern const struct file_ops branch_ops;

/* What stat() tells of one. */
void branch_stat(struct stat *to);

/* The device at PATH, which every guest has; see file_devices.c: what stat() tells of it, or false.
 * And the path of the one of that number; NULL behind the last. */
bool device_stat(const char *path, struct stat *to);
const char *device_path(size_t index);

/* Opens the one that FILE->path names. */
int64_t device_open(struct open_file *file, int flags);

/* A directory of the host, or a tree, or one over the other; see file_layers.c. */
extern const struct mount_ops layers_ops;

/* A mote_file_system; see file_callbacks.c. */
extern const struct mount_ops callback_ops;

/* The three streams; see file_streams.c. */
extern const struct file_ops stream_ops;

/* Whether FILE, one of the STREAMS, is a pipe to the guest, and no terminal. */
bool stream_is_pipe(const struct streams *streams, const struct open_file *file);

#endif

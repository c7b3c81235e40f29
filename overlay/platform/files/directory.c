/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"

/*
 * Directories of the host: listing, making, removing.
 *
 * A tree is removed with one open directory at a time and a stack of names on the heap, whatever its depth:
 * neither the descriptor limit, nor PATH_MAX, nor the thread's stack bounds it. The way back is ".." and is
 * believed only if it leads to the inode that was left, so that a tree that is moved meanwhile is not left
 * for another one.
 */

static void close_directory(DIR **directory)
{
	int saved = errno;

	if (*directory)
		(void)closedir(*directory);
	errno = saved;
}

#define AUTO_DIRECTORY HD_CLEANUP(close_directory)

static bool is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

int hd_directory_open(int directory_fd, const char *path)
{
	return hd_file_open(directory_fd, path, O_RDONLY | O_DIRECTORY, 0);
}

int hd_directory_sync(int fd)
{
	hd_lock_assert_none_held("fsync");
	while (fsync(fd) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}

static unsigned char entry_type(int fd, const struct dirent *entry)
{
	struct stat st;

	hd_lock_assert_none_held("readdir");
	/* Not every filesystem fills in d_type: readdir(3). */
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type;
	if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return DT_UNKNOWN;
	return IFTODT(st.st_mode);
}

/* Takes FD over. */
static int list_open(int fd, hd_directory_emit emit, void *payload)
{
	hd_lock_assert_none_held("fdopendir");
	AUTO_DIRECTORY DIR *directory = fdopendir(fd);

	if (!directory) {
		int r = hd_errno();

		(void)close(fd);
		return r;
	}
	for (;;) {
		struct dirent *entry;
		int r;

		errno = 0;
		entry = readdir(directory);
		if (!entry)
			return errno ? hd_errno() : 0;
		if (is_dot(entry->d_name))
			continue;
		r = emit(entry->d_name, entry_type(dirfd(directory), entry), payload);
		if (r)
			return r;
	}
}

int hd_directory_list(int directory_fd, const char *path, hd_directory_emit emit, void *payload)
{
	/* Nobody who lists is to be noticed by it: what is listed may be a base, which is never written. */
	int fd = hd_file_open(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOATIME, 0);

	if (fd == -EPERM)
		fd = hd_directory_open(directory_fd, path);
	return fd < 0 ? fd : list_open(fd, emit, payload);
}

static int make_one(int directory_fd, const char *path, mode_t mode)
{
	struct stat st;

	hd_lock_assert_none_held("mkdirat");
	if (mkdirat(directory_fd, path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return hd_errno();
	if (fstatat(directory_fd, path, &st, 0) < 0)
		return hd_errno();
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int hd_directory_make(int directory_fd, const char *path, mode_t mode)
{
	HD_AUTO_FREE char *prefix = NULL;
	int r;

	hd_lock_assert_none_held("mkdirat");
	r = make_one(directory_fd, path, mode);
	if (r != -ENOENT || !*path)
		return r;
	prefix = strdup(path);
	if (!prefix)
		return -ENOMEM;
	for (char *slash = strchr(prefix + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = make_one(directory_fd, prefix, mode);
		*slash = '/';
		if (r < 0)
			return r;
	}
	return make_one(directory_fd, path, mode);
}

int hd_directory_make_new(int directory_fd, const char *path, mode_t mode)
{
	hd_lock_assert_none_held("mkdirat");
	return mkdirat(directory_fd, path, mode) < 0 ? hd_errno() : 0;
}

struct removed_level {
	char *name; /* owned; in the directory above */
	dev_t device;
	ino_t inode; /* of the directory above */
};

struct removal {
	int fd; /* owned; the directory being emptied */
	struct removed_level *levels;
	size_t n_levels;
	size_t capacity;
	dev_t device; /* the filesystem that must not be left */
	char *found;  /* owned; the subdirectory where the listing stopped */
};

#define FOUND_DIRECTORY 1

/* Unlinks everything up to the first subdirectory. */
static int remove_entry(const char *name, unsigned char type, void *payload)
{
	struct removal *removal = payload;

	hd_lock_assert_none_held("unlinkat");
	if (type != DT_DIR) {
		if (unlinkat(removal->fd, name, 0) == 0 || errno == ENOENT)
			return 0;
		/* A directory that its owner may not write, as copies of somebody's tree are. */
		if (errno == EACCES && fchmod(removal->fd, 0700) == 0 && unlinkat(removal->fd, name, 0) == 0)
			return 0;
		if (errno != EISDIR)
			return hd_errno();
	}
	removal->found = strdup(name);
	return removal->found ? FOUND_DIRECTORY : -ENOMEM;
}

static int descend(struct removal *removal)
{
	HD_AUTO_FREE char *name = HD_STEAL(removal->found);
	HD_AUTO_CLOSE int fd = -1;
	struct stat above, below;

	hd_lock_assert_none_held("fstat");
	fd = hd_file_open(removal->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd == -EACCES && fchmodat(removal->fd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		fd = hd_file_open(removal->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &below) < 0 || fstat(removal->fd, &above) < 0)
		return hd_errno();
	if (below.st_dev != removal->device)
		return -EXDEV;
	if (HD_ARRAY_RESERVE(removal->levels, removal->n_levels, removal->capacity) < 0)
		return -ENOMEM;
	removal->levels[removal->n_levels++] = (struct removed_level){
		.name = HD_STEAL(name),
		.device = above.st_dev,
		.inode = above.st_ino,
	};
	(void)close(removal->fd);
	removal->fd = hd_steal_fd(&fd);
	return 0;
}

static int ascend(struct removal *removal)
{
	struct removed_level *level = &removal->levels[removal->n_levels - 1];
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;

	hd_lock_assert_none_held("fstat");
	fd = hd_file_open(removal->fd, "..", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return hd_errno();
	if (st.st_dev != level->device || st.st_ino != level->inode)
		return -ESTALE;
	if (unlinkat(fd, level->name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
		!(errno == EACCES && fchmod(fd, 0700) == 0 && unlinkat(fd, level->name, AT_REMOVEDIR) == 0))
		return hd_errno();
	free(level->name);
	removal->n_levels--;
	(void)close(removal->fd);
	removal->fd = hd_steal_fd(&fd);
	return 0;
}

static int empty_directory(struct removal *removal)
{
	for (;;) {
		int r = hd_directory_list(removal->fd, ".", remove_entry, removal);

		if (r == FOUND_DIRECTORY)
			r = descend(removal);
		else if (r == 0 && removal->n_levels == 0)
			return 0;
		else if (r == 0)
			r = ascend(removal);
		if (r < 0)
			return r;
	}
}

int hd_directory_remove_tree(int directory_fd, const char *path)
{
	struct removal removal = {.fd = -1};
	struct stat st;
	int r;

	hd_lock_assert_none_held("unlinkat");
	removal.fd = hd_file_open(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (removal.fd == -EACCES && fchmodat(directory_fd, path, 0700, AT_SYMLINK_NOFOLLOW) == 0)
		removal.fd = hd_file_open(directory_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (removal.fd < 0)
		return removal.fd;
	r = hd_file_stat(removal.fd, &st);
	if (r == 0) {
		removal.device = st.st_dev;
		r = empty_directory(&removal);
	}
	for (size_t i = 0; i < removal.n_levels; i++)
		free(removal.levels[i].name);
	free(removal.levels);
	free(removal.found);
	(void)close(removal.fd);
	if (r < 0)
		return r;
	return unlinkat(directory_fd, path, AT_REMOVEDIR) < 0 ? hd_errno() : 0;
}

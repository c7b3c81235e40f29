/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree_index_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define TEMPORARY HD_WORKTREE_INDEX_TEMPORARY
#define INDEX_LIMIT ((size_t)1 << 32)
#define LOCK "index.lock"
#define LOCK_TEXT "heddle\n"

int hd_worktree_index_publish(int directory_fd, mode_t mode)
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, TEMPORARY, O_RDONLY, 0);
	int r = fd < 0 ? fd : hd_file_set_mode(fd, mode);

	return r < 0 ? r : hd_file_rename(directory_fd, TEMPORARY, "index");
}

/* ---- a copy, and back ---- */

struct edit {
	int directory_fd;
	char *temporary;  /* owned: path of the copy */
	git_index *index; /* owned: of it; NULL: libgit2 does not understand it */
	struct stat stat; /* of the index that is there */
};

static void edit_clear(struct edit *edit)
{
	git_index_free(edit->index);
	free(edit->temporary);
}

static int copy(const struct edit *edit, const char *bytes, size_t size)
{
	HD_AUTO_CLOSE int fd =
		hd_file_open(edit->directory_fd, TEMPORARY, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	return fd < 0 ? fd : hd_file_write_at(fd, bytes, size, 0);
}

/* 1; 0 when there is no index, or none with the bytes MARK (NULL: any). */
static int begin(int directory_fd, const char *path, const char *mark, struct edit *edit)
{
	HD_AUTO_FREE char *bytes = NULL;
	size_t size;
	int r = hd_file_read_whole(directory_fd, "index", INDEX_LIMIT, &bytes, &size);

	*edit = (struct edit){.directory_fd = directory_fd};
	if (r < 0 || (mark && !memmem(bytes, size, mark, strlen(mark))))
		return r == -ENOENT ? 0 : r < 0 ? r : 0;
	if (asprintf(&edit->temporary, "%s/" TEMPORARY, path) < 0) {
		edit->temporary = NULL;
		return -ENOMEM;
	}
	r = hd_file_stat_at(directory_fd, "index", &edit->stat);
	if (r >= 0)
		r = copy(edit, bytes, size);
	if (r >= 0 && git_index_open(&edit->index, edit->temporary) < 0)
		edit->index = NULL;
	return r < 0 ? r : 1;
}

/* Written anew it has what libgit2 knows. */
static int commit(const struct edit *edit)
{
	HD_AUTO_CLOSE int fd = -1;
	int r = 0;

	if (edit->index && git_index_write(edit->index) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "write the index %s", edit->temporary);
	r = fd = hd_file_open(edit->directory_fd, TEMPORARY, O_RDONLY, 0);
	if (r >= 0)
		r = hd_file_set_modify_time(fd, &edit->stat.st_mtim);
	return r < 0 ? r : hd_worktree_index_publish(edit->directory_fd, edit->stat.st_mode & 0666);
}

int hd_worktree_index_forget_place(int directory_fd, const char *path)
{
	HD_CLEANUP(edit_clear) struct edit edit = {0};
	int r = begin(directory_fd, path, "UNTR", &edit);

	return r <= 0 || !edit.index ? r : commit(&edit);
}

/* ---- to another commit ---- */

static bool has_side(const git_diff_file *side)
{
	return side->mode != GIT_FILEMODE_UNREADABLE;
}

/* Whether ENTRY, which may be NULL, is what SIDE is. */
static bool is_side(const git_index_entry *entry, const git_diff_file *side)
{
	if (!entry || !has_side(side))
		return !entry && !has_side(side);
	return entry->mode == side->mode && git_oid_equal(&entry->id, &side->id);
}

static int follow_file(const git_diff_delta *delta, float progress, void *payload)
{
	git_index *index = payload;
	const git_diff_file *before = &delta->old_file, *after = &delta->new_file;
	git_index_entry entry = {.mode = after->mode, .id = after->id, .path = after->path};

	(void)progress;
	if (!is_side(git_index_get_bypath(index, before->path, 0), before))
		return 0;
	return has_side(after) ? git_index_add(index, &entry) : git_index_remove(index, before->path, 0);
}

int hd_worktree_index_follow(int directory_fd, const char *path, git_diff *diff)
{
	HD_CLEANUP(edit_clear) struct edit edit = {0};
	int r = begin(directory_fd, path, NULL, &edit);

	if (r <= 0)
		return r;
	if (!edit.index)
		return hd_git_library_fail(HD_E_REPOSITORY, "read the index in %s", path);
	if (git_diff_foreach(diff, follow_file, NULL, NULL, NULL, edit.index) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "change the index in %s", path);
	return commit(&edit);
}

/* ---- git's lock ---- */

void hd_worktree_index_unlock(int directory_fd, int *lock_fd)
{
	if (*lock_fd < 0)
		return;
	(void)hd_file_unlink(directory_fd, LOCK);
	hd_cleanup_close(lock_fd);
	*lock_fd = -1;
}

/* git's has the beginning of an index in it, or nothing yet; so has one of ours that is being made. */
static bool is_ours(int fd)
{
	char text[sizeof(LOCK_TEXT)];
	size_t size = 0;

	return hd_file_read_at(fd, text, sizeof(text), 0, &size) == 0 && size == strlen(LOCK_TEXT) &&
	       memcmp(text, LOCK_TEXT, size) == 0;
}

/* Whoever was faster in taking it away may have made another one. */
static bool is_still_there(int directory_fd, int fd)
{
	struct stat held, there;

	return hd_file_stat(fd, &held) == 0 && hd_file_stat_at(directory_fd, LOCK, &there) == 0 &&
	       held.st_dev == there.st_dev && held.st_ino == there.st_ino;
}

int hd_worktree_index_left_lock(int directory_fd, bool remove)
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return fd == -ENOENT || fd == -ELOOP ? 0 : fd;
	if (!is_ours(fd))
		return 0;
	r = hd_file_lock(fd);
	if (r < 0)
		return r == -EWOULDBLOCK ? 0 : r;
	if (!is_still_there(directory_fd, fd))
		return 0;
	r = remove ? hd_file_unlink(directory_fd, LOCK) : 0;
	return r < 0 ? r : 1;
}

int hd_worktree_index_lock(int directory_fd)
{
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_worktree_index_left_lock(directory_fd, true);

	if (r >= 0)
		r = fd = hd_file_open(directory_fd, LOCK, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (r < 0)
		return r;
	r = hd_file_lock(fd);
	if (r == 0)
		r = hd_file_write_at(fd, LOCK_TEXT, strlen(LOCK_TEXT), 0);
	if (r < 0) {
		hd_worktree_index_unlock(directory_fd, &fd);
		return r;
	}
	return hd_steal_fd(&fd);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree_head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/head_text.h"
#include "capture/git/thread_branch.h"
#include "capture/git/worktree/worktree.h"
#include "capture/git/worktree/worktree_config.h"
#include "capture/git/worktree/worktree_index_edit.h"
#include "capture/git/worktree/worktree_record.h"
#include "capture/history/state_log.h"
#include "capture/merge/conflicts.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * The index goes first, then HEAD: a death in between leaves the change as staged, which is what it is. The other way round the
 * next commit would take it back. git's lock of the index, which whatever commits or resets takes first, is held meanwhile.
 */

#define SEEN_FILE "heddle-head"

void hd_worktree_head_clear(struct hd_worktree_head *head)
{
	free(head->location);
	free(head->path);
	free(head->branch);
	*head = (struct hd_worktree_head){0};
}

/* ---- reading ---- */

static bool is_commit(const char *text, git_oid *ret_commit)
{
	return strlen(text) == GIT_OID_HEXSZ && git_oid_fromstr(ret_commit, text) == 0;
}

/* Whether the file names a commit, and no reference. */
static bool read_commit(int directory_fd, const char *name, git_oid *ret_commit)
{
	HD_AUTO_FREE char *text = NULL;
	struct hd_head_text head;

	if (hd_head_text_read(directory_fd, name, &text, &head) < 0 || head.reference)
		return false;
	*ret_commit = head.commit;
	return true;
}

/* Mostly a file; libgit2 need not be loaded then. */
static int resolve(const char *location, const char *branch, git_oid *ret_commit)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, location);
	git_repository *repository = NULL;
	int g, r = 0;

	if (fd >= 0 && read_commit(fd, branch, ret_commit))
		return 0;
	r = hd_git_library_start();
	if (r < 0)
		return r;
	if (git_repository_open_bare(&repository, location) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open git repository %s", location);
	g = git_reference_name_to_id(ret_commit, repository, branch);
	if (g == GIT_ENOTFOUND)
		r = -ENOENT;
	else if (g < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read %s", branch);
	git_repository_free(repository);
	return r;
}

/* By the files of git's that stay until it ends. */
static const char *find_busy(int directory_fd)
{
	static const struct {
		const char *file, *name;
	} rows[] = {
		{"rebase-merge", "rebase"},
		{"rebase-apply/applying", "am"},
		{"rebase-apply", "rebase"},
		{"BISECT_LOG", "bisect"},
	};

	for (size_t i = 0; i < HD_ARRAY_SIZE(rows); i++) {
		if (hd_file_exists(directory_fd, rows[i].file))
			return rows[i].name;
	}
	return NULL;
}

static int read_head(struct hd_worktree_head *head, int directory_fd)
{
	HD_AUTO_FREE char *text = NULL;
	struct hd_head_text said;
	int r = hd_head_text_read(directory_fd, "HEAD", &text, &said);

	if (r < 0 && !text)
		return r;
	if (r >= 0 && said.reference) {
		head->branch = strdup(said.reference);
		r = head->branch ? resolve(head->location, head->branch, &head->commit) : -ENOMEM;
	} else if (r >= 0) {
		head->commit = said.commit;
	}
	head->is_seen = read_commit(directory_fd, SEEN_FILE, &head->seen);
	head->busy = find_busy(directory_fd);
	return r < 0 ? r : hd_worktree_config_is_sparse(head->location, head->path, &head->is_sparse);
}

struct search {
	uint32_t number; /* of the thread */
	struct hd_worktree_head *head;
};

static int take_directory(const struct hd_worktree_record *record, void *payload)
{
	struct search *search = payload;
	struct hd_worktree_head *head = search->head;

	if (record->number != search->number)
		return 0;
	head->location = strdup(record->repository);
	if (asprintf(&head->path, "%s/worktrees/%s", record->repository, record->name) < 0)
		head->path = NULL;
	return head->location && head->path ? 1 : -ENOMEM;
}

static int find_directory(struct hd_store *store, const char *thread, struct hd_worktree_head *head)
{
	struct search search = {.head = head};
	struct hd_thread record = {0};
	int r = hd_index_get_thread(store->index, thread, &record);

	search.number = record.number;
	hd_thread_clear(&record);
	if (r >= 0)
		r = hd_worktree_list(store, take_directory, &search);
	return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

int hd_worktree_head_read(struct hd_store *store, const char *thread, struct hd_worktree_head *ret_head)
{
	struct hd_worktree_head head = {0};
	HD_AUTO_CLOSE int fd = -1;
	int r = find_directory(store, thread, &head);

	if (r >= 0)
		r = fd = hd_directory_open(AT_FDCWD, head.path);
	if (r >= 0)
		r = read_head(&head, fd);
	if (r < 0) {
		hd_worktree_head_clear(&head);
		if (r == -ENOENT)
			hd_error_clear();
		return r;
	}
	*ret_head = head;
	return 0;
}

static int match_commit(const struct hd_state *state, void *payload)
{
	git_oid *commit = payload;

	return state->git_commit && !hd_state_is_unresolved(state) && is_commit(state->git_commit, commit);
}

int hd_worktree_head_nearest(struct hd_index *index, const struct hd_state_id *id, git_oid *ret_commit)
{
	int r = hd_state_log_walk(index, id, HD_STATE_LOG_FIRST_PARENT, match_commit, ret_commit);

	return r < 0 ? r : r == 0 ? -ENOENT : 0;
}

/* ---- writing ---- */

/* As others may read it as HEAD itself. */
static int write_line(int directory_fd, const char *name, const char *line)
{
	struct hd_atomic_file file;
	struct stat stat;
	int r = hd_file_stat_at(directory_fd, "HEAD", &stat);

	if (r >= 0)
		r = hd_file_atomic_begin(directory_fd, stat.st_mode & 0666, &file);
	if (r < 0)
		return r;
	r = hd_file_set_mode(file.fd, stat.st_mode & 0666);
	if (r >= 0)
		r = hd_file_write_at(file.fd, line, strlen(line), 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, name, true, false);
}

static int write_commit(int directory_fd, const char *name, const git_oid *commit)
{
	char line[GIT_OID_HEXSZ + 2];

	(void)git_oid_tostr(line, GIT_OID_HEXSZ + 1, commit);
	line[GIT_OID_HEXSZ] = '\n';
	line[GIT_OID_HEXSZ + 1] = '\0';
	return write_line(directory_fd, name, line);
}

int hd_worktree_head_note(const char *path, const git_oid *commit)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, path);

	return fd < 0 ? fd : write_commit(fd, SEEN_FILE, commit);
}

/* ---- moving ---- */

struct moving {
	struct hd_worktree_head *head;
	int fd; /* of the admin directory */
	const git_oid *to;
	git_repository *repository; /* owned */
};

static int move_index(const struct moving *moving)
{
	git_tree *before = NULL, *after = NULL;
	git_diff *diff = NULL;
	int r;

	r = hd_git_library_find_tree(moving->repository, &moving->head->commit, &before);
	if (r >= 0)
		r = hd_git_library_find_tree(moving->repository, moving->to, &after);
	if (r >= 0 && git_diff_tree_to_tree(&diff, moving->repository, before, after, NULL) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "compare the commits");
	if (r >= 0)
		r = hd_worktree_index_follow(moving->fd, moving->head->path, diff);
	git_diff_free(diff);
	git_tree_free(after);
	git_tree_free(before);
	return r;
}

static int move_head(const struct moving *moving)
{
	const struct hd_worktree_head *head = moving->head;
	int g;

	if (!head->branch)
		return write_commit(moving->fd, "HEAD", moving->to);
	g = hd_git_reference_set(moving->repository, head->branch, moving->to, true, &head->commit,
		"heddle: the thread moved");
	return g < 0 ? hd_git_library_fail(HD_E_REFERENCE_MOVED, "%s", head->branch) : 0;
}

/* Whether HEAD is still where it was read, now that nobody else can move it. */
static bool is_unmoved(const struct hd_worktree_head *head, const struct hd_worktree_head *again)
{
	bool same_branch = head->branch && again->branch ? strcmp(head->branch, again->branch) == 0
							 : !head->branch && !again->branch;

	return same_branch && git_oid_equal(&head->commit, &again->commit) && !again->busy;
}

static int move_locked(const struct moving *moving)
{
	struct hd_worktree_head again = {.location = strdup(moving->head->location)};
	int r = again.location ? read_head(&again, moving->fd) : -ENOMEM;

	if (r >= 0 && !is_unmoved(moving->head, &again))
		r = hd_fail(HD_E_REFERENCE_MOVED, "HEAD of %s", moving->head->path);
	hd_worktree_head_clear(&again);
	if (r >= 0)
		r = move_index(moving);
	if (r >= 0)
		r = move_head(moving);
	if (r >= 0)
		r = write_commit(moving->fd, SEEN_FILE, moving->to);
	return r < 0 ? r : 1;
}

static bool may_move(const struct hd_worktree_head *head, const char *thread)
{
	size_t prefix = strlen(HD_THREAD_BRANCH_PREFIX);

	if (head->busy || !head->is_seen || !git_oid_equal(&head->seen, &head->commit))
		return false;
	return !head->branch || (strncmp(head->branch, HD_THREAD_BRANCH_PREFIX, prefix) == 0 &&
					strcmp(head->branch + prefix, thread) == 0);
}

/* ---- whose a branch is ---- */

struct branch {
	const struct hd_worktree_head *head;
	const char *reference;
};

static bool is_on(int directory_fd, const char *path, const char *reference)
{
	HD_AUTO_FREE char *text = NULL;
	struct hd_head_text head;

	return hd_head_text_read(directory_fd, path, &text, &head) >= 0 && head.reference &&
	       strcmp(head.reference, reference) == 0;
}

/* 1: the worktree NAME, which is another one, is on the branch. */
static int is_of_another(const char *name, unsigned char type, void *payload)
{
	const struct branch *branch = payload;
	HD_AUTO_FREE char *head = NULL;

	(void)type;
	if (strcmp(strrchr(branch->head->path, '/') + 1, name) == 0)
		return 0;
	if (asprintf(&head, "%s/worktrees/%s/HEAD", branch->head->location, name) < 0) {
		head = NULL;
		return -ENOMEM;
	}
	return is_on(AT_FDCWD, head, branch->reference);
}

bool hd_worktree_head_owns(
	struct hd_store *store, const char *thread, git_repository *repository, const char *reference)
{
	HD_CLEANUP(hd_worktree_head_clear) struct hd_worktree_head head = {0};
	struct branch branch = {&head, reference};
	HD_AUTO_FREE char *worktrees = NULL;
	HD_AUTO_CLOSE int fd = -1;
	struct stat own, target;

	if (hd_worktree_head_read(store, thread, &head) < 0) {
		hd_error_clear();
		return false;
	}
	if (!head.branch || strcmp(head.branch, reference) != 0 || !may_move(&head, thread))
		return false;
	if (asprintf(&worktrees, "%s/worktrees", head.location) < 0) {
		worktrees = NULL;
		return false;
	}
	fd = hd_directory_open(AT_FDCWD, head.location);
	return fd >= 0 && !is_on(fd, "HEAD", reference) && hd_file_stat(fd, &own) >= 0 &&
	       hd_file_stat_at(AT_FDCWD, git_repository_commondir(repository), &target) >= 0 &&
	       own.st_dev == target.st_dev && own.st_ino == target.st_ino &&
	       hd_directory_list(AT_FDCWD, worktrees, is_of_another, &branch) == 0;
}

/* ---- all of it ---- */

static int move(struct moving *moving)
{
	HD_AUTO_CLOSE int lock_fd = hd_worktree_index_lock(moving->fd);
	int r = lock_fd;

	if (r < 0)
		return hd_fail_in(r, "lock the index in %s", moving->head->path);
	if (git_repository_open_bare(&moving->repository, moving->head->location) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "open git repository %s", moving->head->location);
	if (r >= 0)
		r = move_locked(moving);
	git_repository_free(moving->repository);
	hd_worktree_index_unlock(moving->fd, &lock_fd);
	return r;
}

int hd_worktree_head_move(struct hd_store *store, const char *thread, const git_oid *commit)
{
	HD_CLEANUP(hd_worktree_head_clear) struct hd_worktree_head head = {0};
	struct moving moving = {.head = &head, .to = commit};
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_worktree_head_read(store, thread, &head);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!may_move(&head, thread))
		return 0;
	if (git_oid_equal(&head.commit, commit))
		return 1;
	r = hd_git_library_start();
	if (r >= 0)
		r = fd = hd_directory_open(AT_FDCWD, head.path);
	moving.fd = fd;
	return r < 0 ? r : move(&moving);
}

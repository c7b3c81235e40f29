/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/head_text.h"
#include "capture/git/worktree/worktree.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/random.h"

/*
 * A worktree that goes takes its HEAD along, which may be all that keeps commits from gc. `git worktree remove` lets them go;
 * here nobody is asked before a thread is dropped, and dropping can be undone, so they get a reference.
 */

#define TEXT_LIMIT 65536
#define KEPT_DIRECTORY "refs/heddle/kept"

/* Whether ID has a commit that no reference reaches, itself above all; also where libgit2 does not walk through what git takes. */
static bool is_unreachable(git_repository *repository, const git_oid *id)
{
	git_revwalk *walk = NULL;
	git_oid found;
	int g = git_revwalk_new(&walk, repository);

	if (g == 0)
		g = git_revwalk_push(walk, id);
	if (g == 0)
		g = git_revwalk_hide_glob(walk, "refs/*");
	if (g == 0)
		g = git_revwalk_next(&found, walk);
	git_revwalk_free(walk);
	return g != GIT_ITEROVER;
}

static int keep_commit(git_repository *repository, const git_oid *id)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (!is_unreachable(repository, id))
		return 0;
	return hd_git_reference_keep(
		git_repository_path(repository), KEPT_DIRECTORY, git_oid_tostr(hex, sizeof(hex), id));
}

/* A branch is a reference already. */
static int keep_head(const struct hd_worktree_record *record, const char *path)
{
	HD_AUTO_FREE char *head = NULL;
	HD_AUTO_FREE char *text = NULL;
	git_repository *repository = NULL;
	struct hd_head_text said;
	int r;

	if (asprintf(&head, "%s/HEAD", path) < 0) {
		head = NULL;
		return -ENOMEM;
	}
	r = hd_head_text_read(AT_FDCWD, head, &text, &said);
	if (r < 0 || said.reference)
		return r == -ENOENT ? 0 : r < 0 ? r : 0;
	r = hd_git_library_start();
	if (r >= 0 && git_repository_open_bare(&repository, record->repository) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "open git repository %s", record->repository);
	if (r >= 0)
		r = keep_commit(repository, &said.commit);
	git_repository_free(repository);
	return r;
}

int hd_worktree_remove(const struct hd_worktree_record *record)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_FREE char *gone = NULL;
	HD_AUTO_FREE char *worktrees = NULL;
	int r;

	if (asprintf(&worktrees, "%s/worktrees", record->repository) < 0 ||
		asprintf(&path, "%s/%s", worktrees, record->name) < 0 ||
		asprintf(&gone, "%s/" HD_WORKTREE_GONE_PREFIX "%016llx", record->repository,
			(unsigned long long)hd_random64()) < 0)
		return -ENOMEM;
	r = keep_head(record, path);
	if (r >= 0)
		r = hd_file_rename(AT_FDCWD, path, gone);
	if (r >= 0)
		r = hd_directory_remove_tree(AT_FDCWD, gone);
	/* As git does, when it was the last. */
	(void)hd_directory_remove(AT_FDCWD, worktrees);
	return r < 0 ? hd_fail_in(r, "remove the worktree %s", path) : 0;
}

/* ---- of a store ---- */

int hd_worktree_list(struct hd_store *store, hd_worktree_emit emit, void *payload)
{
	struct hd_base_record base;
	uint16_t number = 1;
	int r = 0;

	for (; r == 0 && hd_index_get_base(store->index, number, &base) >= 0; number++) {
		if (base.kind == HD_BASE_GIT)
			r = hd_worktree_record_list(base.location, store->path, emit, payload);
		hd_base_record_clear(&base);
	}
	if (r == 0)
		hd_error_clear();
	return r;
}

/* The overlay's number changed, or the name. */
static int rewrite(const struct hd_worktree_record *record, uint32_t number, const char *thread)
{
	struct hd_worktree_record said = {
		.store = record->store, .born = record->born, .number = number, .thread = (char *)thread};
	HD_AUTO_FREE char *text = hd_worktree_record_format(&said);
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	struct hd_atomic_file file;
	struct stat stat;
	int r;

	if (!text || asprintf(&path, "%s/worktrees/%s", record->repository, record->name) < 0)
		return -ENOMEM;
	r = fd = hd_directory_open(AT_FDCWD, path);
	if (r >= 0)
		r = hd_file_stat_at(fd, "heddle", &stat);
	if (r >= 0)
		r = hd_file_atomic_begin(fd, stat.st_mode & 0666, &file);
	if (r < 0)
		return r;
	r = hd_file_write_at(file.fd, text, strlen(text), 0);
	if (r < 0) {
		hd_file_atomic_abort(&file);
		return r;
	}
	return hd_file_atomic_commit(&file, "heddle", true, false);
}

static int follow(const struct hd_worktree_record *record, void *payload)
{
	const struct hd_operation *operation = payload;
	const struct hd_operation_side *after = &operation->after;

	if (record->number != operation->before.overlay)
		return 0;
	if (!after->name)
		(void)hd_worktree_remove(record);
	else if (after->overlay != record->number || strcmp(after->name, record->thread) != 0)
		(void)rewrite(record, after->overlay, after->name);
	return 0;
}

void hd_worktree_follow(struct hd_store *store, const struct hd_operation *operation)
{
	if (operation->is_tag || !operation->before.name)
		return;
	(void)hd_worktree_list(store, follow, (void *)operation);
	hd_error_clear();
}

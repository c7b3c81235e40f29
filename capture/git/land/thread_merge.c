/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/thread_merge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/git/export/export_commit.h"
#include "capture/git/export/export_history.h"
#include "capture/git/land/commit_merge.h"
#include "capture/git/thread_repository.h"
#include "capture/merge/conflicts.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int read_head(struct hd_thread_merge *merge)
{
	struct hd_thread thread = {0};
	int r = hd_index_get_thread(merge->store->index, merge->thread, &thread);

	if (r < 0)
		return r;
	r = hd_index_get_state(merge->store->index, &thread.head, &merge->head);
	hd_thread_clear(&thread);
	return r;
}

static int open_repository(struct hd_thread_merge *merge)
{
	int g = git_repository_open_ext(
		&merge->repository, merge->location, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);

	if (g < 0)
		return hd_git_library_fail(g == GIT_ENOTFOUND ? HD_E_REPOSITORY_MISSING : HD_E_REPOSITORY,
			"%s", merge->location);
	merge->common = realpath(git_repository_commondir(merge->repository), NULL);
	return merge->common ? 0 : hd_fail_errno("%s", merge->location);
}

int hd_thread_merge_begin(struct hd_thread_merge *merge, struct hd_store *store, struct hd_base_set *bases,
	const char *thread, const char *author)
{
	int r;

	*merge = (struct hd_thread_merge){.store = store, .bases = bases, .thread = thread, .author = author};
	r = hd_git_library_start();
	if (r >= 0)
		r = read_head(merge);
	if (r >= 0)
		r = hd_thread_repository_find(store->index, thread, &merge->head.id, &merge->location);
	if (r >= 0)
		r = open_repository(merge);
	if (r < 0)
		hd_thread_merge_end(merge);
	return r;
}

void hd_thread_merge_end(struct hd_thread_merge *merge)
{
	hd_conflicts_clear(&merge->conflicts);
	hd_state_clear(&merge->head);
	git_repository_free(merge->repository);
	free(merge->location);
	free(merge->common);
	*merge = (struct hd_thread_merge){0};
}

/* ---- the head as a commit ---- */

static int write_history(struct hd_thread_merge *merge, struct hd_export_objects *objects)
{
	struct hd_export_tree tree = {.objects = objects, .bases = merge->bases, .store = merge->store};
	struct hd_export_history history;
	int r;

	hd_export_history_begin(&history, merge->store, objects, &tree);
	r = hd_export_history_write(&history, &merge->head.id, &merge->ours);
	if (r >= 0)
		r = hd_export_objects_finish(objects);
	if (r >= 0)
		r = hd_export_history_record(&history);
	hd_export_history_clear(&history);
	merge->skipped = tree.skipped;
	merge->ignored = tree.ignored;
	return r;
}

static int export_head(struct hd_thread_merge *merge)
{
	struct hd_export_objects objects;
	int r = hd_export_objects_open(&objects, merge->store, merge->repository, merge->common);

	if (r < 0)
		return r;
	r = write_history(merge, &objects);
	hd_export_objects_close(&objects);
	return r;
}

static int read_tree(const struct hd_thread_merge *merge, const git_oid *id, git_oid *ret_tree)
{
	git_commit *commit = NULL;

	if (git_commit_lookup(&commit, merge->repository, id) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read commit %s", git_oid_tostr_s(id));
	*ret_tree = *git_commit_tree_id(commit);
	git_commit_free(commit);
	return 0;
}

int hd_thread_merge_export_head(struct hd_thread_merge *merge)
{
	int r = export_head(merge);

	return r < 0 ? r : read_tree(merge, &merge->ours, &merge->ours_tree);
}

/* The head is a merge that somebody says is right as it is: the same commit, with another message. */
static int solve_head(struct hd_thread_merge *merge)
{
	HD_AUTO_BUFFER struct hd_buffer parents = {0};
	HD_AUTO_FREE char *message = NULL;
	git_commit *commit = NULL;
	int r;

	if (git_commit_lookup(&commit, merge->repository, &merge->ours) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read the merge");
	for (unsigned i = 0; i < git_commit_parentcount(commit); i++)
		hd_buffer_put(&parents, git_commit_parent_id(commit, i), sizeof(git_oid));
	r = hd_buffer_status(&parents);
	if (r >= 0 &&
		asprintf(&message, "Merge %s into thread '%s'", merge->theirs_name, merge->thread) < 0) {
		message = NULL;
		r = -ENOMEM;
	}
	if (r >= 0)
		r = hd_thread_merge_write_commit(merge, git_commit_tree_id(commit),
			(const git_oid *)(void *)parents.data, parents.size / sizeof(git_oid), message,
			&merge->ours);
	git_commit_free(commit);
	return r;
}

static int export_solved_head(struct hd_thread_merge *merge)
{
	bool unresolved = hd_state_is_unresolved(&merge->head);
	int r;

	if (unresolved && !merge->solved)
		return hd_fail(HD_E_CONFLICTS,
			"the head of '%s' is a merge that is not solved: edit the files, then capture them",
			merge->thread);
	r = export_head(merge);
	return r < 0 || !unresolved ? r : solve_head(merge);
}

/* ---- the merge ---- */

/* With the directories that the thread's states moved since the two parted. */
static int merge_commits(struct hd_thread_merge *merge)
{
	struct hd_known_moves moves = {0};
	struct hd_commit_merge commits = {.repository = merge->repository,
		.ours = &merge->ours,
		.theirs = &merge->theirs,
		.ours_name = merge->thread,
		.theirs_name = merge->theirs_name,
		.moves = &moves};
	git_oid base;
	int r;

	if (git_merge_base(&base, merge->repository, &merge->ours, &merge->theirs) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "find where two commits parted");
	r = hd_merge_moves_collect(
		merge->store->index, merge->repository, merge->common, &merge->head.id, &base, &moves);
	if (r >= 0)
		r = hd_commit_merge_run(&commits, &merge->tree, &merge->conflicts);
	hd_known_moves_clear(&moves);
	return r;
}

static int relate(struct hd_thread_merge *merge)
{
	git_oid base;

	if (git_graph_ahead_behind(
		    &merge->ahead, &merge->behind, merge->repository, &merge->ours, &merge->theirs) < 0)
		return hd_git_library_fail(
			HD_E_REPOSITORY, "compare '%s' and '%s'", merge->thread, merge->theirs_name);
	merge->relation = merge->ahead == 0    ? HD_RELATION_CONTAINED
			  : merge->behind == 0 ? HD_RELATION_AHEAD
					       : HD_RELATION_DIVERGED;
	if (merge->relation == HD_RELATION_DIVERGED &&
		git_merge_base(&base, merge->repository, &merge->ours, &merge->theirs) == GIT_ENOTFOUND)
		return hd_fail(HD_E_UNRELATED, "'%s' and '%s'", merge->thread, merge->theirs_name);
	return 0;
}

int hd_thread_merge_with(struct hd_thread_merge *merge, const git_oid *theirs, const char *name)
{
	int r;

	merge->theirs = *theirs;
	merge->theirs_name = name;
	r = export_solved_head(merge);
	if (r >= 0)
		r = read_tree(merge, &merge->ours, &merge->ours_tree);
	if (r >= 0)
		r = read_tree(merge, &merge->theirs, &merge->theirs_tree);
	if (r >= 0)
		r = relate(merge);
	if (r < 0)
		return r;
	if (merge->relation == HD_RELATION_DIVERGED)
		return merge_commits(merge);
	merge->tree = merge->relation == HD_RELATION_AHEAD ? merge->ours_tree : merge->theirs_tree;
	return 0;
}

int hd_thread_merge_write_commit(const struct hd_thread_merge *merge, const git_oid *tree,
	const git_oid *parents, size_t n_parents, const char *message, git_oid *ret_commit)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	struct hd_capture_time now = hd_capture_time_now();
	struct hd_state state = {.message = (char *)message,
		.author = (char *)merge->author,
		.time_s = now.time_s,
		.zone_minutes = now.zone_minutes};
	git_odb *odb = NULL;
	int r = hd_export_commit_format(&state, tree, parents, n_parents, &text);

	if (r < 0)
		return r;
	if (git_repository_odb(&odb, merge->repository) < 0 ||
		git_odb_write(ret_commit, odb, text.data, text.size, GIT_OBJECT_COMMIT) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "write a commit");
	git_odb_free(odb);
	return r;
}

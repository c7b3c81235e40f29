/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/import/worktree_commits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/import/import_commit.h"
#include "capture/git/land/thread_merge.h"
#include "capture/git/walk/commit_range.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * Of commits that git brought along (a pull, a rebase onto a branch) the first line of parents is taken, down to what the
 * thread has already. HEAD may also have gone back, or to something else: then the one commit that it is at is the next state.
 */

#define MOST_COMMITS 256 /* with more of them the last one stands for all */

void hd_worktree_commits_clear(struct hd_worktree_commits *commits)
{
	hd_worktree_head_clear(&commits->head);
	free(commits->ids);
	*commits = (struct hd_worktree_commits){0};
}

/* ---- which ---- */

/* What the thread is known to have become: at most `count` commits. */
struct known {
	git_oid commits[3];
	size_t count;
};

static bool is_known(const struct known *known, const git_oid *commit)
{
	for (size_t i = 0; i < known->count; i++) {
		if (git_oid_equal(&known->commits[i], commit))
			return true;
	}
	return false;
}

static int read_known(
	struct hd_store *store, const char *thread, const struct hd_worktree_head *head, struct known *known)
{
	HD_AUTO_FREE char *hex = NULL;
	HD_AUTO_FREE char *location = realpath(head->location, NULL);
	struct hd_thread record = {0};
	int r = hd_index_get_thread(store->index, thread, &record);

	if (r < 0)
		return r;
	if (head->is_seen)
		known->commits[known->count++] = head->seen;
	if (hd_worktree_head_nearest(store->index, &record.head, &known->commits[known->count]) >= 0)
		known->count++;
	if (location && hd_index_get_export(store->index, location, &record.head, &hex) >= 0 &&
		git_oid_fromstr(&known->commits[known->count], hex) == 0)
		known->count++;
	hd_thread_clear(&record);
	return 0;
}

/* Those above what is known, if they are not too many. */
static int collect(git_repository *repository, git_odb *odb, const struct known *known,
	struct hd_worktree_commits *commits)
{
	const struct hd_commit_range range = {.repository = repository,
		.odb = odb,
		.tips = &commits->head.commit,
		.n_tips = 1,
		.excluded = known->commits,
		.n_excluded = known->count,
		.first_parents = true};
	int r = hd_commit_range_collect(&range, &commits->ids, &commits->count);

	if (r < 0 || (commits->count > 0 && commits->count <= MOST_COMMITS))
		return r;
	free(commits->ids);
	commits->count = 0;
	commits->ids = malloc(sizeof(*commits->ids));
	if (!commits->ids)
		return -ENOMEM;
	commits->ids[commits->count++] = commits->head.commit;
	return 0;
}

static int list_new(const struct known *known, struct hd_worktree_commits *commits)
{
	git_repository *repository = NULL;
	git_odb *odb = NULL;
	int r = 0;

	if (git_repository_open_bare(&repository, commits->head.location) < 0 ||
		git_repository_odb(&odb, repository) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "open git repository %s", commits->head.location);
	if (r >= 0)
		r = collect(repository, odb, known, commits);
	git_odb_free(odb);
	git_repository_free(repository);
	return r;
}

static bool is_at_rest(const struct hd_worktree_head *head)
{
	return head->busy || (head->is_seen && git_oid_equal(&head->seen, &head->commit));
}

int hd_worktree_commits_find(
	struct hd_store *store, const char *thread, struct hd_worktree_commits *ret_commits)
{
	struct hd_worktree_commits commits = {0};
	struct known known = {0};
	int r = hd_worktree_head_read(store, thread, &commits.head);

	*ret_commits = (struct hd_worktree_commits){.head = commits.head};
	/* What may not be looked at is nobody's who could have committed there. */
	if (r < 0)
		return r == -ENOENT || r == -EACCES || r == -ENOTDIR ? 0 : r;
	/* The usual case, which every capture is: nothing else is looked at. */
	if (is_at_rest(&commits.head))
		return 0;
	r = hd_git_library_start();
	if (r >= 0)
		r = read_known(store, thread, &commits.head, &known);
	if (r >= 0)
		hd_error_clear();
	if (r >= 0 && !is_known(&known, &commits.head.commit))
		r = list_new(&known, &commits);
	if (r < 0)
		hd_worktree_commits_clear(&commits);
	*ret_commits = commits;
	return r;
}

/* ---- what they say ---- */

static int read_commit(
	git_odb *odb, const git_oid *id, struct hd_state *ret_state, git_oid *ret_tree, git_oid *ret_second)
{
	struct hd_commit_text text = {0};
	git_odb_object *object = NULL;
	int r = hd_commit_object_read(odb, id, &object, &text);

	if (r >= 0)
		r = hd_import_commit(id, &text, 0, ret_state);
	if (r >= 0)
		*ret_tree = text.tree;
	*ret_second = r >= 0 && text.n_parents > 1 ? text.parents[1] : (git_oid){0};
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return r;
}

int hd_worktree_commits_describe(
	const struct hd_worktree_commits *commits, size_t number, struct hd_state *ret_state)
{
	git_oid tree, second;
	git_odb *odb = NULL;
	int r = hd_git_library_open_objects(commits->head.location, &odb);

	if (r >= 0)
		r = read_commit(odb, &commits->ids[number], ret_state, &tree, &second);
	git_odb_free(odb);
	return r;
}

/* ---- as states ---- */

static int adopt_one(struct hd_thread_merge *merge, git_odb *odb, const git_oid *id)
{
	struct hd_state said = {0}, made = {0};
	struct hd_thread_merge_words words = {.said = &said};
	git_oid tree;
	int r = read_commit(odb, id, &said, &tree, &merge->theirs);

	if (r >= 0)
		r = hd_thread_merge_make_state(
			merge, id, &tree, !git_oid_is_zero(&merge->theirs), &words, &made);
	hd_state_clear(&said);
	if (r < 0)
		return r;
	/* The next one comes after it. */
	hd_state_clear(&merge->head);
	merge->head = made;
	merge->ours = *id;
	merge->ours_tree = tree;
	return 0;
}

/* HEAD keeps its commits from gc, but not for as long as the states. */
static int pin(const struct hd_worktree_commits *commits)
{
	HD_AUTO_CLOSE int fd = -1;
	char hex[GIT_OID_HEXSZ + 1];
	int r = hd_base_git_pin(
		commits->head.location, git_oid_tostr(hex, sizeof(hex), &commits->ids[commits->count - 1]));

	if (r >= 0)
		r = fd = hd_directory_open(AT_FDCWD, commits->head.location);
	return r < 0 ? r : hd_file_sync_filesystem(fd);
}

static int adopt(struct hd_thread_merge *merge, const struct hd_worktree_commits *commits)
{
	git_odb *odb = NULL;
	int r = pin(commits);

	if (r >= 0)
		r = hd_thread_merge_export_head(merge);
	if (r >= 0 && git_repository_odb(&odb, merge->repository) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "open the objects of %s", merge->location);
	for (size_t i = 0; i < commits->count && r >= 0; i++)
		r = adopt_one(merge, odb, &commits->ids[i]);
	git_odb_free(odb);
	return r;
}

int hd_worktree_commits_adopt(struct hd_store *store, struct hd_base_set *bases, const char *thread,
	const struct hd_worktree_commits *commits, const struct hd_state_id *worktree,
	struct hd_state_id *ret_from, struct hd_state_id *ret_to)
{
	HD_CLEANUP(hd_state_clear) struct hd_state files = {0};
	struct hd_thread_merge merge = {0};
	int r = worktree ? hd_index_get_state(store->index, worktree, &files) : 0;

	if (r >= 0)
		r = hd_thread_merge_begin(&merge, store, bases, thread, "");
	if (r >= 0) {
		*ret_from = merge.head.id;
		merge.is_committed = true;
		merge.worktree = worktree ? &files : NULL;
		r = adopt(&merge, commits);
	}
	if (r >= 0)
		*ret_to = merge.head.id;
	hd_thread_merge_end(&merge);
	return r < 0 ? hd_fail_in(r, "take over what git committed in '%s'", thread) : 0;
}

int hd_worktree_commits_note(const struct hd_worktree_commits *commits)
{
	const struct hd_worktree_head *head = &commits->head;

	return !head->path || is_at_rest(head) ? 0 : hd_worktree_head_note(head->path, &head->commit);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/branch_move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/head_text.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * The files go first. A branch that has moved under a checkout that has not makes everything in between look like a staged
 * change that takes it back, and the next commit would; files that are ahead of their branch look like what they are.
 *
 * Refused is what libgit2 cannot check out as git does: drivers that are programs, and encodings.
 */

/* Nonzero ends the visit and becomes its result. */
typedef int (*visit_checkout)(const struct hd_branch_move *move, git_repository *checkout);

static bool has_branch(const struct hd_branch_move *move, git_repository *checkout)
{
	git_reference *head = NULL;
	const char *target = NULL;
	bool same = false;

	if (git_reference_lookup(&head, checkout, "HEAD") == 0)
		target = git_reference_symbolic_target(head);
	same = target && strcmp(target, move->reference) == 0;
	git_reference_free(head);
	return same;
}

/* libgit2 reads no HEAD of a worktree whose files are not there: an unmounted thread's, for example. */
static int worktree_has_branch(const struct hd_branch_move *move, const char *name, bool *ret_has)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_FREE char *text = NULL;
	struct hd_head_text head;
	int r;

	if (asprintf(&path, "%s/worktrees/%s/HEAD", git_repository_commondir(move->repository), name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = hd_head_text_read(AT_FDCWD, path, &text, &head);
	*ret_has = r >= 0 && head.reference && strcmp(head.reference, move->reference) == 0;
	return r == -ENOENT ? 0 : r;
}

static int visit_worktree(const struct hd_branch_move *move, const char *name, visit_checkout visit)
{
	git_worktree *worktree = NULL;
	git_repository *checkout = NULL;
	bool has = false;
	int r = worktree_has_branch(move, name, &has);

	if (r < 0 || !has)
		return r;
	if (git_worktree_lookup(&worktree, move->repository, name) == 0 &&
		git_worktree_validate(worktree) == 0 &&
		git_repository_open_from_worktree(&checkout, worktree) == 0)
		r = visit(move, checkout);
	else
		r = hd_fail(HD_E_CHECKOUT, "worktree '%s' has it checked out, and is not there", name);
	git_repository_free(checkout);
	git_worktree_free(worktree);
	return r;
}

/* Calls VISIT for each checkout that is on the branch. */
static int visit_all(const struct hd_branch_move *move, visit_checkout visit)
{
	git_strarray names = {0};
	int r = 0;

	if (!git_repository_is_bare(move->repository) && has_branch(move, move->repository))
		r = visit(move, move->repository);
	if (r >= 0 && git_worktree_list(&names, move->repository) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "list the worktrees");
	for (size_t i = 0; i < names.count && r >= 0; i++)
		r = visit_worktree(move, names.strings[i], visit);
	git_strarray_dispose(&names);
	return r;
}

/* ---- what is refused ---- */

static int refuse(git_repository *checkout, const char *reason)
{
	return hd_fail(HD_E_CHECKOUT, "%s %s", git_repository_workdir(checkout), reason);
}

static int check_clean(git_repository *checkout)
{
	git_status_options options;
	git_status_list *list = NULL;
	size_t count;

	(void)git_status_options_init(&options, GIT_STATUS_OPTIONS_VERSION);
	options.flags = GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
	if (git_repository_state(checkout) != GIT_REPOSITORY_STATE_NONE)
		return refuse(checkout, "is in the middle of a merge, a rebase or the like");
	if (git_status_list_new(&list, checkout, &options) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "%s", git_repository_workdir(checkout));
	count = git_status_list_entrycount(list);
	git_status_list_free(list);
	return count > 0 ? refuse(checkout, "has changes that are not committed") : 0;
}

static int check_attribute(git_repository *checkout, const char *path, const char *attribute)
{
	const char *value = NULL;

	if (git_attr_get(&value, checkout, 0, path, attribute) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "attributes of '%s'", path);
	if (git_attr_value(value) != GIT_ATTR_VALUE_STRING)
		return 0;
	return hd_fail(HD_E_CHECKOUT, "%s has '%s' with %s=%s, which only git can check out",
		git_repository_workdir(checkout), path, attribute, value);
}

static int check_file(const git_diff_delta *delta, float progress, void *payload)
{
	git_repository *checkout = payload;
	int r = check_attribute(checkout, delta->new_file.path, "filter");

	(void)progress;
	return r < 0 ? r : check_attribute(checkout, delta->new_file.path, "working-tree-encoding");
}

static int check_files(const struct hd_branch_move *move, git_repository *checkout)
{
	git_tree *before = NULL, *after = NULL;
	git_diff *diff = NULL;
	int r;

	r = hd_git_library_find_tree(checkout, &move->before, &before);
	if (r >= 0)
		r = hd_git_library_find_tree(checkout, &move->after, &after);
	if (r >= 0 && git_diff_tree_to_tree(&diff, checkout, before, after, NULL) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "compare the commits");
	if (r >= 0)
		r = git_diff_foreach(diff, check_file, NULL, NULL, NULL, checkout);
	git_diff_free(diff);
	git_tree_free(after);
	git_tree_free(before);
	return r;
}

static int check_checkout(const struct hd_branch_move *move, git_repository *checkout)
{
	int r = check_clean(checkout);

	return r < 0 ? r : check_files(move, checkout);
}

int hd_branch_move_check(const struct hd_branch_move *move)
{
	int r = visit_all(move, check_checkout);

	return r < 0 ? hd_fail_in(r, "%s", move->reference) : 0;
}

/* ---- moving ---- */

static int bring_files(git_repository *checkout, const git_oid *from, const git_oid *to, unsigned strategy)
{
	git_checkout_options options;
	git_tree *before = NULL, *after = NULL;
	int r;

	(void)git_checkout_options_init(&options, GIT_CHECKOUT_OPTIONS_VERSION);
	options.checkout_strategy = GIT_CHECKOUT_SAFE | GIT_CHECKOUT_DONT_OVERWRITE_IGNORED | strategy;
	r = hd_git_library_find_tree(checkout, from, &before);
	if (r >= 0)
		r = hd_git_library_find_tree(checkout, to, &after);
	options.baseline = before;
	if (r >= 0 && git_checkout_tree(checkout, (git_object *)after, &options) < 0)
		r = hd_git_library_fail(HD_E_CHECKOUT, "%s", git_repository_workdir(checkout));
	git_tree_free(after);
	git_tree_free(before);
	return r;
}

static int bring_forward(const struct hd_branch_move *move, git_repository *checkout)
{
	return bring_files(checkout, &move->before, &move->after, 0);
}

/* Of what came only in part (a full disk) that part goes back; what never came is a conflict, and stays as it is. */
static int bring_back(const struct hd_branch_move *move, git_repository *checkout)
{
	(void)bring_files(checkout, &move->after, &move->before, GIT_CHECKOUT_ALLOW_CONFLICTS);
	return 0;
}

static int set_reference(const struct hd_branch_move *move)
{
	int g = hd_git_reference_set(
		move->repository, move->reference, &move->after, true, &move->before, move->reason);

	if (g == GIT_EMODIFIED || g == GIT_ENOTFOUND || g == GIT_ELOCKED)
		return hd_fail(HD_E_REFERENCE_MOVED, "%s changed meanwhile", move->reference);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "move %s", move->reference) : 0;
}

/* R again, whose words are those of what failed and not of what this meets. */
static int take_back(const struct hd_branch_move *move, int r)
{
	HD_AUTO_FREE char *words = strdup(hd_error_message(r));

	(void)visit_all(move, bring_back);
	hd_error_clear();
	return words ? hd_fail(r, "%s", words) : r;
}

int hd_branch_move_run(const struct hd_branch_move *move)
{
	int r = hd_branch_move_check(move);

	if (r < 0)
		return r;
	r = visit_all(move, bring_forward);
	if (r >= 0)
		r = set_reference(move);
	return r < 0 ? take_back(move, r) : r;
}

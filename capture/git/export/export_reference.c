/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_reference.h"

#include <git2.h>
#include <string.h>

#include "capture/git/worktree/worktree_head.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/error.h"

static bool is_tag(const struct hd_export_reference *wanted)
{
	return strncmp(wanted->name, "refs/tags/", strlen("refs/tags/")) == 0;
}

/* Whether an export of this history put REFERENCE where it is. */
static int check_history(
	struct hd_export_history *history, const struct hd_export_reference *wanted, const git_oid *current)
{
	bool ours = false;
	int r;

	if (is_tag(wanted))
		return hd_fail(HD_E_REFERENCE_ELSEWHERE, "%s is at %s already; --force moves it",
			wanted->name, git_oid_tostr_s(current));
	r = hd_export_history_contains(history, &wanted->head, current, &ours);
	if (r < 0 || ours)
		return r;
	return hd_fail(HD_E_REFERENCE_ELSEWHERE,
		"%s is at %s, where no export of this history put it; export to another branch, delete "
		"this one, or use --force",
		wanted->name, git_oid_tostr_s(current));
}

/* Whether REFERENCE may be moved from where it is. */
static int check_reference(struct hd_export_history *history, const struct hd_export_reference *wanted,
	git_reference *reference, bool *ret_own)
{
	const git_oid *current = git_reference_target(reference);
	int r;

	if (!current)
		return hd_fail(HD_E_REFERENCE_ELSEWHERE, "%s is a symbolic reference: export to another",
			wanted->name);
	r = wanted->force ? 0 : check_history(history, wanted, current);
	if (r < 0 || git_branch_is_checked_out(reference) != 1)
		return r;
	*ret_own = hd_worktree_head_owns(
		history->store, wanted->thread, history->objects->repository, wanted->name);
	if (!*ret_own)
		r = hd_fail(HD_E_BRANCH_CHECKED_OUT,
			"%s: check out another branch first, or export to another", wanted->name);
	return r;
}

static int set_reference(
	git_repository *repository, const struct hd_export_reference *wanted, const git_oid *current)
{
	int g = hd_git_reference_set(
		repository, wanted->name, &wanted->target, current != NULL, current, "heddle: export");

	if (g == GIT_EMODIFIED || g == GIT_EEXISTS)
		return hd_fail(HD_E_REFERENCE_MOVED, "%s changed during the export", wanted->name);
	return g < 0 ? hd_git_reference_fail(repository, wanted->name) : 0;
}

/* HEAD of the thread's own worktree goes along, and its index. */
static int move_own(struct hd_export_history *history, const struct hd_export_reference *wanted)
{
	int r = hd_worktree_head_move(history->store, wanted->thread, &wanted->target);

	return r == 0 ? hd_fail(HD_E_REFERENCE_MOVED, "%s changed during the export", wanted->name) : r;
}

int hd_export_reference_move(
	struct hd_export_history *history, const struct hd_export_reference *wanted, bool *ret_unchanged)
{
	git_repository *repository = history->objects->repository;
	git_reference *reference = NULL;
	const git_oid *current = NULL;
	bool is_own = false;
	int g = git_reference_lookup(&reference, repository, wanted->name);
	int r = 0;

	if (g < 0 && g != GIT_ENOTFOUND)
		return hd_git_library_fail(HD_E_REPOSITORY, "read %s", wanted->name);
	if (reference) {
		current = git_reference_target(reference);
		*ret_unchanged = current && git_oid_equal(current, &wanted->target);
		r = *ret_unchanged ? 0 : check_reference(history, wanted, reference, &is_own);
	}
	if (r >= 0 && !*ret_unchanged)
		r = is_own ? move_own(history, wanted) : set_reference(repository, wanted, current);
	git_reference_free(reference);
	return r;
}

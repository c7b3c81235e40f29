/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/rebase.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/git/land/thread_merge.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int find_commit(const struct hd_thread_merge *merge, const char *revision, git_oid *ret_id)
{
	git_object *object = NULL, *commit = NULL;
	int r = 0;

	if (git_revparse_single(&object, merge->repository, revision) < 0 ||
		git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0)
		r = hd_git_library_fail(HD_E_REVISION_MISSING, "'%s' in %s", revision, merge->location);
	else
		*ret_id = *git_object_id(commit);
	git_object_free(commit);
	git_object_free(object);
	return r;
}

static enum hd_rebase_outcome outcome_of(const struct hd_thread_merge *merge)
{
	if (merge->relation == HD_RELATION_AHEAD || git_oid_equal(&merge->ours, &merge->theirs))
		return HD_REBASE_NOTHING;
	if (merge->relation == HD_RELATION_CONTAINED)
		return HD_REBASE_FORWARDED;
	return merge->conflicts.count > 0 ? HD_REBASE_CONFLICTS : HD_REBASE_MERGED;
}

static int make_state(struct hd_thread_merge *merge, const char *onto, struct hd_rebase_result *result)
{
	const git_oid parents[] = {merge->ours, merge->theirs};
	HD_AUTO_FREE char *message = NULL;
	struct hd_thread_merge_words words = {0};
	git_oid commit = merge->theirs;
	int r = 0;

	if (asprintf(&message, "Merge %s into thread '%s'", onto, merge->thread) < 0) {
		message = NULL;
		return -ENOMEM;
	}
	words.message = message;
	if (result->outcome == HD_REBASE_MERGED)
		r = hd_thread_merge_write_commit(
			merge, &merge->tree, parents, HD_ARRAY_SIZE(parents), message, &commit);
	if (r >= 0)
		r = hd_thread_merge_make_state(merge, &commit, &merge->tree, true, &words, &result->state);
	if (r >= 0)
		result->base = result->state.parents[1];
	return r;
}

static int make_conflicts(struct hd_thread_merge *merge, const char *onto, struct hd_rebase_result *result)
{
	HD_AUTO_FREE char *what = NULL;

	if (asprintf(&what, "'%s' on %s, with conflicts", merge->thread, onto) < 0) {
		what = NULL;
		return -ENOMEM;
	}
	return hd_thread_merge_make_conflict_state(merge, what, &result->state);
}

static int rebase(struct hd_thread_merge *merge, const struct hd_rebase_options *options,
	struct hd_rebase_result *result)
{
	git_oid onto;
	int r = find_commit(merge, options->onto, &onto);

	if (r >= 0)
		r = hd_thread_merge_with(merge, &onto, options->onto);
	if (r < 0)
		return r;
	(void)git_oid_tostr(result->commit, sizeof(result->commit), &onto);
	result->outcome = outcome_of(merge);
	result->commits = merge->ahead;
	result->behind = merge->behind;
	if (result->outcome == HD_REBASE_CONFLICTS)
		r = make_conflicts(merge, options->onto, result);
	else if (result->outcome != HD_REBASE_NOTHING)
		r = make_state(merge, options->onto, result);
	if (r < 0)
		return r;
	result->head = merge->head;
	merge->head = (struct hd_state){0};
	result->conflicts = merge->conflicts;
	merge->conflicts = (struct hd_conflicts){0};
	return 0;
}

int hd_rebase_run(struct hd_store *store, struct hd_base_set *bases, const struct hd_rebase_options *options,
	struct hd_rebase_result *ret_result)
{
	struct hd_thread_merge merge = {0};
	struct hd_rebase_result result = {0};
	int r = hd_thread_merge_begin(&merge, store, bases, options->thread, options->author);

	if (r >= 0)
		r = rebase(&merge, options, &result);
	hd_thread_merge_end(&merge);
	if (r < 0) {
		hd_rebase_result_clear(&result);
		return hd_fail_in(r, "rebase '%s'", options->thread);
	}
	*ret_result = result;
	return 0;
}

void hd_rebase_result_clear(struct hd_rebase_result *result)
{
	hd_state_clear(&result->head);
	hd_state_clear(&result->state);
	hd_conflicts_clear(&result->conflicts);
	*result = (struct hd_rebase_result){0};
}

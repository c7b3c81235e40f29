/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_git.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/export/export_target.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Whether the commit of the item's state lacks what --ignored would take along: it was made without. Nothing is written any more. */
static int look_for_left_out(
	struct hd_export_target *target, const struct hd_export_target_item *item, bool *ret_lacks)
{
	struct hd_state state = {0};
	const git_oid *commit = NULL;
	git_oid had, wanted;
	int r = hd_index_get_state(target->store->index, &item->head, &state);

	if (r >= 0)
		r = hd_export_history_find(&target->history, &state, &commit);
	if (r >= 0)
		r = commit ? hd_commit_object_tree(target->objects.odb, commit, &had) : -ENOENT;
	if (r >= 0)
		r = hd_export_tree_write(&target->tree, &state, &state, &had, &wanted);
	hd_state_clear(&state);
	if (r >= 0)
		*ret_lacks = !git_oid_equal(&had, &wanted);
	return r;
}

static int write_item(struct hd_export_target *target, const struct hd_export_git_options *options,
	struct hd_export_target_item *item, struct hd_export_git_result *result)
{
	int r = hd_export_target_write(target, item, options->tag);

	if (r >= 0)
		r = hd_export_target_finish(target);
	if (r >= 0)
		r = hd_export_target_move(target, item, options->force, &result->unchanged);
	if (r >= 0)
		r = hd_export_target_note(target);
	if (r < 0)
		return r;
	result->commits = item->commits;
	result->notes = hd_export_notes_count(&target->notes);
	result->skipped = target->tree.skipped;
	result->ignored = target->tree.ignored;
	if (options->with_ignored && item->commits == 0)
		r = look_for_left_out(target, item, &result->lacks_ignored);
	if (r < 0)
		return r;
	result->commit = strdup(git_oid_tostr_s(&item->id));
	result->reference = HD_STEAL(item->reference);
	result->repository = HD_STEAL(target->location);
	return result->commit ? 0 : -ENOMEM;
}

int hd_export_git(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, struct hd_export_git_result *ret_result)
{
	struct hd_export_target target = {0};
	struct hd_export_target_item item = {0};
	struct hd_export_git_result result = {0};
	int r = hd_git_library_start();

	if (r >= 0)
		r = hd_export_target_item_begin(store, options, &item);
	if (r >= 0)
		r = hd_export_target_open(&target, store, bases, options, &item);
	if (r >= 0)
		r = write_item(&target, options, &item, &result);
	hd_export_target_close(&target);
	hd_export_target_item_clear(&item);
	if (r < 0) {
		hd_export_git_result_clear(&result);
		return hd_fail_in(r, "export '%s'", options->thread);
	}
	*ret_result = result;
	return 0;
}

void hd_export_git_result_clear(struct hd_export_git_result *result)
{
	free(result->repository);
	free(result->reference);
	free(result->commit);
	*result = (struct hd_export_git_result){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/export_series.h"

#include <git2.h>
#include <stdlib.h>

#include "capture/git/series/series_place.h"
#include "capture/git/walk/commit_range.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/error.h"

void hd_export_series_clear(struct hd_export_series *series)
{
	hd_export_target_close(&series->target);
	hd_export_target_item_clear(&series->item);
	hd_series_place_remove(series->place);
	free(series->commits);
	*series = (struct hd_export_series){0};
}

/* The commit of SINCE, or of the base, if the history begins with one. */
static int find_since(struct hd_export_series *series, const struct hd_state_id *since)
{
	struct hd_index *index = series->target.store->index;
	struct hd_state first = {0};
	int r;

	if (since)
		return hd_export_history_write(&series->target.history, since, &series->since);
	r = hd_index_find_first(index, &series->item.head, &first);
	if (r >= 0 && first.git_commit && git_oid_fromstr(&series->since, first.git_commit) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "find the base's commit");
	hd_state_clear(&first);
	return r;
}

static int collect(struct hd_export_series *series)
{
	const struct hd_commit_range range = {.repository = series->target.repository,
		.odb = series->target.objects.odb,
		.tips = &series->head,
		.n_tips = 1,
		.excluded = &series->since,
		.n_excluded = git_oid_is_zero(&series->since) ? 0 : 1};

	return hd_commit_range_collect(&range, &series->commits, &series->count);
}

int hd_export_series_make(struct hd_export_series *series, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since)
{
	int r = hd_git_library_start();

	*series = (struct hd_export_series){.into = *options};
	series->into.is_forgotten = true;
	/* They are those of a range, and are made when it is known. */
	series->into.without_notes = true;
	if (r >= 0)
		r = hd_export_target_item_begin(store, options, &series->item);
	if (r >= 0)
		r = hd_series_place_make(store, options->thread, &series->item.head, &series->place);
	series->into.repository = series->place;
	if (r >= 0)
		r = hd_export_target_open(&series->target, store, bases, &series->into, &series->item);
	if (r >= 0)
		r = hd_export_history_write(&series->target.history, &series->item.head, &series->head);
	if (r >= 0)
		r = find_since(series, since);
	if (r >= 0)
		r = hd_export_target_write(&series->target, &series->item, options->tag);
	if (r >= 0)
		r = hd_export_target_finish(&series->target);
	return r < 0 ? r : collect(series);
}

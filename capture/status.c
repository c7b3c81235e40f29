/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/moves_way.h"
#include "capture/ignore_rules.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * The head is the snapshot's own parent, not what the index says now: a capture that is published between the
 * two must not make its changes appear as undone.
 */

struct status_run {
	size_t limit;
	struct hd_buffer entries; /* of struct hd_status_entry */
	size_t n_entries;
	size_t path_bytes;
	bool truncated;
	enum hd_status_ignored what;
	struct hd_ignore *ignore;         /* owned; NULL when nobody asks */
	struct hd_change_counts left_out; /* with HD_STATUS_IGNORED_LEFT_OUT */
};

static int emit_change(const struct hd_change *change, void *payload)
{
	struct status_run *run = payload;
	const struct hd_tree_view_entry *shown = change->new_entry ? change->new_entry : change->old_entry;
	struct hd_status_entry entry = {
		.kind = change->kind, .path_length = change->path_length, .mode = shown->mode};
	int r = 0;

	if (run->ignore)
		r = hd_ignore_check(run->ignore, change->path, S_ISDIR(shown->mode), &entry.ignored);
	if (r < 0)
		return r;
	if (entry.ignored && run->what == HD_STATUS_IGNORED_LEFT_OUT) {
		hd_change_count(&run->left_out, change->kind);
		return 0;
	}
	run->path_bytes += change->path_length;
	if (run->n_entries == run->limit || run->path_bytes > HD_STATUS_PATHS_LIMIT) {
		run->truncated = true;
		return 0;
	}
	r = hd_change_copy_paths(change, &entry.path, &entry.old_path);
	if (r == 0)
		hd_buffer_put(&run->entries, &entry, sizeof(entry));
	if (r == 0)
		r = hd_buffer_status(&run->entries);
	if (r < 0) {
		free(entry.path);
		free(entry.old_path);
		return r;
	}
	run->n_entries++;
	return 0;
}

static int compare_views(struct hd_overlay *overlay, struct hd_tree_view *old_view,
	struct hd_tree_view *new_view, struct status_run *run, struct hd_status *status)
{
	struct hd_moves_way way = {.index = hd_overlay_store(overlay)->index,
		.from = &status->head,
		.overlay = overlay,
		.view = new_view};
	const struct hd_moves_source source = hd_moves_way_source(&way);
	const struct hd_comparison comparison = {
		.old_view = old_view, .new_view = new_view, .moves = HD_MOVES_TOLD, .known = &source};

	return hd_tree_comparison_run_knowing(&comparison, emit_change, run, &status->counts);
}

static int compare_with_head(struct hd_overlay *overlay, struct hd_snapshot *snapshot, struct status_run *run,
	struct hd_status *status)
{
	struct hd_base_set *bases = hd_overlay_bases(overlay);
	struct hd_tree_view *old_view = NULL, *new_view = NULL;
	struct hd_state state = {0};
	int r;

	r = hd_index_get_state(hd_overlay_store(overlay)->index, &status->head, &state);
	if (r < 0)
		return r;
	r = hd_tree_view_of_state(bases, &state, &old_view);
	if (r >= 0)
		r = hd_tree_view_of_snapshot(bases, snapshot, &new_view);
	if (r >= 0)
		hd_tree_view_leave_out_attributes(old_view, hd_overlay_store(overlay)->objects);
	if (r >= 0 && run->what != HD_STATUS_IGNORED_AS_ALL)
		r = hd_ignore_new(hd_overlay_store(overlay), new_view, &status->head, &run->ignore);
	if (r >= 0)
		r = compare_views(overlay, old_view, new_view, run, status);
	status->counts.added -= run->left_out.added;
	status->counts.modified -= run->left_out.modified;
	status->counts.deleted -= run->left_out.deleted;
	status->counts.moved -= run->left_out.moved;
	hd_ignore_free(run->ignore);
	hd_tree_view_free(old_view);
	hd_tree_view_free(new_view);
	hd_state_clear(&state);
	return r;
}

int hd_status_read(struct hd_overlay *overlay, size_t limit, struct hd_status *ret_status)
{
	return hd_status_read_with(overlay, limit, HD_STATUS_IGNORED_AS_ALL, ret_status);
}

int hd_status_read_with(struct hd_overlay *overlay, size_t limit, enum hd_status_ignored ignored,
	struct hd_status *ret_status)
{
	struct status_run run = {.limit = limit, .what = ignored};
	struct hd_status status = {0};
	struct hd_snapshot *snapshot;
	int r;

	r = hd_snapshot_take(overlay, false, &snapshot);
	if (r < 0)
		return hd_fail_in(r, "status of '%s'", hd_overlay_thread(overlay));
	hd_snapshot_parent(snapshot, &status.head);
	if (hd_snapshot_root(snapshot)->changed)
		r = compare_with_head(overlay, snapshot, &run, &status);
	hd_snapshot_free(snapshot);
	status.entries = (struct hd_status_entry *)(void *)run.entries.data;
	status.n_entries = run.n_entries;
	status.truncated = run.truncated;
	if (r < 0) {
		hd_status_clear(&status);
		return hd_fail_in(r, "status of '%s'", hd_overlay_thread(overlay));
	}
	*ret_status = status;
	return 0;
}

void hd_status_clear(struct hd_status *status)
{
	for (size_t i = 0; i < status->n_entries; i++) {
		free(status->entries[i].path);
		free(status->entries[i].old_path);
	}
	free(status->entries);
	*status = (struct hd_status){0};
}

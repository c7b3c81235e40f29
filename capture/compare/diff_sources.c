/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/diff.h"
#include "capture/compare/moves_way.h"
#include "overlay/platform/cleanup.h"

/*
 * What people compare: two states, or the overlay as it is now. A snapshot for a diff is not for a capture:
 * it does not wait for one, and nothing of it is stored.
 */

static void free_view(struct hd_tree_view **view)
{
	hd_tree_view_free(*view);
}

static void free_snapshot(struct hd_snapshot **snapshot)
{
	hd_snapshot_free(*snapshot);
}

static int open_state(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *id,
	struct hd_tree_view **ret_view)
{
	struct hd_state state = {0};
	int r;

	r = hd_index_get_state(store->index, id, &state);
	if (r < 0)
		return r;
	r = hd_tree_view_of_state(bases, &state, ret_view);
	hd_state_clear(&state);
	return r;
}

static int run_knowing(struct hd_moves_way *way, struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	const struct hd_diff_options *options, struct hd_diff *ret_diff)
{
	const struct hd_moves_source source = hd_moves_way_source(way);
	struct hd_diff_options knowing = *options;

	knowing.known = &source;
	return hd_diff_run(old_view, new_view, &knowing, ret_diff);
}

int hd_diff_states(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *from,
	const struct hd_state_id *to, const struct hd_diff_options *options, struct hd_diff *ret_diff)
{
	HD_CLEANUP(free_view) struct hd_tree_view *old_view = NULL;
	HD_CLEANUP(free_view) struct hd_tree_view *new_view = NULL;
	struct hd_moves_way way = {.index = store->index, .from = from, .to = to};
	int r;

	r = open_state(store, bases, from, &old_view);
	if (r >= 0)
		r = open_state(store, bases, to, &new_view);
	if (r < 0)
		return r;
	return run_knowing(&way, old_view, new_view, options, ret_diff);
}

int hd_diff_overlay(struct hd_overlay *overlay, const struct hd_state_id *from, const struct hd_state_id *to,
	const struct hd_diff_options *options, struct hd_diff *ret_diff)
{
	HD_CLEANUP(free_snapshot) struct hd_snapshot *snapshot = NULL;
	HD_CLEANUP(free_view) struct hd_tree_view *old_view = NULL;
	HD_CLEANUP(free_view) struct hd_tree_view *new_view = NULL;
	struct hd_base_set *bases = hd_overlay_bases(overlay);
	struct hd_store *store = hd_overlay_store(overlay);
	struct hd_state_id head;
	struct hd_moves_way way;
	int r;

	if (to) {
		hd_overlay_head(overlay, &head);
		return hd_diff_states(store, bases, from ? from : &head, to, options, ret_diff);
	}
	r = hd_snapshot_take(overlay, false, &snapshot);
	if (r < 0)
		return r;
	hd_snapshot_parent(snapshot, &head);
	r = open_state(store, bases, from ? from : &head, &old_view);
	if (r >= 0)
		r = hd_tree_view_of_snapshot(bases, snapshot, &new_view);
	if (r < 0)
		return r;
	way = (struct hd_moves_way){
		.index = store->index, .from = from ? from : &head, .overlay = overlay, .view = new_view};
	return run_knowing(&way, old_view, new_view, options, ret_diff);
}

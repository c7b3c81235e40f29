/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/moves_way.h"

#include <sys/stat.h>

#include "overlay/platform/cleanup.h"

/*
 * An overlay tells by itself what was moved since it was exactly a state's tree. Its thread's record says which one that was
 * (`tree`), and the states between that one and the old tree tell the rest.
 */

static void free_view(struct hd_tree_view **view)
{
	hd_tree_view_free(*view);
}

static int read_live(
	const struct hd_moves_way *way, const struct hd_state_id *origin, struct hd_known_moves *moves)
{
	HD_CLEANUP(free_view) struct hd_tree_view *origin_view = NULL;
	struct hd_tree_moves found = {0};
	struct hd_state state = {0};
	int r = hd_index_get_state(way->index, origin, &state);

	if (r >= 0)
		r = hd_tree_view_of_state(hd_overlay_bases(way->overlay), &state, &origin_view);
	if (r >= 0)
		r = hd_tree_moves_find(origin_view, way->view, NULL, &found);
	for (size_t i = 0; i < found.count && r >= 0; i++)
		if (S_ISDIR(found.moves[i].old_entry.mode))
			r = hd_known_moves_add(moves, found.moves[i].from, found.moves[i].to);
	hd_tree_moves_clear(&found);
	hd_state_clear(&state);
	return r;
}

static int read_way(void *payload, struct hd_known_moves *ret_moves)
{
	const struct hd_moves_way *way = payload;
	struct hd_known_moves states = {0}, moves = {0};
	struct hd_thread thread = {0};
	int r = 0;

	if (!way->to)
		r = hd_index_get_thread(way->index, hd_overlay_thread(way->overlay), &thread);
	if (r >= 0)
		r = hd_known_moves_between(way->index, way->from, way->to ? way->to : &thread.tree, &states);
	if (r >= 0 && !way->to)
		r = read_live(way, &thread.tree, &moves);
	if (r >= 0)
		r = hd_known_moves_put_before(&moves, states.items, states.count);
	hd_known_moves_clear(&states);
	hd_thread_clear(&thread);
	if (r < 0) {
		hd_known_moves_clear(&moves);
		return r;
	}
	*ret_moves = moves;
	return 0;
}

struct hd_moves_source hd_moves_way_source(struct hd_moves_way *way)
{
	return (struct hd_moves_source){.read = read_way, .payload = way};
}

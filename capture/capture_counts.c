/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/tree_comparison.h"
#include "overlay/platform/buffer.h"

/*
 * What was moved is told by the comparison, of directories with nothing of what is below them. A state names the
 * directories, because that is what nobody could find out later at a low price; its files are but counted.
 */

struct counting {
	struct hd_buffer deleted;        /* of struct hd_content: files that are gone, for the growth */
	struct hd_buffer moves;          /* of struct hd_state_move */
	struct hd_growth *growth;        /* borrowed; may be NULL */
	struct hd_object_store *objects; /* borrowed; with growth */
};

static int collect_move(struct counting *counting, const struct hd_change *change)
{
	struct hd_state_move move = {0};
	int r = hd_change_copy_paths(change, &move.to, &move.from);

	if (r == 0)
		hd_buffer_put(&counting->moves, &move, sizeof(move));
	if (r == 0)
		r = hd_buffer_status(&counting->moves);
	if (r < 0) {
		free(move.from);
		free(move.to);
	}
	return r;
}

static int collect(const struct hd_change *change, void *payload)
{
	struct counting *counting = payload;
	const struct hd_tree_view_entry *entry = change->old_entry;
	int r = counting->growth ? hd_growth_add(counting->growth, counting->objects, change) : 0;

	if (r < 0)
		return r;
	if (change->kind == HD_CHANGE_MOVED && S_ISDIR(entry->mode))
		return collect_move(counting, change);
	if (!counting->growth || change->kind != HD_CHANGE_DELETED || !S_ISREG(entry->mode) ||
		hd_content_is_none(&entry->content))
		return 0;
	hd_buffer_put(&counting->deleted, &entry->content, sizeof(entry->content));
	return hd_buffer_status(&counting->deleted);
}

static int compare_contents(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hd_content));
}

static const struct hd_content *sorted(struct hd_buffer *references, size_t *ret_count)
{
	*ret_count = references->size / sizeof(struct hd_content);
	if (*ret_count > 1)
		qsort(references->data, *ret_count, sizeof(struct hd_content), compare_contents);
	return (const struct hd_content *)(const void *)references->data;
}

static int compare_moves(const void *a, const void *b)
{
	return strcmp(((const struct hd_state_move *)a)->to, ((const struct hd_state_move *)b)->to);
}

int hd_capture_count(struct hd_tree_view *old_view, struct hd_tree_view *new_view, struct hd_state *state)
{
	const struct hd_capture_trees trees = {.old_view = old_view, .new_view = new_view};

	return hd_capture_count_growth(&trees, state, NULL, NULL);
}

int hd_capture_count_growth(const struct hd_capture_trees *trees, struct hd_state *state,
	struct hd_object_store *objects, struct hd_growth *growth)
{
	struct counting counting = {.objects = objects, .growth = growth};
	const struct hd_comparison comparison = {.old_view = trees->old_view,
		.new_view = trees->new_view,
		.moves = HD_MOVES_TOLD,
		.known = trees->known};
	struct hd_change_counts counts;
	int r;

	r = hd_tree_comparison_run_knowing(&comparison, collect, &counting, &counts);
	/* The state owns the moves, also when counting failed. */
	state->moves = (struct hd_state_move *)(void *)counting.moves.data;
	state->n_moves = counting.moves.size / sizeof(*state->moves);
	if (r >= 0) {
		state->added = counts.added;
		state->modified = counts.modified;
		state->deleted = counts.deleted;
		state->moved = counts.moved;
		if (state->n_moves > 0)
			qsort(state->moves, state->n_moves, sizeof(*state->moves), compare_moves);
	}
	if (r >= 0 && growth) {
		size_t n_gone;
		const struct hd_content *gone = sorted(&counting.deleted, &n_gone);

		hd_growth_end(growth, gone, n_gone);
	}
	hd_buffer_clear(&counting.deleted);
	return r;
}

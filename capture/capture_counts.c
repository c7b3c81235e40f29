/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/tree_comparison.h"
#include "overlay/platform/buffer.h"

/*
 * A rename keeps a file's reference, so a file that was moved is a reference that is among the deleted and among the
 * added. Pairs are found by sorting both. Empty files all have the same reference and say nothing; files that were
 * moved and written to are an addition and a deletion, here as in git without similarity detection. Directories that
 * were moved are told by the comparison, with nothing of what is below them.
 */

struct counting {
	struct hd_buffer added, deleted; /* of struct hd_content */
	struct hd_buffer moves;          /* of struct hd_state_move */
	struct hd_growth *growth;        /* borrowed; may be NULL */
	struct hd_object_store *objects; /* borrowed; with growth */
};

static int collect_move(struct counting *counting, const struct hd_change *change)
{
	struct hd_state_move move = {
		.from = strdup(change->old_path), .to = strndup(change->path, change->path_length)};
	int r = move.from && move.to ? 0 : -ENOMEM;

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
	bool added = change->kind == HD_CHANGE_ADDED;
	const struct hd_tree_view_entry *entry = added ? change->new_entry : change->old_entry;
	struct hd_buffer *references = added ? &counting->added : &counting->deleted;

	int r = counting->growth ? hd_growth_add(counting->growth, counting->objects, change) : 0;

	if (r < 0)
		return r;
	if (change->kind == HD_CHANGE_MOVED)
		return collect_move(counting, change);
	if (change->kind == HD_CHANGE_MODIFIED || !S_ISREG(entry->mode) ||
		hd_content_is_none(&entry->content))
		return 0;
	hd_buffer_put(references, &entry->content, sizeof(entry->content));
	return hd_buffer_status(references);
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

static uint64_t count_pairs(struct counting *counting)
{
	size_t n_added, n_deleted;
	const struct hd_content *added = sorted(&counting->added, &n_added);
	const struct hd_content *deleted = sorted(&counting->deleted, &n_deleted);
	uint64_t pairs = 0;

	for (size_t i = 0, j = 0; i < n_added && j < n_deleted;) {
		int order = compare_contents(&added[i], &deleted[j]);

		pairs += order == 0;
		i += order <= 0;
		j += order >= 0;
	}
	return pairs;
}

static int compare_moves(const void *a, const void *b)
{
	return strcmp(((const struct hd_state_move *)a)->to, ((const struct hd_state_move *)b)->to);
}

int hd_capture_count(struct hd_tree_view *old_view, struct hd_tree_view *new_view, struct hd_state *state)
{
	return hd_capture_count_growth(old_view, new_view, state, NULL, NULL);
}

int hd_capture_count_growth(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	struct hd_state *state, struct hd_object_store *objects, struct hd_growth *growth)
{
	struct counting counting = {.objects = objects, .growth = growth};
	struct hd_change_counts counts;
	int r;

	r = hd_tree_comparison_run_with_moves(old_view, new_view, collect, &counting, &counts);
	/* The state owns the moves, also when counting failed. */
	state->moves = (struct hd_state_move *)(void *)counting.moves.data;
	state->n_moves = counting.moves.size / sizeof(*state->moves);
	if (r >= 0) {
		state->added = counts.added;
		state->modified = counts.modified;
		state->deleted = counts.deleted;
		state->moved = count_pairs(&counting) + counts.moved;
		if (state->n_moves > 0)
			qsort(state->moves, state->n_moves, sizeof(*state->moves), compare_moves);
	}
	if (r >= 0 && growth) {
		size_t n_gone;
		const struct hd_content *gone = sorted(&counting.deleted, &n_gone);

		hd_growth_end(growth, gone, n_gone);
	}
	hd_buffer_clear(&counting.added);
	hd_buffer_clear(&counting.deleted);
	return r;
}

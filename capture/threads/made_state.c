/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/made_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/capture_counts.h"
#include "capture/identity.h"

static int fill(const struct hd_made_state *made, char *message, struct hd_state *state)
{
	struct hd_capture_time now = hd_capture_time_now();

	state->message = message;
	state->time_s = now.time_s;
	state->time_ns = now.time_ns;
	state->zone_minutes = now.zone_minutes;
	state->author = strdup(made->actor && *made->actor ? made->actor : HD_IDENTITY_UNKNOWN);
	state->parents = malloc(sizeof(*state->parents));
	if (!state->message || !state->author || !state->parents)
		return -ENOMEM;
	state->parents[0] = *made->parent;
	state->n_parents = 1;
	return 0;
}

static int count(struct hd_store *store, struct hd_base_set *bases, const struct hd_made_state *made,
	struct hd_state *state)
{
	struct hd_tree_view *old_view = NULL, *new_view = NULL;
	struct hd_capture_trees trees = {.known = made->known};
	struct hd_state old = {0};
	int r = hd_index_get_state(store->index, made->parent, &old);

	if (r >= 0)
		r = hd_tree_view_of_state(bases, &old, &old_view);
	if (r >= 0)
		r = hd_tree_view_of_state(bases, state, &new_view);
	trees.old_view = old_view;
	trees.new_view = new_view;
	if (r >= 0)
		r = hd_capture_count_growth(&trees, state, NULL, NULL);
	hd_tree_view_free(old_view);
	hd_tree_view_free(new_view);
	hd_state_clear(&old);
	return r;
}

int hd_made_state_publish(struct hd_store *store, struct hd_base_set *bases, const struct hd_made_state *made,
	char *message, struct hd_state *state)
{
	int r = fill(made, message, state);

	if (r >= 0)
		r = count(store, bases, made, state);
	if (r >= 0)
		r = hd_base_set_persist(bases);
	if (r >= 0)
		r = hd_object_store_sync(store->objects);
	return r < 0 ? r : hd_index_publish(store->index, state, NULL, NULL);
}

bool hd_made_state_is_same(const struct hd_state *a, const struct hd_state *b)
{
	return hd_content_equal(&a->tree, &b->tree) && hd_content_equal(&a->attributes, &b->attributes) &&
	       a->root_mode == b->root_mode;
}

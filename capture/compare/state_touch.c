/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/state_touch.h"

#include <errno.h>
#include <sys/stat.h>

#include "capture/compare/same_content.h"
#include "capture/compare/tree_comparison.h"
#include "capture/trees/tree_find.h"
#include "overlay/platform/error.h"

struct pair {
	struct hd_tree_view *old_view, *new_view; /* owned; old_view NULL: there is no parent */
};

/* 1 when there is something, 0 when there is nothing. */
static int find(struct hd_tree_view *view, const char *path, struct hd_tree_view_entry *ret_entry)
{
	int r = view ? hd_tree_find(view, path, ret_entry) : -HD_E_PATH_MISSING;

	if (r != -HD_E_PATH_MISSING && r != -ENOTDIR)
		return r < 0 ? r : 1;
	hd_error_clear();
	return 0;
}

static int differs(const struct pair *pair, const char *path)
{
	struct hd_tree_view_entry old_entry, new_entry;
	int old_there = find(pair->old_view, path, &old_entry);
	int new_there = find(pair->new_view, path, &new_entry);
	bool same = false;
	int r = 0;

	if (old_there < 0 || new_there < 0)
		return old_there < 0 ? old_there : new_there;
	if (!old_there || !new_there)
		return old_there != new_there;
	if (old_entry.mode != new_entry.mode)
		return 1;
	if (S_ISDIR(old_entry.mode))
		r = hd_tree_comparison_same_tree(
			pair->old_view, &old_entry, pair->new_view, &new_entry, &same);
	else if (S_ISREG(old_entry.mode) || S_ISLNK(old_entry.mode))
		r = hd_same_bytes(pair->old_view, &old_entry, pair->new_view, &new_entry, &same);
	else
		same = old_entry.device == new_entry.device;
	return r < 0 ? r : !same;
}

static int open_pair(
	struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state, struct pair *pair)
{
	struct hd_state parent = {0};
	int r = hd_tree_view_of_state(bases, state, &pair->new_view);

	if (r < 0 || state->n_parents == 0)
		return r;
	r = hd_index_get_state(store->index, &state->parents[0], &parent);
	if (r >= 0)
		r = hd_tree_view_of_state(bases, &parent, &pair->old_view);
	hd_state_clear(&parent);
	return r;
}

int hd_state_touches(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state,
	const char *const *paths, size_t n_paths, bool *ret_touches)
{
	struct pair pair = {0};
	int r = open_pair(store, bases, state, &pair);

	for (size_t i = 0; i < n_paths && r == 0; i++)
		r = differs(&pair, paths[i]);
	hd_tree_view_free(pair.old_view);
	hd_tree_view_free(pair.new_view);
	if (r < 0)
		return r;
	*ret_touches = r > 0;
	return 0;
}

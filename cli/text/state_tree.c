/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/state_tree.h"

#include "capture/history/state_spec.h"

void hd_state_tree_clear(struct hd_state_tree *tree)
{
	hd_tree_view_free(tree->view);
	hd_state_clear(&tree->state);
	hd_base_set_free(tree->bases);
	hd_location_clear(&tree->location);
	*tree = (struct hd_state_tree){0};
}

int hd_state_tree_open(
	const struct hd_invocation *invocation, const char *spec, struct hd_state_tree *ret_tree)
{
	struct hd_state_tree tree = {0};
	struct hd_state_id id;
	int r;

	r = hd_locate(invocation, NULL, &tree.location);
	if (r >= 0)
		r = hd_state_spec_resolve(
			tree.location.store->index, spec ? spec : "@", tree.location.thread, &id);
	if (r >= 0)
		r = hd_index_get_state(tree.location.store->index, &id, &tree.state);
	if (r >= 0)
		r = hd_base_set_new(tree.location.store, 0, &tree.bases);
	if (r >= 0)
		r = hd_tree_view_of_state(tree.bases, &tree.state, &tree.view);
	if (r < 0) {
		hd_state_tree_clear(&tree);
		return r;
	}
	*ret_tree = tree;
	return 0;
}

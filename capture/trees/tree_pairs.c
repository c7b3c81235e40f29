/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_pairs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/tree_codec.h"

/*
 * What is left out is the same to the last bit: name, mode, device and reference. Whatever else may be the same, the bytes
 * of two files for example, is for the comparison to find out.
 *
 * Found by the address of the node, which stays while the snapshot lives.
 */

#define CHAINS 1024u

struct pair {
	struct pair *next;
	const struct hd_tree_view *old_view;
	const struct hd_snapshot_node *node;
	struct hd_content old_content;
	struct hd_tree_view_listing old_listing, new_listing; /* owned, but for the new names */
};

struct hd_tree_pairs {
	struct pair *chains[CHAINS]; /* owned */
};

static size_t chain_of(const struct hd_snapshot_node *node)
{
	return (uintptr_t)node / sizeof(*node) % CHAINS;
}

static int compare(const struct hd_tree_view_entry *old_entry, const struct hd_snapshot_node *child)
{
	return hd_tree_compare_names(
		old_entry->name, old_entry->name_length, child->name, child->name_length);
}

static bool is_same(const struct hd_tree_view_entry *old_entry, const struct hd_snapshot_node *child)
{
	return old_entry->mode == child->attributes.mode && old_entry->device == child->attributes.device &&
	       !child->unsettled && !old_entry->unreferenced &&
	       hd_content_equal(&old_entry->content, &child->content);
}

static void pair_free(struct pair *pair)
{
	free(pair->old_listing.entries);
	free(pair->old_listing.names);
	free(pair->new_listing.entries);
	free(pair);
}

/* Makes room for one more. */
static struct hd_tree_view_entry *add(struct hd_tree_view_listing *listing, size_t *capacity)
{
	return HD_ARRAY_RESERVE(listing->entries, listing->count, *capacity) < 0
		       ? NULL
		       : &listing->entries[listing->count++];
}

/* Merges both, and puts what differs into PAIR. The old names go to NAMES. */
static int merge(const struct hd_tree_view_listing *old, struct hd_snapshot_node *node, struct pair *pair,
	struct hd_buffer *names)
{
	size_t at_old = 0, at_new = 0, old_capacity = 0, new_capacity = 0;

	while (at_old < old->count || at_new < node->n_children) {
		const struct hd_tree_view_entry *entry = at_old < old->count ? &old->entries[at_old] : NULL;
		struct hd_snapshot_node *child = at_new < node->n_children ? &node->children[at_new] : NULL;
		int order = !entry ? 1 : !child ? -1 : compare(entry, child);
		struct hd_tree_view_entry *added;

		at_old += order <= 0;
		at_new += order >= 0;
		if (order == 0 && is_same(entry, child))
			continue;
		if (order <= 0) {
			added = add(&pair->old_listing, &old_capacity);
			if (!added)
				return -ENOMEM;
			*added = *entry;
			hd_buffer_put(names, entry->name, entry->name_length + 1u);
		}
		if (order >= 0) {
			added = add(&pair->new_listing, &new_capacity);
			if (!added)
				return -ENOMEM;
			hd_tree_view_entry_of_node(child, added);
		}
	}
	return hd_buffer_status(names);
}

/* The old names have their place now. */
static int take_names(struct pair *pair, struct hd_buffer *names)
{
	char *name = hd_buffer_steal(names, NULL);

	if (!name)
		return -ENOMEM;
	pair->old_listing.names = name;
	for (size_t i = 0; i < pair->old_listing.count; i++) {
		pair->old_listing.entries[i].name = name;
		name += pair->old_listing.entries[i].name_length + 1u;
	}
	return 0;
}

int hd_tree_pairs_note(struct hd_tree_pairs **pairs, const struct hd_tree_view *old_view,
	const struct hd_content *old_content, const struct hd_tree_view_listing *old_listing,
	struct hd_snapshot_node *node)
{
	HD_AUTO_BUFFER struct hd_buffer names = {0};
	struct pair *pair, **chain;
	int r;

	if (!*pairs)
		*pairs = calloc(1, sizeof(**pairs));
	pair = *pairs ? calloc(1, sizeof(*pair)) : NULL;
	if (!pair)
		return -ENOMEM;
	pair->old_view = old_view;
	pair->node = node;
	pair->old_content = *old_content;
	pair->old_listing.kept = pair->new_listing.kept = true;
	r = merge(old_listing, node, pair, &names);
	if (r == 0)
		r = take_names(pair, &names);
	if (r < 0) {
		pair_free(pair);
		return r;
	}
	chain = &(*pairs)->chains[chain_of(node)];
	pair->next = *chain;
	*chain = pair;
	return 0;
}

bool hd_tree_pairs_find(const struct hd_tree_pairs *pairs, const struct hd_tree_view *old_view,
	const struct hd_content *old_content, const struct hd_snapshot_node *node,
	struct hd_tree_view_listing *ret_old, struct hd_tree_view_listing *ret_new)
{
	const struct pair *pair = pairs->chains[chain_of(node)];

	while (pair && (pair->node != node || pair->old_view != old_view ||
			       !hd_content_equal(&pair->old_content, old_content)))
		pair = pair->next;
	if (!pair)
		return false;
	*ret_old = pair->old_listing;
	*ret_new = pair->new_listing;
	return true;
}

void hd_tree_pairs_free(struct hd_tree_pairs *pairs)
{
	for (size_t i = 0; pairs && i < CHAINS; i++) {
		while (pairs->chains[i]) {
			struct pair *pair = pairs->chains[i];

			pairs->chains[i] = pair->next;
			pair_free(pair);
		}
	}
	free(pairs);
}

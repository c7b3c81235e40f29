/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/tree_merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture_tree.h"
#include "capture/link_counts.h"
#include "capture/merge/merge_rules.h"
#include "capture/merge/name_merge.h"
#include "capture/trees/tree_nodes.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * Three sorted listings are walked side by side. For each name, what THEIRS changed in BASE is done to OURS:
 *
 *     base = theirs    ours stays
 *     ours = base      theirs, or nothing
 *     directories      one level down; one that THEIRS deleted goes when nothing is left in it
 *     files            by lines
 *     else             a conflict
 *
 * A directory is stored when its last child has its content, as a capture does it (capture_tree.c).
 *
 * Recursion is bounded by DEPTH_MAX.
 */

#define DEPTH_MAX 500

/* What is known of a directory's rules while it is merged. */
struct rules {
	struct hd_merge_level level;
	struct hd_merged merged; /* the .gitattributes of the result */
	bool is_merged;
};

static int merge_directory(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *above, struct hd_merged *merged);

/* ---- directories ---- */

static int list(struct hd_merging *merging, enum hd_merge_side side, const struct hd_snapshot_node *node,
	struct hd_snapshot_node *ret_listed)
{
	*ret_listed = (struct hd_snapshot_node){0};
	if (!hd_merge_is_directory(node))
		return 0;
	ret_listed->content = node->content;
	ret_listed->attribute_content = node->attribute_content;
	return hd_tree_node_list(merging->merge->bases, &merging->fallbacks[side], ret_listed);
}

static int enter(struct hd_merging *merging, const struct hd_snapshot_node *node, size_t *ret_length)
{
	*ret_length = merging->path.size;
	merging->path.size -= merging->path.size > 0;
	if (merging->path.size > 0)
		hd_buffer_put_u8(&merging->path, '/');
	hd_buffer_put(&merging->path, node->name, node->name_length);
	hd_buffer_put_u8(&merging->path, '\0');
	return hd_buffer_status(&merging->path);
}

static void leave(struct hd_merging *merging, size_t length)
{
	merging->path.size = length;
	if (length > 0)
		merging->path.data[length - 1] = '\0';
}

/* A directory that OURS has unchanged, or that THEIRS adds, is THEIRS' as a whole, unless each file in it gets a time. */
static bool is_taken_whole(
	const struct hd_merging *merging, const struct hd_merge_trio *trio, bool ours_is_base)
{
	return !merging->merge->time && ours_is_base &&
	       (!trio->nodes[THEIRS] || hd_merge_is_directory(trio->nodes[THEIRS]));
}

static int merge_directories(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *above, struct hd_merged *merged)
{
	const struct hd_snapshot_node *theirs = trio->nodes[THEIRS];
	bool same;
	int r = hd_merge_same_thing(merging, trio, OURS, BASE, &same);

	if (r < 0)
		return r;
	if (is_taken_whole(merging, trio, same)) {
		hd_merge_take_theirs(merging, trio, merged);
		return 0;
	}
	r = merge_directory(merging, trio, above, merged);
	if (r < 0 || hd_merge_is_directory(theirs) || !theirs)
		return r;
	if (merged->exists)
		return hd_merge_conflict(merging, HD_CONFLICT_DIRECTORY);
	/* Nothing is left of the directory that a file takes the place of. */
	hd_merge_take_theirs(merging, trio, merged);
	return 0;
}

static int merge_name(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *above, struct hd_merged *merged)
{
	const struct hd_snapshot_node *ours = trio->nodes[OURS], *base = trio->nodes[BASE],
				      *theirs = trio->nodes[THEIRS];
	bool same;
	int r = hd_merge_same_thing(merging, trio, BASE, THEIRS, &same);

	if (r < 0)
		return r;
	if (same && (!base || hd_merge_same_permissions(base, theirs))) {
		hd_merge_keep_ours(trio, merged);
		return 0;
	}
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	if ((hd_merge_is_directory(theirs) ||
		    (hd_merge_is_directory(base) && (!theirs || hd_merge_is_directory(ours)))) &&
		(!ours || hd_merge_is_directory(ours)) && (!base || hd_merge_is_directory(base)))
		return merge_directories(merging, trio, above, merged);
	/* A directory in the place of a file that OURS has not touched: like a new one. */
	if (hd_merge_is_directory(theirs) && !hd_merge_is_directory(ours) && !hd_merge_is_directory(base)) {
		struct hd_merge_trio alone = {.nodes = {[THEIRS] = theirs}};

		r = hd_merge_same_thing(merging, trio, OURS, BASE, &same);
		if (r < 0 || same)
			return r < 0 ? r : merge_directories(merging, &alone, above, merged);
	}
	return hd_merge_others(merging, trio, merged);
}

/* The node that comes first in the order of names. */
static const struct hd_snapshot_node *first_name(
	const struct hd_snapshot_node *lists, const size_t *positions)
{
	const struct hd_snapshot_node *first = NULL;

	for (unsigned side = 0; side < SIDES; side++) {
		const struct hd_snapshot_node *node = &lists[side].children[positions[side]];

		if (positions[side] < lists[side].n_children &&
			(!first || hd_tree_compare_names(node->name, node->name_length, first->name,
					   first->name_length) < 0))
			first = node;
	}
	return first;
}

static int merge_child(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *place, struct hd_merged *merged)
{
	const struct hd_snapshot_node *any = trio->nodes[OURS]   ? trio->nodes[OURS]
					     : trio->nodes[BASE] ? trio->nodes[BASE]
								 : trio->nodes[THEIRS];
	size_t length;
	int r = enter(merging, any, &length);

	*merged = (struct hd_merged){0};
	if (r < 0)
		return r;
	r = merge_name(merging, trio, place, merged);
	leave(merging, length);
	return r < 0 ? hd_fail_in(r, "'%s'", any->name) : 0;
}

static int merge_next(struct hd_merging *merging, const struct hd_snapshot_node *lists, size_t *positions,
	struct hd_canonical_place *place, const struct rules *rules, struct hd_merged *merged)
{
	const struct hd_snapshot_node *first = first_name(lists, positions);
	struct hd_merge_trio trio = {0};

	for (unsigned side = 0; side < SIDES; side++) {
		const struct hd_snapshot_node *node = &lists[side].children[positions[side]];

		if (positions[side] < lists[side].n_children &&
			hd_tree_compare_names(
				node->name, node->name_length, first->name, first->name_length) == 0)
			trio.nodes[side] = node;
	}
	for (unsigned side = 0; side < SIDES; side++)
		positions[side] += trio.nodes[side] != NULL;
	if (rules->is_merged && hd_merge_rules_is_one(first)) {
		*merged = rules->merged;
		return 0;
	}
	return merge_child(merging, &trio, place, merged);
}

/* ---- rules, where files are converted ---- */

static size_t path_length(const struct hd_merging *merging)
{
	return merging->path.size > 0 ? merging->path.size - 1 : 0;
}

/* Those of the result are merged before all else. Where they are converted themselves, it is as THEIRS say. */
static int merge_rules(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *place, struct rules *rules)
{
	const struct hd_attribute_level **tops = merging->rules.tops, *above = tops[HD_MERGE_RESULT];
	int r;

	tops[HD_MERGE_RESULT] = tops[HD_MERGE_THEIRS];
	r = merge_child(merging, trio, place, &rules->merged);
	tops[HD_MERGE_RESULT] = above;
	rules->is_merged = r >= 0;
	if (r < 0 || !rules->merged.exists)
		return r;
	return hd_merge_rules_enter(&merging->rules, HD_MERGE_RESULT, merging->views[OURS],
		&rules->merged.node, path_length(merging), &rules->level);
}

static int enter_rules(struct hd_merging *merging, const struct hd_snapshot_node *lists,
	struct hd_canonical_place *place, struct rules *rules)
{
	struct hd_merge_trio trio = {0};
	bool any = false;
	int r = 0;

	if (!merging->merge->store->smudges)
		return 0;
	for (unsigned side = 0; side < SIDES && r >= 0; side++) {
		trio.nodes[side] = hd_merge_rules_find(&lists[side]);
		if (!trio.nodes[side])
			continue;
		any = true;
		r = hd_merge_rules_enter(&merging->rules, side, merging->views[side], trio.nodes[side],
			path_length(merging), &rules->level);
	}
	return r < 0 || !any ? r : merge_rules(merging, &trio, place, rules);
}

/* ---- directories as a whole ---- */

/* Merges the listings into the children of MERGED's node, an array that the caller frees. */
static int merge_lists(struct hd_merging *merging, const struct hd_snapshot_node *lists,
	struct hd_canonical_place *place, struct hd_merged *merged)
{
	size_t most = lists[OURS].n_children + lists[BASE].n_children + lists[THEIRS].n_children;
	size_t positions[SIDES] = {0};
	struct hd_snapshot_node *node = &merged->node;
	struct rules rules = {0};
	int r;

	node->n_children = 0;
	node->children = calloc(most + 1, sizeof(*node->children));
	if (!node->children)
		return -ENOMEM;
	r = enter_rules(merging, lists, place, &rules);
	while (r >= 0 && first_name(lists, positions)) {
		struct hd_merged child;

		r = merge_next(merging, lists, positions, place, &rules, &child);
		if (r >= 0 && child.exists)
			node->children[node->n_children++] = child.node;
		merged->changed = merged->changed || (r >= 0 && child.changed);
	}
	hd_merge_rules_leave(&merging->rules, &rules.level);
	return r;
}

/* Nothing is left of it, and it is not to stay empty. */
static bool is_gone(const struct hd_merge_trio *trio, const struct hd_merged *merged)
{
	if (merged->node.n_children > 0)
		return false;
	return trio->nodes[OURS] ? merged->changed && !hd_merge_is_directory(trio->nodes[THEIRS])
				 : trio->nodes[BASE] || !trio->nodes[THEIRS];
}

/* Stores it if it is another than OURS. */
static int finish_directory(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *place, struct hd_merged *merged)
{
	struct hd_capture_tree capture = {
		.objects = merging->merge->store->objects, .canonical = merging->canonical};
	bool is_root = merging->depth == 1;

	merged->exists = is_root || !is_gone(trio, merged);
	if (!trio->nodes[OURS])
		merged->changed = merged->exists;
	else if (!merged->exists)
		merged->changed = true;
	if (!merged->exists || !merged->changed)
		return 0;
	merged->node.origin = (struct hd_content){0};
	return hd_capture_tree_put(&capture, place, NULL, NULL, &merged->node, is_root);
}

static int merge_directory(struct hd_merging *merging, const struct hd_merge_trio *trio,
	struct hd_canonical_place *above, struct hd_merged *merged)
{
	const struct hd_snapshot_node *like = trio->nodes[OURS]     ? trio->nodes[OURS]
					      : trio->nodes[THEIRS] ? trio->nodes[THEIRS]
								    : trio->nodes[BASE];
	struct hd_snapshot_node lists[SIDES] = {{0}};
	struct hd_canonical_place *place = NULL;
	int r = 0;

	if (merging->depth == DEPTH_MAX)
		return -ELOOP;
	merging->depth++;
	*merged = (struct hd_merged){.node = *like};
	for (unsigned side = 0; side < SIDES && r >= 0; side++)
		r = list(merging, side, trio->nodes[side], &lists[side]);
	if (r >= 0)
		r = hd_canonical_enter(above, like->name ? like->name : "", like->name_length, &place);
	if (r >= 0)
		r = merge_lists(merging, lists, place, merged);
	if (r >= 0 && !trio->nodes[OURS])
		hd_merge_stamp(merging, trio, &merged->node);
	else if (r >= 0)
		hd_merge_permissions(trio, merged);
	if (r >= 0)
		r = finish_directory(merging, trio, place, merged);
	free(merged->node.children);
	merged->node.children = NULL;
	hd_canonical_leave(place);
	for (unsigned side = 0; side < SIDES; side++)
		hd_tree_node_clear_children(&lists[side]);
	merging->depth--;
	return r;
}

/* ---- the whole ---- */

static int merge_roots(struct hd_merging *merging, struct hd_state *result)
{
	const struct hd_tree_merge *merge = merging->merge;
	const struct hd_state *const states[SIDES] = {
		[OURS] = merge->ours, [BASE] = merge->base, [THEIRS] = merge->theirs};
	struct hd_snapshot_node roots[SIDES] = {{0}};
	struct hd_merge_trio trio;
	struct hd_merged merged = {0};
	int r;

	r = hd_canonical_new_at(merge->store, merge->bases, merge->history, &merging->canonical);
	for (unsigned side = 0; side < SIDES && r >= 0; side++) {
		r = hd_tree_node_root(
			merge->store, merge->bases, states[side], &roots[side], &merging->fallbacks[side]);
		if (r >= 0)
			r = hd_tree_view_of_state(merge->bases, states[side], &merging->views[side]);
		trio.nodes[side] = &roots[side];
	}
	if (r >= 0)
		r = merge_directory(merging, &trio, NULL, &merged);
	if (r >= 0) {
		result->tree = merged.changed ? merged.node.content : merge->ours->tree;
		result->attributes = merged.changed ? merged.node.attribute_content : merge->ours->attributes;
		result->root_mode = merged.node.attributes.mode & 07777;
	}
	for (unsigned side = 0; side < SIDES; side++) {
		hd_tree_view_free(merging->views[side]);
		free(roots[side].xattrs);
	}
	hd_canonical_free(merging->canonical);
	if (r >= 0 && merged.changed)
		r = hd_link_counts_mend(merge->store, merge->bases, merge->ours, result);
	return r;
}

int hd_tree_merge_run(
	const struct hd_tree_merge *merge, struct hd_state *result, struct hd_conflicts *ret_conflicts)
{
	struct hd_conflicts conflicts = {0};
	struct hd_merging merging = {.merge = merge, .conflicts = &conflicts};
	int r = merge_roots(&merging, result);

	hd_buffer_clear(&merging.path);
	hd_merge_rules_clear(&merging.rules);
	if (r < 0) {
		hd_conflicts_clear(&conflicts);
		return hd_fail_in(r, "merge trees");
	}
	*ret_conflicts = conflicts;
	return 0;
}

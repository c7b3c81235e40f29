/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/same_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/same_content.h"
#include "capture/trees/tree_nodes.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/threads/work.h"

/* Directories wait in an array instead of on the stack: a tree may be deeper than that. */

#define GROUP_MASK ((UINT64_C(1) << 40) - 1) /* which file it is; the rest says which bytes (link_group.h) */

struct side {
	struct hd_tree_view *view;         /* owned */
	struct hd_base_directory fallback; /* of names that have no attributes of their own */
};

struct pair {
	struct hd_content content[2], attributes[2];
};

struct same_walk {
	struct hd_base_set *bases; /* borrowed */
	struct side sides[2];
	enum hd_same_access access;
	struct pair *pairs; /* owned */
	size_t n_pairs, capacity;
};

static void walk_clear(struct same_walk *walk)
{
	hd_tree_view_free(walk->sides[0].view);
	hd_tree_view_free(walk->sides[1].view);
	free(walk->pairs);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_one_file_alike(const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	if (S_ISDIR(a->attributes.mode) || (!a->link_group && !b->link_group))
		return true;
	return a->attributes.nlink == b->attributes.nlink &&
	       (a->link_group & GROUP_MASK) == (b->link_group & GROUP_MASK);
}

static bool has_same_access(
	const struct same_walk *walk, const struct hd_attributes *a, const struct hd_attributes *b)
{
	return walk->access == HD_SAME_ACCESS_IGNORED || is_same_time(&a->access_time, &b->access_time) ||
	       is_same_time(&a->change_time, &b->change_time);
}

static bool has_same_attributes(
	const struct same_walk *walk, const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	return a->attributes.mode == b->attributes.mode && a->attributes.uid == b->attributes.uid &&
	       a->attributes.gid == b->attributes.gid && a->attributes.device == b->attributes.device &&
	       is_same_time(&a->attributes.modify_time, &b->attributes.modify_time) &&
	       a->xattrs_size == b->xattrs_size &&
	       (a->xattrs_size == 0 || memcmp(a->xattrs, b->xattrs, a->xattrs_size) == 0) &&
	       has_same_access(walk, &a->attributes, &b->attributes) && is_one_file_alike(a, b);
}

static int has_same_bytes(
	struct same_walk *walk, const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	const struct hd_tree_view_entry left = {
		.name = "", .mode = a->attributes.mode, .size = a->attributes.size, .content = a->content};
	const struct hd_tree_view_entry right = {
		.name = "", .mode = b->attributes.mode, .size = b->attributes.size, .content = b->content};
	bool same = true;
	int r = 0;

	if (S_ISREG(a->attributes.mode) || S_ISLNK(a->attributes.mode))
		r = hd_same_bytes(walk->sides[0].view, &left, walk->sides[1].view, &right, &same);
	return r < 0 ? r : same;
}

/* Directories are the same if what is in them is, which is looked at later. */
static int add_pair(
	struct same_walk *walk, const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	if (hd_content_equal(&a->content, &b->content) &&
		hd_content_equal(&a->attribute_content, &b->attribute_content))
		return 1;
	if (HD_ARRAY_RESERVE(walk->pairs, walk->n_pairs, walk->capacity) < 0)
		return -ENOMEM;
	walk->pairs[walk->n_pairs++] = (struct pair){.content = {a->content, b->content},
		.attributes = {a->attribute_content, b->attribute_content}};
	return 1;
}

static int compare_nodes(
	struct same_walk *walk, const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	if (!has_same_attributes(walk, a, b))
		return 0;
	return S_ISDIR(a->attributes.mode) ? add_pair(walk, a, b) : has_same_bytes(walk, a, b);
}

static int compare_children(
	struct same_walk *walk, const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	int r = a->n_children == b->n_children;

	for (size_t i = 0; r > 0 && i < a->n_children; i++) {
		r = hd_work_advance(0);
		if (r >= 0)
			r = strcmp(a->children[i].name, b->children[i].name) == 0;
		if (r > 0)
			r = compare_nodes(walk, &a->children[i], &b->children[i]);
	}
	return r;
}

static int list(struct same_walk *walk, const struct pair *pair, int side, struct hd_snapshot_node *ret_node)
{
	*ret_node = (struct hd_snapshot_node){
		.content = pair->content[side], .attribute_content = pair->attributes[side]};
	return hd_tree_node_list(walk->bases, &walk->sides[side].fallback, ret_node);
}

static int compare_pair(struct same_walk *walk)
{
	struct pair pair = walk->pairs[--walk->n_pairs];
	struct hd_snapshot_node a = {0}, b = {0};
	int r = list(walk, &pair, 0, &a);

	if (r >= 0)
		r = list(walk, &pair, 1, &b);
	if (r >= 0)
		r = compare_children(walk, &a, &b);
	hd_tree_node_clear_children(&a);
	hd_tree_node_clear_children(&b);
	return r;
}

static int compare_roots(
	struct same_walk *walk, struct hd_store *store, const struct hd_state *a, const struct hd_state *b)
{
	struct hd_snapshot_node left = {0}, right = {0};
	int r = hd_tree_node_root(store, walk->bases, a, &left, &walk->sides[0].fallback);

	if (r >= 0)
		r = hd_tree_node_root(store, walk->bases, b, &right, &walk->sides[1].fallback);
	if (r >= 0)
		r = compare_nodes(walk, &left, &right);
	hd_tree_node_clear(&left);
	hd_tree_node_clear(&right);
	return r;
}

int hd_same_tree(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *a,
	const struct hd_state *b, enum hd_same_access access)
{
	HD_CLEANUP(walk_clear) struct same_walk walk = {.bases = bases, .access = access};
	int r = hd_tree_view_of_state(bases, a, &walk.sides[0].view);

	if (r >= 0)
		r = hd_tree_view_of_state(bases, b, &walk.sides[1].view);
	if (r >= 0)
		r = compare_roots(&walk, store, a, b);
	while (r > 0 && walk.n_pairs > 0)
		r = compare_pair(&walk);
	return r;
}

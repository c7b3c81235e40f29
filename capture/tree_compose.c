/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tree_compose.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture_tree.h"
#include "capture/trees/path_ranges.h"
#include "capture/trees/tree_nodes.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * Both trees are walked side by side along the paths, which are sorted, so that those of one directory follow each other: its
 * children and its paths are merged into the children that it has then. It is stored when what is below it is, as a capture does
 * it (capture_tree.c), so that it gets the name that a capture would give it. A directory that the target lacks is made as the source has
 * it, with nothing in it but what is taken over. Directories wait on a stack of our own: a tree may be deeper than a thread's.
 */

/* A directory that the paths go through. */
struct frame {
	struct hd_path_range range;
	size_t next_path, next_child;     /* of the range; of ours */
	struct hd_canonical_place *place; /* owned */
	struct hd_snapshot_node theirs;   /* of the source: its children are owned */
	struct hd_snapshot_node ours;     /* of the target likewise; those that were kept are zeroed */
	struct hd_snapshot_node merged;   /* what it becomes, likewise; the rest is the target's */
};

struct composing {
	const struct hd_tree_compose *compose;
	struct hd_canonical *canonical; /* owned */
	struct hd_capture_tree capture;
	struct hd_base_directory source_fallback, target_fallback;
	struct hd_path_ranges paths; /* owned */
	struct frame *frames;        /* owned array */
	size_t depth, capacity;
};

/* ---- one directory ---- */

static bool is_directory(const struct hd_snapshot_node *node)
{
	return node && S_ISDIR(node->attributes.mode);
}

static const struct hd_snapshot_node *find_child(
	const struct hd_snapshot_node *node, const char *name, size_t length)
{
	size_t at =
		hd_tree_find_name(node->children, node->n_children, sizeof(*node->children), name, length);

	return at < node->n_children ? &node->children[at] : NULL;
}

static void put_child(struct frame *frame, struct hd_snapshot_node *child)
{
	frame->merged.children[frame->merged.n_children++] = *child;
	*child = (struct hd_snapshot_node){0};
}

/* Moves what is before the name PART to MERGED; the child of that name, or NULL. */
static struct hd_snapshot_node *keep_before(struct frame *frame, const char *part, size_t length)
{
	for (; frame->next_child < frame->ours.n_children; frame->next_child++) {
		struct hd_snapshot_node *child = &frame->ours.children[frame->next_child];
		int order = hd_tree_compare_names(child->name, child->name_length, part, length);

		if (order == 0)
			frame->next_child++;
		if (order >= 0)
			return order == 0 ? child : NULL;
		put_child(frame, child);
	}
	return NULL;
}

static void keep_rest(struct frame *frame)
{
	for (; frame->next_child < frame->ours.n_children; frame->next_child++)
		put_child(frame, &frame->ours.children[frame->next_child]);
}

/* Begins the directory TARGET, a child of the one on top or the root. PLACE is owned from now on. */
static int push(struct composing *composing, const struct hd_path_range *range,
	struct hd_canonical_place *place, const struct hd_snapshot_node *source,
	const struct hd_snapshot_node *target, bool target_is_empty)
{
	struct hd_base_set *bases = composing->compose->bases;
	struct frame *frame;
	int r = hd_work_advance(0);

	if (HD_ARRAY_RESERVE(composing->frames, composing->depth, composing->capacity) < 0) {
		hd_canonical_leave(place);
		return -ENOMEM;
	}
	frame = &composing->frames[composing->depth++];
	*frame =
		(struct frame){.range = *range, .next_path = range->first, .place = place, .merged = *target};
	frame->merged.children = NULL;
	frame->merged.n_children = 0;
	frame->ours.content = target->content;
	frame->ours.attribute_content = target->attribute_content;
	if (source) {
		frame->theirs.content = source->content;
		frame->theirs.attribute_content = source->attribute_content;
	}
	if (r >= 0 && source)
		r = hd_tree_node_list(bases, &composing->source_fallback, &frame->theirs);
	if (r >= 0 && !target_is_empty)
		r = hd_tree_node_list(bases, &composing->target_fallback, &frame->ours);
	if (r < 0)
		return r;
	frame->merged.children = calloc(
		frame->ours.n_children + range->end - range->first + 1, sizeof(*frame->merged.children));
	return frame->merged.children ? 0 : -ENOMEM;
}

static void clear_frame(struct frame *frame)
{
	hd_tree_node_clear_children(&frame->theirs);
	hd_tree_node_clear_children(&frame->ours);
	hd_tree_node_clear_children(&frame->merged);
	hd_canonical_leave(frame->place);
}

/* What the directory on top is in the one above: its last child so far. */
static struct hd_snapshot_node *child_on_top(struct composing *composing)
{
	struct hd_snapshot_node *above = &composing->frames[composing->depth - 2].merged;

	return &above->children[above->n_children - 1];
}

/* Stores the directory on top, and tells the one above, or ROOT, what it is. */
static int pop(struct composing *composing, struct hd_snapshot_node *root)
{
	struct frame *frame = &composing->frames[composing->depth - 1];
	struct hd_snapshot_node *out = composing->depth > 1 ? child_on_top(composing) : root;
	int r;

	keep_rest(frame);
	r = hd_capture_tree_put(
		&composing->capture, frame->place, NULL, NULL, &frame->merged, composing->depth == 1);
	if (r < 0)
		return r;
	out->content = frame->merged.content;
	out->attribute_content = frame->merged.attribute_content;
	clear_frame(frame);
	composing->depth--;
	return 0;
}

/* The next paths of the directory on top that go on with one part: they end there, or the directory of that name is begun. */
static int step(struct composing *composing)
{
	struct frame *frame = &composing->frames[composing->depth - 1];
	struct hd_path_range below = hd_path_range_below(&composing->paths, &frame->range, frame->next_path);
	const struct hd_ranged_path *path = &composing->paths.paths[below.first];
	struct hd_canonical_place *place = NULL;
	struct hd_snapshot_node out = {0}, *ours;
	const struct hd_snapshot_node *theirs;
	size_t length;
	const char *part = hd_path_range_part(&composing->paths, below.first, frame->range.depth, &length);
	bool ends = hd_path_range_ends(&composing->paths, &below), made;
	int r;

	frame->next_path = below.end;
	ours = keep_before(frame, part, length);
	theirs = find_child(&frame->theirs, part, length);
	made = !is_directory(ours);
	if ((!theirs && !ours) || (!ends && made && !is_directory(theirs)))
		return hd_fail(HD_E_PATH_MISSING, "'%s'", path->text);
	if (ends && !theirs)
		return 0;
	r = hd_tree_node_copy(ends || made ? theirs : ours, &out);
	if (r < 0)
		return r;
	put_child(frame, &out);
	if (ends)
		return 0;
	out = frame->merged.children[frame->merged.n_children - 1]; /* the child is its owner */
	r = hd_canonical_enter(frame->place, out.name, out.name_length, &place);
	return r < 0 ? r : push(composing, &below, place, is_directory(theirs) ? theirs : NULL, &out, made);
}

/* ---- the whole ---- */

static void composing_clear(struct composing *composing)
{
	while (composing->depth > 0)
		clear_frame(&composing->frames[--composing->depth]);
	free(composing->frames);
	hd_path_ranges_clear(&composing->paths);
	hd_canonical_free(composing->canonical);
}

static int compose_roots(
	struct composing *composing, const struct hd_state *source_state, struct hd_state *target_state)
{
	const struct hd_tree_compose *compose = composing->compose;
	const struct hd_path_range all = hd_path_range_all(&composing->paths);
	struct hd_snapshot_node source = {0}, target = {0};
	struct hd_canonical_place *place = NULL;
	int r = hd_tree_node_root(
		compose->store, compose->bases, source_state, &source, &composing->source_fallback);

	if (r >= 0)
		r = hd_tree_node_root(
			compose->store, compose->bases, target_state, &target, &composing->target_fallback);
	if (r >= 0)
		r = hd_canonical_enter(NULL, "", 0, &place);
	if (r >= 0)
		r = push(composing, &all, place, &source, &target, false);
	while (r >= 0 && composing->depth > 0) {
		const struct frame *top = &composing->frames[composing->depth - 1];

		r = top->next_path < top->range.end ? step(composing) : pop(composing, &target);
	}
	if (r >= 0) {
		target_state->tree = target.content;
		target_state->attributes = target.attribute_content;
	}
	hd_tree_node_clear(&source);
	hd_tree_node_clear(&target);
	return r;
}

int hd_tree_compose_paths(const struct hd_tree_compose *compose, const struct hd_state *source,
	const char *const *paths, size_t n_paths, struct hd_state *target)
{
	HD_CLEANUP(composing_clear)
	struct composing composing = {.compose = compose, .capture = {.objects = compose->store->objects}};
	int r = hd_path_ranges_new(paths, n_paths, &composing.paths);

	if (r < 0 || n_paths == 0)
		return r;
	if (composing.paths.paths[0].length == 0) {
		target->tree = source->tree;
		target->attributes = source->attributes;
		target->root_mode = source->root_mode;
		return 0;
	}
	r = hd_canonical_new(compose->store, compose->bases, compose->thread, &composing.canonical);
	composing.capture.canonical = composing.canonical;
	return r < 0 ? r : compose_roots(&composing, source, target);
}

int hd_tree_compose_path(const struct hd_tree_compose *compose, const struct hd_state *source,
	const char *path, struct hd_state *target)
{
	return hd_tree_compose_paths(compose, source, &path, 1, target);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/ignore_rules.h"
#include "capture/trees/path_ranges.h"
#include "capture/trees/tree_nodes.h"
#include "capture/trees/tree_view.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * Both trees are walked side by side along the paths that are chosen, and nowhere else; where ignored files stay out it goes on
 * below, through what changed. Directories wait on a stack of our own: a tree may be deeper than a thread's. What is taken
 * over is a copy of its node: the nodes stay the snapshot's, which counts them, and what a settled file gets goes to the copy.
 */

/* A directory of either tree, or of both. */
struct frame {
	struct hd_snapshot_node now, head; /* with their children, which are not owned */
	size_t next_now, next_head;
	struct hd_snapshot_node
		*out;               /* what it becomes: a child of the one below on the stack, or the root */
	struct hd_path_range range; /* of the paths that go through it */
	size_t next_path;
	size_t place_length; /* of its own path */
	bool chosen;         /* it is, and all in it */
	bool is_made;        /* the head has none here, but INSTEAD or, if that is NULL, nothing */
	const struct hd_snapshot_node *instead;
	bool found; /* the snapshot has something of what is chosen */
};

struct select_run {
	struct hd_base_set *bases;
	struct hd_base_directory fallback;
	struct hd_path_ranges paths; /* owned; none: everything is chosen */
	struct hd_buffer place;      /* of what is looked at: its path, without a NUL */
	struct hd_ignore *ignore;    /* owned; NULL: ignored files count as others */
	struct hd_tree_view *view;   /* owned: what the rules are read from */
	struct frame *frames;        /* owned array */
	size_t depth, capacity;
	struct hd_capture_selection *selection;
};

/* A name in a directory: what is there, and which of the paths go on with it. */
struct place {
	const struct hd_snapshot_node *now, *head; /* one may be NULL */
	struct hd_path_range range;
};

enum verdict { FROM_HEAD, FROM_SNAPSHOT, LOOK_BELOW };

/* ---- paths ---- */

static bool is_root(const char *path)
{
	return path[strspn(path, "./")] == '\0' && !strstr(path, "..");
}

static bool is_everything(const struct hd_capture_choice *choice)
{
	for (size_t i = 0; i < choice->n_paths; i++) {
		if (is_root(choice->paths[i]))
			return true;
	}
	return choice->n_paths == 0;
}

bool hd_capture_choice_is_partial(const struct hd_capture_choice *choice)
{
	return choice->without_ignored || !is_everything(choice);
}

/* The next paths of the directory on top that go on with NAME; those before it go on with names that no tree has. */
static struct hd_path_range paths_of(
	const struct select_run *run, struct frame *frame, const char *name, size_t name_length)
{
	struct hd_path_range range = {0};

	while (frame->next_path < frame->range.end) {
		size_t length;
		const char *part =
			hd_path_range_part(&run->paths, frame->next_path, frame->range.depth, &length);
		int order = hd_tree_compare_names(part, length, name, name_length);

		if (order > 0)
			break;
		if (order == 0)
			range = hd_path_range_below(&run->paths, &frame->range, frame->next_path);
		frame->next_path = order == 0 ? range.end : frame->next_path + 1;
		if (order == 0)
			break;
	}
	return range;
}

/* Where what is at the place comes from. */
static enum verdict judge(
	struct select_run *run, const struct frame *frame, const struct hd_path_range *range)
{
	if (frame->chosen)
		return FROM_SNAPSHOT;
	if (range->first == range->end)
		return FROM_HEAD;
	if (!hd_path_range_ends(&run->paths, range))
		return LOOK_BELOW;
	/* What is said of a path holds for the others that stand for the same, and for those below. */
	run->paths.paths[range->first].met = true;
	return FROM_SNAPSHOT;
}

static int enter(struct select_run *run, const struct hd_snapshot_node *node)
{
	if (run->place.size > 0)
		hd_buffer_put_u8(&run->place, '/');
	hd_buffer_put(&run->place, node->name, node->name_length);
	return hd_buffer_status(&run->place);
}

/* ---- the walk ---- */

/* NODE with its children, which are read if it is only a reference; the selection owns those. */
static int with_children(
	struct select_run *run, const struct hd_snapshot_node *node, struct hd_snapshot_node *ret_node)
{
	struct hd_snapshot_node listed = {0};
	int r = 0;

	*ret_node = (struct hd_snapshot_node){0};
	if (!node)
		return 0;
	*ret_node = *node;
	if (node->children)
		return 0;
	listed.content = node->content;
	listed.attribute_content = node->attribute_content;
	r = hd_tree_node_list(run->bases, &run->fallback, &listed);
	if (r < 0)
		return r;
	hd_buffer_put(&run->selection->listed, &listed, sizeof(listed));
	r = hd_buffer_status(&run->selection->listed);
	if (r < 0) {
		hd_tree_node_clear_children(&listed);
		return r;
	}
	ret_node->children = listed.children;
	ret_node->n_children = listed.n_children;
	return 0;
}

static bool is_directory(const struct hd_snapshot_node *node)
{
	return node && S_ISDIR(node->attributes.mode);
}

/* The selection's array for the children of the directory on top. */
static int make_children(struct select_run *run, const struct frame *frame)
{
	struct hd_snapshot_node *out = frame->out;
	int r;

	out->children = calloc(frame->now.n_children + frame->head.n_children + 1, sizeof(*out->children));
	if (!out->children)
		return -ENOMEM;
	hd_buffer_put(&run->selection->arrays, &out->children, sizeof(out->children));
	r = hd_buffer_status(&run->selection->arrays);
	if (r < 0) {
		free(out->children);
		return r;
	}
	out->n_children = 0;
	out->changed = true;
	out->origin = (struct hd_content){0};
	return 0;
}

/* Begins the directory that is PLACE's in either tree; it becomes OUT. The path of what is looked at is its path. */
static int push(struct select_run *run, const struct place *place, struct hd_snapshot_node *out, bool chosen)
{
	struct frame *frame;
	int r = hd_work_advance(0);

	if (r < 0)
		return r;
	if (HD_ARRAY_RESERVE(run->frames, run->depth, run->capacity) < 0)
		return -ENOMEM;
	frame = &run->frames[run->depth++];
	*frame = (struct frame){.out = out,
		.range = place->range,
		.next_path = place->range.first,
		.place_length = run->place.size,
		.chosen = chosen};
	r = with_children(run, is_directory(place->now) ? place->now : NULL, &frame->now);
	if (r >= 0)
		r = with_children(run, is_directory(place->head) ? place->head : NULL, &frame->head);
	return r < 0 ? r : make_children(run, frame);
}

static struct hd_snapshot_node *put(struct hd_snapshot_node *out, const struct hd_snapshot_node *node)
{
	if (!node)
		return NULL;
	out->children[out->n_children] = *node;
	return &out->children[out->n_children++];
}

/* A directory on the way to what is chosen, in one or in both of the trees. */
static int put_way(struct select_run *run, const struct place *place)
{
	struct hd_snapshot_node *out = run->frames[run->depth - 1].out;
	bool is_made = !is_directory(place->head);
	int r;

	if (!is_directory(place->now) && is_made) {
		(void)put(out, place->head);
		return 0;
	}
	r = push(run, place, put(out, is_made ? place->now : place->head), false);
	if (r < 0)
		return r;
	run->frames[run->depth - 1].is_made = is_made;
	run->frames[run->depth - 1].instead = is_made ? place->head : NULL;
	return 0;
}

static int is_ignored(struct select_run *run, bool directory, bool *ret_ignored)
{
	int r;

	*ret_ignored = false;
	if (!run->ignore)
		return 0;
	hd_buffer_put_u8(&run->place, '\0');
	r = hd_buffer_status(&run->place);
	run->place.size--;
	return r < 0 ? r
		     : hd_ignore_check(run->ignore, (const char *)run->place.data, directory, ret_ignored);
}

/* What is chosen: as the snapshot has it, but for what is ignored. */
static int put_chosen(struct select_run *run, const struct place *place)
{
	struct frame *frame = &run->frames[run->depth - 1];
	struct hd_snapshot_node *out;
	bool ignored;
	int r = is_ignored(run, is_directory(place->now ? place->now : place->head), &ignored);

	if (r < 0)
		return r;
	if (ignored) {
		(void)put(frame->out, place->head);
		return 0;
	}
	frame->found = frame->found || place->now;
	out = put(frame->out, place->now);
	if (!run->ignore || !is_directory(place->now) || !place->now->children)
		return 0;
	return push(run, place, out, true);
}

/* The next name of the directory on top, in the order of both trees. */
static struct place next_place(struct frame *frame)
{
	const struct hd_snapshot_node *now =
		frame->next_now < frame->now.n_children ? &frame->now.children[frame->next_now] : NULL;
	const struct hd_snapshot_node *head =
		frame->next_head < frame->head.n_children ? &frame->head.children[frame->next_head] : NULL;
	int order =
		!now    ? 1
		: !head ? -1
			: hd_tree_compare_names(now->name, now->name_length, head->name, head->name_length);

	frame->next_now += order <= 0;
	frame->next_head += order >= 0;
	return (struct place){.now = order <= 0 ? now : NULL, .head = order >= 0 ? head : NULL};
}

static int step(struct select_run *run)
{
	struct frame *frame = &run->frames[run->depth - 1];
	struct place place = next_place(frame);
	const struct hd_snapshot_node *named = place.now ? place.now : place.head;
	int r;

	run->place.size = frame->place_length;
	if (!frame->chosen)
		place.range = paths_of(run, frame, named->name, named->name_length);
	switch (judge(run, frame, &place.range)) {
	case FROM_SNAPSHOT:
		r = enter(run, named);
		return r < 0 ? r : put_chosen(run, &place);
	case LOOK_BELOW:
		r = enter(run, named);
		return r < 0 ? r : put_way(run, &place);
	case FROM_HEAD:
		(void)put(frame->out, place.head);
	}
	return 0;
}

/* All of the directory on top is put. One that only the snapshot has is made for what is chosen in it, not without. */
static void pop(struct select_run *run)
{
	const struct frame *frame = &run->frames[--run->depth];
	struct frame *above;

	if (run->depth == 0)
		return;
	above = &run->frames[run->depth - 1];
	above->found = above->found || frame->found;
	if (!frame->is_made || frame->found)
		return;
	above->out->n_children--;
	(void)put(above->out, frame->instead);
}

static int walk(
	struct select_run *run, const struct hd_snapshot_node *now, const struct hd_snapshot_node *head)
{
	const struct place root = {.now = now, .head = head, .range = hd_path_range_all(&run->paths)};
	int r = push(run, &root, &run->selection->root, run->paths.count == 0);

	while (r >= 0 && run->depth > 0) {
		const struct frame *top = &run->frames[run->depth - 1];

		if (top->next_now < top->now.n_children || top->next_head < top->head.n_children)
			r = step(run);
		else
			pop(run);
	}
	return r;
}

static void run_clear(struct select_run *run)
{
	hd_path_ranges_clear(&run->paths);
	hd_ignore_free(run->ignore);
	hd_tree_view_free(run->view);
	hd_buffer_clear(&run->place);
	free(run->frames);
}

static int check_paths(const struct select_run *run)
{
	const struct hd_ranged_path *missed = hd_path_ranges_missed(&run->paths);

	return missed ? hd_fail(HD_E_PATH_MISSING, "'%s'", missed->text) : 0;
}

int hd_capture_select(struct hd_store *store, struct hd_base_set *bases, struct hd_snapshot *snapshot,
	const struct hd_state *head, const struct hd_capture_choice *choice,
	struct hd_capture_selection *ret_selection)
{
	struct hd_capture_selection selection = {0};
	HD_CLEANUP(run_clear) struct select_run run = {.bases = bases, .selection = &selection};
	int r = is_everything(choice) ? 0 : hd_path_ranges_new(choice->paths, choice->n_paths, &run.paths);

	if (r >= 0 && choice->without_ignored)
		r = hd_tree_view_of_snapshot(bases, snapshot, &run.view);
	if (r >= 0 && choice->without_ignored)
		r = hd_ignore_new(store, run.view, &head->id, &run.ignore);
	if (r >= 0)
		r = hd_tree_node_root(store, bases, head, &selection.head, &run.fallback);
	if (r >= 0) {
		selection.root = run.paths.count == 0 ? *hd_snapshot_root(snapshot) : selection.head;
		selection.root.name = hd_snapshot_root(snapshot)->name;
		r = walk(&run, hd_snapshot_root(snapshot), &selection.head);
	}
	if (r >= 0)
		r = check_paths(&run);
	if (r < 0) {
		hd_capture_selection_clear(&selection);
		return r;
	}
	*ret_selection = selection;
	return 0;
}

void hd_capture_selection_clear(struct hd_capture_selection *selection)
{
	struct hd_snapshot_node **arrays = (struct hd_snapshot_node **)(void *)selection->arrays.data;
	struct hd_snapshot_node *listed = (struct hd_snapshot_node *)(void *)selection->listed.data;

	for (size_t i = 0; i < selection->arrays.size / sizeof(*arrays); i++)
		free(arrays[i]);
	for (size_t i = 0; i < selection->listed.size / sizeof(*listed); i++)
		hd_tree_node_clear_children(&listed[i]);
	hd_buffer_clear(&selection->arrays);
	hd_buffer_clear(&selection->listed);
	hd_tree_node_clear(&selection->head);
	*selection = (struct hd_capture_selection){0};
}

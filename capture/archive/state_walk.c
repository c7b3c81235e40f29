/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/state_walk.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/trees/tree_nodes.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/* Directories wait on a stack of our own: a tree may be deeper than a thread's stack. */

struct frame {
	struct hd_snapshot_node node; /* of the root: owned; else a copy of its parent's child */
	size_t next_child;
	size_t path_size; /* of the directory's own path, without the NUL */
};

struct walker {
	const struct hd_state_walk *walk;
	struct hd_base_directory fallback;
	struct frame *frames; /* owned array */
	size_t count, capacity;
	struct hd_buffer path;
};

static void set_path(struct walker *walker, size_t parent_size, const char *name)
{
	walker->path.size = parent_size;
	if (parent_size > 0 && *name)
		hd_buffer_put_u8(&walker->path, '/');
	hd_buffer_put_text(&walker->path, name);
	hd_buffer_put_u8(&walker->path, 0);
	walker->path.size--;
}

static const char *shown_path(const struct walker *walker)
{
	return walker->path.size > 0 ? (const char *)walker->path.data : ".";
}

static int fail_at(const struct walker *walker, int r)
{
	if (r == -HD_E_INTERRUPTED)
		return r;
	return hd_fail_in(r, "'%s'", shown_path(walker));
}

/* Calls VISIT, which may be NULL, with the node at the path as it is set. */
static int visit(struct walker *walker, hd_state_walk_visit call, const struct hd_snapshot_node *node)
{
	int r = hd_buffer_status(&walker->path);

	if (r == 0 && call)
		r = call(shown_path(walker), node, walker->walk->payload);
	return r < 0 ? fail_at(walker, r) : r;
}

/* Takes NODE over in every case. */
static int push(struct walker *walker, const struct hd_snapshot_node *node)
{
	struct frame *frame;
	int r;

	if (HD_ARRAY_RESERVE(walker->frames, walker->count, walker->capacity) < 0)
		return -ENOMEM;
	frame = &walker->frames[walker->count++];
	*frame = (struct frame){.node = *node, .path_size = walker->path.size};
	frame->node.children = NULL;
	frame->node.n_children = 0;
	r = hd_tree_node_list(walker->walk->bases, &walker->fallback, &frame->node);
	return r < 0 ? fail_at(walker, r) : 0;
}

static int step(struct walker *walker)
{
	struct frame *frame = &walker->frames[walker->count - 1];
	const struct hd_snapshot_node *child;
	int r;

	if (frame->next_child == frame->node.n_children) {
		set_path(walker, frame->path_size, "");
		r = visit(walker, walker->walk->leave, &frame->node);
		hd_tree_node_clear_children(&frame->node);
		walker->count--;
		return r;
	}
	child = &frame->node.children[frame->next_child++];
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	set_path(walker, frame->path_size, child->name);
	r = visit(walker, walker->walk->enter, child);
	if (r == 0 && S_ISDIR(child->attributes.mode))
		r = push(walker, child);
	return r;
}

int hd_state_walk(const struct hd_state_walk *walk, const struct hd_state *state)
{
	struct walker walker = {.walk = walk};
	struct hd_snapshot_node root = {0};
	int r;

	r = hd_tree_node_root(walk->store, walk->bases, state, &root, &walker.fallback);
	if (r < 0)
		return r;
	set_path(&walker, 0, "");
	r = visit(&walker, walk->enter, &root);
	if (r == 0)
		r = push(&walker, &root);
	while (r >= 0 && walker.count > 0)
		r = step(&walker);
	for (size_t i = 0; i < walker.count; i++)
		hd_tree_node_clear_children(&walker.frames[i].node);
	free(walker.frames);
	hd_buffer_clear(&walker.path);
	hd_tree_node_clear(&root);
	return r;
}

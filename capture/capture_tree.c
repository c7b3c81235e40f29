/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/capture_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/same_content.h"
#include "capture/compare/tree_comparison.h"
#include "capture/trees/tree_listing.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/link_group.h"
#include "overlay/store/tree_codec.h"

/*
 * Bottom-up over the changed directories. A directory is stored when its last child has its reference.
 *
 * Canonical form. The same bytes may have many names: a file that was written again is an object where the
 * base has a git blob. canonical_content.c gives each content the one name it has over a git commit. Over a
 * directory there is none, but rewriting a file with its own bytes must not be a change, and neither may be its
 * directory, up to the root: so a child takes over the head's reference if its bytes equal those of the head's child
 * of the same name, and a directory takes over the head's tree if its entries equal the head's. By induction the
 * root gets the head's tree if and only if nothing differs.
 *
 * The attribute object is another matter: it is stored for every changed directory, also beside a tree that
 * was taken over, since times and owners may have changed.
 *
 * Of a partial directory (snapshot.h) that is the head's but for what changed, the head's listing is what the changed entries
 * were, and new objects are made of the bytes of the old ones. Where that is not enough to tell what it is, it is completed:
 * when it lies over something else than the head's directory, and when it may have become a tree of the commit.
 *
 * Directories wait on a stack of our own, see tree_comparison.c.
 */

struct frame {
	struct hd_snapshot_node *node;
	struct hd_tree_view_entry head; /* the head's directory of this name, if has_head */
	struct hd_tree_view_listing head_listing;
	struct hd_canonical_place *place; /* owned */
	size_t next_child;
	size_t next_head; /* of head_listing: no name before it is of a child that is still to come */
	bool has_head;
	bool has_stored; /* some child was given to capture->directories */
	void *tree;      /* owned: of a partial node, the bytes of the head's tree */
	size_t tree_size;
};

struct stack {
	struct frame *frames; /* owned array */
	size_t count, capacity;
};

static bool has_bytes(uint32_t mode)
{
	return S_ISREG(mode) || S_ISLNK(mode);
}

/* The head's child of NODE's name and type. Nodes come in the order of their names, as those of the listing. */
static const struct hd_tree_view_entry *find_in_head(struct frame *frame, const struct hd_snapshot_node *node)
{
	const struct hd_tree_view_listing *listing = &frame->head_listing;

	for (; frame->next_head < listing->count; frame->next_head++) {
		const struct hd_tree_view_entry *entry = &listing->entries[frame->next_head];
		int order =
			hd_tree_compare_names(entry->name, entry->name_length, node->name, node->name_length);

		if (order == 0)
			return (entry->mode & S_IFMT) == (node->attributes.mode & S_IFMT) ? entry : NULL;
		if (order > 0)
			return NULL;
	}
	return NULL;
}

static void clear_frame(struct frame *frame)
{
	hd_tree_view_listing_clear(&frame->head_listing);
	hd_canonical_leave(frame->place);
	free(frame->tree);
}

static int push(struct hd_capture_tree *capture, struct stack *stack, struct hd_snapshot_node *node,
	const struct hd_tree_view_entry *head)
{
	struct hd_canonical_place *parent;
	struct frame *frame;
	int r;

	if (HD_ARRAY_RESERVE(stack->frames, stack->count, stack->capacity) < 0)
		return -ENOMEM;
	frame = &stack->frames[stack->count++];
	*frame = (struct frame){.node = node, .has_head = head != NULL};
	parent = stack->count > 1 ? stack->frames[stack->count - 2].place : NULL;
	r = hd_canonical_enter(parent, node->name, node->name_length, &frame->place);
	if (r >= 0 && node->partial && (!head || !hd_content_equal(&head->content, &node->origin)))
		r = hd_snapshot_complete(capture->snapshot, node);
	if (r < 0 || !head)
		return r;
	frame->head = *head;
	if (node->partial)
		return hd_tree_listing_of_changed(
			capture->objects, node, &frame->head_listing, &frame->tree, &frame->tree_size);
	/* Nobody lists it again: store_directory keeps what differs. */
	return hd_tree_view_list_references(capture->head_view, head, &frame->head_listing);
}

/* Gives a file or link, which is settled, its reference: the canonical one, or the head's if the bytes are the head's. */
static int name_bytes(
	struct hd_capture_tree *capture, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head)
{
	struct hd_tree_view_entry entry;
	bool same = false;
	int r = hd_canonical_name_file(capture->canonical, node, head);

	if (r != 0 || !head)
		return r < 0 ? r : 0;
	hd_tree_view_entry_of_node(node, &entry);
	r = hd_same_bytes(capture->head_view, head, capture->snapshot_view, &entry, &same);
	if (r >= 0 && same)
		node->content = head->content;
	return r;
}

static int store_file(
	struct hd_capture_tree *capture, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head)
{
	/* Where paths were chosen the names that were not are the head's: of a file that was written since, another one. */
	bool is_heads = node->attributes.ino == 0;
	struct hd_content settled;
	int r;

	if (!is_heads && !hd_linked_files_take(&capture->linked, node))
		return 0;
	r = hd_snapshot_settle(capture->snapshot, node);
	settled = node->content;
	if (r >= 0)
		r = name_bytes(capture, node, head);
	return r < 0 || is_heads ? r : hd_linked_files_keep(&capture->linked, node, &settled);
}

/*
 * A directory that is what its reference says: unchanged, or changed in its own attributes only. It may be in the
 * place of another that is equal, after a rename.
 */
static int adopt_directory(
	struct hd_capture_tree *capture, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head)
{
	struct hd_tree_view_entry entry;
	bool same;
	int r;

	if (!head || hd_content_equal(&head->content, &node->content))
		return 0;
	hd_tree_view_entry_of_node(node, &entry);
	r = hd_tree_comparison_same_tree(capture->head_view, head, capture->snapshot_view, &entry, &same);
	if (r >= 0 && same)
		node->content = head->content;
	return r;
}

/*
 * A directory that was moved, loaded or touched, and whose entries are what they were at the last capture: it is still
 * that tree. Over a directory, whose references are paths, no two trees would be equal otherwise.
 */
static int take_origin(const struct hd_capture_tree *capture, const struct hd_tree_view_entry *head,
	const struct hd_snapshot_node *node, struct hd_content *tree)
{
	struct hd_tree_view_entry origin = {.name = "", .mode = S_IFDIR, .content = node->origin};
	struct hd_tree_view_listing listing = {0};
	int r;

	if (hd_content_is_none(&node->origin) || (head && hd_content_equal(&head->content, &node->origin)))
		return 0;
	r = hd_tree_view_list_references(capture->head_view, &origin, &listing);
	if (r < 0)
		return r;
	if (hd_canonical_same_entries(node, &listing)) {
		*tree = node->origin;
		r = 1;
	}
	hd_tree_view_listing_clear(&listing);
	return r;
}

int hd_capture_tree_put(const struct hd_capture_tree *capture, struct hd_canonical_place *place,
	const struct hd_tree_view_entry *head, const struct hd_tree_view_listing *head_listing,
	struct hd_snapshot_node *node, bool is_root)
{
	struct hd_directory directory = {.node = node, .is_root = is_root};
	struct hd_content tree = {0};
	int r = 0;

	/* Before the canonical name: since a rebase that is of another commit, and the head may have the tree by an older one. */
	if (head && hd_canonical_same_entries(node, head_listing)) {
		tree = head->content;
	} else {
		r = hd_canonical_name_directory(capture->canonical, place, node, &tree);
		if (r == 0)
			r = take_origin(capture, head, node, &tree);
	}
	if (r < 0)
		return r;
	node->content = tree;
	directory.needs_tree = hd_content_is_none(&tree) && node->n_children > 0;
	return capture->directories ? hd_directory_store_add(capture->directories, &directory)
				    : hd_directory_put(capture->objects, NULL, &directory);
}

/* Nothing but the changed entries tells it from the head's directory. */
static int put_partial(const struct hd_capture_tree *capture, struct frame *frame, bool is_root)
{
	struct hd_snapshot_node *node = frame->node;
	bool same = hd_canonical_same_entries(node, &frame->head_listing);
	struct hd_directory directory = {
		.node = node, .is_root = is_root, .needs_tree = !same, .tree_size = frame->tree_size};

	node->content = same ? frame->head.content : (struct hd_content){0};
	directory.tree = HD_STEAL(frame->tree);
	return hd_directory_store_add(capture->directories, &directory);
}

/* From now on the directory on top is one as any other. */
static int complete(const struct hd_capture_tree *capture, struct frame *frame)
{
	int r = hd_snapshot_complete(capture->snapshot, frame->node);

	if (r < 0)
		return r;
	frame->next_child = 0;
	hd_tree_view_listing_clear(&frame->head_listing);
	return hd_tree_view_list_references(capture->head_view, &frame->head, &frame->head_listing);
}

/* All children of the directory on top have their references, or were given to who makes them. */
static int store_directory(struct hd_capture_tree *capture, struct frame *frame, bool is_root)
{
	int r = frame->has_stored && capture->directories ? hd_directory_store_wait(capture->directories) : 0;

	if (r >= 0 && frame->node->partial && hd_canonical_may_name(capture->canonical, frame->node))
		r = complete(capture, frame);
	if (r < 0)
		return r;
	r = frame->node->partial
		    ? put_partial(capture, frame, is_root)
		    : hd_capture_tree_put(capture, frame->place, frame->has_head ? &frame->head : NULL,
			      &frame->head_listing, frame->node, is_root);

	return r < 0 || !frame->has_head ? r
					 : hd_tree_view_note_pair(capture->head_view, &frame->head,
						   &frame->head_listing, capture->snapshot_view, frame->node);
}

/*
 * Passes over files that are the head's already, as nearly all of a directory are: what has one name and its content is
 * named as it was.
 */
static size_t skip_unchanged(struct frame *frame)
{
	const struct hd_snapshot_node *node = frame->node;
	size_t begin = frame->next_child;

	for (; frame->next_child < node->n_children; frame->next_child++) {
		const struct hd_snapshot_node *child = &node->children[frame->next_child];
		const struct hd_tree_view_entry *head;

		if (!S_ISREG(child->attributes.mode) || child->unsettled || child->link_group)
			break;
		head = find_in_head(frame, child);
		if (!head || !hd_content_equal(&head->content, &child->content))
			break;
	}
	return frame->next_child - begin;
}

/* Stores the next child of the directory on top, or the directory itself. */
static int step(struct hd_capture_tree *capture, struct stack *stack)
{
	struct frame *frame = &stack->frames[stack->count - 1];
	const struct hd_tree_view_entry *head = NULL;
	struct hd_snapshot_node *child;
	int r = 0;

	r = hd_work_advance(skip_unchanged(frame));
	if (r < 0)
		return r;
	if (frame->next_child == frame->node->n_children) {
		r = store_directory(capture, frame, stack->count == 1);
		if (r < 0)
			return r;
		clear_frame(frame);
		if (--stack->count > 0)
			stack->frames[stack->count - 1].has_stored = true;
		return 0;
	}
	child = &frame->node->children[frame->next_child++];
	head = find_in_head(frame, child);
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	if (S_ISDIR(child->attributes.mode) && child->children)
		r = push(capture, stack, child, head);
	else if (S_ISDIR(child->attributes.mode))
		r = adopt_directory(capture, child, head);
	else if (has_bytes(child->attributes.mode))
		r = store_file(capture, child, head);
	return r;
}

struct node_list {
	struct hd_snapshot_node **nodes; /* owned array of borrowed nodes */
	size_t count, capacity;
};

static int add_node(struct node_list *list, struct hd_snapshot_node *node)
{
	if (HD_ARRAY_RESERVE(list->nodes, list->count, list->capacity) < 0)
		return -ENOMEM;
	list->nodes[list->count++] = node;
	return 0;
}

/* Adds what is below DIRECTORY: directories that may have changed files, and these. One of several names is for the walk. */
static int find_unsettled(
	struct hd_snapshot_node *directory, struct node_list *directories, struct node_list *files)
{
	int r = 0;

	for (size_t i = 0; i < directory->n_children && r == 0; i++) {
		struct hd_snapshot_node *child = &directory->children[i];

		if (child->children)
			r = add_node(directories, child);
		else if (child->unsettled && S_ISREG(child->attributes.mode) && !child->link_group)
			r = add_node(files, child);
	}
	return r;
}

/* Changed files, many at a time. What fails here fails again in the walk, which knows its path. */
static int settle_files(struct hd_capture_tree *capture)
{
	struct node_list directories = {0}, files = {0};
	int r = add_node(&directories, capture->root);

	for (size_t i = 0; i < directories.count && r == 0; i++)
		r = find_unsettled(directories.nodes[i], &directories, &files);
	if (r == 0 && files.count > 1)
		r = hd_snapshot_settle_all(capture->snapshot, files.nodes, files.count);
	free(directories.nodes);
	free(files.nodes);
	if (r == 0 || r == -HD_E_INTERRUPTED)
		return r;
	hd_error_clear();
	return 0;
}

/* Puts the path of what a step failed at before the detail. */
static int fail_at(const struct stack *stack, int r)
{
	HD_AUTO_BUFFER struct hd_buffer path = {0};

	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];

		if (frame->next_child == 0)
			break;
		hd_buffer_printf(
			&path, "%s%s", i > 0 ? "/" : "", frame->node->children[frame->next_child - 1].name);
	}
	hd_buffer_put_u8(&path, 0);
	if (hd_buffer_status(&path) < 0)
		return r;
	return hd_fail_in(r, "store '%s'", path.size > 1 ? (const char *)path.data : ".");
}

int hd_capture_tree_store(struct hd_capture_tree *capture)
{
	struct hd_snapshot_node *root = capture->root;
	struct hd_tree_view_entry head;
	struct stack stack = {0};
	int r;

	hd_work_step(HD_WORK_STORING_FILES, hd_snapshot_count(capture->snapshot));
	hd_tree_view_root(capture->head_view, &head);
	if (!root->children)
		return adopt_directory(capture, root, &head);
	r = settle_files(capture);
	if (r >= 0 && !capture->singly)
		r = hd_directory_store_new(capture->objects, &capture->directories);
	if (r >= 0)
		r = push(capture, &stack, root, &head);
	while (r >= 0 && stack.count > 0)
		r = step(capture, &stack);
	if (r >= 0 && capture->directories)
		r = hd_directory_store_finish(capture->directories);
	if (r < 0 && r != -HD_E_INTERRUPTED)
		r = fail_at(&stack, r);
	for (size_t i = 0; i < stack.count; i++)
		clear_frame(&stack.frames[i]);
	free(stack.frames);
	hd_directory_store_free(capture->directories);
	capture->directories = NULL;
	return r;
}

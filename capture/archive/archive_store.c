/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/archive_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture_tree.h"
#include "capture/compare/same_content.h"
#include "overlay/platform/array.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * Bottom-up, as capture_tree.c does it, with the nodes of one way from the root to a leaf at a time. Texts and extended
 * attributes of nodes are borrowed from the tree.
 */

struct frame {
	struct hd_snapshot_node node;   /* its children are owned */
	const uint32_t *names;          /* owned: the children's, in the same order */
	struct hd_tree_view_entry head; /* the parent state's directory of this name, if has_head */
	struct hd_tree_view_listing head_listing;
	struct hd_canonical_place *place; /* owned */
	size_t next_child;
	bool has_head;
};

struct storing {
	const struct hd_archive_tree *tree;
	struct hd_capture_tree capture;
	struct frame *frames; /* owned array */
	size_t count, capacity;
};

static void fill_node(const struct hd_archive_tree *tree, uint32_t name, struct hd_snapshot_node *ret_node)
{
	const struct hd_archive_name *from = &tree->names[name];
	const struct hd_archive_file *file = &tree->files[from->file];

	*ret_node = (struct hd_snapshot_node){
		.name = from->text,
		.name_length = (uint16_t)strlen(from->text),
		.attributes = {.mode = file->mode,
			.nlink = file->links,
			.uid = file->uid,
			.gid = file->gid,
			.device = file->device,
			.size = file->size,
			.access_time = file->access_time,
			.modify_time = file->modify_time,
			.change_time = file->change_time,
			.birth_time = file->birth_time},
		.content = file->content,
		.link_group = file->links > 1 ? from->file + 1ull : 0,
		.xattrs = file->xattrs,
		.xattrs_size = file->xattrs_size,
	};
}

/* qsort_r's payload is GNU's. */
static int compare_names(const void *a, const void *b, void *payload)
{
	const struct hd_archive_tree *tree = payload;
	const char *left = tree->names[*(const uint32_t *)a].text;
	const char *right = tree->names[*(const uint32_t *)b].text;

	return hd_tree_compare_names(left, strlen(left), right, strlen(right));
}

static int fill_children(const struct hd_archive_tree *tree, uint32_t directory, struct frame *frame)
{
	size_t count = 0, at = 0;
	uint32_t *names;

	for (uint32_t child = tree->names[directory].first_child; child; child = tree->names[child].next)
		count++;
	names = calloc(count + 1, sizeof(*names));
	frame->names = names;
	frame->node.children = calloc(count + 1, sizeof(*frame->node.children));
	if (!names || !frame->node.children)
		return -ENOMEM;
	for (uint32_t child = tree->names[directory].first_child; child; child = tree->names[child].next)
		names[at++] = child;
	qsort_r(names, count, sizeof(*names), compare_names, (void *)(uintptr_t)tree);
	for (size_t i = 0; i < count; i++)
		fill_node(tree, names[i], &frame->node.children[i]);
	frame->node.n_children = count;
	return 0;
}

static void pop(struct storing *storing)
{
	struct frame *frame = &storing->frames[--storing->count];

	hd_tree_view_listing_clear(&frame->head_listing);
	hd_canonical_leave(frame->place);
	free(frame->node.children);
	free((void *)(uintptr_t)frame->names);
}

static int push(struct storing *storing, uint32_t name, const struct hd_tree_view_entry *head)
{
	struct hd_canonical_place *above;
	struct frame *frame;
	int r;

	if (HD_ARRAY_RESERVE(storing->frames, storing->count, storing->capacity) < 0)
		return -ENOMEM;
	frame = &storing->frames[storing->count++];
	*frame = (struct frame){.has_head = head != NULL};
	fill_node(storing->tree, name, &frame->node);
	above = storing->count > 1 ? storing->frames[storing->count - 2].place : NULL;
	r = fill_children(storing->tree, name, frame);
	if (r >= 0)
		r = hd_canonical_enter(above, frame->node.name, frame->node.name_length, &frame->place);
	if (r < 0 || !head)
		return r;
	frame->head = *head;
	return hd_tree_view_list(storing->capture.head_view, head, &frame->head_listing);
}

static const struct hd_tree_view_entry *find_in_head(
	const struct frame *frame, const struct hd_snapshot_node *node)
{
	const struct hd_tree_view_entry *entry =
		hd_tree_view_listing_find(&frame->head_listing, node->name, node->name_length);

	return entry && (entry->mode & S_IFMT) == (node->attributes.mode & S_IFMT) ? entry : NULL;
}

/* Gives a file the canonical name of its bytes, or the parent state's where these are the same. */
static int name_bytes(
	struct storing *storing, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head)
{
	struct hd_tree_view *view = storing->capture.head_view;
	struct hd_tree_view_entry entry;
	bool same = false;
	int r = hd_canonical_name_file(storing->capture.canonical, node, head);

	if (r != 0 || !head)
		return r < 0 ? r : 0;
	hd_tree_view_entry_of_node(node, &entry);
	r = hd_same_bytes(view, head, view, &entry, &same);
	if (r >= 0 && same)
		node->content = head->content;
	return r;
}

static int name_file(
	struct storing *storing, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head)
{
	struct hd_content settled = node->content;
	int r;

	if (!hd_linked_files_take(&storing->capture.linked, node))
		return 0;
	r = name_bytes(storing, node, head);
	return r < 0 ? r : hd_linked_files_keep(&storing->capture.linked, node, &settled);
}

static int finish_directory(struct storing *storing)
{
	struct frame *frame = &storing->frames[storing->count - 1];
	struct hd_snapshot_node *above;
	int r = hd_capture_tree_put(&storing->capture, frame->place, frame->has_head ? &frame->head : NULL,
		&frame->head_listing, &frame->node, storing->count == 1);

	if (r < 0 || storing->count == 1)
		return r;
	above = &storing->frames[storing->count - 2].node;
	above = &above->children[storing->frames[storing->count - 2].next_child - 1];
	above->content = frame->node.content;
	above->attribute_content = frame->node.attribute_content;
	pop(storing);
	return 0;
}

/* Stores the next child of the directory on top, or the directory. 1 when the root is stored. */
static int step(struct storing *storing)
{
	struct frame *frame = &storing->frames[storing->count - 1];
	const struct hd_tree_view_entry *head;
	struct hd_snapshot_node *child;
	uint32_t name;
	int r;

	if (frame->next_child == frame->node.n_children) {
		bool is_root = storing->count == 1;

		r = finish_directory(storing);
		return r < 0 ? r : is_root;
	}
	name = frame->names[frame->next_child];
	child = &frame->node.children[frame->next_child++];
	head = find_in_head(frame, child);
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	if (S_ISDIR(child->attributes.mode))
		r = push(storing, name, head);
	else if (S_ISREG(child->attributes.mode) || S_ISLNK(child->attributes.mode))
		r = name_file(storing, child, head);
	return r < 0 ? hd_fail_in(r, "'%s'", storing->tree->names[name].text) : 0;
}

static int store_all(struct storing *storing, struct hd_state *state)
{
	struct hd_tree_view_entry head;
	int r;

	hd_work_step(HD_WORK_STORING_FILES, storing->tree->n_names);
	hd_tree_view_root(storing->capture.head_view, &head);
	r = push(storing, 0, &head);
	while (r == 0)
		r = step(storing);
	if (r < 0)
		return r;
	state->tree = storing->frames[0].node.content;
	state->attributes = storing->frames[0].node.attribute_content;
	state->root_mode = storing->frames[0].node.attributes.mode & 07777;
	return 0;
}

int hd_archive_store(const struct hd_archive_tree *tree, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_state *parent, struct hd_state *state)
{
	struct storing storing = {.tree = tree, .capture = {.objects = store->objects}};
	int r;

	r = hd_canonical_new_at(store, bases, &parent->id, &storing.capture.canonical);
	if (r >= 0)
		r = hd_tree_view_of_state(bases, parent, &storing.capture.head_view);
	storing.capture.snapshot_view = storing.capture.head_view;
	if (r >= 0)
		r = store_all(&storing, state);
	while (storing.count > 0)
		pop(&storing);
	free(storing.frames);
	hd_linked_files_clear(&storing.capture.linked);
	hd_tree_view_free(storing.capture.head_view);
	hd_canonical_free(storing.capture.canonical);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/export_layer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/archive/link_names.h"
#include "capture/compare/same_content.h"
#include "capture/trees/canonical_content.h"
#include "capture/trees/tree_nodes.h"
#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * Both trees are walked side by side, on a stack of our own. A directory is written before the first thing in it that is
 * written, or because it differs itself. Equal references with equal attribute objects are not entered.
 *
 * Whiteouts are one for each name. The specification knows a shorter way for directories that were replaced, and asks
 * those who write layers not to take it.
 */

#define WHITEOUT ".wh."

/* A directory in both trees, or in the new one alone: then the old one has no children. */
struct frame {
	struct hd_snapshot_node old, new; /* children are owned, all else is borrowed from the frame above */
	size_t next_old, next_new;
	size_t path_size;
	bool written;
};

struct layer {
	const struct hd_export_layer *job;
	struct hd_tree_view *old_view, *new_view; /* owned */
	struct hd_base_directory old_fallback, new_fallback;
	struct hd_tar_writer *writer; /* owned */
	struct hd_link_names links;
	struct frame *frames; /* owned array */
	size_t count, capacity;
	struct hd_buffer path;
	struct hd_export_tar_result result;
	uint64_t whiteouts;
};

static int set_path(struct layer *layer, size_t parent_size, const char *prefix, const char *name)
{
	layer->path.size = parent_size;
	if (parent_size > 0 && *name)
		hd_buffer_put_u8(&layer->path, '/');
	hd_buffer_put_text(&layer->path, prefix);
	hd_buffer_put_text(&layer->path, name);
	hd_buffer_put_u8(&layer->path, 0);
	layer->path.size--;
	return hd_buffer_status(&layer->path);
}

static const char *path_of(const struct layer *layer)
{
	return layer->path.size > 0 ? (const char *)layer->path.data : "./";
}

/* ---- differences ---- */

static bool same_status(const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	const struct hd_attributes *left = &a->attributes, *right = &b->attributes;

	return hd_canonical_mode(left->mode) == hd_canonical_mode(right->mode) && left->uid == right->uid &&
	       left->gid == right->gid && hd_clock_is_same(&left->modify_time, &right->modify_time) &&
	       hd_canonical_device(left->mode, left->device) ==
		       hd_canonical_device(right->mode, right->device) &&
	       a->xattrs_size == b->xattrs_size &&
	       (a->xattrs_size == 0 || memcmp(a->xattrs, b->xattrs, a->xattrs_size) == 0);
}

static int is_same_file(struct layer *layer, const struct hd_snapshot_node *old,
	const struct hd_snapshot_node *new, bool *ret_same)
{
	struct hd_tree_view_entry old_entry, new_entry;

	*ret_same = same_status(old, new) && !old->link_group == !new->link_group &&
		    (!old->link_group || old->attributes.nlink == new->attributes.nlink);
	if (!*ret_same || (!S_ISREG(new->attributes.mode) && !S_ISLNK(new->attributes.mode)))
		return 0;
	hd_tree_view_entry_of_node((struct hd_snapshot_node *)(uintptr_t)old, &old_entry);
	hd_tree_view_entry_of_node((struct hd_snapshot_node *)(uintptr_t) new, &new_entry);
	return hd_same_bytes(layer->old_view, &old_entry, layer->new_view, &new_entry, ret_same);
}

/* ---- writing ---- */

static bool has_default_list(const struct hd_snapshot_node *directory)
{
	const struct hd_buffer string = {.data = directory->xattrs, .size = directory->xattrs_size};
	struct hd_extended_attribute list;

	return hd_attribute_find(&string, HD_ACL_DEFAULT, &list);
}

static void add_no_list(struct hd_buffer *string, const char *name)
{
	static const uint8_t no_entries[] = {2, 0, 0, 0};
	struct hd_extended_attribute list;

	if (!hd_attribute_find(string, name, &list))
		hd_attribute_put(string, name, no_entries, sizeof(no_entries));
}

/*
 * Who unpacks a layer makes the files of a directory when that has its default list already, and the kernel gives them lists
 * by it. What has none says so: an empty list takes the one that is there away.
 */
static int put_node(struct layer *layer, const char *path, const struct hd_snapshot_node *parent,
	const struct hd_snapshot_node *node, const char *link_to)
{
	HD_AUTO_BUFFER struct hd_buffer string = {0};
	struct hd_snapshot_node said = *node;
	int r;

	if (!has_default_list(parent) || S_ISLNK(node->attributes.mode))
		return hd_tar_writer_put(layer->writer, path, node, link_to);
	hd_buffer_put(&string, node->xattrs, node->xattrs_size);
	add_no_list(&string, HD_ACL_ACCESS);
	if (S_ISDIR(node->attributes.mode))
		add_no_list(&string, HD_ACL_DEFAULT);
	said.xattrs = string.data;
	said.xattrs_size = (uint32_t)string.size;
	r = hd_buffer_status(&string);
	return r < 0 ? r : hd_tar_writer_put(layer->writer, path, &said, link_to);
}

/* The directories above what is written next, as far as they were not. */
static int write_above(struct layer *layer)
{
	/* The root is there in every image, and is written only because of itself. */
	for (size_t i = 1; i < layer->count; i++) {
		struct frame *frame = &layer->frames[i];
		HD_AUTO_FREE char *path = NULL;
		int r;

		if (frame->written)
			continue;
		path = strndup((const char *)layer->path.data, frame->path_size);
		r = path ? put_node(layer, path, &layer->frames[i - 1].new, &frame->new, NULL) : -ENOMEM;
		if (r < 0)
			return r;
		frame->written = true;
		layer->result.entries++;
	}
	return 0;
}

static int write_node(struct layer *layer, const struct hd_snapshot_node *node)
{
	const char *first = NULL;
	int r = write_above(layer);

	if (r >= 0 && node->link_group)
		r = hd_link_names_first(
			&layer->links, node->link_group, node->attributes.nlink, path_of(layer), &first);
	if (r >= 0 && layer->count > 0)
		r = put_node(layer, path_of(layer), &layer->frames[layer->count - 1].new, node, first);
	else if (r >= 0)
		r = hd_tar_writer_put(layer->writer, path_of(layer), node, first);
	layer->result.entries++;
	return r;
}

static int write_whiteout(struct layer *layer, const char *name)
{
	const struct frame *frame = &layer->frames[layer->count - 1];
	int r = set_path(layer, frame->path_size, WHITEOUT, name);

	if (r >= 0)
		r = write_above(layer);
	if (r >= 0)
		r = hd_tar_writer_put_mark(layer->writer, path_of(layer));
	layer->result.entries++;
	layer->whiteouts++;
	return r;
}

/* ---- walking ---- */

/* OLD NULL: the directory is new. The path is set to it. */
static int push(struct layer *layer, const struct hd_snapshot_node *old, const struct hd_snapshot_node *new,
	bool written)
{
	struct hd_base_set *bases = layer->job->bases;
	struct frame *frame;
	int r = 0;

	if (HD_ARRAY_RESERVE(layer->frames, layer->count, layer->capacity) < 0)
		return -ENOMEM;
	frame = &layer->frames[layer->count++];
	*frame = (struct frame){.new = *new, .path_size = layer->path.size, .written = written};
	if (old) {
		frame->old = *old;
		r = hd_tree_node_list(bases, &layer->old_fallback, &frame->old);
	}
	return r < 0 ? r : hd_tree_node_list(bases, &layer->new_fallback, &frame->new);
}

static void pop(struct layer *layer)
{
	struct frame *frame = &layer->frames[--layer->count];

	hd_tree_node_clear_children(&frame->old);
	hd_tree_node_clear_children(&frame->new);
}

static bool is_same_below(const struct hd_snapshot_node *old, const struct hd_snapshot_node *new)
{
	return hd_content_equal(&old->content, &new->content) &&
	       hd_content_equal(&old->attribute_content, &new->attribute_content);
}

static int compare_directory(
	struct layer *layer, const struct hd_snapshot_node *old, const struct hd_snapshot_node *new)
{
	bool same = same_status(old, new);
	int r = same ? 0 : write_node(layer, new);

	return r < 0 || is_same_below(old, new) ? r : push(layer, old, new, !same);
}

/* What no archive has, of sockets and of names that mean something else in a layer, no layer takes away. */
static bool can_be_in_layer(const struct hd_snapshot_node *node)
{
	return !S_ISSOCK(node->attributes.mode) && strncmp(node->name, WHITEOUT, strlen(WHITEOUT)) != 0;
}

/* A socket is left out; what was there before it is gone all the same. */
static int leave_out(
	struct layer *layer, const struct hd_snapshot_node *old, const struct hd_snapshot_node *socket)
{
	layer->result.sockets++;
	return old && can_be_in_layer(old) ? write_whiteout(layer, socket->name) : 0;
}

/* NEW, with OLD of the same name or NULL; the path is set. */
static int compare_node(
	struct layer *layer, const struct hd_snapshot_node *old, const struct hd_snapshot_node *new)
{
	const struct hd_snapshot_node *replaced = NULL;
	bool same = false;
	int r = 0;

	if (strncmp(new->name, WHITEOUT, strlen(WHITEOUT)) == 0)
		return hd_fail(EINVAL, "it would be taken for a whiteout");
	if (old && (old->attributes.mode & S_IFMT) != (new->attributes.mode &S_IFMT)) {
		replaced = old;
		old = NULL;
	}
	if (old && S_ISDIR(new->attributes.mode))
		return compare_directory(layer, old, new);
	if (old)
		r = is_same_file(layer, old, new, &same);
	if (r < 0 || same)
		return r;
	if (S_ISSOCK(new->attributes.mode))
		return leave_out(layer, replaced, new);
	r = write_node(layer, new);
	return r >= 0 && S_ISDIR(new->attributes.mode) ? push(layer, NULL, new, true) : r;
}

/* Which of the next two names comes first: below 0 the old one, above 0 the new one. */
static int order_of(const struct frame *frame)
{
	const struct hd_snapshot_node *old, *new;

	if (frame->next_old == frame->old.n_children)
		return 1;
	if (frame->next_new == frame->new.n_children)
		return -1;
	old = &frame->old.children[frame->next_old];
	new = &frame->new.children[frame->next_new];
	return hd_tree_compare_names(old->name, old->name_length, new->name, new->name_length);
}

static int step(struct layer *layer)
{
	struct frame *frame = &layer->frames[layer->count - 1];
	const struct hd_snapshot_node *old = NULL, *new = NULL;
	int order, r;

	if (frame->next_old == frame->old.n_children && frame->next_new == frame->new.n_children) {
		pop(layer);
		return 0;
	}
	order = order_of(frame);
	if (order <= 0)
		old = &frame->old.children[frame->next_old++];
	if (order >= 0)
		new = &frame->new.children[frame->next_new++];
	r = hd_work_advance(1);
	if (r < 0)
		return r;
	if (!new)
		return can_be_in_layer(old) ? write_whiteout(layer, old->name) : 0;
	r = set_path(layer, frame->path_size, "", new->name);
	if (r >= 0)
		r = compare_node(layer, old, new);
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "'%s'", path_of(layer)) : r;
}

static int walk(struct layer *layer)
{
	const struct hd_export_layer *job = layer->job;
	struct hd_snapshot_node old = {0}, new = {0};
	int r = hd_tree_node_root(job->store, job->bases, job->from, &old, &layer->old_fallback);

	if (r >= 0)
		r = hd_tree_node_root(job->store, job->bases, job->to, &new, &layer->new_fallback);
	if (r >= 0)
		r = set_path(layer, 0, "", "");
	if (r >= 0)
		r = compare_directory(layer, &old, &new);
	while (r >= 0 && layer->count > 0)
		r = step(layer);
	while (layer->count > 0)
		pop(layer);
	hd_tree_node_clear(&old);
	hd_tree_node_clear(&new);
	return r;
}

int hd_export_layer(const struct hd_export_layer *job, int fd, enum hd_archive_compression compression,
	struct hd_export_tar_result *ret_result, uint64_t *ret_whiteouts)
{
	struct layer layer = {.job = job};
	int r;

	hd_work_step(HD_WORK_WRITING_FILES, 0);
	r = hd_tree_view_of_state(job->bases, job->from, &layer.old_view);
	if (r >= 0)
		r = hd_tree_view_of_state(job->bases, job->to, &layer.new_view);
	if (r >= 0)
		r = hd_tar_writer_new(job->bases, fd, compression, &layer.writer);
	if (r >= 0) {
		hd_tar_writer_repeat_lists(layer.writer);
		r = walk(&layer);
	}
	if (r >= 0)
		r = hd_tar_writer_finish(layer.writer, &layer.result.bytes);
	hd_tar_writer_free(layer.writer);
	hd_tree_view_free(layer.old_view);
	hd_tree_view_free(layer.new_view);
	hd_link_names_clear(&layer.links);
	hd_buffer_clear(&layer.path);
	free(layer.frames);
	if (r < 0)
		return r;
	*ret_result = layer.result;
	*ret_whiteouts = layer.whiteouts;
	return 0;
}

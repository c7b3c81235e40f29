/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/link_counts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/directory_store.h"
#include "capture/trees/tree_nodes.h"
#include "overlay/platform/array.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/link_group.h"
#include "overlay/store/tree_codec.h"

/*
 * First the names that differ between the two trees are looked at. Where all names of a file are among them, on each side, none is
 * left in what both have, and the numbers are right. Of other files the names are counted, in the whole tree.
 *
 * Names of one file and of two times may have the same bytes, and other permissions, owners or times: they would have those of
 * whichever somebody looks at first. So they are two files from now on, and get a group each.
 *
 * The order of a walk does not matter, so directories wait in arrays: in pairs while two trees are compared, and then as a list in
 * which each comes after the one that it is in. From its end it is gone through to write what changed, with what is above.
 */

struct pair {
	struct hd_content content[2], attributes[2];
};

/* A name of the trees, or, of all that are the same but for the directory, one. */
struct name {
	uint64_t group;
	uint64_t look;  /* a checksum of what a file has beside its bytes */
	uint32_t links; /* what the name says */
	bool is_new;    /* of two trees that are compared: it is of the second one */
	/* Of a file: */
	uint64_t new_group;
	uint32_t count;
};

struct directory {
	struct hd_content content, attributes;
	uint32_t above;               /* index of the one that it is in, of the root: 0 */
	uint32_t position;            /* in the listing of that one */
	uint32_t first_new, next_new; /* those in it that were written anew, as indexes; 0: none */
	bool looked_for;              /* a name in it is of a file that is counted */
};

struct counting {
	struct hd_store *store; /* borrowed */
	struct hd_base_set *bases;
	struct hd_base_directory fallback;
	struct hd_snapshot_node root;
	struct pair *pairs; /* owned */
	size_t n_pairs, pairs_capacity;
	struct name *
		names; /* owned: those that differ; then one of each group that is counted, a new one if there is any */
	size_t n_names, names_capacity;
	struct directory *directories; /* owned */
	size_t n_directories, directories_capacity;
	struct name *files; /* owned: all names of these groups; then one of each file, sorted */
	size_t n_files, files_capacity;
};

static void counting_clear(struct counting *counting)
{
	hd_tree_node_clear(&counting->root);
	free(counting->pairs);
	free(counting->names);
	free(counting->directories);
	free(counting->files);
}

static uint64_t group_of(const struct hd_snapshot_node *node)
{
	return hd_link_group_kept(node->link_group, &node->content);
}

/* Not the time of the last change, which a restore moves, nor that of the last access. */
static uint64_t look_of(const struct hd_snapshot_node *node)
{
	const struct hd_attributes *attributes = &node->attributes;
	const uint64_t values[] = {attributes->mode, attributes->uid, attributes->gid,
		(uint64_t)attributes->modify_time.tv_sec, (uint64_t)attributes->modify_time.tv_nsec,
		hd_checksum64(node->xattrs_size ? node->xattrs : "", node->xattrs_size)};

	return hd_checksum64(values, sizeof(values));
}

static struct name name_of(const struct hd_snapshot_node *node)
{
	return (struct name){.group = group_of(node), .look = look_of(node), .links = node->attributes.nlink};
}

/* ---- what differs ---- */

static int note_name(struct counting *counting, const struct hd_snapshot_node *node, bool is_new)
{
	if (!node || S_ISDIR(node->attributes.mode) || !node->link_group)
		return 0;
	if (HD_ARRAY_RESERVE(counting->names, counting->n_names, counting->names_capacity) < 0)
		return -ENOMEM;
	counting->names[counting->n_names] = name_of(node);
	counting->names[counting->n_names++].is_new = is_new;
	return 0;
}

static int note_pair(struct counting *counting, const struct hd_snapshot_node *before,
	const struct hd_snapshot_node *after)
{
	struct pair pair = {0};

	if (before && S_ISDIR(before->attributes.mode)) {
		pair.content[0] = before->content;
		pair.attributes[0] = before->attribute_content;
	}
	if (after && S_ISDIR(after->attributes.mode)) {
		pair.content[1] = after->content;
		pair.attributes[1] = after->attribute_content;
	}
	if (hd_content_equal(&pair.content[0], &pair.content[1]) &&
		hd_content_equal(&pair.attributes[0], &pair.attributes[1]))
		return 0;
	if (HD_ARRAY_RESERVE(counting->pairs, counting->n_pairs, counting->pairs_capacity) < 0)
		return -ENOMEM;
	counting->pairs[counting->n_pairs++] = pair;
	return 0;
}

static bool is_same_name(const struct hd_snapshot_node *a, const struct hd_snapshot_node *b)
{
	return a && b && !S_ISDIR(a->attributes.mode) && !S_ISDIR(b->attributes.mode) &&
	       group_of(a) == group_of(b) && a->attributes.nlink == b->attributes.nlink &&
	       look_of(a) == look_of(b);
}

static int compare_child(struct counting *counting, const struct hd_snapshot_node *before,
	const struct hd_snapshot_node *after)
{
	int r = 0;

	if (!is_same_name(before, after)) {
		r = note_name(counting, before, false);
		if (r >= 0)
			r = note_name(counting, after, true);
	}
	return r < 0 ? r : note_pair(counting, before, after);
}

static int compare_listings(struct counting *counting, const struct hd_snapshot_node *before,
	const struct hd_snapshot_node *after)
{
	int r = 0;

	for (size_t i = 0, j = 0; (i < before->n_children || j < after->n_children) && r >= 0;) {
		const struct hd_snapshot_node *a = i < before->n_children ? &before->children[i] : NULL;
		const struct hd_snapshot_node *b = j < after->n_children ? &after->children[j] : NULL;
		int order = !a   ? 1
			    : !b ? -1
				 : hd_tree_compare_names(a->name, a->name_length, b->name, b->name_length);

		r = compare_child(counting, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

/* Directories in which no name can be of a hard-linked file: git has none, and a capture tells of its own. */
static bool is_without_links(const struct hd_content *content, const struct hd_content *attributes)
{
	return hd_content_is_none(content) ||
	       (hd_content_is_none(attributes) && content->kind != HD_CONTENT_HOST);
}

static int list(struct counting *counting, const struct hd_content *content,
	const struct hd_content *attributes, struct hd_snapshot_node *ret_node)
{
	int r = hd_work_advance(0);

	*ret_node = (struct hd_snapshot_node){.content = *content, .attribute_content = *attributes};
	if (r < 0 || is_without_links(content, attributes))
		return r;
	return hd_tree_node_list(counting->bases, &counting->fallback, ret_node);
}

static int compare_pair(struct counting *counting)
{
	struct pair pair = counting->pairs[--counting->n_pairs];
	struct hd_snapshot_node before, after = {0};
	int r = list(counting, &pair.content[0], &pair.attributes[0], &before);

	if (r >= 0)
		r = list(counting, &pair.content[1], &pair.attributes[1], &after);
	if (r >= 0)
		r = compare_listings(counting, &before, &after);
	hd_tree_node_clear_children(&before);
	hd_tree_node_clear_children(&after);
	return r;
}

/* ---- which files are counted ---- */

static int compare_groups(const void *a, const void *b)
{
	const struct name *left = a, *right = b;

	return left->group < right->group ? -1 : left->group > right->group;
}

/* One name of each group of which some names may be where nothing differs. */
static void keep_cut(struct counting *counting)
{
	size_t kept = 0;

	if (counting->n_names > 0)
		qsort(counting->names, counting->n_names, sizeof(*counting->names), compare_groups);
	for (size_t i = 0, next; i < counting->n_names; i = next) {
		struct name kind = counting->names[i];
		uint32_t found[2] = {0};
		bool alike = true;

		for (next = i; next < counting->n_names && counting->names[next].group == kind.group;
			next++) {
			const struct name *name = &counting->names[next];

			found[name->is_new]++;
			alike = alike && name->links == kind.links && name->look == kind.look;
			if (name->is_new)
				kind = *name;
		}
		if (!alike || (found[0] && found[0] != kind.links) || (found[1] && found[1] != kind.links))
			counting->names[kept++] = kind;
	}
	counting->n_names = kept;
}

/* ---- counting ---- */

static int add_directory(
	struct counting *counting, const struct hd_snapshot_node *node, size_t above, size_t position)
{
	if (is_without_links(&node->content, &node->attribute_content))
		return 0;
	if (HD_ARRAY_RESERVE(counting->directories, counting->n_directories, counting->directories_capacity) <
		0)
		return -ENOMEM;
	counting->directories[counting->n_directories++] = (struct directory){.content = node->content,
		.attributes = node->attribute_content,
		.above = (uint32_t)above,
		.position = (uint32_t)position};
	return 0;
}

static const struct name *find_group(const struct counting *counting, const struct hd_snapshot_node *node)
{
	const struct name key = {.group = group_of(node)};

	return !key.group || S_ISDIR(node->attributes.mode)
		       ? NULL
		       : bsearch(&key, counting->names, counting->n_names, sizeof(key), compare_groups);
}

static int count_name(struct counting *counting, const struct hd_snapshot_node *node, size_t directory)
{
	if (!find_group(counting, node))
		return 0;
	if (HD_ARRAY_RESERVE(counting->files, counting->n_files, counting->files_capacity) < 0)
		return -ENOMEM;
	counting->files[counting->n_files] = name_of(node);
	counting->n_files++;
	counting->directories[directory].looked_for = true;
	return 0;
}

static int count_directory(struct counting *counting, size_t index)
{
	const struct directory *directory = &counting->directories[index];
	struct hd_snapshot_node node;
	int r = list(counting, &directory->content, &directory->attributes, &node);

	for (size_t i = 0; i < node.n_children && r >= 0; i++) {
		r = S_ISDIR(node.children[i].attributes.mode)
			    ? add_directory(counting, &node.children[i], index, i)
			    : count_name(counting, &node.children[i], index);
	}
	hd_tree_node_clear_children(&node);
	return r;
}

static int compare_files(const void *a, const void *b)
{
	const struct name *left = a, *right = b;
	int order = compare_groups(a, b);

	return order ? order : left->look < right->look ? -1 : left->look > right->look;
}

/* The files of one group, from FILES on. One keeps the group, and stays the file that it is: a name that did not come with AFTER. */
static void draw_groups(const struct counting *counting, struct name *files, size_t count)
{
	const struct name *kind =
		bsearch(files, counting->names, counting->n_names, sizeof(*counting->names), compare_groups);
	size_t keeper = 0;

	while (keeper + 1 < count && kind && kind->is_new && files[keeper].look == kind->look)
		keeper++;
	for (size_t i = 0; i < count; i++)
		files[i].new_group = files[i].group ^ (i == keeper ? 0 : files[i].look & ((1ull << 40) - 1));
}

/* Puts the names of one file together, with their number. */
static void keep_files(struct counting *counting)
{
	struct name *files = counting->files;
	size_t kept = 0, first = 0;

	if (counting->n_files > 0)
		qsort(files, counting->n_files, sizeof(*files), compare_files);
	for (size_t i = 0, next; i < counting->n_files; i = next) {
		for (next = i; next < counting->n_files && compare_files(&files[i], &files[next]) == 0;
			next++)
			;
		if (files[i].group != files[first].group) {
			draw_groups(counting, &files[first], kept - first);
			first = kept;
		}
		files[kept] = files[i];
		files[kept++].count = (uint32_t)(next - i);
	}
	if (kept > first)
		draw_groups(counting, &files[first], kept - first);
	counting->n_files = kept;
}

static int count(struct counting *counting)
{
	int r = add_directory(counting, &counting->root, 0, 0);

	for (size_t i = 0; i < counting->n_directories && r >= 0; i++)
		r = count_directory(counting, i);
	if (r >= 0)
		keep_files(counting);
	return r;
}

/* ---- writing ---- */

static bool correct_name(const struct counting *counting, struct hd_snapshot_node *node)
{
	const struct name key = name_of(node);
	const struct name *file = find_group(counting, node);

	if (file)
		file = bsearch(&key, counting->files, counting->n_files, sizeof(key), compare_files);
	if (!file || (file->count == key.links && file->new_group == key.group))
		return false;
	node->attributes.nlink = file->count;
	node->link_group = file->new_group;
	return true;
}

/* Whether anything in the directory is another than it says. */
static bool correct(
	const struct counting *counting, const struct directory *directory, struct hd_snapshot_node *node)
{
	bool changed = false;

	for (size_t i = 0; i < node->n_children; i++)
		changed = correct_name(counting, &node->children[i]) || changed;
	for (uint32_t at = directory->first_new; at; at = counting->directories[at].next_new) {
		const struct directory *below = &counting->directories[at];

		/* A directory of a host may have become another between two looks. */
		if (below->position < node->n_children &&
			hd_content_equal(&node->children[below->position].content, &below->content)) {
			node->children[below->position].attribute_content = below->attributes;
			changed = true;
		}
	}
	return changed;
}

/* 1: it was written. */
static int write_directory(struct counting *counting, size_t index)
{
	struct directory *directory = &counting->directories[index];
	struct hd_snapshot_node node;
	int r = list(counting, &directory->content, &directory->attributes, &node);
	bool changed = r >= 0 && correct(counting, directory, &node);

	if (index == 0) {
		node.attributes = counting->root.attributes;
		node.xattrs = counting->root.xattrs;
		node.xattrs_size = counting->root.xattrs_size;
	}
	if (changed)
		r = hd_directory_put_attributes(
			counting->store->objects, NULL, &node, index == 0, &directory->attributes);
	hd_tree_node_clear_children(&node);
	return r < 0 ? r : changed;
}

static int write_changed(struct counting *counting, struct hd_state *after)
{
	int r = 0;

	for (size_t i = counting->n_directories; i-- > 0 && r >= 0;) {
		struct directory *directory = &counting->directories[i], *above;

		if (!directory->looked_for && !directory->first_new)
			continue;
		r = write_directory(counting, i);
		if (r <= 0 || i == 0)
			continue;
		above = &counting->directories[directory->above];
		directory->next_new = above->first_new;
		above->first_new = (uint32_t)i;
	}
	if (r >= 0 && counting->n_directories > 0)
		after->attributes = counting->directories[0].attributes;
	return r < 0 ? r : 0;
}

int hd_link_counts_mend(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *before,
	struct hd_state *after)
{
	HD_CLEANUP(counting_clear) struct counting counting = {.store = store, .bases = bases};
	struct hd_snapshot_node old = {0};
	struct hd_state like = *before; /* owns nothing */
	int r;

	like.tree = after->tree;
	like.attributes = after->attributes;
	like.root_mode = after->root_mode;
	r = hd_tree_node_root(store, bases, &like, &counting.root, &counting.fallback);
	if (r >= 0)
		r = hd_tree_node_root(store, bases, before, &old, &counting.fallback);
	if (r >= 0)
		r = note_pair(&counting, &old, &counting.root);
	hd_tree_node_clear(&old);
	while (r >= 0 && counting.n_pairs > 0)
		r = compare_pair(&counting);
	if (r < 0)
		return r;
	keep_cut(&counting);
	if (counting.n_names == 0)
		return 0;
	r = count(&counting);
	return r < 0 ? r : write_changed(&counting, after);
}

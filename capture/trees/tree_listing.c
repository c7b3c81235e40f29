/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_listing.h"

#include <errno.h>
#include <stdlib.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/object_store.h"
#include "overlay/store/tree_codec.h"

/* As the bases have it: some millions of entries. */
#define OBJECT_LIMIT ((size_t)1 << 30)

/*
 * Names stay in the object's bytes. What follows a name there is the next entry, or the NUL that the store puts behind an
 * object; once that is decoded nobody needs its first byte, and it becomes the name's end.
 */
static int take_entries(struct hd_entry_cursor *cursor, char *data, struct hd_tree_view_entry *entries)
{
	struct hd_tree_entry pair[2] = {{0}};
	const struct hd_tree_entry *previous = NULL;
	char *end = NULL;
	int r;

	for (size_t i = 0;; i++) {
		struct hd_tree_entry *entry = &pair[i & 1];

		r = hd_tree_next(cursor, previous, entry);
		if (end)
			*end = '\0';
		if (r <= 0)
			return r;
		entries[i] = (struct hd_tree_view_entry){.name = entry->name,
			.name_length = entry->name_length,
			.mode = entry->mode,
			.device = entry->device,
			.size = entry->size,
			.content = entry->content};
		end = data + (entry->name - data) + entry->name_length;
		previous = entry;
	}
}

static int decode(void *data, size_t size, struct hd_tree_view_listing *ret_listing)
{
	HD_AUTO_FREE struct hd_tree_view_entry *entries = NULL;
	struct hd_entry_cursor cursor;
	int r = hd_tree_open(data, size, &cursor);

	if (r < 0)
		return r;
	entries = reallocarray(NULL, (size_t)cursor.count + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	r = take_entries(&cursor, data, entries);
	if (r == 0)
		*ret_listing = (struct hd_tree_view_listing){
			.entries = HD_STEAL(entries), .count = cursor.count, .names = data};
	return r;
}

int hd_tree_listing_of_object(struct hd_object_store *objects, const struct hd_content *content,
	struct hd_tree_view_listing *ret_listing, size_t *ret_names_size)
{
	HD_AUTO_FREE void *data = NULL;
	char text[HD_CONTENT_TEXT_SIZE];
	size_t size;
	int r = hd_object_store_get(objects, content, OBJECT_LIMIT, &data, &size);

	if (r == 0)
		r = decode(data, size, ret_listing);
	if (r < 0)
		return hd_fail_in(r, "tree %s", hd_content_format(content, text));
	(void)HD_STEAL(data);
	*ret_names_size = size;
	return 0;
}

static int find_changed(const struct hd_snapshot_node *node, const void *tree, size_t size,
	struct hd_tree_view_entry *entries)
{
	struct hd_entry_cursor cursor;
	int r = hd_tree_open(tree, size, &cursor);

	for (size_t i = 0; i < node->n_children && r >= 0; i++) {
		const struct hd_snapshot_node *child = &node->children[i];
		struct hd_tree_entry entry;
		size_t begin;

		r = hd_tree_seek(&cursor, child->name, child->name_length, &entry, &begin);
		if (r == 0)
			r = hd_fail(HD_E_TREE_CORRUPT, "no entry '%s' where it was", child->name);
		if (r > 0)
			entries[i] = (struct hd_tree_view_entry){.name = child->name,
				.name_length = child->name_length,
				.mode = entry.mode,
				.device = entry.device,
				.size = entry.size,
				.content = entry.content};
	}
	return r < 0 ? r : 0;
}

int hd_tree_listing_of_changed(struct hd_object_store *objects, const struct hd_snapshot_node *node,
	struct hd_tree_view_listing *ret_listing, void **ret_tree, size_t *ret_tree_size)
{
	HD_AUTO_FREE struct hd_tree_view_entry *entries = calloc(node->n_children + 1, sizeof(*entries));
	HD_AUTO_FREE void *tree = NULL;
	char text[HD_CONTENT_TEXT_SIZE];
	int r = entries ? hd_object_store_get(objects, &node->origin, OBJECT_LIMIT, &tree, ret_tree_size)
			: -ENOMEM;

	if (r == 0)
		r = find_changed(node, tree, *ret_tree_size, entries);
	if (r < 0)
		return hd_fail_in(r, "tree %s", hd_content_format(&node->origin, text));
	*ret_listing = (struct hd_tree_view_listing){.entries = HD_STEAL(entries), .count = node->n_children};
	*ret_tree = HD_STEAL(tree);
	return 0;
}

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
 * object; once all entries are decoded nobody needs that byte, and it becomes the name's end.
 */
static struct hd_tree_view_entry *entries_of(const struct hd_tree *tree, char *data)
{
	struct hd_tree_view_entry *entries = reallocarray(NULL, tree->count + 1, sizeof(*entries));

	for (size_t i = 0; entries && i < tree->count; i++) {
		const struct hd_tree_entry *entry = &tree->entries[i];

		data[entry->name - data + entry->name_length] = '\0';
		entries[i] = (struct hd_tree_view_entry){.name = entry->name,
			.name_length = entry->name_length,
			.mode = entry->mode,
			.device = entry->device,
			.size = entry->size,
			.content = entry->content};
	}
	return entries;
}

int hd_tree_listing_of_object(struct hd_object_store *objects, const struct hd_content *content,
	struct hd_tree_view_listing *ret_listing, size_t *ret_names_size)
{
	HD_AUTO_FREE void *data = NULL;
	char text[HD_CONTENT_TEXT_SIZE];
	struct hd_tree_view_entry *entries;
	struct hd_tree tree;
	size_t size;
	int r = hd_object_store_get(objects, content, OBJECT_LIMIT, &data, &size);

	if (r == 0)
		r = hd_tree_decode(data, size, &tree);
	if (r < 0)
		return hd_fail_in(r, "tree %s", hd_content_format(content, text));
	entries = entries_of(&tree, data);
	*ret_listing = (struct hd_tree_view_listing){
		.entries = entries, .count = tree.count, .names = entries ? HD_STEAL(data) : NULL};
	*ret_names_size = size;
	hd_tree_clear(&tree);
	return entries ? 0 : -ENOMEM;
}

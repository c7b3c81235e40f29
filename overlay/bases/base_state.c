/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/bases/base_attributes.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * A captured state: trees and attributes out of the store's objects.
 *
 * What a tree names need not be an object: an unchanged file or directory of a capture still refers to the
 * git repository or host directory it came from. Those references are handed on as they are.
 *
 * The attribute object beside a tree must name exactly the tree's entries. If it does not, the two do not
 * belong together, and guessing would give files a stranger's owner: -HD_E_ATTRIBUTES_CORRUPT.
 */

/* No directory that a filesystem could hold comes near: about eight million entries. */
#define OBJECT_LIMIT ((size_t)1 << 30)

struct state_base {
	struct hd_base head;
	struct hd_object_store *objects; /* borrowed */
};

static struct hd_object_store *objects_of(struct hd_base *base)
{
	return ((struct state_base *)base)->objects;
}

/* The bytes of one directory, kept while its entries are in use. */
struct listing {
	void *tree_data; /* owned */
	struct hd_tree tree;
	bool has_attributes;
	struct hd_attribute_layer attributes;
};

static void listing_clear(struct listing *listing)
{
	hd_tree_clear(&listing->tree);
	hd_attribute_layer_clear(&listing->attributes);
	free(listing->tree_data);
}

/* The attributes of the tree's entry I: what describes the directory itself comes before those of its entries. */
static const struct hd_attribute_entry *attributes_of(const struct listing *listing, size_t i)
{
	return &listing->attributes.list.entries[listing->attributes.own ? i + 1 : i];
}

static int check_parallel(const struct listing *listing)
{
	const struct hd_tree *tree = &listing->tree;
	size_t count = listing->attributes.list.count - (listing->attributes.own ? 1 : 0);

	if (tree->count != count)
		return hd_fail(
			HD_E_ATTRIBUTES_CORRUPT, "%zu entries have %zu attributes", tree->count, count);
	for (size_t i = 0; i < tree->count; i++) {
		const struct hd_attribute_entry *attributes = attributes_of(listing, i);

		if (hd_tree_compare_names(tree->entries[i].name, tree->entries[i].name_length,
			    attributes->name, attributes->name_length) != 0)
			return hd_fail(
				HD_E_ATTRIBUTES_CORRUPT, "entry %zu has another name than its attributes", i);
	}
	return 0;
}

static int load_listing(
	struct hd_object_store *objects, const struct hd_base_directory *directory, struct listing *listing)
{
	size_t size;
	int r = hd_object_store_get(objects, &directory->content, OBJECT_LIMIT, &listing->tree_data, &size);

	if (r < 0)
		return r;
	r = hd_tree_decode(listing->tree_data, size, &listing->tree);
	if (r < 0 || directory->without_attributes || hd_content_is_none(&directory->attributes))
		return r;
	r = hd_attribute_layer_load(objects, &directory->attributes, &listing->attributes);
	if (r < 0)
		return r;
	listing->has_attributes = true;
	return check_parallel(listing);
}

static void apply_fallbacks(struct hd_base_entry *entry, const struct hd_base_directory *directory)
{
	entry->uid = directory->fallback_uid;
	entry->gid = directory->fallback_gid;
	entry->access_time = entry->modify_time = directory->fallback_time;
	entry->change_time = entry->birth_time = directory->fallback_time;
}

static int emit_one(const struct listing *listing, size_t i, const struct hd_base_directory *directory,
	hd_base_emit emit, void *payload)
{
	const struct hd_tree_entry *child = &listing->tree.entries[i];
	char name[256];
	struct hd_base_entry entry = {
		.name = name,
		.mode = child->mode,
		.device = child->device,
		.size = child->size,
		.content = child->content,
	};

	if (child->name_length >= sizeof(name))
		return hd_fail(HD_E_TREE_CORRUPT, "entry %zu has a name of %u bytes", i, child->name_length);
	memcpy(name, child->name, child->name_length);
	name[child->name_length] = '\0';
	if (listing->has_attributes)
		hd_attribute_layer_apply(attributes_of(listing, i), &entry);
	else
		apply_fallbacks(&entry, directory);
	return emit(&entry, payload);
}

static int state_list(
	struct hd_base *base, const struct hd_base_directory *directory, hd_base_emit emit, void *payload)
{
	struct listing listing = {0};
	char text[HD_CONTENT_TEXT_SIZE];
	int r = load_listing(objects_of(base), directory, &listing);

	if (r < 0)
		r = hd_fail_in(r, "tree %s", hd_content_format(&directory->content, text));
	for (size_t i = 0; r == 0 && i < listing.tree.count; i++)
		r = emit_one(&listing, i, directory, emit, payload);
	listing_clear(&listing);
	return r;
}

static int state_read(struct hd_base *base, const struct hd_content *file, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	return hd_object_store_read(objects_of(base), file, buffer, size, offset, ret_size);
}

static int state_size(struct hd_base *base, const struct hd_content *file, uint64_t *ret_size)
{
	return hd_object_store_size(objects_of(base), file, ret_size);
}

static void state_free(struct hd_base *base)
{
	free(base);
}

static const struct hd_base_operations state_operations = {
	.name = "state",
	.list = state_list,
	.read = state_read,
	.size = state_size,
	.free = state_free,
};

int hd_base_state_open(struct hd_store *store, struct hd_base **ret_base)
{
	struct state_base *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	state->head.operations = &state_operations;
	state->objects = store->objects;
	*ret_base = &state->head;
	return 0;
}

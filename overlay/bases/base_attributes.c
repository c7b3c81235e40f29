/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base_attributes.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/error.h"

/* No directory that a filesystem could hold comes near: some millions of entries. */
#define OBJECT_LIMIT ((size_t)1 << 30)

int hd_attribute_layer_load(struct hd_object_store *objects, const struct hd_content *attributes,
	struct hd_attribute_layer *ret_layer)
{
	struct hd_attribute_layer layer = {0};
	size_t size;
	int r = hd_object_store_get(objects, attributes, OBJECT_LIMIT, &layer.data, &size);

	if (r < 0)
		return r;
	r = hd_attributes_decode(layer.data, size, &layer.list);
	if (r < 0) {
		free(layer.data);
		return r;
	}
	if (layer.list.count > 0 && layer.list.entries[0].name_length == 0)
		layer.own = &layer.list.entries[0];
	*ret_layer = layer;
	return 0;
}

void hd_attribute_layer_clear(struct hd_attribute_layer *layer)
{
	hd_attributes_clear(&layer->list);
	free(layer->data);
	*layer = (struct hd_attribute_layer){0};
}

HD_TREE_ASSERT_NAMED(struct hd_attribute_entry);

/* The attributes of NAME, or NULL. */
static const struct hd_attribute_entry *find_entry(
	const struct hd_attribute_layer *layer, const char *name, size_t length)
{
	/* That of the directory itself has the empty name, which is the first. */
	size_t at = hd_tree_find_name(
		layer->list.entries, layer->list.count, sizeof(*layer->list.entries), name, length);

	return length > 0 && at < layer->list.count ? &layer->list.entries[at] : NULL;
}

void hd_attribute_layer_apply(const struct hd_attribute_entry *attributes, struct hd_base_entry *entry)
{
	entry->uid = attributes->uid;
	entry->gid = attributes->gid;
	entry->access_time = attributes->access_time;
	entry->modify_time = attributes->modify_time;
	entry->change_time = attributes->change_time;
	entry->birth_time = attributes->birth_time;
	entry->link_group = attributes->link_group;
	entry->links = attributes->links;
	entry->xattrs = attributes->xattrs_size > 0 ? attributes->xattrs : NULL;
	entry->xattrs_size = attributes->xattrs_size;
	entry->attributes = attributes->children;
}

int hd_attribute_filter_emit(const struct hd_base_entry *entry, void *payload)
{
	const struct hd_attribute_filter *filter = payload;
	const struct hd_attribute_entry *attributes =
		find_entry(filter->layer, entry->name, strlen(entry->name));
	struct hd_base_entry changed = *entry;

	if (attributes)
		hd_attribute_layer_apply(attributes, &changed);
	return filter->emit(&changed, filter->payload);
}

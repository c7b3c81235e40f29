/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_BASE_ATTRIBUTES_H
#define HEDDLE_BASES_BASE_ATTRIBUTES_H

/*
 * Attribute objects over listings: what a capture knows of a directory's entries (times, owners, extended attributes,
 * links) laid over what the source of their contents lists.
 *
 * A captured directory whose entries equal those of a commit or host directory refers to that one's tree, with an
 * attribute object of its own beside it. The listing then comes from the commit, the attributes from the object.
 *
 * Calling sequence
 *     hd_attribute_layer_load → hd_attribute_layer_apply per entry → hd_attribute_layer_clear
 *
 * Ownership   A layer owns its bytes; what it gives out points into them.
 * Threads     A loaded layer is immutable. Errors: those of the store, -HD_E_ATTRIBUTES_CORRUPT.
 */

#include "overlay/bases/base.h"
#include "overlay/store/tree_codec.h"

struct hd_attribute_layer {
	void *data; /* owned */
	struct hd_attributes_list list;
	/* Of the directory itself, or NULL: the entry with the empty name. Borrowed from `list`. */
	const struct hd_attribute_entry *own;
};

int hd_attribute_layer_load(struct hd_object_store *objects, const struct hd_content *attributes,
	struct hd_attribute_layer *ret_layer);
/* Also of a layer that was never loaded, if it is zero. */
void hd_attribute_layer_clear(struct hd_attribute_layer *layer);

/* Replaces what ENTRY says by what ATTRIBUTES say; its xattrs then point into the layer. */
void hd_attribute_layer_apply(const struct hd_attribute_entry *attributes, struct hd_base_entry *entry);

/*
 * A callback for a base's listing, with a struct hd_attribute_filter as payload: applies the layer and passes each
 * entry on. An entry that the layer does not know keeps what the base says.
 */
struct hd_attribute_filter {
	const struct hd_attribute_layer *layer; /* borrowed */
	hd_base_emit emit;
	void *payload;
};
int hd_attribute_filter_emit(const struct hd_base_entry *entry, void *payload);

#endif

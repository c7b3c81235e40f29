/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base_root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/base_attributes.h"

void hd_base_root_clear(struct hd_base_entry *root)
{
	free((void *)root->xattrs);
	root->xattrs = NULL;
	root->xattrs_size = 0;
}

/* The entry outlives the object, so it gets attributes of its own. */
int hd_base_root_apply(
	struct hd_object_store *objects, const struct hd_content *attributes, struct hd_base_entry *root)
{
	struct hd_attribute_layer layer;
	int r = hd_attribute_layer_load(objects, attributes, &layer);

	if (r < 0)
		return r;
	hd_base_root_clear(root);
	if (layer.own)
		hd_attribute_layer_apply(layer.own, root);
	root->link_group = 0;
	root->links = 0;
	if (root->xattrs) {
		void *copy = malloc(root->xattrs_size);

		if (copy)
			memcpy(copy, root->xattrs, root->xattrs_size);
		else
			r = -ENOMEM;
		root->xattrs = copy;
	}
	hd_attribute_layer_clear(&layer);
	return r;
}

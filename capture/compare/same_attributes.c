/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/same_attributes.h"

#include <string.h>

#include "overlay/bases/base_attributes.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"

/* Each level is a call within the last: trees that are deeper count as different. */
#define LEVELS 500

static int same_below(struct hd_object_store *objects, const struct hd_content *a, const struct hd_content *b,
	unsigned levels);

/* Entries that agree in everything else are made equal, and then the two lists are compared as they would be stored. */
static int even_out(struct hd_object_store *objects, struct hd_attributes_list *a,
	const struct hd_attributes_list *b, unsigned levels)
{
	for (size_t i = 0; i < a->count; i++) {
		int r = same_below(objects, &a->entries[i].children, &b->entries[i].children, levels - 1);

		if (r <= 0)
			return r;
		a->entries[i].children = b->entries[i].children;
		a->entries[i].access_time = b->entries[i].access_time;
	}
	return 1;
}

static int compare_lists(struct hd_object_store *objects, struct hd_attributes_list *a,
	const struct hd_attributes_list *b, unsigned levels)
{
	HD_AUTO_BUFFER struct hd_buffer left = {0};
	HD_AUTO_BUFFER struct hd_buffer right = {0};
	int r;

	if (a->count != b->count)
		return 0;
	r = even_out(objects, a, b, levels);
	if (r <= 0)
		return r;
	r = hd_attributes_encode(a->entries, a->count, &left);
	if (r == 0)
		r = hd_attributes_encode(b->entries, b->count, &right);
	if (r < 0)
		return r;
	return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

static int same_below(struct hd_object_store *objects, const struct hd_content *a, const struct hd_content *b,
	unsigned levels)
{
	struct hd_attribute_layer left = {0}, right = {0};
	int r;

	if (hd_content_equal(a, b))
		return 1;
	if (hd_content_is_none(a) || hd_content_is_none(b) || levels == 0)
		return 0;
	r = hd_attribute_layer_load(objects, a, &left);
	if (r == 0)
		r = hd_attribute_layer_load(objects, b, &right);
	if (r == 0)
		r = compare_lists(objects, &left.list, &right.list, levels);
	hd_attribute_layer_clear(&left);
	hd_attribute_layer_clear(&right);
	return r;
}

int hd_capture_same_attributes(
	struct hd_object_store *objects, const struct hd_content *a, const struct hd_content *b)
{
	return same_below(objects, a, b, LEVELS);
}

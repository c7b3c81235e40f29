/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/listings/base_listing.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/content_extent.h"

void hd_listing_clear(struct hd_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		free(listing->items[i].name);
		free(listing->items[i].xattrs);
	}
	free(listing->items);
	free(listing->by_name);
	*listing = (struct hd_listing){0};
}

static int collect(const struct hd_base_entry *entry, void *payload)
{
	struct hd_listing *listing = payload;
	struct hd_listed *item;
	size_t length;

	if (hd_overlay_check_name(entry->name, &length) < 0)
		return 0;
	if (HD_ARRAY_RESERVE(listing->items, listing->count, listing->capacity) < 0)
		return -ENOMEM;
	item = &listing->items[listing->count];
	*item = (struct hd_listed){.name = strdup(entry->name), .entry = *entry};
	if (item->name && entry->xattrs_size > 0) {
		item->xattrs = malloc(entry->xattrs_size);
		if (item->xattrs)
			memcpy(item->xattrs, entry->xattrs, entry->xattrs_size);
	}
	if (!item->name || (entry->xattrs_size > 0 && !item->xattrs)) {
		free(item->name);
		return -ENOMEM;
	}
	listing->count++;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct hd_listed *const *left = a, *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);

	return order ? order : *left < *right ? -1 : *left > *right;
}

static int sort(struct hd_listing *listing)
{
	listing->by_name = calloc(listing->count + 1, sizeof(struct hd_listed *));
	if (!listing->by_name)
		return -ENOMEM;
	for (size_t i = 0; i < listing->count; i++)
		listing->by_name[i] = &listing->items[i];
	qsort(listing->by_name, listing->count, sizeof(struct hd_listed *), compare_names);
	for (size_t i = 1; i < listing->count; i++)
		listing->by_name[i]->repeated =
			strcmp(listing->by_name[i - 1]->name, listing->by_name[i]->name) == 0;
	return 0;
}

/* A list that cannot be read is told of when the file is. */
static void count_holes(struct hd_overlay *overlay, struct hd_listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		struct hd_listed *item = &listing->items[i];
		uint64_t data_size;

		item->hole_blocks = item->entry.holes / HD_BLOCK_SIZE;
		if (item->entry.content.kind != HD_CONTENT_CHUNKED)
			continue;
		if (hd_content_data_size(overlay->store->objects, &item->entry.content, &data_size) < 0)
			hd_error_clear();
		else if (data_size < item->entry.size)
			item->hole_blocks = (item->entry.size - data_size) / HD_BLOCK_SIZE;
	}
}

int hd_listing_read(
	struct hd_overlay *overlay, const struct hd_base_directory *directory, struct hd_listing *ret_listing)
{
	struct hd_listing listing = {0};
	int r = hd_base_set_list(overlay->bases, directory, collect, &listing);

	if (r == 0)
		r = sort(&listing);
	if (r < 0) {
		hd_listing_clear(&listing);
		return r;
	}
	count_holes(overlay, &listing);
	*ret_listing = listing;
	return 0;
}

struct hd_listed *hd_listing_find(const struct hd_listing *listing, const char *name)
{
	size_t low = 0, high = listing->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(listing->by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < listing->count && strcmp(listing->by_name[low]->name, name) == 0 ? listing->by_name[low]
										      : NULL;
}

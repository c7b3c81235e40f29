/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_place.h"

#include <stdlib.h>
#include <string.h>

struct hd_tree_place *hd_tree_place_new(
	struct hd_tree_places *places, struct hd_tree_place *above, const char *name, size_t name_length)
{
	struct hd_tree_place *place = malloc(sizeof(*place) + name_length);

	if (!place)
		return NULL;
	place->above = above;
	place->next = places->first;
	place->name_length = name_length;
	memcpy(place->name, name, name_length);
	places->first = place;
	return place;
}

size_t hd_tree_place_length(const struct hd_tree_place *place)
{
	size_t length = 0;

	for (; place->above; place = place->above)
		length += place->name_length + (place->above->above ? 1 : 0);
	return length;
}

char *hd_tree_place_path(const struct hd_tree_place *place)
{
	size_t at = hd_tree_place_length(place);
	char *path = malloc(at + 1);

	if (!path)
		return NULL;
	path[at] = '\0';
	for (; place->above; place = place->above) {
		at -= place->name_length;
		memcpy(path + at, place->name, place->name_length);
		if (at > 0)
			path[--at] = '/';
	}
	return path;
}

void hd_tree_places_clear(struct hd_tree_places *places)
{
	while (places->first) {
		struct hd_tree_place *place = places->first;

		places->first = place->next;
		free(place);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/path_ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/trees/tree_find.h"
#include "overlay/store/tree_codec.h"

/* A slash comes before everything else that names have: a directory right before what is in it, and nothing in between. */
static int compare_paths(const void *a, const void *b)
{
	const struct hd_ranged_path *left = a, *right = b;
	size_t common = left->length < right->length ? left->length : right->length;

	for (size_t i = 0; i < common; i++) {
		unsigned char x = (unsigned char)left->text[i], y = (unsigned char)right->text[i];

		if (x != y)
			return x == '/' ? -1 : y == '/' ? 1 : x < y ? -1 : 1;
	}
	return (left->length > right->length) - (left->length < right->length);
}

int hd_path_ranges_new(const char *const *paths, size_t n_paths, struct hd_path_ranges *ret_ranges)
{
	struct hd_path_ranges ranges = {.paths = calloc(n_paths + 1, sizeof(*ranges.paths))};
	int r = ranges.paths ? 0 : -ENOMEM;

	for (size_t i = 0; i < n_paths && r >= 0; i++) {
		struct hd_ranged_path *path = &ranges.paths[ranges.count];

		r = hd_tree_path_clean(paths[i], &path->text);
		if (r >= 0) {
			path->length = strlen(path->text);
			ranges.count++;
		}
	}
	if (r < 0) {
		hd_path_ranges_clear(&ranges);
		return r;
	}
	qsort(ranges.paths, ranges.count, sizeof(*ranges.paths), compare_paths);
	*ret_ranges = ranges;
	return 0;
}

void hd_path_ranges_clear(struct hd_path_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		free(ranges->paths[i].text);
	free(ranges->paths);
	*ranges = (struct hd_path_ranges){0};
}

struct hd_path_range hd_path_range_all(const struct hd_path_ranges *ranges)
{
	return (struct hd_path_range){.end = ranges->count};
}

const char *hd_path_range_part(
	const struct hd_path_ranges *ranges, size_t index, size_t depth, size_t *ret_length)
{
	const char *part = ranges->paths[index].text + depth + (depth > 0);

	*ret_length = strcspn(part, "/");
	return part;
}

struct hd_path_range hd_path_range_below(
	const struct hd_path_ranges *ranges, const struct hd_path_range *range, size_t first)
{
	struct hd_path_range found = {.first = first, .end = first};
	size_t length;
	const char *part = hd_path_range_part(ranges, first, range->depth, &length);

	while (found.end < range->end) {
		size_t other_length;
		const char *other = hd_path_range_part(ranges, found.end, range->depth, &other_length);

		if (hd_tree_compare_names(part, length, other, other_length) != 0)
			break;
		found.end++;
	}
	found.depth = range->depth + (range->depth > 0) + length;
	return found;
}

bool hd_path_range_ends(const struct hd_path_ranges *ranges, const struct hd_path_range *range)
{
	return ranges->paths[range->first].length == range->depth;
}

static bool is_at_or_below(const struct hd_ranged_path *path, const struct hd_ranged_path *of)
{
	return path->length >= of->length && memcmp(path->text, of->text, of->length) == 0 &&
	       (path->length == of->length || of->length == 0 || path->text[of->length] == '/');
}

const struct hd_ranged_path *hd_path_ranges_missed(const struct hd_path_ranges *ranges)
{
	const struct hd_ranged_path *above = NULL;

	for (size_t i = 0; i < ranges->count; i++) {
		const struct hd_ranged_path *path = &ranges->paths[i];

		if (above && is_at_or_below(path, above))
			continue;
		if (!path->met)
			return path;
		above = path;
	}
	return NULL;
}

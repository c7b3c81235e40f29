/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_PATH_RANGES_H
#define HEDDLE_CAPTURE_TREES_PATH_RANGES_H

/*
 * Path ranges: many paths beside a walk over a tree, so that each directory looks at its own paths once.
 *
 * The paths are sorted, a directory right before what is in it, and names as in trees (hd_tree_compare_names). Those that go
 * through one directory follow each other: a range.
 *
 * Ownership   The set owns its paths. Threads: one.
 * Errors      -ENOMEM, -EINVAL for a path with "..".
 */

#include <stdbool.h>
#include <stddef.h>

/* A path without empty parts and "."; the empty one is the root. */
struct hd_ranged_path {
	char *text; /* owned */
	size_t length;
	bool met; /* the walk's to set */
};

struct hd_path_ranges {
	struct hd_ranged_path *paths; /* owned array, sorted */
	size_t count;
};

/* Paths from `first` to before `end` go through one directory, whose own path is their first `depth` bytes. */
struct hd_path_range {
	size_t first, end, depth;
};

int hd_path_ranges_new(const char *const *paths, size_t n_paths, struct hd_path_ranges *ret_ranges);
/* Of none, does nothing. */
void hd_path_ranges_clear(struct hd_path_ranges *ranges);

/* All of them, which go through the root. */
struct hd_path_range hd_path_range_all(const struct hd_path_ranges *ranges);

/* The part that follows the first DEPTH bytes of the path INDEX, which is longer. */
const char *hd_path_range_part(
	const struct hd_path_ranges *ranges, size_t index, size_t depth, size_t *ret_length);

/* Those of RANGE, from FIRST on, that go on with the same part; their depth is behind it. */
struct hd_path_range hd_path_range_below(
	const struct hd_path_ranges *ranges, const struct hd_path_range *range, size_t first);

/* Whether the first of RANGE ends where its directory does, and so stands for all of them. */
bool hd_path_range_ends(const struct hd_path_ranges *ranges, const struct hd_path_range *range);

/* The first that was not met, and is not below another one; NULL without any. */
const struct hd_ranged_path *hd_path_ranges_missed(const struct hd_path_ranges *ranges);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/same_content.h"
#include "capture/compare/tree_moves_types.h"

#include <errno.h>
#include <sys/stat.h>

#include "capture/compare/tree_comparison.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * First the directories that both trees have are merged; what one side alone has, directories and files with bytes,
 * becomes a candidate. Then, in rounds:
 * directories that are known to be one, and then candidates with equal keys, are matched, and those that remain are listed for candidates one level below. So a
 * directory that was moved out of, or into, another one that was moved, removed or made is found as well, and nothing
 * that has a counterpart is listed.
 *
 * Two that were matched and differ are merged in turn: something may have been moved out of, or into, them. A candidate
 * may be matched after one below it was: then the one below is not told (is_below_a_move).
 *
 * A walk over both trees meets what is below a moved directory by its new path, in the old tree as well. So each
 * candidate has two paths: its own, and the one at which it is met.
 * Paths are written out for the result alone (tree_place.h).
 */

/* Says at which directory R happened. */
static int fail_at(const struct hd_tree_place *place, int r)
{
	HD_AUTO_FREE char *path = hd_tree_place_path(place);

	return hd_fail_in(r, "directory '%s'", path && path[0] ? path : ".");
}

/* The entry without what belongs to its listing. */
static struct hd_tree_view_entry kept(const struct hd_tree_view_entry *entry)
{
	struct hd_tree_view_entry copy = *entry;

	copy.name = "";
	copy.name_length = 0;
	return copy;
}

/* What a directory is known by: what it is, or was before it changed. A git tree is the same in every repository. */
static struct hd_content key_of(const struct hd_tree_view_entry *entry)
{
	struct hd_content key = {0};

	if (entry->node && !hd_content_is_none(&entry->node->origin))
		key = entry->node->origin;
	else if (!entry->unreferenced)
		key = entry->content;
	if (key.kind == HD_CONTENT_GIT)
		key.base = 0;
	return key;
}

static int add_candidate(struct hd_moves_search *search, struct hd_moves_side *side,
	const struct hd_moves_candidate *found, const struct hd_tree_view_entry *entry)
{
	struct hd_moves_candidate *candidate;
	int r = HD_ARRAY_RESERVE(side->candidates, side->count, side->capacity);

	if (r < 0)
		return r;
	candidate = &side->candidates[side->count++];
	*candidate = (struct hd_moves_candidate){
		.path = hd_tree_place_new(&search->places, found->path, entry->name, entry->name_length),
		.parent = found->parent,
		.merged = found->merged,
		.entry = kept(entry),
		.key = key_of(entry),
		.counterpart = HD_MOVES_NO_PARENT};
	candidate->met = found->met == found->path ? candidate->path
						   : hd_tree_place_new(&search->places, found->met,
							     entry->name, entry->name_length);
	return candidate->path && candidate->met ? 0 : -ENOMEM;
}

static bool is_directory(const struct hd_tree_view_entry *entry)
{
	return entry && S_ISDIR(entry->mode);
}

/* Empty files all look the same, and one without a reference was written since: nothing tells where from. */
static bool is_known_file(const struct hd_tree_view_entry *entry)
{
	return entry && S_ISREG(entry->mode) && (entry->size > 0 || entry->size_unknown) &&
	       !entry->unreferenced && !hd_content_is_none(&entry->content);
}

/* ENTRY, which one side alone has, as a candidate if it may be one. */
static int add_if_movable(struct hd_moves_search *search, struct hd_moves_side *side,
	const struct hd_moves_candidate *found, const struct hd_tree_view_entry *entry)
{
	int r;

	if (is_directory(entry))
		return add_candidate(search, side, found, entry);
	if (!is_known_file(entry) || side->n_files == HD_MOVES_FILE_LIMIT)
		return 0;
	r = add_candidate(search, side, found, entry);
	if (r == 0) {
		side->candidates[side->count - 1].listed = true;
		side->n_files++;
	}
	return r;
}

static int push_pair(struct hd_moves_search *search, const struct hd_moves_pair *above,
	const struct hd_tree_view_entry *entries[2])
{
	struct hd_moves_pair *pair;
	int r = HD_ARRAY_RESERVE(search->pairs, search->n_pairs, search->pairs_capacity);

	if (r < 0)
		return r;
	pair = &search->pairs[search->n_pairs++];
	*pair = (struct hd_moves_pair){.candidates = {above->candidates[0], above->candidates[1]}};
	for (int i = 0; i < 2; i++) {
		pair->entries[i] = kept(entries[i]);
		/* A candidate, whose entry has no name, is at its own place. */
		pair->paths[i] = above->paths[i] && entries[i]->name_length == 0
					 ? above->paths[i]
					 : hd_tree_place_new(&search->places, above->paths[i],
						   entries[i]->name, entries[i]->name_length);
	}
	return pair->paths[0] && pair->paths[1] ? 0 : -ENOMEM;
}

/* The next entries of both listings: the same name, or one of them NULL. */
static void next_of(const struct hd_tree_view_listing listings[2], size_t at[2],
	const struct hd_tree_view_entry *ret_entries[2])
{
	int order = 0;

	for (int i = 0; i < 2; i++)
		ret_entries[i] = at[i] < listings[i].count ? &listings[i].entries[at[i]] : NULL;
	if (ret_entries[0] && ret_entries[1])
		order = hd_tree_compare_names(ret_entries[0]->name, ret_entries[0]->name_length,
			ret_entries[1]->name, ret_entries[1]->name_length);
	if (order > 0)
		ret_entries[0] = NULL;
	if (order < 0)
		ret_entries[1] = NULL;
	for (int i = 0; i < 2; i++)
		at[i] += ret_entries[i] != NULL;
}

/* Whether both trees have this path, with the same kind of thing: then it is part of no move. */
static bool is_one_path(const struct hd_tree_view_entry *const entries[2])
{
	return entries[0] && entries[1] && (entries[0]->mode & S_IFMT) == (entries[1]->mode & S_IFMT);
}

static int merge_listings(struct hd_moves_search *search, const struct hd_moves_pair *pair,
	const struct hd_tree_view_listing listings[2])
{
	const struct hd_tree_view_entry *entries[2];
	size_t at[2] = {0, 0};
	int r = 0;

	while (r == 0 && (at[0] < listings[0].count || at[1] < listings[1].count)) {
		next_of(listings, at, entries);
		if (is_one_path(entries)) {
			if (is_directory(entries[0]) && !hd_same_reference(entries[0], entries[1]))
				r = push_pair(search, pair, entries);
			continue;
		}
		for (int i = 0; i < 2 && r == 0; i++) {
			struct hd_moves_candidate found = {.path = pair->paths[i],
				.met = pair->paths[1],
				.parent = pair->candidates[i],
				.merged = true};

			if (entries[i])
				r = add_if_movable(search, &search->sides[i], &found, entries[i]);
		}
	}
	return r;
}

static int merge_pair(struct hd_moves_search *search, const struct hd_moves_pair *pair)
{
	struct hd_tree_view_listing listings[2] = {0};
	int r = hd_tree_view_list_pair(search->sides[0].view, &pair->entries[0], search->sides[1].view,
		&pair->entries[1], &listings[0], &listings[1]);

	if (r >= 0)
		r = merge_listings(search, pair, listings);
	for (int i = 0; i < 2; i++)
		hd_tree_view_listing_clear(&listings[i]);
	return r < 0 ? fail_at(pair->paths[1], r) : 0;
}

static int merge_pairs(struct hd_moves_search *search)
{
	int r = 0;

	while (r == 0 && search->n_pairs > 0) {
		struct hd_moves_pair pair = search->pairs[--search->n_pairs];

		r = merge_pair(search, &pair);
	}
	return r;
}

static int merge_roots(struct hd_moves_search *search)
{
	const struct hd_moves_pair nothing = {.candidates = {HD_MOVES_NO_PARENT, HD_MOVES_NO_PARENT}};
	const struct hd_tree_view_entry *entries[2];
	struct hd_tree_view_entry roots[2];
	int r;

	for (int i = 0; i < 2; i++) {
		hd_tree_view_root(search->sides[i].view, &roots[i]);
		entries[i] = &roots[i];
	}
	if (hd_same_reference(&roots[0], &roots[1]))
		return 0;
	r = push_pair(search, &nothing, entries);
	return r < 0 ? r : merge_pairs(search);
}

static bool has_open(const struct hd_moves_side *side)
{
	for (size_t i = 0; i < side->count; i++)
		if (hd_moves_is_open(&side->candidates[i]))
			return true;
	return false;
}

static int list_candidate(struct hd_moves_search *search, struct hd_moves_side *side, size_t index)
{
	struct hd_tree_view_listing listing = {0};
	struct hd_moves_candidate found = side->candidates[index];
	int r = hd_tree_view_list(side->view, &found.entry, &listing);

	side->candidates[index].listed = true;
	found.parent = index;
	found.merged = false;
	for (size_t i = 0; i < listing.count && r >= 0; i++)
		r = add_if_movable(search, side, &found, &listing.entries[i]);
	hd_tree_view_listing_clear(&listing);
	return r < 0 ? fail_at(found.path, r) : 0;
}

/* Lists what has no counterpart; *RET_ADDED is set when that gave candidates. */
static int list_level(struct hd_moves_search *search, struct hd_moves_side *side, bool *ret_added)
{
	size_t count = side->count;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		if (side->candidates[i].counterpart == HD_MOVES_NO_PARENT && !side->candidates[i].listed)
			r = list_candidate(search, side, i);
	*ret_added |= side->count > count;
	return r;
}

/* Merges what has a counterpart that differs. */
static int merge_matched(struct hd_moves_search *search, bool *ret_added)
{
	struct hd_moves_side *old_side = &search->sides[0], *new_side = &search->sides[1];
	size_t count = old_side->count, others = new_side->count;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct hd_moves_candidate old_found = old_side->candidates[i], new_found;
		const struct hd_tree_view_entry *entries[2] = {&old_found.entry, &new_found.entry};
		struct hd_moves_pair above = {.candidates = {i, old_found.counterpart}};

		if (old_found.counterpart == HD_MOVES_NO_PARENT || old_found.listed)
			continue;
		old_side->candidates[i].listed = true;
		new_found = new_side->candidates[old_found.counterpart];
		if (hd_same_reference(entries[0], entries[1]))
			continue;
		above.paths[0] = old_found.path;
		above.paths[1] = new_found.path;
		r = push_pair(search, &above, entries);
		if (r == 0)
			r = merge_pairs(search);
	}
	*ret_added |= old_side->count > count || new_side->count > others;
	return r;
}

static int match_levels(struct hd_moves_search *search)
{
	bool added = true;
	int r = 0;

	while (added && r == 0) {
		bool old_open, new_open;

		added = false;
		r = hd_moves_match_known(search);
		if (r == 0)
			r = hd_moves_match(search);
		if (r == 0)
			r = merge_matched(search, &added);
		old_open = has_open(&search->sides[0]);
		new_open = has_open(&search->sides[1]);
		if (r == 0 && old_open)
			r = list_level(search, &search->sides[1], &added);
		if (r == 0 && new_open)
			r = list_level(search, &search->sides[0], &added);
	}
	return r;
}

int hd_moves_search(struct hd_moves_search *search)
{
	int r = merge_roots(search);

	return r < 0 ? r : match_levels(search);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/tree_comparison.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/same_content.h"
#include "capture/compare/tree_moves.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * One merge of two sorted listings per directory. A subtree that is on one side only is the same merge with
 * an empty listing on the other side, so there is one walk, not three.
 *
 * Directories wait on a stack of our own: a tree may be deeper than any thread's stack (a path is limited to
 * 4096 bytes, a tree that is walked by *at() calls is not).
 *
 * A name whose type changed needs no case either: taking only the old side's entry leaves the new one to be
 * met as an addition in the next step.
 */

struct frame {
	struct hd_tree_view_listing old_listing;
	struct hd_tree_view_listing new_listing;
	size_t old_position, new_position;
	size_t path_length; /* of the directory */
	char *old_path; /* owned: where it was, if moves of files are told and it is not where it was; else NULL */
};

struct walk {
	struct hd_tree_view *old_view, *new_view;
	enum hd_comparison_moves told;
	struct hd_tree_moves moves; /* none unless asked for */
	hd_change_emit emit;
	void *payload;
	struct hd_change_counts counts;
	struct hd_buffer path;
	struct frame *frames; /* owned array */
	size_t depth, capacity;
};

/* A link's permission bits mean nothing and differ between sources. */
static bool same_permissions(const struct hd_tree_view_entry *a, const struct hd_tree_view_entry *b)
{
	return S_ISLNK(a->mode) || (a->mode & 07777) == (b->mode & 07777);
}

void hd_change_count(struct hd_change_counts *counts, enum hd_change_kind kind)
{
	uint64_t *counters[HD_CHANGE_KIND_COUNT] = {
		[HD_CHANGE_ADDED] = &counts->added,
		[HD_CHANGE_MODIFIED] = &counts->modified,
		[HD_CHANGE_DELETED] = &counts->deleted,
		[HD_CHANGE_MOVED] = &counts->moved,
	};

	(*counters[kind])++;
}

static int count_and_emit(struct walk *walk, const struct hd_change *change)
{
	hd_change_count(&walk->counts, change->kind);
	return walk->emit ? walk->emit(change, walk->payload) : 0;
}

/* Makes the walk's path that of NAME in the directory whose path is LENGTH bytes long. */
static int set_path(struct walk *walk, size_t length, const char *name, size_t name_length)
{
	walk->path.size = length;
	hd_buffer_put(&walk->path, name, name_length);
	hd_buffer_put_u8(&walk->path, 0);
	return hd_buffer_status(&walk->path);
}

static void clear_frame(struct frame *frame)
{
	hd_tree_view_listing_clear(&frame->old_listing);
	hd_tree_view_listing_clear(&frame->new_listing);
	free(frame->old_path);
}

/* Puts a pair of directories on the stack; either may be NULL. The walk's path is that of the directory. OLD_PATH, owned
 * from now on, is NULL unless the directory's entries are told as moved from there. */
static int push_directories(struct walk *walk, const struct hd_tree_view_entry *old_directory,
	const struct hd_tree_view_entry *new_directory, size_t path_length, char *old_path)
{
	struct frame *frame;
	int r = 0;

	if (HD_ARRAY_RESERVE(walk->frames, walk->depth, walk->capacity) < 0) {
		free(old_path);
		return -ENOMEM;
	}
	frame = &walk->frames[walk->depth];
	*frame = (struct frame){.path_length = path_length, .old_path = old_path};
	/* Where moves of files are told, all of a moved directory is: also what did not change. */
	if (old_directory && new_directory && !old_path)
		r = hd_tree_view_list_pair(walk->old_view, old_directory, walk->new_view, new_directory,
			&frame->old_listing, &frame->new_listing);
	else if (old_directory)
		r = hd_tree_view_list(walk->old_view, old_directory, &frame->old_listing);
	if (r >= 0 && new_directory && (!old_directory || old_path))
		r = hd_tree_view_list(walk->new_view, new_directory, &frame->new_listing);
	if (r < 0) {
		clear_frame(frame);
		return hd_fail_in(r, "directory '%s'", path_length ? (const char *)walk->path.data : ".");
	}
	walk->depth++;
	return 0;
}

/* ENTRY, of the new tree, is what MOVE moved; the walk's path is its new one. */
static int visit_moved(
	struct walk *walk, const struct hd_tree_move *move, const struct hd_tree_view_entry *entry)
{
	struct hd_change change = {.kind = HD_CHANGE_MOVED,
		.path = (const char *)walk->path.data,
		.path_length = move->to_length,
		.old_path = move->from,
		.old_entry = &move->old_entry,
		.new_entry = entry};
	char *old_path = NULL;
	int r;

	if (walk->told == HD_MOVES_OF_FILES && S_ISDIR(entry->mode)) {
		old_path = strdup(move->from);
		return old_path ? push_directories(walk, &move->old_entry, entry, move->to_length, old_path)
				: -ENOMEM;
	}
	r = count_and_emit(walk, &change);
	if (r == 0 && walk->told == HD_MOVES_TOLD && !same_permissions(&move->old_entry, entry)) {
		change.kind = HD_CHANGE_MODIFIED;
		change.old_path = NULL;
		r = count_and_emit(walk, &change);
	}
	if (r != 0 || !S_ISDIR(entry->mode) || hd_same_reference(&move->old_entry, entry))
		return r;
	return push_directories(walk, &move->old_entry, entry, move->to_length, NULL);
}

/* The old path of NAME in the directory on top: fresh memory. NULL in *RET_PATH where it is the walk's path. */
static int old_path_of(struct walk *walk, const struct hd_tree_view_entry *entry, char **ret_path)
{
	const char *directory = walk->depth > 0 ? walk->frames[walk->depth - 1].old_path : NULL;

	*ret_path = NULL;
	if (!directory)
		return 0;
	if (asprintf(ret_path, "%s/%.*s", directory, (int)entry->name_length, entry->name) >= 0)
		return 0;
	*ret_path = NULL;
	return -ENOMEM;
}

/* The move that the entry of one side alone at PATH is part of, if any. */
static const struct hd_tree_move *move_at(const struct walk *walk, enum hd_change_kind kind, const char *path)
{
	return kind == HD_CHANGE_DELETED ? hd_tree_moves_met(&walk->moves, path)
					 : hd_tree_moves_to(&walk->moves, path);
}

static int visit_one_sided(struct walk *walk, enum hd_change_kind kind,
	const struct hd_tree_view_entry *entry, size_t directory_length)
{
	struct hd_change change = {.kind = kind, .content_differs = true};
	HD_AUTO_FREE char *old_path = NULL;
	bool deleted = kind == HD_CHANGE_DELETED;
	const struct hd_tree_move *move;
	size_t length;
	int r;

	r = set_path(walk, directory_length, entry->name, entry->name_length);
	if (r < 0)
		return r;
	length = walk->path.size - 1;
	change.path = (const char *)walk->path.data;
	change.path_length = length;
	move = move_at(walk, kind, change.path);
	if (move)
		return deleted ? 0 : visit_moved(walk, move, entry);
	if (deleted)
		r = old_path_of(walk, entry, &old_path);
	if (r < 0)
		return r;
	if (old_path) {
		change.path = old_path;
		change.path_length = strlen(old_path);
	}
	change.old_entry = deleted ? entry : NULL;
	change.new_entry = deleted ? NULL : entry;
	r = count_and_emit(walk, &change);
	if (r != 0 || !S_ISDIR(entry->mode))
		return r;
	return push_directories(
		walk, deleted ? entry : NULL, deleted ? NULL : entry, length, HD_STEAL(old_path));
}

/* Whether two entries of one path differ in bytes or device number. */
static int compare_pair(struct walk *walk, const struct hd_tree_view_entry *old_entry,
	const struct hd_tree_view_entry *new_entry, bool *ret_same)
{
	*ret_same = true;
	if (S_ISREG(old_entry->mode) || S_ISLNK(old_entry->mode))
		return hd_same_bytes(walk->old_view, old_entry, walk->new_view, new_entry, ret_same);
	if (S_ISCHR(old_entry->mode) || S_ISBLK(old_entry->mode))
		*ret_same = old_entry->device == new_entry->device;
	return 0;
}

/* Two entries of the same name and type. */
static int visit_pair(struct walk *walk, const struct hd_tree_view_entry *old_entry,
	const struct hd_tree_view_entry *new_entry, size_t directory_length, bool is_root)
{
	struct hd_change change = {
		.kind = HD_CHANGE_MODIFIED, .old_entry = old_entry, .new_entry = new_entry};
	bool is_directory = S_ISDIR(old_entry->mode);
	HD_AUTO_FREE char *old_path = NULL;
	bool same;
	int r;

	r = set_path(walk, directory_length, old_entry->name, old_entry->name_length);
	if (r == 0)
		r = old_path_of(walk, old_entry, &old_path);
	if (r < 0)
		return r;
	change.path_length = is_root ? 1 : walk->path.size - 1;
	change.path = is_root ? "." : (const char *)walk->path.data;
	r = compare_pair(walk, old_entry, new_entry, &same);
	if (r < 0)
		return hd_fail_in(r, "compare '%s'", change.path);
	change.content_differs = !same;
	if (old_path && !is_directory) {
		change.kind = HD_CHANGE_MOVED;
		change.old_path = old_path;
	}
	if (change.old_path || !same || !same_permissions(old_entry, new_entry)) {
		r = count_and_emit(walk, &change);
		if (r != 0)
			return r;
	}
	if (!is_directory || (!old_path && hd_same_reference(old_entry, new_entry)))
		return 0;
	return push_directories(walk, old_entry, new_entry, walk->path.size - 1, HD_STEAL(old_path));
}

/* The next entry, or pair of entries, of the directory on top. Frames may move: no pointer to one survives a
 * push. */
static int step(struct walk *walk)
{
	struct frame *frame = &walk->frames[walk->depth - 1];
	const struct hd_tree_view_entry *old_entry = NULL, *new_entry = NULL;
	size_t length = frame->path_length;
	int order = hd_work_advance(0);

	if (order < 0)
		return order;
	if (frame->old_position < frame->old_listing.count)
		old_entry = &frame->old_listing.entries[frame->old_position];
	if (frame->new_position < frame->new_listing.count)
		new_entry = &frame->new_listing.entries[frame->new_position];
	if (!old_entry && !new_entry) {
		clear_frame(frame);
		walk->depth--;
		return 0;
	}
	if (length > 0)
		walk->path.data[length++] = '/';
	if (old_entry && new_entry)
		order = hd_tree_compare_names(
			old_entry->name, old_entry->name_length, new_entry->name, new_entry->name_length);
	else
		order = old_entry ? -1 : 1;
	if (order == 0 && (old_entry->mode & S_IFMT) != (new_entry->mode & S_IFMT))
		order = -1;
	if (order <= 0)
		frame->old_position++;
	if (order >= 0)
		frame->new_position++;
	if (order < 0)
		return visit_one_sided(walk, HD_CHANGE_DELETED, old_entry, length);
	if (order > 0)
		return visit_one_sided(walk, HD_CHANGE_ADDED, new_entry, length);
	return visit_pair(walk, old_entry, new_entry, length, false);
}

static int run_from(struct walk *walk, const struct hd_tree_view_entry *old_directory,
	const struct hd_tree_view_entry *new_directory)
{
	int r;

	r = visit_pair(walk, old_directory, new_directory, 0, true);
	while (r == 0 && walk->depth > 0)
		r = step(walk);
	for (size_t i = 0; i < walk->depth; i++)
		clear_frame(&walk->frames[i]);
	free(walk->frames);
	hd_buffer_clear(&walk->path);
	return r;
}

int hd_tree_comparison_run_knowing(const struct hd_comparison *comparison, hd_change_emit emit, void *payload,
	struct hd_change_counts *ret_counts)
{
	struct walk walk = {.old_view = comparison->old_view,
		.new_view = comparison->new_view,
		.told = comparison->moves,
		.emit = emit,
		.payload = payload};
	struct hd_tree_view_entry old_root, new_root;
	int r = 0;

	if (walk.told != HD_MOVES_IGNORED)
		r = hd_tree_moves_find(walk.old_view, walk.new_view, comparison->known, &walk.moves);
	if (r < 0)
		return r;
	hd_tree_view_root(walk.old_view, &old_root);
	hd_tree_view_root(walk.new_view, &new_root);
	r = run_from(&walk, &old_root, &new_root);
	hd_tree_moves_clear(&walk.moves);
	if (r == 0 && ret_counts)
		*ret_counts = walk.counts;
	return r;
}

int hd_tree_comparison_run(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	enum hd_comparison_moves moves, hd_change_emit emit, void *payload,
	struct hd_change_counts *ret_counts)
{
	const struct hd_comparison comparison = {.old_view = old_view, .new_view = new_view, .moves = moves};

	return hd_tree_comparison_run_knowing(&comparison, emit, payload, ret_counts);
}

static int stop_at_first(const struct hd_change *change, void *payload)
{
	(void)change;
	(void)payload;
	return 1;
}

int hd_tree_comparison_same_tree(struct hd_tree_view *old_view,
	const struct hd_tree_view_entry *old_directory, struct hd_tree_view *new_view,
	const struct hd_tree_view_entry *new_directory, bool *ret_same)
{
	struct walk walk = {.old_view = old_view, .new_view = new_view, .emit = stop_at_first};
	int r;

	r = run_from(&walk, old_directory, new_directory);
	if (r < 0)
		return r;
	*ret_same = r == 0;
	return 0;
}

int hd_change_copy_paths(const struct hd_change *change, char **ret_path, char **ret_old_path)
{
	HD_AUTO_FREE char *path = strndup(change->path, change->path_length);
	HD_AUTO_FREE char *old_path = change->old_path ? strdup(change->old_path) : NULL;

	if (!path || (change->old_path && !old_path))
		return -ENOMEM;
	*ret_path = HD_STEAL(path);
	*ret_old_path = HD_STEAL(old_path);
	return 0;
}

const char *hd_change_kind_letter(enum hd_change_kind kind)
{
	static const char *const letters[HD_CHANGE_KIND_COUNT] = {
		[HD_CHANGE_ADDED] = "A",
		[HD_CHANGE_MODIFIED] = "M",
		[HD_CHANGE_DELETED] = "D",
		[HD_CHANGE_MOVED] = "R",
	};

	return letters[kind];
}

const char *hd_change_type_name(uint32_t mode)
{
	if (S_ISREG(mode))
		return "file";
	if (S_ISDIR(mode))
		return "directory";
	return S_ISLNK(mode) ? "symlink" : "other";
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/changes/changed_paths.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/changes/change_era.h"
#include "overlay/changes/change_log.h"
#include "overlay/listings/base_loader.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * What is there now is found by the marks, from the root down, as a capture finds it: an inode's number of its last change, and a
 * directory's of the last one below it. The latter is kept up to date only from the barrier on, so that the barrier is raised
 * with every token: whatever changes later marks all directories above it with a number above the token's.
 *
 * What is not there any more is in the change log. That a name's directory was moved since does no harm: then the log has
 * the directory's old name, at which all that was below it is told of. If the log does not go back far enough, everything
 * may have changed, unless no directory has.
 *
 * git takes "everything" to mean that it has to look at every file and every directory, and keeps the new token whether it has done
 * so or not: it marks files that it has still to look at, and has no such mark for directories (fsmonitor.c: a trivial response
 * clears CE_FSMONITOR_VALID and use_fsmonitor, of which the index keeps the first alone). So a token that goes with
 * "everything" says that it does: who comes with it is told of all directories that there are.
 */

#define PATHS_LIMIT 50000u
#define BYTES_LIMIT (4u << 20)
#define DOUBTS ":all"                /* ends a token that went with "everything" */
#define NOT_A_NAME ".heddle-listing" /* told of in a directory whose listing may be another */

struct level {
	uint32_t entry; /* the next to look at */
	size_t length;  /* of the path up to here, with its slash */
	bool whole;
};

struct walk {
	const struct hd_overlay *overlay;
	uint64_t since;
	struct hd_buffer *paths;
	struct hd_buffer path; /* of the directory that is being looked at, with its slash */
	struct level *levels;  /* owned */
	size_t n_levels, capacity;
	size_t count;
	bool everything;
	bool knows_names; /* the log has all since then */
	bool doubts;      /* every listing may be another */
};

static void tell(struct walk *walk, const char *name, size_t length)
{
	hd_buffer_put(walk->paths, walk->path.data, walk->path.size);
	hd_buffer_put(walk->paths, name, length);
	hd_buffer_put_u8(walk->paths, 0);
	if (++walk->count > PATHS_LIMIT || walk->paths->size + walk->path.size > BYTES_LIMIT)
		walk->everything = true;
}

static void cut_path(struct walk *walk, size_t length)
{
	walk->path.size = length;
}

/* Goes into the directory INDEX, whose path is in place. */
static int enter(struct walk *walk, uint32_t index, bool whole)
{
	const struct hd_inode *inode = hd_record_inode(walk->overlay->arena, index);

	bool changed = whole || inode->self_change > walk->since;

	walk->everything |= changed && !walk->knows_names;
	if (changed || walk->doubts)
		tell(walk, NOT_A_NAME, strlen(NOT_A_NAME));
	if (inode->flags & HD_INODE_UNLOADED) {
		/* What is below is as it was, wherever that was. */
		walk->everything |= whole || walk->doubts;
		return 0;
	}
	if (HD_ARRAY_RESERVE(walk->levels, walk->n_levels, walk->capacity) < 0)
		return -ENOMEM;
	walk->levels[walk->n_levels++] = (struct level){
		.entry = inode->part.directory.first, .length = walk->path.size, .whole = whole};
	return 0;
}

static int look_at(struct walk *walk, uint32_t entry, bool whole)
{
	const struct hd_arena *arena = walk->overlay->arena;
	uint32_t child = hd_record_entry(arena, entry)->child;
	const struct hd_inode *inode = hd_record_inode(arena, child);
	char name[256];
	size_t length;

	if (!whole && inode->tree_change <= walk->since && !(walk->doubts && hd_inode_is_directory(inode)))
		return 0;
	length = hd_entry_name(arena, entry, name);
	if (hd_inode_is_directory(inode)) {
		hd_buffer_put(&walk->path, name, length);
		hd_buffer_put_u8(&walk->path, '/');
		return hd_buffer_status(&walk->path) < 0 ? -ENOMEM : enter(walk, child, whole);
	}
	/* A name in a directory that nobody has looked into is not to be found from here. */
	walk->everything |= inode->unseen_links > 0;
	tell(walk, name, length);
	return 0;
}

static int walk_below(struct walk *walk, uint32_t directory, bool whole)
{
	int r = enter(walk, directory, whole);

	while (r == 0 && walk->n_levels > 0 && !walk->everything) {
		struct level *level = &walk->levels[walk->n_levels - 1];
		uint32_t entry = level->entry;

		cut_path(walk, level->length);
		if (!entry) {
			walk->n_levels--;
			continue;
		}
		level->entry = hd_record_entry(walk->overlay->arena, entry)->next;
		r = look_at(walk, entry, level->whole);
	}
	walk->n_levels = 0;
	return r;
}

/* ---- what the log has ---- */

/* The path of a directory, with its slash, becomes the walk's; false for what has no name any more. */
static bool find_path(struct walk *walk, uint32_t index)
{
	const struct hd_arena *arena = walk->overlay->arena;
	size_t length = 0;
	char name[256];

	for (uint32_t at = index; at != hd_ino_index(HD_ROOT_INO);) {
		uint32_t entry = hd_record_inode(arena, at)->first_link;

		if (!entry)
			return false;
		length += hd_entry_name(arena, entry, name) + 1;
		at = hd_record_entry(arena, entry)->parent;
	}
	hd_buffer_reset(&walk->path);
	if (length == 0 || !hd_buffer_extend(&walk->path, length))
		return length == 0;
	for (uint32_t at = index; at != hd_ino_index(HD_ROOT_INO);) {
		uint32_t entry = hd_record_inode(arena, at)->first_link;
		size_t part = hd_entry_name(arena, entry, name);

		walk->path.data[--length] = '/';
		length -= part;
		memcpy(walk->path.data + length, name, part);
		at = hd_record_entry(arena, entry)->parent;
	}
	return true;
}

static int tell_logged(struct walk *walk, const struct hd_logged *item)
{
	const struct hd_inode *inode = hd_inode_get(walk->overlay->arena, item->ino);
	int r = 0;

	if (!inode || !find_path(walk, hd_ino_index(item->ino)))
		return hd_buffer_status(&walk->path);
	if (item->kind == HD_LOGGED_NAME_GONE) {
		tell(walk, item->name, strlen(item->name));
		if (item->is_directory) {
			walk->paths->size--;
			hd_buffer_put(walk->paths, "/", 2);
		}
	} else {
		tell(walk, "", 0);
		r = walk_below(walk, hd_ino_index(item->ino), true);
	}
	return r;
}

static int tell_all(struct walk *walk)
{
	const struct hd_change_log *log = walk->overlay->changes;
	const struct hd_inode *root = hd_record_inode(walk->overlay->arena, hd_ino_index(HD_ROOT_INO));
	int r = 0;

	walk->knows_names = walk->since >= log->begin;
	if (root->tree_change > walk->since || walk->doubts)
		r = walk_below(walk, hd_ino_index(HD_ROOT_INO), false);
	for (size_t i = log->count; walk->knows_names && r == 0 && !walk->everything && i-- > 0;) {
		const struct hd_logged *item = hd_change_log_item(log, i);

		if (item->change <= walk->since)
			break;
		r = tell_logged(walk, item);
	}
	return r < 0 ? r : hd_buffer_status(walk->paths);
}

/* ---- tokens ---- */

static void format_token(uint64_t era, uint64_t change, bool doubts, char token[HD_CHANGES_TOKEN_SIZE])
{
	(void)snprintf(token, HD_CHANGES_TOKEN_SIZE, "heddle:%016" PRIx64 ":%" PRIu64 "%s", era, change,
		doubts ? DOUBTS : "");
}

static bool ends_in_doubt(const char *token)
{
	size_t length = strlen(token);

	return length > strlen(DOUBTS) && strcmp(token + length - strlen(DOUBTS), DOUBTS) == 0;
}

/* One that was written otherwise is none of ours. */
static bool parse_token(
	const struct hd_overlay *overlay, const char *token, uint64_t *ret_since, bool *ret_doubts)
{
	char same[HD_CHANGES_TOKEN_SIZE];
	uint64_t era;

	if (sscanf(token, "heddle:%16" SCNx64 ":%20" SCNu64, &era, ret_since) != 2)
		return false;
	*ret_doubts = ends_in_doubt(token);
	format_token(era, *ret_since, *ret_doubts, same);
	return era == overlay->changes->era && strcmp(same, token) == 0;
}

static bool has_era(const struct hd_overlay *overlay)
{
	return overlay->changes && overlay->changes->era != HD_ERA_NONE &&
	       overlay->recovery.memory.state == HD_MEMORY_SOUND;
}

/* What changes from now on is above *RET_CHANGE, in every directory above it as well. */
static int raise_barrier(struct hd_overlay *overlay, uint64_t *ret_change)
{
	const struct hd_thread_head *head;
	struct hd_transaction transaction;
	int r = 0;

	hd_rwlock_write(&overlay->lock);
	head = hd_record_thread(overlay->arena);
	*ret_change = head->change;
	if (head->barrier < head->change) {
		hd_transaction_begin(overlay->arena, &transaction);
		hd_edit_thread(&transaction)->barrier = *ret_change;
		r = hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

/* The next directory from *INDEX on that nobody has looked into, or 0. */
static hd_ino next_unloaded(struct hd_overlay *overlay, uint32_t *index)
{
	uint32_t limit;
	hd_ino ino = 0;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	for (; ino == 0 && *index < limit; ++*index) {
		const struct hd_inode *inode = hd_record_inode(overlay->arena, *index);

		if (inode->state == HD_INODE_LIVE && hd_inode_is_directory(inode) &&
			inode->flags & HD_INODE_UNLOADED)
			ino = hd_inode_id(overlay->arena, *index);
	}
	hd_rwlock_unlock(&overlay->lock);
	return ino;
}

/* All directories get into the arena. What cannot be read stays out, and is met as it is. */
static void load_all(struct hd_overlay *overlay)
{
	bool found = true;

	while (found) {
		uint32_t index = 1;
		hd_ino ino;

		found = false;
		while ((ino = next_unloaded(overlay, &index))) {
			if (hd_load_directory(overlay, ino) < 0) {
				hd_error_clear();
				return;
			}
			found = true;
		}
	}
}

static int read_since(struct hd_overlay *overlay, const char *token, struct hd_changed_paths *ret)
{
	struct walk walk = {.overlay = overlay, .paths = &ret->paths};
	const struct hd_thread_head *head;
	int r = 0;

	hd_rwlock_read(&overlay->lock);
	head = hd_record_thread(overlay->arena);
	if (!parse_token(overlay, token, &walk.since, &walk.doubts) || walk.since < head->unmarked ||
		walk.since > head->change)
		walk.everything = true;
	else
		r = tell_all(&walk);
	hd_rwlock_unlock(&overlay->lock);
	ret->everything = walk.everything;
	hd_buffer_clear(&walk.path);
	free(walk.levels);
	return r;
}

int hd_changes_read(struct hd_overlay *overlay, const char *token, struct hd_changed_paths *ret_paths)
{
	struct hd_changed_paths paths = {.everything = true};
	uint64_t change;
	int r;

	if (!has_era(overlay)) {
		(void)snprintf(paths.token, sizeof(paths.token), "heddle:none");
		*ret_paths = paths;
		return 0;
	}
	r = raise_barrier(overlay, &change);
	if (r == 0 && ends_in_doubt(token))
		load_all(overlay);
	if (r == 0)
		r = read_since(overlay, token, &paths);
	if (r < 0) {
		hd_changed_paths_clear(&paths);
		return r;
	}
	format_token(overlay->changes->era, change, paths.everything, paths.token);
	if (paths.everything)
		hd_buffer_clear(&paths.paths);
	*ret_paths = paths;
	return 0;
}

void hd_changed_paths_clear(struct hd_changed_paths *paths)
{
	hd_buffer_clear(&paths->paths);
}

bool hd_changes_are_of_base(struct hd_overlay *overlay)
{
	bool of_base;

	hd_rwlock_read(&overlay->lock);
	of_base = hd_record_thread(overlay->arena)->unmarked == 0;
	hd_rwlock_unlock(&overlay->lock);
	return of_base;
}

void hd_changes_begin(struct hd_overlay *overlay, char ret_token[HD_CHANGES_TOKEN_SIZE])
{
	ret_token[0] = '\0';
	if (has_era(overlay) && hd_changes_are_of_base(overlay))
		format_token(overlay->changes->era, 0, false, ret_token);
}

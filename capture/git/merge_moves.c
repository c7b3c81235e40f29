/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/merge_moves.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/history/state_log.h"
#include "overlay/bases/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * The history is read from its end, so moves are put together from behind: the origin of what a later state moved is looked
 * for among what the earlier one did. A move is left to git where anything is in doubt: the old name is there again, the new
 * one on another side as well, or the other side has no such directory any more.
 */

/* Of states that a walk looks at; beyond them git finds what it finds. */
#define HISTORY_LIMIT 10000

void hd_merge_moves_clear(struct hd_merge_moves *moves)
{
	for (size_t i = 0; i < moves->count; i++) {
		free(moves->items[i].from);
		free(moves->items[i].to);
	}
	free(moves->items);
	*moves = (struct hd_merge_moves){0};
}

struct collecting {
	struct hd_index *index;
	git_repository *repository;
	const char *common;
	const git_oid *commit;
	struct hd_merge_moves *moves;
	size_t states;
};

/* Whether COMMIT has what STATE became. */
static int is_contained(
	const struct collecting *collecting, const struct hd_state *state, bool *ret_contained)
{
	HD_AUTO_FREE char *hex = NULL;
	git_oid id;
	int r = 0;

	*ret_contained = false;
	if (!state->git_commit)
		r = hd_index_get_export(collecting->index, collecting->common, &state->id, &hex);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*ret_contained =
		git_oid_fromstr(&id, state->git_commit ? state->git_commit : hex) == 0 &&
		(git_oid_equal(&id, collecting->commit) ||
			git_graph_descendant_of(collecting->repository, collecting->commit, &id) == 1);
	return 0;
}

/* What is behind the directory ABOVE in PATH, from its '/' on; NULL if PATH is neither that nor below it. */
static const char *rest_below(const char *above, const char *path)
{
	size_t length = strlen(above);

	return strncmp(above, path, length) == 0 && (path[length] == '/' || !path[length]) ? path + length
											   : NULL;
}

/* An earlier state moved FROM to TO: what began at TO began at FROM. */
static int put_before(struct hd_merge_moves *moves, const char *from, const char *to)
{
	bool met = false;

	for (size_t i = 0; i < moves->count; i++) {
		struct hd_state_move *later = &moves->items[i];
		const char *rest = rest_below(to, later->from);
		char *origin;

		if (!rest)
			continue;
		if (asprintf(&origin, "%s%s", from, rest) < 0)
			return -ENOMEM;
		met = met || !*rest;
		free(later->from);
		later->from = origin;
	}
	if (met)
		return 0;
	if (HD_ARRAY_RESERVE(moves->items, moves->count, moves->capacity) < 0)
		return -ENOMEM;
	moves->items[moves->count] = (struct hd_state_move){.from = strdup(from), .to = strdup(to)};
	moves->count++;
	return moves->items[moves->count - 1].from && moves->items[moves->count - 1].to ? 0 : -ENOMEM;
}

static int look_at(const struct hd_state *state, void *payload)
{
	struct collecting *collecting = payload;
	bool contained;
	int r = is_contained(collecting, state, &contained);

	if (r < 0 || contained)
		return r < 0 ? r : 1;
	if (collecting->states++ == HISTORY_LIMIT) {
		hd_merge_moves_clear(collecting->moves);
		return 1;
	}
	for (size_t i = state->n_moves; i-- > 0 && r >= 0;)
		r = put_before(collecting->moves, state->moves[i].from, state->moves[i].to);
	return r;
}

int hd_merge_moves_collect(struct hd_index *index, git_repository *repository, const char *common,
	const struct hd_state_id *head, const git_oid *commit, struct hd_merge_moves *ret_moves)
{
	struct hd_merge_moves moves = {0};
	struct collecting collecting = {.index = index,
		.repository = repository,
		.common = common,
		.commit = commit,
		.moves = &moves};
	int r = hd_state_log_walk(index, head, HD_STATE_LOG_FIRST_PARENT, look_at, &collecting);

	if (r < 0) {
		hd_merge_moves_clear(&moves);
		return r;
	}
	*ret_moves = moves;
	return 0;
}

/* ---- in git's trees ---- */

static bool find(const git_tree *tree, const char *path, bool *ret_directory, git_oid *ret_id)
{
	git_tree_entry *entry = NULL;

	if (git_tree_entry_bypath(&entry, tree, path) < 0)
		return false;
	*ret_directory = git_tree_entry_type(entry) == GIT_OBJECT_TREE;
	*ret_id = *git_tree_entry_id(entry);
	git_tree_entry_free(entry);
	return true;
}

static bool has_moved(const git_tree *tree, const char *from, const char *to)
{
	bool directory = false;
	git_oid id;

	return !find(tree, from, &directory, &id) && find(tree, to, &directory, &id) && directory;
}

static bool can_move(const git_tree *tree, const char *from, const char *to)
{
	bool directory = false;
	git_oid id;

	return !find(tree, to, &directory, &id) && find(tree, from, &directory, &id) && directory;
}

static int move_in(git_repository *repository, git_tree **tree, const struct hd_state_move *move)
{
	git_tree_update updates[] = {
		{.action = GIT_TREE_UPDATE_REMOVE, .path = move->from},
		{.action = GIT_TREE_UPDATE_UPSERT, .filemode = GIT_FILEMODE_TREE, .path = move->to},
	};
	git_tree *moved = NULL;
	bool directory;
	git_oid id;

	(void)find(*tree, move->from, &directory, &updates[1].id);
	if (git_tree_create_updated(&id, repository, *tree, HD_ARRAY_SIZE(updates), updates) < 0 ||
		git_tree_lookup(&moved, repository, &id) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "move '%s' to '%s'", move->from, move->to);
	git_tree_free(*tree);
	*tree = moved;
	return 0;
}

int hd_merge_moves_apply(const struct hd_merge_moves *moves, git_repository *repository, const git_tree *ours,
	git_tree **base, git_tree **theirs)
{
	int r = 0;

	for (size_t i = 0; i < moves->count && r >= 0; i++) {
		const struct hd_state_move *move = &moves->items[i];

		/* Into itself, or out of itself: one after the other that would be another place. */
		if (rest_below(move->from, move->to) || rest_below(move->to, move->from) ||
			!has_moved(ours, move->from, move->to) || !can_move(*base, move->from, move->to) ||
			!can_move(*theirs, move->from, move->to))
			continue;
		r = move_in(repository, base, move);
		if (r >= 0)
			r = move_in(repository, theirs, move);
	}
	return r;
}

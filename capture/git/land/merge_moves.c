/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/merge_moves.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "capture/history/state_log.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * A move is left to git where anything is in doubt: the old name is there again, the new one on another side as well, or a file
 * in its way; or the other side has no such directory any more.
 */

struct collecting {
	struct hd_index *index;
	git_repository *repository;
	const char *common;
	const git_oid *commit;
	struct hd_known_moves *moves;
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

static int look_at(const struct hd_state *state, void *payload)
{
	struct collecting *collecting = payload;
	bool contained;
	int r = is_contained(collecting, state, &contained);

	if (r < 0 || contained)
		return r < 0 ? r : 1;
	if (collecting->states++ == HD_KNOWN_MOVES_HISTORY) {
		hd_known_moves_clear(collecting->moves);
		return 1;
	}
	return hd_known_moves_put_before(collecting->moves, state->moves, state->n_moves);
}

int hd_merge_moves_collect(struct hd_index *index, git_repository *repository, const char *common,
	const struct hd_state_id *head, const git_oid *commit, struct hd_known_moves *ret_moves)
{
	struct hd_known_moves moves = {0};
	struct collecting collecting = {.index = index,
		.repository = repository,
		.common = common,
		.commit = commit,
		.moves = &moves};
	int r = hd_state_log_walk(index, head, HD_STATE_LOG_FIRST_PARENT, look_at, &collecting);

	if (r < 0) {
		hd_known_moves_clear(&moves);
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

/* Nothing above PATH is a file. */
static bool has_room(const git_tree *tree, const char *path)
{
	HD_AUTO_FREE char *above = strdup(path);
	bool directory = true;
	git_oid id;

	if (!above)
		return false;
	for (char *slash = strchr(above, '/'); slash && directory; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (!find(tree, above, &directory, &id))
			return true;
		*slash = '/';
	}
	return directory;
}

static bool can_move(const git_tree *tree, const char *from, const char *to)
{
	bool directory = false;
	git_oid id;

	return has_room(tree, to) && !find(tree, to, &directory, &id) && find(tree, from, &directory, &id) &&
	       directory;
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

int hd_merge_moves_apply(const struct hd_known_moves *moves, git_repository *repository, const git_tree *ours,
	git_tree **base, git_tree **theirs)
{
	int r = 0;

	for (size_t i = 0; i < moves->count && r >= 0; i++) {
		const struct hd_state_move *move = &moves->items[i];

		/* Into itself, or out of itself: one after the other that would be another place. */
		if (hd_known_moves_rest(move->from, move->to) || hd_known_moves_rest(move->to, move->from) ||
			!has_moved(ours, move->from, move->to) || !can_move(*base, move->from, move->to) ||
			!can_move(*theirs, move->from, move->to))
			continue;
		r = move_in(repository, base, move);
		if (r >= 0)
			r = move_in(repository, theirs, move);
	}
	return r;
}

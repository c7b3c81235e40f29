/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/capture_counts.h"
#include "capture/git/land/thread_merge.h"
#include "capture/import_base.h"
#include "capture/merge/conflicts.h"
#include "capture/merge/tree_merge.h"
#include "capture/smudge/smudge_difference.h"
#include "capture/smudge/smudge_tree.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * A state keeps what git does not: ignored files, empty directories, owners, times, all permissions. So the state of a
 * merge is not git's tree, but the head's with what the merge changes in the head's commit. Between the two lies the same
 * difference as between head and commit, and the next export finds in git's tree what it finds in the state's.
 */

struct making {
	struct hd_thread_merge *merge;
	const git_oid *commit, *tree;
	bool with_theirs;
	struct hd_state state;    /* owned: what is made */
	struct hd_state imported; /* owned: the branch's commit */
};

static int sync_repository(const struct hd_thread_merge *merge)
{
	HD_AUTO_CLOSE int fd = hd_directory_open(AT_FDCWD, merge->common);
	int r = fd < 0 ? fd : hd_file_sync_filesystem(fd);

	return r < 0 ? hd_fail_in(r, "sync %s", merge->common) : 0;
}

/* A git tree as a state of its own, of the history that the head is in. */
static void fill_tree_state(
	const struct making *making, uint16_t base, const git_oid *tree, struct hd_state *state)
{
	*state = (struct hd_state){.id = making->merge->head.id,
		.tree = {.kind = HD_CONTENT_GIT, .length = GIT_OID_RAWSZ, .base = base},
		.root_mode = 0755};
	memcpy(state->tree.bytes, tree->id, GIT_OID_RAWSZ);
}

static int refuse_ignored(const struct making *making, const struct hd_conflicts *conflicts)
{
	return hd_fail(HD_E_CONFLICTS,
		"'%s' in thread '%s' is ignored, or is what git does not keep, and %s has one: "
		"rename it, or move it away (%zu such %s)",
		conflicts->items[0].path, making->merge->thread, making->merge->theirs_name, conflicts->count,
		conflicts->count == 1 ? "name" : "names");
}

/* Trees of commits, as the store has what they differ in. */
static int smudge(struct making *making, struct hd_state *before, struct hd_state *after)
{
	struct hd_thread_merge *merge = making->merge;
	struct hd_smudge_place place = {.store = merge->store, .base = before->tree.base};
	struct hd_smudge_pair pair = {.state = &merge->head,
		.worktree = merge->worktree,
		.before = merge->ours_tree.id,
		.after = making->tree->id};
	int r = 0;

	if (!merge->store->smudges)
		return 0;
	if (git_repository_odb(&place.odb, merge->repository) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open the objects of %s", merge->location);
	r = hd_smudge_difference(&place, merge->bases, &pair, &before->tree, &after->tree);
	git_odb_free(place.odb);
	return r;
}

/* What git committed, without anything of the thread's. */
static int take_commit(struct making *making, uint16_t base)
{
	struct hd_thread_merge *merge = making->merge;
	struct hd_state whole;
	int r = 0;

	fill_tree_state(making, base, making->tree, &whole);
	if (merge->store->smudges)
		r = hd_smudge_state(merge->store, &whole);
	if (r < 0)
		return r;
	making->state.tree = whole.tree;
	making->state.attributes = whole.attributes;
	making->state.root_mode = whole.root_mode;
	return 0;
}

static int compose_tree(struct making *making)
{
	struct hd_thread_merge *merge = making->merge;
	struct timespec time = {.tv_sec = making->state.time_s, .tv_nsec = (long)making->state.time_ns};
	struct hd_state before, after;
	struct hd_conflicts conflicts = {0};
	struct hd_tree_merge trees = {.store = merge->store,
		.bases = merge->bases,
		.ours = &merge->head,
		.base = &before,
		.theirs = &after,
		.history = &merge->head.id,
		.time = &time};
	uint16_t base;
	int r;

	making->state.tree = merge->head.tree;
	making->state.attributes = merge->head.attributes;
	making->state.root_mode = merge->head.root_mode;
	if (git_oid_equal(making->tree, &merge->ours_tree) && !merge->worktree)
		return 0;
	r = hd_index_add_base(merge->store->index, HD_BASE_GIT, merge->location, &base);
	if (r < 0)
		return r;
	fill_tree_state(making, base, &merge->ours_tree, &before);
	fill_tree_state(making, base, making->tree, &after);
	r = smudge(making, &before, &after);
	if (r >= 0)
		r = hd_tree_merge_run(&trees, &making->state, &conflicts);
	if (r >= 0 && conflicts.count > 0 && !merge->is_committed)
		r = refuse_ignored(making, &conflicts);
	if (r >= 0 && conflicts.count > 0 && merge->is_committed)
		r = take_commit(making, base);
	hd_conflicts_clear(&conflicts);
	return r;
}

static int count_changes(struct making *making)
{
	struct hd_thread_merge *merge = making->merge;
	struct hd_tree_view *before = NULL, *after = NULL;
	int r;

	r = hd_tree_view_of_state(merge->bases, &merge->head, &before);
	if (r >= 0)
		r = hd_tree_view_of_state(merge->bases, &making->state, &after);
	if (r >= 0)
		r = hd_capture_count(before, after, &making->state);
	hd_tree_view_free(before);
	hd_tree_view_free(after);
	return r;
}

static int fill_facts(struct hd_state *state, const struct hd_thread_merge_words *words)
{
	state->facts = calloc(words->n_facts + 1, sizeof(*state->facts));
	if (!state->facts)
		return -ENOMEM;
	for (; state->n_facts < words->n_facts; state->n_facts++) {
		struct hd_state_fact *fact = &state->facts[state->n_facts];

		fact->key = strdup(words->facts[state->n_facts].key);
		fact->value = strdup(words->facts[state->n_facts].value);
		if (!fact->key || !fact->value) {
			state->n_facts++;
			return -ENOMEM;
		}
	}
	return 0;
}

/* What a commit says is the state's. */
static void quote(const struct hd_thread_merge_words *words, struct hd_state *state,
	struct hd_thread_merge_words *ret_words)
{
	const struct hd_state *said = words->said;

	state->time_s = said->time_s;
	state->time_ns = said->time_ns;
	state->zone_minutes = said->zone_minutes;
	*ret_words = (struct hd_thread_merge_words){
		.message = said->message, .facts = said->facts, .n_facts = said->n_facts};
}

static int fill_words(struct making *making, const struct hd_thread_merge_words *given)
{
	struct hd_capture_time now = hd_capture_time_now();
	struct hd_thread_merge_words words = *given;
	struct hd_state *state = &making->state;

	state->time_s = now.time_s;
	state->time_ns = now.time_ns;
	state->zone_minutes = now.zone_minutes;
	if (given->said)
		quote(given, state, &words);
	state->author = strdup(given->said ? given->said->author : making->merge->author);
	state->message = strdup(words.message);
	state->git_commit = strdup(git_oid_tostr_s(making->commit));
	state->parents = calloc(2, sizeof(*state->parents));
	if (!state->author || !state->message || !state->git_commit || !state->parents)
		return -ENOMEM;
	state->parents[state->n_parents++] = making->merge->head.id;
	return fill_facts(state, &words);
}

/* Objects first, then what names them. */
static int publish(struct making *making)
{
	struct hd_thread_merge *merge = making->merge;
	char hex[GIT_OID_HEXSZ + 1];
	int r = merge->is_committed ? 0 : sync_repository(merge);

	if (r >= 0 && making->with_theirs)
		r = hd_import_base_commit(merge->store, merge->bases, merge->location,
			git_oid_tostr(hex, sizeof(hex), &merge->theirs), &making->imported);
	if (r >= 0 && !merge->is_committed)
		r = hd_base_git_pin(merge->location, making->state.git_commit);
	if (r >= 0 && (making->with_theirs || !merge->is_committed))
		r = sync_repository(merge);
	if (r >= 0)
		r = hd_base_set_persist(merge->bases);
	if (r >= 0)
		r = hd_object_store_sync(merge->store->objects);
	if (r < 0)
		return r;
	if (making->with_theirs)
		making->state.parents[making->state.n_parents++] = making->imported.id;
	return hd_index_publish(merge->store->index, &making->state, NULL, NULL);
}

static int make(struct making *making, const struct hd_thread_merge_words *words, struct hd_state *ret_state)
{
	int r;

	r = fill_words(making, words);
	if (r >= 0)
		r = compose_tree(making);
	if (r >= 0)
		r = count_changes(making);
	if (r >= 0)
		r = publish(making);
	hd_state_clear(&making->imported);
	if (r < 0) {
		hd_state_clear(&making->state);
		return r;
	}
	*ret_state = making->state;
	return 0;
}

int hd_thread_merge_make_state(struct hd_thread_merge *merge, const git_oid *commit, const git_oid *tree,
	bool with_theirs, const struct hd_thread_merge_words *words, struct hd_state *ret_state)
{
	struct making making = {.merge = merge, .commit = commit, .tree = tree, .with_theirs = with_theirs};

	return make(&making, words, ret_state);
}

/* ---- with conflicts ---- */

static int conflict_message(const struct hd_thread_merge *merge, const char *what, struct hd_buffer *text)
{
	hd_buffer_printf(text, "%s\n\nConflicts:\n", what);
	for (size_t i = 0; i < merge->conflicts.count; i++)
		hd_buffer_printf(text, "    %s: %s\n", hd_conflict_kind_name(merge->conflicts.items[i].kind),
			merge->conflicts.items[i].path);
	text->size -= text->size > 0;
	hd_buffer_put_u8(text, '\0');
	return hd_buffer_status(text);
}

int hd_thread_merge_make_conflict_state(
	struct hd_thread_merge *merge, const char *what, struct hd_state *ret_state)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	const git_oid parents[] = {merge->ours, merge->theirs};
	char number[24];
	struct hd_state_fact fact = {.key = (char *)HD_STATE_FACT_CONFLICTS, .value = number};
	struct hd_thread_merge_words words = {.facts = &fact, .n_facts = 1};
	git_oid commit;
	int r;

	(void)snprintf(number, sizeof(number), "%zu", merge->conflicts.count);
	r = conflict_message(merge, what, &text);
	if (r < 0)
		return r;
	words.message = (const char *)text.data;
	r = hd_thread_merge_write_commit(
		merge, &merge->tree, parents, HD_ARRAY_SIZE(parents), words.message, &commit);
	if (r < 0)
		return r;
	return hd_thread_merge_make_state(merge, &commit, &merge->tree, true, &words, ret_state);
}

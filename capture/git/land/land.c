/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/land.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/land/branch_move.h"
#include "capture/git/land/thread_merge.h"
#include "capture/git/thread_repository.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * In this order: the thread's commits, the merge, the state that stands for it, all on the disk; the files of checkouts;
 * the branch. The thread is moved by the caller, who knows whether somebody has it open. A death before the branch leaves
 * objects that nothing names, one behind it a thread whose commits the branch has.
 */

#define FACT_ON "landed-on"
#define FACT_OVER "landed-over"
#define BRANCHES "refs/heads/"

struct landing {
	const struct hd_land_options *options;
	struct hd_thread_merge merge; /* owned */
	char *reference;              /* owned */
	git_oid before, after;
	git_oid tree; /* of what the branch goes to */
};

static void landing_clear(struct landing *landing)
{
	hd_thread_merge_end(&landing->merge);
	free(landing->reference);
}

/* ---- the branch ---- */

static const char *short_name(const char *reference)
{
	return strncmp(reference, BRANCHES, strlen(BRANCHES)) == 0 ? reference + strlen(BRANCHES) : reference;
}

/* The branch that the main checkout is on, or that a bare repository has as its first. */
static int default_reference(struct landing *landing)
{
	git_reference *head = NULL;
	const char *target = NULL;
	int r = 0;

	if (git_reference_lookup(&head, landing->merge.repository, "HEAD") == 0)
		target = git_reference_symbolic_target(head);
	if (!target || strncmp(target, BRANCHES, strlen(BRANCHES)) != 0)
		r = hd_fail(HD_E_REFERENCE_MISSING, "HEAD of %s is on no branch", landing->merge.location);
	else
		landing->reference = strdup(target);
	git_reference_free(head);
	return r < 0 ? r : landing->reference ? 0 : -ENOMEM;
}

static int choose_reference(struct landing *landing)
{
	const char *onto = landing->options->onto;
	int valid = 0;

	if (!onto)
		return default_reference(landing);
	if (asprintf(&landing->reference, "%s%s", strncmp(onto, "refs/", 5) == 0 ? "" : BRANCHES, onto) < 0) {
		landing->reference = NULL;
		return -ENOMEM;
	}
	if (git_reference_name_is_valid(&valid, landing->reference) < 0 || !valid ||
		strncmp(landing->reference, BRANCHES, strlen(BRANCHES)) != 0)
		return hd_fail(HD_E_REFERENCE_MISSING, "'%s' is no branch", onto);
	return 0;
}

static int read_reference(struct landing *landing)
{
	git_reference *reference = NULL;
	int g = git_reference_lookup(&reference, landing->merge.repository, landing->reference);
	const git_oid *target = g == 0 ? git_reference_target(reference) : NULL;
	int r = 0;

	if (g == GIT_ENOTFOUND)
		r = hd_fail(HD_E_REFERENCE_MISSING, "%s in %s", landing->reference, landing->merge.location);
	else if (g < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read %s", landing->reference);
	else if (!target)
		r = hd_fail(HD_E_REFERENCE_MISSING, "%s is a symbolic reference", landing->reference);
	else
		landing->before = *target;
	git_reference_free(reference);
	return r;
}

/* ---- the commit ---- */

static int default_message(const struct landing *landing, bool squash, char **ret_message)
{
	int n = asprintf(ret_message, squash ? "Land thread '%s' on %s" : "Merge thread '%s' into %s",
		landing->options->thread, short_name(landing->reference));

	return n < 0 ? -ENOMEM : 0;
}

/* The commit that the branch goes to. */
static int make_commit(struct landing *landing, const char *message, enum hd_land_outcome outcome)
{
	struct hd_thread_merge *merge = &landing->merge;
	const git_oid parents[] = {merge->theirs, merge->ours};

	landing->tree = merge->tree;
	if (outcome == HD_LAND_FORWARDED) {
		landing->after = merge->ours;
		return 0;
	}
	return hd_thread_merge_write_commit(
		merge, &merge->tree, parents, outcome == HD_LAND_MERGED ? 2 : 1, message, &landing->after);
}

static enum hd_land_outcome outcome_of(const struct landing *landing)
{
	const struct hd_thread_merge *merge = &landing->merge;

	if (merge->relation == HD_RELATION_CONTAINED)
		return HD_LAND_NOTHING;
	if (merge->conflicts.count > 0)
		return HD_LAND_CONFLICTS;
	if (landing->options->squash || merge->relation == HD_RELATION_DIVERGED) {
		/* Landed before by a squash, or the same was done on both sides. */
		if (git_oid_equal(&merge->tree, &merge->theirs_tree))
			return HD_LAND_NOTHING;
		return landing->options->squash ? HD_LAND_SQUASHED : HD_LAND_MERGED;
	}
	return HD_LAND_FORWARDED;
}

static int make_state(struct landing *landing, const char *message, struct hd_land_result *result)
{
	struct hd_state_fact facts[] = {{.key = (char *)FACT_ON, .value = landing->reference},
		{.key = (char *)FACT_OVER, .value = result->before}};
	struct hd_thread_merge_words words = {
		.message = message, .facts = facts, .n_facts = HD_ARRAY_SIZE(facts)};
	HD_AUTO_FREE char *said = NULL;

	if (result->outcome == HD_LAND_FORWARDED) {
		if (asprintf(&said, "landed on %s", short_name(landing->reference)) < 0) {
			said = NULL;
			return -ENOMEM;
		}
		words.message = said;
	}
	return hd_thread_merge_make_state(&landing->merge, &landing->after, &landing->tree,
		landing->merge.relation == HD_RELATION_DIVERGED, &words, &result->state);
}

static int make_conflicts(struct landing *landing, struct hd_land_result *result)
{
	HD_AUTO_FREE char *what = NULL;

	if (asprintf(&what, "'%s' on %s, with conflicts", landing->options->thread,
		    short_name(landing->reference)) < 0) {
		what = NULL;
		return -ENOMEM;
	}
	result->conflicts = landing->merge.conflicts;
	return hd_thread_merge_make_conflict_state(&landing->merge, what, &result->state);
}

/* ---- the whole ---- */

static int move_branch(struct landing *landing)
{
	HD_AUTO_FREE char *reason = NULL;
	struct hd_branch_move move = {.repository = landing->merge.repository,
		.reference = landing->reference,
		.before = landing->before,
		.after = landing->after};
	int r;

	if (asprintf(&reason, "heddle: land %s", landing->options->thread) < 0) {
		reason = NULL;
		return -ENOMEM;
	}
	move.reason = reason;
	r = hd_work_finish();
	return r < 0 ? r : hd_branch_move_run(&move);
}

/* Refused before anything is written. */
static int check_checkouts(const struct landing *landing)
{
	struct hd_branch_move move = {.repository = landing->merge.repository,
		.reference = landing->reference,
		.before = landing->before,
		.after = landing->merge.ours};

	return hd_branch_move_check(&move);
}

static int land_merged(struct landing *landing, struct hd_land_result *result)
{
	HD_AUTO_FREE char *made_up = NULL;
	const char *message = landing->options->message;
	int r = 0;

	if (!message)
		r = default_message(landing, result->outcome == HD_LAND_SQUASHED, &made_up);
	if (r >= 0)
		r = check_checkouts(landing);
	if (r >= 0)
		r = make_commit(landing, message ? message : made_up, result->outcome);
	if (r >= 0)
		r = make_state(landing, message ? message : made_up, result);
	if (r >= 0)
		r = move_branch(landing);
	(void)git_oid_tostr(result->after, sizeof(result->after), &landing->after);
	return r;
}

static int land(struct landing *landing, struct hd_land_result *result)
{
	struct hd_thread_merge *merge = &landing->merge;
	int r;

	merge->solved = landing->options->solved;
	r = choose_reference(landing);
	if (r >= 0)
		r = read_reference(landing);
	if (r >= 0)
		r = hd_thread_merge_with(merge, &landing->before, short_name(landing->reference));
	if (r < 0)
		return r;
	(void)git_oid_tostr(result->before, sizeof(result->before), &landing->before);
	(void)git_oid_tostr(result->after, sizeof(result->after), &landing->before);
	result->outcome = outcome_of(landing);
	result->commits = merge->ahead;
	result->behind = merge->behind;
	result->skipped = merge->skipped;
	result->ignored = merge->ignored;
	if (result->outcome == HD_LAND_CONFLICTS)
		return make_conflicts(landing, result);
	return result->outcome == HD_LAND_NOTHING ? 0 : land_merged(landing, result);
}

int hd_land_run(struct hd_store *store, struct hd_base_set *bases, const struct hd_land_options *options,
	struct hd_land_result *ret_result)
{
	struct landing landing = {.options = options};
	struct hd_land_result result = {0};
	int r;

	r = hd_thread_merge_begin(&landing.merge, store, bases, options->thread, options->author);
	if (r >= 0)
		r = land(&landing, &result);
	if (r >= 0) {
		result.head = landing.merge.head;
		landing.merge.head = (struct hd_state){0};
		result.repository = HD_STEAL(landing.merge.common);
		result.reference = HD_STEAL(landing.reference);
	}
	if (result.conflicts.items)
		landing.merge.conflicts = (struct hd_conflicts){0};
	landing_clear(&landing);
	if (r < 0) {
		hd_land_result_clear(&result);
		return hd_fail_in(r, "land '%s'", options->thread);
	}
	*ret_result = result;
	return 0;
}

void hd_land_result_clear(struct hd_land_result *result)
{
	free(result->repository);
	free(result->reference);
	hd_state_clear(&result->head);
	hd_state_clear(&result->state);
	hd_conflicts_clear(&result->conflicts);
	*result = (struct hd_land_result){0};
}

/* ---- taking it back ---- */

static const char *fact_of(const struct hd_state *state, const char *key)
{
	for (size_t i = 0; i < state->n_facts; i++) {
		if (strcmp(state->facts[i].key, key) == 0)
			return state->facts[i].value;
	}
	return NULL;
}

static int move_back(const char *location, struct hd_branch_move *move)
{
	int r;

	if (git_repository_open_ext(&move->repository, location, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "%s", location);
	r = hd_branch_move_run(move);
	git_repository_free(move->repository);
	return r;
}

int hd_land_take_back(struct hd_store *store, const struct hd_state *state, bool again, char **ret_reference)
{
	HD_AUTO_FREE char *location = NULL;
	HD_AUTO_FREE char *reference = NULL;
	const char *on = fact_of(state, FACT_ON), *over = fact_of(state, FACT_OVER);
	struct hd_branch_move move = {.reason = again ? "heddle: redo land" : "heddle: undo land"};
	int r;

	if (!on || !over || !state->git_commit ||
		git_oid_fromstr(again ? &move.before : &move.after, over) < 0 ||
		git_oid_fromstr(again ? &move.after : &move.before, state->git_commit) < 0)
		return hd_fail(HD_E_STORE_CORRUPT, "the state does not say where it was landed");
	reference = strdup(on);
	if (!reference)
		return -ENOMEM;
	move.reference = reference;
	r = hd_git_library_start();
	if (r >= 0)
		r = hd_thread_repository_find(store->index, "", &state->id, &location);
	if (r >= 0)
		r = move_back(location, &move);
	*ret_reference = HD_STEAL(reference);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/take_commits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/import/worktree_commits.h"
#include "capture/history/state_spec.h"
#include "cli/steps/advance_thread.h"
#include "cli/steps/thread_overlay.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Somebody else may do the same at this moment: who is later finds it done. */
#define MOST_ATTEMPTS 5

/* Converted files are what whoever committed them left of them, which no commit says. */
static int read_worktree(const struct hd_location *location, struct hd_state_id *ret_tree)
{
	struct hd_state_id head;

	return hd_thread_overlay_read(
		location, "what was there when commits of git's were taken over", &head, ret_tree);
}

static int adopt(const struct hd_location *location, const struct hd_worktree_commits *commits)
{
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	HD_AUTO_FREE char *actor = hd_operation_actor(location);
	struct hd_base_set *bases = NULL;
	struct hd_state_id from, to, worktree;
	struct hd_advance_options advance = {.kind = HD_OPERATION_COMMIT, .from = &from, .to = &to};
	bool smudges = location->store->smudges;
	int r = actor ? 0 : -ENOMEM;

	if (r >= 0 && smudges)
		r = read_worktree(location, &worktree);
	if (r >= 0)
		r = hd_base_set_new(location->store, 0, &bases);
	if (r < 0)
		return r;
	hd_progress_begin("taking over commits", HD_PROGRESS_STOPS);
	r = hd_worktree_commits_adopt(
		location->store, bases, location->thread, commits, smudges ? &worktree : NULL, &from, &to);
	hd_progress_end();
	hd_base_set_free(bases);
	return r < 0 ? r : hd_advance_thread(location, &advance, actor, "taking over commits", &operation);
}

void hd_tell_busy(const char *thread, const char *busy)
{
	if (busy)
		hd_output_remark("git is in the middle of a%s %s in the worktree of thread '%s': what it "
				 "commits is taken over when that ends",
			strchr("aeiou", *busy) ? "n" : "", busy, thread);
}

static int take_once(const struct hd_location *location, struct hd_taken_commits *taking)
{
	HD_CLEANUP(hd_worktree_commits_clear) struct hd_worktree_commits commits = {0};
	int r = hd_worktree_commits_find(location->store, location->thread, &commits);

	if (r >= 0 && commits.count > 0)
		r = adopt(location, &commits);
	if (r >= 0 && commits.count > 0)
		taking->count += commits.count;
	taking->is_sparse = commits.head.is_sparse;
	taking->busy = commits.head.busy;
	return r < 0 ? r : hd_worktree_commits_note(&commits);
}

static int try_taking(const struct hd_location *location, struct hd_taken_commits *taking)
{
	int r = -HD_E_THREAD_MOVED;

	for (unsigned attempt = 0; attempt < MOST_ATTEMPTS && r == -HD_E_THREAD_MOVED; attempt++)
		r = take_once(location, taking);
	return r;
}

static int take(const struct hd_location *location, struct hd_taken_commits *taking)
{
	int r = try_taking(location, taking);

	if (r >= 0)
		hd_tell_busy(location->thread, taking->busy);
	return r;
}

int hd_take_commits(const struct hd_location *location)
{
	struct hd_taken_commits taking = {0};

	return take(location, &taking);
}

int hd_take_commits_to_drop(const struct hd_location *location)
{
	struct hd_taken_commits taking = {0};
	int r = try_taking(location, &taking);

	if (r >= 0 && taking.busy)
		hd_output_remark(
			"git was in the middle of a%s %s in the worktree of thread '%s': what it committed "
			"for that is in no state",
			strchr("aeiou", *taking.busy) ? "n" : "", taking.busy, location->thread);
	return r;
}

int hd_take_commits_to_capture(const struct hd_location *location, struct hd_taken_commits *ret_taken)
{
	struct hd_taken_commits taking = {0};
	int r = take(location, &taking);

	if (r >= 0 && taking.is_sparse)
		r = hd_fail(HD_E_SPARSE, "thread '%s'", location->thread);
	if (r >= 0)
		*ret_taken = taking;
	return r;
}

int hd_take_commits_of(const struct hd_location *location, const char *spec, const char *current_thread)
{
	HD_AUTO_FREE char *thread = NULL;
	struct hd_location subject = *location;
	int r = hd_state_spec_thread(location->store->index, spec, current_thread, &thread);

	if (r < 0 || !thread)
		return r;
	subject.thread = thread;
	return hd_take_commits(&subject);
}

static int take_of(const struct hd_thread *thread, void *payload)
{
	struct hd_location location = *(const struct hd_location *)payload;

	location.thread = thread->name;
	return hd_take_commits(&location);
}

int hd_take_all_commits(const struct hd_location *location)
{
	return hd_index_list_threads(location->store->index, take_of, (void *)(uintptr_t)location);
}

void hd_bring_head(const struct hd_location *location, const char *thread, const struct hd_state_id *id)
{
	git_oid commit;
	int r = hd_worktree_head_nearest(location->store->index, id, &commit);

	if (r >= 0)
		r = hd_worktree_head_move(location->store, thread, &commit);
	if (r < 0 && r != -ENOENT)
		hd_output_remark("HEAD of the worktree stays where it is: %s", hd_error_message(r));
	hd_error_clear();
}

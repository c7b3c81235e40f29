/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_TAKE_COMMITS_H
#define HEDDLE_CLI_STEPS_TAKE_COMMITS_H

/*
 * Take commits: what git committed in a thread's worktree becomes states (capture/git/import/worktree_commits.h), before a command
 * goes on from the thread's head; and HEAD goes where a command brought the thread.
 *
 * Threads     The main thread. Errors: those of worktree_commits.h and advance_thread.h.
 */

#include "cli/arguments/store_locate.h"
#include "overlay/store/index/index_operations.h"

/* Tells that git is in the middle of BUSY ("rebase") in the worktree of THREAD; NULL: it is not. */
void hd_tell_busy(const char *thread, const char *busy);

/* Takes over the commits of the thread at LOCATION. Where git is in the middle of something there are none until it ends, which is told. */
int hd_take_commits(const struct hd_location *location);
/* The same before the thread goes, and with it what git is in the middle of. */
int hd_take_commits_to_drop(const struct hd_location *location);

struct hd_taken_commits {
	size_t count;
	const char *busy; /* what git is in the middle of, or NULL (worktree_head.h) */
	bool is_sparse;   /* git keeps files out of the tree */
};

/* The same, before its tree is captured: -HD_E_SPARSE where git keeps files out of that tree. */
int hd_take_commits_to_capture(const struct hd_location *location, struct hd_taken_commits *ret_taken);

/* The same for the thread from whose head SPEC counts, if it is one's; "@" is that of CURRENT_THREAD. */
int hd_take_commits_of(const struct hd_location *location, const char *spec, const char *current_thread);

/* The same for every thread of the store. */
int hd_take_all_commits(const struct hd_location *location);

/*
 * The worktree of the thread at LOCATION is at the commit that state ID stands for, or the last one before it that does. What
 * keeps HEAD from being moved is told, and is no failure.
 */
void hd_bring_head(const struct hd_location *location, const char *thread, const struct hd_state_id *id);

#endif

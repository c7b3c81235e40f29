/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_REBASE_H
#define HEDDLE_CAPTURE_GIT_LAND_REBASE_H

/*
 * Rebase: brings a thread onto another commit of the repository that its base is in.
 *
 *     hd_rebase_run → hd_thread_advance from the thread's head to result.state, base result.base, kind REBASE →
 *     hd_rebase_result_clear
 *
 * The thread's history is not written anew. Its next state has what both have become since they parted, and has the head and
 * the commit as parents; it stands for the merge of the two, or for the commit itself if the thread has nothing of its own.
 * So states keep their ids, and landing on a branch that is at the commit is a fast-forward.
 *
 * Ownership   Borrows store, bases and options; the caller clears the result. Threads: one.
 * Durability  As of thread_merge.h. Nothing is moved here.
 * Errors      -HD_E_REVISION_MISSING, and those of thread_merge.h.
 */

#include "capture/merge/conflicts.h"
#include "overlay/bases/base.h"

struct hd_rebase_options {
	const char *thread;
	const char *onto;   /* a revision, what `git rev-parse` takes */
	const char *author; /* "Name <mail>" */
};

enum hd_rebase_outcome {
	HD_REBASE_NOTHING,   /* the thread has all of the commit */
	HD_REBASE_FORWARDED, /* the commit has all of the thread */
	HD_REBASE_MERGED,
	HD_REBASE_CONFLICTS
};

struct hd_rebase_result {
	enum hd_rebase_outcome outcome;
	char commit[41];               /* onto which: hex */
	size_t commits;                /* how many of the thread's it does not have */
	size_t behind;                 /* how many it has that the thread did not begin with */
	struct hd_state head;          /* owned: the thread's */
	struct hd_state state;         /* owned: where it goes, or the conflicts; none of NOTHING */
	struct hd_state_id base;       /* the commit as a state; of FORWARDED and MERGED */
	struct hd_conflicts conflicts; /* owned */
};

/* Makes what the thread is to be moved to. */
int hd_rebase_run(struct hd_store *store, struct hd_base_set *bases, const struct hd_rebase_options *options,
	struct hd_rebase_result *ret_result);
/* Frees what the result owns; a cleared one is fine. */
void hd_rebase_result_clear(struct hd_rebase_result *result);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_THREAD_MERGE_H
#define HEDDLE_CAPTURE_GIT_LAND_THREAD_MERGE_H

/*
 * Thread merge: what a thread and a branch of its repository have become since they parted, as one commit. It is what
 * landing (land.h) and rebasing (rebase.h) have in common; neither the branch nor the thread is moved here.
 *
 *     hd_thread_merge_begin → hd_thread_merge_with → [_write_commit →] _make_state or _make_conflict_state →
 *     hd_thread_merge_end
 *
 * Ownership   Borrows store, bases and texts. Threads: one.
 * Durability  States are published when all that they name is on the disk, pinned against git's garbage collection.
 *             Killed before that, there are objects that nothing names.
 * Errors      -HD_E_CONFLICTS when the thread's head is a merge that nobody has solved; -HD_E_REPOSITORY_MISSING;
 *             -HD_E_UNRELATED; those of exports (export_git.h), of bases and of the index.
 */

#include <git2.h>
#include <stdbool.h>
#include <stdint.h>

#include "capture/merge/conflicts.h"
#include "overlay/bases/base.h"

enum hd_relation {
	HD_RELATION_CONTAINED, /* the branch has all of the thread */
	HD_RELATION_AHEAD,     /* the thread has all of the branch */
	HD_RELATION_DIVERGED
};

struct hd_thread_merge {
	struct hd_store *store;      /* borrowed */
	struct hd_base_set *bases;   /* borrowed */
	const char *thread;          /* borrowed */
	const char *author;          /* borrowed: "Name <mail>", of commits and states that are made */
	struct hd_state head;        /* owned: the thread's */
	char *location;              /* owned: the git directory, as the store knows it */
	char *common;                /* owned: the same, resolved */
	git_repository *repository;  /* owned */
	git_oid ours, ours_tree;     /* the commit that the head became, when _with has returned */
	git_oid theirs, theirs_tree; /* the branch's */
	const char *theirs_name;     /* borrowed: for people, "main" */
	bool solved; /* the caller's, before _with: a head that is a merge with conflicts is right as it is */
	/* The caller's: the commits are on the disk and pinned, and what they have goes before what the thread has and git not. */
	bool is_committed;
	/* Borrowed, the caller's: the files that these were committed of, in a store that smudges; or NULL. */
	const struct hd_state *worktree;
	enum hd_relation relation;
	size_t ahead,
		behind; /* how many commits the thread has that the branch lacks, and the other way round */
	git_oid tree;   /* of the merge; with the markers if there are conflicts */
	struct hd_conflicts conflicts; /* owned */
	uint64_t skipped, ignored; /* names that git cannot keep, or that are ignored, and were left out */
};

/* Opens the repository of THREAD, whose head is read. */
int hd_thread_merge_begin(struct hd_thread_merge *merge, struct hd_store *store, struct hd_base_set *bases,
	const char *thread, const char *author);
void hd_thread_merge_end(struct hd_thread_merge *merge);

/* Makes sure that the head is a commit of the repository, and merges it with THEIRS. */
int hd_thread_merge_with(struct hd_thread_merge *merge, const git_oid *theirs, const char *name);

/* Makes sure of the same for a merge that somebody made: sets `ours` and `ours_tree` alone. */
int hd_thread_merge_export_head(struct hd_thread_merge *merge);

/* Writes a commit of TREE by the author, now. */
int hd_thread_merge_write_commit(const struct hd_thread_merge *merge, const git_oid *tree,
	const git_oid *parents, size_t n_parents, const char *message, git_oid *ret_commit);

struct hd_thread_merge_words {
	const char *message;
	const struct hd_state_fact *facts; /* sorted by key */
	size_t n_facts;
	/* Borrowed: says message, facts, author and time instead, as a commit that is imported; or NULL. */
	const struct hd_state *said;
};

/*
 * A state that stands for COMMIT, whose tree is TREE: the head's tree with what TREE changes in the head's commit. Its
 * parents are the head and, if WITH_THEIRS, the branch's commit.
 * -HD_E_CONFLICTS when the thread has ignored files where the commit has others.
 */
int hd_thread_merge_make_state(struct hd_thread_merge *merge, const git_oid *commit, const git_oid *tree,
	bool with_theirs, const struct hd_thread_merge_words *words, struct hd_state *ret_state);

/* The merge with its conflicts, as a state that nothing names yet. */
int hd_thread_merge_make_conflict_state(
	struct hd_thread_merge *merge, const char *what, struct hd_state *ret_state);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_GIT_H
#define HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_GIT_H

/*
 * Import from git: commits as states, with their whole history, and names for them.
 *
 * No content is copied: the trees stay in the repository, which the store refers to from then on, and references under
 * refs/heddle/ there keep them from gc. A commit is one state in a store, however often it is imported, and one that an
 * export made is the state that it was made of.
 *
 * A branch is a tag "git/<branch>", which each import moves to where the branch is; a tag is a tag of its name, which is
 * not moved unless FORCE says so. Threads are made, never moved: they are work, and what they have is not captured.
 *
 * Ownership   The caller clears the result. Threads: any.
 * Durability  References that pin are on disk before states are, and states before names. All names change in one
 *             transaction. Stopped or killed before, an import leaves states that nothing names, and the next one goes on there.
 * Errors      -HD_E_REPOSITORY_MISSING, -HD_E_REPOSITORY, -HD_E_REVISION_MISSING, -HD_E_BASE_OBJECT, -HD_E_THREAD_EXISTS,
 *             -HD_E_INTERRUPTED, -HD_E_USAGE, those of the index.
 */

#include <stdbool.h>
#include <stdint.h>

#include "overlay/bases/base.h"

struct hd_import_git_options {
	const char *repository;       /* NULL: that of the store's first git base */
	const char *const *revisions; /* NULL-terminated; none at all: all branches and tags */
	const char *thread;           /* also make this thread, at the one revision; NULL: none */
	bool threads;                 /* also make a thread for each branch */
	bool force;                   /* move tags that are elsewhere */
	const char *actor;
};

/* A name of the store that leads to a commit. */
struct hd_import_name {
	char *reference; /* owned: whose it is in git */
	char *name;      /* owned; NULL: a revision without a name */
	bool is_thread;
	enum hd_import_outcome {
		HD_IMPORT_NEW,
		HD_IMPORT_MOVED,
		HD_IMPORT_SAME,
		HD_IMPORT_KEPT,   /* it is elsewhere, and was left there */
		HD_IMPORT_REFUSED /* the store cannot have that name */
	} outcome;
	struct hd_state_id state; /* all zero: none was made */
};

struct hd_import_git_result {
	char *repository;             /* owned: git directory */
	uint64_t commits;             /* that became states by this call */
	struct hd_import_name *names; /* owned array */
	size_t n_names;
	size_t no_commits; /* references to something else */
};

/* STORE and BASES (of that store) are borrowed. Sets *RET_RESULT, which says what became of each name. */
int hd_import_git(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_import_git_options *options, struct hd_import_git_result *ret_result);
/* Frees what the result owns and empties it. */
void hd_import_git_result_clear(struct hd_import_git_result *result);

#endif

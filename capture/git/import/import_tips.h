/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_TIPS_H
#define HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_TIPS_H

/*
 * Import tips: what of a repository is wanted: the commits that its references, or revisions that somebody wrote, name.
 *
 * A branch becomes the tag "git/<branch>", a remote one "git/<remote>/<branch>", a tag the tag of its own name. HEAD is the
 * branch that it is on. Other revisions have no name.
 *
 * Ownership   The caller clears the tips. Threads: one.
 * Errors      -HD_E_REVISION_MISSING, -HD_E_USAGE, -HD_E_REPOSITORY with libgit2's words.
 */

#include <git2/oid.h>
#include <git2/types.h>
#include <stdbool.h>
#include <stddef.h>

/* Of tags that branches become. */
#define HD_IMPORT_BRANCH_PREFIX "git/"

struct hd_import_tip {
	char *reference; /* owned: "refs/heads/main", or the revision as it was written */
	char *name;      /* owned: the tag that it becomes; NULL: none */
	bool is_branch;  /* and not a tag */
	git_oid commit;
	git_oid object; /* the annotated tag, or the commit */
};

struct hd_import_tips {
	struct hd_import_tip *items; /* owned array */
	size_t count, capacity;
	git_oid *excluded; /* owned array: what the history of ranges ends before */
	size_t n_excluded, excluded_capacity;
	size_t no_commits; /* references to something else, left out */
};

/* All branches, remote branches and tags. */
int hd_import_tips_all(git_repository *repository, struct hd_import_tips *tips);

/* What REVISION names: "main", "v1.0", "HEAD~3", "^v1.0", "v1.0..main". */
int hd_import_tips_add(git_repository *repository, const char *revision, struct hd_import_tips *tips);

/* Frees what the tips own and empties them. */
void hd_import_tips_clear(struct hd_import_tips *tips);

#endif

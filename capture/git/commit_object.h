/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_COMMIT_OBJECT_H
#define HEDDLE_CAPTURE_GIT_COMMIT_OBJECT_H

/*
 * Commit object: commits and tags as an object database has them, read by commit_text.h: libgit2 refuses commits that git
 * takes, such as those of which an author has no mail.
 *
 * Threads     Those of the database. Errors: -HD_E_BASE_OBJECT with libgit2's words, -ENOMEM.
 */

#include <git2/types.h>
#include <stdbool.h>

#include "capture/git/commit_text.h"

/* The caller frees the object behind the text, which borrows from it. */
int hd_commit_object_read(
	git_odb *odb, const git_oid *id, git_odb_object **ret_object, struct hd_commit_text *ret_text);

/* The commit that ID is, or is a tag of, or a tag of a tag of. 1, or 0 when it is none. */
int hd_commit_object_peel(git_odb *odb, const git_oid *id, git_oid *ret_commit);

/* What TAG is a tag of; false when it is none. */
bool hd_commit_object_tag_target(git_odb_object *tag, git_oid *ret_target);

/* The tree of commit ID. */
int hd_commit_object_tree(git_odb *odb, const git_oid *id, git_oid *ret_tree);

#endif

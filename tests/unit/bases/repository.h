/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_BASES_REPOSITORY_H
#define HEDDLE_TESTS_UNIT_BASES_REPOSITORY_H

/* Small real git repositories, made object by object. Everything asserts on failure. */

#include <git2.h>

#include "overlay/bases/base.h"

/* A repository with a work tree at PLACE. */
git_repository *repository_new(const char *place);

git_oid repository_add_blob(git_repository *repository, const void *data, size_t size);

/* One entry of a tree, written as it is given: no name or mode is refused. */
struct raw_entry {
	const char *mode; /* octal, "100644" */
	const char *name;
	git_oid id;
};
git_oid repository_add_tree(git_repository *repository, const struct raw_entry *entries, size_t count);

/* A commit of TREE on refs/heads/main, which HEAD names. */
git_oid repository_commit(
	git_repository *repository, const git_oid *tree, const char *message, git_time_t time);

/* Moves every object into one pack and deletes the loose files and older packs, as `git repack -ad` does. */
void repository_repack(git_repository *repository);

struct hd_content repository_content(const git_oid *id, uint16_t number);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WALK_OBJECT_WALK_H
#define HEDDLE_CAPTURE_GIT_WALK_OBJECT_WALK_H

/*
 * Object walk: what commits of a repository lead to, each object once: the commits before them, trees and files. It reads commits by
 * commit_text.h, so it goes through all that git takes; libgit2's walk refuses commits of which an author has no mail.
 *
 *     zeroed, odb and what is to be called set → hd_object_walk_pass ... → hd_object_walk_add ... → hd_object_walk_clear
 *
 * Submodules' commits are in other repositories, and are none of it.
 *
 * Ownership   The database is borrowed. Threads: one.
 * Errors      -HD_E_BASE_OBJECT, -HD_E_EXPORT_NAME (directories nested too deep), -HD_E_INTERRUPTED, those of EMIT.
 */

#include <git2/types.h>
#include <stdbool.h>

#include "capture/git/packs/object_list.h"

struct hd_object_walk {
	git_odb *odb;
	/* Whether ID is not wanted, with all that it leads to; NULL: all is. */
	bool (*is_known)(const git_oid *id, void *payload);
	/* Is told of each object that is met, of a file or directory with the last part of its path; may be NULL. */
	int (*emit)(const git_oid *id, const char *name, void *payload);
	void *payload;
	struct hd_object_list met; /* owned: all that was, in that order; `id` alone is filled */
	git_oid *stack;            /* owned array: commits */
	size_t count, capacity;
};

/* Walks through COMMITS and all before them. */
int hd_object_walk_add(struct hd_object_walk *walk, const git_oid *commits, size_t count);

/* COMMITS, what is before them, and what their trees have is known: it is neither told of nor walked through. */
int hd_object_walk_pass(struct hd_object_walk *walk, const git_oid *commits, size_t count);

/* Frees what the walk owns. */
void hd_object_walk_clear(struct hd_object_walk *walk);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EJECT_EJECT_H
#define HEDDLE_CAPTURE_GIT_EJECT_EJECT_H

/*
 * Eject: a thread as a plain git checkout, for who goes on without heddle: a repository of its own, with the history of the
 * thread as commits on a branch, the working tree as the mount shows it, and an index that git believes at once.
 *
 * Over a git base the objects, branches, tags, remotes, configuration, hooks and excludes of the original repository come
 * along; it is not needed afterwards. Over a directory the repository has the states alone. The commits are those of
 * export_git.h.
 *
 * Ownership   All is borrowed; hd_eject_result_clear frees the result. Threads: one.
 * Durability  The caller's (new_directory.h). A failed one leaves files below the directory, and the store as it was.
 * Errors      Those of export_git.h, directory_writer.h, the bases; -EEXIST for a tree with a `.git` of its own, and for a branch
 *             of the original that has other commits.
 */

#include "capture/archive/directory_writer.h"
#include "capture/git/export/export_git.h"

struct hd_eject {
	struct hd_store *store;
	struct hd_base_set *bases;
	const char *thread;             /* for messages */
	const struct hd_state_id *head; /* the last commit */
	const struct hd_state_id *tree; /* what the working tree has */
	const char *branch;
	bool without_notes;   /* none of what states say of themselves (export_notes.h) */
	bool without_ignored; /* files that git would not add, and that no commit has, stay behind */
	int root_fd;          /* an empty directory, open for reading */
};

struct hd_eject_result {
	struct hd_export_git_result commits; /* owned */
	struct hd_directory_writer_result files;
	uint64_t submodules; /* that were checked out, and are files without a repository now */
};

/* Fills the directory. */
int hd_eject(const struct hd_eject *eject, struct hd_eject_result *ret_result);
/* Fine for an empty one. */
void hd_eject_result_clear(struct hd_eject_result *result);

#endif

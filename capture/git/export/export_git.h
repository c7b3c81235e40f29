/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_GIT_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_GIT_H

/*
 * Export to git: a thread's states as commits on one branch of a repository.
 *
 * The state of an imported commit is that very commit, copied with all that it leads to if the export goes to another repository
 * (export_copy.h). The state of a base that `heddle init` made is the base's own commit when the export goes to the base's
 * repository; elsewhere it is written as a commit with the same tree, for it has no history. Each later state is one commit: author and committer are the
 * state's, its facts and its id are trailers of the message ("Heddle-<Key>: value", "Heddle-State: <id>"). A
 * state exported before is not exported again. Its facts, and who changed what, are a note of it (note_text.h). Bytes that the repository has are not read, let alone written.
 *
 * Modes are git's: 100755 by the owner's x, 100644, 120000. Git keeps no empty directories, devices, FIFOs
 * and sockets: they are left out and counted, and so are ignored files that it does not have yet. An empty
 * directory in the place of a submodule of the base stays that submodule. A name that git forbids (".git" and what filesystems take for it) stops the export
 * before any reference is touched.
 *
 * Ownership   The caller clears the result. Threads: any.
 * Durability  Objects are on disk before the branch names them; the branch moves in one step, and only
 *             from where an export left it. Commits are the same however often and wherever they are
 *             written.
 * Errors      -HD_E_REFERENCE_ELSEWHERE when the branch is where no export put it; -HD_E_REFERENCE_MOVED; -HD_E_BRANCH_CHECKED_OUT;
 *             -HD_E_EXPORT_NAME; -HD_E_REPOSITORY with libgit2's words; -HD_E_REPOSITORY_MISSING when the
 *             thread has no git base and none is named; errors of bases and store.
 */

#include <stdbool.h>
#include <stdint.h>

#include "capture/git/export/export_options.h"
#include "overlay/bases/base.h"

struct hd_export_git_result {
	char *repository; /* owned: git directory */
	char *reference;  /* owned: "refs/heads/..." */
	char *commit;     /* owned: hex id the reference points to now */
	uint64_t commits; /* written by this call */
	uint64_t notes;   /* likewise (export_notes.h) */
	/* Names that git cannot keep, each counted in the first of the states written by this call that has it. */
	uint64_t skipped;
	uint64_t ignored; /* likewise: left out because ignored; a directory is one */
	bool unchanged;   /* the reference was there already */
	/* With ignored files asked for: the state was a commit already, which an export without them made. */
	bool lacks_ignored;
};

/* STORE and BASES (of that store) are borrowed. */
int hd_export_git(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, struct hd_export_git_result *ret_result);
void hd_export_git_result_clear(struct hd_export_git_result *result);

#endif

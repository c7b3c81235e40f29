/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EJECT_EJECT_ORIGINAL_H
#define HEDDLE_CAPTURE_GIT_EJECT_EJECT_ORIGINAL_H

/*
 * Eject original: what a new repository has from the one that a thread's base is a commit of, besides its objects: branches,
 * tags, remote branches and notes; configuration with its remotes, hooks, excludes, and where a shallow history ends. What
 * heddle put there (refs/heddle/, branches heddle/<thread>) is not taken.
 *
 * Ownership   All is borrowed. Threads: one.
 * Errors      -HD_E_REPOSITORY with libgit2's words, -HD_E_BASE_MISSING, -errno.
 */

#include <git2.h>

/* Files of the git directory LOCATION into the one open as GIT_FD, whose repository is opened afterwards. */
int hd_eject_files_copy(const char *location, int git_fd);

/* Relative addresses of remotes of LOCATION become absolute, and what says where the original is goes, in the file CONFIG. */
int hd_eject_config_repair(const char *location, const char *config);

/*
 * References of LOCATION into REPOSITORY, which has the objects. BRANCH is left to who exports to it: RET_AT is where it is in
 * LOCATION, zero if it is not there.
 */
int hd_eject_references_copy(
	const char *location, git_repository *repository, const char *branch, git_oid *ret_at);

#endif

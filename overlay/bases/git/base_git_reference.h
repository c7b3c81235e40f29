/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_REFERENCE_H
#define HEDDLE_BASES_GIT_BASE_GIT_REFERENCE_H

/*
 * References of a repository that others write to as well. A reference is locked for a moment while git packs it or sets it;
 * git waits for that, and libgit2 does not.
 *
 * Ownership   Borrows everything. Threads: any. Errors of setting: those of libgit2, GIT_ELOCKED after two seconds.
 */

#include <stdbool.h>

struct git_repository;
struct git_oid;

/*
 * Sets NAME to ID: with FORCE from CURRENT, or, where that is NULL, from wherever it is; without FORCE there must be none of that
 * name. As git_reference_create_matching, whose result this is.
 */
int hd_git_reference_set(struct git_repository *repository, const char *name, const struct git_oid *id,
	bool force, const struct git_oid *current, const char *reason);

/*
 * Makes the reference DIRECTORY/ID ("refs/heddle/base"), which is at commit ID, 40 digits, in the git directory LOCATION. The name says
 * the value, so nobody writes another one there, and it needs no lock: that of a process that was killed would be in the way for ever.
 * When this returns, it and the directories that are new for it survive a power cut; libgit2 leaves an empty file, which git takes for
 * damage. Errors: -errno; -HD_E_REPOSITORY where a reference has the name of a directory.
 */
int hd_git_reference_keep(const char *location, const char *directory, const char *id);

/*
 * Why NAME could not be made: a failure of -HD_E_REFERENCE_COLLIDES if there is a reference above its name or below it, which no
 * repository has beside it; else of -HD_E_REPOSITORY with libgit2's words.
 */
int hd_git_reference_fail(struct git_repository *repository, const char *name);

#endif

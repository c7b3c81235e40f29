/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WALK_PARTIAL_CLONE_H
#define HEDDLE_CAPTURE_GIT_WALK_PARTIAL_CLONE_H

/*
 * Partial clone: a repository that lacks objects on purpose (`git clone --filter`), which git fetches when it needs them. What is shown
 * in a mount has to be there: not even the size of a file is known without it, and nobody waits for a network in stat(2).
 *
 * Ownership   The words are fresh memory. Threads: one.
 * Errors      -HD_E_REPOSITORY, -HD_E_INTERRUPTED, -ENOMEM.
 */

/*
 * Whether the repository with git directory LOCATION is a partial clone that lacks something of the tree of COMMIT, 40 digits: 1 with what it
 * lacks and how it is fetched, in words; else 0, at once where it is none.
 */
int hd_partial_clone_look(const char *location, const char *commit, char **ret_words);

#endif

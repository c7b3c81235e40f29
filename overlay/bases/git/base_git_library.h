/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_LIBRARY_H
#define HEDDLE_BASES_GIT_BASE_GIT_LIBRARY_H

/*
 * libgit2, started once per process with the options heddle needs, and its errors as ours.
 *
 * Calling sequence
 *     hd_git_library_start before the first libgit2 call of every entry point; it is cheap afterwards.
 *
 * Threads     Any. libgit2's last error belongs to the thread, as ours does.
 */

/* Loads libgit2 and starts it, unless that was done. It is never shut down: threads may still be in it. -ELIBACC: it cannot
 * be loaded, now. */
int hd_git_library_start(void);

struct git_odb;
/* The object database of the repository with git directory LOCATION; the caller frees it. -HD_E_BASE_MISSING. */
int hd_git_library_open_objects(const char *location, struct git_odb **ret_odb);

struct git_repository;
struct git_oid;
struct git_tree;
/* The tree of commit ID; the caller frees it. -HD_E_REPOSITORY. */
int hd_git_library_find_tree(
	struct git_repository *repository, const struct git_oid *id, struct git_tree **ret_tree);

/* hd_fail of CODE with "formatted text: libgit2's last message"; of -ENOSPC, -EDQUOT, -EROFS or -EIO where that says so. */
int hd_git_library_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

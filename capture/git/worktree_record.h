/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_RECORD_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_RECORD_H

/*
 * Worktree record: which of a repository's admin directories (<git directory>/worktrees/<name>) is which thread's. A file
 * `heddle` in the admin directory, which git does not know and leaves alone, says so:
 *
 *     store /home/a/project/.heddle
 *     number 3
 *     thread fix-login
 *
 * The number is what counts: it is given once, whatever the thread is called. The name is for people.
 *
 * Ownership   Records own their strings until hd_worktree_record_clear. Threads: any. Errors: -errno.
 */

#include <stdint.h>

#include "overlay/store/store.h"

/* Names of what is being made, or taken away, in the git directory. */
#define HD_WORKTREE_NEW_PREFIX "heddle-new-"
#define HD_WORKTREE_GONE_PREFIX "heddle-gone-"

struct hd_worktree_record {
	char *repository; /* owned: git directory, absolute */
	char *name;       /* owned: of the admin directory */
	char *store;      /* owned */
	char *thread;     /* owned */
	uint32_t number;
};

/* Frees the strings; a cleared record is fine. */
void hd_worktree_record_clear(struct hd_worktree_record *record);

/* The file's text: fresh memory, NULL when memory is short. */
char *hd_worktree_record_format(const char *store_path, uint32_t number, const char *thread);

/* That in the admin directory at PATH, with neither repository nor name; -ENOENT. The caller clears it. */
int hd_worktree_record_read(const char *path, struct hd_worktree_record *ret_record);

/* Nonzero ends the listing and becomes its result. */
typedef int (*hd_worktree_emit)(const struct hd_worktree_record *record, void *payload);

/* Calls EMIT for each admin directory of REPOSITORY that is a thread's of the store at STORE_PATH. */
int hd_worktree_record_list(
	const char *repository, const char *store_path, hd_worktree_emit emit, void *payload);

/* That of thread NUMBER; bare -ENOENT when it has none. The caller clears it. */
int hd_worktree_record_find(const char *repository, const char *store_path, uint32_t number,
	struct hd_worktree_record *ret_record);

#endif

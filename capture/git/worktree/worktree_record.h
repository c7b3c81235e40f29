/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_RECORD_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_RECORD_H

/*
 * Worktree record: which of a repository's admin directories (<git directory>/worktrees/<name>) is which thread's. A file
 * `heddle` in the admin directory, which git does not know and leaves alone, says so:
 *
 *     store /home/a/project/.heddle
 *     born 1795297065.915931688
 *     number 3
 *     thread fix-login
 *
 * When the store was made and the number are what counts: the store may be moved, with the repository or without, another one may
 * be made in its place, and a number is given once, whatever the thread is called. A copy of a store was made when that was, and has
 * worktrees of its own: it is told apart by the path while the store that was there still is. Else path and name are for people,
 * and for who looks for a mount. A record without a birth is its path's.
 *
 * Ownership   Records own their strings until hd_worktree_record_clear. Threads: any. Errors: -errno.
 */

#include <stdbool.h>
#include <stdint.h>

#include "overlay/store/store.h"

/* Names of what is being made, or taken away, in the git directory. */
#define HD_WORKTREE_NEW_PREFIX "heddle-new-"
#define HD_WORKTREE_GONE_PREFIX "heddle-gone-"

struct hd_worktree_record {
	char *repository; /* owned: git directory, absolute */
	char *name;       /* owned: of the admin directory */
	char *store;      /* owned: where it was when the thread was mounted last */
	char *born;       /* owned, may be NULL: when the store was made */
	char *thread;     /* owned */
	uint32_t number;
};

/* Frees the strings; a cleared record is fine. */
void hd_worktree_record_clear(struct hd_worktree_record *record);

/* The file's text, of all but repository and name: fresh memory, NULL when memory is short. */
char *hd_worktree_record_format(const struct hd_worktree_record *record);

/* When the store at STORE_PATH was made, as its records say it: fresh memory, NULL where nobody knows. */
char *hd_worktree_record_birth(const char *store_path);

/* TEXT, the bytes of a file and a NUL, with neither repository nor name; bare -ENOENT where it is no record. The caller clears it. */
int hd_worktree_record_parse(const char *text, struct hd_worktree_record *ret_record);

/* That in the admin directory at PATH, with neither repository nor name; -ENOENT. The caller clears it. */
int hd_worktree_record_read(const char *path, struct hd_worktree_record *ret_record);

/* Whether that at PATH is of thread NUMBER of the store at STORE_PATH. */
bool hd_worktree_record_is_of(const char *path, const char *store_path, uint32_t number);

/* Nonzero ends the listing and becomes its result. */
typedef int (*hd_worktree_emit)(const struct hd_worktree_record *record, void *payload);

/* Calls EMIT for each admin directory of REPOSITORY that is a thread's of the store at STORE_PATH, those last that say another path. */
int hd_worktree_record_list(
	const char *repository, const char *store_path, hd_worktree_emit emit, void *payload);

/* Calls EMIT for each of a store that was at STORE_PATH, and is another one by now. */
int hd_worktree_record_list_replaced(
	const char *repository, const char *store_path, hd_worktree_emit emit, void *payload);

/* The admin directory NAME, of which LOCKED is what the file `locked` says, "" where it is empty or missing. As hd_worktree_emit. */
typedef int (*hd_worktree_emit_void)(const char *name, const char *locked, void *payload);
/*
 * Calls EMIT for each admin directory of REPOSITORY whose file `heddle` is there and is no record. Nothing of a worktree is synced: so a
 * power cut leaves those that had just been made.
 */
int hd_worktree_record_list_void(const char *repository, hd_worktree_emit_void emit, void *payload);

/* That of thread NUMBER; bare -ENOENT when it has none. The caller clears it. */
int hd_worktree_record_find(const char *repository, const char *store_path, uint32_t number,
	struct hd_worktree_record *ret_record);

#endif

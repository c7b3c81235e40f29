/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_WORKLOAD_MOVES_H
#define HEDDLE_TESTS_TORTURE_WORKLOAD_MOVES_H

/*
 * Operations that move threads and tags: the workload's thread "main" is live, others ("other", "third") are not.
 *
 * As in workload.h, an operation that has nothing to act on does nothing.
 */

#include "overlay/overlay.h"

int workload_restore(struct hd_overlay *overlay);      /* main to the state that the store began with */
int workload_restore_path(struct hd_overlay *overlay); /* its file "a" alone */
int workload_undo(struct hd_overlay *overlay);         /* the last operation, of whatever thread or tag */
int workload_redo(struct hd_overlay *overlay);
int workload_tag(struct hd_overlay *overlay); /* puts it at main's head */
int workload_untag(struct hd_overlay *overlay);
int workload_thread_create(struct hd_overlay *overlay); /* "other", at main's head */
int workload_thread_fork(struct hd_overlay *overlay);   /* "other", with what main has not captured */
int workload_thread_write(
	struct hd_overlay *overlay); /* a file WORKLOAD_OTHER_FILE in it; opens and closes it */
int workload_thread_rename(struct hd_overlay *overlay); /* to "third" */
int workload_thread_drop(struct hd_overlay *overlay);   /* either */

#define WORKLOAD_OTHER_FILE "o"
#define WORKLOAD_FIRST_TAG "first"

/* Tags main's head WORKLOAD_FIRST_TAG. */
int workload_tag_first(struct hd_overlay *overlay);

/* Names, heads, bases, trees and directories of all threads, tags, and the log's last number, as one number. */
int workload_names_digest(struct hd_store *store, uint64_t *ret_digest, char **ret_description);

/* The directory of the thread "other" or "third", 0 where there is none; whether it has WORKLOAD_OTHER_FILE, and that
 * it can be opened, read and closed. */
int workload_other(struct hd_store *store, uint32_t *ret_directory, bool *ret_has_file);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CHANGES_CHANGE_LOG_H
#define HEDDLE_CHANGES_CHANGE_LOG_H

/*
 * Change log: what the marks of inodes (arena/inode_table.c) do not tell of a change: which names are gone, and which directories
 * were moved. In the memory of the process, the last ones alone: since when it knows all, it says. A process that takes a
 * thread over begins with an empty one.
 *
 * Ownership   The overlay's. Names are borrowed from the log until it changes.
 * Threads     Under the namespace lock: for writing, or for reading where it only looks.
 * Errors      None: what cannot be remembered is a later beginning.
 */

#include "overlay/overlay_types.h"

enum hd_logged_kind {
	HD_LOGGED_NAME_GONE, /* ino, name: the directory has no such name any more, or another inode at it */
	HD_LOGGED_MOVED,     /* ino: a directory that has another name */
};

struct hd_logged {
	uint64_t change;
	enum hd_logged_kind kind;
	bool is_directory; /* what had the name */
	hd_ino ino;
	char *name; /* owned; NULL with MOVED */
};

struct hd_change_log {
	uint64_t era;            /* change_era.h */
	uint64_t begin;          /* nothing of changes up to here is in the log */
	struct hd_logged *items; /* owned ring */
	size_t first, count;
};

/* Begins with changes above LAST. */
int hd_change_log_new(uint64_t era, uint64_t last, struct hd_change_log **ret_log);
/* Of NULL, does nothing. */
void hd_change_log_free(struct hd_change_log *log);

/* What the transaction that was just committed did. */
void hd_change_log_name_gone(struct hd_overlay *overlay, hd_ino parent, const char *name, bool is_directory);
void hd_change_log_moved(struct hd_overlay *overlay, uint32_t directory);

/* The oldest is 0. */
const struct hd_logged *hd_change_log_item(const struct hd_change_log *log, size_t index);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CHANGES_CHANGED_PATHS_H
#define HEDDLE_CHANGES_CHANGED_PATHS_H

/*
 * Changed paths: what may have changed since somebody asked last, for who keeps what he knows of the tree (git's fsmonitor).
 * More than has changed may be told of, never less, whatever became of the mount and its processes in between.
 *
 *     hd_changes_begin, once → hd_changes_read, each time with the token of the time before
 *
 * Told of are paths relative to the root: of files and directories that are new, changed, or gone, the old and the new one of what
 * was moved; with a slash at the end all that was below a directory. In a directory whose listing may be another one a name is
 * told of, and be it one that is not there. Where a directory was moved all that is below it is told of.
 *
 * Tokens      "heddle:<era>:<change>" (change_era.h). Of an unknown one everything may have changed. One that went with such an
 *             answer ends in ":all": whoever comes with it is told of every directory.
 *
 * Ownership   The caller clears the result. Threads: any; takes the namespace lock. Blocks on bases for a token with ":all".
 * Errors      -ENOMEM, those of the arena.
 */

#include "overlay/overlay.h"
#include "overlay/platform/buffer.h"

#define HD_CHANGES_TOKEN_SIZE 64

struct hd_changed_paths {
	char token[HD_CHANGES_TOKEN_SIZE]; /* to ask with the next time */
	bool everything;                   /* no paths: everything may have changed */
	struct hd_buffer paths;            /* each ends with NUL */
};

/* What may have changed since TOKEN was given out. */
int hd_changes_read(struct hd_overlay *overlay, const char *token, struct hd_changed_paths *ret_paths);
/* Frees the paths; cleared ones are fine. */
void hd_changed_paths_clear(struct hd_changed_paths *paths);

/* Whether the tree is its thread's first state, but for what shows a later change time. */
bool hd_changes_are_of_base(struct hd_overlay *overlay);
/* The token of that state; "" when what changed since is not known. */
void hd_changes_begin(struct hd_overlay *overlay, char ret_token[HD_CHANGES_TOKEN_SIZE]);

#endif

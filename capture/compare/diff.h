/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_DIFF_H
#define HEDDLE_CAPTURE_COMPARE_DIFF_H

/*
 * Diff: the differences between two tree views as a list, with line counts, or as a patch.
 *
 * The patch is what `git diff` prints and `git apply` takes: names are quoted as git quotes them, links are
 * files of mode 120000, file modes are git's two. Differences that a patch cannot express (empty directories,
 * permission bits other than the owner's x, devices) are in the list, not in the patch. Files with a NUL in
 * their first 8000 bytes, and those above HD_DIFF_TEXT_LIMIT, are binary: 'Binary files a/x and b/x differ', or, if
 * wanted, the bytes themselves as a binary patch.
 *
 * A patch has no moves of directories: there each file below is renamed by itself. A list alone (HD_DIFF_NAMES,
 * HD_DIFF_STAT) tells them as one entry each.
 *
 * Ownership   The caller clears the result. The text given to a callback is borrowed.
 * Threads     One at a time per view.
 * Errors      Those of the views; -ENOMEM; -EFBIG beyond HD_DIFF_PATHS_LIMIT, and for bytes wanted of more than
 *             HD_DIFF_TEXT_LIMIT; what the write callback returns.
 */

#include "capture/compare/tree_comparison.h"

#define HD_DIFF_TEXT_LIMIT (64u << 20)
/* Of all paths together, in bytes. */
#define HD_DIFF_PATHS_LIMIT (256u << 20)
#define HD_DIFF_CONTEXT_DEFAULT 3

enum hd_diff_depth {
	HD_DIFF_NAMES, /* the list alone; files of unequal size or reference are hardly read */
	HD_DIFF_STAT,  /* and the lines of each */
	HD_DIFF_PATCH, /* and the text */
	HD_DIFF_DEPTH_COUNT
};

struct hd_diff_options {
	enum hd_diff_depth depth;
	unsigned context_lines;
	bool binary; /* a patch has the bytes of binary files, too */
	/* Only what is at or below one of these, relative to the root, is told; then there are no moves. None: all. */
	const char *const *paths;
	size_t n_paths;
	/* Receives the patch piece by piece. A negative result ends the diff and becomes its result. */
	int (*write)(void *payload, const void *data, size_t size);
	void *write_payload;
	const struct hd_moves_source
		*known; /* borrowed: of the moves; set by hd_diff_states and hd_diff_overlay */
};

struct hd_diff_entry {
	enum hd_change_kind kind;
	char *path; /* owned: relative, raw bytes, NUL-terminated; "." for the root itself */
	size_t path_length;
	char *old_path;                      /* owned: of what was MOVED, else NULL */
	uint32_t old_mode;                   /* 0 if ADDED */
	uint32_t new_mode;                   /* 0 if DELETED */
	uint64_t added_lines, deleted_lines; /* 0 below HD_DIFF_STAT, and of binary files */
	bool binary;
};

struct hd_diff {
	struct hd_diff_entry *entries; /* owned array, in the order of paths */
	size_t n_entries;
	struct hd_change_counts counts;
};

/* Every difference is in the list; the text, if asked for, has been written when the call returns. */
int hd_diff_run(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	const struct hd_diff_options *options, struct hd_diff *ret_diff);
void hd_diff_clear(struct hd_diff *diff);

/* From state FROM to state TO of one store. */
int hd_diff_states(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *from,
	const struct hd_state_id *to, const struct hd_diff_options *options, struct hd_diff *ret_diff);

/* As the control protocol asks: FROM NULL is the thread's head, TO NULL the overlay as it is now. */
int hd_diff_overlay(struct hd_overlay *overlay, const struct hd_state_id *from, const struct hd_state_id *to,
	const struct hd_diff_options *options, struct hd_diff *ret_diff);

/* A write callback for a file or memory file: PAYLOAD points to a struct hd_diff_file. */
struct hd_diff_file {
	int fd;          /* borrowed */
	uint64_t offset; /* where the next piece goes; 0 to begin with */
};
int hd_diff_write_file(void *payload, const void *data, size_t size);

#endif

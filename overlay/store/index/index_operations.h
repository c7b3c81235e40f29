/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_INDEX_OPERATIONS_H
#define HEDDLE_STORE_INDEX_INDEX_OPERATIONS_H

/*
 * Operations: the log of everything that moved a thread or a tag, and the one way to move them.
 *
 * An operation says what a thread (or tag) was before and what it is after. Applying one compares the first with what
 * is there and writes the second, in the transaction that adds it to the log: nothing moves without a trace, and of
 * two that expect the same one wins.
 *
 * A thread's overlay cannot be in the index. So a side of an operation names the directory it is in, and a state whose
 * tree it has, from which it can be made anew: moving a thread to other content is to give it a new, empty directory
 * and that state, which costs the same for every tree.
 *
 * Calling sequence
 *     fill before (what is there) and after → hd_index_change → hd_operation_clear
 *
 * Ownership   Sides own their names, an operation all of its texts.
 * Threads, durability, errors: those of index.h; -HD_E_THREAD_MOVED when what is there is not `before`.
 */

#include "overlay/store/index/index.h"

/* Stored: new kinds go to the end. */
enum hd_operation_kind {
	HD_OPERATION_INIT,
	HD_OPERATION_CREATE,
	HD_OPERATION_CAPTURE,
	HD_OPERATION_RENAME,
	HD_OPERATION_DROP,
	HD_OPERATION_RESTORE,
	HD_OPERATION_TAG,
	HD_OPERATION_UNDO,
	HD_OPERATION_REDO,
	HD_OPERATION_LAND,
	HD_OPERATION_REBASE,
	HD_OPERATION_COMMIT, /* commits that git made in its worktree became states */
	HD_OPERATION_KIND_COUNT
};

struct hd_operation_side {
	char *name; /* owned; NULL: there was, or is, none */
	/* Of threads: the number of its directory. In an `after` that is applied, 0 gives it a new, empty one; of a new
	 * thread it may be one that was reserved. */
	uint32_t overlay;
	struct hd_state_id head; /* of a tag: its state */
	struct hd_state_id base; /* of threads: where it began */
	struct hd_state_id tree; /* of threads: the state from which its overlay can be made anew */
};

struct hd_operation {
	uint64_t number; /* from 1 */
	enum hd_operation_kind kind;
	bool is_tag; /* what moved is a tag and not a thread */
	int64_t time_s;
	int32_t zone_minutes;
	char *actor; /* owned: "Name <mail>", or empty where nobody said */
	struct hd_operation_side before, after;
	struct hd_state_id kept; /* the state that keeps what was not captured; zero: there was nothing */
	uint64_t target;         /* of UNDO and REDO: what was undone, or done again; else 0 */
	uint64_t undone;         /* the UNDO that holds now; 0: none */
};

void hd_operation_side_clear(struct hd_operation_side *side);
void hd_operation_clear(struct hd_operation *operation);
/* "capture", "undo", ... */
const char *hd_operation_kind_name(enum hd_operation_kind kind);

/* What THREAD is, as a side; fresh memory. */
int hd_operation_side_of(const struct hd_thread *thread, struct hd_operation_side *ret_side);

/*
 * One transaction: moves what `before` says to what `after` says and logs it. Sets number, time, and
 * after.overlay where it was 0.
 */
int hd_index_change(struct hd_index *index, struct hd_operation *operation);
/* One transaction for all of them, in this order: all or nothing. */
int hd_index_change_all(struct hd_index *index, struct hd_operation *operations, size_t count);

/* Adds a thread whose base, head and tree are HEAD, and logs it. */
int hd_index_create_thread(struct hd_index *index, const char *name, const struct hd_state_id *head);

/* -HD_E_OPERATION_MISSING. The caller clears it. */
int hd_index_get_operation(struct hd_index *index, uint64_t number, struct hd_operation *ret_operation);

/* Nonzero ends the listing and becomes its result. */
typedef int (*hd_operation_emit)(const struct hd_operation *operation, void *payload);
/* At most LIMIT (0: all) operations, newest first, with no lock held; THREAD NULL: of everything. */
int hd_index_list_operations(
	struct hd_index *index, const char *thread, uint64_t limit, hd_operation_emit emit, void *payload);

/* What `undo`, and `redo`, would take back next; bare -HD_E_OPERATION_MISSING when there is nothing. */
int hd_index_find_undoable(struct hd_index *index, const char *thread, uint64_t *ret_number);
int hd_index_find_redoable(struct hd_index *index, const char *thread, uint64_t *ret_number);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_RECOVERY_JOURNAL_FORK_H
#define HEDDLE_RECOVERY_JOURNAL_FORK_H

/*
 * Fork of a journal: a new thread's overlay that begins with another's as it is now, whatever is in it.
 *
 * What a journal has up to its last epoch never changes; a checkpoint is another file. So the new thread's directory gets
 * hard links to these files, and a journal of its own that says up to where they count (journal_origins.h). No byte is
 * copied. Nothing of what the threads do from then on touches what the other one reads.
 *
 * Calling sequence
 *     hd_fork_begin, or hd_fork_begin_closed → hd_fork_make → [the thread gets its row of the index] → hd_fork_end
 *
 * A new thread's number is reserved before (hd_index_reserve_thread), and never given to another one: who is killed before
 * the row is written leaves a directory that nobody looks into.
 *
 * Threads     One fork of a thread at a time: the caller has the thread's captures (hd_overlay_hold_captures), or its lease.
 * Durability  When hd_fork_make returns 0, the new directory with all that it begins with survives a power cut.
 * Errors      -errno of the disk. hd_fork_is_impossible tells those that come from filesystems without hard links, or
 *             with too few of them.
 */

#include "overlay/journal/journal_origins.h"
#include "overlay/overlay.h"

struct hd_fork {
	uint32_t from; /* number of the thread */
	struct hd_journal_origins origins;
};

/* Flushes OVERLAY, and gives what its journal consists of then names that stay. */
int hd_fork_begin(struct hd_overlay *overlay, struct hd_fork *ret_fork);

/*
 * The same for a thread that nobody has open, without opening it. -HD_E_THREAD_BUSY: somebody has. -ENOENT: it has no
 * overlay. -EUCLEAN: it was not closed, and only who opens it knows what there is.
 */
int hd_fork_begin_closed(struct hd_store *store, uint32_t from, struct hd_fork *ret_fork);

/* Makes the directory of the new thread NUMBER. Leaves none if it fails. */
int hd_fork_make(struct hd_store *store, const struct hd_fork *fork, uint32_t number);
/* Removes that directory again, of a thread that has no row. */
void hd_fork_discard(struct hd_store *store, uint32_t number);

/* Takes the names that stay away again, whether or not there is a new thread. */
void hd_fork_end(struct hd_store *store, const struct hd_fork *fork);

/* Whether R says that this filesystem cannot do it at all, rather than that it failed. */
bool hd_fork_is_impossible(int r);

#endif

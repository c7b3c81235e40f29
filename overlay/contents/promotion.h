/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CONTENTS_PROMOTION_H
#define HEDDLE_CONTENTS_PROMOTION_H

/*
 * Promotion: files that nobody has written for a while are stored in the CAS, and their memory is given back.
 *
 * A file is put on the queue when it becomes dirty and when it is closed; the thread takes it off once its
 * bytes have not changed for promote_idle_ms, so that what is written again, or deleted, soon after never
 * costs a disk write.
 *
 * Threads     Any. The queue's lock is rank PROMOTION; settling holds no lock while it hashes or writes.
 * Errors      Of hd_file_settle: -ESTALE (the inode is gone), store errors, base errors.
 */

#include "overlay/overlay_types.h"

int hd_promoter_new(struct hd_overlay *overlay, unsigned idle_ms, struct hd_promoter **ret_promoter);
/* Starts the thread; without it nothing is promoted but by closing and capturing. */
int hd_promoter_start(struct hd_promoter *promoter);
/* Stops the thread; the queue is dropped (closing settles by scanning). */
void hd_promoter_stop(struct hd_promoter *promoter);
void hd_promoter_free(struct hd_promoter *promoter);

/* Never blocks, never fails: a file that is not remembered is found by the scan at the end. */
void hd_promoter_enqueue(struct hd_promoter *promoter, hd_ino ino);

/* Waits while the hot tier is above its budget; -HD_E_HOT_TIER_FULL when it stays so. */
int hd_promoter_make_room(struct hd_overlay *overlay);

/*
 * Lets recent objects have files, if their log has grown long (hd_object_store_settle): later and in the promoter's
 * thread if that runs, else now, if the log is very long. Errors are of the latter.
 */
int hd_promoter_tidy(struct hd_promoter *promoter);

/* Files on the queue, those counted twice included. */
uint64_t hd_promoter_queued(struct hd_promoter *promoter);

struct hd_kept_files;

/*
 * Stores a file's bytes in the CAS; a link's target likewise. If nobody wrote meanwhile the inode refers to them from now
 * on, and its blocks are free. A file that is settled already costs nothing. With FILES, those of a snapshot
 * (kept_files.h), they are what the file was then; with NULL what it is now, and -EAGAIN says that somebody writes to it
 * all the while.
 */
int hd_file_settle(
	struct hd_overlay *overlay, hd_ino ino, struct hd_kept_files *files, struct hd_content *ret);

/*
 * The same for many files of a snapshot: the bytes of small ones are put into the store together, and then each is told
 * what they are called.
 */
int hd_files_settle(struct hd_overlay *overlay, const hd_ino *inos, size_t count, struct hd_kept_files *files,
	struct hd_content *ret);

/* Files up to this size are settled together: what the log of recent objects takes. */
#define HD_SETTLE_TOGETHER_LIMIT ((uint64_t)128 << 10)

/* A file whose bytes are in a batch. */
struct hd_settling {
	hd_ino ino;
	uint64_t version; /* of which the bytes are */
	bool is_kept;     /* the inode has newer ones */
	uint64_t hole_blocks;
	struct hd_content content;
};

/*
 * The two halves of it, between which the batch is flushed. Begin returns 1, or 0 for what is not settled so: a link, a large
 * file, one that is settled or was just written; end -EAGAIN if it was written since. Then hd_file_settle does it.
 */
int hd_file_settle_begin(struct hd_overlay *overlay, hd_ino ino, struct hd_kept_files *files,
	struct hd_object_batch *batch, struct hd_settling *ret);
int hd_file_settle_end(
	struct hd_overlay *overlay, struct hd_kept_files *files, const struct hd_settling *settling);

/*
 * Whether a file is worth storing merely to free its memory. One byte in a huge file of the base, or at the end of a
 * huge hole, is not: the store would be given the whole file for a block. Such blocks stay in memory and in the
 * journal until a capture wants the file. With HURRY, when memory is short, only what would take hours is left out.
 */
bool hd_is_worth_settling(const struct hd_inode *inode, bool hurry);

/* Settles every live file that is not settled and worth it. Goes on after errors and returns the first. */
int hd_settle_all(struct hd_overlay *overlay, bool hurry);

#endif

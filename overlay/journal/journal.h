/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_JOURNAL_H
#define HEDDLE_JOURNAL_JOURNAL_H

/*
 * Journal: one thread's overlay on disk, threads/<n>/journal, a header and then epochs.
 *
 * An epoch is what changed since the epoch before, cut at one instant between two transactions: records of
 * the arena, and the blocks of file data that are in no content. It counts as a whole or not at all. A
 * checkpoint is an epoch that holds everything, in a new file that takes the old one's place.
 *
 * Calling sequence
 *     hd_journal_replay → hd_journal_open → { hd_epoch_begin → _record, _block, _large → hd_epoch_commit } ...
 *     → hd_journal_seal → hd_journal_free
 *     hd_journal_begin_checkpoint instead of hd_epoch_begin writes a checkpoint.
 *
 * Threads     One at a time. Ownership: the caller owns the journal; the directory is borrowed.
 * Durability  When hd_epoch_commit returns 0 the epoch survives a power cut. After a failure the file ends
 *             where it did before, and the same changes may be written again.
 * Errors      -errno of the disk, -HD_E_JOURNAL_CORRUPT, -HD_E_JOURNAL_VERSION.
 */

#include "overlay/arena/arena.h"

struct hd_journal;
struct hd_journal_end;
struct hd_journal_origin;
struct hd_journal_origins;
struct hd_journal_source;

/* Where replayed records and blocks go. What is missing of the last block up to its end is zero. */
struct hd_replay {
	void *payload;
	int (*record)(void *payload, unsigned table, uint32_t index, const void *data, size_t size);
	int (*block)(void *payload, uint32_t block, const void *data, size_t size);
	int (*large)(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size);
};

struct hd_replay_report {
	uint64_t epochs;
	uint64_t torn_bytes; /* behind the last whole epoch; cut off by hd_journal_open */
	uint64_t size;       /* up to the end of the last whole epoch */
	uint64_t id;         /* of the journal */
	uint64_t
		lost_epoch; /* number of a later epoch that was there, if what is behind SIZE is damaged; or 0 */
	uint64_t origin_epochs; /* applied before, of what a fork begins with (journal_origins.h) */
};

/*
 * Reads the journal of DIRECTORY_FD, that of THREAD, and applies every whole epoch in order. A missing one is empty. What
 * was damaged after it had been on disk, or is missing although it had been, is -HD_E_JOURNAL_CORRUPT.
 */
int hd_journal_replay(int directory_fd, uint32_t thread, const struct hd_replay *replay,
	struct hd_replay_report *ret_report);

/*
 * Whether the journal of DIRECTORY_FD ends where its last owner closed it: nothing was written since, and nothing is to
 * be recovered. True when there is none. Reads its header alone.
 */
bool hd_journal_was_closed(int directory_fd, uint32_t thread);

/* Where it ends, if hd_journal_was_closed and there is one; and what it begins with. Everything up to there is on disk. */
bool hd_journal_closed_end(int directory_fd, uint32_t thread, struct hd_journal_end *ret_end,
	struct hd_journal_origins *ret_origins);

/* Opens it for appending at SIZE behind EPOCHS epochs (as replayed); with SIZE 0 the first epoch is a
 * checkpoint. */
int hd_journal_open(
	int directory_fd, uint32_t thread, uint64_t size, uint64_t epochs, struct hd_journal **ret_journal);
/* Makes durable that there is this directory of a thread. The first epoch of all does it; and who relies on other files in it. */
int hd_journal_sync_directory(int directory_fd);
/* Makes durable what was replayed: a process that was killed may have written it and not synced it. Between epochs; costs
 * nothing the second time. */
int hd_journal_sync(struct hd_journal *journal);
/* Notes how long it is, so that it is noticed if it is shorter later. */
void hd_journal_seal(struct hd_journal *journal);
void hd_journal_free(struct hd_journal *journal);

/*
 * One epoch: begin, items in any order, commit (or abort, also after any failure). A checkpoint is begun by its own
 * call and is an epoch like any other. Of what is written at once there are at most HD_ITEM_LIMIT bytes.
 */
int hd_epoch_begin(struct hd_journal *journal);
int hd_journal_begin_checkpoint(struct hd_journal *journal);
int hd_epoch_record(
	struct hd_journal *journal, unsigned table, uint32_t index, const void *data, size_t size);
/* COUNT consecutive hot blocks. Zeros at the end of a block are not written, and come back all the same. */
int hd_epoch_blocks(struct hd_journal *journal, uint32_t block, const uint8_t *bytes, size_t count);
int hd_epoch_large(struct hd_journal *journal, uint32_t slot, uint64_t offset, const void *data, size_t size);
int hd_epoch_commit(struct hd_journal *journal);
void hd_epoch_abort(struct hd_journal *journal);

/*
 * A file that was deleted keeps nothing: it is given up, so that the next epoch is a checkpoint in a new one. When the
 * directory was deleted, too, -HD_E_STORE_DELETED. Between epochs.
 */
int hd_journal_check_named(struct hd_journal *journal);

/*
 * Gives what the journal consists of, up to the last whole epoch, further names in its directory, for a fork: see
 * journal_fork.h. Between epochs, and behind a sync. -EMLINK: there are too many, a checkpoint makes them one.
 */
int hd_journal_pin(const struct hd_journal *journal, struct hd_journal_origins *ret_origins);

/* Up to the end of the last whole epoch, with what a fork begins with. */
uint64_t hd_journal_size(const struct hd_journal *journal);

/* Decodes a journal, that of THREAD or, with 0, of any; what the fuzzer drives. Damage is reported (lost_epoch), and no
 * error. */
int hd_journal_decode(struct hd_journal_source *source, uint32_t thread, const struct hd_replay *replay,
	struct hd_replay_report *ret_report);

/* The same of what a fork begins with, up to the place that ORIGIN says; -HD_E_JOURNAL_CORRUPT if it is not whole up to
 * there. *RET_EPOCHS and *RET_SIZE tell how far it is, in any case. */
int hd_journal_decode_origin(struct hd_journal_source *source, const struct hd_journal_origin *origin,
	const struct hd_replay *replay, uint64_t *ret_epochs, uint64_t *ret_size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_FLUSH_H
#define HEDDLE_JOURNAL_FLUSH_H

/*
 * Flush: brings what changed to the disk, as one epoch of the journal. The one place that makes things
 * durable.
 *
 *     1  under the namespace lock: the cut. Which records and which blocks of data changed since the last
 *        flush; the records are copied. Blocks that are freed from now on keep their bytes until the flush
 *        is over.
 *     2  no lock: host paths and objects, which the records refer to, become durable
 *     3  no lock: records and blocks are written as an epoch and synced
 *
 * All fsyncs that wait at one moment share one flush. When a flush fails, what it took is dirty again.
 *
 * Threads     Any. Errors: -errno of the disk, store errors.
 * Durability  Everything that was done before hd_flush was called is durable when it returns 0.
 */

#include "overlay/overlay_types.h"

/* JOURNAL_SIZE and EPOCHS: as replayed. */
int hd_flusher_new(struct hd_overlay *overlay, uint64_t journal_size, uint64_t epochs, unsigned interval_ms,
	struct hd_flusher **ret_flusher);
/* Starts the thread that flushes every INTERVAL_MS while there is something to do. */
int hd_flusher_start(struct hd_flusher *flusher);
void hd_flusher_stop(struct hd_flusher *flusher);
/* After the last flush of all: notes how long the journal is, so that it is noticed if it is shorter later. */
void hd_flusher_seal(struct hd_flusher *flusher);
void hd_flusher_free(struct hd_flusher *flusher);

/* Notes that blocks of a file changed in the hot tier. Never blocks on a flush, never fails (see flush.c). */
void hd_flusher_note_data(struct hd_flusher *flusher, hd_ino ino, uint64_t first, uint64_t count);

/* Notes all mapped blocks of all files: after a take-over nobody knows which are on disk. */
void hd_flusher_note_everything(struct hd_flusher *flusher);

/* One flush of everything, run here or shared with others who wait. */
int hd_flush(struct hd_overlay *overlay);

/* A flush that writes a checkpoint, if the journal has grown much beyond what it describes. */
int hd_flush_and_compact(struct hd_overlay *overlay);

/* A flush that writes a checkpoint if it can, whatever the journal's size. */
int hd_flush_checkpoint(struct hd_overlay *overlay);

struct hd_journal_origins;
/* A flush, of which and of all before it the journal then is made known as what a fork begins with (journal_fork.h). */
int hd_flush_and_pin(struct hd_overlay *overlay, struct hd_journal_origins *ret_origins);

/* Bytes of the journal after the last flush. */
uint64_t hd_flusher_journal_size(struct hd_flusher *flusher);

/* The code of the last flush, 0 if it succeeded: what was done since the one before is in memory only. */
int hd_flusher_failure(struct hd_flusher *flusher);

#endif

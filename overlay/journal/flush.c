/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/flush.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/hot/dirty_data.h"
#include "overlay/journal/journal.h"
#include "overlay/journal/trust.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/log.h"
#include "overlay/platform/threads/activity.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/recovery/recovery.h"

/*
 * Order is what makes a flush safe. Objects are synced after the cut and before the epoch: every content that
 * a record of the cut names was put before the cut. Data goes into the same epoch as the records that name
 * its blocks, so neither can be on disk without the other, and a block that was freed and used again cannot
 * show up in the file that had it before.
 *
 * A flush takes everything that is dirty, not only the file somebody waits for: one order for all, and many
 * waiters share it. What is still in the hot tier is written to the journal; what was promoted before is not
 * written twice.
 */

#define COMPACT_MINIMUM (4u << 20)
#define COMPACT_MINIMUM_RUNNING (64u << 20)
#define COMPACT_FACTOR 3
#define DATA_PIECE_BLOCKS 128u

struct hd_flusher {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_dirty_data dirty;
	struct hd_mutex lock; /* rank LEAF; protects what follows, but the journal, which belongs to the
				 running flush */
	struct hd_condition ended;
	uint64_t started, completed; /* numbers of flushes */
	int last_result;
	bool running;
	bool stopping, has_thread;
	uint64_t journal_size;
	struct hd_journal *journal; /* owned */
	uint64_t interval_ns;
	pthread_t thread;
};

struct cut {
	struct hd_dirty_record *records; /* owned */
	size_t n_records;
	struct hd_buffer bytes; /* the records' bytes, one behind the other */
	struct hd_buffer sums;  /* and what they should verify by */
	struct hd_dirty_data data;
	struct hd_dirty_blocks blocks;
	uint8_t *
		copies; /* owned: the blocks' bytes as they were at the cut; NULL: as they are when they are written */
};

static void cut_clear(struct cut *cut)
{
	free(cut->records);
	free(cut->copies);
	hd_buffer_clear(&cut->bytes);
	hd_buffer_clear(&cut->sums);
	free(cut->data.ranges);
	hd_dirty_blocks_clear(&cut->blocks);
}

/* For a checkpoint: every record that can hold anything. */
static int list_all_records(const struct hd_arena *arena, struct cut *cut)
{
	struct hd_dirty_record *all;
	size_t total = 0, at = 0;

	for (int t = 0; t < HD_TABLE_COUNT; t++)
		if (hd_table_is_durable((enum hd_table)t))
			total += hd_record_scan_limit(arena, (enum hd_table)t);
	all = calloc(total, sizeof(*all));
	if (!all)
		return -ENOMEM;
	free(cut->records);
	cut->records = all;
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		uint32_t limit = hd_table_is_durable((enum hd_table)t)
					 ? hd_record_scan_limit(arena, (enum hd_table)t)
					 : 0;

		for (uint32_t i = 0; i < limit; i++)
			cut->records[at++] = (struct hd_dirty_record){.table = (uint8_t)t, .index = i};
	}
	cut->n_records = total;
	return 0;
}

static int copy_records(const struct hd_arena *arena, struct cut *cut)
{
	for (size_t i = 0; i < cut->n_records; i++) {
		enum hd_table table = (enum hd_table)cut->records[i].table;
		uint32_t sum = hd_record_kept_sum(arena, table, cut->records[i].index);

		hd_buffer_put(
			&cut->bytes, hd_record(arena, table, cut->records[i].index), hd_record_size(table));
		hd_buffer_put(&cut->sums, &sum, sizeof(sum));
	}
	return hd_buffer_status(&cut->bytes) < 0 ? hd_buffer_status(&cut->bytes)
						 : hd_buffer_status(&cut->sums);
}

/* What some bug of ours wrote over must not reach the disk: there the last whole tables are. */
static int verify_records(struct hd_overlay *overlay, const struct cut *cut)
{
	const uint8_t *bytes = cut->bytes.data;

	for (size_t i = 0; i < cut->n_records; i++) {
		enum hd_table table = (enum hd_table)cut->records[i].table;
		uint32_t sum;
		int r;

		memcpy(&sum, (const uint8_t *)cut->sums.data + i * sizeof(sum), sizeof(sum));
		if (!hd_record_is_sound(table, bytes, sum)) {
			r = hd_fail(HD_E_ARENA_CORRUPT, "record %u of table %s does not verify",
				cut->records[i].index, hd_table_name(table));
			hd_overlay_distrust(overlay, r);
			return r;
		}
		bytes += hd_record_size(table);
	}
	return 0;
}

/* Reads N blocks from FIRST on, which lie one behind the other; what was cut off a memory file since is zeros. */
static int read_run(struct hd_overlay *overlay, const struct hd_dirty_block *first, size_t n, uint8_t *bytes,
	size_t *ret_size)
{
	size_t size = n * HD_BLOCK_SIZE;
	uint64_t offset = first->block << HD_BLOCK_SHIFT, end;
	struct stat stat = {0};
	int fd, r;

	*ret_size = size;
	if (!first->slot)
		return hd_hot_read(overlay->hot, (uint32_t)first->block, 0, bytes, size);
	fd = hd_hot_large_fd(overlay->hot, first->slot);
	r = fd < 0 ? 0 : hd_file_stat(fd, &stat);
	if (r < 0)
		return r;
	end = (uint64_t)stat.st_size;
	*ret_size = offset >= end ? 0 : size < end - offset ? size : (size_t)(end - offset);
	memset(bytes + *ret_size, 0, size - *ret_size);
	return *ret_size == 0 ? 0 : hd_memory_file_read(fd, bytes, *ret_size, offset);
}

/* How many blocks from I on lie one behind the other. */
static size_t run_length(const struct hd_dirty_blocks *blocks, size_t i)
{
	size_t n = 1;

	while (i + n < blocks->count && n < DATA_PIECE_BLOCKS &&
		blocks->blocks[i + n].slot == blocks->blocks[i].slot &&
		blocks->blocks[i + n].block == blocks->blocks[i].block + n)
		n++;
	return n;
}

static int copy_data(struct hd_overlay *overlay, struct cut *cut)
{
	int r = 0;

	cut->copies = malloc((cut->blocks.count + 1) * HD_BLOCK_SIZE);
	if (!cut->copies)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < cut->blocks.count;) {
		size_t n = run_length(&cut->blocks, i), size;

		r = read_run(overlay, &cut->blocks.blocks[i], n, cut->copies + i * HD_BLOCK_SIZE, &size);
		i += n;
	}
	return r;
}

/*
 * Step 1. Whatever fails here, what was taken is given back by undo_cut. Who writes in place goes on, and the epoch has what
 * the blocks are when they are written; WHOLE: as they are now, and nobody is in the middle of a change.
 */
static int make_cut(struct hd_overlay *overlay, bool checkpoint, bool whole, struct cut *cut)
{
	int r;

	if (whole)
		hd_rwlock_write(&overlay->change_lock);
	hd_rwlock_write(&overlay->lock);
	hd_hot_hold(overlay->hot);
	r = hd_arena_take_dirty(overlay->arena, &cut->records, &cut->n_records);
	hd_dirty_data_take(&overlay->flusher->dirty, &cut->data);
	if (r == 0 && checkpoint) {
		cut->data.everything = true;
		r = list_all_records(overlay->arena, cut);
	}
	if (r == 0)
		r = copy_records(overlay->arena, cut);
	if (r == 0)
		r = hd_dirty_data_resolve(&cut->data, overlay->arena, &cut->blocks);
	if (r == 0 && whole)
		r = copy_data(overlay, cut);
	hd_rwlock_unlock(&overlay->lock);
	if (whole)
		hd_rwlock_unlock(&overlay->change_lock);
	return r;
}

static void undo_cut(struct hd_overlay *overlay, struct cut *cut)
{
	hd_rwlock_write(&overlay->lock);
	hd_arena_dirty_again(overlay->arena, cut->records, cut->n_records);
	hd_rwlock_unlock(&overlay->lock);
	hd_dirty_data_give_back(&overlay->flusher->dirty, &cut->data);
}

static int write_records(struct hd_journal *journal, const struct cut *cut)
{
	const uint8_t *bytes = cut->bytes.data;
	int r = 0;

	for (size_t i = 0; i < cut->n_records && r == 0; i++) {
		uint32_t size = hd_record_size((enum hd_table)cut->records[i].table);

		r = hd_epoch_record(journal, cut->records[i].table, cut->records[i].index, bytes, size);
		bytes += size;
	}
	return r;
}

static int write_run(struct hd_journal *journal, const struct hd_dirty_block *first, size_t n,
	const uint8_t *bytes, size_t size)
{
	if (first->slot) /* what was cut off since says so in the cut's size too, or in a later epoch */
		return size == 0 ? 0
				 : hd_epoch_large(
					   journal, first->slot, first->block << HD_BLOCK_SHIFT, bytes, size);
	return hd_epoch_blocks(journal, (uint32_t)first->block, bytes, n);
}

static int write_data(struct hd_overlay *overlay, struct hd_journal *journal, const struct cut *cut)
{
	uint8_t *buffer = malloc(DATA_PIECE_BLOCKS * HD_BLOCK_SIZE);
	int r = buffer ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < cut->blocks.count;) {
		const struct hd_dirty_block *first = &cut->blocks.blocks[i];
		size_t n = run_length(&cut->blocks, i), size = n * HD_BLOCK_SIZE;
		const uint8_t *bytes = cut->copies ? cut->copies + i * HD_BLOCK_SIZE : buffer;

		if (!cut->copies)
			r = read_run(overlay, first, n, buffer, &size);
		if (r == 0)
			r = write_run(journal, first, n, bytes, size);
		i += n;
	}
	free(buffer);
	return r;
}

/* Steps 2 and 3. */
static int write_cut(struct hd_overlay *overlay, bool checkpoint, const struct cut *cut)
{
	struct hd_journal *journal = overlay->flusher->journal;
	int r = verify_records(overlay, cut);

	if (r == 0)
		r = hd_base_set_persist(overlay->bases);

	if (r == 0)
		r = hd_object_store_sync(overlay->store->objects);
	if (r < 0)
		return r;
	/* There is nothing to write, but what was read may not be on disk yet. */
	if (cut->n_records == 0 && cut->blocks.count == 0)
		return hd_journal_sync(journal);
	r = checkpoint ? hd_journal_begin_checkpoint(journal) : hd_epoch_begin(journal);
	if (r == 0)
		r = write_records(journal, cut);
	if (r == 0)
		r = write_data(overlay, journal, cut);
	if (r == 0)
		return hd_epoch_commit(journal);
	hd_epoch_abort(journal);
	return r;
}

static int flush_now(struct hd_overlay *overlay, bool checkpoint, bool whole)
{
	struct hd_journal *journal = overlay->flusher->journal;
	struct cut cut = {0};
	int r = hd_journal_check_named(journal);

	if (r < 0)
		return r;
	r = make_cut(overlay, checkpoint || hd_journal_size(journal) == 0, whole, &cut);
	HD_KILL_POINT(flush_cut);
	if (r == 0)
		r = write_cut(overlay, checkpoint, &cut);
	HD_KILL_POINT(flush_written);
	if (r < 0)
		undo_cut(overlay, &cut);
	hd_hot_unhold(overlay->hot);
	cut_clear(&cut);
	return r;
}

/* A checkpoint that does not fit on the disk keeps nobody from being durable: the journal grows instead. */
static int flush_or_grow(struct hd_overlay *overlay, bool checkpoint, bool whole)
{
	int r = flush_now(overlay, checkpoint, whole);

	return r < 0 && checkpoint ? flush_now(overlay, false, whole) : r;
}

static void log_change(const struct hd_overlay *overlay, int before, int now)
{
	if (now < 0 && before >= 0)
		hd_log(HD_LOG_WARNING, "thread '%s' cannot be brought to disk, trying again: %s",
			overlay->thread, hd_error_message(now));
	else if (now >= 0 && before < 0)
		hd_log(HD_LOG_NOTICE, "thread '%s' is on disk again", overlay->thread);
}

/* Runs a flush, while nobody else does; with RET_PINNED a whole one, of which the journal's names stay. */
static int run_locked(struct hd_flusher *flusher, bool checkpoint, struct hd_journal_origins *ret_pinned)
{
	uint64_t number = ++flusher->started;
	int before = flusher->last_result;
	int r, pinned = 0;

	flusher->running = true;
	hd_mutex_unlock(&flusher->lock);
	r = flush_or_grow(flusher->overlay, checkpoint, ret_pinned != NULL);
	log_change(flusher->overlay, before, r);
	if (r >= 0 && ret_pinned)
		pinned = hd_journal_pin(flusher->journal, ret_pinned);
	hd_mutex_lock(&flusher->lock);
	flusher->running = false;
	flusher->completed = number;
	flusher->last_result = r;
	flusher->journal_size = hd_journal_size(flusher->journal);
	hd_condition_broadcast(&flusher->ended);
	return r < 0 ? r : pinned;
}

/* Runs or shares a flush whose cut is made after this call began. */
static int flush_shared(struct hd_flusher *flusher, bool checkpoint)
{
	HD_WAITS_FOR("the journal");
	uint64_t mine;
	int r;

	/* The journal is ahead of nothing that we have. */
	if (flusher->overlay->recovery.memory.state == HD_MEMORY_LOST)
		return hd_overlay_may_change(flusher->overlay);
	hd_mutex_lock(&flusher->lock);
	mine = flusher->started + 1;
	while (flusher->completed < mine) {
		if (flusher->running)
			hd_condition_wait(&flusher->ended, &flusher->lock);
		else
			(void)run_locked(flusher, checkpoint, NULL);
	}
	r = flusher->last_result;
	hd_mutex_unlock(&flusher->lock);
	return r;
}

static int flush_and_pin(struct hd_flusher *flusher, struct hd_journal_origins *ret_pinned)
{
	HD_WAITS_FOR("the journal");
	int r;

	hd_mutex_lock(&flusher->lock);
	while (flusher->running)
		hd_condition_wait(&flusher->ended, &flusher->lock);
	r = run_locked(flusher, false, ret_pinned);
	hd_mutex_unlock(&flusher->lock);
	return r;
}

/* What is written once before is not copied while programs wait. */
int hd_flush_and_pin(struct hd_overlay *overlay, struct hd_journal_origins *ret_origins)
{
	int r = hd_overlay_may_change(overlay);

	if (r == 0)
		r = flush_shared(overlay->flusher, false);
	if (r == 0)
		r = flush_and_pin(overlay->flusher, ret_origins);
	/* Of many generations of forks, or with more forks than a file may have names. */
	if (r != -EMLINK)
		return r;
	r = flush_shared(overlay->flusher, true);
	return r < 0 ? r : flush_and_pin(overlay->flusher, ret_origins);
}

int hd_flush(struct hd_overlay *overlay)
{
	return flush_shared(overlay->flusher, false);
}

int hd_flush_checkpoint(struct hd_overlay *overlay)
{
	return flush_shared(overlay->flusher, true);
}

/* Bytes of a checkpoint, about. */
static uint64_t estimate(struct hd_overlay *overlay)
{
	uint64_t total = hd_hot_usage(overlay->hot).bytes;

	hd_rwlock_read(&overlay->lock);
	for (int t = 0; t < HD_TABLE_COUNT; t++)
		if (hd_table_is_durable((enum hd_table)t))
			total += (uint64_t)hd_record_scan_limit(overlay->arena, (enum hd_table)t) *
				 hd_record_size((enum hd_table)t);
	hd_rwlock_unlock(&overlay->lock);
	return total;
}

static bool is_overgrown(struct hd_overlay *overlay, uint64_t minimum)
{
	uint64_t size = hd_flusher_journal_size(overlay->flusher);

	return size > minimum && size > COMPACT_FACTOR * estimate(overlay);
}

int hd_flush_and_compact(struct hd_overlay *overlay)
{
	int r = hd_flush(overlay);

	/* All is durable; a journal that cannot be made smaller (the disk is full) is only long. */
	if (r == 0 && is_overgrown(overlay, COMPACT_MINIMUM))
		(void)flush_shared(overlay->flusher, true);
	return r;
}

static bool has_work(struct hd_overlay *overlay)
{
	bool dirty;

	hd_rwlock_read(&overlay->lock);
	dirty = hd_arena_dirty_count(overlay->arena) > 0;
	hd_rwlock_unlock(&overlay->lock);
	return dirty || !hd_dirty_data_is_empty(&overlay->flusher->dirty);
}

/* Waits for the next turn; false when stopping. */
static bool wait_interval(struct hd_flusher *flusher)
{
	uint64_t deadline = hd_clock_monotonic_ns() + flusher->interval_ns;
	bool go_on;

	hd_mutex_lock(&flusher->lock);
	while (!flusher->stopping && hd_condition_wait_until(&flusher->ended, &flusher->lock, deadline))
		;
	go_on = !flusher->stopping;
	hd_mutex_unlock(&flusher->lock);
	return go_on;
}

/* A failed flush is tried again at the next turn; fsync tells whoever asks. */
static void *run(void *payload)
{
	struct hd_flusher *flusher = payload;

	while (wait_interval(flusher)) {
		if (has_work(flusher->overlay))
			(void)hd_flush(flusher->overlay);
		if (is_overgrown(flusher->overlay, COMPACT_MINIMUM_RUNNING))
			(void)flush_shared(flusher, true);
	}
	return NULL;
}

int hd_flusher_new(struct hd_overlay *overlay, uint64_t journal_size, uint64_t epochs, unsigned interval_ms,
	struct hd_flusher **ret_flusher)
{
	struct hd_flusher *flusher = calloc(1, sizeof(*flusher));
	int r;

	if (!flusher)
		return -ENOMEM;
	hd_dirty_data_init(&flusher->dirty);
	hd_mutex_init(&flusher->lock, HD_RANK_LEAF);
	hd_condition_init(&flusher->ended);
	flusher->overlay = overlay;
	flusher->interval_ns = (uint64_t)interval_ms * 1000000u;
	flusher->journal_size = journal_size;
	r = hd_journal_open(
		overlay->directory_fd, overlay->thread_number, journal_size, epochs, &flusher->journal);
	if (r < 0) {
		hd_flusher_free(flusher);
		return r;
	}
	*ret_flusher = flusher;
	return 0;
}

int hd_flusher_start(struct hd_flusher *flusher)
{
	int r = hd_thread_start(&flusher->thread, "hd-flush", run, flusher);

	flusher->has_thread = r == 0;
	return r;
}

void hd_flusher_stop(struct hd_flusher *flusher)
{
	if (!flusher->has_thread)
		return;
	hd_mutex_lock(&flusher->lock);
	flusher->stopping = true;
	hd_condition_broadcast(&flusher->ended);
	hd_mutex_unlock(&flusher->lock);
	hd_thread_join(flusher->thread);
	flusher->has_thread = false;
}

void hd_flusher_free(struct hd_flusher *flusher)
{
	if (!flusher)
		return;
	hd_flusher_stop(flusher);
	hd_journal_free(flusher->journal);
	hd_condition_destroy(&flusher->ended);
	hd_mutex_destroy(&flusher->lock);
	hd_dirty_data_destroy(&flusher->dirty);
	free(flusher);
}

void hd_flusher_seal(struct hd_flusher *flusher)
{
	hd_journal_seal(flusher->journal);
}

void hd_flusher_note_data(struct hd_flusher *flusher, hd_ino ino, uint64_t first, uint64_t count)
{
	hd_dirty_data_note(&flusher->dirty, ino, first, count);
}

void hd_flusher_note_everything(struct hd_flusher *flusher)
{
	hd_dirty_data_note_everything(&flusher->dirty);
}

uint64_t hd_flusher_journal_size(struct hd_flusher *flusher)
{
	uint64_t size;

	hd_mutex_lock(&flusher->lock);
	size = flusher->journal_size;
	hd_mutex_unlock(&flusher->lock);
	return size;
}

int hd_flusher_failure(struct hd_flusher *flusher)
{
	int result;

	hd_mutex_lock(&flusher->lock);
	result = flusher->last_result;
	hd_mutex_unlock(&flusher->lock);
	return result < 0 ? result : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/journal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/journal/journal_format.h"
#include "overlay/journal/journal_header.h"
#include "overlay/journal/journal_origins.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/log.h"

/*
 * Writing the journal. Items are collected in a buffer and written in pieces; the checksum runs along. Only
 * the trailer, which is written last, makes the epoch count, so it does not matter in which order the pieces
 * reach the disk before the sync.
 *
 * A checkpoint goes to "journal.new", is synced, renamed over "journal", and the directory is synced: at
 * every instant one of the two is whole. Once renamed it is the journal, whatever the directory's sync says: epochs
 * written to the old file from then on would be found by nobody. A sync that failed is made up for before the next
 * epoch counts.
 *
 * Before there is a journal the name of its directory is synced, and not when that is made: a mount of a new thread need not wait for
 * it, and where there is a journal it was done, whoever made the directory.
 */

#define PIECE (1u << 20)
#define NAME "journal"
#define NAME_NEW "journal.new"
#define NAME_TORN "journal.torn"
#define NAME_END "journal.end"

struct hd_journal {
	int directory_fd; /* borrowed */
	uint32_t thread;
	uint64_t id, new_id;               /* of the file, and of the checkpoint being written */
	int fd;                            /* owned; -1 before the first checkpoint */
	int new_fd;                        /* owned; the checkpoint being written, or -1 */
	uint64_t size;                     /* end of the last whole epoch */
	uint64_t sequence;                 /* of the last whole epoch */
	struct hd_journal_origins origins; /* what comes before the first epoch of a fork's journal */
	bool rename_unsynced;
	bool origins_unneeded; /* once the rename is on disk */
	bool allows_short;     /* the file's format has blocks that end in zeros without these */
	bool is_distrusted; /* a process that is dead wrote the file, and may have died before it was synced */
	/* the running epoch */
	bool is_running;
	uint64_t at; /* where the next piece goes */
	uint64_t items_size;
	uint64_t running; /* its sequence */
	struct hd_buffer piece;
	struct hd_hash_stream *hash; /* owned while an epoch runs */
};

/* The header of the epoch to come: the proof that the last one is on disk. */
static bool has_lead(const struct hd_journal *journal, uint64_t size)
{
	uint8_t bytes[sizeof(struct hd_epoch_header)];
	uint64_t sequence;
	size_t n = 0;

	return size == journal->size + sizeof(bytes) &&
	       hd_file_read_at(journal->fd, bytes, sizeof(bytes), journal->size, &n) == 0 &&
	       hd_epoch_header_read(bytes, n, journal->id, &sequence) && sequence == journal->sequence + 1;
}

/*
 * What is behind the last whole epoch is a write that a crash cut short, or the last epoch of all, damaged on disk later.
 * Those two look the same, so the bytes are put aside before they are cut off. A disk without room for them keeps nobody
 * from the thread.
 */
static void keep_torn_end(const struct hd_journal *journal)
{
	HD_AUTO_CLOSE int kept_fd = -1;
	uint8_t bytes[16384];
	struct stat stat;
	uint64_t at = journal->size;
	size_t n = 0;
	int r;

	r = hd_file_stat(journal->fd, &stat);
	if (r < 0 || (uint64_t)stat.st_size <= at)
		return;
	r = kept_fd = hd_file_open(journal->directory_fd, NAME_TORN, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	while (r >= 0 && at < (uint64_t)stat.st_size) {
		r = hd_file_read_at(journal->fd, bytes, sizeof(bytes), at, &n);
		if (r < 0 || n == 0)
			break;
		r = hd_file_write_at(kept_fd, bytes, n, at - journal->size);
		at += n;
	}
	if (r >= 0)
		r = hd_file_sync(kept_fd);
	if (r < 0)
		hd_log(HD_LOG_WARNING, "cannot keep the journal's torn end, ignoring: %s",
			hd_error_message(r));
	else
		hd_log(HD_LOG_NOTICE, "the journal's torn end, %llu bytes, is kept in " NAME_TORN,
			(unsigned long long)(at - journal->size));
}

static int read_beginning(struct hd_journal *journal)
{
	struct hd_journal_source source;
	struct hd_journal_header header;
	const uint8_t *bytes;
	uint64_t begin;
	int r = hd_journal_source_file(&source, journal->fd);

	if (r < 0)
		return r;
	bytes = hd_source_bytes(&source, 0, sizeof(header));
	r = bytes               ? hd_journal_header_read(bytes, sizeof(header), journal->thread, &header)
	    : source.status < 0 ? source.status
				: hd_fail(HD_E_JOURNAL_CORRUPT, "the journal is too short");
	if (r == 0)
		r = hd_journal_origins_read(&source, &header, &journal->origins, &begin);
	if (r == 0)
		journal->id = header.id;
	journal->allows_short = r == 0 && hd_journal_header_allows_short(&header);
	hd_journal_source_clear(&source);
	return r;
}

/* Nothing of it is known any more: the next epoch is a checkpoint in a new file. */
static void give_up_file(struct hd_journal *journal)
{
	if (journal->fd >= 0)
		hd_descriptor_close(&journal->fd);
	journal->fd = -1;
	journal->size = 0;
	journal->sequence = 0;
	journal->origins.count = 0;
	journal->is_distrusted = journal->rename_unsynced = false;
}

static int open_file(struct hd_journal *journal)
{
	struct stat stat;
	bool writable;
	int r;

	r = journal->fd = hd_file_open_or_read(journal->directory_fd, NAME, 0, &writable);
	if (r < 0)
		return hd_fail_in(r, "open the journal");
	if (!writable) {
		/* The disk became read-only under a worker that died. When it can be written again the next flush writes all. */
		give_up_file(journal);
		return 0;
	}
	r = read_beginning(journal);
	if (r == 0)
		r = hd_file_stat(journal->fd, &stat);
	if (r < 0)
		return hd_fail_in(r, "read the journal");
	journal->is_distrusted = true;
	/* Its name, too. */
	journal->rename_unsynced = true;
	/* Left of a checkpoint whose writer was killed, and of forks. */
	journal->origins_unneeded = journal->origins.count == 0;
	(void)hd_journal_origins_remove(journal->directory_fd, HD_ORIGIN_PINNED_PREFIX);
	if ((uint64_t)stat.st_size == journal->size || has_lead(journal, (uint64_t)stat.st_size))
		return 0;
	keep_torn_end(journal);
	if (stat.st_nlink > 1) {
		/* A fork may begin with it. What looks torn here may be what that one needs, damaged: it is not cut. */
		give_up_file(journal);
		return 0;
	}
	r = hd_file_truncate(journal->fd, journal->size);
	return r < 0 ? hd_fail_in(r, "cut the journal's torn end off") : 0;
}

int hd_journal_open(
	int directory_fd, uint32_t thread, uint64_t size, uint64_t epochs, struct hd_journal **ret_journal)
{
	HD_AUTO_FREE struct hd_journal *journal = calloc(1, sizeof(*journal));
	int r;

	if (!journal)
		return -ENOMEM;
	journal->directory_fd = directory_fd;
	journal->thread = thread;
	journal->fd = -1;
	journal->new_fd = -1;
	journal->size = size;
	journal->sequence = epochs;
	if (size > 0) {
		r = open_file(journal);
		if (r < 0) {
			hd_cleanup_close(&journal->fd);
			return r;
		}
	}
	*ret_journal = HD_STEAL(journal);
	return 0;
}

void hd_journal_free(struct hd_journal *journal)
{
	if (!journal)
		return;
	hd_epoch_abort(journal);
	if (journal->fd >= 0)
		hd_descriptor_close(&journal->fd);
	hd_buffer_clear(&journal->piece);
	free(journal);
}

uint64_t hd_journal_size(const struct hd_journal *journal)
{
	return journal->size ? journal->size + hd_journal_origins_size(&journal->origins) : 0;
}

static int target_fd(const struct hd_journal *journal)
{
	return journal->new_fd >= 0 ? journal->new_fd : journal->fd;
}

static int write_piece(struct hd_journal *journal)
{
	int r;

	if (journal->piece.size == 0)
		return 0;
	r = hd_file_write_at(target_fd(journal), journal->piece.data, journal->piece.size, journal->at);
	if (r < 0)
		return r;
	journal->at += journal->piece.size;
	hd_buffer_reset(&journal->piece);
	return 0;
}

static int put(struct hd_journal *journal, const void *data, size_t size)
{
	hd_hash_stream_update(journal->hash, data, size);
	hd_buffer_put(&journal->piece, data, size);
	if (hd_buffer_status(&journal->piece) < 0)
		return hd_buffer_status(&journal->piece);
	return journal->piece.size >= PIECE ? write_piece(journal) : 0;
}

static int begin(struct hd_journal *journal, uint64_t id, uint64_t at, uint64_t sequence)
{
	struct hd_epoch_header header = hd_epoch_header_of(id, sequence);

	journal->at = at;
	journal->is_running = true;
	journal->running = sequence;
	journal->items_size = 0;
	journal->hash = hd_hash_stream_new();
	if (!journal->hash)
		return -ENOMEM;
	return put(journal, &header, sizeof(header));
}

int hd_epoch_begin(struct hd_journal *journal)
{
	int r;

	if (journal->fd < 0)
		return hd_journal_begin_checkpoint(journal);
	/* An epoch behind one that is not on disk could outlive it in a power cut, which looks like damage. */
	r = hd_journal_sync(journal);
	if (r < 0)
		return r;
	return begin(journal, journal->id, journal->size, journal->sequence + 1);
}

int hd_journal_begin_checkpoint(struct hd_journal *journal)
{
	struct hd_journal_header header = hd_journal_header_new(journal->thread);

	journal->new_fd = hd_file_open(journal->directory_fd, NAME_NEW, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (journal->new_fd < 0)
		return hd_fail_in(journal->new_fd, "make a checkpoint");
	journal->new_id = header.id;
	hd_buffer_put(&journal->piece, &header, sizeof(header));
	return begin(journal, header.id, 0, 1);
}

static int put_item(struct hd_journal *journal, const struct hd_journal_item *item, const void *data)
{
	int r = put(journal, item, sizeof(*item));

	if (r == 0)
		r = put(journal, data, item->size);
	journal->items_size += sizeof(*item) + item->size;
	return r;
}

int hd_epoch_record(struct hd_journal *journal, unsigned table, uint32_t index, const void *data, size_t size)
{
	struct hd_journal_item item = {
		.kind = HD_ITEM_RECORD, .table = (uint8_t)table, .index = index, .size = (uint32_t)size};

	return put_item(journal, &item, data);
}

/* Without the zeros at its end; not less than a byte, which says that the block is there. */
static size_t used_size(const uint8_t *block)
{
	size_t size = HD_BLOCK_SIZE;
	uint64_t word = 0;

	while (size > 0 && word == 0) {
		size -= sizeof(word);
		memcpy(&word, block + size, sizeof(word));
	}
	return size + sizeof(word);
}

/* How many of the COUNT blocks at BYTES one item takes: up to the first that is worth an item's head to cut. */
static size_t item_of_blocks(const uint8_t *bytes, size_t count, size_t *ret_size)
{
	for (size_t i = 0; i < count; i++) {
		size_t used = used_size(bytes + i * HD_BLOCK_SIZE);

		if (used + sizeof(struct hd_journal_item) < HD_BLOCK_SIZE) {
			*ret_size = i * HD_BLOCK_SIZE + used;
			return i + 1;
		}
	}
	*ret_size = count * HD_BLOCK_SIZE;
	return count;
}

int hd_epoch_blocks(struct hd_journal *journal, uint32_t block, const uint8_t *bytes, size_t count)
{
	bool allows_short = journal->new_fd >= 0 || journal->allows_short;
	int r = 0;

	while (r == 0 && count > 0) {
		size_t size = count * HD_BLOCK_SIZE;
		size_t n = allows_short ? item_of_blocks(bytes, count, &size) : count;
		struct hd_journal_item item = {.kind = HD_ITEM_BLOCK, .index = block, .size = (uint32_t)size};

		r = put_item(journal, &item, bytes);
		block += (uint32_t)n;
		bytes += n * HD_BLOCK_SIZE;
		count -= n;
	}
	return r;
}

int hd_epoch_large(struct hd_journal *journal, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	struct hd_journal_item item = {
		.kind = HD_ITEM_LARGE, .index = slot, .offset = offset, .size = (uint32_t)size};

	return put_item(journal, &item, data);
}

static int write_trailer(struct hd_journal *journal)
{
	struct hd_epoch_trailer trailer = {.magic = HD_TRAILER_MAGIC, .size = journal->items_size};
	struct hd_hash128 hash = hd_hash_stream_finish(journal->hash);

	journal->hash = NULL;
	memcpy(trailer.checksum, hash.bytes, sizeof(trailer.checksum));
	hd_buffer_put(&journal->piece, &trailer, sizeof(trailer));
	return hd_buffer_status(&journal->piece) < 0 ? hd_buffer_status(&journal->piece)
						     : write_piece(journal);
}

int hd_journal_sync_directory(int directory_fd)
{
	HD_AUTO_CLOSE int above_fd = hd_directory_open(directory_fd, "..");

	return above_fd < 0 ? above_fd : hd_directory_sync(above_fd);
}

static int replace_journal(struct hd_journal *journal)
{
	int r = journal->fd < 0 ? hd_journal_sync_directory(journal->directory_fd) : 0;

	if (r >= 0)
		r = hd_file_rename(journal->directory_fd, NAME_NEW, NAME);
	if (r < 0)
		return r;
	if (journal->fd >= 0)
		hd_descriptor_close(&journal->fd);
	journal->fd = hd_steal_fd(&journal->new_fd);
	journal->id = journal->new_id;
	journal->allows_short = true;
	journal->rename_unsynced = true;
	journal->origins.count = 0;
	journal->origins_unneeded = true;
	return 0;
}

static int sync_rename(struct hd_journal *journal)
{
	int r = journal->rename_unsynced ? hd_directory_sync(journal->directory_fd) : 0;

	if (r < 0)
		return r;
	journal->rename_unsynced = false;
	/* Not before: after a power cut the fork's journal could be the one that has the name. */
	if (journal->origins_unneeded &&
		hd_journal_origins_remove(journal->directory_fd, HD_ORIGIN_PREFIX) == 0)
		journal->origins_unneeded = false;
	return 0;
}

/* It need not reach the disk soon, nor at all: it only proves something. */
static void write_lead(const struct hd_journal *journal)
{
	struct hd_epoch_header lead = hd_epoch_header_of(journal->id, journal->sequence + 1);

	(void)hd_file_write_at(journal->fd, &lead, sizeof(lead), journal->size);
}

/* 0 or 1: FD is of a directory that has a name, or of one that was deleted. */
static int is_deleted(int fd)
{
	struct stat stat;
	int r = hd_file_stat(fd, &stat);

	return r < 0 ? r : stat.st_nlink == 0;
}

/* 0 or 1: a file that forks begin with has other names, too. */
static int is_journal_deleted(const struct hd_journal *journal)
{
	struct stat stat, named;
	int r = hd_file_stat(journal->fd, &stat);

	if (r < 0 || stat.st_nlink == 0)
		return r < 0 ? r : 1;
	r = hd_file_stat_at(journal->directory_fd, NAME, &named);
	if (r < 0 && r != -ENOENT)
		return r;
	return r < 0 || named.st_ino != stat.st_ino;
}

int hd_journal_check_named(struct hd_journal *journal)
{
	int r = is_deleted(journal->directory_fd);

	if (r > 0)
		return hd_fail(HD_E_STORE_DELETED, "threads/%u is gone", journal->thread);
	if (r == 0 && journal->fd >= 0)
		r = is_journal_deleted(journal);
	if (r <= 0)
		return r < 0 ? hd_fail_in(r, "look for the journal") : 0;
	hd_log(HD_LOG_WARNING, "the journal in threads/%u was deleted; another one is made", journal->thread);
	give_up_file(journal);
	return 0;
}

/* Synced, but into a file that nobody will find. */
static int check_found(const struct hd_journal *journal)
{
	int r = is_journal_deleted(journal);

	if (r == 0)
		r = is_deleted(journal->directory_fd);
	return r > 0 ? hd_fail(HD_E_STORE_DELETED, "the journal in threads/%u is gone", journal->thread) : r;
}

int hd_journal_sync(struct hd_journal *journal)
{
	int r = 0;

	if (journal->is_distrusted)
		r = hd_file_sync(journal->fd);
	if (r == 0)
		journal->is_distrusted = false;
	if (r == 0)
		r = sync_rename(journal);
	return r < 0 ? hd_fail_in(r, "sync the journal") : 0;
}

int hd_epoch_commit(struct hd_journal *journal)
{
	int r = write_trailer(journal);

	if (r == 0)
		r = hd_file_sync(target_fd(journal));
	if (r == 0 && journal->new_fd >= 0)
		r = replace_journal(journal);
	if (r < 0) {
		hd_epoch_abort(journal);
		return hd_fail_in(r, "write the journal");
	}
	journal->is_running = false;
	journal->is_distrusted = false;
	journal->size = journal->at;
	journal->sequence = journal->running;
	write_lead(journal);
	r = sync_rename(journal);
	if (r < 0)
		return hd_fail_in(r, "sync the journal's directory");
	return check_found(journal);
}

void hd_epoch_abort(struct hd_journal *journal)
{
	if (journal->hash)
		(void)hd_hash_stream_finish(HD_STEAL(journal->hash));
	hd_buffer_clear(&journal->piece);
	if (journal->new_fd >= 0) {
		hd_descriptor_close(&journal->new_fd);
		(void)hd_file_unlink(journal->directory_fd, NAME_NEW);
	} else if (journal->fd >= 0 && journal->is_running) {
		/* If even this fails, the next epoch overwrites the torn part, or replay cuts it off. */
		(void)hd_file_truncate(journal->fd, journal->size);
	}
	journal->is_running = false;
}

void hd_journal_seal(struct hd_journal *journal)
{
	struct hd_journal_end end = {.magic = HD_JOURNAL_END_MAGIC,
		.id = journal->id,
		.sequence = journal->sequence,
		.size = journal->size};
	HD_AUTO_CLOSE int fd = -1;
	int r;

	if (journal->fd < 0 || journal->is_distrusted || journal->rename_unsynced)
		return;
	end.checksum = hd_checksum64(&end, offsetof(struct hd_journal_end, checksum));
	/* Not synced: what is torn of it does not verify, and says nothing. */
	r = fd = hd_file_open(journal->directory_fd, NAME_END, O_WRONLY | O_CREAT, 0600);
	if (r >= 0)
		r = hd_file_write_at(fd, &end, sizeof(end), 0);
	if (r < 0)
		hd_log(HD_LOG_DEBUG, "the journal's end is not noted, ignoring: %s", hd_error_message(r));
}

int hd_journal_pin(const struct hd_journal *journal, struct hd_journal_origins *ret_origins)
{
	struct hd_journal_end end = {.id = journal->id, .sequence = journal->sequence, .size = journal->size};

	return hd_journal_origins_pin(
		journal->directory_fd, journal->thread, &end, &journal->origins, ret_origins);
}

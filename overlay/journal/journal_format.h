/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_JOURNAL_FORMAT_H
#define HEDDLE_JOURNAL_JOURNAL_FORMAT_H

/*
 * Bytes of threads/<n>/journal. Integers in the order of the machine that wrote it; the magic tells.
 *
 *     file      hd_journal_header, then epochs
 *     of a fork hd_journal_header, hd_journal_origins_header, hd_journal_origin ..., a checksum (u64), then epochs
 *     epoch     hd_epoch_header, then items, then hd_epoch_trailer
 *     item      hd_journal_item, then `size` bytes
 *
 * The trailer's checksum covers header and items. The header of the next epoch is written behind an epoch as soon as
 * that is synced, never before: it is the proof that everything in front of it was on disk. So an epoch that does not
 * verify is torn if no header of a later one is behind it, and damaged if there is one. Headers carry the number that
 * their journal got at random: bytes of files that look like a journal are not mistaken for one.
 *
 * Data of hot blocks may end within a block, since version 4: the rest of that block is zero, whatever an earlier epoch
 * had there. What small files have in their blocks is mostly that.
 */

#include <stdint.h>

#define HD_JOURNAL_MAGIC 0x4c4e524a4c444448u /* "HDDLJRNL" */
#define HD_JOURNAL_VERSION 4u
#define HD_JOURNAL_VERSION_FORKED 5u /* 4, and behind the header stands what comes before the first epoch */
#define HD_JOURNAL_VERSION_WHOLE 2u  /* 4, with whole blocks alone; read, and gone on with */
#define HD_JOURNAL_VERSION_WHOLE_FORKED 3u
#define HD_EPOCH_MAGIC 0x48434f5045444448u   /* "HDDEPOCH" */
#define HD_TRAILER_MAGIC 0x444e454845444448u /* "HDDEHEND" */

struct hd_journal_header {
	uint64_t magic;
	uint32_t version;
	uint32_t arena_version; /* the records' format */
	uint32_t thread;        /* whose journal it is */
	uint32_t checksum;      /* the low half of XXH3-64 over the other fields */
	uint64_t id;            /* random; another one for each file */
};

struct hd_epoch_header {
	uint64_t magic;
	uint64_t sequence; /* from 1, without gaps */
	uint64_t id;       /* of the journal */
	uint64_t checksum; /* XXH3-64 over the other fields */
};

enum hd_journal_item_kind { HD_ITEM_RECORD, HD_ITEM_BLOCK, HD_ITEM_LARGE, HD_ITEM_KIND_COUNT };

struct hd_journal_item {
	uint8_t kind;
	uint8_t table; /* RECORD */
	uint16_t padding;
	uint32_t index;  /* record, hot block, or slot */
	uint64_t offset; /* LARGE */
	uint32_t size;
	uint32_t padding_end;
};

struct hd_epoch_trailer {
	uint64_t magic;
	uint64_t size;        /* of the items */
	uint8_t checksum[16]; /* XXH3-128 */
};

_Static_assert(sizeof(struct hd_journal_header) == 32 && sizeof(struct hd_epoch_header) == 32 &&
		       sizeof(struct hd_journal_item) == 24 && sizeof(struct hd_epoch_trailer) == 32,
	"format of the journal");

/*
 * threads/<n>/journal.end, written when the thread was closed: how much of which journal there is at least. Without it a
 * journal that ends early, or is not there at all, would look like one that never was longer.
 */
#define HD_JOURNAL_END_MAGIC 0x444e45524a444448u /* "HDDJREND" */

struct hd_journal_end {
	uint64_t magic;
	uint64_t id;
	uint64_t sequence; /* of the last epoch */
	uint64_t size;     /* of the file up to its end */
	uint64_t checksum; /* XXH3-64 over the other fields */
};

_Static_assert(sizeof(struct hd_journal_end) == 40, "format of the journal's end");

/*
 * The journal of a fork goes on where others ended: in front of its own epochs, of which there may be none, come those of
 * the files journal.origin.1, .2, ... beside it, up to a place in each. They are hard links to what was the journal of
 * another thread, and to that one's origins: the first is a whole journal, each further one that of a fork, whose own list
 * says nothing here. What lies in them up to that place never changes; the other thread goes on writing behind it.
 */
#define HD_ORIGINS_MAGIC 0x4749524f4c444448u /* "HDDLORIG" */
#define HD_JOURNAL_ORIGINS_LIMIT 32u

struct hd_journal_origins_header {
	uint64_t magic;
	uint32_t count; /* 1 to HD_JOURNAL_ORIGINS_LIMIT */
	uint32_t padding;
};

struct hd_journal_origin {
	uint64_t id;       /* of the file */
	uint64_t sequence; /* of the last epoch that counts; not 0 */
	uint64_t size;     /* of the file up to that one's end */
	uint32_t thread;   /* whose journal it was */
	uint32_t padding;
};

/* The checksum behind the last of them is XXH3-64 over all of the file before it. */

_Static_assert(sizeof(struct hd_journal_origins_header) == 16 && sizeof(struct hd_journal_origin) == 32,
	"format of a fork's journal");

/* The largest item: a page of the block map, or a piece of file data. */
#define HD_ITEM_LIMIT (1u << 20)

#endif

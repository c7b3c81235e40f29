/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_JOURNAL_FORMAT_H
#define HEDDLE_OVERLAY_JOURNAL_FORMAT_H

/*
 * Bytes of threads/<n>/journal. Integers in the order of the machine that wrote it; the magic tells.
 *
 *     file      hd_journal_header, then epochs
 *     epoch     hd_epoch_header, then items, then hd_epoch_trailer
 *     item      hd_journal_item, then `size` bytes
 *
 * The trailer's checksum covers header and items. An epoch whose trailer is missing or does not match ends
 * the journal: it and everything behind it is torn.
 */

#include <stdint.h>

#define HD_JOURNAL_MAGIC 0x4c4e524a4c444448u /* "HDDLJRNL" */
#define HD_JOURNAL_VERSION 1u
#define HD_EPOCH_MAGIC 0x48434f5045444448u   /* "HDDEPOCH" */
#define HD_TRAILER_MAGIC 0x444e454845444448u /* "HDDEHEND" */

struct hd_journal_header {
	uint64_t magic;
	uint32_t version;
	uint32_t arena_version; /* the records' format */
	uint64_t padding[2];
};

struct hd_epoch_header {
	uint64_t magic;
	uint64_t sequence; /* from 1, without gaps */
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

_Static_assert(sizeof(struct hd_journal_header) == 32 && sizeof(struct hd_epoch_header) == 16 &&
		       sizeof(struct hd_journal_item) == 24 && sizeof(struct hd_epoch_trailer) == 32,
	"format of the journal");

/* The largest item: a page of the block map, or a piece of file data. */
#define HD_ITEM_LIMIT (1u << 20)

#endif

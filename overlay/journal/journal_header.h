/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_JOURNAL_HEADER_H
#define HEDDLE_JOURNAL_JOURNAL_HEADER_H

/*
 * The headers of a journal and of its epochs: made, and told from bytes that are none.
 *
 * Threads     Pure functions. Errors: -HD_E_JOURNAL_CORRUPT, -HD_E_JOURNAL_VERSION, with a detail.
 */

#include <stdbool.h>
#include <stddef.h>

#include "overlay/journal/journal_format.h"

/* The header of a new journal, with an id of its own. */
struct hd_journal_header hd_journal_header_new(uint32_t thread);

/* That of a fork's journal. */
struct hd_journal_header hd_journal_header_of_fork(uint32_t thread);

/* Whether it is that of a fork. */
static inline bool hd_journal_header_is_of_fork(const struct hd_journal_header *header)
{
	return header->version == HD_JOURNAL_VERSION_FORKED ||
	       header->version == HD_JOURNAL_VERSION_WHOLE_FORKED;
}
/* Whether data of blocks may end within one. */
static inline bool hd_journal_header_allows_short(const struct hd_journal_header *header)
{
	return header->version >= HD_JOURNAL_VERSION;
}

/* Checks the first SIZE bytes of a journal; THREAD 0: of any thread. */
int hd_journal_header_read(
	const void *data, size_t size, uint32_t thread, struct hd_journal_header *ret_header);

/* The header of the epoch with this number. */
struct hd_epoch_header hd_epoch_header_of(uint64_t id, uint64_t sequence);

/* True when the SIZE bytes begin with the header of an epoch of the journal ID. */
bool hd_epoch_header_read(const void *data, size_t size, uint64_t id, uint64_t *ret_sequence);

/* Whether the header of an epoch behind number SEQUENCE is anywhere in DATA, and where. */
bool hd_epoch_header_find(
	const void *data, size_t size, uint64_t id, uint64_t sequence, size_t *ret_at, uint64_t *ret_found);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_JOURNAL_ORIGINS_H
#define HEDDLE_JOURNAL_JOURNAL_ORIGINS_H

/*
 * Origins: the journals of other threads that a fork's journal begins with (journal_format.h), as a list and as files.
 *
 * The files are hard links, so a filesystem counts who needs them: a thread that writes a checkpoint, or is dropped, takes
 * its own names away, and the last name takes the bytes with it.
 *
 * Threads     Any; one at a time for a directory. Errors: -errno of the disk, -HD_E_JOURNAL_CORRUPT.
 */

#include "overlay/journal/journal_header.h"
#include "overlay/journal/journal_source.h"
#include "overlay/platform/buffer.h"

struct hd_journal_origins {
	size_t count; /* 0: the journal is no fork's */
	struct hd_journal_origin origins[HD_JOURNAL_ORIGINS_LIMIT];
};

/* What they are called in a thread's directory, and what in that of the thread they come from while a fork is made. */
#define HD_ORIGIN_PREFIX "journal.origin."
#define HD_ORIGIN_PINNED_PREFIX "journal.fork."
#define HD_ORIGIN_NAME_SIZE 40

/* That of number N, from 1. */
void hd_journal_origin_name(const char *prefix, size_t n, char name[HD_ORIGIN_NAME_SIZE]);

/* HEADER and the list, as they stand at the beginning of a fork's journal. */
int hd_journal_origins_encode(const struct hd_journal_header *header,
	const struct hd_journal_origins *origins, struct hd_buffer *buffer);

/* What stands behind HEADER in the journal that has it, and where the epochs begin. */
int hd_journal_origins_read(struct hd_journal_source *source, const struct hd_journal_header *header,
	struct hd_journal_origins *ret_origins, uint64_t *ret_begin);

/* Bytes of all of them that count. */
uint64_t hd_journal_origins_size(const struct hd_journal_origins *origins);

/*
 * Links what ORIGINS and, if it has epochs, the journal of THREAD that ends at END consist of, under the pinned prefix; the
 * list of them is what a fork begins with. -EMLINK: there are too many. -ENOENT: there is nothing.
 */
int hd_journal_origins_pin(int directory_fd, uint32_t thread, const struct hd_journal_end *end,
	const struct hd_journal_origins *origins, struct hd_journal_origins *ret_origins);

/* Removes the files with PREFIX, the last one first: who is killed leaves some that begin with number 1. */
int hd_journal_origins_remove(int directory_fd, const char *prefix);

#endif

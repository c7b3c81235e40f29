/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CHECK_CHECK_H
#define HEDDLE_CHECK_CHECK_H

/*
 * Check: reads a whole store and says what is wrong with it, in plain words. Changes nothing.
 *
 *     objects   every file's bytes match its name
 *     index     SQLite's own check; every state's record matches its id; parents, heads and bases are there
 *     states    every tree and attribute object decodes; every content they name is in the store, or belongs to a
 *               base that the index knows
 *     threads   the journal decodes, its records make sound tables, every content and every block of data that they
 *               name is there
 *     files     nothing lies in the store that does not belong there
 *
 * A problem is something that is lost or wrong. A remark is something that a crash may leave and that harms nobody:
 * a torn end of the journal, an object that nothing refers to yet, an unfinished file.
 *
 * What only the bases hold (a repository's objects, a directory's files) is not read.
 *
 * Threads     One call per store handle at a time. It may run while threads are mounted: their journals are then read
 *             up to the last whole epoch.
 * Errors      A store that could not be checked to its end: -ENOMEM, -errno of the disk. What was found until then
 *             was said.
 */

#include "overlay/store/store.h"

enum hd_check_kind { HD_CHECK_PROBLEM, HD_CHECK_REMARK };

struct hd_check_report {
	uint64_t objects, states, directories, threads, epochs, inodes; /* looked at */
	uint64_t problems, remarks;
};

typedef void (*hd_check_emit)(enum hd_check_kind kind, const char *text, void *payload);
/* Checks all of it, and calls EMIT with each finding; EMIT may be NULL. */
int hd_store_check(
	struct hd_store *store, hd_check_emit emit, void *payload, struct hd_check_report *ret_report);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_INDEX_CHECK_H
#define HEDDLE_STORE_INDEX_INDEX_CHECK_H

/* What hd_index_check finds beyond SQLite: rows that are no longer what was written. Contract: index.h. */

#include "overlay/store/index/index.h"

/* Calls EMIT where threads, tags and the log of operations contradict each other. Memory for all names. */
int hd_index_check_log(struct hd_index *index, hd_index_emit_problem emit, void *payload);

#endif

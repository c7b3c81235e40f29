/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_BASE_DEADLINE_H
#define HEDDLE_BASES_BASE_DEADLINE_H

/*
 * Calls into a base that may hang, made by threads that nobody waits for longer than a deadline.
 *
 * A call becomes a job with its own copy of the arguments and its own buffers. Caller and pool thread hold
 * one reference each: whoever comes last frees the job, so that a call that returns after its caller has gone
 * writes into memory that is still its own.
 *
 * Ownership   The base and the pool must outlive every job: hd_pool_free waits for them.
 * Threads     All calls may run concurrently. Callbacks run in the caller's thread.
 * Errors      -HD_E_BASE_TIMEOUT when the deadline passes or all threads and places in the queue are
 *             taken; otherwise what the base answered, with its detail.
 */

#include "overlay/bases/base.h"
#include "overlay/platform/threads/task_thread.h"

struct hd_base_deadline {
	struct hd_pool *pool; /* borrowed */
	struct hd_base *base; /* borrowed */
	unsigned milliseconds;
	const char *location; /* borrowed: where the base is, for people */
};

/* operations->list; the callback runs in the calling thread, after the base has answered. */
int hd_base_deadline_list(const struct hd_base_deadline *call, const struct hd_base_directory *directory,
	hd_base_emit emit, void *payload);
/* operations->read */
int hd_base_deadline_read(const struct hd_base_deadline *call, const struct hd_content *file, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size);
/* operations->size */
int hd_base_deadline_size(
	const struct hd_base_deadline *call, const struct hd_content *file, uint64_t *ret_size);
/* operations->seek */
int hd_base_deadline_seek(const struct hd_base_deadline *call, const struct hd_content *file, uint64_t offset,
	bool want_data, uint64_t *ret_offset);
/* operations->root; the entry's pointers are set by the caller. */
int hd_base_deadline_root(const struct hd_base_deadline *call, struct hd_base_entry *ret_entry);

/* The detail of R, which the calling thread has just got, without R's own sentence: for handing it to another
 * thread. */
void hd_base_deadline_keep_detail(int r, char *buffer, size_t size);

#endif

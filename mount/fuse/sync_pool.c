/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The threads are few because syncs that wait at the same time share one write of the journal in the overlay;
 * more threads than that would only wait together. A full queue answers EAGAIN: an fsync may never claim what
 * it did not do.
 */

#include "mount/fuse/sync_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "mount/fuse/fuse_reply.h"
#include "mount/fuse/requests/fuse_request.h"
#include "mount/fuse/requests/request_area.h"
#include "mount/fuse/requests/request_trace.h"
#include "mount/fuse/session/fuse_session_types.h"
#include "overlay/platform/threads/task_thread.h"

#define SYNC_THREADS 4
#define SYNC_QUEUE_LIMIT 4096

struct hd_sync_pool {
	struct hd_overlay *overlay;       /* borrowed */
	struct hd_activities *activities; /* borrowed */
	struct hd_pool *pool;             /* owned */
};

struct sync_task {
	struct hd_activity activity; /* its time in the queue counts */
	struct hd_sync_pool *pool;
	struct hd_request_area *area;
	uint32_t place; /* in the area */
	fuse_req_t req;
	uint32_t opcode;
	uint64_t unique, began_ns;
	hd_ino ino;
	bool data_only;
};

static void free_task(struct sync_task *task)
{
	hd_activities_remove(task->pool->activities, &task->activity);
	free(task);
}

static void run_task(void *payload)
{
	struct sync_task *task = payload;
	const struct hd_fuse_session *session = hd_fuse_session_of(task->req);

	hd_activity_work(&task->activity);
	hd_reply_sync(
		task->req, task->unique, hd_overlay_fsync(task->pool->overlay, task->ino, task->data_only));
	hd_activity_work(NULL);
	hd_trace_answer(session, task->opcode, task->unique, hd_clock_monotonic_ns() - task->began_ns);
	hd_request_area_sync_end(task->area, task->place);
	free_task(task);
}

int hd_sync_pool_new(
	struct hd_overlay *overlay, struct hd_activities *activities, struct hd_sync_pool **ret_pool)
{
	struct hd_sync_pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return -ENOMEM;
	pool->overlay = overlay;
	pool->activities = activities;
	r = hd_pool_new("sync", SYNC_THREADS, SYNC_QUEUE_LIMIT, &pool->pool);
	if (r < 0) {
		free(pool);
		return r;
	}
	*ret_pool = pool;
	return 0;
}

void hd_sync_pool_free(struct hd_sync_pool *pool)
{
	if (!pool)
		return;
	hd_pool_free(pool->pool);
	free(pool);
}

void hd_sync_pool_submit(struct hd_sync_pool *pool, fuse_req_t req, hd_ino ino, bool data_only)
{
	struct hd_request_area *area = hd_fuse_session_of(req)->area;
	const struct fuse_in_header *header = hd_fuse_request_header();
	struct sync_task *task = aligned_alloc(_Alignof(struct sync_task), sizeof(*task));
	int r = -ENOMEM;

	if (task) {
		*task = (struct sync_task){.pool = pool,
			.area = area,
			.place = hd_request_area_sync_begin(area, header->unique),
			.req = req,
			.opcode = header->opcode,
			.unique = header->unique,
			.began_ns = hd_clock_monotonic_ns(),
			.ino = ino,
			.data_only = data_only};
		atomic_store(&task->activity.waits_for, "its turn to be synced");
		hd_activity_enter(&task->activity, header->opcode, ino, (int32_t)header->pid);
		hd_activities_add(pool->activities, &task->activity);
		r = hd_pool_submit(pool->pool, run_task, task);
		if (r < 0)
			hd_request_area_sync_end(area, task->place);
	}
	if (r < 0) {
		if (task)
			free_task(task);
		hd_reply_status(req, r);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The threads are few because syncs that wait at the same time share one write of the journal in the overlay;
 * more threads than that would only wait together. A full queue answers EAGAIN: an fsync may never claim what
 * it did not do.
 */

#include "mount/sync_pool.h"

#include <errno.h>
#include <stdlib.h>

#include "mount/fuse_reply.h"
#include "mount/request_area.h"
#include "overlay/platform/task_thread.h"

#define SYNC_THREADS 4
#define SYNC_QUEUE_LIMIT 4096

struct hd_sync_pool {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_pool *pool;       /* owned */
};

struct sync_task {
	struct hd_overlay *overlay;
	struct hd_request_area *area;
	uint32_t place; /* in the area */
	fuse_req_t req;
	hd_ino ino;
	bool data_only;
};

static void run_task(void *payload)
{
	struct sync_task *task = payload;

	hd_reply_status(task->req, hd_overlay_fsync(task->overlay, task->ino, task->data_only));
	hd_request_area_sync_end(task->area, task->place);
	free(task);
}

int hd_sync_pool_new(struct hd_overlay *overlay, struct hd_sync_pool **ret_pool)
{
	struct hd_sync_pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return -ENOMEM;
	pool->overlay = overlay;
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
	struct sync_task *task = malloc(sizeof(*task));
	int r = -ENOMEM;

	if (task) {
		*task = (struct sync_task){pool->overlay, area,
			hd_request_area_sync_begin(area, hd_fuse_request_header()->unique), req, ino,
			data_only};
		r = hd_pool_submit(pool->pool, run_task, task);
		if (r < 0)
			hd_request_area_sync_end(area, task->place);
	}
	if (r < 0) {
		free(task);
		hd_reply_status(req, r);
	}
}

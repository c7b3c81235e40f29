/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/worker/auditor.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/task_thread.h"

/* Time for the requests that waited, with 100,000 files to look at: it took the CPU from them for 9 ms. */
#define BEGIN_AFTER_NS 100000000u
/* Between two parts of some 50 us. */
#define PAUSE_NS 200000u

struct hd_auditor {
	struct hd_overlay *overlay; /* borrowed */
	pthread_t thread;
	struct hd_mutex lock;
	struct hd_condition hurried; /* `hurries` was set */
	bool hurries;
};

static void wait_for(struct hd_auditor *auditor, uint64_t duration_ns)
{
	uint64_t deadline = hd_clock_monotonic_ns() + duration_ns;

	hd_mutex_lock(&auditor->lock);
	while (!auditor->hurries && hd_condition_wait_until(&auditor->hurried, &auditor->lock, deadline))
		;
	hd_mutex_unlock(&auditor->lock);
}

static void between_parts(void *payload)
{
	wait_for(payload, PAUSE_NS);
}

static void *audit(void *payload)
{
	struct hd_auditor *auditor = payload;

	wait_for(auditor, BEGIN_AFTER_NS);
	hd_overlay_sign_lock(auditor->overlay);
	(void)hd_overlay_audit(auditor->overlay, between_parts, auditor);
	return NULL;
}

static void auditor_free(struct hd_auditor *auditor)
{
	hd_condition_destroy(&auditor->hurried);
	hd_mutex_destroy(&auditor->lock);
	free(auditor);
}

int hd_auditor_start(struct hd_overlay *overlay, struct hd_auditor **ret_auditor)
{
	struct hd_auditor *auditor = calloc(1, sizeof(*auditor));
	int r;

	if (!auditor)
		return -ENOMEM;
	auditor->overlay = overlay;
	hd_mutex_init(&auditor->lock, HD_RANK_LEAF);
	hd_condition_init(&auditor->hurried);
	r = hd_thread_start(&auditor->thread, "audit", audit, auditor);
	if (r < 0) {
		auditor_free(auditor);
		return r;
	}
	*ret_auditor = auditor;
	return 0;
}

void hd_auditor_stop(struct hd_auditor *auditor)
{
	if (!auditor)
		return;
	hd_mutex_lock(&auditor->lock);
	auditor->hurries = true;
	hd_condition_signal(&auditor->hurried);
	hd_mutex_unlock(&auditor->lock);
	hd_thread_join(auditor->thread);
	auditor_free(auditor);
}

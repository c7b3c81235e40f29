/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/written_pages.h"

#include <linux/fuse.h>

#include "overlay/platform/threads/work.h"

/*
 * An operation is known again by its slot and by when it began. The clock of that is coarse: a slot in which one write
 * follows the other looks like one write until the next tick, which costs some milliseconds at most.
 */

#define WRITES_LIMIT 256 /* of them at once; there are fewer threads */
#define LOOK_NS 50000u

struct writes {
	struct {
		const struct hd_activity *slot;
		uint64_t began_ns;
	} noted[WRITES_LIMIT];
	size_t n;
	bool any; /* one of them is in flight still */
};

static void note(struct hd_activity *slot, const struct hd_activity_view *view, void *payload)
{
	struct writes *writes = payload;

	if (view->kind != FUSE_WRITE || writes->n == WRITES_LIMIT)
		return;
	writes->noted[writes->n].slot = slot;
	writes->noted[writes->n].began_ns = atomic_load(&slot->began_ns);
	writes->n++;
}

static void look(struct hd_activity *slot, const struct hd_activity_view *view, void *payload)
{
	struct writes *writes = payload;
	uint64_t began_ns = atomic_load(&slot->began_ns);

	for (size_t i = 0; i < writes->n && view->kind == FUSE_WRITE; i++)
		writes->any |= writes->noted[i].slot == slot && writes->noted[i].began_ns == began_ns;
}

int hd_written_pages_await(struct hd_activities *activities)
{
	struct writes writes = {.n = 0};
	int r = 0;

	hd_activities_look(activities, note, &writes);
	writes.any = writes.n > 0;
	while (writes.any && r == 0) {
		writes.any = false;
		hd_activities_look(activities, look, &writes);
		if (writes.any) {
			hd_clock_sleep_ns(LOOK_NS);
			r = hd_work_advance(0);
		}
	}
	return r;
}

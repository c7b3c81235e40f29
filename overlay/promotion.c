/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/promotion.h"

#include <stdlib.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/task_thread.h"

/*
 * The queue is a ring of {file, its version, when it was seen}. The thread looks at the oldest: if the
 * version is still the same after the idle time, the file is settled; if it was written, it goes to the end
 * with its new version. A file may be queued more than once; the second time finds it settled.
 *
 * When the hot tier is over its budget the idle time does not count, and writers wait here, holding no lock.
 */

#define ROOM_WAIT_MS 30000u
#define ROOM_STEP_NS 5000000u

struct waiting {
	hd_ino ino;
	uint64_t version;
	uint64_t since_ns;
};

struct hd_promoter {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_mutex lock;       /* rank PROMOTION; protects the ring, stopping and hurried */
	struct hd_condition changed;
	struct waiting *ring; /* owned */
	size_t capacity, first, count;
	bool stopping, running;
	unsigned hurried; /* writers that wait because the hot tier is over its budget */
	uint64_t idle_ns;
	pthread_t thread;
};

static bool grow_locked(struct hd_promoter *promoter)
{
	size_t capacity = promoter->capacity ? promoter->capacity * 2 : 1024;
	struct waiting *ring = calloc(capacity, sizeof(*ring));

	if (!ring)
		return false;
	for (size_t i = 0; i < promoter->count; i++)
		ring[i] = promoter->ring[(promoter->first + i) % promoter->capacity];
	free(promoter->ring);
	promoter->ring = ring;
	promoter->capacity = capacity;
	promoter->first = 0;
	return true;
}

static void push(struct hd_promoter *promoter, hd_ino ino, uint64_t version)
{
	hd_mutex_lock(&promoter->lock);
	if (promoter->count < promoter->capacity || grow_locked(promoter)) {
		struct waiting *waiting =
			&promoter->ring[(promoter->first + promoter->count) % promoter->capacity];

		*waiting =
			(struct waiting){.ino = ino, .version = version, .since_ns = hd_clock_monotonic_ns()};
		if (promoter->count++ == 0)
			hd_condition_signal(&promoter->changed);
	}
	hd_mutex_unlock(&promoter->lock);
}

/* The version of a live file that is not settled and worth it; false for all others. */
static bool is_due(struct hd_overlay *overlay, hd_ino ino, bool hurry, uint64_t *ret_version)
{
	const struct hd_inode *inode;
	bool due;

	hd_rwlock_read(&overlay->lock);
	inode = hd_inode_get(overlay->arena, ino);
	due = inode && inode->state == HD_INODE_LIVE && hd_inode_is_file(inode) &&
	      inode->flags & HD_INODE_UNSETTLED && hd_is_worth_settling(inode, hurry);
	if (due)
		*ret_version = inode->part.file.version;
	hd_rwlock_unlock(&overlay->lock);
	return due;
}

void hd_promoter_enqueue(struct hd_promoter *promoter, hd_ino ino)
{
	uint64_t version;

	if (promoter->running && is_due(promoter->overlay, ino, false, &version))
		push(promoter, ino, version);
}

/* Takes the oldest off the ring once its idle time is over; false when stopping. */
static bool take(struct hd_promoter *promoter, struct waiting *ret)
{
	bool taken = false;

	hd_mutex_lock(&promoter->lock);
	while (!promoter->stopping && !taken) {
		uint64_t due;

		if (promoter->count == 0) {
			hd_condition_wait(&promoter->changed, &promoter->lock);
			continue;
		}
		due = promoter->ring[promoter->first].since_ns + promoter->idle_ns;
		if (promoter->hurried == 0 && due > hd_clock_monotonic_ns()) {
			(void)hd_condition_wait_until(&promoter->changed, &promoter->lock, due);
			continue;
		}
		*ret = promoter->ring[promoter->first];
		promoter->first = (promoter->first + 1) % promoter->capacity;
		promoter->count--;
		taken = true;
	}
	hd_mutex_unlock(&promoter->lock);
	return taken;
}

static bool is_hurried(struct hd_promoter *promoter)
{
	bool hurried;

	hd_mutex_lock(&promoter->lock);
	hurried = promoter->hurried > 0;
	hd_mutex_unlock(&promoter->lock);
	return hurried;
}

static void promote(struct hd_promoter *promoter, const struct waiting *waiting)
{
	struct hd_settled settled;
	bool hurried = is_hurried(promoter);
	uint64_t version;

	if (!is_due(promoter->overlay, waiting->ino, hurried, &version))
		return;
	if (version != waiting->version && !hurried) {
		push(promoter, waiting->ino, version);
		return;
	}
	/* A store that refuses now is asked again after another idle time; the bytes stay in the hot tier. */
	if (hd_file_settle(promoter->overlay, waiting->ino, &settled) < 0) {
		hd_clock_sleep_ns(ROOM_STEP_NS);
		push(promoter, waiting->ino, version);
	}
}

/* What the last process left unsettled was queued by nobody here; what was not worth it may be when memory is short. */
static void enqueue_all(struct hd_promoter *promoter, bool hurried)
{
	struct hd_overlay *overlay = promoter->overlay;
	uint32_t limit;
	uint64_t version;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	hd_rwlock_unlock(&overlay->lock);
	for (uint32_t index = 1; index < limit; index++) {
		hd_ino ino;

		hd_rwlock_read(&overlay->lock);
		ino = hd_inode_id(overlay->arena, index);
		hd_rwlock_unlock(&overlay->lock);
		if (is_due(overlay, ino, hurried, &version))
			push(promoter, ino, version);
	}
}

static void *run(void *payload)
{
	struct hd_promoter *promoter = payload;
	struct waiting waiting;

	enqueue_all(promoter, false);
	while (take(promoter, &waiting))
		promote(promoter, &waiting);
	return NULL;
}

int hd_promoter_new(struct hd_overlay *overlay, unsigned idle_ms, struct hd_promoter **ret_promoter)
{
	struct hd_promoter *promoter = calloc(1, sizeof(*promoter));

	if (!promoter)
		return -ENOMEM;
	hd_mutex_init(&promoter->lock, HD_RANK_PROMOTION);
	hd_condition_init(&promoter->changed);
	promoter->overlay = overlay;
	promoter->idle_ns = (uint64_t)idle_ms * 1000000u;
	*ret_promoter = promoter;
	return 0;
}

int hd_promoter_start(struct hd_promoter *promoter)
{
	int r = hd_thread_start(&promoter->thread, "hd-promote", run, promoter);

	promoter->running = r == 0;
	return r;
}

void hd_promoter_stop(struct hd_promoter *promoter)
{
	if (!promoter->running)
		return;
	hd_mutex_lock(&promoter->lock);
	promoter->stopping = true;
	hd_condition_broadcast(&promoter->changed);
	hd_mutex_unlock(&promoter->lock);
	hd_thread_join(promoter->thread);
	promoter->running = false;
}

void hd_promoter_free(struct hd_promoter *promoter)
{
	if (!promoter)
		return;
	hd_promoter_stop(promoter);
	hd_condition_destroy(&promoter->changed);
	hd_mutex_destroy(&promoter->lock);
	free(promoter->ring);
	free(promoter);
}

static void hurry(struct hd_promoter *promoter, int change)
{
	hd_mutex_lock(&promoter->lock);
	promoter->hurried += (unsigned)change;
	if (change > 0)
		hd_condition_broadcast(&promoter->changed);
	hd_mutex_unlock(&promoter->lock);
}

int hd_promoter_make_room(struct hd_overlay *overlay)
{
	struct hd_hot_usage usage = hd_hot_usage(overlay->hot);
	uint64_t deadline;

	if (usage.bytes <= usage.limit)
		return 0;
	if (!overlay->promoter->running)
		return hd_settle_all(overlay, true);
	deadline = hd_clock_monotonic_ns() + (uint64_t)ROOM_WAIT_MS * 1000000u;
	hurry(overlay->promoter, 1);
	while (usage.bytes > usage.limit && hd_clock_monotonic_ns() < deadline) {
		if (hd_promoter_queued(overlay->promoter) == 0)
			enqueue_all(overlay->promoter, true);
		hd_clock_sleep_ns(ROOM_STEP_NS);
		usage = hd_hot_usage(overlay->hot);
	}
	hurry(overlay->promoter, -1);
	return usage.bytes > usage.limit ? -HD_E_HOT_TIER_FULL : 0;
}

uint64_t hd_promoter_queued(struct hd_promoter *promoter)
{
	uint64_t count;

	hd_mutex_lock(&promoter->lock);
	count = promoter->count;
	hd_mutex_unlock(&promoter->lock);
	return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/promotion.h"

#include <stdlib.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/activity.h"
#include "overlay/platform/threads/task_thread.h"

/*
 * A queue is a ring of {file, its version, when it was seen}. The thread looks at the oldest: if the version
 * is still the same after the idle time, the file is settled; if it was written, it goes to the end with its
 * new version. A file may be queued more than once; the second time finds it settled.
 *
 * There are two. A file with much in the hot tier goes early, before the periodic flush would write it into
 * the journal as well. A small one waits SMALL_FACTOR times as long: it is durable in the journal for less
 * than an object of its own would cost, and most of what builds write is replaced or deleted soon.
 *
 * Between two files the thread also gives recent objects files, when their log has grown long (hd_promoter_tidy).
 *
 * When the hot tier is over its budget the idle time does not count, and writers wait here, holding no lock.
 */

#define ROOM_WAIT_MS 30000u
#define ROOM_STEP_NS 5000000u
/* Requests that waited for this process come first, and those that come while what is unsettled is looked for. */
#define BEGIN_AFTER_NS 100000000u
#define LOOK_AT 64u
#define REST_NS 200000u
/* A store that only refuses for so long has no room, and will not have any by waiting. */
#define ROOM_REFUSED_MS 2000u

struct waiting {
	hd_ino ino;
	uint64_t version;
	uint64_t since_ns;
};

enum queue_kind { QUEUE_SMALL, QUEUE_BIG, QUEUE_COUNT };

#define SMALL_FACTOR 10u
#define BIG_BLOCKS (HD_CHUNK_SIZE / HD_BLOCK_SIZE)

struct queue {
	struct waiting *ring; /* owned */
	size_t capacity, first, count;
	uint64_t idle_ns;
};

struct hd_promoter {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_mutex
		lock; /* rank PROMOTION; protects the queues, stopping, hurried, settled_ns and refused_ns */
	struct hd_condition changed;
	struct queue queues[QUEUE_COUNT];
	bool stopping, running;
	bool tidy;        /* (lock) the store's logs of recent objects are long */
	unsigned hurried; /* writers that wait because the hot tier is over its budget */
	uint64_t settled_ns,
		refused_ns; /* when a file was stored last, and when the store refused one last */
	pthread_t thread;
};

/* What the thread needs to know of a file. */
struct due {
	uint64_t version;
	enum queue_kind kind;
};

static bool grow_locked(struct queue *queue)
{
	size_t capacity = queue->capacity ? queue->capacity * 2 : 1024;
	struct waiting *ring = calloc(capacity, sizeof(*ring));

	if (!ring)
		return false;
	for (size_t i = 0; i < queue->count; i++)
		ring[i] = queue->ring[(queue->first + i) % queue->capacity];
	free(queue->ring);
	queue->ring = ring;
	queue->capacity = capacity;
	queue->first = 0;
	return true;
}

static void push(struct hd_promoter *promoter, hd_ino ino, const struct due *due)
{
	struct queue *queue = &promoter->queues[due->kind];

	hd_mutex_lock(&promoter->lock);
	if (queue->count < queue->capacity || grow_locked(queue)) {
		queue->ring[(queue->first + queue->count) % queue->capacity] = (struct waiting){
			.ino = ino, .version = due->version, .since_ns = hd_clock_monotonic_ns()};
		if (queue->count++ == 0)
			hd_condition_signal(&promoter->changed);
	}
	hd_mutex_unlock(&promoter->lock);
}

/* Looks at a live file that is not settled and worth it; false for all others. */
static bool is_due(struct hd_overlay *overlay, hd_ino ino, bool hurry, struct due *ret)
{
	const struct hd_inode *inode;
	bool due;

	hd_rwlock_read(&overlay->lock);
	inode = hd_inode_get(overlay->arena, ino);
	due = inode && hd_inode_is_kept(inode) && hd_inode_is_file(inode) &&
	      inode->flags & HD_INODE_UNSETTLED && hd_is_worth_settling(inode, hurry);
	if (due)
		*ret = (struct due){.version = inode->part.file.version,
			.kind = inode->part.file.mapped >= BIG_BLOCKS ? QUEUE_BIG : QUEUE_SMALL};
	hd_rwlock_unlock(&overlay->lock);
	return due;
}

void hd_promoter_enqueue(struct hd_promoter *promoter, hd_ino ino)
{
	struct due due;

	if (promoter->running && is_due(promoter->overlay, ino, false, &due))
		push(promoter, ino, &due);
}

/* The queue whose oldest is due first, or NULL when all are empty. */
static struct queue *next_locked(struct hd_promoter *promoter, uint64_t *ret_due_ns)
{
	struct queue *next = NULL;

	for (int kind = 0; kind < QUEUE_COUNT; kind++) {
		struct queue *queue = &promoter->queues[kind];
		uint64_t due_ns;

		if (queue->count == 0)
			continue;
		due_ns = queue->ring[queue->first].since_ns + queue->idle_ns;
		if (!next || due_ns < *ret_due_ns) {
			next = queue;
			*ret_due_ns = due_ns;
		}
	}
	return next;
}

/* Called with the lock held, which it gives up meanwhile. A store that refuses is asked again when it has grown more. */
static void tidy_unlocking(struct hd_promoter *promoter)
{
	promoter->tidy = false;
	hd_mutex_unlock(&promoter->lock);
	if (hd_object_store_settle(promoter->overlay->store->objects, HD_OBJECT_LOG_LONG) < 0)
		hd_error_clear();
	hd_mutex_lock(&promoter->lock);
}

/* Takes a file off its queue once its idle time is over; false when stopping. */
static bool take(struct hd_promoter *promoter, struct waiting *ret)
{
	bool taken = false;

	hd_mutex_lock(&promoter->lock);
	while (!promoter->stopping && !taken) {
		uint64_t due_ns = 0;
		struct queue *queue = next_locked(promoter, &due_ns);

		if (promoter->tidy && promoter->hurried == 0) {
			tidy_unlocking(promoter);
			continue;
		}

		if (!queue) {
			hd_condition_wait(&promoter->changed, &promoter->lock);
			continue;
		}
		if (promoter->hurried == 0 && due_ns > hd_clock_monotonic_ns()) {
			(void)hd_condition_wait_until(&promoter->changed, &promoter->lock, due_ns);
			continue;
		}
		*ret = queue->ring[queue->first];
		queue->first = (queue->first + 1) % queue->capacity;
		queue->count--;
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

static void note_result(struct hd_promoter *promoter, int r)
{
	hd_mutex_lock(&promoter->lock);
	if (r >= 0)
		promoter->settled_ns = hd_clock_monotonic_ns();
	else if (r != -ESTALE)
		promoter->refused_ns = hd_clock_monotonic_ns();
	hd_mutex_unlock(&promoter->lock);
}

static void promote(struct hd_promoter *promoter, const struct waiting *waiting)
{
	struct hd_content content;
	bool hurried = is_hurried(promoter);
	struct due due;
	int r;

	if (!is_due(promoter->overlay, waiting->ino, hurried, &due))
		return;
	if (due.version != waiting->version && !hurried) {
		push(promoter, waiting->ino, &due);
		return;
	}
	/* A store that refuses now is asked again after another idle time; the bytes stay in the hot tier. */
	r = hd_file_settle(promoter->overlay, waiting->ino, NULL, &content);
	/* It is written all the while, or a capture reads it: no fault of the store's. */
	if (r != -EAGAIN)
		note_result(promoter, r);
	(void)hd_promoter_tidy(promoter);
	if (r < 0) {
		hd_clock_sleep_ns(ROOM_STEP_NS);
		push(promoter, waiting->ino, &due);
	}
}

/* False when stopping. */
static bool rest(struct hd_promoter *promoter, uint64_t duration_ns)
{
	uint64_t deadline = hd_clock_monotonic_ns() + duration_ns;
	bool goes_on;

	hd_mutex_lock(&promoter->lock);
	while (!promoter->stopping && promoter->hurried == 0 &&
		hd_condition_wait_until(&promoter->changed, &promoter->lock, deadline))
		;
	goes_on = !promoter->stopping;
	hd_mutex_unlock(&promoter->lock);
	return goes_on;
}

/*
 * What the last process left unsettled was queued by nobody here; what was not worth it may be when memory is short. In no
 * hurry, this rests.
 */
static void enqueue_all(struct hd_promoter *promoter, bool hurried)
{
	struct hd_overlay *overlay = promoter->overlay;
	struct due due;
	uint32_t limit;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	hd_rwlock_unlock(&overlay->lock);
	for (uint32_t index = 1; index < limit; index++) {
		hd_ino ino;

		if (!hurried && index % LOOK_AT == 0 && !rest(promoter, REST_NS))
			return;
		hd_rwlock_read(&overlay->lock);
		ino = hd_inode_id(overlay->arena, index);
		hd_rwlock_unlock(&overlay->lock);
		if (is_due(overlay, ino, hurried, &due))
			push(promoter, ino, &due);
	}
}

static void *run(void *payload)
{
	struct hd_promoter *promoter = payload;
	struct waiting waiting;

	if (rest(promoter, BEGIN_AFTER_NS))
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
	promoter->queues[QUEUE_BIG].idle_ns = (uint64_t)idle_ms * 1000000u;
	promoter->queues[QUEUE_SMALL].idle_ns = SMALL_FACTOR * promoter->queues[QUEUE_BIG].idle_ns;
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
	for (int kind = 0; kind < QUEUE_COUNT; kind++)
		free(promoter->queues[kind].ring);
	free(promoter);
}

int hd_promoter_tidy(struct hd_promoter *promoter)
{
	struct hd_object_store *objects = promoter->overlay->store->objects;

	/* Without the thread nobody else does it, but whoever closes has to wait for it then. */
	if (!promoter->running)
		return hd_object_store_settle(objects, 2 * HD_OBJECT_LOG_LONG);
	if (!hd_object_store_is_unsettled(objects))
		return 0;
	hd_mutex_lock(&promoter->lock);
	promoter->tidy = true;
	hd_condition_broadcast(&promoter->changed);
	hd_mutex_unlock(&promoter->lock);
	return 0;
}

static void hurry(struct hd_promoter *promoter, int change)
{
	hd_mutex_lock(&promoter->lock);
	promoter->hurried += (unsigned)change;
	if (change > 0)
		hd_condition_broadcast(&promoter->changed);
	hd_mutex_unlock(&promoter->lock);
}

/* Since SINCE_NS the store has stored nothing and refused something. */
static bool only_refuses(struct hd_promoter *promoter, uint64_t since_ns)
{
	bool refuses;

	if (hd_clock_monotonic_ns() < since_ns + (uint64_t)ROOM_REFUSED_MS * 1000000u)
		return false;
	hd_mutex_lock(&promoter->lock);
	refuses = promoter->refused_ns > since_ns && promoter->settled_ns < since_ns;
	hd_mutex_unlock(&promoter->lock);
	return refuses;
}

int hd_promoter_make_room(struct hd_overlay *overlay)
{
	HD_WAITS_FOR("room in the hot tier");
	struct hd_hot_usage usage = hd_hot_usage(overlay->hot);
	uint64_t begin_ns = hd_clock_monotonic_ns(), deadline;

	if (usage.bytes <= usage.limit)
		return 0;
	if (!overlay->promoter->running)
		return hd_settle_all(overlay, true);
	deadline = begin_ns + (uint64_t)ROOM_WAIT_MS * 1000000u;
	hurry(overlay->promoter, 1);
	while (usage.bytes > usage.limit && hd_clock_monotonic_ns() < deadline &&
		!only_refuses(overlay->promoter, begin_ns)) {
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
	uint64_t count = 0;

	hd_mutex_lock(&promoter->lock);
	for (int kind = 0; kind < QUEUE_COUNT; kind++)
		count += promoter->queues[kind].count;
	hd_mutex_unlock(&promoter->lock);
	return count;
}

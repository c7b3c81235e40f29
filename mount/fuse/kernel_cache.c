/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The contract is the table below; everything else is a queue and a thread.
 *
 * Why a thread: a notification takes the parent's inode lock in the kernel, and waits for pages under I/O.
 * The thread that serves a CREATE would wait for a lock that its own caller holds until it has been answered;
 * a READ's would wait for the page it is about to fill. So request threads only queue, and the notifying
 * thread holds no lock.
 *
 * Bound: a queue of QUEUE_LIMIT. Beyond it, or without memory, single notices are replaced by one that drops
 * every name of every view; they all look again and get fresh attributes with the answer.
 *
 * With one view, which is the common case, nothing is ever queued and a change costs one comparison.
 */

#include "mount/fuse/kernel_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/threads/task_thread.h"

#define QUEUE_LIMIT 65536

#define SELF_DATA (1u << 0) /* the inode's attributes and the bytes of the event's range */
#define SELF_ATTR (1u << 1) /* the inode's attributes alone */
#define PARENT (1u << 2)    /* the directory's attributes */
#define ENTRY (1u << 3)     /* the name, whether the kernel knew it or knew that there was none */
#define NEW_PARENT (1u << 4)
#define NEW_ENTRY (1u << 5)
#define EVERYTHING (1u << 6) /* all names */

/* What each event makes stale. inval_inode of a directory also drops its cached listing. */
static const unsigned stale[] = {
	[HD_CACHE_WRITE] = SELF_DATA,
	[HD_CACHE_TRUNCATE] = SELF_DATA,
	[HD_CACHE_SETATTR] = SELF_ATTR,
	[HD_CACHE_XATTR] = SELF_ATTR,
	[HD_CACHE_CREATE] = PARENT | ENTRY,
	[HD_CACHE_MKDIR] = PARENT | ENTRY,
	[HD_CACHE_MKNOD] = PARENT | ENTRY,
	[HD_CACHE_SYMLINK] = PARENT | ENTRY,
	[HD_CACHE_LINK] = SELF_ATTR | PARENT | ENTRY,
	[HD_CACHE_UNLINK] = SELF_ATTR | PARENT | ENTRY,
	[HD_CACHE_RMDIR] = PARENT | ENTRY,
	[HD_CACHE_RENAME] = PARENT | ENTRY | NEW_PARENT | NEW_ENTRY,
	[HD_CACHE_NAME] = ENTRY,
	[HD_CACHE_REPLACE] = SELF_DATA,
	[HD_CACHE_ALL] = EVERYTHING,
};
_Static_assert(HD_ARRAY_SIZE(stale) == HD_CACHE_EVENT_COUNT,
	"an event without a row in the table of what it makes stale");

/* A queued event with its names behind it. */
struct notice {
	struct notice *next;
	unsigned origin;
	struct hd_cache_event event; /* names point into text */
	char text[];
};

struct hd_kernel_cache {
	double timeout;
	bool always; /* tell the origin, too */
	bool never;  /* tell nobody */
	pthread_t thread;
	struct hd_mutex lock;        /* rank HD_RANK_NOTIFY; protects every field marked (lock) */
	struct hd_condition wake;    /* something is queued, or stopping */
	struct hd_condition settled; /* `done` has grown */
	struct hd_cache_view views[HD_CACHE_VIEW_LIMIT];
	_Atomic unsigned n_views; /* grows only; views below it do not change */
	struct notice *first;     /* (lock) */
	struct notice **last;     /* (lock) */
	size_t length;            /* (lock) of the list */
	uint64_t queued, done;    /* (lock) numbers of notices, ever */
	bool overflowed;          /* (lock) drop every name */
	bool stopping;            /* (lock) */
};

static void tell_view(const struct hd_cache_view *view, const struct hd_cache_event *event)
{
	unsigned what = stale[event->kind];

	if (what & EVERYTHING)
		view->all(view->payload);
	if ((what & SELF_DATA) && event->ino)
		view->inode(view->payload, event->ino, (int64_t)event->offset, (int64_t)event->size);
	if ((what & SELF_ATTR) && event->ino)
		view->inode(view->payload, event->ino, -1, 0);
	if (what & PARENT)
		view->inode(view->payload, event->parent, 0, 0);
	if (what & ENTRY)
		view->entry(view->payload, event->parent, event->name, strlen(event->name));
	if ((what & NEW_PARENT) && event->new_parent != event->parent)
		view->inode(view->payload, event->new_parent, 0, 0);
	if (what & NEW_ENTRY)
		view->entry(view->payload, event->new_parent, event->new_name, strlen(event->new_name));
}

static void tell_views(struct hd_kernel_cache *cache, unsigned origin, const struct hd_cache_event *event)
{
	unsigned n_views = cache->n_views;
	unsigned i;

	hd_lock_assert_none_held("notify the kernel");
	for (i = 0; i < n_views; i++) {
		if (i != origin || cache->always)
			tell_view(&cache->views[i], event);
	}
}

/* Takes the whole queue and tells it; false when there was nothing and the thread should end. */
static bool deliver_batch(struct hd_kernel_cache *cache)
{
	const struct hd_cache_event everything = {.kind = HD_CACHE_ALL};
	struct notice *batch;
	uint64_t number;
	bool overflowed;
	bool stopping;

	hd_mutex_lock(&cache->lock);
	while (!cache->first && !cache->overflowed && !cache->stopping)
		hd_condition_wait(&cache->wake, &cache->lock);
	batch = HD_STEAL(cache->first);
	cache->last = &cache->first;
	cache->length = 0;
	overflowed = cache->overflowed;
	cache->overflowed = false;
	stopping = cache->stopping;
	number = cache->queued;
	hd_mutex_unlock(&cache->lock);
	if (!batch && !overflowed && stopping)
		return false;

	while (batch) {
		struct notice *notice = batch;

		batch = notice->next;
		tell_views(cache, notice->origin, &notice->event);
		free(notice);
	}
	if (overflowed)
		tell_views(cache, HD_CACHE_NO_VIEW, &everything);

	hd_mutex_lock(&cache->lock);
	cache->done = number;
	hd_condition_broadcast(&cache->settled);
	hd_mutex_unlock(&cache->lock);
	return true;
}

static void *notifier_main(void *payload)
{
	while (deliver_batch(payload))
		;
	return NULL;
}

int hd_kernel_cache_new(const struct hd_mount_options *options, struct hd_kernel_cache **ret_cache)
{
	struct hd_kernel_cache *cache = calloc(1, sizeof(*cache));
	int r;

	if (!cache)
		return -ENOMEM;
	cache->timeout = (double)options->cache_s;
	cache->always = options->notify == HD_NOTIFY_ALWAYS;
	cache->never = options->notify == HD_NOTIFY_NEVER;
	cache->last = &cache->first;
	hd_mutex_init(&cache->lock, HD_RANK_NOTIFY);
	hd_condition_init(&cache->wake);
	hd_condition_init(&cache->settled);
	r = hd_thread_start(&cache->thread, "notify", notifier_main, cache);
	if (r < 0) {
		hd_condition_destroy(&cache->settled);
		hd_condition_destroy(&cache->wake);
		hd_mutex_destroy(&cache->lock);
		free(cache);
		return r;
	}
	*ret_cache = cache;
	return 0;
}

void hd_kernel_cache_free(struct hd_kernel_cache *cache)
{
	if (!cache)
		return;
	hd_mutex_lock(&cache->lock);
	cache->stopping = true;
	hd_condition_signal(&cache->wake);
	hd_mutex_unlock(&cache->lock);
	hd_thread_join(cache->thread);
	hd_condition_destroy(&cache->settled);
	hd_condition_destroy(&cache->wake);
	hd_mutex_destroy(&cache->lock);
	free(cache);
}

int hd_kernel_cache_add_view(
	struct hd_kernel_cache *cache, const struct hd_cache_view *view, unsigned *ret_view)
{
	int r = -ENOSPC;

	hd_mutex_lock(&cache->lock);
	if (cache->n_views < HD_CACHE_VIEW_LIMIT) {
		cache->views[cache->n_views] = *view;
		*ret_view = cache->n_views++;
		r = 0;
	}
	hd_mutex_unlock(&cache->lock);
	return r;
}

static struct notice *notice_new(unsigned origin, const struct hd_cache_event *event)
{
	size_t name_size = event->name ? strlen(event->name) + 1 : 0;
	size_t new_name_size = event->new_name ? strlen(event->new_name) + 1 : 0;
	struct notice *notice = malloc(sizeof(*notice) + name_size + new_name_size);

	if (!notice)
		return NULL;
	notice->next = NULL;
	notice->origin = origin;
	notice->event = *event;
	if (name_size)
		notice->event.name = memcpy(notice->text, event->name, name_size);
	if (new_name_size)
		notice->event.new_name = memcpy(notice->text + name_size, event->new_name, new_name_size);
	return notice;
}

void hd_kernel_cache_changed(
	struct hd_kernel_cache *cache, unsigned origin, const struct hd_cache_event *event)
{
	unsigned n_views = cache->n_views;
	struct notice *notice;

	if (cache->never || n_views == 0 || (n_views == 1 && origin == 0 && !cache->always))
		return;
	notice = notice_new(origin, event);
	hd_mutex_lock(&cache->lock);
	cache->queued++;
	if (notice && cache->length < QUEUE_LIMIT) {
		*cache->last = notice;
		cache->last = &notice->next;
		cache->length++;
		notice = NULL;
	} else {
		cache->overflowed = true;
	}
	hd_condition_signal(&cache->wake);
	hd_mutex_unlock(&cache->lock);
	free(notice);
}

void hd_kernel_cache_drain(struct hd_kernel_cache *cache)
{
	uint64_t number;

	hd_mutex_lock(&cache->lock);
	number = cache->queued;
	while (cache->done < number)
		hd_condition_wait(&cache->settled, &cache->lock);
	hd_mutex_unlock(&cache->lock);
}

double hd_kernel_cache_entry_timeout(const struct hd_kernel_cache *cache)
{
	return cache->timeout;
}

double hd_kernel_cache_attribute_timeout(const struct hd_kernel_cache *cache)
{
	return cache->timeout;
}

double hd_kernel_cache_negative_timeout(const struct hd_kernel_cache *cache)
{
	return cache->timeout;
}

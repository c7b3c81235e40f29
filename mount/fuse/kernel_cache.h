/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_KERNEL_CACHE_H
#define HEDDLE_MOUNT_FUSE_KERNEL_CACHE_H

/*
 * Kernel cache: how long the kernel may believe what it was told, and who is told when it is no longer so.
 *
 * A view is one kernel's picture of the overlay: one mount. A change that a view's own kernel asked for is in
 * that kernel's cache already; every other view is told, by the table in kernel_cache.c. Changes that no
 * kernel asked for (a restore) go to all views.
 *
 * Calling sequence
 *     hd_kernel_cache_new → _add_view → _changed from request threads; _drain where staleness matters → _free
 *
 * Threads     _changed may run anywhere, also in a request thread: it never waits for the kernel. A thread
 *             of the cache's own notifies, holding no lock, because the kernel takes the directory's lock
 *             that the request which made the change may still hold. _drain waits for it and must not be
 *             called by a request thread.
 * Errors      Nothing that a notification answers is an error: the kernel may never have known the inode.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mount/mount_options.h"
#include "overlay/overlay.h"

enum hd_cache_event_kind {
	HD_CACHE_WRITE,    /* ino, offset, size */
	HD_CACHE_TRUNCATE, /* ino */
	HD_CACHE_SETATTR,  /* ino */
	HD_CACHE_XATTR,    /* ino */
	HD_CACHE_CREATE,   /* parent, name */
	HD_CACHE_MKDIR,    /* parent, name */
	HD_CACHE_MKNOD,    /* parent, name */
	HD_CACHE_SYMLINK,  /* parent, name */
	HD_CACHE_LINK,     /* ino, parent, name */
	HD_CACHE_UNLINK,   /* parent, name; ino if known */
	HD_CACHE_RMDIR,    /* parent, name */
	HD_CACHE_RENAME,   /* parent, name, new_parent, new_name */
	HD_CACHE_NAME,     /* parent, name: to be looked up again, for the same */
	HD_CACHE_REPLACE,  /* ino: its bytes and attributes became others (a restore) */
	HD_CACHE_ALL,      /* every name became another */
	HD_CACHE_EVENT_COUNT
};

struct hd_cache_event {
	enum hd_cache_event_kind kind;
	hd_ino ino;            /* 0: not known */
	uint64_t offset, size; /* of a write; size 0: to the end */
	hd_ino parent;
	const char *name; /* borrowed during the call */
	hd_ino new_parent;
	const char *new_name; /* borrowed during the call */
};

/* How one view is told. All may block until the kernel is done. */
struct hd_cache_view {
	/* Attributes, and the bytes of LENGTH at OFFSET: LENGTH 0 to the end, OFFSET -1 no bytes at all. */
	void (*inode)(void *payload, hd_ino ino, int64_t offset, int64_t length);
	void (*entry)(void *payload, hd_ino parent, const char *name, size_t length);
	void (*all)(void *payload);
	void *payload;
};

/* The origin of a change that no view made. */
#define HD_CACHE_NO_VIEW (~0u)
#define HD_CACHE_VIEW_LIMIT 8

struct hd_kernel_cache;

int hd_kernel_cache_new(const struct hd_mount_options *options, struct hd_kernel_cache **ret_cache);
/* Delivers what is queued, then ends the thread. */
void hd_kernel_cache_free(struct hd_kernel_cache *cache);

/* VIEW's functions and payload stay in use until the cache is freed. -ENOSPC beyond HD_CACHE_VIEW_LIMIT. */
int hd_kernel_cache_add_view(
	struct hd_kernel_cache *cache, const struct hd_cache_view *view, unsigned *ret_view);

/* Queues what EVENT means for every view that must hear of it. ORIGIN made the change. */
void hd_kernel_cache_changed(
	struct hd_kernel_cache *cache, unsigned origin, const struct hd_cache_event *event);

/* Returns when everything queued before has been delivered: from then on no kernel answers what was before.
 */
void hd_kernel_cache_drain(struct hd_kernel_cache *cache);

/* Seconds. */
double hd_kernel_cache_entry_timeout(const struct hd_kernel_cache *cache);
double hd_kernel_cache_attribute_timeout(const struct hd_kernel_cache *cache);
double hd_kernel_cache_negative_timeout(const struct hd_kernel_cache *cache);

#endif

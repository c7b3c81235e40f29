/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_LOCK_H
#define HEDDLE_PLATFORM_LOCK_H

/*
 * Locks with ranks. A thread may take a lock only if its rank is higher than that of every lock the thread
 * holds.
 *
 * The table of ranks is here and nowhere else; docs/design/locking.md explains it. With HD_CHECKS every
 * violation aborts with the names of both locks, and hd_lock_assert_none_held() aborts in a thread that is
 * about to do I/O or to notify the kernel while it holds any lock. Without HD_CHECKS the checks cost nothing.
 *
 * Ownership   A lock is embedded in what it protects; _init and _destroy frame its life.
 * Threads     Any. A lock is released by the thread that took it.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define HD_LOCK_RANKS(x)                                                                                     \
	x(HD_RANK_SESSION, "session: lists of the mount's threads and requests") x(                          \
		HD_RANK_CAPTURE, "capture: one capture, one journal flush, one checkpoint at a time")        \
		x(HD_RANK_LOADER, "loader: directories of the base that are being loaded") x(HD_RANK_CHANGE, \
			"change: bytes that are being changed, against a snapshot") x(HD_RANK_FILE,          \
			"file data: one stripe of inodes; their bytes and block maps against writers")       \
			x(HD_RANK_NAMESPACE, "namespace: the arena's tables, all of them") x(                \
				HD_RANK_PROMOTION, "promotion: the queue of inodes to store")                \
				x(HD_RANK_STORE, "store: the index database's connection") x(HD_RANK_BASE,   \
					"base: handles and caches of one base") x(HD_RANK_NOTIFY,            \
					"notify: the queue of kernel invalidations") x(HD_RANK_LEAF,         \
					"leaf: counters, logs, pools; nothing is taken inside")

enum hd_lock_rank {
#define HD_LOCK_RANK_ENUM(rank, text) rank,
	HD_LOCK_RANKS(HD_LOCK_RANK_ENUM)
#undef HD_LOCK_RANK_ENUM
		HD_RANK_COUNT
};

struct hd_mutex {
	pthread_mutex_t native;
	enum hd_lock_rank rank;
};

struct hd_rwlock {
	pthread_rwlock_t native;
	enum hd_lock_rank rank;
};

struct hd_condition {
	pthread_cond_t native;
};

/* Excludes; not recursive. */
void hd_mutex_init(struct hd_mutex *mutex, enum hd_lock_rank rank);
void hd_mutex_destroy(struct hd_mutex *mutex);
void hd_mutex_lock(struct hd_mutex *mutex);
void hd_mutex_unlock(struct hd_mutex *mutex);

/* Writers are preferred, so that a stream of readers cannot starve a change. */
void hd_rwlock_init(struct hd_rwlock *lock, enum hd_lock_rank rank);
void hd_rwlock_destroy(struct hd_rwlock *lock);
void hd_rwlock_read(struct hd_rwlock *lock);
void hd_rwlock_write(struct hd_rwlock *lock);
void hd_rwlock_unlock(struct hd_rwlock *lock);

/* Conditions wait on the monotonic clock. */
void hd_condition_init(struct hd_condition *condition);
void hd_condition_destroy(struct hd_condition *condition);
void hd_condition_wait(struct hd_condition *condition, struct hd_mutex *mutex);
/* Waits until woken or until DEADLINE_NS on hd_clock_monotonic_ns; false when the deadline passed. */
bool hd_condition_wait_until(struct hd_condition *condition, struct hd_mutex *mutex, uint64_t deadline_ns);
void hd_condition_signal(struct hd_condition *condition);
void hd_condition_broadcast(struct hd_condition *condition);

/* With HD_CHECKS: aborts if the calling thread holds a lock. WHAT names what it is about to do. */
void hd_lock_assert_none_held(const char *what);

#endif

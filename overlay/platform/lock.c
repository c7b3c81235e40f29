/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"

/*
 * Ranked locks: pthread objects and, with HD_CHECKS, one list per thread of what it holds.
 *
 * Why ranks instead of recording an order at run time: an order that is written down is checked the first
 * time a single thread takes two locks, without the second thread that would make it a deadlock.
 *
 * Invariants
 *  1. The held list is in no particular order: locks may be released in any. A new lock is compared with all.
 *  2. A condition wait keeps its mutex in the list; the thread cannot run while it does not own it.
 *  3. A violation is a bug of heddle and never depends on input, so it ends the process.
 */

#ifdef HD_CHECKS

#define HELD_LIMIT HD_RANK_COUNT

static const char *const rank_text[] = {
#define HD_LOCK_RANK_TEXT(rank, text) text,
	HD_LOCK_RANKS(HD_LOCK_RANK_TEXT)
#undef HD_LOCK_RANK_TEXT
};

_Static_assert(HD_ARRAY_SIZE(rank_text) == HD_RANK_COUNT, "a rank without its sentence");

struct held_lock {
	const void *lock;
	enum hd_lock_rank rank;
};

static _Thread_local struct held_lock held[HELD_LIMIT];
static _Thread_local unsigned n_held;

__attribute__((noreturn)) static void violation(const char *first, const char *second)
{
	static const char link[] = " while holding ";
	char line[512];
	int n;

	n = snprintf(line, sizeof(line), "heddle: lock violation: %s%s[%s]\n", first, link, second);
	if (n > 0)
		(void)!write(STDERR_FILENO, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
	abort();
}

static void check_order(enum hd_lock_rank rank)
{
	char wanted[128];

	for (unsigned i = 0; i < n_held; i++) {
		if (held[i].rank < rank)
			continue;
		(void)snprintf(wanted, sizeof(wanted), "takes [%s]", rank_text[rank]);
		violation(wanted, rank_text[held[i].rank]);
	}
}

static void remember(const void *lock, enum hd_lock_rank rank)
{
	held[n_held].lock = lock;
	held[n_held].rank = rank;
	n_held++;
}

static void forget(const void *lock, enum hd_lock_rank rank)
{
	for (unsigned i = n_held; i > 0; i--) {
		if (held[i - 1].lock != lock)
			continue;
		held[i - 1] = held[--n_held];
		return;
	}
	violation("releases a lock of another thread", rank_text[rank]);
}

static void check_owned(const void *lock, enum hd_lock_rank rank)
{
	for (unsigned i = 0; i < n_held; i++)
		if (held[i].lock == lock)
			return;
	violation("waits without its mutex", rank_text[rank]);
}

void hd_lock_assert_none_held(const char *what)
{
	if (n_held)
		violation(what, rank_text[held[n_held - 1].rank]);
}

#else

static inline void check_order(enum hd_lock_rank rank)
{
	(void)rank;
}

static inline void remember(const void *lock, enum hd_lock_rank rank)
{
	(void)lock;
	(void)rank;
}

static inline void forget(const void *lock, enum hd_lock_rank rank)
{
	(void)lock;
	(void)rank;
}

static inline void check_owned(const void *lock, enum hd_lock_rank rank)
{
	(void)lock;
	(void)rank;
}

void hd_lock_assert_none_held(const char *what)
{
	(void)what;
}

#endif

void hd_mutex_init(struct hd_mutex *mutex, enum hd_lock_rank rank)
{
	(void)pthread_mutex_init(&mutex->native, NULL);
	mutex->rank = rank;
}

void hd_mutex_destroy(struct hd_mutex *mutex)
{
	(void)pthread_mutex_destroy(&mutex->native);
}

void hd_mutex_lock(struct hd_mutex *mutex)
{
	check_order(mutex->rank);
	(void)pthread_mutex_lock(&mutex->native);
	remember(mutex, mutex->rank);
}

void hd_mutex_unlock(struct hd_mutex *mutex)
{
	forget(mutex, mutex->rank);
	(void)pthread_mutex_unlock(&mutex->native);
}

void hd_rwlock_init(struct hd_rwlock *lock, enum hd_lock_rank rank)
{
	pthread_rwlockattr_t attributes;

	(void)pthread_rwlockattr_init(&attributes);
	/* The kind that glibc honours; it forbids recursive reading, as the ranks do. */
	(void)pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&lock->native, &attributes);
	(void)pthread_rwlockattr_destroy(&attributes);
	lock->rank = rank;
}

void hd_rwlock_destroy(struct hd_rwlock *lock)
{
	(void)pthread_rwlock_destroy(&lock->native);
}

void hd_rwlock_read(struct hd_rwlock *lock)
{
	check_order(lock->rank);
	/* EAGAIN: the counter of readers is full; some of them will leave. */
	while (pthread_rwlock_rdlock(&lock->native) == EAGAIN)
		(void)sched_yield();
	remember(lock, lock->rank);
}

void hd_rwlock_write(struct hd_rwlock *lock)
{
	check_order(lock->rank);
	(void)pthread_rwlock_wrlock(&lock->native);
	remember(lock, lock->rank);
}

void hd_rwlock_unlock(struct hd_rwlock *lock)
{
	forget(lock, lock->rank);
	(void)pthread_rwlock_unlock(&lock->native);
}

void hd_condition_init(struct hd_condition *condition)
{
	pthread_condattr_t attributes;

	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&condition->native, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

void hd_condition_destroy(struct hd_condition *condition)
{
	(void)pthread_cond_destroy(&condition->native);
}

void hd_condition_wait(struct hd_condition *condition, struct hd_mutex *mutex)
{
	check_owned(mutex, mutex->rank);
	(void)pthread_cond_wait(&condition->native, &mutex->native);
}

bool hd_condition_wait_until(struct hd_condition *condition, struct hd_mutex *mutex, uint64_t deadline_ns)
{
	struct timespec deadline = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};

	check_owned(mutex, mutex->rank);
	return pthread_cond_timedwait(&condition->native, &mutex->native, &deadline) != ETIMEDOUT;
}

void hd_condition_signal(struct hd_condition *condition)
{
	(void)pthread_cond_signal(&condition->native);
}

void hd_condition_broadcast(struct hd_condition *condition)
{
	(void)pthread_cond_broadcast(&condition->native);
}
